"""A person files, pays, is given proof and an invoice, at a real window, with real touches; then all books agree."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from demo import taxes
from demo.people import OUYANG
from demo.stage import Stage

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("taxes"), taxpayers=8) as stage:
        yield stage


def test_a_return_is_filed_paid_once_and_proved_and_an_invoice_follows_its_tax(stage: Stage) -> None:
    filed = taxes.files_and_pays(stage, OUYANG)
    certificate = taxes.prints_certificate(stage, OUYANG, filed.taxpayer)
    papers = taxes.has_invoice_issued(stage, OUYANG)

    # The worked example of the look: 3,500.00 of the state, 210.00 of the local bureau, and what is late.
    amounts = taxes.amounts(filed.receipt)
    assert {"3,500.00", "122.50", "52.50", "35.00"} <= set(amounts)
    assert re.search(r"\(261\)闽国证\s+0012301", certificate)
    invoice = next(paper for paper in papers if "发票号码" in paper)
    assert re.search(r"\b\d{20}\b", invoice)
    assert papers.index(invoice) == len(papers) - 1, "tax first, invoice after"

    charges = stage.charges()
    ledgers = {name: bureau.ledger() for name, bureau in stage.bureaus.items()}
    assert [charge["outcome"] for charge in charges] == ["approved", "approved"]
    for ledger in ledgers.values():
        assert len(ledger["returns"]) == 2
        assert len(ledger["entries"]) == 2
        assert {entry["payment"] for entry in ledger["entries"]} == {charge["key"] for charge in charges}
    entered = sum(entry["amount"] for ledger in ledgers.values() for entry in ledger["entries"])
    assert entered == sum(charge["fen"] for charge in charges)


def test_nobody_is_named_in_the_logs_or_the_hall_s_files(stage: Stage) -> None:
    said = b"".join(file.read_bytes() for file in (stage.folder / "logs").glob("*.log"))
    kept = b"".join(file.read_bytes() for file in (stage.folder / "hall").iterdir() if file.is_file())
    for word in (OUYANG.name.encode(), OUYANG.number.encode()):
        assert word not in said
        assert word not in kept
