"""Commands: the processes of a kiosk (front end and sync agent), and making it known to its hall."""

from __future__ import annotations

import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kiosk.cli.output import NOT_ENROLLED, emit, fail, open_store, refuse

if TYPE_CHECKING:
    from kiosk.runtime.enrolment import Enrolment
    from kiosk.settings import Settings
    from kiosk.store.store import Store
    from kiosk.sync.fleet import FleetAgent

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The kiosk's own kiosk.toml; without it the shipped values.")
]
ENROL_TIMEOUT_S = 10.0


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("run")(run)
    app.command("sync")(sync)
    app.command("enrol")(enrol)


def run(settings_file: SettingsFile = None) -> None:
    """The front end: full screen, until SIGTERM."""
    from kiosk.cli.front_end import run as run_front_end

    run_front_end(settings_file)


def sync(settings_file: SettingsFile = None) -> None:
    """The sync agent: empties the journal into the hall, until SIGTERM."""
    from kiosk.runtime import logs
    from kiosk.runtime.enrolment import enrolment_of
    from kiosk.runtime.watchdog import Pulse, ServiceManager, Watchdog
    from kiosk.sync import agent
    from kiosk.sync.hall_client import HallClient
    from kiosk.sync.signing import Signer

    logs.configure("sync")
    settings = _settings(settings_file)
    store = _open_store(settings)
    enrolment = enrolment_of(store)
    if enrolment is None:
        fail(NOT_ENROLLED)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signer = Signer(enrolment.kiosk, enrolment.private_key)
    hall = HallClient(settings.kiosk.hall_url, signer, hall_ca=settings.kiosk.hall_ca)
    manager, pulse = ServiceManager(), Pulse("sync")
    watchdog = Watchdog(manager, pulse)
    fleet = _fleet(settings, settings_file, store, enrolment)
    fleet.start()
    manager.ready("emptying the journal into the hall")
    watchdog.start()
    try:
        agent.run(store, hall, stop, pulse.beat)
    finally:
        manager.stopping()
        watchdog.stop()
        fleet.stop()
        hall.close()
        store.close()


def _fleet(settings: Settings, settings_file: Path | None, store: Store, enrolment: Enrolment) -> FleetAgent:
    """The agent's other half: reports, orders and releases."""
    from importlib import metadata

    from kiosk.configuration.taking import Taker
    from kiosk.runtime.clock import SystemClock
    from kiosk.runtime.trusted_clock import TrustedClock
    from kiosk.sync.fleet import agent_for
    from kiosk.sync.hall_client import HallClient
    from kiosk.sync.signing import Signer

    kiosk, clock = settings.kiosk, TrustedClock(SystemClock())
    clock.trust(store)

    def client() -> HallClient:
        signer = Signer(enrolment.kiosk, enrolment.private_key)
        return HallClient(kiosk.hall_url, signer, told=clock.hall_told, hall_ca=kiosk.hall_ca)

    folder, ask_restart = kiosk.configuration_dir, store.standing.ask_restart
    taker = Taker(folder, settings_file, store, enrolment, client(), clock.now, ask_restart)
    software = metadata.version("taxkiosk")
    return agent_for(store, clock, enrolment.kiosk, enrolment.order_key, kiosk.status_file, software, taker, client)


def enrol(
    code: Annotated[str, typer.Argument(help="The one-time code from: taxhall enrol K3")],
    settings_file: SettingsFile = None,
) -> None:
    """Make this kiosk known to its hall: a new key pair, its public half sent under a one-time code."""
    from kiosk.runtime import enrolment
    from kiosk.store.database import StoreFailed
    from kiosk.store.trusted_time import TrustedTime
    from kiosk.sync.hall_client import HallClient, HallRefused, HallUnreachable

    settings = _settings(settings_file)
    store = _open_store(settings)
    heard: list[datetime] = []
    hall = HallClient(settings.kiosk.hall_url, told=heard.append, hall_ca=settings.kiosk.hall_ca)
    try:
        known = enrolment.enrol(store, hall, code, ENROL_TIMEOUT_S)
        if heard:
            # From here on this kiosk knows what time it is at the least, whatever its own clock shows.
            store.keep_trusted_time(TrustedTime(heard[-1], heard[-1]))
    except HallRefused as problem:
        refuse("code", problem.problem)
    except (HallUnreachable, StoreFailed) as problem:
        fail(f"not enrolled: {problem}")
    finally:
        hall.close()
        store.close()
    emit({"kiosk": known.kiosk, "hall": known.hall_name_zh})


def open_kiosk(file: Path | None) -> Store:
    """The store of the kiosk whose settings are in ``file``; ends the command where it cannot be opened."""
    return _open_store(_settings(file))


def _settings(file: Path | None) -> Settings:
    from kiosk import settings

    try:
        return settings.load(file)
    except settings.SettingsError as problem:
        refuse("settings", str(problem))


def _open_store(settings: Settings) -> Store:
    from kiosk.store.database import StoreError

    try:
        return open_store(settings)
    except (StoreError, OSError) as problem:
        fail(f"the store cannot be opened: {problem}")
