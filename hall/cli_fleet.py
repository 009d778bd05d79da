"""``taxhall kiosk …``, ``taxhall technician …`` and ``taxhall audit``: the kiosks as machines, from the command line.

All of it may be done beside a running server, which looks into the books once a second.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from hall.cli_output import DATA, ByOption, DataOption, JsonOption, SettingsOption, fail, once, refuse, say, who

if TYPE_CHECKING:
    from hall.fleet.reports import Kiosk
    from kiosk.domain.fleet import Verb

T = TypeVar("T")

technician_app = typer.Typer(no_args_is_help=True, help="Whose cards open maintenance mode, from the next release on.")


def register(app: typer.Typer, kiosk_app: typer.Typer) -> None:
    """Add these commands."""
    kiosk_app.command("list")(list_kiosks)
    kiosk_app.command("lock")(lock)
    kiosk_app.command("unlock")(unlock)
    kiosk_app.command("restart")(restart)
    kiosk_app.command("logs")(logs)
    kiosk_app.command("group")(group)
    app.add_typer(technician_app, name="technician")
    app.command("audit")(audit)


# ---- kiosks ----------------------------------------------------------------------------------------------------------


def list_kiosks(data: DataOption = DATA, settings: SettingsOption = None, json: JsonOption = False) -> None:
    """Show every kiosk: is it there, what is wrong, which release it runs."""
    from hall.fleet import alarms, reports
    from hall.settings import read_settings
    from hall.store.writer import Work

    try:
        fleet = read_settings(settings).fleet
    except (OSError, ValueError) as error:
        refuse("settings", str(error))

    def command(work: Work) -> list[dict[str, object]]:
        found: dict[str, list[str]] = {}
        for alarm in alarms.open_now(work.connection, fleet, work.now):
            found.setdefault(alarm.kiosk, []).append(f"{alarm.kind} {alarm.detail}".rstrip())
        kiosks = reports.fleet(work.connection, work.now, fleet.report_s)
        return [_told(each, found.get(each.id, [])) for each in kiosks]

    told = once(data, command)
    lines = [f"{each['kiosk']:5} {each['state']:8} release {each['release']} {each['alarms']}" for each in told]
    say(json, {"kiosks": told}, "\n".join(lines))


def _told(kiosk: Kiosk, found: list[str]) -> dict[str, object]:
    report = kiosk.report
    state = "revoked" if kiosk.revoked else "online" if kiosk.online else "offline"
    return {
        "kiosk": kiosk.id,
        "state": state,
        "group": kiosk.group or None,
        "heard_at": kiosk.heard_at,
        "locked": report.locked if report is not None else None,
        "in_maintenance": report.in_maintenance if report is not None else None,
        "release": report.configuration.running if report is not None else None,
        "journal_waiting": report.journal_waiting if report is not None else None,
        "last_visit_at": report.last_visit_at if report is not None else None,
        "devices": report.devices if report is not None else {},
        "alarms": found,
    }


def lock(
    kiosk: str,
    words: Annotated[str, typer.Option(help="Shown on the screen meanwhile.")] = "",
    by: ByOption = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Out of service after the visit in progress: taxhall kiosk lock K3 --words "9:00 恢复" """
    _order(kiosk, "lock", words, by, data, json)


def unlock(kiosk: str, by: ByOption = "", data: DataOption = DATA, json: JsonOption = False) -> None:
    """Back into service."""
    _order(kiosk, "unlock", "", by, data, json)


def restart(kiosk: str, by: ByOption = "", data: DataOption = DATA, json: JsonOption = False) -> None:
    """Restart the front end between two visits."""
    _order(kiosk, "restart", "", by, data, json)


