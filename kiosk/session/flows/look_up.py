"""Whom for: the hall is asked whom the person may act for, the person chooses, and the hall opens that file.

A page behind this one is always of one taxpayer; going back from it leads to the choice where there was one.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.domain.filing import PayerKind, TaxpayerView
from kiosk.domain.holder import Holder, mask_number
from kiosk.session.effects import FindTaxpayers, OpenFile
from kiosk.session.events import Back, DeadlinePassed, HallRefusedIt, HallSilent, PickTaxpayer, TaxpayersFound
from kiosk.session.rules import Rules
from kiosk.session.state import (
    Certificates,
    ChooseTaxpayer,
    LookingUp,
    MyTaxes,
    Purpose,
    Session,
    Sorry,
    SorryReason,
    TodoList,
)
from kiosk.session.step import Step, go, home, stay

#: The natural person who stands at the machine, whom the register need not know.
SELF = "self"


def look_up(rules: Rules, session: Session, purpose: Purpose, holder: Holder) -> Step:
    return go(rules, session, LookingUp(purpose), FindTaxpayers(session.visit, holder))


def open_file(rules: Rules, session: Session, purpose: Purpose, taxpayer: TaxpayerView) -> Step:
    """What the hall knows of one taxpayer now: asked anew each time, for it changes with what is done here."""
    if session.holder is None:
        return home(session)
    if not session.situation.hall_answers and not goes_on_alone(rules, purpose):
        return go(rules, session, Sorry(SorryReason.TAX_SILENT))
    return go(rules, session, LookingUp(purpose, taxpayer), OpenFile(session.visit, session.holder, taxpayer))


def goes_on_alone(rules: Rules, purpose: Purpose) -> bool:
    """Whether something of this may be done without the hall, for whom this machine remembers."""
    return purpose is Purpose.FILE and bool(rules.offline.forms)


def taxpayers_found(rules: Rules, session: Session, page: LookingUp, event: TaxpayersFound) -> Step:
    if page.taxpayer is not None:
        return stay(session)
    if event.remembered and not goes_on_alone(rules, page.purpose):
        return go(rules, session, Sorry(SorryReason.TAX_SILENT))
    return to_choice(rules, replace(session, taxpayers=event.taxpayers), page.purpose)


def to_choice(rules: Rules, session: Session, purpose: Purpose) -> Step:
    """Choose, unless there is nothing to choose."""
    choices = offered(rules, session, purpose)
    if len(choices) == 1:
        return open_file(rules, session, purpose, choices[0])
    return go(rules, session, ChooseTaxpayer(purpose, choices))


def offered(rules: Rules, session: Session, purpose: Purpose) -> tuple[TaxpayerView, ...]:
    """The person's own taxpayers, and the person: an invoice, a car, a certificate of one's own need no business.

    Who comes to file and has one business comes for that one: that he could also have bought a car is not worth a page
    to everybody. A general taxpayer makes out its own invoices.
    """
    others = session.taxpayers
    if purpose is Purpose.INVOICE:
        others = tuple(each for each in others if each.payer is not PayerKind.GENERAL)
    if purpose is Purpose.FILE and len(others) == 1:
        return others
    return (*others, self_view(rules, session)) if session.holder else others


def self_view(rules: Rules, session: Session) -> TaxpayerView:
    holder, hall = session.holder, session.situation.hall
    return TaxpayerView(
        id=SELF,
        name=holder.name if holder else "",
        number_masked=mask_number(holder.number) if holder else "",
        payer=PayerKind.NATURAL_PERSON,
        place=rules.place,
        district_zh=hall.name_zh if hall else "",
        district_en=hall.name_en if hall else "",
        role=SELF,
    )


def choice_of_one(rules: Rules, session: Session, purpose: Purpose) -> bool:
    return len(offered(rules, session, purpose)) == 1


def pick_taxpayer(rules: Rules, session: Session, page: ChooseTaxpayer, event: PickTaxpayer) -> Step:
    picked = next((each for each in page.taxpayers if each.id == event.taxpayer), None)
    return stay(session) if picked is None else open_file(rules, session, page.purpose, picked)


def back_to_choice(rules: Rules, session: Session, purpose: Purpose) -> Step:
    if choice_of_one(rules, session, purpose):
        return home(session)
    return to_choice(rules, session, purpose)


def back(rules: Rules, session: Session, page: TodoList | Certificates | MyTaxes, event: Back) -> Step:
    """From the first page of a file; inside it one page back."""
    match page:
        case TodoList():
            return back_to_choice(rules, session, Purpose.FILE)
        case Certificates(filing=None):
            return back_to_choice(rules, session, Purpose.CERTIFICATE)
        case Certificates():
            return go(rules, session, Certificates(page.file, choice_of_one=page.choice_of_one))
        case MyTaxes(filing=None):
            return back_to_choice(rules, session, Purpose.QUERY)
        case MyTaxes():
            return go(rules, session, MyTaxes(page.file, page.tab, choice_of_one=page.choice_of_one))


def refused(rules: Rules, session: Session, page: LookingUp, event: HallRefusedIt) -> Step:
    """The person is not, or no longer, bound to it."""
    return go(rules, session, Sorry(SorryReason.NO_TAXPAYER, word=event.problem))


def no_word(rules: Rules, session: Session, page: LookingUp, event: HallSilent | DeadlinePassed) -> Step:
    return go(rules, session, Sorry(SorryReason.TAX_SILENT))
