"""What somebody should see to at a kiosk. An alarm begins and ends by rule, never by hand: seen is not mended.

In quiet hours only grave ones ring: a roll that runs low can wait for the morning, a kiosk that is silent, or a revoked
key that still asks, cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.fleet import audit
from hall.fleet.reports import SILENT_REPORTS
from hall.queue.refusal import Refused
from hall.settings import Fleet
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.fleet import KioskReport, Slot

_SHOWN = 20


class Kind(StrEnum):
    OFFLINE = "offline"
    FRONT_END_DOWN = "front_end_down"
    """The agent reports, and the window does not run."""
    DEVICE = "device"
    PAPER_OUT = "paper_out"
    PAPER_LOW = "paper_low"
    JOURNAL_DEEP = "journal_deep"
    STORAGE_LOW = "storage_low"
    STORAGE_BROKEN = "storage_broken"
    CLOCK_OFF = "clock_off"
    ROLLED_BACK = "rolled_back"
    RELEASE_REFUSED = "release_refused"
    RESTARTS = "restarts"
    QUARANTINE = "quarantine"
    REVOKED_KEY = "revoked_key"


#: What one report tells by itself; the others come with time, or from the books.
BY_REPORT: Final = frozenset(Kind) - {Kind.OFFLINE, Kind.QUARANTINE, Kind.REVOKED_KEY}

#: A device that is none of these is broken, or gone.
_WORKS: Final = frozenset({"online", "deviceBusy", "starting"})


@dataclass(frozen=True)
class Alarm:
    id: int
    kiosk: str
    kind: Kind
    detail: str
    began_at: datetime
    ended_at: datetime | None
    seen_by: str
    seen_at: datetime | None
    grave: bool
    rings: bool
    """Nobody has seen it yet, and it may be heard now."""


def told_by(report: KioskReport, settings: Fleet, now: datetime) -> dict[Kind, str]:
    """What a report gives cause for, each with the figure or the part that it is about."""
    found: dict[Kind, str] = {}

    def parts(kind: Kind, names: list[str]) -> None:
        if names:
            found[kind] = " ".join(sorted(names))

    devices = report.devices.items()
    if not report.front_end_runs:
        found[Kind.FRONT_END_DOWN] = ""
    else:
        # What nobody looks after was last known before the window went away.
        parts(Kind.DEVICE, [f"{name}:{each.device}" for name, each in devices if each.device not in _WORKS])
        parts(Kind.PAPER_OUT, [name for name, each in devices if each.paper in ("out", "jammed")])
        parts(Kind.PAPER_LOW, [name for name, each in devices if each.paper == "low"])
    if report.journal_waiting > settings.journal_rows:
        found[Kind.JOURNAL_DEEP] = str(report.journal_waiting)
    if not report.storage.works:
        found[Kind.STORAGE_BROKEN] = ""
    elif report.storage.free < settings.storage_mb * 1_000_000:
        found[Kind.STORAGE_LOW] = f"{report.storage.free // 1_000_000} MB"
    off = max(abs(report.clock - now), abs(report.at - now))
    if off > timedelta(seconds=settings.clock_s):
        found[Kind.CLOCK_OFF] = f"{round(off.total_seconds())} s"
    configuration = report.configuration
    about = f"{configuration.offered} {configuration.problem}".strip()
    if configuration.state is Slot.ROLLED_BACK:
        found[Kind.ROLLED_BACK] = about
    elif configuration.state is Slot.REFUSED:
        found[Kind.RELEASE_REFUSED] = about
    if report.restarts > settings.restarts:
        found[Kind.RESTARTS] = str(report.restarts)
    return found


def settle(work: Work, kiosk: str, judged: Set[Kind], found: Mapping[Kind, str]) -> bool:
    """Of the ``judged`` kinds those that are found are open from now on, the others are not. Whether anything changed.

    A detail that changes keeps the alarm, and who saw it: 3 s off and 4 s off are one matter.
    """
    changed = False
    still = dict(found)
    for row in work.connection.execute(statements.OPEN_ALARMS_OF, {"kiosk": kiosk}).all():
        if row.kind not in judged:
            continue
        detail = still.pop(Kind(row.kind), None)
        if detail is None:
            work.connection.execute(statements.END_ALARM, {"id": row.id, "now": work.now_ms})
        elif detail != row.detail:
            work.connection.execute(statements.CHANGE_ALARM, {"id": row.id, "detail": detail})
        else:
            continue
        changed = True
    for kind, detail in still.items():
        opened = {"kiosk": kiosk, "kind": kind.value, "detail": detail, "now": work.now_ms}
        work.connection.execute(statements.OPEN_ALARM, opened)
        changed = True
    return changed


def by_time(
    connection: Connection, settings: Fleet, now_ms: int, listening_since_ms: int, asked_while_revoked: Set[str]
) -> dict[str, dict[Kind, str]]:
    """What no report tells, for every kiosk that has such a cause. ``listening_since_ms``: when this hall began to
    listen: kiosks that could not be heard before are not silent yet."""
    found: dict[str, dict[Kind, str]] = {}
    silent_ms = int(SILENT_REPORTS * settings.report_s * 1000)
    for row in connection.execute(statements.HEARD_LAST):
        heard = max(row.received_at or 0, row.enrolled_at, listening_since_ms)
        if now_ms - heard > silent_ms:
            found.setdefault(row.id, {})[Kind.OFFLINE] = ""
    for row in connection.execute(statements.QUARANTINED_BY_KIOSK):
        found.setdefault(row.kiosk, {})[Kind.QUARANTINE] = str(row.waiting)
    for kiosk in asked_while_revoked:
        found.setdefault(kiosk, {})[Kind.REVOKED_KEY] = ""
    return found


def look(work: Work, found: Mapping[str, Mapping[Kind, str]], revoked: Set[str]) -> bool:
    """Settle what ``by_time`` found; of a kiosk that was revoked nothing else is anybody's business any more."""
    rows = work.connection.execute(statements.OPEN_ALARMS).all()
    changed = False
    for kiosk in sorted({row.kiosk for row in rows} | set(found)):
        judged: Set[Kind] = frozenset(Kind) if kiosk in revoked else frozenset(Kind) - BY_REPORT
        changed |= settle(work, kiosk, judged, found.get(kiosk, {}))
    return changed


