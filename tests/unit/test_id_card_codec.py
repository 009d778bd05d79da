"""The bytes of a SAM_A module and of the cards it reads, without a line between."""

from __future__ import annotations

import struct
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bench.cards import SAMPLES, Card, Kind, text_block
from drivers.contract import BadAnswer
from drivers.id_card.codec import Command, Decoder, Frame, Garbled, encode, format_sam_id, text_of
from drivers.id_card.layouts import NATIONS, CardKind, CardText, decode_text

HEAD = bytes.fromhex("AAAAAA9669")

REQUESTS = [
    (Command.RESET, "00 03 10 FF EC"),
    (Command.STATUS, "00 03 11 FF ED"),
    (Command.SAM_ID, "00 03 12 FF EE"),
    (Command.FIND, "00 03 20 01 22"),
    (Command.SELECT, "00 03 20 02 21"),
    (Command.READ, "00 03 30 01 32"),
    (Command.READ_WITH_FINGERPRINTS, "00 03 30 10 23"),
    (Command.READ_ADDED_ADDRESS, "00 03 30 03 30"),
    (Command.READ_CARD_NUMBERS, "00 03 30 05 36"),
]

FIND_OK = HEAD + bytes.fromhex("00 08 00 00 9F 00 00 00 00 97")
FIND_FAIL = HEAD + bytes.fromhex("00 04 00 00 80 84")
SELECT_OK = HEAD + bytes.fromhex("00 0C 00 00 90") + bytes(8) + b"\x9c"
SELECT_FAIL = HEAD + bytes.fromhex("00 04 00 00 81 85")
BARE_OK = HEAD + bytes.fromhex("00 04 00 00 90 94")

REPLIES = [
    (FIND_OK, Frame(0x9F, bytes(4))),
    (FIND_FAIL, Frame(0x80)),
    (SELECT_OK, Frame(0x90, bytes(8))),
    (SELECT_FAIL, Frame(0x81)),
    (BARE_OK, Frame(0x90)),
]


def read_reply(text: bytes) -> bytes:
    """The 1295 bytes of a read, checksum worked out by hand here."""
    body = bytes.fromhex("05 08 00 00 90 01 00 04 00") + text + bytes(1024)
    check = 0
    for byte in body:
        check ^= byte
    return HEAD + body + bytes([check])


@pytest.mark.parametrize(("command", "expected"), REQUESTS, ids=[c.name for c, _ in REQUESTS])
def test_a_request_is_the_bytes_of_the_manual(command: Command, expected: str) -> None:
    assert encode(command) == HEAD + bytes.fromhex(expected)


@pytest.mark.parametrize(("data", "frame"), REPLIES)
def test_a_reply_of_the_manual_is_one_frame(data: bytes, frame: Frame) -> None:
    assert Decoder().feed(data) == [frame]


def test_a_read_reply_has_1295_bytes_and_gives_its_text_without_the_photo() -> None:
    text = text_block(SAMPLES["resident"])
    data = read_reply(text)
    [frame] = Decoder().feed(data)
    assert len(data) == 1295
    assert isinstance(frame, Frame)
    assert text_of(frame.data) == text


@pytest.mark.parametrize(
    "data", [b"", bytes(1284), b"\x01\x00\x04\x00" + bytes(1279), b"\x01\x00\x00\x00" + bytes(256)]
)
def test_what_is_no_text_with_a_photo_is_refused(data: bytes) -> None:
    with pytest.raises(BadAnswer):
        text_of(data)


def test_the_module_number_reads_as_on_its_label() -> None:
    assert format_sam_id(struct.pack("<HHIII", 5, 1, 20160718, 12345678, 42)) == "05.01-20160718-0012345678-0000000042"
    with pytest.raises(BadAnswer):
        format_sam_id(b"\x05")


def test_replies_that_arrive_byte_by_byte_are_the_same_replies() -> None:
    decoder = Decoder()
    pieces = [piece for byte in FIND_OK + SELECT_OK + FIND_FAIL for piece in decoder.feed(bytes([byte]))]
    assert pieces == [Frame(0x9F, bytes(4)), Frame(0x90, bytes(8)), Frame(0x80)]


