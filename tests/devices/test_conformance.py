"""Every driver against everything a device has to do right; and a kit that notices when one does not."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.bench.reader import SimulatedReader
from drivers.bench.server import Bench
from drivers.bench.smart_card import VirtualReaders
from drivers.conformance import report, suite
from drivers.conformance.case import DeviceClass, Needs
from drivers.conformance.hand import BenchHand, Technician
from drivers.conformance.id_card import BenchReader, ReaderSubject
from drivers.conformance.pos import BenchTerminal
from drivers.conformance.printer import BenchPrinter
from drivers.conformance.suite import Result
from drivers.contract import DeviceState
from drivers.id_card import reader as id_card_driver
from drivers.id_card.codec import Decoder, Frame
from drivers.pos import terminal as pos_driver
from drivers.printer import driver as printer_driver

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return list(suite.run_on_bench(suite.CASES))


# ---- every driver passes ---------------------------------------------------------------------------------------------


@pytest.mark.timeout(400)
@pytest.mark.parametrize("device", list(DeviceClass))
def test_every_driver_does_everything_right_on_its_simulator(results: list[Result], device: DeviceClass) -> None:
    own = [result for result in results if result.case.device is device]
    failed = [f"{result.case.name}: {result.why}" for result in own if result.outcome == "failed"]
    assert failed == []
    if device is DeviceClass.SMART_CARD and VirtualReaders.missing():
        pytest.skip(VirtualReaders.missing())
    assert all(result.outcome == "passed" for result in own)


def test_the_kit_has_more_than_three_hundred_cases_each_with_a_name_of_its_own() -> None:
    names = Counter((case.device, case.name) for case in suite.CASES)
    assert len(names) == len(suite.CASES) > 300
    assert all(sum(case.device is device for case in suite.CASES) >= 50 for device in DeviceClass)


def test_the_page_of_cases_is_the_one_in_the_documentation() -> None:
    assert (DOCS / "conformance.md").read_text(encoding="utf-8") == report.page() + "\n"


# ---- a kit that cannot fail proves nothing ---------------------------------------------------------------------------


def outcome(device: DeviceClass, name: str) -> str:
    (case,) = [case for case in suite.CASES if (case.device, case.name) == (device, name)]
    makers = {DeviceClass.ID_CARD: BenchReader, DeviceClass.PRINTER: BenchPrinter, DeviceClass.POS: BenchTerminal}
    subject = makers[device]()
    try:
        return suite.run_case(case, subject).outcome
    finally:
        subject.close()


def test_a_reader_whose_checksums_nobody_checks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(self: Decoder) -> Frame | None:
        self._skip_noise()
        whole = 7 + int.from_bytes(self._buffer[5:7], "big")
        if len(self._buffer) < max(8, whole):
            return None
        body = bytes(self._buffer[:whole])
        del self._buffer[:whole]
        return Frame(body[9], body[10:-1])

    assert outcome(DeviceClass.ID_CARD, "codec.flip") == "passed"
    monkeypatch.setattr(Decoder, "_next", unchecked)
    assert outcome(DeviceClass.ID_CARD, "codec.flip") == "failed"


def test_a_reader_that_reads_a_card_again_and_again_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    forgets = property(lambda _: False, lambda _, __: None)
    monkeypatch.setattr(id_card_driver.IdCardReader, "_must_be_lifted", forgets, raising=False)
    assert outcome(DeviceClass.ID_CARD, "keeps-finding") == "failed"


def test_a_printer_that_is_done_when_all_bytes_have_left_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    done = (printer_driver.Outcome.DONE, None)
    monkeypatch.setattr(printer_driver.SlipPrinter, "_wait_for_proof", lambda self, line, job: done)
    assert outcome(DeviceClass.PRINTER, "roll-ends") == "failed"


def test_a_printer_that_calls_a_stop_after_the_cut_a_failure_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(printer_driver._Job, "at_knife", property(lambda _: False, lambda _, __: None))
    assert outcome(DeviceClass.PRINTER, "within.paper-out") == "failed"


def test_a_terminal_whose_silence_is_taken_for_a_refusal_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(key: str, reason: str) -> object:
        return pos_driver.Refused(key, pos_driver.RefusedBecause.DECLINED)

    monkeypatch.setattr(pos_driver.PosTerminal, "_follow", lambda self, watch: refused(watch.key, ""))
    assert outcome(DeviceClass.POS, "silent") == "failed"


# ---- on hardware -----------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, [SimulatedReader()], paced=False) as bench:
        yield bench


def test_with_a_hand_everything_that_needs_no_spoilt_wire_is_tried_on_the_device(bench: Bench) -> None:
    hand = BenchHand(lambda step, argument: bench.do("id-card", step, argument))
    subject = ReaderSubject(bench.addresses["id-card"], hand)
    cases = [case for case in suite.CASES if case.device is DeviceClass.ID_CARD and not case.name.startswith("codec")]
    told = list(suite.run_on_device(cases, subject))
    subject.close()
    assert len(told) == sum(case.needs is not Needs.BENCH for case in cases)
    assert [(result.case.name, result.why) for result in told if result.outcome != "passed"] == []


def test_a_technician_is_asked_in_words_and_what_he_does_not_do_is_skipped(bench: Bench) -> None:
    asked: list[str] = []

    def ask(words: str) -> bool:
        asked.append(words)
        return False

    subject = ReaderSubject(bench.addresses["id-card"], Technician(ask))
    told = list(suite.run_on_device(suite.cases_of([DeviceClass.ID_CARD], ["reads", "cable"]), subject))
    subject.close()
    assert [result.outcome for result in told] == ["skipped"] * 3
    assert "Lay a resident ID card on the reader" in asked


def conform(*words: str, said: str = "") -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from kiosk.cli.main import main; main()", "conform", *words]
    ended = subprocess.run(command, capture_output=True, text=True, input=said, timeout=60, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_the_command_reports_to_people_and_to_programs_and_says_by_its_exit_whether_all_is_well(bench: Bench) -> None:
    port = bench.addresses["id-card"]
    code, text, _ = conform("id-card", "--port", port, "--only", "status", "--only", "no-card", said="s\n")
    assert code == 0
    assert "ok    status" in text
    assert "Take every card off the reader" in text
    assert "Everything that was tried is as it has to be." in text
    code, text, _ = conform("id-card", "--port", port, "--only", "status", "--json")
    assert code == 0
    assert json.loads(text)["conforms"]
    bench.do("id-card", "hang")
    code, text, _ = conform("id-card", "--port", port, "--only", "status", "--json")
    assert code == 1
    assert json.loads(text)["cases"][0]["outcome"] == "failed"


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("toaster", "--port", "/dev/null"), "device"),
        (("id-card",), "port"),
        (("id-card", "--port", "http://x"), "port"),
        (("smart-card", "--port", "/dev/null"), "port"),
        (("id-card", "--port", "/dev/null", "--only", "nothing-begins-so"), "only"),
        (("id-card", "--port", "/dev/null", "--step-seconds", "soon"), "step-seconds"),
        (("printer", "--port", "/dev/null", "--baudrate", "fast"), "baudrate"),
    ],
)
def test_bad_input_is_refused_by_its_field(words: tuple[str, ...], field: str) -> None:
    code, _, problem = conform(*words)
    assert code == 2
    assert json.loads(problem)["error"]["field"] == field


# ---- nobody waits for a hung device ----------------------------------------------------------------------------------


def test_a_hung_device_delays_no_other() -> None:
    """Reader, printer and terminal hang, each with a driver waiting on it; a second reader answers as if alone."""
    hung: list[BenchReader | BenchPrinter | BenchTerminal] = [BenchReader(), BenchPrinter(), BenchTerminal()]
    well = BenchReader()
    for subject in hung:
        subject.wire.do("hang")
    waiting = threading.Event()

    def keep_asking(subject: BenchReader | BenchPrinter | BenchTerminal) -> None:
        while not waiting.is_set():
            match subject:
                case BenchReader():
                    id_card_driver.look_at_reader(subject.url)
                case BenchPrinter():
                    assert subject.status().device is DeviceState.OFFLINE
                case BenchTerminal():
                    assert subject.pos.status().device is DeviceState.OFFLINE

    threads = [threading.Thread(target=keep_asking, args=(subject,)) for subject in hung]
    for thread in threads:
        thread.start()
    well.reader.connect()
    waits = []
    for _ in range(100):
        began = time.monotonic()
        well.reader.find()
        waits.append(time.monotonic() - began)
    waiting.set()
    for thread in threads:
        thread.join(10.0)
    for subject in (*hung, well):
        subject.close()
    assert sorted(waits)[90] < 0.1
