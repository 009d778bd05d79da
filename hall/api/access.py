"""Who may ask what: one table for every route of the hall, and the one place that holds requests against it.

A route that is not in the table answers nobody (and ``tests/hall/test_access.py`` fails): add its row here. A handler
finds who asks by ``kiosk(request)`` or ``person(request)``; signature, session, role, origin and CSRF token have been
looked at by then. What belongs to whom (this kiosk's payment, this window's ticket) only the handler can know.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast
from urllib.parse import parse_qs, urlsplit

import structlog
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hall.api.answers import BODY_LIMIT, JOURNAL_LIMIT, read_body
from hall.api.signature import signed_as
from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from hall.queue.staff import AT_WINDOWS, StaffSession
from hall.queue.staff import Role as Role
from kiosk.domain.fleet import LOG_BYTES

COOKIE = "hall_session"
#: Under TLS: the browser itself lets no other host and no plain page set it.
SECURE_COOKIE = "__Host-hall_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"

log = structlog.get_logger("hall")


class Who(Enum):
    ANYBODY = "anybody"
    KIOSK = "kiosk"
    """An enrolled kiosk, by its signature over this very request."""
    STAFF = "staff"
    """Somebody who is logged in, in one of the rule's roles."""


@dataclass(frozen=True)
class Rule:
    who: Who
    roles: frozenset[Role] = frozenset()
    seat: bool = False
    """Only from a window: what it does, it does at that window."""
    page: bool = False
    """For a browser's eyes: who is not logged in is led to the login page instead of being told 401."""
    stream: bool = False
    """Stays open: closed within a second when the kiosk is revoked or the session has ended."""
    body: int = BODY_LIMIT
    """Bytes of its body at most."""


ANYBODY: Final = Rule(Who.ANYBODY)
KIOSK: Final = Rule(Who.KIOSK)
_JOURNAL: Final = Rule(Who.KIOSK, body=JOURNAL_LIMIT)
#: Bytes of an answer to an order: log lines, each quote and each Chinese sign of which takes several.
ANSWER_LIMIT: Final = 4 * LOG_BYTES
_ANSWER: Final = Rule(Who.KIOSK, body=ANSWER_LIMIT)
_EVERY_ROLE: Final = frozenset(Role)
_LOOK_AFTER: Final = frozenset({Role.TECHNICIAN, Role.MANAGER, Role.ADMINISTRATOR})


def _page(*roles: Role, seat: bool = False) -> Rule:
    return Rule(Who.STAFF, frozenset(roles), seat=seat, page=True)


def _act(*roles: Role) -> Rule:
    return Rule(Who.STAFF, frozenset(roles))


_WINDOW: Final = Rule(Who.STAFF, AT_WINDOWS, seat=True)

