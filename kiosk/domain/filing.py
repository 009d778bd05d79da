"""Returns, payments, certificates and invoices, as kiosk and hall speak of them; JSON over HTTP, like ``messages``.

One business key names a filing from the first touch to both bureaus' ledgers, another one its payment. Whoever repeats
a request repeats its key and gets the same answer. Amounts are integer fen; times RFC 3339 with offset; dates ISO 8601.

What the hall knows of people: ``holder_ref`` (``Holder.reference``). Names of taxpayers are in the register; of a
natural person who wants an invoice the hall gets name and number (``Applicant``), because the invoice must bear them,
and keeps them sealed.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from kiosk.domain.messages import VERSION, Key
from kiosk.domain.wire import acquaint


class Bureau(StrEnum):
    """国税 and 地税. Under the unified profile (after 2018) everything goes to ``STATE``."""

    STATE = "state"
    LOCAL = "local"


class Levy(StrEnum):
    VAT = "vat"
    UMCT = "umct"
    """城市维护建设税"""
    EDUCATION = "education"
    LOCAL_EDUCATION = "local_education"
    IIT = "iit"
    CIT = "cit"
    STAMP = "stamp"
    VEHICLE_PURCHASE = "vehicle_purchase"
    PROPERTY = "property"
    LAND_USE = "land_use"


class Form(StrEnum):
    """What can be assessed (``taxkiosk assess``); those of RETURNS can be filed at the kiosk."""

    VAT_SMALL_SCALE = "vat_small_scale"
    VAT_GENERAL = "vat_general"
    SURCHARGES = "surcharges"
    INVOICE_ON_BEHALF = "invoice_on_behalf"
    IIT_BUSINESS = "iit_business"
    IIT_LABOUR = "iit_labour"
    CIT_PREPAYMENT = "cit_prepayment"
    STAMP = "stamp"
    VEHICLE_PURCHASE = "vehicle_purchase"
    PROPERTY = "property"
    LAND_USE = "land_use"
    LATE_SURCHARGE = "late_surcharge"
    FILING_DEADLINE = "filing_deadline"


#: Filed because a period has ended: each is an obligation of the register, with a deadline.
PERIODIC_RETURNS = frozenset({Form.VAT_SMALL_SCALE, Form.VAT_GENERAL, Form.IIT_BUSINESS, Form.CIT_PREPAYMENT})
#: Filed because something has happened: a contract, a car. The taxpayer brings them up.
OCCASIONAL_RETURNS = frozenset({Form.STAMP, Form.VEHICLE_PURCHASE})


class PayerKind(StrEnum):
    SMALL_SCALE = "small_scale"
    GENERAL = "general"
    SMALL_LOW_PROFIT = "small_low_profit"
    INDIVIDUAL_BUSINESS = "individual_business"
    NATURAL_PERSON = "natural_person"


class Place(StrEnum):
    CITY = "city"
    COUNTY_TOWN = "county_town"
    OTHER = "other"


class Line(msgspec.Struct, frozen=True):
    """One levy of an assessment. ``due`` is before relief; ``payable`` = due - relief. All in fen."""

    levy: Levy
    bureau: Bureau
    due: int
    relief: int
    payable: int
    rule: str
    """Id of the rule in the pack, for example ``VR-1-2026``."""
    source: str
    """The document that says so, for example ``公告2026年第10号``."""
    base: int | None = None
    """What the rate was applied to, in fen; None where no single base exists."""
    rate: str | None = None
    """As a decimal: ``0.01``."""
    relief_rule: str | None = None
    """Id of the rule that gives the relief; None without one. Texts: ``relief.<relief_rule>`` may explain it."""


def total(lines: list[Line]) -> int:
    return sum(line.payable for line in lines)


# ---- the register, as the identified person may see it -------------------------------------------------------------


class TaxpayerView(msgspec.Struct, frozen=True):
    """Somebody the identified person may act for. ``id``: the hall's own, opaque."""

    id: str
    name: str
    number_masked: str
    payer: PayerKind
    place: Place
    district_zh: str
    district_en: str
    role: str
    """legal_representative | finance | filing_clerk | agent | self. Texts: ``role.<role>``."""
    open_returns: int = 0
    """How many returns wait, for the list."""


