"""Numbered papers and every sheet of the receipt printer. Each method is one transaction.

A certificate or invoice takes a number of a controlled stock. From the moment the kiosk may have been given one there
are two ends: the intent to print it is durable, or the hall is told that the number is void.

    asked ─▶ given ─▶ on_paper
      ├────────┴────▶ void
      └▶ refused       the hall gave none
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, text

from kiosk.domain.filing import DocumentPrinted
from kiosk.domain.papers import CertificatePaper, InvoicePaper, Paper, ReceiptPaper
from kiosk.store import journal
from kiosk.store.database import StoreError, Transaction

Task = Literal["certificate", "invoice"]
Kind = Literal["receipt", "certificate", "invoice"]

_INSERT = text("INSERT INTO issue (key, task, filing, state, asked_at) VALUES (:key, :task, :filing, 'asked', :at)")
_GIVEN = text("UPDATE issue SET state = 'given', number = :number WHERE key = :key AND state = 'asked'")
_REFUSED = text("UPDATE issue SET state = 'refused' WHERE key = :key AND state = 'asked'")
#: Also by its number: an invoice that was given before comes under the key it was first given under.
_ON_PAPER = text(
    "UPDATE issue SET state = 'on_paper' WHERE state IN ('asked', 'given')"
    " AND (key = :key OR (task = :kind AND number = :number AND number != ''))"
)
_VOID = text("UPDATE issue SET state = 'void' WHERE key = :key AND state IN ('asked', 'given') RETURNING task, number")
_OPEN = text("SELECT key FROM issue WHERE state IN ('asked', 'given') ORDER BY asked_at, key")
_FORGET = text("DELETE FROM issue WHERE state NOT IN ('asked', 'given') AND asked_at < :day")
_INTEND = text(
    "INSERT INTO slip (token, number, reprint, state, intended_at, kind, key)"
    " VALUES ('', :number, :reprint, 'intended', :at, :kind, :key) RETURNING id"
)


class NumberVoid(StoreError):
    """This number was given up and may not come onto paper any more."""


class PaperLedger:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def record_issue(self, task: Task, filing: str, now: datetime) -> str:
        """A number is about to be asked for: the new key of its paper."""
        key = secrets.token_hex(16)
        with self._transaction(False) as connection:
            connection.execute(_INSERT, {"key": key, "task": task, "filing": filing, "at": now.isoformat()})
        return key

    def given(self, key: str, number: str) -> bool:
        """The hall gave this number; False when it has been given up meanwhile, so that nobody may use it."""
        with self._transaction(False) as connection:
            return connection.execute(_GIVEN, {"key": key, "number": number}).rowcount == 1

    def refused(self, key: str) -> None:
        """The hall gave no number, for good."""
        with self._transaction(False) as connection:
            connection.execute(_REFUSED, {"key": key})

    def give_up(self, key: str, reason: str, now: datetime) -> None:
        """Whatever number the hall has given under this key, or still may: it is void."""
        with self._transaction(False) as connection:
            _give_up(connection, key, reason, now)

    def record(self, paper: Paper, now: datetime) -> int:
        """The intent to print it; the id of its sheet, whose end goes to ``Store.record_print``. Raises NumberVoid."""
        kind, key, number = _named(paper)
        values = {"kind": kind, "key": key, "number": number, "reprint": int(paper.reprint), "at": now.isoformat()}
        with self._transaction(False) as connection:
            state = connection.execute(text("SELECT state FROM issue WHERE key = :key"), {"key": key}).scalar()
            if state == "void":
                raise NumberVoid(f"the {kind}'s number was given up")
            connection.execute(_ON_PAPER, {"key": key, "kind": kind, "number": number})
            return int(connection.execute(_INTEND, values).scalar_one())


def give_up_open(connection: Connection, reason: str, now: datetime) -> int:
    """Numbers for which no paper was intended are void: nobody waits for them any more. How many."""
    keys = connection.execute(_OPEN).scalars().all()
    for key in keys:
        _give_up(connection, key, reason, now)
    return len(keys)


def forget(connection: Connection, day: str) -> None:
    connection.execute(_FORGET, {"day": day})


def _give_up(connection: Connection, key: str, reason: str, now: datetime) -> None:
    row = connection.execute(_VOID, {"key": key}).one_or_none()
    if row is not None:
        # Without a number where none was heard of: the hall finds it by the key, if it gave one.
        journal.append(connection, DocumentPrinted(row.task, key, row.number, "failed", reason, False), now)


def _named(paper: Paper) -> tuple[Kind, str, str]:
    """Kind, key and number of a sheet."""
    match paper:
        case ReceiptPaper(filing):
            return "receipt", filing.key, ""
        case CertificatePaper(certificate):
            return "certificate", certificate.key, certificate.number
        case InvoicePaper(invoice):
            return "invoice", invoice.key, invoice.number
