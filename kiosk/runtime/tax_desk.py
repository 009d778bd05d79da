"""Talks to the hall about returns, payments and numbered papers, each question within its limit.

A thread and connections of its own: somebody who takes a number never waits behind somebody's return. What the hall
answers is durable before the visit hears of it. A refusal is only what the hall refused in a word of ours; everything
else is silence, which means that it may have happened.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from kiosk.domain.filing import (
    FILING_PROBLEMS,
    ISSUE_PROBLEMS,
    PAYMENT_PROBLEMS,
    CertificateRequest,
    CertificateView,
    FilingView,
    InvoiceRequest,
    InvoiceView,
    PaymentView,
)
from kiosk.domain.holder import Holder
from kiosk.runtime.clock import Clock
from kiosk.runtime.enrolment import Enrolment
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import (
    AskCertificate,
    AskInvoice,
    ConfirmPayment,
    FindBuyer,
    FindTaxpayers,
    HoldPayment,
    OpenFile,
    SubmitFiling,
)
from kiosk.session.events import (
    BuyerFound,
    CertificateGiven,
    FileOpened,
    FilingAnswered,
    HallRefusedIt,
    HallSilent,
    InvoiceGiven,
    PaymentAnswered,
    PaymentHeld,
    TaxpayersFound,
)
from kiosk.session.rules import Limits, Offline
from kiosk.session.state import Draft, Remembered
from kiosk.store.database import StoreFailed
from kiosk.store.remembered import key_of
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient, HallRefused, HallUnreachable
from kiosk.sync.signing import Signer

log = structlog.get_logger()

Given = TypeVar("Given")
Numbered = TypeVar("Numbered", CertificateView, InvoiceView)

MARGIN_S = 0.3
"""The visit began to wait a moment earlier than we; an answer at the last moment must still find it there."""
RETRY_S = 0.2
ASK_ENTRY_EVERY_S = 0.5
NOT_FOUND = 404
NOTHING_ALONE = Offline()
SERVER_FAULT = 500

TaxQuestion = (
    FindTaxpayers | OpenFile | FindBuyer | SubmitFiling | HoldPayment | ConfirmPayment | AskCertificate | AskInvoice
)


@dataclass(frozen=True)
class _No:
    """The hall answered, and refused: in one of our words."""

    problem: str


class TaxDesk:
    """``perform`` returns at once; answers come as events."""

    def __init__(
        self,
        hall_url: str,
        enrolment: Enrolment,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        limits: Limits,
        offline: Offline = NOTHING_ALONE,
        hall_ca: Path | None = None,
    ) -> None:
        self._client = HallClient(hall_url, Signer(enrolment.kiosk, enrolment.private_key), hall_ca=hall_ca)
        self._pepper = enrolment.pepper
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._limits = limits
        self._offline = offline
        self._ended = threading.Event()
        self.worker = Worker("taxes")

    def perform(self, effect: TaxQuestion) -> None:
        self.worker.submit(self._job(effect))

    def close(self) -> None:
        """Nothing is asked a second time from now on; letting go of the connections is the worker's last job."""
        self._ended.set()
        self.worker.submit(self._client.close)

    def _job(self, effect: TaxQuestion) -> Callable[[], None]:
        """A job may wait for the hall longer than its visit lasts, so it keeps a reference of the person, not the
        person."""
        match effect:
            case FindTaxpayers(visit, holder):
                reference, opens = holder.reference(self._pepper), self._memory_key(holder)
                return lambda: self._find_taxpayers(visit, reference, opens)
            case OpenFile(visit, holder, taxpayer):
                reference, opens, taxpayer_id = holder.reference(self._pepper), self._memory_key(holder), taxpayer.id
                return lambda: self._open_file(visit, reference, taxpayer_id, opens)
            case FindBuyer(visit, number):
                return lambda: self._find_buyer(visit, number)
            case SubmitFiling():
                return lambda: self._submit(effect)
            case HoldPayment():
                return lambda: self._hold(effect)
            case ConfirmPayment():
                return lambda: self._confirm(effect)
            case AskCertificate(visit, key, holder, filing, bureau):
                certificate = CertificateRequest(key, filing, bureau, holder.reference(self._pepper))
                return lambda: self._issue(
                    visit, key, lambda left: self._client.certificate(certificate, left), lambda given: given.key == key
                )
            case AskInvoice(visit, key, holder, filing):
                invoice = InvoiceRequest(key, filing, holder.reference(self._pepper))
                # A filing has one good invoice: who asks under another key is given the same one.
                return lambda: self._issue(
                    visit, key, lambda left: self._client.invoice(invoice, left), lambda given: given.filing == filing
                )

    # ---- questions -------------------------------------------------------------------------------------------------

    def _memory_key(self, holder: Holder) -> bytes | None:
        """What opens this person's memory here; None where nothing is remembered, or the number was only typed."""
        return key_of(self._pepper, holder.number) if self._offline.forms and holder.from_card else None

    def _since(self) -> tuple[date, date]:
        """From when on the hall's word still counts, and today."""
        today = self._clock.now().date()
        return today - timedelta(days=self._offline.register_days), today

    def _find_taxpayers(self, visit: int, reference: str, key: bytes | None) -> None:
        answer = self._ask(
            self._limits.look_up_s, FILING_PROBLEMS, lambda left: self._client.taxpayers_of(reference, left)
        )
        match answer:
            case None:
                self._inbox.post(self._taxpayers_remembered(visit, reference, key) or HallSilent(visit))
            case _No(problem):
                self._inbox.post(HallRefusedIt(visit, problem))
            case _:
                if key is not None:
                    today = self._clock.now().date()
                    self._record(lambda: self._store.memory.keep_list(reference, key, answer, today))
                self._inbox.post(TaxpayersFound(visit, tuple(answer.taxpayers)))

    def _taxpayers_remembered(self, visit: int, reference: str, key: bytes | None) -> TaxpayersFound | None:
        if key is None:
            return None
        try:
            found = self._store.memory.taxpayers(reference, key, *self._since())
        except (StoreFailed, msgspec.DecodeError) as problem:
            log.warning("memory-not-read", reason=type(problem).__name__)
            return None
        return TaxpayersFound(visit, tuple(found[1].taxpayers), remembered=True) if found else None

    def _file_remembered(self, visit: int, reference: str, taxpayer: str, key: bytes | None) -> FileOpened | None:
        if key is None:
            return None
        try:
            found = self._store.memory.file(reference, taxpayer, key, *self._since())
            waiting = self._store.memory.waiting() if found else []
        except (StoreFailed, msgspec.DecodeError) as problem:
            log.warning("memory-not-read", reason=type(problem).__name__)
            return None
        if found is None:
            return None
        met = frozenset(each.obligation for each in waiting if each.obligation is not None)
        draft = self._draft(reference, taxpayer)
        remembered = Remembered(found[0], met, len(waiting))
        return FileOpened(visit, found[1], draft, self._clock.now().date(), remembered)

    def _open_file(self, visit: int, reference: str, taxpayer: str, key: bytes | None) -> None:
        until = self._clock.monotonic() + self._limits.look_up_s
        self._send_what_is_on_the_way(taxpayer, until - self._limits.look_up_s / 2)
        answer = self._ask(
            until - self._clock.monotonic(),
            FILING_PROBLEMS,
            lambda left: self._client.taxpayer_file(taxpayer, reference, left),
        )
        match answer:
            case None:
                self._inbox.post(self._file_remembered(visit, reference, taxpayer, key) or HallSilent(visit))
            case _No(problem):
                self._inbox.post(HallRefusedIt(visit, problem))
            case _:
                if key is not None:
                    today = self._clock.now().date()
                    self._record(lambda: self._store.memory.keep_file(reference, key, answer, today))
                draft = self._draft(reference, taxpayer)
                self._inbox.post(FileOpened(visit, answer, draft, self._clock.now().date()))

    def _send_what_is_on_the_way(self, taxpayer: str, until: float) -> None:
        """Returns for this taxpayer that the journal still carries: the hall takes them first, under their own keys.
        Else the file would show as open what was filed here a moment ago, and it would be filed once more.

        Only for half of the time that a visit waits: a hall that waits for a bureau has taken the return all the same.
        """
        try:
            requests = self._store.filings.on_the_way(taxpayer)
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            return
        for request in requests:
            left = until - self._clock.monotonic()
            if self._ask(left, FILING_PROBLEMS, partial(self._client.file, request)) is None:
                return

    def _draft(self, reference: str, taxpayer: str) -> Draft | None:
        try:
            kept = self._store.filings.draft(reference, taxpayer, self._clock.now().date())
            return msgspec.json.decode(kept, type=Draft) if kept else None
        except (StoreFailed, msgspec.DecodeError) as problem:
            # Also a draft of an earlier program: the return is begun anew.
            log.warning("draft-not-read", reason=type(problem).__name__)
            return None

    def _find_buyer(self, visit: int, number: str) -> None:
        def ask(left: float) -> str | None:
            try:
                return self._client.buyer(number, left).name
            except HallRefused as problem:
                if problem.status == NOT_FOUND:
                    return None
                raise

        answer = self._ask(self._limits.look_up_s, (), lambda left: (ask(left),))
        match answer:
            case (name,):
                self._inbox.post(BuyerFound(visit, number, name))
            case _:
                self._inbox.post(HallSilent(visit))

    # ---- filing ----------------------------------------------------------------------------------------------------

    def _submit(self, effect: SubmitFiling) -> None:
        visit, request = effect.visit, effect.request
        self._record(lambda: self._store.filings.sent(request.key))
        answer = self._ask(self._limits.submit_s, FILING_PROBLEMS, lambda left: self._client.file(request, left))
        match answer:
            case FilingView(key=request.key):
                # Were this not to become durable, the return goes to the hall once more, under the same key.
                self._record(lambda: self._store.filings.answered(answer))
                self._inbox.post(FilingAnswered(visit, answer))
            case _No(problem):
                self._record(lambda: self._store.filings.refused(request.key))
                self._inbox.post(HallRefusedIt(visit, problem, request.key))
            case _:
                self._inbox.post(HallSilent(visit, request.key))

    # ---- paying ----------------------------------------------------------------------------------------------------

    def _hold(self, effect: HoldPayment) -> None:
        visit, request = effect.visit, effect.request
        until = self._clock.monotonic() + self._limits.hold_s - MARGIN_S
        answer = self._ask(
            self._limits.hold_s, PAYMENT_PROBLEMS, lambda left: self._client.begin_payment(request, left)
        )
        if self._is_held(answer, request.key, request.amount) and self._clock.monotonic() < until:
            try:
                if self._store.payments.held(request.key):
                    self._inbox.post(PaymentHeld(visit, request.key))
                    return
            except StoreFailed as problem:
                log.error("storage-failed", reason=str(problem))
        # Whether or not the hall has heard of it: nothing will be charged, and the hall is told to let go.
        self._record(lambda: self._store.payments.refused(request.key, self._clock.now()))
        match answer:
            case _No(word):
                self._inbox.post(HallRefusedIt(visit, word, request.key))
            case _:
                self._inbox.post(HallSilent(visit, request.key))

    def _is_held(self, answer: PaymentView | _No | None, key: str, amount: int) -> bool:
        match answer:
            case PaymentView(state="begun") if answer.key == key and answer.amount == amount:
                return True
        return False

    def _confirm(self, effect: ConfirmPayment) -> None:
        visit, key, result = effect.visit, effect.key, effect.result
        until = self._clock.monotonic() + self._limits.enter_s
        payment = self._ask(self._limits.enter_s, (), lambda left: self._client.end_payment(key, result, left))
        filing: FilingView | None = None
        if isinstance(payment, PaymentView) and payment.key == key:
            self._record(lambda: self._store.payments.hall_says(payment))
            filing = self._wait_for_entry(effect.filing, until)
        if filing is None:
            self._inbox.post(HallSilent(visit, key))
            return
        if (paid := filing.payment) is not None and paid.key == key:
            self._record(lambda: self._store.payments.hall_says(paid))
        self._inbox.post(PaymentAnswered(visit, filing))

    def _wait_for_entry(self, filing: str, until: float) -> FilingView | None:
        """How the filing stands when its payment is in every ledger, or when time is up."""
        latest: FilingView | None = None
        while True:
            left = until - self._clock.monotonic()
            answer = self._ask(left, (), lambda left: self._client.filing(filing, left))
            if isinstance(answer, FilingView) and answer.key == filing:
                latest = answer
                if answer.payment is not None and answer.payment.state not in ("begun", "approved"):
                    return latest
            if until - self._clock.monotonic() < MARGIN_S + ASK_ENTRY_EVERY_S or self._ended.is_set():
                return latest
            self._ended.wait(ASK_ENTRY_EVERY_S)

    # ---- numbered papers -------------------------------------------------------------------------------------------

    def _issue(
        self, visit: int, key: str, ask: Callable[[float], Numbered], is_ours: Callable[[Numbered], bool]
    ) -> None:
        answer = self._ask(self._limits.issue_s, ISSUE_PROBLEMS, ask)
        match answer:
            case CertificateView() | InvoiceView() if is_ours(answer) and self._is_given(key, answer.number):
                given = CertificateGiven if isinstance(answer, CertificateView) else InvoiceGiven
                self._inbox.post(given(visit, answer))  # type: ignore[arg-type]  # each goes with its own event
            case _No(problem):
                self._record(lambda: self._store.papers.refused(key))
                self._inbox.post(HallRefusedIt(visit, problem, key))
            case _:
                # The hall may have taken a number from its stock for this key, or may yet: it is void.
                self._record(lambda: self._store.papers.give_up(key, "hall_silent", self._clock.now()))
                self._inbox.post(HallSilent(visit, key))

    def _is_given(self, key: str, number: str) -> bool:
        try:
            return self._store.papers.given(key, number)
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            return False

    # ---- how it is asked -------------------------------------------------------------------------------------------

    def _ask(self, seconds: float, words: Iterable[str], ask: Callable[[float], Given]) -> Given | _No | None:
        """Ask, and again while there is time: the hall does a thing once, however often it is asked under a key.

        The answer, its refusal in one of ``words``, or None: silence.
        """
        until = self._clock.monotonic() + seconds - MARGIN_S
        while (left := until - self._clock.monotonic()) > 0:
            try:
                return ask(left)
            except HallUnreachable as problem:
                log.info("question-unanswered", reason=str(problem))
            except HallRefused as problem:
                log.warning("question-refused", status=problem.status, reason=problem.problem)
                if problem.status < SERVER_FAULT:
                    return _No(problem.problem) if problem.problem in words else None
            if self._ended.wait(RETRY_S):
                break
        return None

    def _record(self, write: Callable[[], object]) -> None:
        try:
            write()
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
