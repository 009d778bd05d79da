"""The person in front of the machine is never shown in full, and is the same person at every kiosk of a hall."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.holder import Holder, mask_name, mask_number

#: The same examples every time, however slow the machine is today.
steady = settings(derandomize=True, deadline=None)

OUYANG = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8), date(2030, 5, 1))


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("欧阳娜", "欧*娜"),
        ("李雷", "李*"),
        ("阿卜杜拉·买买提", "阿******提"),
        ("Maria Lopez", "M**** L****"),
        (" 李雷 ", "李*"),
        ("", ""),
    ],
)
def test_a_name_keeps_its_ends_only(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("35062219880808003X", "3506**********003X"),
        ("350602900101001", "3506*******1001"),
        ("E12345678", "*******78"),
        ("12", "12"),
        ("", ""),
    ],
)
def test_a_number_keeps_too_little_to_be_used(number: str, masked: str) -> None:
    assert mask_number(number) == masked


@steady
@given(st.text("0123456789X", min_size=3, max_size=30))
def test_no_mask_shows_more_than_eight_characters_or_changes_the_length(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert len(masked.replace("*", "")) <= 8
    assert "*" in masked


def test_a_traceback_or_log_line_cannot_carry_a_person() -> None:
    for text in (repr(OUYANG), str(OUYANG), f"{OUYANG}", repr([OUYANG])):
        assert "欧阳娜" not in text
        assert "35062219880808003X" not in text
        assert "1988" not in text
    assert OUYANG.masked == "欧*娜 3506**********003X"


def test_a_typed_number_is_masked_without_a_name() -> None:
    assert Holder("35062219880808003X", from_card=False).masked == "3506**********003X"


def test_a_card_is_good_on_its_last_day() -> None:
    assert not OUYANG.expired(date(2030, 5, 1))
    assert OUYANG.expired(date(2030, 5, 2))


def test_a_card_without_end_never_expires() -> None:
    assert not Holder("35062219880808003X", valid_to=None).expired(date(2100, 1, 1))


def test_years_are_completed_on_the_birthday() -> None:
    assert OUYANG.age(date(2026, 8, 7)) == 37
    assert OUYANG.age(date(2026, 8, 8)) == 38
    assert Holder("E12345678").age(date(2026, 8, 8)) is None


def test_one_person_has_one_reference_in_a_hall_and_another_in_the_next() -> None:
    again = Holder("35062219880808003X", from_card=False)
    assert OUYANG.reference(b"a" * 32) == again.reference(b"a" * 32)
    assert OUYANG.reference(b"a" * 32) != OUYANG.reference(b"b" * 32)
    assert "35062219880808003X" not in OUYANG.reference(b"a" * 32)
