"""What is wanted of this machine: locked or not, a restart, which orders of the hall were heard. The sync agent and
maintenance mode write it, the front end looks.

An order is heard once: its number, what it changes, the audit row and the answer are one transaction, so that a power
cut leaves an order that was carried out and is answered, or one that was never heard and comes again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from sqlalchemy import Connection, text

from kiosk.domain.fleet import OrderAnswer
from kiosk.store import audit
from kiosk.store.database import Transaction

#: Starts are remembered for so long.
STARTS_KEPT = timedelta(days=30)

_GET = text("SELECT locked, locked_words, restart, last_order FROM standing")
_LOCK = text("UPDATE standing SET locked = :locked, locked_words = :words")
_RESTART = text("UPDATE standing SET restart = :at")
_HEARD = text("UPDATE standing SET last_order = :number WHERE last_order < :number")
_ANSWER = text("INSERT INTO order_answer VALUES (:id, :body, 0) ON CONFLICT (id) DO NOTHING")
_KNOWN = text("SELECT 1 FROM order_answer WHERE id = :id")
_TO_SEND = text("SELECT id, body FROM order_answer WHERE sent = 0")
_SENT = text("UPDATE order_answer SET sent = 1, body = x'' WHERE id = :id")
_START = text("INSERT INTO start (at) VALUES (:at)")
_FORGET_STARTS = text("DELETE FROM start WHERE at < :at")
_STARTS = text("SELECT count(*) FROM start WHERE at >= :at")


@dataclass(frozen=True)
class Standing:
    locked: bool
    words: str
    restart_at: int
    """When a restart was asked for last, in ``uptime_ms``; 0 never. Processes older than that are meant."""
    last_order: int


def uptime_ms() -> int:
    """Milliseconds since the machine was switched on: the same for every process, and nobody can set it."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def process_began_ms() -> int:
    """The same of when this process began."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[19]) * 1000 // os.sysconf("SC_CLK_TCK")


class StandingBook:
    """Each method is one transaction. Raises StoreFailed. Times that are passed in are trusted time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def look(self) -> Standing:
        with self._transaction(True) as connection:
            row = connection.execute(_GET).one()
            return Standing(bool(row.locked), row.locked_words, row.restart, row.last_order)

    # ---- asked for -------------------------------------------------------------------------------------------------

    def lock(self, words: str, who: str, at: datetime) -> None:
        """Out of service after the visit in progress. ``words`` are shown; "": the page's own."""
        with self._transaction(False) as connection:
            set_locked(connection, True, words)
            audit.add(connection, who, "locked", words, at)

    def unlock(self, who: str, at: datetime) -> None:
        with self._transaction(False) as connection:
            set_locked(connection, False)
            audit.add(connection, who, "unlocked", "", at)

    def ask_restart(self) -> None:
        """The front end ends once nobody stands before it, and is started anew. Who asked audits it."""
        with self._transaction(False) as connection:
            set_restart(connection)

    # ---- orders ----------------------------------------------------------------------------------------------------

    def is_answered(self, order: str) -> bool:
        with self._transaction(True) as connection:
            return connection.execute(_KNOWN, {"id": order}).first() is not None

    def carry_out(
        self,
        order: str,
        number: int,
        answer: OrderAnswer,
        change: Callable[[Connection], None],
        audited: tuple[str, str, str],
        at: datetime,
    ) -> bool:
        """All of it or nothing. False: one of this number or a later one was heard before, and nothing is changed.

        ``audited``: who, what, detail.
        """
        with self._transaction(False) as connection:
            if not connection.execute(_HEARD, {"number": number}).rowcount:
                return False
            change(connection)
            audit.add(connection, *audited, at)
            connection.execute(_ANSWER, {"id": order, "body": msgspec.json.encode(answer)})
            return True

    def refuse(
        self, order: str, number: int | None, answer: OrderAnswer, audited: tuple[str, str, str], at: datetime
    ) -> None:
        """It is answered, and changes nothing.

        ``order``: its id, "" where none can be read. ``number``: of a genuine order, which is passed over for good.
        """
        with self._transaction(False) as connection:
            if number is not None:
                connection.execute(_HEARD, {"number": number})
            audit.add(connection, *audited, at)
            if order:
                connection.execute(_ANSWER, {"id": order, "body": msgspec.json.encode(answer)})

    def answers_to_send(self) -> dict[str, OrderAnswer]:
        """By the order's id."""
        with self._transaction(True) as connection:
            return {row.id: msgspec.json.decode(row.body, type=OrderAnswer) for row in connection.execute(_TO_SEND)}

    def answer_sent(self, order: str) -> None:
        """The hall has it: what it said is dropped here, that it was answered is not."""
        with self._transaction(False) as connection:
            connection.execute(_SENT, {"id": order})

    # ---- starts of the front end -----------------------------------------------------------------------------------

    def note_start(self, at: datetime) -> None:
        with self._transaction(False) as connection:
            connection.execute(_START, {"at": at.isoformat()})
            connection.execute(_FORGET_STARTS, {"at": (at - STARTS_KEPT).isoformat()})

    def starts_since(self, at: datetime) -> int:
        with self._transaction(True) as connection:
            return int(connection.execute(_STARTS, {"at": at.isoformat()}).scalar_one())


def set_locked(connection: Connection, locked: bool, words: str = "") -> None:
    connection.execute(_LOCK, {"locked": int(locked), "words": words})


def set_restart(connection: Connection) -> None:
    connection.execute(_RESTART, {"at": uptime_ms()})
