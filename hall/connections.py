"""What the hall bears of a connection: how many from one address, how long a request may take to arrive, how large its
head may be. uvicorn by itself waits for ever for the end of a request, and keeps every header that it is sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from hall.settings import Limits

_WORDS = {408: b"Request Timeout", 431: b"Request Header Fields Too Large", 503: b"Service Unavailable"}


class CarefulProtocol(HttpToolsProtocol):
    """One connection. ``careful`` makes the class that a server is given."""

    limits: Limits
    open: Counter[str]
    """Connections by address."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._began: float | None = None
        """When the request began that is still arriving; None between two."""
        self._head = 0
        self._in_head = False
        self._stuck = False
        self._address = ""
        self._look: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self.open[self._address] += 1
        most = (
            self.limits.connections if self._address in self.limits.unlimited else self.limits.connections_per_address
        )
        if self.open[self._address] > most or len(self.connections) > self.limits.connections:
            self._cut(503)
            return
        self._began = self.loop.time()
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._look is not None:
            self._look.cancel()
        self.open[self._address] -= 1
        if self.open[self._address] <= 0:
            del self.open[self._address]

    def data_received(self, data: bytes) -> None:
        if self._began is None:
            self._began = self.loop.time()
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > self.limits.header_bytes:
                self._cut(431)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._in_head = 0, True
        if self._began is None:
            self._began = self.loop.time()

    def on_headers_complete(self) -> None:
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > self.limits.header_bytes:
            # The parser goes on with what it was given: this request must not reach the hall.
            self._cut(431)
            raise ValueError("a head that is too large")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._began = None

    def _look_later(self) -> None:
        self._look = self.loop.call_later(self.limits.request_s / 2, self._look_now)

    def _look_now(self) -> None:
        """Cut who is too slow: in sending a request, or in taking the answer."""
        if self._began is not None and self.loop.time() - self._began >= self.limits.request_s:
            self._cut(408)
            return
        if self._stuck and self.flow.write_paused:
            self.transport.abort()
            return
        self._stuck = self.flow.write_paused
        self._look_later()

    def _cut(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % (status, _WORDS[status])
            )
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)


def careful(limits: Limits) -> type[CarefulProtocol]:
    """A class of its own for one server: uvicorn makes a connection's protocol from a class alone."""
    return type("CarefulProtocol", (CarefulProtocol,), {"limits": limits, "open": Counter()})
