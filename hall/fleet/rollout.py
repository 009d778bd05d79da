"""A release on its way to the kiosks: a few first, more when these are healthy, nobody any more when one is not.

Which releases there are is signed (``releases``); this only says which of them a kiosk should run now, and is believed
by no kiosk beyond that. All of it stands in the tables ``release`` and ``release_kiosk``: a server that is started anew
goes on where it was.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.fleet import audit
from hall.queue.refusal import Refused
from hall.settings import Releases
from hall.store import statements_releases as statements
from hall.store.writer import Work
from kiosk.domain.fleet import REPORT_S, Audience, ConfigurationReport, KioskReport, Slot

#: A kiosk that reported within these seconds is there, and is asked to go first.
THERE_S = 3 * REPORT_S

_FAILED = (Slot.ROLLED_BACK, Slot.REFUSED)


def add(work: Work, number: int, made_by: str, note: str, audience: Audience, stages: Sequence[str]) -> list[list[str]]:
    """A signed release begins its way: its kiosks, stage by stage. The first stage is offered by the next ``tick``."""
    there_since = work.now_ms - int(THERE_S * 1000)
    rows = work.connection.execute(statements.KIOSKS).all()
    kiosks = [row for row in rows if not audience.kiosks or row.id in audience.kiosks]
    there = [row.id for row in kiosks if (row.heard_at or 0) >= there_since]
    silent = [row.id for row in kiosks if (row.heard_at or 0) < there_since]
    planned = plan(number, there, silent, stages)
    work.connection.execute(
        statements.ADD_RELEASE,
        {
            "number": number,
            "made_at": work.now_ms,
            "made_by": made_by,
            "note": note,
            "audience": msgspec.json.encode(audience.kiosks).decode(),
            "stages": msgspec.json.encode(planned).decode(),
        },
    )
    for kiosk in (kiosk for stage in planned for kiosk in stage):
        work.connection.execute(statements.ADD_RELEASE_KIOSK, {"release": number, "kiosk": kiosk})
    for row in work.connection.execute(statements.ROLLING).all():
        if row.number < number:
            _set(work, row.number, "halted", f"overtaken by {number}")
    audit.add(work, made_by, "release_published", str(number), note)
    return planned


def plan(number: int, there: Sequence[str], silent: Sequence[str], stages: Sequence[str]) -> list[list[str]]:
    """The kiosks of each stage. Who is silent comes last: he would hold everybody up. It is not always the same ones
    who go first."""
    order = sorted(there, key=lambda kiosk: hashlib.sha256(f"{number} {kiosk}".encode()).digest())
    planned: list[list[str]] = []
    done = 0
    for stage in [*stages, "100%"]:
        until = math.ceil(len(order) * int(stage[:-1]) / 100) if stage.endswith("%") else int(stage)
        if until > done and order[done:until]:
            planned.append(order[done:until])
            done = until
    if len(planned) > 1:
        planned[-1] = [*planned[-1], *silent]
    elif silent or not planned:
        planned.append(list(silent))
    return planned


def offered_to(connection: Connection, kiosk: str) -> int:
    """What this kiosk should run now; 0: nothing is offered, it stays with what it has."""
    for row in connection.execute(statements.IN_FORCE):
        audience = msgspec.json.decode(row.audience, type=list[str])
        if audience and kiosk not in audience:
            continue
        own = connection.execute(statements.RELEASE_KIOSK, {"release": row.number, "kiosk": kiosk}).one_or_none()
        match row.state:
            case "done":
                return int(row.number)
            case "rolling":
                last = row.stage >= len(msgspec.json.decode(row.stages, type=list[list[str]]))
                if (own is not None and own.offered_at is not None) or (own is None and last):
                    return int(row.number)
            case "halted" if own is not None and own.state in (Slot.TRYING, Slot.HEALTHY):
                return int(row.number)
    return 0


def note_report(work: Work, kiosk: str, report: ConfigurationReport) -> None:
    """What a kiosk says of its configuration. The first that fails halts the release for everybody."""
    failed = report.state in _FAILED
    number = report.offered if failed else report.running
    waits = not failed and report.problem and report.offered > report.running
    if waits:
        number = report.offered
    if number <= 0 or (report.state is Slot.SHIPPED and not waits):
        return
    release = work.connection.execute(statements.RELEASE, {"number": number}).one_or_none()
    if release is None:
        return
    state = None if waits else report.state.value
    before = work.connection.execute(statements.RELEASE_KIOSK, {"release": number, "kiosk": kiosk}).one_or_none()
    if before is not None and (before.state, before.problem or "") == (state, report.problem):
        return
    work.connection.execute(
        statements.NOTE_KIOSK,
        {"release": number, "kiosk": kiosk, "state": state, "problem": report.problem, "now": work.now_ms},
    )
    if release.state != "rolling":
        return
    if failed:
        _halt_by_itself(work, number, f"{kiosk}: {report.state} {report.problem}")
    elif report.state is Slot.HEALTHY:
        _next_stage_if_healthy(work, release)


def tick(work: Work, settings: Releases) -> None:
    """What time alone brings: the first stage of what was just published, a kiosk that is overdue, the end."""
    for release in work.connection.execute(statements.ROLLING).all():
        planned = msgspec.json.decode(release.stages, type=list[list[str]])
        if release.stage == 0:
            _offer(work, release.number, planned, 0)
            continue
        since = work.now_ms - int(settings.stage_minutes * 60_000)
        last = release.stage >= len(planned)
        overdue = work.connection.execute(statements.OVERDUE, {"release": release.number, "before": since}).first()
        if overdue is not None and not last:
            _halt_by_itself(work, release.number, f"{overdue.kiosk}: overdue")
        elif last:
            heard_since = work.now_ms - int(THERE_S * 1000)
            parameters = {"release": release.number, "heard_since": heard_since}
            standing = work.connection.execute(statements.STANDING, parameters).one()
            # Who is away finds it by himself when he comes back.
            if standing.heard_not_healthy == 0 or overdue is not None:
                _set(work, release.number, "done", None)


def halt(work: Work, number: int, by: str, why: str) -> None:
    """Raises Refused(not_found, 404): it is not on its way."""
    _change(work, number, ("rolling",), "halted", why)
    audit.add(work, by, "release_halted", str(number), why)


def resume(work: Work, number: int, by: str) -> None:
    """Go on where it was halted; who refused it is asked again. One who rolled it back never takes this number again.

    Raises Refused(not_found, 404).
    """
    _change(work, number, ("halted",), "rolling", None)
    work.connection.execute(statements.OFFER_AGAIN, {"release": number, "now": work.now_ms})
    audit.add(work, by, "release_resumed", str(number))


def withdraw(work: Work, number: int, by: str) -> None:
    """Nobody takes it any more. Who has it keeps it until a newer one comes: kiosks never go back at a word that is not
    signed. Raises Refused(not_found, 404)."""
    _change(work, number, ("rolling", "halted", "done"), "withdrawn", None)
    audit.add(work, by, "release_withdrawn", str(number))


def _change(work: Work, number: int, states: tuple[str, ...], to: str, because: str | None) -> None:
    row = work.connection.execute(statements.RELEASE, {"number": number}).one_or_none()
    if row is None or row.state not in states:
        raise Refused("not_found", 404, "release")
    _set(work, number, to, because)


def _halt_by_itself(work: Work, number: int, why: str) -> None:
    _set(work, number, "halted", why)
    audit.add(work, "hall", "release_halted", str(number), why)


def _set(work: Work, number: int, state: str, because: str | None) -> None:
    work.connection.execute(statements.SET_STATE, {"number": number, "state": state, "because": because})


def _next_stage_if_healthy(work: Work, release: Row[Any]) -> None:
    planned = msgspec.json.decode(release.stages, type=list[list[str]])
    parameters = {"release": release.number, "heard_since": work.now_ms - int(THERE_S * 1000)}
    standing = work.connection.execute(statements.STANDING, parameters).one()
    if standing.healthy < standing.offered:
        return
    if release.stage < len(planned):
        _offer(work, release.number, planned, release.stage)
    else:
        _set(work, release.number, "done", None)


def _offer(work: Work, number: int, planned: list[list[str]], stage: int) -> None:
    """``stage``: counted from 0; the column counts those that have begun."""
    for kiosk in planned[stage]:
        work.connection.execute(statements.OFFER, {"release": number, "kiosk": kiosk, "now": work.now_ms})
    work.connection.execute(statements.SET_STAGE, {"number": number, "stage": stage + 1})
    if not planned[stage] and stage + 1 >= len(planned):
        _set(work, number, "done", None)


# ---- for pages and commands ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KioskStanding:
    kiosk: str
    running: int | None
    """None: it never reported."""
    state: str
    problem: str
    heard_at: datetime | None


@dataclass(frozen=True)
class ReleaseView:
    number: int
    made_at: datetime
    made_by: str
    note: str
    state: str
    stage: int
    stages: list[int]
    """How many kiosks each brings."""
    audience: list[str]
    halted_because: str | None
    healthy: int
    offered: int
    failed: list[tuple[str, str, str]]
    """Kiosk, state, why."""


def releases(connection: Connection, limit: int = 20) -> list[ReleaseView]:
    """The newest first."""
    return [_view(connection, row) for row in connection.execute(statements.RELEASES, {"limit": limit}).all()]


def _view(connection: Connection, r: Row[Any]) -> ReleaseView:
    kiosks = connection.execute(statements.KIOSKS_OF_RELEASE, {"release": r.number}).all()
    offered = [each for each in kiosks if each.offered_at is not None]
    return ReleaseView(
        number=r.number,
        made_at=moment(r.made_at),
        made_by=r.made_by,
        note=r.note,
        state=r.state,
        stage=r.stage,
        stages=[len(stage) for stage in msgspec.json.decode(r.stages, type=list[list[str]])],
        audience=msgspec.json.decode(r.audience, type=list[str]),
        halted_because=r.halted_because,
        healthy=sum(each.state == Slot.HEALTHY for each in offered),
        offered=len(offered),
        failed=[(each.kiosk, each.state, each.problem or "") for each in offered if each.state in _FAILED],
    )


_report = msgspec.json.Decoder(KioskReport)


def kiosks(connection: Connection) -> list[KioskStanding]:
    """Who runs what, by what each last said."""
    found = []
    for row in connection.execute(statements.KIOSKS):
        try:
            said = _report.decode(row.body).configuration if row.body else None
        except msgspec.MsgspecError:
            said = None
        heard = moment(row.heard_at) if row.heard_at else None
        if said is None:
            found.append(KioskStanding(row.id, None, "", "", heard))
        else:
            found.append(KioskStanding(row.id, said.running, said.state.value, said.problem, heard))
    return found


def kiosks_of_group(connection: Connection, name: str) -> list[str]:
    return [str(row.kiosk) for row in connection.execute(statements.GROUP, {"name": name})]


def newly_offered(connection: Connection, since_ms: int) -> list[tuple[str, int]]:
    """Kiosks whose offer changed at ``since_ms`` or later, and when."""
    return [
        (str(row.kiosk), int(row.offered_at))
        for row in connection.execute(statements.OFFERED_SINCE, {"since": since_ms})
    ]


def is_rolling(connection: Connection) -> bool:
    return connection.execute(statements.ROLLING).first() is not None


def number_above(connection: Connection) -> int:
    """The highest number that was ever used."""
    return int(connection.execute(statements.HIGHEST_RELEASE).scalar_one())
