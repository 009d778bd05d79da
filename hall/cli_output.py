"""What the commands of ``taxhall`` share: their common options, one run on the hall's file, and how they end.

Exit 0 done; 2 bad input; 1 anything else, both with the problem as JSON on standard error.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import msgspec
import typer

if TYPE_CHECKING:
    from hall.store.writer import Work

T = TypeVar("T")

DATA = Path("var/hall")
DataOption = Annotated[Path, typer.Option("--data", help="Directory of the hall's database.")]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="A file like config/hall.toml.")]
JsonOption = Annotated[bool, typer.Option("--json")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it, for the audit log. Without it: this login.")]


def once(data: Path, command: Callable[[Work], T]) -> T:
    """Run one command on the hall's file, beside a server or without one."""
    from hall.store.database import UnfitDatabase
    from hall.store.writer import StorageFailed, run_once

    try:
        return run_once(data, command)
    except (UnfitDatabase, StorageFailed, OSError) as error:
        fail(str(error))


def who(by: str = "") -> str:
    """Whose name goes into the audit log."""
    return by or getpass.getuser()


def say(json: bool, document: object, words: str) -> None:
    sys.stdout.write((msgspec.json.encode(document).decode() if json else words) + "\n")


def refuse(field: str | None, problem: str) -> NoReturn:
    """Bad input: ``field`` of it, where one can be named."""
    _end(2, field, problem)


def fail(problem: str) -> NoReturn:
    _end(1, None, problem)


def _end(code: int, field: str | None, problem: str) -> NoReturn:
    sys.stderr.write(msgspec.json.encode({"error": {"field": field, "problem": problem}}).decode() + "\n")
    raise SystemExit(code)
