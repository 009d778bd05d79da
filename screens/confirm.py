"""The last look before the number."""

from __future__ import annotations

from kiosk.session.events import Back, Next
from kiosk.session.state import Confirm
from screens.screen import Screen
from screens.widgets.box import Box, Column, Row
from screens.widgets.card import Card, Rule
from screens.widgets.footer import Foot


class ConfirmScreen(Screen[Confirm]):
    name = "confirm"
    warns = True

    def body(self) -> Box:
        head = self.question(self.t("confirm.question"), done=3)
        notices = self._notices()
        said = Column(*notices, gap=20) if notices else None
        if self.style.landscape:
            right = Column(said, self._bring(), gap=self.theme.gap)
            return Column(head, Row(self._summary(), right, gap=self.theme.gap, align="top", shares=(1.2, 1)), gap=28)
        return Column(head, self._summary(), self._bring(), said, gap=28)

    def _summary(self) -> Card:
        facts = [("confirm.service", self.service_name(self.page.service))]
        if self.session.holder is not None:
            facts.append(("confirm.holder", self.session.holder.masked))
        rows: list[Box] = []
        for label, words in facts:
            rows += [self._fact(label, words), Rule()]
        line = self._line()
        if line is None:
            rows.pop()
        else:
            rows.append(line)
        return Card(Column(*rows, gap=24), pad=(44, 36))

    def _fact(self, label: str, words: str) -> Column:
        return Column(self.say(label, "label", "second"), self.write(words, "strong"), gap=4)

    def _line(self) -> Row | None:
        """How long the line is now, where that is known."""
        hall, wait = self.hall_now(), self.hall_wait()
        if hall is None:
            return None
        waiting = self._fact("confirm.waiting", self.t("confirm.people", count=hall.waiting))
        return Row(waiting, self._fact("confirm.wait", wait) if wait else None, gap=24, align="top")

    def _notices(self) -> list[Box]:
        notices: list[Box] = []
        if self.page.card_expired:
            notices.append(self.notice(self.t("confirm.card_expired"), "care"))
        if self.page.priority:
            notices.append(self.notice(self.t("confirm.priority"), "good", "✓"))
        if not self.situation.hall_answers:
            notices.append(self.notice(self.t("confirm.hall_silent"), "care"))
        if not self.situation.can_print_tickets:
            notices.append(self.notice(self.t("confirm.no_paper"), "care"))
        return notices

    def _bring(self) -> Card | None:
        service = self.page.service
        papers = self.listed(service.papers) if service else self.t("confirm.bring_any")
        if not papers:
            return None
        return Card(
            Column(self.say("ticket.bring", "body_bold"), self.write(papers, "read"), gap=8),
            "sky",
            None,
            pad=(44, 30),
        )

    def foot(self) -> Foot:
        return Foot(
            back=self.key("back", Back(), "button.back"),
            steps=[self.key("next", Next, "confirm.take", primary=True)],
            idle=self.idle_words(short=True),
        )


SHOWN = ConfirmScreen
