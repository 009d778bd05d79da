"""One kiosk and another's filing, payment, certificate: a key that was overheard opens nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kiosk.domain.filing import Bureau, CertificateRequest, InvoiceRequest
from tests.hall.tax_stage import OWNER, STRANGER, Kiosk, TaxStage, approved, new_key


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxStage]:
    made = TaxStage(tmp_path_factory.mktemp("whose"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def mine(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K1")


@pytest.fixture(scope="module")
def theirs(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K2")


def test_a_kiosk_asks_after_its_own_return_and_no_other(stage: TaxStage, mine: Kiosk, theirs: Kiosk) -> None:
    view = mine.file(stage.return_for(mine, stage.shop()))
    assert mine.send("GET", f"/kiosk/v1/filings/{view.key}").status == 200
    assert theirs.send("GET", f"/kiosk/v1/filings/{view.key}").status == 404


def test_who_pays_a_return_elsewhere_sees_it_there(stage: TaxStage, mine: Kiosk, theirs: Kiosk) -> None:
    """多点办理: filed at one machine, paid at another."""
    view = stage.until(mine, mine.file(stage.return_for(mine, stage.shop())).key, "accepted")
    assert theirs.begin(stage.payment(view)).status == 200
    assert theirs.send("GET", f"/kiosk/v1/filings/{view.key}").status == 200


def test_a_payment_belongs_to_the_kiosk_whose_terminal_charges(stage: TaxStage, mine: Kiosk, theirs: Kiosk) -> None:
    view = stage.until(mine, mine.file(stage.return_for(mine, stage.shop())).key, "accepted")
    payment = stage.payment(view)
    assert mine.begin(payment).status == 200
    assert theirs.send("GET", f"/kiosk/v1/payments/{payment.key}").status == 404
    assert theirs.result(payment.key, approved(payment)).status == 409
    assert mine.payment(payment.key).state == "begun", "nobody else's word ended it"


def test_a_taxpayers_file_opens_for_who_is_bound_to_it(stage: TaxStage, mine: Kiosk) -> None:
    taxpayer = stage.shop()
    for person, status in ((OWNER, 200), (STRANGER, 409)):
        path = f"/kiosk/v1/taxpayers/{taxpayer}?holder_ref={stage.holder(person)}"
        assert mine.send("GET", path).status == status


def test_no_paper_of_a_return_is_given_to_a_stranger_who_has_its_key(stage: TaxStage, mine: Kiosk) -> None:
    view, payment = mine.file_and_pay(stage.return_for(mine, stage.shop()))
    stage.until_entered(mine, payment.key)
    stranger = stage.holder(STRANGER)
    asked = [
        ("certificates", CertificateRequest(new_key(), view.key, Bureau.STATE, stranger)),
        ("invoices", InvoiceRequest(new_key(), view.key, stranger)),
    ]
    for what, message in asked:
        answered = mine.send("POST", f"/kiosk/v1/{what}", message)
        assert (answered.status, answered.problem) == (409, "not_bound"), what
