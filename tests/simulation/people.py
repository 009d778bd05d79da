"""People at a kiosk: most know what they want, some touch anything, tap twice, walk away, and come back elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING

from hall.register.demo import credit_code, organisation_code
from kiosk.domain.filing import Bureau, Form
from kiosk.domain.questions import AnswerKind
from kiosk.session.events import (
    Back,
    CancelPay,
    Choose,
    ContinueDraft,
    CorrectFiling,
    DropDraft,
    Event,
    GoHome,
    IssueInvoice,
    Next,
    Pay,
    PickBureau,
    PickFiling,
    PickForm,
    PickObligation,
    PickService,
    PickTab,
    PickTaxpayer,
    PrintAgain,
    Reprint,
    SetLanguage,
    SetLargeText,
    Start,
    Submit,
    Submitted,
    Touched,
    Typed,
    UseCard,
    UseKeypad,
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
    Identify,
    Keypad,
    Language,
    MyTaxes,
    MyTickets,
    Page,
    Purpose,
    QueryTab,
    ServiceDetail,
    Sorry,
    TakeTicket,
    TodoList,
)
from tests.simulation.devices import card_of

if TYPE_CHECKING:
    from tests.simulation.town import Machine

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SURNAMES = "陈林黄张李王吴蔡杨郑刘郭许曾沈洪苏庄谢卢"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超秀霞平"

#: What people come for, and how often.
PURPOSES = MappingProxyType(
    {
        Purpose.TAKE_NUMBER: 55,
        Purpose.MY_NUMBER: 8,
        Purpose.FILE: 24,
        Purpose.INVOICE: 5,
        Purpose.CERTIFICATE: 4,
        Purpose.QUERY: 4,
    }
)


@dataclass(frozen=True)
class Citizen:
    """One person with one small business."""

    name: str
    number: str
    taxpayer: str
    state_serial: str
    local_serial: str
    valid_to: date | None

    @property
    def birth(self) -> date:
        return date(int(self.number[6:10]), int(self.number[10:12]), int(self.number[12:14]))


def citizens(count: int) -> list[Citizen]:
    """Invented, all with good check digits; every thirtieth card has expired."""
    return [_citizen(i) for i in range(count)]


def _citizen(i: int) -> Citizen:
    body = f"350602{1941 + i % 60}{1 + i % 12:02d}{1 + i % 28:02d}{i % 1000:03d}"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]
    name = _SURNAMES[i % 20] + _GIVEN[i // 20 % 20] + _GIVEN[(i * 7 + 3) % 20]
    code = credit_code("92350602", organisation_code(f"MA8{i:05d}"))
    valid_to = date(2021, 1, 1) if i % 30 == 29 else date(2031, 1, 1) if i % 2 else None
    return Citizen(name, body + check, code, f"1013506{i:013d}", f"2013506{i:013d}", valid_to)


class Visitor:
    """One person before one machine."""

    def __init__(self, machine: Machine, citizen: Citizen, purpose: Purpose, chance: Random) -> None:
        self.machine, self.citizen, self.purpose, self.chance = machine, citizen, purpose, chance
        self.gone = False
        self._begun = False
        self._card_laid = False
        self._patience = chance.randint(25, 90)
        """Looks at the screen before giving up."""

    def begin(self) -> None:
        self._soon()

    def _soon(self) -> None:
        self.machine.town.loop.at(self.chance.uniform(0.15, 2.2), self._act)

    def leave(self) -> None:
        if self.gone:
            return
        self.gone = True
        if self._card_laid:
            self.machine.reader.lift()
        self.machine.visitor_left()

    def _act(self) -> None:
        if self.gone:
            return
        self._patience -= 1
        if self.machine.town.closing or self._patience <= 0 or self.chance.random() < 0.008:
            self.leave()
            return
        shown = self.machine.shown
        if shown is not None:
            touches = self._touches(shown.session.page)
            if self.chance.random() < 0.05:
                touches = [self._anything(shown.session.page)]
            elif touches and self.chance.random() < 0.08:
                touches = [*touches, touches[-1]]
            for event in touches:
                self.machine.touch(event)
        if not self.gone:
            self._soon()

    def _lay_card(self) -> None:
        if not self._card_laid:
            self._card_laid = True
            who = self.citizen
            self.machine.reader.lay(card_of(who.name, who.number, who.birth, who.valid_to))

    def _lift_card(self) -> None:
        if self._card_laid:
            self._card_laid = False
            self.machine.reader.lift()

    # ---- what a page makes them do -----------------------------------------------------------------------------------

    def _touches(self, page: Page) -> list[Event]:
        chance, today = self.chance, self.machine.trusted.now().date()
        if not self._begun and not isinstance(page, Home):
            # Somebody walked away from it.
            return [GoHome()] if chance.random() < 0.8 else [Touched()]
        match page:
            case Home():
                if self._begun and chance.random() < 0.85:
                    self.leave()
                    return []
                self._begun = True
                if self.purpose is Purpose.TAKE_NUMBER and chance.random() < 0.5:
                    self._lift_card()
                    self._lay_card()
                    return []
                return [Start(self.purpose)]
            case Identify(problem=problem, reading=reading):
                if reading:
                    return []
                if problem is not None and page.can_type and chance.random() < 0.6:
                    return [UseKeypad()]
                if problem is not None and chance.random() < 0.3:
                    return [Back()]
                self._lift_card()
                self._lay_card()
                return []
            case Keypad(digits=digits):
                if len(digits) == 18:
                    return [Submit(today)]
                if digits and not self.citizen.number.startswith(digits):
                    return [Typed("clear", today)]
                return [Typed(key, today) for key in self.citizen.number[len(digits) :]]
            case ChooseService(guide=True):
                return [Back()]
            case ChooseService():
                if chance.random() < 0.6:
                    return [PickService(None, today)]
                return [PickService(chance.choice(self.machine.town.services), today)]
            case ServiceDetail():
                return [Next(today)] if chance.random() < 0.8 else [Back()]
            case Confirm():
                return [Next(today)] * chance.choice((1, 1, 2))
            case TakeTicket(slip=slip):
                self.machine.number_seen(slip)
                roll = chance.random()
                return [Reprint(slip.token)] if roll < 0.08 else [Next(today)] if roll < 0.7 else []
            case MyTickets(looking=False, tickets=tickets):
                if tickets and chance.random() < 0.3:
                    return [Reprint(tickets[0].slip.token)]
                return [Next(today)]
            case Sorry(slip=slip, can_reprint=can_reprint):
                if slip is not None:
                    self.machine.number_seen(slip)
                if slip is not None and can_reprint and chance.random() < 0.5:
                    return [Reprint(slip.token)]
                if can_reprint and chance.random() < 0.5:
                    return [PrintAgain()]
                return [chance.choice((Next(today), Back(), GoHome()))]
        return self._about_taxes(page)

    def _about_taxes(self, page: Page) -> list[Event]:
        chance, now = self.chance, self.machine.trusted.now()
        today = now.date()
        match page:
            case ChooseTaxpayer(taxpayers=taxpayers):
                return [PickTaxpayer(chance.choice(taxpayers).id)]
            case TodoList(file=file, draft=draft):
                if draft is not None:
                    return [ContinueDraft(today) if chance.random() < 0.8 else DropDraft()]
                payable = [filing for filing in file.filings if filing.can_pay]
                due = [each for each in file.obligations if each.state == "open"]
                roll = chance.random()
                if payable and roll < 0.35:
                    return [PickFiling(chance.choice(payable).key)]
                if payable and roll < 0.42:
                    return [CorrectFiling(chance.choice(payable).key, today)]
                if due and roll < 0.85:
                    return [PickObligation(chance.choice(due).id, today)]
                if file.forms and roll < 0.97:
                    form = Form.STAMP if Form.STAMP in file.forms else chance.choice(file.forms)
                    return [PickForm(form, today)]
                return [Back()]
            case Ask(looking=True):
                return []
            case Ask(question=question, problem=problem):
                if problem is not None and chance.random() < 0.5:
                    return [Typed("clear", today)]
                match question.kind:
                    case AnswerKind.CHOICE | AnswerKind.DATE if question.choices:
                        return [Choose(self._choice(question.choices), today)]
                    case AnswerKind.TAXPAYER_NUMBER:
                        number = chance.choice(self.machine.town.people).taxpayer
                        return [Typed("clear", today), *(Typed(key, today) for key in number), Next(today)]
                    case AnswerKind.COUNT:
                        return [Typed("clear", today), Typed(str(chance.randint(1, 9)), today), Next(today)]
                    case _:
                        figure = str(chance.choice((1, 99_999, 300_000, 300_001, 480_000, 900_000, 5_000_000)))
                        return [Typed("clear", today), *(Typed(key, today) for key in figure), Next(today)]
            case Check():
                return [Submitted(now)] * chance.choice((1, 1, 2)) if chance.random() < 0.92 else [Back()]
            case Declared(filing=filing):
                if filing.can_pay and chance.random() < 0.8:
                    return [Pay(now)] * chance.choice((1, 1, 2))
                if chance.random() < 0.2:
                    return [CorrectFiling(filing.key, today)]
                return [Next(today)]
            case CompareNumber():
                return [Next(today)]
            case Finished(filing=filing, invoice=invoice):
                roll = chance.random()
                if filing.form is Form.INVOICE_ON_BEHALF and invoice is None and roll < 0.5:
                    return [IssueInvoice()]
                if roll < 0.25:
                    return [PickBureau(chance.choice(list(Bureau)))]
                return [PrintAgain()] if roll < 0.35 else [Next(today)]
            case Certificates(filing=None, file=file):
                return [PickFiling(chance.choice(file.filings).key)] if file.filings else [Back()]
            case Certificates():
                return [PickBureau(chance.choice(list(Bureau)))]
            case MyTaxes(file=file, filing=None):
                if file.filings and chance.random() < 0.6:
                    return [PickFiling(chance.choice(file.filings).key)]
                return [PickTab(chance.choice(list(QueryTab))) if chance.random() < 0.5 else Back()]
            case MyTaxes(filing=filing):
                options: list[Event] = [Pay(now), PrintAgain(), IssueInvoice(), PickBureau(Bureau.STATE), Back()]
                return [chance.choice(options)]
        if chance.random() < 0.03:
            return [CancelPay()]
        return []

    def _choice(self, choices: tuple[str, ...]) -> str:
        """Mostly the usual way; ``person`` rather than a buyer whose number has to be typed."""
        if "person" in choices and self.chance.random() < 0.7:
            return "person"
        return choices[0] if self.chance.random() < 0.6 else self.chance.choice(choices)

    def _anything(self, page: Page) -> Event:
        now = self.machine.trusted.now()
        today = now.date()
        options: tuple[Event, ...] = (
            Touched(),
            Back(),
            Next(today),
            GoHome(),
            Submit(today),
            UseCard(),
            UseKeypad(),
            Typed("7", today),
            Pay(now),
            Submitted(now),
            CancelPay(),
            PrintAgain(),
            IssueInvoice(),
            SetLanguage(self.chance.choice(list(Language))),
            SetLargeText(True),
            Start(self.chance.choice(list(Purpose))),
            Reprint("of somebody else"),
        )
        return self.chance.choice(options)
