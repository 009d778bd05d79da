"""Returns at the kiosk: from the card to the receipt of the filing, on good days and on bad ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from kiosk.domain.filing import Form, PayerKind, TaxpayerFile
from kiosk.session.effects import (
    AbandonFiling,
    ChargeCard,
    FindTaxpayers,
    ForgetDraft,
    KeepDraft,
    OpenFile,
    QueueFiling,
    RecordFiling,
    RecordPaper,
    SubmitFiling,
)
from kiosk.session.events import (
    Back,
    Change,
    ContinueDraft,
    CorrectFiling,
    DeadlinePassed,
    DropDraft,
    Event,
    FilingAnswered,
    FilingQueued,
    FilingRecorded,
    HallRefusedIt,
    HallSilent,
    Next,
    PickFiling,
    PickForm,
    PickObligation,
    PickTaxpayer,
    Start,
    StoreFailed,
    Submitted,
    TaxpayersFound,
    Typed,
)
from kiosk.session.flows.look_up import SELF
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Ask,
    Check,
    ChooseTaxpayer,
    Declared,
    DeviceName,
    DeviceView,
    Draft,
    Finished,
    Home,
    Identify,
    LookingUp,
    PrintingPaper,
    Purpose,
    ReceiptPaper,
    Situation,
    Sorry,
    SorryReason,
    SubmitStep,
    Submitting,
    TodoList,
)
from tests.flows.tax_samples import (
    ALL_WELL,
    AT,
    COMPANY,
    HOLDER,
    KEY,
    RULES,
    SHOP,
    TODAY,
    Visit,
    draft,
    file_of,
    filing_of,
    late,
    obligation,
    paid,
    taxpayer,
    unpaid,
)


def todo(visit: Visit | None = None, *, file: TaxpayerFile | None = None, kept: Draft | None = None) -> Visit:
    visit = visit or Visit()
    return visit.comes_for(Purpose.FILE).acts_for(SHOP).opens(file or file_of(obligation()), kept)


def answered() -> Visit:
    """The return of the facts' own example: 350,000.00 of goods, net, in a quarter of 2026."""
    visit = todo().does(PickObligation("O1", TODAY))
    return visit.chooses("yes", "ordinary", "net").types("350000")


def submitted() -> Visit:
    return answered().submits()


# ---- whom for ------------------------------------------------------------------------------------------------------


def test_who_has_one_business_goes_straight_to_what_is_due() -> None:
    visit = Visit().comes_for(Purpose.FILE)
    assert visit.last(FindTaxpayers).holder == HOLDER
    visit.acts_for(SHOP)
    assert visit.last(OpenFile).taxpayer == SHOP
    page = visit.opens(file_of(obligation())).on(TodoList)
    assert page.choice_of_one
    assert isinstance(visit.does(Back()).page, Home)


def test_who_acts_for_several_chooses_and_can_choose_anew() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for(SHOP, COMPANY)
    assert [each.id for each in visit.on(ChooseTaxpayer).taxpayers] == ["T1", "T2", SELF]
    visit.does(PickTaxpayer("T1")).opens(file_of(obligation()))
    assert not visit.on(TodoList).choice_of_one
    assert isinstance(visit.does(Back()).page, ChooseTaxpayer)


def test_a_person_without_a_business_can_still_declare_a_car() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for()
    page = visit.opens(file_of(who=taxpayer(SELF, PayerKind.NATURAL_PERSON))).on(TodoList)
    assert (page.file.taxpayer.name, page.file.taxpayer.payer) == ("欧阳娜", PayerKind.NATURAL_PERSON)
    assert visit.does(PickForm(Form.VEHICLE_PURCHASE, TODAY)).on(Ask).question.id == "vehicle_date"


def test_who_acts_for_nobody_and_may_file_nothing_is_told_so() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for().opens(file_of(who=taxpayer(SELF), forms=()))
    assert visit.on(Sorry).reason is SorryReason.NO_TAXPAYER


