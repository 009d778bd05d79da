"""Grounds to put things on: cards, rules, badges, round signs."""

from __future__ import annotations

from screens.widgets.box import Box, Rect
from screens.widgets.fonts import Font
from screens.widgets.pen import Pen
from screens.widgets.text import Text

EDGE = 2


class Card(Box):
    """A rounded ground with one box on it. ``line``: colour of its edge, or none."""

    def __init__(
        self,
        child: Box,
        fill: str = "card",
        line: str | None = "line",
        radius: float = 32,
        pad: tuple[float, float] = (40, 32),
        grows: bool = False,
    ) -> None:
        self.children = [child]
        self.fill, self.line, self.radius, self.pad, self.grows = fill, line, radius, pad, grows

    def wants(self) -> float | None:
        inner = self.children[0].wants()
        return None if inner is None else inner + 2 * self.pad[0]

    def tighten(self, air: float) -> None:
        self.pad = self.pad[0], self.pad[1] * air

    def needs(self, width: float) -> float:
        return self.children[0].needs(width - 2 * self.pad[0]) + 2 * self.pad[1]

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect.inset(*self.pad))

    def draw(self, pen: Pen) -> None:
        self.ground(pen, self.fill)
        super().draw(pen)

    def ground(self, pen: Pen, fill: str) -> object:
        """Draw the ground; returns the Color instruction of its face."""
        face, radius = self.rect, self.radius
        if self.line is not None:
            pen.fill(face, self.line, radius)
            face, radius = face.inset(EDGE), radius - EDGE
        return pen.fill(face, fill, radius)


class Rule(Box):
    """A line across."""

    def __init__(self, colour: str = "line") -> None:
        self.colour = colour

    def needs(self, width: float) -> float:
        return EDGE

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, self.colour)


class Bar(Box):
    """A line down between two neighbours of a row."""

    def wants(self) -> float | None:
        return EDGE

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "line")


def badge(words: str, font: Font, colour: str, fill: str) -> Card:
    """A few words on a pill of their own width."""
    return Card(
        Text(words, font, colour, align="centre", tight=True), fill, line=None, radius=100, pad=(22, font.size * 0.16)
    )


class Sign(Box):
    """One sign on a disc: an arrow, a tick, an exclamation mark."""

    def __init__(self, sign: str, font: Font, colour: str, fill: str, size: float) -> None:
        self.sign, self.font, self.colour, self.fill, self.size = sign, font, colour, fill, size

    def wants(self) -> float | None:
        return self.size

    def needs(self, width: float) -> float:
        return self.size

    def draw(self, pen: Pen) -> None:
        side = min(self.rect.w, self.rect.h)
        middle = self.rect.y + self.rect.h / 2
        disc = Rect(self.rect.x + (self.rect.w - side) / 2, middle - side / 2, side, side)
        pen.disc(disc, self.fill)
        width = self.font.width(self.sign)
        pen.words(self.sign, self.font, disc.x + (side - width) / 2, middle, self.colour)


class Bullet(Box):
    """A dot before a text in this font, level with its first line."""

    SIZE, WIDTH = 18.0, 46.0

    def __init__(self, font: Font) -> None:
        self.font = font

    def wants(self) -> float | None:
        return self.WIDTH

    def needs(self, width: float) -> float:
        return self.font.leading

    def draw(self, pen: Pen) -> None:
        middle = self.rect.y + self.font.leading / 2
        pen.disc(Rect(self.rect.x + 4, middle - self.SIZE / 2, self.SIZE, self.SIZE), "accent")
