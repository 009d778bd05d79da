"""Our own keys. Kivy's keyboard is small, and its Chinese caps are boxes.

A touch between two keys counts for the nearer one: no dead strips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from kiosk.session.events import Typed
from screens.theme import Style
from screens.widgets.box import Box, Rect
from screens.widgets.button import Sends, Target
from screens.widgets.fonts import Font
from screens.widgets.pen import Pen
from screens.widgets.text import Text

GAP = 12

#: (key, column, row, columns wide, rows high); ``back`` deletes one character, ``clear`` all.
Layout = Sequence[tuple[str, float, int, float, int]]

LETTERS: Layout = [
    *((letter, column, 0, 1, 1) for column, letter in enumerate("QWERTYUIOP")),
    *((letter, column, 1, 1, 1) for column, letter in enumerate("ASDFGHJKL")),
    ("back", 9, 1, 1, 1),
    *((letter, column + 1, 2, 1, 1) for column, letter in enumerate("ZXCVBNM")),
    ("clear", 8, 2, 2, 1),
]

DIGITS: Layout = [
    *((str(digit), (digit - 1) % 3, (digit - 1) // 3, 1, 1) for digit in range(1, 10)),
    ("0", 0, 3, 2, 1),
    ("X", 2, 3, 1, 1),
    ("back", 3, 0, 1, 2),
    ("clear", 3, 2, 1, 2),
]

#: The keys of a till: 00 and a point, because an amount is longer than it looks.
AMOUNT: Layout = [
    *((str(digit), (digit - 1) % 3, (digit - 1) // 3, 1, 1) for digit in range(1, 10)),
    ("0", 0, 3, 1, 1),
    ("00", 1, 3, 1, 1),
    (".", 2, 3, 1, 1),
    ("back", 3, 0, 1, 2),
    ("clear", 3, 2, 1, 2),
]

#: Whole numbers and dates.
COUNT: Layout = [
    *((str(digit), (digit - 1) % 3, (digit - 1) // 3, 1, 1) for digit in range(1, 10)),
    ("0", 0, 3, 3, 1),
    ("back", 3, 0, 1, 2),
    ("clear", 3, 2, 1, 2),
]

#: A taxpayer's number mixes both.
NUMBER: Layout = [
    *((digit, column, 0, 1, 1) for column, digit in enumerate("1234567890")),
    *((key, column, row + 1, wide, high) for key, column, row, wide, high in LETTERS),
]


def typed(name: str) -> Sends:
    return partial(Typed, name)


class Keys(Box):
    """Keys of a layout; each row ``height`` units high, or more where the box grows. ``sends``: what a key posts."""

    def __init__(
        self,
        layout: Layout,
        clear: str,
        style: Style,
        role: str = "key",
        height: float = 112,
        grows: bool = False,
        sends: Callable[[str], Sends] = typed,
    ) -> None:
        self.layout, self.height, self.grows = layout, height, grows
        self.columns = max(column + wide for _, column, _, wide, _ in layout)
        self.rows = max(row + high for _, _, row, _, high in layout)
        self.children = [
            self._key(name, sends(name), clear, style.font("key" if name == "clear" else role)) for name, *_ in layout
        ]

    @staticmethod
    def _key(name: str, sends: Sends, clear: str, font: Font) -> Target:
        words = {"back": "←", "clear": clear}.get(name, name)
        fill = "key_dull" if name in ("back", "clear") else "key"
        text = Text(words, font, align="centre", one_line=True)
        reach = (GAP / 2, GAP / 2)
        spoken = "point" if name == "." else name
        return Target(f"key.{spoken}", sends, text, fill, None, radius=18, pad=(8, 0), reach=reach)

    def needs(self, width: float) -> float:
        return self.rows * (self.height + GAP) - GAP

    def place(self, rect: Rect) -> None:
        self.rect = rect
        across, down = (rect.w + GAP) / self.columns, (rect.h + GAP) / self.rows
        for key, (_, column, row, wide, high) in zip(self.children, self.layout, strict=True):
            key.place(Rect(rect.x + column * across, rect.y + row * down, wide * across - GAP, high * down - GAP))


class KeyPanel(Box):
    """Keys on a ground that runs across the page."""

    def __init__(self, keys: Keys, margin: float = 24) -> None:
        self.children, self.margin = [keys], margin

    def needs(self, width: float) -> float:
        return self.children[0].needs(width - 2 * self.margin) + 2 * self.margin

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect.inset(self.margin))

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "keys")
        super().draw(pen)
