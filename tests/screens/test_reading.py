"""Amounts as people say them: nothing is rounded, and a zero too many sounds wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screens.reading import fen_of, spoken, typed


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "0 元", "0 yuan"),
        (5, "0.05 元", "0.05 yuan"),
        (123_456, "1234.56 元", "1 thousand 234.56 yuan"),
        (35_000_000, "35 万元", "350 thousand yuan"),
        (350_000_000, "350 万元", "3 million 500 thousand yuan"),
        (35_000_005, "35 万 0.05 元", "350 thousand 0.05 yuan"),
        (100_005_000_000, "10 亿 5 万元", "1 billion 50 thousand yuan"),
    ],
)
def test_an_amount_is_said_as_people_say_it(fen: int, zh: str, en: str) -> None:
    assert (spoken(fen, chinese=True), spoken(fen, chinese=False)) == (zh, en)


def test_what_is_typed_is_grouped_and_keeps_its_point() -> None:
    assert [typed(entry) for entry in ("", "0", "350000", "350000.", "350000.5", "1234567.05")] == [
        "", "0", "350,000", "350,000.", "350,000.5", "1,234,567.05",
    ]  # fmt: skip


@given(st.integers(0, 10**13), st.integers(0, 99))
def test_what_is_typed_is_what_is_read(yuan: int, part: int) -> None:
    assert fen_of(f"{yuan}.{part:02}") == yuan * 100 + part


@given(st.integers(0, 10**13))
def test_no_digit_is_lost_in_words(fen: int) -> None:
    sizes = {"亿": 10**8, "万": 10**4, "元": 1}
    total, words = 0, spoken(fen, chinese=True).replace("万元", "万").replace("亿元", "亿").split()
    for number, unit in zip(words, [*words[1:], "元"], strict=True):
        if number[0].isdigit():
            whole, _, part = number.partition(".")
            total += (int(whole) * 100 + int(part or 0)) * sizes.get(unit, 1)
    assert total == fen
