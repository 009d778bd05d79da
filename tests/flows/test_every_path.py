"""From every page every event leads on, or leaves the page as it is; and every page leads home by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.session import machine
from kiosk.session.effects import AbandonTicket, AskHall, PrintSlip, RecordTicket
from kiosk.session.events import Back, DeadlinePassed, GoHome, Next, Touch
from kiosk.session.state import DeviceView, Home, IssueStep, Issuing, MyTickets, Page, Session, Situation
from kiosk.session.step import idle_seconds, step_seconds
from tests.flows.diagram import DIAGRAM_FILE, diagram
from tests.flows.walker import ALL_WELL, HALL, PRINTER, READER, RULES, SLIP, TODAY, WORKING, Edge, answers, shape, walk

SITUATIONS = {
    "all-well": ALL_WELL,
    "hall-silent": replace(ALL_WELL, hall_answers=False),
    "no-paper": replace(ALL_WELL, devices={READER: WORKING, PRINTER: DeviceView(works=True, paper_out=True)}),
    "reader-dead": replace(ALL_WELL, devices={READER: DeviceView(), PRINTER: WORKING}),
    "disk-full": replace(ALL_WELL, storage_works=False),
    "nothing-works": Situation({}, HALL, storage_works=False),
}


@pytest.fixture(scope="module", params=SITUATIONS)
def edges(request: pytest.FixtureRequest) -> list[Edge]:
    return walk(SITUATIONS[request.param])


@pytest.fixture(scope="module")
def sessions(edges: list[Edge]) -> list[Session]:
    """Each once: most edges lead to where another one leads, too."""
    return list({shape(session): session for edge in edges for session in (edge.before, edge.after)}.values())


def test_the_walk_reaches_every_page_when_all_is_well() -> None:
    reached = {type(edge.after.page) for edge in walk()}
    assert reached == set(Page.__args__)


def test_every_page_has_a_timer_that_ends_it(sessions: list[Session]) -> None:
    for session in sessions:
        if isinstance(session.page, Home):
            continue
        idle = idle_seconds(RULES.limits, session)
        own = step_seconds(RULES.limits, session.page)
        assert (idle is None) != (own is None), f"{session.page} waits for both or for nobody"


def test_every_page_comes_home_when_nobody_touches_and_nothing_answers(sessions: list[Session]) -> None:
    for session in sessions:
        here = session
        for _ in range(6):
            if isinstance(here.page, Home):
                break
            name = "idle" if step_seconds(RULES.limits, here.page) is None else "step"
            here = machine.step(RULES, here, DeadlinePassed(here.visit, name)).session
        assert isinstance(here.page, Home), f"{session.page} never comes home"


def test_a_touch_leads_home_from_every_page_that_can_be_touched(sessions: list[Session]) -> None:
    for session in sessions:
        if isinstance(session.page, Issuing):
            continue
        assert isinstance(machine.step(RULES, session, GoHome()).session.page, Home)


def test_back_or_next_leaves_every_page_that_can_be_touched(sessions: list[Session]) -> None:
    for session in sessions:
        if isinstance(session.page, Home | Issuing) or (isinstance(session.page, MyTickets) and session.page.looking):
            continue
        left = {type(machine.step(RULES, session, event).session.page) for event in (Back(), Next(TODAY))}
        same_kind = machine.step(RULES, session, Back()).session.page != session.page
        assert left != {type(session.page)} or same_kind, f"no way out of {session.page}"


def test_nothing_touched_while_a_number_is_made_changes_its_making(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.before.page, Issuing) and isinstance(edge.event, Touch):
            assert edge.after.page == edge.before.page


def test_a_visit_that_ended_leaves_nobody_behind(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.after.page, Home) and not isinstance(edge.before.page, Home):
            assert edge.after.holder is None
            assert edge.after.visit == edge.before.visit + 1


def test_an_answer_for_an_earlier_visit_changes_nothing(sessions: list[Session]) -> None:
    for session in sessions:
        later = replace(session, visit=session.visit + 1)
        for event in answers(session):
            after, effects = machine.step(RULES, later, event)
            assert after == later
            assert all(isinstance(effect, AbandonTicket) for effect in effects)


def test_nothing_is_printed_before_it_is_durable_and_no_hall_is_asked_before_its_key_is(edges: list[Edge]) -> None:
    for edge in edges:
        for effect in machine.step(RULES, edge.before, edge.event).effects:
            match effect:
                case PrintSlip(slip_id=slip_id):
                    assert type(edge.event).__name__ == "TicketRecorded"
                    assert slip_id is not None
                case AskHall(key=key):
                    assert type(edge.event).__name__ == "AskRecorded"
                    assert key
                case RecordTicket(view=None, key=key) if isinstance(edge.before.page, Issuing):
                    assert key == edge.before.page.key, "what was asked with unknown outcome must be voided"


def test_a_reprint_is_always_marked(edges: list[Edge]) -> None:
    for edge in edges:
        page = edge.after.page
        if isinstance(page, Issuing) and type(edge.event).__name__ == "Reprint" and edge.after != edge.before:
            assert page.slip is not None
            assert page.slip.reprint
            assert page.slip.number == SLIP.number
            assert page.step is IssueStep.COMMITTING


def test_the_diagram_in_the_docs_is_the_machine() -> None:
    assert DIAGRAM_FILE.read_text(encoding="utf-8") == diagram(), "run: python -m tests.flows.diagram"
