"""Commands: identify a number, list and search the services."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from kiosk.domain.catalogue import Service


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command()(identify)
    app.command()(services)


def identify(number: Annotated[str, typer.Argument(help="ID number, credit code, taxpayer number.")]) -> None:
    """Say what a number is and whether it can be true, as JSON."""
    from kiosk.domain.identity import identify as judge

    found = judge(number, datetime.now(ZoneInfo("Asia/Shanghai")).date())
    if not found.number:
        refuse("number", "empty")
    emit(
        {
            "kind": found.kind,
            "valid": found.valid,
            "warnings": found.warnings,
            "masked": found.masked,
            "problem": found.problem,
        }
    )


def services(
    query: Annotated[str, typer.Option(help="Chinese name, pinyin, initials, English words or code.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of a table.")] = False,
) -> None:
    """List the services of the hall, or find some; best match first."""
    import config
    from kiosk.domain.catalogue import Catalogue

    catalogue = Catalogue(config.read_services())
    found = [match.service for match in catalogue.search(query)]
    if as_json:
        emit(found)
    else:
        categories = {category.code: category.name_zh for category in catalogue.categories}
        _print_table(found, categories)


def _print_table(found: list[Service], categories: dict[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("code", "名称", "English", "类别", "bureau", "mode", "kiosk", box=None, pad_edge=False)
    for service in found:
        mode = f"{service.mode}, {service.limit_days} days" if service.limit_days else service.mode
        kiosk = "here" if service.self_service else "window"
        category = categories[service.category]
        table.add_row(service.code, service.name_zh, service.name_en, category, service.bureau, mode, kiosk)
    Console().print(table)
