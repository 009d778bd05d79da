"""Is every part of the glass awake? Cells turn as fingers come upon them; screens.glass follows the fingers."""

from __future__ import annotations

from kiosk.session.panel import TouchTest
from screens.glass import HOLD_S, grid
from screens.screen import Screen
from screens.widgets.box import Box, Column, Rect
from screens.widgets.card import Card
from screens.widgets.pen import Pen

#: Between two cells, so that each can be told from its neighbours.
GAP = 4.0


class TouchTestScreen(Screen[TouchTest]):
    name = "touch_test"
    whole = True

    def body(self) -> Box:
        columns, rows = grid(self.style.landscape)
        left = columns * rows - len(self.page.touched)
        words = Column(
            self.say("maintenance_screens.touch_test.left", "strong", "ink", "centre", left=left),
            self.say("maintenance_screens.touch_test.end", "label", "second", "centre", seconds=int(HOLD_S)),
        )
        return Cells(columns, rows, self.page.touched, words)


class Cells(Box):
    """The words lie across the border of the two middle rows: of no cell they hide more than a part."""

    WORDS = 700.0

    def __init__(self, columns: int, rows: int, touched: frozenset[int], words: Box) -> None:
        self.columns, self.rows, self.touched = columns, rows, touched
        self.words = Card(words, radius=24, pad=(24, 12))
        self.children = [self.words]

    def place(self, rect: Rect) -> None:
        self.rect = rect
        high = self.words.needs(self.WORDS)
        self.words.place(Rect(rect.x + (rect.w - self.WORDS) / 2, rect.y + (rect.h - high) / 2, self.WORDS, high))

    def cell(self, index: int) -> Rect:
        row, column = divmod(index, self.columns)
        across, down = self.rect.w / self.columns, self.rect.h / self.rows
        return Rect(self.rect.x + column * across, self.rect.y + row * down, across, down)

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "line")
        for index in range(self.columns * self.rows):
            pen.fill(self.cell(index).inset(GAP / 2), "good" if index in self.touched else "card")
        super().draw(pen)


SHOWN = TouchTestScreen