class TaxpayersOfPerson(msgspec.Struct, frozen=True):
    """GET /kiosk/v1/taxpayers?holder_ref=… . Without ``self``: a natural person needs no register."""

    taxpayers: list[TaxpayerView]
    version: int = VERSION


class Obligation(msgspec.Struct, frozen=True):
    """One return that is due for one period."""

    id: str
    form: Form
    period_start: date
    period_end: date
    cycle: Literal["month", "quarter", "year"]
    deadline: date
    state: Literal["open", "not_yet_open"]
    """``not_yet_open``: the period has not ended. What was filed is no obligation any more, see ``filings``."""
    quota: int | None = None
    """Fen of sales a period that were fixed for this business (定期定额); None: it declares what it sold."""
    prepaid: int = 0
    """Fen already prepaid this year (cumulative returns)."""
    facts: dict[str, Any] = {}
    """What the register knows already and the taxpayer need not type: keys of the form's assess input, e.g.
    ``{"staff": [12, 13], "assets": "3000000.00"}``. Confirmed on the check page."""


class LatePart(msgspec.Struct, frozen=True):
    levy: Levy
    bureau: Bureau
    amount: int


FilingState = Literal["queued", "received", "half_done", "accepted", "refused", "superseded"]
"""queued: the kiosk has it and the hall not yet; the hall itself never says it. received: the hall has it, no bureau
yet. half_done: one bureau has it. accepted: all have. refused: a bureau said no for good. superseded: corrected by a
later one."""


class FilingPart(msgspec.Struct, frozen=True):
    """What became of a filing at one bureau."""

    bureau: Bureau
    state: Literal["pending", "accepted", "refused"]
    receipt: str | None = None
    """The bureau's own receipt number."""
    problem: str | None = None
    """A word of ``hall.bureaus.contract.REFUSALS``. Texts: ``bureau_problem.<problem>``."""


class PaymentPart(msgspec.Struct, frozen=True):
    """One entry: each bureau's money is its own, even if one swipe pays both."""

    bureau: Bureau
    amount: int
    state: Literal["pending", "entered"]
    receipt: str | None = None


PaymentState = Literal["begun", "approved", "entered", "refused", "to_reverse", "reversed"]
"""begun: a terminal may be charging. approved: charged, entries on their way. entered: in every bureau's ledger.
refused: not charged. to_reverse: charged, but nothing to pay for was left; the kiosk gives it back. reversed: given
back."""


class PaymentView(msgspec.Struct, frozen=True):
    """GET /kiosk/v1/payments/{key}, and the answer to every post about it."""

    key: Key
    state: PaymentState
    amount: int
    parts: list[PaymentPart]
    filings: list[Key]
    paid_at: datetime | None = None
    reference: str | None = None
    """The terminal's reference of the charge."""
    version: int = VERSION


class FilingView(msgspec.Struct, frozen=True):
    """A return as its taxpayer may see it."""

    key: Key
    taxpayer: str
    form: Form
    state: FilingState
    lines: list[Line]
    total: int
    parts: list[FilingPart]
    declared_at: datetime
    deadline: date | None
    late: list[LatePart]
    """滞纳金 to date, a line a levy; empty in time or when paid."""
    can_pay: bool
    """Something is payable, no bureau refused it, and no payment is begun or done."""
    period_start: date | None = None
    period_end: date | None = None
    payment: PaymentView | None = None
    certificates: list[CertificateView] = []
    invoice: InvoiceView | None = None
    summary: dict[str, str] = {}
    """For lists: what it was about, e.g. ``{"item": "services", "gross": "5,000.00"}``."""
    obligation: Obligation | None = None
    """What it met, as the register has it: without it a periodic return cannot be corrected at the kiosk."""
    version: int = VERSION

    @property
    def late_total(self) -> int:
        return sum(part.amount for part in self.late)

    @property
    def payable_now(self) -> int:
        return self.total + self.late_total


