"""A long list, a page at a time: every row stands still under the finger, and the arrows are as large as any button.

Only the rows up to the shown page are ever made, so that 181 services cost no more than nine.
"""

from __future__ import annotations

from collections.abc import Callable

from screens.theme import Style
from screens.widgets.box import Box, Rect
from screens.widgets.button import Target, TurnPage
from screens.widgets.card import EDGE, Card
from screens.widgets.pen import Pen
from screens.widgets.text import Text

ARROWS, GAP = 120, 20


class PagedList(Box):
    """``make``: the row of an index. ``turned``: which page, from 0; beyond the end the last one is shown."""

    grows = True

    def __init__(self, count: int, make: Callable[[int], Box], turned: int, style: Style) -> None:
        self.count, self.make, self.turned, self.style = count, make, turned, style
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
            used += row.needs(width - 2 * EDGE) + EDGE
            if used + EDGE > height and rows:
                break
            rows.append(row)
        return rows

    def _settle(self, rows: list[Box], area: Rect, arrows: list[Box], stretch: bool = False) -> None:
        """Place the rows; a full page shares out what is left below it."""
        heights = [row.needs(area.w - 2 * EDGE) for row in rows]
        if stretch:
            left = area.h - sum(heights) - EDGE * (len(rows) + 1)
            heights = [height + max(0, left) / len(rows) for height in heights]
        self.shown = rows
        self.ground = Card(Box(), radius=28)
        self.ground.place(Rect(area.x, area.y, area.w, sum(heights) + EDGE * (len(rows) + 1)))
        y = area.y + EDGE
        for row, height in zip(rows, heights, strict=True):
            row.place(Rect(area.x + EDGE, y, area.w - 2 * EDGE, height))
            y += height + EDGE
        high = (self.ground.rect.h - GAP) / 2
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
        self.ground.draw(pen)
        for above in self.shown[:-1]:
            pen.fill(Rect(above.rect.x + 36, above.rect.bottom, above.rect.w - 72, EDGE), "line")
        super().draw(pen)
