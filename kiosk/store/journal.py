"""The journal: every fact the hall has to learn, one row each, gapless and chained, until the hall holds it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, text

from kiosk.domain.facts import Fact
from kiosk.domain.messages import CHAIN_START, JournalRow, row_hash
from kiosk.store.database import WALL_CLOCK

_LAST = text("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")
_APPEND = text("INSERT INTO journal (seq, kind, at, clock, body, hash) VALUES (:seq, :kind, :at, :clock, :body, :hash)")
_AFTER = text("SELECT seq, kind, at, clock, body, hash FROM journal WHERE seq > :seq ORDER BY seq LIMIT :limit")
_MARK = text("SELECT incarnation, high_water FROM mark")
_SET_MARK = text("UPDATE mark SET high_water = :seq WHERE high_water < :seq")
#: The newest row stays: the next one chains to it.
_FORGET = text("DELETE FROM journal WHERE seq <= :seq AND seq < (SELECT max(seq) FROM journal)")
#: Its hash alone is needed for that: a return names a person, and nothing of one is kept longer than it must.
_EMPTY = text("UPDATE journal SET body = x'' WHERE seq <= :seq")
#: Rows that the hall does not hold yet.
_WAITING = text("SELECT count(*) FROM journal, mark WHERE seq > high_water")
_NEW_LIFE = (
    text("DELETE FROM journal"),
    text("UPDATE mark SET incarnation = :incarnation, high_water = 0"),
)


@dataclass(frozen=True)
class Mark:
    """How far the hall has come with this disk's journal."""

    incarnation: str
    high_water: int


def append(connection: Connection, fact: Fact, at: datetime) -> int:
    """Add a fact in the caller's transaction; returns its ``seq``. ``at``: trusted time; what the wall clock shows is
    kept beside it."""
    seq, previous = connection.execute(_LAST).one_or_none() or (0, CHAIN_START)
    kind = fact.__struct_config__.tag
    body = msgspec.json.encode(fact)
    wall = connection.get_execution_options().get(WALL_CLOCK)
    clock = wall() if wall is not None else None
    shown = clock.isoformat() if clock is not None else None
    values = {"seq": seq + 1, "kind": kind, "at": at.isoformat(), "clock": shown, "body": body}
    connection.execute(_APPEND, {**values, "hash": row_hash(previous, seq + 1, str(kind), at, body, clock)})
    return int(seq) + 1


def rows_after(connection: Connection, seq: int, limit: int) -> list[JournalRow]:
    """The next rows the hall has not acknowledged, in order."""
    return [
        JournalRow(
            row.seq,
            row.kind,
            datetime.fromisoformat(row.at),
            msgspec.Raw(row.body),
            row.hash,
            datetime.fromisoformat(row.clock) if row.clock is not None else None,
        )
        for row in connection.execute(_AFTER, {"seq": seq, "limit": limit})
    ]


def mark(connection: Connection) -> Mark:
    row = connection.execute(_MARK).one()
    return Mark(row.incarnation, row.high_water)


def acknowledge(connection: Connection, seq: int) -> None:
    """The hall holds everything up to ``seq``: remember it and drop those rows."""
    connection.execute(_SET_MARK, {"seq": seq})
    connection.execute(_FORGET, {"seq": seq})
    connection.execute(_EMPTY, {"seq": seq})


def waiting(connection: Connection) -> int:
    """Rows that the hall does not hold yet."""
    return int(connection.execute(_WAITING).scalar_one())


def begin_new_life(connection: Connection) -> bool:
    """A new incarnation whose first row chains to nothing. False while rows wait: they belong to the old one."""
    if connection.execute(_WAITING).scalar_one():
        return False
    for statement in _NEW_LIFE:
        connection.execute(statement, {"incarnation": secrets.token_hex(16)} if statement is _NEW_LIFE[1] else {})
    return True
