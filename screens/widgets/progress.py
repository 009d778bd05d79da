"""How far the visit is: bars, as many as there are steps."""

from __future__ import annotations

from screens.widgets.box import Box, Rect
from screens.widgets.pen import Pen

HEIGHT, GAP = 12, 14


class Progress(Box):
    def __init__(self, done: int, steps: int) -> None:
        self.done, self.steps = done, steps

    def needs(self, width: float) -> float:
        return HEIGHT

    def draw(self, pen: Pen) -> None:
        width = (self.rect.w - GAP * (self.steps - 1)) / self.steps
        for i in range(self.steps):
            bar = Rect(self.rect.x + i * (width + GAP), self.rect.y, width, HEIGHT)
            pen.fill(bar, "accent" if i < self.done else "track", HEIGHT / 2)
