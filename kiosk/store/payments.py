"""Payments: what was about to be charged, and how it ended by the terminal's own word. Each method is one transaction.

    intended ─▶ held ─▶ charging ─▶ approved ─▶ to_reverse ─▶ reversed
       │         │         ├─────▶ refused
       └────▶ refused ◀────┘       ▲
                           └▶ unknown ─▶ approved | refused | reversed

Only what the hall holds may be charged, and only once: ``charging`` is durable before the terminal hears of it, and
nothing leads back to it. Facts for the hall are journalled in the transaction in which they become true.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

import msgspec
from sqlalchemy import Connection, text

from kiosk.domain.filing import (
    Charge,
    PaymentBegun,
    PaymentEnded,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    TerminalJournal,
)
from kiosk.store import journal
from kiosk.store.database import Transaction

State = Literal["intended", "held", "charging", "approved", "refused", "unknown", "to_reverse", "reversed"]

#: From where each state may be reached; nothing else is written.
COMES_FROM: dict[State, frozenset[State]] = {
    "held": frozenset({"intended"}),
    "charging": frozenset({"held"}),
    "approved": frozenset({"charging", "unknown"}),
    "refused": frozenset({"intended", "held", "charging", "unknown"}),
    "unknown": frozenset({"charging"}),
    "to_reverse": frozenset({"approved"}),
    "reversed": frozenset({"to_reverse", "charging", "unknown"}),
}

_INSERT = text(
    "INSERT INTO payment (key, state, amount, begun_at, request) VALUES (:key, 'intended', :amount, :at, :request)"
)
_ROW = text("SELECT key, state, amount, request, charge, hall FROM payment WHERE key = :key")
_OPEN = text(
    "SELECT key, state, amount, request, charge, hall FROM payment"
    " WHERE state NOT IN ('refused', 'reversed') ORDER BY begun_at, key"
)
_SET_STATE = text("UPDATE payment SET state = :state WHERE key = :key")
#: Whose it was and for what is of no more use here: the hall holds it.
_END = text("UPDATE payment SET state = :state, request = NULL, charge = :charge WHERE key = :key")
_SET_HALL = text("UPDATE payment SET hall = :hall WHERE key = :key")
_FORGET_CHARGE = text("UPDATE payment SET charge = NULL WHERE key = :key")
#: What is entered or not charged is the hall's to remember; everything else is kept however old it is.
_FORGET = text(
    "DELETE FROM payment WHERE begun_at < :day"
    " AND (state IN ('refused', 'reversed') OR (state = 'approved' AND hall = 'entered'))"
)


@dataclass(frozen=True)
class Payment:
    key: str
    state: State
    amount: int
    """Fen."""
    charge: Charge | None
    hall: str | None
    """The hall's last word (filing.PaymentState); None while it has said nothing since the charge."""


