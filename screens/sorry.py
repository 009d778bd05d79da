"""When it does not go the usual way: what is safe, what can be done now, what need not be done."""

from __future__ import annotations

from kiosk.session.events import Next, Reprint, Touched
from kiosk.session.state import Sorry, SorryReason
from screens.screen import Screen
from screens.widgets.box import Box, Column, Row, Space
from screens.widgets.button import button
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot
from screens.widgets.text import Text


class SorryScreen(Screen[Sorry]):
    name = "sorry"

    def title(self) -> str:
        mine = self.page.reason in (SorryReason.NO_TICKET, SorryReason.HALL_SILENT)
        return self.t("title.my_number" if mine else "title.take_number")

    def who(self) -> str:
        return self.where()

    def body(self) -> Box:
        # In large text the words need the room of the sign.
        large = self.style.large
        sign = None if large else Row(Sign("!", self.style.font("primary"), "care", "care_soft", 160), Space())
        head = Column(sign, self._title(), gap=32)
        if self.style.landscape:
            left = Column(head, self._number(), self._reprint(), gap=40)
            return Row(left, Column(self._parts()), gap=56, align="top")
        return Column(head, self._number(), self._parts(), self._reprint(), gap=24 if large else 40)

    def _title(self) -> Column:
        return Column(
            self.write(self.words("title"), "question"), self.write(self.words("why"), "body", "second"), gap=8
        )

    def words(self, part: str) -> str:
        """The reason's own words for a part; where paper or place in line is known, the words that say so."""
        key = f"sorry.{self.page.reason.value}.{part}"
        slip = self.page.slip
        if part == "why" and self.page.paper_out:
            key = "sorry.paper_out"
        if part == "safe" and slip is not None and slip.ahead:
            return self.t(f"{key}_in_line", ahead=slip.ahead)
        return self.t(key)

    def _number(self) -> Card | None:
        if self.page.slip is None:
            return None
        number = Text(self.page.slip.number, self.style.font("call"), "accent", tight=True)
        return Card(Row(self.say("sorry.number"), number, gap=24), "sky", None, pad=(48, 44))

    def _parts(self) -> Card:
        rows: list[Box] = []
        for part in ("safe", "now", "not_needed"):
            if rows:
                rows.append(Rule())
            rows.append(
                Column(self.say(f"sorry.part.{part}", "label", "second"), self.write(self.words(part), "read"), gap=4)
            )
        return Card(Column(*rows, gap=30), pad=(50, 44))

    def _reprint(self) -> Row | None:
        slip = self.page.slip
        if slip is None or not self.page.can_reprint:
            return None
        words = self.t(f"sorry.{self.page.reason.value}.reprint")
        return Row(button("reprint", Reprint(slip.token), words, self.style.font("button")), Space())

    def foot(self) -> Foot:
        steps = [self.key("next", Next, f"sorry.{self.page.reason.value}.next", primary=True)]
        if self.page.slip is not None:
            steps.insert(0, self.key("more_time", Touched(), "button.more_time"))
        return Foot(steps=steps, idle=self.idle_words(short=True))


SHOWN = SorryScreen
