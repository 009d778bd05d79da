"""Cards on a reader that answers well, late, in pieces, in nonsense, or not at all."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from drivers.bench.device import Device, Reply
from drivers.bench.reader import SimulatedReader
from drivers.bench.server import Bench
from drivers.contract import BadAnswer, DeviceError, DeviceState, MediaState, NotConnected, TimedOut
from drivers.id_card.reader import (
    CardFailed,
    CardRead,
    FailReason,
    IdCardReader,
    NoCard,
    Waits,
    look_at_reader,
    open_reader,
)

SOON = 10.0
NAME = "id-card"


over_both_lines = pytest.mark.parametrize("bench", ["pty", "tcp"], indirect=True)


@pytest.fixture
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Unpaced: what is said matters here, not how fast."""
    tcp = {NAME: 0} if getattr(request, "param", "pty") == "tcp" else {}
    with Bench(tmp_path, [SimulatedReader()], tcp, paced=False) as bench:
        yield bench


@pytest.fixture
def reader(bench: Bench) -> Iterator[IdCardReader]:
    with open_reader(bench.addresses[NAME]) as reader:
        yield reader


def watch(reader: IdCardReader, timeout: float = SOON) -> CardRead | CardFailed | NoCard:
    return reader.watch(threading.Event(), timeout)


def name_of(result: CardRead | CardFailed | NoCard) -> str:
    assert isinstance(result, CardRead), result
    return result.text.name


# ---- the usual ways --------------------------------------------------------------------------------------------------


@over_both_lines
@pytest.mark.parametrize(
    ("sample", "kind", "name", "valid_to"),
    [
        ("resident", "resident", "林志远", date(2038, 3, 12)),
        ("resident_long_term", "resident", "王秀英", None),
        ("resident_expired", "resident", "欧阳娜", date(2025, 8, 1)),
        ("hmt_permit", "hmt_permit", "陳怡君", date(2028, 5, 20)),
        ("foreigner_2017", "foreigner", "史密斯", date(2029, 4, 1)),
        ("foreigner_2023", "foreigner", "FERNANDEZ DE LA CRUZ, MARIA ALEJANDRA ISABEL", date(2034, 1, 15)),
    ],
)
def test_every_kind_of_card_is_read(
    bench: Bench, reader: IdCardReader, sample: str, kind: str, name: str, valid_to: date | None
) -> None:
    bench.do(NAME, "lay", sample)
    result = watch(reader)
    assert isinstance(result, CardRead)
    assert (result.text.kind, result.text.name, result.text.valid_to) == (kind, name, valid_to)
    assert result.elapsed_ms > 0


def test_an_empty_reader_says_no_card_when_the_time_is_up(reader: IdCardReader) -> None:
    assert watch(reader, 0.3) == NoCard()


def test_nobody_waits_for_a_card_that_is_no_longer_wanted(reader: IdCardReader) -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert reader.watch(stop) == NoCard()


def test_a_card_laid_while_the_reader_watches_is_announced_and_then_read(bench: Bench, reader: IdCardReader) -> None:
    announced: list[str] = []
    threading.Timer(0.1, bench.do, (NAME, "lay", "resident")).start()
    result = reader.watch(threading.Event(), SOON, lambda: announced.append("found"))
    assert announced == ["found"]
    assert name_of(result) == "林志远"


def test_the_technician_sees_reader_card_and_module_number(bench: Bench, reader: IdCardReader) -> None:
    status = reader.status()
    assert (status.device, status.media) == (DeviceState.ONLINE, MediaState.NOT_PRESENT)
    assert status.detail == "SAM 05.01-20160718-0012345678-0000000042"
    bench.do(NAME, "lay")
    assert reader.status().media is MediaState.PRESENT


# ---- one card, one reading -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps_finding", [False, True])
def test_a_card_that_stays_is_read_once_and_again_only_after_it_was_lifted(
    bench: Bench, reader: IdCardReader, keeps_finding: bool
) -> None:
    bench.do(NAME, "keep-finding", keeps_finding)
    bench.do(NAME, "lay", "resident")
    assert name_of(watch(reader)) == "林志远"
    assert watch(reader, 0.6) == NoCard()
    bench.do(NAME, "lift")
    assert watch(reader, 0.3) == NoCard()
    bench.do(NAME, "lay", "hmt_permit")
    assert name_of(watch(reader)) == "陳怡君"


