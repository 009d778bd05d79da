"""Pages on which the machine works: what is done, what it does now, what comes. For filing, paying and proving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from screens.tax_screen import TaxScreen
from screens.widgets.box import Box, Row
from screens.widgets.card import Card, Sign
from screens.widgets.footer import Foot

P = TypeVar("P")


class WaitingScreen(TaxScreen[P]):
    live = False

    def steps_card(self, steps: Sequence[tuple[str, int]]) -> Card:
        """``steps``: (key of its words, distance): below zero done, zero under way, above it to come."""
        rows: list[Box] = [self._step(key, distance) for key, distance in steps]
        return Card(self.ruled(rows, 24), pad=(48, 38))

    def _step(self, key: str, distance: int) -> Row:
        font = self.style.font("body_bold")
        size = 72 * min(self.style.scale, 1.25)
        if distance < 0:
            sign, colour, tense = Sign("✓", font, "good", "good_soft", size), "ink", "_done"
        elif distance == 0:
            sign, colour, tense = Sign("●", font, "on_accent", "accent", size), "ink", ""
        else:
            sign, colour, tense = Sign("", font, "second", "muted_soft", size), "second", "_to_come"
        return Row(sign, self.say(f"{key}{tense}", "strong" if distance == 0 else "body", colour), gap=32)

    def foot(self) -> Foot:
        return Foot(idle=self.t("waiting.no_touch"))
