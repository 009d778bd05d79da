"""A long list, a page at a time: every row stands still under the finger, and the arrows are as large as any button.

Only the rows up to the shown page are ever made, so that 181 services cost no more than nine. Rows stand on one ground
with lines between them; with ``cards`` each has a ground of its own, and what is between them is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screens.theme import Style
from screens.widgets.box import Box, Rect
from screens.widgets.button import Target, TurnPage
from screens.widgets.card import EDGE, Card
from screens.widgets.pen import Pen
from screens.widgets.text import Text

#: What cards may give up (size of type, empty room) so that all of them stand on one page: one look is worth more.
FITTING = ((1.0, 1.0), (1.0, 0.6), (0.96, 0.5), (0.92, 0.5), (0.88, 0.45))

ARROWS, GAP = 120, 20

#: Between cards.
APART = 24


class PagedList(Box):
    """``make``: the row of an index. ``turned``: which page, from 0; beyond the end the last one is shown."""

    grows = True

    def __init__(self, count: int, make: Callable[[int], Box], turned: int, style: Style, cards: bool = False) -> None:
        self.count, self.make, self.turned, self.style, self.cards = count, make, turned, style, cards
        self.edge: float = 0 if cards else EDGE
        self.between: float = APART if cards else EDGE
        self.shown: list[Box] = []

    def needs(self, width: float) -> float:
        """Room for two rows at least."""
        return 320.0

    def place(self, rect: Rect) -> None:
        self.rect = rect
        rows = self._page(0, rect.w, rect.h)
        if len(rows) == self.count:
            self._settle(rows, rect, [])
            return
        inner = Rect(rect.x, rect.y, rect.w - ARROWS - GAP, rect.h)
        start, page = 0, 0
        rows = self._page(start, inner.w, inner.h)
        while page < self.turned and start + len(rows) < self.count:
            start += len(rows)
            page += 1
            rows = self._page(start, inner.w, inner.h)
        self.turned = page
        more = start + len(rows) < self.count
        self._settle(rows, inner, self._arrows(page > 0, more), stretch=more)

    def _page(self, start: int, width: float, height: float) -> list[Box]:
        rows: list[Box] = []
        used = 0.0
        for index in range(start, self.count):
            row = self.make(index)
            used += row.needs(width - 2 * self.edge) + (self.between if rows else self.edge)
            if used + self.edge > height and rows:
                break
            rows.append(row)
        return rows

    def _settle(self, rows: list[Box], area: Rect, arrows: list[Box], stretch: bool = False) -> None:
        """Place the rows; a full page of lines shares out what is left below it."""
        edge, between = self.edge, self.between
        heights = [row.needs(area.w - 2 * edge) for row in rows]
        left = area.h - sum(heights) - between * (len(rows) - 1) - 2 * edge
        if stretch and not self.cards:
            heights = [height + max(0, left) / len(rows) for height in heights]
        self.shown = rows
        self.ground = Card(Box(), radius=28)
        self.ground.place(Rect(area.x, area.y, area.w, sum(heights) + between * (len(rows) - 1) + 2 * edge))
        y = area.y + edge
        for row, height in zip(rows, heights, strict=True):
            row.place(Rect(area.x + edge, y, area.w - 2 * edge, height))
            y += height + between
        # The arrows stand still while cards of other heights are leafed through.
        high = ((area.h if self.cards else self.ground.rect.h) - GAP) / 2
        for i, arrow in enumerate(arrows):
            arrow.place(Rect(self.rect.right - ARROWS, area.y + i * (high + GAP), ARROWS, high))
        self.children = [*rows, *arrows]

    def _arrows(self, back: bool, on: bool) -> list[Box]:
        return [self._arrow("list.up", -1, "↑", back), self._arrow("list.down", 1, "↓", on)]

    def _arrow(self, name: str, by: int, sign: str, live: bool) -> Box:
        words = Text(sign, self.style.font("key"), "accent" if live else "track", align="centre")
        if not live:
            return Card(words, "page", radius=28, pad=(0, 0))
        return Target(name, TurnPage(by), words, radius=28, pad=(0, 0))

    def draw(self, pen: Pen) -> None:
        if self.cards:
            super().draw(pen)
            return
        self.ground.draw(pen)
        for above in self.shown[:-1]:
            pen.fill(Rect(above.rect.x + 36, above.rect.bottom, above.rect.w - 72, EDGE), "line")
        super().draw(pen)


class FittedCards(PagedList):
    """Cards that are best seen together: set a little smaller where that brings them onto one page, else leafed.

    ``make``: all cards, for a size of type.
    """

    def __init__(self, make: Callable[[float], Sequence[Box]], turned: int, style: Style) -> None:
        rows = make(1)
        super().__init__(len(rows), rows.__getitem__, turned, style, cards=True)
        self.make_all = make

    def place(self, rect: Rect) -> None:
        for size, air in FITTING:
            rows = list(self.make_all(size))
            for row in rows:
                for box in row.walk():
                    box.tighten(air)
            self.between = APART * max(air, 0.6)
            if sum(row.needs(rect.w) for row in rows) + self.between * (len(rows) - 1) <= rect.h:
                self.rect = rect
                self._settle(rows, rect, [])
                return
        self.between = APART
        super().place(rect)
