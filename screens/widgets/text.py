"""Words in a box."""

from __future__ import annotations

from typing import Literal

from screens.widgets.box import Box, Rect
from screens.widgets.fonts import Font
from screens.widgets.lines import break_lines, tokens
from screens.widgets.pen import Pen

Align = Literal["left", "centre", "right"]


class Text(Box):
    """A text of as many lines as it needs, or with ``one_line`` set smaller until it fits one.

    ``tight``: in a row it takes the width of its words. ``marked``: where a search matched, first character and length.
    """

    def __init__(
        self,
        words: str,
        font: Font,
        colour: str = "ink",
        align: Align = "left",
        one_line: bool = False,
        tight: bool = False,
        marked: tuple[int, int] = (0, 0),
    ) -> None:
        self.words, self.font, self.colour, self.align = words, font, colour, align
        self.one_line, self.tight, self.marked = one_line, tight, marked
        self.lines: list[str] = []
        self._set_at = -1.0

    def wants(self) -> float | None:
        return self.font.width(self.words) + 1 if self.tight else None

    def needs(self, width: float) -> float:
        self._set(width)
        return len(self.lines) * self.font.leading

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self._set(rect.w)

    def _set(self, width: float) -> None:
        if width == self._set_at:
            return
        self._set_at = width
        if self.one_line or self.tight:
            self.font = self.font.fitting(self.words, width)
            self.lines = [self.words]
        else:
            # A word that is wider than its box is set smaller rather than cut in two.
            words = [word for word in tokens(self.words) if word.isascii()]
            longest = max(words, key=self.font.width, default="")
            self.font = self.font.fitting(longest, width)
            self.lines = break_lines(self.words, width, self.font.width)

    @property
    def used(self) -> Rect:
        """What the lines really cover: must lie within ``rect``."""
        width = max((self.font.width(line) for line in self.lines), default=0)
        height = len(self.lines) * self.font.leading
        return Rect(self._left(width), self.rect.y + (self.rect.h - height) / 2, width, height)

    def draw(self, pen: Pen) -> None:
        y = self.used.y + self.font.leading / 2
        at = 0
        for line in self.lines:
            at = self.words.index(line, at) if line in self.words[at:] else at
            left = self._left(self.font.width(line))
            for part, colour in self._parts(line, at):
                pen.words(part, self.font, left, y, colour)
                left += self.font.width(part)
            at += len(line)
            y += self.font.leading

    def _parts(self, line: str, at: int) -> list[tuple[str, str]]:
        """A line as marked and plain stretches. ``at``: where it begins in the text."""
        start, length = self.marked
        first = min(max(start - at, 0), len(line))
        last = min(max(start + length - at, first), len(line))
        parts = [(line[:first], self.colour), (line[first:last], "accent"), (line[last:], self.colour)]
        return [(part, colour) for part, colour in parts if part]

    def _left(self, width: float) -> float:
        match self.align:
            case "left":
                return self.rect.x
            case "centre":
                return self.rect.x + (self.rect.w - width) / 2
            case "right":
                return self.rect.right - width


class Figure(Box):
    """A number and its unit on one baseline, in the middle; set smaller together where the width asks for it."""

    GAP = 8.0
    #: From the optical middle of a line down to its baseline, in em.
    BASELINE_EM = 0.376

    def __init__(self, figure: str, unit: str, font: Font, unit_font: Font, colour: str = "ink") -> None:
        self.figure, self.unit, self.font, self.unit_font, self.colour = figure, unit, font, unit_font, colour

    def needs(self, width: float) -> float:
        return self.font.leading

    @property
    def used(self) -> Rect:
        beside = self.GAP + self.unit_font.width(self.unit) if self.unit else 0
        width = self.font.fitting(self.figure, self.rect.w - beside).width(self.figure) + beside
        return Rect(self.rect.x + (self.rect.w - width) / 2, self.rect.y, width, self.font.leading)

    def draw(self, pen: Pen) -> None:
        used = self.used
        beside = self.GAP + self.unit_font.width(self.unit) if self.unit else 0
        font = self.font.fitting(self.figure, self.rect.w - beside)
        middle = self.rect.y + self.rect.h / 2
        pen.words(self.figure, font, used.x, middle, self.colour)
        if self.unit:
            baseline = middle + self.BASELINE_EM * font.size
            lower = baseline - self.BASELINE_EM * self.unit_font.size
            pen.words(self.unit, self.unit_font, used.right - beside + self.GAP, lower, self.colour)
