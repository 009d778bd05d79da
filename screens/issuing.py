"""The machine works: what is done, what it does now, what comes. Nothing can be touched."""

from __future__ import annotations

from kiosk.session.state import IssueStep, Issuing
from screens.screen import Screen
from screens.widgets.box import Box, Column, Row, Space
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot
from screens.widgets.text import Text

ORDER = (IssueStep.RECORDING, IssueStep.ASKING, IssueStep.COMMITTING, IssueStep.PRINTING)


class IssuingScreen(Screen[Issuing]):
    name = "issuing"
    live = False

    @property
    def again(self) -> bool:
        return self.page.slip is not None and self.page.slip.reprint

    def title(self) -> str:
        return self.t("title.reprint" if self.again else "title.take_number")

    def body(self) -> Box:
        question = self.t("issuing.question_reprint" if self.again else "issuing.question")
        head = self.question(question, self.t("issuing.wait"), done=0 if self.again else 4)
        steps = Card(Column(*self._steps(), gap=26), pad=(48, 44))
        if self.style.landscape:
            return Column(head, Row(steps, self._number() or Space(), gap=self.theme.gap, align="top"), gap=40)
        return Column(head, steps, self._number(), gap=40)

    def _steps(self) -> list[Box]:
        steps = ORDER[2:] if self.again else ORDER
        now = ORDER.index(self.page.step)
        rows: list[Box] = []
        for step in steps:
            if rows:
                rows.append(Rule())
            rows.append(self._step(step, ORDER.index(step) - now))
        return rows

    def _step(self, step: IssueStep, distance: int) -> Row:
        """``distance``: below zero done, zero under way, above it to come."""
        font = self.style.font("body_bold")
        size = 72 * min(self.style.scale, 1.25)
        if distance < 0:
            sign, colour = Sign("✓", font, "good", "good_soft", size), "ink"
        elif distance == 0:
            sign, colour = Sign("●", font, "on_accent", "accent", size), "ink"
        else:
            sign, colour = Sign("", font, "second", "muted_soft", size), "second"
        tense = "_done" if distance < 0 else "" if distance == 0 else "_to_come"
        # A reprint saves no number: it notes that there is one more slip of it.
        what = "again" if self.again and step is IssueStep.COMMITTING else step.value
        return Row(sign, self.say(f"issuing.{what}{tense}", "strong" if distance == 0 else "body", colour), gap=32)

    def _number(self) -> Card | None:
        slip = self.page.slip
        if slip is None:
            return None
        number = Text(slip.number, self.style.font("call"), "accent", align="right", tight=True)
        return Card(Row(self.say("ticket.your_number"), number, gap=24), "sky", None, pad=(48, 32))

    def foot(self) -> Foot:
        return Foot(idle=self.t("issuing.no_touch"))


SHOWN = IssuingScreen
