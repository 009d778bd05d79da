"""The top of every page: where am I, who am I, what time is it; large text and language, always in the same place."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.session.events import SetLanguage, SetLargeText
from kiosk.session.state import Language
from screens.theme import Style
from screens.widgets.box import Box, Column, Rect, Row
from screens.widgets.button import Target
from screens.widgets.card import EDGE, Card
from screens.widgets.pen import Pen
from screens.widgets.text import Text

PILL = 76


@dataclass(frozen=True)
class Heading:
    """What a header says. ``live`` False: the machine works, and neither text nor language can be changed."""

    title: str
    subtitle: str
    clock: str
    large_label: str
    language_label: str
    language: Language
    large_text: bool
    live: bool = True


class Header(Box):
    def __init__(self, heading: Heading, style: Style) -> None:
        self.style = style
        # The header keeps its size in large text: what grows is what has to be read.
        plain = Style(style.theme, style.unit, style.landscape, 1.15 if heading.large_text else 1.0)
        other = Language.EN if heading.language is Language.ZH else Language.ZH
        pills = [
            self._pill("large_text", SetLargeText(not heading.large_text), heading.large_label, plain, heading.live),
            self._pill("language", SetLanguage(other), heading.language_label, plain, heading.live),
        ]
        who = Column(
            Text(heading.title, plain.font("title"), one_line=True),
            Text(heading.subtitle, plain.font("note"), "second", one_line=True),
        )
        clock = Text(heading.clock, plain.font("clock"), tight=True)
        self.children = [Row(who, clock, Row(*pills, gap=16), gap=36)]

    @staticmethod
    def _pill(name: str, sends: SetLanguage | SetLargeText, words: str, style: Style, live: bool) -> Box:
        text = Text(words, style.font("label"), "ink" if live else "track", align="centre", tight=True)
        if not live:
            return Card(text, radius=PILL / 2, pad=(28, 14))
        return PillTarget(name, sends, text, radius=PILL / 2, pad=(28, 0), height=PILL)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.children[0].place(rect.inset(self.style.theme.margin, 0))
        for box in self.walk():
            if isinstance(box, PillTarget):
                box.header = rect

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "card")
        pen.fill(Rect(self.rect.x, self.rect.bottom - EDGE, self.rect.w, EDGE), "line")
        super().draw(pen)


class PillTarget(Target):
    """Drawn as a small pill; a touch counts over the whole height of the header."""

    header = Rect(0, 0, 0, 0)

    @property
    def area(self) -> Rect:
        return Rect(self.rect.x - 8, self.header.y, self.rect.w + 16, self.header.h)
