"""Commands: run and sync: the two processes of a kiosk."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
