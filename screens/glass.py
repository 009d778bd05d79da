"""Pages on which the whole glass is looked at, finger by finger, and no target is: touch test and calibration.

Pure: time is handed in (monotonic seconds). Places are parts of width and height, from 0 to 1, from the top left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kiosk.session.events import Back, CellTouched, PointTouched, Touch
from kiosk.session.panel import GRID, Calibration, TouchTest

#: Seconds after which a page ends that nobody touches: with a dead glass nobody can end it.
IDLE_S = {TouchTest: 20.0, Calibration: 30.0}

#: Seconds for which a finger rests in a corner to end the touch test.
HOLD_S = 2.0

#: Two lifts closer together (seconds) are one: a worn panel bounces.
BOUNCE_S = 0.4


def grid(landscape: bool) -> tuple[int, int]:
    """Columns and rows of the touch test."""
    return (GRID[1], GRID[0]) if landscape else GRID


def cell_at(x: float, y: float, landscape: bool) -> int:
    """Counted from the top left, row by row."""
    columns, rows = grid(landscape)
    column, row = (min(max(int(part * count), 0), count - 1) for part, count in ((x, columns), (y, rows)))
    return row * columns + column


class Glass(Protocol):
    """Each answers with the touch to post, if any."""

    def down(self, uid: object, x: float, y: float, now: float) -> Touch | None: ...

    def move(self, uid: object, x: float, y: float, now: float) -> Touch | None: ...

    def up(self, uid: object, x: float, y: float, now: float) -> Touch | None: ...

    def due(self, now: float) -> Touch | None:
        """What time alone brings."""

    @property
    def wakes_at(self) -> float:
        """When to ask that."""


def glass_of(page: object, landscape: bool, now: float) -> Glass | None:
    """For a page that is just shown; None for every page with targets."""
    match page:
        case TouchTest():
            return Painting(landscape, now)
        case Calibration():
            return Pointing(now)
    return None


@dataclass
class Finger:
    cell: int
    since: float
    """When it came to rest in this cell."""


class Painting:
    """Every finger paints the cells it comes upon, as many at a time as there are. Each cell is told once."""

    def __init__(self, landscape: bool, now: float) -> None:
        self._landscape = landscape
        columns, rows = grid(landscape)
        self._corners = {0, columns - 1, columns * (rows - 1), columns * rows - 1}
        self._fingers: dict[object, Finger] = {}
        self._told: set[int] = set()
        self._last = now
        self._ended = False

    def down(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last = now
        cell = cell_at(x, y, self._landscape)
        self._fingers[uid] = Finger(cell, now)
        return self._tell(cell)

    def move(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last = now
        cell = cell_at(x, y, self._landscape)
        finger = self._fingers.get(uid)
        if finger is not None and finger.cell != cell:
            self._fingers[uid] = Finger(cell, now)
        return self._tell(cell)

    def up(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last = now
        self._fingers.pop(uid, None)
        return None

    def _tell(self, cell: int) -> Touch | None:
        if cell in self._told:
            return None
        self._told.add(cell)
        return CellTouched(cell)

    def due(self, now: float) -> Touch | None:
        if self._ended or now < self.wakes_at:
            return None
        self._ended = True
        return Back()

    @property
    def wakes_at(self) -> float:
        held = [finger.since + HOLD_S for finger in self._fingers.values() if finger.cell in self._corners]
        return min([self._last + IDLE_S[TouchTest], *held])


class Pointing:
    """Where a finger is lifted, there it pointed: until then it may still find the middle of the cross."""

    def __init__(self, now: float) -> None:
        self._finger: object = None
        self._last = now
        self._lifted = now
        self._ended = False

    def down(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last, self._finger = now, uid
        return None

    def move(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last = now
        return None

    def up(self, uid: object, x: float, y: float, now: float) -> Touch | None:
        self._last = now
        if uid != self._finger:
            return None
        self._finger = None
        if now - self._lifted < BOUNCE_S:
            return None
        self._lifted = now
        return PointTouched(*(min(max(round(part * 1000), 0), 1000) for part in (x, y)))

    def due(self, now: float) -> Touch | None:
        if self._ended or now < self.wakes_at:
            return None
        self._ended = True
        return Back()

    @property
    def wakes_at(self) -> float:
        return self._last + IDLE_S[Calibration]
