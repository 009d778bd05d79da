"""All panels, each with what there is to know before it is opened."""

from __future__ import annotations

from drivers.contract import DeviceState, PaperState
from kiosk.domain.fleet import Check
from kiosk.maintenance import checks
from kiosk.maintenance.panels import repair
from kiosk.maintenance.world import DEVICES, PRINTERS, World
from kiosk.session.panel import Action, Line, Panel, Place, Tone


def build(world: World, subject: str) -> Panel:
    ill = sum(status is not None and status.device is not DeviceState.ONLINE for status in map(world.status, DEVICES))
    low = sum(
        status is not None and status.paper in (PaperState.LOW, PaperState.OUT, PaperState.JAMMED)
        for status in map(world.status, PRINTERS)
    )
    faults = len(repair.faults_seen(world))
    waiting = checks.journal(world)
    hall = world.situation().hall_answers
    lines = (
        _counted(Place.REPAIR, faults, "faults"),
        _counted(Place.DEVICES, ill, "ill"),
        _counted(Place.PAPER, low, "paper_wanted"),
        Line("network", word="hall_answers" if hall else "hall_silent", tone=Tone.GOOD if hall else Tone.BAD,
             opens=Place.NETWORK),
        Line("books", waiting.value, "rows_waiting", Tone.GOOD if waiting.result == "good" else Tone.WARN, Place.BOOKS),
        Line("ledger", opens=Place.LEDGER),
        _release(checks.release(world)),
        _of(checks.storage(world), Place.STORAGE),
        Line("screen", opens=Place.SCREEN),
        Line("logs", opens=Place.LOGS),
        Line("readiness", opens=Place.READINESS),
        Line("audit", opens=Place.AUDIT),
        Line("power", opens=Place.POWER),
    )  # fmt: skip
    return Panel(Place.MENU, lines=lines, actions=(Action("leave"),))


def _counted(place: Place, count: int, word: str) -> Line:
    if count:
        return Line(place.value, str(count), word, Tone.WARN, place)
    return Line(place.value, word="all_good", tone=Tone.GOOD, opens=place)


def _release(check: Check) -> Line:
    tone = Tone.GOOD if check.result == "good" else Tone.BAD
    word = "release_number" if check.value != "0" else "shipped"
    return Line("configuration", check.value, word, tone, Place.CONFIGURATION)


def _of(check: Check, place: Place) -> Line:
    return Line(place.value, check.value, tone=Tone.GOOD if check.result == "good" else Tone.BAD, opens=place)
