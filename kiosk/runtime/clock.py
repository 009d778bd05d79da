"""A kiosk's two clocks: one that people read, one that only goes forward. Passed in, so that time can be simulated."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Protocol

from kiosk.domain.day import HALL_ZONE


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds; only differences mean something. Deadlines are measured by it, whatever the wall clock does."""

    def now(self) -> datetime:
        """Wall-clock time in the hall, with offset."""


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(HALL_ZONE)
