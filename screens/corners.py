"""The way into maintenance: four corners of the glass in turn, clockwise from the top left. Pure: time is handed in.

Nothing shows or sounds it, and it takes nothing away: what lies in a corner still does what it does when touched there.
One touch elsewhere, a second finger, or too long a pause, and it has to be begun anew, so that nobody comes upon it.
"""

from __future__ import annotations

#: Seconds from the first corner to the last.
WITHIN_S = 6.0

#: Units from the edges that count as a corner: a glove's width, and so deep that there is room below the header, where
#: nothing else can be touched.
ACROSS, DEEP = 160.0, 200.0


class Corners:
    """``width``, ``height``: of the page, in units."""

    def __init__(self, width: float, height: float) -> None:
        self._width, self._height = width, height
        self._down: dict[object, float] = {}
        self.forget()

    def forget(self) -> None:
        """Another page is shown."""
        self._next = 0
        self._began = 0.0

    def down(self, uid: object, x: float, y: float, now: float) -> bool:
        """A finger comes down, ``x`` and ``y`` units from the top left. True: it was the fourth corner."""
        # A lift that was never seen must not lock a technician out.
        others = [at for other, at in self._down.items() if other != uid and now - at < WITHIN_S]
        self._down[uid] = now
        corner = self.corner(x, y)
        if others or corner is None:
            self.forget()
            return False
        if corner != self._next or (self._next and now - self._began > WITHIN_S):
            self.forget()
        if corner != self._next:
            return False
        if corner == 0:
            self._began = now
        self._next += 1
        if self._next < 4:
            return False
        self.forget()
        return True

    def up(self, uid: object) -> None:
        self._down.pop(uid, None)

    def corner(self, x: float, y: float) -> int | None:
        """0 top left, 1 top right, 2 bottom right, 3 bottom left."""
        left, right = x < ACROSS, x >= self._width - ACROSS
        top, bottom = y < DEEP, y >= self._height - DEEP
        places = (left and top, right and top, right and bottom, left and bottom)
        return places.index(True) if any(places) else None