def test_joined_replies_come_apart() -> None:
    assert Decoder().feed(FIND_OK + SELECT_FAIL) == [Frame(0x9F, bytes(4)), Frame(0x81)]


@pytest.mark.parametrize(
    "noise", [b"\x00", b"\xff" * 40, b"\xaa", b"\xaa\xaa\xaa\x96", b"\xaa\xaa", HEAD[:4] + b"\x00"]
)
def test_noise_before_a_reply_is_passed_over(noise: bytes) -> None:
    assert Decoder().feed(noise + BARE_OK) == [Frame(0x90)]


def test_a_wrong_checksum_is_told_and_the_next_reply_still_heard() -> None:
    spoilt = FIND_OK[:-1] + b"\x00"
    assert Decoder().feed(spoilt + BARE_OK) == [Garbled("checksum"), Frame(0x90)]


@pytest.mark.parametrize("length", [0, 3, 0x090B, 0xFFFF])
def test_an_impossible_length_is_told_and_the_next_reply_still_heard(length: int) -> None:
    assert Decoder().feed(HEAD + struct.pack(">H", length) + BARE_OK) == [Garbled("length"), Frame(0x90)]


def test_a_reply_swallowed_by_a_wrong_length_is_found_again() -> None:
    longer = HEAD + b"\x00\x0b" + BARE_OK
    assert Decoder().feed(longer) == [Garbled("checksum"), Frame(0x90)]


def test_a_status_says_in_words_what_it_means_and_shows_nobody() -> None:
    assert Frame(0x41).meaning == "41: reading the card failed"
    assert "EE" in Frame(0xEE).meaning
    assert "林" not in repr(Frame(0x90, text_block(SAMPLES["resident"])))


@given(st.lists(st.binary(max_size=40) | st.sampled_from([data for data, _ in REPLIES]), max_size=8))
def test_no_bytes_break_the_decoder_and_their_grouping_changes_nothing(parts: list[bytes]) -> None:
    whole = Decoder().feed(b"".join(parts))
    split = Decoder()
    assert [piece for part in parts for piece in split.feed(part)] == whole


@given(st.binary(max_size=200).map(lambda noise: noise.replace(b"\xaa", b"\x00")))
def test_a_reply_is_found_behind_any_noise_that_is_no_beginning(noise: bytes) -> None:
    assert Decoder().feed(noise + FIND_FAIL) == [Frame(0x80)]


# ---- what the card says ----------------------------------------------------------------------------------------------


def test_a_resident_card_says_who_and_until_when() -> None:
    assert decode_text(text_block(SAMPLES["resident"])) == CardText(
        CardKind.RESIDENT,
        number="350602199001010013",
        birth=date(1990, 1, 1),
        valid_from=date(2018, 3, 12),
        valid_to=date(2038, 3, 12),
        name_zh="林志远",
        sex="male",
        nation="汉",
        address="福建省漳州市芗城区元光南路88号3幢502室",
        issuer="漳州市公安局芗城分局",
    )


def test_a_card_without_end_has_no_last_day() -> None:
    card = decode_text(text_block(SAMPLES["resident_long_term"]))
    assert card.valid_to is None
    assert card.number == "11010519491231002X"


def test_a_residence_permit_carries_its_travel_permit_and_no_nation() -> None:
    card = decode_text(text_block(SAMPLES["hmt_permit"]))
    assert (card.kind, card.name, card.permit_number, card.nation) == ("hmt_permit", "陳怡君", "01234567", "")
    assert card.birth == date(1992, 1, 1)


def test_a_foreigner_of_2017_is_called_by_the_chinese_name_and_keeps_the_english_one() -> None:
    card = decode_text(text_block(SAMPLES["foreigner_2017"]))
    assert card == CardText(
        CardKind.FOREIGNER,
        number="GBR350085031012",
        birth=date(1985, 3, 10),
        valid_from=date(2019, 4, 1),
        valid_to=date(2029, 4, 1),
        name_zh="史密斯",
        name_en="SMITH, JOHN WILLIAM",
        sex="male",
        country="GBR",
        issuer="1500",
    )
    assert card.name == "史密斯"


