"""The return is filed. What is due now, large; pay it here by card, or later."""

from __future__ import annotations

from functools import partial

from kiosk.domain.filing import TaxpayerView
from kiosk.session.events import Back, CorrectFiling, Next, Pay
from kiosk.session.flows.file import can_correct
from kiosk.session.state import Declared, Purpose
from screens import tax_screen
from screens.tax_screen import TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import AtMoment, Target
from screens.widgets.card import Card, Sign
from screens.widgets.footer import Foot


class DeclaredScreen(TaxScreen[Declared]):
    name = "declared"

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.taxpayer

    @property
    def pays(self) -> bool:
        return self.page.filing.can_pay and self.situation.can_pay

    def body(self) -> Box:
        filing = self.page.filing
        words = "declared.question" if self.page.just_filed else "declared.question_pay"
        if filing.state != "accepted" or not self.pays:
            words = "declared.question_half"
        head = self.stepped(self.t(words), tax_screen.PAYING)
        late = self.t("declared.late", amount=self.amount(filing.late_total)) if filing.late_total else ""
        total = self.total(filing.payable_now, self.t("declared.to_pay"), late or self._swipe())
        if self.style.landscape:
            left = Column(head, self._how(), gap=28)
            return Row(left, Column(total, self._facts(), gap=28), gap=48, align="top", shares=(1, 1.15))
        return Column(head, total, self._facts(), self._how(), gap=28)

    def _swipe(self) -> str:
        bureaus = {line.bureau for line in self.page.filing.lines if line.payable}
        return self.t("check.one_swipe") if len(bureaus) > 1 else ""

    def _facts(self) -> Card:
        filing = self.page.filing
        rows: list[Box] = [self.fact(self.form_name(filing.form), self.about(filing))]
        if filing.deadline is not None:
            words, _ = self.due(filing.deadline)
            row = self.fact(self.t("declared.deadline"), self.dotted(self.day(filing.deadline), words), "body_bold")
            rows.append(row)
        rows += self.receipts(filing)
        return Card(self.ruled(rows), pad=(44, 30))

    def _how(self) -> Column:
        notices: list[Box | None] = [self.half_done(self.page.filing)]
        if not self.situation.can_pay and self.page.filing.payable_now:
            notices.append(self.notice(self.t("declared.cannot_pay"), "care"))
        elif not self.page.filing.can_pay and self.page.filing.payable_now:
            notices.append(self.notice(self.t("declared.not_payable"), "care"))
        elif notices[0] is None:
            sign = Sign("✓", self.style.font("body_bold"), "card", "good", 56 * min(self.style.scale, 1.2))
            words = self.say("declared.accepted", "body")
            notices.append(Card(Row(sign, words, gap=24), "good_soft", None, 24, (32, 24)))
        return Column(*notices, self._correct(), gap=20)

    def _correct(self) -> Target | None:
        if not can_correct(self.page.filing):
            return None
        words = self.say("declared.correct", "body", "accent", "centre")
        return Target("correct", partial(CorrectFiling, self.page.filing.key), words, radius=24, pad=(40, 20))

    def foot(self) -> Foot:
        idle = self.idle_words(short=True)
        # Who has just filed and does not pay now gets the receipt for that; who came for an older one goes back.
        back = None if self.page.just_filed else self.key("back", Back(), "button.back")
        if not self.pays:
            return Foot(back=back, steps=[self.key("later", Next, "declared.done", primary=True)], idle=idle)
        return Foot(
            back=back or self.key("later", Next, "declared.later"),
            steps=[self.key("pay", AtMoment(Pay), "declared.pay", primary=True)],
            idle=idle,
        )


SHOWN = DeclaredScreen
