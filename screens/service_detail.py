"""One service: what to bring, where it can be done, how long it takes."""

from __future__ import annotations

from kiosk.session.events import Back, Next
from kiosk.session.state import Availability, ServiceDetail
from screens.screen import Screen
from screens.widgets.box import Box, Column, Row, Space
from screens.widgets.card import Bullet, Card, Rule, badge
from screens.widgets.footer import Foot


class ServiceDetailScreen(Screen[ServiceDetail]):
    name = "service_detail"
    warns = True

    def title(self) -> str:
        return self.t("title.guide" if self.page.guide else "title.take_number")

    def body(self) -> Box:
        service = self.page.service
        head = self.question(self.service_name(service), done=0 if self.page.guide else 2)
        # In large text the badge gives way: the facts below say the same in words.
        state = None if self.style.large else self._badge()
        gap = self.theme.gap
        if self.style.landscape:
            cards: Box = Row(self._papers(), self._facts(), gap=gap, align="top")
        else:
            cards = Column(self._papers(), self._facts(), gap=gap)
        if self.style.landscape:
            return Column(head, cards, gap=28)
        return Column(Column(head, state, gap=20), cards, gap=36)

    def _badge(self) -> Row:
        availability = self.page.availability
        colours = ("good", "good_soft") if availability is Availability.HERE else ("accent_dark", "sky")
        words = self.t(f"availability_badge.{availability.value}")
        return Row(badge(words, self.style.font("label"), *colours), Space())

    def _papers(self) -> Card:
        papers = self.page.service.papers
        rows: list[Box] = [self.say("detail.bring", "strong")]
        if not papers:
            rows += [Rule(), self.say("detail.bring_nothing", "read")]
        for paper in papers:
            rows += [Rule(), Row(Bullet(self.style.font("read")), self.write(self.paper(paper), "read"), align="top")]
        return Card(Column(*rows, gap=22), pad=(44, 36))

    def _facts(self) -> Card:
        service = self.page.service
        facts = (
            ("detail.where", self.t(f"availability.{self.page.availability.value}")),
            ("detail.how_long", self.t(f"mode.{service.mode}", days=service.limit_days or "")),
            ("detail.bureau", self.t(f"bureau_long.{service.bureau}")),
        )
        rows: list[Box] = []
        for label, words in facts:
            if rows:
                rows.append(Rule())
            rows.append(Column(self.say(label, "label", "second"), self.write(words, "read"), gap=2))
        return Card(Column(*rows, gap=20), pad=(44, 32))

    def foot(self) -> Foot:
        words = "detail.take_number" if self.page.guide else "button.next"
        return Foot(
            back=self.key("back", Back(), "button.back"),
            steps=[self.key("next", Next, words, primary=True)],
            idle=self.idle_words(short=True),
        )


SHOWN = ServiceDetailScreen
