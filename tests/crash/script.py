"""What a person wants at the kiosk, as touches: a page comes, a touch follows. Who comes back goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from kiosk.domain.filing import FilingView, Form
from kiosk.domain.questions import AnswerKind
from kiosk.session.events import (
    Choose,
    ContinueDraft,
    GoHome,
    IssueInvoice,
    Next,
    Pay,
    PickBureau,
    PickFiling,
    PickForm,
    PickObligation,
    PickService,
    PickTaxpayer,
    Start,
    Submitted,
    Touch,
    Typed,
)
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    ChooseService,
    ChooseTaxpayer,
    CompareNumber,
    Confirm,
    Declared,
    Finished,
    Home,
    MyTaxes,
    Page,
    Purpose,
    Sorry,
    TakeTicket,
    TodoList,
)


class Wish(msgspec.Struct, frozen=True):
    """One visit: for whom, what, and with which answers (by question)."""

    purpose: Purpose
    taxpayer: str
    form: Form
    answers: Mapping[str, str] = {}
    bureau: str = "state"


@dataclass
class Script:
    """``touch`` is asked after every page; ``ended`` says how the visit ended, once it has."""

    wish: Wish
    ended: str = ""
    _begun: bool = False
    _typed: dict[str, bool] = field(default_factory=dict)

    def touches(self, page: Page, now: datetime) -> list[Touch]:
        """What the person does on seeing this page; empty: waits."""
        today = now.date()
        wish = self.wish
        match page:
            case Home():
                if self._begun:
                    self.ended = self.ended or "home"
                    return []
                self._begun = True
                return [Start(wish.purpose)]
            case ChooseService():
                return [PickService(None, today)]
            case Confirm():
                return [Next(today)]
            case TakeTicket():
                return self._ends("finished")
            case ChooseTaxpayer():
                return [PickTaxpayer(wish.taxpayer)]
            case TodoList(file=file, draft=draft):
                if draft is not None:
                    return [ContinueDraft(today)]
                for obligation in file.obligations:
                    if obligation.form is wish.form and obligation.state == "open":
                        return [PickObligation(obligation.id, today)]
                for filing in file.filings:
                    if filing.form is wish.form and filing.can_pay:
                        return [PickFiling(filing.key)]
                if wish.form in file.forms and not any(_stands(filing, wish) for filing in file.filings):
                    return [PickForm(wish.form, today)]
                return self._ends("nothing left")
            case Ask(question=question, entry=entry, looking=False):
                answer = wish.answers[question.id]
                if question.kind is AnswerKind.CHOICE:
                    return [Choose(answer, today)]
                if entry:
                    return [Next(today)]
                return [*(Typed(key, today) for key in answer), Next(today)]
            case Check():
                return [Submitted(now)]
            case Declared(filing=filing):
                return [Pay(now)] if filing.can_pay else self._ends("declared")
            case CompareNumber():
                return [Next(today)]
            case Finished(filing=filing, invoice=invoice):
                if wish.form is Form.INVOICE_ON_BEHALF and invoice is None and _paid(filing):
                    return [IssueInvoice()]
                return self._ends("finished")
            case Certificates(filing=None, file=file):
                entered = [filing for filing in file.filings if _paid(filing) and filing.form is wish.form]
                return [PickFiling(entered[0].key)] if entered else self._ends("nothing entered")
            case Certificates(filing=FilingView() as filing):
                return [PickBureau(part.bureau) for part in filing.parts if part.bureau == wish.bureau]
            case MyTaxes(file=file, filing=None):
                owed = [filing for filing in file.filings if filing.form is wish.form and filing.invoice is None]
                return [PickFiling(owed[0].key)] if owed else self._ends("nothing left")
            case MyTaxes(filing=FilingView() as filing):
                return [Pay(now)] if filing.can_pay else [IssueInvoice()]
            case Sorry(reason=reason, word=word):
                return self._ends(f"sorry {reason} {word}".strip())
            case _:
                return []

    def _ends(self, how: str) -> list[Touch]:
        self.ended = self.ended or how
        return [GoHome()]


def _paid(filing: FilingView) -> bool:
    return filing.payment is not None and filing.payment.state == "entered"


def _stands(filing: FilingView, wish: Wish) -> bool:
    return filing.form is wish.form and filing.state not in ("refused", "superseded")
