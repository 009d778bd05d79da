"""Proof at the kiosk: invoices on behalf, certificates, and what the hall knows of one's own taxpayers."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from kiosk.domain.filing import Bureau, FilingRequest, FilingView, Form, PayerKind
from kiosk.domain.papers import CertificatePaper, InvoicePaper, ReceiptPaper
from kiosk.session.effects import (
    AbandonPaper,
    AskCertificate,
    AskInvoice,
    FindBuyer,
    KeepDraft,
    PrintPaper,
    RecordFiling,
    RecordIssue,
    RecordPaper,
    RecordPayment,
)
from kiosk.session.events import (
    Back,
    BuyerFound,
    CertificateGiven,
    DeadlinePassed,
    DeviceChanged,
    HallRefusedIt,
    HallSilent,
    InvoiceGiven,
    IssueInvoice,
    IssueRecorded,
    Next,
    Pay,
    PickBureau,
    PickFiling,
    PickForm,
    PickTab,
    PickTaxpayer,
    PrintAgain,
    StoreFailed,
)
from kiosk.session.flows.look_up import SELF
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    ChooseTaxpayer,
    CompareNumber,
    DeviceName,
    Finished,
    Home,
    IssuingPaper,
    MyTaxes,
    Paying,
    PrintingPaper,
    Purpose,
    QueryTab,
    Situation,
    Sorry,
    SorryReason,
)
from tests.flows.tax_samples import (
    ALL_WELL,
    AT,
    BUYER,
    COMPANY,
    HOLDER,
    ISSUE_KEY,
    KEY,
    NO_PAPER,
    SHOP,
    TODAY,
    WORKING,
    Visit,
    certificate,
    file_of,
    filing_of,
    invoice,
    paid,
    taxpayer,
    unpaid,
    unpaid_invoice,
)

OUT_OF_PAPER = replace(ALL_WELL, devices={**ALL_WELL.devices, DeviceName.RECEIPT_PRINTER: NO_PAPER})


def invoicing(who: str = "T1", filings: tuple[FilingView, ...] = ()) -> Visit:
    visit = Visit().comes_for(Purpose.INVOICE).acts_for(SHOP).does(PickTaxpayer(who))
    person = taxpayer(SELF, PayerKind.NATURAL_PERSON)
    return visit.opens(file_of(who=SHOP if who == "T1" else person, filings=filings))


def asked_for_company(who: str = "T1") -> Visit:
    return invoicing(who).chooses("services").types("202000").chooses("company").types(BUYER)


def certifying(*filings: FilingView, situation: Situation = ALL_WELL) -> Visit:
    visit = Visit(situation).comes_for(Purpose.CERTIFICATE).acts_for(SHOP).does(PickTaxpayer("T1"))
    return visit.opens(file_of(filings=filings))


def certificate_asked() -> Visit:
    visit = certifying(paid(unpaid())).does(PickFiling(KEY), PickBureau(Bureau.STATE))
    return visit.does(IssueRecorded(visit.number, ISSUE_KEY))


def looking(*filings: FilingView) -> Visit:
    visit = Visit().comes_for(Purpose.QUERY).acts_for(SHOP).does(PickTaxpayer("T1"))
    return visit.opens(file_of(filings=filings)).does(*(PickFiling(filing.key) for filing in filings[:1]))


# ---- applying for an invoice ---------------------------------------------------------------------------------------


def test_who_wants_an_invoice_may_want_it_for_himself() -> None:
    visit = Visit().comes_for(Purpose.INVOICE).acts_for(SHOP, COMPANY)
    # A general taxpayer makes out its own invoices.
    assert [each.id for each in visit.on(ChooseTaxpayer).taxpayers] == ["T1", SELF]


def test_who_acts_for_nobody_applies_for_himself() -> None:
    visit = Visit().comes_for(Purpose.INVOICE).acts_for()
    visit.opens(file_of(who=taxpayer(SELF, PayerKind.NATURAL_PERSON)))
    visit.chooses("services").types("1009.99").chooses("person")
    assert visit.on(Check).assessment.to_pay == 0
    request = visit.submits().last(RecordFiling).request
    assert request.taxpayer == SELF
    assert request.applicant is not None
    assert (request.applicant.name, request.applicant.number) == (HOLDER.name, HOLDER.number)
    assert request.invoice is not None
    assert (request.invoice.buyer_name, request.invoice.buyer_number, request.invoice.kind) == ("个人", "", "ordinary")


def test_the_sales_of_one_day_are_told_together() -> None:
    before = filing_of(
        msgspec.structs.replace(
            asked(), key="e" * 32, request={**asked().request, "gross": "600.00", "payer": "natural_person"}, total=0
        ),
        summary={"item": "services", "gross": "600.00"},
        invoice=invoice(filing="e" * 32, state="printed"),
    )
    lease = msgspec.structs.replace(before, key="d" * 32, summary={"item": "shop_lease", "gross": "5,000.00"})
    visit = invoicing(SELF, filings=(before, lease)).chooses("services").types("600").chooses("person")
    assert visit.on(Check).assessment.to_pay > 0
    assert visit.submits().last(RecordFiling).request.request["same_day_gross"] == ["600.00"]


def test_an_application_of_today_that_was_broken_off_is_finished_before_another_is_begun() -> None:
    begun = msgspec.structs.replace(unpaid_invoice(), taxpayer=SELF)
    page = invoicing(SELF, filings=(begun,)).on(MyTaxes)
    assert page.filing == begun
    earlier = msgspec.structs.replace(begun, declared_at=begun.declared_at - timedelta(days=1))
    assert invoicing(SELF, filings=(earlier,)).on(Ask)


def asked() -> FilingRequest:
    return invoicing().chooses("services").types("600").chooses("person").submits().last(RecordFiling).request


def test_a_company_is_looked_up_by_its_number() -> None:
    visit = asked_for_company()
    assert visit.last(FindBuyer).number == BUYER
    assert visit.on(Ask).looking
    visit.does(BuyerFound(visit.number, BUYER, "厦门某某贸易有限公司")).chooses("special")
    request = visit.submits().last(RecordFiling).request
    assert request.invoice is not None
    assert (request.invoice.buyer_name, request.invoice.buyer_number) == ("厦门某某贸易有限公司", BUYER)
    assert (request.invoice.kind, request.request["invoice"]) == ("special", "special")


def test_a_buyer_whom_the_register_does_not_know_is_said_on_the_page() -> None:
    visit = asked_for_company()
    assert visit.does(BuyerFound(visit.number, BUYER, None)).on(Ask).problem == "buyer_unknown"
    assert visit.on(Ask).entry == BUYER


def test_a_wrong_check_digit_is_the_registers_to_judge() -> None:
    wrong = BUYER[:-1] + ("0" if BUYER[-1] != "0" else "1")
    visit = invoicing().chooses("services").types("202000").chooses("company").types(wrong)
    assert visit.last(FindBuyer).number == wrong
    assert visit.does(BuyerFound(visit.number, wrong, None)).on(Ask).problem == "bad_check"
    visit.does(Next(TODAY), BuyerFound(visit.number, wrong, "老代码公司")).chooses("ordinary")
    assert visit.on(Check).work.buyer_name == "老代码公司"


@pytest.mark.parametrize("silence", ["word", "deadline"])
def test_a_hall_that_does_not_know_in_time_can_be_asked_again(silence: str) -> None:
    visit = asked_for_company()
    visit.does(HallSilent(visit.number) if silence == "word" else DeadlinePassed(visit.number, "step"))
    assert visit.on(Ask).problem == "hall_silent"
    assert visit.does(Next(TODAY)).on(Ask).looking


def test_no_special_invoice_for_or_by_a_natural_person() -> None:
    visit = asked_for_company(SELF)
    visit.does(BuyerFound(visit.number, BUYER, "厦门某某贸易有限公司"))
    assert isinstance(visit.page, Check)


def test_the_rent_of_several_months_is_asked_with_its_months() -> None:
    visit = invoicing(SELF).chooses("shop_lease")
    assert visit.on(Ask).question.id == "lease_months"


def test_an_invoice_leaves_no_draft() -> None:
    assert not asked_for_company().asked(KeepDraft)


def test_back_from_the_first_question_leads_to_the_choice() -> None:
    assert isinstance(invoicing().does(Back()).page, ChooseTaxpayer)


def test_an_invoice_on_which_nothing_is_due_comes_at_once() -> None:
    visit = invoicing().chooses("services").types("50000").chooses("person").submits().is_recorded().is_filed()
    assert visit.on(IssuingPaper).step == "recording"
    assert not visit.asked(RecordPayment)


# ---- given and printed ---------------------------------------------------------------------------------------------


def invoice_asked(visit: Visit | None = None) -> Visit:
    visit = visit or looking(paid(unpaid_invoice())).does(IssueInvoice())
    return visit.does(IssueRecorded(visit.number, ISSUE_KEY))


def test_no_invoice_is_asked_for_before_its_key_is_durable() -> None:
    visit = looking(paid(unpaid_invoice())).does(IssueInvoice())
    assert visit.asked(RecordIssue)
    assert not visit.asked(AskInvoice)
    assert invoice_asked(visit).last(AskInvoice).key == ISSUE_KEY


@pytest.mark.parametrize("word", ["not_paid", "no_stock", "not_bound"])
def test_an_invoice_that_is_not_given_is_told_with_its_reason(word: str) -> None:
    visit = invoice_asked()
    sorry = visit.does(HallRefusedIt(visit.number, word, ISSUE_KEY)).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.NOT_ISSUED, word)
    assert isinstance(visit.does(Next(TODAY)).page, Finished)


def test_a_number_given_too_late_is_void_and_not_forgotten() -> None:
    visit = invoice_asked()
    visit.does(DeadlinePassed(visit.number, "step"))
    assert visit.last(AbandonPaper).key == ISSUE_KEY
    visit.does(InvoiceGiven(visit.number, invoice(medium="paper")))
    assert len(visit.asked(AbandonPaper)) == 2
    assert not visit.asked(RecordPaper)


def test_an_issue_that_became_durable_too_late_is_given_up() -> None:
    visit = looking(paid(unpaid_invoice())).does(IssueInvoice())
    visit.does(DeadlinePassed(visit.number, "step"), IssueRecorded(visit.number, ISSUE_KEY))
    assert visit.last(AbandonPaper).key == ISSUE_KEY
    assert not visit.asked(AskInvoice)


def test_an_invoice_that_was_given_before_comes_under_its_first_key() -> None:
    """The hall's answer was lost, or another machine asked: a filing has one good invoice all the same."""
    visit = invoice_asked()
    visit.does(InvoiceGiven(visit.number, invoice("d" * 32)))
    assert visit.on(PrintingPaper).paper == InvoicePaper(invoice("d" * 32))


