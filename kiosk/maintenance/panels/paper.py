"""Paper loaded: the counters of that printer begin anew, so that the next technician knows how long a roll lasts."""

from __future__ import annotations

from kiosk.maintenance.panels.lines import device_tone, moment
from kiosk.maintenance.world import PRINTERS, World
from kiosk.session.panel import Action, Line, Panel, Place


def build(world: World, subject: str) -> Panel:
    lines: list[Line] = []
    actions: list[Action] = []
    for printer in PRINTERS:
        status = world.status(printer)
        if status is None:
            lines.append(Line(printer, word="not_here"))
            continue
        paper = status.paper.value if status.paper else "unknown"
        lines.append(Line(printer, word=f"paper_{paper}", tone=device_tone(status)))
        sheets = next((each for each in world.store.devices.counters(printer) if each.name == "sheets"), None)
        if sheets is not None:
            lines.append(Line("sheets_since", f"{sheets.value} ({moment(sheets.since)})"))
        actions += [Action("paper_loaded", printer), Action("test_print", printer)]
    return Panel(Place.PAPER, lines=tuple(lines), actions=tuple(actions), note="paper")
