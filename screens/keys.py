"""What a keyboard may do, which is little: type a PIN and reach every target of a maintenance page. Pure.

A technician with a dead glass plugs one in. Everybody else finds that no key does anything; whether the page is one
of maintenance the app asks before it asks here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from screens.widgets.box import Rect


class Key(StrEnum):
    """``0`` to ``9`` stand for themselves."""

    BACK = "back"
    ENTER = "enter"
    ESCAPE = "escape"
    NEXT = "next"
    PREVIOUS = "previous"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"


#: Kivy's codes. The keypad's digits are 256 to 265; space presses what is focused, as everywhere.
_KEYS = {
    8: Key.BACK,
    127: Key.BACK,
    13: Key.ENTER,
    271: Key.ENTER,
    32: Key.ENTER,
    27: Key.ESCAPE,
    9: Key.NEXT,
    273: Key.UP,
    274: Key.DOWN,
    275: Key.RIGHT,
    276: Key.LEFT,
}

_CHORDS = frozenset({"ctrl", "alt", "alt-gr", "meta", "super"})


def meaning(code: int, modifiers: Collection[str]) -> str | None:
    """A Key or a digit; None for every other key, and for all of them in a chord."""
    if not _CHORDS.isdisjoint(modifiers):
        return None
    if "shift" in modifiers:
        return Key.PREVIOUS if code == 9 else None
    for zero in (48, 256):
        if zero <= code <= zero + 9:
            return str(code - zero)
    return _KEYS.get(code)


Areas = Sequence[tuple[str, Rect]]


def focus(areas: Areas, focused: str | None, key: str) -> str | None:
    """The name of the target that ``key`` moves the focus to; None without targets."""
    ordered = sorted(areas, key=lambda area: (area[1].y + area[1].h / 2, area[1].x))
    if not ordered:
        return None
    here = next((i for i, (name, _) in enumerate(ordered) if name == focused), None)
    if here is None:
        return ordered[-1 if key in (Key.PREVIOUS, Key.UP, Key.LEFT) else 0][0]
    if key in (Key.NEXT, Key.PREVIOUS):
        return ordered[(here + (1 if key == Key.NEXT else -1)) % len(ordered)][0]
    start = ordered[here][1]
    found = [(distance, name) for name, area in ordered if (distance := _distance(start, area, key)) is not None]
    return min(found)[1] if found else focused


def _distance(start: Rect, area: Rect, key: str) -> float | None:
    """How far it is to go there with an arrow; None where it does not lie that way. Sideways counts threefold."""
    across = (area.x + area.w / 2) - (start.x + start.w / 2)
    down = (area.y + area.h / 2) - (start.y + start.h / 2)
    if key in (Key.LEFT, Key.RIGHT):
        ahead, gap, besides = across, area.x - start.right, _apart(start.y, start.bottom, area.y, area.bottom)
        if key == Key.LEFT:
            ahead, gap = -across, start.x - area.right
    else:
        ahead, gap, besides = down, area.y - start.bottom, _apart(start.x, start.right, area.x, area.right)
        if key == Key.UP:
            ahead, gap = -down, start.y - area.bottom
    # What lies beside it, level with it, is not that way.
    return ahead + 3 * besides if ahead > 0 and gap > -1 else None


def _apart(start: float, end: float, other_start: float, other_end: float) -> float:
    """How far two stretches of one line lie apart; 0 where they meet."""
    return max(0.0, other_start - end, start - other_end)
