"""Boxes: they say how high they are at a width, take their place, and draw themselves.

Why not Kivy's own layouts: those settle over several frames and clip what does not fit. A box answers at once, so a
page can be measured before it is shown and set smaller when it would not fit, and a touch falls on what was drawn. All
figures are units (see theme.Style) from the top left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from screens.widgets.pen import Pen


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    def inset(self, dx: float, dy: float | None = None) -> Rect:
        dy = dx if dy is None else dy
        return Rect(self.x + dx, self.y + dy, self.w - 2 * dx, self.h - 2 * dy)

    def holds(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


class Box:
    """The base: nothing, no height."""

    rect = Rect(0, 0, 0, 0)
    #: Takes a share of the height that its column has left.
    grows = False
    children: Sequence[Box] = ()

    def wants(self) -> float | None:
        """Width that the box asks of its row; None: a share of what the others leave."""
        return None

    def needs(self, width: float) -> float:
        """Height at a width."""
        return 0.0

    def place(self, rect: Rect) -> None:
        self.rect = rect

    def tighten(self, air: float) -> None:
        """Keep this part of the empty room above, below and between; type keeps its size."""

    def draw(self, pen: Pen) -> None:
        for child in self.children:
            child.draw(pen)

    def walk(self) -> Iterator[Box]:
        yield self
        for child in self.children:
            yield from child.walk()


class Space(Box):
    """Empty: of a fixed size, or what is left."""

    def __init__(self, height: float = 0, width: float | None = None, grows: bool = False) -> None:
        self.height, self.width, self.grows = height, width, grows

    def wants(self) -> float | None:
        return self.width

    def needs(self, width: float) -> float:
        return self.height

    def tighten(self, air: float) -> None:
        self.height *= air


class Column(Box):
    """One under the other; what is left goes to the boxes that grow, else stays below or on both sides."""

    def __init__(
        self, *children: Box | None, gap: float = 0, align: Literal["top", "middle"] = "top", grows: bool = False
    ) -> None:
        self.children = [child for child in children if child is not None]
        self.gap, self.align, self.grows = gap, align, grows

    def tighten(self, air: float) -> None:
        self.gap *= air

    def needs(self, width: float) -> float:
        return sum(child.needs(width) for child in self.children) + self.gap * max(0, len(self.children) - 1)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        heights = [child.needs(rect.w) for child in self.children]
        left = rect.h - sum(heights) - self.gap * max(0, len(heights) - 1)
        growing = sum(child.grows for child in self.children)
        y = rect.y + (left / 2 if self.align == "middle" and not growing and left > 0 else 0)
        for child, height in zip(self.children, heights, strict=True):
            if child.grows and left > 0:
                height += left / growing
            child.place(Rect(rect.x, y, rect.w, height))
            y += height + self.gap


class Row(Box):
    """Side by side. Boxes that want a width get it; the others share the rest by ``shares``."""

    def __init__(
        self,
        *children: Box | None,
        gap: float = 0,
        align: Literal["top", "middle", "stretch"] = "middle",
        shares: Sequence[float] = (),
        grows: bool = False,
    ) -> None:
        self.children = [child for child in children if child is not None]
        self.gap, self.align, self.grows = gap, align, grows
        self.shares = shares or [1.0] * len(self.children)

    def needs(self, width: float) -> float:
        widths = self._widths(width)
        return max((child.needs(w) for child, w in zip(self.children, widths, strict=True)), default=0.0)

    def wants(self) -> float | None:
        wanted = [child.wants() for child in self.children]
        if any(width is None for width in wanted):
            return None
        return sum(width or 0 for width in wanted) + self.gap * max(0, len(wanted) - 1)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        x = rect.x
        for child, width in zip(self.children, self._widths(rect.w), strict=True):
            height = rect.h if self.align == "stretch" else child.needs(width)
            y = rect.y + (rect.h - height) / 2 if self.align == "middle" else rect.y
            child.place(Rect(x, y, width, height))
            x += width + self.gap

    def _widths(self, width: float) -> list[float]:
        wanted = [child.wants() for child in self.children]
        left = width - sum(w or 0 for w in wanted) - self.gap * max(0, len(wanted) - 1)
        shares = sum(share for share, w in zip(self.shares, wanted, strict=True) if w is None) or 1.0
        return [left * share / shares if w is None else w for share, w in zip(self.shares, wanted, strict=True)]


class Grid(Box):
    """Equal cells, row by row; all rows are as high as the highest, or share the whole height when it grows."""

    def __init__(self, children: Sequence[Box], columns: int, gap: float = 0, grows: bool = False) -> None:
        self.children, self.columns, self.gap, self.grows = children, columns, gap, grows

    @property
    def rows(self) -> int:
        return -(-len(self.children) // self.columns)

    def needs(self, width: float) -> float:
        cell = self._cell(width)
        row = max((child.needs(cell) for child in self.children), default=0.0)
        return row * self.rows + self.gap * max(0, self.rows - 1)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        width = self._cell(rect.w)
        height = (rect.h - self.gap * (self.rows - 1)) / max(1, self.rows)
        for i, child in enumerate(self.children):
            row, column = divmod(i, self.columns)
            child.place(Rect(rect.x + column * (width + self.gap), rect.y + row * (height + self.gap), width, height))

    def _cell(self, width: float) -> float:
        return (width - self.gap * (self.columns - 1)) / self.columns


class Padded(Box):
    """One box with room around it."""

    def __init__(self, child: Box, dx: float, dy: float | None = None, grows: bool = False) -> None:
        self.children = [child]
        self.dx, self.dy, self.grows = dx, dx if dy is None else dy, grows

    def tighten(self, air: float) -> None:
        self.dy *= air

    def wants(self) -> float | None:
        inner = self.children[0].wants()
        return None if inner is None else inner + 2 * self.dx

    def needs(self, width: float) -> float:
        return self.children[0].needs(width - 2 * self.dx) + 2 * self.dy

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect.inset(self.dx, self.dy))


class Steady(Box):
    """One box, with the height of the highest that may stand in its place: what follows never moves."""

    def __init__(self, child: Box, others: Sequence[Box]) -> None:
        self.children, self.others = [child], others

    def needs(self, width: float) -> float:
        return max(box.needs(width) for box in (*self.children, *self.others))

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect)


class Wide(Box):
    """One box of a fixed width, for a row."""

    def __init__(self, child: Box, width: float) -> None:
        self.children, self.width = [child], width

    def wants(self) -> float | None:
        return self.width

    def needs(self, width: float) -> float:
        return self.children[0].needs(width)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect)


def centred(child: Box) -> Row:
    """In the middle of its line; the box must want a width."""
    return Row(Space(), child, Space())
