"""Shown when the session says so, and when drawing a page failed: needs nothing of the visit, and takes no touch."""

from __future__ import annotations

from kiosk.session.state import Page, Sorry, SorryReason
from screens.screen import View
from screens.sorry import SorryScreen
from screens.widgets.footer import Foot


class OutOfServiceScreen(SorryScreen):
    name = "out_of_service"
    live = False

    def __init__(self, view: View, page: Page) -> None:
        super().__init__(view, Sorry(SorryReason.OUT_OF_SERVICE))

    def title(self) -> str:
        return self.view.hall_name

    def words(self, part: str) -> str:
        """A manager's own words, where the machine was locked with some; else that it is locked, which is no fault."""
        if part == "why" and self.situation.locked:
            return self.situation.locked_words or self.t("maintenance_screens.locked")
        return super().words(part)

    def who(self) -> str:
        return self.dotted(self.t("header.area"), self.machine)

    def foot(self) -> Foot:
        return Foot()


SHOWN = OutOfServiceScreen