def test_a_card_exchanged_while_no_card_was_wanted_is_new_if_the_reader_was_looked_at(
    bench: Bench, reader: IdCardReader
) -> None:
    bench.do(NAME, "keep-finding")
    bench.do(NAME, "lay", "resident")
    watch(reader)
    bench.do(NAME, "lift")
    assert not reader.find()
    bench.do(NAME, "lay", "hmt_permit")
    assert name_of(watch(reader)) == "陳怡君"


# ---- cards that do not help ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        ("bank_card", FailReason.NOT_AN_ID_CARD),
        ("unknown_type", FailReason.NOT_AN_ID_CARD),
        ("damaged", FailReason.UNREADABLE),
    ],
)
def test_a_card_that_does_not_help_says_why_and_only_once(
    bench: Bench, reader: IdCardReader, sample: str, reason: FailReason
) -> None:
    bench.do(NAME, "lay", sample)
    assert watch(reader) == CardFailed(reason)
    assert watch(reader, 0.4) == NoCard()


@pytest.mark.parametrize("status", [0x31, 0x32, 0x33, 0x3F, 0x47])
def test_a_card_that_fails_its_checks_is_unreadable(bench: Bench, reader: IdCardReader, status: int) -> None:
    bench.do(NAME, "lay", {"sample": "resident", "read_fault": status})
    assert watch(reader) == CardFailed(FailReason.UNREADABLE)


def test_a_card_with_an_impossible_birthday_is_unreadable(bench: Bench, reader: IdCardReader) -> None:
    bench.do(NAME, "lay", {"sample": "resident", "birth": "19900230"})
    assert watch(reader) == CardFailed(FailReason.UNREADABLE)


@pytest.mark.parametrize("moment", ["select", "read"])
def test_a_card_lifted_in_the_middle_was_taken_away_and_is_read_when_it_comes_back(
    bench: Bench, reader: IdCardReader, moment: str
) -> None:
    bench.do(NAME, "lay", "resident")
    bench.do(NAME, "lift", moment)
    assert watch(reader) == CardFailed(FailReason.TAKEN_AWAY)
    bench.do(NAME, "lay", "resident")
    assert name_of(watch(reader)) == "林志远"


# ---- a bad line ------------------------------------------------------------------------------------------------------


@over_both_lines
@pytest.mark.parametrize("mishap", ["garble", "clip", "noise"])
def test_two_spoilt_answers_do_not_keep_a_card_from_being_read(bench: Bench, reader: IdCardReader, mishap: str) -> None:
    reader.connect()
    bench.do(NAME, "lay", "resident")
    bench.do(NAME, mishap, 2)
    assert name_of(watch(reader)) == "林志远"


@pytest.mark.parametrize("mishap", ["garble", "clip"])
def test_a_text_spoilt_on_its_way_is_asked_for_again(bench: Bench, reader: IdCardReader, mishap: str) -> None:
    reader.connect()
    bench.do(NAME, "lay", "resident")
    # Found and selected well; what comes next is the text.
    result = reader.watch(threading.Event(), SOON, lambda: spoil_the_text(bench, mishap))
    assert name_of(result) == "林志远"


def spoil_the_text(bench: Bench, mishap: str) -> None:
    bench.do(NAME, mishap, 2)


def test_a_line_that_spoils_everything_is_a_device_trouble_and_no_person(bench: Bench, reader: IdCardReader) -> None:
    reader.connect()
    bench.do(NAME, "lay", "resident")
    bench.do(NAME, "garble", 10_000)
    with pytest.raises(DeviceError):
        watch(reader)
    bench.do(NAME, "resume")
    assert name_of(watch(reader)) == "林志远"


class Splitting(SimulatedReader):
    """Its answers leave through ``cut``."""

    def __init__(self, cut: Callable[[bytes], list[bytes]]) -> None:
        super().__init__()
        self._cut = cut

    def feed(self, data: bytes) -> list[Reply]:
        return [Reply(part) for reply in super().feed(data) for part in self._cut(reply.data)]


FIND_FAIL = bytes.fromhex("AAAAAA96690004000080" + "84")
SELECT_FAIL = bytes.fromhex("AAAAAA96690004000081" + "85")