def test_a_person_no_longer_bound_is_told_why_nothing_is_shown() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for(SHOP)
    sorry = visit.does(HallRefusedIt(visit.number, "not_bound")).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.NO_TAXPAYER, "not_bound")


@pytest.mark.parametrize("silence", [HallSilent(1), DeadlinePassed(1, "step")])
def test_a_hall_that_does_not_answer_is_said_and_leads_home(silence: Event) -> None:
    visit = Visit().comes_for(Purpose.FILE)
    assert visit.does(silence).on(Sorry).reason is SorryReason.TAX_SILENT
    assert isinstance(visit.does(Next(TODAY)).page, Home)


def test_an_expired_card_proves_no_identity_for_taxes() -> None:
    visit = Visit().comes_for(Purpose.FILE, replace(HOLDER, valid_to=TODAY - timedelta(1)))
    assert visit.on(Sorry).reason is SorryReason.CARD_EXPIRED
    assert visit.session.holder is None
    assert not visit.asked(FindTaxpayers)


@pytest.mark.parametrize(
    ("situation", "rules", "reason"),
    [
        (replace(ALL_WELL, hall_answers=False), RULES, SorryReason.TAX_SILENT),
        (replace(ALL_WELL, storage_works=False), RULES, SorryReason.NOT_FILED),
        (ALL_WELL, Rules(RULES.catalogue), SorryReason.OUT_OF_SERVICE),
    ],
)
def test_what_cannot_be_done_is_said_before_a_card_is_asked_for(
    situation: Situation, rules: Rules, reason: SorryReason
) -> None:
    assert Visit(situation, rules).does(Start(Purpose.FILE)).on(Sorry).reason is reason


def test_a_typed_number_opens_nobodys_taxes() -> None:
    visit = Visit(replace(ALL_WELL, devices={})).does(Start(Purpose.FILE))
    assert not visit.on(Identify).can_type


# ---- a return ------------------------------------------------------------------------------------------------------


def test_the_small_scale_return_of_350_000_comes_to_3_710() -> None:
    visit = answered()
    page = visit.on(Check)
    assert [(line.levy.value, line.payable) for line in page.assessment.lines] == [
        ("vat", 350000),
        ("umct", 12250),
        ("education", 5250),
        ("local_education", 3500),
    ]
    assert page.assessment.to_pay == 371000
    assert page.late == ()
    request = visit.submits().last(RecordFiling).request
    assert (request.key, request.holder_ref, request.total, request.obligation) == ("", "", 371000, "O1")
    assert request.request == {
        "form": "vat_small_scale",
        "period": {"kind": "quarter", "end": "2026-09-30"},
        "place": "city",
        "sales": {"goods": "350000.00"},
    }
    assert request.declared_at == AT
    visit.is_recorded()
    assert visit.last(SubmitFiling).request.key == KEY
    declared = visit.is_filed().on(Declared)
    assert (declared.filing.payable_now, declared.just_filed) == (371000, True)


def test_nothing_is_sent_before_it_is_durable() -> None:
    visit = submitted()
    assert visit.on(Submitting).step is SubmitStep.RECORDING
    assert not visit.asked(SubmitFiling)


def test_a_gross_figure_is_filed_as_gross() -> None:
    visit = todo().does(PickObligation("O1", TODAY)).chooses("yes", "ordinary", "gross").types("353500")
    assert visit.submits().last(RecordFiling).request.request["gross"] == {"goods": "353500.00"}
    assert visit.last(RecordFiling).request.total == 371000


def test_a_zero_return_is_two_touches_and_its_receipt_comes_at_once() -> None:
    visit = todo().does(PickObligation("O1", TODAY)).chooses("no")
    assert visit.on(Check).assessment.to_pay == 0
    visit.submits().is_recorded().is_filed()
    assert isinstance(visit.on(PrintingPaper).paper, ReceiptPaper)
    assert visit.prints().on(Finished).printed
    assert not visit.asked(ChargeCard)


