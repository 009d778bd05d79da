"""From every page every event leads on, or leaves the page as it is; and every page leads home by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.session import machine
from kiosk.session.effects import (
    AbandonFiling,
    AbandonPaper,
    AbandonPayment,
    AbandonSheet,
    AbandonTicket,
    AskCertificate,
    AskHall,
    AskInvoice,
    ChargeCard,
    ConfirmPayment,
    DoMaintenance,
    Effect,
    EndMaintenance,
    HoldPayment,
    PrintPaper,
    PrintSlip,
    RecordFiling,
    RecordPayment,
    RecordTicket,
    SubmitFiling,
)
from kiosk.session.events import (
    Back,
    CancelPay,
    ChargeEnded,
    DeadlinePassed,
    FilingRecorded,
    GoHome,
    IssueRecorded,
    Next,
    PaperRecorded,
    Pay,
    PaymentHeld,
    PaymentRecorded,
    PrintAgain,
    SaySure,
    SmartCardChanged,
    StandingChanged,
    Submitted,
    TechnicianAdmitted,
    Touch,
)
from kiosk.session.panel import LoginStep, Maintenance, MaintenanceLogin
from kiosk.session.state import (
    Ask,
    DeviceView,
    Finished,
    Home,
    IssueStep,
    Issuing,
    IssuingPaper,
    LookingUp,
    MyTaxes,
    Page,
    Paying,
    PayStep,
    PrintingPaper,
    Session,
    Situation,
    Sorry,
    SorryReason,
)
from kiosk.session.step import MAINTENANCE, idle_seconds, step_seconds
from kiosk.session.step import WORKING as AT_WORK
from tests.flows.diagram import DIAGRAM_FILE, diagram
from tests.flows.walker import (
    ALL_WELL,
    HALL,
    PAPERS,
    PRINTER,
    READER,
    RULES,
    SLIP,
    TERMINAL,
    TODAY,
    Edge,
    answers,
    shape,
    surroundings,
    walk,
)

OUT = DeviceView(works=True, paper_out=True)
SITUATIONS = {
    "all-well": ALL_WELL,
    "hall-silent": replace(ALL_WELL, hall_answers=False),
    "no-paper": replace(ALL_WELL, devices={**ALL_WELL.devices, PRINTER: OUT, PAPERS: OUT, TERMINAL: DeviceView()}),
    "reader-dead": replace(ALL_WELL, devices={**ALL_WELL.devices, READER: DeviceView()}),
    "disk-full": replace(ALL_WELL, storage_works=False),
    "nothing-works": Situation({}, HALL, storage_works=False),
    "locked": replace(ALL_WELL, locked=True, locked_words="09:00"),
}

#: What an answer that nobody waits for may still ask for: that it be undone.
UNDONE = AbandonTicket | AbandonFiling | AbandonPayment | AbandonPaper | AbandonSheet

#: An effect that must not come before its fact, and the event that brings this fact.
ONLY_AFTER: dict[type[Effect], type] = {
    SubmitFiling: FilingRecorded,
    HoldPayment: PaymentRecorded,
    ChargeCard: PaymentHeld,
    ConfirmPayment: ChargeEnded,
    AskCertificate: IssueRecorded,
    AskInvoice: IssueRecorded,
    PrintPaper: PaperRecorded,
    RecordFiling: Submitted,
    RecordPayment: Pay,
}


@pytest.fixture(scope="module", params=SITUATIONS)
def edges(request: pytest.FixtureRequest) -> list[Edge]:
    return walk(SITUATIONS[request.param])


@pytest.fixture(scope="module")
def sessions(edges: list[Edge]) -> list[Session]:
    """Each once: most edges lead to where another one leads, too."""
    return list({shape(edge.after): edge.after for edge in edges}.values())


def test_the_walk_reaches_every_page_when_all_is_well() -> None:
    reached = {type(edge.after.page) for edge in walk()}
    assert reached == set(Page.__args__)


def test_every_reason_to_be_sorry_is_reached_in_some_situation() -> None:
    said = {edge.after.page.reason for situation in SITUATIONS.values() for edge in walk(situation) if is_sorry(edge)}
    # Nobody of the walk is unknown to the register and barred from everything; no pack of rules is missing.
    assert set(SorryReason) - said <= {SorryReason.OUT_OF_SERVICE}


def is_sorry(edge: Edge) -> bool:
    return isinstance(edge.after.page, Sorry)


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
        if isinstance(session.page, AT_WORK):
            continue
        assert isinstance(machine.step(RULES, session, GoHome()).session.page, Home)


def test_back_or_next_leaves_every_page_that_can_be_touched(sessions: list[Session]) -> None:
    for session in sessions:
        if isinstance(session.page, Home) or idle_seconds(RULES.limits, session) is None:
            continue
        left = [machine.step(RULES, session, event).session.page for event in (Back(), Next(TODAY))]
        assert any(page != session.page for page in left), f"no way out of {session.page}"


def test_nothing_touched_while_the_machine_works_changes_its_work(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.before.page, AT_WORK) and isinstance(edge.event, Touch):
            if isinstance(edge.event, CancelPay):
                continue
            assert edge.after.page == edge.before.page
            assert edge.effects == ()


def test_a_visit_that_ended_leaves_nobody_behind(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.after.page, Home) and not isinstance(edge.before.page, Home):
            assert edge.after.holder is None
            assert edge.after.taxpayers == ()
            assert edge.after.visit == edge.before.visit + 1


def test_an_answer_for_an_earlier_visit_changes_nothing(sessions: list[Session]) -> None:
    kinds = {type(session.page): session for session in sessions}
    for session in kinds.values():
        later = replace(session, visit=session.visit + 1)
        for event in answers(session):
            after, effects = machine.step(RULES, later, event)
            assert after == later
            assert all(isinstance(effect, UNDONE) for effect in effects)


def test_what_happens_around_a_visit_ends_none(sessions: list[Session]) -> None:
    for session in sessions:
        for event in surroundings(session):
            after = machine.step(RULES, session, event).session
            if isinstance(session.page, (Home, *MAINTENANCE)) and isinstance(event, SmartCardChanged | StandingChanged):
                continue
            assert (type(after.page), after.visit) == (type(session.page), session.visit)


def test_a_technician_is_there_as_long_as_his_card(sessions: list[Session]) -> None:
    for session in sessions:
        if not isinstance(session.page, MAINTENANCE):
            continue
        for gone in (SmartCardChanged(True, False), SmartCardChanged(False, False)):
            after, effects = machine.step(RULES, session, gone)
            if isinstance(session.page, MaintenanceLogin) and session.page.step is LoginStep.CARD_WANTED and gone.works:
                continue
            assert isinstance(after.page, Home)
            assert EndMaintenance("card_pulled" if gone.works else "reader_gone") in effects


def test_nobody_is_let_in_but_by_the_desk_s_word_on_card_and_pin(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.after.page, Maintenance) and not isinstance(edge.before.page, MAINTENANCE):
            pytest.fail(f"{edge.event} leads past the login")
        if isinstance(edge.after.page, Maintenance) and isinstance(edge.before.page, MaintenanceLogin):
            assert isinstance(edge.event, TechnicianAdmitted)
            assert edge.before.page.step is LoginStep.SIGNING


def test_a_grave_action_is_done_after_a_second_word_only(edges: list[Edge]) -> None:
    for edge in edges:
        for effect in edge.effects:
            if isinstance(effect, DoMaintenance) and effect.name == "shut_down":
                assert edge.event == SaySure(True)


def test_nothing_is_printed_before_it_is_durable_and_no_hall_is_asked_before_its_key_is(edges: list[Edge]) -> None:
    for edge in edges:
        for effect in edge.effects:
            match effect:
                case PrintSlip(slip_id=slip_id):
                    assert type(edge.event).__name__ == "TicketRecorded"
                    assert slip_id is not None
                case AskHall(key=key):
                    assert type(edge.event).__name__ == "AskRecorded"
                    assert key
                case RecordTicket(view=None, key=key) if isinstance(edge.before.page, Issuing):
                    assert key == edge.before.page.key, "what was asked with unknown outcome must be voided"


def test_no_step_of_a_return_a_payment_or_a_paper_comes_before_the_fact_it_stands_on(edges: list[Edge]) -> None:
    for edge in edges:
        for effect in edge.effects:
            if type(effect) in ONLY_AFTER:
                assert isinstance(edge.event, ONLY_AFTER[type(effect)]), f"{effect} after {edge.event}"
            if isinstance(effect, ConfirmPayment):
                assert effect.result.outcome == "approved"


def test_a_key_that_was_made_durable_is_the_key_that_is_used(edges: list[Edge]) -> None:
    for edge in edges:
        for effect in edge.effects:
            match effect, edge.event:
                case SubmitFiling(request=used), FilingRecorded(request=made):
                    assert used == made
                case HoldPayment(request=used), PaymentRecorded(request=made):
                    assert used == made
                case ChargeCard(key=used), PaymentHeld(key=made):
                    assert used == made
                case PrintPaper(slip_id=used), PaperRecorded(slip_id=made):
                    assert used == made
                case ((AskCertificate(key=used) | AskInvoice(key=used)), IssueRecorded(key=made)):
                    assert used == made


def test_no_card_is_charged_twice_under_one_key(edges: list[Edge]) -> None:
    """One charge stands at one step of a payment, and no payment goes back to a step that it has passed."""
    order = list(PayStep)
    for edge in edges:
        charges = [effect for effect in edge.effects if isinstance(effect, ChargeCard)]
        before, after = edge.before.page, edge.after.page
        if charges:
            assert isinstance(before, Paying)
            assert isinstance(after, Paying)
            assert (before.step, after.step, len(charges)) == (PayStep.HOLDING, PayStep.CHARGING, 1)
            assert before.request is not None
            assert charges[0].key == before.request.key
        earlier = before.paying if isinstance(before, Sorry) else before
        if isinstance(earlier, Paying) and isinstance(after, Paying) and not isinstance(edge.event, Pay):
            assert order.index(after.step) >= order.index(earlier.step)


def test_what_is_not_known_to_be_uncharged_is_not_paid_anew(edges: list[Edge]) -> None:
    for edge in edges:
        if isinstance(edge.before.page, Sorry) and edge.before.page.reason is SorryReason.PAYMENT_UNKNOWN:
            assert not any(isinstance(effect, RecordPayment) for effect in edge.effects)


def test_a_reprint_is_always_marked(edges: list[Edge]) -> None:
    for edge in edges:
        page = edge.after.page
        if isinstance(page, Issuing) and type(edge.event).__name__ == "Reprint" and edge.after != edge.before:
            assert page.slip is not None
            assert page.slip.reprint
            assert page.slip.number == SLIP.number
            assert page.step is IssueStep.COMMITTING


def test_a_paper_that_is_printed_again_is_marked_or_numbered_anew(edges: list[Edge]) -> None:
    for edge in edges:
        if not isinstance(edge.event, PrintAgain) or edge.after.page == edge.before.page:
            continue
        match edge.before.page, edge.after.page:
            case (Finished(printed=printed), PrintingPaper(paper=paper)):
                assert paper.reprint == printed
            case (Sorry(reason=SorryReason.FILING_QUEUED), PrintingPaper(paper=paper)):
                # Nothing of it has been printed yet.
                assert not paper.reprint
            case ((Sorry() | MyTaxes()), PrintingPaper(paper=paper)):
                assert paper.reprint
            case (Sorry(reason=reason), IssuingPaper(step=step)):
                assert (reason, step) == (SorryReason.PAPER_FAILED, "recording")
            case _:
                pytest.fail(f"{edge.before.page} prints again by {edge.after.page}")


def test_nobody_identified_by_hand_reaches_a_page_of_taxes(sessions: list[Session]) -> None:
    for session in sessions:
        if isinstance(session.page, LookingUp | Ask | Paying | MyTaxes):
            assert session.holder is not None
            assert session.holder.from_card


def test_the_diagram_in_the_docs_is_the_machine() -> None:
    assert DIAGRAM_FILE.read_text(encoding="utf-8") == diagram(), "run: python -m tests.flows.diagram"
