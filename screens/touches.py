"""Which touches count. Pure: time is handed in (monotonic seconds).

A touch counts when it is lifted on the target that it came down on. Two lifts of one target in quick succession are
one: old hands tremble, and worn panels bounce. Right after a page change nothing counts, so that the second half of a
double tap does not fall on whatever the new page has in that place.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Seconds in which a second touch of the same target is the same touch. Keys are typed twice on purpose (00), fast.
SAME_TARGET_S = 0.3
SAME_KEY_S = 0.06

#: Seconds after a page change in which nothing counts.
NEW_PAGE_S = 0.25


@dataclass
class Finger:
    """The touch being followed: which, and on what it came down (None: beside every target)."""

    uid: object
    target: str | None


class Touches:
    """Follows one finger at a time; a second one takes over, so that a resting hand blocks nobody."""

    def __init__(self) -> None:
        self.finger: Finger | None = None
        self._open_from = 0.0
        self._last: dict[str, float] = {}

    def page_changed(self, now: float) -> None:
        """A finger that is still down belongs to the page that is gone."""
        self.finger = None
        self._open_from = now + NEW_PAGE_S
        self._last.clear()

    def counts(self, now: float) -> bool:
        return now >= self._open_from

    def down(self, uid: object, target: str | None, now: float) -> bool:
        """A finger comes down. True: it is followed, and its target shows it."""
        if not self.counts(now):
            return False
        self.finger = Finger(uid, target)
        return target is not None

    def up(self, uid: object, target: str | None, now: float) -> Finger | None:
        """A finger is lifted. Returns it where the touch counts; its target is None for one beside every target."""
        finger = self.finger
        if finger is None or finger.uid != uid:
            return None
        self.finger = None
        if target != finger.target:
            return None
        if target is not None:
            again = SAME_KEY_S if target.startswith("key.") else SAME_TARGET_S
            last = self._last.get(target)
            if last is not None and now - last < again:
                return None
            self._last[target] = now
        return finger
