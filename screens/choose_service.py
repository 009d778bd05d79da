"""What for: by group, by typing initials, or simply "any". The guide is the same page for who only wants to know."""

from __future__ import annotations

from functools import partial

from kiosk.domain.catalogue import Category, Service
from kiosk.session.events import PickCategory, PickService
from kiosk.session.state import Availability, ChooseService
from screens.screen import Screen
from screens.widgets.box import Box, Column, Grid, Padded, Row, Space
from screens.widgets.button import Target
from screens.widgets.card import Card, Sign, badge
from screens.widgets.keyboard import LETTERS, KeyPanel, Keys
from screens.widgets.paged_list import PagedList
from screens.widgets.text import Text


class ChooseServiceScreen(Screen[ChooseService]):
    name = "choose_service"
    warns = True

    def title(self) -> str:
        return self.t("title.guide" if self.page.guide else "title.take_number")

    @property
    def typing(self) -> bool:
        """Inside a group there are no keys, and room for twice the rows."""
        return self.page.category is None

    def body(self) -> Box:
        question = self.question(
            self.t("choose.question_guide" if self.page.guide else "choose.question"), done=0 if self.page.guide else 2
        )
        unsure = None if self.page.guide else self._unsure()
        field = self._field() if self.typing else self._group_name()
        found = self._found()
        if not self.style.landscape:
            return Column(question, unsure, field, found, gap=24)
        if not self.typing:
            left = Column(question, unsure, field, gap=24)
            return Row(left, Column(found, grows=True), gap=40, align="stretch", shares=(1, 1.6), grows=True)
        left = Column(question, found, gap=24)
        keys = Keys(LETTERS, self.t("button.clear"), self.style, height=120)
        right = Column(unsure, field, Space(grows=True), keys, gap=24)
        return Row(left, right, gap=28, align="stretch", shares=(806, 990), grows=True)

    def panel(self) -> Box | None:
        if self.style.landscape or not self.typing:
            return None
        return KeyPanel(Keys(LETTERS, self.t("button.clear"), self.style))

    # ---- above the list --------------------------------------------------------------------------------------------

    def _unsure(self) -> Target:
        what = None if self.style.large else self.say("choose.unsure_what", "label", "second")
        words = Column(self.say("choose.unsure", "strong"), what, gap=2)
        arrow = Sign("→", self.style.font("figure"), "accent", "sky", 80)
        return Target("any_service", partial(PickService, None), Row(words, arrow, gap=24), "sky", None, pad=(40, 26))

    def _field(self) -> Card:
        hint = "choose.hint" if not self.page.query else "choose.found" if self.page.matches else "choose.nothing"
        note = Text(self.t(hint, count=len(self.page.matches)), self.style.font("label"), "second", "right")
        typed = Text(f"{self.page.query}|", self.style.font("strong"), tight=True)
        return Card(Row(typed, note, gap=24), line="accent", radius=24, pad=(36, 18))

    def _group_name(self) -> Box:
        group = next((c for c in self.view.catalogue.categories if c.code == self.page.category), None)
        name = self._category_name(group) if group else ""
        count = self.t("choose.count", count=len(self.page.matches))
        return Row(self.write(name, "strong"), Text(count, self.style.font("label"), "second", tight=True), gap=24)

    # ---- groups, or what was found ---------------------------------------------------------------------------------

    def _found(self) -> Box:
        if not self.page.query and self.typing:
            columns = 3
            groups = [self._category(category) for category in self.view.catalogue.categories]
            return Grid(groups, columns, gap=20, grows=True)
        if not self.page.matches:
            return Column(self.notice(self.t("choose.try_again"), "care"), Space(grows=True), grows=True)
        return PagedList(len(self.page.matches), self._row, self.view.turned, self.style)

    def _category(self, category: Category) -> Target:
        count = sum(service.category == category.code for service in self.view.catalogue.services)
        large = self.style.large
        inside = Column(
            self.write(self._category_name(category), "body_bold", align="centre"),
            None if large else self.say("choose.count", "note", "second", align="centre", count=count),
            gap=4,
            align="middle",
            grows=True,
        )
        return Target(f"category.{category.code}", PickCategory(category.code), inside, radius=28, pad=(12, 12))

    def _category_name(self, category: Category) -> str:
        return category.name_zh if self.zh else category.name_en

    def _row(self, index: int) -> Target:
        match = self.page.matches[index]
        service = match.service
        name = self.write(self.service_name(service), "body_bold")
        if self.zh:
            name.marked = (match.start, match.length)
        words = Column(name, self.write(self._about(service), "note", "second"), gap=2)
        # In large text the words need the room, and a window is the usual place.
        here = self.view.availability(service) is Availability.HERE
        inside = Row(words, self._where(service) if here or not self.style.large else None, gap=20)
        return Target(
            f"service.{service.code}",
            partial(PickService, service.code),
            Padded(inside, 0, 6),
            line=None,
            radius=26,
            pad=(34, 12),
            height=140,
        )

    def _about(self, service: Service) -> str:
        group = next((c for c in self.view.catalogue.categories if c.code == service.category), None)
        return self.dotted(
            self._category_name(group) if group and self.page.query else "",
            self.t(f"bureau.{service.bureau}"),
            self.t(f"mode_short.{service.mode}", days=service.limit_days or ""),
        )

    def _where(self, service: Service) -> Card:
        availability = self.view.availability(service)
        here = availability is Availability.HERE
        words = self.t(f"availability_badge.{availability.value}")
        font = self.style.font("badge")
        return badge(words, font, "good", "good_soft") if here else badge(words, font, "second", "muted_soft")


SHOWN = ChooseServiceScreen
