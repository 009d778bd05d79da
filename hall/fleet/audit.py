"""The hall's audit log: what was done here to kiosks, releases and accounts, by whom. Rows are only ever added, and
each holds the hash of the one before, so that a row that was changed, taken out or put in between shows itself.

Who can write the file can write the whole chain anew; the last hash, copied down elsewhere (``taxhall audit --verify``
prints it), gives that away too.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.messages import CHAIN_START


@dataclass(frozen=True)
class Entry:
    seq: int
    at: datetime
    who: str
    what: str
    subject: str
    """A kiosk, a release, an account."""
    detail: str


@dataclass(frozen=True)
class Verified:
    """``broken``: the first row that does not follow from the one before it, counted from 1; None: all do."""

    rows: int
    broken: int | None
    last_hash: str


def add(work: Work, who: str, what: str, subject: str = "", detail: str = "") -> None:
    """One row in the caller's transaction. Never a taxpayer's name or number."""
    last = work.connection.execute(statements.LAST_AUDIT).one_or_none()
    seq, previous = (last.seq, last.hash) if last is not None else (0, CHAIN_START)
    row = {"seq": seq + 1, "at": work.now_ms, "who": who, "what": what, "subject": subject, "detail": detail}
    work.connection.execute(statements.ADD_AUDIT, {**row, "hash": _hash(previous, *row.values())})


def latest(connection: Connection, limit: int) -> list[Entry]:
    """The newest first."""
    return [_entry(row) for row in connection.execute(statements.AUDIT, {"limit": limit})]


def about(connection: Connection, subject: str, limit: int) -> list[Entry]:
    """The newest of one kiosk, release or account first."""
    return [_entry(row) for row in connection.execute(statements.AUDIT_ABOUT, {"subject": subject, "limit": limit})]


def verify(connection: Connection) -> Verified:
    previous, rows = CHAIN_START, 0
    for row in connection.execute(statements.WHOLE_AUDIT):
        values = (row.seq, row.at, row.who, row.what, row.subject, row.detail)
        if row.seq != rows + 1 or row.hash != _hash(previous, *values):
            return Verified(rows, rows + 1, previous)
        previous, rows = row.hash, rows + 1
    return Verified(rows, None, previous)


def _hash(previous: str, *values: str | int) -> str:
    # JSON, so that no two rows run together to the same bytes.
    return hashlib.sha256(msgspec.json.encode([previous, *values])).hexdigest()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.seq, moment(row.at), row.who, row.what, row.subject, row.detail)
