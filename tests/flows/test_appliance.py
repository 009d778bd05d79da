"""A kiosk without its face: real store, real hall, simulated devices on real lines; touches through the inbox."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

import config
from demo.hall_server import HallServer, command
from demo.processes import Process, wait_until
from drivers.bench import control
from kiosk import settings as kiosk_settings
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.holder import Holder
from kiosk.domain.texts import Texts
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import Enrolment, enrol, enrolment_of
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import CardRead, GoHome, Next, PickService, Reprint, Start
from kiosk.session.state import (
    CardProblem,
    DeviceName,
    Home,
    Identify,
    Language,
    MyTickets,
    Page,
    Purpose,
    Session,
    Shown,
    Sorry,
    SorryReason,
    TakeTicket,
)
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient
from tests.unit.test_store import KEY

TODAY = date(2026, 11, 24)
TEXTS = {language: Texts(config.read_texts(language.value)) for language in Language}
CATALOGUE = Catalogue(config.read_services())
OUYANG = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8))


class Hall(HallServer):
    """With the devices of one kiosk beside it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "hall")
        self.bench = folder / "bench"
        self.start()
        self.devices = Process("bench", command("taxkiosk", "bench", "--dir", str(self.bench)), folder / "bench.log")
        wait_until(lambda: "ready" in self.devices.said, 30, "the devices are there", self.devices)

    def close(self) -> None:
        self.devices.stop()
        self.stop()


