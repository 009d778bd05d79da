"""What visitors do at a stage's kiosk, and what can be known afterwards, from the paper and the hall's own file."""

from __future__ import annotations

import sqlite3

from demo.people import Person
from demo.processes import wait_until
from demo.stage import ID_CARD, Slip, Stage


def identifies(stage: Stage, person: Person) -> None:
    """From the home page, with a card, to the choice of a service."""
    stage.visitor.waits_for("home")
    stage.lays_card(person)
    stage.visitor.waits_for("choose_service")
    stage.do(ID_CARD, "lift")


def comes_to_confirm(stage: Stage, person: Person) -> None:
    """To the touch that asks for a number, for any service."""
    identifies(stage, person)
    stage.visitor.touches("any_service")
    stage.visitor.waits_for("confirm")


def takes_number(stage: Stage, person: Person) -> Slip:
    """A whole visit in which nothing goes wrong. Ends on the page that says to take the slip."""
    before = len(stage.slips())
    comes_to_confirm(stage, person)
    stage.visitor.touches("next")
    stage.visitor.waits_for("take_ticket")
    return new_slip(stage, before)


def new_slip(stage: Stage, before: int) -> Slip:
    """The one slip that has come out since there were ``before``."""
    wait_until(lambda: len(stage.slips()) > before, 20, "a slip comes out", stage.devices)
    assert len(stage.slips()) == before + 1
    return stage.slips()[-1]


def tickets(stage: Stage) -> dict[str, str]:
    """Every number the hall holds, and its state, as its file says."""
    with sqlite3.connect(f"file:{stage.folder}/hall/hall.sqlite?mode=ro", uri=True) as database:
        return dict(database.execute("SELECT number, state FROM ticket").fetchall())


def abandoned_asks(stage: Stage) -> int:
    """Keys that must never issue a number, as the hall holds them: each has a tombstone, whether its ask came first
    (and its ticket is void) or was overtaken by the journal."""
    with sqlite3.connect(f"file:{stage.folder}/hall/hall.sqlite?mode=ro", uri=True) as database:
        return int(database.execute("SELECT count(*) FROM other_key WHERE ticket IS NULL").fetchone()[0])