def open_now(connection: Connection, settings: Fleet, now: datetime) -> list[Alarm]:
    """Those that ring first, then grave ones, each the oldest first."""
    alarms = [_alarm(row, settings, now) for row in connection.execute(statements.OPEN_ALARMS)]
    return sorted(alarms, key=lambda alarm: (not alarm.rings, not alarm.grave, alarm.began_at))


def ended(connection: Connection, settings: Fleet, now: datetime, kiosk: str) -> list[Alarm]:
    """The newest first."""
    rows = connection.execute(statements.ENDED_ALARMS_OF, {"kiosk": kiosk, "limit": _SHOWN})
    return [_alarm(row, settings, now) for row in rows]


def see(work: Work, alarm: int, by: str) -> None:
    """Somebody knows of it: it rings no more, and stays until its cause is gone. Raises Refused(not_found, 404)."""
    row = work.connection.execute(statements.ALARM, {"id": alarm}).one_or_none()
    if row is None or row.ended_at is not None:
        raise Refused("not_found", 404, "id")
    if work.connection.execute(statements.SEE_ALARM, {"id": alarm, "by": by, "now": work.now_ms}).rowcount:
        audit.add(work, by, "alarm_seen", row.kiosk, f"{row.kind} {row.detail}".rstrip())


def is_quiet(settings: Fleet, at: datetime) -> bool:
    """Local time within the quiet hours; the same beginning and end: never."""
    begin, end, now = settings.quiet_from, settings.quiet_to, at.timetz().replace(tzinfo=None)
    if begin <= end:
        return begin <= now < end
    return now >= begin or now < end


def _alarm(row: Row[Any], settings: Fleet, now: datetime) -> Alarm:
    grave = row.kind in settings.grave
    rings = row.ended_at is None and row.seen_at is None and (grave or not is_quiet(settings, now))
    return Alarm(
        id=row.id,
        kiosk=row.kiosk,
        kind=Kind(row.kind),
        detail=row.detail,
        began_at=moment(row.began_at),
        ended_at=moment(row.ended_at) if row.ended_at is not None else None,
        seen_by=row.seen_by or "",
        seen_at=moment(row.seen_at) if row.seen_at is not None else None,
        grave=grave,
        rings=rings,
    )
