"""Where a filing and a payment stand. Nobody sets these states: they follow from what each bureau has said.

The tables below are the only place that says so. The kiosk's pages, the staff's page and the rule for paying read them.
"""

from __future__ import annotations

from collections.abc import Collection

from kiosk.domain.filing import FilingState, PaymentState

#: What the bureaus have said of a filing, taken together → its state. A dropped part (corrected before it was sent)
#: counts for nothing. A refusal is final even beside an acceptance: staff see both.
FILING: dict[frozenset[str], FilingState] = {
    frozenset({"pending"}): "received",
    frozenset({"accepted"}): "accepted",
    frozenset({"refused"}): "refused",
    frozenset({"pending", "accepted"}): "half_done",
    frozenset({"pending", "refused"}): "refused",
    frozenset({"accepted", "refused"}): "refused",
    frozenset({"pending", "accepted", "refused"}): "refused",
}

#: (the terminal's word, must it be given back, is every entry in its ledger) → the payment's state.
PAYMENT: dict[tuple[str | None, bool, bool], PaymentState] = {
    (None, False, False): "begun",
    ("refused", False, False): "refused",
    ("approved", False, False): "approved",
    ("approved", False, True): "entered",
    ("approved", True, False): "to_reverse",
    ("reversed", False, False): "reversed",
}


def filing_state(parts: Collection[str], superseded: bool) -> FilingState:
    """``parts``: the state of each bureau's item."""
    if superseded:
        return "superseded"
    return FILING.get(frozenset(parts) - {"dropped"}, "received")


def payment_state(outcome: str | None, to_reverse: bool, entries: Collection[str]) -> PaymentState:
    """``entries``: the state of each entry; none before the charge is approved."""
    approved = outcome == "approved" and not to_reverse
    entered = approved and bool(entries) and all(state == "entered" for state in entries)
    return PAYMENT[outcome, to_reverse and outcome == "approved", entered]


def may_pay(state: FilingState, total: int, taken: bool, pay_when_half_done: bool) -> bool:
    """``taken``: a payment for it is begun or done."""
    if total <= 0 or taken:
        return False
    return state == "accepted" or (state == "half_done" and pay_when_half_done)


def tax_is_in(state: FilingState, total: int, bureaus_due: Collection[str], bureaus_entered: Collection[str]) -> bool:
    """Tax first, invoice after (发票管理办法 第16条): every bureau that is owed has its entry, or nothing was due and
    all have the return. ``bureaus_due``: those with something payable."""
    if state != "accepted":
        return False
    return total == 0 or set(bureaus_due) <= set(bureaus_entered)
