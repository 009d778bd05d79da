"""Frames of the SAM_A module inside every resident-card reader: bytes in, frames out, no I/O.

Request ``AA AA AA 96 69 | LEN | CMD PARA | CHK``, reply ``AA AA AA 96 69 | LEN | SW1 SW2 SW3 | DATA | CHK``. LEN is two
bytes, big-endian, and counts everything after itself; CHK is the XOR of everything from LEN to the last byte before it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import reduce
from operator import xor
from typing import Literal

from drivers.contract import BadAnswer

PREAMBLE = bytes.fromhex("AA AA AA 96 69")

#: The longest reply is text, photo and two fingerprints: 2314 bytes after LEN. A longer one is noise.
_LONGEST = 0x090A
_SHORTEST = 4

_TEXT_BYTES = 256
_PHOTO_BYTES = 1024


class Command(Enum):
    """CMD and PARA of the requests that carry no data."""

    RESET = b"\x10\xff"
    STATUS = b"\x11\xff"
    SAM_ID = b"\x12\xff"
    FIND = b"\x20\x01"
    SELECT = b"\x20\x02"
    READ = b"\x30\x01"
    READ_WITH_FINGERPRINTS = b"\x30\x10"
    READ_ADDED_ADDRESS = b"\x30\x03"
    READ_CARD_NUMBERS = b"\x30\x05"


class Status(IntEnum):
    """SW3, the one status byte that says anything."""

    CHECKSUM = 0x10
    LENGTH = 0x11
    BAD_COMMAND = 0x21
    NOT_PERMITTED = 0x23
    UNRECOGNISED = 0x24
    CARD_REFUSED_SAM = 0x31
    SAM_REFUSED_CARD = 0x32
    INFORMATION_CHECK = 0x33
    FINGERPRINT_CHECK = 0x37
    INFORMATION_LENGTH = 0x3F
    UNKNOWN_CARD = 0x40
    READ_FAILED = 0x41
    RANDOM_FAILED = 0x47
    SELF_TEST_FAILED = 0x60
    SAM_UNAUTHORISED = 0x66
    NOT_FOUND = 0x80
    NOT_SELECTED = 0x81
    OK = 0x90
    ABSENT = 0x91
    FOUND = 0x9F


_MEANINGS: dict[int, str] = {
    Status.CHECKSUM: "the request arrived with a wrong checksum",
    Status.LENGTH: "the request arrived with a wrong length",
    Status.BAD_COMMAND: "command or parameter not known",
    Status.NOT_PERMITTED: "not permitted now",
    Status.UNRECOGNISED: "error of a kind the module does not know",
    Status.CARD_REFUSED_SAM: "the card does not accept the security module",
    Status.SAM_REFUSED_CARD: "the security module does not accept the card",
    Status.INFORMATION_CHECK: "the card's information fails its check",
    Status.FINGERPRINT_CHECK: "the card's fingerprints fail their check",
    Status.INFORMATION_LENGTH: "the card's information has a wrong length",
    Status.UNKNOWN_CARD: "card of an unknown type",
    Status.READ_FAILED: "reading the card failed",
    Status.RANDOM_FAILED: "the card gave no random number",
    Status.SELF_TEST_FAILED: "the module failed its own test and cannot read cards",
    Status.SAM_UNAUTHORISED: "the security module is not authorised",
    Status.NOT_FOUND: "no card found",
    Status.NOT_SELECTED: "the card cannot be selected",
    Status.OK: "done",
    Status.ABSENT: "the card does not hold this item",
    Status.FOUND: "card found",
}


@dataclass(frozen=True)
class Frame:
    """A reply that arrived whole. Its data may be a person's: the repr does not show it."""

    sw: int
    data: bytes = b""

    @property
    def meaning(self) -> str:
        """For the technician."""
        return f"{self.sw:02X}: {_MEANINGS.get(self.sw, 'a status nobody has described')}"

    def __repr__(self) -> str:
        return f"Frame({self.meaning}, {len(self.data)} bytes)"


@dataclass(frozen=True)
class Garbled:
    """Something began like a reply and cannot be one."""

    reason: Literal["length", "checksum"]


def encode(command: Command) -> bytes:
    """The whole request, ready to be sent."""
    body = struct.pack(">H", len(command.value) + 1) + command.value
    return PREAMBLE + body + bytes([reduce(xor, body)])


class Decoder:
    """Takes bytes as they come, split or joined or spoilt, and gives the replies in them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def in_frame(self) -> bool:
        """A reply has begun and is not complete (or noise looks like its beginning)."""
        return bool(self._buffer)

    def reset(self) -> None:
        """Forget a reply that has begun."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Frame | Garbled]:
        self._buffer += data
        found: list[Frame | Garbled] = []
        while (piece := self._next()) is not None:
            found.append(piece)
        return found

    def _next(self) -> Frame | Garbled | None:
        self._skip_noise()
        head = len(PREAMBLE)
        if len(self._buffer) < head + 2:
            return None
        (length,) = struct.unpack_from(">H", self._buffer, head)
        if not _SHORTEST <= length <= _LONGEST:
            return self._give_up("length")
        if len(self._buffer) < head + 2 + length:
            return None
        body = bytes(self._buffer[head : head + 2 + length])
        if reduce(xor, body):
            return self._give_up("checksum")
        del self._buffer[: head + len(body)]
        return Frame(body[4], body[5:-1])

    def _skip_noise(self) -> None:
        at = self._buffer.find(PREAMBLE)
        if at < 0:
            # The end may be the beginning of a preamble whose rest is still on the wire.
            fits = (n for n in range(len(PREAMBLE) - 1, 0, -1) if self._buffer.endswith(PREAMBLE[:n]))
            at = len(self._buffer) - next(fits, 0)
        del self._buffer[:at]

    def _give_up(self, reason: Literal["length", "checksum"]) -> Garbled:
        """Look for the next reply right behind this preamble: with a wrong length, a good one may lie inside."""
        del self._buffer[: len(PREAMBLE)]
        return Garbled(reason)


def text_of(data: bytes) -> bytes:
    """The 256-byte text block of a READ answer. The photo behind it is dropped here and goes nowhere.

    Raises BadAnswer.
    """
    if not answers_read(data):
        raise BadAnswer(f"{len(data)} bytes are no text with a photo")
    return data[4 : 4 + _TEXT_BYTES]


def answers_read(data: bytes) -> bool:
    """Whether this can be the data of a READ answer: two lengths, the text, the photo."""
    return data[:4] == struct.pack(">HH", _TEXT_BYTES, _PHOTO_BYTES) and len(data) == 4 + _TEXT_BYTES + _PHOTO_BYTES


def format_sam_id(data: bytes) -> str:
    """The module's number as printed on the reader, ``05.01-20160718-0012345678-0000000042``. Raises BadAnswer."""
    try:
        return "{:02d}.{:02d}-{:08d}-{:010d}-{:010d}".format(*struct.unpack("<HHIII", data))
    except struct.error as error:
        raise BadAnswer(f"no SAM id: {error}") from None