class Arrear(msgspec.Struct, frozen=True):
    """Owed from before this hall kept the register, as a bureau told it; paid at a window."""

    levy: Levy
    bureau: Bureau
    period_start: date
    period_end: date
    amount: int
    late: int
    """滞纳金 to date."""
    deadline: date


class TaxpayerFile(msgspec.Struct, frozen=True):
    """GET /kiosk/v1/taxpayers/{id}?holder_ref=… : everything the kiosk shows of one taxpayer; newest first."""

    taxpayer: TaxpayerView
    obligations: list[Obligation]
    """Open ones by deadline, then the next that is not yet open."""
    filings: list[FilingView]
    """The last 24."""
    forms: list[Form] = []
    """Occasional returns that this taxpayer may file here."""
    credit_grade: str | None = None
    """A B M C D; None for who is not rated."""
    arrears: list[Arrear] = []
    version: int = VERSION


# ---- filing --------------------------------------------------------------------------------------------------------


class Applicant(msgspec.Struct, frozen=True):
    """A natural person who wants an invoice: it bears the name, the bureau wants the number."""

    name: str
    number: str


class InvoiceOrder(msgspec.Struct, frozen=True):
    """What an on-behalf invoice shall say besides amounts. A special invoice needs a registered buyer."""

    buyer_name: str
    buyer_number: str
    """Taxpayer identification number; "" for a natural person, who cannot have a special invoice."""
    item_zh: str
    kind: Literal["special", "ordinary"]


class FilingRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/filings. ``request`` is the input of ``taxkiosk assess``: the hall assesses anew, with its own
    rules, and refuses (409 ``assessment``) when its total is not ``total``."""

    key: Key
    taxpayer: str
    """Of the register; ``self`` for a natural person, then ``applicant`` is given."""
    holder_ref: str
    form: Form
    request: dict[str, Any]
    total: int
    declared_at: datetime
    """The moment of the touch: the legal time of filing, also when the hall hears of it later."""
    obligation: str | None = None
    corrects: Key | None = None
    """A filing that this one replaces; only before it is paid."""
    applicant: Applicant | None = None
    invoice: InvoiceOrder | None = None
    version: int = VERSION


#: Problems with which the hall refuses a filing (Problem.problem, HTTP 409 or 422). Texts: ``filing_problem.<word>``.
FILING_PROBLEMS = (
    "not_bound",          # the person may no longer act for this taxpayer
    "already_filed",      # this period was filed, here or at a window
    "not_yet_open",       # the period has not ended
    "not_registered",     # the levy or the form is not this taxpayer's
    "assessment",         # the hall's rules come to another total
    "invalid",            # the input cannot be assessed
    "paid_already",       # a correction of what is paid
    "buyer",              # the buyer of a special invoice is not registered
    "key",                # the key was used for something else
)  # fmt: skip


# ---- paying --------------------------------------------------------------------------------------------------------


class PaymentRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/payments, before the terminal is told to charge: the hall holds the filings for this payment, so
    that no other kiosk and no window charges for them. 409: a word of PAYMENT_PROBLEMS."""

    key: Key
    filings: list[Key]
    amount: int
    """Fen, late surcharge to date included; the hall's own figure must be the same."""
    holder_ref: str
    begun_at: datetime
    version: int = VERSION


PAYMENT_PROBLEMS = ("not_payable", "being_paid", "amount", "not_bound", "key")


class Charge(msgspec.Struct, frozen=True):
    """The terminal's word that it has charged."""

    terminal: str
    trace: str
    """The terminal's running number."""
    reference: str
    """The acquirer's reference."""
    card_masked: str
    """``6222****1234``; nothing more of a card ever reaches us."""
    at: datetime
    amount: int


