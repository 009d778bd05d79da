"""The home page: how the hall is, one huge button, and the six other things this machine does."""

from __future__ import annotations

from kiosk.session.events import OpenGuide, Start
from kiosk.session.state import Home, Purpose
from screens.screen import Screen, spread
from screens.widgets.box import Box, Column, Grid, Row, Space
from screens.widgets.button import Target
from screens.widgets.card import Bar, Card, Sign, badge
from screens.widgets.footer import Foot
from screens.widgets.text import Figure, Text


class HomeScreen(Screen[Home]):
    name = "home"

    def title(self) -> str:
        return self.view.hall_name

    def who(self) -> str:
        return self.dotted(self.t("header.area"), self.machine)

    def body(self) -> Box:
        gap = self.theme.gap
        others = Grid(self._others(), 2, gap, grows=self.style.landscape)
        if self.style.landscape:
            left = Column(self._hall(), self._take_number(), gap=gap, grows=True)
            right = Column(others, grows=True)
            return Row(left, right, gap=gap, align="stretch", shares=(1, 1), grows=True)
        return Column(self._hall(), self._take_number(), others, gap=gap)

    # ---- how the hall is -------------------------------------------------------------------------------------------

    def _hall(self) -> Card:
        hall = self.hall_now()
        if hall is None:
            words = "home.hall_silent_take" if self.situation.storage_works else "home.hall_silent"
            if self.situation.hall_answers:
                # In the first second after a start nobody has looked yet: nothing is wrong.
                words = "home.hall_looking"
            return Card(self.say(words, "body", "second", align="centre"), pad=(40, 56))
        if not hall.windows_open:
            none_open = self.say("home.no_window", "strong", align="centre")
            waiting = self.say("home.no_window_wait", "body", "second", align="centre", count=hall.waiting)
            return Card(Column(none_open, waiting, gap=4), pad=(40, 32))
        wait = spread(hall.wait.low, hall.wait.high) if hall.wait else ""
        facts = Row(
            self._fact(str(hall.waiting), "home.people", "home.waiting"),
            Bar(),
            self._fact(wait, "home.minutes", "home.wait"),
            Bar(),
            self._fact(str(hall.windows_open), "home.windows", "home.windows_open"),
            gap=12,
            align="stretch",
        )
        return Card(facts, pad=(24, 32))

    def _fact(self, figure: str, unit: str, meaning: str) -> Box:
        of = self.t(unit) if figure else ""
        number = Figure(figure or self.t("home.unknown"), of, self.style.font("figure"), self.style.font("label"))
        return Column(number, self.say(meaning, "label", "second", align="centre"))

    # ---- what can be done ------------------------------------------------------------------------------------------

    def _take_number(self) -> Target:
        arrow = Sign("→", self.style.font("figure"), "accent", "on_accent", 132)
        words = Column(
            Text(self.t("home.take"), self.style.font("primary"), "on_accent", one_line=True),
            Space(16),
            self.say("home.take_what", "body", "on_accent"),
            self.say("home.take_all", "body", "on_accent", count=len(self.view.catalogue.services)),
        )
        notes = self._notes()
        said = [Card(self.write(note, "body_bold"), "card", None, 24, (32, 20)) for note in notes]
        # What is different today matters more than how it usually goes.
        steps = Space() if notes or self.style.large or not self.style.landscape else self._steps()
        body = Column(words, Column(Space(24), *said, gap=16), Space(grows=True), Row(steps, arrow, gap=24))
        return Target("take_number", Start(Purpose.TAKE_NUMBER), body, "accent", None, 36, (56, 44), grows=True)

    def _steps(self) -> Column:
        """What will happen, for somebody who does it for the first time."""
        return Column(*(self.dot(i, self.t(f"home.step_{i}")) for i in (1, 2, 3)), gap=16)

    def dot(self, number: int, words: str) -> Row:
        size = 60 * min(self.style.scale, 1.25)
        return Row(
            Sign(str(number), self.style.font("label"), "on_accent", "accent_dark", size),
            self.write(words, "body", "on_accent"),
            gap=18,
        )

    def _notes(self) -> list[str]:
        """What is different now, said as what can be done."""
        if not self.situation.storage_works:
            return [self.t("home.cannot_take")]
        notes = []
        if not self.situation.can_read_cards:
            notes.append(self.t("home.type_number"))
        if not self.situation.can_print_tickets:
            notes.append(self.t("home.without_paper"))
        return notes

    def _others(self) -> list[Box]:
        """Always the same six in the same places; what does not work here now says where it does."""
        can = self.situation
        files = self._badge(can.can_file)
        if can.can_file and not can.can_pay:
            files = self._pill("home.badge.file_only", here=True)
        count = len(self.view.catalogue.services)
        my_number = "home.my_number_what" if can.can_print_tickets else "home.my_number_no_paper"
        return [
            self._other("file", Start(Purpose.FILE), self.t("home.file_what"), files),
            self._other(
                "invoice",
                Start(Purpose.INVOICE),
                self.t("home.invoice_what"),
                self._badge(can.can_file and can.can_pay),
            ),
            self._other(
                "certificate",
                Start(Purpose.CERTIFICATE),
                self.t("home.certificate_what"),
                self._badge(can.can_file and can.can_print_papers),
            ),
            self._other("query", Start(Purpose.QUERY), self.t("home.query_what"), self._badge(can.can_file)),
            self._other("guide", OpenGuide(), self.t("home.guide_what", count=count)),
            self._other("my_number", Start(Purpose.MY_NUMBER), self.t(my_number)),
        ]

    def _badge(self, here: bool) -> Card:
        return self._pill("home.badge.here" if here else "home.badge.window", here)

    def _pill(self, words: str, here: bool) -> Card:
        colours = ("good", "good_soft") if here else ("second", "muted_soft")
        return badge(self.t(words), self.style.font("badge"), *colours)

    def _other(self, name: str, sends: Start | OpenGuide, under: str, state: Card | None = None) -> Target:
        title = Text(self.t(f"home.{name}"), self.style.font("strong"), one_line=True)
        # In large text what it is for gives way to its name and to whether it works.
        what = None if self.style.large else self.write(under, "label", "second")
        beside = self.zh and not self.style.large
        head = Row(title, state, gap=12) if beside else title
        below = None if beside or state is None else Row(state, Space())
        words = Column(head, below, what, gap=8, align="middle" if self.style.large else "top", grows=True)
        return Target(name, sends, words, pad=(36, 26), height=150)

    # ---- the way without a touch -----------------------------------------------------------------------------------

    def foot(self) -> Foot:
        return Foot(content=self._strip())

    def _strip(self) -> Row:
        reads = self.situation.can_read_cards
        if self.situation.storage_works:
            can = "home.lay_card" if reads else "home.no_reader"
        else:
            can = "home.only_look" if reads else "home.only_guide"
        return Row(
            Sign("↓" if can == "home.lay_card" else "!", self.style.font("figure"), "accent", "sky", 104),
            Column(
                self._line(self.t(can), "title", "ink"),
                self._line(self._small_print(), "note", "second"),
                gap=4,
            ),
            gap=28,
        )

    def _line(self, words: str, role: str, colour: str) -> Text:
        return Text(words, self.style.font(role), colour, one_line=True)

    def _small_print(self) -> str:
        """Somebody changed language or size and may have left: the page says when it changes back."""
        seconds = self.view.seconds
        return self.t("home.privacy") if seconds is None else self.t("idle.home", seconds=seconds)


SHOWN = HomeScreen
