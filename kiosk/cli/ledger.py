"""Command: the print ledger, what every sheet of paper was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.appliance import SettingsFile, open_kiosk
from kiosk.cli.output import emit

if TYPE_CHECKING:
    from kiosk.store.sheets import Sheet


def register(app: typer.Typer) -> None:
    """Add this room's command."""
    app.command()(ledger)


def ledger(
    settings_file: SettingsFile = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The latest so many sheets.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """What every sheet of paper was and what became of it, the newest first."""
    store = open_kiosk(settings_file)
    try:
        sheets = store.sheets.latest(limit)
    finally:
        store.close()
    if as_json:
        emit(sheets)
    else:
        _print_table(sheets)


def _print_table(sheets: list[Sheet]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("sheet", "kind", "number", "of", "state", "reason", "intended", "ended", box=None, pad_edge=False)
    for sheet in sheets:
        kind = f"{sheet.kind} 补打" if sheet.reprint else sheet.kind
        ended = f"{sheet.ended_at:%H:%M:%S}" if sheet.ended_at else ""
        began = f"{sheet.intended_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(str(sheet.id), kind, sheet.number, sheet.of, sheet.state, sheet.reason or "", began, ended)
    Console().print(table)
