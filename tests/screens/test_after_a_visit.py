"""What must be gone when a visit is over, and what happens when drawing fails."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import pytest

from kiosk.domain.holder import Holder
from kiosk.session import events
from kiosk.session.state import Confirm, Keypad, Purpose, Session, TakeTicket
from screens import pages
from tests.screens.samples import OPEN, SESSIONS, SLIP
from tests.screens.window import Visitor

NUMBER = "11010519491231002X"


def visit_of_somebody() -> tuple[list[Session], list[weakref.ref[Any]]]:
    """Sessions that exist nowhere else, and what tells whether they still exist."""
    holder = Holder(NUMBER, "司马相如")
    slip = replace(SLIP, number="A777", holder_masked=holder.masked)
    sessions = [
        Session(41, Keypad(Purpose.TAKE_NUMBER, NUMBER), situation=OPEN),
        Session(41, Confirm(None), holder, situation=OPEN),
        Session(41, TakeTicket(slip, printed=False), holder, situation=OPEN),
    ]
    return sessions, [weakref.ref(thing) for thing in (*sessions, holder, slip)]


def test_the_next_person_finds_nothing_of_the_last_one_in_memory(visitor: Visitor) -> None:
    sessions, traces = visit_of_somebody()
    masked = sessions[1].holder.masked.split()  # type: ignore[union-attr]
    while sessions:
        visitor.see(sessions.pop(0), idle_s=30)
    visitor.see(replace(SESSIONS["home"], visit=42))
    gc.collect()
    assert [trace() for trace in traces] == [None] * len(traces)
    needles = {NUMBER, "A777", *masked}
    assert not needles & strings_of_the_screens()


def strings_of_the_screens() -> set[str]:
    """Every text held by an object of our screens or of Kivy."""
    found: set[str] = set()
    for thing in gc.get_objects():
        # Kivy's weak proxies answer for what they stand for, or raise when that is gone.
        kind = type(thing)
        if not str(kind.__module__).startswith(("screens", "kivy")) or kind.__name__ == "WeakProxy":
            continue
        values = list(getattr(thing, "__dict__", {}).values())
        for value in list(values):
            if type(value) is dict:
                values += [*value, *value.values()]
        found |= {value for value in values if type(value) is str}
    from screens.widgets import fonts

    return found | {words for words, _, _ in [*fonts._textures, *fonts._widths]}


@pytest.fixture
def broken_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """The confirm page cannot be drawn."""
    real = pages._load

    def load(module: str, view: Any) -> Any:
        if module == "confirm":
            raise ZeroDivisionError("a defect of ours")
        return real(module, view)

    monkeypatch.setattr(pages, "_load", load)


@pytest.mark.usefixtures("broken_page")
def test_a_page_that_cannot_be_drawn_ends_the_visit_calmly(visitor: Visitor) -> None:
    visitor.see(SESSIONS["confirm"])
    assert visitor.app._page_name == "out_of_service"
    assert visitor.app.stage.targets() == []
    assert visitor.posted() == [events.GoHome()]
    # The session obeys; the home page comes back when the pause is over, and faults are forgotten.
    visitor.see(replace(SESSIONS["home"], visit=50))
    assert visitor.app._page_name == "out_of_service"
    visitor.app._try_again()
    assert visitor.app._page_name == "home"
    assert not visitor.app.failed


@pytest.mark.usefixtures("broken_page")
def test_a_front_end_that_keeps_failing_ends_so_that_it_is_started_anew(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing the app makes the window, which the fixture has made by now.
    from screens.app import FAULTS_TO_STOP

    stopped: list[bool] = []
    monkeypatch.setattr(visitor.app, "stop", lambda *_: stopped.append(True))
    visitor.see(SESSIONS["confirm"])
    for _ in range(FAULTS_TO_STOP - 1):
        visitor.app.show(replace(visitor.app._shown, session=SESSIONS["confirm"]))
        visitor.app._take_next()
        visitor.app.fault()
    assert stopped == [True]
    assert visitor.app.failed
    visitor.app.failed, visitor.app._faults = False, 0
