"""What each kiosk last said of itself, and whether it still says anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.fleet import audit
from hall.queue.refusal import Refused
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.fleet import KioskReport, Readiness

#: Silent for so many reports is offline.
SILENT_REPORTS = 3

_report = msgspec.json.Decoder(KioskReport)
_encode = msgspec.json.Encoder().encode

#: Releases are published for a group by this name.
_GROUP = re.compile(r"[\w-]{1,32}")

_SHOWN = 20


@dataclass(frozen=True)
class Kiosk:
    id: str
    enrolled_at: datetime
    revoked: bool
    group: str
    heard_at: datetime | None
    online: bool
    report: KioskReport | None
    """The last one; None before the first."""


@dataclass(frozen=True)
class Ready:
    """One readiness report. ``genuine``: its signature is this kiosk's. ``report`` None: it cannot be read any more."""

    at: datetime
    technician: str
    ready: bool
    genuine: bool
    report: Readiness | None


@dataclass(frozen=True)
class Done:
    """One row of a kiosk's own audit log, as its journal told it."""

    at: datetime
    who: str
    what: str
    detail: str


def take_in(work: Work, kiosk: str, report: KioskReport) -> None:
    work.connection.execute(statements.KEEP_REPORT, {"kiosk": kiosk, "now": work.now_ms, "body": _encode(report)})


def fleet(connection: Connection, now: datetime, report_s: float) -> list[Kiosk]:
    """Every kiosk that was ever enrolled, K2 before K10."""
    return [_kiosk(row, now, report_s) for row in connection.execute(statements.FLEET)]


def one(connection: Connection, kiosk: str, now: datetime, report_s: float) -> Kiosk | None:
    row = connection.execute(statements.ONE_OF_FLEET, {"kiosk": kiosk}).one_or_none()
    return None if row is None else _kiosk(row, now, report_s)


def _kiosk(row: Row[Any], now: datetime, report_s: float) -> Kiosk:
    heard = moment(row.received_at) if row.received_at is not None else None
    online = (
        heard is not None and row.revoked_at is None and now - heard <= timedelta(seconds=SILENT_REPORTS * report_s)
    )
    try:
        report = _report.decode(row.body) if row.body is not None else None
    except msgspec.MsgspecError:
        # Of an older version of this software: the next one comes within a minute.
        report = None
    return Kiosk(
        row.id, moment(row.enrolled_at), row.revoked_at is not None, row.group_name or "", heard, online, report
    )


def readiness(connection: Connection, kiosk: str) -> list[Ready]:
    """The newest first."""
    return [_ready(row) for row in connection.execute(statements.READINESS_OF, {"kiosk": kiosk, "limit": _SHOWN})]


def last_readiness(connection: Connection) -> dict[str, tuple[datetime, bool]]:
    """By kiosk: when it was tested last, and whether it was ready then, by a report that is genuine."""
    rows = connection.execute(statements.LAST_READINESS)
    return {row.kiosk: (moment(row.at), bool(row.ready and row.genuine)) for row in rows}


def done_there(connection: Connection, kiosk: str) -> list[Done]:
    """The newest first."""
    rows = connection.execute(statements.KIOSK_AUDIT, {"kiosk": kiosk, "limit": 2 * _SHOWN})
    return [Done(moment(row.at), row.who, row.what, row.detail) for row in rows]


def _ready(row: Row[Any]) -> Ready:
    try:
        report = msgspec.json.decode(row.report, type=Readiness)
    except msgspec.MsgspecError:
        report = None
    return Ready(moment(row.at), row.technician, bool(row.ready), bool(row.genuine), report)


def set_group(work: Work, kiosk: str, group: str, by: str) -> None:
    """``group`` "": none. Raises Refused: no_such_kiosk (404), group (422)."""
    if work.connection.execute(statements.ONE_OF_FLEET, {"kiosk": kiosk}).one_or_none() is None:
        raise Refused("no_such_kiosk", 404, "kiosk")
    if not group:
        work.connection.execute(statements.LEAVE_GROUP, {"kiosk": kiosk})
    elif _GROUP.fullmatch(group):
        work.connection.execute(statements.SET_GROUP, {"kiosk": kiosk, "name": group})
    else:
        raise Refused("group", 422, "group")
    audit.add(work, by, "kiosk_group", kiosk, group)
