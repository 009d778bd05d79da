"""``taxhall``: the hall server and what a hall's manager sets up from the command line.

Exit 0 done; 2 bad input, with one JSON problem on standard error; 1 anything else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

from hall import cli_fleet
from hall.cli_bundle import bundle_app
from hall.cli_output import DATA, DataOption, JsonOption, SettingsOption, fail, once, refuse, say, who
from hall.cli_release import app as release_app

if TYPE_CHECKING:
    from datetime import date

    from hall.filings.office import TaxOffice
    from hall.settings import Settings
    from hall.store.writer import Work, Writer

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
staff_app = typer.Typer(no_args_is_help=True, help="Accounts of the hall's staff.")
kiosk_app = typer.Typer(no_args_is_help=True, help="Kiosks.")
bureau_app = typer.Typer(no_args_is_help=True, help="The two bureaus' systems, simulated, and their bad days.")
app.add_typer(staff_app, name="staff")
app.add_typer(kiosk_app, name="kiosk")
app.add_typer(bureau_app, name="bureau")
register_app = typer.Typer(no_args_is_help=True, help="Taxpayers, the persons bound to them, what they have to file.")
stock_app = typer.Typer(no_args_is_help=True, help="Numbered blanks in the kiosks.")
invoice_app = typer.Typer(no_args_is_help=True, help="Invoices issued on behalf.")
app.add_typer(register_app, name="register")
app.add_typer(stock_app, name="stock")
app.add_typer(invoice_app, name="invoice")
app.add_typer(release_app, name="release")
cli_fleet.register(app, kiosk_app)
app.add_typer(bundle_app, name="bundle")

tls_app = typer.Typer(no_args_is_help=True, help="The hall's certificate.")
app.add_typer(tls_app, name="tls")

BureauDataOption = Annotated[Path, typer.Option("--data", help="Directory of the bureaus' books and their token.")]
TokenFileOption = Annotated[Path | None, typer.Option(help="Where the token is; without it: token in --data.")]
BUREAU_DATA = Path("var/bureaus")


@app.command()
def serve(
    host: str = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0: any free one; the line printed names it.")] = 8000,
    data: DataOption = DATA,
    settings: SettingsOption = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain in PEM; without it what [tls] says.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its key in PEM.")] = None,
) -> None:
    """Run the hall until SIGTERM or Ctrl-C."""
    from hall.serve import run
    from hall.settings import Tls, read_settings
    from hall.store.database import UnfitDatabase
    from hall.tls import BadCertificate

    try:
        read = read_settings(settings)
    except (OSError, ValueError) as error:
        refuse("settings", str(error))
    if tls_cert or tls_key:
        read = msgspec.structs.replace(read, tls=Tls(str(tls_cert or ""), str(tls_key or "")))
    try:
        run(host, port, data, read)
    except BadCertificate as error:
        refuse("tls", str(error))
    except (UnfitDatabase, OSError) as error:
        fail(str(error))


@tls_app.command("self-signed")
def self_signed(
    names: Annotated[
        list[str], typer.Argument(help="Under which kiosks and browsers reach the hall: names, addresses.")
    ],
    folder: Annotated[Path, typer.Option(help="Where hall.crt and hall.key are put.")] = Path("var/tls"),
    days: Annotated[int, typer.Option(min=1, max=825)] = 825,
    json: JsonOption = False,
) -> None:
    """Make a certificate for a first setup. Kiosks are given hall.crt (hall_ca in kiosk.toml); compare fingerprints."""
    from hall.clock import SystemClock
    from hall.tls import self_signed as make

    try:
        made = make(folder, names, days, SystemClock().now())
    except (OSError, ValueError) as error:
        fail(str(error))
    say(json, made, f"{made.certificate}\n{made.key}\nSHA-256 {made.fingerprint}")


@app.command()
def enrol(kiosk: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Print a code that a kiosk enrols with, once, within 24 hours: taxhall enrol K3"""
    from hall.fleet import enrolment

    def command(work: Work) -> str:
        return enrolment.make_code(work, kiosk)

    try:
        code = once(data, command)
    except ValueError as error:
        refuse("kiosk", str(error))
    say(json, {"kiosk": kiosk, "code": code, "hours": enrolment.CODE_HOURS}, code)


