"""Type: measured and drawn by Kivy's text provider at the window's own pixels, spoken of in units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from kivy.core.text import Label

from screens.environment import font as font_file
from screens.extract_fonts import characters

#: Noto's line is 1.448 em high, and both Chinese characters and digits stand a little below its middle.
LINE_EM = 1.448
RAISE_EM = 0.06

SMALLEST_PIXELS = 8

Kind = Literal["common", "full"]

_COMMON = characters()

#: Drawn words and their widths. They may name a person: ``forget`` empties both when a visit ends.
_textures: dict[tuple[str, int, bool], Any] = {}
_widths: dict[tuple[str, int, bool], int] = {}


def forget() -> None:
    _textures.clear()
    _widths.clear()


@dataclass(frozen=True)
class Font:
    """One weight at one size. ``size``: em in units; ``unit``: pixels a unit."""

    size: float
    bold: bool
    unit: float

    @property
    def pixels(self) -> int:
        return max(SMALLEST_PIXELS, round(self.size * self.unit))

    @property
    def leading(self) -> float:
        """From one line to the next, in units: close for a headline, open for text that is read."""
        if self.size >= 200:
            return self.size
        return self.size * (1.28 if self.size >= 60 else 1.45)

    def width(self, words: str) -> float:
        key = (words, self.pixels, self.bold)
        if key not in _widths:
            _widths[key] = _ruler(self.pixels, self.bold, _kind(words)).get_extents(words)[0] if words else 0
        return _widths[key] / self.unit

    def texture(self, words: str) -> Any:
        """White on nothing, to be tinted. None for no words."""
        key = (words, self.pixels, self.bold)
        if key not in _textures:
            label = Label(words, self.pixels, font_name=_file(_kind(words), self.bold), color=(1, 1, 1, 1))
            label.refresh()
            _textures[key] = label.texture
        return _textures[key]

    def fitting(self, words: str, width: float) -> Font:
        """This font, or as much smaller as one line of these words needs."""
        font, needs = self, self.width(words)
        if needs > width:
            font = self._of(int(self.pixels * width / needs))
        # Glyphs are as wide as whole pixels, so that the first guess may be a little too large.
        while font.pixels > SMALLEST_PIXELS and font.width(words) > width:
            font = self._of(font.pixels - 1)
        return font

    def _of(self, pixels: int) -> Font:
        return Font(max(SMALLEST_PIXELS, pixels) / self.unit, self.bold, self.unit)


def _kind(words: str) -> Kind:
    return "common" if _COMMON.issuperset(words) else "full"


@cache
def _file(kind: Kind, bold: bool) -> str:
    return str(font_file(kind, bold))


@cache
def _ruler(pixels: int, bold: bool, kind: Kind) -> Any:
    """Measures any words; remembers none."""
    return Label(font_size=pixels, font_name=_file(kind, bold))
