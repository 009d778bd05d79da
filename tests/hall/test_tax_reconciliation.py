"""The end of the day: every planted difference is named, and what agrees is silent; staff see it and what is open."""

from __future__ import annotations

import asyncio
import http.client
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import msgspec
import pysqlite3.dbapi2 as sqlite
import pytest

from benchmarks.hall_load import PASSWORD, Clerk
from hall.bureaus.contract import Declaration, DeclaredLine, Entry, EntryLine, entry_key
from hall.filings.reconcile import Booked, Charged, Difference, Owed, Paid, Sides, compare
from kiosk.domain.filing import (
    Bureau,
    FilingView,
    Form,
    Levy,
    PaymentRequest,
    PaymentResult,
    TerminalEntry,
    TerminalJournal,
)
from tests.hall.tax_stage import Kiosk, TaxStage, approved, new_key, now

STATE, LOCAL = Bureau.STATE, Bureau.LOCAL


def a_good_day() -> Sides:
    return Sides(
        charges=[Charged("p1", "sale", 300, "T1")],
        terminal_kiosks={"K1"},
        payments=[Paid("p1", "entered", 300, "K1")],
        owed=[Owed("e1", "p1", STATE, 200, "entered"), Owed("e2", "p1", LOCAL, 100, "entered")],
        facts={"p1": "approved"},
        returns=[("f1", STATE), ("f1", LOCAL)],
        booked={STATE: [Booked("e1", "f1", 200)], LOCAL: [Booked("e2", "f1", 100)]},
        declared={STATE: {"f1"}, LOCAL: {"f1"}},
        known={"e1", "e2"},
    )


def named(sides: Sides) -> list[tuple[str, str]]:
    return [(each.name, each.subject) for each in compare(sides)]


