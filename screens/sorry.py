"""When it does not go the usual way: what is safe, what can be done now, what need not be done."""

from __future__ import annotations

from kiosk.domain.money import grouped
from kiosk.session.events import Back, Next, Pay, PrintAgain, Reprint, Touched
from kiosk.session.flows.sorry import LOOK_AGAIN
from kiosk.session.state import Purpose, Sorry, SorryReason
from screens.screen import Screen
from screens.widgets.box import Box, Column, Row, Space
from screens.widgets.button import AtMoment, Target, button
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot
from screens.widgets.text import Text

#: Where the words of several causes of one reason stand.
CAUSES: dict[SorryReason, tuple[str, ...]] = {
    SorryReason.NO_TAXPAYER: ("filing_problem",),
    SorryReason.FILING_REFUSED: ("filing_problem", "bureau_problem"),
    SorryReason.PAYMENT_REFUSED: ("pay_refused",),
    SorryReason.PAYMENT_NOT_HELD: ("payment_problem",),
    SorryReason.NOT_ISSUED: ("issue_problem",),
}

#: About a number in line, not about taxes.
NUMBERS = frozenset(
    {
        SorryReason.PRINT_FAILED,
        SorryReason.PRINT_UNCERTAIN,
        SorryReason.NOT_SAVED,
        SorryReason.HALL_SILENT,
        SorryReason.NO_TICKET,
    }
)

#: Here the machine still works at it: somebody may want to stay and see the end.
_WORTH_WAITING = frozenset({SorryReason.PAYMENT_UNKNOWN})


class SorryScreen(Screen[Sorry]):
    name = "sorry"

    def title(self) -> str:
        if self.page.purpose is not None:
            return self.t(f"title.{self.page.purpose.value}")
        if self.page.reason in NUMBERS:
            mine = self.page.reason in (SorryReason.NO_TICKET, SorryReason.HALL_SILENT)
            return self.t("title.my_number" if mine else "title.take_number")
        return self.t("title.file")

    def who(self) -> str:
        return self.where()

    def body(self) -> Box:
        # In large text the words need the room of the sign; with an amount they need it always.
        large = self.style.large or self._amount() is not None
        sign = None if large else Row(Sign("!", self.style.font("primary"), "care", "care_soft", 160), Space())
        head = Column(sign, self._title(), gap=32)
        if self.style.landscape:
            left = Column(head, self._number(), self._amount(), self._again(), gap=36)
            return Row(left, Column(self._parts()), gap=56, align="top")
        return Column(
            head, self._number(), self._amount(), self._parts(), self._again(), gap=24 if self.style.large else 36
        )

    def _title(self) -> Column:
        return Column(
            self.write(self.words("title"), "question"), self.write(self.words("why"), "body", "second"), gap=8
        )

    # ---- words -----------------------------------------------------------------------------------------------------

    def words(self, part: str) -> str:
        """The reason's own words for a part; where more is known (paper, place, cause), the words that say so."""
        key = f"sorry.{self.page.reason.value}.{part}"
        slip = self.page.slip
        if part == "why":
            if self.page.paper_out:
                return self.t("sorry.paper_out")
            return self._cause() or self.t(key)
        if part == "safe" and slip is not None and slip.ahead:
            return self.t(f"{key}_in_line", ahead=slip.ahead)
        if part == "safe" and self.page.filing is not None and self.view.texts.has(f"{key}_{self._so_far()}"):
            return self.t(f"{key}_{self._so_far()}")
        return self.t(key)

    def _cause(self) -> str:
        keys = (f"{table}.{self.page.word}" for table in CAUSES.get(self.page.reason, ()))
        return next((self.t(key) for key in keys if self.view.texts.has(key)), "")

    def _so_far(self) -> str:
        """How far the filing had come: nobody shall fear that what is done has to be done anew."""
        payment = self.page.filing.payment if self.page.filing else None
        return "paid" if payment is not None and payment.state in ("approved", "entered") else "filed"

    # ---- pieces ----------------------------------------------------------------------------------------------------

    def _number(self) -> Card | None:
        if self.page.slip is None:
            return None
        number = Text(self.page.slip.number, self.style.font("call"), "accent", tight=True)
        return Card(Row(self.say("sorry.number"), number, gap=24), "sky", None, pad=(48, 44))

    def _amount(self) -> Card | None:
        """What it is about, alone and large."""
        if self.page.amount is None:
            return None
        charged = self.page.reason in (SorryReason.PAPER_FAILED, SorryReason.PAPER_UNCERTAIN)
        label = "sorry.amount_paid" if charged else "sorry.amount"
        figure = Text(grouped(self.page.amount), self.style.font("amount"), "accent", align="right", one_line=True)
        if self.style.large:
            return Card(Column(self.say(label), figure, gap=4), "sky", None, pad=(48, 24))
        return Card(Row(self.say(label), figure, gap=24, shares=(1, 1.4)), "sky", None, pad=(48, 36))

    def _parts(self) -> Card:
        rows: list[Box] = []
        for part in ("safe", "now", "not_needed"):
            if rows:
                rows.append(Rule())
            rows.append(
                Column(self.say(f"sorry.part.{part}", "label", "second"), self.write(self.words(part), "read"), gap=4)
            )
        return Card(Column(*rows, gap=30), pad=(50, 44))

    def _again(self) -> Row | None:
        """One more try, where it can do no harm."""
        reason = f"sorry.{self.page.reason.value}"
        if self.page.slip is not None and self.page.can_reprint:
            return self._button("reprint", Reprint(self.page.slip.token), f"{reason}.reprint")
        if self.page.printing is not None and self.page.can_reprint:
            return self._button("print_again", PrintAgain(), f"{reason}.reprint")
        return None

    def _button(self, name: str, sends: Reprint | PrintAgain, words: str) -> Row:
        again: Target = button(name, sends, self.t(words), self.style.font("button"))
        return Row(again, Space())

    @property
    def _can_look_again(self) -> bool:
        """Back to what is due, as it stands now."""
        known = self.page.taxpayer is not None and self.page.purpose not in (None, Purpose.INVOICE)
        return known and self.page.reason in LOOK_AGAIN

    @property
    def _can_pay_again(self) -> bool:
        return (
            self.page.reason is SorryReason.PAYMENT_REFUSED and self.page.filing is not None and self.situation.can_pay
        )

    def foot(self) -> Foot:
        leave = self.key("next", Next, f"sorry.{self.page.reason.value}.next", primary=not self._can_pay_again)
        idle = self.idle_words(short=True)
        if self._can_pay_again:
            return Foot(
                back=leave,
                steps=[self.key("pay", AtMoment(Pay), "sorry.payment_refused.again", primary=True)],
                idle=idle,
            )
        back = self.key("back", Back(), "sorry.look_again") if self._can_look_again else None
        steps = [leave]
        if self.page.slip is not None or self.page.amount is not None or self.page.reason in _WORTH_WAITING:
            steps.insert(0, self.key("more_time", Touched(), "button.more_time"))
        return Foot(back=back, steps=steps, idle="" if back and len(steps) > 1 else idle)


SHOWN = SorryScreen
