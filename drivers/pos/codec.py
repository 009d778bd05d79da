"""Frames between the kiosk and its payment terminal: bytes in, frames out, no I/O. Byte tables: docs/pos-protocol.md.

Both sides speak ``55 AA | type | ack | id | length | data | check | CC 33``. The length is two bytes, big-endian, of
the data alone; the check is the XOR of everything from the type to the last byte of the data. A frame has at most 1024
bytes. Data is ASCII, so ``55 AA`` can only be a beginning: a frame that lost its end never swallows the next one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Literal

HEAD = b"\x55\xaa"
TAIL = b"\xcc\x33"

LONGEST_FRAME = 1024
_BEFORE_DATA = struct.Struct(">2sBBBH")
LONGEST_DATA = LONGEST_FRAME - _BEFORE_DATA.size - 1 - len(TAIL)


class Kind(IntEnum):
    """The type byte. The link's own three are the open frame's; the rest is our message set."""

    HEARTBEAT = 0x00
    HANDSHAKE = 0x01
    CONFIRM = 0x02
    SALE = 0x10
    QUERY = 0x11
    REVERSE = 0x12
    CANCEL = 0x13
    TOTALS = 0x14
    JOURNAL = 0x15
    STATE = 0x16
    PROGRESS = 0x20


ASKS = 0
ANSWERS = 1


@dataclass(frozen=True)
class Frame:
    """One frame that arrived whole. ``ack`` is ASKS or ANSWERS; ``id`` pairs an answer with its question."""

    kind: int
    ack: int = ASKS
    id: int = 0
    data: bytes = b""


@dataclass(frozen=True)
class Garbled:
    """Something began like a frame and cannot be one."""

    reason: Literal["length", "check", "end", "cut short"]


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. ValueError when its data is too long or not what a frame may carry."""
    if len(frame.data) > LONGEST_DATA:
        raise ValueError(f"{len(frame.data)} bytes of data; a frame takes {LONGEST_DATA}")
    head = _BEFORE_DATA.pack(HEAD, frame.kind, frame.ack, frame.id, len(frame.data))
    body = head[len(HEAD) :] + frame.data
    body += bytes([reduce(xor, body)])
    if HEAD in body or not frame.data.isascii():
        raise ValueError("data that could be taken for the beginning of a frame")
    return HEAD + body + TAIL


HANDSHAKE = encode(Frame(Kind.HANDSHAKE))
CONFIRM = encode(Frame(Kind.CONFIRM))
HEARTBEAT = encode(Frame(Kind.HEARTBEAT))


class Decoder:
    """Takes bytes as they come, split or joined or spoilt, and gives the frames in them."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def reset(self) -> None:
        """Forget a frame that has begun."""
        self._buffer.clear()

    def feed(self, data: bytes) -> list[Frame | Garbled]:
        self._buffer += data
        found: list[Frame | Garbled] = []
        while (piece := self._next()) is not None:
            found.append(piece)
        return found

    def _next(self) -> Frame | Garbled | None:
        self._skip_noise()
        if len(self._buffer) < _BEFORE_DATA.size:
            return self._cut_short(len(self._buffer))
        _, kind, ack, number, length = _BEFORE_DATA.unpack_from(self._buffer)
        if length > LONGEST_DATA:
            return self._cut_short(_BEFORE_DATA.size) or self._give_up("length")
        whole = _BEFORE_DATA.size + length + 1 + len(TAIL)
        if (broken := self._cut_short(whole)) is not None or len(self._buffer) < whole:
            return broken
        body = bytes(self._buffer[len(HEAD) : whole - len(TAIL)])
        if reduce(xor, body):
            return self._give_up("check")
        if self._buffer[whole - len(TAIL) : whole] != TAIL:
            return self._give_up("end")
        del self._buffer[:whole]
        return Frame(kind, ack, number, body[_BEFORE_DATA.size - len(HEAD) : -1])

    def _skip_noise(self) -> None:
        at = self._buffer.find(HEAD)
        if at < 0:
            # The last byte may be the first of a beginning whose second is still on the wire.
            at = len(self._buffer) - self._buffer.endswith(HEAD[:1])
        del self._buffer[:at]

    def _cut_short(self, whole: int) -> Garbled | None:
        """Another beginning inside the frame that has begun: its rest was lost, and the next one is here already."""
        at = self._buffer.find(HEAD, len(HEAD), whole)
        if at < 0:
            return None
        del self._buffer[:at]
        return Garbled("cut short")

    def _give_up(self, reason: Literal["length", "check", "end"]) -> Garbled:
        del self._buffer[: len(HEAD)]
        return Garbled(reason)
