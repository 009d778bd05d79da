"""The print ledger as it is read: what every sheet of paper of the last thirty days was, and what became of it.

    intended ─▶ sent ─▶ done | failed | uncertain      done is the printer's own word
        └────────────────▶ failed | uncertain          nobody waited any more, or the power was cut

A sheet is never sent twice. Who asks for an uncertain one gets another sheet, marked 补打, with the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from kiosk.store.database import Transaction

SheetKind = Literal["ticket", "receipt", "certificate", "invoice", "test"]
SheetState = Literal["intended", "sent", "done", "failed", "uncertain"]

_LATEST = text(
    "SELECT id, kind, number, key, token, reprint, state, reason, intended_at, ended_at FROM slip"
    " ORDER BY id DESC LIMIT :limit"
)
_UNCERTAIN = text("SELECT count(*) FROM slip WHERE state = 'uncertain' AND intended_at >= :at")
_INTEND_TEST = text(
    "INSERT INTO slip (token, number, reprint, state, intended_at, kind)"
    " VALUES ('', :number, 0, 'intended', :at, 'test') RETURNING id"
)


@dataclass(frozen=True)
class Sheet:
    id: int
    kind: SheetKind
    number: str
    """Of the ticket, certificate or invoice; of a test what was printed; "" for a receipt."""
    of: str
    """What it belongs to: the first signs of a ticket's token or a paper's business key."""
    reprint: bool
    state: SheetState
    reason: str | None
    intended_at: datetime
    ended_at: datetime | None


class PrintLedger:
    """Each method is one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def latest(self, limit: int) -> list[Sheet]:
        """The newest first."""
        with self._transaction(True) as connection:
            return [
                Sheet(
                    id=row.id,
                    kind=row.kind,
                    number=row.number,
                    of=(row.key or row.token)[:12],
                    reprint=bool(row.reprint),
                    state=row.state,
                    reason=row.reason,
                    intended_at=datetime.fromisoformat(row.intended_at),
                    ended_at=datetime.fromisoformat(row.ended_at) if row.ended_at else None,
                )
                for row in connection.execute(_LATEST, {"limit": limit})
            ]

    def uncertain_since(self, at: datetime) -> int:
        """How many sheets intended since then ended nobody knows how."""
        with self._transaction(True) as connection:
            return int(connection.execute(_UNCERTAIN, {"at": at.isoformat()}).scalar_one())

    def record_test(self, sample: str, now: datetime) -> int:
        """The intent to print a sample; its end goes to ``Store.record_print``. Nobody but the ledger learns of it."""
        with self._transaction(False) as connection:
            values = {"number": sample, "at": now.isoformat()}
            return int(connection.execute(_INTEND_TEST, values).scalar_one())
