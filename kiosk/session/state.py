"""What a visit is at any moment: one page, one person or none, and the machine's situation around it.

Everything here is a frozen value. Screens draw it, tests compare it, nobody changes it but ``machine.step``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from kiosk.domain.catalogue import Match, Service
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import (
    Bureau,
    CertificateView,
    FilingRequest,
    FilingView,
    Form,
    InvoiceView,
    LatePart,
    Obligation,
    PaymentRequest,
    PaymentResult,
    TaxpayerFile,
    TaxpayerView,
)
from kiosk.domain.holder import Holder
from kiosk.domain.identity import EntryProblem
from kiosk.domain.messages import HallState
from kiosk.domain.papers import CertificatePaper as CertificatePaper
from kiosk.domain.papers import InvoicePaper as InvoicePaper
from kiosk.domain.papers import Paper
from kiosk.domain.papers import ReceiptPaper as ReceiptPaper
from kiosk.domain.questions import SALES, Known, Question, questions
from kiosk.domain.ticket import TicketSlip
from kiosk.session.panel import Calibration, Maintenance, MaintenanceLogin, TouchTest

if TYPE_CHECKING:
    # The first page stands before anybody needs the rules: 26 ms of a start.
    from kiosk.domain.tax import Assessment


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


class Purpose(StrEnum):
    """Why somebody identifies."""

    TAKE_NUMBER = "take_number"
    MY_NUMBER = "my_number"
    FILE = "file"
    """申报缴税: what is due, file it, pay it."""
    INVOICE = "invoice"
    """代开发票"""
    CERTIFICATE = "certificate"
    """打印证明"""
    QUERY = "query"
    """查询: returns, payments, arrears, invoices, credit grade."""


#: These ask the hall for what it knows of the person, so only a card opens them.
TAX_PURPOSES = frozenset({Purpose.FILE, Purpose.INVOICE, Purpose.CERTIFICATE, Purpose.QUERY})


class CardProblem(StrEnum):
    """Why a card did not help, in the taxpayer's terms. Texts: ``card.<value>``."""

    UNREADABLE = "unreadable"
    NOT_AN_ID_CARD = "not_an_id_card"
    TAKEN_AWAY = "taken_away"
    READER_GONE = "reader_gone"


class SorryReason(StrEnum):
    """Why a visit cannot go the usual way. Texts: ``sorry.<value>.{title,why,safe,now,not_needed}``."""

    PRINT_FAILED = "print_failed"
    """The number is good, the paper did not come out."""
    PRINT_UNCERTAIN = "print_uncertain"
    """The number is good; whether the slip came out only the holder can see."""
    NOT_SAVED = "not_saved"
    """The machine could not store anything (disk full or broken): no number was given."""
    HALL_SILENT = "hall_silent"
    """A question only the hall can answer, and the hall does not answer."""
    NO_TICKET = "no_ticket"
    """The person has no open number here."""
    OUT_OF_SERVICE = "out_of_service"

    # ---- filing, paying, proof
    NO_TAXPAYER = "no_taxpayer"
    """The register binds this person to no taxpayer."""
    FILING_REFUSED = "filing_refused"
    """The hall or a bureau said no; ``Sorry.word`` says why (texts ``filing_problem.<word>``)."""
    FILING_QUEUED = "filing_queued"
    """The return is kept and will be sent; whether it has arrived is not known yet. Nothing was charged."""
    PAYMENT_REFUSED = "payment_refused"
    """Not charged; ``word`` says why (texts ``pay_refused.<word>``). The return is filed and can be paid later."""
    PAYMENT_UNKNOWN = "payment_unknown"
    """Whether the card was charged is not known yet; the machine goes on asking and never charges anew."""
    PAYMENT_NOT_HELD = "payment_not_held"
    """Not charged: it is being paid elsewhere, or is paid; ``word`` of filing.PAYMENT_PROBLEMS, or ``hall_silent`` or
    ``not_saved`` where nobody could be asked to hold it (texts ``payment_problem.<word>``)."""
    NOT_ISSUED = "not_issued"
    """No certificate or invoice: ``word`` of filing.ISSUE_PROBLEMS. What is paid is paid."""
    PAPER_FAILED = "paper_failed"
    """Filed and paid; the receipt, certificate or invoice did not come out."""
    PAPER_UNCERTAIN = "paper_uncertain"
    TAX_SILENT = "tax_silent"
    """The hall does not answer, so what is due, filed or paid cannot be seen now. Nothing was filed or charged."""
    NOT_FILED = "not_filed"
    """The machine could not store the return: nothing was filed, the answers so far may be kept as a draft."""
    CARD_EXPIRED = "card_expired"
    """Tax matters need an identity proven by a valid card; a number to wait in line does not."""
    PAYMENT_GIVEN_BACK = "payment_given_back"
    """Charged, but it had been paid elsewhere meanwhile: the terminal gives the money back, to the same card."""


