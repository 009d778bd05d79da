"""Smart cards: what pcscd's errors mean, what a card's bytes mean, and a card that is silent for ever."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from drivers.bench.smart_card import PIN, VirtualCard, VirtualReaders
from drivers.contract import BadAnswer, Completion, DeviceError, NotConnected, TimedOut
from drivers.smart_card.apdu import Answer, Command, parse
from drivers.smart_card.connection import choose, connect
from drivers.smart_card.errors import BadCard, CardInUse, CardRemoved, NoCard, ReaderGone, ServiceGone, check
from drivers.smart_card.slot import SlotWatch, look_at_slot
from drivers.smart_card.technician import PinAccepted, TechnicianCard
from drivers.transport import BadUrl

with_pcscd = pytest.mark.skipif(bool(VirtualReaders.missing()), reason=VirtualReaders.missing())


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (0x8010000A, TimedOut),
        (0x80100069, CardRemoved),
        (0x80100068, CardRemoved),
        (0x8010000C, NoCard),
        (0x8010000B, CardInUse),
        (0x8010001D, ServiceGone),
        (0x80100013, ServiceGone),
        (0x8010001E, ServiceGone),
        (0x80100017, ReaderGone),
        (0x8010002E, ReaderGone),
        (0x80100066, BadCard),
        (0x80109999, DeviceError),
    ],
)
def test_every_error_of_pcscd_says_what_has_to_be_done_next(number: int, error: type[DeviceError]) -> None:
    # pyscard gives them as signed numbers.
    for code in (number, number - (1 << 32)):
        with pytest.raises(error):
            check(code, "try")


def test_without_an_error_nothing_is_raised() -> None:
    check(0, "try")


def test_who_is_gone_is_not_connected_and_who_was_pulled_is_not_ready() -> None:
    assert issubclass(ServiceGone, NotConnected)
    assert issubclass(ReaderGone, NotConnected)
    assert CardRemoved.completion is Completion.DEVICE_NOT_READY
    assert CardInUse.completion is Completion.SEQUENCE_ERROR


@pytest.mark.parametrize(
    ("command", "sent"),
    [
        (Command(0xA4, 4, 0, b"\xf0\x01"), "00A4040002F001"),
        (Command(0xCA, 0x7F, 0x21, expected=256), "00CA7F2100"),
        (Command(0x88, data=b"\x01", expected=256), "00880000010100"),
        (Command(0x20, 0, 0x81), "00200081"),
        (Command(0xC0, expected=30), "00C000001E"),
    ],
)
def test_a_command_is_written_in_the_short_form(command: Command, sent: str) -> None:
    assert command.encode() == bytes.fromhex(sent)


def test_a_command_that_is_too_long_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ValueError, match="256"):
        Command(0xA4, data=bytes(256)).encode()


@pytest.mark.parametrize("raw", ["", "90", "12 34", "01 02 69 82", "90 00 6D 00 6D 00", "00" * 257 + "90 00"])
def test_what_cannot_be_an_answer_is_none(raw: str) -> None:
    with pytest.raises(BadAnswer):
        parse(bytes.fromhex(raw))


def test_an_answer_says_what_it_means_and_hides_what_it_holds() -> None:
    assert parse(bytes.fromhex("C0FFEE9000")) == Answer(0x9000, b"\xc0\xff\xee")
    assert "c0ffee" not in repr(parse(bytes.fromhex("C0FFEE9000"))).lower()
    assert Answer(0x63C2).tries_left == 2
    assert Answer(0x6983).tries_left == 0
    assert Answer(0x6100).more == 256
    assert Answer(0x6C10).right_length == 16
    assert Answer(0x6982).meaning == "6982: the PIN has to be given first"


def test_a_reader_is_found_by_a_part_of_its_name() -> None:
    assert choose(["ACS 00 00", "Gemalto 01 00"], "Gem") == "Gemalto 01 00"
    with pytest.raises(ReaderGone):
        choose(["ACS 00 00"], "Gem")


def test_a_url_of_something_else_is_a_mistake_in_the_settings() -> None:
    for look in (connect, look_at_slot, lambda url: SlotWatch(print, url)):
        with pytest.raises(BadUrl):
            look("/dev/ttyUSB0")  # type: ignore[operator]  # three ways in, one mistake


@pytest.fixture(scope="module")
def readers() -> Iterator[VirtualReaders]:
    with VirtualReaders() as readers:
        yield readers


@pytest.fixture
def card(readers: VirtualReaders) -> Iterator[VirtualCard]:
    card = VirtualCard(readers.ports[0])
    card.insert()
    give_up = time.monotonic() + 30.0
    while look_at_slot(readers.url(0)).media != "present":
        assert time.monotonic() < give_up
        time.sleep(0.02)
    yield card
    card.pull()


@with_pcscd
def test_a_card_that_is_silent_for_ever_keeps_nobody(readers: VirtualReaders, card: VirtualCard) -> None:
    with connect(readers.url(0)) as connection:
        technician = TechnicianCard(connection)
        assert technician.select()
        card.do("mute")
        began = time.monotonic()
        with pytest.raises(TimedOut):
            connection.exchange(Command(0x20, 0, 0x81), 0.3)
        # The watch over the other slot, and whoever looks, go on.
        assert look_at_slot(readers.url(1)).media == "notPresent"
        assert time.monotonic() - began < 1.0
        with pytest.raises(CardRemoved):
            technician.verify_pin(PIN)


@with_pcscd
def test_a_command_to_a_card_lets_other_threads_run(readers: VirtualReaders, card: VirtualCard) -> None:
    ticks: list[float] = []
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(0.01):
            ticks.append(time.monotonic())

    with connect(readers.url(0)) as connection:
        card.do("slow", 0.5)
        ticking = threading.Thread(target=tick)
        ticking.start()
        assert TechnicianCard(connection).select()
        ended.set()
        ticking.join()
    assert max(later - sooner for sooner, later in pairwise(ticks)) < 0.2


@with_pcscd
def test_the_technician_tries_the_reader_with_the_kit(readers: VirtualReaders, card: VirtualCard) -> None:
    command = [sys.executable, "-c", "from kiosk.cli.main import main; main()", "conform", "smart-card"]
    words = ["--port", readers.url(0), "--only", "status", "--only", "technician", "--only", "alone", "--only", "again"]
    ended = subprocess.run(
        [*command, *words], capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ)
    )
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("  ok    ") == 4


@with_pcscd
def test_a_pin_that_was_right_counts_until_the_card_is_let_go(readers: VirtualReaders, card: VirtualCard) -> None:
    with connect(readers.url(0)) as connection:
        technician = TechnicianCard(connection)
        technician.select()
        assert technician.verify_pin(PIN) == PinAccepted()
        assert technician.sign(bytes(32)) is not None
    time.sleep(0.2)
    with connect(readers.url(0)) as connection:
        technician = TechnicianCard(connection)
        technician.select()
        assert technician.sign(bytes(32)) is None
