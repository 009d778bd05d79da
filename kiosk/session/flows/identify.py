"""Who is it: lay the card on the reader, or type the number."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from kiosk.domain.holder import Holder
from kiosk.domain.identity import EntryProblem, birth_of, check_entry
from kiosk.session.effects import FindTickets, WatchForCard
from kiosk.session.events import CardFailed, CardFound, CardRead, Start, Submit, Typed, UseCard, UseKeypad
from kiosk.session.flows.choose import confirm_page
from kiosk.session.flows.look_up import goes_on_alone, look_up
from kiosk.session.rules import Rules
from kiosk.session.state import (
    TAX_PURPOSES,
    CardProblem,
    ChooseService,
    Home,
    Identify,
    Keypad,
    MyTickets,
    Purpose,
    Session,
    Sorry,
    SorryReason,
)
from kiosk.session.step import Step, go, stay

ID_LENGTH = 18

#: Past a wrong digit nothing more is taken in until it is corrected: who types without looking up is stopped there.
CORRECTING = frozenset({"back", "clear"})


def start(rules: Rules, session: Session, page: Home, event: Start) -> Step:
    if event.purpose is Purpose.TAKE_NUMBER and not session.situation.storage_works:
        return go(rules, session, Sorry(SorryReason.NOT_SAVED))
    if event.purpose in TAX_PURPOSES and (reason := not_offered(rules, session, event.purpose)) is not None:
        return go(rules, session, Sorry(reason))
    return go(rules, session, identify_page(session, event.purpose))


def not_offered(rules: Rules, session: Session, purpose: Purpose) -> SorryReason | None:
    """Why nothing of taxes can be done now. A dead reader is told, and waited for, where the card is asked for."""
    if rules.pack is None:
        return SorryReason.OUT_OF_SERVICE
    if not session.situation.hall_answers and not goes_on_alone(rules, purpose):
        return SorryReason.TAX_SILENT
    return None if session.situation.storage_works else SorryReason.NOT_FILED


def identify_page(session: Session, purpose: Purpose) -> Identify:
    works = session.situation.can_read_cards
    return Identify(purpose, problem=None if works else CardProblem.READER_GONE)


def card_found_on_home(rules: Rules, session: Session, page: Home, event: CardFound) -> Step:
    """A card on the reader is a wish for a number: the usual visit needs no touch to begin."""
    if not session.situation.storage_works:
        return stay(session)
    return go(rules, session, Identify(Purpose.TAKE_NUMBER, reading=True))


def card_failed_on_home(rules: Rules, session: Session, page: Home, event: CardFailed) -> Step:
    return go(rules, session, page, WatchForCard(session.visit))


def card_found(rules: Rules, session: Session, page: Identify, event: CardFound) -> Step:
    return go(rules, session, replace(page, reading=True, problem=None))


def card_failed(rules: Rules, session: Session, page: Identify, event: CardFailed) -> Step:
    again = replace(page, reading=False, problem=event.problem)
    return go(rules, session, again, WatchForCard(session.visit))


def card_read(rules: Rules, session: Session, page: Home | Identify, event: CardRead) -> Step:
    wanted = page if isinstance(page, Identify) else Identify(Purpose.TAKE_NUMBER)
    return identified(rules, session, wanted, event.holder, event.on)


def use_keypad(rules: Rules, session: Session, page: Identify, event: UseKeypad) -> Step:
    if not page.can_type:
        return stay(session)
    return go(rules, session, Keypad(page.purpose, service=page.service))


def use_card(rules: Rules, session: Session, page: Keypad, event: UseCard) -> Step:
    return go(rules, session, replace(identify_page(session, page.purpose), service=page.service))


def typed(rules: Rules, session: Session, page: Keypad, event: Typed) -> Step:
    wrong = check_entry(page.digits, event.on) is not None
    digits = page.digits if wrong and event.key not in CORRECTING else edited(page.digits, event.key)
    return go(rules, session, replace(page, digits=digits, problem=check_entry(digits, event.on)))


def edited(digits: str, key: str) -> str:
    match key:
        case "back":
            return digits[:-1]
        case "clear":
            return ""
        case _ if len(key) == 1 and key.upper() in "0123456789X" and len(digits) < ID_LENGTH:
            return digits + key.upper()
        case _:
            return digits


def submit(rules: Rules, session: Session, page: Keypad, event: Submit) -> Step:
    problem = check_entry(page.digits, event.on)
    if problem is None and len(page.digits) < ID_LENGTH:
        problem = EntryProblem(len(page.digits) + 1, "wrong_length")
    if problem is not None:
        return go(rules, session, replace(page, problem=problem))
    holder = Holder(page.digits, birth=birth_of(page.digits), from_card=False)
    return identified(rules, session, Identify(page.purpose, service=page.service), holder, event.on)


def identified(rules: Rules, session: Session, wanted: Identify, holder: Holder, on: date) -> Step:
    known = replace(session, holder=holder)
    if wanted.purpose in TAX_PURPOSES:
        if holder.expired(on):
            # Tax matters need a proven identity (税总发〔2016〕111号). An expired card, which has to be replaced
            # (居民身份证法 第11条), proves none; its person is not kept either.
            return go(rules, session, Sorry(SorryReason.CARD_EXPIRED))
        return look_up(rules, known, wanted.purpose, holder)
    if wanted.purpose is Purpose.MY_NUMBER:
        return go(rules, known, MyTickets(looking=True), FindTickets(session.visit, holder))
    if wanted.service is not None:
        return go(rules, known, confirm_page(rules, known, wanted.service, on))
    return go(rules, known, ChooseService())
