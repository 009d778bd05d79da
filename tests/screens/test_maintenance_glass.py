"""Touch test and calibration: the whole glass is looked at, finger by finger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.session.events import Back, CellTouched, PointTouched
from kiosk.session.panel import GRID, Calibration, TouchTest
from screens.glass import BOUNCE_S, HOLD_S, IDLE_S, Painting, Pointing, cell_at, glass_of, grid
from tests.screens.samples import SESSIONS
from tests.screens.window import Visitor

CELLS = GRID[0] * GRID[1]


@pytest.mark.parametrize("landscape", [False, True], ids=["upright", "across"])
def test_every_cell_is_somewhere_and_they_are_counted_row_by_row(landscape: bool) -> None:
    columns, rows = grid(landscape)
    middles = [((c + 0.5) / columns, (r + 0.5) / rows) for r in range(rows) for c in range(columns)]
    assert [cell_at(x, y, landscape) for x, y in middles] == list(range(CELLS))


@given(st.floats(-1, 2), st.floats(-1, 2), st.booleans())
def test_the_very_edge_of_the_glass_still_belongs_to_a_cell(x: float, y: float, landscape: bool) -> None:
    assert 0 <= cell_at(x, y, landscape) < CELLS


def test_a_finger_drawn_across_paints_each_cell_once() -> None:
    glass = Painting(landscape=False, now=0)
    told = [glass.down(1, 0.0, 0.01, 0)]
    told += [glass.move(1, x / 100, 0.01, x / 100) for x in range(100)]
    assert [touch for touch in told if touch] == [CellTouched(cell) for cell in range(GRID[0])]


def test_two_fingers_paint_at_the_same_time() -> None:
    glass = Painting(landscape=False, now=0)
    assert glass.down(1, 0.01, 0.01, 0) == CellTouched(0)
    assert glass.down(2, 0.99, 0.99, 0) == CellTouched(CELLS - 1)
    assert glass.move(1, 0.2, 0.01, 0.1) == CellTouched(1)
    assert glass.move(2, 0.8, 0.99, 0.1) == CellTouched(CELLS - 2)


def test_a_finger_at_rest_in_a_corner_ends_it_and_elsewhere_does_not() -> None:
    glass = Painting(landscape=False, now=0)
    glass.down(1, 0.99, 0.01, 1.0)
    assert glass.wakes_at == 1.0 + HOLD_S
    assert glass.due(1.0 + HOLD_S - 0.1) is None
    assert glass.due(1.0 + HOLD_S) == Back()
    assert glass.due(9.0) is None, "said once"
    other = Painting(landscape=False, now=0)
    other.down(1, 0.5, 0.5, 0)
    assert other.due(HOLD_S * 3) is None


def test_a_corner_that_is_only_passed_does_not_end_it() -> None:
    glass = Painting(landscape=True, now=0)
    glass.down(1, 0.01, 0.01, 0)
    glass.move(1, 0.3, 0.01, 1.5)
    assert glass.due(HOLD_S + 1) is None


def test_a_glass_that_feels_nothing_is_left_by_itself() -> None:
    glass = Painting(landscape=False, now=5)
    assert glass.due(5 + IDLE_S[TouchTest] - 0.1) is None
    assert glass.due(5 + IDLE_S[TouchTest]) == Back()
    assert Pointing(5).due(5 + IDLE_S[Calibration]) == Back()


def test_a_point_is_where_the_finger_was_lifted() -> None:
    glass = Pointing(0)
    assert glass.down(1, 0.2, 0.2, 1) is None
    assert glass.move(1, 0.15, 0.12, 1.5) is None
    assert glass.up(1, 0.101, 0.1, 2) == PointTouched(101, 100)


def test_a_panel_that_bounces_and_a_hand_that_rests_point_once() -> None:
    glass = Pointing(0)
    glass.down(1, 0.1, 0.1, 1)
    glass.down(2, 0.9, 0.1, 1.1)
    assert glass.up(1, 0.1, 0.1, 1.2) is None
    assert glass.up(2, 0.9, 0.1, 1.3) == PointTouched(900, 100)
    glass.down(3, 0.9, 0.1, 1.3 + BOUNCE_S / 2)
    assert glass.up(3, 0.9, 0.1, 1.3 + BOUNCE_S * 0.9) is None


def test_every_other_page_has_targets() -> None:
    assert glass_of(SESSIONS["home"].page, landscape=False, now=0) is None


# ---- on the real window --------------------------------------------------------------------------------------------


def test_cells_are_posted_by_several_fingers_and_the_page_takes_no_other_touch(visitor: Visitor) -> None:
    visitor.see(SESSIONS["touch-test-untouched"])
    assert visitor.app.stage.targets() == []
    fingers = [visitor.down(30, 30), visitor.down(1050, 1890)]
    fingers[0].touch_move(300, 1890)
    for finger in fingers:
        finger.touch_up()
    visitor.step()
    assert visitor.posted() == [CellTouched(0), CellTouched(CELLS - 1), CellTouched(1)]


def test_a_corner_held_ends_the_test_while_nothing_else_happens(visitor: Visitor) -> None:
    visitor.see(SESSIONS["touch-test-untouched"])
    finger = visitor.down(30, 30)
    visitor.posted()
    visitor.clock.passed += HOLD_S
    visitor.app._tick()
    assert visitor.posted() == [Back()]
    finger.touch_up()


def test_a_cross_is_pointed_at_and_the_last_miss_is_said(visitor: Visitor) -> None:
    visitor.see(SESSIONS["calibration"])
    visitor.clock.passed += 1
    visitor.down(108, 192).touch_up()
    assert visitor.posted() == [PointTouched(100, 100)]
    page = replace(SESSIONS["calibration"].page, points=((112, 96),))  # type: ignore[type-var]
    visitor.see(replace(SESSIONS["calibration"], page=page))
    words = [getattr(box, "words", "") for box in visitor.app.stage.layers["body"].box.walk()]
    assert "上一个偏差 1.2 %" in words


def test_what_was_pointed_at_on_one_page_means_nothing_on_the_next(visitor: Visitor) -> None:
    visitor.see(SESSIONS["touch-test-untouched"])
    finger = visitor.down(540, 960)
    visitor.posted()
    visitor.see(SESSIONS["maintenance-screen"])
    finger.touch_up()
    visitor.step()
    assert visitor.posted() == []
