"""Amounts in Chinese words as the bank's rule wants them, and the other small words of several papers."""

from __future__ import annotations

import itertools
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from kiosk.domain.filing import Bureau, Levy
from kiosk.domain.money import MOST_FEN, BadAmount, amount_in_words
from kiosk.domain.texts import Texts
from kiosk.paper.words import bracketed, bureau_name, in_fours, percent, period, short_key

ZH = Texts(config.read_texts("zh"))
_UNITS = {"拾": 10, "佰": 100, "仟": 1000}


def read_back(words: str) -> int:
    """What a person reads in the words, in fen. Written for this test; knows nothing of how they were made."""
    sign, words = (-1, words.removeprefix("（负数）")) if words.startswith("（负数）") else (1, words)
    whole, yuan, part = words.partition("元")
    if not yuan:
        whole, part = "", words
    fen, digit = _read_whole(whole) * 100, 0
    for character in part:
        match character:
            case "角":
                fen += digit * 10
            case "分":
                fen += digit
            case "整":
                pass
            case _:
                digit = "零壹贰叁肆伍陆柒捌玖".index(character)
    return sign * fen


def _read_whole(words: str) -> int:
    for word, unit in (("亿", 10**8), ("万", 10**4)):
        if word in words:
            high, _, low = words.rpartition(word)
            return _read_whole(high) * unit + _read_whole(low)
    number = digit = 0
    for character in words:
        if character in _UNITS:
            number += digit * _UNITS[character]
            digit = 0
        else:
            digit = "零壹贰叁肆伍陆柒捌玖".index(character)
    return number + digit


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        # 银发〔1997〕393号, its own examples.
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元叁角贰分"),
        ("107000.53", "壹拾万柒仟元伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        # The hall's own.
        ("3710.00", "叁仟柒佰壹拾元整"),
        ("0.00", "零元整"),
        ("0.01", "壹分"),
        ("0.10", "壹角整"),
        ("0.11", "壹角壹分"),
        ("1.00", "壹元整"),
        ("1.01", "壹元零壹分"),
        ("10.00", "壹拾元整"),
        ("10.05", "壹拾元零伍分"),
        ("1010.50", "壹仟零壹拾元伍角整"),
        ("10000.00", "壹万元整"),
        ("10001.00", "壹万零壹元整"),
        ("350000.00", "叁拾伍万元整"),
        ("100000000.00", "壹亿元整"),
        ("100000001.00", "壹亿零壹元整"),
        ("100001000.00", "壹亿零壹仟元整"),
        ("100070000.00", "壹亿零柒万元整"),
        ("1000000000.05", "壹拾亿元零伍分"),
        ("100000000000.00", "壹仟亿元整"),
        ("1000000000000.00", "壹万亿元整"),
        ("-5000.00", "（负数）伍仟元整"),
    ],
)
def test_an_amount_reads_as_the_rule_writes_it(yuan: str, words: str) -> None:
    assert amount_in_words(int(yuan.replace(".", ""))) == words


def test_every_amount_up_to_a_thousand_yuan_reads_back_and_no_two_read_alike() -> None:
    words = [amount_in_words(fen) for fen in range(100_001)]
    assert [read_back(one) for one in words] == list(range(100_001))
    assert len(set(words)) == len(words)


def test_zeros_in_every_place_of_a_hundred_billion_read_back() -> None:
    for digits in itertools.product((0, 3), repeat=14):
        fen = int("".join(map(str, digits)))
        words = amount_in_words(fen)
        assert read_back(words) == fen
        # One 零 for any run of zeros, none before a unit, none at the end; 整 exactly where no fen follow.
        assert not any(wrong in words for wrong in ("零零", "零万", "零亿", "亿万", "零整")), words
        assert "零元" not in words or fen == 0
        assert words.endswith("整") == (fen % 10 == 0)


@given(st.integers(-MOST_FEN, MOST_FEN))
def test_any_amount_reads_back(fen: int) -> None:
    assert read_back(amount_in_words(fen)) == fen


def test_an_absurd_amount_is_not_put_into_words() -> None:
    with pytest.raises(BadAmount):
        amount_in_words(MOST_FEN + 1)


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0.01", "1%"),
        ("0.1", "10%"),
        ("0.0003", "0.03%"),
        ("0.015", "1.5%"),
        ("0", "0%"),
        ("1", "100%"),
        ("免税", "免税"),
    ],
)
def test_a_rate_is_said_in_per_cent(rate: str, said: str) -> None:
    assert percent(rate) == said


def test_a_case_number_is_short_enough_to_be_read_out() -> None:
    assert short_key("3f2a91c077b4" + "0" * 20) == "3F2A-91C0-77B4"
    assert in_fours("7f3c91b24") == "7f3c 91b2 4"


def test_a_period_is_two_days_and_what_has_none_says_none() -> None:
    assert period(date(2026, 7, 1), date(2026, 9, 30), ZH) == "2026-07-01 至 2026-09-30"
    assert period(None, None, ZH) is None


def test_money_given_back_stands_in_brackets() -> None:
    assert (bracketed(12345), bracketed(-12345)) == ("123.45", "(123.45)")


def test_one_bureau_for_all_levies_is_not_called_the_state_bureau() -> None:
    """Under the unified profile local taxes go to the same service; with two bureaus they never do."""
    assert bureau_name(Bureau.STATE, [Levy.VAT], ZH) == "国税"
    assert bureau_name(Bureau.LOCAL, [Levy.UMCT, Levy.EDUCATION], ZH) == "地税"
    assert bureau_name(Bureau.STATE, [Levy.VAT, Levy.UMCT], ZH) == "税务局"
