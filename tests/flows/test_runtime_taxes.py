"""What a visit asks the hall about taxes: durable before it is told, within its limit, and silence is never a no."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import msgspec
import pytest

import config
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.filing import (
    Applicant,
    Bureau,
    CertificateView,
    Charge,
    Form,
    InvoiceView,
    PayerKind,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    Place,
    TaxpayerFile,
    TaxpayersOfPerson,
    TaxpayerView,
)
from kiosk.domain.holder import Holder
from kiosk.domain.papers import CertificatePaper, InvoicePaper, ReceiptPaper
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import Enrolment
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.slips import SlipMaker
from kiosk.runtime.storekeeper import Storekeeper
from kiosk.runtime.tax_desk import TaxDesk
from kiosk.session.effects import (
    AbandonFiling,
    AbandonPaper,
    AbandonPayment,
    AskCertificate,
    AskInvoice,
    ConfirmPayment,
    FindBuyer,
    FindTaxpayers,
    Forget,
    ForgetDraft,
    HoldPayment,
    KeepDraft,
    OpenFile,
    QueueFiling,
    RecordFiling,
    RecordIssue,
    RecordPaper,
    RecordPayment,
    SubmitFiling,
)
from kiosk.session.events import (
    BuyerFound,
    CertificateGiven,
    FileOpened,
    FilingAnswered,
    FilingQueued,
    FilingRecorded,
    HallRefusedIt,
    HallSilent,
    InvoiceGiven,
    IssueRecorded,
    PaperRecorded,
    PaymentAnswered,
    PaymentHeld,
    PaymentRecorded,
    StorageChanged,
    StoreFailed,
    TaxpayersFound,
)
from kiosk.session.rules import Limits, Offline
from kiosk.session.state import Draft, IssueTask
from kiosk.store import database
from kiosk.store.store import Store
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient
from tests.unit.test_store import KEY
from tests.unit.test_store_taxes import REQUEST, TO_PAY, VIEW, facts, told

CLOCK = SystemClock()
VISIT = 7
PEPPER = bytes(range(32))
OUYANG = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8))
LI = Holder("110105194912310021", "李雷")
REF = OUYANG.reference(PEPPER)
SHOP = TaxpayerView(
    "T/1", "漳州某商行", "9235**********X278", PayerKind.SMALL_SCALE, Place.CITY, "芗城区", "Xiangcheng", "self", 1
)
DRAFT = Draft("T/1", Form.VAT_SMALL_SCALE, "O1", {"sales": "350000.00"}, date(2026, 11, 24))
#: Long enough for a busy machine, short enough for a test of silence.
LIMITS = Limits(look_up_s=1.0, submit_s=1.0, hold_s=1.0, enter_s=2.0, issue_s=1.0)
CERTIFICATE = CertificateView(
    "0" * 32, VIEW.key, Bureau.STATE, "(261)闽国证 0012345", "欧阳娜", "3506***", [], 1,
    VIEW.declared_at, "V", 1, "taken",
)  # fmt: skip
INVOICE = InvoiceView(
    "0" * 32, VIEW.key, "digital", "", "26352000000000000001", "ordinary", VIEW.declared_at, "欧阳娜", "3506***",
    "买方", "9135", "服务", 1, 0, 1, "0.01", "C", "taken",
)  # fmt: skip

Reply = Callable[[dict[str, Any]], tuple[int, Any]]


def no(status: int, problem: str) -> Reply:
    return lambda _: (status, {"problem": problem})


def yes(view: Any) -> Reply:
    return lambda _: (200, view)


def under_its_key(view: Any) -> Reply:
    return lambda body: (200, msgspec.structs.replace(view, key=body["key"]))


class Hall:
    """A hall of a few fixed answers, over real HTTP. What it has no answer for it leaves without one."""

    def __init__(self) -> None:
        self.answers: dict[str, Reply] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        hall = self
        self._open = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                what = f"{self.command} {self.path.split('?')[0]}"
                known = json.loads(body) if body else {}
                hall.asked.append((f"{self.command} {self.path}", known))
                reply = hall.answers.get(what)
                if reply is None:
                    hall._open.wait(20)
                    self.close_connection = True
                    return
                status, view = reply(known)
                words = msgspec.json.encode(view)
                self.send_response(status)
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._open.set()
        self._server.shutdown()
        self._server.server_close()

    def times(self, what: str) -> int:
        return sum(asked.split("?")[0] == what for asked, _ in self.asked)


class Kiosk:
    """Store, storekeeper and tax desk, as the appliance has them."""

    def __init__(self, hall: Hall, path: Path, limits: Limits = LIMITS) -> None:
        self.store = Store(path, KEY)
        self.inbox = Inbox()
        enrolment = Enrolment("K3", "厅", "Hall", bytes(range(32)), PEPPER)
        slips = SlipMaker(Catalogue(config.read_services()), "http://hall/t/", ("任何业务", "Any service"))
        self.keeper = Storekeeper(self.store, enrolment, slips, self.inbox, CLOCK)
        self.desk = TaxDesk(hall.url, enrolment, self.store, self.inbox, CLOCK, limits)
        self.client = HallClient(hall.url)
        for worker in (self.keeper.worker, self.desk.worker):
            worker.start()

    def close(self) -> None:
        self.desk.close()
        assert self.desk.worker.stop(5)
        assert self.keeper.worker.stop(5)
        self.client.close()
        self.store.close()

    def asks(self, effect: Any) -> Any:
        """The event with which the hall's answer comes."""
        self.desk.perform(effect)
        return self.hears()

    def keeps(self, effect: Any) -> Any:
        """The event with which the store's answer comes."""
        self.keeper.perform(effect)
        return self.hears()

    def hears(self) -> Any:
        event = self.inbox.take(10)
        assert event is not None, "no event came"
        return event

    def drains(self, effect: Any) -> None:
        """Carry out what nothing follows."""
        self.keeper.perform(effect)
        done = threading.Event()
        self.keeper.worker.submit(done.set)
        assert done.wait(5)

    def filed(self) -> Any:
        """A return that is recorded: its request, with key and reference."""
        request = msgspec.structs.replace(REQUEST, key="", holder_ref="")
        return self.keeps(RecordFiling(VISIT, OUYANG, request)).request

    def to_pay(self) -> PaymentRequest:
        request: PaymentRequest = self.keeps(
            RecordPayment(VISIT, OUYANG, msgspec.structs.replace(TO_PAY, key="", holder_ref=""))
        ).request
        return request

    def charged(self, hall: Hall) -> tuple[str, PaymentResult]:
        """A payment that the terminal has approved."""
        request = self.to_pay()
        assert self.store.payments.held(request.key)
        assert self.store.payments.charging(request.key, request.amount)
        charge = Charge("35060201", "000001", "R", "622202******8123", CLOCK.now(), request.amount)
        result = PaymentResult("approved", charge)
        assert self.store.payments.ended(request.key, result, CLOCK.now())
        return request.key, result


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.close()


