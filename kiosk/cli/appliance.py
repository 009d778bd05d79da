"""Commands: the processes of a kiosk (front end and sync agent), and making it known to its hall."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn

import typer

from kiosk.cli.output import emit, refuse

if TYPE_CHECKING:
    from kiosk.runtime.appliance import Appliance
    from kiosk.settings import Settings
    from kiosk.store.store import Store

SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The kiosk's own kiosk.toml; without it the shipped values.")
]
ENROL_TIMEOUT_S = 10.0
NOT_ENROLLED = "this kiosk is not known to its hall yet: taxkiosk enrol CODE --settings FILE"


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    app.command("run")(run)
    app.command("sync")(sync)
    app.command("enrol")(enrol)


def run(settings_file: SettingsFile = None) -> None:
    """The front end: full screen, until SIGTERM.

    The window comes first, and takes touches; what is behind it (database, hall, devices) is imported and opened in
    another thread once the first page is drawn. A touch made meanwhile waits in the inbox for a fraction of a second.
    """
    settings = _settings(settings_file)

    # Kivy reads its settings when it is first imported, so the window is prepared before anything else.
    from screens.environment import Look, NotPrepared, prepare

    size = settings.look
    upright: Literal["portrait", "landscape"] = "portrait" if size.height > size.width else "landscape"
    look = Look(upright, size.width, size.height, size.fullscreen, size.theme)
    try:
        prepare(look)
    except NotPrepared as problem:
        _fail(str(problem))

    import config
    from kiosk.domain.catalogue import Catalogue
    from kiosk.domain.texts import Texts
    from kiosk.runtime.clock import SystemClock
    from kiosk.runtime.inbox import Inbox
    from kiosk.session.state import Language
    from screens.app import KioskApp

    texts = {language: Texts(config.read_texts(language.value)) for language in Language}
    catalogue = Catalogue(config.read_services())
    inbox, clock = Inbox(), SystemClock()
    behind: list[Appliance] = []
    problems: list[str] = []

    def put_together() -> None:
        from kiosk.runtime import logs
        from kiosk.runtime.appliance import Appliance
        from kiosk.runtime.enrolment import enrolment_of
        from kiosk.store.database import StoreError

        logs.configure("front-end")
        try:
            store = _store(settings)
            enrolment = enrolment_of(store)
            if enrolment is None:
                problems.append(NOT_ENROLLED)
                app.stop()
                return
            app.introduce(enrolment.kiosk, enrolment.hall_names)
            appliance = Appliance(settings, store, enrolment, catalogue, texts, inbox, clock, app.show)
            appliance.start()
            behind.append(appliance)
        except (StoreError, OSError) as problem:
            problems.append(f"the store cannot be used: {problem}")
            app.stop()

    starting = threading.Thread(target=put_together, name="start")
    app = KioskApp(
        inbox=inbox,
        texts=texts,
        catalogue=catalogue,
        look=look,
        clock=clock,
        targets_file=Path(size.targets_file) if size.targets_file else None,
        when_drawn=starting.start,
    )
    app.run()
    if starting.ident is not None:
        starting.join()
    for appliance in behind:
        appliance.stop()
    if problems:
        _fail(problems[0])
    if app.failed:
        raise SystemExit(1)


def sync(settings_file: SettingsFile = None) -> None:
    """The sync agent: empties the journal into the hall, until SIGTERM."""
    from kiosk.runtime import logs
    from kiosk.runtime.enrolment import enrolment_of
    from kiosk.sync import agent
    from kiosk.sync.hall_client import HallClient
    from kiosk.sync.signing import Signer

    logs.configure("sync")
    settings = _settings(settings_file)
    store = _open_store(settings)
    enrolment = enrolment_of(store)
    if enrolment is None:
        _fail(NOT_ENROLLED)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    hall = HallClient(settings.kiosk.hall_url, Signer(enrolment.kiosk, enrolment.private_key))
    try:
        agent.run(store, hall, stop)
    finally:
        hall.close()
        store.close()


def enrol(
    code: Annotated[str, typer.Argument(help="The one-time code from: taxhall enrol K3")],
    settings_file: SettingsFile = None,
) -> None:
    """Make this kiosk known to its hall: a new key pair, its public half sent under a one-time code."""
    from kiosk.runtime import enrolment
    from kiosk.store.database import StoreFailed
    from kiosk.sync.hall_client import HallClient, HallRefused, HallUnreachable

    settings = _settings(settings_file)
    store = _open_store(settings)
    hall = HallClient(settings.kiosk.hall_url)
    try:
        known = enrolment.enrol(store, hall, code, ENROL_TIMEOUT_S)
    except HallRefused as problem:
        refuse("code", problem.problem)
    except (HallUnreachable, StoreFailed) as problem:
        _fail(f"not enrolled: {problem}")
    finally:
        hall.close()
        store.close()
    emit({"kiosk": known.kiosk, "hall": known.hall_name_zh})


def _settings(file: Path | None) -> Settings:
    from kiosk import settings

    try:
        return settings.load(file)
    except settings.SettingsError as problem:
        refuse("settings", str(problem))


def _store(settings: Settings) -> Store:
    """Raises StoreError, OSError."""
    from kiosk.store.database import read_or_make_key
    from kiosk.store.store import Store

    kiosk = settings.kiosk
    return Store(kiosk.database, read_or_make_key(kiosk.key_file), kiosk.day_starts)


def _open_store(settings: Settings) -> Store:
    from kiosk.store.database import StoreError

    try:
        return _store(settings)
    except (StoreError, OSError) as problem:
        _fail(f"the store cannot be opened: {problem}")


def _fail(problem: str) -> NoReturn:
    sys.stderr.write(f"taxkiosk: {problem}\n")
    raise SystemExit(1)
