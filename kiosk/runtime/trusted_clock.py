"""The time this kiosk goes by: what its hall last told it and what has passed since, whatever the wall clock shows.

A kiosk's battery dies and it is 1970; a technician types 2099. Numbers begin anew by business day, a return's legal
time is the moment of the touch, so neither may hang on the wall clock. Three sources, in this order:

- *The hall's word* (``Hall-Time`` on its answers). It is kept on disk and never goes back: a floor.
- *The monotonic clock* carries it on while the machine runs: some seconds in thirty days, and nobody can set it.
- *The wall clock* is asked once, at a start, for how long the machine was off: only a reading between the floor and
  ``LONGEST_OFF`` after it can be true. Any other is set aside, and time goes on from the floor; that is behind by the
  time that the machine was off, until the hall is heard, so that nothing is ever later than it was in law.

What the wall clock showed is kept beside every fact all the same.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kiosk.domain.day import HALL_ZONE
from kiosk.runtime.clock import Clock

if TYPE_CHECKING:
    # The first page needs this clock, and stands before the store is opened.
    from kiosk.store.store import Store


LONGEST_OFF = timedelta(days=40)
"""Thirty days without the hall are promised; a machine that was off for longer does not know the time by itself."""

AGREES_S = 5.0
"""The hall's word within this of ours is our own time and the way of the answer: nothing is moved for it."""

KEEP_EVERY_S = 60.0


class TrustedClock:
    """A ``Clock``. Until ``trust`` it shows the wall clock as it was at the start; safe to use from any thread."""

    def __init__(self, clock: Clock, longest_off: timedelta = LONGEST_OFF) -> None:
        self._clock = clock
        self._longest_off = longest_off
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._told: datetime | None = None
        self._anchor = clock.now()
        self._anchored_at = clock.monotonic()
        self._kept_at = float("-inf")
        self._certain = False

    @property
    def certain(self) -> bool:
        """Whether the hall has said the time since the start. Before that the wall clock may be believed and wrong."""
        return self._certain

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def now(self) -> datetime:
        with self._lock:
            return self._now()

    def wall(self) -> datetime:
        """What the machine's own clock shows, right or wrong."""
        return self._clock.now()

    def _now(self) -> datetime:
        return self._anchor + timedelta(seconds=self._clock.monotonic() - self._anchored_at)

    def trust(self, store: Store) -> None:
        """Go on from what was known before the last stop. Raises StoreFailed."""
        kept = store.trusted_time()
        store.wall = self.wall
        with self._lock:
            self._store = store
            if kept is None:
                return
            self._told = kept.told
            now = self._now()
            if not kept.reached <= now <= kept.reached + self._longest_off:
                _warn("clock-set-aside", shows=now.isoformat(), goes_on_from=kept.reached.isoformat())
                self._move_to(kept.reached)

    def hall_told(self, told: datetime) -> None:
        """The hall says what time it is. A word from before an earlier one is an old answer and changes nothing."""
        with self._lock:
            if self._told is not None and told < self._told:
                if self._told - told > timedelta(seconds=AGREES_S):
                    _warn("hall-time-behind", told=told.isoformat(), earlier=self._told.isoformat())
                return
            self._told, self._certain = told.astimezone(HALL_ZONE), True
            off = (self._told - self._now()).total_seconds()
            if abs(off) > AGREES_S:
                _warn("clock-corrected", by_s=round(off))
                self._move_to(self._told)
            else:
                return
        self.keep()

    def keep(self) -> None:
        """Make durable how far time has come; a start after a power cut goes on from here at the earliest."""
        from kiosk.store.database import StoreFailed
        from kiosk.store.trusted_time import TrustedTime

        with self._lock:
            store, told, now = self._store, self._told, self._now()
            self._kept_at = self._clock.monotonic()
        if store is None:
            return
        try:
            store.keep_trusted_time(TrustedTime(told, now))
        except StoreFailed as problem:
            _warn("storage-failed", reason=str(problem))

    def keep_if_due(self) -> None:
        """For whoever rests now and then: at most once in KEEP_EVERY_S."""
        if self._clock.monotonic() - self._kept_at >= KEEP_EVERY_S:
            self.keep()

    def _move_to(self, moment: datetime) -> None:
        self._anchor, self._anchored_at = moment.astimezone(HALL_ZONE), self._clock.monotonic()


def _warn(event: str, **fields: object) -> None:
    import structlog

    structlog.get_logger().warning(event, **fields)
