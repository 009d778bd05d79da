"""How much anybody may ask: buckets that fill at a rate, by kiosk and by address. More is told 429.

What a hall's own people do stays far below; what is held off is a loop gone wild, and somebody who tries things out.
Wrong passwords and wrong codes have a count of their own (``hall.queue.staff.Attempts``).
"""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Receive, Scope, Send

from hall.api.answers import problem
from hall.queue.refusal import Refused
from hall.settings import Limits as Figures


class Buckets:
    """One bucket a name, full at first. Kept while it is in use: a full one and no bucket are the same."""

    #: Names kept at most; the longest unused goes first.
    LIMIT = 20_000

    def __init__(self, rate: float, burst: float) -> None:
        """``rate``: a second."""
        self._rate, self._burst = rate, burst
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> bool:
        """False when there is nothing left."""
        now = time.monotonic()
        left = self._now(name, now)
        self._left.pop(name, None)
        self._left[name] = max(0.0, left - 1), now
        if len(self._left) > self.LIMIT:
            del self._left[next(iter(self._left))]
        return left >= 1

    def empty(self, name: str) -> bool:
        return self._now(name, time.monotonic()) < 1

    def _now(self, name: str, now: float) -> float:
        left, at = self._left.get(name, (self._burst, now))
        return min(self._burst, left + (now - at) * self._rate)


class Limits:
    """Raises Refused(slow_down, 429)."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._unlimited = frozenset(figures.unlimited)
        self._kiosks = Buckets(figures.kiosk_rate, figures.kiosk_burst)
        self._public = Buckets(figures.address_rate, figures.address_burst)
        self._strangers = Buckets(figures.stranger_rate, figures.stranger_burst)

    def check_kiosk(self, kiosk: str) -> None:
        """After its signature: nobody else can use a kiosk's share up."""
        if not self._kiosks.take(kiosk):
            raise Refused("slow_down", 429)

    def check_strangers(self, address: str) -> None:
        """Before a signature is looked at: it costs more than it costs to send one."""
        if self._strangers.empty(address):
            raise Refused("slow_down", 429)

    def stranger(self, address: str) -> None:
        """A signature that was not good came from here."""
        if address not in self._unlimited:
            self._strangers.take(address)

    def allows(self, address: str) -> bool:
        return address in self._unlimited or self._public.take(address)


class PublicLimit:
    """ASGI middleware: what needs no signature is counted by address, before anything is done for it."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Kiosks' requests are counted by kiosk; a hall's kiosks may all come from one address.
        if scope["type"] == "http" and not scope["path"].startswith("/kiosk/"):
            client = scope.get("client")
            if not self._limits.allows(client[0] if client else ""):
                refusal = problem(429, "slow_down", headers={"retry-after": "1"})
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)
