"""The one writer: commands of many requests in one transaction, one fsync for all, and no answer before it.

A disk makes a few thousand durable commits a second at best; a group of commands costs one. Each command has a
savepoint of its own, so that one that fails leaves the others alone. When the disk itself fails, the whole group fails:
every caller gets StorageFailed, nothing was done, and the next group tries again.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3.dbapi2 as sqlite
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from hall.clock import Clock, SystemClock, milliseconds
from hall.queue.views import EventKind, HallEvent
from hall.store import statements
from hall.store.database import Database

T = TypeVar("T")

#: Commands in one transaction: bounds how long the first of them waits for the last.
GROUP = 256

log = structlog.get_logger("hall.writer")


class StorageFailed(Exception):
    """Nothing was saved: the disk failed."""


class StorageFull(StorageFailed):
    """Nothing was saved: there is no room left on the disk."""


class Work:
    """What a command works with: the connection, the time, and the outbox of this transaction."""

    def __init__(self, connection: Connection, now: datetime, last_event: int, in_line: int) -> None:
        self.connection = connection
        self.now = now
        self.now_ms = milliseconds(now)
        self.in_line = in_line
        """How many tickets wait in line, this transaction's changes included. Commands keep it true."""
        self.events: list[tuple[HallEvent, int | None, int | None]] = []
        self._last_event = last_event

    def record(
        self,
        kind: EventKind,
        *,
        ticket: int | None = None,
        number: str | None = None,
        window: str | None = None,
        to_window: str | None = None,
        calls: int = 0,
        staff: int | None = None,
    ) -> None:
        """Say what happened: stored in the same transaction, told to windows and boards after it."""
        number_of_event = self._last_event + len(self.events) + 1
        happened = HallEvent(number_of_event, kind, self.now, number, window, to_window, calls)
        self.events.append((happened, ticket, staff))

    def flush(self) -> None:
        """Write the outbox rows, all at once."""
        if self.events:
            self.connection.execute(
                statements.INSERT_EVENT,
                [
                    {
                        "id": e.id,
                        "kind": e.kind.value,
                        "at": self.now_ms,
                        "ticket": ticket,
                        "number": e.number,
                        "window": e.window,
                        "to_window": e.to_window,
                        "calls": e.calls,
                        "staff": staff,
                    }
                    for e, ticket, staff in self.events
                ],
            )


Command = Callable[[Work], T]


@dataclass
class _Order:
    """A command and where its answer goes."""

    command: Command[Any]
    future: Future[Any] | None = None
    loop: asyncio.AbstractEventLoop | None = None
    awaited: asyncio.Future[Any] | None = None
    result: Any = None
    error: BaseException | None = field(default=None)


