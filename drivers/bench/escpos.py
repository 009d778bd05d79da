"""ESC/POS as a printer reads it: bytes in, commands out. Only what slip printers commonly obey.

Two readers stand one behind the other, as in a printer. ``RealTime`` watches the line and picks the real-time
commands out as they arrive, whatever the printer is doing. Everything else lies in the receive buffer until the
printer is ready, and ``next_command`` takes it from there.
"""

from __future__ import annotations

from dataclasses import dataclass

_CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"
_REAL_TIME = (
    *(b"\x10\x04" + bytes((n,)) for n in (1, 2, 3, 4)),
    *(b"\x10\x05" + bytes((n,)) for n in (1, 2)),
    _CLEAR,
)


class RealTime:
    """Splits what arrives into real-time commands and the data between them."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[tuple[bytes, bool]]:
        """(bytes, is a real-time command) in the order received; the beginning of a command waits for its rest."""
        data, self._held = self._held + data, b""
        pieces: list[tuple[bytes, bool]] = []
        while data:
            start = data.find(b"\x10")
            if start < 0:
                pieces.append((data, False))
                break
            if start:
                pieces.append((data[:start], False))
                data = data[start:]
            command = next((c for c in _REAL_TIME if data.startswith(c)), None)
            if command is not None:
                pieces.append((command, True))
                data = data[len(command) :]
            elif any(c.startswith(data) for c in _REAL_TIME):
                self._held = data
                break
            else:
                pieces.append((data[:1], False))
                data = data[1:]
        return pieces


@dataclass(frozen=True)
class Command:
    """``name`` as in Epson's reference; ``data`` its parameters."""

    name: str
    data: bytes = b""


@dataclass(frozen=True)
class Character:
    text: str


#: Prefix → name and number of parameter bytes.
_COMMANDS = {
    b"\x0a": ("LF", 0),
    b"\x0d": ("CR", 0),
    b"\x18": ("CAN", 0),
    b"\x1b@": ("ESC @", 0),
    b"\x1b!": ("ESC !", 1),
    b"\x1b2": ("ESC 2", 0),
    b"\x1b3": ("ESC 3", 1),
    b"\x1bE": ("ESC E", 1),
    b"\x1bG": ("ESC G", 1),
    b"\x1bJ": ("ESC J", 1),
    b"\x1bM": ("ESC M", 1),
    b"\x1ba": ("ESC a", 1),
    b"\x1bd": ("ESC d", 1),
    b"\x1bt": ("ESC t", 1),
    b"\x1c&": ("FS &", 0),
    b"\x1c.": ("FS .", 0),
    b"\x1d!": ("GS !", 1),
    b"\x1dB": ("GS B", 1),
    b"\x1dP": ("GS P", 2),
    b"\x1db": ("GS b", 1),
    b"\x1dr": ("GS r", 1),
}
_FEED_AND_CUT = (65, 66)


def next_command(buffer: bytearray, chinese: bool) -> Command | Character | None:
    """Take the next command or character out of the buffer; None while it is incomplete.

    ``chinese``: between ``FS &`` and ``FS .`` bytes above 7Fh are GB18030, else code page 437.
    """
    if not buffer:
        return None
    if buffer[0] >= 0x20:
        return _character(buffer, chinese)
    for size in (1, 2):
        known = _COMMANDS.get(bytes(buffer[:size]))
        if known is not None:
            return _taken(buffer, known[0], size, known[1])
    if buffer[0] not in b"\x1b\x1c\x1d":
        return _taken(buffer, f"{buffer[0]:02x}", 1, 0)
    if len(buffer) < 3:
        return None
    if buffer[:2] == b"\x1dV":
        return _taken(buffer, "GS V", 2, 2 if buffer[2] in _FEED_AND_CUT else 1)
    if buffer[:2] == b"\x1d(":
        return _counted(buffer)
    return _taken(buffer, buffer[:2].hex(" "), 2, 0)


def _counted(buffer: bytearray) -> Command | None:
    """``GS ( X pL pH …``: says itself how long it is."""
    if len(buffer) < 5:
        return None
    return _taken(buffer, f"GS ( {chr(buffer[2])}", 5, buffer[3] + 256 * buffer[4])


def _taken(buffer: bytearray, name: str, prefix: int, parameters: int) -> Command | None:
    if len(buffer) < prefix + parameters:
        return None
    data = bytes(buffer[prefix : prefix + parameters])
    del buffer[: prefix + parameters]
    return Command(name, data)


def _character(buffer: bytearray, chinese: bool) -> Character | None:
    size = 1
    if chinese and buffer[0] > 0x80:
        if len(buffer) < 2:
            return None
        size = 4 if 0x30 <= buffer[1] <= 0x39 else 2
    if len(buffer) < size:
        return None
    raw = bytes(buffer[:size])
    del buffer[:size]
    return Character(raw.decode("gb18030" if chinese else "cp437", errors="replace"))
