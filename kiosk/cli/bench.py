"""Commands: simulated devices over real transports, and commands to them."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
