"""One open stream to each kiosk: it hears at once that a release is offered or an order given.

A ring only says *look*: what a kiosk should hear is read from the books then, for all that were rung together, so that
a thousand kiosks rung at once are a few statements in another thread, and nothing is held for a kiosk that is away. One
that comes back is rung by coming; what it missed is in the books, and in the answer to its next report.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import msgspec
import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from kiosk.domain.fleet import ReportReply

#: Seconds: proxies need a sign of life, and a kiosk takes a line that is silent for three of them for dead.
HEARTBEAT_EVERY = 15.0

#: Chunks waiting for one kiosk. A chunk is everything it should know, so that a dropped one costs nothing.
_BACKLOG = 4

_BEAT = b": \n\n"

_encode = msgspec.json.Encoder().encode

log = structlog.get_logger("hall")


class Line:
    """One open stream."""

    def __init__(self) -> None:
        self.dropped = False
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue(_BACKLOG)
        self._task = asyncio.current_task()

    def push(self, chunk: bytes) -> None:
        try:
            self._chunks.put_nowait(chunk)
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        self.dropped = True
        if self._task is not None:
            self._task.cancel()

    async def next_chunk(self) -> bytes:
        return await self._chunks.get()


class Calls:
    """Lives on the event loop; only ``ring`` may be called from another thread."""

    def __init__(self, reader: Engine, told: Callable[[Connection, str], ReportReply]) -> None:
        """``told(connection, kiosk)``: which release it should run, and the orders that it has not answered."""
        self._reader, self._told = reader, told
        self._lines: dict[str, set[Line]] = {}
        self._rung: set[str] = set()
        self._ringing = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = [self._loop.create_task(self._tell()), self._loop.create_task(self._beat())]

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        for lines in list(self._lines.values()):
            for line in list(lines):
                line.drop()

    @property
    def listening(self) -> int:
        return len(self._lines)

    def ring(self, *kiosks: str) -> None:
        """Have these kiosks hear what is for them now. Call it after the commit that changed it."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ring, kiosks)

    @asynccontextmanager
    async def line(self, kiosk: str) -> AsyncIterator[Line]:
        line = Line()
        self._lines.setdefault(kiosk, set()).add(line)
        if self._closing:
            line.drop()
        self._ring((kiosk,))
        try:
            yield line
        finally:
            self._lines[kiosk].discard(line)
            if not self._lines[kiosk]:
                del self._lines[kiosk]

    # ---- on the event loop -----------------------------------------------------------------------------------------

    def _ring(self, kiosks: Iterable[str]) -> None:
        self._rung.update(kiosk for kiosk in kiosks if kiosk in self._lines)
        if self._rung:
            self._ringing.set()

    async def _tell(self) -> None:
        while True:
            await self._ringing.wait()
            self._ringing.clear()
            rung, self._rung = self._rung, set()
            try:
                chunks = await asyncio.to_thread(self._read, sorted(rung))
            except SQLAlchemyError as problem:
                log.warning("kiosks not told", problem=type(problem).__name__, kiosks=len(rung))
                await asyncio.sleep(1.0)
                self._ring(rung)
                continue
            for kiosk, chunk in chunks.items():
                for line in list(self._lines.get(kiosk, ())):
                    line.push(chunk)

    def _read(self, kiosks: list[str]) -> dict[str, bytes]:
        with self._reader.connect() as connection:
            return {kiosk: _frames(self._told(connection, kiosk)) for kiosk in kiosks}

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_EVERY)
            for lines in list(self._lines.values()):
                for line in list(lines):
                    line.push(_BEAT)


def _frames(told: ReportReply) -> bytes:
    release = b'event: release\ndata: {"release":%d}\n\n' % told.release
    return release + b"".join(b"event: order\ndata: %s\n\n" % _encode(order) for order in told.orders)
