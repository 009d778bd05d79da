"""The hall's time. Stored as milliseconds UTC, shown with the hall's offset, counted in business days."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

HALL_ZONE = ZoneInfo("Asia/Shanghai")


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


def business_day(at: datetime, starts: time) -> str:
    """The day of a moment, as ``2026-11-24``: a 24-hour hall counts from its quietest hour, not from midnight."""
    local = at.astimezone(HALL_ZONE)
    day = local.date()
    return (day if local.time() >= starts else day - timedelta(days=1)).isoformat()
