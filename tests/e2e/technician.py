"""What a technician's visit needs in a test: a list of technicians, a kiosk with a slot, and hands."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import msgspec

from demo.processes import wait_until
from drivers.bench.smart_card import PIN, TechnicianChip, VirtualCard, VirtualReaders
from drivers.smart_card.slot import look_at_slot
from kiosk import settings as kiosk_settings
from kiosk.domain.fleet import Technician, TechnicianList, TechnicianRole
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import Enrolment, enrol
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import Do, HiddenGesture, OpenPlace, PinDone, PinKey, SaySure
from kiosk.session.panel import LoginStep, Maintenance, MaintenanceLogin, Outcome, Panel, Place
from kiosk.session.state import Home, Session, Shown
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient
from screens.extract_fonts import FONTS
from tests.flows.test_appliance import CATALOGUE, TEXTS, Hall
from tests.unit.test_store import KEY


def enrolled(hall: Hall, folder: Path) -> Enrolment:
    """A kiosk that the hall knows; its disk is made anew for every test."""
    store = Store(folder / "enrolled.sqlite", KEY)
    try:
        return enrol(store, HallClient(hall.url), hall.command("enrol", "K901")["code"], 10)
    finally:
        store.close()


def listed(chip: TechnicianChip, id: str = "T7", **other: object) -> Technician:
    values = {
        "id": id,
        "name": chip.name,
        "role": TechnicianRole.SENIOR,
        "certificate": hashlib.sha256(chip.certificate).hexdigest(),
        "valid_from": date(2026, 1, 1),
        "valid_to": date(2035, 12, 31),
    }
    return Technician(**{**values, **other})  # type: ignore[arg-type]


def write_list(folder: Path, *technicians: Technician) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "technicians.json").write_bytes(msgspec.json.encode(TechnicianList(list(technicians))))


class Machine:
    """A kiosk without its window, with a slot: everything else is real."""

    def __init__(
        self, hall: Hall, folder: Path, readers: VirtualReaders, enrolment: Enrolment, extra: str = ""
    ) -> None:
        folder.mkdir(exist_ok=True)
        own = folder / "kiosk.toml"
        names = ("id_card", "ticket_printer", "receipt_printer", "pos")
        devices = "".join(f'{name} = "{hall.bench / name.replace("_", "-")}"\n' for name in names)
        own.write_text(
            f'[kiosk]\ndata_dir = "."\nkey_file = "key"\nhall_url = "{hall.url}"\n'
            f'[devices]\n{devices}smart_card = "{readers.url(0)}"\n{extra}',
            encoding="utf-8",
        )
        self.settings = kiosk_settings.load(own)
        self.store = Store(self.settings.kiosk.database, KEY)
        self.inbox = Inbox()
        self.left = threading.Event()
        self._changed = threading.Condition()
        self._shown: Shown | None = None
        self._outcomes: list[tuple[str, Outcome]] = []
        self.enrolment = enrolment
        self.appliance = Appliance(
            self.settings,
            self.store,
            self.enrolment,
            CATALOGUE,
            TEXTS,
            self.inbox,
            SystemClock(),
            self._show,
            leave=self.left.set,
            font=FONTS / "common-Regular.otf",
        )
        self.appliance.start()
        self.waits(lambda session: session.situation.smart_card.works)

    def close(self) -> None:
        self.appliance.stop()
        self.store.close()

    def _show(self, shown: Shown) -> None:
        with self._changed:
            before = self._shown.session.page if self._shown else None
            page = shown.session.page
            if isinstance(before, Maintenance) and before.doing and isinstance(page, Maintenance) and page.outcome:
                self._outcomes.append((before.doing, page.outcome))
            self._shown = shown
            self._changed.notify_all()

    def waits(self, what: Callable[[Session], bool], seconds: float = 20.0) -> Session:
        """The first session shown of which ``what`` holds."""
        with self._changed:
            there = self._changed.wait_for(lambda: self._shown is not None and what(self._shown.session), seconds)
            assert self._shown is not None
            assert there, f"never shown; last: {self._shown.session.page}"
            return self._shown.session

    def waits_for_home(self, seconds: float = 20.0) -> Session:
        return self.waits(lambda session: isinstance(session.page, Home), seconds)

    def waits_for_step(self, step: LoginStep) -> MaintenanceLogin:
        page = self.waits(lambda s: isinstance(s.page, MaintenanceLogin) and s.page.step is step).page
        assert isinstance(page, MaintenanceLogin)
        return page

    # ---- hands -------------------------------------------------------------------------------------------------------

    def asks_for_entry(self) -> None:
        self.inbox.post(HiddenGesture())
        self.waits(lambda session: isinstance(session.page, MaintenanceLogin))

    def types(self, pin: str) -> None:
        self.waits_for_step(LoginStep.PIN)
        for digit in pin:
            self.inbox.post(PinKey(digit))
        self.inbox.post(PinDone())

    def logs_in(self, card: VirtualCard, pin: str = PIN) -> None:
        self.asks_for_entry()
        if not card.inside:
            card.insert()
        self.types(pin)
        self.reads(Place.MENU)

    def opens(self, place: Place, subject: str = "") -> Panel:
        self.inbox.post(OpenPlace(place, subject))
        return self.reads(place, subject)

    def reads(self, place: Place, subject: str = "", what: Callable[[Panel], bool] = lambda panel: True) -> Panel:
        def there(session: Session) -> bool:
            page = session.page
            return (
                isinstance(page, Maintenance)
                and (page.place, page.subject) == (place, subject)
                and page.panel is not None
                and what(page.panel)
            )

        page = self.waits(there).page
        assert isinstance(page, Maintenance)
        assert page.panel is not None
        return page.panel

    def does(self, name: str, subject: str = "", sure: bool = False, seconds: float = 30.0) -> Outcome:
        with self._changed:
            before = len(self._outcomes)
        self.inbox.post(Do(name, subject))
        if sure:
            self.waits(lambda s: isinstance(s.page, Maintenance) and s.page.asking is not None)
            self.inbox.post(SaySure(True))
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._outcomes) > before, seconds), f"nothing came of {name}"
            did, outcome = self._outcomes[before]
        assert did == name
        return outcome

    def audited(self) -> list[tuple[str, str, str]]:
        """Who, what, detail; the oldest first."""
        return [(row.who, row.what, row.detail) for row in reversed(self.store.audit.latest(1000))]

    def waits_until_audited(self, who: str, what: str, detail: str) -> None:
        wait_until(lambda: (who, what, detail) in self.audited(), 10, f"{who} {what} {detail} is audited")


def wait_for_slot(readers: VirtualReaders, media: str) -> None:
    give_up = time.monotonic() + 10
    while look_at_slot(readers.url(0)).media != media:
        assert time.monotonic() < give_up
        time.sleep(0.02)
