"""The signed files of releases, as they lie in the repository. Public: they are believed for their signatures alone,
and say nothing of anybody."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hall.queue.refusal import Refused
from hall.server import HallServer

_FOR_EVER = "public, max-age=31536000, immutable"


async def metadata(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    name = request.path_params["name"]
    return _file(hall.releases.metadata_file(name), "no-cache" if name == "timestamp.json" else _FOR_EVER)


async def target(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    return _file(hall.releases.target_file(request.path_params["name"]), _FOR_EVER)


def _file(data: bytes | None, kept: str) -> Response:
    if data is None:
        # The next root is asked for until there is none: nothing may remember that it was not there yet.
        raise Refused("not_found", 404)
    return Response(data, headers={"cache-control": kept}, media_type="application/json")


def routes() -> list[BaseRoute]:
    return [
        Route("/kiosk/v1/releases/metadata/{name}", metadata, methods=["GET"]),
        Route("/kiosk/v1/releases/targets/{name}", target, methods=["GET"]),
    ]
