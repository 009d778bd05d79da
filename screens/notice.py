"""Out of service, when the front end itself cannot say so: one picture on the bare screen, without Kivy, store or GL.

Speaks the X protocol by itself, the few messages that a picture takes: whatever the front end has died of is not needed
here. Where not even X answers, the picture goes into the frame buffer. For the same reason its words and colours stand
here and not in config/.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from screens.extract_fonts import FONTS

#: Whoever holds a finger on the screen this long wants to try again now.
HOLD_S = 5.0

BLUE, WHITE, INK, QUIET = "#0842A0", "#FFFFFF", "#10243E", "#4A5D75"

#: What happened, what is safe, what to do now: Chinese, then English.
TITLE = ("本机暂停服务", "Out of service")
SAFE = ("已经取到的号码和办过的业务都有效。", "Numbers taken and services finished stay valid.")
DO = ("请用旁边的机器，或到窗口办理。", "Please use the next machine, or go to a window.")


def picture(width: int, height: int, code: str) -> Image.Image:
    """The page, upright or wide. ``code``: for the technician; people need not understand it."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    unit = min(width, height) / 1080

    def line(words: str, size: float, top: float, ink: str, bold: bool = False) -> float:
        font = _font(size * unit, bold)
        draw.text((width / 2, top), words, ink, font, anchor="ma")
        return top + size * unit * 1.5

    band = max(height * 0.3, 380 * unit)
    draw.rectangle((0, 0, width, band), BLUE)
    top = line(TITLE[0], 150, band / 2 - 165 * unit, WHITE, bold=True)
    line(TITLE[1], 72, top, WHITE)
    top = band + 100 * unit
    for chinese, english in (SAFE, DO):
        top = line(chinese, 52, top, INK, bold=True)
        top = line(english, 40, top, QUIET) + 60 * unit
    line(f"代码 code {code}", 36, height - 110 * unit, QUIET)
    return image


def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONTS / f"common-{'Bold' if bold else 'Regular'}.otf"), round(size))


def show(code: str, seconds: float) -> bool:
    """Stand there for ``seconds``, or until somebody holds the screen: True then. Never raises for want of a screen."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        try:
            with Screen(os.environ.get("DISPLAY", ":0"), os.environ.get("XAUTHORITY", "")) as screen:
                if screen.hold(lambda width, height: picture(width, height, code), left):
                    return True
        except (OSError, NoScreen):
            paint_frame_buffer(code)
            time.sleep(min(1.0, left))
    return False


# ---- X ---------------------------------------------------------------------------------------------------------------


class NoScreen(Exception):
    """Nobody answers, or does not let us in."""


@dataclass(frozen=True)
class _Root:
    window: int
    width: int
    height: int
    depth: int


class Screen:
    """One window over everything, on the first screen of a local X server. Raises OSError, NoScreen."""

    def __init__(self, display: str, authority: str) -> None:
        number = display.partition(":")[2].partition(".")[0]
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._line.settimeout(5.0)
            self._line.connect(f"/tmp/.X11-unix/X{number}")  # noqa: S108
            self._root, base, self._most = self._greet(_cookie(authority))
        except BaseException:
            self._line.close()
            raise
        self._window, self._pen = base + 1, base + 2

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def hold(self, paint: Callable[[int, int], Image.Image], seconds: float) -> bool:
        """Show what ``paint`` makes for this size until the time is up, or True when a finger was held down."""
        root = self._root
        image = paint(root.width, root.height)
        # The window: above all others, and nobody's to manage. It hears of being uncovered and of fingers.
        values = struct.pack("<III", 0, 1, 0x8000 | 0x4 | 0x8)
        self._send(
            1, 0, struct.pack("<IIhhHHHHII", self._window, root.window, 0, 0, root.width, root.height, 0, 1, 0, 0xA02)
            + values,
        )  # fmt: skip
        self._send(55, 0, struct.pack("<III", self._pen, self._window, 0))
        self._send(8, 0, struct.pack("<I", self._window))
        until = time.monotonic() + seconds
        touched: float | None = None
        while (left := until - time.monotonic()) > 0:
            if touched is not None and time.monotonic() - touched >= HOLD_S:
                return True
            if not select.select([self._line], [], [], min(left, 0.25))[0]:
                continue
            event = self._receive(32)
            match event[0] & 0x7F:
                case 0:
                    raise NoScreen(f"X refuses: error {event[1]}")
                case 12:
                    self._draw(image)
                case 4:
                    touched = time.monotonic()
                case 5:
                    touched = None
        return False

    def _draw(self, image: Image.Image) -> None:
        """In strips: a message may be no longer than the server allows."""
        rows = max(1, (self._most * 4 - 64) // (image.width * 4))
        for top in range(0, image.height, rows):
            strip = image.crop((0, top, image.width, min(top + rows, image.height)))
            head = struct.pack(
                "<IIHHhhBBxx", self._window, self._pen, strip.width, strip.height, 0, top, 0, self._root.depth
            )
            self._send(72, 2, head + strip.tobytes("raw", "BGRX"))

    def _greet(self, cookie: bytes) -> tuple[_Root, int, int]:
        name = b"MIT-MAGIC-COOKIE-1" if cookie else b""
        self._line.sendall(
            struct.pack("<cxHHHHxx", b"l", 11, 0, len(name), len(cookie)) + _padded(name) + _padded(cookie)
        )
        status, words = struct.unpack("<BxxxxxH", self._receive(8))
        said = self._receive(words * 4)
        if status != 1:
            raise NoScreen("X lets nobody in with this cookie")
        base, vendor, most, formats = struct.unpack_from("<4xI8xHHxB", said)
        root = said[32 + len(_padded(bytes(vendor))) + 8 * formats :]
        window, width, height, depth = struct.unpack_from("<I16xHH14xB", root)
        if depth not in (24, 32):
            raise NoScreen(f"a screen of {depth} bits a dot")
        return _Root(window, width, height, depth), base, most

    def _send(self, code: int, detail: int, body: bytes) -> None:
        self._line.sendall(struct.pack("<BBH", code, detail, 1 + len(body) // 4) + body)

    def _receive(self, size: int) -> bytes:
        parts = b""
        while len(parts) < size:
            part = self._line.recv(size - len(parts))
            if not part:
                raise NoScreen("X has gone")
            parts += part
        return parts


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _cookie(authority: str) -> bytes:
    """The last cookie of an Xauthority file, which holds one a start; nothing where there is no file."""
    if not authority or not Path(authority).exists():
        return b""
    data, at, cookie = Path(authority).read_bytes(), 2, b""
    while at < len(data):
        for part in range(4):
            (length,) = struct.unpack_from(">H", data, at)
            if part == 3:
                cookie = data[at + 2 : at + 2 + length]
            at += 2 + length
        at += 2
    return cookie


# ---- without X -------------------------------------------------------------------------------------------------------


def paint_frame_buffer(
    code: str, device: Path = Path("/dev/fb0"), facts: Path = Path("/sys/class/graphics/fb0")
) -> bool:
    """Whether there was one of 32 bits a dot, and it could be written."""
    try:
        width, height = map(int, (facts / "virtual_size").read_text().split(","))
        stride = int((facts / "stride").read_text())
        if int((facts / "bits_per_pixel").read_text()) != 32:
            return False
        rows = picture(width, height, code).tobytes("raw", "BGRX", stride)
        with device.open("r+b", buffering=0) as buffer:
            buffer.write(rows)
    except (OSError, ValueError):
        return False
    return True
