"""What was done to this machine, the newest first, and whether the chain is whole."""

from __future__ import annotations

from kiosk.maintenance import checks
from kiosk.maintenance.audit import Did
from kiosk.maintenance.panels.lines import check_line, moment
from kiosk.maintenance.world import World
from kiosk.session.panel import Line, Panel, Place

SHOWN = 200

_KNOWN = frozenset(Did)


def build(world: World, subject: str) -> Panel:
    lines = [check_line(checks.audit_whole(world))]
    for row in world.store.audit.latest(SHOWN):
        known = row.what in _KNOWN
        # A line shows one value; what it is about stands behind the word.
        value = row.detail if known else f"{row.what} {row.detail}".strip()
        word = f"did_{row.what}" if known else ""
        lines.append(Line(f"{moment(row.at)}  {row.who}", value, word, raw=True))
    return Panel(Place.AUDIT, lines=tuple(lines))
