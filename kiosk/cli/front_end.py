"""``taxkiosk run``: the front end, from exec to the last frame.

The window comes first, and takes touches; what is behind it (database, hall, devices) is imported and opened in another
thread once the first page is drawn. A touch made meanwhile waits in the inbox for a fraction of a second. For the same
reason this command is dispatched before the option parser of the others is imported (see ``main``).
"""

from __future__ import annotations

import argparse
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kiosk.cli.output import NOT_ENROLLED, fail, refuse

if TYPE_CHECKING:
    from kiosk.configuration.health import HealthWatch, Seen
    from kiosk.domain.tax import RulePack
    from kiosk.runtime.appliance import Appliance
    from kiosk.settings import Settings
    from kiosk.store.store import Store


def main(words: list[str]) -> None:
    """Runs until SIGTERM. ``words``: what follows ``taxkiosk run``."""
    parser = argparse.ArgumentParser("taxkiosk run", description="The front end: full screen, until SIGTERM.")
    parser.add_argument("--settings", type=Path, help="The kiosk's own kiosk.toml; without it the shipped values.")
    run(parser.parse_args(words).settings)


def run(settings_file: Path | None) -> None:
    # structlog would import rich for coloured tracebacks that no kiosk prints: 70 ms and 8 MB.
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None is how Python marks a module as not there

    from kiosk.configuration.in_service import InService, Unreadable
    from kiosk.settings import SettingsError, load

    try:
        release = InService(load(settings_file), settings_file)
    except SettingsError as problem:
        refuse("settings", str(problem))
    except Unreadable as problem:
        fail(f"the release in service is given up: {problem}")
    settings = release.settings

    # Kivy reads its settings when it is first imported, so the window is prepared before anything else.
    from screens.environment import Look, NotPrepared, prepare

    size = settings.look
    upright: Literal["portrait", "landscape"] = "portrait" if size.height > size.width else "landscape"
    look = Look(upright, size.width, size.height, size.fullscreen, size.theme)
    try:
        prepare(look)
    except NotPrepared as problem:
        fail(str(problem))

    import config
    from kiosk.domain.catalogue import Catalogue
    from kiosk.domain.texts import Texts
    from kiosk.runtime.clock import SystemClock
    from kiosk.runtime.inbox import Inbox
    from kiosk.runtime.trusted_clock import TrustedClock
    from kiosk.runtime.watchdog import Pulse, ServiceManager, Watchdog
    from kiosk.session.rules import Rules
    from kiosk.session.state import Language
    from screens.app import KioskApp
    from screens.extract_fonts import FONTS

    try:
        with release.reading():
            texts = {language: Texts(config.read_texts(language.value)) for language in Language}
            catalogue = Catalogue(config.read_services())
    except Unreadable as problem:
        fail(f"the release in service is given up: {problem}")
    inbox, clock = Inbox(), TrustedClock(SystemClock())
    rules = Rules(catalogue, settings.limits, settings.tax.functions, offline=settings.offline)
    behind: list[Appliance] = []
    problems: list[str] = []
    watches: list[HealthWatch] = []
    manager, window = ServiceManager(), Pulse("window")
    watchdogs: list[Watchdog] = []

    def watch_release(appliance: Appliance, store: Store) -> None:
        """While a release is on trial, hold what it does to this front end against what a kiosk has to be."""
        pulses = [0]

        def look(devices: frozenset[str]) -> Seen:
            from kiosk.configuration.health import Seen

            before, pulses[0] = pulses[0], appliance.pulse.count
            failures = appliance.failures + app.failures
            works = store_works(store)
            return Seen(app.drawn > 0, pulses[0] > before, appliance.workers_live, works, failures, devices)

        def given_up(why: str) -> None:
            from kiosk.configuration.health import GRAVE

            if why in GRAVE:
                app.leave()
            else:
                store.standing.ask_restart()

        watch = release.watch(look, given_up)
        if watch is not None:
            watches.append(watch)
            watch.start()

    def put_together() -> None:
        import structlog

        from kiosk.cli.output import open_store
        from kiosk.runtime import logs
        from kiosk.runtime.appliance import Appliance
        from kiosk.runtime.enrolment import enrolment_of
        from kiosk.store.database import StoreError

        logs.configure("front-end")
        try:
            store = open_store(settings)
            enrolment = enrolment_of(store)
            if enrolment is None:
                problems.append(NOT_ENROLLED)
                app.leave()
                return
            app.introduce(enrolment.kiosk, enrolment.hall_names, release.number)
            known = replace(rules, pack=read_rules(settings))
            font = FONTS / "common-Regular.otf"
            appliance = Appliance(
                settings, store, enrolment, catalogue, texts, inbox, clock, app.show, known, app.leave, font
            )
            appliance.start()
            behind.append(appliance)
            watch_release(appliance, store)
            # The first page is on the glass and the store is open: from here on both loops have to keep moving.
            watchdog = Watchdog(manager, window, appliance.pulse)
            watchdogs.append(watchdog)
            watchdog.start()
            manager.ready("serving")
        except (StoreError, OSError) as problem:
            problems.append(f"the store cannot be used: {problem}")
            app.leave()
        except Exception as problem:
            # A window with nothing behind it would swallow touches for ever: end, and be started anew.
            structlog.get_logger().exception("start-failed")
            problems.append(f"the kiosk cannot be put together: {type(problem).__name__}")
            app.leave()

    starting = threading.Thread(target=put_together, name="start")
    app = KioskApp(
        inbox=inbox,
        texts=texts,
        catalogue=catalogue,
        look=look,
        clock=clock,
        targets_file=Path(size.targets_file) if size.targets_file else None,
        when_drawn=starting.start,
        availability=rules.availability,
        alive=window.beat,
    )
    app.run()
    manager.stopping()
    for watchdog in watchdogs:
        watchdog.stop()
    if starting.ident is not None:
        starting.join()
    for watch in watches:
        watch.stop(1.0)
    for appliance in behind:
        appliance.stop()
    if problems:
        fail(problems[0])
    if app.failed:
        raise SystemExit(1)


def store_works(store: Store) -> bool:
    """Whether a write becomes durable."""
    from kiosk.store.database import StoreFailed

    try:
        store.set_settings({"looked_at": b""})
    except StoreFailed:
        return False
    return True


def read_rules(settings: Settings) -> RulePack | None:
    """The tax rules of this hall; None, and said in the log, where they cannot be used: numbers are given all the same.

    Parsing takes a tenth of a second, so it is not for the first frame.
    """
    import structlog

    import config
    from kiosk.domain.tax import BadRules, RulePack

    try:
        tree = config.read_tax_rules()
        tree["options"]["profile"]["value"] = settings.tax.profile
        return RulePack.from_tree(tree)
    except BadRules as problem:
        # Their text is of the rules, not of anybody.
        structlog.get_logger().error("tax-rules-refused", reason=str(problem))
    except Exception:
        structlog.get_logger().exception("tax-rules-unreadable")
    return None
