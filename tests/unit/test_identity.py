"""What a number is, whether it can be true, and at which digit it goes wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.domain.identity import EntryProblem, IdentityKind, birth_of, check_entry, identify, modernised

#: The same examples every time, however slow the machine is today.
steady = settings(derandomize=True, deadline=None)

ON = date(2026, 11, 24)
CREDIT_CHARSET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",
        "440524188001010014",
        "350602199001010013",
        "350605198507150026",  # the district was founded later
        "350625199912310011",  # a county that is no more
        "350681197006158881",
        "350604200002290027",
        "350622199602290036",
        "35062219880808003X",
        "35062219880808003x",
        "350605198402290022",
    ],
)
def test_a_true_resident_number_is_valid_without_a_warning(number: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid, found.warnings) == (IdentityKind.RESIDENT_ID, True, ())


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("350625197802290014", "bad_day"),
        ("350602199002300012", "bad_day"),
        ("350602209912310013", "bad_year"),
        ("350602199001010014", "bad_check"),
        ("11010519491231002", "wrong_length"),
        ("3506021990X1010014", "x_not_last"),
    ],
)
def test_an_impossible_resident_number_is_refused_with_its_reason(number: str, problem: str) -> None:
    found = identify(number, ON)
    assert found.problem == problem
    assert not found.valid


def test_an_unknown_area_is_only_a_warning() -> None:
    found = identify("990602199001010012", ON)
    assert (found.kind, found.valid, found.warnings) == (IdentityKind.RESIDENT_ID, True, ("unknown_area",))


@pytest.mark.parametrize("prefix", ["810000", "820000", "830000"])
def test_residents_from_hong_kong_macao_and_taiwan_have_their_own_kind(prefix: str) -> None:
    found = identify(with_check(prefix + "19900101001"), ON)
    assert (found.kind, found.valid, found.warnings) == (IdentityKind.HMT_RESIDENT_ID, True, ())


def test_a_foreigners_card_is_known_in_both_its_forms() -> None:
    samples = ("932682198501010017", "911124198108030024")  # issued as specimens of the 2023 card
    for number in (*samples, with_check("93515619900101001"), "USA350090011515"):
        found = identify(number, ON)
        assert (found.kind, found.valid) == (IdentityKind.FOREIGNER_ID, True)
    assert identify("USA350090133115", ON).problem == "bad_date"


def test_a_15_digit_number_is_no_document_any_more_but_leads_to_its_holder() -> None:
    found = identify("110105491231002", ON)
    assert (found.kind, found.valid, found.warnings) == (IdentityKind.RESIDENT_ID, False, ("old_15_digit",))
    assert modernised("110105491231002") == "11010519491231002X"
    assert modernised("110105991231997")[6:10] == "1899"


@pytest.mark.parametrize(
    "number",
    [
        "91350100M000100Y43",
        "91110000101623741K",
        "91350600MA2XXXX199",
        "92350625MA2XXXX278",
        "12350605M0000AB16H",
        "93350622MA2XXXX35L",
        "91350602MA00013330",  # remainder 0
        "91350602MA0001210Y",  # remainder 1
    ],
)
def test_a_true_credit_code_is_valid(number: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid, found.warnings) == (IdentityKind.CREDIT_CODE, True, ())


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("91350100M000100Y44", "bad_check"),
        ("91350100MO00100Y43", "bad_character"),
        ("91350600MA2XXXX19", "wrong_length"),
        ("9135O100M000100Y43", "bad_character"),
    ],
)
def test_an_impossible_credit_code_is_refused_with_its_reason(number: str, problem: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid, found.problem) == (IdentityKind.CREDIT_CODE, False, problem)


def test_a_taxpayer_whose_code_was_issued_with_a_wrong_check_is_not_refused() -> None:
    found = identify("91350211M0000XUF46", ON)
    assert (found.kind, found.valid) == (IdentityKind.CREDIT_CODE, True)
    assert found.warnings == ("issued_with_wrong_check",)


def test_a_credit_code_of_digits_only_is_not_taken_for_a_person() -> None:
    found = identify("913506007437100466", ON)
    assert (found.kind, found.valid) == (IdentityKind.CREDIT_CODE, True)


@pytest.mark.parametrize("number", ["743719761", "78305975-3", "66195133-X", "M000100Y-4", "MA000100-X", "MA000105-0"])
def test_a_true_organisation_code_is_valid_with_and_without_hyphen(number: str) -> None:
    for form in (number, number.replace("-", "")):
        found = identify(form, ON)
        assert (found.kind, found.valid) == (IdentityKind.ORGANISATION_CODE, True)


@pytest.mark.parametrize(("number", "problem"), [("743719762", "bad_check"), ("00000000-0", "reserved")])
def test_an_impossible_organisation_code_is_refused(number: str, problem: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid, found.problem) == (IdentityKind.ORGANISATION_CODE, False, problem)


@pytest.mark.parametrize(
    "number",
    [
        "350602743719761",  # unit of before 2015-10
        "35060290010100101",  # individual business, old ID
        "35060219900101001301",  # individual business, new ID
        "37020200DK00483",  # seller on whose behalf an invoice was issued
        "37028400DK00440",
    ],
)
def test_taxpayer_numbers_of_every_length_in_use_are_accepted(number: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid) == (IdentityKind.TAXPAYER_ID, True)


def test_a_taxpayer_number_around_an_impossible_id_is_refused() -> None:
    assert identify("35060219900101001401", ON).problem == "bad_check"


def test_full_width_digits_and_spaces_are_read_as_typed_plainly() -> None:
    found = identify(" ３５０６２２ 19880808　003ｘ ", ON)
    assert (found.number, found.valid) == ("35062219880808003X", True)
    assert found.masked == "3506**********003X"


@pytest.mark.parametrize("number", ["", "  ", "你好", "12", "E12345678901234567890", "١٢٣٤٥٦٧٨٩"])
def test_what_is_no_number_is_said_to_be_none(number: str) -> None:
    found = identify(number, ON)
    assert (found.kind, found.valid) == (IdentityKind.UNKNOWN, False)


@steady
@given(st.text(max_size=24))
def test_no_text_breaks_the_judgement_and_a_valid_one_has_no_problem(text: str) -> None:
    found = identify(text, ON)
    assert found.valid == (found.problem is None)
    check_entry(text, ON)
    birth_of(text)


# ---- typing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "at", "problem"),
    [
        ("35A", 3, "not_a_digit"),
        ("35X", 3, "x_not_last"),
        ("3506023", 7, "bad_year"),
        ("35060217", 8, "bad_year"),
        ("3506022027", 10, "bad_year"),
        ("35060219902", 11, "bad_month"),
        ("350602199013", 12, "bad_month"),
        ("350602199000", 12, "bad_month"),
        ("3506021990022", 13, None),
        ("3506021990023", 13, "bad_day"),
        ("35060219900229", 14, "bad_day"),
        ("35060219960229", 14, None),
        ("35060219000229", 14, "bad_day"),
        ("35060219900431", 14, "bad_day"),
        ("350602202612", 12, "in_future"),
        ("35060220261125", 14, "in_future"),
        ("35060220261124", 14, None),
        ("350602199001010014", 18, "bad_check"),
        ("35062219880808003X", 18, None),
        ("990602", 6, None),
    ],
)
def test_a_wrong_digit_is_said_as_soon_as_it_is_typed(typed: str, at: int, problem: str | None) -> None:
    found = check_entry(typed, ON)
    if problem is None:
        assert found is None
    else:
        assert found == EntryProblem(at, problem)
        assert check_entry(typed[: at - 1], ON) is None


births = st.dates(date(1800, 1, 1), ON)


@steady
@given(births, st.sampled_from(["350622", "110105", "810000", "990602"]), st.integers(0, 999))
def test_a_true_number_raises_no_problem_while_it_is_typed(born: date, area: str, sequence: int) -> None:
    number = with_check(f"{area}{born:%Y%m%d}{sequence:03}")
    assert all(check_entry(number[:n], ON) is None for n in range(19))
    assert birth_of(number) == born
    assert identify(number, ON).valid


@steady
@given(births, st.integers(0, 999), st.integers(0, 17), st.sampled_from("0123456789"))
def test_one_mistyped_digit_never_passes(born: date, sequence: int, at: int, digit: str) -> None:
    number = with_check(f"350622{born:%Y%m%d}{sequence:03}")
    wrong = number[:at] + digit + number[at + 1 :]
    assert wrong == number or not identify(wrong, ON).valid or identify(wrong, ON).kind is IdentityKind.CREDIT_CODE


@steady
@given(births, st.integers(0, 999), st.integers(0, 16))
def test_two_digits_changed_over_never_pass(born: date, sequence: int, at: int) -> None:
    number = with_check(f"350622{born:%Y%m%d}{sequence:03}")
    wrong = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert wrong == number or check_entry(wrong, ON) is not None


@steady
@given(st.integers(1, 40_000))
def test_nobody_is_born_after_today(days: int) -> None:
    born = ON + timedelta(days=days)
    assert not identify(with_check(f"350622{born:%Y%m%d}003"), ON).valid


@steady
@given(st.text(CREDIT_CHARSET, min_size=9, max_size=9), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_at_most_the_true_and_the_known_wrong_check_of_a_credit_code_pass(middle: str, check: str) -> None:
    stem = "91350600" + middle
    passing = [char for char in CREDIT_CHARSET if identify(stem + char, ON).valid]
    without_warning = [char for char in passing if not identify(stem + char, ON).warnings]
    assert len(passing) <= 2
    assert len(without_warning) == 1


def with_check(seventeen: str) -> str:
    """The check character by the standard's own table of weights, independent of the code under test."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(seventeen, weights, strict=True))
    return seventeen + "10X98765432"[total % 11]


# ---- the command ---------------------------------------------------------------------------------------------------


def test_the_command_answers_an_invalid_number_too_and_never_shows_it_in_full() -> None:
    done = command("350602199001010014")
    assert done.returncode == 0
    answer = json.loads(done.stdout)
    assert answer == {
        "kind": "resident_id",
        "valid": False,
        "warnings": [],
        "masked": "3506**********0014",
        "problem": "bad_check",
    }
    assert "350602199001010014" not in done.stdout + done.stderr


def test_the_command_refuses_an_empty_number() -> None:
    done = command(" ")
    assert done.returncode == 2
    assert json.loads(done.stderr) == {"error": {"field": "number", "problem": "empty"}}


def command(number: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from kiosk.cli.main import main; main()", "identify", number],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
