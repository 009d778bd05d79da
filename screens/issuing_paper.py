"""The hall gives a certificate or an invoice its number."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.session.state import IssuingPaper, Purpose
from screens.tax_screen import PROVING
from screens.waiting import WaitingScreen
from screens.widgets.box import Box, Column


class IssuingPaperScreen(WaitingScreen[IssuingPaper]):
    name = "issuing_paper"

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.taxpayer

    def body(self) -> Box:
        task = self.page.task.value
        words = self.t(f"issuing_paper.{task}.question")
        of = self.t(f"bureau.{self.page.bureau.value}") if self.page.bureau else ""
        head = self.stepped(words, PROVING, of, self.form_name(self.page.filing.form))
        now = ("recording", "asking").index(self.page.step)
        steps = [(f"issuing_paper.{task}.{step}", i - now) for i, step in enumerate(("recording", "asking"))]
        return Column(head, self.steps_card([*steps, (f"issuing_paper.{task}.printing", 2)]), gap=40)


SHOWN = IssuingPaperScreen
