"""One question of a return, large; how it is answered depends on what is asked: cards, or our own keys."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from kiosk.domain.filing import TaxpayerView
from kiosk.domain.money import amount_in_words
from kiosk.domain.questions import AnswerKind, is_answered
from kiosk.session.events import Back, Choose, GoHome, Next
from kiosk.session.state import Ask, Purpose
from screens import reading
from screens.answers import in_words
from screens.screen import View
from screens.tax_screen import ASKING, STEPS, TaxScreen
from screens.widgets.box import Box, Column, Grid, Row, Space, Steady
from screens.widgets.button import Target
from screens.widgets.card import Card
from screens.widgets.footer import Foot
from screens.widgets.keyboard import AMOUNT, COUNT, NUMBER, KeyPanel, Keys, Layout
from screens.widgets.progress import Progress
from screens.widgets.text import Text

#: Figures of a date and where a stroke stands between them: 2026-09-30.
DATE_FIGURES = 8


class AskScreen(TaxScreen[Ask]):
    name = "ask"

    def __init__(self, view: View, page: Ask) -> None:
        super().__init__(view, page)
        self.question_asked = page.question
        self.warns = not page.looking
        self.live = not page.looking

    @property
    def purpose(self) -> Purpose:
        return self.page.work.purpose

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.work.file.taxpayer

    # ---- the page --------------------------------------------------------------------------------------------------

    def body(self) -> Box:
        if self.question_asked.kind is AnswerKind.CHOICE:
            return self._choices()
        answer = Column(self._field(), self._said(), gap=24)
        keys = self._keys()
        if self.style.landscape:
            left = Column(self._head(), answer, self._days(), gap=28, grows=True)
            # Ten letters side by side need more than half of the page.
            shares = (806, 990) if self.question_asked.kind is AnswerKind.TAXPAYER_NUMBER else (1.25, 1)
            return Row(left, Column(keys, grows=True), gap=28, align="stretch", shares=shares, grows=True)
        if self.question_asked.kind is AnswerKind.TAXPAYER_NUMBER:
            return Column(self._head(), answer, gap=36)
        return Column(self._head(), answer, self._days(), keys, gap=30)

    def panel(self) -> Box | None:
        """Letters need the whole width."""
        if self.question_asked.kind is not AnswerKind.TAXPAYER_NUMBER or self.style.landscape:
            return None
        return KeyPanel(self._letters())

    def _head(self) -> Column:
        """The question, where in the return it stands, and what helps to answer it."""
        key = f"question.{self.question_asked.id}"
        place = self.t("ask.position", at=self.page.number, of=self.page.count)
        where = self.t("ask.change") if self.page.changing else place
        under = self.dotted(where, self._period())
        help_key = f"{key}.help"
        obligation = self.page.work.obligation
        quota = self.amount(obligation.quota or 0) if obligation else ""
        helps = self.say(help_key, "body", "second", quota=quota) if self.view.texts.has(help_key) else None
        return Column(
            Progress(ASKING, STEPS),
            Column(self.say(f"{key}.ask", "question"), self.write(under, "label", "second"), gap=4),
            helps,
            gap=24,
        )

    def _period(self) -> str:
        obligation = self.page.work.obligation
        return self.period(obligation.period_start, obligation.period_end) if obligation else ""

    # ---- a choice --------------------------------------------------------------------------------------------------

    def _choices(self) -> Box:
        choices = self.question_asked.choices
        columns = 2 if self.style.landscape and len(choices) > 2 else 1
        cards = [self._choice(choice) for choice in choices]
        cards_grid = Grid(cards, columns, gap=24)
        said = self._said() if self.page.problem else None
        if self.style.landscape:
            left = Column(self._head(), said, gap=28)
            return Row(left, cards_grid, gap=48, align="top", shares=(1, 1.2))
        return Column(self._head(), said, cards_grid, gap=36)

    def _choice(self, choice: str) -> Target:
        key = f"question.{self.question_asked.id}.{choice}_what"
        what = self.say(key, "label", "second") if self.view.texts.has(key) else None
        words = Column(self.write(in_words(self, self.question_asked, choice), "strong"), what, gap=6)
        chosen = self.page.work.answers.get(self.question_asked.id) == choice
        inside = Row(words, self.arrow(), gap=24)
        fill, line = ("sky", "accent") if chosen else ("card", "line")
        many = len(self.question_asked.choices) > 4
        return Target(
            f"choice.{choice}",
            partial(Choose, choice),
            inside,
            fill,
            line,
            pad=(44, 20 if many else 32),
            height=132 if many else 176,
        )

    # ---- what is typed ---------------------------------------------------------------------------------------------

    def _field(self) -> Card:
        entry = self.page.entry
        font = self.style.font("amount" if self.question_asked.kind is AnswerKind.COUNT else "figure")
        match self.question_asked.kind:
            case AnswerKind.AMOUNT:
                return self._amount(entry)
            case AnswerKind.COUNT:
                shown = entry or "0"
            case AnswerKind.DATE:
                shown = self._date_shown(entry)
            case _:
                shown = entry or " "
        text = Text(shown, font, "ink" if entry else "second", align="right", one_line=True)
        return Card(text, line="bad" if self.page.problem else "accent", pad=(44, 16))

    def _amount(self, entry: str) -> Card:
        """The figure, large and grouped, and the same amount as one would say it and as it is written on a cheque."""
        figure = Text(
            reading.typed(entry) or "0", self.style.font("charge"), "ink" if entry else "second", "right", True
        )
        unit = Text(self.t("ask.yuan"), self.style.font("strong"), "second", tight=True)
        fen = reading.fen_of(entry)
        said = reading.spoken(fen, self.zh) if entry else self.t("ask.amount_empty")
        words: list[Box] = [Text(said, self.style.font("strong"), "accent", "right", one_line=True)]
        if self.zh:
            capitals = amount_in_words(fen) if fen else " "
            words.append(Text(capitals, self.style.font("label"), "second", "right", one_line=True))
        body = Column(Row(figure, unit, gap=16), *words, gap=2)
        return Card(body, line="bad" if self.page.problem else "accent", pad=(44, 20))

    @staticmethod
    def _date_shown(entry: str) -> str:
        figures = entry.replace("-", "").ljust(DATE_FIGURES, "_")
        return f"{figures[:4]} - {figures[4:6]} - {figures[6:8]}"

    def _days(self) -> Box | None:
        """The days that most papers are of, with one touch each."""
        if self.question_asked.kind is not AnswerKind.DATE or not self.question_asked.choices:
            return None
        return Row(*(self._day(choice) for choice in self.question_asked.choices), gap=20, align="stretch")

    def _day(self, choice: str) -> Target:
        day = self.view.now.date() - timedelta(days=1 if choice == "yesterday" else 0)
        date_words = self.t("date.short", month=self.t(f"month.{day.month}"), day=day.day)
        name = self.say(f"ask.{choice}", "body_bold", align="centre")
        words = Column(name, self.write(date_words, "label", "second", "centre"), align="middle", grows=True)
        return Target(f"choice.{choice}", partial(Choose, choice), words, "sky", None, pad=(16, 20))

    def _said(self) -> Box:
        """What is wrong, or nothing; always as high as the longest problem, so that the keys stay where they are."""
        problem = self.page.problem
        if self.page.looking:
            return self.notice(self.t("ask.looking"), "plain", "●")
        if problem is None and self.question_asked.kind is AnswerKind.CHOICE:
            return Space()
        known = [key for key in sorted(self.view.texts.keys) if key.startswith("answer_problem.")]
        said = self.notice(self.t(f"answer_problem.{problem}"), "bad") if problem else Space()
        return Steady(said, [self.notice(self.t(key), "bad") for key in known])

    # ---- keys ------------------------------------------------------------------------------------------------------

    def _keys(self) -> Keys:
        layouts: dict[AnswerKind, Layout] = {
            AnswerKind.AMOUNT: AMOUNT,
            AnswerKind.COUNT: COUNT,
            AnswerKind.DATE: COUNT,
        }
        kind = self.question_asked.kind
        if kind is AnswerKind.TAXPAYER_NUMBER:
            return self._letters()
        return Keys(layouts[kind], self.t("button.clear"), self.style, role="digit", height=120, grows=True)

    def _letters(self) -> Keys:
        return Keys(NUMBER, self.t("button.clear"), self.style, height=120 if self.style.landscape else 112)

    def foot(self) -> Foot:
        if self.page.looking:
            return Foot(back=self.key("home", GoHome(), "ask.home"), idle=self.t("waiting.no_touch"))
        back = self.key("back", Back(), "button.back")
        if self.question_asked.kind is AnswerKind.CHOICE and not is_answered(
            self.question_asked, self.page.work.answers
        ):
            return Foot(back=back, idle=self.idle_words())
        # A choice made before stands: who only looked goes on without making it again.
        chosen = self.question_asked.kind is AnswerKind.CHOICE
        ready = chosen or (bool(self.page.entry) and self.page.problem is None)
        return Foot(
            back=back,
            steps=[self.key("next", Next, "button.next", primary=ready)],
            idle=self.idle_words(short=True),
        )


SHOWN = AskScreen