class Availability(StrEnum):
    """Where a service can be done now. Texts: ``availability.<value>``."""

    HERE = "here"
    NOT_YET_HERE = "not_yet_here"
    """Made for self-service, but this machine does not do it (yet, or just now)."""
    WINDOW = "window"


@dataclass(frozen=True)
class Home:
    pass


@dataclass(frozen=True)
class Identify:
    """Lay the card on the reader. ``reading`` from the moment a card is found."""

    purpose: Purpose
    reading: bool = False
    problem: CardProblem | None = None
    service: Service | None = None
    """Chosen already, in the guide."""

    @property
    def can_type(self) -> bool:
        """A typed number is good for a new ticket. Whose ticket is shown must be proved by the card."""
        return self.purpose is Purpose.TAKE_NUMBER


@dataclass(frozen=True)
class Keypad:
    """Type the number of the ID card. ``problem`` is said at the digit where it shows."""

    purpose: Purpose
    digits: str = ""
    problem: EntryProblem | None = None
    service: Service | None = None


@dataclass(frozen=True)
class ChooseService:
    """By group, or by typing initials; ``guide`` is the same page for somebody who only wants to know."""

    guide: bool = False
    query: str = ""
    category: str | None = None
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True)
class ServiceDetail:
    """What to bring, and where it can be done."""

    service: Service
    availability: Availability
    guide: bool = False
    query: str = ""
    category: str | None = None


@dataclass(frozen=True)
class Confirm:
    """Take this number? ``service`` None: any service."""

    service: Service | None
    query: str = ""
    category: str | None = None
    card_expired: bool = False
    priority: bool = False


class IssueStep(StrEnum):
    """How far the number is. Each is passed once, in this order. Texts: ``issuing.<value>``."""

    RECORDING = "recording"
    ASKING = "asking"
    COMMITTING = "committing"
    PRINTING = "printing"


@dataclass(frozen=True)
class Issuing:
    """The machine works; nothing can be touched. ``key`` and ``slip`` fill as they become facts."""

    service: Service | None
    step: IssueStep
    key: str = ""
    priority: bool = False
    slip_id: int | None = None
    slip: TicketSlip | None = None
    existing: bool = False


@dataclass(frozen=True)
class TakeTicket:
    """The number, large. ``printed`` False: there is no paper, the number and its QR stand on the screen."""

    slip: TicketSlip
    printed: bool
    existing: bool = False


@dataclass(frozen=True)
class OpenTicket:
    """One of the holder's own numbers today."""

    slip: TicketSlip
    state: str
    window: str | None = None


@dataclass(frozen=True)
class MyTickets:
    """The holder's open numbers; ``looking`` while the hall is asked."""

    looking: bool
    tickets: tuple[OpenTicket, ...] = ()


