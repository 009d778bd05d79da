"""The bytes between kiosk and payment terminal, without a line between."""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from functools import reduce
from operator import xor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contract import BadAnswer
from drivers.pos.codec import (
    ANSWERS,
    ASKS,
    CONFIRM,
    HANDSHAKE,
    HEAD,
    HEARTBEAT,
    LONGEST_DATA,
    LONGEST_FRAME,
    Decoder,
    Frame,
    Garbled,
    Kind,
    encode,
)
from drivers.pos.messages import About, Outcome, Sale, TerminalState, WaitsFor, answer_in, question, read

KEY = "0123456789abcdef0123456789abcdef"
SALE = Frame(Kind.SALE, ASKS, 7, b'{"key":"%s","fen":35000,"currency":"CNY"}' % KEY.encode())
ANSWER = Frame(Kind.QUERY, ANSWERS, 8, b'{"key":"%s","outcome":"not_found"}' % KEY.encode())
FRAMES = [Frame(Kind.HEARTBEAT), Frame(Kind.CONFIRM), SALE, ANSWER]


def by_hand(kind: int, ack: int, number: int, data: bytes, length: int | None = None) -> bytes:
    body = struct.pack(">BBBH", kind, ack, number, len(data) if length is None else length) + data
    return b"\x55\xaa" + body + bytes([reduce(xor, body)]) + b"\xcc\x33"


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (HANDSHAKE, "55AA010000000001CC33"),
        (CONFIRM, "55AA020000000002CC33"),
        (HEARTBEAT, "55AA000000000000CC33"),
    ],
)
def test_the_link_says_the_bytes_of_the_open_frame(data: bytes, written: str) -> None:
    assert data == bytes.fromhex(written)


def test_a_sale_is_the_bytes_of_our_document() -> None:
    data = encode(question(Kind.SALE, 7, Sale(KEY, 35000)))
    assert data == by_hand(0x10, 0, 7, SALE.data)
    assert data.hex(" ").startswith("55 aa 10 00 07 00 47 7b 22 6b 65 79")
    assert data.hex(" ").endswith("22 7d 13 cc 33")


@pytest.mark.parametrize("frame", FRAMES)
def test_what_is_written_is_read(frame: Frame) -> None:
    assert Decoder().feed(encode(frame)) == [frame]


def test_the_longest_frame_has_1024_bytes_and_a_longer_one_is_not_written() -> None:
    longest = Frame(Kind.JOURNAL, ANSWERS, 1, b"x" * LONGEST_DATA)
    assert len(encode(longest)) == LONGEST_FRAME == 1024
    assert Decoder().feed(encode(longest)) == [longest]
    with pytest.raises(ValueError, match="1015 bytes"):
        encode(Frame(Kind.JOURNAL, ANSWERS, 1, b"x" * (LONGEST_DATA + 1)))


@pytest.mark.parametrize("data", [b"\x55\xaa", "漳州".encode(), b"\x80"])
def test_what_could_be_taken_for_a_beginning_is_not_written(data: bytes) -> None:
    with pytest.raises(ValueError, match="beginning"):
        encode(Frame(Kind.SALE, ASKS, 1, data))


def test_frames_that_arrive_byte_by_byte_are_the_same_frames() -> None:
    decoder = Decoder()
    stream = b"".join(map(encode, FRAMES))
    assert [piece for byte in stream for piece in decoder.feed(bytes([byte]))] == FRAMES


def test_joined_frames_come_apart() -> None:
    assert Decoder().feed(b"".join(map(encode, FRAMES))) == FRAMES


@pytest.mark.parametrize("noise", [b"\x00", b"\x55", b"\xaa", b"\xaa\x55", b"\xcc\x33", b"\xff" * 60])
def test_noise_before_a_frame_is_passed_over(noise: bytes) -> None:
    assert Decoder().feed(noise + encode(SALE)) == [SALE]


@pytest.mark.parametrize("cut", range(2, len(encode(SALE))))
def test_a_frame_that_lost_its_end_anywhere_does_not_swallow_the_next_one(cut: int) -> None:
    broken, heard = Decoder().feed(encode(SALE)[:cut] + encode(ANSWER))
    assert isinstance(broken, Garbled)
    assert heard == ANSWER


