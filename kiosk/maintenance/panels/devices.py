"""Every device of this kiosk, as it last told of itself."""

from __future__ import annotations

from kiosk.maintenance.panels.lines import device_line
from kiosk.maintenance.world import DEVICES, World
from kiosk.session.panel import Panel, Place


def build(world: World, subject: str) -> Panel:
    return Panel(Place.DEVICES, lines=tuple(device_line(name, world.status(name)) for name in DEVICES))
