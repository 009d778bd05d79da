"""From the confirming touch to the first byte of the slip at the printer, with everything durable in between.

The core of the front end (loop, workers, encrypted store) as it runs in a kiosk, a real hall process, a printer process
over TCP. The touch enters where screens put theirs, in the inbox; from the glass to there it is one frame, 33 ms.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import config
from benchmarks.row import Row, milliseconds, percentile
from demo.hall_server import HallServer
from kiosk import settings as kiosk_settings
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.holder import Holder
from kiosk.domain.texts import Texts
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import enrol
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import CardRead, Event, Next, PickService, Start
from kiosk.session.state import ChooseService, Confirm, Home, Identify, Language, Page, Purpose, Shown, TakeTicket
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient

VISITS = 200
TODAY = date(2026, 11, 24)


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        delays = _measure(Path(folder))
    p99 = percentile(delays, 0.99)
    return [
        Row(
            "confirm touch → first byte at the printer, p99",
            milliseconds(p99),
            f"median {milliseconds(percentile(delays, 0.5))}; two commits here, one at the hall; {len(delays)} visits",
            "≤ 50 ms",
            p99 <= 0.05,
        )
    ]


class Visitor:
    """Takes one number after the other, as fast as the pages come."""

    def __init__(self) -> None:
        self._shown: Shown | None = None
        self._changed = threading.Condition()

    def show(self, shown: Shown) -> None:
        with self._changed:
            self._shown = shown
            self._changed.notify_all()

    def wait_for(self, page: type[Page]) -> int:
        """The visit's number, once this page is shown."""
        with self._changed:
            there = self._changed.wait_for(
                lambda: self._shown is not None and isinstance(self._shown.session.page, page), timeout=20
            )
            if not there or self._shown is None:
                raise RuntimeError(f"{page.__name__} was never shown: {self._shown}")
            return self._shown.session.visit

    def wait_for_printer(self) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._shown is not None
                    and self._shown.session.situation.can_print_tickets
                    and self._shown.session.situation.hall_answers
                ),
                timeout=20,
            )


def _measure(folder: Path) -> list[float]:
    """Seconds from touch to first byte, one a visit."""
    hall = HallServer(folder / "hall")
    hall.start()
    printer = subprocess.Popen([sys.executable, "-m", "benchmarks.instant_printer"], stdout=subprocess.PIPE, text=True)
    if printer.stdout is None:
        raise RuntimeError("the printer says nothing")
    own = folder / "kiosk.toml"
    own.write_text(
        f'[kiosk]\ndata_dir = "."\nkey_file = "key"\nhall_url = "{hall.url}"\n'
        f'[devices]\nid_card = ""\nreceipt_printer = ""\n'
        f'ticket_printer = "socket://127.0.0.1:{printer.stdout.readline().strip()}"\n'
    )
    settings = kiosk_settings.load(own)
    store = Store(settings.kiosk.database, secrets.token_bytes(32))
    client = HallClient(hall.url)
    enrolment = enrol(store, client, hall.command("enrol", "K1")["code"], 10)
    visitor = Visitor()
    texts = {language: Texts(config.read_texts(language.value)) for language in Language}
    catalogue = Catalogue(config.read_services())
    inbox = Inbox()
    appliance = Appliance(settings, store, enrolment, catalogue, texts, inbox, SystemClock(), visitor.show)
    appliance.start()
    try:
        visitor.wait_for_printer()
        touches = [_one_visit(visitor, inbox, number) for number in range(VISITS)]
        printed = [float(printer.stdout.readline()) for _ in range(VISITS)]
    finally:
        appliance.stop()
        store.close()
        client.close()
        printer.kill()
        hall.stop()
    return [byte - touch for touch, byte in zip(touches, printed, strict=True)]


def _one_visit(visitor: Visitor, inbox: Inbox, number: int) -> float:
    """When the confirming touch was posted, by the forward clock."""

    def touch(event: Event) -> None:
        inbox.post(event)

    visitor.wait_for(Home)
    touch(Start(Purpose.TAKE_NUMBER))
    visit = visitor.wait_for(Identify)
    touch(CardRead(visit, Holder(f"35060219900101{number:04d}", "欧阳娜"), TODAY))
    visitor.wait_for(ChooseService)
    touch(PickService(None, TODAY))
    visitor.wait_for(Confirm)
    touched = time.monotonic()
    touch(Next(TODAY))
    visitor.wait_for(TakeTicket)
    touch(Next(TODAY))
    return touched
