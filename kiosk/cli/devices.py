"""Commands: read one card, print one sample slip, say every device's status."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
