"""查询: returns, payments, arrears, invoices and credit grade of one taxpayer; one filing in full, with its papers."""

from __future__ import annotations

from kiosk.session.events import PickFiling, PickTab
from kiosk.session.rules import Rules
from kiosk.session.state import MyTaxes, Session
from kiosk.session.step import Step, go, stay


def pick_tab(rules: Rules, session: Session, page: MyTaxes, event: PickTab) -> Step:
    return go(rules, session, MyTaxes(page.file, event.tab, choice_of_one=page.choice_of_one))


def pick_filing(rules: Rules, session: Session, page: MyTaxes, event: PickFiling) -> Step:
    picked = next((each for each in page.file.filings if each.key == event.key), None)
    if picked is None:
        return stay(session)
    return go(rules, session, MyTaxes(page.file, page.tab, picked, page.choice_of_one))
