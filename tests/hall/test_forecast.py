"""The wait that is printed."""

from __future__ import annotations

import random

from hall.queue.forecast import InLine, OpenWindow, Situation, Snapshot, learned_means, play_once, simulate
from hall.settings import Forecast
from kiosk.domain.messages import Wait

SETTINGS = Forecast(runs=40, prior_minutes=6.0, prior_weight=20.0, spread=0.7, prior_by_category={"06": 4.0})
RATES = {"normal": 1.0, "priority": 2.0}


def situation(waiting: int, windows: int, minutes: float = 6.0) -> Situation:
    return Situation(
        line=tuple(InLine(float(waiting - i), "normal", "any") for i in range(waiting)),
        windows=tuple(OpenWindow(str(i)) for i in range(windows)),
        mean_minutes={"any": minutes},
        rates=RATES,
    )


def test_without_an_open_window_the_wait_is_not_known() -> None:
    snapshot = simulate(situation(3, 0), SETTINGS, seed=1)
    assert snapshot.wait(0, "normal") is None
    assert Snapshot().wait(0, "priority") is None


def test_the_range_holds_the_wait_that_arithmetic_expects() -> None:
    wait = simulate(situation(40, 4), SETTINGS, seed=1).wait(40, "normal")
    assert wait is not None
    # 40 before, 4 windows, 6 minutes each: about an hour.
    assert wait.low <= 58 <= wait.high
    assert wait.high - wait.low < 30


def test_the_wait_never_falls_with_more_people_ahead() -> None:
    snapshot = simulate(situation(60, 3), SETTINGS, seed=2)
    waits = [snapshot.wait(ahead, "normal") for ahead in range(120)]
    assert all(wait is not None and 0 <= wait.low <= wait.high for wait in waits)
    pairs = [(wait.low, wait.high) for wait in waits if wait is not None]
    assert pairs == sorted(pairs)


def test_a_line_that_has_just_emptied_prices_the_first_newcomer() -> None:
    """The snapshot is a second old: whoever it began behind has gone."""
    wait = Snapshot({"priority": [(1, 3.0, 6.0)]}).wait(0, "priority")
    assert wait is not None
    assert 0 <= wait.low <= 3 <= wait.high <= 6


def test_more_windows_make_it_shorter() -> None:
    few = simulate(situation(30, 2), SETTINGS, seed=3).wait(30, "normal")
    many = simulate(situation(30, 6), SETTINGS, seed=3).wait(30, "normal")
    assert few is not None
    assert many is not None
    assert many.high < few.low


def test_a_priority_newcomer_waits_less() -> None:
    snapshot = simulate(situation(60, 3), SETTINGS, seed=4)
    normal, priority = snapshot.wait(60, "normal"), snapshot.wait(60, "priority")
    assert normal is not None
    assert priority is not None
    assert priority.high < normal.high


def test_a_ticket_for_one_window_does_not_hold_up_the_line() -> None:
    line = (InLine(50.0, "normal", "any", only_window="9"), InLine(1.0, "normal", "any"))
    made = Situation(line, (OpenWindow("1"),), {"any": 6.0}, RATES)
    assert simulate(made, SETTINGS, seed=5).wait(1, "normal") == Wait(0, 1)


def test_the_same_seed_gives_the_same_forecast() -> None:
    assert simulate(situation(20, 3), SETTINGS, seed=6) == simulate(situation(20, 3), SETTINGS, seed=6)


def test_the_halls_own_times_replace_the_prior_as_they_come_in() -> None:
    assert learned_means(SETTINGS, {})["06"] == 4.0
    few = learned_means(SETTINGS, {"06": (5.0, 5 * 600.0)})["06"]
    many = learned_means(SETTINGS, {"06": (200.0, 200 * 600.0)})["06"]
    assert 4.0 < few < 6.0 < 9.0 < many < 10.0


def test_eight_of_ten_waits_fall_into_the_range() -> None:
    snapshot = simulate(situation(30, 3), SETTINGS, seed=7)
    wait = snapshot.wait(30, "normal")
    assert wait is not None
    numbers = random.Random(8)
    made = situation(30, 3)
    line = (*made.line, InLine(0.0, "normal", "any"))
    waits = [play_once(line, made, SETTINGS.spread, numbers)[-1] for _ in range(400)]
    inside = sum(wait.low <= minutes <= wait.high for minutes in waits) / len(waits)
    assert 0.7 <= inside <= 0.95
