"""What for: by group, by initials, or simply "any service"; what to bring; and the last look before the number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from kiosk.domain.catalogue import Service
from kiosk.domain.holder import Holder
from kiosk.session.effects import RecordAsk, RecordTicket
from kiosk.session.events import Back, Next, OpenGuide, PickCategory, PickService, Typed
from kiosk.session.rules import Rules
from kiosk.session.state import (
    ChooseService,
    Confirm,
    Home,
    Identify,
    IssueStep,
    Issuing,
    Purpose,
    ServiceDetail,
    Session,
    Sorry,
    SorryReason,
)
from kiosk.session.step import Step, go, home, stay

#: Longer than any initials that still find something; keeps a fist on the keyboard from growing the line for ever.
LONGEST_QUERY = 12


def open_guide(rules: Rules, session: Session, page: Home, event: OpenGuide) -> Step:
    return go(rules, session, ChooseService(guide=True))


def list_page(rules: Rules, guide: bool, query: str, category: str | None) -> ChooseService:
    """The page with what fits a query, else a group; the top of the page shows the groups and finds nothing yet."""
    if query:
        return ChooseService(guide, query, None, rules.catalogue.search(query))
    if category is not None:
        return ChooseService(guide, "", category, rules.catalogue.in_category(category))
    return ChooseService(guide)


def pick_category(rules: Rules, session: Session, page: ChooseService, event: PickCategory) -> Step:
    if event.code not in {None, *(category.code for category in rules.catalogue.categories)}:
        return stay(session)
    return go(rules, session, list_page(rules, page.guide, "", event.code))


def typed(rules: Rules, session: Session, page: ChooseService, event: Typed) -> Step:
    match event.key:
        case "back":
            query = page.query[:-1]
        case "clear":
            query = ""
        case key if len(key) == 1 and key.isalnum() and key.isascii():
            query = (page.query + key.upper())[:LONGEST_QUERY]
        case _:
            query = page.query
    return go(rules, session, list_page(rules, page.guide, query, None))


def pick_service(rules: Rules, session: Session, page: ChooseService, event: PickService) -> Step:
    if event.code is None:
        return stay(session) if page.guide else go(rules, session, confirm_page(rules, session, None, event.on))
    try:
        service = rules.catalogue.get(event.code)
    except KeyError:
        return stay(session)
    detail = ServiceDetail(service, rules.availability(service), page.guide, page.query, page.category)
    return go(rules, session, detail)


def take_number_for(rules: Rules, session: Session, page: ServiceDetail, event: Next) -> Step:
    if page.guide:
        if not session.situation.storage_works:
            return go(rules, session, Sorry(SorryReason.NOT_SAVED))
        return go(rules, session, Identify(Purpose.TAKE_NUMBER, service=page.service))
    last_look = confirm_page(rules, session, page.service, event.on)
    return go(rules, session, replace(last_look, query=page.query, category=page.category))


def confirm_page(rules: Rules, session: Session, service: Service | None, on: date) -> Confirm:
    """The last look, with what the holder should know before: an expired card is good for a number, not at a window."""
    holder = session.holder
    return Confirm(
        service,
        card_expired=holder is not None and holder.expired(on),
        priority=in_green_channel(rules, holder, on),
    )


def confirm(rules: Rules, session: Session, page: Confirm, event: Next) -> Step:
    """The touch that asks for a number. First the intent is made durable, then the hall is asked (promise 3)."""
    if not session.situation.storage_works:
        return go(rules, session, Sorry(SorryReason.NOT_SAVED))
    if session.situation.hall_answers:
        issuing = Issuing(page.service, IssueStep.RECORDING, priority=page.priority)
        return go(rules, session, issuing, RecordAsk(session.visit))
    # The hall is known to be silent: nothing is asked, so nothing has to be abandoned later.
    issuing = Issuing(page.service, IssueStep.COMMITTING, priority=page.priority)
    return go(rules, session, issuing, own_series(session, issuing))


def own_series(session: Session, page: Issuing) -> RecordTicket:
    """A number of this kiosk's own series; whatever was asked for under ``page.key`` is voided."""
    return RecordTicket(
        visit=session.visit,
        key=page.key,
        view=None,
        service=page.service.code if page.service else None,
        priority=page.priority,
        holder=session.holder,
        to_print=session.situation.can_print_tickets,
        language=session.language,
    )


def in_green_channel(rules: Rules, holder: Holder | None, on: date) -> bool:
    age = holder.age(on) if holder else None
    return age is not None and age >= rules.limits.priority_age


def back(rules: Rules, session: Session, page: ChooseService | ServiceDetail | Confirm, event: Back) -> Step:
    match page:
        case ChooseService(query="", category=None):
            return home(session)
        case ChooseService():
            return go(rules, session, ChooseService(page.guide))
        case ServiceDetail():
            return go(rules, session, list_page(rules, page.guide, page.query, page.category))
        case Confirm():
            if page.service is None:
                return go(rules, session, ChooseService())
            availability = rules.availability(page.service)
            return go(rules, session, ServiceDetail(page.service, availability, False, page.query, page.category))
