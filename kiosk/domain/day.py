"""The hall's day. Kiosk and hall must count it alike: a number of a kiosk's own series is unique within it."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

HALL_ZONE = ZoneInfo("Asia/Shanghai")

#: Shipped value of ``day_starts`` in hall.toml and kiosk.toml.
DAY_STARTS = time(6)


def business_day(at: datetime, starts: time) -> str:
    """The day of a moment, as ``2026-11-24``: a 24-hour hall counts from its quietest hour, not from midnight."""
    local = at.astimezone(HALL_ZONE)
    day = local.date()
    return (day if local.time() >= starts else day - timedelta(days=1)).isoformat()
