"""One file a panel: ``build(world, subject) -> Panel`` out of what is known; ``build`` here finds it by its place."""

from __future__ import annotations

from importlib import import_module

from kiosk.maintenance.world import World
from kiosk.session.panel import Panel, Place


def build(world: World, place: Place, subject: str = "") -> Panel:
    """Raises StoreFailed, OSError: what cannot be looked at is said on the panel by whoever asked."""
    panel: Panel = import_module(f"kiosk.maintenance.panels.{place.value}").build(world, subject)
    return panel