@kiosk_app.command("revoke")
def revoke(kiosk: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Nothing that this kiosk signs counts any more (within a second on a running server)."""
    from hall.fleet import audit, enrolment

    def command(work: Work) -> bool:
        revoked = enrolment.revoke(work, kiosk)
        if revoked:
            audit.add(work, who(), "kiosk_revoked", kiosk)
        return revoked

    if not once(data, command):
        refuse("kiosk", "not enrolled")
    say(json, {"kiosk": kiosk, "revoked": True}, f"{kiosk} revoked")


@staff_app.command("add")
def add_staff(
    name: str,
    role: Annotated[
        str, typer.Option("--role", "--window-role", help="clerk, technician, manager or administrator.")
    ] = "clerk",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Add an account. The password is the first line of standard input."""
    from hall.queue import staff

    if role not in list(staff.Role):
        refuse("role", f"one of {', '.join(staff.Role)}")
    password = sys.stdin.readline().rstrip("\n")
    _on_account(data, name, f"account_added {role}", lambda work: staff.add_staff(work, name, role, password))
    say(json, {"name": name, "role": role}, f"{name} added")


@staff_app.command("password")
def set_password(name: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Set a new password, the first line of standard input. Whoever is logged in under this name is out at once."""
    from hall.queue import staff

    password = sys.stdin.readline().rstrip("\n")
    _on_account(data, name, "account_password", lambda work: staff.set_password(work, name, password))
    say(json, {"name": name}, f"{name} has a new password")


@staff_app.command("disable")
def disable_staff(name: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Close an account: nobody logs in under it, and who is logged in is out within a second."""
    from hall.queue import staff

    _on_account(data, name, "account_disabled", lambda work: staff.disable(work, name))
    say(json, {"name": name, "disabled": True}, f"{name} disabled")


@staff_app.command("enable")
def enable_staff(name: str, data: DataOption = DATA, json: JsonOption = False) -> None:
    """Open a closed account again."""
    from hall.queue import staff

    _on_account(data, name, "account_enabled", lambda work: staff.disable(work, name, back=True))
    say(json, {"name": name, "disabled": False}, f"{name} enabled")


@staff_app.command("list")
def list_staff(data: DataOption = DATA, json: JsonOption = False) -> None:
    """Show every account, its role, and whether it is open."""
    from hall.store import statements

    def command(work: Work) -> list[dict[str, object]]:
        rows = work.connection.execute(statements.ALL_STAFF)
        return [{"name": row.name, "role": row.role, "disabled": row.disabled_at is not None} for row in rows]

    found = once(data, command)
    words = (f"{each['name']}  {each['role']}{'  disabled' if each['disabled'] else ''}" for each in found)
    say(json, {"staff": found}, "\n".join(words))


def _on_account(data: Path, name: str, what: str, change: Callable[[Work], None]) -> None:
    """Change an account, and have it in the audit log, in one transaction."""
    from hall.fleet import audit

    def command(work: Work) -> None:
        change(work)
        word, _, detail = what.partition(" ")
        audit.add(work, who(), word, name, detail)

    try:
        once(data, command)
    except ValueError as error:
        refuse("name" if "name" in str(error) else "password", str(error))


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

    def command(work: Work) -> list[str]:
        return set_windows(work, names or [])

    try:
        found = once(data, command)
    except ValueError as error:
        refuse("names", str(error))
    say(json, {"windows": found}, " ".join(found))


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
        refuse("action", f"one of {', '.join(bench.ACTIONS)}")
    if bureau not in list(Bureau):
        refuse("bureau", f"one of {', '.join(Bureau)}")
    if on not in list(On):
        refuse("on", f"one of {', '.join(On)}")
    try:
        peer = bench.BureauBench.at(Bureau(bureau), data, url, token_file)
        say(True, bench.do(peer, action, argument, On(on), times), "")
    except bench.BadCommand as error:
        refuse("action", str(error))
    except bench.NoBureau as error:
        fail(str(error))


def _run_bureau(name: str, host: str, port: int, data: Path, token_file: Path | None) -> None:
    from hall.bureaus.serve import run
    from hall.store.database import UnfitDatabase
    from kiosk.domain.filing import Bureau

    try:
        run(Bureau(name), host, port, data, token_file)
    except (UnfitDatabase, OSError, ValueError) as error:
        fail(str(error))


@register_app.command("import")
def import_register(
    file: Annotated[Path, typer.Argument(help="A CSV file in UTF-8.")],
    kind: Annotated[str, typer.Option(help="taxpayers, persons, levies, returns or arrears.")],
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Take a register in, beside a running hall or without one. Good rows are kept, bad ones are told row by row."""
    from hall.register.importing import COLUMNS, UnfitFile, import_rows, read_rows

    if kind not in COLUMNS:
        refuse("kind", f"one of {', '.join(COLUMNS)}")
    try:
        rows = read_rows(file, kind)
    except (UnfitFile, OSError) as error:
        refuse("file", str(error))
    with _tax_office(data, settings) as (writer, office, today):
        report = import_rows(writer, office, kind, rows, today)
    lines = [f"row {each.row}: {each.field or 'the row'}: {each.problem}" for each in report.refused]
    counts = f"{report.added} added, {report.changed} changed, {report.unchanged} as before"
    say(json, report, "\n".join([*lines, f"{counts}, {len(report.refused)} refused"]))


@register_app.command("demo")
def demo_register(
    write: Annotated[Path, typer.Option(help="Folder for taxpayers.csv, persons.csv, levies.csv, …")],
    taxpayers: Annotated[int, typer.Option(min=4)] = 2_000,
    seed: int = 1,
    today: Annotated[str | None, typer.Option(help="The day it is made for; without it: today.")] = None,
    json: JsonOption = False,
) -> None:
    """Write an invented hall of taxpayers as CSV files, the same for the same seed and day."""
    from datetime import date

    from hall.clock import SystemClock
    from hall.register import demo

    try:
        day = date.fromisoformat(today) if today else SystemClock().now().date()
    except ValueError:
        refuse("today", "a day like 2026-11-24")
    try:
        rows = demo.write(write, taxpayers, seed, day)
    except OSError as error:
        fail(str(error))
    say(json, {"folder": str(write), "rows": rows}, "\n".join(f"{kind}.csv: {count}" for kind, count in rows.items()))


@stock_app.command("add")
def add_stock(
    kind: Annotated[str, typer.Argument(help="certificate- state or local, invoice- special or ordinary.")],
    kiosk: str,
    pattern: Annotated[str, typer.Argument(help='How a number is printed, for example "(261)闽国证 {:07d}".')],
    first: int,
    last: int,
    code: Annotated[str, typer.Option(help="Of an invoice form: 10 digits (special) or 12 (ordinary).")] = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Put a range of numbered blanks into a kiosk's books."""
    from hall.filings import stock

    def command(work: Work) -> int:
        return stock.add(work, kind, kiosk, pattern, first, last, code)

    try:
        count = once(data, command)
    except ValueError as error:
        refuse(*str(error).split(": ", 1))
    say(json, {"kind": kind, "kiosk": kiosk, "added": count}, f"{kiosk}: {count} of {kind}")


@stock_app.command("list")
def list_stock(data: DataOption = DATA, json: JsonOption = False) -> None:
    """Show every range: what is left, used and void."""
    from hall.filings import stock
    from hall.store import statements_tax

    def command(work: Work) -> list[dict[str, object]]:
        return [stock.as_told(row) for row in work.connection.execute(statements_tax.STOCKS)]

    found = once(data, command)
    words = (f"{each['kiosk']} {each['kind']} {each['first']} to {each['last']}: {each['left']} left" for each in found)
    say(json, {"stock": found}, "\n".join(words))


@invoice_app.command("red")
def red_invoice(
    number: str,
    code: Annotated[str | None, typer.Option(help="Of a paper form.")] = None,
    kiosk: Annotated[str | None, typer.Option(help="Whose blank a paper one takes.")] = None,
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel an invoice by its red-letter negative, the only way to undo one."""
    from hall.filings.documents import issue_red

    try:
        with _tax_office(data, settings) as (writer, office, _):
            red = writer.submit(lambda work: issue_red(work, office, number, code, kiosk)).result()
    except ValueError as error:
        refuse(*str(error).split(": ", 1))
    told = {"number": red.number, "code": red.code, "red_of": red.red_of, "gross_fen": red.gross}
    say(json, told, f"{red.number} cancels {red.red_of}")


@app.command()
def reconcile(
    day: Annotated[str, typer.Argument(help="2026-11-24")],
    data: DataOption = DATA,
    settings: SettingsOption = None,
    json: JsonOption = False,
) -> None:
    """Hold a day's terminals, kiosks, hall and bureaus against each other. Differences are told, not repaired."""
    from datetime import date

    from hall.filings.reconcile import reconcile_once

    try:
        wanted = date.fromisoformat(day)
    except ValueError:
        refuse("day", "a day like 2026-11-24")
    result = reconcile_once(data, _settings(settings), wanted)
    lines = [f"{each.name} {each.subject} {each.where} {each.detail}".rstrip() for each in result.differences]
    say(json, result, "\n".join([*lines, f"{len(lines)} differences"]))


def _settings(file: Path | None) -> Settings:
    from hall.settings import read_settings

    try:
        return read_settings(file)
    except (OSError, ValueError) as error:
        refuse("settings", str(error))


@contextmanager
def _tax_office(data: Path, settings: Path | None) -> Iterator[tuple[Writer, TaxOffice, date]]:
    """What the hall's tax side works with, beside a server or without one; and today."""
    from hall.clock import SystemClock
    from hall.filings.office import open_office
    from hall.store.database import UnfitDatabase
    from hall.store.writer import StorageFailed

    try:
        with open_office(data, _settings(settings)) as (writer, office):
            yield writer, office, SystemClock().now().date()
    except (UnfitDatabase, StorageFailed, OSError) as error:
        fail(str(error))


def main() -> None:
    from systemd import commands
    from systemd.placing import HALL

    commands.register(app, HALL)
    app()
