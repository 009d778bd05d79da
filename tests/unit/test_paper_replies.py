"""What a printer says back, however it is cut up and whatever stands between."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contract import PaperState
from drivers.printer.replies import (
    PROCESS_ID_ALPHABET,
    Cleared,
    InOrder,
    ProcessEnded,
    Reply,
    ReplyReader,
    Status,
    is_status,
)
from drivers.printer.status import Reason, read_look

STATUS_BYTES = [byte for byte in range(256) if is_status(byte)]
STATUS = st.sampled_from(STATUS_BYTES).map(lambda byte: (bytes((byte,)), Status(byte)))
IN_ORDER = st.integers(0, 15).map(lambda byte: (bytes((byte,)), InOrder(byte)))
IDS = st.lists(st.sampled_from(PROCESS_ID_ALPHABET), min_size=4, max_size=4).map(bytes)
ECHO = IDS.map(lambda name: (b"\x37\x22" + name + b"\x00", ProcessEnded(name)))
CLEARED = st.just((b"\x37\x25\x00", Cleared()))
ANY = st.lists(st.one_of(STATUS, IN_ORDER, ECHO, CLEARED), max_size=12)


@settings(deadline=None)
@given(ANY, st.randoms(use_true_random=False))
def test_answers_are_told_apart_wherever_the_line_cuts_them(said: list[tuple[bytes, Reply]], random: Random) -> None:
    data = b"".join(raw for raw, _ in said)
    reader, heard = ReplyReader(), []
    while data:
        count = random.randint(1, 5)
        heard += reader.feed(data[:count])
        data = data[count:]
    assert heard == [reply for _, reply in said]


@settings(deadline=None)
@given(IDS, st.integers(0, 6), st.sampled_from(STATUS_BYTES))
def test_a_real_time_status_inside_an_echo_spoils_neither(name: bytes, at: int, status: int) -> None:
    echo = b"\x37\x22" + name + b"\x00"
    heard = ReplyReader().feed(echo[:at] + bytes((status,)) + echo[at:])
    assert sorted(heard, key=repr) == sorted([Status(status), ProcessEnded(name)], key=repr)


@settings(deadline=None)
@given(st.binary(max_size=200), IDS)
def test_no_noise_makes_an_echo_of_an_id_that_was_never_sent(noise: bytes, name: bytes) -> None:
    if b"\x37\x22" + name + b"\x00" not in bytes(byte for byte in noise if not is_status(byte)):
        assert ProcessEnded(name) not in ReplyReader().feed(noise)


@settings(deadline=None)
@given(st.binary(max_size=40), IDS)
def test_after_noise_and_a_pause_byte_an_echo_is_heard_again(noise: bytes, name: bytes) -> None:
    reader = ReplyReader()
    reader.feed(noise + b"\x00\x00\x00\x00\x00\x00\x00")
    assert reader.feed(b"\x37\x22" + name + b"\x00") == [ProcessEnded(name)]


def test_flow_control_and_foreign_bytes_are_no_status() -> None:
    assert ReplyReader().feed(b"\x11\x13\xff\x80hello") == []


def test_the_bytes_of_the_known_states_mean_what_the_facts_say() -> None:
    fine = read_look(0x12, 0x12)
    assert (fine.reason, fine.paper) == (None, PaperState.FULL)
    low = read_look(0x12, 0x1E)
    assert (low.reason, low.paper) == (None, PaperState.LOW)
    out = read_look(0x1A, 0x7E, 0x32, 0x12)
    assert (out.reason, out.paper) == (Reason.PAPER_OUT, PaperState.OUT)
    open_ = read_look(0x1A, 0x12, 0x16, 0x12)
    assert (open_.reason, open_.cover_open) == (Reason.COVER_OPEN, True)
    jammed = read_look(0x1A, 0x12, 0x52, 0x1A)
    assert (jammed.reason, jammed.paper) == (Reason.JAMMED, PaperState.JAMMED)
    assert read_look(0x1A, 0x12, 0x12, 0x12).reason is Reason.OFFLINE
    assert read_look(0x1A, 0x12, 0x52, 0x32).reason is Reason.HARDWARE_ERROR