@pytest.fixture
def kiosk(hall: Hall, tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(hall, tmp_path / "kiosk.sqlite")
    yield kiosk
    kiosk.close()


# ---- looking up ----------------------------------------------------------------------------------------------------


def test_the_hall_is_asked_by_reference_never_by_name_or_number(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["GET /kiosk/v1/taxpayers"] = yes(TaxpayersOfPerson([SHOP]))
    assert kiosk.asks(FindTaxpayers(VISIT, OUYANG)) == TaxpayersFound(VISIT, (SHOP,))
    assert hall.asked[0][0] == f"GET /kiosk/v1/taxpayers?holder_ref={REF}"


def test_a_file_comes_with_the_draft_of_the_same_person_only(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = yes(TaxpayerFile(SHOP, [], []))
    kiosk.drains(KeepDraft(OUYANG, DRAFT))
    opened = kiosk.asks(OpenFile(VISIT, OUYANG, SHOP))
    assert isinstance(opened, FileOpened)
    assert (opened.file.taxpayer, opened.draft) == (SHOP, DRAFT)
    assert kiosk.asks(OpenFile(VISIT, LI, SHOP)).draft is None
    kiosk.drains(ForgetDraft(OUYANG, SHOP.id))
    assert kiosk.asks(OpenFile(VISIT, OUYANG, SHOP)).draft is None


def test_a_draft_of_an_older_program_is_not_offered(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = yes(TaxpayerFile(SHOP, [], []))
    kiosk.store.filings.keep_draft(REF, "T/1", b'{"form":"grain_tax"}', CLOCK.now().date())
    assert kiosk.asks(OpenFile(VISIT, OUYANG, SHOP)).draft is None


def test_what_the_journal_still_carries_is_filed_before_the_file_is_shown(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["POST /kiosk/v1/filings"] = under_its_key(VIEW)
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = yes(TaxpayerFile(SHOP, [], []))
    request = msgspec.structs.replace(REQUEST, taxpayer=SHOP.id)
    kiosk.store.filings.record(request, CLOCK.now())
    kiosk.store.filings.queue(request.key, CLOCK.now())
    kiosk.asks(OpenFile(VISIT, OUYANG, SHOP))
    assert [body.get("key") for _, body in hall.asked] == [request.key, None]


def test_a_hall_that_waits_for_a_bureau_still_shows_the_file_in_time(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = yes(TaxpayerFile(SHOP, [], []))
    request = msgspec.structs.replace(REQUEST, taxpayer=SHOP.id)
    kiosk.store.filings.record(request, CLOCK.now())
    kiosk.store.filings.queue(request.key, CLOCK.now())
    began = time.monotonic()
    assert isinstance(kiosk.asks(OpenFile(VISIT, OUYANG, SHOP)), FileOpened)
    assert time.monotonic() - began < LIMITS.look_up_s


def test_somebody_no_longer_bound_is_refused_in_the_hall_s_word(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = no(409, "not_bound")
    assert kiosk.asks(OpenFile(VISIT, OUYANG, SHOP)) == HallRefusedIt(VISIT, "not_bound")


def test_a_silent_hall_is_said_within_the_limit(kiosk: Kiosk) -> None:
    began = time.monotonic()
    assert kiosk.asks(FindTaxpayers(VISIT, OUYANG)) == HallSilent(VISIT)
    assert time.monotonic() - began < LIMITS.look_up_s, "before the visit stops waiting"


def test_a_buyer_is_known_unknown_or_not_to_be_had(hall: Hall, kiosk: Kiosk) -> None:
    where = "GET /kiosk/v1/buyers/9135"
    assert kiosk.asks(FindBuyer(VISIT, "9135")) == HallSilent(VISIT)
    hall.answers[where] = no(404, "not_found")
    assert kiosk.asks(FindBuyer(VISIT, "9135")) == BuyerFound(VISIT, "9135", None)
    hall.answers[where] = yes({"name": "厦门某公司"})
    assert kiosk.asks(FindBuyer(VISIT, "9135")) == BuyerFound(VISIT, "9135", "厦门某公司")


# ---- filing --------------------------------------------------------------------------------------------------------


def test_a_return_gets_key_and_reference_and_is_durable_with_them(kiosk: Kiosk) -> None:
    kiosk.drains(KeepDraft(OUYANG, replace(DRAFT, taxpayer="self")))
    recorded = kiosk.keeps(RecordFiling(VISIT, OUYANG, msgspec.structs.replace(REQUEST, key="", holder_ref="")))
    assert isinstance(recorded, FilingRecorded)
    assert len(recorded.request.key) == 32
    assert recorded.request.holder_ref == REF
    assert kiosk.store.filings.state(recorded.request.key) == "recorded"
    assert kiosk.store.filings.draft(REF, "self", CLOCK.now().date()) is None


def test_the_answer_to_a_return_is_durable_before_it_is_told(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["POST /kiosk/v1/filings"] = under_its_key(VIEW)
    request = kiosk.filed()
    answered = kiosk.asks(SubmitFiling(VISIT, request))
    assert isinstance(answered, FilingAnswered)
    assert kiosk.store.filings.view(request.key) == answered.filing
    kiosk.drains(Forget())
    assert kiosk.store.filings.view(request.key) is None, "it was for that visit"
    assert facts(kiosk.store) == []


@pytest.mark.parametrize("word", ["not_bound", "already_filed", "not_yet_open", "assessment"])
def test_a_refused_return_is_told_with_its_reason(hall: Hall, kiosk: Kiosk, word: str) -> None:
    hall.answers["POST /kiosk/v1/filings"] = no(409, word)
    request = kiosk.filed()
    assert kiosk.asks(SubmitFiling(VISIT, request)) == HallRefusedIt(VISIT, word, request.key)
    assert kiosk.store.filings.state(request.key) == "refused"
    kiosk.store.recover_taxes(CLOCK.now())
    assert facts(kiosk.store) == []


@pytest.mark.parametrize(
    "answer",
    [no(500, "internal"), no(503, "busy"), no(401, "signature"), yes({"key": "nonsense"}), yes(VIEW), no(409, "tired")],
    ids=["500", "503", "401", "no view", "another return's answer", "no word of ours"],
)
def test_what_is_no_answer_is_silence_and_the_return_goes_to_the_journal(
    hall: Hall, kiosk: Kiosk, answer: Reply
) -> None:
    hall.answers["POST /kiosk/v1/filings"] = answer
    request = kiosk.filed()
    assert kiosk.asks(SubmitFiling(VISIT, request)) == HallSilent(VISIT, request.key)
    assert kiosk.keeps(QueueFiling(VISIT, request.key)) == FilingQueued(VISIT, request.key)
    (fact,) = facts(kiosk.store)
    assert fact.filing == request


def test_an_answer_lost_on_the_way_is_asked_for_under_the_same_key(hall: Hall, kiosk: Kiosk) -> None:
    def first_lost(body: dict[str, Any]) -> tuple[int, Any]:
        hall.answers["POST /kiosk/v1/filings"] = under_its_key(VIEW)
        return 502, {}

    hall.answers["POST /kiosk/v1/filings"] = first_lost
    request = kiosk.filed()
    assert isinstance(kiosk.asks(SubmitFiling(VISIT, request)), FilingAnswered)
    assert [body["key"] for _, body in hall.asked] == [request.key] * 2


def test_a_return_dropped_by_its_visit_is_never_filed(kiosk: Kiosk) -> None:
    request = kiosk.filed()
    kiosk.drains(Forget())
    kiosk.drains(AbandonFiling(request.key))
    kiosk.store.recover_taxes(CLOCK.now())
    assert facts(kiosk.store) == []


# ---- paying --------------------------------------------------------------------------------------------------------


def held(body: dict[str, Any]) -> tuple[int, Any]:
    return 200, PaymentView(body["key"], "begun", body["amount"], [], body["filings"])


def test_a_payment_may_be_charged_when_the_hall_holds_it(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["POST /kiosk/v1/payments"] = held
    request = kiosk.to_pay()
    assert request.holder_ref == REF
    assert kiosk.asks(HoldPayment(VISIT, request)) == PaymentHeld(VISIT, request.key)
    assert kiosk.store.payments.charging(request.key, request.amount)


@pytest.mark.parametrize("word", ["not_payable", "being_paid", "amount", "not_bound"])
def test_a_payment_the_hall_does_not_hold_ends_uncharged_and_the_hall_is_told(
    hall: Hall, kiosk: Kiosk, word: str
) -> None:
    hall.answers["POST /kiosk/v1/payments"] = no(409, word)
    request = kiosk.to_pay()
    assert kiosk.asks(HoldPayment(VISIT, request)) == HallRefusedIt(VISIT, word, request.key)
    assert told(kiosk.store) == ["refused"]
    assert not kiosk.store.payments.charging(request.key, request.amount)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        no(500, "internal"),
        lambda body: (200, PaymentView(body["key"], "begun", 1, [], [])),
        lambda body: (200, PaymentView(body["key"], "entered", body["amount"], [], [])),
        lambda body: (200, PaymentView("e" * 32, "begun", body["amount"], [], [])),
    ],
    ids=["silence", "500", "another sum", "paid already", "another payment"],
)
def test_nothing_is_charged_without_a_word_of_the_hall_that_fits(
    hall: Hall, kiosk: Kiosk, answer: Reply | None
) -> None:
    if answer is not None:
        hall.answers["POST /kiosk/v1/payments"] = answer
    request = kiosk.to_pay()
    assert kiosk.asks(HoldPayment(VISIT, request)) == HallSilent(VISIT, request.key)
    assert told(kiosk.store) == ["refused"]
    assert not kiosk.store.payments.charging(request.key, request.amount)


def test_a_payment_given_up_while_the_hall_was_asked_is_not_charged(hall: Hall, kiosk: Kiosk) -> None:
    request = kiosk.to_pay()

    def too_late(body: dict[str, Any]) -> tuple[int, Any]:
        kiosk.drains(AbandonPayment(request.key))
        return held(body)

    hall.answers["POST /kiosk/v1/payments"] = too_late
    assert isinstance(kiosk.asks(HoldPayment(VISIT, request)), HallSilent)
    assert told(kiosk.store) == ["refused"]


def test_a_charge_is_confirmed_until_it_is_entered(hall: Hall, kiosk: Kiosk) -> None:
    key, result = kiosk.charged(hall)
    states = iter(["approved", "approved", "entered", "entered"])

    def now(_: object) -> tuple[int, Any]:
        payment = PaymentView(key, next(states), 371000, [], [VIEW.key])  # type: ignore[arg-type]
        return 200, msgspec.structs.replace(VIEW, payment=payment)

    hall.answers[f"POST /kiosk/v1/payments/{key}/result"] = yes(PaymentView(key, "approved", 371000, [], [VIEW.key]))
    hall.answers[f"GET /kiosk/v1/filings/{VIEW.key}"] = now
    answered = kiosk.asks(ConfirmPayment(VISIT, key, result, VIEW.key))
    assert isinstance(answered, PaymentAnswered)
    assert answered.filing.payment is not None
    assert answered.filing.payment.state == "entered"
    assert hall.times(f"GET /kiosk/v1/filings/{VIEW.key}") == 3
    assert kiosk.store.payments.open() == []


def test_entries_that_take_longer_than_anybody_waits_are_shown_as_they_stand(hall: Hall, kiosk: Kiosk) -> None:
    key, result = kiosk.charged(hall)
    approved = PaymentView(key, "approved", 371000, [], [VIEW.key])
    hall.answers[f"POST /kiosk/v1/payments/{key}/result"] = yes(approved)
    hall.answers[f"GET /kiosk/v1/filings/{VIEW.key}"] = yes(msgspec.structs.replace(VIEW, payment=approved))
    began = time.monotonic()
    answered = kiosk.asks(ConfirmPayment(VISIT, key, result, VIEW.key))
    assert isinstance(answered, PaymentAnswered)
    assert time.monotonic() - began < LIMITS.enter_s
    assert kiosk.store.payments.open(), "the agent goes on asking"


def test_a_hall_silent_after_the_charge_hears_of_it_by_the_journal(kiosk: Kiosk, hall: Hall) -> None:
    key, result = kiosk.charged(hall)
    assert kiosk.asks(ConfirmPayment(VISIT, key, result, VIEW.key)) == HallSilent(VISIT, key)
    (fact,) = facts(kiosk.store)
    assert (fact.key, fact.result) == (key, result)


def test_a_charge_with_nothing_left_to_pay_for_is_marked_to_be_given_back(hall: Hall, kiosk: Kiosk) -> None:
    key, result = kiosk.charged(hall)
    back = PaymentView(key, "to_reverse", 371000, [], [VIEW.key])
    hall.answers[f"POST /kiosk/v1/payments/{key}/result"] = yes(back)
    hall.answers[f"GET /kiosk/v1/filings/{VIEW.key}"] = yes(VIEW)
    kiosk.asks(ConfirmPayment(VISIT, key, result, VIEW.key))
    payment = kiosk.store.payments.get(key)
    assert payment is not None
    assert payment.state == "to_reverse"


# ---- papers --------------------------------------------------------------------------------------------------------


def test_a_certificate_and_an_invoice_are_given_under_their_own_keys(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["POST /kiosk/v1/certificates"] = under_its_key(CERTIFICATE)
    hall.answers["POST /kiosk/v1/invoices"] = under_its_key(INVOICE)
    key = kiosk.keeps(RecordIssue(VISIT, IssueTask.CERTIFICATE, VIEW.key)).key
    given = kiosk.asks(AskCertificate(VISIT, key, OUYANG, VIEW.key, Bureau.STATE))
    assert isinstance(given, CertificateGiven)
    assert given.certificate.key == key
    recorded = kiosk.keeps(RecordPaper(VISIT, CertificatePaper(given.certificate)))
    assert isinstance(recorded, PaperRecorded)
    other = kiosk.keeps(RecordIssue(VISIT, IssueTask.INVOICE, VIEW.key)).key
    invoice = kiosk.asks(AskInvoice(VISIT, other, OUYANG, VIEW.key))
    assert isinstance(invoice, InvoiceGiven)
    assert invoice.invoice.key == other
    kiosk.drains(Forget())
    (void,) = facts(kiosk.store)
    assert (void.kind, void.number, void.outcome) == ("invoice", INVOICE.number, "failed"), "nobody had it printed"


def test_an_invoice_given_before_is_not_void_because_it_came_under_another_key(hall: Hall, kiosk: Kiosk) -> None:
    """A filing has one good invoice: who asks again is given that one."""
    hall.answers["POST /kiosk/v1/invoices"] = yes(INVOICE)
    key = kiosk.keeps(RecordIssue(VISIT, IssueTask.INVOICE, VIEW.key)).key
    assert key != INVOICE.key
    given = kiosk.asks(AskInvoice(VISIT, key, OUYANG, VIEW.key))
    assert given == InvoiceGiven(VISIT, INVOICE)
    kiosk.keeps(RecordPaper(VISIT, InvoicePaper(given.invoice, reprint=True)))
    kiosk.drains(Forget())
    assert facts(kiosk.store) == []


def test_a_number_that_was_asked_for_in_vain_is_void_at_once(hall: Hall, kiosk: Kiosk) -> None:
    issue = kiosk.keeps(RecordIssue(VISIT, IssueTask.CERTIFICATE, VIEW.key))
    assert isinstance(issue, IssueRecorded)
    answer = kiosk.asks(AskCertificate(VISIT, issue.key, OUYANG, VIEW.key, Bureau.LOCAL))
    assert answer == HallSilent(VISIT, issue.key)
    (fact,) = facts(kiosk.store)
    assert (fact.key, fact.number, fact.outcome, fact.reason) == (issue.key, "", "failed", "hall_silent")


def test_a_number_the_hall_did_not_give_is_not_void(hall: Hall, kiosk: Kiosk) -> None:
    hall.answers["POST /kiosk/v1/invoices"] = no(409, "not_paid")
    key = kiosk.keeps(RecordIssue(VISIT, IssueTask.INVOICE, VIEW.key)).key
    assert kiosk.asks(AskInvoice(VISIT, key, OUYANG, VIEW.key)) == HallRefusedIt(VISIT, "not_paid", key)
    kiosk.drains(Forget())
    assert facts(kiosk.store) == []


def test_a_number_given_when_nobody_waits_is_void_and_cannot_be_printed(hall: Hall, kiosk: Kiosk) -> None:
    key = kiosk.keeps(RecordIssue(VISIT, IssueTask.CERTIFICATE, VIEW.key)).key
    kiosk.drains(AbandonPaper(key))
    hall.answers["POST /kiosk/v1/certificates"] = under_its_key(CERTIFICATE)
    assert isinstance(kiosk.asks(AskCertificate(VISIT, key, OUYANG, VIEW.key, Bureau.STATE)), HallSilent)
    paper = CertificatePaper(msgspec.structs.replace(CERTIFICATE, key=key))
    assert kiosk.keeps(RecordPaper(VISIT, paper)) == StoreFailed(VISIT)
    assert told(kiosk.store) == ["certificate failed"]


def test_a_full_disk_takes_no_return_and_says_so(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise database.StoreFailed("database or disk is full")

    monkeypatch.setattr(kiosk.store.filings, "record", full)
    kiosk.keeper.perform(RecordFiling(VISIT, OUYANG, REQUEST))
    assert {type(kiosk.hears()), type(kiosk.hears())} == {StorageChanged, StoreFailed}
    monkeypatch.setattr(kiosk.store.filings, "keep_draft", full)
    kiosk.drains(KeepDraft(OUYANG, DRAFT))
    assert kiosk.inbox.take(0.05) is None, "a draft that cannot be kept disturbs nobody"


def test_recorded_papers_and_payments_are_answered_with_what_they_became(kiosk: Kiosk) -> None:
    paid = kiosk.keeps(RecordPayment(VISIT, OUYANG, msgspec.structs.replace(TO_PAY, key="", holder_ref="")))
    assert isinstance(paid, PaymentRecorded)
    receipt = kiosk.keeps(RecordPaper(VISIT, ReceiptPaper(VIEW, "商行", "92**", "欧*娜")))
    assert receipt == PaperRecorded(VISIT, 1)
    kiosk.drains(Forget())
    assert told(kiosk.store) == ["refused"], "a payment nobody waits for ends uncharged"


# ---- the agent -----------------------------------------------------------------------------------------------------


def test_the_agent_learns_when_a_payment_is_entered_or_to_be_given_back(hall: Hall, kiosk: Kiosk) -> None:
    entered, _ = kiosk.charged(hall)
    back, _ = kiosk.charged(hall)
    unheard, _ = kiosk.charged(hall)
    hall.answers[f"GET /kiosk/v1/payments/{entered}"] = yes(PaymentView(entered, "entered", 371000, [], []))
    hall.answers[f"GET /kiosk/v1/payments/{back}"] = yes(PaymentView(back, "to_reverse", 371000, [], []))
    hall.answers[f"GET /kiosk/v1/payments/{unheard}"] = no(404, "not_found")
    agent.follow_up(kiosk.store, kiosk.client)
    assert {payment.key: payment.state for payment in kiosk.store.payments.open()} == {
        back: "to_reverse",
        unheard: "approved",
    }


# ---- after the visit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offline", [Offline(), Offline(frozenset({Form.STAMP}), register_days=30)], ids=str)
def test_nothing_of_a_person_is_left_in_memory_after_the_visit_though_the_hall_is_still_asked(
    hall: Hall, tmp_path: Path, offline: Offline
) -> None:
    # The number is on none of the bench's cards, which another test of this process may have laid out.
    canaries = ["司马相如", "110105195103170033", "卓文君酒肆"]
    kiosk = Kiosk(hall, tmp_path / "kiosk.sqlite", replace(LIMITS, look_up_s=20))
    kiosk.desk._offline = offline
    holder, shop = Holder(canaries[1], canaries[0]), _shop(canaries[2])
    hall.answers["GET /kiosk/v1/taxpayers"] = lambda _: (200, TaxpayersOfPerson([_shop(canaries[2])]))
    kiosk.asks(FindTaxpayers(VISIT, holder))
    applicant = Applicant(canaries[0], canaries[1])
    kiosk.keeps(
        RecordFiling(VISIT, holder, msgspec.structs.replace(REQUEST, key="", holder_ref="", applicant=applicant))
    )
    kiosk.desk.perform(OpenFile(VISIT, holder, shop))
    while not any("T%2F1" in asked for asked, _ in hall.asked):
        time.sleep(0.01)
    del holder, shop, applicant
    kiosk.drains(Forget())
    gc.collect()
    found = _held_in_memory(canaries)
    hall.close()
    kiosk.close()
    assert found == []


def _shop(name: str) -> TaxpayerView:
    return msgspec.structs.replace(SHOP, name=name)


def _held_in_memory(canaries: list[str]) -> list[str]:
    """Who holds text or bytes with a canary in it, but for this test itself."""
    needles = [(canary, canary.encode()) for canary in canaries]
    own = {id(canaries), id(needles), *(id(pair) for pair in needles)}
    found = []

    def look(holder: str, held: object) -> None:
        # By type: a weak proxy that is asked what it is answers for what it stood for, or raises when that is gone.
        kind = type(held)
        if issubclass(kind, str) and any(word in held for word, _ in needles):  # type: ignore[operator]
            found.append(f"{holder}: {held[:40]}")  # type: ignore[index]
        elif issubclass(kind, bytes | bytearray) and any(raw in held for _, raw in needles):  # type: ignore[operator]
            found.append(f"{holder}: {bytes(held[:40])!r}")  # type: ignore[index]
        elif not gc.is_tracked(held):
            # Of text only: the collector does not list it by itself.
            for inner in gc.get_referents(held):
                look(holder, inner)

    for thing in gc.get_objects():
        # The words of a test stand in its own code and frame.
        if id(thing) not in own and not issubclass(type(thing), CodeType | FrameType):
            for held in gc.get_referents(thing):
                if id(held) not in own:
                    look(type(thing).__name__, held)
    return found
