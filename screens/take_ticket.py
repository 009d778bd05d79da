"""The number, large. With paper: take it below. Without: the number and its QR code stand on the screen."""

from __future__ import annotations

from datetime import datetime, timedelta

from kiosk.session.events import Next, Reprint, Touched
from kiosk.session.state import TakeTicket
from screens.screen import Screen, spread
from screens.widgets.box import Box, Column, Row, Space, centred
from screens.widgets.button import button
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot
from screens.widgets.qr import Qr
from screens.widgets.text import Text


class TakeTicketScreen(Screen[TakeTicket]):
    name = "take_ticket"

    def title(self) -> str:
        return self.view.hall_name

    def who(self) -> str:
        return self.dotted(self.t("header.area"), self.machine)

    def body(self) -> Box:
        gap = 20 if self.style.large else self.theme.gap
        top = Column(self._tick(), self._label(), self._number())
        meaning = Column(self._facts(), self._bring(), gap=gap)
        if self.style.landscape:
            left = Column(Space(grows=True), top, Space(grows=True), self._where_it_is(), grows=True)
            return Row(left, meaning, gap=56, align="stretch", grows=True)
        return Column(top, meaning, self._where_it_is(), gap=gap, align="middle")

    def _tick(self) -> Box | None:
        """Only where there is room for it: the number speaks for itself."""
        if not self.page.printed or self.style.large:
            return None
        return Column(centred(Sign("✓", self.style.font("figure"), "good", "good_soft", 128)), Space(20))

    def _label(self) -> Text:
        key = "ticket.existing" if self.page.existing else "ticket.your_number"
        return self.say(key, "strong" if self.page.existing else "body", "second", align="centre")

    def _number(self) -> Text:
        return Text(self.page.slip.number, self.style.font("number"), "accent", align="centre", one_line=True)

    # ---- what it means ---------------------------------------------------------------------------------------------

    def _facts(self) -> Card:
        slip = self.page.slip
        facts: list[tuple[str, str]] = []
        if slip.ahead is not None:
            people = self.t("ticket.people", count=slip.ahead) if slip.ahead else self.t("ticket.ahead_nobody")
            facts += [("ticket.ahead", people), ("ticket.called_at", self._call())]
        facts.append(("ticket.service", self.slip_service(slip)))
        facts.append(("ticket.where", self.t("ticket.where_to")))
        rows: list[Box] = []
        for label, words in facts:
            if rows:
                rows.append(Rule())
            name = Text(self.t(label), self.style.font("body"), "second", tight=True)
            rows.append(Row(name, self.write(words, "strong", align="right"), gap=32))
        if slip.ahead is None:
            words = "ticket.place_elsewhere" if self._known_before else "ticket.place_unknown"
            rows += [Rule(), self.say(words, "body", "second")]
        return Card(Column(*rows, gap=18), pad=(46, 26))

    @property
    def _known_before(self) -> bool:
        """Taken earlier: place and wait are of now, and a number without a place may have been called."""
        return self.page.existing or self.page.slip.reprint

    def _call(self) -> str:
        """When it will be called, as times of day; where that is not known, what to go by."""
        slip, hall = self.page.slip, self.hall_now()
        if slip.wait is None:
            closed = hall is not None and not hall.windows_open
            return self.t("ticket.call_no_window" if closed else "ticket.call_unknown")
        since: datetime = self.view.now if self._known_before else slip.issued_at
        first, last = (since + timedelta(minutes=minutes) for minutes in (slip.wait.low, slip.wait.high))
        return spread(f"{first:%H:%M}", f"{last:%H:%M}", " – ")

    def _bring(self) -> Card | None:
        papers = self.page.slip.papers
        if not papers:
            return None
        words = Column(self.say("ticket.bring", "body_bold"), self.write(self.listed(papers), "body"), gap=6)
        return Card(words, "sky", None, pad=(46, 26))

    def _where_it_is(self) -> Box:
        if self.page.printed:
            return Column(
                self.say("ticket.take", "strong", align="centre"),
                self.say("ticket.scan_slip", "label", "second", align="centre"),
                gap=4,
            )
        words = Column(
            self.say("ticket.on_screen_existing" if self.page.existing else "ticket.on_screen", "strong"),
            self.say("ticket.scan_screen", "body", "second"),
            self._reprint(),
            gap=14,
        )
        return Card(Row(Qr(self.page.slip.url, 260 if self.style.landscape else 300), words, gap=36), pad=(30, 30))

    def _reprint(self) -> Box | None:
        if not (self.page.existing and self.situation.can_print_tickets):
            return None
        font = self.style.font("button")
        return Row(button("reprint", Reprint(self.page.slip.token), self.t("button.reprint"), font, pad=36), Space())

    def foot(self) -> Foot:
        steps = [self.key("next", Next, "button.done", primary=True)]
        if not self.page.printed:
            steps.insert(0, self.key("more_time", Touched(), "button.more_time"))
        return Foot(steps=steps, idle=self.idle_words(short=True))


SHOWN = TakeTicketScreen
