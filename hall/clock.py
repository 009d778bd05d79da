"""The hall's time. Stored as milliseconds UTC, shown with the hall's offset."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from kiosk.domain.day import HALL_ZONE


class Clock(Protocol):
    def now(self) -> datetime:
        """With the hall's offset."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(HALL_ZONE)


def milliseconds(moment: datetime) -> int:
    """Since 1970 UTC. ``moment`` carries an offset."""
    return int(moment.timestamp() * 1000)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(HALL_ZONE)
