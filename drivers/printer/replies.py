"""What a printer says back, told apart byte by byte. Bytes in, replies out, no I/O.

Three kinds of answer share one line and may come in any order (hardware facts: Epson's ESC/POS reference):

- real-time status (``DLE EOT n``): one byte ``0xx1xx10``, sent at once, even between the bytes of a block;
- paper status (``GS r 1``): one byte ``0000xxxx``, sent when the printer gets there in its data;
- blocks ``37h, what, …, 00h``: the process id that is echoed when everything before it is printed
  (``GS ( H`` function 48) and the word that the buffers are cleared (``DLE DC4 8``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

PROCESS_ID_ALPHABET = b"ABCDEFGHIJKLMNOPQSTUWXY"
"""Letters that cannot be taken for a status byte (R, V and Z can), so that a status inside an echo is told apart."""

PROCESS_ID_LENGTH = 4

_BLOCK = 0x37
_ECHO = 0x22
_CLEARED = 0x25


@dataclass(frozen=True)
class Status:
    """The answer to one ``DLE EOT n``; which n, only the asker knows."""

    value: int


@dataclass(frozen=True)
class InOrder:
    """The answer to one ``GS r 1``: the printer has worked off everything that was sent before the question."""

    value: int

    @property
    def paper_out(self) -> bool:
        return self.value & 0x0C == 0x0C


@dataclass(frozen=True)
class ProcessEnded:
    """Everything before this process id is printed."""

    process_id: bytes


@dataclass(frozen=True)
class Cleared:
    """Receive and print buffer are empty."""


Word = InOrder | ProcessEnded | Cleared
"""What a printer says of its data, rather than of itself."""

Reply = Status | Word


class ReplyReader:
    """Keeps an unfinished block between reads. What fits no kind (line noise, XON, XOFF) is dropped."""

    def __init__(self) -> None:
        self._block: bytearray | None = None

    def feed(self, data: bytes) -> list[Reply]:
        return [reply for byte in data for reply in self._next(byte)]

    def _next(self, byte: int) -> Iterator[Reply]:
        if is_status(byte):
            yield Status(byte)
        elif self._block is None:
            yield from self._outside(byte)
        else:
            yield from self._inside(self._block, byte)

    def _outside(self, byte: int) -> Iterator[Reply]:
        if byte == _BLOCK:
            self._block = bytearray()
        elif byte & 0xF0 == 0:
            yield InOrder(byte)

    def _inside(self, block: bytearray, byte: int) -> Iterator[Reply]:
        block.append(byte)
        if block[0] == _ECHO and len(block) <= 1 + PROCESS_ID_LENGTH:
            if len(block) == 1 or byte in PROCESS_ID_ALPHABET:
                return
        elif len(block) == 1 and byte == _CLEARED:
            return
        self._block = None
        if byte != 0:
            # Not a block after all: what began inside it may be the beginning of a real one.
            yield from self._outside(byte)
        elif block[0] == _ECHO:
            yield ProcessEnded(bytes(block[1:-1]))
        elif block[0] == _CLEARED:
            yield Cleared()


def is_status(byte: int) -> bool:
    """Do the fixed bits of a real-time status stand where they must?"""
    return byte & 0x93 == 0x12
