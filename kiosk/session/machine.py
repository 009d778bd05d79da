"""The taxpayer's visit as a pure machine: ``step(rules, session, event) → (session, effects)``.

No I/O, no clock, no randomness: what time it is and what the world answered comes in with the event. TABLE names every
transition of its own page; the four rules above it hold on every page. docs/visit.md is drawn by walking this machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.session.effects import AbandonTicket
from kiosk.session.events import (
    Answer,
    AskRecorded,
    Back,
    CardFailed,
    CardFound,
    CardRead,
    DeadlinePassed,
    DeviceChanged,
    Event,
    GoHome,
    HallAnswered,
    HallSeen,
    HallSilent,
    Next,
    OpenGuide,
    PickCategory,
    PickService,
    PrintEnded,
    Reprint,
    SetLanguage,
    SetLargeText,
    Start,
    StorageChanged,
    StoreFailed,
    Submit,
    Surrounding,
    TicketRecorded,
    TicketsFound,
    Touch,
    Typed,
    UseCard,
    UseKeypad,
)
from kiosk.session.flows import choose, identify, issue
from kiosk.session.rules import Rules
from kiosk.session.state import (
    CardProblem,
    ChooseService,
    Confirm,
    DeviceName,
    Home,
    Identify,
    Issuing,
    Keypad,
    MyTickets,
    ServiceDetail,
    Session,
    Sorry,
    SorryReason,
    TakeTicket,
)
from kiosk.session.step import Step, go, home, idle_seconds, keep_alive, stay

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
    (Sorry, Next): issue.finished,
    (Sorry, Reprint): issue.reprint,
    (Sorry, TicketRecorded): issue.recorded_too_late,
    (Sorry, Back): _home,
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
        return stay(session) if idle_seconds(rules.limits, session) is None else home(session)
    handler = TABLE.get((type(session.page), type(event)))
    return handler(rules, session, session.page, event) if handler else stay(session)


def _too_late(session: Session, event: Answer) -> Step:
    """The visit is over. A ticket that became durable after its person had left is given up, not forgotten."""
    if isinstance(event, TicketRecorded) and not event.slip.reprint:
        return Step(session, (AbandonTicket(event.key),))
    return stay(session)


def _touched(rules: Rules, session: Session, event: Touch) -> Step:
    match event:
        case SetLanguage(language):
            return go(rules, replace(session, language=language), session.page)
        case SetLargeText(on):
            return go(rules, replace(session, large_text=on), session.page)
        case GoHome() if not isinstance(session.page, Issuing):
            return home(session)
    handler = TABLE.get((type(session.page), type(event)))
    return handler(rules, session, session.page, event) if handler else stay(session)


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
    session = replace(session, situation=now)
    match session.page:
        case Identify(problem=CardProblem.READER_GONE) as page if now.can_read_cards:
            session = replace(session, page=replace(page, problem=None))
        case Identify() as page if not now.can_read_cards and page.problem is not CardProblem.READER_GONE:
            session = replace(session, page=replace(page, reading=False, problem=CardProblem.READER_GONE))
        case Sorry(reason=SorryReason.PRINT_FAILED | SorryReason.PRINT_UNCERTAIN) as page:
            out = now.device(DeviceName.TICKET_PRINTER).paper_out
            session = replace(session, page=replace(page, can_reprint=now.can_print_tickets, paper_out=out))
    return Step(session)
