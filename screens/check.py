"""请核对，无误后提交: every answer, every levy under its bureau with its rule, and the sum."""

from __future__ import annotations

from dataclasses import replace

from kiosk.domain.filing import Form, Levy, TaxpayerView
from kiosk.session.events import Back, Change, Submitted
from kiosk.session.state import Check, Purpose
from screens.answers import Answer, answered, known_already
from screens.tax_screen import CHECKING, TaxScreen
from screens.widgets.box import Box, Column, Grid, Row
from screens.widgets.button import AtMoment, Target
from screens.widgets.card import Card
from screens.widgets.footer import Foot
from screens.widgets.paged_list import FittedCards
from screens.widgets.text import Text

#: Answers on one card; more go on to a second, so that none is cut and the usual return is seen at one look.
ANSWERS_A_CARD, LARGE_ANSWERS_A_CARD = 4, 3

#: An answer that is longer needs the whole width; Chinese characters are as wide as two Latin ones.
LONGEST_HALF = 22


class CheckScreen(TaxScreen[Check]):
    name = "check"
    warns = True

    @property
    def purpose(self) -> Purpose:
        return self.page.work.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.work.file.taxpayer

    def body(self) -> Box:
        obligation = self.page.work.obligation
        of_when = ""
        if obligation is not None:
            of_when = self.t("check.period", period=self.period(obligation.period_start, obligation.period_end))
        head = self.stepped(self.t("check.question"), CHECKING, of_when)
        entries = FittedCards(lambda size: self._scaled(size).cards(), self.view.turned, self.style)
        if self.style.landscape:
            left = Column(head, self._sum(), gap=28)
            return Row(left, Column(entries, grows=True), gap=40, align="stretch", shares=(1, 1.5), grows=True)
        return Column(head, entries, self._sum(), gap=24, grows=True)

    def _scaled(self, size: float) -> CheckScreen:
        return self if size == 1 else CheckScreen(replace(self.view, style=self.style.scaled(size)), self.page)

    def cards(self) -> list[Box]:
        cards = [
            # Before the figures: who has had the tax withheld already should not file it here.
            self._withholding(),
            *self._answers(),
            self._register(),
            *self.bureau_cards(self.page.assessment.lines_to_pay),
            self.late_card(self.page.late),
        ]
        return [card for card in cards if card is not None]

    def _sum(self) -> Card:
        late = sum(part.amount for part in self.page.late)
        fen = self.page.assessment.to_pay + late
        bureaus = {line.bureau for line in self.page.assessment.lines_to_pay if line.payable}
        under = "check.nothing_due" if not fen else "check.one_swipe" if len(bureaus) > 1 else "check.pay_here"
        words = self.t("declared.late", amount=self.amount(late)) if late else self.t(under)
        return self.total(fen, self.t("check.total"), words)

    # ---- what was answered -----------------------------------------------------------------------------------------

    def _answers(self) -> list[Card]:
        answers = list(answered(self, self.page.work))
        most = LARGE_ANSWERS_A_CARD if self.style.large else ANSWERS_A_CARD
        cards = []
        for first in range(0, len(answers), most):
            head = self.say("check.answers" if not first else "check.answers_more", "body_bold")
            rows: list[Box | None] = [Column(head, *self._cells(answers[first : first + most]), gap=14)]
            if first + most >= len(answers):
                rows.append(self._place() if self._says_place() else None)
            cards.append(Card(self.ruled(rows, 14), pad=(44, 24)))
        return cards

    def _cells(self, answers: list[Answer]) -> list[Box]:
        """Side by side where they are short; each is a target as a whole."""
        short = [answer for answer in answers if not self.style.large and self._is_short(answer)]
        long = [answer for answer in answers if answer not in short]
        grid = Grid([self._cell(answer) for answer in short], 1 if len(short) == 1 else 2, gap=14)
        return [*([grid] if short else []), *(self._cell(answer) for answer in long)]

    @staticmethod
    def _is_short(answer: Answer) -> bool:
        return not answer.note and _length(answer.words) <= LONGEST_HALF

    def _cell(self, answer: Answer) -> Target:
        change = Text(self.t("check.change"), self.style.font("label"), "accent", "right", tight=True)
        label = Row(Text(answer.label, self.style.font("label"), "second", one_line=True), change, gap=16)
        value = Text(answer.words, self.style.font("strong"), one_line=True)
        note = self.write(answer.note, "label", "second") if answer.note else None
        words = Column(label, value, note)
        name = f"change.{answer.question}"
        return Target(name, Change(answer.question), words, radius=20, pad=(26, 10), height=120)

    def _register(self) -> Card | None:
        """What the register knew and nobody was asked."""
        known = list(known_already(self, self.page.work))
        rows: list[Box] = [self.fact(label, words, "body_bold") for label, words in known]
        return Card(self.ruled([self.say("register.title", "body_bold"), *rows], 14), pad=(44, 24)) if rows else None

    def _says_place(self) -> bool:
        """Where the business lies is the register's word; it decides the rate of the city construction tax."""
        levies = {line.levy for line in self.page.assessment.lines}
        return Levy.UMCT in levies and self.page.work.form is not Form.INVOICE_ON_BEHALF

    def _place(self) -> Row | Column:
        district = self.taxpayer.district_zh if self.zh else self.taxpayer.district_en
        under = self.say(f"place.{self.taxpayer.place.value}", "note", "second")
        if self.style.large:
            return Column(self.say("check.place", "label", "second"), self.write(district, "body_bold"), gap=2)
        return Row(Column(self.say("check.place"), under, gap=2), self.write(district, "strong", align="right"), gap=24)

    def _withholding(self) -> Card | None:
        """Units that pay a natural person may have to withhold the tax of this invoice themselves."""
        source = self.page.assessment.extra.get("payer_withholds")
        return (
            self.notice(self.t("check.payer_withholds", source=self.document(str(source))), "plain", "i")
            if source
            else None
        )

    def foot(self) -> Foot:
        return Foot(
            back=self.key("back", Back(), "button.back"),
            steps=[self.key("submit", AtMoment(Submitted), "check.submit", primary=True)],
            idle=self.idle_words(short=True),
        )


def _length(words: str) -> int:
    return sum(1 if char.isascii() else 2 for char in words)


SHOWN = CheckScreen