def test_a_household_with_a_quota_confirms_it_with_one_touch() -> None:
    visit = todo(file=file_of(obligation(quota=35000000))).does(PickObligation("O1", TODAY)).chooses("as_fixed")
    assert visit.on(Check).assessment.to_pay == 371000
    assert visit.submits().last(RecordFiling).request.request["sales"] == {"goods": "350000.00"}


def test_who_sold_more_than_the_quota_declares_what_was_sold() -> None:
    visit = todo(file=file_of(obligation(quota=9000000))).does(PickObligation("O1", TODAY))
    visit.chooses("more", "ordinary", "net").types("350000")
    assert visit.on(Check).assessment.to_pay == 371000


def test_a_late_return_shows_what_each_day_has_cost() -> None:
    file = file_of(obligation(deadline=TODAY - timedelta(10)))
    visit = todo(file=file).does(PickObligation("O1", TODAY)).chooses("yes", "ordinary", "net").types("350000")
    assert {part.levy.value: part.amount for part in visit.on(Check).late} == {
        "vat": 1750,
        "umct": 61,
        "education": 26,
        "local_education": 18,
    }


def test_the_last_day_is_still_in_time() -> None:
    file = file_of(obligation(deadline=TODAY))
    visit = todo(file=file).does(PickObligation("O1", TODAY)).chooses("yes", "ordinary", "net").types("350000")
    assert visit.on(Check).late == ()


def test_a_period_that_has_not_ended_cannot_be_filed() -> None:
    visit = todo(file=file_of(obligation(state="not_yet_open"))).does(PickObligation("O1", TODAY))
    assert (visit.on(Sorry).reason, visit.on(Sorry).word) == (SorryReason.FILING_REFUSED, "not_yet_open")
    assert isinstance(visit.does(Back()).page, LookingUp)


def test_the_general_return_takes_the_rates_of_its_period() -> None:
    old = obligation(Form.VAT_GENERAL, period_start=date(2017, 9, 1), period_end=date(2017, 9, 30))
    visit = Visit().comes_for(Purpose.FILE).acts_for(COMPANY).opens(file_of(old, who=COMPANY))
    assert visit.does(PickObligation("O1", TODAY)).on(Ask).question.choices == ("17", "11", "6", "several", "none")
    visit.chooses("17").types("100000").types("12000")
    request = visit.submits().last(RecordFiling).request.request
    assert request["sales"] == [{"net": "100000.00", "rate": "0.17"}]
    assert request["input_vat"] == "12000.00"


def test_what_was_prepaid_is_taken_off_what_is_filed() -> None:
    due = obligation(Form.IIT_BUSINESS, prepaid=100000, period_start=date(2026, 4, 1), period_end=date(2026, 6, 30))
    visit = todo(file=file_of(due)).does(PickObligation("O1", TODAY)).chooses("yes").types("120000")
    assert visit.on(Check).assessment.to_pay == 275000
    request = visit.submits().last(RecordFiling).request
    assert (request.total, request.request["months"], request.request["prepaid"]) == (275000, 6, "1000.00")


def test_only_what_the_register_does_not_know_is_asked() -> None:
    known = obligation(Form.CIT_PREPAYMENT, facts={"staff": [12, 13], "assets": "3000000.00"})
    visit = todo(file=file_of(known)).does(PickObligation("O1", TODAY)).chooses("yes").types("1000000")
    assert visit.on(Ask).question.id == "staff"
    visit.types("14")
    assert visit.submits().last(RecordFiling).request.request["staff"] == [12, 13, 14]


def test_a_contract_is_brought_up_by_its_taxpayer() -> None:
    visit = todo().does(PickForm(Form.STAMP, TODAY)).chooses("sale").types("100000").chooses("today")
    assert visit.on(Check).assessment.to_pay == 1500
    request = visit.submits().last(RecordFiling).request
    assert (request.obligation, request.request["date"]) == (None, "2026-10-20")


