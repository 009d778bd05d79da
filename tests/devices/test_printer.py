"""The printer driver against the simulated printer, over a PTY and over TCP, with every fault before and in the middle.

What matters for the ledger: done only by the printer's own word, failed only where that is certain, and nothing that
was given up pours out when somebody refills the paper.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import config
from drivers.bench.printer import SimulatedPrinter
from drivers.bench.server import Bench
from drivers.contract import DeviceState, PaperState
from drivers.printer.document import Document, Qr
from drivers.printer.driver import Outcome, PrintResult, SlipPrinter, Waits
from drivers.printer.status import Reason
from kiosk.domain.texts import Texts
from kiosk.paper.samples import sample_ticket
from kiosk.paper.ticket_slip import ticket_slip

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
TICKET = ticket_slip(sample_ticket(AT), Texts(config.read_texts("zh")), "芗城办税服务厅")
BRIEF = Waits(send=0.5, proof=0.9, offline=0.3, fault_grace=0.1)
LINES = 18
"""Lines of TICKET, the feed before the cut included."""
WHERE_PAPER_ENDS = (1, 8, 13, 17, 18, 19)
"""After so many lines: in the head, in the rows, in the feed, just before the cut, with it, not at all."""


class Stand:
    """One simulated printer on a bench, and a driver for it."""

    def __init__(self, folder: Path, tcp: bool, speed: float = 0.0) -> None:
        self.simulated = SimulatedPrinter("slips", speed=speed, baudrate=None)
        self._bench = Bench(folder, [self.simulated], {"slips": 0} if tcp else None)
        self._bench.start()
        self.url = self._bench.addresses["slips"]
        self.printer = SlipPrinter(self.url, waits=BRIEF)
        self.printer.prepare()

    def stop(self) -> None:
        self.printer.close()
        self._bench.stop()

    def do(self, action: str, argument: object = None) -> None:
        self._bench.do("slips", action, argument)

    def lacks(self, *skills: str) -> None:
        """It is a printer without these from the start."""
        for skill in skills:
            self.do(skill)
        self.printer.close()
        self.printer.prepare()

    def print(self) -> PrintResult:
        return self.printer.print(TICKET)

    def print_while(self, happens: Callable[[], None]) -> PrintResult:
        """Something happens as soon as all bytes have left, while the paper moves."""
        return self.printer.print(TICKET, on_sent=happens)

    def put_on_the_line(self, data: bytes) -> None:
        """Bytes that no device sent."""
        self._bench._lines["slips"]._end.send(data)

    def slips(self) -> int:
        """Whole slips, cut by the printer."""
        return sum(not slip.torn for slip in self.simulated.slips)

    def settle(self) -> None:
        """Time for whatever is going to pour out."""
        time.sleep(0.15)


@pytest.fixture(params=["pty", "tcp"])
def stand(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    standing = Stand(tmp_path, tcp=request.param == "tcp")
    yield standing
    standing.stop()


@pytest.fixture(params=["pty", "tcp"])
def slow(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stand]:
    """Paper moves: a ticket takes about 0.4 s, so that things can happen in the middle."""
    standing = Stand(tmp_path, tcp=request.param == "tcp", speed=450.0)
    yield standing
    standing.stop()


@pytest.fixture
def serial(tmp_path: Path) -> Iterator[Stand]:
    """For what does not depend on the kind of line: a PTY, and a ticket that takes 0.7 s."""
    standing = Stand(tmp_path, tcp=False, speed=250.0)
    yield standing
    standing.stop()


def says(result: PrintResult) -> tuple[Outcome, Reason | None, PaperState | None]:
    return result.outcome, result.reason, result.paper


# --- before the first byte


def test_a_slip_that_came_out_is_done(stand: Stand) -> None:
    assert says(stand.print()) == (Outcome.DONE, None, PaperState.FULL)
    assert stand.slips() == 1
    assert stand.simulated.model.unknown == []


def test_many_slips_in_a_row_are_one_each(stand: Stand) -> None:
    assert all(stand.print().outcome is Outcome.DONE for _ in range(20))
    assert stand.slips() == 20


@pytest.mark.parametrize(
    ("mishap", "reason", "paper", "state"),
    [
        ("paper-out", Reason.PAPER_OUT, PaperState.OUT, DeviceState.USER_ERROR),
        ("cover-open", Reason.COVER_OPEN, PaperState.FULL, DeviceState.USER_ERROR),
        ("offline", Reason.OFFLINE, PaperState.FULL, DeviceState.OFFLINE),
        ("jam", Reason.JAMMED, PaperState.JAMMED, DeviceState.HARDWARE_ERROR),
        ("silent", Reason.OFFLINE, PaperState.UNKNOWN, DeviceState.OFFLINE),
        ("freeze", Reason.OFFLINE, PaperState.UNKNOWN, DeviceState.OFFLINE),
        ("hang", Reason.OFFLINE, PaperState.UNKNOWN, DeviceState.OFFLINE),
        ("unplug", Reason.NOT_CONNECTED, PaperState.UNKNOWN, DeviceState.NO_DEVICE),
    ],
)
def test_a_printer_that_cannot_print_is_sent_nothing_and_says_why_within_two_seconds(
    stand: Stand, mishap: str, reason: Reason, paper: PaperState, state: DeviceState
) -> None:
    received = stand.simulated.model.received
    stand.do(mishap)
    started = time.monotonic()
    result = stand.print()
    assert time.monotonic() - started < 2
    assert says(result) == (Outcome.FAILED, reason, paper)
    assert stand.simulated.model.received == received
    status = stand.printer.status()
    assert (status.device, status.paper) == (state, paper)


@pytest.mark.parametrize(
    ("mishap", "mended"),
    [
        ("paper-out", "refill"),
        ("cover-open", "cover-close"),
        ("offline", "online"),
        ("jam", "unjam"),
        ("freeze", "thaw"),
        ("hang", "resume"),
        ("unplug", "replug"),
    ],
)
def test_a_mended_printer_prints_again_and_only_what_is_asked_for_now(stand: Stand, mishap: str, mended: str) -> None:
    assert stand.print().outcome is Outcome.DONE
    stand.do(mishap)
    assert stand.print().outcome is Outcome.FAILED
    stand.do(mended)
    stand.settle()
    assert stand.slips() == 1
    assert says(stand.print()) == (Outcome.DONE, None, PaperState.FULL)
    assert stand.slips() == 2


def test_paper_near_its_end_still_prints_and_is_reported(stand: Stand) -> None:
    stand.do("paper-low")
    assert says(stand.print()) == (Outcome.DONE, None, PaperState.LOW)
    status = stand.printer.status()
    assert (status.device, status.paper) == (DeviceState.ONLINE, PaperState.LOW)


def test_a_silent_printer_never_has_plenty_of_paper(stand: Stand) -> None:
    stand.do("silent")
    assert stand.printer.status().paper is PaperState.UNKNOWN


def test_a_port_where_something_else_talks_is_no_printer(stand: Stand) -> None:
    stand.do("silent")
    stand.do("noise", 50)
    assert stand.printer.status().device is DeviceState.OFFLINE


def test_a_document_that_fits_on_no_paper_fails_with_nothing_sent(stand: Stand) -> None:
    received = stand.simulated.model.received
    result = stand.printer.print(Document("too much", (Qr("x" * 300),)))
    assert (result.outcome, result.reason) == (Outcome.FAILED, Reason.UNPRINTABLE)
    assert stand.simulated.model.received == received


def test_a_new_driver_takes_no_answer_of_the_life_before_for_its_own(serial: Stand) -> None:
    """The program died while a slip was on its way; started again, it prints the next one at once."""
    serial.lacks("no-echo", "no-clear")
    serial.printer._waits = Waits(send=0.5, proof=0.01)
    assert serial.print().outcome is Outcome.UNCERTAIN
    serial.printer.close()
    reborn = SlipPrinter(serial.url, waits=BRIEF)
    result = reborn.print(TICKET, on_sent=lambda: serial.do("paper-out-after", LINES - 4))
    assert serial.slips() <= 1
    assert result.outcome is not Outcome.DONE
    reborn.close()


def test_the_first_byte_leaves_within_milliseconds(stand: Stand) -> None:
    stand.print()
    waits = []
    for _ in range(30):
        started = time.monotonic()
        stand.printer.print(TICKET, on_sent=lambda at=started: waits.append(time.monotonic() - at))
    assert sorted(waits)[len(waits) // 2] < 0.02


# --- in the middle


def test_paper_that_ends_anywhere_is_failed_or_done_as_it_was_and_nothing_pours_out_after_the_refill(
    stand: Stand,
) -> None:
    for line in WHERE_PAPER_ENDS:
        before = stand.slips()
        stand.do("paper-out-after", line)
        result = stand.print()
        whole = stand.slips() - before
        assert result.outcome is (Outcome.DONE if whole else Outcome.FAILED), f"paper out after line {line}"
        if not whole:
            assert (result.reason, result.paper) == (Reason.PAPER_OUT, PaperState.OUT)
        stand.do("refill")
        assert not stand.simulated.model.holds_data
        assert stand.slips() - before == whole
    assert stand.print().outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("mishap", "mended", "reason", "paper"),
    [
        ("paper-out", "refill", Reason.PAPER_OUT, PaperState.OUT),
        ("cover-open", "cover-close", Reason.COVER_OPEN, PaperState.FULL),
        ("jam", "unjam", Reason.JAMMED, PaperState.JAMMED),
        ("offline", "online", Reason.OFFLINE, PaperState.FULL),
    ],
)
def test_a_fault_in_the_middle_is_a_failure_with_its_reason_and_nothing_pours_out(
    slow: Stand, mishap: str, mended: str, reason: Reason, paper: PaperState
) -> None:
    result = slow.print_while(lambda: slow.do(mishap))
    assert says(result) == (Outcome.FAILED, reason, paper)
    slow.do(mended)
    slow.settle()
    assert slow.slips() == 0
    assert slow.print().outcome is Outcome.DONE
    assert slow.slips() == 1


def test_a_printer_offline_for_a_moment_goes_on_and_the_slip_is_done(slow: Stand) -> None:
    def blink() -> None:
        slow.do("offline")
        threading.Timer(0.15, slow.do, ("online",)).start()

    assert slow.print_while(blink).outcome is Outcome.DONE
    assert slow.slips() == 1


def test_a_printer_that_vanishes_in_the_middle_leaves_it_uncertain(slow: Stand) -> None:
    result = slow.print_while(lambda: slow.do("unplug"))
    assert says(result) == (Outcome.UNCERTAIN, Reason.CONNECTION_LOST, PaperState.UNKNOWN)
    slow.do("replug")
    assert slow.print().outcome is Outcome.DONE


def test_a_printer_that_hangs_in_the_middle_leaves_it_uncertain(serial: Stand) -> None:
    result = serial.print_while(lambda: serial.do("hang"))
    assert says(result) == (Outcome.UNCERTAIN, Reason.TIMED_OUT, PaperState.UNKNOWN)


def test_what_a_frozen_printer_holds_does_not_prove_the_next_slip_and_does_not_pour_out(serial: Stand) -> None:
    result = serial.print_while(lambda: serial.do("freeze"))
    assert (result.outcome, result.reason) == (Outcome.UNCERTAIN, Reason.TIMED_OUT)
    serial.do("thaw")
    serial.settle()
    before = serial.slips()
    assert serial.print().outcome is Outcome.DONE
    assert serial.slips() == before + 1


# --- what counts as proof


def test_a_printer_that_proves_nothing_is_uncertain_every_time_although_the_slips_come_out(stand: Stand) -> None:
    stand.do("no-proof")
    for _ in range(2):
        assert says(stand.print()) == (Outcome.UNCERTAIN, Reason.NO_PROOF, PaperState.FULL)
    assert stand.slips() == 2


def test_a_printer_that_does_not_echo_proves_its_slips_by_answering_in_order(serial: Stand) -> None:
    serial.lacks("no-echo")
    started = time.monotonic()
    assert serial.print().outcome is Outcome.DONE
    assert time.monotonic() - started > 0.3, "the answer came before the paper did"
    assert serial.slips() == 1


def test_paper_that_ends_anywhere_without_an_echo_is_never_done_unless_the_slip_is_whole(stand: Stand) -> None:
    stand.lacks("no-echo")
    for line in WHERE_PAPER_ENDS:
        before = stand.slips()
        stand.do("paper-out-after", line)
        result = stand.print()
        whole = stand.slips() - before
        assert result.outcome is (Outcome.DONE if whole else Outcome.FAILED), f"paper out after line {line}"
        stand.do("refill")
        assert stand.slips() - before == whole


def test_a_late_answer_of_the_last_slip_does_not_prove_this_one(serial: Stand) -> None:
    """Without echo the old slip's answer and the new one's look alike."""
    serial.lacks("no-echo", "no-clear")
    held = serial.print_while(lambda: serial.do("offline"))
    assert (held.outcome, held.reason) == (Outcome.UNCERTAIN, Reason.OFFLINE)
    # Back online it prints the slip it held, and answers for it, while the next is already on its way.
    serial.do("online")
    result = serial.print_while(lambda: serial.do("paper-out-after", LINES - 4))
    assert serial.slips() <= 1
    assert result.outcome is not Outcome.DONE


def test_a_printer_that_cannot_clear_proves_again_once_it_has_answered_for_the_past(stand: Stand) -> None:
    stand.lacks("no-echo", "no-clear")
    assert stand.print_while(lambda: None).outcome is Outcome.DONE
    stand.do("no-proof")
    assert stand.print().outcome is Outcome.UNCERTAIN
    stand.do("no-proof", False)
    assert stand.print().outcome is Outcome.DONE


def test_power_lost_in_the_middle_is_never_taken_for_an_answer(serial: Stand) -> None:
    """A serial line falls to zero when the printer's power goes: one zero byte, which is also a good answer's value."""
    serial.lacks("no-echo")

    def lose_power() -> None:
        serial.do("silent")
        serial.put_on_the_line(b"\x00")

    assert serial.print_while(lose_power).outcome is Outcome.UNCERTAIN