def test_a_long_english_name_of_2023_goes_on_in_the_overflow() -> None:
    card = decode_text(text_block(SAMPLES["foreigner_2023"]))
    assert card.name == card.name_en == "FERNANDEZ DE LA CRUZ, MARIA ALEJANDRA ISABEL"
    assert (card.kind, card.country, card.sex) == ("foreigner", "ESP", "female")


def test_an_english_name_that_breaks_at_a_space_keeps_it() -> None:
    name = "A" * 34 + " BETA"
    card = Card(kind="foreigner_2023", name_en=name, number="911124198108030024", country="ESP")
    assert decode_text(text_block(card)).name == name


def test_the_nations_are_the_fifty_six_and_two_more() -> None:
    assert len(NATIONS) == 58
    assert (NATIONS["01"], NATIONS["22"], NATIONS["56"], NATIONS["97"]) == ("汉", "畲", "基诺", "其他")


def changed(at: int, data: bytes) -> bytes:
    block = bytearray(text_block(SAMPLES["resident"]))
    block[at : at + len(data)] = data
    return bytes(block)


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


@pytest.mark.parametrize(
    "block",
    [
        b"",
        bytes(256),
        b" \x00" * 128,
        text_block(SAMPLES["resident"])[:-1],
        changed(36, utf16("19900230")),
        changed(36, utf16("1990-1-1")),
        changed(36, utf16("1990W011")),
        changed(36, utf16("１９９００１０１")),
        changed(204, utf16("        ")),
        changed(204, utf16("20180311")),
        changed(0, b"\x00\xd8\x41\x00"),
        changed(0, b"\x07\x00"),
        changed(122, utf16(" " * 18)),
        changed(122, utf16("35060219900101001?")),
        changed(248, utf16("Q")),
    ],
)
def test_a_text_that_cannot_be_a_cards_is_refused(block: bytes) -> None:
    with pytest.raises(BadAnswer):
        decode_text(block)


def test_a_rare_name_in_private_characters_is_kept() -> None:
    assert decode_text(changed(0, utf16("王\ue863　"))).name == "王\ue863"


def test_the_representation_of_a_card_shows_nobody() -> None:
    card = decode_text(text_block(SAMPLES["resident"]))
    assert repr(card) == "CardText(resident)"


@given(st.binary(min_size=256, max_size=256))
def test_no_block_does_more_than_be_refused(block: bytes) -> None:
    try:
        decode_text(block)
    except BadAnswer:
        return


@given(
    st.sampled_from([name for name, card in SAMPLES.items() if card.name or card.name_en]),
    st.integers(0, 255),
    st.integers(1, 255),
)
def test_a_flipped_byte_is_read_or_refused_and_never_a_crash(name: str, at: int, flip: int) -> None:
    block = bytearray(text_block(SAMPLES[name]))
    block[at] ^= flip
    try:
        assert isinstance(decode_text(bytes(block)), CardText)
    except BadAnswer:
        return


CHINESE = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=1, max_size=15)
LATIN = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=46)
DAYS = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@given(CHINESE, LATIN, DAYS, DAYS, st.sampled_from(get_args(Kind)))
def test_what_a_card_writes_is_what_the_driver_reads(zh: str, en: str, birth: date, begin: date, kind: Kind) -> None:
    number = "GBR350085031012" if kind == "foreigner_2017" else "350602199001010013"
    foreigner = kind.startswith("foreigner")
    written = Card(
        kind=kind,
        name=zh,
        name_en=en if foreigner else "",
        birth=birth.isoformat(),
        number=number,
        valid_from=begin.isoformat(),
        valid_to="长期",
    )
    read = decode_text(text_block(written))
    assert (read.name_zh, read.number, read.birth, read.valid_from, read.valid_to) == (zh, number, birth, begin, None)
    assert read.name_en == (en if foreigner else "")
    assert read.kind == ("foreigner" if foreigner else kind)
