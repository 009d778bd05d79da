"""A technician with a keyboard reaches everything on a maintenance page; on every other page no key does anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.session import events
from kiosk.session.panel import Place
from screens import keys
from screens.keys import Key
from screens.widgets.box import Rect
from tests.screens.samples import SESSIONS
from tests.screens.window import Visitor

#: As Kivy tells them.
ESCAPE, ENTER, TAB, BACKSPACE, UP, DOWN, RIGHT, LEFT = 27, 13, 9, 8, 273, 274, 275, 276
CHORDS = ("ctrl", "alt", "meta", "super")


def press(visitor: Visitor, *codes: int, modifiers: tuple[str, ...] = ()) -> None:
    """Down and up again, through Kivy's own window."""
    from kivy.core.window import Window

    for code in codes:
        # What Kivy does for every key that SDL tells of.
        if not Window.dispatch("on_key_down", code, 0, chr(code) if code < 128 else "", list(modifiers)):
            Window.dispatch("on_keyboard", code, 0, "", list(modifiers))
        Window.dispatch("on_key_up", code, 0)
        visitor.step(1)


# ---- what a key means ----------------------------------------------------------------------------------------------


def test_digits_of_both_rows_stand_for_themselves() -> None:
    assert [keys.meaning(ord(digit), []) for digit in "0189"] == ["0", "1", "8", "9"]
    assert [keys.meaning(code, ["numlock"]) for code in (256, 265)] == ["0", "9"]


@given(st.integers(0, 2**31), st.lists(st.sampled_from(["shift", "capslock", "numlock", *CHORDS])))
def test_no_chord_and_no_letter_means_anything(code: int, modifiers: list[str]) -> None:
    meaning = keys.meaning(code, modifiers)
    if not set(CHORDS).isdisjoint(modifiers):
        assert meaning is None
    assert meaning is None or meaning.isdigit() or meaning in set(Key)
    if chr(code % 0x110000).isalpha() and code < 0x110000 and not 256 <= code <= 276:
        assert meaning is None


def grid(columns: int, rows: int) -> list[tuple[str, Rect]]:
    return [(f"{c}.{r}", Rect(100 * c, 100 * r, 80, 80)) for r in range(rows) for c in range(columns)]


def walk(areas: list[tuple[str, Rect]], key: str) -> Iterator[str]:
    at = None
    for _ in areas:
        at = keys.focus(areas, at, key)
        assert at is not None
        yield at


@given(st.integers(1, 4), st.integers(1, 5))
def test_tab_comes_past_every_target_in_the_order_of_reading_and_begins_anew(columns: int, rows: int) -> None:
    areas = grid(columns, rows)
    names = [name for name, _ in areas]
    assert list(walk(areas[::-1], Key.NEXT)) == names
    assert list(walk(areas, Key.PREVIOUS)) == names[::-1]
    assert keys.focus(areas, names[-1], Key.NEXT) == names[0]


def test_arrows_go_where_they_point_and_stay_at_the_edge() -> None:
    areas = grid(3, 3)
    assert keys.focus(areas, "1.1", Key.UP) == "1.0"
    assert keys.focus(areas, "1.1", Key.DOWN) == "1.2"
    assert keys.focus(areas, "1.1", Key.LEFT) == "0.1"
    assert keys.focus(areas, "1.1", Key.RIGHT) == "2.1"
    assert keys.focus(areas, "1.0", Key.UP) == "1.0"
    assert keys.focus([], None, Key.DOWN) is None


# ---- on the real window --------------------------------------------------------------------------------------------


def test_a_pin_is_typed_corrected_and_sent(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-pin"])
    press(visitor, ord("4"), 263, BACKSPACE, ENTER)
    pin_key = events.PinKey
    assert visitor.posted() == [pin_key("4"), pin_key("7"), pin_key("back"), events.PinDone()]


def test_a_digit_held_down_counts_once(visitor: Visitor) -> None:
    from kivy.core.window import Window

    visitor.see(SESSIONS["maintenance-pin"])
    for _ in range(20):
        Window.dispatch("on_key_down", ord("4"), 0, "4", [])
    Window.dispatch("on_key_up", ord("4"), 0)
    press(visitor, ord("4"))
    assert visitor.posted() == [events.PinKey("4")] * 2


def test_every_target_of_every_maintenance_page_can_be_pressed_by_keyboard(visitor: Visitor) -> None:
    for name, session in SESSIONS.items():
        if not name.startswith("maintenance-"):
            continue
        visitor.see(session)
        targets = {target.name for target in visitor.app.stage.targets()}
        reached = set()
        for _ in targets:
            press(visitor, TAB)
            reached.add(visitor.app._focused)
        assert reached == targets, name
        visitor.posted()
        focused = visitor.app.stage.target(visitor.app._focused or "")
        press(visitor, ENTER)
        posted = visitor.posted()
        assert focused is not None, name
        assert posted, name
        assert callable(focused.sends) or focused.sends in posted or events.Touched() in posted, name


def test_the_focus_is_seen_and_goes_with_the_page(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-menu"])
    press(visitor, DOWN)
    assert visitor.app.stage._focus.group.length() > 0
    visitor.see(SESSIONS["maintenance-power"])
    assert visitor.app._focused is None
    assert visitor.app.stage._focus.group.length() == 0


def test_leafing_a_long_list_by_keyboard_keeps_the_focus_on_the_arrow(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-ledger"])
    visitor.app._focused = "list.down"
    press(visitor, ENTER)
    assert visitor.app.stage.list_turned() == 1
    assert visitor.app._focused == "list.down"


@pytest.mark.parametrize(
    ("page", "means"),
    [
        ("maintenance-card", events.GoHome()),
        ("maintenance-pin", events.GoHome()),
        ("maintenance-menu", events.Touched()),
        ("maintenance-device", events.OpenPlace(Place.MENU)),
        ("maintenance-device-sure", events.SaySure(False)),
        ("touch-test", events.Back()),
        ("calibration", events.Back()),
    ],
)
def test_escape_leads_back_towards_the_menu_and_never_out_of_it(visitor: Visitor, page: str, means: object) -> None:
    visitor.see(SESSIONS[page])
    press(visitor, ESCAPE)
    assert visitor.posted() == [means]


def test_outside_maintenance_no_key_does_anything(visitor: Visitor) -> None:
    for name, session in SESSIONS.items():
        if name.startswith(("maintenance", "touch-test", "calibration")):
            continue
        visitor.see(session, drawn=False)
        drawn = visitor.app.drawn
        from kivy.core.window import Window

        for code in (ESCAPE, ENTER, TAB, BACKSPACE, UP, DOWN, LEFT, RIGHT, ord("1"), 257, 282, 285, 292, 127, 32):
            assert Window.dispatch("on_key_down", code, 0, "", []), (name, code)
            Window.dispatch("on_key_up", code, 0)
        assert visitor.posted() == [], name
        assert visitor.app._focused is None
        assert visitor.app.drawn == drawn


@pytest.mark.parametrize("modifier", CHORDS)
def test_in_maintenance_chords_do_nothing_either(visitor: Visitor, modifier: str) -> None:
    visitor.see(SESSIONS["maintenance-pin"])
    press(visitor, ord("4"), ord("c"), ord("q"), 285, TAB, ENTER, ESCAPE, modifiers=(modifier,))
    assert visitor.posted() == []
