"""Command: the audit log, what was done to this machine and by whom."""

from __future__ import annotations

from typing import Annotated

import typer

from kiosk.cli.appliance import SettingsFile, open_kiosk
from kiosk.cli.output import emit, fail


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command()(audit)


def audit(
    settings_file: SettingsFile = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The latest so many rows.")] = 50,
    verify: Annotated[bool, typer.Option("--verify", help="Follow the whole chain; exit 1 if it is broken.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """What was done to this machine, by technicians, by orders of the hall, and by itself; the newest first."""
    store = open_kiosk(settings_file)
    try:
        broken = store.audit.verify() if verify else None
        rows = store.audit.latest(limit)
    finally:
        store.close()
    if broken is not None:
        fail(f"the chain is broken at row {broken}: it was changed, or rows are missing")
    if as_json:
        emit(rows)
        return
    for row in rows:
        print(f"{row.seq:6}  {row.at:%Y-%m-%d %H:%M:%S}  {row.who:16} {row.what:20} {row.detail}")
    if verify:
        print("the chain is whole")