def test_a_day_on_which_all_agree_has_no_differences() -> None:
    assert compare(a_good_day()) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"payments": [Paid("p1", "begun", 300, "K1")], "owed": [], "facts": {}}, [("charged_not_paid", "p1")]),
        ({"charges": []}, [("paid_not_charged", "p1")]),
        (
            {"charges": [Charged("p1", "sale", 300, "T1"), Charged("p1", "reversal", 300, "T1")]},
            [("paid_not_charged", "p1")],
        ),
        ({"charges": [Charged("p1", "sale", 300, "T1"), Charged("p9", "sale", 5, "T1")]}, [("unknown_charge", "p9")]),
        ({"charges": [Charged("p1", "sale", 300, "T1")] * 2}, [("twice", "p1")]),
        ({"charges": [Charged("p1", "sale", 301, "T1")]}, [("amount_differs", "p1")]),
        ({"payments": [Paid("p1", "to_reverse", 300, "K1")], "owed": []}, [("to_reverse", "p1")]),
        ({"facts": {"p1": "refused"}}, [("fact_differs", "p1")]),
        ({"booked": {STATE: [], LOCAL: [Booked("e2", "f1", 100)]}}, [("entry_missing_state", "e1")]),
        ({"booked": {STATE: [Booked("e1", "f1", 200)], LOCAL: []}}, [("entry_missing_local", "e2")]),
        (
            {"booked": {STATE: [Booked("e1", "f1", 200), Booked("e9", "f9", 1)], LOCAL: [Booked("e2", "f1", 100)]}},
            [("entry_unknown_state", "e9")],
        ),
        (
            {"booked": {STATE: [Booked("e1", "f1", 200)], LOCAL: [Booked("e2", "f1", 99)]}},
            [("amount_differs", "e2")],
        ),
        (
            {
                "booked": {STATE: [Booked("e1", "f1", 200), Booked("e8", "f1", 200)], LOCAL: [Booked("e2", "f1", 100)]},
                "known": {"e1", "e2", "e8"},
            },
            [("twice", "f1")],
        ),
        ({"declared": {STATE: {"f1"}, LOCAL: set()}}, [("return_missing_local", "f1")]),
        ({"silent": {"state": "no answer"}, "booked": {LOCAL: [Booked("e2", "f1", 100)]}}, [("not_compared", "state")]),
    ],
)
def test_each_planted_difference_is_named(changed: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert named(replace(a_good_day(), **changed)) == expected


def test_what_a_bureaus_own_window_has_booked_is_no_difference() -> None:
    sides = a_good_day()
    sides.booked[STATE].append(Booked("w1", "w", 77, "window"))
    assert compare(sides) == []


def test_a_charge_that_was_given_back_is_settled() -> None:
    sides = replace(a_good_day(), payments=[Paid("p1", "reversed", 300, "K1")], owed=[], facts={"p1": "reversed"})
    sides.booked = {STATE: [], LOCAL: []}
    sides.charges.append(Charged("p1", "reversal", 300, "T1"))
    assert compare(sides) == []


# ---- over real processes -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxStage]:
    made = TaxStage(tmp_path_factory.mktemp("tax"), begun_long_ago_minutes=0.001)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kiosk(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K1")


@pytest.fixture(scope="module")
def clerk(stage: TaxStage) -> Clerk:
    stage.hall.command("staff", "add", "王芳", typed=f"{PASSWORD}\n")
    return asyncio.run(Clerk.log_in(stage.hall, "王芳", "1"))


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "stage" in request.fixturenames:
        request.getfixturevalue("stage").heal()


def page(stage: TaxStage, clerk: Clerk | None, path: str, form: dict[str, str] | None = None) -> tuple[int, str]:
    headers = {"cookie": clerk.cookie} if clerk else {}
    connection = http.client.HTTPConnection("127.0.0.1", stage.hall.port, timeout=20)
    try:
        if form is None:
            connection.request("GET", path, headers=headers)
        else:
            headers["content-type"] = "application/x-www-form-urlencoded"
            connection.request("POST", path, urllib.parse.urlencode(form), headers)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def as_terminal_counts(payment: PaymentRequest, result: PaymentResult, kind: str = "sale") -> TerminalEntry:
    charge = result.charge
    assert charge is not None
    return TerminalEntry(
        payment.key, kind, charge.amount, charge.trace, charge.reference, charge.card_masked, charge.at
    )


def told(kiosk: Kiosk, *entries: TerminalEntry, terminal: str = "T0000001") -> None:
    journal = TerminalJournal(now().date(), terminal, list(entries))
    assert kiosk.send("POST", "/kiosk/v1/terminal-journal", journal).status == 200


def differences(stage: TaxStage) -> list[Difference]:
    result = stage.hall.command("reconcile", now().date().isoformat(), "--settings", str(stage.settings))
    return msgspec.convert(result["differences"], list[Difference])


def paid(stage: TaxStage, kiosk: Kiosk) -> tuple[FilingView, PaymentRequest, PaymentResult]:
    view = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    said = approved(payment)
    assert (kiosk.begin(payment).status, kiosk.result(payment.key, said).status) == (200, 200)
    stage.until_entered(kiosk, payment.key)
    return view, payment, said


def test_a_real_day_agrees_until_something_is_planted(stage: TaxStage, kiosk: Kiosk, clerk: Clerk) -> None:
    _, payment, said = paid(stage, kiosk)
    assert {(each.name, each.subject) for each in differences(stage)} == {("not_compared", "K1")}
    told(kiosk, as_terminal_counts(payment, said))
    assert differences(stage) == []
    status, text = page(stage, clerk, "/staff/reconciliation")
    assert (status, "全部相符" in text) == (200, True)

    begun = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    lost = stage.payment(begun)
    kiosk.begin(lost)
    unknown = msgspec.structs.replace(payment, key=new_key())
    told(
        kiosk,
        as_terminal_counts(payment, said),
        *(as_terminal_counts(each, approved(each)) for each in (lost, unknown)),
    )
    _window_entry(stage)
    assert {(each.name, each.subject) for each in differences(stage)} == {
        ("charged_not_paid", lost.key),
        ("unknown_charge", unknown.key),
    }, "what the bureau's own window has booked is its own matter"
    _, text = page(stage, clerk, f"/staff/reconciliation?day={now().date()}")
    assert "终端已扣款，大厅未记为已缴" in text
    assert "终端有一笔大厅不知道的扣款" in text
    kiosk.result(lost.key, approved(lost))
    stage.until_entered(kiosk, lost.key)


def _window_entry(stage: TaxStage) -> None:
    """Somebody files and pays at the state bureau's own window."""
    key = new_key()
    line = DeclaredLine(Levy.VAT, 100, 0, 100, "VR-1-2026")
    declaration = Declaration(key, "window", "101999", Form.STAMP, [line], now())
    stage.state.do("window_return", msgspec.json.encode(declaration).decode())
    payment = new_key()
    entry = Entry(entry_key(payment, key, STATE), key, payment, [EntryLine(Levy.VAT, 100)], 100, now(), "cash")
    stage.state.do("window_entry", msgspec.json.encode(entry).decode())


def test_a_silent_bureau_is_said_and_the_rest_is_compared(stage: TaxStage, kiosk: Kiosk) -> None:
    stage.local.do("silent", on="all")
    stage.local.process.kill()
    found = {(each.name, each.subject) for each in differences(stage)}
    assert ("not_compared", "local") in found
    assert not any(name.startswith("entry_missing") for name, _ in found)


def test_another_kiosk_does_not_overwrite_a_terminals_day(stage: TaxStage, kiosk: Kiosk) -> None:
    told(kiosk, terminal="T0000007")
    other = stage.kiosk("K2")
    journal = TerminalJournal(now().date(), "T0000007", [])
    assert other.send("POST", "/kiosk/v1/terminal-journal", journal).problem == "key"


def test_a_day_without_anything_agrees(stage: TaxStage) -> None:
    result = stage.hall.command("reconcile", "2026-01-01", "--settings", str(stage.settings))
    assert (result["charges"], result["payments"], result["differences"]) == (0, 0, [])


# ---- the staff's page ------------------------------------------------------------------------------------------------


def test_pages_for_staff_are_for_staff(stage: TaxStage) -> None:
    for path in ("/staff/filings", "/staff/reconciliation"):
        assert page(stage, None, path)[0] == 303
    assert page(stage, None, "/staff/filings/try", {})[0] == 401


def test_a_payment_begun_long_ago_is_closed_by_staff_with_a_note_and_a_late_charge_still_counts(
    stage: TaxStage, kiosk: Kiosk, clerk: Clerk
) -> None:
    view = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    kiosk.begin(payment)
    limit = now() + timedelta(seconds=10)
    while payment.key not in (text := page(stage, clerk, "/staff/filings")[1]):
        assert now() < limit
    assert "扣款结果不明" in text
    form = {"section": "begun_long_ago", "subject": payment.key, "how": "not_charged", "csrf": clerk.csrf}
    assert page(stage, clerk, "/staff/filings/close", {**form, "csrf": "x", "note": "查无"})[0] == 403
    assert page(stage, clerk, "/staff/filings/close", {**form, "note": " "})[0] == 422
    assert page(stage, clerk, "/staff/filings/close", {**form, "note": "终端流水查无此笔"})[0] == 303
    assert kiosk.filing(view.key).can_pay
    assert kiosk.payment(payment.key).state == "refused"
    kiosk.result(payment.key, approved(payment))
    stage.until_entered(kiosk, payment.key)
    assert stage.value("SELECT note FROM staff_item WHERE subject = ?", payment.key) == "终端流水查无此笔"


def test_half_done_is_shown_to_staff_who_may_have_it_tried_at_once(stage: TaxStage, kiosk: Kiosk, clerk: Clerk) -> None:
    stage.local.do("silent", on="returns")
    view = kiosk.file(stage.return_for(kiosk, stage.shop()))
    _older(stage, view.key)
    _, text = page(stage, clerk, "/staff/filings")
    assert "一边已受理，另一边未完成" in text
    assert view.key[:12] in text
    stage.local.do("heal")
    assert page(stage, clerk, "/staff/filings/try", {"csrf": clerk.csrf})[0] == 303
    stage.until(kiosk, view.key, "accepted")


def _older(stage: TaxStage, filing: str) -> None:
    with sqlite.connect(stage.hall.data / "hall.sqlite") as connection:
        connection.execute("UPDATE filing SET received_at = received_at - 60000 WHERE key = ?", (filing,))


def test_an_entry_refused_after_payment_is_a_refund_for_staff(stage: TaxStage, kiosk: Kiosk, clerk: Clerk) -> None:
    view = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    kiosk.begin(payment)
    stage.state.do("refuse", "paid_already", on="entries", times=1)
    kiosk.result(payment.key, approved(payment))
    limit = now() + timedelta(seconds=10)
    while "应退款" not in (text := page(stage, clerk, "/staff/filings")[1]):
        assert now() < limit
    assert "paid_already" in text


def test_blanks_that_run_out_are_shown(stage: TaxStage, clerk: Clerk) -> None:
    stage.hall.command("stock", "add", "invoice-special", "K1", "{:08d}", "1", "5", "--code", "3502163130")
    _, text = page(stage, clerk, "/staff/filings")
    assert "专用发票：余 5 份" in text
