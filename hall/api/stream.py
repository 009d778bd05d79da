"""``GET /board/events`` and ``GET /window/events``: the two event streams, as plain ASGI."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from hall.events import Channel, Events, Subscriber

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # A proxy that buffers would hold a call back until the next one.
    (b"x-accel-buffering", b"no"),
]

#: Milliseconds after which a browser that lost the stream tries again.
RETRY = b"retry: 1000\n\n"


async def stream(events: Events, channel: Channel, scope: Scope, receive: Receive, send: Send) -> None:
    """Send what happens until the client goes, cannot keep up, or the hall stops."""
    async with events.subscribe(channel) as subscriber:
        gone = asyncio.create_task(_wait_until_gone(receive, subscriber))
        try:
            await _send_all(events, subscriber, _last_seen(scope), send)
        except asyncio.CancelledError:
            # Only our own cancelling ends here quietly; the connection is closed by returning.
            if not subscriber.dropped:
                raise
        finally:
            gone.cancel()


async def _send_all(events: Events, subscriber: Subscriber, last_seen: int | None, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    sent, first = 0, RETRY
    if last_seen is not None:
        sent, missed = events.missed(subscriber.channel, last_seen)
        first += missed
    await send({"type": "http.response.body", "body": first, "more_body": True})
    while True:
        last_id, chunk = await subscriber.next_chunk()
        # What was read from the table may be in the queue too: a chunk is one commit, so it is there whole or not.
        if last_id == 0 or last_id > sent:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


async def _wait_until_gone(receive: Receive, subscriber: Subscriber) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    subscriber.drop()


def _last_seen(scope: Scope) -> int | None:
    """The event id the client saw last: the browser's header, or ``?after=`` for the first connection of a page."""
    for name, value in scope["headers"]:
        if name == b"last-event-id" and value.isdigit() and len(value) <= 18:
            return int(value)
    for part in scope["query_string"].split(b"&"):
        if part.startswith(b"after=") and part[6:].isdigit() and len(part) <= 24:
            return int(part[6:])
    return None
