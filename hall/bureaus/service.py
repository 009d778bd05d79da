"""A bureau's system as a web application: the contract over its books, and the bench's own paths.

    POST /bench/window/return    Declaration → as /bureau/v1/returns      filed by somebody at the bureau's window
    POST /bench/window/entry     Entry → as /bureau/v1/entries
    POST /bench/taxpayer         TurnAway → 204                           a taxpayer that this bureau refuses
    POST /bench/fault            Fault → 200 what is armed | 422
    POST /bench/heal             → 200
    GET  /bench                  → 200 what is armed

The bench's paths are reached from this machine only (``relay``) and want the token like all others.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date
from typing import Any, Literal, TypeVar

import msgspec
import pysqlite3.dbapi2 as sqlite
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from hall.bureaus.books import Books, Channel
from hall.bureaus.contract import NOT_FOUND, Declaration, Entry, Receipt, Refusal, status_of
from hall.bureaus.faults import Fault, Faults
from hall.clock import Clock

T = TypeVar("T")

log = structlog.get_logger("bureau")


class TurnAway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    taxpayer: str
    problem: Literal["unknown_taxpayer", "not_registered"] | None
    """None: it is welcome again."""


class _Guard:
    """No path without the token, not even a 404."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._expected = app, f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shown = dict(scope["headers"]).get(b"authorization", b"")
            if not secrets.compare_digest(shown, self._expected):
                await _say(Refusal("token"), 401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Counter:
    """Where messages are handed in: decodes, has the books decide, words the answer."""

    def __init__(self, books: Books, clock: Clock) -> None:
        self._books, self._clock = books, clock

    def returns(self, channel: Channel) -> Callable[[Request], Any]:
        async def declare(request: Request) -> Response:
            declaration = await _decode(request, Declaration)
            if declaration is None:
                return _say(Refusal("invalid"), 422)
            return _decided(await run_in_threadpool(self._books.declare, declaration, self._clock.now(), channel))

        return declare

    def entries(self, channel: Channel) -> Callable[[Request], Any]:
        async def enter(request: Request) -> Response:
            entry = await _decode(request, Entry)
            if entry is None:
                return _say(Refusal("invalid"), 422)
            return _decided(await run_in_threadpool(self._books.enter, entry, self._clock.now(), channel))

        return enter

    async def ask_return(self, request: Request) -> Response:
        key = request.path_params["key"]
        return _found(key, await run_in_threadpool(self._books.ask_return, key))

    async def ask_entry(self, request: Request) -> Response:
        key = request.path_params["key"]
        return _found(key, await run_in_threadpool(self._books.ask_entry, key))

    async def ledger(self, request: Request) -> Response:
        try:
            asked = request.query_params.get("day")
            day = date.fromisoformat(asked) if asked is not None else None
        except ValueError:
            return _say(Refusal("invalid"), 422)
        return _say(await run_in_threadpool(self._books.ledger, day))

    async def turn_away(self, request: Request) -> Response:
        told = await _decode(request, TurnAway)
        if told is None:
            return _say(Refusal("invalid"), 422)
        await run_in_threadpool(self._books.turn_away, told.taxpayer, told.problem)
        return Response(status_code=204)


def build(books: Books, token: str, faults: Faults, clock: Clock, lifespan: Lifespan[Starlette]) -> Starlette:
    counter = _Counter(books, clock)

    async def arm(request: Request) -> Response:
        fault = await _decode(request, Fault)
        problem = "no such fault" if fault is None else fault.problem()
        if fault is None or problem is not None:
            return _say({"problem": problem}, 422)
        faults.arm(fault)
        return _say(faults.shown())

    async def heal(request: Request) -> Response:
        faults.heal()
        return _say(faults.shown())

    async def shown(request: Request) -> Response:
        return _say(faults.shown())

    return Starlette(
        routes=[
            Route("/bureau/v1/returns", counter.returns("hall"), methods=["POST"]),
            Route("/bureau/v1/returns/{key}", counter.ask_return),
            Route("/bureau/v1/entries", counter.entries("hall"), methods=["POST"]),
            Route("/bureau/v1/entries/{key}", counter.ask_entry),
            Route("/bureau/v1/ledger", counter.ledger),
            Route("/bench/window/return", counter.returns("window"), methods=["POST"]),
            Route("/bench/window/entry", counter.entries("window"), methods=["POST"]),
            Route("/bench/taxpayer", counter.turn_away, methods=["POST"]),
            Route("/bench/fault", arm, methods=["POST"]),
            Route("/bench/heal", heal, methods=["POST"]),
            Route("/bench", shown),
        ],
        middleware=[Middleware(_Guard, token=token)],
        exception_handlers={sqlite.Error: _storage_failed, Exception: _defect},
        lifespan=lifespan,
    )


async def _decode(request: Request, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _decided(decision: Receipt | Refusal) -> Response:
    if isinstance(decision, Receipt):
        return _say(decision)
    return _say(decision, status_of(decision.problem))


def _found(key: str, receipt: Receipt | None) -> Response:
    return _say(receipt) if receipt is not None else _say(Refusal(NOT_FOUND, key), 404)


def _say(document: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(document), status, media_type="application/json")


# Not 4xx: whether anything is stored is unknown, and the hall has to ask.
def _storage_failed(request: Request, error: Exception) -> Response:
    log.error("not stored", problem=type(error).__name__)
    return _say({"problem": "storage"}, 503)


def _defect(request: Request, error: Exception) -> Response:
    log.error("defect", problem=type(error).__name__, exc_info=error)
    return _say({"problem": "defect"}, 500)