class Kiosk:
    """Everything of a kiosk but its window."""

    def __init__(self, hall: Hall, folder: Path, devices: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        own = folder / "kiosk.toml"
        if devices is None:
            devices = "".join(
                f'{name} = "{hall.bench / name.replace("_", "-")}"\n'
                for name in ("id_card", "ticket_printer", "receipt_printer")
            )
        own.write_text(
            f'[kiosk]\ndata_dir = "."\nkey_file = "key"\nhall_url = "{hall.url}"\n[devices]\n{devices}',
            encoding="utf-8",
        )
        settings = kiosk_settings.load(own)
        self.store = Store(settings.kiosk.database, KEY)
        self.inbox = Inbox()
        self._changed = threading.Condition()
        self._shown: Shown | None = None
        self._appliance = Appliance(
            settings, self.store, self._enrolment(hall), CATALOGUE, TEXTS, self.inbox, SystemClock(), self._show
        )
        self._appliance.start()

    def _enrolment(self, hall: Hall) -> Enrolment:
        known = enrolment_of(self.store)
        return known or enrol(self.store, HallClient(hall.url), hall.command("enrol", f"K{next(_numbers)}")["code"], 10)

    def close(self) -> None:
        self._appliance.stop()
        self.store.close()

    def _show(self, shown: Shown) -> None:
        with self._changed:
            self._shown = shown
            self._changed.notify_all()

    def waits(self, what: Callable[[Session], bool], seconds: float = 20.0) -> Session:
        """The first session shown of which ``what`` holds."""
        with self._changed:
            there = self._changed.wait_for(lambda: self._shown is not None and what(self._shown.session), seconds)
            assert self._shown is not None
            assert there, f"never shown; last: {self._shown.session.page} in {self._shown.session.situation}"
            return self._shown.session

    def waits_for(self, page: type[Page]) -> Session:
        return self.waits(lambda session: isinstance(session.page, page))

    def takes_a_number(self, holder: Holder) -> Session:
        self.inbox.post(Start(Purpose.TAKE_NUMBER))
        visit = self.waits_for(Identify).visit
        for event in (CardRead(visit, holder, TODAY), PickService(None, TODAY), Next(TODAY)):
            self.inbox.post(event)
        return self.waits(lambda session: isinstance(session.page, TakeTicket | Sorry))

    def goes_home(self) -> None:
        self.inbox.post(GoHome())
        self.waits_for(Home)


_numbers = iter(range(1, 900))


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    hall = Hall(tmp_path_factory.mktemp("hall"))
    yield hall
    hall.close()


@pytest.fixture
def kiosk(hall: Hall, tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(hall, tmp_path)
    kiosk.waits(lambda session: session.situation.hall_answers)
    yield kiosk
    kiosk.close()


def test_a_card_on_the_home_page_begins_the_visit_and_the_slip_comes_out(hall: Hall, kiosk: Kiosk) -> None:
    control.do(hall.bench, "id-card", "lay", "resident")
    session = kiosk.waits(lambda session: session.holder is not None)
    control.do(hall.bench, "id-card", "lift")
    assert session.holder is not None
    assert session.holder.from_card
    for event in (PickService(None, TODAY), Next(TODAY)):
        kiosk.inbox.post(event)
    page = kiosk.waits_for(TakeTicket).page
    assert isinstance(page, TakeTicket)
    assert page.printed
    slips = control.do(hall.bench, "ticket-printer", "slips")
    assert isinstance(slips, list)
    assert page.slip.number in slips[-1]


def test_who_has_a_number_is_told_it_again_instead_of_getting_a_second_one(kiosk: Kiosk) -> None:
    first = kiosk.takes_a_number(OUYANG).page
    kiosk.goes_home()
    second = kiosk.takes_a_number(OUYANG).page
    assert isinstance(first, TakeTicket)
    assert isinstance(second, TakeTicket)
    assert second.existing
    assert not second.printed
    assert second.slip.number == first.slip.number


def test_with_every_device_hung_and_the_hall_frozen_touches_are_answered_and_a_number_is_given(
    hall: Hall, kiosk: Kiosk
) -> None:
    for device in ("id-card", "ticket-printer", "receipt-printer"):
        control.do(hall.bench, device, "hang")
    hall.process.freeze()
    try:
        delays = []
        for _ in range(30):
            began = time.monotonic()
            kiosk.inbox.post(Start(Purpose.TAKE_NUMBER))
            kiosk.waits_for(Identify)
            delays.append(time.monotonic() - began)
            kiosk.goes_home()
            time.sleep(0.05)
        assert sorted(delays)[-2] < 0.1, f"a hung device delayed a touch: {max(delays):.3f} s"
        kiosk.waits(lambda session: not session.situation.can_print_tickets and not session.situation.hall_answers)
        page = kiosk.takes_a_number(Holder("110105194912310021", "李雷")).page
        assert isinstance(page, TakeTicket)
        assert page.slip.number.startswith("K")
        assert not page.printed
    finally:
        hall.process.thaw()
        for device in ("id-card", "ticket-printer", "receipt-printer"):
            control.do(hall.bench, device, "resume")
    kiosk.goes_home()
    everything = kiosk.waits(
        lambda session: (
            session.situation.can_print_tickets and session.situation.can_read_cards and session.situation.hall_answers
        )
    )
    assert isinstance(everything.page, Home)


def test_a_reader_that_is_pulled_is_said_and_one_put_back_is_taken_back(hall: Hall, kiosk: Kiosk) -> None:
    kiosk.inbox.post(Start(Purpose.TAKE_NUMBER))
    kiosk.waits_for(Identify)
    control.do(hall.bench, "id-card", "unplug")
    page = kiosk.waits(lambda s: isinstance(s.page, Identify) and s.page.problem is not None).page
    assert isinstance(page, Identify)
    assert page.problem is CardProblem.READER_GONE
    control.do(hall.bench, "id-card", "replug")
    kiosk.waits(lambda s: isinstance(s.page, Identify) and s.page.problem is None)


def test_a_kiosk_without_devices_gives_numbers_on_its_screen(hall: Hall, tmp_path: Path) -> None:
    bare = Kiosk(hall, tmp_path, 'id_card = ""\nticket_printer = ""\nreceipt_printer = ""\n')
    try:
        bare.waits(lambda s: not s.situation.device(DeviceName.TICKET_PRINTER).works and s.situation.hall_answers)
        page = bare.takes_a_number(Holder("440524188001010014", "陈伯")).page
        assert isinstance(page, TakeTicket)
        assert not page.printed
        assert page.slip.url.endswith(page.slip.token)
    finally:
        bare.close()


def test_my_number_shows_the_holder_s_own_and_prints_it_again_marked(hall: Hall, kiosk: Kiosk) -> None:
    taken = kiosk.takes_a_number(Holder("11010519491231002X", "张敏")).page
    assert isinstance(taken, TakeTicket)
    kiosk.goes_home()
    kiosk.inbox.post(Start(Purpose.MY_NUMBER))
    visit = kiosk.waits_for(Identify).visit
    kiosk.inbox.post(CardRead(visit, Holder("11010519491231002X", "张敏"), TODAY))
    page = kiosk.waits(lambda s: isinstance(s.page, MyTickets) and not s.page.looking).page
    assert isinstance(page, MyTickets)
    assert [ticket.slip.number for ticket in page.tickets] == [taken.slip.number]
    kiosk.inbox.post(Reprint(page.tickets[0].slip.token))
    again = kiosk.waits_for(TakeTicket).page
    assert isinstance(again, TakeTicket)
    assert again.printed
    slips = control.do(hall.bench, "ticket-printer", "slips")
    assert isinstance(slips, list)
    assert taken.slip.number in slips[-1]
    assert "补打" in slips[-1]
    assert "补打" not in slips[-2]


def test_somebody_without_a_number_is_told_so(kiosk: Kiosk) -> None:
    kiosk.inbox.post(Start(Purpose.MY_NUMBER))
    visit = kiosk.waits_for(Identify).visit
    kiosk.inbox.post(CardRead(visit, Holder("350622199602290036", "林芳"), TODAY))
    page = kiosk.waits_for(Sorry).page
    assert isinstance(page, Sorry)
    assert page.reason is SorryReason.NO_TICKET
