"""Server-sent events: what the outbox holds is told to every board and window, once encoded, in order.

A client that comes back names the last event it saw (Last-Event-ID) and gets what it missed from the table. One that
cannot keep up is dropped: it comes back by itself, and the hall's memory stays bounded whatever a browser does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum

import msgspec
from sqlalchemy import Engine

from hall.clock import moment
from hall.queue.views import EventKind, HallEvent, LineEvent
from hall.store import statements

#: Chunks waiting for one subscriber. A chunk is what one commit has changed.
BACKLOG = 64

#: A subscriber who missed more than this is told to load its page anew (``event: reset``).
REPLAY = 1_000

#: Seconds: changes of the line alone are told this often at most; proxies and browsers need a sign of life.
LINE_EVERY, HEARTBEAT_EVERY = 0.5, 15.0

#: The same for the kiosks' page: a thousand of them report a thousand times a minute.
FLEET_EVERY = 1.0

_encode = msgspec.json.Encoder().encode


class Channel(StrEnum):
    BOARD = "board"
    WINDOW = "window"
    FLEET = "fleet"
    """The kiosks' page: told that something changed, never what."""


_BOARD_KINDS = frozenset(EventKind) - {EventKind.ISSUED, EventKind.STARTED, EventKind.VOIDED}
#: Numbers taken are told as ``line`` only: at the peak hundreds are taken a second.
_KINDS = {
    Channel.BOARD: _BOARD_KINDS,
    Channel.WINDOW: frozenset(EventKind) - {EventKind.ISSUED},
    Channel.FLEET: frozenset[EventKind](),
}

_HEARTBEAT = b": \n\n"
_RESET = b"event: reset\ndata: {}\n\n"


def frame(event: HallEvent) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), _encode(event))


class Subscriber:
    """One open stream. ``next_chunk`` gives (id of the last event in it, or 0, and the bytes to send)."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.dropped = False
        self._chunks: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(BACKLOG)
        self._task = asyncio.current_task()

    def push(self, last_id: int, chunk: bytes) -> bool:
        try:
            self._chunks.put_nowait((last_id, chunk))
        except asyncio.QueueFull:
            self.drop()
            return False
        return True

    def drop(self) -> None:
        self.dropped = True
        if self._task is not None:
            self._task.cancel()

    async def next_chunk(self) -> tuple[int, bytes]:
        return await self._chunks.get()


class Events:
    """The dispatcher. Lives on the event loop; only ``published`` may be called from another thread."""

    def __init__(self, reader: Engine, line_now: Callable[[int], LineEvent]) -> None:
        """``line_now(in_line)`` describes the line, for the coalesced ``line`` frames."""
        self._reader = reader
        self._line_now = line_now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscribers: set[Subscriber] = set()
        self._heartbeat: asyncio.Task[None] | None = None
        self._line_due: asyncio.TimerHandle | None = None
        self._fleet_due: asyncio.TimerHandle | None = None
        self._closing = False
        self.in_line = 0
        self.revision = 0
        """Rises with every commit that changed something: snapshots compare it."""

    def start(self, in_line: int) -> None:
        self.in_line = in_line
        self._loop = asyncio.get_running_loop()
        self._heartbeat = self._loop.create_task(self._beat())

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing = True
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        for subscriber in tuple(self._subscribers):
            subscriber.drop()

    @property
    def subscribers(self) -> int:
        return len(self._subscribers)

    def published(self, events: list[HallEvent], in_line: int) -> None:
        """Called in the writer's thread, after the commit."""
        if events and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._deliver, events, in_line)

    def line_changed(self) -> None:
        """Something that ``line`` frames carry has changed: tell it soon."""
        if self._line_due is None and self._loop is not None and not self._closing:
            self._line_due = self._loop.call_later(LINE_EVERY, self._tell_line)

    def fleet_changed(self) -> None:
        """Something about the kiosks is different. On the event loop."""
        if self._fleet_due is None and self._loop is not None and not self._closing:
            self._fleet_due = self._loop.call_later(FLEET_EVERY, self._tell_fleet)

    @asynccontextmanager
    async def subscribe(self, channel: Channel) -> AsyncIterator[Subscriber]:
        subscriber = Subscriber(channel)
        self._subscribers.add(subscriber)
        if self._closing:
            subscriber.drop()
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def missed(self, channel: Channel, after: int) -> tuple[int, bytes]:
        """What came after an event, from the table: (last id, frames)."""
        with self._reader.connect() as connection:
            rows = connection.execute(statements.EVENTS_AFTER, {"after": after, "limit": REPLAY + 1}).all()
            last = connection.execute(statements.LAST_EVENT).scalar_one()
        # More than fits, or an id this hall never gave (the file was restored): start again from the page.
        if len(rows) > REPLAY or after > last:
            return last, _RESET
        events = [
            HallEvent(r.id, EventKind(r.kind), moment(r.at), r.number, r.window, r.to_window, r.calls) for r in rows
        ]
        return last, _frames(events, channel)

    # ---- on the event loop -------------------------------------------------------------------------------------------

    def _deliver(self, events: list[HallEvent], in_line: int) -> None:
        self.in_line = in_line
        self.revision += 1
        chunks = {channel: _frames(events, channel) for channel in Channel} if self._subscribers else {}
        for subscriber in tuple(self._subscribers):
            if chunk := chunks[subscriber.channel]:
                subscriber.push(events[-1].id, chunk)
        self.line_changed()

    def _tell_line(self) -> None:
        self._line_due = None
        data = _encode(self._line_now(self.in_line))
        self._tell_all(b"event: line\ndata: %s\n\n" % data, Channel.BOARD, Channel.WINDOW)

    def _tell_fleet(self) -> None:
        self._fleet_due = None
        self._tell_all(b"event: fleet\ndata: {}\n\n", Channel.FLEET)

    def _tell_all(self, chunk: bytes, *channels: Channel) -> None:
        for subscriber in tuple(self._subscribers):
            if subscriber.channel in channels:
                subscriber.push(0, chunk)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_EVERY)
            self._tell_all(_HEARTBEAT, *Channel)


def _frames(events: Iterable[HallEvent], channel: Channel) -> bytes:
    kinds = _KINDS[channel]
    return b"".join(frame(event) for event in events if event.kind in kinds)
