"""``make bench``: every figure with its target and with what was measured beside it, in one run on this machine.

    python -m benchmarks.table [NAME ...]      only these, for example: ticket_commit hall

A row is met, missed, or has no target. The exit code says nothing of speed: a figure is to be read, not to fail on.
"""

from __future__ import annotations

import importlib
import os
import platform
import sys
import time

import structlog
from rich.console import Console
from rich.table import Table

from benchmarks.row import Row

#: In the order of the person's way: card, number, paper; then the hall; then the machine itself.
MODULES = (
    "card_read",
    "confirm_to_print",
    "ticket_commit",
    "hall",
    "boards",
    "journal_drain",
    "assess",
    "touch_feedback",
    "start_and_memory",
)


def main(names: list[str]) -> None:
    console = Console(width=150 if not sys.stdout.isatty() else None)
    cores, python = os.cpu_count(), platform.python_version()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    table = Table(title=f"{time.strftime('%Y-%m-%d %H:%M')} · {cores} cores · Python {python}", title_justify="left")
    for column in ("what", "measured", "beside it, in the same run", "target", ""):
        table.add_column(column)
    for name in names or MODULES:
        console.print(f"measuring {name} …", style="dim")
        rows: list[Row] = importlib.import_module(f"benchmarks.{name}").rows()
        for row in rows:
            verdict = {True: "met", False: "MISSED", None: ""}[row.met]
            table.add_row(row.what, row.figure, row.beside, row.target, verdict)
    console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
