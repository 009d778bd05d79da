"""What anybody may ask: the hall's state, one ticket by its token, and whether the server lives."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hall.api.answers import answer, encode
from hall.queue.desk import STATE_AGE, Desk
from hall.queue.refusal import Refused
from hall.server import HallServer

_TOKEN = re.compile(r"[0-9a-f]{22}")

#: Pages on other sites (the tax app) may read this too; a cache may keep it for as long as the snapshot is good.
_HEADERS = {"cache-control": "public, max-age=2", "access-control-allow-origin": "*"}


class Snapshot:
    """The public state as bytes, with its ETag: made once, however many phones ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._body, self._etag = b"", ""
        self._good_until = 0.0

    def get(self) -> tuple[bytes, str]:
        now = time.monotonic()
        if now >= self._good_until:
            self._body = encode(self._desk.state())
            self._etag = f'"{hashlib.sha256(self._body).hexdigest()[:32]}"'
            self._good_until = now + STATE_AGE
        return self._body, self._etag


async def state(request: Request) -> Response:
    snapshot: Snapshot = request.app.state.snapshot
    body, etag = snapshot.get()
    headers = {**_HEADERS, "etag": etag}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _matches(header: str, etag: str) -> bool:
    return header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))


async def ticket(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    token = request.path_params["token"]
    seen = hall.desk.phone(token) if _TOKEN.fullmatch(token) else None
    if seen is None:
        raise Refused("no_such_ticket", 404)
    return answer(seen.ticket, headers={"cache-control": "no-store", "access-control-allow-origin": "*"})


async def health(request: Request) -> Response:
    """Good only if the writer can commit: a hall that cannot give numbers is not healthy. 503 otherwise."""
    hall: HallServer = request.app.state.hall
    async with asyncio.timeout(5):
        await hall.writer.run(lambda work: None)
    return answer({"status": "ok"})


def routes() -> list[BaseRoute]:
    return [
        Route("/public/state", state),
        Route("/public/tickets/{token}", ticket),
        Route("/healthz", health),
    ]
