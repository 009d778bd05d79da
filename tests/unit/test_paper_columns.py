"""Lines on paper: nothing is wider than the paper, no number is ever broken, nothing unprintable is sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.printer.columns import encode, longest_unit, printable, width, wrap, wrap_evenly

SENTENCES = st.lists(
    st.sampled_from(
        [
            "增值税",
            "小规模",
            "，",
            "。",
            "（",
            "）",
            "￥1,234.00",
            "3506**********003X",
            "VAT",
            "return",
            " ",
            "2026-11-23",
        ]
    ),
    max_size=30,
).map("".join)


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(min_value=2, max_value=48))
def test_no_line_is_wider_than_its_columns(text: str, columns: int) -> None:
    assert all(width(line) <= columns for line in wrap(text, columns))


@settings(deadline=None)
@given(SENTENCES, st.integers(min_value=24, max_value=48))
def test_a_number_or_word_that_fits_on_a_line_is_never_broken(text: str, columns: int) -> None:
    whole = re.findall(r"[!-~]+", printable(text))
    kept = [word for line in wrap(text, columns) for word in re.findall(r"[!-~]+", line)]
    if longest_unit(text) <= columns:
        assert kept == whole


@settings(deadline=None)
@given(st.text(max_size=200), st.integers(min_value=2, max_value=48))
def test_wrapping_loses_no_character(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert "".join(lines).replace(" ", "") == printable(text.replace("\n", "")).replace(" ", "")


@settings(deadline=None)
@given(SENTENCES, st.integers(min_value=24, max_value=48))
def test_even_lines_are_no_more_and_no_wider_and_say_the_same(text: str, columns: int) -> None:
    even, greedy = wrap_evenly(text, columns), wrap(text, columns)
    assert len(even) <= len(greedy)
    assert all(width(line) <= columns for line in even)
    assert "".join(even).replace(" ", "") == "".join(greedy).replace(" ", "")


@settings(deadline=None)
@given(SENTENCES)
def test_no_line_begins_with_closing_punctuation(text: str) -> None:
    text = text.replace(" ", "").lstrip("，。）")
    if longest_unit(text) <= 24:
        assert not any(line[0] in "，。）" for line in wrap(text, 24)[1:])


def test_a_currency_sign_stays_with_its_amount() -> None:
    assert wrap("合计应缴税额合计应缴￥1,234,567.89", 24) == ["合计应缴税额合计应缴", "￥1,234,567.89"]


def test_a_centred_sentence_parts_where_it_pauses() -> None:
    assert wrap_evenly("过号三位内可直接到窗口，逾时请重新取号", 32) == ["过号三位内可直接到窗口，", "逾时请重新取号"]


@settings(deadline=None)
@given(st.text(max_size=100))
def test_what_is_sent_is_gb18030_without_any_control_byte(text: str) -> None:
    sent = encode(text)
    assert all(byte >= 0x20 and byte != 0x7F for byte in sent)
    assert sent.decode("gb18030") == printable(text)


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("¥12.00", "￥12.00"),
        ("09:50–09:57", "09:50-09:57"),
        ("a\x1bi\tb\u200b", "aib"),
        ("Muñoz", "Munoz"),
        ("A\u00a0B", "A B"),
        ("税　务", "税　务"),
        ("㐂", "㐂"),
    ],
)
def test_characters_that_printers_lack_have_stand_ins(typed: str, printed: str) -> None:
    assert printable(typed) == printed


def test_a_title_parts_before_its_bracket() -> None:
    assert wrap_evenly("电子发票（普通发票）", 16) == ["电子发票", "（普通发票）"]