@dataclass(frozen=True)
class Sorry:
    """What is safe, what can be done now, what need not be done. ``slip`` where a number exists."""

    reason: SorryReason
    slip: TicketSlip | None = None
    can_reprint: bool = False
    paper_out: bool = False
    word: str = ""
    """Which of several causes, see the reason."""
    filing: FilingView | None = None
    amount: int | None = None
    """Fen that the page is about, large and alone."""
    payment_key: str = ""
    """PAYMENT_UNKNOWN: what the terminal is still being asked about."""
    paper: Paper | None = None
    """PAPER_FAILED, PAPER_UNCERTAIN: what can be printed again while ``can_reprint``."""
    printing: PrintingPaper | None = None
    """The print that ``paper`` was part of: *Next* and *PrintAgain* go on from there."""
    taxpayer: TaxpayerView | None = None
    purpose: Purpose | None = None
    """With ``taxpayer``: back to what is due, or pay again."""
    paying: Paying | None = None
    """PAYMENT_UNKNOWN: goes on when the terminal speaks at last."""
    then: Finished | None = None
    """What *Next* shows, where something is done already in spite of it all; else it leads home."""


# ---- filing, paying, proof -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LookingUp:
    """The hall is asked what it knows: of the person (``taxpayer`` None), or of one taxpayer."""

    purpose: Purpose
    taxpayer: TaxpayerView | None = None


@dataclass(frozen=True)
class ChooseTaxpayer:
    """For whom? The person's own taxpayers; for an invoice also the person himself (id ``self``)."""

    purpose: Purpose
    taxpayers: tuple[TaxpayerView, ...]


@dataclass(frozen=True)
class Remembered:
    """The hall is silent: a file is as it was on a day, and what was filed here since."""

    said_on: date
    filed_since: frozenset[str] = frozenset()
    """Obligations met by returns that wait for the hall."""
    waiting: int = 0
    """Returns of anybody that wait for it."""


@dataclass(frozen=True)
class TodoList:
    """What is due: returns by deadline, what is filed and unpaid with its late surcharge to date, other returns that
    can be brought up. ``draft``: begun earlier by the same person and not submitted."""

    file: TaxpayerFile
    draft: Draft | None = None
    choice_of_one: bool = False
    """The person has no other taxpayer: back leads home."""
    said_on: date | None = None
    """The hall is silent, and what is due is as it was that day."""


@dataclass(frozen=True)
class Draft:
    """A return that was begun: kept encrypted on the kiosk, offered to the same person only."""

    taxpayer: str
    form: Form
    obligation: str | None
    answers: dict[str, str]
    saved_on: date


@dataclass(frozen=True)
class Work:
    """The return in progress. Which page may be visited follows from ``answers`` alone (kiosk.domain.questions)."""

    purpose: Purpose
    file: TaxpayerFile
    form: Form
    obligation: Obligation | None = None
    answers: dict[str, str] = field(default_factory=dict)
    corrects: str | None = None
    buyer_name: str = ""
    """Of an invoice: found by the hall for the number that was typed."""
    on: date = date.min
    """Today, by the last touch that told it."""
    offline: bool = False
    """Begun while the hall was silent: limits of their own hold."""

    @property
    def known(self) -> Known:
        """What the register knows of it, for kiosk.domain.questions."""
        person, obligation = self.file.taxpayer, self.obligation
        known = Known(person.payer, person.place, same_day_gross=same_day_gross(self.file, self.on, self.corrects))
        if obligation is None:
            return known
        return replace(
            known,
            cycle=obligation.cycle,
            period_end=obligation.period_end,
            quota=obligation.quota,
            prepaid=obligation.prepaid,
            facts=obligation.facts,
        )

    @property
    def path(self) -> tuple[Question, ...]:
        """Its pages in order, the usual ones where a branch is not answered yet."""
        return questions(self.form, self.known, self.answers)


def same_day_gross(file: TaxpayerFile, on: date, corrected: str | None) -> tuple[str, ...]:
    """Yuan of the sales for which this taxpayer had invoices on behalf today already; leases are not sales of a day."""
    return tuple(
        filing.summary["gross"].replace(",", "")
        for filing in file.filings
        if filing.form is Form.INVOICE_ON_BEHALF
        and filing.summary.get("item") in SALES
        and "gross" in filing.summary
        and filing.state not in ("refused", "superseded")
        and filing.key != corrected
        and filing.declared_at.astimezone(HALL_ZONE).date() == on
    )


