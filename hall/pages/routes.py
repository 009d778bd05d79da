"""The pages: clerks work at ``/window``, the hall looks at ``/board``, phones at ``/t/{token}`` and ``/``."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

import config
from hall.api import access, auth
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.phone import expected, preferred, tell
from hall.pages.render import STATIC, page
from hall.pages.words import SESSION_ENDED, TEXTS, refusal
from hall.queue.desk import Desk, Refused
from hall.queue.views import WindowAction, WindowView
from hall.server import HallServer
from hall.store.writer import StorageFailed
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import TicketState

#: Seconds between two looks of a phone: often while the answer matters, seldom once the ticket has ended.
_PHONE_EVERY: Final = 10
_PHONE_EVERY_ENDED: Final = 120

#: A number given by a kiosk that was cut off reaches the hall when that kiosk synchronises.
_LOOK_AGAIN_FOR_UNKNOWN: Final = 30


@cache
def _papers_by_service() -> dict[str, tuple[str, ...]]:
    return {service["code"]: tuple(service["papers"]) for service in config.read_services()["services"]}


def _papers(service: str | None) -> tuple[str, ...]:
    """What to bring, in Chinese; nothing for a service that this version of the catalogue does not know."""
    return _papers_by_service().get(service or "", ())


def _hall(request: Request) -> HallServer:
    hall: HallServer = request.app.state.hall
    return hall


def _desk(request: Request) -> Desk:
    return _hall(request).desk


def _page(request: Request, template: str, **values: Any) -> Response:
    return page(request, template, _hall(request).clock.now(), **values)


# ---- clerks --------------------------------------------------------------------------------------------------------


async def login_page(request: Request) -> Response:
    if (session := access.person_if_any(request)) and session.window:
        return RedirectResponse("/window", status_code=303)
    return _login(request, note=SESSION_ENDED if request.query_params.get("ended") else "")


async def log_in(request: Request) -> Response:
    """The form of the login page: 303 to the window, or the page again with what was wrong."""
    asked = await read_form(request)
    name, password, window = (asked.get(field, "") for field in ("name", "password", "window"))
    address, before = access.client_address(request), access.person_if_any(request)
    try:
        token, _ = await _hall(request).sessions.log_in(name, password, window, address, before)
    except Refused as refused:
        return _login(request, name=name, window=window, problem=refusal(refused.problem), status=refused.status)
    except (StorageFailed, TimeoutError):
        return _login(request, name=name, window=window, problem=refusal("storage"), status=503)
    answer = RedirectResponse("/window", status_code=303)
    auth.set_cookie(request, answer, token)
    return answer


def _login(
    request: Request, *, name: str = "", window: str = "", problem: str = "", note: str = "", status: int = 200
) -> Response:
    desk = _desk(request)
    return _page(
        request,
        "login.html",
        status=status,
        headers=CLERKS_ONLY,
        hall_name=desk.hall.name_zh,
        windows=desk.windows(),
        name=name,
        window=window,
        problem=problem,
        note=note,
    )


async def log_out(request: Request) -> Response:
    session = access.person(request)
    await _hall(request).sessions.log_out(session)
    answer = RedirectResponse("/login" if session.window else "/staff/login", status_code=303)
    auth.clear_cookie(request, answer)
    return answer


async def window_page(request: Request) -> Response:
    session = access.person(request)
    desk = _desk(request)
    view = desk.window(session.window)
    return _page(
        request,
        "window.html",
        headers=CLERKS_ONLY,
        hall_name=desk.hall.name_zh,
        clerk=session.name,
        csrf=session.csrf,
        view=view,
        enabled=_enabled(view),
        papers=_papers(view.current.service if view.current else None),
    )


def _enabled(view: WindowView) -> frozenset[WindowAction]:
    """The buttons of this page that work now.

    The desk lets every call finish who is at the window. Here only "next" does, and only for one who is being served:
    who was called and has not come is a no-show, and must not be counted as served because a key was pressed.
    """
    enabled = set(view.allowed)
    if view.current is not None:
        enabled -= {WindowAction.RESUME, WindowAction.CALL_NUMBER}
        if view.current.state == "called":
            enabled -= {WindowAction.CALL_NEXT}
    return frozenset(enabled)


# ---- the hall's board ----------------------------------------------------------------------------------------------


async def board_page(request: Request) -> Response:
    desk = _desk(request)
    return _page(request, "board.html", view=desk.board(), may_return=desk.rules.order.no_show_return)


# ---- phones --------------------------------------------------------------------------------------------------------


def _text(request: Request) -> Texts:
    return TEXTS[preferred(request.query_params.get("lang"), request.headers.get("accept-language", ""))]


async def ticket_page(request: Request) -> Response:
    """A slip's QR leads here. The token is the only secret: what is shown is what the slip itself says."""
    text = _text(request)
    view = _desk(request).phone(request.path_params["token"])
    if view is None:
        return _notice(request, text, "unknown", ("fresh", "today", "ask"), retry_seconds=_LOOK_AGAIN_FOR_UNKNOWN)
    ticket, chinese = view.ticket, text("language") == "zh"
    ended = ticket.state in (TicketState.DONE, TicketState.VOID)
    return _page(
        request,
        "ticket.html",
        lang=text("tag"),
        text=text,
        hall_name=view.name_zh if chinese else view.name_en,
        ticket=ticket,
        state=tell(ticket, text, _desk(request).rules.order.no_show_return),
        service=view.service_zh if chinese else view.service_en,
        expected=expected(ticket.wait, view.as_of),
        papers=() if ended else _papers(ticket.service),
        every_seconds=_PHONE_EVERY_ENDED if ended else _PHONE_EVERY,
    )


async def hall_page(request: Request) -> Response:
    text = _text(request)
    view = _desk(request).state()
    return _page(
        request,
        "hall.html",
        lang=text("tag"),
        text=text,
        hall_name=view.name_zh if text("language") == "zh" else view.name_en,
        view=view,
        every_seconds=_PHONE_EVERY,
    )


def _notice(
    request: Request, text: Texts, subject: str, lines: tuple[str, ...], *, retry_seconds: int | None = None
) -> Response:
    hall = _desk(request).hall
    return _page(
        request,
        "notice.html",
        status=404,
        lang=text("tag"),
        text=text,
        hall_name=hall.name_zh if text("language") == "zh" else hall.name_en,
        title=text(f"{subject}.title"),
        lines=[text(f"{subject}.{line}") for line in lines],
        retry_seconds=retry_seconds,
    )


class _Static(StaticFiles):
    """Files that are asked for again at each load and answered 304: an updated hall shows its new pages at once."""

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


routes: list[BaseRoute] = [
    Route("/", hall_page),
    Route("/t/{token}", ticket_page),
    Route("/board", board_page),
    Route("/login", login_page),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", log_out, methods=["POST"]),
    Route("/window", window_page),
    Mount("/static", _Static(directory=STATIC), name="static"),
]
