"""Calling: what windows do to tickets, and in which order."""

from __future__ import annotations

import random

import pytest

from hall.queue import staff
from hall.queue.refusal import Refused
from hall.queue.views import EventKind, WindowAction
from hall.store import statements
from hall.store.writer import Work
from tests.hall.house import House

A = WindowAction


def refused(house: House, window: str, action: WindowAction, **asked: object) -> str:
    with pytest.raises(Refused) as caught:
        house.act(window, action, **asked)
    return caught.value.problem


def test_the_oldest_is_called_first(house: House) -> None:
    for _ in range(3):
        house.take()
        house.clock.move(minutes=1)
    house.sit("1")
    house.sit("2")
    assert [house.call_next("1"), house.call_next("2")] == ["A001", "A002"]


def test_a_window_with_a_ticket_may_not_call_another(house: House) -> None:
    house.take()
    house.take()
    house.sit("1")
    house.call_next("1")
    assert refused(house, "1", A.CALL_NEXT) == "window_busy"
    assert house.state("A002") == "waiting"


def test_a_window_may_finish_and_call_in_one_step(house: House) -> None:
    house.take()
    house.take()
    house.sit("1")
    house.call_next("1")
    assert house.call_next("1", finish=True, current="A001") == "A002"
    assert house.state("A001") == "done"


def test_the_last_ticket_is_finished_even_if_nobody_waits_behind_it(house: House) -> None:
    house.take()
    house.sit("1")
    house.call_next("1")
    assert house.call_next("1", finish=True, current="A001") is None
    assert house.state("A001") == "done"
    assert refused(house, "1", A.CALL_NEXT) == "nobody_waiting"


def test_a_button_on_a_stale_screen_hits_nobody(house: House) -> None:
    house.take()
    house.take()
    house.sit("1")
    house.call_next("1")
    house.call_next("1", finish=True, current="A001")
    assert refused(house, "1", A.NO_SHOW, number="A001") == "stale"
    assert refused(house, "1", A.CALL_NEXT, finish=True, current="A001") == "stale"
    assert refused(house, "1", A.FINISH) == "missing"
    assert house.state("A002") == "called"


def test_a_paused_window_does_not_call(house: House) -> None:
    house.take()
    house.sit("1")
    house.act("1", A.PAUSE)
    assert refused(house, "1", A.CALL_NEXT) == "window_closed"
    house.act("1", A.OPEN)
    assert house.call_next("1") == "A001"


def test_who_has_logged_out_calls_nobody(house: House) -> None:
    house.take()
    session = house.sit("1")
    house.leave("1")
    house.sessions["1"] = session
    assert refused(house, "1", A.CALL_NEXT) == "session_ended"


def test_recall_start_and_finish(house: House) -> None:
    house.take()
    house.sit("1")
    house.call_next("1")
    house.act("1", A.RECALL, number="A001")
    house.act("1", A.START, number="A001")
    assert house.state("A001") == "serving"
    assert refused(house, "1", A.RECALL, number="A001") == "not_allowed"
    house.act("1", A.FINISH, number="A001")
    told = [(event.kind, event.calls) for event in house.events if event.number == "A001"]
    assert told == [
        (EventKind.ISSUED, 0),
        (EventKind.CALLED, 1),
        (EventKind.RECALLED, 2),
        (EventKind.STARTED, 0),
        (EventKind.FINISHED, 0),
    ]


def test_a_priority_ticket_passes_those_who_wait_less_than_twice_as_long(house: House) -> None:
    house.take()
    house.clock.move(minutes=10)
    house.take(priority=True)
    house.clock.move(minutes=8)
    house.sit("1")
    # 18 minutes × 1 against 8 × 2: not yet.
    assert house.call_next("1") == "A001"
    house.take()
    house.clock.move(minutes=3)
    house.take(priority=True)
    house.clock.move(minutes=4)
    assert house.call_next("1", finish=True, current="A001") == "A002"
    # 7 × 1 against 4 × 2.
    assert house.call_next("1", finish=True, current="A002") == "A004"


def test_nobody_starves_behind_priority_tickets(house: House) -> None:
    house.take()
    house.sit("1")
    called, current = [], None
    for _ in range(12):
        house.take(priority=True)
        house.clock.move(minutes=5)
        current = house.call_next("1", finish=current is not None, current=current)
        called.append(current)
    assert "A001" in called


def test_a_transferred_ticket_keeps_its_age(house: House) -> None:
    house.take()
    house.clock.move(minutes=5)
    house.take()
    house.sit("1")
    house.sit("2")
    house.call_next("1")
    house.act("1", A.TRANSFER, number="A001")
    assert house.state("A001") == "transferred"
    assert house.call_next("2") == "A001"


def test_a_ticket_transferred_to_a_window_goes_there_only_and_before_all_others(house: House) -> None:
    house.take()
    for window in ("1", "2", "3"):
        house.sit(window)
    house.clock.move(minutes=5)
    house.take()
    house.clock.move(minutes=5)
    house.take()
    house.call_next("1")
    house.call_next("2")
    house.act("2", A.TRANSFER, number="A002", to_window="3")
    house.act("1", A.TRANSFER, number="A001")
    assert house.call_next("1") == "A001"
    assert house.call_next("2") == "A003", "A002 is older, but it is for window 3"
    house.take()
    assert house.call_next("3") == "A002"


