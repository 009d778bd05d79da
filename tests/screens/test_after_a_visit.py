"""What must be gone when a visit is over, and what happens when drawing fails."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from kiosk.domain.holder import Holder
from kiosk.session import events
from kiosk.session.state import Check, Confirm, Declared, Keypad, MyTaxes, Purpose, Session, TakeTicket, TodoList
from screens import pages
from tests.screens import tax_samples
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


def test_nothing_of_a_return_stays_in_memory_once_its_visit_is_over(visitor: Visitor) -> None:
    shop = msgspec.structs.replace(tax_samples.SHOP, name="独一无二小吃店", number_masked="9235**********777Q")
    file = msgspec.structs.replace(tax_samples.HISTORY, taxpayer=shop)
    work = replace(tax_samples.WORK, file=file, answers={**tax_samples.ANSWERS, "sales_ordinary": "777123.45"})
    sessions = [
        Session(41, page, Holder(NUMBER, "司马相如"), situation=OPEN)
        for page in (
            TodoList(file),
            tax_samples.ask(work, "sales_ordinary", entry="777123.45"),
            Check(work, tax_samples.SMALL),
            Declared(tax_samples.UNPAID, shop, Purpose.FILE),
            MyTaxes(file, filing=tax_samples.PAID),
        )
    ]
    traces = [weakref.ref(thing) for thing in (*sessions, work)]
    while sessions:
        visitor.see(sessions.pop(0), idle_s=30)
    del work, file
    visitor.see(replace(SESSIONS["home"], visit=42))
    gc.collect()
    assert [trace() for trace in traces] == [None] * len(traces)
    held = strings_of_the_screens()
    assert not {words for words in held if "独一无二" in words or "777Q" in words or "777,123" in words}


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