def test_the_invoice_of_another_filing_is_not_printed() -> None:
    visit = invoice_asked()
    visit.does(InvoiceGiven(visit.number, invoice(filing="e" * 32)))
    assert isinstance(visit.page, IssuingPaper)


def test_a_spoiled_paper_invoice_takes_the_next_number() -> None:
    visit = invoice_asked()
    visit.does(InvoiceGiven(visit.number, invoice(medium="paper"))).prints("failed")
    visit.does(DeviceChanged(DeviceName.RECEIPT_PRINTER, WORKING), PrintAgain())
    assert visit.on(IssuingPaper).step == "recording"
    assert len(visit.asked(RecordIssue)) == 2


def test_an_invoice_that_may_have_come_out_is_printed_again_under_its_own_number() -> None:
    visit = invoice_asked()
    visit.does(InvoiceGiven(visit.number, invoice(medium="paper"))).prints("uncertain").does(PrintAgain())
    assert visit.on(PrintingPaper).paper == InvoicePaper(invoice(medium="paper"), reprint=True)
    assert len(visit.asked(RecordIssue)) == 1


def test_a_digital_invoice_is_good_without_paper() -> None:
    visit = invoice_asked()
    visit.session = replace(visit.session, situation=OUT_OF_PAPER)
    page = visit.does(InvoiceGiven(visit.number, invoice())).on(Finished)
    assert page.invoice == invoice()
    assert not page.printed
    assert not visit.asked(AbandonPaper)


