"""Sessions of filing, paying and proving, for every page and every way it can look. See samples.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import msgspec

import config
from kiosk.domain.filing import (
    ISSUE_PROBLEMS,
    Arrear,
    Bureau,
    CertificateLine,
    CertificateView,
    FilingPart,
    FilingView,
    Form,
    InvoiceView,
    LatePart,
    Levy,
    Obligation,
    PayerKind,
    PaymentPart,
    PaymentView,
    Place,
    TaxpayerFile,
    TaxpayerView,
)
from kiosk.domain.papers import CertificatePaper, InvoicePaper, ReceiptPaper
from kiosk.domain.questions import Question, next_question
from kiosk.domain.tax import Assessment, RulePack, assess
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    ChooseTaxpayer,
    CompareNumber,
    Declared,
    Draft,
    Finished,
    IssueTask,
    IssuingPaper,
    LookingUp,
    MyTaxes,
    Page,
    Paying,
    PayStep,
    PrintingPaper,
    Purpose,
    QueryTab,
    Sorry,
    SorryReason,
    SubmitStep,
    Submitting,
    TodoList,
    Work,
)

ZONE = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 24, 9, 41, 7, tzinfo=ZONE)
TODAY = NOW.date()
PACK = RulePack.from_tree(config.read_tax_rules())

# ---- taxpayers -----------------------------------------------------------------------------------------------------

SHOP = TaxpayerView(
    "t1",
    "漳州某某商行",
    "9235**********278A",
    PayerKind.INDIVIDUAL_BUSINESS,
    Place.CITY,
    "芗城区",
    "Xiangcheng",
    "legal_representative",
    2,
)
COMPANY = TaxpayerView(
    "t2",
    "福建省漳州市闽南水仙花卉进出口贸易有限责任公司",
    "9135**********UF46",
    PayerKind.GENERAL,
    Place.COUNTY_TOWN,
    "云霄县云陵镇",
    "Yunling, Yunxiao",
    "legal_representative",
    11,
)
SELF = TaxpayerView(
    "self",
    "欧阳娜",
    "3506**********003X",
    PayerKind.NATURAL_PERSON,
    Place.CITY,
    "芗城办税服务厅",
    "Xiangcheng Tax Hall",
    "self",
)
OTHERS = tuple(
    TaxpayerView(
        f"t{n}",
        f"漳州第{n}某某服务部",
        f"92350602MA{n:04}****",
        PayerKind.SMALL_SCALE,
        Place.OTHER,
        "龙海区",
        "Longhai",
        "agent",
        n % 3,
    )
    for n in range(3, 12)
)

# ---- what is due ---------------------------------------------------------------------------------------------------


def obligation(id: str, form: Form, start: date, end: date, deadline: date, **more: Any) -> Obligation:
    months = (end.year - start.year) * 12 + end.month - start.month + 1
    cycle: Any = {1: "month", 3: "quarter"}.get(months, "year")
    return Obligation(id, form, start, end, cycle, deadline, more.pop("state", "open"), **more)


QUARTER = obligation("o1", Form.VAT_SMALL_SCALE, date(2026, 7, 1), date(2026, 9, 30), date(2026, 11, 25))
LATE = obligation("o2", Form.VAT_SMALL_SCALE, date(2026, 4, 1), date(2026, 6, 30), date(2026, 7, 15))
LAST_DAY = obligation("o3", Form.IIT_BUSINESS, date(2026, 1, 1), date(2026, 9, 30), TODAY, prepaid=1_234_56)
FUTURE = obligation(
    "o4", Form.VAT_SMALL_SCALE, date(2026, 10, 1), date(2026, 12, 31), date(2027, 1, 20), state="not_yet_open"
)
QUOTA = obligation(
    "o5", Form.VAT_SMALL_SCALE, date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 30), quota=8_000_000
)
COMPANY_TAX = obligation(
    "o6",
    Form.CIT_PREPAYMENT,
    date(2026, 7, 1),
    date(2026, 9, 30),
    date(2026, 11, 30),
    prepaid=2_000_000,
    facts={"staff": [12, 13, 13], "assets": "3000000.00"},
)
GENERAL = obligation("o7", Form.VAT_GENERAL, date(2026, 10, 1), date(2026, 10, 31), date(2026, 12, 15))

# ---- returns -------------------------------------------------------------------------------------------------------

SMALL = assess(
    PACK,
    {
        "form": "vat_small_scale",
        "period": {"kind": "quarter", "end": "2026-09-30"},
        "place": "city",
        "sales": {"goods": "350000.00"},
    },
)
ZERO = assess(
    PACK,
    {
        "form": "vat_small_scale",
        "period": {"kind": "quarter", "end": "2026-09-30"},
        "place": "city",
        "sales": {"goods": "0.00"},
    },
)
LEASE = assess(
    PACK,
    {
        "form": "invoice_on_behalf",
        "date": "2026-11-24",
        "place": "city",
        "payer": "natural_person",
        "item": "shop_lease",
        "gross": "126000.00",
        "invoice": "ordinary",
        "lease_months": 1,
    },
)
CIT = assess(
    PACK,
    {
        "form": "cit_prepayment",
        "period": {"kind": "quarter", "end": "2026-09-30"},
        "cumulative_profit": "1000000.00",
        "staff": [12, 13, 13],
        "assets": "3000000.00",
        "prepaid": "20000.00",
    },
)
HUGE = assess(
    PACK,
    {
        "form": "vat_general",
        "period": {"kind": "month", "end": "2026-10-31"},
        "place": "county_town",
        "payer": "general",
        "sales": [{"net": "9876543210.99", "rate": "0.13"}],
        "input_vat": "123456.78",
    },
)
LATE_PARTS = (
    LatePart(Levy.VAT, Bureau.STATE, 231_00),
    LatePart(Levy.UMCT, Bureau.LOCAL, 8_09),
    LatePart(Levy.EDUCATION, Bureau.LOCAL, 3_47),
)

BOTH_ACCEPTED = [
    FilingPart(Bureau.STATE, "accepted", "GS202611240003817"),
    FilingPart(Bureau.LOCAL, "accepted", "DS202611240001926"),
]


def filing(assessment: Assessment = SMALL, **more: Any) -> FilingView:
    parts: dict[str, Any] = {
        "key": "f" * 32,
        "taxpayer": "t1",
        "form": assessment.form,
        "state": "accepted",
        "lines": list(assessment.lines_to_pay),
        "total": assessment.to_pay,
        "parts": BOTH_ACCEPTED,
        "declared_at": NOW,
        "deadline": date(2026, 11, 25),
        "late": [],
        "can_pay": True,
        "period_start": date(2026, 7, 1),
        "period_end": date(2026, 9, 30),
    }
    return FilingView(**(parts | more))


def payment(amount: int, state: Any = "entered", entered: bool = True) -> PaymentView:
    part: Any = "entered" if entered else "pending"
    state_receipt, local_receipt = ("GRK0000817253", "DRK0000055121") if entered else (None, None)
    return PaymentView(
        "p" * 32,
        state,
        amount,
        [
            PaymentPart(Bureau.STATE, amount - 21_000, part, state_receipt),
            PaymentPart(Bureau.LOCAL, 21_000, part, local_receipt),
        ],
        ["f" * 32],
        NOW,
        "261124094107",
    )


HALF_DONE = [FilingPart(Bureau.STATE, "accepted", "GS202611240003817"), FilingPart(Bureau.LOCAL, "pending")]
UNPAID = filing()
LATE_FILING = filing(late=list(LATE_PARTS), deadline=date(2026, 7, 15), key="e" * 32)
HALF = filing(state="half_done", parts=HALF_DONE, can_pay=False, key="3" * 32)
RECEIVED = filing(state="received", parts=[FilingPart(b, "pending") for b in Bureau], can_pay=False)
PAID = filing(can_pay=False, payment=payment(371_000), key="d" * 32)
APPROVED = filing(can_pay=False, payment=payment(371_000, "approved", entered=False), key="c" * 32)
NOTHING_DUE = filing(ZERO, can_pay=False, key="b" * 32)
REFUSED = filing(
    state="refused",
    can_pay=False,
    key="a" * 32,
    parts=[FilingPart(Bureau.STATE, "refused", problem="already_filed"), FilingPart(Bureau.LOCAL, "pending")],
)
SUPERSEDED = filing(state="superseded", can_pay=False, key="9" * 32)
HUGE_FILING = filing(HUGE, period_start=date(2026, 10, 1), period_end=date(2026, 10, 31), key="8" * 32)

INVOICE = InvoiceView(
    key="7" * 32,
    filing="6" * 32,
    medium="digital",
    code="",
    number="26352000000012345678",
    kind="ordinary",
    issued_at=NOW,
    seller_name="欧阳娜",
    seller_number="3506**********003X",
    buyer_name=COMPANY.name,
    buyer_number="91350211M0000XUF46",
    item_zh="不动产租赁（店面、办公）",
    net=12_233_010,
    vat=366_990,
    gross=12_600_000,
    rate="0.03",
    check_code="12345678901234567890",
    state="printed",
)
LEASE_PAID = filing(
    LEASE, can_pay=False, key="6" * 32, payment=payment(LEASE.to_pay), period_start=None, period_end=None, deadline=None
)
LEASE_INVOICED = filing(
    LEASE,
    can_pay=False,
    key="6" * 32,
    payment=payment(LEASE.to_pay),
    invoice=INVOICE,
    period_start=None,
    period_end=None,
    deadline=None,
)


def certificate(bureau: Bureau = Bureau.STATE, prints: int = 1) -> CertificateView:
    line = CertificateLine(Levy.VAT, date(2026, 7, 1), date(2026, 9, 30), 350_000, 0, "GRK0000817253")
    number = "(261)闽国证 0012345" if bureau is Bureau.STATE else "(261)闽地证 0067890"
    return CertificateView(
        "5" * 32,
        "d" * 32,
        bureau,
        number,
        SHOP.name,
        SHOP.number_masked,
        [line],
        350_000,
        NOW,
        "4F7A2C9B",
        prints,
        "printed",
    )


PROVED = filing(can_pay=False, payment=payment(371_000), key="4" * 32, certificates=[certificate(prints=2)])

FILE = TaxpayerFile(
    SHOP,
    [LATE, LAST_DAY, QUARTER, FUTURE],
    [LATE_FILING, APPROVED, PAID, NOTHING_DUE],
    [Form.STAMP, Form.VEHICLE_PURCHASE],
    "M",
)
ONE_DUE = TaxpayerFile(SHOP, [QUARTER, FUTURE], [], [Form.STAMP], "B")
NOTHING = TaxpayerFile(SHOP, [FUTURE], [NOTHING_DUE], [Form.STAMP, Form.VEHICLE_PURCHASE])
EMPTY = TaxpayerFile(SELF, [], [])
BIG = TaxpayerFile(COMPANY, [GENERAL, COMPANY_TAX], [HUGE_FILING], [Form.STAMP], "A")
HISTORY = TaxpayerFile(
    SHOP,
    [],
    [UNPAID, HALF, PAID, APPROVED, NOTHING_DUE, REFUSED, SUPERSEDED, LEASE_INVOICED, LATE_FILING, PROVED],
    [],
    "A",
    [Arrear(Levy.VAT, Bureau.STATE, date(2015, 1, 1), date(2015, 3, 31), 1_200_000, 2_548_800, date(2015, 4, 15))],
)
OWN = TaxpayerFile(SELF, [], [], [Form.VEHICLE_PURCHASE])
DRAFT = Draft("t1", Form.VAT_SMALL_SCALE, "o1", {"any_sales": "yes"}, date(2026, 11, 23))

# ---- work ----------------------------------------------------------------------------------------------------------

ANSWERS = {"any_sales": "yes", "kind": "ordinary", "figure": "net", "sales_ordinary": "350000.00"}
WORK = Work(Purpose.FILE, ONE_DUE, Form.VAT_SMALL_SCALE, QUARTER, ANSWERS, on=TODAY)
LATE_WORK = replace(WORK, file=FILE, obligation=LATE)
ZERO_WORK = replace(WORK, answers={"any_sales": "no"})
QUOTA_WORK = Work(Purpose.FILE, TaxpayerFile(SHOP, [QUOTA], []), Form.VAT_SMALL_SCALE, QUOTA, {}, on=TODAY)
CIT_WORK = Work(
    Purpose.FILE, BIG, Form.CIT_PREPAYMENT, COMPANY_TAX, {"any_profit": "yes", "profit": "1000000.00"}, on=TODAY
)
HUGE_WORK = Work(
    Purpose.FILE,
    BIG,
    Form.VAT_GENERAL,
    GENERAL,
    {
        "vat_rate": "several",
        "sales_rate_13": "9876543210.99",
        "sales_rate_9": "0.00",
        "sales_rate_6": "0.00",
        "input_vat": "123456.78",
    },
    on=TODAY,
)
LEASE_WORK = Work(
    Purpose.INVOICE,
    OWN,
    Form.INVOICE_ON_BEHALF,
    None,
    {
        "invoice_item": "shop_lease",
        "lease_months": "1",
        "invoice_gross": "126000.00",
        "buyer_kind": "company",
        "buyer_number": "91350211M0000XUF46",
        "invoice_kind": "ordinary",
    },
    buyer_name=COMPANY.name,
    on=TODAY,
)
CAR_WORK = Work(Purpose.FILE, OWN, Form.VEHICLE_PURCHASE, None, {"vehicle_date": "2026-11-20"}, on=TODAY)
STAMP_WORK = Work(Purpose.FILE, ONE_DUE, Form.STAMP, None, {"stamp_item": "sale", "stamp_base": "88000.00"}, on=TODAY)


def ask(work: Work, id: str | None = None, **more: Any) -> Ask:
    """A question of a return: the first without an answer, or the one of this name."""
    found = next((question for question in work.path if question.id == id), None)
    question: Question | None = found or next_question(work.form, work.known, work.answers)
    assert question is not None, (id, work.path)
    return Ask(work, question, **more)


LETTER = "91350211M0000XUF4"

PAYING = Paying(UNPAID, SHOP, Purpose.FILE, PayStep.RECORDING, 371_000)
LATE_PAYING = Paying(
    LATE_FILING, COMPANY, Purpose.FILE, PayStep.CHARGING, LATE_FILING.payable_now, progress="enter_pin"
)
FINISHED = Finished(PAID, SHOP, Purpose.FILE)
RECEIPT = ReceiptPaper(PAID, SHOP.name, SHOP.number_masked, "欧*娜 3506**********003X")

#: Name → (page, name of the situation in samples.py).
PAGES: dict[str, Page | tuple[Page, str]] = {
    "look-up-person": LookingUp(Purpose.FILE),
    "look-up-taxpayer": LookingUp(Purpose.QUERY, COMPANY),
    "choose-taxpayer": ChooseTaxpayer(Purpose.FILE, (SHOP, COMPANY)),
    "choose-taxpayer-many": ChooseTaxpayer(Purpose.FILE, (SHOP, COMPANY, *OTHERS, SELF)),
    "choose-taxpayer-invoice": ChooseTaxpayer(Purpose.INVOICE, (SHOP, SELF)),
    "choose-taxpayer-certificate": ChooseTaxpayer(Purpose.CERTIFICATE, (COMPANY, SELF)),
    "choose-taxpayer-query": ChooseTaxpayer(Purpose.QUERY, (COMPANY, SELF)),
    "todo": TodoList(FILE),
    "todo-draft": TodoList(FILE, DRAFT),
    "todo-one": TodoList(ONE_DUE, choice_of_one=True),
    "todo-remembered": TodoList(ONE_DUE, choice_of_one=True, said_on=date(2026, 10, 9)),
    "todo-nothing": TodoList(NOTHING),
    "todo-empty": TodoList(EMPTY),
    "todo-big": TodoList(BIG),
    "ask-yes-no": ask(replace(WORK, answers={}), "any_sales"),
    "ask-kind": ask(WORK, "kind"),
    "ask-figure": ask(WORK, "figure"),
    "ask-amount": ask(replace(WORK, answers={"any_sales": "yes", "kind": "ordinary", "figure": "net"})),
    "ask-amount-typed": ask(WORK, "sales_ordinary", entry="350000"),
    "ask-amount-fen": ask(WORK, "sales_ordinary", entry="1234567890.05"),
    "ask-amount-wrong": ask(WORK, "sales_ordinary", entry="0", problem="too_small"),
    "ask-amount-not-assessable": ask(WORK, "sales_ordinary", entry="350000.", problem="not_assessable", changing=True),
    "ask-quota": ask(QUOTA_WORK, "quota"),
    "ask-rates": ask(HUGE_WORK, "vat_rate"),
    "ask-count": ask(
        replace(CIT_WORK, obligation=msgspec.structs.replace(COMPANY_TAX, facts={"staff": [12, 13]})),
        "staff",
        entry="12",
    ),
    "ask-item": ask(LEASE_WORK, "invoice_item"),
    "ask-buyer": ask(LEASE_WORK, "buyer_kind"),
    "ask-number": ask(LEASE_WORK, "buyer_number", entry=LETTER),
    "ask-number-empty": ask(LEASE_WORK, "buyer_number"),
    "ask-number-unknown": ask(LEASE_WORK, "buyer_number", entry=f"{LETTER}6", problem="buyer_unknown"),
    "ask-number-looking": ask(LEASE_WORK, "buyer_number", entry=f"{LETTER}6", looking=True),
    "ask-date": ask(STAMP_WORK, "contract_date"),
    "ask-date-typed": ask(STAMP_WORK, "contract_date", entry="20261131", problem="not_a_date"),
    "ask-car-date": ask(replace(CAR_WORK, answers={}), "vehicle_date", entry="2026"),
    "check": Check(WORK, SMALL),
    "check-late": Check(LATE_WORK, SMALL, LATE_PARTS),
    "check-zero": Check(ZERO_WORK, ZERO),
    "check-prepaid": Check(CIT_WORK, CIT),
    "check-huge": Check(HUGE_WORK, HUGE),
    "check-lease": Check(LEASE_WORK, LEASE),
    "submitting": Submitting(WORK, SMALL, SubmitStep.RECORDING),
    "submitting-sending": Submitting(WORK, SMALL, SubmitStep.SENDING),
    "submitting-queueing": Submitting(WORK, SMALL, SubmitStep.QUEUEING),
    "declared": Declared(UNPAID, SHOP, Purpose.FILE, just_filed=True),
    "declared-late": Declared(LATE_FILING, COMPANY, Purpose.FILE),
    "declared-half-done": Declared(HALF, SHOP, Purpose.FILE),
    "declared-half-done-payable": Declared(msgspec.structs.replace(HALF, can_pay=True), SHOP, Purpose.FILE),
    "declared-received": Declared(RECEIVED, SHOP, Purpose.FILE),
    "declared-no-terminal": (Declared(UNPAID, SHOP, Purpose.FILE), "NO_TERMINAL"),
    "paying": PAYING,
    "paying-holding": replace(PAYING, step=PayStep.HOLDING),
    "paying-card": replace(PAYING, step=PayStep.CHARGING, progress="present_card", can_cancel=True),
    "paying-before-the-terminal-speaks": replace(PAYING, step=PayStep.CHARGING),
    "paying-pin": LATE_PAYING,
    "paying-bank": replace(PAYING, step=PayStep.CHARGING, progress="asking_bank"),
    "paying-asking": replace(PAYING, step=PayStep.ASKING),
    "paying-entering": replace(PAYING, step=PayStep.ENTERING),
    "issuing-certificate": IssuingPaper(
        PAID, SHOP, Purpose.CERTIFICATE, IssueTask.CERTIFICATE, "recording", Bureau.STATE
    ),
    "issuing-invoice": IssuingPaper(LEASE_PAID, SELF, Purpose.INVOICE, IssueTask.INVOICE, "asking"),
    "printing-receipt": PrintingPaper(RECEIPT, "recording", FINISHED),
    "printing-again": PrintingPaper(replace(RECEIPT, reprint=True), "printing", FINISHED),
    "printing-certificate": PrintingPaper(
        CertificatePaper(certificate()), "printing", CompareNumber(certificate(), FINISHED)
    ),
    "printing-invoice": PrintingPaper(
        InvoicePaper(INVOICE), "printing", Finished(LEASE_INVOICED, SELF, Purpose.INVOICE, invoice=INVOICE)
    ),
    "printing-before-invoice": PrintingPaper(
        RECEIPT, "printing", IssuingPaper(LEASE_PAID, SELF, Purpose.INVOICE, IssueTask.INVOICE, "recording")
    ),
    "compare": CompareNumber(certificate(), FINISHED),
    "compare-local": CompareNumber(certificate(Bureau.LOCAL), replace(FINISHED, taxpayer=COMPANY)),
    "finished": FINISHED,
    "finished-zero": Finished(NOTHING_DUE, SHOP, Purpose.FILE),
    "finished-approved": Finished(APPROVED, SHOP, Purpose.FILE),
    "finished-half-done": Finished(
        msgspec.structs.replace(HALF, payment=payment(371_000, "approved", False)), SHOP, Purpose.FILE
    ),
    "finished-not-printed": (Finished(PAID, SHOP, Purpose.FILE, printed=False), "NO_RECEIPTS"),
    "finished-invoice": Finished(LEASE_INVOICED, SELF, Purpose.INVOICE, invoice=INVOICE),
    "finished-before-invoice": Finished(LEASE_PAID, SELF, Purpose.INVOICE),
    "finished-certificate": Finished(PROVED, COMPANY, Purpose.CERTIFICATE, certificates=(certificate(),)),
    "certificates": Certificates(HISTORY),
    "certificates-nothing": Certificates(ONE_DUE),
    "certificates-bureau": Certificates(HISTORY, PROVED),
    "certificates-no-paper": (Certificates(HISTORY), "NO_RECEIPTS"),
    "my-taxes": MyTaxes(HISTORY),
    "my-taxes-payments": MyTaxes(HISTORY, QueryTab.PAYMENTS),
    "my-taxes-arrears": MyTaxes(HISTORY, QueryTab.ARREARS),
    "my-taxes-invoices": MyTaxes(HISTORY, QueryTab.INVOICES),
    "my-taxes-credit": MyTaxes(HISTORY, QueryTab.CREDIT),
    "my-taxes-no-credit": MyTaxes(EMPTY, QueryTab.CREDIT),
    "my-taxes-nothing": MyTaxes(EMPTY),
    "my-taxes-nothing-owed": MyTaxes(EMPTY, QueryTab.ARREARS),
    "my-taxes-unpaid": MyTaxes(HISTORY, filing=LATE_FILING),
    "my-taxes-paid": MyTaxes(HISTORY, filing=PAID),
    "my-taxes-half-done": MyTaxes(HISTORY, filing=HALF),
    "my-taxes-refused": MyTaxes(HISTORY, filing=REFUSED),
    "my-taxes-huge": MyTaxes(BIG, filing=HUGE_FILING),
    "sorry-no-taxpayer": Sorry(SorryReason.NO_TAXPAYER, word="not_bound", purpose=Purpose.FILE),
    "sorry-filing-refused": Sorry(
        SorryReason.FILING_REFUSED, word="already_filed", taxpayer=SHOP, purpose=Purpose.FILE
    ),
    "sorry-filing-queued": Sorry(SorryReason.FILING_QUEUED, amount=371_000, purpose=Purpose.FILE),
    "sorry-payment-refused": Sorry(
        SorryReason.PAYMENT_REFUSED,
        word="wrong_pin",
        filing=UNPAID,
        amount=371_000,
        taxpayer=SHOP,
        purpose=Purpose.FILE,
    ),
    "sorry-payment-unknown": Sorry(
        SorryReason.PAYMENT_UNKNOWN, filing=UNPAID, amount=371_000, payment_key="p" * 32, taxpayer=SHOP
    ),
    "sorry-payment-not-held": Sorry(
        SorryReason.PAYMENT_NOT_HELD,
        word="being_paid",
        filing=UNPAID,
        amount=371_000,
        taxpayer=SHOP,
        purpose=Purpose.FILE,
    ),
    "sorry-payment-hall-silent": Sorry(
        SorryReason.PAYMENT_NOT_HELD,
        word="hall_silent",
        filing=UNPAID,
        amount=371_000,
        taxpayer=SHOP,
        purpose=Purpose.QUERY,
    ),
    "sorry-payment-given-back": Sorry(SorryReason.PAYMENT_GIVEN_BACK, filing=PAID, amount=371_000, taxpayer=SHOP),
    **{
        f"sorry-not-issued-{word.replace('_', '-')}": Sorry(
            SorryReason.NOT_ISSUED, word=word, filing=PAID, purpose=Purpose.CERTIFICATE
        )
        for word in ISSUE_PROBLEMS
    },
    "sorry-paper-failed": Sorry(
        SorryReason.PAPER_FAILED,
        paper=RECEIPT,
        filing=PAID,
        printing=PrintingPaper(RECEIPT, "printing", FINISHED),
        paper_out=True,
        purpose=Purpose.FILE,
    ),
    "sorry-paper-failed-again": Sorry(
        SorryReason.PAPER_FAILED,
        paper=RECEIPT,
        filing=UNPAID,
        printing=PrintingPaper(RECEIPT, "printing", FINISHED),
        can_reprint=True,
        purpose=Purpose.FILE,
    ),
    "sorry-paper-uncertain": Sorry(
        SorryReason.PAPER_UNCERTAIN,
        paper=CertificatePaper(certificate()),
        filing=PAID,
        can_reprint=True,
        printing=PrintingPaper(CertificatePaper(certificate()), "printing", FINISHED),
        purpose=Purpose.CERTIFICATE,
    ),
    "sorry-tax-silent": Sorry(SorryReason.TAX_SILENT),
    "sorry-tax-silent-filed": Sorry(SorryReason.TAX_SILENT, filing=UNPAID, amount=371_000),
    "sorry-not-filed": Sorry(SorryReason.NOT_FILED, purpose=Purpose.FILE),
    "sorry-card-expired": Sorry(SorryReason.CARD_EXPIRED, purpose=Purpose.FILE),
}
