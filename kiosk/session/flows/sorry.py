"""The ways on from a page that says what could not be done: whatever was reached already is shown, not left behind."""

from __future__ import annotations

from kiosk.session.events import Back, Next
from kiosk.session.flows.look_up import open_file
from kiosk.session.flows.prove import arrive
from kiosk.session.rules import Rules
from kiosk.session.state import Declared, Purpose, Session, Sorry, SorryReason
from kiosk.session.step import Step, go, home

#: From there back to what is due: nothing is under way that another look could disturb.
LOOK_AGAIN = frozenset(
    {
        SorryReason.FILING_REFUSED,
        SorryReason.NOT_FILED,
        SorryReason.PAYMENT_NOT_HELD,
        SorryReason.PAYMENT_GIVEN_BACK,
        SorryReason.NOT_ISSUED,
    }
)


def leave(rules: Rules, session: Session, page: Sorry, event: Next) -> Step:
    if page.printing is not None and page.reason is not SorryReason.FILING_QUEUED:
        return arrive(rules, session, page.printing.then, False)
    if page.then is not None:
        return go(rules, session, page.then)
    return home(session)


def back(rules: Rules, session: Session, page: Sorry, event: Back) -> Step:
    taxpayer, purpose = page.taxpayer, page.purpose
    if taxpayer is None or purpose is None:
        return home(session)
    if page.reason is SorryReason.PAYMENT_REFUSED and page.filing is not None:
        fresh = purpose in (Purpose.FILE, Purpose.INVOICE)
        return go(rules, session, Declared(page.filing, taxpayer, purpose, just_filed=fresh))
    if page.reason in LOOK_AGAIN and purpose is not Purpose.INVOICE:
        return open_file(rules, session, purpose, taxpayer)
    return home(session)
