"""Money is what was written, to the fen, and is rounded the way the forms are."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.domain.money import MOST_FEN, BadAmount, grouped, share_of, to_fen, whole_jiao, without_tax, yuan


@pytest.mark.parametrize(
    ("written", "fen"),
    [
        ("0", 0),
        ("1", 100),
        ("1.2", 120),
        ("1.23", 123),
        ("-1.23", -123),
        ("007.50", 750),
        (3, 300),
        (Decimal("3.07"), 307),
        (Decimal("3E+2"), 30_000),
        ("10000000000000.00", MOST_FEN),
    ],
)
def test_yuan_become_fen(written: object, fen: int) -> None:
    assert to_fen(written) == fen


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "not_a_number"),
        (" 1", "not_a_number"),
        ("1 ", "not_a_number"),
        ("1\n", "not_a_number"),
        ("1,000.00", "not_a_number"),
        ("1e3", "not_a_number"),
        ("+1", "not_a_number"),
        ("１２", "not_a_number"),
        ("٣", "not_a_number"),
        (".5", "not_a_number"),
        ("5.", "not_a_number"),
        ("0x10", "not_a_number"),
        ("¥5", "not_a_number"),
        (1.5, "not_a_number"),
        (True, "not_a_number"),
        (None, "not_a_number"),
        ("NaN", "not_finite"),
        ("-Infinity", "not_finite"),
        (Decimal("sNaN"), "not_finite"),
        (Decimal("Infinity"), "not_finite"),
        ("1.001", "more_than_two_decimals"),
        (Decimal("1E-999999"), "more_than_two_decimals"),
        ("10000000000000.01", "too_large"),
        ("9" * 20, "too_large"),
        ("9" * 30, "too_large"),
        (10**400, "too_large"),
        (Decimal("1E+999999"), "too_large"),
    ],
)
def test_what_is_no_amount_is_refused(written: object, problem: str) -> None:
    with pytest.raises(BadAmount) as caught:
        to_fen(written)
    assert caught.value.problem == problem


@given(st.integers(-MOST_FEN, MOST_FEN))
def test_fen_written_out_and_read_again_are_the_same(fen: int) -> None:
    assert to_fen(yuan(fen)) == fen
    assert grouped(fen).replace(",", "") == yuan(fen)


def test_half_a_fen_is_a_fen() -> None:
    assert share_of(233, Decimal("0.5")) == 117
    assert share_of(50, Decimal("0.01")) == 1
    assert share_of(49, Decimal("0.01")) == 0


@given(st.integers(0, MOST_FEN), st.sampled_from(["0.01", "0.03", "0.05", "0.13", "0.17", "0.015"]))
def test_the_net_amount_is_the_nearest_fen(gross: int, rate: str) -> None:
    """Against whole-number arithmetic, in which nothing is rounded."""
    per_mille = 1000 + int(Decimal(rate) * 1000)
    net = without_tax(gross, Decimal(rate))
    assert abs(2 * (net * per_mille - gross * 1000)) <= per_mille


@pytest.mark.parametrize(
    ("exact", "fen"),
    [("9.99", 0), ("10", 10), ("14.99", 10), ("15", 20), ("370.35", 370), ("0", 0), ("999", 1000)],
)
def test_the_old_stamp_duty_is_in_jiao(exact: str, fen: int) -> None:
    assert whole_jiao(Decimal(exact)) == fen