#: (method, path) → who may. A mount is asked for as GET and its path with ``/*``.
TABLE: Final[dict[tuple[str, str], Rule]] = {
    # What anybody may see: boards, phones, the tax app, monitoring.
    ("GET", "/"): ANYBODY,
    ("GET", "/t/{token}"): ANYBODY,
    ("GET", "/board"): ANYBODY,
    ("GET", "/board/events"): ANYBODY,
    ("GET", "/public/state"): ANYBODY,
    ("GET", "/public/tickets/{token}"): ANYBODY,
    ("GET", "/healthz"): ANYBODY,
    ("GET", "/openapi.json"): ANYBODY,
    ("GET", "/static/*"): ANYBODY,
    # The way in.
    ("GET", "/login"): ANYBODY,
    ("POST", "/login"): ANYBODY,
    ("POST", "/window/v1/login"): ANYBODY,
    ("GET", "/staff/login"): ANYBODY,
    ("POST", "/staff/login"): ANYBODY,
    ("POST", "/kiosk/v1/enrol"): ANYBODY,
    # Kiosks: the line.
    ("POST", "/kiosk/v1/tickets"): KIOSK,
    ("GET", "/kiosk/v1/tickets"): KIOSK,
    ("POST", "/kiosk/v1/journal"): _JOURNAL,
    # Kiosks: returns, payments, papers.
    ("GET", "/kiosk/v1/taxpayers"): KIOSK,
    ("GET", "/kiosk/v1/taxpayers/{taxpayer}"): KIOSK,
    ("GET", "/kiosk/v1/buyers/{number}"): KIOSK,
    ("POST", "/kiosk/v1/filings"): KIOSK,
    ("GET", "/kiosk/v1/filings/{key}"): KIOSK,
    ("POST", "/kiosk/v1/payments"): KIOSK,
    ("GET", "/kiosk/v1/payments/{key}"): KIOSK,
    ("POST", "/kiosk/v1/payments/{key}/result"): KIOSK,
    ("POST", "/kiosk/v1/certificates"): KIOSK,
    ("POST", "/kiosk/v1/invoices"): KIOSK,
    ("POST", "/kiosk/v1/terminal-journal"): _JOURNAL,
    # Kiosks: themselves.
    ("POST", "/kiosk/v1/report"): KIOSK,
    ("GET", "/kiosk/v1/events"): Rule(Who.KIOSK, stream=True),
    ("POST", "/kiosk/v1/orders/{id}/answer"): _ANSWER,
    # Kiosks: releases. Public, and believed for their signatures alone.
    ("GET", "/kiosk/v1/releases/metadata/{name}"): ANYBODY,
    ("GET", "/kiosk/v1/releases/targets/{name}"): ANYBODY,
    # Windows.
    ("GET", "/window"): _page(*AT_WINDOWS, seat=True),
    ("GET", "/window/events"): Rule(Who.STAFF, AT_WINDOWS, seat=True, stream=True),
    ("GET", "/window/v1/view"): _WINDOW,
    ("POST", "/window/v1/logout"): _WINDOW,
    ("POST", "/window/v1/{action}"): _WINDOW,
    ("POST", "/logout"): _page(*_EVERY_ROLE),
    # Staff.
    ("GET", "/staff"): _page(*_EVERY_ROLE),
    ("GET", "/staff/filings"): _page(Role.CLERK, Role.MANAGER),
    ("POST", "/staff/filings/try"): _act(Role.CLERK, Role.MANAGER),
    ("POST", "/staff/filings/close"): _act(Role.CLERK, Role.MANAGER),
    ("GET", "/staff/reconciliation"): _page(Role.CLERK, Role.MANAGER),
    ("GET", "/staff/quarantine"): _page(Role.CLERK, Role.MANAGER),
    ("POST", "/staff/quarantine"): _act(Role.CLERK, Role.MANAGER),
    # Releases.
    ("GET", "/staff/fleet"): _page(*_LOOK_AFTER),
    ("GET", "/staff/fleet/events"): Rule(Who.STAFF, _LOOK_AFTER, stream=True),
    ("POST", "/staff/fleet/alarms"): _act(*_LOOK_AFTER),
    ("GET", "/staff/fleet/{kiosk}"): _page(*_LOOK_AFTER),
    ("GET", "/staff/fleet/{kiosk}/logs/{id}"): _page(*_LOOK_AFTER),
    ("POST", "/staff/fleet/{kiosk}/orders"): _act(Role.MANAGER, Role.ADMINISTRATOR),
    ("POST", "/staff/fleet/{kiosk}/group"): _act(Role.MANAGER, Role.ADMINISTRATOR),
    ("GET", "/staff/releases"): _page(Role.TECHNICIAN, Role.MANAGER, Role.ADMINISTRATOR),
    ("POST", "/staff/releases"): _act(Role.MANAGER, Role.ADMINISTRATOR),
}


# ---- for handlers ----------------------------------------------------------------------------------------------------


def kiosk(request: HTTPConnection) -> KnownKiosk:
    """Who signed this request; only under a rule for kiosks."""
    return cast(KnownKiosk, request.scope["hall.kiosk"])


def person(request: HTTPConnection) -> StaffSession:
    """Who is logged in; only under a rule for staff."""
    return cast(StaffSession, request.scope["hall.person"])


def person_if_any(request: HTTPConnection) -> StaffSession | None:
    """Who is logged in here, also under a rule for anybody."""
    token = request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE, "")
    # Scripts of a page ask by themselves; a person loads a page or does something.
    alone = request.scope.get("method") == "GET" and request.headers.get("sec-fetch-mode", "navigate") != "navigate"
    return request.app.state.hall.sessions.find(token, touch=not alone) if token else None


def may(session: StaffSession, method: str, path: str) -> bool:
    """For menus: would this person be let in?"""
    rule = TABLE.get((method, path))
    return rule is not None and session.role in rule.roles and (bool(session.window) or not rule.seat)


