"""A receipt, certificate or invoice comes out of the printer."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.domain.papers import CertificatePaper, InvoicePaper, ReceiptPaper
from kiosk.session.state import CompareNumber, Finished, IssuingPaper, PrintingPaper, Purpose
from screens.tax_screen import PROVING
from screens.waiting import WaitingScreen
from screens.widgets.box import Box, Column

STEPS = ("recording", "printing")


class PrintingPaperScreen(WaitingScreen[PrintingPaper]):
    name = "printing_paper"

    @property
    def _then(self) -> Finished | IssuingPaper:
        """Who the paper is for is known by the page that follows it."""
        return self.page.then.then if isinstance(self.page.then, CompareNumber) else self.page.then

    @property
    def purpose(self) -> Purpose:
        return self._then.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self._then.taxpayer

    def body(self) -> Box:
        words = self.t(f"printing_paper.{self._kind()}{'_again' if self.page.paper.reprint else ''}")
        head = self.stepped(words, PROVING)
        now = STEPS.index(self.page.step)
        steps = self.steps_card([(f"printing_paper.{step}", i - now) for i, step in enumerate(STEPS)])
        return Column(head, steps, self.notice(self.t("printing_paper.where"), "plain", "↓"), gap=40)

    def _kind(self) -> str:
        match self.page.paper:
            case ReceiptPaper():
                return "receipt"
            case CertificatePaper():
                return "certificate"
            case InvoicePaper():
                return "invoice"


SHOWN = PrintingPaperScreen
