"""From a finger on the glass to the press drawn under it, with every device hung and the hall frozen.

Real processes: window, simulated devices that take every byte and answer none, a hall that is stopped. The finger is
the X server's own pointer; the glass is the X server's frame buffer, mapped into memory, so that the very moment in
which its pixels change is seen. Nothing of it goes through the kiosk's own word.
"""

from __future__ import annotations

import ctypes
import mmap
import random
import struct
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.row import Row, milliseconds, percentile
from demo.display import Display
from demo.processes import Failed, Process, wait_until
from demo.stage import PORTRAIT, Stage

TOUCHES = 200
TURNS = 40
DEVICES = ("id-card", "ticket-printer", "receipt-printer", "pos")

HUNG_S = 8.0
"""After this every worker of the kiosk sits in a question that nobody answers, and the home page has said so."""

LONGEST_S = 2.0
SEED = 1


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with screen(folder / "glass") as glass, Stage(folder / "stage", PORTRAIT, glass.display.name) as stage:
            finger = Finger(glass.display.name)
            well = _presses(stage, glass, finger, TOUCHES // 4)
            for device in DEVICES:
                stage.do(device, "hang")
            stage.hall.freeze()
            time.sleep(HUNG_S)
            hung = _presses(stage, glass, finger, TOUCHES)
            turns = _turns(stage, glass, finger)
            stage.hall.thaw()
            finger.close()
    p99 = percentile(hung, 0.99)
    return [
        Row(
            "touch → press drawn on the glass, every device hung, p99",
            milliseconds(p99),
            f"median {milliseconds(percentile(hung, 0.5))}; all well {milliseconds(percentile(well, 0.99))};"
            f" touch → next page {milliseconds(percentile(turns, 0.99))}; {len(hung)} touches, one frame is 33 ms",
            "≤ 100 ms",
            p99 <= 0.1,
        )
    ]


class Glass:
    """The frame buffer of a virtual screen, as it is at this moment."""

    def __init__(self, display: Display, buffer: Path) -> None:
        self.display = display
        with buffer.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        # XWD: a header of 32-bit words, the colours of its map, then the pixels row by row.
        words = struct.unpack(">25I", self._bytes[:100])
        self._start, self._row = words[0] + 12 * words[19], words[12]
        self._pixel = words[11] // 8

    def row(self, x: int, y: int, width: int) -> bytes:
        """The pixels of one line."""
        begin = self._start + y * self._row + x * self._pixel
        return self._bytes[begin : begin + width * self._pixel]

    def changes(self, before: bytes, x: int, y: int, width: int) -> float:
        """The moment in which this line is not any more what it was; LONGEST_S from now where it stays."""
        until = time.monotonic() + LONGEST_S
        while (now := time.monotonic()) < until:
            if self.row(x, y, width) != before:
                break
            time.sleep(0.0005)
        return now


@contextmanager
def screen(folder: Path) -> Iterator[Glass]:
    folder.mkdir(parents=True)
    number = 0
    read = folder / "number"
    with read.open("wb") as told:
        size = f"{PORTRAIT.width}x{PORTRAIT.height}x24"
        words = ["Xvfb", "-displayfd", str(told.fileno()), "-screen", "0", size, "-nolisten", "tcp", "-noreset"]
        server = Process("Xvfb", [*words, "-fbdir", str(folder)], folder / "log", fds=(told.fileno(),))
    try:
        wait_until(lambda: read.read_bytes().endswith(b"\n"), 20, "the virtual screen is there", server)
        number = int(read.read_text())
        yield Glass(Display(f":{number}", server), folder / "Xvfb_screen0")
    finally:
        server.stop()


class Finger:
    """The pointer of a display, moved and pressed by the server itself (XTEST): what the kiosk sees is a real one."""

    def __init__(self, display: str) -> None:
        self._x11, self._xtst = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXtst.so.6")
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        pointer, number, moment = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong
        self._x11.XSync.argtypes = [pointer, number]
        self._x11.XCloseDisplay.argtypes = [pointer]
        self._xtst.XTestFakeMotionEvent.argtypes = [pointer, number, number, number, moment]
        self._xtst.XTestFakeButtonEvent.argtypes = [pointer, ctypes.c_uint, number, moment]
        self._display = self._x11.XOpenDisplay(display.encode())
        if not self._display:
            raise Failed(f"no display {display}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._x11.XCloseDisplay(self._display)

    def moves(self, x: int, y: int) -> None:
        self._xtst.XTestFakeMotionEvent(self._display, -1, x, y, 0)
        self._x11.XSync(self._display, 0)

    def presses(self, down: bool) -> None:
        self._xtst.XTestFakeButtonEvent(self._display, 1, int(down), 0)
        self._x11.XSync(self._display, 0)


def _presses(stage: Stage, glass: Glass, finger: Finger, count: int) -> list[float]:
    """Seconds to the drawn press, one a touch; each is slid off the button again, so that nothing is begun."""
    chance, delays = random.Random(SEED), []
    names = ["take_number", "file", "invoice", "certificate", "query", "guide"]
    for _ in range(count):
        # Looked up each time: what does not work any more is said on the page, and moves the rest.
        seen = stage.visitor.waits_for("home")
        x, y, width, height = (round(value) for value in seen.targets[chance.choice(names)])
        # A line through the button's ground.
        line = (x + 4, y + height // 2, width - 8)
        finger.moves(x + width // 2, y + height // 2)
        time.sleep(0.05 + chance.random() / 20)
        before = glass.row(*line)
        touched = time.monotonic()
        finger.presses(True)
        delays.append(glass.changes(before, *line) - touched)
        finger.moves(PORTRAIT.width // 2, 2)
        finger.presses(False)
        time.sleep(0.05)
    return delays


def _turns(stage: Stage, glass: Glass, finger: Finger) -> list[float]:
    """Seconds from lifting the finger to the next page, to the guide and back."""
    delays = []
    for number in range(TURNS):
        page, name = (("home", "guide"), ("choose_service", "back"))[number % 2]
        seen = stage.visitor.waits_for(page)
        x, y, width, height = (round(value) for value in seen.targets[name])
        finger.moves(x + width // 2, y + height // 2)
        time.sleep(0.4)
        line = (0, PORTRAIT.height // 3, PORTRAIT.width)
        before = glass.row(*line)
        finger.presses(True)
        time.sleep(0.06)
        lifted = time.monotonic()
        finger.presses(False)
        delays.append(glass.changes(before, *line) - lifted)
    return delays
