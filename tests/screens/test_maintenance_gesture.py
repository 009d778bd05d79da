"""Four corners in turn lead a technician in. Everybody else never finds them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.session.events import HiddenGesture, SetLanguage
from kiosk.session.state import Language
from screens.corners import ACROSS, DEEP, WITHIN_S, Corners
from tests.screens.samples import SESSIONS
from tests.screens.window import Visitor

WIDTH, HEIGHT = 1080.0, 1920.0
IN_TURN = [(20.0, 20.0), (1060.0, 20.0), (1060.0, 1900.0), (20.0, 1900.0)]

Touches = Sequence[tuple[float, float, float]]


def opened(touches: Touches) -> bool:
    """``touches``: x, y, seconds since the touch before; each lifted before the next."""
    corners, now, seen = Corners(WIDTH, HEIGHT), 0.0, False
    for number, (x, y, wait) in enumerate(touches):
        now += wait
        seen = corners.down(number, x, y, now) or seen
        corners.up(number)
    return seen


def test_four_corners_clockwise_open_the_way() -> None:
    assert opened([(x, y, 1.0) for x, y in IN_TURN])


def test_another_order_does_not() -> None:
    assert not opened([(x, y, 0.5) for x, y in reversed(IN_TURN)])
    assert not opened([(x, y, 0.5) for x, y in (IN_TURN[0], IN_TURN[2], IN_TURN[1], IN_TURN[3])])
    assert not opened([(x, y, 0.5) for x, y in (*IN_TURN[1:], IN_TURN[0])])


def test_slowly_is_not_in_turn() -> None:
    assert not opened([(x, y, WITHIN_S / 3 + 0.1) for x, y in IN_TURN])


def test_a_touch_elsewhere_in_between_begins_it_anew() -> None:
    assert not opened([(x, y, 0.3) for x, y in (*IN_TURN[:3], (540.0, 900.0), IN_TURN[3])])


def test_whoever_begins_twice_is_let_in_all_the_same() -> None:
    assert opened([(x, y, 0.4) for x, y in (IN_TURN[0], *IN_TURN)])


def test_four_fingers_at_once_are_a_hand_and_no_gesture() -> None:
    corners = Corners(WIDTH, HEIGHT)
    assert not any(corners.down(number, x, y, 0.01 * number) for number, (x, y) in enumerate(IN_TURN))


def test_a_lift_that_got_lost_locks_nobody_out() -> None:
    corners = Corners(WIDTH, HEIGHT)
    corners.down("lost", 500, 500, 0.0)
    late = WITHIN_S + 1
    assert [corners.down(n, x, y, late + n) for n, (x, y) in enumerate(IN_TURN) if not corners.up(n - 1)][-1]


def corner_of(x: float, y: float) -> int | None:
    left, right, top, bottom = x < ACROSS, x >= WIDTH - ACROSS, y < DEEP, y >= HEIGHT - DEEP
    return {(True, False, True, False): 0, (False, True, True, False): 1, (False, True, False, True): 2,
            (True, False, False, True): 3}.get((left, right, top, bottom))  # fmt: skip


spots = st.one_of(
    st.tuples(st.floats(0, WIDTH - 0.1), st.floats(0, HEIGHT - 0.1)),
    st.sampled_from(IN_TURN),
)


@given(st.lists(st.tuples(spots, st.floats(0.05, 4)), max_size=30))
def test_only_the_four_in_turn_and_in_time_ever_open_it(touches: list[tuple[tuple[float, float], float]]) -> None:
    times, now = [], 0.0
    for (x, y), wait in touches:
        now += wait
        times.append((corner_of(x, y), now))
    runs = [times[i : i + 4] for i in range(len(times) - 3)]
    wanted = any([corner for corner, _ in run] == [0, 1, 2, 3] and run[-1][1] - run[0][1] <= WITHIN_S for run in runs)
    assert opened([(x, y, wait) for (x, y), wait in touches]) == wanted


def test_half_a_million_touches_of_ordinary_people_never_open_it(visitor: Visitor) -> None:
    """What people do on the home page: hit its targets, language and large text too, and now and then nothing."""
    dice = random.Random(17)
    areas = [target.area for target in visitor.app.stage.targets()]

    def touch() -> tuple[float, float, float]:
        wait = dice.uniform(0.3, 3)
        if dice.random() < 0.2:
            return dice.random() * WIDTH * 0.999, dice.random() * HEIGHT * 0.999, wait
        area = dice.choice(areas)
        return area.x + dice.random() * area.w, area.y + dice.random() * area.h, wait

    assert not opened([touch() for _ in range(500_000)])


def test_somebody_who_hunts_along_the_edges_all_day_finds_it_once_in_a_hundred_thousand_touches_at_most() -> None:
    """And is asked for a card then."""
    dice = random.Random(17)

    def edge(size: float) -> float:
        part = dice.random()
        return size * 0.999 * (part if dice.random() < 0.7 else dice.choice((part * 0.1, 1 - part * 0.1)))

    days = [[(edge(WIDTH), edge(HEIGHT), dice.uniform(0.3, 3)) for _ in range(1000)] for _ in range(300)]
    assert sum(opened(day) for day in days) <= 3


# ---- on the real glass ---------------------------------------------------------------------------------------------


def go_round(visitor: Visitor, corners: Sequence[tuple[float, float]] = IN_TURN) -> list[object]:
    for x, y in corners:
        visitor.down(x, y).touch_up()
        visitor.clock.passed += 0.5
    return visitor.posted()


def test_on_the_home_page_the_gesture_is_understood_and_a_corner_does_what_it_does(visitor: Visitor) -> None:
    assert [event for event in go_round(visitor) if isinstance(event, HiddenGesture)] == [HiddenGesture()]
    visitor.see(SESSIONS["home"])
    posted = go_round(visitor, [IN_TURN[0], (1000, 60), *IN_TURN[2:]])
    assert HiddenGesture() in posted
    assert SetLanguage(Language.EN) in posted


@pytest.mark.parametrize("page", ["sorry-out-of-service", "out-of-service-locked"])
def test_a_machine_out_of_service_lets_technicians_in(visitor: Visitor, page: str) -> None:
    visitor.see(SESSIONS[page])
    assert HiddenGesture() in go_round(visitor)


@pytest.mark.parametrize("page", ["keypad-half", "confirm", "ticket", "maintenance-menu"])
def test_nobody_comes_upon_it_in_a_visit(visitor: Visitor, page: str) -> None:
    visitor.see(SESSIONS[page])
    assert HiddenGesture() not in go_round(visitor)


def test_below_the_header_a_corner_can_be_touched_that_does_nothing_else(visitor: Visitor) -> None:
    visitor.down(1060, 145).touch_up()
    assert visitor.app.corners.corner(1060, 145) == 1
    assert not [event for event in visitor.posted() if isinstance(event, SetLanguage)]
