"""The audit log: what was done to the machine, by whom. Rows are only ever added, and each holds the hash of the one
before it, so that a row that was changed, taken out or put in between shows itself.

The same transaction puts the row into the journal: the hall holds a copy within a second, and who rewrites the whole
chain here, key in hand, is given away there.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from kiosk.domain.fleet import Audited
from kiosk.domain.messages import CHAIN_START
from kiosk.store import journal
from kiosk.store.database import Transaction

_LAST = text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
_ADD = text("INSERT INTO audit VALUES (:seq, :at, :who, :what, :detail, :hash)")
_ALL = text("SELECT seq, at, who, what, detail, hash FROM audit ORDER BY seq")
_LATEST = text("SELECT seq, at, who, what, detail FROM audit ORDER BY seq DESC LIMIT :limit")


@dataclass(frozen=True)
class AuditRow:
    seq: int
    at: datetime
    who: str
    """A technician's id, ``hall:<name>`` for an order, ``kiosk`` for what the machine did by itself."""
    what: str
    detail: str


def add(connection: Connection, who: str, what: str, detail: str, at: datetime) -> int:
    """One row, and the journal's copy of it, in the caller's transaction. Returns its ``seq``. ``at``: trusted time.

    Never a taxpayer's name or number: the log goes to the hall, and into bundles.
    """
    seq, previous = connection.execute(_LAST).one_or_none() or (0, CHAIN_START)
    chained = _hash(previous, seq + 1, at.isoformat(), who, what, detail)
    row = {"seq": seq + 1, "at": at.isoformat(), "who": who, "what": what, "detail": detail, "hash": chained}
    connection.execute(_ADD, row)
    journal.append(connection, Audited(what, who, detail), at)
    return int(seq) + 1


def _hash(previous: str, seq: int, at: str, who: str, what: str, detail: str) -> str:
    # JSON, so that no two rows run together to the same bytes.
    return hashlib.sha256(msgspec.json.encode([previous, seq, at, who, what, detail])).hexdigest()


class AuditLog:
    """Each method is one transaction. Raises StoreFailed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, who: str, what: str, detail: str, at: datetime) -> int:
        with self._transaction(False) as connection:
            return add(connection, who, what, detail, at)

    def latest(self, limit: int) -> list[AuditRow]:
        """The newest first."""
        with self._transaction(True) as connection:
            return [
                AuditRow(row.seq, datetime.fromisoformat(row.at), row.who, row.what, row.detail)
                for row in connection.execute(_LATEST, {"limit": limit})
            ]

    def verify(self) -> int | None:
        """The sequence at which the chain is broken first, counted from 1; None: it is whole."""
        previous, expected = CHAIN_START, 1
        with self._transaction(True) as connection:
            for row in connection.execute(_ALL):
                if row.seq != expected or row.hash != _hash(previous, row.seq, row.at, row.who, row.what, row.detail):
                    return expected
                previous, expected = row.hash, expected + 1
        return None
