"""The kiosk's side of the hall's API. Every answer is a value of ``kiosk.domain`` or one of three errors.

A request under a key may be repeated: the hall does it once and gives the same answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from kiosk.domain.filing import (
    CertificateRequest,
    CertificateView,
    FilingRequest,
    FilingView,
    InvoiceRequest,
    InvoiceView,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    TaxpayerFile,
    TaxpayersOfPerson,
    TerminalJournal,
)
from kiosk.domain.fleet import KioskReport, OrderAnswer, ReportReply
from kiosk.domain.messages import (
    EnrolReply,
    EnrolRequest,
    HallState,
    HolderTickets,
    JournalBatch,
    JournalReply,
    Problem,
    TicketRequest,
    TicketView,
)
from kiosk.sync.hall_tls import context_for
from kiosk.sync.signing import Signer

Answer = TypeVar("Answer", bound=msgspec.Struct)


class Buyer(msgspec.Struct, frozen=True):
    """GET /kiosk/v1/buyers/{number}."""

    name: str


class HallError(Exception):
    """The family of expected failures of a talk with the hall."""


class HallUnreachable(HallError):
    """No answer: down, too slow, or the network is away. What was asked may or may not have happened."""


class HallRefused(HallError):
    """The hall answered, and said no."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(f"{status}: {problem}")
        self.status = status
        self.problem = problem


class JournalGap(HallError):
    """The hall does not hold the row before this batch."""

    def __init__(self, high_water: int) -> None:
        super().__init__(f"the hall holds the journal up to {high_water}")
        self.high_water = high_water


