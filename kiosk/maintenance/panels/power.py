"""Restart, shut down, out of service."""

from __future__ import annotations

from kiosk.maintenance.panels.lines import moment
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place, Tone


def build(world: World, subject: str) -> Panel:
    locked = world.store.standing.look().locked
    lines = (
        Line("in_service", word="out_of_service" if locked else "in_service", tone=Tone.WARN if locked else Tone.GOOD),
        Line("running_since", moment(world.started_at)),
        Line("software", world.software),
    )
    actions = (
        Action("back_in_service") if locked else Action("out_of_service", grave=True),
        Action("restart", grave=True),
        Action("shut_down", grave=True, works=world.senior),
    )
    return Panel(Place.POWER, lines=lines, actions=actions, note="" if world.senior else "senior_only")
