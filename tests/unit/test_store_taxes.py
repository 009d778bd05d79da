"""What the kiosk remembers of returns, payments and numbered papers, whenever the power goes."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from kiosk.domain.facts import Fact
from kiosk.domain.filing import (
    Applicant,
    Bureau,
    CertificateView,
    Charge,
    FilingRequest,
    FilingView,
    Form,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    TerminalEntry,
    TerminalJournal,
)
from kiosk.domain.papers import CertificatePaper, ReceiptPaper
from kiosk.store.papers import NumberVoid
from kiosk.store.payments import COMES_FROM, State
from kiosk.store.store import Settled, Store
from tests.unit.test_store import KEY, NOW

TODAY = NOW.date()
REF, OTHER_REF = "a" * 64, "b" * 64
FILING, PAYMENT = "1" * 32, "2" * 32
REQUEST = FilingRequest(
    FILING,
    "self",
    REF,
    Form.INVOICE_ON_BEHALF,
    {"form": "invoice_on_behalf", "gross": "5000.00"},
    371000,
    NOW,
    applicant=Applicant("欧阳娜", "35062219880808003X"),
)
VIEW = FilingView(FILING, "self", Form.INVOICE_ON_BEHALF, "accepted", [], 371000, [], NOW, None, [], True)
TO_PAY = PaymentRequest(PAYMENT, [FILING], 371000, REF, NOW)
CHARGE = Charge("35060201", "000001", "112403000001", "622202******8123", NOW, 371000)
APPROVED = PaymentResult("approved", CHARGE)
RECEIPT = ReceiptPaper(VIEW, "漳州某商行", "9235**********X278", "欧*娜")
DRAFT = b'{"answers":{"sales":"350000.00"}}'


def certificate(key: str) -> CertificatePaper:
    number = "(261)闽国证 0012345"
    return CertificatePaper(
        CertificateView(key, FILING, Bureau.STATE, number, "欧阳娜", "3506***", [], 1, NOW, "V" * 16, 1, "taken")
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.sqlite"


@pytest.fixture
def store(path: Path) -> Store:
    return Store(path, KEY)


def facts(store: Store) -> list[Any]:
    return [msgspec.json.decode(row.body, type=Fact) for row in store.journal_after(0, 1000)]


def told(store: Store) -> list[str]:
    """The facts in short words."""
    words = []
    for fact in facts(store):
        match type(fact).__name__:
            case "FilingMade":
                words.append("filing made")
            case "PaymentBegun":
                words.append("charge in doubt")
            case "PaymentEnded":
                words.append(fact.result.outcome)
            case "DocumentPrinted":
                words.append(f"{fact.kind} {fact.number and 'numbered '}{fact.outcome}")
    return words


def cell(store: Store, query: str) -> object:
    with store._transaction(True) as connection:
        return connection.execute(text(query)).scalar()


# ---- drafts --------------------------------------------------------------------------------------------------------


def test_a_draft_is_offered_to_the_same_person_for_the_same_taxpayer_only(store: Store) -> None:
    store.filings.keep_draft(REF, "T1", DRAFT, TODAY)
    assert store.filings.draft(REF, "T1", TODAY) == DRAFT
    assert store.filings.draft(OTHER_REF, "T1", TODAY) is None
    assert store.filings.draft(REF, "T2", TODAY) is None


def test_a_draft_survives_a_power_cut_and_the_later_one_counts(store: Store, path: Path) -> None:
    store.filings.keep_draft(REF, "T1", b"first", TODAY)
    store.filings.keep_draft(REF, "T1", b"second", TODAY)
    store.close()
    again = Store(path, KEY)
    again.recover_taxes(NOW)
    assert again.filings.draft(REF, "T1", TODAY) == b"second"


def test_a_draft_is_dropped_with_its_return_and_no_other_one(store: Store) -> None:
    store.filings.keep_draft(REF, "self", DRAFT, TODAY)
    store.filings.keep_draft(REF, "T1", DRAFT, TODAY)
    store.filings.keep_draft(OTHER_REF, "self", DRAFT, TODAY)
    store.filings.record(REQUEST, NOW)
    assert store.filings.draft(REF, "self", TODAY) is None
    assert store.filings.draft(REF, "T1", TODAY) == DRAFT
    assert store.filings.draft(OTHER_REF, "self", TODAY) == DRAFT


def test_after_thirty_days_a_draft_is_neither_offered_nor_kept(store: Store) -> None:
    store.filings.keep_draft(REF, "T1", DRAFT, TODAY)
    assert store.filings.draft(REF, "T1", TODAY + timedelta(days=30)) == DRAFT
    assert store.filings.draft(REF, "T1", TODAY + timedelta(days=31)) is None
    store.forget_before(TODAY + timedelta(days=1))
    assert cell(store, "SELECT count(*) FROM draft") == 0


# ---- returns -------------------------------------------------------------------------------------------------------


def test_a_return_without_an_answer_is_left_to_the_journal_once(store: Store) -> None:
    store.filings.record(REQUEST, NOW)
    assert store.filings.queue(FILING, NOW) == "queued"
    assert store.filings.queue(FILING, NOW) == "queued"
    (fact,) = facts(store)
    assert fact.filing == REQUEST


def test_a_return_that_was_answered_is_not_sent_again(store: Store) -> None:
    store.filings.record(REQUEST, NOW)
    store.filings.answered(VIEW)
    assert store.filings.view(FILING) == VIEW
    assert store.filings.queue(FILING, NOW) == "answered"
    assert facts(store) == []


def test_nothing_of_an_applicant_is_kept_once_the_hall_has_the_return(store: Store) -> None:
    """Not even encrypted: neither in the filing, nor in the journal row that took it to the hall."""

    def kept() -> list[str]:
        with store._transaction(True) as connection:
            cells = [
                cell
                for table in ("filing", "journal", "payment", "draft", "issue", "slip")
                for row in connection.execute(text(f"SELECT * FROM {table}"))
                for cell in row
            ]
        return [str(cell) for cell in cells if "35062219880808003X" in str(cell) or "欧阳娜".encode() in _bytes(cell)]

    store.filings.record(REQUEST, NOW)
    assert kept(), "until then it must be"
    store.filings.answered(VIEW)
    assert not kept()
    lost = msgspec.structs.replace(REQUEST, key="3" * 32)
    store.filings.record(lost, NOW)
    store.filings.queue(lost.key, NOW)
    assert kept(), "it is on its way"
    store.acknowledge(1)
    assert not kept()
    refused = msgspec.structs.replace(REQUEST, key="4" * 32)
    store.filings.record(refused, NOW)
    store.filings.refused(refused.key)
    assert not kept()


def _bytes(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode()


def test_the_chain_goes_on_after_a_row_was_emptied(store: Store) -> None:
    for number in range(3):
        store.filings.record(msgspec.structs.replace(REQUEST, key=f"{number:032x}"), NOW)
        store.filings.queue(f"{number:032x}", NOW)
        store.acknowledge(number + 1)
    store.filings.record(REQUEST, NOW)
    store.filings.queue(FILING, NOW)
    assert [row.seq for row in store.journal_after(store.journal_mark().high_water, 10)] == [4]


def test_a_return_whose_person_was_told_that_it_was_not_taken_is_not_filed(store: Store) -> None:
    store.filings.record(REQUEST, NOW)
    store.visit_ended(NOW)
    assert facts(store) == [], "the visit may still drop it"
    store.filings.drop(FILING)
    store.recover_taxes(NOW)
    assert facts(store) == []


def test_a_return_that_has_left_cannot_be_dropped_any_more(store: Store) -> None:
    store.filings.record(REQUEST, NOW)
    store.filings.sent(FILING)
    store.filings.drop(FILING)
    assert store.visit_ended(NOW) == Settled(1, 0, 0)
    assert told(store) == ["filing made"]


def test_a_key_is_used_for_one_return(store: Store) -> None:
    store.filings.record(REQUEST, NOW)
    with pytest.raises(Exception, match="UNIQUE"):
        store.filings.record(REQUEST, NOW)


# ---- payments ------------------------------------------------------------------------------------------------------

TO: dict[State, list[str]] = {
    "intended": [],
    "held": ["held"],
    "charging": ["held", "charging"],
    "unknown": ["held", "charging", "unknown"],
    "approved": ["held", "charging", "approved"],
    "refused": ["refused"],
    "to_reverse": ["held", "charging", "approved", "to_reverse"],
    "reversed": ["held", "charging", "approved", "to_reverse", "reversed"],
}


def steps(store: Store) -> dict[str, Callable[[], object]]:
    payments = store.payments
    view = PaymentView(PAYMENT, "to_reverse", 371000, [], [FILING])
    return {
        "held": lambda: payments.held(PAYMENT),
        "charging": lambda: payments.charging(PAYMENT, 371000),
        "unknown": lambda: payments.unknown(PAYMENT, NOW),
        "approved": lambda: payments.ended(PAYMENT, APPROVED, NOW),
        "refused": lambda: payments.ended(PAYMENT, PaymentResult("refused"), NOW),
        "reversed": lambda: payments.ended(PAYMENT, PaymentResult("reversed"), NOW),
        "to_reverse": lambda: payments.hall_says(view),
    }


def bring_to(store: Store, state: State) -> None:
    store.payments.record(TO_PAY)
    for name in TO[state]:
        steps(store)[name]()
    assert state_of(store) == state


def state_of(store: Store) -> State:
    payment = store.payments.get(PAYMENT)
    assert payment is not None
    return payment.state


@pytest.mark.parametrize("to", COMES_FROM)
@pytest.mark.parametrize("state", TO)
def test_a_payment_goes_only_where_it_may(store: Store, state: State, to: State) -> None:
    bring_to(store, state)
    before = told(store)
    steps(store)[to]()
    if state in COMES_FROM[to]:
        assert state_of(store) == to
    else:
        assert state_of(store) == state
        assert told(store) == before, "what did not happen is not told"


@pytest.mark.parametrize("state", TO)
def test_only_what_the_hall_holds_is_charged_and_only_once(store: Store, state: State) -> None:
    bring_to(store, state)
    assert store.payments.charging(PAYMENT, 371000) is (state == "held")
    assert not store.payments.charging(PAYMENT, 371000)


def test_another_sum_is_never_charged(store: Store) -> None:
    bring_to(store, "held")
    assert not store.payments.charging(PAYMENT, 371001)
    assert not store.payments.charging("9" * 32, 371000)
    assert state_of(store) == "held"


@pytest.mark.parametrize("state", ["charging", "unknown", "approved", "to_reverse"])
def test_what_a_terminal_may_have_charged_is_not_given_up_by_us(store: Store, state: State) -> None:
    bring_to(store, state)
    assert not store.payments.refused(PAYMENT, NOW)
    store.visit_ended(NOW)
    assert state_of(store) == state


def test_each_end_is_told_the_hall_with_the_terminal_s_word(store: Store) -> None:
    bring_to(store, "reversed")
    approved, given_back = facts(store)
    assert (approved.key, approved.result) == (PAYMENT, APPROVED)
    assert given_back.result == PaymentResult("reversed", CHARGE), "which charge was given back"


def test_a_charge_in_doubt_is_told_with_what_it_was_for(store: Store) -> None:
    bring_to(store, "unknown")
    (fact,) = facts(store)
    assert fact.payment == TO_PAY
    store.payments.unknown(PAYMENT, NOW)
    assert len(facts(store)) == 1


def test_what_was_paid_is_open_until_it_is_entered(store: Store) -> None:
    bring_to(store, "approved")
    assert [payment.charge for payment in store.payments.open()] == [CHARGE]
    store.payments.hall_says(PaymentView(PAYMENT, "approved", 371000, [], [FILING]))
    assert store.payments.open()
    store.payments.hall_says(PaymentView(PAYMENT, "entered", 371000, [], [FILING]))
    assert store.payments.open() == []
    assert cell(store, "SELECT count(*) FROM payment WHERE charge IS NOT NULL OR request IS NOT NULL") == 0


def test_an_open_payment_is_not_forgotten_however_old_it_is(store: Store) -> None:
    bring_to(store, "unknown")
    store.forget_before(TODAY + timedelta(days=400))
    assert state_of(store) == "unknown"
    store.payments.ended(PAYMENT, PaymentResult("refused"), NOW)
    store.forget_before(TODAY + timedelta(days=400))
    assert store.payments.get(PAYMENT) is None


# ---- numbered papers -----------------------------------------------------------------------------------------------


def test_a_number_that_comes_onto_no_paper_is_void(store: Store) -> None:
    asked = store.papers.record_issue("certificate", FILING, NOW)
    given = store.papers.record_issue("invoice", FILING, NOW)
    refused = store.papers.record_issue("invoice", FILING, NOW)
    printed = store.papers.record_issue("certificate", FILING, NOW)
    assert store.papers.given(given, "00012346")
    store.papers.refused(refused)
    store.papers.record(certificate(printed), NOW)
    assert store.visit_ended(NOW) == Settled(0, 0, 2)
    assert {fact.key: (fact.kind, fact.outcome, fact.number) for fact in facts(store)} == {
        asked: ("certificate", "failed", ""),
        given: ("invoice", "failed", "00012346"),
    }


def test_a_number_given_up_does_not_come_onto_paper_any_more(store: Store) -> None:
    key = store.papers.record_issue("certificate", FILING, NOW)
    store.papers.give_up(key, "hall_silent", NOW)
    store.papers.give_up(key, "hall_silent", NOW)
    assert not store.papers.given(key, "00012346"), "the answer came too late"
    with pytest.raises(NumberVoid):
        store.papers.record(certificate(key), NOW)
    assert told(store) == ["certificate failed"]


def test_the_ledger_says_what_every_sheet_of_the_receipt_printer_was(store: Store) -> None:
    key = store.papers.record_issue("certificate", FILING, NOW)
    ids = [
        store.papers.record(RECEIPT, NOW),
        store.papers.record(certificate(key), NOW),
        store.papers.record(replace(RECEIPT, reprint=True), NOW),
    ]
    for slip_id, outcome in zip(ids, ("done", "uncertain", "failed"), strict=True):
        store.record_sent(slip_id)
        store.record_print(slip_id, outcome, None, NOW)  # type: ignore[arg-type]
    receipt, sheet, again = facts(store)
    assert (receipt.kind, receipt.key, receipt.outcome, receipt.reprint) == ("receipt", FILING, "done", False)
    assert (sheet.kind, sheet.key, sheet.number) == ("certificate", key, "(261)闽国证 0012345")
    assert (again.outcome, again.reprint) == ("failed", True)


# ---- the terminal's days -------------------------------------------------------------------------------------------


def test_a_terminal_s_day_is_sent_anew_when_it_has_grown(store: Store) -> None:
    entry = TerminalEntry(PAYMENT, "sale", 371000, "000001", "R", "6222****", NOW)
    noon = TerminalJournal(TODAY, "35060201", [])
    store.payments.keep_terminal_day(noon, complete=False, now=NOW)
    assert store.payments.terminal_days_to_send() == [noon]
    night = TerminalJournal(TODAY, "35060201", [entry])
    store.payments.keep_terminal_day(night, complete=True, now=NOW)
    store.payments.terminal_day_sent(noon)
    assert store.payments.terminal_days_to_send() == [night], "what was sent is not what is there now"
    store.payments.terminal_day_sent(night)
    assert store.payments.terminal_days_to_send() == []
    assert store.payments.complete_terminal_days() == {TODAY.isoformat()}


# ---- a power cut at every point ------------------------------------------------------------------------------------

ISSUE = "5" * 32


def whole_story(store: Store) -> list[Callable[[], object]]:
    """From the first answer to the last sheet, as the runtime writes it."""

    def ask_for_a_certificate() -> None:
        with store._transaction(False) as connection:
            connection.execute(
                text(
                    "INSERT INTO issue (key, task, filing, state, asked_at)"
                    " VALUES (:key, 'certificate', :filing, 'asked', :at)"
                ),
                {"key": ISSUE, "filing": FILING, "at": NOW.isoformat()},
            )

    return [
        lambda: store.filings.keep_draft(REF, "self", DRAFT, TODAY),
        lambda: store.filings.record(REQUEST, NOW),
        lambda: store.filings.sent(FILING),
        lambda: store.filings.answered(VIEW),
        lambda: store.payments.record(TO_PAY),
        lambda: store.payments.held(PAYMENT),
        lambda: store.payments.charging(PAYMENT, 371000),
        lambda: store.payments.ended(PAYMENT, APPROVED, NOW),
        ask_for_a_certificate,
        lambda: store.papers.given(ISSUE, "0012345"),
        lambda: store.papers.record(certificate(ISSUE), NOW),
        lambda: store.record_sent(1),
        lambda: store.record_print(1, "done", None, NOW),
    ]


AFTER_A_CUT: list[list[str]] = [
    [],
    [],
    ["filing made"],
    ["filing made"],
    [],
    ["refused"],
    ["refused"],
    ["charge in doubt"],
    ["approved"],
    ["approved", "certificate failed"],
    ["approved", "certificate numbered failed"],
    ["approved", "certificate numbered uncertain"],
    ["approved", "certificate numbered uncertain"],
    ["approved", "certificate numbered done"],
]


def killed_after(path: Path, count: int) -> None:
    """A process that does so many steps of the story, and is killed at once."""
    child = os.fork()
    if child == 0:
        try:
            for step in whole_story(Store(path, KEY))[:count]:
                step()
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.parametrize("count", range(len(AFTER_A_CUT)))
def test_whenever_the_power_goes_the_hall_learns_the_one_true_end(path: Path, count: int) -> None:
    killed_after(path, count)
    store = Store(path, KEY)
    store.recover(NOW)
    store.recover_taxes(NOW)
    assert told(store) == AFTER_A_CUT[count]
    assert (store.filings.draft(REF, "self", TODAY) is not None) is (count == 1)
    # A second cut, in the middle of the night: nothing is told twice.
    store.close()
    again = Store(path, KEY)
    assert again.recover(NOW) == (0, 0)
    assert not again.recover_taxes(NOW)
    assert told(again) == AFTER_A_CUT[count]
    if count == 7:
        assert state_of(again) == "unknown"
        assert not again.payments.charging(PAYMENT, 371000), "it is asked for, never charged anew"


def test_many_nights_of_cuts_end_each_payment_once(tmp_path: Path) -> None:
    """Random histories: steps in any order, cuts anywhere, everything repeated. Each payment has one end, told once."""
    chance = random.Random(20261124)
    store = Store(tmp_path / "kiosk.sqlite", KEY)
    for night in range(150):
        key = f"{night:032x}"
        store.payments.record(msgspec.structs.replace(TO_PAY, key=key))
        for _ in range(chance.randrange(8)):
            match chance.randrange(7):
                case 0 | 1:
                    store.payments.held(key)
                case 2:
                    store.payments.charging(key, 371000)
                case 3:
                    store.payments.unknown(key, NOW)
                case 4:
                    store.payments.ended(key, chance.choice([APPROVED, PaymentResult("refused")]), NOW)
                case 5:
                    store.recover_taxes(NOW)
                case 6:
                    store.visit_ended(NOW)
    store.recover_taxes(NOW)
    for payment in store.payments.open():
        if payment.state == "unknown":
            store.payments.ended(payment.key, APPROVED, NOW)
    ends: dict[str, list[str]] = {}
    begun = []
    for fact in facts(store):
        if type(fact).__name__ == "PaymentEnded":
            ends.setdefault(fact.key, []).append(fact.result.outcome)
        else:
            begun.append(fact.payment.key)
    assert len(ends) == 150
    assert all(len(outcomes) == 1 for outcomes in ends.values())
    assert len(begun) == len(set(begun))
    assert {outcome for (outcome,) in ends.values()} == {"approved", "refused"}


def test_a_kiosk_of_before_keeps_its_tickets(tmp_path: Path) -> None:
    """An older program's file is brought up to date, whole."""
    from kiosk.store import database, schema

    path = tmp_path / "kiosk.sqlite"
    newest = schema.MIGRATIONS
    database.MIGRATIONS = newest[:1]
    try:
        database.open_database(path, KEY).dispose()
    finally:
        database.MIGRATIONS = newest
    store = Store(path, KEY)
    store.filings.record(REQUEST, NOW)
    assert store.filings.state(FILING) == "recorded"