@dataclass(frozen=True)
class Ask:
    """One question of a return. ``entry``: what is typed so far, an earlier answer to begin with. ``problem``: why it
    cannot be so (texts ``answer_problem.<problem>``). ``changing``: called from the check page, back to it after the
    answer."""

    work: Work
    question: Question
    entry: str = ""
    problem: str | None = None
    changing: bool = False
    looking: bool = False
    """The hall is asked (a buyer's name); nothing but home can be touched."""

    @property
    def number(self) -> int:
        """The page's place on the path, from 1."""
        return [question.id for question in self.work.path].index(self.question.id) + 1

    @property
    def count(self) -> int:
        return len(self.work.path)


@dataclass(frozen=True)
class Check:
    """请核对，无误后提交: every answer, every levy under its bureau with its rule."""

    work: Work
    assessment: Assessment
    late: tuple[LatePart, ...] = ()
    """滞纳金 if it is paid today."""


class SubmitStep(StrEnum):
    """Texts: ``submitting.<value>``."""

    RECORDING = "recording"
    SENDING = "sending"
    QUEUEING = "queueing"


@dataclass(frozen=True)
class Submitting:
    """The machine works; nothing can be touched."""

    work: Work
    assessment: Assessment
    step: SubmitStep
    request: FilingRequest | None = None
    """Its key is "" until it is durable."""


@dataclass(frozen=True)
class Declared:
    """The return is filed (accepted or half done, said in plain words). Pay now, or later."""

    filing: FilingView
    taxpayer: TaxpayerView
    purpose: Purpose
    just_filed: bool = False
    """In this visit: its receipt is still to come out."""


class PayStep(StrEnum):
    """Each passed once, in this order, ASKING only when the terminal fell silent. Texts: ``paying.<value>``."""

    RECORDING = "recording"
    HOLDING = "holding"
    """The hall holds the filing for this payment."""
    CHARGING = "charging"
    ASKING = "asking"
    """The terminal is asked what became of the charge."""
    ENTERING = "entering"
    """Charged; both bureaus enter it."""


@dataclass(frozen=True)
class Paying:
    """``progress``: while CHARGING, what the terminal waits for (texts ``terminal.<progress>``)."""

    filing: FilingView
    taxpayer: TaxpayerView
    purpose: Purpose
    step: PayStep
    amount: int
    request: PaymentRequest | None = None
    """Its key is "" until it is durable."""
    progress: str = ""
    can_cancel: bool = False
    """Until a card has been presented the payer may change his mind."""
    result: PaymentResult | None = None


class IssueTask(StrEnum):
    CERTIFICATE = "certificate"
    INVOICE = "invoice"


@dataclass(frozen=True)
class IssuingPaper:
    """A certificate or an invoice is given by the hall, then printed. Texts: ``issuing_paper.<task>.<step>``."""

    filing: FilingView
    taxpayer: TaxpayerView
    purpose: Purpose
    task: IssueTask
    step: Literal["recording", "asking"]
    bureau: Bureau | None = None
    key: str = ""
    printed: bool = True
    """Whether a paper of this visit came out already, for the last page."""


@dataclass(frozen=True)
class PrintingPaper:
    """A receipt, certificate or invoice is recorded, then printed; then ``then`` is shown, or done.

    The receipt of a payment comes out before its invoice is asked for: whatever becomes of that, the payer has proof.
    """

    paper: Paper
    step: Literal["recording", "printing"]
    then: Finished | CompareNumber | IssuingPaper
    slip_id: int | None = None


@dataclass(frozen=True)
class CompareNumber:
    """The number of the blank, large: is it the one pre-printed on the sheet? (As every certificate kiosk asks.)"""

    certificate: CertificateView
    then: Finished


@dataclass(frozen=True)
class Finished:
    """All done: what was filed and paid, under which numbers; certificates, invoice and another copy on offer."""

    filing: FilingView
    taxpayer: TaxpayerView
    purpose: Purpose
    printed: bool = True
    invoice: InvoiceView | None = None
    certificates: tuple[CertificateView, ...] = ()


@dataclass(frozen=True)
class Certificates:
    """Paid filings of one taxpayer, newest first: of which is a certificate wanted? ``filing``: it. Which bureau?"""

    file: TaxpayerFile
    filing: FilingView | None = None
    choice_of_one: bool = False


