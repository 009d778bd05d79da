from hypothesis import given
from hypothesis import strategies as st

from screens.widgets.lines import NOT_FIRST, NOT_LAST, break_lines


def measure(words: str) -> float:
    """Chinese characters as wide as two Latin ones, as in every Chinese font."""
    return sum(1 if char.isascii() else 2 for char in words)


def test_no_line_begins_with_a_full_stop_and_none_ends_with_an_opening_bracket() -> None:
    text = "号码已登记，前面还有十二人（含优先），不会丢，也不会重复。请听叫号，谢谢。"
    for width in range(8, 60):
        lines = break_lines(text, width, measure)
        assert not any(line[0] in NOT_FIRST or line[-1] in NOT_LAST for line in lines), lines


def test_a_number_stays_whole_and_keeps_its_unit() -> None:
    for width in range(10, 40):
        lines = break_lines("号码已登记，前面还有 12 人，不会丢。", width, measure)
        assert any("12 人" in line for line in lines), lines


def test_a_list_breaks_after_its_dot() -> None:
    for width in range(14, 40):
        lines = break_lines("申报纳税 · 国税 + 地税 · 当场办", width, measure)
        assert not any(line.startswith("·") for line in lines), lines


def test_no_last_line_holds_a_single_character() -> None:
    lines = break_lines("看一下号票上的号码听叫号再查", 26, measure)
    assert len(lines) == 2
    assert measure(lines[-1]) > 8


def test_english_breaks_between_words() -> None:
    assert break_lines("Proof of payment", 10, measure) == ["Proof of", "payment"]


def test_a_word_that_fits_its_line_is_never_cut_to_make_lines_even() -> None:
    assert break_lines("Check everything", 12, measure) == ["Check", "everything"]


@given(st.text(alphabet="取号票，。（）ab 12·", max_size=60), st.integers(4, 40))
def test_every_character_is_still_there_and_no_line_is_too_long(text: str, width: int) -> None:
    lines = break_lines(text, width, measure)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    # Closing punctuation hangs on to what it closes, whatever the width.
    assert all(measure(line) <= width or line[-1] in NOT_FIRST or line[0] in NOT_LAST for line in lines)
