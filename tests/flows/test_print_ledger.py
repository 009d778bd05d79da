"""The print ledger says what every sheet of paper was, and no sheet comes out that it does not know."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import config
from demo.hall_server import command
from drivers.bench.printer import SimulatedPrinter
from drivers.bench.server import Bench
from drivers.printer.driver import SlipPrinter
from kiosk.domain.texts import Texts
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.printing import PrinterDesk
from kiosk.session.effects import PrintSlip
from kiosk.session.events import PrintEnded
from kiosk.session.state import DeviceName, Language
from kiosk.store.database import read_or_make_key
from kiosk.store.store import Recorded, Store
from tests.devices.test_printer import BRIEF
from tests.unit.test_store import DRAFT

CLOCK = SystemClock()
TEXTS = {language: Texts(config.read_texts(language.value)) for language in Language}


class Kiosk:
    """A store, and the desk of one simulated ticket printer."""

    def __init__(self, folder: Path, speed: float = 0.0) -> None:
        self.settings = folder / "kiosk.toml"
        self.settings.write_text(f'[kiosk]\ndata_dir = "{folder}"\nkey_file = "{folder}/key"\n', encoding="utf-8")
        self.store = Store(folder / "kiosk.sqlite", read_or_make_key(folder / "key"))
        self.simulated = SimulatedPrinter("slips", speed=speed, baudrate=None)
        self.bench = Bench(folder, [self.simulated], {"slips": 0})
        self.bench.start()
        self.url = self.bench.addresses["slips"]
        self.printer = SlipPrinter(self.url, waits=BRIEF)
        self.inbox = Inbox()
        names = dict.fromkeys(Language, "办税服务厅")
        self.desk = PrinterDesk(
            DeviceName.TICKET_PRINTER, self.printer, self.store, TEXTS, names, self.inbox, CLOCK, lambda *_: None
        )

    def stop(self) -> None:
        self.printer.close()
        self.bench.stop()
        self.store.close()

    def do(self, action: str) -> None:
        self.bench.do("slips", action, None)

    def ticket(self) -> Recorded:
        """A number whose slip is intended."""
        now = CLOCK.now()
        draft = replace(DRAFT, issued_at=now)
        return self.store.record_own_ticket("K3", "", draft, None, True, now, "http://hall/t/")

    def prints(self, recorded: Recorded) -> str:
        """Its outcome, as the visit hears it."""
        assert recorded.slip_id is not None
        self.desk._print(PrintSlip(7, recorded.slip_id, recorded.slip, Language.ZH))
        while not isinstance(event := self.inbox.take(5), PrintEnded):
            assert event is not None
        return event.outcome

    def came_out(self) -> int:
        return sum(not slip.torn for slip in self.simulated.slips)

    def states(self) -> list[tuple[str, str, bool]]:
        """Of every sheet, the oldest first."""
        return [(sheet.number, sheet.state, sheet.reprint) for sheet in reversed(self.store.sheets.latest(100))]


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(tmp_path)
    yield kiosk
    kiosk.stop()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Kiosk]:
    """A ticket takes 0.4 s, so that paper can end in the middle."""
    kiosk = Kiosk(tmp_path, speed=450.0)
    yield kiosk
    kiosk.stop()


def test_a_sheet_is_intended_then_sent_then_done_by_the_printers_own_word(kiosk: Kiosk) -> None:
    recorded = kiosk.ticket()
    assert kiosk.states() == [("K3-001", "intended", False)]
    assert kiosk.prints(recorded) == "done"
    (sheet,) = kiosk.store.sheets.latest(1)
    assert (sheet.kind, sheet.state, sheet.reason) == ("ticket", "done", None)
    assert sheet.ended_at is not None
    assert sheet.ended_at >= sheet.intended_at
    assert kiosk.came_out() == 1


@pytest.mark.parametrize("clears", [True, False], ids=["clears its buffer", "cannot clear its buffer"])
def test_what_was_asked_for_without_paper_failed_and_nothing_pours_out_after_the_refill(
    kiosk: Kiosk, clears: bool
) -> None:
    if not clears:
        kiosk.do("no-clear")
    kiosk.do("paper-out")
    assert [kiosk.prints(kiosk.ticket()) for _ in range(5)] == ["failed"] * 5
    kiosk.do("refill")
    threading.Event().wait(0.5)
    assert kiosk.came_out() == 0
    assert kiosk.prints(kiosk.ticket()) == "done"
    assert kiosk.came_out() == 1
    assert [state for _, state, _ in kiosk.states()] == ["failed"] * 5 + ["done"]
    assert all(sheet.reason == "paper_out" for sheet in kiosk.store.sheets.latest(6)[1:])


def test_at_a_printer_that_cannot_clear_no_more_comes_out_after_the_refill_than_the_one_sheet_it_had_begun(
    slow: Kiosk,
) -> None:
    slow.do("no-clear")
    slow.printer.prepare()
    threading.Timer(0.15, slow.do, ("paper-out",)).start()
    first = slow.ticket()
    assert slow.prints(first) == "uncertain"
    # Who comes now takes a number all the same; nothing of it is sent.
    assert [slow.prints(slow.ticket()) for _ in range(3)] == ["failed"] * 3
    slow.do("refill")
    threading.Event().wait(1.0)
    assert slow.came_out() <= 1
    assert [state for _, state, _ in slow.states()] == ["uncertain", "failed", "failed", "failed"]


def test_an_uncertain_sheet_is_printed_again_only_on_request_marked_and_under_the_same_number(kiosk: Kiosk) -> None:
    recorded = kiosk.ticket()
    assert recorded.slip_id is not None
    kiosk.store.record_sent(recorded.slip_id)
    kiosk.store.recover(CLOCK.now())
    assert kiosk.states() == [("K3-001", "uncertain", False)]
    assert kiosk.came_out() == 0
    again = kiosk.store.record_reprint(replace(recorded.slip, reprint=True), CLOCK.now())
    assert kiosk.prints(again) == "done"
    assert kiosk.states() == [("K3-001", "uncertain", False), ("K3-001", "done", True)]


def told(kiosk: Kiosk, *words: str) -> Any:
    done = subprocess.run(
        [*command("taxkiosk", *words), "--settings", str(kiosk.settings)], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_command_says_what_every_sheet_was_and_a_technicians_are_among_them(kiosk: Kiosk) -> None:
    kiosk.prints(kiosk.ticket())
    kiosk.do("paper-out")
    kiosk.prints(kiosk.ticket())
    kiosk.do("refill")
    kiosk.printer.close()
    assert json.loads(told(kiosk, "print", "test", "--printer", kiosk.url))["outcome"] == "done"
    sheets = json.loads(told(kiosk, "ledger", "--json"))
    assert [(each["kind"], each["number"], each["state"], each["reason"]) for each in sheets] == [
        ("test", "test", "done", None),
        ("ticket", "K3-002", "failed", "paper_out"),
        ("ticket", "K3-001", "done", None),
    ]
    table = told(kiosk, "ledger", "--limit", "1")
    assert "test" in table
    assert "K3-002" not in table
    # The hall hears of slips, not of a technician's samples.
    assert [row.kind for row in kiosk.store.journal_after(0, 100)].count("slip_printed") == 2
