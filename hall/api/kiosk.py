"""What kiosks ask: to be enrolled, for a number, for somebody's numbers, and to take in their journal."""

from __future__ import annotations

import re

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hall.api import access
from hall.api.access import client_address
from hall.api.answers import JOURNAL_LIMIT, answer, decode, read_body
from hall.clock import milliseconds
from hall.fleet import enrolment, journal
from hall.queue.refusal import Refused
from hall.queue.staff import Attempts
from hall.queue.taking import issue, standing
from hall.server import HallServer
from hall.store import statements
from kiosk.domain.messages import EnrolReply, EnrolRequest, HolderTickets, JournalBatch, TicketRequest

_ticket_request = msgspec.json.Decoder(TicketRequest)
_enrol_request = msgspec.json.Decoder(EnrolRequest)
_journal_batch = msgspec.json.Decoder(JournalBatch)

_HOLDER_REF = re.compile(r"[0-9a-f]{64}")

#: Signs: a code of the catalogue; a masked name and number. Longer is not from a kiosk of ours.
_SERVICE_LENGTH, _MASKED_LENGTH = 32, 128


async def enrol(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    attempts: Attempts = request.app.state.enrol_attempts
    address = client_address(request)
    message = decode(await read_body(request), _enrol_request)
    attempts.check("enrol", address)
    try:
        kiosk = await hall.writer.run(lambda work: enrolment.enrol(work, message.code, message.public_key))
    except Refused as refusal:
        if refusal.problem == "code":
            attempts.failed("enrol", address)
        raise
    hall.load_keys()
    told = hall.settings.hall
    root = hall.releases.root_text()
    return answer(EnrolReply(kiosk, told.id, told.name_zh, told.name_en, hall.pepper, hall.fleet.order_key, root))


async def take_number(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    kiosk = access.kiosk(request)
    message = decode(await read_body(request), _ticket_request)
    _check(message)
    price = hall.forecaster.price
    return answer(await hall.writer.run(lambda work: issue(work, hall.rules, kiosk.id, message, price)))


def _check(message: TicketRequest) -> None:
    if message.requested_at.tzinfo is None:
        raise Refused("invalid", 422, "requested_at")
    if message.service is not None and not 0 < len(message.service) <= _SERVICE_LENGTH:
        raise Refused("invalid", 422, "service")
    if len(message.holder_masked) > _MASKED_LENGTH:
        raise Refused("invalid", 422, "holder_masked")
    if message.holder_ref is not None and not _HOLDER_REF.fullmatch(message.holder_ref):
        raise Refused("invalid", 422, "holder_ref")


async def holder_tickets(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    holder = request.query_params.get("holder_ref", "")
    if not _HOLDER_REF.fullmatch(holder):
        raise Refused("invalid", 422, "holder_ref")
    now = hall.clock.now()
    with hall.database.reader.connect() as connection:
        rows = connection.execute(statements.TICKETS_OF_HOLDER, {"holder": holder, "day": hall.rules.day(now)}).all()
        tickets = [
            standing(connection, hall.rules, row, milliseconds(now), hall.forecaster.price, existing=True)
            for row in rows
        ]
    return answer(HolderTickets(tickets))


async def take_journal(request: Request) -> Response:
    hall: HallServer = request.app.state.hall
    kiosk = access.kiosk(request)
    batch = decode(await read_body(request, JOURNAL_LIMIT), _journal_batch)
    journal.check_shape(batch)
    # Assessing five hundred returns takes a while: neither the loop nor the writer, which gives numbers, waits for it.
    ready = await run_in_threadpool(journal.make_ready, hall.tax, batch.rows)
    received = await hall.writer.run(lambda work: journal.receive(work, hall.rules, kiosk, batch, hall.tax, ready))
    hall.settler.ring()
    return answer(received.reply, 409 if received.gap else 200)


def routes() -> list[BaseRoute]:
    return [
        Route("/kiosk/v1/enrol", enrol, methods=["POST"]),
        Route("/kiosk/v1/tickets", take_number, methods=["POST"]),
        Route("/kiosk/v1/tickets", holder_tickets, methods=["GET"]),
        Route("/kiosk/v1/journal", take_journal, methods=["POST"]),
    ]
