"""Commands: making this machine a kiosk, and undoing it."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    from systemd import commands
    from systemd.placing import KIOSK

    commands.register(app, KIOSK)
