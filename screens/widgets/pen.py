"""The one place that draws with Kivy: filled shapes with smooth edges, words, images; units become window pixels."""

from __future__ import annotations

from typing import Any

from kivy.graphics import Color, Ellipse, InstructionGroup, Line, Rectangle, SmoothEllipse, SmoothRoundedRectangle

from screens.theme import Colour, Theme
from screens.widgets.box import Rect
from screens.widgets.fonts import RAISE_EM, Font

#: Kivy cannot smooth what is smaller than this (pixels).
SMOOTH_FROM = 12


class Pen:
    """Draws into one group of instructions. ``height``: of the window, in pixels, as Kivy counts from the bottom."""

    def __init__(self, group: InstructionGroup, theme: Theme, unit: float, height: float) -> None:
        self._group, self._theme, self._unit, self._height = group, theme, unit, height

    def fill(self, rect: Rect, colour: str, radius: float = 0) -> Any:
        """A filled rectangle. Returns its Color instruction, by which a press can change it."""
        tint = self._colour(colour)
        x, y, w, h = self._pixels(rect)
        corner = min(radius * self._unit, w / 2, h / 2)
        if corner < 1 or min(w, h) < SMOOTH_FROM:
            self._group.add(Rectangle(pos=(x, y), size=(w, h)))
        else:
            self._group.add(SmoothRoundedRectangle(pos=(x, y), size=(w, h), radius=[corner], segments=12))
        return tint

    def frame(self, rect: Rect, colour: str, thick: float, radius: float = 0) -> None:
        """Its line alone, drawn along the edge, half of it outside."""
        self._colour(colour)
        x, y, w, h = self._pixels(rect)
        corner = min(radius * self._unit, w / 2, h / 2)
        self._group.add(Line(rounded_rectangle=(x, y, w, h, corner), width=thick * self._unit / 2))

    def stroke(self, start: tuple[float, float], end: tuple[float, float], colour: str, thick: float) -> None:
        """A straight line, units from the top left."""
        self._colour(colour)
        points = [value for x, y in (start, end) for value in (x * self._unit, self._height - y * self._unit)]
        self._group.add(Line(points=points, width=thick * self._unit / 2))

    def disc(self, rect: Rect, colour: str) -> None:
        self._colour(colour)
        x, y, w, h = self._pixels(rect)
        shape = SmoothEllipse if w >= SMOOTH_FROM else Ellipse
        self._group.add(shape(pos=(x, y), size=(w, h), segments=64))

    def words(self, words: str, font: Font, left: float, middle: float, colour: str) -> None:
        """One line, its optical middle at ``middle``."""
        texture = font.texture(words)
        if texture is None:
            return
        self._colour(colour)
        w, h = texture.size
        x = round(left * self._unit)
        centre = self._height - middle * self._unit + RAISE_EM * font.pixels
        self._group.add(Rectangle(texture=texture, pos=(x, round(centre - h / 2)), size=(w, h)))

    def image(self, texture: Any, rect: Rect) -> None:
        self._group.add(Color(1, 1, 1, 1))
        x, y, w, h = self._pixels(rect)
        self._group.add(Rectangle(texture=texture, pos=(x, y), size=(w, h)))

    def colour_of(self, token: str) -> Colour:
        return self._theme.colours[token]

    def _colour(self, token: str) -> Any:
        colour = Color(*self._theme.colours[token])
        self._group.add(colour)
        return colour

    def _pixels(self, rect: Rect) -> tuple[int, int, int, int]:
        """Whole pixels from the bottom left; both edges are rounded, so that neighbours meet."""
        left, right = round(rect.x * self._unit), round(rect.right * self._unit)
        top, bottom = round(rect.y * self._unit), round(rect.bottom * self._unit)
        return left, round(self._height) - bottom, right - left, bottom - top
