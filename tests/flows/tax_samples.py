"""A hall's word on taxpayers, returns and payments, as these tests' visits hear it; and a visit to play them with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import msgspec

import config
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.filing import (
    Bureau,
    CertificateView,
    Charge,
    FilingPart,
    FilingRequest,
    FilingView,
    Form,
    InvoiceView,
    LatePart,
    Obligation,
    PayerKind,
    PaymentPart,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    Place,
    TaxpayerFile,
    TaxpayerView,
)
from kiosk.domain.holder import Holder
from kiosk.domain.messages import HallState, Wait
from kiosk.domain.tax import RulePack, assess
from kiosk.session import machine
from kiosk.session.effects import Effect, RecordFiling, RecordPayment
from kiosk.session.events import (
    CardFound,
    CardRead,
    ChargeEnded,
    Choose,
    Event,
    FileOpened,
    FilingAnswered,
    FilingRecorded,
    Next,
    PaperRecorded,
    PaymentAnswered,
    PaymentHeld,
    PaymentRecorded,
    PrintEnded,
    Start,
    Submitted,
    TaxpayersFound,
    Typed,
)
from kiosk.session.rules import Rules
from kiosk.session.state import DeviceName, DeviceView, Draft, Page, Purpose, Session, Situation

E = TypeVar("E")

TODAY = date(2026, 10, 20)
AT = datetime(2026, 10, 20, 1, 42, 7, tzinfo=UTC)
NAME = "漳州市芗城区闽南香商行"
KEY, PAYMENT_KEY, ISSUE_KEY = "f" * 32, "a" * 32, "c" * 32

RULES = Rules(Catalogue(config.read_services()), pack=RulePack.from_tree(config.read_tax_rules()))
HOLDER = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8), date(2030, 1, 1))
HALL = HallState("xc", "芗城办税服务厅", "Xiangcheng Tax Hall", "2026-10-20", 12, 6, Wait(8, 15), [])
WORKING = DeviceView(works=True)
NO_PAPER = DeviceView(works=True, paper_out=True)
ALL_WELL = Situation(dict.fromkeys(DeviceName, WORKING), HALL, hall_answers=True)


def taxpayer(id: str = "T1", payer: PayerKind = PayerKind.SMALL_SCALE) -> TaxpayerView:
    role = "legal_representative"
    return TaxpayerView(id, NAME, "9235**********X278", payer, Place.CITY, "芗城区", "Xiangcheng", role, 1)


SHOP, COMPANY = taxpayer(), taxpayer("T2", PayerKind.GENERAL)
BUYER = "91350211M000100Y46"


def obligation(form: Form = Form.VAT_SMALL_SCALE, id: str = "O1", **other: Any) -> Obligation:
    quarter = {"period_start": date(2026, 7, 1), "period_end": date(2026, 9, 30), "cycle": "quarter"}
    month = {"period_start": date(2026, 9, 1), "period_end": date(2026, 9, 30), "cycle": "month"}
    given = (month if form is Form.VAT_GENERAL else quarter) | {"deadline": date(2026, 10, 26), "state": "open"} | other
    return Obligation(id=id, form=form, **given)  # type: ignore[arg-type]


def file_of(
    *obligations: Obligation,
    who: TaxpayerView = SHOP,
    filings: tuple[FilingView, ...] = (),
    forms: tuple[Form, ...] = (Form.STAMP, Form.VEHICLE_PURCHASE),
) -> TaxpayerFile:
    return TaxpayerFile(who, list(obligations), list(filings), list(forms), "B")


def filing_of(request: FilingRequest, state: str = "accepted", **other: Any) -> FilingView:
    """How the hall shows a return that it has taken in."""
    lines = list(assess(RULES.pack, request.request).lines_to_pay) if RULES.pack else []
    parts = [
        FilingPart(bureau, "accepted" if bureau is Bureau.STATE or state == "accepted" else "pending", f"R-{bureau}")
        for bureau in sorted({line.bureau for line in lines}, reverse=True)
    ]
    return FilingView(
        key=request.key,
        taxpayer=request.taxpayer,
        form=request.form,
        state=state,  # type: ignore[arg-type]
        lines=lines,
        total=request.total,
        parts=parts,
        declared_at=request.declared_at,
        deadline=date(2026, 10, 26),
        late=[],
        can_pay=request.total > 0 and state in ("accepted", "half_done"),
        **{"period_start": date(2026, 7, 1), "period_end": date(2026, 9, 30), "obligation": obligation(), **other},
    )


SMALL_SCALE_REQUEST = {
    "form": "vat_small_scale",
    "period": {"kind": "quarter", "end": "2026-09-30"},
    "place": "city",
    "sales": {"goods": "350000.00"},
}
INVOICE_REQUEST = {
    "form": "invoice_on_behalf",
    "date": "2026-10-20",
    "place": "city",
    "payer": "small_scale",
    "item": "services",
    "gross": "202000.00",
    "invoice": "ordinary",
}
FILING_REQUEST = FilingRequest("", "T1", "", Form.VAT_SMALL_SCALE, SMALL_SCALE_REQUEST, 371000, AT, "O1")
PAYMENT_REQUEST = PaymentRequest("", [KEY], 371000, "", AT)


def unpaid(key: str = KEY, state: str = "accepted", **other: Any) -> FilingView:
    return filing_of(msgspec.structs.replace(FILING_REQUEST, key=key), state, **other)


def unpaid_invoice(key: str = KEY) -> FilingView:
    request = FilingRequest(key, "T1", "ref", Form.INVOICE_ON_BEHALF, INVOICE_REQUEST, 212000, AT)
    return filing_of(request, obligation=None)


def paid(filing: FilingView, state: str = "entered", key: str = PAYMENT_KEY) -> FilingView:
    amounts = dict.fromkeys(Bureau, 0)
    for line in filing.lines:
        amounts[line.bureau] += line.payable
    entered = "entered" if state == "entered" else "pending"
    parts = [PaymentPart(bureau, amount, entered, f"E-{bureau}") for bureau, amount in amounts.items() if amount]  # type: ignore[arg-type]
    payment = PaymentView(key, state, filing.payable_now, parts, [filing.key], AT, "123456789012")  # type: ignore[arg-type]
    return msgspec.structs.replace(filing, payment=payment, can_pay=False, late=[])


def late(filing: FilingView) -> FilingView:
    return msgspec.structs.replace(filing, late=[LatePart(line.levy, line.bureau, 100) for line in filing.lines])


CHARGE = Charge("T0000001", "000123", "123456789012", "6222****1234", AT, 371000)
APPROVED = PaymentResult("approved", CHARGE)
REFUSED = PaymentResult("refused")


def certificate(key: str = ISSUE_KEY, bureau: Bureau = Bureau.STATE, count: int = 1) -> CertificateView:
    number = "(261)闽国证 0012345"
    return CertificateView(key, KEY, bureau, number, NAME, "9235**********X278", [], 350000, AT, "ABCD", count, "taken")


def invoice(key: str = ISSUE_KEY, medium: str = "digital", state: str = "taken", filing: str = KEY) -> InvoiceView:
    number = "26350000000000000017" if medium == "digital" else "00123456"
    return InvoiceView(
        key,
        filing,
        medium,  # type: ignore[arg-type]
        "" if medium == "digital" else "035001700111",
        number,
        "ordinary",
        AT,
        NAME,
        "9235**********X278",
        "个人",
        "",
        "服务",
        20000000,
        200000,
        20200000,
        "0.01",
        "12345678901234567890",
        state,  # type: ignore[arg-type]
    )


def draft(**answers: str) -> Draft:
    return Draft("T1", Form.VAT_SMALL_SCALE, "O1", answers, date(2026, 10, 19))


@dataclass
class Visit:
    """One visit, event by event. ``effects``: everything it asked for, in order."""

    situation: Situation = ALL_WELL
    rules: Rules = RULES
    session: Session = field(init=False)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.session = machine.begin(Session(situation=self.situation)).session

    @property
    def page(self) -> Page:
        return self.session.page

    @property
    def number(self) -> int:
        return self.session.visit

    def on(self, kind: type[E]) -> E:
        """The page, which has to be one of this kind."""
        assert isinstance(self.page, kind), self.page
        return self.page

    def does(self, *events: Event) -> Visit:
        for event in events:
            self.session, effects = machine.step(self.rules, self.session, event)
            self.effects += effects
        return self

    def asked(self, kind: type[E]) -> list[E]:
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def last(self, kind: type[E]) -> E:
        return self.asked(kind)[-1]

    # ---- what a visitor does -----------------------------------------------------------------------------------------

    def comes_for(self, purpose: Purpose, holder: Holder = HOLDER) -> Visit:
        return self.does(Start(purpose), CardFound(self.number), CardRead(self.number, holder, TODAY))

    def acts_for(self, *taxpayers: TaxpayerView) -> Visit:
        return self.does(TaxpayersFound(self.number, taxpayers))

    def opens(self, file: TaxpayerFile, kept: Draft | None = None, on: date = TODAY) -> Visit:
        return self.does(FileOpened(self.number, file, kept, on))

    def chooses(self, *values: str, on: date = TODAY) -> Visit:
        return self.does(*(Choose(value, on) for value in values))

    def types(self, figures: str, on: date = TODAY) -> Visit:
        return self.does(*(Typed(key, on) for key in figures), Next(on))

    def submits(self, at: datetime = AT) -> Visit:
        return self.does(Submitted(at))

    # ---- what the machine and the hall answer ------------------------------------------------------------------------

    def is_recorded(self, key: str = KEY) -> Visit:
        wanted = self.last(RecordFiling).request
        return self.does(FilingRecorded(self.number, msgspec.structs.replace(wanted, key=key, holder_ref="ref")))

    def is_filed(self, state: str = "accepted", key: str = KEY, **other: Any) -> Visit:
        request = msgspec.structs.replace(self.last(RecordFiling).request, key=key)
        return self.does(FilingAnswered(self.number, filing_of(request, state, **other)))

    def payment_is_recorded(self, key: str = PAYMENT_KEY) -> Visit:
        wanted = self.last(RecordPayment).request
        return self.does(PaymentRecorded(self.number, msgspec.structs.replace(wanted, key=key, holder_ref="ref")))

    def is_held(self, key: str = PAYMENT_KEY) -> Visit:
        return self.does(PaymentHeld(self.number, key))

    def is_charged(self, result: PaymentResult = APPROVED, reason: str = "", key: str = PAYMENT_KEY) -> Visit:
        return self.does(ChargeEnded(self.number, key, result, reason))

    def hall_says(self, filing: FilingView) -> Visit:
        return self.does(PaymentAnswered(self.number, filing))

    def prints(self, outcome: str = "done", slip: int = 7) -> Visit:
        return self.does(
            PaperRecorded(self.number, slip),
            PrintEnded(self.number, slip, outcome, outcome == "failed"),  # type: ignore[arg-type]
        )