@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(lambda data: [data[i : i + 1] for i in range(len(data))], id="byte by byte"),
        pytest.param(lambda data: [data[:3], data[3:]], id="cut in the preamble"),
        pytest.param(lambda data: [data[:6], data[6:]], id="cut in the length"),
        pytest.param(lambda data: [b"\x00\xff\xaa\xaa" + data], id="noise before"),
        pytest.param(lambda data: [data + b"\xaa\xaa\xaa"], id="noise behind"),
        pytest.param(lambda data: [(FIND_FAIL if len(data) > 16 else SELECT_FAIL) + data], id="another answer before"),
    ],
)
def test_a_card_is_read_however_the_answers_are_cut_and_joined(
    tmp_path: Path, cut: Callable[[bytes], list[bytes]]
) -> None:
    device = Splitting(cut)
    with Bench(tmp_path, [device], paced=False) as bench, open_reader(bench.addresses[NAME]) as reader:
        bench.do(NAME, "lay", "resident")
        assert name_of(watch(reader)) == "林志远"


# ---- late and stale answers ------------------------------------------------------------------------------------------


class Late(SimulatedReader):
    """Keeps the answers that ``holds`` picks, and sends each right before the answer to the next question."""

    def __init__(self, holds: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._holds = holds
        self._held = b""

    def feed(self, data: bytes) -> list[Reply]:
        replies = []
        for reply in super().feed(data):
            if self._holds(reply.data):
                self._held += reply.data
            else:
                replies.append(Reply(self._held + reply.data))
                self._held = b""
        return replies


#: Time-outs short enough for a test.
IMPATIENT = Waits(answer=0.3, read=0.3)


def test_found_said_too_late_is_not_the_answer_to_the_next_search(tmp_path: Path) -> None:
    once = iter([True])
    device = Late(lambda data: data[9] == 0x9F and next(once, False))
    with Bench(tmp_path, [device], paced=False) as bench, open_reader(bench.addresses[NAME], IMPATIENT) as reader:
        reader.connect()
        bench.do(NAME, "lay", "resident")
        with pytest.raises(TimedOut):
            reader.find()
        bench.do(NAME, "lift")
        assert not reader.find()


def test_one_persons_text_said_too_late_is_never_the_next_persons(tmp_path: Path) -> None:
    once = iter([True])
    device = Late(lambda data: len(data) == 1295 and next(once, False))
    with Bench(tmp_path, [device], paced=False) as bench, open_reader(bench.addresses[NAME], IMPATIENT) as reader:
        bench.do(NAME, "lay", "resident")
        assert isinstance(watch(reader), CardFailed)
        bench.do(NAME, "lay", "hmt_permit")
        assert name_of(watch(reader)) == "陳怡君"


def test_a_reader_that_is_one_answer_behind_is_broken_and_reads_nobody(bench: Bench, reader: IdCardReader) -> None:
    bench.do(NAME, "lay", "resident")
    assert name_of(watch(reader)) == "林志远"
    bench.do(NAME, "lift")
    reader.find()
    bench.do(NAME, "stale")
    bench.do(NAME, "lay", "hmt_permit")
    for _ in range(2):
        with pytest.raises(DeviceError):
            watch(reader)
    bench.do(NAME, "resume")
    assert name_of(watch(reader)) == "陳怡君"


class Plain(SimulatedReader):
    """Knows how to find, select and read, and nothing else: it says so, or says nothing."""

    def __init__(self, says_so: bool) -> None:
        super().__init__()
        self._says_so = says_so

    def feed(self, data: bytes) -> list[Reply]:
        if data[7:8] in (b"\x20", b"\x30"):
            return super().feed(data)
        return [Reply(bytes.fromhex("AAAAAA96690004000021" + "25"))] if data and self._says_so else []


@pytest.mark.parametrize("says_so", [True, False])
def test_a_module_that_can_only_read_cards_reads_them_over_a_bad_line_too(tmp_path: Path, says_so: bool) -> None:
    with (
        Bench(tmp_path, [Plain(says_so)], paced=False) as bench,
        open_reader(bench.addresses[NAME], IMPATIENT) as reader,
    ):
        bench.do(NAME, "lay", "resident")
        bench.do(NAME, "garble")
        assert name_of(watch(reader)) == "林志远"


# ---- readers in trouble ----------------------------------------------------------------------------------------------


@over_both_lines
def test_a_hung_reader_times_out_and_works_again_afterwards(bench: Bench, reader: IdCardReader) -> None:
    reader.connect()
    bench.do(NAME, "lay", "resident")
    bench.do(NAME, "hang")
    with pytest.raises(TimedOut):
        watch(reader)
    bench.do(NAME, "resume")
    assert name_of(watch(reader)) == "林志远"


def test_a_reader_that_hangs_when_asked_to_read_is_a_device_trouble(bench: Bench, reader: IdCardReader) -> None:
    bench.do(NAME, "lay", "resident")
    with pytest.raises(DeviceError):
        reader.watch(threading.Event(), SOON, lambda: hang(bench))


def hang(bench: Bench) -> None:
    bench.do(NAME, "hang")


@over_both_lines
def test_a_reader_unplugged_is_not_connected_and_is_found_again_when_it_is_back(bench: Bench) -> None:
    with open_reader(bench.addresses[NAME]) as reader:
        assert watch(reader, 0) == NoCard()
        threading.Timer(0.2, bench.do, (NAME, "unplug")).start()
        with pytest.raises(NotConnected):
            watch(reader)
    with pytest.raises(NotConnected):
        open_reader(bench.addresses[NAME])
    assert look_at_reader(bench.addresses[NAME]).device is DeviceState.NO_DEVICE
    bench.do(NAME, "replug")
    bench.do(NAME, "lay", "resident")
    with open_reader(bench.addresses[NAME]) as reader:
        assert name_of(watch(reader)) == "林志远"


def test_a_reader_unplugged_while_the_text_comes_is_not_connected(tmp_path: Path) -> None:
    """At 9600 baud the text takes 1.3 s: time to pull the plug in the middle of it."""
    with Bench(tmp_path, [SimulatedReader(baudrate=9600)]) as bench, open_reader(bench.addresses[NAME]) as reader:
        bench.do(NAME, "lay", "resident")
        timer = threading.Timer(0.5, bench.do, (NAME, "unplug"))
        with pytest.raises(NotConnected):
            reader.watch(threading.Event(), SOON, timer.start)


def test_a_module_that_failed_its_own_test_is_broken_and_says_so(tmp_path: Path) -> None:
    class Broken(Device):
        name = NAME
        baudrate = 115200

        def feed(self, data: bytes) -> list[Reply]:
            return [Reply(bytes.fromhex("AAAAAA9669000400006064"))] if data else []

    with Bench(tmp_path, [Broken()], paced=False) as bench, open_reader(bench.addresses[NAME]) as reader:
        with pytest.raises(DeviceError, match="failed its own test"):
            watch(reader)
        assert look_at_reader("/dev/no-such-reader").device is DeviceState.NO_DEVICE


@pytest.mark.parametrize("baudrate", [57600, 9600])
def test_a_module_left_at_another_speed_is_found_there(tmp_path: Path, baudrate: int) -> None:
    with (
        Bench(tmp_path, [SimulatedReader(baudrate=baudrate)]) as bench,
        open_reader(bench.addresses[NAME]) as reader,
    ):
        bench.do(NAME, "lay", "resident")
        assert name_of(watch(reader)) == "林志远"


def test_something_that_is_no_reader_is_told_apart_from_a_silent_one(tmp_path: Path) -> None:
    class Chatter(Device):
        name = NAME

        def feed(self, data: bytes) -> list[Reply]:
            return [Reply(b"ERROR\r\n")] if data else []

    with Bench(tmp_path, [Chatter()]) as bench, open_reader(bench.addresses[NAME], IMPATIENT) as reader:
        with pytest.raises(BadAnswer, match="no card reader"):
            reader.connect()
        bench.do(NAME, "hang")
        with pytest.raises(TimedOut, match="at any speed"):
            reader.connect()


@pytest.mark.parametrize("seed", range(3))
def test_no_nonsense_from_a_module_does_more_than_fail(tmp_path: Path, seed: int) -> None:
    brief = Waits(answer=0.05, read=0.05, probe=0.05, silence=0.05)
    chance = random.Random(seed)

    def mangle(data: bytes) -> list[bytes]:
        match chance.randrange(6):
            case 0:
                return []
            case 1:
                return [data[: chance.randrange(len(data))]]
            case 2:
                at = chance.randrange(len(data))
                return [data[:at] + chance.randbytes(1) + data[at + 1 :]]
            case 3:
                return [chance.randbytes(20), data]
            case _:
                return [data]

    with (
        Bench(tmp_path, [Splitting(mangle)], paced=False) as bench,
        open_reader(bench.addresses[NAME], brief) as reader,
    ):
        for _ in range(6):
            bench.do(NAME, "lay", "resident")
            try:
                result = watch(reader, 0.2)
            except DeviceError:
                continue
            if isinstance(result, CardRead):
                assert (result.text.name, result.text.number) == ("林志远", "350602199001010013")
