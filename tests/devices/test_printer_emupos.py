"""Our printer driver before a judge that others wrote: the emulator emupos, over TCP and over a PTY."""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
import zxingcpp
from PIL import Image

import config
from drivers.contract import DeviceState, PaperState
from drivers.printer.document import Document
from drivers.printer.driver import Outcome, SlipPrinter, Waits
from drivers.printer.status import Reason
from kiosk.domain.texts import Texts
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import sample_receipt, sample_ticket
from kiosk.paper.ticket_slip import ticket_slip
from tests.devices.emupos import Emulator, Unavailable

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
TEXTS = Texts(config.read_texts("zh"))
TICKET = ticket_slip(sample_ticket(AT), TEXTS, "芗城办税服务厅")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    try:
        running = Emulator(tmp_path_factory.mktemp("emupos"))
    except Unavailable as why:
        pytest.skip(str(why))
    yield running
    running.stop()


@pytest.fixture(params=["tcp", "pty"])
def printer(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[SlipPrinter]:
    url = f"socket://127.0.0.1:{emulator.port}" if request.param == "tcp" else str(emulator.pty)
    opened = SlipPrinter(url)
    yield opened
    opened.close()
    for fault in ("paper-near-end", "paper-out", "cover-open", "offline"):
        emulator.fault(fault, False)


def printed(emulator: Emulator, before: list[str]) -> list[str]:
    """Receipts that came out since, newest first."""
    return [one for one in emulator.receipts_newest_first() if one not in before]


def print_new(emulator: Emulator, printer: SlipPrinter, document: Document) -> str:
    before = emulator.receipts_newest_first()
    result = printer.print(document)
    assert (result.outcome, result.reason, result.paper) == (Outcome.DONE, None, PaperState.FULL)
    (one,) = printed(emulator, before)
    return one


def test_a_ticket_is_done_by_the_printers_own_word_and_reads_in_chinese(
    emulator: Emulator, printer: SlipPrinter
) -> None:
    slip = emulator.text(print_new(emulator, printer, TICKET))
    for words in ("A057", "增值税小规模纳税人申报", "12 人", "09:50-09:57", "欧*娜 3506**********003X", "扫码"):
        assert words in slip


def test_the_code_on_a_ticket_scans(emulator: Emulator, printer: SlipPrinter) -> None:
    one = print_new(emulator, printer, TICKET)
    codes = zxingcpp.read_barcodes(Image.open(io.BytesIO(emulator.picture(one))).convert("L"))
    assert [code.text for code in codes] == ["https://hall.example/t/0123456789abcdef012345"]


def test_a_receipt_has_every_amount_under_its_bureau(emulator: Emulator, printer: SlipPrinter) -> None:
    document = paper_document(sample_receipt(AT), TEXTS, "芗城办税服务厅", "zh", "K3")
    lines = emulator.text(print_new(emulator, printer, document)).splitlines()
    beside = [line.split() for line in lines]
    ends = [words[1] for words in beside if len(words) == 2 and re.fullmatch(r"￥?[0-9,]+\.[0-9]{2}", words[1])]
    assert ends == ["3,500.00", "122.50", "52.50", "35.00", "210.00", "￥3,710.00"]


@pytest.mark.parametrize(
    ("fault", "reason", "paper"),
    [
        ("paper-out", Reason.PAPER_OUT, PaperState.OUT),
        ("cover-open", Reason.COVER_OPEN, PaperState.FULL),
        ("offline", Reason.OFFLINE, PaperState.FULL),
    ],
)
def test_a_printer_that_cannot_print_is_sent_nothing(
    emulator: Emulator, printer: SlipPrinter, fault: str, reason: Reason, paper: PaperState
) -> None:
    before = emulator.receipts_newest_first()
    emulator.fault(fault, True)
    started = time.monotonic()
    result = printer.print(TICKET)
    assert time.monotonic() - started < 2
    assert (result.outcome, result.reason, result.paper) == (Outcome.FAILED, reason, paper)
    assert printer.status().device is not DeviceState.ONLINE
    emulator.fault(fault, False)
    time.sleep(0.3)
    assert printed(emulator, before) == []


def test_a_printer_whose_paper_is_near_its_end_prints_and_says_so(emulator: Emulator, printer: SlipPrinter) -> None:
    emulator.fault("paper-near-end", True)
    result = printer.print(TICKET)
    assert (result.outcome, result.paper) == (Outcome.DONE, PaperState.LOW)


def test_a_printer_that_goes_offline_with_the_slip_in_its_buffer_is_never_called_done(emulator: Emulator) -> None:
    """emupos does not know how to clear its buffer, so nobody can be certain that the slip will not come out."""
    printer = SlipPrinter(f"socket://127.0.0.1:{emulator.port}", waits=Waits(offline=0.3))
    printer.prepare()
    assert printer.status().device is DeviceState.ONLINE
    stop = threading.Event()

    def open_and_close_the_cover() -> None:
        while not stop.is_set():
            emulator.fault("offline", True)
            emulator.fault("offline", False)

    try:
        flicker = threading.Thread(target=open_and_close_the_cover)
        flicker.start()
        before = emulator.receipts_newest_first()
        results = [printer.print(TICKET) for _ in range(8)]
        stop.set()
        flicker.join()
        time.sleep(0.5)
        done = sum(result.outcome is Outcome.DONE for result in results)
        failed = sum(result.outcome is Outcome.FAILED for result in results)
        assert done <= len(printed(emulator, before)) <= len(results) - failed
    finally:
        stop.set()
        emulator.fault("offline", False)
        printer.close()
