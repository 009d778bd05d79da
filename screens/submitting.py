"""The return is on its way to both bureaus."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.session.state import Purpose, SubmitStep, Submitting
from screens.tax_screen import CHECKING
from screens.waiting import WaitingScreen
from screens.widgets.box import Box, Column

ORDER = (SubmitStep.RECORDING, SubmitStep.SENDING)


class SubmittingScreen(WaitingScreen[Submitting]):
    name = "submitting"

    @property
    def purpose(self) -> Purpose:
        return self.page.work.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.work.file.taxpayer

    def body(self) -> Box:
        head = self.stepped(self.t("submitting.question"), CHECKING, self.form_name(self.page.work.form))
        # Where the hall stays silent the return is put in line; what was done before stays told.
        order = (*ORDER, SubmitStep.QUEUEING) if self.page.step is SubmitStep.QUEUEING else ORDER
        now = order.index(self.page.step)
        steps = self.steps_card([(f"submitting.{step.value}", i - now) for i, step in enumerate(order)])
        return Column(head, steps, self.notice(self.t("submitting.safe"), "plain", "i"), gap=36)


SHOWN = SubmittingScreen
