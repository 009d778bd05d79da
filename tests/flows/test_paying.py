"""Paying at the kiosk: one card, one charge, whatever answers or does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kiosk.domain.filing import FilingView, PaymentResult
from kiosk.domain.papers import InvoicePaper, ReceiptPaper
from kiosk.session.effects import (
    AbandonPayment,
    CancelCharge,
    ChargeCard,
    ConfirmPayment,
    HoldPayment,
    PrintPaper,
    RecordIssue,
    RecordPaper,
    RecordPayment,
)
from kiosk.session.events import (
    Back,
    CancelPay,
    ChargeProgress,
    ChargeUnknown,
    DeadlinePassed,
    Event,
    GoHome,
    HallRefusedIt,
    HallSilent,
    InvoiceGiven,
    IssueRecorded,
    Next,
    PaperRecorded,
    Pay,
    PaymentHeld,
    PickFiling,
    PrintAgain,
    PrintEnded,
    SetLanguage,
    StoreFailed,
)
from kiosk.session.state import (
    Declared,
    DeviceName,
    DeviceView,
    Finished,
    Home,
    IssuingPaper,
    Language,
    Paying,
    PayStep,
    PrintingPaper,
    Purpose,
    Sorry,
    SorryReason,
)
from tests.flows.tax_samples import (
    ALL_WELL,
    AT,
    CHARGE,
    ISSUE_KEY,
    KEY,
    NO_PAPER,
    PAYMENT_KEY,
    REFUSED,
    SHOP,
    TODAY,
    Visit,
    file_of,
    invoice,
    late,
    paid,
    unpaid,
    unpaid_invoice,
)


def declared(filing: FilingView | None = None, visit: Visit | None = None) -> Visit:
    filing = filing or unpaid()
    visit = (visit or Visit()).comes_for(Purpose.FILE).acts_for(SHOP)
    return visit.opens(file_of(filings=(filing,))).does(PickFiling(filing.key))


def charging(filing: FilingView | None = None) -> Visit:
    return declared(filing).does(Pay(AT)).payment_is_recorded().is_held()


def entering(filing: FilingView | None = None) -> Visit:
    return charging(filing).is_charged()


def unknown() -> Visit:
    """The terminal fell silent, and was asked for as long as the payer can be kept waiting."""
    visit = charging()
    return visit.does(ChargeUnknown(visit.number, PAYMENT_KEY), DeadlinePassed(visit.number, "step"))


# ---- the good day --------------------------------------------------------------------------------------------------


def test_one_swipe_pays_both_bureaus_and_ends_with_a_receipt() -> None:
    visit = declared().does(Pay(AT))
    wanted = visit.last(RecordPayment).request
    assert (wanted.key, wanted.filings, wanted.amount, wanted.begun_at) == ("", [KEY], 371000, AT)
    assert visit.payment_is_recorded().last(HoldPayment).request.key == PAYMENT_KEY
    assert visit.is_held().last(ChargeCard) == ChargeCard(visit.number, PAYMENT_KEY, 371000)
    visit.is_charged()
    assert visit.last(ConfirmPayment).filing == KEY
    visit.hall_says(paid(unpaid()))
    receipt = visit.last(RecordPaper).paper
    assert isinstance(receipt, ReceiptPaper)
    assert (receipt.charge, receipt.reprint) == (CHARGE, False)
    page = visit.prints().on(Finished)
    assert page.printed
    assert page.filing.payment is not None
    assert page.filing.payment.state == "entered"
    assert len(visit.asked(ChargeCard)) == 1


def test_what_is_charged_is_the_late_surcharge_to_date_included() -> None:
    assert charging(late(unpaid())).last(ChargeCard).amount == 371400


def test_what_is_half_done_can_be_paid() -> None:
    assert charging(unpaid(state="half_done")).last(ChargeCard).amount == 371000


def test_the_charge_is_never_before_the_hold_and_the_hold_never_before_the_record() -> None:
    visit = declared().does(Pay(AT))
    assert not visit.asked(HoldPayment)
    visit.payment_is_recorded()
    assert not visit.asked(ChargeCard)


def test_two_taps_on_pay_are_one_payment() -> None:
    visit = declared().does(Pay(AT), Pay(AT), Pay(AT + timedelta(seconds=1)))
    assert len(visit.asked(RecordPayment)) == 1


def test_a_hold_that_is_told_twice_charges_once() -> None:
    visit = charging()
    visit.is_held().is_held()
    assert len(visit.asked(ChargeCard)) == 1
    assert not visit.asked(AbandonPayment)


def test_what_the_terminal_waits_for_is_shown_and_prolongs_nothing() -> None:
    visit = charging()
    before = len(visit.effects)
    visit.does(ChargeProgress(visit.number, PAYMENT_KEY, "present_card", True))
    assert (visit.on(Paying).progress, visit.on(Paying).can_cancel) == ("present_card", True)
    assert visit.effects[before:] == []
    visit.does(SetLanguage(Language.EN))
    assert visit.effects[before:] == []


def test_the_payer_may_change_his_mind_until_a_card_is_presented() -> None:
    visit = charging()
    assert visit.does(CancelPay()).asked(CancelCharge) == []
    visit.does(ChargeProgress(visit.number, PAYMENT_KEY, "present_card", True), CancelPay(), CancelPay())
    assert visit.asked(CancelCharge) == [CancelCharge(PAYMENT_KEY)]
    # Whether the terminal let go is its own word.
    assert visit.on(Paying).step is PayStep.CHARGING
    assert visit.is_charged(REFUSED, "cancelled").on(Sorry).word == "cancelled"


def test_a_charge_that_was_quicker_than_its_cancelling_counts() -> None:
    visit = charging()
    visit.does(ChargeProgress(visit.number, PAYMENT_KEY, "present_card", True), CancelPay())
    assert visit.is_charged().on(Paying).step is PayStep.ENTERING


def test_nobody_goes_home_while_a_card_may_be_charged() -> None:
    visit = charging()
    assert isinstance(visit.does(GoHome(), Back(), Next(TODAY)).page, Paying)


@pytest.mark.parametrize("gone", ["terminal", "hall"])
def test_without_terminal_or_hall_nothing_is_begun(gone: str) -> None:
    devices = {**ALL_WELL.devices, DeviceName.POS: DeviceView()}
    now = replace(ALL_WELL, devices=devices) if gone == "terminal" else replace(ALL_WELL, hall_answers=False)
    visit = declared()
    visit.session = replace(visit.session, situation=now)
    assert isinstance(visit.does(Pay(AT)).page, Declared)
    assert not visit.asked(RecordPayment)


# ---- not charged ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["being_paid", "not_payable", "amount"])
def test_a_payment_that_the_hall_does_not_hold_charges_nothing(word: str) -> None:
    visit = declared().does(Pay(AT)).payment_is_recorded()
    sorry = visit.does(HallRefusedIt(visit.number, word, PAYMENT_KEY)).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.PAYMENT_NOT_HELD, word)
    assert not visit.asked(ChargeCard)


@pytest.mark.parametrize("silence", ["word", "deadline"])
def test_a_hall_that_does_not_hold_in_time_charges_nothing(silence: str) -> None:
    visit = declared().does(Pay(AT)).payment_is_recorded()
    said: dict[str, Event] = {
        "word": HallSilent(visit.number, PAYMENT_KEY),
        "deadline": DeadlinePassed(visit.number, "step"),
    }
    sorry = visit.does(said[silence]).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.PAYMENT_NOT_HELD, "hall_silent")
    # A hold that arrives now is let go: else the filing would stay held for a charge that never comes.
    visit.is_held()
    assert visit.last(AbandonPayment).key == PAYMENT_KEY
    assert not visit.asked(ChargeCard)


def test_a_hold_for_a_visit_that_is_over_is_let_go() -> None:
    visit = declared().does(Pay(AT)).payment_is_recorded()
    earlier = visit.number
    visit.does(DeadlinePassed(earlier, "step"), Back(), GoHome(), PaymentHeld(earlier, PAYMENT_KEY))
    assert isinstance(visit.page, Home)
    assert visit.last(AbandonPayment).key == PAYMENT_KEY


def test_a_full_disk_charges_nothing() -> None:
    visit = declared().does(Pay(AT))
    sorry = visit.does(StoreFailed(visit.number)).on(Sorry)
    assert (sorry.reason, sorry.word) == (SorryReason.PAYMENT_NOT_HELD, "not_saved")
    visit.payment_is_recorded()
    assert visit.last(AbandonPayment).key == PAYMENT_KEY
    assert not visit.asked(HoldPayment)


@pytest.mark.parametrize("reason", ["declined", "no_funds", "wrong_pin", "card_expired", "no_card"])
def test_a_refused_card_is_told_with_its_reason_and_can_be_followed_by_another(reason: str) -> None:
    visit = charging().is_charged(REFUSED, reason)
    sorry = visit.on(Sorry)
    assert (sorry.reason, sorry.word, sorry.amount) == (SorryReason.PAYMENT_REFUSED, reason, 371000)
    visit.does(Pay(AT)).payment_is_recorded("b" * 32).is_held("b" * 32)
    assert [charge.key for charge in visit.asked(ChargeCard)] == [PAYMENT_KEY, "b" * 32]


def test_who_gives_up_after_a_refused_card_still_gets_the_receipt_of_the_filing() -> None:
    visit = charging().is_charged(REFUSED, "no_funds").does(Back())
    assert isinstance(visit.page, Declared)
    assert isinstance(visit.does(Next(TODAY)).on(PrintingPaper).paper, ReceiptPaper)


# ---- not known -----------------------------------------------------------------------------------------------------


def test_a_silent_terminal_is_asked_and_the_payer_is_told_that_it_is() -> None:
    visit = charging()
    assert visit.does(ChargeUnknown(visit.number, PAYMENT_KEY)).on(Paying).step is PayStep.ASKING
    sorry = visit.does(DeadlinePassed(visit.number, "step")).on(Sorry)
    assert (sorry.reason, sorry.amount, sorry.payment_key) == (SorryReason.PAYMENT_UNKNOWN, 371000, PAYMENT_KEY)


def test_a_terminal_that_hangs_is_taken_as_silent() -> None:
    visit = charging()
    assert visit.does(DeadlinePassed(visit.number, "step")).on(Paying).step is PayStep.ASKING


def test_an_unknown_charge_cannot_be_paid_anew() -> None:
    visit = unknown().does(Pay(AT), Pay(AT))
    assert visit.on(Sorry).reason is SorryReason.PAYMENT_UNKNOWN
    assert len(visit.asked(ChargeCard)) == 1


@pytest.mark.parametrize("late_by", ["a moment", "the page that says so"])
def test_an_unknown_charge_that_was_approved_goes_on(late_by: str) -> None:
    visit = charging()
    visit.does(ChargeUnknown(visit.number, PAYMENT_KEY))
    if late_by != "a moment":
        visit.does(DeadlinePassed(visit.number, "step"))
    visit.is_charged()
    assert visit.on(Paying).step is PayStep.ENTERING
    assert isinstance(visit.hall_says(paid(unpaid())).prints().page, Finished)
    assert len(visit.asked(ChargeCard)) == 1


def test_an_unknown_charge_that_was_refused_can_be_paid_anew() -> None:
    visit = unknown().is_charged(REFUSED, "declined")
    assert visit.on(Sorry).reason is SorryReason.PAYMENT_REFUSED
    visit.does(Pay(AT)).payment_is_recorded("b" * 32).is_held("b" * 32)
    assert [charge.key for charge in visit.asked(ChargeCard)] == [PAYMENT_KEY, "b" * 32]


def test_the_word_on_another_charge_is_not_taken_for_this_one() -> None:
    visit = unknown().is_charged(key="d" * 32)
    assert visit.on(Sorry).reason is SorryReason.PAYMENT_UNKNOWN


# ---- charged -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("silence", ["word", "deadline"])
def test_a_charge_is_a_fact_also_when_the_hall_is_silent_about_it(silence: str) -> None:
    visit = entering()
    said: dict[str, Event] = {
        "word": HallSilent(visit.number, PAYMENT_KEY),
        "deadline": DeadlinePassed(visit.number, "step"),
    }
    receipt = visit.does(said[silence]).on(PrintingPaper).paper
    assert isinstance(receipt, ReceiptPaper)
    payment = receipt.filing.payment
    assert payment is not None
    assert (payment.state, payment.amount, payment.reference) == ("approved", 371000, CHARGE.reference)
    assert [(part.bureau.value, part.amount, part.state) for part in payment.parts] == [
        ("state", 350000, "pending"),
        ("local", 21000, "pending"),
    ]
    page = visit.prints().on(Finished)
    assert not page.filing.can_pay


def test_an_entry_that_is_still_on_its_way_is_shown_as_such() -> None:
    page = entering().hall_says(paid(unpaid(), "approved")).prints().on(Finished)
    assert page.filing.payment is not None
    assert page.filing.payment.state == "approved"


def test_what_was_paid_elsewhere_meanwhile_is_given_back_and_said() -> None:
    sorry = entering().hall_says(paid(unpaid(), "to_reverse")).on(Sorry)
    assert (sorry.reason, sorry.amount) == (SorryReason.PAYMENT_GIVEN_BACK, 371000)


def test_the_hall_speaking_of_another_payment_does_not_undo_this_one() -> None:
    visit = entering().hall_says(paid(unpaid(), key="d" * 32))
    receipt = visit.on(PrintingPaper).paper
    assert isinstance(receipt, ReceiptPaper)
    assert receipt.filing.payment is not None
    assert receipt.filing.payment.key == PAYMENT_KEY


def test_how_another_filing_stands_says_nothing_about_this_one() -> None:
    visit = entering().hall_says(paid(unpaid("e" * 32)))
    assert visit.on(Paying).step is PayStep.ENTERING


def test_the_end_of_another_slip_is_not_the_end_of_this_one() -> None:
    visit = entering().hall_says(paid(unpaid()))
    visit.does(PaperRecorded(visit.number, 7), PrintEnded(visit.number, 6, "failed", False))
    assert visit.on(PrintingPaper).step == "printing"


@pytest.mark.parametrize(
    ("outcome", "reason"), [("failed", SorryReason.PAPER_FAILED), ("uncertain", SorryReason.PAPER_UNCERTAIN)]
)
def test_a_receipt_that_did_not_surely_come_out_is_printed_again_marked(outcome: str, reason: SorryReason) -> None:
    visit = entering().hall_says(paid(unpaid())).prints(outcome)
    assert visit.on(Sorry).reason is reason
    visit.session = replace(visit.session, page=replace(visit.on(Sorry), can_reprint=True))
    receipt = visit.does(PrintAgain()).on(PrintingPaper).paper
    assert receipt.reprint
    assert visit.prints(slip=8).on(Finished).printed


def test_without_its_receipt_the_last_page_shows_the_numbers() -> None:
    visit = entering().hall_says(paid(unpaid())).prints("failed").does(Next(TODAY))
    assert not visit.on(Finished).printed
    # The printer has paper again: this is the first copy, and no reprint.
    assert not visit.does(PrintAgain()).on(PrintingPaper).paper.reprint


def test_without_paper_the_payment_still_ends_well() -> None:
    devices = {**ALL_WELL.devices, DeviceName.RECEIPT_PRINTER: NO_PAPER}
    visit = declared(visit=Visit(replace(ALL_WELL, devices=devices))).does(Pay(AT))
    page = visit.payment_is_recorded().is_held().is_charged().hall_says(paid(unpaid())).on(Finished)
    assert not page.printed
    assert not visit.asked(RecordPaper)


# ---- an invoice after its tax --------------------------------------------------------------------------------------


def test_the_invoice_comes_after_its_tax_and_its_receipt() -> None:
    visit = entering(unpaid_invoice()).hall_says(paid(unpaid_invoice()))
    assert not visit.asked(RecordIssue)
    visit.prints()
    assert visit.on(IssuingPaper).step == "recording"
    visit.does(IssueRecorded(visit.number, ISSUE_KEY))
    visit.does(InvoiceGiven(visit.number, invoice()))
    assert isinstance(visit.on(PrintingPaper).paper, InvoicePaper)
    page = visit.prints(slip=8).on(Finished)
    assert page.invoice == invoice()
    assert [type(effect.paper) for effect in visit.asked(PrintPaper)] == [ReceiptPaper, InvoicePaper]


@pytest.mark.parametrize("state", ["approved", "begun"])
def test_no_invoice_before_every_ledger_has_its_entry(state: str) -> None:
    visit = entering(unpaid_invoice()).hall_says(paid(unpaid_invoice(), state)).prints()
    assert isinstance(visit.page, Finished)
    assert not visit.asked(RecordIssue)


def test_a_silent_hall_gives_a_receipt_and_no_invoice() -> None:
    visit = entering(unpaid_invoice())
    visit.does(HallSilent(visit.number, PAYMENT_KEY)).prints()
    assert isinstance(visit.page, Finished)
    assert not visit.asked(RecordIssue)


def test_a_charge_that_was_given_back_is_said_as_such_and_enters_nothing() -> None:
    visit = charging().is_charged(PaymentResult("reversed"))
    assert visit.on(Sorry).reason is SorryReason.PAYMENT_GIVEN_BACK
    assert not visit.asked(ConfirmPayment)
