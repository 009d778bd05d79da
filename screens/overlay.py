"""Asks before a visit ends by itself: nobody loses what they typed without having been asked."""

from __future__ import annotations

from kiosk.session.events import GoHome, Touched
from screens.screen import Screen
from screens.widgets.box import Box, Column, Rect, Row, Space
from screens.widgets.button import Target
from screens.widgets.card import Card
from screens.widgets.pen import Pen

#: Seconds before the end at which the question is asked.
ASKS_AT_S = 15


class StillThere(Box):
    """Across the whole page; everything below it is out of reach."""

    def __init__(self, screen: Screen[object], seconds: int) -> None:
        words = Column(
            screen.say("idle.question", "question", align="centre"),
            screen.say("idle.warning", "body", "second", align="centre", seconds=seconds),
            Space(28),
            Row(
                self._answer(screen, "home", GoHome(), "idle.finish", "card"),
                self._answer(screen, "continue", Touched(), "idle.continue", "accent"),
                gap=28,
                shares=(1, 1.8),
            ),
            gap=20,
        )
        self.children = [Card(words, line=None, radius=0, pad=(screen.theme.margin, 72))]

    @staticmethod
    def _answer(screen: Screen[object], name: str, sends: GoHome | Touched, words: str, fill: str) -> Target:
        accent = fill == "accent"
        text = screen.say(words, "strong", "on_accent" if accent else "ink", "centre")
        return Target(name, sends, text, fill, None if accent else "line", radius=28, pad=(24, 24), height=168)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        card = self.children[0]
        height = card.needs(rect.w)
        card.place(Rect(rect.x, rect.y + (rect.h - height) / 2, rect.w, height))

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "dim")
        super().draw(pen)
