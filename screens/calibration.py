"""Four crosses, one after the other: where the finger thinks they are, the machine works out from kiosk.maintenance."""

from __future__ import annotations

from kiosk.maintenance.calibration import missed
from kiosk.session.panel import CROSSES, Calibration
from screens.glass import IDLE_S
from screens.screen import Screen
from screens.widgets.box import Box, Column, Rect
from screens.widgets.card import Card
from screens.widgets.pen import Pen


class CalibrationScreen(Screen[Calibration]):
    name = "calibration"
    whole = True

    def body(self) -> Box:
        done = len(self.page.points)
        words = Column(
            self.say("maintenance_screens.calibration.title", "strong", "ink", "centre"),
            self.say("maintenance_screens.calibration.which", "body", "ink", "centre", at=min(done + 1, 4), of=4),
            self._offset(),
            self.say(
                "maintenance_screens.calibration.end", "label", "second", "centre", seconds=int(IDLE_S[Calibration])
            ),
            gap=12,
        )
        return Crosses(self.page.points, words)

    def _offset(self) -> Box | None:
        """How far the last touch missed its cross."""
        points = self.page.points
        if not points:
            return None
        off = missed(points[-1], CROSSES[min(len(points), len(CROSSES)) - 1])
        return self.say("maintenance_screens.calibration.offset", "body", "accent", "centre", percent=f"{off / 10:.1f}")


class Crosses(Box):
    ARM, THICK, RING = 70.0, 6.0, 22.0
    WORDS = 760.0

    def __init__(self, points: tuple[tuple[int, int], ...], words: Box) -> None:
        self.points = points
        self.words = Card(words, radius=28, pad=(36, 28))
        self.children = [self.words]

    def place(self, rect: Rect) -> None:
        self.rect = rect
        high = self.words.needs(self.WORDS)
        self.words.place(Rect(rect.x + (rect.w - self.WORDS) / 2, rect.y + (rect.h - high) / 2, self.WORDS, high))

    def at(self, point: tuple[int, int]) -> tuple[float, float]:
        return self.rect.x + self.rect.w * point[0] / 1000, self.rect.y + self.rect.h * point[1] / 1000

    def draw(self, pen: Pen) -> None:
        # What was pointed at stays, faint, with the place where the finger came down.
        for cross in CROSSES[: len(self.points)]:
            self._cross(pen, cross, "track")
        for point in self.points:
            x, y = self.at(point)
            pen.disc(Rect(x - self.RING / 2, y - self.RING / 2, self.RING, self.RING), "accent")
        if len(self.points) < len(CROSSES):
            self._cross(pen, CROSSES[len(self.points)], "ink")
        super().draw(pen)

    def _cross(self, pen: Pen, cross: tuple[int, int], colour: str) -> None:
        x, y = self.at(cross)
        pen.stroke((x - self.ARM, y), (x + self.ARM, y), colour, self.THICK)
        pen.stroke((x, y - self.ARM), (x, y + self.ARM), colour, self.THICK)


SHOWN = CalibrationScreen
