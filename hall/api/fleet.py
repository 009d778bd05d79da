"""What kiosks say of themselves, the line on which they are called, and their answers to orders."""

from __future__ import annotations

import asyncio
import re

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from hall.api import access
from hall.api.access import ANSWER_LIMIT
from hall.api.answers import answer, decode, read_body
from hall.api.stream import HEADERS, RETRY
from hall.fleet import orders
from hall.fleet.calls import Calls, Line
from hall.queue.refusal import Refused
from hall.server import HallServer
from kiosk.domain.fleet import KioskReport, OrderAnswer

_kiosk_report = msgspec.json.Decoder(KioskReport)
_order_answer = msgspec.json.Decoder(OrderAnswer)

_KEY = re.compile(r"[0-9a-f]{32}")

#: Devices in a report, and signs of a driver's own words: more is not from a kiosk of ours.
_MOST_DEVICES, _MOST_WORDS = 16, 400


class Noted(msgspec.Struct, frozen=True):
    """An answer to an order is in the books."""

    id: str


async def report(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    message = decode(await read_body(request), _kiosk_report)
    _check(message)
    return answer(await hall.fleet.report(access.kiosk(request).id, message))


def _check(message: KioskReport) -> None:
    for name in ("at", "clock", "started_at", "last_visit_at"):
        at = getattr(message, name)
        if at is not None and at.tzinfo is None:
            raise Refused("invalid", 422, name)
    words = [message.software, *message.devices, message.configuration.problem]
    words += [word for each in message.devices.values() for word in (each.device, each.paper or "", each.detail)]
    if len(message.devices) > _MOST_DEVICES or any(len(word) > _MOST_WORDS for word in words):
        raise Refused("invalid", 422, "devices")
    figures = (message.journal_waiting, message.restarts, message.slips_uncertain, message.storage.free)
    if any(not 0 <= figure < 2**53 for figure in figures):
        raise Refused("invalid", 422, "journal_waiting")
    if not (0 <= message.configuration.running < 2**31 and 0 <= message.configuration.offered < 2**31):
        raise Refused("invalid", 422, "configuration")


async def take_answer(request: Request) -> Response:
    """Once an order is answered it is never sent again; the answer may be."""
    hall: HallServer = request.app.state.hall
    kiosk, order = access.kiosk(request).id, request.path_params["id"]
    message = decode(await read_body(request, ANSWER_LIMIT), _order_answer)
    if not _KEY.fullmatch(order):
        raise Refused("not_found", 404, "id")
    await hall.writer.run(lambda work: orders.answered(work, kiosk, order, message))
    hall.events.fleet_changed()
    return answer(Noted(order))


class KioskEvents:
    """GET /kiosk/v1/events, until the kiosk goes, is revoked, or the hall stops."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hall: HallServer = scope["app"].state.hall
        await _stream(hall.fleet.calls, access.kiosk(Request(scope)).id, receive, send)


async def _stream(calls: Calls, kiosk: str, receive: Receive, send: Send) -> None:
    async with calls.line(kiosk) as line:
        gone = asyncio.create_task(_wait_until_gone(receive, line))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await send({"type": "http.response.body", "body": RETRY, "more_body": True})
            while True:
                await send({"type": "http.response.body", "body": await line.next_chunk(), "more_body": True})
        except asyncio.CancelledError:
            # Only our own cancelling ends here quietly; the connection is closed by returning.
            if not line.dropped:
                raise
        finally:
            gone.cancel()


async def _wait_until_gone(receive: Receive, line: Line) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    line.drop()


def routes() -> list[BaseRoute]:
    return [
        Route("/kiosk/v1/report", report, methods=["POST"]),
        Route("/kiosk/v1/events", KioskEvents(), methods=["GET"]),
        Route("/kiosk/v1/orders/{id}/answer", take_answer, methods=["POST"]),
    ]
