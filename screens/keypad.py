"""Type the number of the ID card; what is wrong is said at the digit where it shows."""

from __future__ import annotations

from kiosk.session.events import Back, Submit, UseCard
from kiosk.session.state import Keypad, Purpose
from screens.screen import Screen
from screens.widgets.box import Box, Column, Rect, Row, Steady
from screens.widgets.button import Target
from screens.widgets.card import EDGE
from screens.widgets.fonts import Font
from screens.widgets.footer import Foot
from screens.widgets.keyboard import DIGITS, Keys
from screens.widgets.pen import Pen
from screens.widgets.text import Text

#: How people read the number: area, birth date, the rest. 4 and 4 within the date would be wrong for the eye's memory.
GROUPS = (6, 8, 4)
LENGTH = sum(GROUPS)

#: What can be wrong while typing (kiosk.domain.identity).
PROBLEMS = (
    "wrong_length", "not_a_digit", "x_not_last", "bad_region", "bad_year", "bad_month", "bad_day", "in_future",
    "bad_check",
)  # fmt: skip


class KeypadScreen(Screen[Keypad]):
    name = "keypad"
    warns = True

    def body(self) -> Box:
        done = 1 if self.page.purpose is Purpose.TAKE_NUMBER else 0
        head = self.question(self.t("keypad.question"), self.t("keypad.under"), done)
        boxes = DigitBoxes(
            self.page.digits,
            self.page.problem.at if self.page.problem else None,
            self.style.font("strong"),
            [self.say(f"keypad.group_{i}", "note", "second", align="centre") for i in (1, 2, 3)],
        )
        keys = Keys(DIGITS, self.t("button.clear"), self.style, role="digit", height=120, grows=True)
        if self.style.landscape:
            left = Column(head, boxes, Column(self._said(), grows=True), self._card(), gap=32, grows=True)
            return Row(left, keys, gap=48, align="stretch", shares=(1.25, 1), grows=True)
        # Always as high as the longest problem, so that the keys stay where they are.
        problems = [self.notice(self.t(f"entry.{problem}", at=LENGTH), "bad") for problem in PROBLEMS]
        return Column(head, boxes, Steady(self._said(), problems), keys, self._card(), gap=30)

    def _said(self) -> Box:
        problem = self.page.problem
        if problem is not None:
            return self.notice(self.t(f"entry.{problem.problem}", at=problem.at), "bad")
        if len(self.page.digits) == LENGTH:
            return self.notice(self.t("keypad.complete"), "good", "✓")
        left = LENGTH - len(self.page.digits)
        return self.notice(self.t("keypad.left", left=left, typed=len(self.page.digits)), "plain", "i")

    def _card(self) -> Box | None:
        if not self.situation.can_read_cards:
            return None
        return Target(
            "use_card", UseCard(), self.say("keypad.use_card", "body", align="centre"), radius=24, pad=(40, 24)
        )

    def foot(self) -> Foot:
        ready = len(self.page.digits) == LENGTH and self.page.problem is None
        return Foot(
            back=self.key("back", Back(), "button.back"),
            steps=[self.key("next", Submit, "button.next", primary=ready)],
            idle=self.idle_words(short=True),
        )


class DigitBoxes(Box):
    """Eighteen boxes; the next one to fill and the wrong one stand out."""

    GAP, GROUP_GAP, HEIGHT = 6.0, 26.0, 92.0

    def __init__(self, digits: str, wrong: int | None, font: Font, labels: list[Text]) -> None:
        self.digits, self.wrong, self.font, self.labels = digits, wrong, font, labels
        self.children = labels

    def needs(self, width: float) -> float:
        return self.HEIGHT + 8 + max(label.needs(width / 4) for label in self.labels)

    def cells(self) -> list[Rect]:
        side = (self.rect.w - self.GAP * (LENGTH - len(GROUPS)) - self.GROUP_GAP * (len(GROUPS) - 1)) / LENGTH
        cells, x = [], self.rect.x
        for group in GROUPS:
            for _ in range(group):
                cells.append(Rect(x, self.rect.y, side, self.HEIGHT))
                x += side + self.GAP
            x += self.GROUP_GAP - self.GAP
        return cells

    def place(self, rect: Rect) -> None:
        self.rect = rect
        cells = self.cells()
        first = 0
        top = rect.y + self.HEIGHT + 8
        for label, group in zip(self.labels, GROUPS, strict=True):
            left, right = cells[first].x, cells[first + group - 1].right
            label.place(Rect(left, top, right - left, label.needs(right - left)))
            first += group

    def draw(self, pen: Pen) -> None:
        for index, cell in enumerate(self.cells()):
            wrong, here = index + 1 == self.wrong, self.wrong is None and index == len(self.digits)
            edge = "bad" if wrong else "accent" if here else "line"
            pen.fill(cell, edge, 12)
            pen.fill(cell.inset(4 if wrong or here else EDGE), "bad_soft" if wrong else "card", 9)
            if index < len(self.digits):
                char = self.digits[index]
                font = self.font.fitting(char, cell.w - 10)
                left = cell.x + (cell.w - font.width(char)) / 2
                pen.words(char, font, left, cell.y + cell.h / 2, "bad" if wrong else "ink")
        super().draw(pen)


SHOWN = KeypadScreen
