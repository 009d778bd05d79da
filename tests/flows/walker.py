"""Walks the visit machine: from a page, every event that can happen there, until no new page is found.

The events are representative, not random: for each touch every choice that leads somewhere else, for each answer every
way it can come out. docs/visit.md and the path tests are both made from this walk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import config
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.holder import Holder
from kiosk.domain.messages import HallState, TicketView, Wait
from kiosk.domain.ticket import TicketSlip, WaitRange
from kiosk.session import machine
from kiosk.session.events import (
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
    TicketRecorded,
    TicketsFound,
    Touched,
    Typed,
    UseCard,
    UseKeypad,
)
from kiosk.session.rules import Rules
from kiosk.session.state import (
    CardProblem,
    DeviceName,
    DeviceView,
    Issuing,
    Language,
    MyTickets,
    OpenTicket,
    Purpose,
    Session,
    Situation,
    Sorry,
    TakeTicket,
)

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 1, 42, 7, tzinfo=UTC)
KEY = "0" * 32
RULES = Rules(Catalogue(config.read_services()))
SERVICE = RULES.catalogue.search("ZZS")[0].service
CATEGORY = RULES.catalogue.categories[3].code

HOLDER = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8), date(2030, 1, 1))
EXPIRED = replace(HOLDER, valid_to=date(2020, 1, 1))
OLD = Holder("440524194001010019", "陈伯", date(1940, 1, 1))
SLIP = TicketSlip(
    number="A057",
    service_code=SERVICE.code,
    service_zh=SERVICE.name_zh,
    service_en=SERVICE.name_en,
    ahead=12,
    wait=WaitRange(8, 15),
    issued_at=NOW,
    holder_masked=HOLDER.masked,
    papers=SERVICE.papers,
    url="http://hall/t/abc",
    token="abc",
)
VIEW = TicketView("A057", "waiting", NOW, "abc", SERVICE.code, 12, Wait(8, 15))
HALL = HallState("xc", "芗城办税服务厅", "Xiangcheng Tax Hall", "2026-11-24", 12, 6, Wait(8, 15), [])

READER, PRINTER = DeviceName.ID_CARD, DeviceName.TICKET_PRINTER
WORKING = DeviceView(works=True)
ALL_WELL = Situation({READER: WORKING, PRINTER: WORKING}, HALL, hall_answers=True)


def touches(session: Session) -> Iterator[Event]:
    yield from (Start(purpose) for purpose in Purpose)
    yield from (OpenGuide(), Back(), GoHome(), Touched(), UseKeypad(), UseCard(), Submit(TODAY), Next(TODAY))
    yield from (SetLanguage(Language.EN), SetLanguage(Language.ZH), SetLargeText(True), SetLargeText(False))
    yield from (Typed(key, TODAY) for key in ("3", "X", "Z", "back", "clear", "嗯", ""))
    yield from (PickCategory(CATEGORY), PickCategory("99"), PickCategory(None))
    yield from (PickService(SERVICE.code, TODAY), PickService("SW-999999", TODAY), PickService(None, TODAY))
    yield from (Reprint(SLIP.token), Reprint("of somebody else"))


def answers(session: Session) -> Iterator[Event]:
    visit = session.visit
    page = session.page
    key = page.key if isinstance(page, Issuing) else KEY
    yield CardFound(visit)
    yield from (CardRead(visit, holder, TODAY) for holder in (HOLDER, EXPIRED, OLD))
    yield from (CardFailed(visit, problem) for problem in CardProblem)
    yield AskRecorded(visit, KEY)
    yield from (HallAnswered(visit, key, replace_view(existing)) for existing in (False, True))
    yield HallSilent(visit, key)
    slip = page.slip if isinstance(page, Issuing) and page.slip else SLIP
    yield from (TicketRecorded(visit, KEY, slip, slip_id) for slip_id in (7, None))
    yield StoreFailed(visit)
    for paper_out in (False, True):
        yield from (PrintEnded(visit, 7, outcome, paper_out) for outcome in ("done", "failed", "uncertain"))
    yield TicketsFound(visit, (OpenTicket(SLIP, "waiting"),))
    yield TicketsFound(visit, ())
    yield from (DeadlinePassed(visit, name) for name in ("idle", "step"))


def replace_view(existing: bool) -> TicketView:
    return TicketView(VIEW.number, "waiting", NOW, VIEW.token, VIEW.service, 12, VIEW.wait, None, existing)


def surroundings(session: Session) -> Iterator[Event]:
    for view in (
        WORKING,
        DeviceView(),
        DeviceView(works=True, paper_out=True),
        DeviceView(works=True, cover_open=True),
    ):
        yield DeviceChanged(PRINTER, view)
    yield from (DeviceChanged(READER, WORKING), DeviceChanged(READER, DeviceView()))
    yield from (HallSeen(HALL), HallSeen(None), StorageChanged(True), StorageChanged(False))


def events(session: Session) -> Iterator[Event]:
    yield from touches(session)
    yield from answers(session)
    yield from surroundings(session)


@dataclass(frozen=True)
class Edge:
    """One transition that was walked."""

    before: Session
    event: Event
    after: Session


def shape(session: Session) -> tuple[object, ...]:
    """What makes two sessions the same for the walk: everything but the visit's count."""
    situation = session.situation
    around = (
        situation.can_read_cards,
        situation.can_print_tickets,
        situation.device(PRINTER).paper_out,
        situation.hall_answers,
        situation.storage_works,
    )
    holder = session.holder.number if session.holder else None
    page = session.page
    if isinstance(page, Issuing | TakeTicket | Sorry | MyTickets):
        page = repr(page)
    return (type(session.page).__name__, repr(page), holder, session.language, session.large_text, around)


def walk(situation: Situation = ALL_WELL, surroundings_too: bool = False, limit: int = 200_000) -> list[Edge]:
    """Every transition reachable from home. Digits and letters are cut short: the first few show every branch."""
    start = machine.begin(Session(situation=situation)).session
    seen = {shape(start)}
    todo = [start]
    edges: list[Edge] = []
    while todo:
        before = todo.pop()
        for event in events(before) if surroundings_too else (*touches(before), *answers(before)):
            after = machine.step(RULES, before, event).session
            edges.append(Edge(before, event, after))
            if len(edges) > limit:
                raise AssertionError("the walk does not end: a page grows without bound")
            if shape(after) not in seen and not _too_deep(after):
                seen.add(shape(after))
                todo.append(after)
    return edges


def _too_deep(session: Session) -> bool:
    text = getattr(session.page, "digits", "") or getattr(session.page, "query", "")
    return len(text) > 2 or session.language is Language.EN or session.large_text


def at(page: object, situation: Situation = ALL_WELL, holder: Holder | None = HOLDER) -> Session:
    """A session on this page, in the middle of a day."""
    return Session(visit=5, page=page, holder=holder, situation=situation)  # type: ignore[arg-type]
