"""The bench: paced lines, mishaps on command, devices by name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from drivers.bench import control
from drivers.bench.cards import SAMPLES
from drivers.bench.device import Action, BadAction, Device, Reply
from drivers.bench.reader import SimulatedReader
from drivers.bench.server import Bench
from drivers.contract import NotConnected, TimedOut
from drivers.transport import open_transport

SOON = 10.0
TAXKIOSK = str(Path(sys.executable).with_name("taxkiosk"))


class Echo(Device):
    """Says what it hears; ``hush`` makes it keep that until ``speak``."""

    def __init__(self, name: str, baudrate: int | None = None) -> None:
        self.name = name
        self.baudrate = baudrate
        self._hushed = False
        self._kept = b""

    def feed(self, data: bytes) -> list[Reply]:
        self._kept += data
        if self._hushed or not self._kept:
            return []
        data, self._kept = self._kept, b""
        return [Reply(data)]

    def actions(self) -> Mapping[str, Action]:
        return {"hush": lambda _: setattr(self, "_hushed", True), "speak": lambda _: setattr(self, "_hushed", False)}


@pytest.fixture(params=["pty", "tcp"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, [Echo("echo")], {"echo": 0} if request.param == "tcp" else {}) as bench:
        yield bench


@pytest.mark.parametrize("baudrate", [115200, 9600])
@pytest.mark.parametrize("tcp", [{}, {"echo": 0}], ids=["pty", "tcp"])
def test_bytes_take_their_time_on_the_wire_in_both_directions(
    tmp_path: Path, tcp: dict[str, int], baudrate: int
) -> None:
    count = baudrate // 100
    with (
        Bench(tmp_path, [Echo("echo", baudrate)], tcp) as bench,
        open_transport(bench.addresses["echo"], baudrate) as line,
    ):
        begin = time.monotonic()
        line.write(bytes(count), SOON)
        line.read(count, SOON)
        took = time.monotonic() - begin
    # There: 0.1 s. Back: full duplex, so only the last stride of 32 bytes comes behind.
    wire = (count + 32) * 10 / baudrate
    assert wire * 0.99 <= took <= wire + 0.1


def test_a_host_at_another_speed_is_not_understood_and_hears_garbage(tmp_path: Path) -> None:
    with Bench(tmp_path, [Echo("echo", 9600)]) as bench, open_transport(bench.addresses["echo"], 19200) as line:
        line.write(b"hello", SOON)
        assert line.read(5, SOON) != b"hello"
        line.set_baudrate(9600)
        line.write(b"hello", SOON)
        assert line.read(5, SOON) == b"hello"


def test_what_waited_goes_on_after_an_action(bench: Bench) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        bench.do("echo", "hush")
        line.write(b"hello", SOON)
        with pytest.raises(TimedOut):
            line.read_some(0.2)
        bench.do("echo", "speak")
        assert line.read(5, SOON) == b"hello"


def test_a_hung_device_takes_everything_and_says_nothing_and_comes_back(bench: Bench) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        bench.do("echo", "hang")
        line.write(bytes(100_000), SOON)
        with pytest.raises(TimedOut):
            line.read_some(0.2)
        bench.do("echo", "resume")
        line.write(b"hello", SOON)
        assert line.read(5, SOON) == b"hello"


def test_a_stalled_device_blocks_the_host_until_it_resumes(bench: Bench) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        bench.do("echo", "stall")
        with pytest.raises(TimedOut):
            line.write(bytes(30_000_000), 0.3)
        bench.do("echo", "resume")
        line.read(1000, SOON)


def test_a_slow_device_answers_late(bench: Bench) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        bench.do("echo", "slow", 0.4)
        begin = time.monotonic()
        line.write(b"hello", SOON)
        line.read(5, SOON)
        assert time.monotonic() - begin >= 0.4


@pytest.mark.parametrize(("mishap", "length"), [("garble", 8), ("clip", 6), ("noise", 15)])
def test_as_many_replies_are_spoilt_as_were_asked_for(bench: Bench, mishap: str, length: int) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        bench.do("echo", mishap)
        line.write(b"12345678", SOON)
        assert line.read(length, SOON) != b"12345678"
        line.write(b"12345678", SOON)
        assert line.read(8, SOON) == b"12345678"


def test_an_unplugged_device_is_gone_and_comes_back_under_its_name(bench: Bench) -> None:
    with open_transport(bench.addresses["echo"]) as line:
        line.write(b"x", SOON)
        line.read(1, SOON)
        threading.Timer(0.1, bench.do, ("echo", "unplug")).start()
        with pytest.raises(NotConnected):
            line.read(1, SOON)
    with pytest.raises(NotConnected):
        open_transport(bench.addresses["echo"])
    bench.do("echo", "unplug")
    bench.do("echo", "replug")
    with pytest.raises(BadAction, match="is plugged in"):
        bench.do("echo", "replug")
    with open_transport(bench.addresses["echo"]) as line:
        line.write(b"hello", SOON)
        assert line.read(5, SOON) == b"hello"


def test_one_host_after_the_other_finds_the_device(bench: Bench) -> None:
    for word in (b"one", b"two", b"three"):
        with open_transport(bench.addresses["echo"]) as line:
            line.write(word, SOON)
            assert line.read(len(word), SOON) == word


def test_what_cannot_be_done_is_told_with_what_can(bench: Bench) -> None:
    with pytest.raises(BadAction, match="hang"):
        bench.do("echo", "fly")
    with pytest.raises(BadAction, match="echo"):
        bench.do("nobody", "hang")
    with pytest.raises(BadAction, match="not a number"):
        control.do(bench.folder, "echo", "slow", "very")


def test_a_folder_has_one_bench(bench: Bench) -> None:
    with pytest.raises(OSError, match="running already"):
        Bench(bench.folder, [Echo("other")]).start()
    assert control.do(bench.folder, "echo", "hush") is None


def test_a_bench_that_cannot_open_its_port_leaves_nothing_behind(tmp_path: Path) -> None:
    with Bench(tmp_path / "one", [Echo("echo")], {"echo": 0}) as first:
        port = int(first.addresses["echo"].rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            Bench(tmp_path / "two", [Echo("pty"), Echo("echo")], {"echo": port}).start()
    assert list((tmp_path / "two").iterdir()) == []


def test_commands_find_no_bench_where_none_runs(tmp_path: Path) -> None:
    with pytest.raises(control.NoBench):
        control.do(tmp_path, "echo", "hang")


@pytest.mark.parametrize(
    "card",
    [
        "no-such-sample",
        {"name": "一二三四五六七八九十一二三四五六"},
        {"colour": "blue"},
        {"kind": "dog"},
        {"sample": "nobody"},
        {"name": 7},
        7,
        [],
    ],
)
def test_a_card_that_cannot_be_is_not_laid(tmp_path: Path, card: object) -> None:
    with Bench(tmp_path, [SimulatedReader()]) as bench:
        with pytest.raises(BadAction):
            bench.do("id-card", "lay", card)
        assert bench.do("id-card", "card") is None


def test_there_is_a_sample_of_every_kind_of_card() -> None:
    assert {card.kind for card in SAMPLES.values()} == {"resident", "hmt_permit", "foreigner_2017", "foreigner_2023"}


# ---- the commands ----------------------------------------------------------------------------------------------------


def taxkiosk(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([TAXKIOSK, *words], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bench")
    command = [TAXKIOSK, "bench", "--dir", str(folder), "--tcp", "receipt-printer"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = []
        while (line := process.stdout.readline().strip()) != "ready":
            assert process.poll() is None
            said.append(line.split())
        assert [name for name, _ in said] == ["id-card", "ticket-printer", "receipt-printer", "pos"]
        assert said[0][1] == str(folder / "id-card")
        assert said[2][1].startswith("socket://127.0.0.1:")
        yield folder
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not [path for path in folder.iterdir() if path.is_symlink() or path.is_socket()]


def test_a_card_laid_by_command_is_read_by_command(running: Path) -> None:
    assert taxkiosk("bench", "do", "id-card", "lay", "resident", "--dir", str(running)).returncode == 0
    done = taxkiosk("read-card", "--port", str(running / "id-card"))
    said = json.loads(done.stdout)
    assert done.returncode == 0
    assert said.pop("elapsed_ms") > 100
    wanted = {
        "outcome": "read",
        "kind": "resident",
        "name": "林志远",
        "number": "350602199001010013",
        "birth": "1990-01-01",
        "nation": "汉",
        "address": "福建省漳州市芗城区元光南路88号3幢502室",
        "issuer": "漳州市公安局芗城分局",
        "valid_from": "2018-03-12",
        "valid_to": "2038-03-12",
    }
    assert wanted.items() <= said.items()


def test_an_empty_reader_and_a_bank_card_are_said_as_such(running: Path, tmp_path: Path) -> None:
    port = str(running / "id-card")
    control.do(running, "id-card", "lift")
    empty = taxkiosk("read-card", "--port", port, "--timeout", "0.2")
    assert (empty.returncode, json.loads(empty.stdout)["outcome"]) == (1, "no_card")
    file = tmp_path / "card.json"
    file.write_text('{"select_fault": 129}')
    assert taxkiosk("bench", "--dir", str(running), "do", "id-card", "lay", str(file)).returncode == 0
    failed = taxkiosk("read-card", "--port", port)
    said = json.loads(failed.stdout)
    assert (failed.returncode, said["outcome"], said["reason"]) == (1, "failed", "not_an_id_card")


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--port", "http://hall"),
        ("--port", "socket://hall"),
        ("--port", "/dev/null", "--timeout", "soon"),
        ("--port", "/dev/null", "--timeout", "nan"),
        ("--port", "/dev/null", "--timeout", "-1"),
    ],
)
def test_bad_input_to_read_card_is_refused_with_its_field(words: tuple[str, ...]) -> None:
    done = taxkiosk("read-card", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert json.loads(done.stderr)["error"]["field"] in ("port", "timeout")


def test_a_reader_that_is_away_is_a_failed_reading(tmp_path: Path) -> None:
    done = taxkiosk("read-card", "--port", str(tmp_path / "nothing"))
    said = json.loads(done.stdout)
    assert (done.returncode, said["outcome"], said["reason"]) == (1, "failed", "deviceNotReady")


def test_a_command_that_makes_no_sense_is_refused(running: Path, tmp_path: Path) -> None:
    refused = taxkiosk("bench", "do", "id-card", "fly", "--dir", str(running))
    assert refused.returncode == 2
    assert "lay" in json.loads(refused.stderr)["error"]["problem"]
    assert taxkiosk("bench", "do", "id-card", "lay", "--dir", str(tmp_path)).returncode == 1


def test_status_says_every_device_in_the_words_of_the_standard(running: Path, tmp_path: Path) -> None:
    control.do(running, "id-card", "lift")
    settings = tmp_path / "kiosk.toml"
    settings.write_text(
        f'[kiosk]\ndata_dir = "{tmp_path}"\n[devices]\nid_card = "{running}/id-card"\n'
        f'ticket_printer = "{running}/ticket-printer"\nreceipt_printer = ""\n'
        f'pos = "{running}/pos"\n'
    )
    done = taxkiosk("status", "--json", "--settings", str(settings))
    devices = json.loads(done.stdout)["devices"]
    assert (devices["id_card"]["device"], devices["id_card"]["media"]) == ("online", "notPresent")
    assert (devices["ticket_printer"]["device"], devices["ticket_printer"]["paper"]) == ("online", "full")
    assert (devices["receipt_printer"]["device"], devices["receipt_printer"]["paper"]) == ("noDevice", None)
    assert (devices["pos"]["device"], devices["pos"]["media"]) == ("online", "notPresent")


def test_status_leaves_the_ports_to_a_running_front_end(tmp_path: Path) -> None:
    settings = tmp_path / "kiosk.toml"
    settings.write_text(f'[kiosk]\ndata_dir = "{tmp_path}"\n')
    known = {"at": "2026-01-01T00:00:00+08:00", "process": os.getpid(), "devices": {"id_card": {"device": "online"}}}
    (tmp_path / "status.json").write_text(json.dumps(known))
    said = json.loads(taxkiosk("status", "--json", "--settings", str(settings)).stdout)
    assert (said["seen_by"], said["devices"]) == ("front_end", known["devices"])
