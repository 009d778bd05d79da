"""A kiosk or a hall with one defect: ``python -m tests.crash.kill_points_mutants NAME WORDS…`` runs the program of that
name's side with these words. Each is a mistake that somebody could make, and that a campaign has to notice.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

# ---- the kiosk -----------------------------------------------------------------------------------------------------


def synchronous_normal() -> None:
    """A commit that waits for no disk: fast, and gone with the power."""
    from sqlalchemy import event

    from kiosk.store import store as module

    store: Any = module
    real = store.open_database

    def lax(*words: Any) -> Any:
        engine = real(*words)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = NORMAL"))
        # The connection that brought the schema up to date was made before.
        engine.dispose()
        return engine

    store.open_database = lax


def journal_outside() -> None:
    """The fact in one transaction, its journal row in the next."""
    from kiosk.store import journal
    from kiosk.store.store import Store

    append, transaction, here = journal.append, Store._transaction, threading.local()

    def later(connection: Any, fact: Any, at: datetime) -> int:
        here.facts.append((fact, at))
        return 0

    @contextmanager
    def in_two_steps(self: Store, reads: bool = False) -> Iterator[Any]:
        here.facts = []
        with transaction(self, reads) as connection:
            yield connection
        for fact, at in here.facts:
            with transaction(self, False) as connection:
                append(connection, fact, at)

    journal.append = later
    Store._transaction = in_two_steps  # type: ignore[method-assign]


def print_before_commit() -> None:
    """The slip is on its way while its ticket is still being committed."""
    from kiosk.runtime.printing import PrinterDesk
    from kiosk.store.store import Store

    here = threading.local()

    def hurried(real: Callable[..., Any]) -> Callable[..., Any]:
        def record(self: Store, *words: Any, **named: Any) -> Any:
            here.hurries = True
            try:
                return real(self, *words, **named)
            finally:
                here.hurries = False

        return record

    transaction = Store._transaction

    @contextmanager
    def commits_later(self: Store, reads: bool = False) -> Iterator[Any]:
        if not getattr(here, "hurries", False):
            with transaction(self, reads) as connection:
                yield connection
            return
        connection = self._engine.connect()
        begun = connection.begin()
        yield connection

        def commit() -> None:
            time.sleep(0.4)
            begun.commit()
            connection.close()

        threading.Thread(target=commit).start()

    Store.record_hall_ticket = hurried(Store.record_hall_ticket)  # type: ignore[method-assign]
    Store.record_own_ticket = hurried(Store.record_own_ticket)  # type: ignore[method-assign]
    Store._transaction = commits_later  # type: ignore[method-assign]
    PrinterDesk._record = lambda self, write: threading.Thread(target=write).start()  # type: ignore[method-assign]


def charge_before_commit() -> None:
    """The terminal is told to charge before it is durable that it may have been."""
    from kiosk.store.payments import PaymentLedger

    charging = PaymentLedger.charging

    def later(self: PaymentLedger, key: str, amount: int) -> bool:
        timer = threading.Timer(0.2, charging, (self, key, amount))
        timer.start()
        return True

    PaymentLedger.charging = later  # type: ignore[method-assign]


# ---- the hall ------------------------------------------------------------------------------------------------------


def hall_synchronous_normal() -> None:
    from hall.store import database

    real = database._engine

    def lax(file: Any, begin: str, pragmas: tuple[str, ...], **pool: Any) -> Any:
        kept = tuple("synchronous=NORMAL" if pragma == "synchronous=FULL" else pragma for pragma in pragmas)
        return real(file, begin, kept, **pool)

    database._engine = lax


def sent_unnoted() -> None:
    """A return leaves for its bureau, and nobody has written down that it may have."""
    from hall.filings import settle

    settle._leaves = lambda work, where, sent_before: True


def no_claim() -> None:
    """Who is first in line is looked up beside the transaction that calls: two windows see the same one."""
    from sqlalchemy import text

    from hall.queue import calling
    from hall.queue.refusal import Refused
    from hall.store import statements

    def call_next(self: calling.Seat, request: Any) -> None:
        finished = self._make_room(request)
        values = {"now": self.work.now_ms, "window": self.window, **self.rules.rates}
        with sqlite3.connect(f"file:{self.work.connection.engine.url.database}?mode=ro", uri=True) as beside:
            beside.row_factory = sqlite3.Row
            found = beside.execute(statements.FIRST_IN_LINE.text, values).fetchone()
        beside.close()
        if found is not None:
            row = self.work.connection.execute(text("SELECT * FROM ticket WHERE id = :id"), dict(found))
            self._call(_Stale(row.one(), found["state"]))  # type: ignore[arg-type]
        elif not finished:
            raise Refused("nobody_waiting")

    # Nor does the call itself look whether somebody else was faster.
    statements.CALL = text(statements.CALL.text.replace(" AND state = :state", ""))
    calling.Seat._call_next = call_next  # type: ignore[method-assign]


class _Stale:
    """A ticket with the state it had when it was looked up."""

    def __init__(self, row: Any, state: str) -> None:
        self._row, self.state = row, state

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


KIOSK: dict[str, Callable[[], None]] = {
    "synchronous NORMAL": synchronous_normal,
    "journal row outside its transaction": journal_outside,
    "print before commit": print_before_commit,
    "charge before commit": charge_before_commit,
}
HALL: dict[str, Callable[[], None]] = {
    "synchronous NORMAL at the hall": hall_synchronous_normal,
    "a return sent unnoted": sent_unnoted,
    "a missing claim": no_claim,
}


def program(name: str) -> list[str]:
    """What runs the damaged kiosk or hall in the place of the sound one."""
    return [sys.executable, "-m", "tests.crash.kill_points_mutants", name]


def main() -> None:
    name, *words = sys.argv[1:]
    if name in KIOSK:
        KIOSK[name]()
        from tests.crash import faceless

        faceless.main(*words)
    else:
        HALL[name]()
        sys.argv = ["taxhall", *words]
        from hall.cli import main as taxhall

        taxhall()


if __name__ == "__main__":
    main()
