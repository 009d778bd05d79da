"""What kiosks ask of the tax side: whom somebody may act for, to file, to pay, to prove.

Every post carries a key; posted again it is answered again. The answer to a return comes when both bureaus have
answered, or after ``answer_s``, with the state as it then is.
"""

from __future__ import annotations

import asyncio
import re
from datetime import date

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from hall.api import access
from hall.api.answers import JOURNAL_LIMIT, answer, decode, read_body
from hall.filings import documents, paying, reconcile, views
from hall.filings.receiving import prepare, take_return
from hall.queue.refusal import Refused
from hall.register import taxpayers
from hall.server import HallServer
from hall.store import statements_tax
from kiosk.domain.filing import (
    CertificateRequest,
    FilingRequest,
    InvoiceRequest,
    PaymentRequest,
    PaymentResult,
    TerminalJournal,
)

_filing = msgspec.json.Decoder(FilingRequest)
_payment = msgspec.json.Decoder(PaymentRequest)
_result = msgspec.json.Decoder(PaymentResult)
_certificate = msgspec.json.Decoder(CertificateRequest)
_invoice = msgspec.json.Decoder(InvoiceRequest)
_terminal = msgspec.json.Decoder(TerminalJournal)

_HOLDER_REF = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9A-Z]{15,20}")


def _today(hall: HallServer) -> date:
    return hall.clock.now().date()


def _holder(request: Request) -> str:
    holder = request.query_params.get("holder_ref", "")
    if not _HOLDER_REF.fullmatch(holder):
        raise Refused("invalid", 422, "holder_ref")
    return holder


def _hall(request: Request) -> HallServer:
    hall: HallServer = request.app.state.hall
    return hall


# ---- the register --------------------------------------------------------------------------------------------------


async def taxpayers_of_person(request: Request) -> Response:
    hall = _hall(request)
    holder = _holder(request)
    with hall.database.reader.connect() as connection:
        return answer(taxpayers.taxpayers_of(connection, hall.tax, holder, _today(hall)))


async def taxpayer_file(request: Request) -> Response:
    hall = _hall(request)
    holder, taxpayer, today = _holder(request), request.path_params["taxpayer"], _today(hall)

    def read() -> Response:
        with hall.database.reader.connect() as connection:
            return answer(taxpayers.file_of(connection, hall.tax, taxpayer, holder, today))

    # Two dozen filings with all that belongs to them: too long for the event loop at the peak.
    return await asyncio.to_thread(read)


async def buyer(request: Request) -> Response:
    hall = _hall(request)
    number = request.path_params["number"].upper()
    if not _NUMBER.fullmatch(number):
        raise Refused("not_found", 404, "number")
    with hall.database.reader.connect() as connection:
        name = taxpayers.buyer_name(connection, hall.tax, number)
    if name is None:
        raise Refused("not_found", 404, "number")
    return answer({"name": name})


# ---- filing --------------------------------------------------------------------------------------------------------


async def file(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    asked = decode(await read_body(request), _filing)
    prepared = prepare(hall.tax, asked)
    await hall.writer.run(lambda work: take_return(work, hall.tax, kiosk.id, prepared))
    hall.settler.ring()
    await hall.settler.answered(asked.key, hall.settings.tax.answer_s)
    return _filing_now(hall, asked.key)


async def filing(request: Request) -> Response:
    hall, key = _hall(request), request.path_params["key"]
    with hall.database.reader.connect() as connection:
        asked = {"key": key, "kiosk": access.kiosk(request).id}
        if connection.execute(statements_tax.FILING_AT_KIOSK, asked).first() is None:
            raise Refused("not_found", 404, "key")
    return _filing_now(hall, key)


def _filing_now(hall: HallServer, key: str) -> Response:
    with hall.database.reader.connect() as connection:
        return answer(views.filing_by_key(connection, hall.tax, key, _today(hall)))


# ---- paying --------------------------------------------------------------------------------------------------------


async def begin_payment(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    asked = decode(await read_body(request), _payment)
    await hall.writer.run(lambda work: paying.begin(work, hall.tax, kiosk.id, asked))
    return _payment_now(hall, asked.key)


async def end_payment(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    key, result = request.path_params["key"], decode(await read_body(request), _result)
    await hall.writer.run(lambda work: paying.conclude(work, kiosk.id, key, result))
    hall.settler.ring()
    return _payment_now(hall, key)


async def payment(request: Request) -> Response:
    hall, key = _hall(request), request.path_params["key"]
    with hall.database.reader.connect() as connection:
        row = connection.execute(statements_tax.PAYMENT, {"key": key}).one_or_none()
    if row is None or row.kiosk != access.kiosk(request).id:
        raise Refused("not_found", 404, "key")
    return _payment_now(hall, key)


def _payment_now(hall: HallServer, key: str) -> Response:
    with hall.database.reader.connect() as connection:
        return answer(views.payment_by_key(connection, key))


# ---- papers --------------------------------------------------------------------------------------------------------


async def certificate(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    asked = decode(await read_body(request), _certificate)
    return answer(await hall.writer.run(lambda work: documents.certificate(work, hall.tax, kiosk.id, asked)))


async def invoice(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    asked = decode(await read_body(request), _invoice)
    return answer(await hall.writer.run(lambda work: documents.invoice(work, hall.tax, kiosk.id, asked)))


async def terminal_journal(request: Request) -> Response:
    hall, kiosk = _hall(request), access.kiosk(request)
    journal = decode(await read_body(request, JOURNAL_LIMIT), _terminal)
    await hall.writer.run(lambda work: reconcile.take_terminal_journal(work, kiosk.id, journal))
    return answer({"day": journal.day, "terminal": journal.terminal, "entries": len(journal.entries)})


def routes() -> list[BaseRoute]:
    return [
        Route("/kiosk/v1/taxpayers", taxpayers_of_person, methods=["GET"]),
        Route("/kiosk/v1/taxpayers/{taxpayer}", taxpayer_file, methods=["GET"]),
        Route("/kiosk/v1/buyers/{number}", buyer, methods=["GET"]),
        Route("/kiosk/v1/filings", file, methods=["POST"]),
        Route("/kiosk/v1/filings/{key}", filing, methods=["GET"]),
        Route("/kiosk/v1/payments", begin_payment, methods=["POST"]),
        Route("/kiosk/v1/payments/{key}", payment, methods=["GET"]),
        Route("/kiosk/v1/payments/{key}/result", end_payment, methods=["POST"]),
        Route("/kiosk/v1/certificates", certificate, methods=["POST"]),
        Route("/kiosk/v1/invoices", invoice, methods=["POST"]),
        Route("/kiosk/v1/terminal-journal", terminal_journal, methods=["POST"]),
    ]