class Writer:
    """Start it once; ``run`` from the event loop, ``submit`` from anywhere else."""

    def __init__(self, engine: Engine, clock: Clock, published: Callable[[list[HallEvent], int], None]) -> None:
        """``published(events, in_line)`` is called in the writer's thread after every commit, in order."""
        self._engine = engine
        self._clock = clock
        self._published = published
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._last_event = 0
        self._in_line = 0
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)

    def start(self) -> None:
        with self._engine.connect() as connection:
            self._look(connection)
        self._thread.start()

    def stop(self) -> None:
        """Finish what was ordered, then end."""
        self._orders.put(None)
        self._thread.join()

    def submit(self, command: Command[T]) -> Future[T]:
        future: Future[T] = Future()
        self._orders.put(_Order(command, future=future))
        return future

    async def run(self, command: Command[T]) -> T:
        """The command's answer after its commit. Raises what the command raised, or StorageFailed."""
        loop = asyncio.get_running_loop()
        awaited: asyncio.Future[T] = loop.create_future()
        self._orders.put(_Order(command, loop=loop, awaited=awaited))
        return await awaited

    # ---- in the writer's thread --------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (first := self._orders.get()) is not None:
            group, ending = [first], False
            while len(group) < GROUP:
                try:
                    order = self._orders.get_nowait()
                except queue.Empty:
                    break
                if order is None:
                    ending = True
                    break
                group.append(order)
            self._carry_out(group)
            if ending:
                break

    def _carry_out(self, group: list[_Order]) -> None:
        try:
            work = self._transact(group)
        except Exception as error:
            # Whatever it was, nothing of this group is on disk, and the next group must find a writer that lives.
            failure = _storage_failure(error)
            log.error("group not saved", problem=type(failure).__name__, detail=str(failure), commands=len(group))
            for order in group:
                order.result, order.error = None, failure
        else:
            self._last_event += len(work.events)
            self._in_line = work.in_line
            self._published([happened for happened, _, _ in work.events], work.in_line)
        _answer(group)

    def _transact(self, group: list[_Order]) -> Work:
        with self._engine.begin() as connection:
            work = Work(connection, self._clock.now(), self._last_event, self._in_line)
            raw: Any = connection.connection.driver_connection
            for order in group:
                self._one(order, work, raw)
            work.flush()
        return work

    def _one(self, order: _Order, work: Work, raw: Any) -> None:
        events, in_line = len(work.events), work.in_line
        raw.execute("SAVEPOINT command")
        try:
            order.result = order.command(work)
        except Exception as error:
            if _is_storage(error):
                raise
            order.error = error
            raw.execute("ROLLBACK TO command")
            del work.events[events:]
            work.in_line = in_line
        raw.execute("RELEASE command")

    def _look(self, connection: Connection) -> None:
        self._last_event = connection.execute(statements.LAST_EVENT).scalar_one()
        self._in_line = connection.execute(statements.COUNT_LINE).scalar_one()


def run_once(data: Path, command: Command[T]) -> T:
    """One command on the hall's file, for the command line. Raises UnfitDatabase, StorageFailed, OSError."""
    database = Database(data)
    writer = Writer(database.writer, SystemClock(), lambda events, in_line: None)
    writer.start()
    try:
        return writer.submit(command).result()
    finally:
        writer.stop()
        database.close()


def _answer(group: list[_Order]) -> None:
    """Resolve what is awaited with one wake-up a loop instead of one a command."""
    awaited: dict[asyncio.AbstractEventLoop, list[_Order]] = {}
    for order in group:
        if order.loop is not None:
            awaited.setdefault(order.loop, []).append(order)
        elif order.future is not None and order.future.set_running_or_notify_cancel():
            if order.error is not None:
                order.future.set_exception(order.error)
            else:
                order.future.set_result(order.result)
    for loop, orders in awaited.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, orders)


def _resolve(orders: list[_Order]) -> None:
    for order in orders:
        awaited = order.awaited
        if awaited is None or awaited.done():
            continue
        if order.error is not None:
            awaited.set_exception(order.error)
        else:
            awaited.set_result(order.result)


def _primary_code(error: BaseException) -> int:
    origin = error.orig if isinstance(error, DBAPIError) else error
    return int(getattr(origin, "sqlite_errorcode", 0) or 0) & 0xFF


#: After these SQLite may have rolled the whole transaction back by itself: no savepoint is left to return to.
_STORAGE = frozenset(
    {
        sqlite.SQLITE_FULL,
        sqlite.SQLITE_IOERR,
        sqlite.SQLITE_NOMEM,
        sqlite.SQLITE_CORRUPT,
        sqlite.SQLITE_READONLY,
        sqlite.SQLITE_BUSY,
        sqlite.SQLITE_CANTOPEN,
    }
)


def _is_storage(error: BaseException) -> bool:
    return _primary_code(error) in _STORAGE


def _storage_failure(error: BaseException) -> StorageFailed:
    if _primary_code(error) == sqlite.SQLITE_FULL:
        return StorageFull("the disk is full")
    return StorageFailed(f"{type(error).__name__}: {getattr(error, 'orig', error)}")