# ---- pages to and fro ----------------------------------------------------------------------------------------------


def test_back_leads_through_the_questions_to_the_list_with_a_draft() -> None:
    visit = answered().does(Back())
    assert (visit.on(Ask).question.id, visit.on(Ask).entry) == ("sales_ordinary", "350000")
    ids = []
    while isinstance(visit.page, Ask):
        ids.append(visit.page.question.id)
        visit.does(Back())
    assert ids == ["sales_ordinary", "figure", "kind", "any_sales"]
    assert visit.on(TodoList).draft is not None


def test_a_change_from_the_check_page_leads_back_to_it() -> None:
    visit = answered().does(Change("sales_ordinary"))
    assert visit.on(Ask).changing
    visit.does(Typed("clear", TODAY)).types("299999.99")
    assert visit.on(Check).assessment.to_pay == 0


def test_a_change_that_opens_a_new_question_asks_it() -> None:
    visit = answered().does(Change("kind")).chooses("several")
    assert visit.on(Ask).question.id == "sales_immovables"
    assert visit.types("10000").on(Check).work.answers["sales_immovables"] == "10000.00"


def test_answers_off_the_path_are_not_filed() -> None:
    visit = answered().does(Change("any_sales")).chooses("no")
    assert visit.on(Check).work.answers == {"any_sales": "no"}


def test_back_from_a_change_leaves_everything_as_it_was() -> None:
    visit = answered()
    before = visit.page
    assert visit.does(Change("figure"), Back()).page == before


def test_a_figure_that_cannot_be_is_said_on_its_page() -> None:
    visit = todo().does(PickObligation("O1", TODAY)).chooses("yes", "ordinary", "net")
    assert visit.does(Next(TODAY)).on(Ask).problem == "empty"
    assert visit.types("0").on(Ask).problem == "too_small"
    assert visit.types("99999999999999").on(Ask).problem == "too_large"
    assert visit.does(Typed("back", TODAY)).on(Ask).problem is None


def test_a_third_decimal_is_not_taken_in() -> None:
    visit = todo().does(PickObligation("O1", TODAY)).chooses("yes", "ordinary", "net")
    visit.does(*(Typed(key, TODAY) for key in "12.345"))
    assert visit.on(Ask).entry == "12.34"


# ---- drafts --------------------------------------------------------------------------------------------------------


def test_every_answer_is_kept_for_a_power_cut() -> None:
    visit = answered()
    assert [effect.draft.answers for effect in visit.asked(KeepDraft)][-1] == {
        "any_sales": "yes",
        "kind": "ordinary",
        "figure": "net",
        "sales_ordinary": "350000.00",
    }
    assert len(visit.asked(KeepDraft)) == 4


def test_a_draft_goes_on_at_its_first_open_question() -> None:
    visit = todo(kept=draft(any_sales="yes", kind="ordinary")).does(ContinueDraft(TODAY))
    assert visit.on(Ask).question.id == "figure"


def test_a_complete_draft_goes_on_at_the_check_page() -> None:
    visit = todo(kept=draft(any_sales="no")).does(ContinueDraft(TODAY))
    assert isinstance(visit.page, Check)


def test_a_draft_of_what_was_filed_elsewhere_is_not_offered() -> None:
    assert todo(file=file_of(obligation(id="O2")), kept=draft(any_sales="no")).on(TodoList).draft is None


def test_a_draft_can_be_dropped() -> None:
    visit = todo(kept=draft(any_sales="no")).does(DropDraft())
    assert visit.on(TodoList).draft is None
    assert visit.last(ForgetDraft).taxpayer == "T1"


# ---- on its way ----------------------------------------------------------------------------------------------------


def test_two_taps_on_submit_are_one_return() -> None:
    visit = answered().does(Submitted(AT), Submitted(AT), Submitted(AT + timedelta(seconds=1)))
    assert len(visit.asked(RecordFiling)) == 1


