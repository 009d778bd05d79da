"""Commands that look after the machine itself; its units call them, technicians may."""

from __future__ import annotations

import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.output import emit, fail, refuse

if TYPE_CHECKING:
    from kiosk.settings import Settings

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The kiosk's own kiosk.toml; without it the shipped values.")
]

LOOK_EVERY_S = 0.5


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("check")(check)
    app.command("recover")(recover)
    app.command("out-of-service")(out_of_service)
    app.command("night")(night)


def check(
    settings_file: SettingsFile = None,
    say_fault: Annotated[Path | None, typer.Option(help="Where to leave the code for the picture.")] = None,
) -> None:
    """May this kiosk begin? Disk, key, every page of the store, enrolment. Exit 1, and the code of a fault, if not."""
    from kiosk.runtime.self_check import Fault, Finding, look
    from kiosk.settings import SettingsError, load

    finding: Finding | None
    try:
        finding = look(load(settings_file))
    except SettingsError as problem:
        finding = Finding(Fault.SETTINGS, str(problem))
    if say_fault is not None:
        if finding:
            say_fault.write_text(finding.fault.value, encoding="ascii")
        else:
            say_fault.unlink(missing_ok=True)
    emit({"fault": finding and finding.fault.value, "problem": finding and finding.problem})
    raise SystemExit(1 if finding else 0)


def recover(settings_file: SettingsFile = None) -> None:
    """Put a broken store aside, and a mended or a new one in its place. Nothing is deleted. Stop the services first."""
    from kiosk.runtime import self_check
    from kiosk.store.database import StoreError

    settings = _settings(settings_file)
    finding = self_check.look_at_store(settings)
    if finding is None or finding.fault is self_check.Fault.NOT_ENROLLED:
        emit({"outcome": "whole", "aside": None, "unsent": None})
        return
    if finding.fault is not self_check.Fault.STORE_BROKEN:
        # Another key, another program: the store may be as good as ever.
        fail(f"not broken, but {finding.fault.value}: {finding.problem}")
    try:
        done = self_check.recover(settings, datetime.now().astimezone())
    except (StoreError, OSError) as problem:
        fail(f"not recovered: {problem}")
    emit({"outcome": "mended" if done.mended else "new", "aside": str(done.aside), "unsent": done.unsent})
    if not done.mended:
        sys.stderr.write("taxkiosk: the store is new; make it known to the hall: taxkiosk enrol CODE\n")


def out_of_service(
    settings_file: SettingsFile = None,
    fault: Annotated[Path | None, typer.Option(help="The file in which check has left a code.")] = None,
    pause: Annotated[float, typer.Option(min=0, help="Seconds until all is tried anew.")] = 600.0,
) -> None:
    """One picture that says so, until the pause is over or somebody holds the screen for five seconds."""
    import structlog

    from kiosk.runtime import logs
    from screens import notice

    logs.configure("out-of-service")
    code = fault_of(os.environ, fault)
    structlog.get_logger().error("out-of-service", reason=code)
    by_hand = notice.show(code, pause)
    structlog.get_logger().info("tried-anew", reason="by hand" if by_hand else "after the pause")


def fault_of(environment: os._Environ[str] | dict[str, str], found: Path | None) -> str:
    """What check has found; else what systemd says of the unit that has failed (``MONITOR_…``)."""
    from kiosk.runtime.self_check import Fault

    if found is not None and found.exists():
        code = found.read_text(encoding="ascii", errors="replace").strip()
        if code in {each.value for each in Fault}:
            return code
    unit, result = environment.get("MONITOR_UNIT", ""), environment.get("MONITOR_SERVICE_RESULT", "")
    if environment.get("MONITOR_EXIT_STATUS") in ("243", "CREDENTIALS"):
        return Fault.NO_KEY.value
    if unit == "taxkiosk-x.service":
        return Fault.NO_SCREEN.value
    return Fault.HANGS.value if result == "watchdog" else Fault.KEEPS_FALLING.value


def night(
    settings_file: SettingsFile = None,
    longest: Annotated[float, typer.Option(min=0, help="Seconds to wait for a moment between two visits.")] = 5400.0,
) -> None:
    """Reboot this machine between two visits: the front end leaves, and its unit goes further. Exit 1: not tonight."""
    from kiosk.cli.output import open_store
    from kiosk.runtime import wishes
    from kiosk.store.database import StoreError

    settings = _settings(settings_file)
    try:
        wishes.ask(wishes.Wish.NIGHT)
    except OSError as problem:
        fail(f"this machine does not reboot by itself: {problem}")
    try:
        store = open_store(settings)
        try:
            store.standing.ask_restart()
        finally:
            store.close()
    except (StoreError, OSError) as problem:
        # The front end is not up either, then; the next time that it is tried anew the machine restarts.
        sys.stderr.write(f"taxkiosk: the front end was not asked: {problem}\n")
    until = time.monotonic() + longest
    while wishes.is_asked(wishes.Wish.NIGHT):
        if time.monotonic() >= until:
            wishes.take_back(wishes.Wish.NIGHT)
            fail("somebody was always there: not tonight")
        time.sleep(LOOK_EVERY_S)


def _settings(file: Path | None) -> Settings:
    from kiosk.settings import SettingsError, load

    try:
        return load(file)
    except SettingsError as problem:
        refuse("settings", str(problem))
