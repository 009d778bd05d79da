"""``/staff``: the way in for those who sit at no window, and what each may see."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from hall.api import access, auth
from hall.pages.forms import CLERKS_ONLY, read_form
from hall.pages.render import page
from hall.pages.words import SESSION_ENDED, refusal
from hall.queue.refusal import Refused
from hall.server import HallServer
from hall.store.writer import StorageFailed

#: Path → its name, in the order of the menu; shown to whom the table lets in.
_PLACES: Final = {
    "/window": ("窗口", "Window"),
    "/staff/filings": ("申报缴款待处理", "Returns and payments"),
    "/staff/reconciliation": ("日终对账", "Reconciliation"),
    "/staff/quarantine": ("隔离的自助机记录", "Quarantined records"),
    "/staff/fleet": ("自助机", "Kiosks"),
    "/staff/releases": ("配置发布", "Releases"),
}

_ROLES: Final = {
    "clerk": ("窗口人员", "clerk"),
    "technician": ("运维人员", "technician"),
    "manager": ("值班长", "manager"),
    "administrator": ("系统管理员", "administrator"),
}


async def login_page(request: Request) -> Response:
    if access.person_if_any(request):
        return RedirectResponse("/staff", status_code=303)
    return _login(request, note=SESSION_ENDED if "ended" in request.query_params else "")


async def log_in(request: Request) -> Response:
    """The form of the login page: 303 to the menu, or the page again with what was wrong."""
    hall: HallServer = request.app.state.hall
    asked = await read_form(request)
    name, password = asked.get("name", ""), asked.get("password", "")
    address, before = access.client_address(request), access.person_if_any(request)
    try:
        token, _ = await hall.sessions.log_in(name, password, None, address, before)
    except Refused as refused:
        return _login(request, name=name, problem=refusal(refused.problem), status=refused.status)
    except (StorageFailed, TimeoutError):
        return _login(request, name=name, problem=refusal("storage"), status=503)
    answer = RedirectResponse("/staff", status_code=303)
    auth.set_cookie(request, answer, token)
    return answer


def _login(request: Request, *, name: str = "", problem: str = "", note: str = "", status: int = 200) -> Response:
    return _page(request, "desk_login.html", status, name=name, problem=problem, note=note)


async def menu(request: Request) -> Response:
    return _menu(request)


def not_yours(request: Request) -> Response:
    """A page that is not for this role: what is, with the status that says so."""
    return _menu(request, refusal("role"), 403)


def _menu(request: Request, problem: str = "", status: int = 200) -> Response:
    session = access.person(request)
    places = {path: words for path, words in _PLACES.items() if access.may(session, "GET", path)}
    role = _ROLES[session.role]
    return _page(
        request, "desk.html", status, person=session.name, role=role, csrf=session.csrf, places=places, problem=problem
    )


def _page(request: Request, template: str, status: int, **values: object) -> Response:
    hall: HallServer = request.app.state.hall
    now, told = hall.clock.now(), hall.settings.hall
    return page(request, template, now, status=status, headers=CLERKS_ONLY, hall_name=told.name_zh, **values)


routes: list[BaseRoute] = [
    Route("/staff", menu, methods=["GET"]),
    Route("/staff/login", login_page, methods=["GET"]),
    Route("/staff/login", log_in, methods=["POST"]),
]
