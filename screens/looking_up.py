"""The hall is asked what it knows; it can be left at any moment."""

from __future__ import annotations

from kiosk.domain.filing import TaxpayerView
from kiosk.session.state import LookingUp, Purpose
from screens.tax_screen import TaxScreen
from screens.widgets.box import Box, Column, Row
from screens.widgets.card import Card, Sign


class LookingUpScreen(TaxScreen[LookingUp]):
    name = "looking_up"

    @property
    def purpose(self) -> Purpose:
        return self.page.purpose

    @property
    def taxpayer(self) -> TaxpayerView | None:
        return self.page.taxpayer

    def body(self) -> Box:
        head = self.question(self.t("looking_up.question"), self.t("looking_up.under"))
        sign = Sign("●", self.style.font("body_bold"), "on_accent", "accent", 72 * min(self.style.scale, 1.25))
        words = "looking_up.taxpayer" if self.page.taxpayer else "looking_up.person"
        return Column(head, Card(Row(sign, self.say(words, "strong"), gap=32), pad=(48, 44)), gap=40)


SHOWN = LookingUpScreen
