"""Does the hall answer, under which address is this machine, what time does it go by, and who says so."""

from __future__ import annotations

from kiosk.maintenance import checks, machine
from kiosk.maintenance.panels.lines import check_line, moment
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place


def build(world: World, subject: str) -> Panel:
    lines = [check_line(checks.hall(world)), Line("hall_url", world.settings.kiosk.hall_url)]
    if world.notes.hall_ms is not None:
        lines.append(Line("hall_took", f"{world.notes.hall_ms:.0f} ms"))
    lines += [Line(name, address, raw=True) for name, address in machine.addresses().items()]
    lines += [
        Line("time", moment(world.time.now())),
        Line("wall_clock", moment(world.time.wall())),
        check_line(checks.clock(world)),
        check_line(checks.trust(world)),
    ]
    return Panel(Place.NETWORK, lines=tuple(lines), actions=(Action("ask_hall"),))