class QueryTab(StrEnum):
    RETURNS = "returns"
    PAYMENTS = "payments"
    ARREARS = "arrears"
    INVOICES = "invoices"
    CREDIT = "credit"


@dataclass(frozen=True)
class MyTaxes:
    file: TaxpayerFile
    tab: QueryTab = QueryTab.RETURNS
    filing: FilingView | None = None
    """One of them, in full."""
    choice_of_one: bool = False


Page = (
    Home
    | Identify
    | Keypad
    | ChooseService
    | ServiceDetail
    | Confirm
    | Issuing
    | TakeTicket
    | MyTickets
    | Sorry
    | LookingUp
    | ChooseTaxpayer
    | TodoList
    | Ask
    | Check
    | Submitting
    | Declared
    | Paying
    | IssuingPaper
    | PrintingPaper
    | CompareNumber
    | Finished
    | Certificates
    | MyTaxes
    | MaintenanceLogin
    | Maintenance
    | TouchTest
    | Calibration
)


class DeviceName(StrEnum):
    ID_CARD = "id_card"
    TICKET_PRINTER = "ticket_printer"
    RECEIPT_PRINTER = "receipt_printer"
    POS = "pos"


@dataclass(frozen=True)
class DeviceView:
    """A device as a visit needs it: does it work, and is there paper. ``None`` paper: not known or no printer."""

    works: bool = False
    paper_out: bool = False
    paper_low: bool = False
    cover_open: bool = False


@dataclass(frozen=True)
class SlotView:
    """The technicians' smart-card slot: does it work, and is a card in it."""

    works: bool = False
    card: bool = False


@dataclass(frozen=True)
class Situation:
    """What is true of the machine whoever stands before it."""

    devices: dict[DeviceName, DeviceView] = field(default_factory=dict)
    hall: HallState | None = None
    hall_answers: bool = False
    storage_works: bool = True
    smart_card: SlotView = SlotView()
    locked: bool = False
    """Out of service by somebody's word: no visit begins, one in progress goes on to its end."""
    locked_words: str = ""
    """What the page says then; "" its own words."""
    restart: bool = False
    """The front end is wanted to end and be started anew, once nobody stands before it."""

    @classmethod
    def at_start(cls) -> Situation:
        """Before anybody has looked: devices and hall are taken to work. Looking takes a moment, and a home page that
        first says that nothing works would be wrong on every good day."""
        return cls(devices={name: DeviceView(works=True) for name in DeviceName}, hall_answers=True)

    def device(self, name: DeviceName) -> DeviceView:
        return self.devices.get(name, DeviceView())

    @property
    def can_read_cards(self) -> bool:
        return self.device(DeviceName.ID_CARD).works

    @property
    def can_print_tickets(self) -> bool:
        printer = self.device(DeviceName.TICKET_PRINTER)
        return printer.works and not printer.paper_out and not printer.cover_open

    @property
    def can_print_papers(self) -> bool:
        printer = self.device(DeviceName.RECEIPT_PRINTER)
        return printer.works and not printer.paper_out and not printer.cover_open

    @property
    def can_pay(self) -> bool:
        return self.device(DeviceName.POS).works and self.hall_answers and self.storage_works

    @property
    def can_file(self) -> bool:
        """Everything that asks the hall about a person needs the card, the hall and a place to keep the intent."""
        return self.can_read_cards and self.hall_answers and self.storage_works


@dataclass(frozen=True)
class Session:
    """The whole state of the front end."""

    visit: int = 0
    """Counts visits; every event of an earlier one is dropped."""
    page: Page = field(default_factory=Home)
    holder: Holder | None = None
    language: Language = Language.ZH
    large_text: bool = False
    situation: Situation = field(default_factory=Situation)
    taxpayers: tuple[TaxpayerView, ...] = ()
    """Whom the identified person may act for, by the hall's word in this visit."""


@dataclass(frozen=True)
class Shown:
    """What the runtime hands to the screens after every step."""

    session: Session
    idle_until: float | None
    """Monotonic seconds at which the visit ends by itself; None where none runs (home, issuing)."""
    now: datetime
    """Wall-clock time of the step, with offset."""
