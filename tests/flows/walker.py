"""Walks the visit machine: from a page, every event that can happen there, until no new page is found.

The events are representative, not random: for each touch every choice that leads somewhere else, for each answer every
way it can come out. What is typed is cut short: the first few keys show every branch. docs/visit.md and the path tests
are both made from this walk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import msgspec

from kiosk.domain.filing import Bureau, FilingView, Form, PayerKind, PaymentResult, TaxpayerFile
from kiosk.domain.fleet import TechnicianRole
from kiosk.domain.holder import Holder
from kiosk.domain.messages import HallState, TicketView, Wait
from kiosk.domain.papers import InvoicePaper
from kiosk.domain.ticket import TicketSlip, WaitRange
from kiosk.session import machine
from kiosk.session.effects import Arm, Effect
from kiosk.session.events import (
    AskRecorded,
    Back,
    BuyerFound,
    CancelPay,
    CardFailed,
    CardFound,
    CardRead,
    CellTouched,
    CertificateGiven,
    Change,
    ChargeEnded,
    ChargeProgress,
    ChargeUnknown,
    Choose,
    ContinueDraft,
    CorrectFiling,
    DeadlinePassed,
    DeviceChanged,
    Do,
    DropDraft,
    Event,
    FileOpened,
    FilingAnswered,
    FilingQueued,
    FilingRecorded,
    GoHome,
    HallAnswered,
    HallRefusedIt,
    HallSeen,
    HallSilent,
    HiddenGesture,
    InvoiceGiven,
    IssueInvoice,
    IssueRecorded,
    MaintenanceDone,
    Next,
    OpenGuide,
    OpenPlace,
    PanelRead,
    PaperRecorded,
    Pay,
    PaymentAnswered,
    PaymentHeld,
    PaymentRecorded,
    PickBureau,
    PickCategory,
    PickFiling,
    PickForm,
    PickObligation,
    PickService,
    PickTab,
    PickTaxpayer,
    PinDone,
    PinKey,
    PinWrong,
    PointTouched,
    PrintAgain,
    PrintEnded,
    Reprint,
    SaySure,
    SetLanguage,
    SetLargeText,
    SmartCardChanged,
    StandingChanged,
    Start,
    StorageChanged,
    StoreFailed,
    Submit,
    Submitted,
    TaxpayersFound,
    TechnicianAdmitted,
    TechnicianRecognised,
    TechnicianRefused,
    TicketRecorded,
    TicketsFound,
    Touched,
    Typed,
    UseCard,
    UseKeypad,
)
from kiosk.session.flows.look_up import SELF
from kiosk.session.panel import (
    Action,
    Calibration,
    Maintenance,
    MaintenanceLogin,
    Outcome,
    Panel,
    Place,
    TouchTest,
)
from kiosk.session.state import (
    Ask,
    CardProblem,
    Certificates,
    Check,
    ChooseTaxpayer,
    CompareNumber,
    Declared,
    DeviceName,
    DeviceView,
    Draft,
    Finished,
    Home,
    Issuing,
    IssuingPaper,
    Language,
    LookingUp,
    MyTaxes,
    OpenTicket,
    Page,
    Paying,
    PrintingPaper,
    Purpose,
    QueryTab,
    Session,
    Situation,
    SlotView,
    Sorry,
    Submitting,
    TodoList,
    Work,
)
from kiosk.session.step import MAINTENANCE
from tests.flows import tax_samples
from tests.flows.tax_samples import APPROVED, BUYER, COMPANY, ISSUE_KEY, PAYMENT_KEY, REFUSED, RULES, SHOP, paid

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 1, 42, 7, tzinfo=UTC)
KEY = "0" * 32
SERVICE = RULES.catalogue.search("ZZS")[0].service
CATEGORY = RULES.catalogue.categories[3].code

HOLDER = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8), date(2030, 1, 1))
EXPIRED = replace(HOLDER, valid_to=date(2020, 1, 1))
OLD = Holder("440524194001010019", "陈伯", date(1940, 1, 1))
SLIP = TicketSlip(
    number="A057",
    service_code=SERVICE.code,
    service_zh=SERVICE.name_zh,
    service_en=SERVICE.name_en,
    ahead=12,
    wait=WaitRange(8, 15),
    issued_at=NOW,
    holder_masked=HOLDER.masked,
    papers=SERVICE.papers,
    url="http://hall/t/abc",
    token="abc",
)
VIEW = TicketView("A057", "waiting", NOW, "abc", SERVICE.code, 12, Wait(8, 15))
HALL = HallState("xc", "芗城办税服务厅", "Xiangcheng Tax Hall", "2026-11-24", 12, 6, Wait(8, 15), [])

READER, PRINTER = DeviceName.ID_CARD, DeviceName.TICKET_PRINTER
PAPERS, TERMINAL = DeviceName.RECEIPT_PRINTER, DeviceName.POS
WORKING = DeviceView(works=True)
ALL_WELL = Situation(dict.fromkeys(DeviceName, WORKING), HALL, hall_answers=True, smart_card=SlotView(works=True))

UNPAID = tax_samples.unpaid("1" * 32)
HALF_DONE = tax_samples.unpaid("2" * 32, "half_done")
PAID = paid(tax_samples.unpaid("3" * 32))
INVOICE = paid(tax_samples.unpaid_invoice("4" * 32))
FILINGS = (UNPAID, HALF_DONE, PAID, INVOICE)
OBLIGATIONS = (
    tax_samples.obligation(id="small"),
    tax_samples.obligation(id="quota", quota=9000000, deadline=date(2026, 12, 15)),
    tax_samples.obligation(Form.IIT_BUSINESS, "iit"),
    tax_samples.obligation(Form.CIT_PREPAYMENT, "cit", facts={"staff": [9, 9]}),
    tax_samples.obligation(id="next", state="not_yet_open"),
)
FORMS = (Form.STAMP, Form.VEHICLE_PURCHASE)
SHOPS_FILE = tax_samples.file_of(*OBLIGATIONS, filings=FILINGS, forms=FORMS)
COMPANYS_FILE = tax_samples.file_of(tax_samples.obligation(Form.VAT_GENERAL, "general"), who=COMPANY, forms=())
OWN_FILE = tax_samples.file_of(who=tax_samples.taxpayer(SELF, PayerKind.NATURAL_PERSON), forms=())
FILES = {"T1": SHOPS_FILE, "T2": COMPANYS_FILE, SELF: OWN_FILE}
DRAFT = Draft("T1", Form.VAT_SMALL_SCALE, "small", {"any_sales": "yes"}, TODAY)


def touches(session: Session) -> Iterator[Event]:
    yield from (Start(purpose) for purpose in Purpose)
    yield from (OpenGuide(), Back(), GoHome(), Touched(), UseKeypad(), UseCard(), Submit(TODAY), Next(TODAY))
    yield from (SetLanguage(Language.EN), SetLanguage(Language.ZH), SetLargeText(True), SetLargeText(False))
    yield from (Typed(key, TODAY) for key in ("3", "X", "Z", "back", "clear", "嗯", ""))
    yield from (PickCategory(CATEGORY), PickCategory("99"), PickCategory(None))
    yield from (PickService(SERVICE.code, TODAY), PickService("SW-999999", TODAY), PickService(None, TODAY))
    yield from (Reprint(SLIP.token), Reprint("of somebody else"))
    yield from tax_touches(session.page)
    yield from technicians_touches(session.page)


def tax_touches(page: Page) -> Iterator[Event]:
    """Each at least once, whatever the page; on its own page with all that it offers."""
    yield from (PickTaxpayer(id) for id in (*FILES, "nobody"))
    yield from (PickObligation(each, TODAY) for each in (*(each.id for each in OBLIGATIONS), "general", "none"))
    yield from (PickForm(form, TODAY) for form in (*FORMS, Form.INVOICE_ON_BEHALF, Form.PROPERTY))
    yield from (ContinueDraft(TODAY), DropDraft(), Pay(NOW), Submitted(NOW), CancelPay(), PrintAgain(), IssueInvoice())
    yield from (PickFiling(key) for key in (*(filing.key for filing in FILINGS), "none"))
    yield from (CorrectFiling(key, TODAY) for key in (UNPAID.key, PAID.key))
    yield from (PickBureau(bureau) for bureau in Bureau)
    yield from (PickTab(tab) for tab in (QueryTab.RETURNS, QueryTab.ARREARS))
    yield from (Choose("yes", TODAY), Choose("nonsense", TODAY), Change("nonsense"))
    match page:
        case Ask(question=question, entry=entry):
            yield from (Choose(choice, TODAY) for choice in question.choices)
            yield from (Typed(key, TODAY) for key in ("0", "00", "."))
            if not entry:
                yield Typed(BUYER, TODAY)
        case Check(work=work):
            yield from (Change(question.id) for question in work.path)


PLACES = ((Place.MENU, ""), (Place.DEVICES, ""), (Place.DEVICE, "pos"), (Place.REPAIR, "paper_jam/1"))
ACTIONS = (Action("test_print"), Action("shut_down", grave=True), Action("restart"), Action("lock", works=False))
BY_HAND = (Action("touch_test"), Action("calibrate"), Action("leave"))


def technicians_touches(page: Page) -> Iterator[Event]:
    yield from (HiddenGesture(), PinKey("1"), PinKey("back"), PinKey("clear"), PinKey("x"), PinDone())
    yield from (SaySure(True), SaySure(False), CellTouched(0), CellTouched(59), CellTouched(60), PointTouched(100, 99))
    yield from (OpenPlace(place, subject) for place, subject in PLACES)
    yield from (Do(action.name) for action in (*ACTIONS, *BY_HAND))


def technicians_answers(visit: int, page: Page) -> Iterator[Event]:
    yield from (TechnicianRecognised(visit, 3), TechnicianRefused(visit, "expired"), PinWrong(visit, 2))
    yield TechnicianAdmitted(visit, "T7", "Technician 7", TechnicianRole.SENIOR)
    place, subject = (page.place, page.subject) if isinstance(page, Maintenance) else (Place.MENU, "")
    for actions in ((), ACTIONS, BY_HAND):
        yield PanelRead(visit, Panel(place, subject, actions=actions))
    yield PanelRead(visit, Panel(Place.AUDIT))
    doing = page.doing if isinstance(page, Maintenance) else "test_print"
    yield from (MaintenanceDone(visit, name, Outcome("printed")) for name in (doing, "something else"))
    yield MaintenanceDone(visit, "restart", Outcome("restarting"))


def answers(session: Session) -> Iterator[Event]:
    visit = session.visit
    page = session.page
    key = page.key if isinstance(page, Issuing) else key_of(page)
    if session.situation.can_read_cards:
        yield CardFound(visit)
        yield from (CardRead(visit, holder, TODAY) for holder in (HOLDER, EXPIRED, OLD))
    yield from (CardFailed(visit, problem) for problem in CardProblem)
    yield AskRecorded(visit, KEY)
    yield from (HallAnswered(visit, key, replace_view(existing)) for existing in (False, True))
    yield HallSilent(visit, key)
    slip = page.slip if isinstance(page, Issuing) and page.slip else SLIP
    yield from (TicketRecorded(visit, KEY, slip, slip_id) for slip_id in (7, None))
    yield StoreFailed(visit)
    for paper_out in (False, True):
        yield from (PrintEnded(visit, 7, outcome, paper_out) for outcome in ("done", "failed", "uncertain"))
    yield TicketsFound(visit, (OpenTicket(SLIP, "waiting"),))
    yield TicketsFound(visit, ())
    yield from (DeadlinePassed(visit, name) for name in ("idle", "step"))
    yield from tax_answers(visit, page, key)
    yield from technicians_answers(visit, page)


def key_of(page: Page) -> str:
    """Under which this page waits for an answer."""
    match page:
        case Submitting(request=request) | Paying(request=request) if request is not None and request.key:
            return request.key
        case Sorry(payment_key=key) | IssuingPaper(key=key) if key:
            return key
        case _:
            return KEY


def tax_answers(visit: int, page: Page, key: str) -> Iterator[Event]:
    yield from (TaxpayersFound(visit, found) for found in ((), (SHOP,), (SHOP, COMPANY)))
    yield from (FileOpened(visit, file, None, TODAY) for file in FILES.values())
    yield FileOpened(visit, SHOPS_FILE, DRAFT, TODAY)
    yield from (HallRefusedIt(visit, word, key) for word in ("not_bound", "being_paid"))
    yield from (HallSilent(visit), HallRefusedIt(visit, "key", "of another"))
    yield from (BuyerFound(visit, BUYER, name) for name in ("厦门某某贸易有限公司", None))
    yield from filing_answers(visit, page, key)
    yield from payment_answers(visit, page, key)
    yield IssueRecorded(visit, ISSUE_KEY)
    yield from (CertificateGiven(visit, tax_samples.certificate(each)) for each in (key, "of another"))
    filing = page.filing.key if isinstance(page, IssuingPaper) else "of another"
    yield from (InvoiceGiven(visit, tax_samples.invoice(key, medium, filing=filing)) for medium in ("paper", "digital"))
    yield InvoiceGiven(visit, tax_samples.invoice(key, filing="of another"))
    yield PaperRecorded(visit, 7)


def filing_answers(visit: int, page: Page, key: str) -> Iterator[Event]:
    yield FilingRecorded(visit, msgspec.structs.replace(tax_samples.FILING_REQUEST, key="of another"))
    yield FilingQueued(visit, key)
    if not (isinstance(page, Submitting) and page.request):
        yield FilingAnswered(visit, UNPAID)
        return
    yield FilingRecorded(visit, msgspec.structs.replace(page.request, key=KEY, holder_ref="ref"))
    for state in ("accepted", "half_done", "received", "refused"):
        yield FilingAnswered(visit, tax_samples.filing_of(msgspec.structs.replace(page.request, key=key), state))


def payment_answers(visit: int, page: Page, key: str) -> Iterator[Event]:
    yield from (PaymentHeld(visit, each) for each in (key, "of another"))
    yield from (ChargeProgress(visit, key, "present_card", can_cancel) for can_cancel in (True, False))
    yield from (ChargeUnknown(visit, key), ChargeEnded(visit, "of another", APPROVED))
    yield from (
        ChargeEnded(visit, key, result, "no_funds") for result in (APPROVED, REFUSED, PaymentResult("reversed"))
    )
    yield PaymentRecorded(visit, msgspec.structs.replace(tax_samples.PAYMENT_REQUEST, key="of another"))
    yield PaymentAnswered(visit, UNPAID)
    if isinstance(page, Paying) and page.request:
        filing = page.filing
        yield PaymentRecorded(visit, msgspec.structs.replace(page.request, key=PAYMENT_KEY, holder_ref="ref"))
        yield from (PaymentAnswered(visit, paid(filing, state, key)) for state in ("entered", "approved", "to_reverse"))


def replace_view(existing: bool) -> TicketView:
    return TicketView(VIEW.number, "waiting", NOW, VIEW.token, VIEW.service, 12, VIEW.wait, None, existing)


CARD_MOVES = (
    SmartCardChanged(works=True, card=False),
    SmartCardChanged(works=False, card=False),
    SmartCardChanged(works=True, card=True),
    SmartCardChanged(works=True, card=True, knocked=True),
)


def card_moves(session: Session) -> tuple[Event, ...]:
    """Where a technician's card matters; a taxpayer's visit takes no notice of it."""
    return CARD_MOVES if isinstance(session.page, (Home, *MAINTENANCE)) else ()


def surroundings(session: Session) -> Iterator[Event]:
    for view in (
        WORKING,
        DeviceView(),
        DeviceView(works=True, paper_out=True),
        DeviceView(works=True, cover_open=True),
    ):
        yield from (DeviceChanged(printer, view) for printer in (PRINTER, PAPERS))
    yield from (DeviceChanged(TERMINAL, WORKING), DeviceChanged(TERMINAL, DeviceView()))
    yield from (DeviceChanged(READER, WORKING), DeviceChanged(READER, DeviceView()))
    yield from (HallSeen(HALL), HallSeen(None), StorageChanged(True), StorageChanged(False))
    yield from CARD_MOVES
    yield from (StandingChanged(True, "09:00"), StandingChanged(False, restart=True), StandingChanged(False))


def events(session: Session) -> Iterator[Event]:
    yield from touches(session)
    yield from answers(session)
    yield from surroundings(session)


@dataclass(frozen=True)
class Edge:
    """One transition that was walked."""

    before: Session
    event: Event
    after: Session
    effects: tuple[Effect, ...] = ()


def shape(session: Session) -> tuple[object, ...]:
    """What makes two sessions the same for the walk: everything but the visit's count, and of a return not its figures
    but which questions are answered."""
    situation = session.situation
    around = (
        situation.can_read_cards,
        situation.can_print_tickets,
        situation.can_print_papers,
        situation.can_pay,
        situation.device(PRINTER).paper_out,
        situation.hall_answers,
        situation.storage_works,
        # A taxpayer's visit takes no notice of it.
        situation.smart_card if isinstance(session.page, Home | MaintenanceLogin) else None,
        (situation.locked, situation.restart) if isinstance(session.page, Home) else None,
    )
    # On a page of taxes it is one and the same person; elsewhere it matters whether the card has expired.
    page = outline(session.page)
    holder = session.holder.number if session.holder and isinstance(page, str) else bool(session.holder)
    return (type(session.page).__name__, page, holder, session.language, session.large_text, around)


def outline(page: Page) -> object:
    match page:
        case LookingUp(purpose=purpose, taxpayer=taxpayer):
            return (purpose, taxpayer.id if taxpayer else None)
        case ChooseTaxpayer(purpose=purpose, taxpayers=taxpayers):
            return (purpose, len(taxpayers))
        case TodoList(draft=draft):
            return (of_file(page.file), draft is not None, page.choice_of_one)
        case Ask(question=question):
            # What is wrong is said, and changes nothing of what can be done.
            return (of_work(page.work), question.id, page.entry[:2], page.changing, page.looking)
        case Check():
            return (of_work(page.work), page.assessment.to_pay > 0, bool(page.late))
        case Submitting(request=request):
            sent = request.key if request else None
            return (page.step, sent, of_work(page.work)[:3], page.assessment.to_pay > 0)
        case Declared():
            return (of_filing(page.filing), page.purpose, page.just_filed)
        case Paying():
            return of_payment(page)
        case IssuingPaper():
            return (of_filing(page.filing), page.purpose, page.task, page.step, page.bureau, page.key, page.printed)
        case PrintingPaper():
            return of_print(page)
        case CompareNumber(then=then):
            return (outline(then),)
        case Finished():
            return (of_filing(page.filing), page.purpose, page.printed, page.invoice is not None)
        case Certificates(filing=filing):
            return (of_file(page.file), of_filing(filing))
        case MyTaxes(filing=filing):
            return (of_file(page.file), page.tab, of_filing(filing))
        case MaintenanceLogin():
            return (page.step, min(len(page.pin), 4), page.problem, page.wrong)
        case Maintenance():
            return of_maintenance(page)
        case TouchTest(touched=touched):
            return (of_maintenance(page.back), min(len(touched), 1))
        case Calibration(points=points):
            return (of_maintenance(page.back), len(points))
        case Sorry(taxpayer=taxpayer) if taxpayer is not None:
            about = of_print(page.printing) or of_payment(page.paying) or (of_filing(page.filing), page.then is None)
            return (page.reason, page.can_reprint, page.payment_key, page.purpose, about)
        case _:
            return repr(page)


def of_maintenance(page: Maintenance) -> object:
    offered = page.panel.actions[:1] if page.panel else None
    return (page.place, page.subject, offered, page.doing, page.asking, page.outcome is not None)


def of_file(file: TaxpayerFile) -> object:
    return (file.taxpayer.id, len(file.obligations), len(file.filings))


def of_work(work: Work) -> tuple[object, ...]:
    obligation = work.obligation.id if work.obligation else None
    return (work.purpose, work.form, obligation, work.file.taxpayer.id, work.corrects is not None, tuple(work.answers))


def of_filing(filing: FilingView | None) -> object:
    if filing is None:
        return None
    payment = filing.payment.state if filing.payment else None
    invoice = filing.invoice.medium if filing.invoice else None
    is_invoice = filing.form is Form.INVOICE_ON_BEHALF
    return (is_invoice, filing.state == "accepted", filing.can_pay, filing.payable_now > 0, payment, invoice)


def of_payment(page: Paying | None) -> object:
    if page is None:
        return None
    key = page.request.key if page.request else None
    return (of_filing(page.filing), page.purpose, page.step, key, page.progress, page.can_cancel)


def of_print(page: PrintingPaper | None) -> object:
    if page is None:
        return None
    medium = page.paper.invoice.medium if isinstance(page.paper, InvoicePaper) else None
    return (type(page.paper).__name__, medium, page.step, type(page.then).__name__, outline(page.then))


_WALKED: dict[str, list[Edge]] = {}


def walk(situation: Situation = ALL_WELL) -> list[Edge]:
    """The whole walk in one situation, done once."""
    if (name := repr(situation)) not in _WALKED:
        _WALKED[name] = _walk(situation)
    return _WALKED[name]


def _walk(situation: Situation, limit: int = 1_000_000) -> list[Edge]:
    """Every transition reachable from home. Those that change nothing and ask for nothing but time are not told."""
    start = machine.begin(Session(situation=situation)).session
    seen = {shape(start)}
    todo = [start]
    edges: list[Edge] = []
    tried = 0
    while todo:
        before = todo.pop()
        for event in (*touches(before), *answers(before), *card_moves(before)):
            after, effects = machine.step(RULES, before, event)
            tried += 1
            if tried > limit:
                raise AssertionError("the walk does not end: a page grows without bound")
            if after is before and all(isinstance(effect, Arm) for effect in effects):
                continue
            edges.append(Edge(before, event, after, effects))
            form = shape(after)
            if form not in seen and not _too_deep(after):
                seen.add(form)
                todo.append(after)
    return edges


def _too_deep(session: Session) -> bool:
    page = session.page
    if session.language is Language.EN or session.large_text:
        return True
    if isinstance(page, Ask):
        return len(page.entry) > 1 and page.entry != BUYER
    return len(getattr(page, "digits", "") or getattr(page, "query", "")) > 2


def at(page: object, situation: Situation = ALL_WELL, holder: Holder | None = HOLDER) -> Session:
    """A session on this page, in the middle of a day."""
    return Session(visit=5, page=page, holder=holder, situation=situation)  # type: ignore[arg-type]
