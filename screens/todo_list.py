"""What is due, by deadline; what is filed and not paid; what can be brought up besides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kiosk.domain.filing import FilingView, Form, Obligation, TaxpayerView
from kiosk.session.events import ContinueDraft, DropDraft, PickFiling, PickForm, PickObligation
from kiosk.session.state import TodoList
from screens.tax_screen import CHOOSING, TaxScreen
from screens.widgets.box import Box, Column, Padded, Row, Space
from screens.widgets.button import Target, button
from screens.widgets.card import Card
from screens.widgets.paged_list import PagedList


class TodoListScreen(TaxScreen[TodoList]):
    name = "todo_list"
    warns = True

    @property
    def taxpayer(self) -> TaxpayerView:
        return self.page.file.taxpayer

    def body(self) -> Box:
        file = self.page.file
        unpaid = [filing for filing in file.filings if filing.can_pay and filing.payable_now]
        due = [obligation for obligation in file.obligations if obligation.state == "open"]
        key = "todo.question" if due or unpaid else "todo.question_nothing"
        head = self.stepped(self.t(key), CHOOSING)
        # Money that grows every day first, then what is due, then what can wait.
        rows: list[Callable[[], Box]] = [self._alone] if self.page.said_on is not None else []
        rows += [partial(self._unpaid, filing) for filing in unpaid]
        rows += [partial(self._due, obligation) for obligation in due]
        if not (unpaid or due):
            rows.append(self._nothing)
        rows += [partial(self._later, later) for later in file.obligations if later.state == "not_yet_open"]
        rows += [partial(self._other, form, first=not i) for i, form in enumerate(file.forms)]
        entries = PagedList(len(rows), lambda index: rows[index](), self.view.turned, self.style, cards=True)
        if self.style.landscape and self.page.draft is not None:
            left = Column(head, self._draft(), gap=28)
            return Row(left, Column(entries, grows=True), gap=40, align="stretch", shares=(1, 1.5), grows=True)
        return Column(head, self._draft(), entries, gap=28, grows=True)

    def _draft(self) -> Card | None:
        draft = self.page.draft
        if draft is None:
            return None
        obligation = next((one for one in self.page.file.obligations if one.id == draft.obligation), None)
        period = self.period(obligation.period_start, obligation.period_end) if obligation else ""
        about = self.dotted(
            self.form_name(draft.form), period, self.t("todo.draft_saved", day=self.day(draft.saved_on))
        )
        font = self.style.font("button")
        keys = Row(
            button("drop_draft", DropDraft(), self.t("todo.draft_drop"), font, pad=32),
            Space(),
            button("continue_draft", ContinueDraft, self.t("todo.draft_continue"), font, primary=True, pad=44),
            gap=24,
        )
        said = Column(self.say("todo.draft", "strong"), self.write(about, "label", "second"), gap=4)
        return Card(Column(said, keys, gap=20), "sky", None, pad=(44, 26))

    # ---- rows ------------------------------------------------------------------------------------------------------

    def _due(self, obligation: Obligation) -> Target:
        words, pressing = self.due(obligation.deadline)
        until = self.t("todo.until", day=self.day(obligation.deadline))
        late = self.view.now.date() > obligation.deadline
        said = Column(
            self.write(self.form_name(obligation.form), "strong"),
            self.write(self.period(obligation.period_start, obligation.period_end), "body", "second"),
            self.write(self.dotted(until, words), "label", "care" if pressing else "second"),
            self.say("todo.late", "note", "care") if late and not self.style.large else None,
            gap=6,
        )
        return self._row(f"obligation.{obligation.id}", partial(PickObligation, obligation.id), said)

    def _unpaid(self, filing: FilingView) -> Target:
        said = Column(
            self.write(self.form_name(filing.form), "strong"),
            self.write(self.about(filing), "body", "second"),
            self.say("todo.unpaid", "body_bold", amount=self.amount(filing.payable_now)),
            self.say("todo.late_to_date", "label", "care", amount=self.amount(filing.late_total))
            if filing.late_total
            else None,
            gap=6,
        )
        return self._row(f"filing.{filing.key}", PickFiling(filing.key), said)

    def _other(self, form: Form, first: bool) -> Box:
        said = Column(
            self.write(self.form_name(form), "strong"),
            None if self.style.large else self.say(f"todo.about_{form.value}", "label", "second"),
            gap=6,
        )
        row = self._row(f"form.{form.value}", partial(PickForm, form), said)
        # The heading stays with the first of them, whatever page of the list that comes to stand on.
        return Column(self.say("todo.others", "body_bold", "second"), row, gap=12) if first else row

    def _row(self, name: str, sends: object, said: Column) -> Target:
        return Target(name, sends, Row(said, self.arrow(), gap=24), pad=(44, 24), height=144)  # type: ignore[arg-type]

    def _later(self, obligation: Obligation) -> Card:
        """Only to be known: nothing can be done about it yet, so it is no button."""
        period = self.period(obligation.period_start, obligation.period_end)
        words = self.t("todo.not_yet", form=self.form_name(obligation.form), period=period)
        return Card(Padded(self.write(words, "label", "second"), 0, 4), "page", pad=(44, 20))

    def _alone(self) -> Card:
        """The hall is silent: of which day this is, and that it can be filed and not paid."""
        said_on = self.page.said_on or self.view.now.date()
        return self.notice(self.t("todo.remembered", day=self.day(said_on)), "care")

    def _nothing(self) -> Card:
        return self.notice(self.t("todo.nothing"), "good", "✓")


SHOWN = TodoListScreen
