"""Four touches and where they should have been: the matrix that brings the two together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.maintenance.calibration import Found, Matrix, find, matrix_of
from kiosk.session.panel import CROSSES


def pointed(glass: Matrix) -> list[tuple[int, int]]:
    """What a glass reports that moves every touch so, when a steady finger points at the crosses."""
    points = (glass(x / 1000, y / 1000) for x, y in CROSSES)
    return [(round(x * 1000), round(y * 1000)) for x, y in points]


def found(points: list[tuple[int, int]], in_force: Matrix | None = None) -> Found:
    result = find(points, in_force=in_force)
    assert result is not None
    return result


small = st.floats(-0.04, 0.04)


@given(st.builds(Matrix, st.floats(0.9, 1.1), small, small, small, st.floats(0.9, 1.1), small))
def test_whatever_a_glass_does_to_a_touch_is_taken_back(glass: Matrix) -> None:
    result = found(pointed(glass))
    assert result.usable
    for x, y in ((0.2, 0.3), (0.5, 0.5), (0.85, 0.1)):
        assert result.matrix(*glass(x, y)) == pytest.approx((x, y), abs=0.002)


@pytest.mark.parametrize(
    "glass", [Matrix(-1, 0, 1), Matrix(1, 0, 0, 0, -1, 1), Matrix(0, 1, 0, 1, 0, 0), Matrix(0, -1, 1, 1, 0, 0)],
    ids=["mirrored", "upside_down", "swapped", "turned"],
)  # fmt: skip
def test_a_glass_mounted_the_wrong_way_round_is_put_right(glass: Matrix) -> None:
    result = found(pointed(glass))
    assert result.usable
    assert result.needed
    assert result.matrix(*glass(0.2, 0.7)) == pytest.approx((0.2, 0.7), abs=0.002)


def test_a_good_glass_needs_nothing() -> None:
    result = found([(103, 98), (898, 102), (901, 896), (99, 905)])
    assert result.usable
    assert not result.needed
    assert result.offset == 5


def test_an_unsteady_hand_calibrates_nothing() -> None:
    assert not found([(100, 100), (900, 100), (900, 900), (220, 780)]).usable


def test_a_finger_that_never_went_across_the_glass_calibrates_nothing() -> None:
    assert not found([(480, 480), (520, 480), (520, 520), (480, 520)]).usable


def test_points_on_one_line_and_too_few_points_say_nothing() -> None:
    assert find([(100, 100), (400, 400), (700, 700), (900, 900)]) is None
    assert find([(500, 500)] * 4) is None
    assert find([(100, 100), (900, 100), (900, 900)]) is None


def test_a_second_calibration_builds_on_the_first() -> None:
    worn, more = Matrix(1.02, 0, 0.03, 0, 0.98, -0.02), Matrix(1, 0, 0.02, 0, 1, 0.01)
    first = found(pointed(worn))
    # The glass drifts on; its touches go through the matrix in force before anybody sees them.
    drifted = more.after(worn)
    seen = first.matrix.after(drifted)
    second = found(pointed(seen), in_force=first.matrix)
    assert second.matrix(*drifted(0.4, 0.6)) == pytest.approx((0.4, 0.6), abs=0.003)


@given(st.builds(Matrix, *[st.floats(-2, 2).map(lambda value: round(value, 6))] * 6))
def test_the_text_for_the_x_server_reads_back(matrix: Matrix) -> None:
    assert matrix_of(matrix.text) == matrix
    assert len(matrix.text.split()) == 9


def test_no_text_is_a_glass_as_it_is_and_nonsense_is_refused() -> None:
    assert matrix_of("") == Matrix()
    assert matrix_of("1, 0, 0, 0, 1, 0, 0, 0, 1") == Matrix()
    for nonsense in ("1 0 0", "1 0 0 0 1 0 0 0.1 1", "a b c d e f 0 0 1"):
        with pytest.raises(ValueError, match=r"values to unpack|flat glass|could not convert"):
            matrix_of(nonsense)
