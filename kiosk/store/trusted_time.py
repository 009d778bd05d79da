"""How far time had come, by the hall's word and by what passed since: the floor that a restarted kiosk goes on from."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

_NAME = "trusted_time"
_GET = text("SELECT value FROM setting WHERE name = :name")
_PUT = text("INSERT INTO setting VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value")
_LAST_FACTS = text("SELECT max(at) FROM journal WHERE seq > :seq")
_LAST_SEQ = text("SELECT coalesce(max(seq), 0) FROM journal")


class TrustedTime(msgspec.Struct, frozen=True):
    told: datetime | None
    """The latest word of the hall; it never goes back."""
    reached: datetime
    """What the kiosk went by when this was written. A word of the hall may put it back: then that is where it is."""


class _Kept(msgspec.Struct, frozen=True):
    time: TrustedTime
    seq: int
    """The last fact written before: later ones have brought time further than ``time.reached``."""


def load(connection: Connection) -> TrustedTime | None:
    """None while nothing was ever kept."""
    value = connection.execute(_GET, {"name": _NAME}).scalar()
    if value is None:
        return None
    kept = msgspec.json.decode(value, type=_Kept)
    reached = kept.time.reached
    since = connection.execute(_LAST_FACTS, {"seq": kept.seq}).scalar()
    if since is not None:
        reached = max(reached, datetime.fromisoformat(since))
    return TrustedTime(kept.time.told, reached)


def keep(connection: Connection, time: TrustedTime) -> None:
    """``told`` only ever grows, whoever writes last: the front end or the sync agent."""
    value = connection.execute(_GET, {"name": _NAME}).scalar()
    before = msgspec.json.decode(value, type=_Kept).time.told if value is not None else None
    told = max((each for each in (before, time.told) if each is not None), default=None)
    seq = connection.execute(_LAST_SEQ).scalar_one()
    kept = _Kept(TrustedTime(told, time.reached), seq)
    connection.execute(_PUT, {"name": _NAME, "value": msgspec.json.encode(kept)})
