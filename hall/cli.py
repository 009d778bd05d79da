"""``taxhall``: the hall server and what a hall's manager sets up from the command line.

Exit 0 done; 2 bad input, with one JSON problem on standard error; 1 anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import msgspec
import typer

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
staff_app = typer.Typer(no_args_is_help=True, help="Clerks.")
kiosk_app = typer.Typer(no_args_is_help=True, help="Kiosks.")
bureau_app = typer.Typer(no_args_is_help=True, help="The two bureaus' systems, simulated, and their bad days.")
app.add_typer(staff_app, name="staff")
app.add_typer(kiosk_app, name="kiosk")
app.add_typer(bureau_app, name="bureau")

DATA = Path("var/hall")
DataOption = Annotated[Path, typer.Option("--data", help="Directory of the hall's database.")]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="A file like config/hall.toml.")]
JsonOption = Annotated[bool, typer.Option("--json")]
BureauDataOption = Annotated[Path, typer.Option("--data", help="Directory of the bureaus' books and their token.")]
TokenFileOption = Annotated[Path | None, typer.Option(help="Where the token is; without it: token in --data.")]
BUREAU_DATA = Path("var/bureaus")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one; the line printed names it.")] = 8000,
    data: DataOption = DATA,
    settings: SettingsOption = None,
) -> None:
    """Run the hall until SIGTERM or Ctrl-C."""
    from hall.serve import run
    from hall.settings import read_settings
    from hall.store.database import UnfitDatabase

    try:
        read = read_settings(settings)
    except (OSError, ValueError) as error:
        _refuse("settings", str(error))
    try:
        run(host, port, data, read)
    except (UnfitDatabase, OSError) as error:
        _fail(str(error))


@app.command()
def enrol(kiosk: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Print a code that a kiosk enrols with, once, within 24 hours: taxhall enrol K3"""
    from hall.fleet import enrolment
    from hall.store.writer import Work

    def command(work: Work) -> str:
        return enrolment.make_code(work, kiosk)

    try:
        code = _once(data, command)
    except ValueError as error:
        _refuse("kiosk", str(error))
    _say(json, {"kiosk": kiosk, "code": code, "hours": enrolment.CODE_HOURS}, code)


@kiosk_app.command("revoke")
def revoke(kiosk: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Nothing that this kiosk signs counts any more (within a second on a running server)."""
    from hall.fleet import enrolment
    from hall.store.writer import Work

    def command(work: Work) -> bool:
        return enrolment.revoke(work, kiosk)

    if not _once(data, command):
        _refuse("kiosk", "not enrolled")
    _say(json, {"kiosk": kiosk, "revoked": True}, f"{kiosk} revoked")


@staff_app.command("add")
def add_staff(
    name: str,
    window_role: Annotated[str, typer.Option(help="clerk")] = "clerk",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Add a clerk. The password is the first line of standard input."""
    from hall.queue import staff
    from hall.store.writer import Work

    if window_role != staff.CLERK:
        _refuse("window-role", "clerk is the only role of a window")
    password = sys.stdin.readline().rstrip("\n")

    def command(work: Work) -> None:
        staff.add_staff(work, name, window_role, password)

    try:
        _once(data, command)
    except ValueError as error:
        _refuse("name" if "name" in str(error) else "password", str(error))
    _say(json, {"name": name, "role": window_role}, f"{name} added")


@app.command()
def windows(
    names: Annotated[
        list[str] | None, typer.Argument(help="The hall's windows in order; none: only show them.")
    ] = None,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Show or set the hall's windows. A window that has served somebody stays, at the end."""
    from hall.queue.windows import set_windows
    from hall.store.writer import Work

    def command(work: Work) -> list[str]:
        return set_windows(work, names or [])

    try:
        found = _once(data, command)
    except ValueError as error:
        _refuse("names", str(error))
    _say(json, {"windows": found}, " ".join(found))


@bureau_app.command("state")
def state_bureau(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one; the line printed names it.")] = 8101,
    data: BureauDataOption = BUREAU_DATA,
    token_file: TokenFileOption = None,
) -> None:
    """Run the state bureau (国税) until SIGTERM or Ctrl-C."""
    _run_bureau("state", host, port, data, token_file)


@bureau_app.command("local")
def local_bureau(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one; the line printed names it.")] = 8102,
    data: BureauDataOption = BUREAU_DATA,
    token_file: TokenFileOption = None,
) -> None:
    """Run the local bureau (地税) until SIGTERM or Ctrl-C."""
    _run_bureau("local", host, port, data, token_file)


@bureau_app.command("do")
def do_to_bureau(
    bureau: Annotated[str, typer.Argument(help="state or local.")],
    action: Annotated[str, typer.Argument(help='slow, silent, die_after, garble, heal, …; "?" lists them all.')],
    argument: Annotated[str | None, typer.Argument(help="Seconds, a problem, a taxpayer, JSON: as it wants.")] = None,
    on: Annotated[str, typer.Option(help="returns, entries, both, asks or all.")] = "both",
    times: Annotated[int | None, typer.Option(help="For the next so many; without it: until heal.")] = None,
    data: BureauDataOption = BUREAU_DATA,
    url: Annotated[str | None, typer.Option(help="Of the bureau; without it: what it wrote into --data.")] = None,
    token_file: TokenFileOption = None,
) -> None:
    """Have a running bureau do something wrong, or its window something: taxhall bureau do local die_after"""
    from hall.bureaus import bench
    from hall.bureaus.faults import On
    from kiosk.domain.filing import Bureau

    if action not in bench.ACTIONS:
        _refuse("action", f"one of {', '.join(bench.ACTIONS)}")
    if bureau not in list(Bureau):
        _refuse("bureau", f"one of {', '.join(Bureau)}")
    if on not in list(On):
        _refuse("on", f"one of {', '.join(On)}")
    try:
        peer = bench.BureauBench.at(Bureau(bureau), data, url, token_file)
        _say(True, bench.do(peer, action, argument, On(on), times), "")
    except bench.BadCommand as error:
        _refuse("action", str(error))
    except bench.NoBureau as error:
        _fail(str(error))


def _run_bureau(name: str, host: str, port: int, data: Path, token_file: Path | None) -> None:
    from hall.bureaus.serve import run
    from hall.store.database import UnfitDatabase
    from kiosk.domain.filing import Bureau

    try:
        run(Bureau(name), host, port, data, token_file)
    except (UnfitDatabase, OSError, ValueError) as error:
        _fail(str(error))


def _once(data: Path, command: Callable[..., T]) -> T:
    """Run one command on the hall's file, beside a server or without one."""
    from hall.store.database import UnfitDatabase
    from hall.store.writer import StorageFailed, run_once

    try:
        return run_once(data, command)
    except (UnfitDatabase, StorageFailed, OSError) as error:
        _fail(str(error))


def _say(json: bool, document: object, words: str) -> None:
    print(msgspec.json.encode(document).decode() if json else words)


def _refuse(field: str, problem: str) -> NoReturn:
    sys.stderr.write(msgspec.json.encode({"error": {"field": field, "problem": problem}}).decode() + "\n")
    raise SystemExit(2)


def _fail(problem: str) -> NoReturn:
    sys.stderr.write(msgspec.json.encode({"error": {"field": None, "problem": problem}}).decode() + "\n")
    raise SystemExit(1)


def main() -> None:
    app()
