"""Commands ``install`` and ``uninstall``, the same for kiosk and hall."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from systemd.placing import LOCAL, Machine, NotInstalled, Role

RootOption = Annotated[Path, typer.Option(help="Install into this folder instead of the running system.")]
PrefixOption = Annotated[str, typer.Option(help="/usr for a package, /usr/local otherwise.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]


def register(app: typer.Typer, role: Role) -> None:
    """Add the commands for ``role``."""

    @app.command()
    def install(
        root: RootOption = Path("/"),
        prefix: PrefixOption = LOCAL,
        dry_run: DryOption = False,
        placed: Annotated[bool, typer.Option("--placed", help="A package has placed the files already.")] = False,
    ) -> None:
        """Make this machine one: units, device names, users, limits, a sealed key. May be repeated; needs root."""
        machine = Machine(root, prefix, dry_run, say=_say)
        try:
            if not placed:
                machine.place(role, _program(role))
            machine.settle(role)
        except (OSError, NotInstalled) as problem:
            _fail(str(problem))
        _say(f"next:\n{role.hint}")

    @app.command()
    def uninstall(
        root: RootOption = Path("/"),
        prefix: PrefixOption = LOCAL,
        dry_run: DryOption = False,
        purge: Annotated[bool, typer.Option(help="Settings, key and data too: nobody reads them again.")] = False,
    ) -> None:
        """Take away what install has placed. Settings and data stay, unless --purge."""
        machine = Machine(root, prefix, dry_run, say=_say)
        try:
            machine.displace(role)
            if purge:
                machine.purge(role)
        except OSError as problem:
            _fail(str(problem))
        if machine.lives:
            machine.run("systemctl", "daemon-reload")


def _program(role: Role) -> str:
    """This very command, where it lies."""
    called = Path(sys.argv[0])
    return str(called.resolve()) if called.name == Path(role.command).name else role.command


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")


def _fail(problem: str) -> None:
    sys.stderr.write(f"{problem}\n")
    raise SystemExit(1)