@pytest.mark.parametrize("at", range(len(encode(SALE))))
@pytest.mark.parametrize("flip", [0x01, 0x20, 0x80, 0xFF])
def test_a_frame_with_one_wrong_byte_anywhere_is_no_frame_and_the_next_one_is_heard(at: int, flip: int) -> None:
    spoilt = bytearray(encode(SALE))
    spoilt[at] ^= flip
    heard = [piece for piece in Decoder().feed(bytes(spoilt) + encode(ANSWER)) if isinstance(piece, Frame)]
    assert heard == [ANSWER]


def test_an_impossible_length_is_told_at_once() -> None:
    assert Decoder().feed(by_hand(0x10, 0, 1, b"", length=LONGEST_DATA + 1)[:7]) == [Garbled("length")]


def test_a_wrong_end_is_told() -> None:
    assert Decoder().feed(encode(SALE)[:-1] + b"\x34") == [Garbled("end")]


def test_a_reset_forgets_what_had_begun() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(SALE)[:40]) == []
    decoder.reset()
    assert decoder.feed(encode(SALE)[40:]) == []
    assert decoder.feed(encode(ANSWER)) == [ANSWER]


PIECES = st.binary(max_size=30) | st.sampled_from([encode(f) for f in FRAMES] + [encode(SALE)[:9], HEAD, b"\x55"])


@given(st.lists(PIECES, max_size=8), st.data())
def test_no_bytes_break_the_decoder_and_their_grouping_changes_nothing(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts)
    whole = Decoder().feed(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    split = Decoder()
    assert [
        piece
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for piece in split.feed(stream[start:end])
    ] == whole


@given(st.binary(max_size=1100))
def test_a_frame_is_heard_behind_any_noise(noise: bytes) -> None:
    # A byte of noise may end as a beginning does; the frame behind it still begins anew.
    assert Decoder().feed(noise + encode(SALE))[-1] == SALE


# ---- what the frames carry -------------------------------------------------------------------------------------------


def test_an_answer_is_one_to_its_own_question_only() -> None:
    assert answer_in(ANSWER, Kind.QUERY, 8, Outcome) == Outcome(KEY, "not_found")
    assert answer_in(ANSWER, Kind.QUERY, 9, Outcome) is None
    assert answer_in(ANSWER, Kind.REVERSE, 8, Outcome) is None
    assert answer_in(Frame(Kind.QUERY, ASKS, 8, ANSWER.data), Kind.QUERY, 8, Outcome) is None


def test_a_question_without_words_has_no_data() -> None:
    assert question(Kind.STATE, 3) == Frame(Kind.STATE, ASKS, 3)


def test_an_approval_says_when_with_its_zone() -> None:
    data = b'{"key":"%s","outcome":"approved","fen":1,"at":"2026-11-24T10:00:00+08:00"}' % KEY.encode()
    assert read(Frame(0, data=data), Outcome).at == datetime(2026, 11, 24, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"key":"%s"}' % KEY.encode(),
        b'{"key":"KEY","outcome":"approved"}',
        b'{"key":"%s","outcome":"approved","fen":0}' % KEY.encode(),
        b'{"key":"%s","outcome":"approved","fen":1.5}' % KEY.encode(),
        b'{"key":"%s","outcome":"approved","fen":"1"}' % KEY.encode(),
        b'{"key":"%s","outcome":"approved","at":"2026-11-24T10:00:00"}' % KEY.encode(),
        b'{"key":"%s","outcome":"approved","card":"%s"}' % (KEY.encode(), b"6" * 41),
        b'{"x":' + b"[" * LONGEST_DATA,
        b"\xff",
    ],
)
def test_what_is_no_outcome_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        read(Frame(Kind.QUERY, ANSWERS, 1, data), Outcome)


@given(st.binary(max_size=60), st.sampled_from([Outcome, WaitsFor, TerminalState]))
def test_no_data_does_more_than_be_refused(data: bytes, wanted: type[msgspec.Struct]) -> None:
    try:
        said = read(Frame(0, data=data), wanted)
    except BadAnswer:
        return
    assert isinstance(said, wanted)


def test_a_full_page_of_the_journal_fits_into_a_frame() -> None:
    entry = [KEY, "reversal", 99_999_999_99, "999999", "1" * 12, "622202******8123", "2026-11-24T10:00:00+08:00"]
    page = {"day": date(2026, 11, 24), "page": 1000, "pages": 1000, "entries": [entry] * 6}
    assert len(msgspec.json.encode(page)) <= LONGEST_DATA


def test_a_word_about_a_key_names_it_first() -> None:
    assert question(Kind.CANCEL, 1, About(KEY)).data == b'{"key":"%s"}' % KEY.encode()
