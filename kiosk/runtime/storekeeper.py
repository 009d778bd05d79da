"""Carries out what a visit asks of the store, in one thread; says when the storage fails and when it works again."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from datetime import date, timedelta

import msgspec
import structlog

from kiosk.runtime.clock import Clock
from kiosk.runtime.enrolment import Enrolment
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.slips import SlipMaker
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.runtime.worker import Worker
from kiosk.session.effects import (
    AbandonFiling,
    AbandonPaper,
    AbandonPayment,
    AbandonSheet,
    AbandonTicket,
    Forget,
    ForgetDraft,
    KeepDraft,
    QueueFiling,
    RecordAsk,
    RecordFiling,
    RecordIssue,
    RecordPaper,
    RecordPayment,
    RecordReprint,
    RecordTicket,
)
from kiosk.session.events import (
    AskRecorded,
    FilingQueued,
    FilingRecorded,
    IssueRecorded,
    PaperRecorded,
    PaymentRecorded,
    StorageChanged,
    StoreFailed,
    TicketRecorded,
)
from kiosk.store import database
from kiosk.store.papers import NumberVoid
from kiosk.store.store import Recorded, Store

log = structlog.get_logger()

PROBE_EVERY_S = 3.0

#: How long the kiosk itself remembers tickets and sheets; the hall keeps the record.
MEMORY = timedelta(days=30)

Asked = (
    RecordAsk | RecordTicket | RecordReprint | RecordFiling | QueueFiling | RecordPayment | RecordIssue | RecordPaper
)
"""Answered by an event, be it StoreFailed."""

Unanswered = (
    AbandonTicket | AbandonFiling | AbandonPayment | AbandonPaper | AbandonSheet | KeepDraft | ForgetDraft | Forget
)


class Storekeeper:
    def __init__(self, store: Store, enrolment: Enrolment, slips: SlipMaker, inbox: Inbox, clock: Clock) -> None:
        self._store = store
        self._enrolment = enrolment
        self._slips = slips
        self._inbox = inbox
        self._clock = clock
        self._works = True
        self._tidied: date | None = None
        self.worker = Worker("store", idle=self._rest, idle_every_s=PROBE_EVERY_S)

    def perform(self, effect: Asked | Unanswered) -> None:
        self.worker.submit(lambda: self._carry_out(effect))

    def _carry_out(self, effect: Asked | Unanswered) -> None:
        try:
            if isinstance(effect, Asked):
                self._answer(effect)
            else:
                self._keep(effect)
        except database.StoreFailed as problem:
            self._failed(str(problem))
            if isinstance(effect, Asked):
                self._inbox.post(StoreFailed(effect.visit))
        except NumberVoid as problem:
            log.warning("paper-not-recorded", reason=str(problem))
            if isinstance(effect, Asked):
                self._inbox.post(StoreFailed(effect.visit))

    def _answer(self, effect: Asked) -> None:
        now = self._clock.now()
        match effect:
            case RecordAsk(visit):
                self._inbox.post(AskRecorded(visit, self._store.record_ask(now)))
            case RecordTicket(visit):
                recorded = self._record_ticket(effect)
                self._inbox.post(TicketRecorded(visit, recorded.key, recorded.slip, recorded.slip_id))
            case RecordReprint(visit, slip):
                recorded = self._store.record_reprint(slip, now)
                self._inbox.post(TicketRecorded(visit, recorded.key, recorded.slip, recorded.slip_id))
            case RecordFiling(visit, holder):
                reference = holder.reference(self._enrolment.pepper)
                filing = msgspec.structs.replace(effect.request, key=secrets.token_hex(16), holder_ref=reference)
                self._store.filings.record(filing, now)
                self._inbox.post(FilingRecorded(visit, filing))
            case QueueFiling(visit, key):
                # Had the hall answered meanwhile, that answer is on its way to the visit.
                if self._store.filings.queue(key, now) == "queued":
                    self._inbox.post(FilingQueued(visit, key))
            case RecordPayment(visit, holder):
                reference = holder.reference(self._enrolment.pepper)
                payment = msgspec.structs.replace(effect.request, key=secrets.token_hex(16), holder_ref=reference)
                self._store.payments.record(payment)
                self._inbox.post(PaymentRecorded(visit, payment))
            case RecordIssue(visit, task, filing_key):
                self._inbox.post(IssueRecorded(visit, self._store.papers.record_issue(task.value, filing_key, now)))
            case RecordPaper(visit, paper):
                self._inbox.post(PaperRecorded(visit, self._store.papers.record(paper, now)))

    def _keep(self, effect: Unanswered) -> None:
        now = self._clock.now()
        match effect:
            case AbandonTicket(key):
                self._store.give_up_ticket(key, now)
            case AbandonFiling(key):
                self._store.filings.drop(key)
            case AbandonPayment(key):
                self._store.payments.refused(key, now)
            case AbandonPaper(key):
                self._store.papers.give_up(key, "nobody_waits", now)
            case AbandonSheet(slip_id):
                self._store.record_print(slip_id, "failed", "nobody_waits", now)
            case KeepDraft(holder, draft):
                reference = holder.reference(self._enrolment.pepper)
                self._store.filings.keep_draft(reference, draft.taxpayer, msgspec.json.encode(draft), now.date())
            case ForgetDraft(holder, taxpayer):
                self._store.filings.drop_draft(holder.reference(self._enrolment.pepper), taxpayer)
            case Forget():
                if settled := self._store.visit_ended(now):
                    log.info("left-open", **asdict(settled))

    def _record_ticket(self, effect: RecordTicket) -> Recorded:
        now = self._clock.now()
        holder = effect.holder
        masked = holder.masked if holder else ""
        reference = holder.reference(self._enrolment.pepper) if holder else None
        if effect.view is not None:
            slip = self._slips.from_hall(effect.view, masked, effect.priority)
            return self._store.record_hall_ticket(effect.key, slip, reference, effect.to_print, now)
        draft = self._slips.draft(effect.service, now, masked, effect.priority)
        kiosk, url_base = self._enrolment.kiosk, self._slips.url_base
        certain = not isinstance(self._clock, TrustedClock) or self._clock.certain
        return self._store.record_own_ticket(
            kiosk, effect.key, draft, reference, effect.to_print, now, url_base, certain
        )

    def _rest(self) -> None:
        """Nobody wants anything: forget what is old, once a day, or see whether a failed storage works again."""
        if isinstance(self._clock, TrustedClock):
            self._clock.keep_if_due()
        if not self._works:
            self._probe()
        elif (today := self._clock.now().date()) != self._tidied:
            self._tidied = today
            try:
                self._store.forget_before(today - MEMORY)
            except database.StoreFailed as problem:
                self._failed(str(problem))

    def _probe(self) -> None:
        """Try a small write, and tell everybody once it works."""
        try:
            self._store.set_settings({"probe": self._clock.now().isoformat().encode()})
        except database.StoreFailed:
            return
        self._works = True
        log.info("storage-works-again")
        self._inbox.post(StorageChanged(True))

    def _failed(self, reason: str) -> None:
        log.error("storage-failed", reason=reason)
        if self._works:
            self._works = False
            self._inbox.post(StorageChanged(False))
