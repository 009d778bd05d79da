"""The vocabulary of a transition: where a handler may go, and what going there brings with it.

Timers, the card reader and the end of a visit follow from the page alone; no handler arms or stops them by hand.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from kiosk.session.effects import (
    AbandonFiling,
    AbandonPaper,
    AbandonPayment,
    AbandonSheet,
    Arm,
    Disarm,
    Effect,
    EndMaintenance,
    Forget,
    StopWatching,
    WatchForCard,
)
from kiosk.session.events import (
    Answer,
    CertificateGiven,
    FilingRecorded,
    InvoiceGiven,
    IssueRecorded,
    PaperRecorded,
    PaymentHeld,
    PaymentRecorded,
    TicketRecorded,
)
from kiosk.session.panel import Calibration, LoginStep, Maintenance, MaintenanceLogin, TouchTest
from kiosk.session.rules import Limits, Rules
from kiosk.session.state import (
    Ask,
    Check,
    Declared,
    Finished,
    Home,
    Identify,
    IssueStep,
    Issuing,
    IssuingPaper,
    Language,
    LookingUp,
    MyTickets,
    Page,
    Paying,
    PayStep,
    PrintingPaper,
    Session,
    Sorry,
    SubmitStep,
    Submitting,
    TakeTicket,
    TodoList,
)

#: The machine works there, and nothing can be touched, not even home: what is under way is brought to its end first.
WORKING = (Issuing, Submitting, Paying, IssuingPaper, PrintingPaper)

#: A technician's.
MAINTENANCE = (MaintenanceLogin, Maintenance, TouchTest, Calibration)


#: Seconds without a touch on the home page before a restart that is wanted: somebody may be about to begin.
RESTART_S = 10.0


class Step(NamedTuple):
    """What came of an event: the new session, and what is to be carried out, in order."""

    session: Session
    effects: tuple[Effect, ...] = ()


def stay(session: Session) -> Step:
    return Step(session)


def go(rules: Rules, session: Session, page: Page, *effects: Effect) -> Step:
    """Show another page (or the same one changed) within the visit."""
    before = session.page
    after = replace(session, page=page)
    around: list[Effect] = []
    if wants_card(before) and not wants_card(page):
        around.append(StopWatching())
    elif wants_card(page) and not wants_card(before):
        around.append(WatchForCard(session.visit))
    around += timers(rules.limits, before, after)
    return Step(after, (*effects, *around))


def unwanted(session: Session, event: Answer) -> Step:
    """An answer that nobody waits for. What became durable or was held by it is let go, not forgotten: the person has
    been told that it did not happen."""
    match event:
        case FilingRecorded(request=request):
            return Step(session, (AbandonFiling(request.key),))
        case PaymentRecorded(request=payment):
            return Step(session, (AbandonPayment(payment.key),))
        case PaymentHeld(key=key):
            return Step(session, (AbandonPayment(key),))
        case IssueRecorded(key=key):
            return Step(session, (AbandonPaper(key),))
        case CertificateGiven(certificate=given):
            return Step(session, (AbandonPaper(given.key),))
        case InvoiceGiven(invoice=invoice):
            return Step(session, (AbandonPaper(invoice.key),))
        case PaperRecorded(slip_id=slip_id) | TicketRecorded(slip_id=int(slip_id)):
            return Step(session, (AbandonSheet(slip_id),))
    return stay(session)


def home(session: Session, why: str = "left") -> Step:
    """The visit is over: a new one begins with nobody in it, in Chinese, at normal size.
    ``why``: see ``EndMaintenance``."""
    fresh = Session(visit=session.visit + 1, situation=session.situation)
    stop: tuple[Effect, ...] = (StopWatching(),) if wants_card(session.page) else ()
    if isinstance(session.page, MAINTENANCE):
        stop = (EndMaintenance(why),)
    # Out of service, no card begins a visit.
    watch: tuple[Effect, ...] = () if fresh.situation.locked else (WatchForCard(fresh.visit),)
    return Step(fresh, (*stop, Disarm("idle"), Disarm("step"), Forget(), *watch, *until_restart(fresh)))


def until_restart(session: Session) -> tuple[Effect, ...]:
    """On the home page, where a restart is wanted: the time until it comes starts anew."""
    wanted = session.situation.restart and isinstance(session.page, Home)
    return (Arm(session.visit, "restart", RESTART_S),) if wanted else ()


def keep_alive(rules: Rules, session: Session) -> tuple[Effect, ...]:
    """A touch: the time until the visit ends by itself starts anew."""
    seconds = idle_seconds(rules.limits, session)
    idle: tuple[Effect, ...] = () if seconds is None else (Arm(session.visit, "idle", seconds),)
    return (*idle, *until_restart(session))


def wants_card(page: Page) -> bool:
    return isinstance(page, Home | Identify)


def idle_seconds(limits: Limits, session: Session) -> float | None:
    """How long a page waits for a touch; None where the visitor is not the one being waited for."""
    match session.page:
        case Home():
            # Somebody chose English or large text and walked away: the next person finds the usual page.
            changed = session.language is not Language.ZH or session.large_text
            return limits.idle_s if changed else None
        case Issuing() | MyTickets(looking=True) | LookingUp() | Ask(looking=True):
            return None
        case Submitting() | Paying() | IssuingPaper() | PrintingPaper():
            return None
        case MaintenanceLogin(step=LoginStep.CHECKING | LoginStep.SIGNING):
            return None
        case Maintenance(panel=panel, doing=doing):
            return None if doing or panel is None else limits.maintenance_idle_s
        case TouchTest() | Calibration():
            return limits.touch_test_s
        case Ask() | Check() | TodoList() | Declared():
            return limits.form_idle_s
        case TakeTicket(printed=True):
            return limits.take_ticket_s
        case Sorry() | TakeTicket() | Finished():
            return limits.sorry_s
        case _:
            return limits.idle_s


def step_seconds(limits: Limits, page: Page) -> float | None:
    """How long the machine itself may take on this page."""
    match page:
        case Issuing(step=IssueStep.ASKING):
            return limits.hall_answer_s
        case Issuing(step=IssueStep.PRINTING):
            return limits.print_s
        case Issuing():
            return limits.store_s
        case MyTickets(looking=True):
            return limits.find_s
        case LookingUp() | Ask(looking=True):
            return limits.look_up_s
        case Submitting(step=SubmitStep.SENDING):
            return limits.submit_s
        case Paying(step=step):
            return _paying_seconds(limits, step)
        case IssuingPaper(step="asking"):
            return limits.issue_s
        case PrintingPaper(step="printing"):
            return limits.print_s
        case Submitting() | IssuingPaper() | PrintingPaper():
            return limits.store_s
        case MaintenanceLogin(step=LoginStep.CHECKING | LoginStep.SIGNING):
            return limits.technician_s
        case Maintenance(doing=doing) if doing:
            return limits.action_s
        case Maintenance(panel=None):
            return limits.panel_s
        case _:
            return None


def _paying_seconds(limits: Limits, step: PayStep) -> float:
    match step:
        case PayStep.RECORDING:
            return limits.store_s
        case PayStep.HOLDING:
            return limits.hold_s
        case PayStep.CHARGING:
            return limits.charge_s
        case PayStep.ASKING:
            return limits.ask_s
        case PayStep.ENTERING:
            return limits.enter_s


def timers(limits: Limits, before: Page, session: Session) -> list[Effect]:
    effects: list[Effect] = []
    idle = idle_seconds(limits, session)
    effects.append(Disarm("idle") if idle is None else Arm(session.visit, "idle", idle))
    step = step_seconds(limits, session.page)
    if step is not None:
        effects.append(Arm(session.visit, "step", step))
    elif step_seconds(limits, before) is not None:
        effects.append(Disarm("step"))
    return effects
