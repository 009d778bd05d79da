"""The bottom of every page: back at the left, the one next step at the right, the time left in words between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from screens.theme import Style
from screens.widgets.box import Box, Rect, Row, Space
from screens.widgets.button import Sends, button
from screens.widgets.card import EDGE
from screens.widgets.pen import Pen
from screens.widgets.text import Align, Text


@dataclass(frozen=True)
class Key:
    """A button of the footer."""

    name: str
    sends: Sends
    words: str
    primary: bool = False


@dataclass(frozen=True)
class Foot:
    """What a footer says. ``idle``: words about the time left, if any; ``content``: this and nothing else."""

    back: Key | None = None
    steps: Sequence[Key] = ()
    idle: str = ""
    content: Box | None = None


class Footer(Box):
    def __init__(self, foot: Foot, style: Style) -> None:
        self.style = style
        if foot.content is not None:
            self.children = [foot.content]
            return
        font = style.font("button")
        pad = 40 if style.large or len(foot.steps) > 1 else 52
        back = button(foot.back.name, foot.back.sends, foot.back.words, font, pad=pad) if foot.back else None
        steps = [button(key.name, key.sends, key.words, font, key.primary, pad=pad) for key in foot.steps]
        align: Align = "right" if back and not steps else "centre" if back else "left"
        # Like the header, the time left keeps its size in large text: the buttons need the room.
        plain = Style(style.theme, style.unit, style.landscape, min(style.scale, 1.1))
        idle: Box = Text(foot.idle, plain.font("label"), "second", align) if foot.idle else Space()
        self.children = [Row(back, idle, *steps, gap=24)]

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect.inset(self.style.theme.margin, 0))

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "card")
        pen.fill(Rect(self.rect.x, self.rect.y, self.rect.w, EDGE), "line")
        super().draw(pen)
