"""A simulated ESC/POS slip printer without its line: bytes and time in, answers and slips out.

Like a real one it goes on receiving while it cannot print, and prints what it holds as soon as it can again: a job that
was given up comes out after the refill unless the host has emptied the buffer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from drivers.bench.escpos import Character, Command, RealTime, next_command
from drivers.bench.slip import Align, Cell, Paper, Style

DEFAULT_SPACING = 30
DOTS_PER_MM = 8
_SLEW_S = 0.15
"""The knife."""


class Fault(StrEnum):
    """What stops printing, except paper."""

    COVER_OPEN = "cover-open"
    OFFLINE = "offline"
    JAM = "jam"


@dataclass
class _Setting:
    """What ``ESC @`` resets."""

    wide: int = 1
    high: int = 1
    bold: bool = False
    smooth: bool = False
    align: Align = "left"
    spacing: int = DEFAULT_SPACING
    chinese: bool = False
    qr_module: int = 3
    qr_level: str = "l"
    qr_data: bytes = b""


@dataclass
class PrinterModel:
    """``speed``: millimetres a second, 0 for no time at all. ``folder``: where slips go, None for text only."""

    dots: int = 576
    folder: Path | None = None
    speed: float = 0.0
    paper_low: bool = False
    paper_out: bool = False
    silent: bool = False
    """Answers nothing at all."""
    no_proof: bool = False
    """Prints, but answers neither ``GS ( H`` nor ``GS r``, like the cheapest printers."""
    no_echo: bool = False
    """Does not know ``GS ( H``, like most."""
    no_clear: bool = False
    """Does not know ``DLE DC4 8``."""
    lines_left: int | None = None
    """The roll ends after so many more lines."""
    faults: set[Fault] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    """Commands that it did not know: a driver's mistakes."""
    received: int = 0
    """Bytes of print data ever received."""

    def __post_init__(self) -> None:
        self.paper = Paper(self.dots, self.folder)
        self._real_time = RealTime()
        self._buffer = bytearray()
        self._line: list[Cell] = []
        self._setting = _Setting()
        self._busy_until = 0.0
        self._starved = False
        """What the buffer holds is half a command."""

    # --- what the line does

    def receive(self, data: bytes, now: float) -> bytes:
        """Bytes arrive; ``now`` in seconds of any steady clock. Returns what the printer answers at once."""
        answers = bytearray()
        for piece, is_real_time in self._real_time.feed(data):
            if is_real_time:
                answers += self._obey_now(piece)
            else:
                self.received += len(piece)
                self._buffer += piece
                self._starved = False
            answers += self.work(now)
        return bytes(answers)

    def work(self, now: float) -> bytes:
        """Print what the buffer holds and time allows. Returns in-order answers."""
        answers = bytearray()
        while self.can_print and now >= self._busy_until:
            command = next_command(self._buffer, self._setting.chinese)
            self._starved = command is None
            if command is None:
                break
            answers += self._obey(command, now)
        return b"" if self.silent else bytes(answers)

    def due(self, now: float) -> float | None:
        """Seconds until ``work`` has something to do; None while only a byte or a person can change anything."""
        if not self.can_print or not self._buffer or self._starved:
            return None
        return max(0.0, self._busy_until - now)

    @property
    def can_print(self) -> bool:
        return not self.paper_out and not self.faults

    @property
    def holds_data(self) -> bool:
        return bool(self._buffer or self._line)

    # --- what people do

    def run_out(self) -> None:
        self.paper_out = True
        self.lines_left = None

    def refill(self) -> None:
        """A new roll: the rest of the old slip is torn off first. What the buffer holds comes out now."""
        self.paper.tear()
        self.paper_out = self.paper_low = False
        self.lines_left = None

    def mend(self, fault: Fault) -> None:
        if fault in self.faults and fault is not Fault.OFFLINE:
            self.paper.tear()
        self.faults.discard(fault)

    def power_cycle(self) -> None:
        """Everything that was not on paper is forgotten."""
        self._forget()
        self._setting = _Setting()
        self._real_time = RealTime()

    # --- commands

    def _obey_now(self, command: bytes) -> bytes:
        if self.silent:
            return b""
        match command[1], command[2]:
            case 0x04, n:
                return bytes((self._status(n),))
            case 0x05, 2 if Fault.JAM in self.faults:
                # The paper is still in the knife; the job is given up.
                self._forget()
                return b""
            case 0x14, 8 if not self.no_clear:
                self._forget()
                return b"\x37\x25\x00"
        return b""

    def _status(self, n: int) -> int:
        low = self.paper_low or self.paper_out
        bits = {
            1: 0x08 * (not self.can_print),
            2: 0x04 * (Fault.COVER_OPEN in self.faults) | 0x20 * self.paper_out | 0x40 * (Fault.JAM in self.faults),
            3: 0x08 * (Fault.JAM in self.faults),
            4: 0x0C * low | 0x60 * self.paper_out,
        }
        return 0x12 | bits[n]

    def _forget(self) -> None:
        self._buffer.clear()
        self._line.clear()

    def _obey(self, command: Command | Character, now: float) -> bytes:
        setting = self._setting
        match command:
            case Character(text):
                self._put(text, now)
            case Command("LF"):
                self._end_line(now)
            case Command("CR" | "CAN" | "GS P" | "ESC M" | "ESC t"):
                pass
            case Command("ESC @"):
                self._setting = _Setting()
                self._line.clear()
            case Command("ESC !", data):
                setting.bold, setting.high, setting.wide = (
                    bool(data[0] & 0x08),
                    2 if data[0] & 0x10 else 1,
                    2 if data[0] & 0x20 else 1,
                )
            case Command("GS !", data):
                setting.wide, setting.high = (data[0] >> 4 & 7) + 1, (data[0] & 7) + 1
            case Command("ESC E" | "ESC G", data):
                setting.bold = bool(data[0] & 1)
            case Command("GS b", data):
                setting.smooth = bool(data[0] & 1)
            case Command("ESC 2"):
                setting.spacing = DEFAULT_SPACING
            case Command("ESC 3", data):
                setting.spacing = data[0]
            case Command("ESC a", data):
                if not self._line:
                    aligns: tuple[Align, ...] = ("left", "center", "right")
                    setting.align = aligns[data[0] % 48 % 3]
            case Command("FS &"):
                setting.chinese = True
            case Command("FS ."):
                setting.chinese = False
            case Command("ESC d", data):
                for _ in range(data[0]):
                    self._end_line(now)
            case Command("ESC J", data):
                self._feed(self.paper.feed(data[0]), now)
            case Command("GS V"):
                self.paper.cut()
                self._busy_until = max(now, self._busy_until) + (_SLEW_S if self.speed else 0.0)
            case Command("GS r", data):
                return self._paper_status(data)
            case Command("GS ( H", data):
                return self._echo(data)
            case Command("GS ( k", data):
                self._two_dimensional(data, now)
            case Command(name):
                self.unknown.append(name)
        return b""

    def _put(self, text: str, now: float) -> None:
        setting = self._setting
        cell = Cell(text, Style(setting.wide, setting.high, setting.bold, setting.smooth))
        if sum(c.width for c in self._line) + cell.width > self.dots:
            self._end_line(now)
        self._line.append(cell)

    def _end_line(self, now: float) -> None:
        line, self._line = self._line, []
        self._feed(self.paper.print_line(line, self._setting.align, self._setting.spacing), now)
        if self.lines_left is not None:
            self.lines_left -= 1
            if self.lines_left <= 0:
                self.run_out()

    def _feed(self, dots: int, now: float) -> None:
        if self.speed:
            self._busy_until = max(now, self._busy_until) + dots / DOTS_PER_MM / self.speed

    def _paper_status(self, data: bytes) -> bytes:
        if self.no_proof or data[0] not in (1, 49):
            return b""
        return bytes((0x03 * (self.paper_low or self.paper_out) | 0x0C * self.paper_out,))

    def _echo(self, data: bytes) -> bytes:
        if self.no_proof or self.no_echo or data[:2] != b"\x30\x30" or len(data) != 6:
            return b""
        return b"\x37\x22" + data[2:] + b"\x00"

    def _two_dimensional(self, data: bytes, now: float) -> None:
        setting = self._setting
        match data[:2]:
            case b"1A":
                pass
            case b"1C":
                setting.qr_module = data[2]
            case b"1E":
                setting.qr_level = "lmqh"[data[2] - 48]
            case b"1P":
                setting.qr_data = data[3:]
            case b"1Q":
                fed = self.paper.print_qr(
                    setting.qr_data.decode(errors="replace"), setting.qr_level, setting.qr_module, setting.align
                )
                self._feed(fed, now)
            case other:
                self.unknown.append(f"GS ( k {other.hex(' ')}")