class PaymentResult(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/payments/{key}/result, and the body of the journal fact ``payment_ended``."""

    outcome: Literal["approved", "refused", "reversed"]
    """refused: the terminal said no, or was never told to charge. A charge of unknown outcome has no result yet."""
    charge: Charge | None = None
    version: int = VERSION


# ---- certificates and invoices -------------------------------------------------------------------------------------


class CertificateRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/certificates: a 税收完税证明 for what one bureau has in its ledger. 409: ``not_entered``,
    ``no_stock``, ``not_bound``. Every print takes a numbered blank: the same key always gets the same one."""

    key: Key
    filing: Key
    bureau: Bureau
    holder_ref: str
    version: int = VERSION


class CertificateView(msgspec.Struct, frozen=True):
    key: Key
    filing: Key
    bureau: Bureau
    number: str
    """As pre-printed on the blank, from this kiosk's stock: ``(261)闽国证 0012345``. To be compared by the holder."""
    payer_name: str
    payer_number_masked: str
    lines: list[CertificateLine]
    amount: int
    entered_at: datetime
    verification: str
    print_count: int
    """1 for the first; from 2 on it is marked 补打."""
    state: Literal["taken", "printed", "void"]
    version: int = VERSION


class CertificateLine(msgspec.Struct, frozen=True):
    levy: Levy
    period_start: date | None
    period_end: date | None
    amount: int
    late: int
    receipt: str


class InvoiceRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/invoices: the invoice of a filing whose tax is paid (or nothing was due). 409: ``not_paid`` (tax
    first, invoice after: 发票管理办法 第16条), ``no_stock``, ``not_bound``. One filing has one good invoice."""

    key: Key
    filing: Key
    holder_ref: str
    version: int = VERSION


class InvoiceView(msgspec.Struct, frozen=True):
    key: Key
    filing: Key
    medium: Literal["paper", "digital"]
    code: str
    """Of the paper forms (10 or 12 digits); "" for a digital one."""
    number: str
    """8 digits on paper; 20 digits digital (总局公告2024年第11号)."""
    kind: Literal["special", "ordinary"]
    issued_at: datetime
    seller_name: str
    seller_number: str
    """Masked where it is a person's own number."""
    buyer_name: str
    buyer_number: str
    item_zh: str
    net: int
    vat: int
    gross: int
    rate: str
    """``0.01``, or ``免税``."""
    check_code: str
    state: Literal["taken", "printed", "void", "red"]
    """red: cancelled by a red-letter invoice, the only way to undo one."""
    print_count: int = 0
    red_of: str | None = None
    """The number of the invoice that this red-letter one cancels."""
    version: int = VERSION


ISSUE_PROBLEMS = ("not_entered", "not_paid", "no_stock", "not_bound", "key", "not_found")


class TerminalEntry(msgspec.Struct, frozen=True):
    """One charge or reversal, as the terminal itself counts it."""

    key: str
    """Ours; a charge under a key that nobody knows is what reconciliation is for."""
    kind: str
    """sale | reversal"""
    fen: int
    trace: str
    reference: str
    card_masked: str
    at: datetime


class TerminalJournal(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/terminal-journal: one day of the terminal's own calendar, whole; a later one replaces it."""

    day: date
    terminal: str
    """Empty while the terminal has not said its name."""
    entries: list[TerminalEntry]
    version: int = VERSION


# ---- journal facts (members of facts.Fact) -------------------------------------------------------------------------


class FilingMade(msgspec.Struct, frozen=True, tag_field="fact", tag="filing_made"):
    """Journal fact: a return whose answer never came. The hall files it under its key, if it has not already."""

    filing: FilingRequest


class PaymentBegun(msgspec.Struct, frozen=True, tag_field="fact", tag="payment_begun"):
    """Journal fact: a charge may have happened under this key, its outcome is not known yet."""

    payment: PaymentRequest


class PaymentEnded(msgspec.Struct, frozen=True, tag_field="fact", tag="payment_ended"):
    """Journal fact: how a charge ended, by the terminal's own word."""

    key: Key
    result: PaymentResult


class DocumentPrinted(msgspec.Struct, frozen=True, tag_field="fact", tag="document_printed"):
    """Journal fact: how the sheet of a certificate, invoice or receipt ended. Numbered stock is accounted by it."""

    kind: Literal["receipt", "certificate", "invoice"]
    key: Key
    """Of the certificate or invoice; of the filing for a receipt."""
    number: str
    outcome: Literal["done", "failed", "uncertain"]
    reason: str | None
    reprint: bool


TaxFact = FilingMade | PaymentBegun | PaymentEnded | DocumentPrinted

acquaint(globals())
