"""The number itself: intent → hall → one transaction → paper. Each step waits for the fact before it (promise 3).

recording  the intent to ask is durable      → ask the hall, or after its deadline go on with the own series
asking     the hall answers, or is silent    → commit ticket, print intent and journal row together
committing it is durable                     → print, or show the number where there is no paper
printing   the printer's own word            → take the ticket, or say plainly what happened to it
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.session.effects import AbandonTicket, AskHall, PrintSlip, RecordReprint, RecordTicket
from kiosk.session.events import (
    AskRecorded,
    DeadlinePassed,
    HallAnswered,
    HallSilent,
    Next,
    PrintEnded,
    Reprint,
    StoreFailed,
    TicketRecorded,
    TicketsFound,
)
from kiosk.session.flows.choose import own_series
from kiosk.session.rules import Rules
from kiosk.session.state import (
    DeviceName,
    IssueStep,
    Issuing,
    MyTickets,
    Session,
    Sorry,
    SorryReason,
    TakeTicket,
)
from kiosk.session.step import Step, go, home, stay, unwanted


def ask_recorded(rules: Rules, session: Session, page: Issuing, event: AskRecorded) -> Step:
    if page.step is not IssueStep.RECORDING:
        return stay(session)
    ask = AskHall(
        visit=session.visit,
        key=event.key,
        service=page.service.code if page.service else None,
        priority=page.priority,
        holder=session.holder,
    )
    return go(rules, session, replace(page, step=IssueStep.ASKING, key=event.key), ask)


def hall_answered(rules: Rules, session: Session, page: Issuing, event: HallAnswered) -> Step:
    if page.step is not IssueStep.ASKING or event.key != page.key:
        return stay(session)
    existing = event.ticket.existing
    record = RecordTicket(
        visit=session.visit,
        key=page.key,
        view=event.ticket,
        service=event.ticket.service,
        priority=page.priority,
        holder=session.holder,
        # Who holds a number already has its slip, too, or asks for it again.
        to_print=session.situation.can_print_tickets and not existing,
        language=session.language,
    )
    return go(rules, session, replace(page, step=IssueStep.COMMITTING, existing=existing), record)


def hall_silent(rules: Rules, session: Session, page: Issuing, event: HallSilent) -> Step:
    if page.step is not IssueStep.ASKING or event.key != page.key:
        return stay(session)
    return go(rules, session, replace(page, step=IssueStep.COMMITTING), own_series(session, page))


def ticket_recorded(rules: Rules, session: Session, page: Issuing, event: TicketRecorded) -> Step:
    if page.step is not IssueStep.COMMITTING:
        return stay(session)
    if event.slip_id is None:
        return go(rules, session, TakeTicket(event.slip, printed=False, existing=page.existing))
    printing = replace(page, step=IssueStep.PRINTING, slip_id=event.slip_id, slip=event.slip)
    return go(rules, session, printing, PrintSlip(session.visit, event.slip_id, event.slip, session.language))


def recorded_too_late(rules: Rules, session: Session, page: Sorry, event: TicketRecorded) -> Step:
    """The disk was slow, and the person has been told that no number was given: so none is."""
    return unwanted(session, event) if event.slip.reprint else Step(session, (AbandonTicket(event.key),))


def print_ended(rules: Rules, session: Session, page: Issuing, event: PrintEnded) -> Step:
    if page.step is not IssueStep.PRINTING or event.slip_id != page.slip_id or page.slip is None:
        return stay(session)
    match event.outcome:
        case "done":
            return go(rules, session, TakeTicket(page.slip, printed=True))
        case "failed":
            sorry = Sorry(SorryReason.PRINT_FAILED, page.slip, paper_out=event.paper_out)
        case "uncertain":
            sorry = Sorry(SorryReason.PRINT_UNCERTAIN, page.slip)
    usable = session.situation.can_print_tickets and not event.paper_out
    return go(rules, session, replace(sorry, can_reprint=usable))


def store_failed(rules: Rules, session: Session, page: Issuing, event: StoreFailed) -> Step:
    if page.slip is not None:
        # Only the reprint could not be recorded; the number itself is good.
        return go(rules, session, Sorry(SorryReason.PRINT_FAILED, page.slip))
    return go(rules, session, Sorry(SorryReason.NOT_SAVED))


def took_too_long(rules: Rules, session: Session, page: Issuing, event: DeadlinePassed) -> Step:
    match page.step:
        case IssueStep.ASKING:
            return hall_silent(rules, session, page, HallSilent(session.visit, page.key))
        case IssueStep.PRINTING:
            return go(rules, session, Sorry(SorryReason.PRINT_UNCERTAIN, page.slip))
        case _:
            return store_failed(rules, session, page, StoreFailed(session.visit))


def finished(rules: Rules, session: Session, page: TakeTicket | MyTickets, event: Next) -> Step:
    return home(session)


# ---- the holder's own numbers, and printing one again --------------------------------------------------------------


def tickets_found(rules: Rules, session: Session, page: MyTickets, event: TicketsFound) -> Step:
    if not page.looking:
        return stay(session)
    if not event.tickets:
        return go(rules, session, Sorry(SorryReason.NO_TICKET))
    return go(rules, session, MyTickets(looking=False, tickets=event.tickets))


def no_word_of_tickets(rules: Rules, session: Session, page: MyTickets, event: HallSilent | DeadlinePassed) -> Step:
    return go(rules, session, Sorry(SorryReason.HALL_SILENT)) if page.looking else stay(session)


def reprint(rules: Rules, session: Session, page: TakeTicket | MyTickets | Sorry, event: Reprint) -> Step:
    """Only on request, marked 补打, under the same number (promise 3)."""
    match page:
        case MyTickets():
            slips = [ticket.slip for ticket in page.tickets]
        case TakeTicket() | Sorry():
            slips = [page.slip] if page.slip else []
    wanted = next((slip for slip in slips if slip.token == event.token), None)
    if wanted is None:
        return stay(session)
    slip = replace(wanted, reprint=True)
    if not session.situation.can_print_tickets:
        paper_out = session.situation.device(DeviceName.TICKET_PRINTER).paper_out
        return go(rules, session, Sorry(SorryReason.PRINT_FAILED, slip, paper_out=paper_out))
    issuing = Issuing(None, IssueStep.COMMITTING, slip=slip)
    return go(rules, session, issuing, RecordReprint(session.visit, slip))
