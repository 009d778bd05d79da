"""A simulated ID-card reader: the SAM_A module's side of the conversation, with a card that comes and goes."""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping

from drivers.bench.cards import SAMPLES, Card, card_of, text_block
from drivers.bench.device import Action, BadAction, Device, Reply

_HEAD = b"\xaa\xaa\xaa\x96\x69"
#: The longest request there is takes 4 bytes after its length; more means that the length came wrong.
_LONGEST_REQUEST = 16

_SPEEDS = {0: 115200, 1: 57600, 2: 38400, 3: 19200, 4: 9600}


class SimulatedReader(Device):
    """After a card has been read, the module does not find it any more until it is lifted, unless ``keep-finding``."""

    def __init__(self, name: str = "id-card", baudrate: int = 115200) -> None:
        self.name = name
        self.baudrate = baudrate
        self._card: Card | None = None
        self._sample = ""
        self._keeps_finding = False
        self.power_on()
        self.resume()

    def power_on(self) -> None:
        self._heard = b""
        self._selected = self._was_read = False

    def resume(self) -> None:
        self._stale = False
        self._last_answer = _reply(0x90)
        self._lifts_at = ""

    # ---- what a person does ----------------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, Action]:
        return {
            "lay": self._lay,
            "lift": self._lift,
            "stale": self._answer_late,
            "keep-finding": self._keep_finding,
            "speed": self._set_speed,
            "card": lambda _: self._sample or None,
            "samples": lambda _: list(SAMPLES),
        }

    def _lay(self, what: object) -> None:
        """A card, by the name of a sample or as JSON; one that lies there is taken away first."""
        card = card_of("resident" if what is None else what)
        self._lift(None)
        self._card = card
        self._sample = what if isinstance(what, str) else "own" if what else "resident"

    def _lift(self, when: object) -> None:
        """Now; or, with ``select`` or ``read``, at the moment when that is asked for."""
        if when not in (None, "select", "read"):
            raise BadAction(f"a card is lifted now, at 'select' or at 'read', not at {when!r}")
        if isinstance(when, str):
            self._lifts_at = when
            return
        self._card = None
        self._sample = self._lifts_at = ""
        self._selected = self._was_read = False

    def _answer_late(self, _: object) -> None:
        """Every answer is the one to the question before."""
        self._stale = True

    def _keep_finding(self, on: object) -> None:
        """Some modules go on finding a card that has been read (no argument: this one now does)."""
        self._keeps_finding = on is not False

    def _set_speed(self, baudrate: object) -> None:
        """The module's own speed, as some other program may have left it."""
        if not isinstance(baudrate, int) or baudrate not in _SPEEDS.values():
            raise BadAction(f"a module speaks {', '.join(map(str, _SPEEDS.values()))}, not {baudrate!r}")
        self.baudrate = baudrate

    # ---- what the host says ----------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> list[Reply]:
        self._heard += data
        replies = []
        while (answer := self._next_answer()) is not None:
            if self._stale:
                answer, self._last_answer = self._last_answer, answer
            else:
                self._last_answer = answer
            replies.append(Reply(answer))
        return replies

    def _next_answer(self) -> bytes | None:
        start = self._heard.find(_HEAD)
        if start < 0:
            self._heard = self._heard[-len(_HEAD) + 1 :]
            return None
        self._heard = self._heard[start:]
        if len(self._heard) < 7:
            return None
        length = struct.unpack(">H", self._heard[5:7])[0]
        if not 3 <= length <= _LONGEST_REQUEST:
            self._heard = self._heard[7:]
            return _reply(0x11)
        if len(self._heard) < 7 + length:
            return None
        request, self._heard = self._heard[5 : 7 + length], self._heard[7 + length :]
        if _xor(request):
            return _reply(0x10)
        return self._answer(request[2:4], request[4:-1])

    def _answer(self, command: bytes, data: bytes) -> bytes:
        match tuple(command):
            case (0x10, 0xFF):
                self.power_on()
                return _reply(0x90)
            case (0x11, 0xFF):
                return _reply(0x90)
            case (0x12, 0xFF):
                return _reply(0x90, struct.pack("<HHIII", 5, 1, 20160718, 12345678, 42))
            case (0x20, 0x01):
                return self._find()
            case (0x20, 0x02):
                return self._select()
            case (0x30, 0x01):
                return self._read(b"")
            case (0x30, 0x10):
                return self._read(b"\0\0")
            case (0x30, 0x03):
                return _reply(0x91 if self._on_reader(read=True) else 0x41)
            case (0x30, 0x05):
                return _reply(0x90, bytes(28)) if self._on_reader(read=True) else _reply(0x41)
            case (0x61, 0xFF) if data in (b"\x50", b"\x58"):
                return _reply(0x90)
            case (0x60, code) if code in _SPEEDS:
                self.baudrate = _SPEEDS[code]
                return _reply(0x90)
            case _:
                return _reply(0x21)

    def _on_reader(self, read: bool) -> bool:
        return self._card is not None and self._was_read is read

    def _find(self) -> bytes:
        self._selected = False
        if self._card is None or (self._was_read and not self._keeps_finding):
            return _reply(0x80)
        return _reply(0x9F, bytes(4))

    def _select(self) -> bytes:
        if self._lifts_at == "select":
            self._lift(None)
        if self._card is None:
            return _reply(0x81)
        if self._card.select_fault is not None:
            return _reply(self._card.select_fault)
        self._selected = True
        return _reply(0x90, bytes(8))

    def _read(self, fingerprint_length: bytes) -> bytes:
        if self._lifts_at == "read":
            self._lift(None)
        if self._card is None or not self._selected:
            return _reply(0x41)
        if self._card.read_fault is not None:
            return _reply(self._card.read_fault)
        self._was_read = True
        # Nobody has the key to real photos: noise of the right size.
        photo = random.Random(self._card.number).randbytes(1024)
        return _reply(0x90, b"\x01\x00\x04\x00" + fingerprint_length + text_block(self._card) + photo)


def _reply(status: int, data: bytes = b"") -> bytes:
    body = struct.pack(">HBBB", len(data) + 4, 0, 0, status) + data
    return _HEAD + body + bytes([_xor(body)])


def _xor(data: bytes) -> int:
    result = 0
    for byte in data:
        result ^= byte
    return result
