"""Is the number on the sheet the one on the screen? Blanks are numbered in advance; a misfed one must be found now."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.session.events import Next, Touched
from kiosk.session.state import CompareNumber, Purpose
from screens.tax_screen import PROVING, TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.card import Card
from screens.widgets.footer import Foot
from screens.widgets.text import Text


class CompareNumberScreen(TaxScreen[CompareNumber]):
    name = "compare_number"

    @property
    def purpose(self) -> Purpose:
        return self.page.then.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.then.taxpayer

    def body(self) -> Box:
        certificate = self.page.certificate
        head = self.stepped(self.t("compare.question"), PROVING, self.t(f"bureau.{certificate.bureau.value}"))
        number = Text(certificate.number, self.style.font("charge"), "accent", "centre", one_line=True)
        shown = Card(
            Column(self.say("compare.on_screen", "body", "second", "centre"), number, gap=16), "sky", None, pad=(44, 64)
        )
        amount = Card(self.fact(self.t("compare.amount"), self.amount(certificate.amount)), pad=(44, 30))
        how = Column(
            self.notice(self.t("compare.same"), "good", "✓"), self.notice(self.t("compare.different"), "care"), gap=20
        )
        if self.style.landscape:
            return Column(head, Row(Column(shown, amount, gap=28), how, gap=48, align="top", shares=(1.3, 1)), gap=32)
        return Column(head, shown, amount, how, gap=32)

    def foot(self) -> Foot:
        return Foot(
            steps=[
                self.key("more_time", Touched(), "button.more_time"),
                self.key("next", Next, "compare.next", primary=True),
            ],
            idle=self.idle_words(short=True),
        )


SHOWN = CompareNumberScreen
