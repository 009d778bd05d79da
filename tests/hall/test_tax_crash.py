"""The hall is killed (-9), and so are bureaus, at points of a filing: afterwards one return and one entry each."""

from __future__ import annotations

import contextlib
import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator

import pysqlite3.dbapi2 as sqlite
import pytest

from hall.filings.standing import FILING, PAYMENT, filing_state, may_pay, payment_state, tax_is_in
from kiosk.domain.filing import FilingRequest, FilingState, PaymentRequest
from tests.hall.tax_stage import OWNER, Kiosk, TaxStage, approved

#: Moments after a post at which the hall is killed, in seconds: from before it is read to after it is settled.
MOMENTS = (0.0, 0.006, 0.012, 0.02, 0.05)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxStage]:
    made = TaxStage(tmp_path_factory.mktemp("tax"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kiosk(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K1")


def killed_during(stage: TaxStage, ask: Callable[[], object], after: float) -> None:
    """Ask, kill the hall in the middle of it, and start it again."""

    def quietly() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            ask()

    asking = threading.Thread(target=quietly)
    asking.start()
    time.sleep(after)
    stage.hall.kill()
    asking.join()
    stage.hall.start()


@pytest.mark.parametrize("after", MOMENTS)
def test_a_hall_killed_while_a_return_is_filed_ends_with_one_return_at_each_bureau(
    stage: TaxStage, kiosk: Kiosk, after: float
) -> None:
    request = stage.return_for(kiosk, stage.shop())
    killed_during(stage, lambda: kiosk.send("POST", "/kiosk/v1/filings", request), after)
    kiosk.file(request)
    stage.until(kiosk, request.key, "accepted")
    assert (stage.booked(stage.state, request.key), stage.booked(stage.local, request.key)) == ((1, 0), (1, 0))


@pytest.mark.parametrize("after", MOMENTS)
def test_a_hall_killed_while_a_charge_is_told_ends_with_one_entry_at_each_bureau(
    stage: TaxStage, kiosk: Kiosk, after: float
) -> None:
    view = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    assert kiosk.begin(payment).status == 200
    said = approved(payment)
    killed_during(stage, lambda: kiosk.result(payment.key, said), after)
    assert kiosk.result(payment.key, said).status == 200
    stage.until_entered(kiosk, payment.key)
    assert (stage.booked(stage.state, view.key), stage.booked(stage.local, view.key)) == ((1, 1), (1, 1))


def test_a_bureau_that_dies_between_receipt_and_answer_while_the_hall_is_killed_too_holds_one(
    stage: TaxStage, kiosk: Kiosk
) -> None:
    request = stage.return_for(kiosk, stage.shop())
    stage.local.do("die_after", on="returns", times=1)
    killed_during(stage, lambda: kiosk.send("POST", "/kiosk/v1/filings", request), 0.1)
    stage.heal()
    kiosk.file(request)
    stage.until(kiosk, request.key, "accepted")
    assert (stage.booked(stage.state, request.key), stage.booked(stage.local, request.key)) == ((1, 0), (1, 0))


def test_a_begun_payment_outlives_the_hall_and_never_ends_by_itself(stage: TaxStage, kiosk: Kiosk) -> None:
    view = stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    kiosk.begin(payment)
    stage.hall.kill()
    stage.hall.start()
    assert kiosk.payment(payment.key).state == "begun"
    assert kiosk.begin(stage.payment(view)).problem == "being_paid"
    assert kiosk.begin(payment).status == 200


def test_a_campaign_of_random_bad_days_settles_every_filing_once(stage: TaxStage, kiosk: Kiosk) -> None:
    chance = random.Random(20261124)
    done: list[tuple[FilingRequest, PaymentRequest]] = []
    for _ in range(5):
        request = stage.return_for(kiosk, stage.shop())
        for bureau in (stage.state, stage.local):
            action = chance.choice(["", "silent_answer", "die_before", "die_after", "garble", "answer_twice"])
            if action:
                bureau.do(action, on=chance.choice(["returns", "entries"]), times=1)
        if chance.random() < 0.3:
            killed_during(stage, lambda request=request: kiosk.send("POST", "/kiosk/v1/filings", request), 0.02)
        kiosk.file(request)
        _raise_the_dead(stage)
        view = stage.until(kiosk, request.key, "accepted")
        payment = stage.payment(view)
        assert kiosk.begin(payment).status == 200
        said = approved(payment)
        kiosk.result(payment.key, said)
        _raise_the_dead(stage)
        kiosk.result(payment.key, said)
        done.append((request, payment))
    stage.heal()
    for request, payment in done:
        stage.until_entered(kiosk, payment.key)
        assert (stage.booked(stage.state, request.key), stage.booked(stage.local, request.key)) == ((1, 1), (1, 1))


def _raise_the_dead(stage: TaxStage) -> None:
    time.sleep(0.3)
    for bureau in (stage.state, stage.local):
        if bureau.process.exit_code is not None:
            bureau.process.kill()
            bureau.start()


def test_a_natural_persons_name_and_number_lie_open_nowhere_in_the_halls_folder(stage: TaxStage, kiosk: Kiosk) -> None:
    view = kiosk.file(stage.invoice_request("600.00", 0))
    assert view.state == "accepted"
    with sqlite.connect(stage.hall.data / "hall.sqlite") as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    files = [file for file in (*stage.hall.data.iterdir(), stage.hall.log) if file.is_file()]
    assert len(files) >= 3
    data = b"\n".join(file.read_bytes() for file in files)
    assert view.key.encode() in data
    for clear in (*OWNER, "漳州第1茶叶商行"):
        assert clear.encode() not in data


# ---- where things stand follows from what was said -----------------------------------------------------------------


def test_every_combination_of_answers_has_a_state_and_a_refusal_is_final() -> None:
    for parts, state in FILING.items():
        assert filing_state(sorted(parts), False) == state
        assert (state == "refused") == ("refused" in parts)
        assert filing_state([*parts, "dropped"], False) == state
        assert filing_state(sorted(parts), True) == "superseded"
    assert len(FILING) == 7


@pytest.mark.parametrize(
    ("state", "total", "taken", "half", "expected"),
    [
        ("accepted", 1, False, False, True),
        ("accepted", 0, False, True, False),
        ("accepted", 1, True, True, False),
        ("half_done", 1, False, True, True),
        ("half_done", 1, False, False, False),
        ("received", 1, False, True, False),
        ("refused", 1, False, True, False),
        ("superseded", 1, False, True, False),
    ],
)
def test_when_a_payment_may_begin(state: FilingState, total: int, taken: bool, half: bool, expected: bool) -> None:
    assert may_pay(state, total, taken, half) is expected


def test_a_payment_is_entered_when_every_entry_is() -> None:
    assert payment_state("approved", False, []) == "approved"
    assert payment_state("approved", False, ["entered", "pending"]) == "approved"
    assert payment_state("approved", False, ["entered", "entered"]) == "entered"
    assert payment_state("approved", True, []) == "to_reverse"
    assert payment_state("reversed", True, ["dropped"]) == "reversed"
    assert set(PAYMENT.values()) == {
        "begun",
        "refused",
        "approved",
        "entered",
        "to_reverse",
        "reversed",
    }


def test_the_invoice_waits_for_every_bureau_that_is_owed() -> None:
    assert tax_is_in("accepted", 100, {"state", "local"}, {"state", "local"})
    assert not tax_is_in("accepted", 100, {"state", "local"}, {"state"})
    assert tax_is_in("accepted", 100, {"state"}, {"state"})
    assert tax_is_in("accepted", 0, set(), set())
    assert not tax_is_in("half_done", 0, set(), set())
