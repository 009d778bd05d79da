"""The taxpayer's visit as a pure machine: ``step(rules, session, event) → (session, effects)``.

No I/O, no clock, no randomness: what time it is and what the world answered comes in with the event. TABLE names every
transition of its own page; the four rules above it hold on every page. docs/visit.md is drawn by walking this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.session.effects import AbandonTicket, Disarm, Leave
from kiosk.session.events import (
    Answer,
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
    Surrounding,
    TaxpayersFound,
    TechnicianAdmitted,
    TechnicianRecognised,
    TechnicianRefused,
    TicketRecorded,
    TicketsFound,
    Touch,
    Typed,
    UseCard,
    UseKeypad,
)
from kiosk.session.flows import choose, file, identify, issue, look_up, maintain, pay, prove, query, sorry
from kiosk.session.panel import Calibration, Maintenance, MaintenanceLogin, TouchTest
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Ask,
    CardProblem,
    Certificates,
    Check,
    ChooseService,
    ChooseTaxpayer,
    CompareNumber,
    Confirm,
    Declared,
    DeviceName,
    Finished,
    Home,
    Identify,
    Issuing,
    IssuingPaper,
    Keypad,
    LookingUp,
    MyTaxes,
    MyTickets,
    Paying,
    PrintingPaper,
    ServiceDetail,
    Session,
    SlotView,
    Sorry,
    SorryReason,
    Submitting,
    TakeTicket,
    TodoList,
)
from kiosk.session.step import (
    WORKING,
    Step,
    go,
    home,
    idle_seconds,
    keep_alive,
    stay,
    step_seconds,
    until_restart,
    unwanted,
)

Handler = Callable[[Rules, Session, Any, Any], Step]


def _home(rules: Rules, session: Session, page: object, event: object) -> Step:
    return home(session)


def _to_card_or_home(rules: Rules, session: Session, page: Keypad, event: Back) -> Step:
    """From the keypad back to the card, unless the reader is what sent the visitor to the keypad."""
    if session.situation.can_read_cards:
        return go(rules, session, Identify(page.purpose, service=page.service))
    return home(session)


TABLE: dict[tuple[type, type], Handler] = {
    (Home, Start): identify.start,
    (Home, OpenGuide): choose.open_guide,
    (Home, CardFound): identify.card_found_on_home,
    (Home, CardRead): identify.card_read,
    (Home, CardFailed): identify.card_failed_on_home,
    (Identify, CardFound): identify.card_found,
    (Identify, CardRead): identify.card_read,
    (Identify, CardFailed): identify.card_failed,
    (Identify, UseKeypad): identify.use_keypad,
    (Identify, Back): _home,
    (Keypad, Typed): identify.typed,
    (Keypad, Submit): identify.submit,
    (Keypad, UseCard): identify.use_card,
    (Keypad, Back): _to_card_or_home,
    (ChooseService, PickCategory): choose.pick_category,
    (ChooseService, PickService): choose.pick_service,
    (ChooseService, Typed): choose.typed,
    (ChooseService, Back): choose.back,
    (ServiceDetail, Next): choose.take_number_for,
    (ServiceDetail, Back): choose.back,
    (Confirm, Next): choose.confirm,
    (Confirm, Back): choose.back,
    (Issuing, AskRecorded): issue.ask_recorded,
    (Issuing, HallAnswered): issue.hall_answered,
    (Issuing, HallSilent): issue.hall_silent,
    (Issuing, TicketRecorded): issue.ticket_recorded,
    (Issuing, StoreFailed): issue.store_failed,
    (Issuing, PrintEnded): issue.print_ended,
    (Issuing, DeadlinePassed): issue.took_too_long,
    (TakeTicket, Next): issue.finished,
    (TakeTicket, Reprint): issue.reprint,
    (MyTickets, TicketsFound): issue.tickets_found,
    (MyTickets, HallSilent): issue.no_word_of_tickets,
    (MyTickets, DeadlinePassed): issue.no_word_of_tickets,
    (MyTickets, Reprint): issue.reprint,
    (MyTickets, Next): issue.finished,
    (MyTickets, Back): _home,
    (Sorry, Next): sorry.leave,
    (Sorry, Back): sorry.back,
    (Sorry, Reprint): issue.reprint,
    (Sorry, TicketRecorded): issue.recorded_too_late,
    (Sorry, Pay): pay.pay,
    (Sorry, ChargeEnded): pay.charge_ended_late,
    (Sorry, FilingAnswered): file.answered_late,
    (Sorry, PrintAgain): prove.print_again,
    # ---- whom for
    (LookingUp, TaxpayersFound): look_up.taxpayers_found,
    (LookingUp, FileOpened): file.opened,
    (LookingUp, HallRefusedIt): look_up.refused,
    (LookingUp, HallSilent): look_up.no_word,
    (LookingUp, DeadlinePassed): look_up.no_word,
    (LookingUp, Back): _home,
    (ChooseTaxpayer, PickTaxpayer): look_up.pick_taxpayer,
    (ChooseTaxpayer, Back): _home,
    # ---- a return
    (TodoList, PickObligation): file.pick_obligation,
    (TodoList, PickForm): file.pick_form,
    (TodoList, PickFiling): file.pick_filing,
    (TodoList, CorrectFiling): file.correct,
    (TodoList, ContinueDraft): file.continue_draft,
    (TodoList, DropDraft): file.drop_draft,
    (TodoList, Back): look_up.back,
    (Ask, Typed): file.typed,
    (Ask, Choose): file.choose,
    (Ask, Next): file.complete,
    (Ask, Submit): file.complete,
    (Ask, BuyerFound): file.buyer_found,
    (Ask, HallSilent): file.nobody_to_ask,
    (Ask, DeadlinePassed): file.nobody_to_ask,
    (Ask, Back): file.back,
    (Check, Change): file.change,
    (Check, Submitted): file.submitted,
    (Check, Back): file.back_from_check,
    (Submitting, FilingRecorded): file.recorded,
    (Submitting, FilingAnswered): file.hall_answered,
    (Submitting, HallRefusedIt): file.hall_refused,
    (Submitting, HallSilent): file.hall_silent,
    (Submitting, FilingQueued): file.queued,
    (Submitting, StoreFailed): file.store_failed,
    (Submitting, DeadlinePassed): file.took_too_long,
    (Declared, Pay): pay.pay,
    (Declared, CorrectFiling): file.correct,
    (Declared, Next): file.later,
    (Declared, Back): file.back_from_declared,
    # ---- a payment
    (Paying, PaymentRecorded): pay.recorded,
    (Paying, PaymentHeld): pay.held,
    (Paying, HallRefusedIt): pay.hall_refused,
    (Paying, HallSilent): pay.hall_silent,
    (Paying, ChargeProgress): pay.progress,
    (Paying, CancelPay): pay.cancel,
    (Paying, ChargeEnded): pay.charge_ended,
    (Paying, ChargeUnknown): pay.charge_unknown,
    (Paying, PaymentAnswered): pay.entered,
    (Paying, StoreFailed): pay.store_failed,
    (Paying, DeadlinePassed): pay.took_too_long,
    # ---- proof
    (IssuingPaper, IssueRecorded): prove.issue_recorded,
    (IssuingPaper, CertificateGiven): prove.certificate_given,
    (IssuingPaper, InvoiceGiven): prove.invoice_given,
    (IssuingPaper, HallRefusedIt): prove.hall_refused,
    (IssuingPaper, HallSilent): prove.hall_silent,
    (IssuingPaper, StoreFailed): prove.issue_store_failed,
    (IssuingPaper, DeadlinePassed): prove.issuing_took_too_long,
    (PrintingPaper, PaperRecorded): prove.paper_recorded,
    (PrintingPaper, PrintEnded): prove.print_ended,
    (PrintingPaper, StoreFailed): prove.store_failed,
    (PrintingPaper, DeadlinePassed): prove.printing_took_too_long,
    (CompareNumber, Next): prove.compared,
    (CompareNumber, Back): prove.compared,
    (Finished, Next): prove.done,
    (Finished, Back): prove.done,
    (Finished, PrintAgain): prove.print_again,
    (Finished, PickBureau): prove.pick_bureau,
    (Finished, IssueInvoice): prove.issue_invoice,
    (Certificates, PickFiling): prove.pick_filing,
    (Certificates, PickBureau): prove.pick_bureau,
    (Certificates, Back): look_up.back,
    # ---- what the hall knows
    (MyTaxes, PickTab): query.pick_tab,
    (MyTaxes, PickFiling): query.pick_filing,
    (MyTaxes, PickBureau): prove.pick_bureau,
    (MyTaxes, IssueInvoice): prove.issue_invoice,
    (MyTaxes, PrintAgain): prove.print_again,
    (MyTaxes, Pay): pay.pay,
    (MyTaxes, CorrectFiling): file.correct,
    (MyTaxes, Back): look_up.back,
    # ---- a technician
    (Home, HiddenGesture): maintain.gesture,
    (Sorry, HiddenGesture): maintain.gesture,
    (MaintenanceLogin, TechnicianRecognised): maintain.recognised,
    (MaintenanceLogin, TechnicianRefused): maintain.refused,
    (MaintenanceLogin, PinKey): maintain.pin_key,
    (MaintenanceLogin, PinDone): maintain.pin_done,
    (MaintenanceLogin, PinWrong): maintain.pin_wrong,
    (MaintenanceLogin, TechnicianAdmitted): maintain.admitted,
    (MaintenanceLogin, DeadlinePassed): maintain.card_took_too_long,
    (MaintenanceLogin, Back): _home,
    (Maintenance, OpenPlace): maintain.open_place,
    (Maintenance, PanelRead): maintain.panel_read,
    (Maintenance, Do): maintain.do,
    (Maintenance, SaySure): maintain.say_sure,
    (Maintenance, MaintenanceDone): maintain.done,
    (Maintenance, DeadlinePassed): maintain.took_too_long,
    (Maintenance, Back): maintain.back,
    (TouchTest, CellTouched): maintain.cell_touched,
    (TouchTest, DeadlinePassed): maintain.end_touch_test,
    (TouchTest, Back): maintain.end_touch_test,
    (Calibration, PointTouched): maintain.point_touched,
    (Calibration, DeadlinePassed): maintain.end_calibration,
    (Calibration, Back): maintain.end_calibration,
}


def begin(session: Session) -> Step:
    """The first home page after a start, or after a defect, in the situation of ``session``."""
    return home(session)


def step(rules: Rules, session: Session, event: Event) -> Step:
    """What an event means. From every page every event leads on or leaves the page as it is; none raises."""
    if isinstance(event, Surrounding):
        return _surroundings(rules, session, event)
    if isinstance(event, Touch):
        after, effects = _touched(rules, session, event)
        # A handler that went to another page has armed its timer already.
        return Step(after, effects if after.page is not session.page else (*effects, *keep_alive(rules, after)))
    if event.visit != session.visit:
        return _too_late(session, event)
    if isinstance(event, DeadlinePassed) and event.name == "idle":
        # Where nobody is waited for no timer runs; one that was on its way ends nothing.
        if idle_seconds(rules.limits, session) is None:
            return stay(session)
        if not isinstance(session.page, TouchTest | Calibration):
            return home(session, "idle")
    if isinstance(event, DeadlinePassed) and event.name == "restart":
        nobody = isinstance(session.page, Home) and session.situation.restart
        return Step(session, (Leave(),)) if nobody else stay(session)
    handler = _handler(session, event)
    return handler(rules, session, session.page, event) if handler else unwanted(session, event)


def _handler(session: Session, event: Event) -> Handler | None:
    if isinstance(session.page, Home) and session.situation.locked and not isinstance(event, HiddenGesture):
        # Out of service: nobody begins anything, by touch or card, but a technician.
        return None
    return TABLE.get((type(session.page), type(event)))


def _too_late(session: Session, event: Answer) -> Step:
    """The visit is over. A ticket that became durable after its person had left is given up, not forgotten."""
    if isinstance(event, TicketRecorded) and not event.slip.reprint:
        return Step(session, (AbandonTicket(event.key),))
    return unwanted(session, event)


def _touched(rules: Rules, session: Session, event: Touch) -> Step:
    match event:
        case SetLanguage(language):
            return _shown_otherwise(rules, replace(session, language=language))
        case SetLargeText(on):
            return _shown_otherwise(rules, replace(session, large_text=on))
        case GoHome() if not isinstance(session.page, WORKING):
            return home(session)
    handler = _handler(session, event)
    return handler(rules, session, session.page, event) if handler else stay(session)


def _shown_otherwise(rules: Rules, session: Session) -> Step:
    """The same page in another way. Where the machine works its deadline runs on, however often this is touched."""
    if step_seconds(rules.limits, session.page) is not None:
        return stay(session)
    return go(rules, session, session.page)


def _surroundings(rules: Rules, session: Session, event: Surrounding) -> Step:
    """The machine around the visit changed. Only the pages that speak of it follow; no touch, no timer."""
    now = session.situation
    match event:
        case DeviceChanged(name, view):
            now = replace(now, devices={**now.devices, name: view})
        case HallSeen(hall):
            # The last known state stays for the record of the day; whether it is fresh is what hall_answers says.
            now = replace(now, hall=hall or now.hall, hall_answers=hall is not None)
        case StorageChanged(works):
            now = replace(now, storage_works=works)
        case StandingChanged(locked, words, restart):
            changed = replace(now, locked=locked, locked_words=words, restart=restart)
            return _standing(session, replace(session, situation=changed))
        case SmartCardChanged(works, card):
            now = replace(now, smart_card=SlotView(works, card))
            return maintain.card_changed(rules, replace(session, situation=now), event)
    session = replace(session, situation=now)
    match session.page:
        case Identify(problem=CardProblem.READER_GONE) as page if now.can_read_cards:
            session = replace(session, page=replace(page, problem=None))
        case Identify() as page if not now.can_read_cards and page.problem is not CardProblem.READER_GONE:
            session = replace(session, page=replace(page, reading=False, problem=CardProblem.READER_GONE))
        case Sorry(reason=SorryReason.PRINT_FAILED | SorryReason.PRINT_UNCERTAIN) as page:
            out = now.device(DeviceName.TICKET_PRINTER).paper_out
            session = replace(session, page=replace(page, can_reprint=now.can_print_tickets, paper_out=out))
        case Sorry(reason=SorryReason.PAPER_FAILED | SorryReason.PAPER_UNCERTAIN, printing=PrintingPaper()) as page:
            out = now.device(DeviceName.RECEIPT_PRINTER).paper_out
            session = replace(session, page=replace(page, can_reprint=now.can_print_papers, paper_out=out))
    return Step(session)


def _standing(before: Session, session: Session) -> Step:
    """Locked, unlocked, or a restart is wanted. A visit in progress goes on as it was; it counts from home on."""
    if not isinstance(session.page, Home):
        return Step(session)
    if session.situation.locked != before.situation.locked:
        # Anew, so that the reader rests while nobody may begin, and looks again afterwards.
        return home(session)
    return Step(session, until_restart(session) or (Disarm("restart"),))
