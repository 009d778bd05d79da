"""Light and sound; the touch test and the calibration start here."""

from __future__ import annotations

from kiosk.maintenance import machine
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place


def build(world: World, subject: str) -> Panel:
    light, sound = machine.brightness(), machine.volume()
    lines = (
        Line("brightness", word="not_here") if light is None else Line("brightness", f"{light} %"),
        Line("volume", word="not_here") if sound is None else Line("volume", f"{sound} %"),
    )
    actions = (
        Action("touch_test"),
        Action("calibrate"),
        Action("brighter", works=light is not None),
        Action("darker", works=light is not None),
        Action("louder", works=sound is not None),
        Action("quieter", works=sound is not None),
    )
    return Panel(Place.SCREEN, lines=lines, actions=actions)