def test_a_full_disk_files_nothing_and_says_so() -> None:
    visit = submitted()
    assert visit.does(StoreFailed(visit.number)).on(Sorry).reason is SorryReason.NOT_FILED
    assert not visit.asked(SubmitFiling)


def test_a_return_that_became_durable_too_late_is_dropped_as_its_person_was_told() -> None:
    visit = submitted()
    visit.does(DeadlinePassed(visit.number, "step")).is_recorded()
    assert visit.last(AbandonFiling).key == KEY
    assert not visit.asked(SubmitFiling)


def test_a_second_try_does_not_send_the_first_one_that_became_durable_late() -> None:
    visit = submitted()
    visit.does(DeadlinePassed(visit.number, "step"), Back()).opens(file_of(obligation()))
    visit.does(PickObligation("O1", TODAY)).chooses("no").submits(AT + timedelta(minutes=1))
    first = msgspec.structs.replace(visit.asked(RecordFiling)[0].request, key="0" * 32)
    visit.does(FilingRecorded(visit.number, first))
    assert visit.last(AbandonFiling).key == "0" * 32
    assert visit.on(Submitting).step is SubmitStep.RECORDING
    assert visit.is_recorded().last(SubmitFiling).request.total == 0


def test_also_when_the_next_person_stands_there_already() -> None:
    visit = submitted()
    earlier = visit.number
    visit.does(DeadlinePassed(earlier, "step"), Next(TODAY))
    assert isinstance(visit.page, Home)
    request = visit.last(RecordFiling).request
    visit.does(FilingRecorded(earlier, msgspec.structs.replace(request, key=KEY)))
    assert visit.last(AbandonFiling).key == KEY


@pytest.mark.parametrize("word", ["already_filed", "not_bound", "not_yet_open", "assessment"])
def test_a_refused_return_is_told_with_its_reason(word: str) -> None:
    visit = submitted().is_recorded()
    sorry = visit.does(HallRefusedIt(visit.number, word, KEY)).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.FILING_REFUSED, word)
    assert isinstance(visit.does(Back()).page, LookingUp)


def test_a_bureau_that_refuses_for_good_is_told_with_its_reason() -> None:
    visit = submitted().is_recorded()
    filing = filing_of(visit.last(SubmitFiling).request, "refused")
    part = filing.parts[0]
    refused = msgspec.structs.replace(part, state="refused", problem="unknown_taxpayer")
    visit.does(FilingAnswered(visit.number, msgspec.structs.replace(filing, parts=[refused])))
    assert (visit.on(Sorry).reason, visit.on(Sorry).word) == (SorryReason.FILING_REFUSED, "unknown_taxpayer")


@pytest.mark.parametrize("by", ["its word", "its deadline"])
def test_a_silent_hall_leaves_the_return_to_the_agent_under_the_same_key(by: str) -> None:
    visit = submitted().is_recorded()
    silence = HallSilent(visit.number, KEY) if by == "its word" else DeadlinePassed(visit.number, "step")
    visit.does(silence)
    assert visit.last(QueueFiling).key == KEY
    assert visit.does(FilingQueued(visit.number, KEY)).on(Sorry).reason is SorryReason.FILING_QUEUED
    assert len(visit.asked(SubmitFiling)) == 1


def test_an_answer_at_the_last_moment_counts() -> None:
    visit = submitted().is_recorded()
    visit.does(HallSilent(visit.number, KEY)).is_filed()
    assert isinstance(visit.page, Declared)


def test_an_answer_that_comes_after_all_is_shown_to_who_still_stands_there() -> None:
    visit = submitted().is_recorded()
    visit.does(HallSilent(visit.number, KEY), FilingQueued(visit.number, KEY)).is_filed()
    assert isinstance(visit.page, Declared)


def test_what_is_half_done_is_shown_and_can_be_paid() -> None:
    declared = submitted().is_recorded().is_filed("half_done").on(Declared)
    assert declared.filing.state == "half_done"
    assert declared.filing.can_pay


