"""The paper in a simulated printer: what the head has burnt, cut into slips, each a picture and a text.

Thermal paper as it is: 8 dots a millimetre, characters in cells of 12 × 24 dots (Chinese 24 × 24), enlarged dot by dot
unless smoothing is on, and a knife that sits 12 mm behind the head: what is not fed past it is on the next slip.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import segno
from PIL import Image, ImageChops, ImageDraw, ImageFont

HEAD_TO_KNIFE = 96
"""Dots, 12 mm."""
CELL_HEIGHT = 24

_FONTS = Path("/usr/share/fonts/opentype/noto")
_SC_MONO_FACE = 7
"""Noto Sans Mono CJK SC inside the collection: the simplified Chinese face, whose Latin is half an em wide."""
_BASELINE = 0.88
"""Of the em, from the top of a Chinese character."""
_LATIN_BASELINE = 0.79
"""Higher, so that g, p and y stay inside the cell, as they do in a printer's own font."""
_BURNT = 128
_PAPER = (252, 251, 247)
_INK = (28, 28, 32)

Align = Literal["left", "center", "right"]


@dataclass(frozen=True)
class Style:
    """How a character is set (``GS !``, ``ESC E``, ``GS b``)."""

    wide: int = 1
    high: int = 1
    bold: bool = False
    smooth: bool = False


@dataclass(frozen=True)
class Cell:
    """One character on a line."""

    character: str
    style: Style

    @property
    def width(self) -> int:
        return (CELL_HEIGHT // 2 if self.character.isascii() else CELL_HEIGHT) * self.style.wide

    @property
    def height(self) -> int:
        return CELL_HEIGHT * self.style.high


@dataclass(frozen=True)
class Slip:
    """One piece of paper that left the printer. ``torn``: it ended without a cut and was pulled out by hand."""

    text: str
    picture: Path | None
    torn: bool


@dataclass
class _Strip:
    """Burnt paper between the knife and the head."""

    top: int
    text: str
    image: Image.Image | None


@dataclass
class Paper:
    """``folder`` None: slips are kept as text only (no picture is drawn, for load)."""

    dots: int
    folder: Path | None = None
    slips: deque[Slip] = field(default_factory=lambda: deque(maxlen=200))
    """The latest."""
    whole: int = 0
    """How many have been cut off whole, ever."""
    _strips: list[_Strip] = field(default_factory=list)
    _head: int = 0
    _last_cut: int = -HEAD_TO_KNIFE
    _numbers: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            for kind in ("slip", "torn"):
                self._numbers[kind] = len(list(self.folder.glob(f"{kind}-*.txt")))

    def print_line(self, cells: list[Cell], align: Align, spacing: int) -> int:
        """Burn one line and feed. Returns the dots fed."""
        height = max((cell.height for cell in cells), default=0)
        if cells:
            image = _line_image(cells, height) if self.folder is not None else None
            self._burn("".join(cell.character for cell in cells), image, align)
        else:
            self._strips.append(_Strip(self._head, "", None))
        return self.feed(max(spacing, height))

    def print_qr(self, content: str, level: str, module: int, align: Align) -> int:
        code = segno.make(content.encode(), error=level, micro=False, boost_error=False, mode="byte")
        side = len(code.matrix) * module
        image = Image.new("L", (side, side), 255)
        for y, row in enumerate(code.matrix):
            for x, dark in enumerate(row):
                if dark:
                    image.paste(0, (x * module, y * module, (x + 1) * module, (y + 1) * module))
        self._burn(f"[QR {content}]", image, align)
        return self.feed(side)

    def feed(self, dots: int) -> int:
        self._head += dots
        return dots

    def cut(self) -> Slip:
        """Cut at the knife. What is between knife and head stays, and is the top of the next slip."""
        slip = self._take(self._head - HEAD_TO_KNIFE, torn=False)
        self._last_cut = self._head - HEAD_TO_KNIFE
        return slip

    def tear(self) -> Slip | None:
        """A person pulls out what hangs there, as one does to put a new roll in. None where nothing was burnt."""
        burnt = any(strip.text.strip() for strip in self._strips)
        torn = self._take(self._head, torn=True) if burnt else None
        self._strips.clear()
        self._last_cut = self._head - HEAD_TO_KNIFE
        return torn

    def _burn(self, text: str, image: Image.Image | None, align: Align) -> None:
        full = None
        if image is not None:
            full = Image.new("L", (self.dots, image.height), 255)
            free = max(0, self.dots - image.width)
            full.paste(image, ({"left": 0, "center": free // 2, "right": free}[align], 0))
        self._strips.append(_Strip(self._head, text, full))

    def _take(self, until: int, torn: bool) -> Slip:
        taken = [strip for strip in self._strips if strip.top < until]
        text = "\n".join(strip.text.rstrip() for strip in taken).strip("\n") + "\n"
        picture = None
        if self.folder is not None:
            picture = self._save(self.folder, taken, until, text, "torn" if torn else "slip")
        # A line that the knife goes through is on both sides of it.
        self._strips = [s for s in self._strips if s.top + (s.image.height if s.image else 1) > until]
        slip = Slip(text, picture, torn)
        self.slips.append(slip)
        self.whole += not torn
        return slip

    def _save(self, folder: Path, strips: list[_Strip], until: int, text: str, kind: str) -> Path:
        burnt = Image.new("L", (self.dots, max(1, until - self._last_cut)), 255)
        for strip in strips:
            if strip.image is not None:
                burnt.paste(strip.image, (0, strip.top - self._last_cut))
        slip = Image.new("RGB", burnt.size, _PAPER)
        slip.paste(_INK, mask=ImageChops.invert(burnt))
        number = self._numbers.get(kind, 0) + 1
        self._numbers[kind] = number
        picture = folder / f"{kind}-{number:04d}.png"
        # The picture appears whole: somebody may be watching the folder.
        partial = picture.with_suffix(".part")
        slip.save(partial, format="PNG")
        partial.rename(picture)
        picture.with_suffix(".txt").write_text(text, encoding="utf-8")
        return picture


def _line_image(cells: list[Cell], height: int) -> Image.Image:
    line = Image.new("L", (sum(cell.width for cell in cells), height), 255)
    x = 0
    for cell in cells:
        if not cell.character.isspace():
            line.paste(_glyph(cell.character, cell.style), (x, height - cell.height))
        x += cell.width
    return line


@lru_cache(maxsize=4096)
def _glyph(character: str, style: Style) -> Image.Image:
    """A character in its cell, every dot burnt or not. Smoothed: drawn at its size; else: small dots made large."""
    half = 2 if character.isascii() else 1
    scale = style.high if style.smooth else 1
    em = CELL_HEIGHT * scale
    cell = Image.new("L", (em // half, em), 255)
    font = _font(em, style.bold)
    ImageDraw.Draw(cell).text(
        (0, round(em * (_LATIN_BASELINE if half == 2 else _BASELINE))), character, fill=0, font=font, anchor="ls"
    )
    size = (CELL_HEIGHT // half * style.wide, CELL_HEIGHT * style.high)
    smooth = style.smooth and size != cell.size
    cell = cell.resize(size, Image.Resampling.BICUBIC if smooth else Image.Resampling.NEAREST)
    return cell.point(lambda dot: 0 if dot < _BURNT else 255)


@lru_cache(maxsize=64)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    file = _FONTS / f"NotoSansCJK-{'Bold' if bold else 'Regular'}.ttc"
    return ImageFont.truetype(str(file), size, index=_SC_MONO_FACE)