class PaymentLedger:
    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def record(self, request: PaymentRequest) -> None:
        """This is about to be charged. Nothing has been asked of anybody yet."""
        values = {"key": request.key, "amount": request.amount, "at": request.begun_at.isoformat()}
        with self._transaction(False) as connection:
            connection.execute(_INSERT, {**values, "request": msgspec.json.encode(request)})

    def held(self, key: str) -> bool:
        """The hall holds the filings for it; False when it has been given up meanwhile: then it must not be charged."""
        with self._transaction(False) as connection:
            return _move(connection, key, "held") is not None

    def charging(self, key: str, amount: int) -> bool:
        """The terminal is about to be told. False: this must not be charged (not held, charged before, another sum)."""
        with self._transaction(False) as connection:
            row = connection.execute(_ROW, {"key": key}).one_or_none()
            if row is None or row.amount != amount:
                return False
            return _move(connection, key, "charging") is not None

    def unknown(self, key: str, now: datetime) -> None:
        """The terminal may have charged. The hall is told that, so that it holds the filings until it is known."""
        with self._transaction(False) as connection:
            _become_unknown(connection, key, now)

    def ended(self, key: str, result: PaymentResult, now: datetime) -> bool:
        """The terminal's word. False: it was known already, or cannot follow from what is known."""
        with self._transaction(False) as connection:
            return _end(connection, key, result, now)

    def refused(self, key: str, now: datetime) -> bool:
        """Never charged. False once a terminal may have been told: then only its own word counts."""
        with self._transaction(False) as connection:
            return _refuse_uncharged(connection, key, now)

    def hall_says(self, view: PaymentView) -> None:
        """The hall's word on a payment. Is there nothing left to pay for, the charge is to be given back."""
        with self._transaction(False) as connection:
            connection.execute(_SET_HALL, {"key": view.key, "hall": view.state})
            if view.state == "to_reverse":
                _move(connection, view.key, "to_reverse")
            elif view.state == "entered":
                connection.execute(_FORGET_CHARGE, {"key": view.key})

    def get(self, key: str) -> Payment | None:
        with self._transaction(True) as connection:
            row = connection.execute(_ROW, {"key": key}).one_or_none()
            return _payment(row) if row else None

    def open(self) -> list[Payment]:
        """What has not ended: neither refused, nor given back, nor entered. Oldest first."""
        with self._transaction(True) as connection:
            payments = [_payment(row) for row in connection.execute(_OPEN)]
        return [payment for payment in payments if not (payment.state == "approved" and payment.hall == "entered")]

    # ---- the terminal's own days -----------------------------------------------------------------------------------

    def keep_terminal_day(self, day: TerminalJournal, complete: bool, now: datetime) -> None:
        """``complete``: read after the day had ended."""
        values = {"day": day.day.isoformat(), "body": msgspec.json.encode(day), "at": now.isoformat()}
        with self._transaction(False) as connection:
            connection.execute(
                text("INSERT INTO terminal_journal VALUES (:day, :body, :at, :complete, 0) ON CONFLICT (day)"
                     " DO UPDATE SET body = :body, read_at = :at, complete = :complete, sent = 0"),
                {**values, "complete": int(complete)},
            )  # fmt: skip

    def complete_terminal_days(self) -> set[str]:
        with self._transaction(True) as connection:
            return set(connection.execute(text("SELECT day FROM terminal_journal WHERE complete = 1")).scalars())

    def terminal_days_to_send(self) -> list[TerminalJournal]:
        with self._transaction(True) as connection:
            rows = connection.execute(text("SELECT body FROM terminal_journal WHERE sent = 0 ORDER BY day")).scalars()
            return [msgspec.json.decode(body, type=TerminalJournal) for body in rows]

    def terminal_day_sent(self, day: TerminalJournal) -> None:
        """Only if nothing newer was read meanwhile."""
        values = {"day": day.day.isoformat(), "body": msgspec.json.encode(day)}
        with self._transaction(False) as connection:
            connection.execute(text("UPDATE terminal_journal SET sent = 1 WHERE day = :day AND body = :body"), values)


def refuse_uncharged(connection: Connection, now: datetime) -> int:
    """Give up what no terminal was told of: nobody waits for it any more. How many."""
    return sum(_refuse_uncharged(connection, row.key, now) for row in connection.execute(_OPEN).all())


def doubt_charging(connection: Connection, now: datetime) -> int:
    """What was being charged when the power went: the terminal may have done it. How many."""
    keys = [row.key for row in connection.execute(_OPEN).all() if row.state == "charging"]
    for key in keys:
        _become_unknown(connection, key, now)
    return len(keys)


def forget(connection: Connection, day: str) -> None:
    connection.execute(_FORGET, {"day": day})
    connection.execute(text("DELETE FROM terminal_journal WHERE sent = 1 AND day < :day"), {"day": day})


def _move(connection: Connection, key: str, state: State) -> Payment | None:
    """Go to ``state`` if that can follow; the payment as it was before, None if it could not."""
    row = connection.execute(_ROW, {"key": key}).one_or_none()
    if row is None or row.state not in COMES_FROM[state]:
        return None
    connection.execute(_SET_STATE, {"key": key, "state": state})
    return _payment(row)


def _become_unknown(connection: Connection, key: str, now: datetime) -> None:
    request = connection.execute(text("SELECT request FROM payment WHERE key = :key"), {"key": key}).scalar()
    if _move(connection, key, "unknown") is not None and request is not None:
        journal.append(connection, PaymentBegun(msgspec.json.decode(request, type=PaymentRequest)), now)


def _refuse_uncharged(connection: Connection, key: str, now: datetime) -> bool:
    row = connection.execute(_ROW, {"key": key}).one_or_none()
    if row is None or row.state not in ("intended", "held"):
        return False
    return _end(connection, key, PaymentResult("refused"), now)


def _end(connection: Connection, key: str, result: PaymentResult, now: datetime) -> bool:
    before = _move(connection, key, cast(State, result.outcome))
    if before is None:
        return False
    if result.outcome == "reversed" and result.charge is None:
        result = PaymentResult("reversed", before.charge)
    # The charge stays until it is entered: a reversal names it.
    charge = msgspec.json.encode(result.charge) if result.outcome == "approved" else None
    connection.execute(_END, {"key": key, "state": result.outcome, "charge": charge})
    journal.append(connection, PaymentEnded(key, result), now)
    return True


def _payment(row: object) -> Payment:
    key, state, amount, _, charge, hall = cast(tuple[str, State, int, bytes | None, bytes | None, str | None], row)
    return Payment(key, state, amount, msgspec.json.decode(charge, type=Charge) if charge else None, hall)
