"""The holder's open numbers: where in line, which window, and the slip once more."""

from __future__ import annotations

from kiosk.domain.ticket import TicketState
from kiosk.session.events import Back, Next, Reprint
from kiosk.session.state import MyTickets, OpenTicket
from screens.screen import Screen, View, spread
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import Target, button
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot
from screens.widgets.text import Align, Text

#: One person has one number at a time; more come only from halls that allow it. The rest is known at any window.
SHOWN_AT_MOST = 3


class MyTicketsScreen(Screen[MyTickets]):
    name = "my_tickets"

    def __init__(self, view: View, page: MyTickets) -> None:
        super().__init__(view, page)
        self.warns = not page.looking

    def title(self) -> str:
        return self.t("title.my_number")

    def body(self) -> Box:
        if self.page.looking:
            head = self.question(self.t("my_tickets.looking"), self.t("my_tickets.looking_under"))
            sign = Sign("●", self.style.font("body_bold"), "on_accent", "accent", 72 * min(self.style.scale, 1.25))
            return Column(head, Card(Row(sign, self.say("my_tickets.asking", "strong"), gap=32), pad=(48, 44)), gap=40)
        head = self.question(self.t("my_tickets.question"))
        tickets = [self._ticket(ticket) for ticket in self.page.tickets[:SHOWN_AT_MOST]]
        notice = None
        if not self.situation.can_print_tickets:
            notice = self.notice(self.t("my_tickets.cannot_print"), "care")
        if self.style.landscape and len(tickets) > 1:
            return Column(head, Row(*tickets, gap=self.theme.gap, align="top"), notice, gap=32)
        return Column(head, *tickets, notice, gap=32)

    def _ticket(self, ticket: OpenTicket) -> Card:
        slip = ticket.slip
        number = Text(slip.number, self.style.font("call"), "accent", one_line=True)
        service = Column(self.say("ticket.service", "label", "second"), self.write(self.slip_service(slip)), gap=2)
        # Side by side with other numbers a card is too narrow for both.
        narrow = self.style.landscape and len(self.page.tickets) > 1
        pair = Column if narrow else Row
        rows = [
            pair(number, self._place(ticket, "left" if narrow else "right"), gap=12 if narrow else 24),
            self._window(ticket),
            Rule(),
            pair(service, self._reprint(ticket), gap=28),
        ]
        return Card(Column(*rows, gap=28), pad=(44, 36))

    def _reprint(self, ticket: OpenTicket) -> Target | None:
        if not self.situation.can_print_tickets:
            return None
        first = ticket is self.page.tickets[0]
        name = "reprint" if first else f"reprint.{ticket.slip.number}"
        words, font = self.t("button.reprint"), self.style.font("button")
        return button(name, Reprint(ticket.slip.token), words, font, pad=36)

    def _window(self, ticket: OpenTicket) -> Card | None:
        """Called: nothing on the page is more urgent."""
        if ticket.state not in (TicketState.CALLED, TicketState.SERVING) or ticket.window is None:
            return None
        words = self.say("my_tickets.go_to_window", "question", "good", "centre", window=ticket.window)
        return Card(words, "good_soft", None, 24, (32, 24))

    def _place(self, ticket: OpenTicket, align: Align) -> Column:
        lines: list[Box] = [self.say(f"state.{ticket.state}", "strong", align=align)]
        if ticket.state in (TicketState.WAITING, TicketState.TRANSFERRED):
            lines += self._line(ticket, align)
        return Column(*lines, gap=4)

    def _line(self, ticket: OpenTicket, align: Align) -> list[Box]:
        ahead, wait = ticket.slip.ahead, ticket.slip.wait
        lines: list[Box] = []
        if ahead is not None:
            people = self.t("my_tickets.ahead", count=ahead) if ahead else self.t("my_tickets.ahead_nobody")
            lines.append(self.write(people, "body", "second", align))
        if wait is not None:
            minutes = self.t("my_tickets.wait", minutes=spread(wait.low, wait.high))
            lines.append(self.write(minutes, "body", "second", align))
        return lines

    def foot(self) -> Foot:
        if self.page.looking:
            return Foot(back=self.key("back", Back(), "button.back"))
        return Foot(
            back=self.key("back", Back(), "button.back"),
            steps=[self.key("next", Next, "button.done", primary=True)],
            idle=self.idle_words(short=True),
        )


SHOWN = MyTicketsScreen