def test_who_pays_later_takes_the_receipt_of_the_filing_along() -> None:
    visit = submitted().is_recorded().is_filed().does(Next(TODAY))
    assert isinstance(visit.last(RecordPaper).paper, ReceiptPaper)
    assert isinstance(visit.prints().page, Finished)


def test_without_paper_the_numbers_stand_on_the_screen() -> None:
    devices = {**ALL_WELL.devices, DeviceName.RECEIPT_PRINTER: DeviceView(works=True, paper_out=True)}
    visit = todo(Visit(replace(ALL_WELL, devices=devices))).does(PickObligation("O1", TODAY)).chooses("no")
    page = visit.submits().is_recorded().is_filed().on(Finished)
    assert not page.printed
    assert not visit.asked(RecordPaper)


def test_an_invoice_that_crosses_midnight_is_checked_once_more() -> None:
    """Its day is part of what is filed; what is due on the new day is shown before it is."""
    visit = (
        Visit()
        .comes_for(Purpose.INVOICE)
        .acts_for(SHOP)
        .does(PickTaxpayer("T1"))
        .opens(file_of(), on=date(2025, 12, 31))
    )
    day = date(2025, 12, 31)
    visit.chooses("services", on=day).types("101000", on=day).chooses("person", on=day)
    assert visit.on(Check).assessment.to_pay == 0
    visit.submits(datetime(2025, 12, 31, 16, 0, 1, tzinfo=UTC))
    assert visit.on(Check).assessment.to_pay > 0
    assert not visit.asked(RecordFiling)


# ---- corrections, and what is unpaid -------------------------------------------------------------------------------


def test_a_filed_return_can_be_corrected_until_it_is_paid() -> None:
    visit = todo(file=file_of(filings=(unpaid(),))).does(PickFiling(KEY), CorrectFiling(KEY, TODAY))
    visit.chooses("yes", "ordinary", "net").types("360000")
    request = visit.submits().last(RecordFiling).request
    assert (request.corrects, request.obligation, request.total) == (KEY, "O1", 381600)
    assert not visit.asked(KeepDraft)


def test_who_sees_the_mistake_at_once_corrects_it_at_once() -> None:
    visit = submitted().is_recorded().is_filed(obligation=None).does(CorrectFiling(KEY, TODAY))
    visit.chooses("yes", "ordinary", "net").types("360000")
    assert visit.submits().last(RecordFiling).request.corrects == KEY


def test_a_return_whose_obligation_is_not_told_is_corrected_at_a_window() -> None:
    visit = todo(file=file_of(filings=(unpaid(obligation=None),))).does(PickFiling(KEY), CorrectFiling(KEY, TODAY))
    assert isinstance(visit.page, Declared)


def test_back_from_a_correction_leaves_the_return_as_it_was_filed() -> None:
    visit = todo(file=file_of(filings=(unpaid(),))).does(PickFiling(KEY), CorrectFiling(KEY, TODAY), Back())
    assert visit.on(Declared).filing.key == KEY


@pytest.mark.parametrize("state", ["begun", "approved", "entered", "to_reverse"])
def test_what_is_paid_or_being_paid_is_not_corrected(state: str) -> None:
    visit = todo(file=file_of(filings=(paid(unpaid(), state),))).does(CorrectFiling(KEY, TODAY), PickFiling(KEY))
    assert isinstance(visit.page, TodoList)


def test_an_unpaid_return_is_found_in_the_list_with_its_surcharge() -> None:
    visit = todo(file=file_of(filings=(late(unpaid()),))).does(PickFiling(KEY))
    assert visit.on(Declared).filing.payable_now == 371400
    assert not visit.on(Declared).just_filed
    assert isinstance(visit.does(Back()).page, LookingUp)


def test_a_second_answer_to_one_question_changes_nothing() -> None:
    visit = Visit().comes_for(Purpose.FILE).acts_for(SHOP)
    before = visit.page
    assert visit.does(TaxpayersFound(visit.number, ())).page == before