def test_a_paper_invoice_without_paper_gives_its_number_up() -> None:
    visit = invoice_asked()
    visit.session = replace(visit.session, situation=OUT_OF_PAPER)
    visit.does(InvoiceGiven(visit.number, invoice(medium="paper")))
    assert visit.last(AbandonPaper).key == ISSUE_KEY


def test_a_digital_invoice_can_be_printed_again_marked() -> None:
    out = msgspec.structs.replace(invoice(state="printed"), print_count=1)
    visit = looking(msgspec.structs.replace(paid(unpaid_invoice()), invoice=out)).does(IssueInvoice())
    assert visit.on(PrintingPaper).paper == InvoicePaper(out, reprint=True)
    assert not visit.asked(RecordIssue)


@pytest.mark.parametrize("state", ["red", "void"])
def test_a_cancelled_invoice_is_not_printed(state: str) -> None:
    red = msgspec.structs.replace(paid(unpaid_invoice()), invoice=invoice(state=state))
    assert isinstance(looking(red).does(IssueInvoice()).page, MyTaxes)


# ---- certificates --------------------------------------------------------------------------------------------------


def test_a_certificate_is_compared_with_its_blank() -> None:
    visit = certificate_asked()
    assert visit.last(AskCertificate).bureau is Bureau.STATE
    visit.does(CertificateGiven(visit.number, certificate())).prints()
    assert visit.on(CompareNumber).certificate.number == "(261)闽国证 0012345"
    page = visit.does(Next(TODAY)).on(Finished)
    assert page.certificates == (certificate(),)
    assert visit.last(PrintPaper).paper == CertificatePaper(certificate())


def test_the_other_bureau_certifies_its_own_part() -> None:
    visit = certificate_asked()
    visit.does(CertificateGiven(visit.number, certificate())).prints().does(Next(TODAY), PickBureau(Bureau.LOCAL))
    assert visit.on(IssuingPaper).bureau is Bureau.LOCAL


