"""What is wanted of a machine from afar counts between visits: a person in one is never sent away."""

from __future__ import annotations

from dataclasses import replace

from kiosk.session import machine
from kiosk.session.effects import Arm, Effect, Leave, StopWatching, WatchForCard
from kiosk.session.events import (
    CardFound,
    DeadlinePassed,
    Event,
    GoHome,
    HiddenGesture,
    OpenGuide,
    SetLanguage,
    StandingChanged,
    Start,
    Touched,
)
from kiosk.session.panel import MaintenanceLogin
from kiosk.session.state import Home, Identify, Language, Purpose, Session, SlotView
from kiosk.session.step import RESTART_S
from tests.flows.walker import ALL_WELL, RULES

AT_HOME = Session(visit=7, situation=ALL_WELL)
LOCK = StandingChanged(True, "停电检修，9:00 恢复")
UNLOCK = StandingChanged(False)
RESTART = StandingChanged(False, restart=True)


def play(session: Session, *events: Event) -> tuple[Session, list[Effect]]:
    effects: list[Effect] = []
    for event in events:
        session, some = machine.step(RULES, session, event)
        effects += some
    return session, effects


def restart_timer(effects: list[Effect]) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, Arm) and effect.name == "restart"]


# ---- locked ----------------------------------------------------------------------------------------------------------


def test_a_locked_machine_says_the_manager_s_words() -> None:
    after, _ = play(AT_HOME, LOCK)
    assert after.situation.locked
    assert after.situation.locked_words == "停电检修，9:00 恢复"


def test_nobody_begins_anything_at_a_locked_machine_by_touch_or_card() -> None:
    locked, _ = play(AT_HOME, LOCK)
    for event in (Start(Purpose.TAKE_NUMBER), Start(Purpose.FILE), OpenGuide(), CardFound(locked.visit)):
        after, effects = play(locked, event)
        assert isinstance(after.page, Home)
        assert not [effect for effect in effects if not isinstance(effect, Arm)]


def test_the_reader_rests_while_it_is_locked_and_looks_again_afterwards() -> None:
    locked, effects = play(AT_HOME, LOCK)
    assert StopWatching() in effects
    assert not any(isinstance(effect, WatchForCard) for effect in effects)
    unlocked, effects = play(locked, UNLOCK)
    assert WatchForCard(unlocked.visit) in effects
    assert isinstance(play(unlocked, Start(Purpose.TAKE_NUMBER))[0].page, Identify)


def test_words_that_change_while_it_is_locked_are_shown_and_begin_no_visit() -> None:
    locked, _ = play(AT_HOME, LOCK)
    after, effects = play(locked, StandingChanged(True, "10:00 恢复"))
    assert (after.visit, after.situation.locked_words) == (locked.visit, "10:00 恢复")
    assert not any(isinstance(effect, WatchForCard) for effect in effects)


def test_a_visit_in_progress_goes_on_and_the_next_does_not_begin() -> None:
    visiting, _ = play(AT_HOME, Start(Purpose.TAKE_NUMBER))
    going_on, effects = play(visiting, LOCK)
    assert (going_on.page, going_on.visit, effects) == (visiting.page, visiting.visit, [])
    left, effects = play(going_on, GoHome())
    assert isinstance(left.page, Home)
    assert not any(isinstance(effect, WatchForCard) for effect in effects)
    assert isinstance(play(left, Start(Purpose.TAKE_NUMBER))[0].page, Home)


def test_a_technician_gets_in_at_a_locked_machine() -> None:
    locked, _ = play(replace(AT_HOME, situation=replace(ALL_WELL, smart_card=SlotView(works=True))), LOCK)
    assert isinstance(play(locked, HiddenGesture())[0].page, MaintenanceLogin)


def test_the_page_of_a_locked_machine_can_be_read_in_english() -> None:
    locked, _ = play(AT_HOME, LOCK)
    assert play(locked, SetLanguage(Language.EN))[0].language is Language.EN


# ---- a restart that is wanted ----------------------------------------------------------------------------------------


def test_the_front_end_leaves_after_ten_seconds_in_which_nobody_touched() -> None:
    wanted, effects = play(AT_HOME, RESTART)
    assert restart_timer(effects) == [Arm(wanted.visit, "restart", RESTART_S)]
    assert play(wanted, DeadlinePassed(wanted.visit, "restart"))[1] == [Leave()]


def test_every_touch_on_the_home_page_puts_it_off() -> None:
    wanted, _ = play(AT_HOME, RESTART)
    for touch in (Touched(), SetLanguage(Language.EN)):
        assert restart_timer(play(wanted, touch)[1]) == [Arm(wanted.visit, "restart", RESTART_S)]


def test_somebody_who_began_is_not_sent_away_and_it_comes_after_the_visit() -> None:
    wanted, _ = play(AT_HOME, RESTART)
    visiting, _ = play(wanted, Start(Purpose.TAKE_NUMBER))
    still, effects = play(visiting, DeadlinePassed(visiting.visit, "restart"))
    assert (still, effects) == (visiting, [])
    left, effects = play(visiting, GoHome())
    assert restart_timer(effects) == [Arm(left.visit, "restart", RESTART_S)]
    assert Leave() in play(left, DeadlinePassed(left.visit, "restart"))[1]


def test_a_restart_wanted_in_mid_visit_comes_after_it() -> None:
    visiting, _ = play(AT_HOME, Start(Purpose.TAKE_NUMBER))
    going_on, effects = play(visiting, RESTART)
    assert (going_on.page, effects) == (visiting.page, [])
    assert restart_timer(play(going_on, GoHome())[1])


def test_a_locked_machine_restarts_too() -> None:
    wanted, effects = play(AT_HOME, StandingChanged(True, "", restart=True))
    assert restart_timer(effects) == [Arm(wanted.visit, "restart", RESTART_S)]
    assert Leave() in play(wanted, DeadlinePassed(wanted.visit, "restart"))[1]


def test_nothing_leaves_that_was_not_asked_to() -> None:
    wanted, _ = play(AT_HOME, RESTART)
    unwanted, _ = play(wanted, UNLOCK)
    assert play(unwanted, DeadlinePassed(unwanted.visit, "restart")) == (unwanted, [])
