"""Whatever a visit asks for, answered at once: store, hall, devices and bureaus without their time.

Mostly well, sometimes badly, by a seed. Nothing is kept from one visit to the next: what grows during a soak is ours.
"""

from __future__ import annotations

import random
from datetime import date, datetime
from typing import Any

import msgspec

from kiosk.domain.filing import FilingView, Form
from kiosk.domain.holder import Holder
from kiosk.runtime.inbox import Inbox
from kiosk.session import effects, events
from kiosk.session.effects import Effect
from kiosk.session.events import Event
from kiosk.session.state import CardProblem, OpenTicket
from tests.flows import tax_samples, walker

#: One answer in so many is a bad one.
BAD = 12

KEYS = {name: digit * 32 for name, digit in (("ask", "0"), ("filing", "f"), ("payment", "a"), ("issue", "c"))}


class World:
    def __init__(self, inbox: Inbox, chance: random.Random, now: datetime) -> None:
        self._inbox, self._chance, self._now = inbox, chance, now
        self.people = 0
        self._slip = 0
        self._filing: FilingView | None = None
        self._watching: int | None = None

    def lays_card(self) -> None:
        """If the reader is asked just now."""
        if (visit := self._watching) is None:
            return
        self._watching = None
        self._inbox.post(events.CardFound(visit))
        if self._goes_wrong():
            self._inbox.post(events.CardFailed(visit, CardProblem.TAKEN_AWAY))
        else:
            self._inbox.post(events.CardRead(visit, self._somebody(), self._today))

    def perform(self, effect: Effect) -> None:
        for event in self._answers(effect):
            self._inbox.post(event)

    def _goes_wrong(self) -> bool:
        return self._chance.randrange(BAD) == 0

    def _somebody(self) -> Holder:
        """Nobody comes twice: a cache that remembers people grows with them."""
        self.people += 1
        name = "欧阳" + chr(0x4E00 + self.people % 20_000)
        number = f"350602{1940 + self.people % 70}0808{self.people % 10_000:04d}"
        return Holder(number, name, date(1988, 8, 8), date(2030, 1, 1))

    def _next_slip(self) -> int:
        self._slip += 1
        return self._slip

    @property
    def _today(self) -> date:
        return self._now.date()

    def _answers(self, effect: Effect) -> list[Event]:
        match effect:
            case effects.WatchForCard(visit):
                self._watching = visit
                return []
            case effects.StopWatching():
                self._watching = None
                return []
            case (
                effects.RecordAsk(visit)
                | effects.RecordTicket(visit)
                | effects.RecordReprint(visit)
                | effects.RecordFiling(visit)
                | effects.RecordPayment(visit)
                | effects.RecordIssue(visit)
                | effects.RecordPaper(visit)
                | effects.QueueFiling(visit)
            ) if self._goes_wrong():
                return [events.StoreFailed(visit), events.StorageChanged(False), events.StorageChanged(True)]
            case effects.AskHall(visit, key) if self._goes_wrong():
                return [events.HallSilent(visit, key)]
            case effects.SubmitFiling(visit, request) | effects.HoldPayment(visit, request) if self._goes_wrong():
                return [events.HallSilent(visit, request.key)]
            case effects.FindTickets(visit) | effects.FindTaxpayers(visit) | effects.OpenFile(visit) if (
                self._goes_wrong()
            ):
                return [events.HallSilent(visit)]
            case effects.PrintSlip(visit, slip_id) | effects.PrintPaper(visit, slip_id):
                outcome: Any = self._chance.choice(("failed", "uncertain")) if self._goes_wrong() else "done"
                return [events.PrintEnded(visit, slip_id, outcome, False)]
            case _:
                return self._good_answers(effect)

    def _good_answers(self, effect: Effect) -> list[Event]:
        match effect:
            case effects.RecordAsk(visit):
                return [events.AskRecorded(visit, KEYS["ask"])]
            case effects.AskHall(visit, key):
                return [events.HallAnswered(visit, key, walker.VIEW)]
            case effects.RecordTicket(visit, key, to_print=to_print):
                return [events.TicketRecorded(visit, key, walker.SLIP, self._next_slip() if to_print else None)]
            case effects.RecordReprint(visit, slip):
                return [events.TicketRecorded(visit, "", slip, self._next_slip())]
            case effects.FindTickets(visit):
                return [events.TicketsFound(visit, (OpenTicket(walker.SLIP, "waiting"),))]
            case effects.FindTaxpayers(visit):
                return [events.TaxpayersFound(visit, (tax_samples.SHOP, tax_samples.COMPANY))]
            case effects.OpenFile(visit, _, taxpayer):
                form = self._chance.choice((Form.VAT_SMALL_SCALE, Form.VAT_GENERAL, Form.CIT_PREPAYMENT))
                file = tax_samples.file_of(
                    tax_samples.obligation(form),
                    who=taxpayer,
                    filings=(tax_samples.unpaid(), tax_samples.paid(tax_samples.unpaid("e" * 32))),
                    forms=(Form.STAMP, Form.VEHICLE_PURCHASE),
                )
                return [events.FileOpened(visit, file, None, self._today)]
            case effects.FindBuyer(visit, number):
                return [events.BuyerFound(visit, number, "买方")]
            case effects.RecordFiling(visit, _, request):
                kept = msgspec.structs.replace(request, key=KEYS["filing"], holder_ref="ref")
                return [events.FilingRecorded(visit, kept)]
            case effects.SubmitFiling(visit, request):
                self._filing = tax_samples.filing_of(request)
                return [events.FilingAnswered(visit, self._filing)]
            case effects.QueueFiling(visit, key):
                return [events.FilingQueued(visit, key)]
            case effects.RecordPayment(visit, _, request):
                held = msgspec.structs.replace(request, key=KEYS["payment"], holder_ref="ref")
                return [events.PaymentRecorded(visit, held)]
            case effects.HoldPayment(visit, request):
                return [events.PaymentHeld(visit, request.key)]
            case effects.ChargeCard(visit, key):
                result = tax_samples.REFUSED if self._goes_wrong() else tax_samples.APPROVED
                return [events.ChargeEnded(visit, key, result, "")]
            case effects.ConfirmPayment(visit, key, _, filing):
                known = self._filing or tax_samples.unpaid()
                paid = tax_samples.paid(msgspec.structs.replace(known, key=filing), key=key)
                return [events.PaymentAnswered(visit, paid)]
            case effects.RecordIssue(visit):
                return [events.IssueRecorded(visit, KEYS["issue"])]
            case effects.AskCertificate(visit, key, bureau=bureau):
                return [events.CertificateGiven(visit, tax_samples.certificate(key, bureau))]
            case effects.AskInvoice(visit, key):
                return [events.InvoiceGiven(visit, tax_samples.invoice(key))]
            case effects.RecordPaper(visit):
                return [events.PaperRecorded(visit, self._next_slip())]
            case effects.Forget():
                self._filing = None
                return []
            case _:
                return []


#: What the home page needs to know before everything on it can be touched.
ALL_WELL: list[Event] = [
    *(events.DeviceChanged(name, view) for name, view in tax_samples.ALL_WELL.devices.items()),
    events.HallSeen(tax_samples.HALL),
]

RULES = tax_samples.RULES
