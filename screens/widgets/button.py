"""Whatever can be touched: a named ground that says what its touch means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kiosk.session.events import Touch
from screens.widgets.box import Box, Rect
from screens.widgets.card import Card
from screens.widgets.fonts import Font
from screens.widgets.pen import Pen
from screens.widgets.text import Text


@dataclass(frozen=True)
class TurnPage:
    """A list shows its next (+1) or previous (-1) entries: nothing that the session has to know."""

    by: int


@dataclass(frozen=True)
class AtMoment:
    """Makes a touch of its very moment: a return is filed and a charge is wanted then, and not a minute later."""

    make: Callable[[datetime], Touch]


Sends = Touch | TurnPage | AtMoment | Callable[[date], Touch]
"""What a touch posts. Events that carry today's date are given as what makes them of it (``Next``)."""

#: What a ground turns to under the finger.
PRESSED = {
    "accent": "accent_dark",
    "card": "sky_dark",
    "sky": "sky_dark",
    "key": "sky_dark",
    "key_dull": "track",
    "bad_soft": "track",
}

HEIGHT = 120


class Target(Card):
    """A card that can be touched. ``reach``: how far around it a touch still counts (units right/left, up/down)."""

    def __init__(
        self,
        name: str,
        sends: Sends,
        child: Box,
        fill: str = "card",
        line: str | None = "line",
        radius: float = 32,
        pad: tuple[float, float] = (40, 32),
        grows: bool = False,
        height: float = HEIGHT,
        reach: tuple[float, float] = (0, 0),
    ) -> None:
        super().__init__(child, fill, line, radius, pad, grows)
        self.name, self.sends, self.height, self.reach = name, sends, height, reach
        self._face: Any = None
        self._colours: tuple[Any, Any] = (None, None)

    def needs(self, width: float) -> float:
        return max(self.height, super().needs(width))

    @property
    def area(self) -> Rect:
        """Where a touch counts."""
        return self.rect.inset(-self.reach[0], -self.reach[1])

    def draw(self, pen: Pen) -> None:
        self._face = self.ground(pen, self.fill)
        self._colours = pen.colour_of(self.fill), pen.colour_of(PRESSED.get(self.fill, self.fill))
        Box.draw(self, pen)

    def press(self, down: bool) -> None:
        """Show the finger, without drawing anything anew."""
        if self._face is not None:
            self._face.rgba = self._colours[down]


def button(
    name: str, sends: Sends, words: str, font: Font, primary: bool = False, fill: str | None = None, pad: float = 52
) -> Target:
    """Words on a ground of their own width: the next step, or the way back."""
    ground = fill or ("accent" if primary else "card")
    colour = "on_accent" if ground == "accent" else "ink"
    text = Text(words, font, colour, align="centre", tight=True)
    return Target(name, sends, text, ground, None if primary else "line", radius=24, pad=(pad, 0))