def test_a_ticket_is_not_transferred_to_a_window_where_nobody_sits(house: House) -> None:
    house.take()
    house.sit("1")
    house.call_next("1")
    assert refused(house, "1", A.TRANSFER, number="A001", to_window="2") == "window_closed"
    assert refused(house, "1", A.TRANSFER, number="A001", to_window="9") == "no_such_window"


def test_a_ticket_meant_for_a_window_is_everybodys_when_its_clerk_goes_home(house: House) -> None:
    house.take()
    house.sit("1")
    house.sit("2")
    house.call_next("1")
    house.act("1", A.TRANSFER, number="A001", to_window="2")
    assert refused(house, "1", A.CALL_NEXT) == "nobody_waiting"
    house.leave("2")
    assert house.call_next("1") == "A001"


def test_a_parked_ticket_comes_back_to_any_window_without_a_new_number(house: House) -> None:
    house.take()
    house.sit("1")
    house.sit("2")
    house.call_next("1")
    house.act("1", A.PARK, number="A001")
    assert house.act("2", A.RESUME, number="A001") == "A001"
    assert refused(house, "1", A.RESUME, number="A001") == "not_allowed"


def test_who_was_away_comes_back_within_the_next_three_of_that_window(house: House) -> None:
    for _ in range(6):
        house.take()
    house.sit("1")
    current = house.call_next("1")
    house.act("1", A.NO_SHOW, number="A001")
    for expected in ("A002", "A003"):
        house.clock.move(seconds=30)
        current = house.call_next("1", finish=current != "A001", current=current)
        assert current == expected
    house.clock.move(seconds=30)
    assert house.act("1", A.CALL_NUMBER, number="a001", finish=True, current="A003") == "A001"


def test_who_was_away_too_long_takes_a_new_number(house: House) -> None:
    for _ in range(6):
        house.take()
    house.sit("1")
    house.call_next("1")
    house.act("1", A.NO_SHOW, number="A001")
    current = None
    for _ in range(3):
        house.clock.move(seconds=30)
        current = house.call_next("1", finish=current is not None, current=current)
    assert refused(house, "1", A.CALL_NUMBER, number="A001", finish=True, current=current) == "passed"
    assert house.state("A004") == "called", "the ticket at the window is not finished by a refusal"


def test_nobody_is_called_by_hand_past_those_who_wait(house: House) -> None:
    house.take()
    house.take()
    house.sit("1")
    assert refused(house, "1", A.CALL_NUMBER, number="A002") == "in_line"
    assert refused(house, "1", A.CALL_NUMBER, number="A999") == "no_such_ticket"


def test_a_forgotten_session_gives_its_window_free_and_a_present_one_does_not(house: House) -> None:
    house.sit("1")
    with pytest.raises(Refused, match="window_taken"):
        house.do(lambda work: _sit_as(work, "other", "1"))
    house.clock.move(hours=13)
    house.do(lambda work: _sit_as(work, "other", "1"))


def test_a_clerk_who_logs_in_elsewhere_leaves_the_first_window(house: House) -> None:
    house.do(lambda work: _sit_as(work, "wang", "1"))
    house.do(lambda work: _sit_as(work, "wang", "2"))
    assert house.value("SELECT group_concat(window) FROM window WHERE open = 1") == "2"


def _sit_as(work: Work, name: str, window: str) -> None:
    if work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none() is None:
        work.connection.execute(statements.ADD_STAFF, {"name": name, "role": "clerk", "password": "-"})
    row = work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one()
    staff.sit_down(work, row.id, name, window)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_clerks_press_the_count_of_the_line_is_that_of_the_table(house: House, seed: int) -> None:
    choose = random.Random(seed)
    for window in ("1", "2", "3"):
        house.sit(window)
    current: dict[str, str | None] = {"1": None, "2": None, "3": None}
    for _ in range(120):
        house.clock.move(seconds=choose.randint(1, 90))
        if choose.random() < 0.3:
            house.take(priority=choose.random() < 0.3)
            continue
        window = choose.choice(("1", "2", "3"))
        action = choose.choice(list(WindowAction))
        asked: dict[str, object] = {"number": current[window] or f"A{choose.randint(1, 40):03d}"}
        if action is A.TRANSFER:
            asked["to_window"] = choose.choice([None, "1", "2", "3"])
        if choose.random() < 0.5:
            asked |= {"finish": True, "current": current[window]}
        try:
            current[window] = house.act(window, action, **asked)
        except Refused:
            continue
    assert house.in_line == house.value("SELECT count(*) FROM ticket WHERE state IN ('waiting', 'transferred')")
    assert [event.id for event in house.events] == list(range(1, len(house.events) + 1))
    assert house.value("SELECT count(*) FROM event") == len(house.events)
    # Called twice only by way of parking, a transfer or an absence.
    repeated = house.value(
        "SELECT count(*) FROM (SELECT ticket, sum(kind = 'called') AS calls,"
        " sum(kind IN ('parked', 'transferred', 'no_show')) AS asides FROM event GROUP BY ticket)"
        " WHERE calls > asides + 1"
    )
    assert repeated == 0
