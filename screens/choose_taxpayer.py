"""For whom? Everybody the register lets this person act for, with how many returns wait."""

from __future__ import annotations

from kiosk.domain.filing import PayerKind, TaxpayerView
from kiosk.session.events import PickTaxpayer
from kiosk.session.state import ChooseTaxpayer, Purpose
from screens.tax_screen import CHOOSING, TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import Target
from screens.widgets.paged_list import PagedList
from screens.widgets.text import Text


class ChooseTaxpayerScreen(TaxScreen[ChooseTaxpayer]):
    name = "choose_taxpayer"
    warns = True

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    def body(self) -> Box:
        words = self.t(f"choose_taxpayer.question_{self.page.purpose.value}")
        under = self.t("choose_taxpayer.under")
        if self.page.purpose in (Purpose.FILE, Purpose.INVOICE):
            head: Box = self.stepped(words, CHOOSING, under)
        else:
            head = self.question(words, under)
        found = PagedList(len(self.page.taxpayers), self._row, self.view.turned, self.style, cards=True)
        return Column(head, found, gap=32, grows=True)

    def _row(self, index: int) -> Target:
        taxpayer = self.page.taxpayers[index]
        # An individual business has no legal representative, but somebody who runs it.
        runs = taxpayer.role == "legal_representative" and taxpayer.payer is PayerKind.INDIVIDUAL_BUSINESS
        role = self.t("role.owner" if runs else f"role.{taxpayer.role}")
        district = taxpayer.district_zh if self.zh else taxpayer.district_en
        shown = district and taxpayer.role != "self" and not self.style.large
        words = Column(
            self.write(self.named(taxpayer), "strong"),
            self.write(self.dotted(role, district if shown else ""), "label", "second"),
            Text(taxpayer.number_masked, self.style.font("label"), "second", one_line=True),
            gap=6,
        )
        inside = Row(words, self._waits(taxpayer), self.arrow(), gap=24)
        return Target(f"taxpayer.{taxpayer.id}", PickTaxpayer(taxpayer.id), inside, pad=(44, 28), height=176)

    def _waits(self, taxpayer: TaxpayerView) -> Box | None:
        if self.page.purpose is not Purpose.FILE or self.style.large:
            return None
        count = taxpayer.open_returns
        if not count:
            return self.pill(self.t("choose_taxpayer.nothing_waits"), "muted")
        return self.pill(self.t("choose_taxpayer.waits", count=count), "care")


SHOWN = ChooseTaxpayerScreen