def logs(
    kiosk: str,
    hours: Annotated[int, typer.Option(help="How far back, 1 to 72.")] = 2,
    wait: Annotated[float, typer.Option(help="Seconds for the kiosk to answer.")] = 30.0,
    by: ByOption = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Fetch a kiosk's log lines, and print them."""
    import time

    from hall.fleet import orders
    from hall.store.writer import Work

    order = _give(kiosk, "fetch_logs", str(hours), by, data)
    due = time.monotonic() + wait

    def command(work: Work) -> tuple[orders.Given, str | None]:
        given = next(each for each in orders.latest(work.connection, kiosk, work.now_ms) if each.id == order)
        return given, orders.logs(work.connection, kiosk, order)

    while True:
        given, text = once(data, command)
        if given.state == "refused":
            fail(f"{kiosk} refused: {given.problem}")
        if text is not None:
            say(json, {"kiosk": kiosk, "logs": text}, text)
            return
        if time.monotonic() > due:
            fail(f"{kiosk} has not answered yet; what it answers will be on its page")
        time.sleep(0.5)


def group(
    kiosk: str,
    name: Annotated[str, typer.Argument(help='A group that releases are published for; "": none.')],
    by: ByOption = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Put a kiosk into a group: taxhall kiosk group K3 lobby"""
    from hall.fleet import reports
    from hall.queue.refusal import Refused

    try:
        once(data, lambda work: reports.set_group(work, kiosk, name, who(by)))
    except Refused as refused:
        refuse(refused.field or "kiosk", refused.problem)
    say(json, {"kiosk": kiosk, "group": name or None}, f"{kiosk}: {name or 'no group'}")


def _order(kiosk: str, verb: str, argument: str, by: str, data: Path, json: bool) -> None:
    order = _give(kiosk, verb, argument, by, data)
    say(json, {"kiosk": kiosk, "order": order, "verb": verb}, f"{kiosk}: {verb} ordered")


def _give(kiosk: str, verb: str, argument: str, by: str, data: Path) -> str:
    from hall.fleet import orders
    from hall.queue.refusal import Refused
    from kiosk.domain.fleet import Verb

    word: Verb = Verb(verb)
    try:
        return once(data, lambda work: orders.give(work, kiosk, word, argument, who(by))).id
    except Refused as refused:
        refuse(refused.field or "kiosk", refused.problem)


# ---- technicians -----------------------------------------------------------------------------------------------------


@technician_app.command("add")
def add_technician(
    id: Annotated[str, typer.Argument(help="A short number or name, unique: T7")],
    name: str,
    certificate: Annotated[Path, typer.Option(help="The certificate on the card, PEM or DER.")],
    valid_to: Annotated[str, typer.Option(help="The last day: 2027-12-31")],
    valid_from: Annotated[str, typer.Option(help="The first day; without it: today.")] = "",
    role: Annotated[str, typer.Option(help="technician or senior.")] = "technician",
    by: ByOption = "",
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Put a technician's card on the list. Kiosks know of it from the next release on."""
    from hall.clock import SystemClock
    from hall.fleet import technicians
    from kiosk.domain.fleet import Technician, TechnicianRole

    if role not in list(TechnicianRole):
        refuse("role", f"one of {', '.join(TechnicianRole)}")
    try:
        print_of = technicians.fingerprint(certificate.read_bytes())
    except OSError as error:
        refuse("certificate", error.strerror or str(error))
    except ValueError:
        refuse("certificate", "no certificate in PEM or DER")
    today = SystemClock().now().date()
    first, last = _day("valid_from", valid_from) if valid_from else today, _day("valid_to", valid_to)
    technician = Technician(id, name, TechnicianRole(role), print_of, first, last)
    try:
        once(data, lambda work: technicians.add(work, technician, who(by)))
    except ValueError as error:
        refuse(*str(error).split(": ", 1))
    say(json, technician, f"{id} added; publish a release to let the kiosks know")


@technician_app.command("revoke")
def revoke_technician(id: str, by: ByOption = "", data: DataOption = DATA, json: JsonOption = False) -> None:
    """Take a card back. Kiosks refuse it from the next release on."""
    from hall.fleet import technicians

    if not once(data, lambda work: technicians.revoke(work, id, who(by))):
        refuse("id", "no such technician, or revoked already")
    say(json, {"id": id, "revoked": True}, f"{id} revoked; publish a release to let the kiosks know")


@technician_app.command("list")
def list_technicians(data: DataOption = DATA, json: JsonOption = False) -> None:
    """Show every card: whose, which role, until when."""
    from hall.fleet import technicians

    found = once(data, lambda work: technicians.every(work.connection))
    lines = [
        f"{each.id}  {each.name}  {each.role}  {each.valid_from} – {each.valid_to}{'  revoked' if each.revoked else ''}"
        for each in found
    ]
    say(json, {"technicians": found}, "\n".join(lines))


# ---- the hall's audit log --------------------------------------------------------------------------------------------


def audit(
    verify: Annotated[
        bool, typer.Option("--verify", help="Follow the whole chain; exit 1 where it is broken.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1)] = 50,
    data: DataOption = DATA,
    json: JsonOption = False,
) -> None:
    """Show what was done at the hall to kiosks, releases and accounts, the newest last; or verify its chain."""
    from hall.fleet import audit as log

    if not verify:
        entries = once(data, lambda work: log.latest(work.connection, limit))[::-1]
        lines = [f"{e.seq:6} {e.at:%Y-%m-%d %H:%M:%S} {e.who}  {e.what}  {e.subject}  {e.detail}" for e in entries]
        say(json, {"entries": entries}, "\n".join(lines))
        return
    result = once(data, lambda work: log.verify(work.connection))
    if result.broken is not None:
        fail(f"the chain is broken at row {result.broken}")
    say(json, result, f"{result.rows} rows, whole; the last hash is {result.last_hash}")


# ---- what the commands share -----------------------------------------------------------------------------------------


def _day(field: str, value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        refuse(field, "a day like 2027-12-31")
