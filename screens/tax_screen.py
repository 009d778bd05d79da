"""What the pages of filing, paying and proof share: whose return, which period, how much, under which bureau."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

from kiosk.domain.filing import Bureau, FilingView, Form, LatePart, Line, PaymentPart, TaxpayerView
from kiosk.domain.holder import mask_name
from kiosk.domain.money import grouped
from kiosk.domain.tax import working
from kiosk.session.state import Purpose
from screens.screen import TAX_STEPS, Screen
from screens.widgets.box import Box, Column, Row, Space, Wide
from screens.widgets.button import Target
from screens.widgets.card import Card, Sign, badge
from screens.widgets.progress import Progress
from screens.widgets.text import Text

P = TypeVar("P")

STEPS = TAX_STEPS
IDENTIFIED, CHOOSING, ASKING, CHECKING, PAYING, PROVING = range(1, 7)

#: Numbered documents, as people know them.
_ANNOUNCEMENT = re.compile(r"公告([0-9]{4})年第([0-9]+)号")
_NUMBERED = re.compile(r"[一-鿿]+〔[0-9]{4}〕[0-9]+号")

_STARS = re.compile(r"\*{5,}")

BUREAUS = (Bureau.STATE, Bureau.LOCAL)


class TaxScreen(Screen[P]):
    """``purpose`` and ``taxpayer`` are what the header says; a page without a taxpayer shows the person."""

    @property
    def purpose(self) -> Purpose:
        return Purpose.FILE

    @property
    def taxpayer(self) -> TaxpayerView | None:
        return None

    def title(self) -> str:
        return self.t(f"title.{self.purpose.value}")

    def who(self) -> str:
        taxpayer = self.taxpayer
        if taxpayer is None:
            return super().who()
        name = self.named(taxpayer)
        number = taxpayer.number_masked
        # Four stars hide as much as ten and leave room for the name.
        short = _STARS.sub("****", number)
        return self.in_header(self.dotted(name, number), self.dotted(name, short), name)

    @staticmethod
    def named(taxpayer: TaxpayerView) -> str:
        """A business by its name; a natural person masked, as everywhere on the screen."""
        return mask_name(taxpayer.name) if taxpayer.role == "self" else taxpayer.name

    # ---- head ------------------------------------------------------------------------------------------------------

    def stepped(self, words: str, step: int, *under: str) -> Column:
        """The question of a page with how far the visit is, as bars and in words; looking something up has no steps."""
        if self.purpose not in (Purpose.FILE, Purpose.INVOICE):
            return self.question(words, self.dotted(*under))
        so_far = self.t("steps.of", step=step, steps=STEPS)
        # In large text the bars say it alone: the words below are needed more.
        beside = self.dotted(*under) if self.style.large else self.dotted(so_far, *under)
        note = self.write(beside, "body", "second") if beside else None
        return Column(Progress(step, STEPS), Column(self.write(words, "question"), note, gap=4), gap=26)

    # ---- words -----------------------------------------------------------------------------------------------------

    def amount(self, fen: int) -> str:
        return grouped(fen)

    def form_name(self, form: Form) -> str:
        return self.t(f"form.{form.value}")

    def day(self, day: date) -> str:
        return self.t("date.day", year=day.year, month=self.t(f"month.{day.month}"), day=day.day)

    def period(self, start: date | None, end: date | None) -> str:
        """``2026 年第三季度``; from and to where it is none of month, quarter and year; "" without one."""
        if start is None or end is None:
            return ""
        months = (end.year - start.year) * 12 + end.month - start.month + 1
        if start.day == 1 and months == 1:
            return self.t("date.month", year=end.year, month=self.t(f"month.{end.month}"))
        if start.day == 1 and months == 3 and end.month % 3 == 0:
            return self.t("date.quarter", year=end.year, quarter=self.t(f"quarter.{end.month // 3}"))
        if (start.month, end.month, months) == (1, 12, 12):
            return self.t("date.year", year=end.year)
        if start.day == 1 and start.year == end.year and (end + timedelta(days=1)).day == 1:
            first, last = self.t(f"month.{start.month}"), self.t(f"month.{end.month}")
            return self.t("date.months", year=end.year, first=first, last=last)
        return self.t("date.span", first=self.day(start), last=self.day(end))

    def about(self, filing: FilingView) -> str:
        """Of which time a filing is: its period, else the day it was filed."""
        return self.period(filing.period_start, filing.period_end) or self.day(filing.declared_at.date())

    def due(self, deadline: date) -> tuple[str, bool]:
        """How long there is time, in words; True where it is over or ends today."""
        left = (deadline - self.view.now.date()).days
        if left < 0:
            return self.t("deadline.over_one" if left == -1 else "deadline.over", days=-left), True
        if left == 0:
            return self.t("deadline.today"), True
        return self.t("deadline.one" if left == 1 else "deadline.left", days=left), left <= 3

    def why(self, line: Line) -> str:
        """How a levy comes about, in small words: ``350,000.00 × 1%（公告2026年第10号）``."""
        due = self.amount(line.due)
        document = self.document(line.source)
        if line.relief:
            relief = f"relief.{line.relief_rule}"
            document = self.t(relief) if self.view.texts.has(relief) else document
            after = line.due - line.relief
            word = "exempt" if not after else "halved" if abs(2 * line.relief - line.due) <= 1 else "reduced"
            words = self.t(f"line.{word}", due=due, relief=self.amount(line.relief))
        else:
            words = working(line) or self.t("line.computed")
        prepaid = line.due - line.relief - line.payable
        if prepaid > 0:
            words += self.t("line.prepaid", amount=self.amount(prepaid))
        return words + self.t("line.source", source=document) if document else words

    def document(self, source: str) -> str:
        """The first document of a source, without its paragraphs: the receipt has the whole of it."""
        first = source.split(";")[0].strip()
        announcement = _ANNOUNCEMENT.search(first)
        if announcement is not None:
            year, number = announcement.groups()
            return self.t("source.announcement", year=year, number=number)
        numbered = _NUMBERED.search(first)
        return numbered.group() if numbered else first.partition(" (")[0]

    # ---- pieces ----------------------------------------------------------------------------------------------------

    def money(self, fen: int, role: str = "strong", colour: str = "ink") -> Text:
        return Text(self.amount(fen), self.style.font(role), colour, align="right", tight=True)

    def total(self, fen: int, label: str, under: str = "", role: str = "amount") -> Card:
        """The amount that counts: alone, large, on dark; ``charge`` at its largest, under its label."""
        words = Column(
            self.write(label, "body", "on_dark"), self.write(under, "note", "on_dark") if under else None, gap=6
        )
        figure = Text(self.amount(fen), self.style.font(role), "on_dark", align="right", one_line=True)
        if self.style.large or role != "amount":
            return Card(Column(words, figure, gap=4), "dark", None, 32, (44, 24))
        return Card(Row(words, figure, gap=24, shares=(1, 1.35)), "dark", None, 32, (44, 38))

    def fact(self, label: str, words: str, role: str = "strong") -> Row | Column:
        """A label and what it stands for, side by side; under each other in large text."""
        name, value = self.write(label, "body", "second"), self.write(words, role, align="right")
        if self.style.large:
            value.align = "left"
            return Column(name, value, gap=2)
        return Row(Text(label, self.style.font("body"), "second", tight=True), value, gap=32)

    def arrow(self) -> Sign:
        return Sign("→", self.style.font("strong"), "accent", "sky", 88)

    def pill(self, words: str, tone: str = "good") -> Card:
        colour, ground = ("accent_dark", "sky") if tone == "plain" else (tone, f"{tone}_soft")
        if tone == "muted":
            colour, ground = "second", "muted_soft"
        return badge(words, self.style.font("badge"), colour, ground)

    def levy_row(self, line: Line) -> Row:
        words = Column(
            self.say(f"levy.{line.levy.value}", "body"),
            self.write(self.why(line), "note", "second"),
            gap=2,
        )
        return Row(words, self.money(line.payable), gap=24)

    def bureau_cards(self, lines: Sequence[Line], most: int = 4) -> list[Card]:
        """A card a bureau, with every levy it collects; a long list is told on further cards, so that none is cut."""
        cards: list[Card] = []
        for bureau in BUREAUS:
            own = [line for line in lines if line.bureau is bureau]
            for first in range(0, len(own), most):
                head = self._bureau_head(bureau, own, bool(first))
                rows: list[Box] = [head, *(self.levy_row(line) for line in own[first : first + most])]
                cards.append(Card(self.ruled(rows), pad=(44, 28)))
        return cards

    def _bureau_head(self, bureau: Bureau, lines: Sequence[Line], goes_on: bool) -> Row:
        name = self.t(f"bureau.{bureau.value}")
        words = self.t("bureau_more", bureau=name) if goes_on else name
        paid = Text(self.amount(sum(line.payable for line in lines)), self.style.font("label"), "second", tight=True)
        subtotal = paid if len(lines) > 1 and not goes_on else None
        return Row(self.write(words, "body_bold"), subtotal, gap=20)

    def late_card(self, late: Sequence[LatePart]) -> Card | None:
        """The late surcharge is a card of its own: it is not tax, and it grows every day."""
        if not late:
            return None
        rows: list[Box] = [
            Column(
                self.say("late.title", "body_bold", "care"),
                self.say("late.what", "note", "second"),
                gap=2,
            )
        ]
        for part in late:
            name = self.dotted(self.t(f"bureau.{part.bureau.value}"), self.t(f"levy.{part.levy.value}"))
            rows.append(Row(self.write(name, "body"), self.money(part.amount, "body_bold"), gap=24))
        return Card(self.ruled(rows, 14), "care_soft", None, pad=(44, 26))

    def state_pill(self, filing: FilingView) -> Card:
        """Where a filing stands, in three characters."""
        word, tone = self.standing(filing)
        return self.pill(self.t(f"standing.{word}"), tone)

    @staticmethod
    def standing(filing: FilingView) -> tuple[str, str]:
        """(word of texts ``standing.<word>``, tone)"""
        payment = filing.payment
        if filing.state in ("refused", "superseded"):
            return filing.state, "bad" if filing.state == "refused" else "muted"
        if payment is not None and payment.state in ("entered", "approved", "begun", "to_reverse", "reversed"):
            word = {"entered": "paid", "approved": "entering", "begun": "paying"}.get(payment.state, payment.state)
            return word, "good" if word == "paid" else "care"
        if filing.state in ("half_done", "received"):
            return filing.state, "care"
        return ("unpaid", "care") if filing.payable_now else ("nothing_due", "good")

    # ---- what became of a filing -----------------------------------------------------------------------------------

    def receipts(self, filing: FilingView) -> list[Row | Column]:
        """Each bureau's own receipt number, or that it is still to come."""
        rows = []
        for part in filing.parts:
            name = self.t(f"bureau.{part.bureau.value}")
            entered = next((p.receipt for p in self._entries(filing) if p.bureau is part.bureau and p.receipt), None)
            if part.state == "refused":
                words = self.t(f"bureau_problem.{part.problem or 'invalid'}")
            else:
                words = entered or part.receipt or self.t("filing.receipt_to_come")
            label = self.t("filing.entry" if entered else "filing.receipt", bureau=name)
            rows.append(self.fact(label, words, "body_bold"))
        return rows

    @staticmethod
    def _entries(filing: FilingView) -> Sequence[PaymentPart]:
        return filing.payment.parts if filing.payment else ()

    @staticmethod
    def has_invoice(filing: FilingView) -> bool:
        """An invoice can come out: its tax is paid or none was due; of a paper one there is a single sheet."""
        if filing.form is not Form.INVOICE_ON_BEHALF or filing.can_pay or filing.state not in ("accepted", "half_done"):
            return False
        invoice = filing.invoice
        if invoice is None:
            return not filing.payable_now or (filing.payment is not None and filing.payment.state == "entered")
        return invoice.state not in ("void", "red") and (invoice.medium == "digital" or invoice.state != "printed")

    def half_done(self, filing: FilingView) -> Card | None:
        """One bureau has it and the other has not answered: who goes on with it, and what need not be done."""
        if filing.state not in ("half_done", "received"):
            return None
        done = [self.t(f"bureau.{part.bureau.value}") for part in filing.parts if part.state == "accepted"]
        open_ = [self.t(f"bureau.{part.bureau.value}") for part in filing.parts if part.state == "pending"]
        join = self.t("filing.join")
        if not done or not open_:
            return self.notice(self.t("filing.received"), "care")
        # Who has still to pay comes again for that, and only for that.
        key = "filing.half_done_unpaid" if filing.payable_now and not filing.payment else "filing.half_done"
        return self.notice(self.t(key, done=join.join(done), waiting=join.join(open_)), "care")

    def filing_row(self, name: str, sends: object, filing: FilingView, amount: int | None = None) -> Target:
        """A filing in a list: what, of when, how much, and where it stands."""
        fen = filing.total if amount is None else amount
        words = Column(
            self.write(self.form_name(filing.form), "body_bold"),
            Row(self.write(self.about(filing), "note", "second"), gap=0),
            gap=4,
        )
        right = Column(
            Text(self.amount(fen), self.style.font("body_bold"), "ink", align="right", one_line=True),
            Row(Space(), self.state_pill(filing)),
            gap=8,
        )
        inside = Row(words, Wide(right, 300 * min(self.style.scale, 1.3)), gap=20)
        return Target(name, sends, inside, line="line", radius=28, pad=(36, 20), height=140)  # type: ignore[arg-type]


AnyTaxScreen = TaxScreen[Any]