class HallClient:
    """One connection pool to one hall. Not shared between threads. Times out in seconds, per call."""

    def __init__(
        self,
        hall_url: str,
        signer: Signer | None = None,
        told: Callable[[datetime], None] | None = None,
        hall_ca: Path | None = None,
    ) -> None:
        """``told``: hears the hall's time with every answer that carries it. ``hall_ca``: the certificate or authority
        that is the hall's, and nobody else's. Raises hall_tls.BadPin."""
        self._signer = signer
        self._told = told
        self._http = httpx2.Client(base_url=hall_url, trust_env=False, verify=context_for(hall_url, hall_ca))
        self._state: HallState | None = None
        self._etag = ""

    def close(self) -> None:
        self._http.close()

    def enrol(self, code: str, public_key: bytes, timeout: float) -> EnrolReply:
        """Make this kiosk known, once. The one request that is not signed."""
        body = EnrolRequest(code=code, public_key=public_key.hex())
        response = self._send("POST", "/kiosk/v1/enrol", body, timeout, signed=False)
        return self._decode(response, EnrolReply)

    def ask_ticket(self, request: TicketRequest, timeout: float) -> TicketView:
        return self._decode(self._send("POST", "/kiosk/v1/tickets", request, timeout), TicketView)

    def tickets_of(self, holder_ref: str, timeout: float) -> HolderTickets:
        path = f"/kiosk/v1/tickets?holder_ref={holder_ref}"
        return self._decode(self._send("GET", path, None, timeout), HolderTickets)

    def send_journal(self, batch: JournalBatch, timeout: float) -> JournalReply:
        """Raises JournalGap with the hall's mark when the batch does not begin where the hall's copy ends."""
        response = self._send("POST", "/kiosk/v1/journal", batch, timeout)
        if response.status_code == httpx2.codes.CONFLICT:
            raise JournalGap(msgspec.json.decode(response.content, type=JournalReply).high_water)
        return self._decode(response, JournalReply)

    # ---- filing, paying, proof -------------------------------------------------------------------------------------

    def taxpayers_of(self, holder_ref: str, timeout: float) -> TaxpayersOfPerson:
        return self._get(f"/kiosk/v1/taxpayers?holder_ref={holder_ref}", timeout, TaxpayersOfPerson)

    def taxpayer_file(self, taxpayer: str, holder_ref: str, timeout: float) -> TaxpayerFile:
        path = f"/kiosk/v1/taxpayers/{quote(taxpayer, safe='')}?holder_ref={holder_ref}"
        return self._get(path, timeout, TaxpayerFile)

    def buyer(self, number: str, timeout: float) -> Buyer:
        return self._get(f"/kiosk/v1/buyers/{quote(number, safe='')}", timeout, Buyer)

    def file(self, request: FilingRequest, timeout: float) -> FilingView:
        return self._post("/kiosk/v1/filings", request, timeout, FilingView)

    def filing(self, key: str, timeout: float) -> FilingView:
        return self._get(f"/kiosk/v1/filings/{key}", timeout, FilingView)

    def begin_payment(self, request: PaymentRequest, timeout: float) -> PaymentView:
        return self._post("/kiosk/v1/payments", request, timeout, PaymentView)

    def end_payment(self, key: str, result: PaymentResult, timeout: float) -> PaymentView:
        return self._post(f"/kiosk/v1/payments/{key}/result", result, timeout, PaymentView)

    def payment(self, key: str, timeout: float) -> PaymentView:
        return self._get(f"/kiosk/v1/payments/{key}", timeout, PaymentView)

    def certificate(self, request: CertificateRequest, timeout: float) -> CertificateView:
        return self._post("/kiosk/v1/certificates", request, timeout, CertificateView)

    def invoice(self, request: InvoiceRequest, timeout: float) -> InvoiceView:
        return self._post("/kiosk/v1/invoices", request, timeout, InvoiceView)

    def send_terminal_journal(self, day: TerminalJournal, timeout: float) -> None:
        response = self._send("POST", "/kiosk/v1/terminal-journal", day, timeout)
        if not response.is_success:
            raise HallRefused(response.status_code, _problem(response))

    def release_file(self, path: str, seconds: float) -> Iterator[bytes]:
        """A file of the hall's signed releases, piece by piece. It is public, and believed for its signatures alone."""
        request = self._http.build_request("GET", f"/kiosk/v1/releases/{path}")
        request.extensions["timeout"] = httpx2.Timeout(seconds).as_dict()
        try:
            response = self._http.send(request, stream=True)
            try:
                if response.status_code != httpx2.codes.OK:
                    raise HallRefused(response.status_code, response.reason_phrase)
                yield from response.iter_raw()
            finally:
                response.close()
        except httpx2.TransportError as problem:
            raise HallUnreachable(type(problem).__name__) from None

    # ---- the machine itself ----------------------------------------------------------------------------------------

    def report(self, report: KioskReport, timeout: float) -> ReportReply:
        return self._post("/kiosk/v1/report", report, timeout, ReportReply)

    def answer_order(self, order: str, answer: OrderAnswer, timeout: float) -> None:
        response = self._send("POST", f"/kiosk/v1/orders/{order}/answer", answer, timeout)
        if not response.is_success:
            raise HallRefused(response.status_code, _problem(response))

    @contextmanager
    def listen(self, timeout: float) -> Iterator[Iterator[tuple[str, str]]]:
        """The hall's line to this kiosk: (event, data) as they come, until the hall ends it. ``timeout``: seconds of
        silence, of heartbeats too, after which the line is taken for dead. Raises HallError."""
        for attempt in (1, 2):
            request = self._http.build_request("GET", "/kiosk/v1/events")
            if self._signer is not None:
                self._signer.sign(request)
            response = self._exchange(request, timeout, stream=True)
            try:
                if response.status_code != httpx2.codes.OK:
                    response.read()
                    if attempt == 1 and self._clock_corrected(response):
                        continue
                    raise HallRefused(response.status_code, _problem(response))
                yield _events(response)
                return
            except httpx2.TransportError as problem:
                raise HallUnreachable(type(problem).__name__) from None
            finally:
                response.close()

    # ---- for everybody ---------------------------------------------------------------------------------------------

    def state(self, timeout: float) -> HallState:
        """The hall's public state; costs a 304 while nothing has changed."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        response = self._exchange(self._http.build_request("GET", "/public/state", headers=headers), timeout)
        if response.status_code == httpx2.codes.NOT_MODIFIED and self._state is not None:
            return self._state
        self._state = self._decode(response, HallState)
        self._etag = response.headers.get("ETag", "")
        return self._state

    def _get(self, path: str, timeout: float, kind: type[Answer]) -> Answer:
        return self._decode(self._send("GET", path, None, timeout), kind)

    def _post(self, path: str, body: msgspec.Struct, timeout: float, kind: type[Answer]) -> Answer:
        return self._decode(self._send("POST", path, body, timeout), kind)

    def _send(
        self, method: str, path: str, body: msgspec.Struct | None, timeout: float, signed: bool = True
    ) -> httpx2.Response:
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        for attempt in (1, 2):
            request = self._http.build_request(method, path, content=content, headers=headers)
            if signed and self._signer is not None:
                self._signer.sign(request)
            response = self._exchange(request, timeout)
            if attempt == 1 and self._clock_corrected(response):
                continue
            return response
        return response

    def _exchange(self, request: httpx2.Request, timeout: float, *, stream: bool = False) -> httpx2.Response:
        request.extensions["timeout"] = httpx2.Timeout(timeout).as_dict()
        try:
            response = self._http.send(request, stream=stream)
        except httpx2.TransportError as problem:
            raise HallUnreachable(type(problem).__name__) from None
        if self._told is not None and (hall_time := _parse_time(response.headers.get("Hall-Time", ""))) is not None:
            self._told(hall_time)
        return response

    def _clock_corrected(self, response: httpx2.Response) -> bool:
        """A kiosk whose clock is wrong is told the hall's time and signs anew by it; its own clock stays as it is."""
        if self._signer is None or response.status_code != httpx2.codes.UNAUTHORIZED:
            return False
        if _problem(response) != "clock" or "Hall-Time" not in response.headers:
            return False
        hall_time = _parse_time(response.headers["Hall-Time"])
        if hall_time is None:
            return False
        self._signer.clock_error = hall_time.timestamp() - time.time()
        return True

    def _decode(self, response: httpx2.Response, kind: type[Answer]) -> Answer:
        if response.status_code != httpx2.codes.OK:
            raise HallRefused(response.status_code, _problem(response))
        try:
            return msgspec.json.decode(response.content, type=kind)
        except msgspec.DecodeError:
            raise HallRefused(response.status_code, "an answer that is not one of this hall's messages") from None


def _events(response: httpx2.Response) -> Iterator[tuple[str, str]]:
    """Server-sent events as this hall writes them: one line of data each."""
    kind = ""
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data" and kind:
            yield kind, value
            kind = ""


def _problem(response: httpx2.Response) -> str:
    try:
        return msgspec.json.decode(response.content, type=Problem).problem
    except msgspec.DecodeError:
        return response.reason_phrase


def _parse_time(value: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(value)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