def require_same_origin(request: HTTPConnection) -> None:
    """A browser names the page a post comes from; another site's is refused. Raises Refused(origin, 403)."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused("origin", 403)
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused("origin", 403)


# ---- the one place ---------------------------------------------------------------------------------------------------


def guarded(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """The routes, each behind its rule of the table."""
    behind = list(routes)
    for route in behind:
        if not isinstance(route, Route | Mount):
            raise TypeError(f"a kind of route that is not known here: {route}")
        route.app = _Guard(rule_of(route), route.path, route.app)
    return behind


def rule_of(route: Route | Mount) -> Rule | None:
    """The row of a route; None where there is none, or where its methods have different ones."""
    if isinstance(route, Mount):
        return TABLE.get(("GET", f"{route.path}/*"))
    rules = {TABLE.get((method, route.path)) for method in (route.methods or ()) if method != "HEAD"}
    return rules.pop() if len(rules) == 1 else None


class _Guard:
    """Stands before one route."""

    def __init__(self, rule: Rule | None, path: str, app: ASGIApp) -> None:
        self._rule, self._path, self._app = rule, path, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        match self._rule:
            case None:
                log.error("route without a rule: add it to hall/api/access.py", path=self._path)
                raise Refused("no_rule", 403)
            case Rule(who=Who.ANYBODY):
                if request.method not in ("GET", "HEAD"):
                    require_same_origin(request)
                await self._app(scope, receive, send)
            case Rule(who=Who.KIOSK) as rule:
                await self._for_kiosk(rule, request, send)
            case rule:
                await self._for_staff(rule, request, send)

    async def _for_kiosk(self, rule: Rule, request: Request, send: Send) -> None:
        hall, scope = request.app.state.hall, request.scope
        address = client_address(request)
        hall.limits.check_strangers(address)
        body = await read_body(request, rule.body)
        try:
            known: KnownKiosk = hall.signatures.kiosk(request, body)
        except Refused as refused:
            if refused.problem == "signature":
                hall.limits.stranger(address)
                hall.fleet.asked(signed_as(request))
            raise
        hall.limits.check_kiosk(known.id)
        scope["hall.kiosk"] = known
        app, receive = self._app, _again(body, request.receive)
        if not rule.stream:
            await app(scope, receive, send)
            return
        async with hall.held.until(lambda: hall.keys.get(known.id) == known):
            await app(scope, receive, send)

    async def _for_staff(self, rule: Rule, request: Request, send: Send) -> None:
        hall, scope, receive = request.app.state.hall, request.scope, request.receive
        session = person_if_any(request)
        reading = request.method in ("GET", "HEAD")
        if session is None or (rule.seat and not session.window):
            if not rule.page or not (reading or self._path == "/logout"):
                raise Refused("login", 401)
            await _to_login(request, rule)(scope, receive, send)
            return
        scope["hall.person"] = session
        if session.role not in rule.roles:
            if rule.page and reading:
                await _not_yours(request)(scope, receive, send)
                return
            raise Refused("role", 403)
        if not reading:
            require_same_origin(request)
            token = request.headers.get(CSRF_HEADER)
            if token is None:
                body = await read_body(request, rule.body)
                token, receive = _csrf_of(body), _again(body, receive)
            if not token or not hmac.compare_digest(token.encode(), session.csrf.encode()):
                raise Refused("csrf", 403)
        if not rule.stream:
            await self._app(scope, receive, send)
            return
        cookie = request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE, "")
        async with hall.held.until(lambda: hall.sessions.find(cookie, touch=False) is not None):
            await self._app(scope, receive, send)


def _to_login(request: Request, rule: Rule) -> Response:
    door = "/login" if rule.roles & AT_WINDOWS else "/staff/login"
    ended = rule.seat and (COOKIE in request.cookies or SECURE_COOKIE in request.cookies)
    return RedirectResponse(f"{door}?ended=1" if ended else door, status_code=303)


def _not_yours(request: Request) -> Response:
    from hall.pages.desk import not_yours  # the pages stand on this file

    return not_yours(request)


def _csrf_of(body: bytes) -> str | None:
    """The hidden field of a small form."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=16)
    except ValueError:
        return None
    return fields.get(CSRF_FIELD, [None])[0]


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read to be checked, for the handler to read."""
    told = False

    async def receive_again() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def client_address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


class Held:
    """Requests that stay open, each with the reason why it may."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Task[object], Callable[[], bool]] = {}

    @asynccontextmanager
    async def until(self, allowed: Callable[[], bool]) -> AsyncIterator[None]:
        """Cut what is inside within a second of ``allowed`` having become false."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._open[task] = allowed
        try:
            yield
        except asyncio.CancelledError:
            # Cut by us: the connection is closed by returning. Anybody else's cancelling goes on.
            if task in self._open:
                raise
        finally:
            self._open.pop(task, None)

    def look_again(self) -> None:
        for task, allowed in list(self._open.items()):
            if not allowed():
                del self._open[task]
                task.cancel()
