"""Paying: the amount, large, and what to do at the terminal now."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.session.events import CancelPay
from kiosk.session.state import Paying, PayStep, Purpose
from screens import tax_screen
from screens.waiting import WaitingScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.footer import Foot

ORDER = (PayStep.RECORDING, PayStep.HOLDING, PayStep.CHARGING, PayStep.ENTERING)
#: When the terminal fell silent: nobody knows that the card payment is done, so it is not ticked off.
ORDER_SILENT = (PayStep.RECORDING, PayStep.HOLDING, PayStep.ASKING, PayStep.ENTERING)


class PayingScreen(WaitingScreen[Paying]):
    name = "paying"

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.taxpayer

    def body(self) -> Box:
        head = self.stepped(self._now(), tax_screen.PAYING, self.form_name(self.page.filing.form))
        amount = self.total(self.page.amount, self.t("paying.amount"), role="charge")
        order = ORDER_SILENT if self.page.step is PayStep.ASKING else ORDER
        now = order.index(self.page.step)
        # In large text only what is under way and what comes after it: the terminal's words need the room.
        shown = [(f"paying.{step.value}", i - now) for i, step in enumerate(order) if i >= now or not self.style.large]
        steps = self.steps_card(shown)
        notice = self.notice(*self._notice())
        if self.style.landscape:
            left = Column(head, amount, notice, gap=32)
            return Row(left, steps, gap=48, align="top", shares=(1.1, 1))
        return Column(head, amount, steps, notice, gap=32)

    def _now(self) -> str:
        """What the payer has to do, as the question of the page; else that it takes a moment."""
        if self.page.step is PayStep.CHARGING and self.page.progress:
            return self.t(f"terminal.{self.page.progress}")
        return self.t("paying.asking_now" if self.page.step is PayStep.ASKING else "paying.question")

    def _notice(self) -> tuple[str, str, str]:
        match self.page.step:
            case PayStep.ASKING:
                return self.t("paying.never_twice"), "care", "!"
            case PayStep.CHARGING:
                return self.t("paying.where"), "plain", "i"
            case PayStep.ENTERING:
                return self.t("paying.charged"), "good", "✓"
            case _:
                return self.t("paying.not_charged"), "plain", "i"

    def foot(self) -> Foot:
        if not self.page.can_cancel:
            return super().foot()
        return Foot(back=self.key("cancel_pay", CancelPay(), "paying.cancel"), idle=self.t("paying.at_terminal"))


SHOWN = PayingScreen
