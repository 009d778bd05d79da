"""Pages for staff: what the tax side cannot settle by itself, and the end of the day."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hall.api import access
from hall.filings import staff
from hall.filings.reconcile import reconcile
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.render import page
from hall.pages.staff_words import (
    BUREAUS,
    CLOSES,
    DIFFERENCES,
    FORMS,
    ITEMS,
    PROBLEMS,
    SECTIONS,
    STATES,
    STOCK_KINDS,
    TROUBLE,
)
from hall.queue.refusal import Refused
from hall.server import HallServer
from hall.store.writer import StorageFailed

_WORDS: Final[dict[str, Any]] = {
    "sections": SECTIONS,
    "bureaus": BUREAUS,
    "forms": FORMS,
    "items": ITEMS,
    "problems": PROBLEMS,
    "closes": CLOSES,
    "stock_kinds": STOCK_KINDS,
    "differences": DIFFERENCES,
    "states": STATES,
}


def _hall(request: Request) -> HallServer:
    hall: HallServer = request.app.state.hall
    return hall


async def filings_page(request: Request) -> Response:
    return _filings(request, access.person(request).csrf, done="tried" in request.query_params)


def _filings(request: Request, csrf: str, *, done: bool = False, problem: str = "", status: int = 200) -> Response:
    hall = _hall(request)
    now = hall.clock.now()
    with hall.database.reader.connect() as connection:
        found = staff.matters(connection, hall.tax, now)
    by_section = {name: [each for each in found if each.section == name] for name in SECTIONS}
    return page(
        request,
        "filings.html",
        now,
        status=status,
        headers=CLERKS_ONLY,
        hall_name=hall.settings.hall.name_zh,
        csrf=csrf,
        by_section=by_section,
        done=done,
        problem=problem,
        **_WORDS,
    )


async def try_now(request: Request) -> Response:
    _hall(request).settler.try_now()
    return RedirectResponse("/staff/filings?tried", status_code=303)


async def close(request: Request) -> Response:
    session = access.person(request)
    asked = await read_form(request)
    section, subject, how, note = (asked.get(field, "") for field in ("section", "subject", "how", "note"))
    try:
        await _hall(request).writer.run(
            lambda work: staff.close(work, section, subject, how, session.name, note),
        )
    except Refused as refused:
        words = TROUBLE.get(refused.problem, TROUBLE["otherwise"])
        return _filings(request, session.csrf, problem=words, status=refused.status)
    except (StorageFailed, TimeoutError):
        return _filings(request, session.csrf, problem=TROUBLE["storage"], status=503)
    return RedirectResponse("/staff/filings", status_code=303)


async def reconciliation_page(request: Request) -> Response:
    hall = _hall(request)
    now = hall.clock.now()
    try:
        day = date.fromisoformat(request.query_params.get("day", now.date().isoformat()))
    except ValueError:
        day = now.date()
    with hall.database.reader.connect() as connection:
        result = await reconcile(connection, hall.bureaus, day, hall.settings.tax.bureau_timeout_s)
    return page(
        request,
        "reconciliation.html",
        now,
        headers=CLERKS_ONLY,
        hall_name=hall.settings.hall.name_zh,
        result=result,
        **_WORDS,
    )


routes: list[BaseRoute] = [
    Route("/staff/filings", filings_page, methods=["GET"]),
    Route("/staff/filings/try", try_now, methods=["POST"]),
    Route("/staff/filings/close", close, methods=["POST"]),
    Route("/staff/reconciliation", reconciliation_page, methods=["GET"]),
]
