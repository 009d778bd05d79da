"""The window against its user: no key, chord, button, hand or crash leads out of the application or breaks a page."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kiosk.session import events
from tests.screens.samples import SESSIONS
from tests.screens.window import DEADLINE_S, Visitor, stand_alone

LONG = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"

#: Random touches a page, and chords typed.
SMASHES, CHORDS = (500, 2000) if LONG else (60, 300)

MODIFIERS = ("ctrl", "alt", "shift", "super")

#: What has led out of other kiosks.
FAMOUS = (
    "ctrl+c", "ctrl+q", "ctrl+w", "ctrl+v", "ctrl+alt+Delete", "ctrl+alt+BackSpace", "alt+F4", "alt+Tab", "alt+space",
    "ctrl+Escape", "ctrl+shift+Escape", "super+d", "super+r", "super+l", "F1", "F5", "F10", "F11", "F12", "Print",
    "alt+Print", "shift+F10", "Menu", "Escape", "Return", "space", "Tab", "BackSpace", "Delete", "Insert",
    *(f"ctrl+alt+F{number}" for number in range(1, 13)), "XF86PowerOff", "XF86Sleep", "XF86WWW", "XF86Eject",
)  # fmt: skip

#: Every key that a keyboard has: X key codes, of which 8 is the first.
EVERY_KEY = [str(code) for code in range(10, 256)]


@dataclass
class FrontEnd:
    process: subprocess.Popen[str]
    targets: dict[str, Any]
    window: str

    def line(self) -> str:
        """The next event that it posted."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def touch(self, name: str) -> None:
        x, y, w, h = self.targets["targets"][name]
        xdotool("mousemove", "--window", self.window, x + w // 2, y + h // 2, "click", 1)

    def ends_well(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        assert self.process.stdout.read().endswith("stopped\n")
        assert self.process.wait(DEADLINE_S) == 0


def xdotool(*words: object) -> str:
    done = subprocess.run(["xdotool", *map(str, words)], check=True, timeout=60, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def front_end(display: str, folder: Path, page: str) -> Iterator[FrontEnd]:
    targets = folder / "targets.json"
    with stand_alone(display, targets, page) as process:
        window = xdotool("search", "--sync", "--onlyvisible", "--pid", process.pid).splitlines()[0]
        # Keys go to the window under the pointer: there is no window manager to give it anything else.
        xdotool("mousemove", "--window", window, 540, 150)
        yield FrontEnd(process, json.loads(targets.read_text()), window)


def chords(dice: random.Random, count: int) -> list[str]:
    keys = ["a", "c", "d", "q", "r", "t", "v", "w", "x", "z", "0", "4", "9", "plus", "minus", "slash", "Tab", "Escape",
            "Return", "space", "Delete", "Up", "Down", "Left", "Right", "Home", "End", "Prior", "Next", "KP_0",
            "KP_Enter", *(f"F{n}" for n in range(1, 13))]  # fmt: skip
    return [
        "+".join([*dice.sample(MODIFIERS, dice.randint(0, 3)), dice.choice(keys)])
        for _ in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("page", "target", "means"),
    [("home", "my_number", "Start("), ("confirm", "back", "Back()"), ("issuing-printing", "", "")],
)
def test_no_key_and_no_chord_does_anything(display: str, tmp_path: Path, page: str, target: str, means: str) -> None:
    with front_end(display, tmp_path, page) as shown:
        xdotool("key", "--delay", 1, *EVERY_KEY)
        xdotool("key", "--delay", 1, *FAMOUS)
        xdotool("key", "--delay", 1, *chords(random.Random(5), CHORDS))
        xdotool("type", "--delay", 1, "rm -rf / ~ 你好 exit")
        for modifier in MODIFIERS:
            xdotool("keyup", modifier)
        assert shown.process.poll() is None
        if target:
            # The first that it posts is a touch: no key posted anything.
            shown.touch(target)
            assert shown.line().startswith(means)
        after = json.loads((tmp_path / "targets.json").read_text())
        assert (after["page"], after["shown"]) == (shown.targets["page"], shown.targets["shown"])
        shown.ends_well()


def test_the_same_keys_do_reach_the_window_where_a_technician_types(display: str, tmp_path: Path) -> None:
    """Without this the tests above would pass with a keyboard that is not plugged in."""
    with front_end(display, tmp_path, "maintenance-pin") as shown:
        xdotool("key", "--delay", 30, "4", "KP_7", "BackSpace", "Return")
        assert [shown.line() for _ in range(4)] == ["PinKey()", "PinKey()", "PinKey()", "PinDone()"]
        xdotool("key", "--delay", 1, *(f"{modifier}+{key}" for modifier in ("ctrl", "alt", "super") for key in "4cq"))
        shown.touch("key.1")
        assert shown.line() == "PinKey()"
        shown.touch("back")
        assert shown.line() == "GoHome()"
        shown.ends_well()


def test_other_buttons_wheels_and_half_clicks_of_a_mouse_do_nothing(display: str, tmp_path: Path) -> None:
    with front_end(display, tmp_path, "home") as shown:
        x, y, w, h = shown.targets["targets"]["take_number"]
        xdotool("mousemove", "--window", shown.window, x + w // 2, y + h // 2)
        # 2 pastes elsewhere, 3 opens menus, 4 to 7 are wheels, 8 and 9 go back and forth in a browser.
        for button in (2, 3, 4, 5, 6, 7, 8, 9):
            xdotool("click", "--repeat", 3, "--delay", 5, button)
        # A button that goes down beside the window, or that comes up beside what it went down on.
        xdotool("mousemove", 5, 5, "mousedown", 1, "mousemove", "--window", shown.window, 540, 500, "mouseup", 1)
        xdotool("mousemove", "--window", shown.window, 540, 500, "mousedown", 1)
        xdotool("mousemove", "--window", shown.window, 540, 250, "mouseup", 1)
        shown.touch("my_number")
        lines = [shown.line()]
        while not lines[-1].startswith("Start"):
            lines.append(shown.line())
        assert set(lines[:-1]) <= {"Touched()"}, lines
        assert lines[-1].startswith("Start(purpose=<Purpose.MY_NUMBER")
        assert json.loads((tmp_path / "targets.json").read_text())["page"] == "home"
        shown.ends_well()


def test_a_finger_that_lay_on_the_glass_before_the_window_was_there_is_no_fault(display: str, tmp_path: Path) -> None:
    xdotool("mousemove", 960, 700, "mousedown", 1)
    try:
        with front_end(display, tmp_path, "home") as shown:
            xdotool("mousemove", 960, 900, "mouseup", 1)
            shown.touch("my_number")
            line = shown.line()
            assert line.startswith("Start(purpose=<Purpose.MY_NUMBER") or line == "Touched()"
            assert json.loads((tmp_path / "targets.json").read_text())["page"] == "home"
            shown.ends_well()
    finally:
        xdotool("mouseup", 1)


# ---- in the window's own process -----------------------------------------------------------------------------------


def test_what_would_close_drop_paste_or_minimise_is_swallowed(visitor: Visitor) -> None:
    from kivy.core.window import Window

    visitor.see(SESSIONS["confirm"])
    assert Window.dispatch("on_request_close")
    assert Window.dispatch("on_request_close", source="keyboard")
    assert Window.dispatch("on_drop_begin", 10, 10)
    assert Window.dispatch("on_drop_file", b"/etc/passwd", 10, 10)
    assert Window.dispatch("on_drop_text", b"text", 10, 10)
    assert Window.dispatch("on_drop_end", 10, 10)
    assert Window.dispatch("on_textinput", "text")
    assert Window.dispatch("on_textedit", "text")
    assert Window.dispatch("on_joy_button_down", 0, 0)
    assert visitor.app.open_settings() is False
    Window.dispatch("on_minimize")
    visitor.step()
    assert visitor.posted() == []
    assert visitor.app._page_name == "confirm"


def test_no_input_method_may_open_over_the_page(visitor: Visitor) -> None:
    assert os.environ["XMODIFIERS"] == "@im=none"
    assert "SDL_IM_MODULE" not in os.environ


class Hands:
    """Clumsy: up to ten fingers that come down, wander and are lifted in any order, some twice and some never."""

    def __init__(self, visitor: Visitor, seed: int) -> None:
        self.app, self.clock, self.dice = visitor.app, visitor.clock, random.Random(seed)
        self.width = self.app.stage.size.w * self.app.stage.unit
        self.height = self.app.stage.size.h * self.app.stage.unit

    def spot(self) -> tuple[float, float]:
        """Mostly on something; edges and just outside too."""
        targets = self.app.stage.targets()
        if targets and self.dice.random() < 0.6:
            area, unit = self.dice.choice(targets).area, self.app.stage.unit
            down = (area.y + self.dice.random() * area.h) * unit
            return (area.x + self.dice.random() * area.w) * unit, self.height - down
        return self.dice.uniform(-5, self.width + 5), self.dice.uniform(-5, self.height + 5)

    def move(self) -> None:
        finger, (x, y) = self.dice.randrange(10), self.spot()
        do: Callable[..., None] = self.dice.choice(
            [self.app.touch_down, self.app.touch_move, self.app.touch_up, self.app.touch_up]
        )
        if do == self.app.touch_up:
            do(finger, x, y, self.dice.uniform(-400, 400))
        else:
            do(finger, x, y)
        self.clock.passed += self.dice.choice([0, 0.01, 0.05, 0.4, 3])


@pytest.mark.timeout(600 if LONG else 120)
def test_clumsy_hands_on_every_page_post_only_what_stands_there_and_leave_it_whole(visitor: Visitor) -> None:
    for seed, (name, session) in enumerate(SESSIONS.items()):
        visitor.see(session, idle_s=None if name.startswith("home") else 100_000, drawn=False)
        hands = Hands(visitor, seed)
        whole = visitor.app._glass is not None
        turns: set[type[object]] = {events.HiddenGesture, events.CellTouched, events.PointTouched, events.Back}
        allowed = {events.Touched} | (turns if whole else set())
        if visitor.app._page_name in ("home", "out_of_service"):
            allowed |= {events.HiddenGesture}
        for target in visitor.app.stage.targets():
            made = target.sends
            today = visitor.clock.now()
            made = made(today.date()) if callable(made) else getattr(made, "make", lambda at, it=made: it)(today)
            allowed.add(type(made))
        for _ in range(SMASHES):
            hands.move()
        posted = {type(event) for event in visitor.posted()}
        assert posted <= allowed, name
        assert visitor.app._faults == 0, name
        assert not visitor.app.failed
        # Somebody calmer comes: every target still works.
        visitor.see(SESSIONS["home"], drawn=False)
        visitor.posted()
        visitor.app.touches.page_changed(visitor.clock.passed - 10)
        x, y = visitor.middle("my_number")
        visitor.app.touch_down("calm", x, hands.height - y)
        visitor.app.touch_up("calm", x, hands.height - y, 0)
        assert [type(event) for event in visitor.posted()] == [events.Start], name


def test_a_whole_hand_on_the_glass_posts_what_its_last_finger_means(visitor: Visitor) -> None:
    visitor.see(SESSIONS["home"])
    spots = [visitor.middle(name) for name in ("file", "invoice", "certificate", "query", "my_number")]
    fingers = [visitor.down(x, y) for x, y in spots]
    for finger in fingers:
        finger.touch_up()
    visitor.step()
    assert [type(event) for event in visitor.posted()] == [events.Start]


# ---- signs of life -------------------------------------------------------------------------------------------------


def test_the_window_gives_a_sign_of_life_about_once_a_second_while_its_loop_turns(display: str) -> None:
    from tests.screens import window

    done = window.run_isolated(["-m", "tests.screens.heartbeat_alone"], display, timeout=60)
    assert done.returncode == 0, done.stderr
    free, stuck, after = map(int, done.stdout.split())
    assert 2 <= free <= 5
    assert stuck == 0
    assert after >= 1
