"""Of which payment is a certificate wanted? Then, where two bureaus were paid, of which of them."""

from __future__ import annotations

from kiosk.domain.filing import FilingView, PaymentPart, TaxpayerView
from kiosk.session.events import PickBureau, PickFiling
from kiosk.session.state import Certificates, Purpose
from screens.tax_screen import TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import Target
from screens.widgets.paged_list import PagedList


class CertificatesScreen(TaxScreen[Certificates]):
    name = "certificates"
    warns = True

    @property
    def purpose(self) -> Purpose:
        return Purpose.CERTIFICATE

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.file.taxpayer

    def body(self) -> Box:
        return self._bureaus(self.page.filing) if self.page.filing is not None else self._payments()

    def _payments(self) -> Box:
        paid = [filing for filing in self.page.file.filings if self._entered(filing)]
        if not paid:
            head = self.question(self.t("certificates.nothing"))
            return Column(head, self.notice(self.t("certificates.nothing_what"), "plain", "i"), gap=36)
        head = self.question(self.t("certificates.question"), self.t("certificates.under"))
        entries = PagedList(len(paid), lambda i: self._payment(paid[i]), self.view.turned, self.style, cards=True)
        return Column(head, self._no_paper(), entries, gap=32, grows=True)

    def _payment(self, filing: FilingView) -> Target:
        amount = filing.payment.amount if filing.payment else filing.total
        return self.filing_row(f"filing.{filing.key}", PickFiling(filing.key), filing, amount)

    def _bureaus(self, filing: FilingView) -> Box:
        under = self.dotted(self.form_name(filing.form), self.about(filing))
        head = self.question(self.t("certificates.which"), under)
        return Column(head, self._no_paper(), *(self._part(filing, p) for p in self._entered(filing)), gap=32)

    def _part(self, filing: FilingView, part: PaymentPart) -> Target:
        before = [one for one in filing.certificates if one.bureau is part.bureau and one.state == "printed"]
        again = self.say("certificates.again", "label", "care", count=before[-1].print_count) if before else None
        name = self.write(self.t("certificates.of", bureau=self.t(f"bureau.{part.bureau.value}")), "strong")
        inside = Row(Column(name, again, gap=6), self.money(part.amount), self.arrow(), gap=24)
        name_ = f"bureau.{part.bureau.value}"
        return Target(name_, PickBureau(part.bureau), inside, pad=(44, 32), height=176)

    def _no_paper(self) -> Box | None:
        return None if self.situation.can_print_papers else self.notice(self.t("certificates.no_paper"), "care")

    @staticmethod
    def _entered(filing: FilingView) -> list[PaymentPart]:
        """Only what is in a bureau's ledger can be proved."""
        return [part for part in filing.payment.parts if part.state == "entered"] if filing.payment else []


SHOWN = CertificatesScreen
