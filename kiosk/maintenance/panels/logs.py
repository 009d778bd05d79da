"""Logs to a USB stick, sealed for the hall's support: who finds the stick reads nothing."""

from __future__ import annotations

from kiosk.maintenance import bundle
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place, Tone


def build(world: World, subject: str) -> Panel:
    key = world.settings.maintenance.support_key
    stick = bundle.find_stick(world.settings.maintenance.usb_folder)
    lines = (
        Line("stick", word="present" if stick else "absent", tone=Tone.GOOD if stick else Tone.WARN),
        Line("support_key", key[:16], tone=Tone.GOOD) if key else Line("support_key", word="absent", tone=Tone.BAD),
    )
    take = Action("take_logs", works=world.senior and bool(key))
    return Panel(Place.LOGS, lines=lines, actions=(take,), note="logs" if world.senior else "senior_only")
