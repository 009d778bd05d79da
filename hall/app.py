"""The hall as a web application: its routes, and one way to say no."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hall.api import access, description, fleet, kiosk, public, releases, tax, window
from hall.api.answers import problem
from hall.api.limits import PublicLimit
from hall.clock import Clock
from hall.pages.desk import routes as desk_routes
from hall.pages.fleet import routes as fleet_routes
from hall.pages.headers import SecurityHeaders
from hall.pages.quarantine import routes as quarantine_routes
from hall.pages.releases import routes as release_routes
from hall.pages.routes import routes as page_routes
from hall.pages.staff import routes as staff_routes
from hall.queue.refusal import Refused
from hall.queue.staff import Attempts
from hall.server import HallServer
from hall.store.writer import StorageFailed

log = structlog.get_logger("hall")

HALL_TIME = "hall-time"

#: What kiosks ask: the public state too, which each looks at every two seconds.
_FOR_KIOSKS = ("/kiosk/", "/public/state")


class HallTime:
    """Every answer to a kiosk carries the hall's time, refusals too: a kiosk with a wrong clock learns it from them."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_FOR_KIOSKS):
            await self._app(scope, receive, send)
            return

        async def send_with_time(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(raw=message["headers"])[HALL_TIME] = self._clock.now().isoformat()
            await send(message)

        await self._app(scope, receive, send_with_time)


# Starlette's table of handlers is typed for any exception; each of these is registered for its own.
def _refused(request: Request, error: Exception) -> Response:
    refused = cast(Refused, error)
    return problem(refused.status, refused.problem, refused.field)


def _storage_failed(request: Request, error: Exception) -> Response:
    return problem(503, "storage", headers={"retry-after": "2"})


def _http(request: Request, error: Exception) -> Response:
    raised = cast(HTTPException, error)
    words = {404: "not_found", 405: "method_not_allowed"}
    headers = dict(raised.headers) if raised.headers else None
    return problem(raised.status_code, words.get(raised.status_code, "bad_request"), headers=headers)


def _gone(request: Request, error: Exception) -> Response:
    return problem(400, "incomplete")


def _defect(request: Request, error: Exception) -> Response:
    # What the request held stays out of the log: it may be about a person.
    log.error("defect", path=request.scope.get("route_path", ""), problem=type(error).__name__, exc_info=error)
    return problem(500, "defect")


def build(hall: HallServer, started: Callable[[], None] = lambda: None) -> Starlette:
    """The application around a hall; starts and stops it with the server."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await hall.start()
        started()
        yield
        await hall.stop()

    app = Starlette(
        routes=access.guarded(
            [
                *kiosk.routes(),
                *fleet.routes(),
                *releases.routes(),
                *tax.routes(),
                *window.routes(),
                *public.routes(),
                *description.routes(),
                *desk_routes,
                *staff_routes,
                *quarantine_routes,
                *fleet_routes,
                *release_routes,
                *page_routes,
            ]
        ),
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(HallTime, clock=hall.clock),
            Middleware(PublicLimit, limits=hall.limits),
        ],
        exception_handlers={
            Refused: _refused,
            StorageFailed: _storage_failed,
            TimeoutError: _storage_failed,
            HTTPException: _http,
            ClientDisconnect: _gone,
            Exception: _defect,
        },
        lifespan=lifespan,
    )
    app.state.hall = hall
    app.state.desk = hall.desk
    app.state.clock = hall.clock
    app.state.catalogue = hall.catalogue
    app.state.snapshot = public.Snapshot(hall.desk)
    app.state.enrol_attempts = Attempts(accounts=False)
    return app
