"""``/staff/fleet``: the hall's kiosks as machines: who is there, what is wrong, and what can be done from afar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hall.api import access
from hall.api.stream import stream
from hall.clock import milliseconds
from hall.events import Channel
from hall.fleet import alarms, audit, orders, reports
from hall.fleet.alarms import Alarm
from hall.fleet.reports import Kiosk
from hall.pages import fleet_words as words
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.render import page
from hall.queue.refusal import Refused
from hall.server import HallServer
from hall.store.writer import StorageFailed
from kiosk.domain.fleet import Verb

_WORDS: Final[dict[str, Any]] = {
    "alarm_words": words.ALARMS,
    "device_words": words.DEVICES,
    "device_states": words.DEVICE_STATES,
    "papers": words.PAPERS,
    "slots": words.SLOTS,
    "verbs": words.VERBS,
    "order_states": words.ORDER_STATES,
    "order_problems": words.ORDER_PROBLEMS,
    "checks": words.CHECKS,
    "done": words.DONE,
    "done_here": words.DONE_HERE,
}


@dataclass(frozen=True)
class Row:
    """One kiosk of the list."""

    kiosk: Kiosk
    alarms: list[Alarm]
    tested_at: datetime | None
    ready: bool


def _hall(request: Request) -> HallServer:
    hall: HallServer = request.app.state.hall
    return hall


async def fleet_page(request: Request) -> Response:
    return _fleet(request)


def _fleet(request: Request, problem: str = "", status: int = 200) -> Response:
    hall = _hall(request)
    now, settings = hall.clock.now(), hall.settings.fleet
    with hall.database.reader.connect() as connection:
        kiosks = reports.fleet(connection, now, settings.report_s)
        found = alarms.open_now(connection, settings, now)
        tested = reports.last_readiness(connection)
    by_kiosk: dict[str, list[Alarm]] = {}
    for alarm in found:
        by_kiosk.setdefault(alarm.kiosk, []).append(alarm)
    rows = [Row(each, by_kiosk.get(each.id, []), *tested.get(each.id, (None, False))) for each in kiosks]
    enrolled = [row for row in rows if not row.kiosk.revoked]
    return _page(
        request,
        "fleet.html",
        now,
        status,
        rows=enrolled + [row for row in rows if row.kiosk.revoked],
        alarms=found,
        ringing=sum(alarm.rings for alarm in found),
        online=sum(row.kiosk.online for row in enrolled),
        offline=sum(not row.kiosk.online for row in enrolled),
        quiet=alarms.is_quiet(settings, now),
        problem=problem,
    )


async def kiosk_page(request: Request) -> Response:
    return _one(request)


def _one(request: Request, problem: str = "", status: int = 200) -> Response:
    hall = _hall(request)
    now, settings, id = hall.clock.now(), hall.settings.fleet, request.path_params["kiosk"]
    with hall.database.reader.connect() as connection:
        kiosk = _known(connection, id, now, settings.report_s)
        found = [alarm for alarm in alarms.open_now(connection, settings, now) if alarm.kiosk == id]
        values = {
            "ended": alarms.ended(connection, settings, now, id),
            "orders": orders.latest(connection, id, milliseconds(now)),
            "readiness": reports.readiness(connection, id),
            "done_there": reports.done_there(connection, id),
            "done_at_hall": audit.about(connection, id, 20),
        }
    may_order = access.may(access.person(request), "POST", "/staff/fleet/{kiosk}/orders")
    return _page(
        request, "fleet_kiosk.html", now, status, kiosk=kiosk, alarms=found, may_order=may_order and not kiosk.revoked,
        most_words=orders.MOST_WORDS, most_hours=orders.MOST_HOURS, problem=problem, **values,
    )  # fmt: skip


async def logs_page(request: Request) -> Response:
    """The lines of one answer. Who reads them is noted."""
    hall, kiosk, order = _hall(request), request.path_params["kiosk"], request.path_params["id"]
    with hall.database.reader.connect() as connection:
        text = orders.logs(connection, kiosk, order)
    if text is None:
        raise Refused("not_found", 404)
    person = access.person(request).name
    await hall.writer.run(lambda work: audit.add(work, person, "logs_read", kiosk, order[:8]))
    return _page(request, "fleet_logs.html", hall.clock.now(), 200, kiosk=kiosk, lines=text.splitlines())


def _known(connection: Connection, id: str, now: datetime, report_s: float) -> Kiosk:
    kiosk = reports.one(connection, id, now, report_s)
    if kiosk is None:
        raise Refused("not_found", 404)
    return kiosk


def _page(request: Request, template: str, now: datetime, status: int, **values: object) -> Response:
    person = access.person(request)
    hall_name = _hall(request).settings.hall.name_zh
    return page(
        request, template, now, status=status, headers=CLERKS_ONLY, hall_name=hall_name, csrf=person.csrf,
        person=person.name, **_WORDS, **values,
    )  # fmt: skip


# ---- what can be done ------------------------------------------------------------------------------------------------


async def give_order(request: Request) -> Response:
    hall, person, kiosk = _hall(request), access.person(request), request.path_params["kiosk"]
    asked = await read_form(request)
    try:
        if asked.get("verb", "") not in list(Verb):
            raise Refused("otherwise", 422, "verb")
        verb, argument = Verb(asked["verb"]), asked.get("argument", "")
        await hall.writer.run(lambda work: orders.give(work, kiosk, verb, argument, person.name))
    except (Refused, StorageFailed, TimeoutError) as refused:
        return _again(request, refused)
    hall.fleet.changed(kiosk)
    return RedirectResponse(f"/staff/fleet/{kiosk}#orders", status_code=303)


async def set_group(request: Request) -> Response:
    hall, person, kiosk = _hall(request), access.person(request), request.path_params["kiosk"]
    group = (await read_form(request)).get("group", "").strip()
    try:
        await hall.writer.run(lambda work: reports.set_group(work, kiosk, group, person.name))
    except (Refused, StorageFailed, TimeoutError) as refused:
        return _again(request, refused)
    hall.events.fleet_changed()
    return RedirectResponse(f"/staff/fleet/{kiosk}", status_code=303)


def _again(request: Request, refused: Exception) -> Response:
    """The kiosk's page with what was wrong; a kiosk that is not there is nobody's page."""
    if isinstance(refused, Refused):
        if refused.problem == "no_such_kiosk":
            return _fleet(request, words.TROUBLE["no_such_kiosk"], refused.status)
        return _one(request, words.TROUBLE.get(refused.problem, words.TROUBLE["otherwise"]), refused.status)
    return _one(request, words.TROUBLE["storage"], 503)


async def see_alarm(request: Request) -> Response:
    hall, person = _hall(request), access.person(request)
    asked = await read_form(request)
    alarm, back = asked.get("id", ""), asked.get("back", "")
    number = int(alarm) if alarm.isascii() and alarm.isdecimal() and len(alarm) < 16 else -1
    try:
        await hall.writer.run(lambda work: alarms.see(work, number, person.name))
    except Refused as refused:
        return _fleet(request, words.TROUBLE["not_found"], refused.status)
    except (StorageFailed, TimeoutError):
        return _fleet(request, words.TROUBLE["storage"], 503)
    hall.events.fleet_changed()
    known = hall.keys.get(back) is not None
    return RedirectResponse(f"/staff/fleet/{back}" if known else "/staff/fleet", status_code=303)


class FleetEvents:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hall: HallServer = scope["app"].state.hall
        await stream(hall.events, Channel.FLEET, scope, receive, send)


routes: list[BaseRoute] = [
    Route("/staff/fleet", fleet_page, methods=["GET"]),
    Route("/staff/fleet/events", FleetEvents(), methods=["GET"]),
    Route("/staff/fleet/alarms", see_alarm, methods=["POST"]),
    Route("/staff/fleet/{kiosk}", kiosk_page, methods=["GET"]),
    Route("/staff/fleet/{kiosk}/logs/{id}", logs_page, methods=["GET"]),
    Route("/staff/fleet/{kiosk}/orders", give_order, methods=["POST"]),
    Route("/staff/fleet/{kiosk}/group", set_group, methods=["POST"]),
]