def test_what_only_one_bureau_has_needs_no_question() -> None:
    filing = paid(unpaid())
    assert filing.payment is not None
    payment = msgspec.structs.replace(filing.payment, parts=filing.payment.parts[:1])
    visit = certifying(msgspec.structs.replace(filing, payment=payment)).does(PickFiling(KEY))
    assert visit.on(IssuingPaper).bureau is Bureau.STATE


@pytest.mark.parametrize("filing", [unpaid(), paid(unpaid(), "approved")])
def test_what_is_not_in_a_ledger_cannot_be_certified(filing: FilingView) -> None:
    visit = certifying(filing).does(PickFiling(KEY), PickBureau(Bureau.STATE))
    assert isinstance(visit.page, Certificates)
    assert not visit.asked(RecordIssue)


@pytest.mark.parametrize("filing", [unpaid(), paid(unpaid(), "approved")])
def test_nor_from_the_page_of_one_filing(filing: FilingView) -> None:
    assert not looking(filing).does(PickBureau(Bureau.STATE)).asked(RecordIssue)


def test_no_blank_is_taken_without_paper() -> None:
    visit = certifying(paid(unpaid()), situation=OUT_OF_PAPER).does(PickFiling(KEY), PickBureau(Bureau.STATE))
    assert (visit.on(Sorry).reason, visit.on(Sorry).paper_out) == (SorryReason.PAPER_FAILED, True)
    assert not visit.asked(RecordIssue)


def test_a_spoiled_certificate_takes_the_next_blank() -> None:
    visit = certificate_asked()
    visit.does(CertificateGiven(visit.number, certificate())).prints("failed")
    assert not visit.on(Sorry).can_reprint
    visit.does(DeviceChanged(DeviceName.RECEIPT_PRINTER, WORKING), PrintAgain())
    assert visit.on(IssuingPaper).bureau is Bureau.STATE
    assert len(visit.asked(RecordIssue)) == 2


def test_a_certificate_whose_print_could_not_be_recorded_gives_its_blank_up() -> None:
    visit = certificate_asked()
    visit.does(CertificateGiven(visit.number, certificate()), StoreFailed(visit.number))
    assert visit.last(AbandonPaper).key == ISSUE_KEY
    assert not visit.asked(PrintPaper)


def test_back_leads_from_bureau_to_list_to_choice() -> None:
    visit = certifying(paid(unpaid())).does(PickFiling(KEY), Back())
    assert visit.on(Certificates).filing is None
    assert isinstance(visit.does(Back()).page, ChooseTaxpayer)


# ---- queries -------------------------------------------------------------------------------------------------------


def test_every_tab_shows_one_side_of_the_same_file() -> None:
    visit = looking()
    for tab in QueryTab:
        assert visit.does(PickTab(tab)).on(MyTaxes).tab is tab


def test_one_filing_is_shown_in_full_and_back_again() -> None:
    visit = looking(unpaid())
    assert visit.on(MyTaxes).filing == unpaid()
    assert visit.does(Back()).on(MyTaxes).filing is None


def test_its_receipt_can_be_had_again_marked() -> None:
    visit = looking(paid(unpaid())).does(PrintAgain())
    paper = visit.on(PrintingPaper).paper
    assert isinstance(paper, ReceiptPaper)
    assert paper.reprint


def test_what_is_owed_can_be_paid_from_there() -> None:
    assert isinstance(looking(unpaid()).does(Pay(AT)).page, Paying)
    assert isinstance(looking(paid(unpaid())).does(Pay(AT)).page, MyTaxes)


def test_its_certificate_can_be_had_from_there() -> None:
    assert looking(paid(unpaid())).does(PickBureau(Bureau.LOCAL)).on(IssuingPaper).bureau is Bureau.LOCAL


def test_a_receipt_of_ones_own_invoice_bears_a_masked_name() -> None:
    person = taxpayer(SELF, PayerKind.NATURAL_PERSON)
    visit = Visit().comes_for(Purpose.QUERY).acts_for().opens(file_of(who=person, filings=(unpaid_invoice(),)))
    paper = visit.does(PickFiling(KEY), PrintAgain()).on(PrintingPaper).paper
    assert isinstance(paper, ReceiptPaper)
    assert paper.taxpayer_name == "欧*娜"


def test_the_end_of_a_visit_leaves_nobody_behind() -> None:
    visit = looking(paid(unpaid())).does(PrintAgain()).prints().does(Next(TODAY))
    assert isinstance(visit.page, Home)
    assert (visit.session.holder, visit.session.taxpayers) == (None, ())


def test_a_general_taxpayer_cannot_apply_from_its_list_either() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for(COMPANY)
    visit.opens(file_of(who=COMPANY, forms=(Form.INVOICE_ON_BEHALF,)))
    assert visit.does(PickForm(Form.INVOICE_ON_BEHALF, TODAY)).on(Sorry).word == "not_registered"
