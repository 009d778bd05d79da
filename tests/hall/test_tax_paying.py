"""Payments and papers, over real processes: held once, charged once, one entry a bureau, proof only for what is in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from kiosk.domain.facts import Fact
from kiosk.domain.filing import (
    Bureau,
    CertificateRequest,
    DocumentPrinted,
    FilingMade,
    FilingView,
    InvoiceRequest,
    PaymentBegun,
    PaymentEnded,
    PaymentResult,
)
from kiosk.domain.messages import CHAIN_START, JournalBatch, JournalRow, row_hash
from tests.hall.tax_stage import STRANGER, TAX, Kiosk, Reply, TaxStage, approved, new_key, now


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxStage]:
    made = TaxStage(tmp_path_factory.mktemp("tax"))
    made.start()
    for kind in ("state", "local"):
        made.hall.command("stock", "add", f"certificate-{kind}", "K1", "(261)闽国证 {:07d}", *_range(kind))
    yield made
    made.stop()


def _range(kind: str) -> tuple[str, str]:
    return ("12345", "12350") if kind == "state" else ("20001", "20003")


@pytest.fixture(scope="module")
def kiosk(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K1")


@pytest.fixture(scope="module")
def other_kiosk(stage: TaxStage) -> Kiosk:
    return stage.kiosk("K2")


@pytest.fixture(autouse=True)
def healed(stage: TaxStage) -> Iterator[None]:
    yield
    stage.heal()


class Journal:
    """What a kiosk reports later: a disk of its own for each test."""

    def __init__(self, kiosk: Kiosk) -> None:
        self._kiosk, self._incarnation = kiosk, new_key()
        self._last, self._seq = CHAIN_START, 0

    def tell(self, fact: Fact) -> Reply:
        self._seq += 1
        kind, body, at = str(fact.__struct_config__.tag), msgspec.json.encode(fact), now()
        self._last = row_hash(self._last, self._seq, kind, at, body)
        row = JournalRow(self._seq, kind, at, msgspec.Raw(body), self._last)
        return self._kiosk.send("POST", "/kiosk/v1/journal", JournalBatch(self._incarnation, [row]))


def filed(stage: TaxStage, kiosk: Kiosk) -> FilingView:
    return stage.until(kiosk, kiosk.file(stage.return_for(kiosk, stage.shop())).key, "accepted")


# ---- paying --------------------------------------------------------------------------------------------------------


def test_one_swipe_makes_one_entry_at_each_bureau(stage: TaxStage, kiosk: Kiosk) -> None:
    view, payment = kiosk.file_and_pay(stage.return_for(kiosk, stage.shop()))
    assert (stage.booked(stage.state, view.key), stage.booked(stage.local, view.key)) == ((1, 1), (1, 1))
    paid = kiosk.payment(payment.key)
    assert sum(part.amount for part in paid.parts) == paid.amount == payment.amount
    assert [part.bureau for part in paid.parts] == ["state", "local"]
    assert view.payment is not None
    assert (view.can_pay, view.late, view.payment.state) == (False, [], "entered")


def test_of_two_kiosks_that_pay_one_filing_one_wins(stage: TaxStage, kiosk: Kiosk, other_kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    with ThreadPoolExecutor(2) as threads:
        replies = list(threads.map(lambda asks: asks.begin(stage.payment(view)), (kiosk, other_kiosk)))
    assert sorted(reply.status for reply in replies) == [200, 409]
    assert [reply.problem for reply in replies if reply.status == 409] == ["being_paid"]


def test_a_payment_begun_twice_under_its_key_is_one_payment(stage: TaxStage, kiosk: Kiosk, other_kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    payment = stage.payment(view)
    assert kiosk.begin(payment).json == kiosk.begin(payment).json
    assert kiosk.begin(msgspec.structs.replace(payment, amount=payment.amount + 1)).problem == "key"
    assert other_kiosk.begin(payment).problem == "key"
    assert not kiosk.filing(view.key).can_pay


def test_a_payment_of_another_amount_does_not_begin(stage: TaxStage, kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    wrong = msgspec.structs.replace(stage.payment(view), amount=view.payable_now - 1)
    assert (kiosk.begin(wrong).status, kiosk.begin(wrong).problem) == (409, "amount")
    assert kiosk.filing(view.key).can_pay


def test_nobody_pays_for_whom_they_do_not_act(stage: TaxStage, kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    assert kiosk.begin(stage.payment(view, person=STRANGER)).problem == "not_bound"


def test_what_no_bureau_has_yet_cannot_be_paid(stage: TaxStage, kiosk: Kiosk) -> None:
    for bureau in (stage.state, stage.local):
        bureau.do("silent", on="returns")
    view = kiosk.file(stage.return_for(kiosk, stage.shop()))
    assert (view.state, view.can_pay) == ("received", False)
    assert kiosk.begin(stage.payment(view)).problem == "not_payable"


def test_a_payment_given_up_before_the_hall_heard_of_it_holds_nothing_when_its_request_comes_late(
    stage: TaxStage, kiosk: Kiosk
) -> None:
    view = filed(stage, kiosk)
    payment = stage.payment(view)
    told = Journal(kiosk).tell(PaymentEnded(payment.key, PaymentResult("refused")))
    assert (told.status, told.json["quarantined"]) == (200, [])
    assert kiosk.begin(payment).problem == "key"
    assert kiosk.begin(stage.payment(view)).status == 200


def test_a_certificate_given_up_before_its_number_was_heard_of_takes_no_blank_when_its_request_comes_late(
    stage: TaxStage, kiosk: Kiosk
) -> None:
    view, _ = kiosk.file_and_pay(stage.return_for(kiosk, stage.shop()))
    request = CertificateRequest(new_key(), view.key, Bureau.LOCAL, stage.holder())
    told = Journal(kiosk).tell(DocumentPrinted("certificate", request.key, "", "failed", "power_lost", False))
    assert (told.status, told.json["quarantined"]) == (200, [])
    assert kiosk.send("POST", "/kiosk/v1/certificates", request).problem == "key"


def test_a_refused_charge_leaves_the_filing_to_be_paid(stage: TaxStage, kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    payment = stage.payment(view)
    kiosk.begin(payment)
    assert kiosk.result(payment.key, PaymentResult("refused")).json["state"] == "refused"
    after = kiosk.filing(view.key)
    assert (after.can_pay, after.payment) == (True, None)
    assert kiosk.begin(stage.payment(view)).status == 200


def test_an_approval_told_twice_is_one_payment_and_no_other_charge_is_taken_for_it(
    stage: TaxStage, kiosk: Kiosk
) -> None:
    view = filed(stage, kiosk)
    payment = stage.payment(view)
    kiosk.begin(payment)
    said = approved(payment)
    assert [kiosk.result(payment.key, said).status for _ in range(3)] == [200, 200, 200]
    assert kiosk.result(payment.key, approved(payment)).problem == "key"
    assert kiosk.result(payment.key, PaymentResult("refused")).problem == "key"
    stage.until_entered(kiosk, payment.key)
    assert stage.booked(stage.state, view.key) == (1, 1)


def test_a_half_done_filing_is_paid_once_and_its_second_entry_follows(stage: TaxStage, kiosk: Kiosk) -> None:
    stage.local.do("silent", on="both")
    view = kiosk.file(stage.return_for(kiosk, stage.shop()))
    payment = stage.payment(view)
    assert (view.state, kiosk.begin(payment).status) == ("half_done", 200)
    kiosk.result(payment.key, approved(payment))
    assert kiosk.payment(payment.key).state == "approved"
    stage.local.do("heal")
    stage.until_entered(kiosk, payment.key)
    assert stage.booked(stage.local, view.key) == (1, 1)


def test_a_bureau_that_dies_after_the_entry_is_asked_and_holds_one(stage: TaxStage, kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    payment = stage.payment(view)
    kiosk.begin(payment)
    stage.state.do("die_after", on="entries", times=1)
    kiosk.result(payment.key, approved(payment))
    stage.state.process_ended()
    stage.heal()
    stage.until_entered(kiosk, payment.key)
    assert stage.booked(stage.state, view.key) == (1, 1)
    assert stage.value("SELECT sent FROM entry_item WHERE payment = ? AND bureau = 'state'", payment.key) == 1


def test_a_charge_that_was_closed_as_not_charged_is_given_back_when_somebody_else_has_paid(
    stage: TaxStage, kiosk: Kiosk, other_kiosk: Kiosk
) -> None:
    view = filed(stage, kiosk)
    lost, other = stage.payment(view), stage.payment(view)
    kiosk.begin(lost)
    assert kiosk.result(lost.key, PaymentResult("refused")).status == 200
    other_kiosk.begin(other)
    other_kiosk.result(other.key, approved(other))
    assert kiosk.result(lost.key, approved(lost)).json["state"] == "to_reverse"
    assert kiosk.result(lost.key, PaymentResult("reversed")).json["state"] == "reversed"
    stage.until_entered(other_kiosk, other.key)
    assert stage.booked(stage.state, view.key) == (1, 1)


def test_facts_alone_make_a_filing_and_a_payment_and_the_requests_after_them_change_nothing(
    stage: TaxStage, kiosk: Kiosk
) -> None:
    journal, request = Journal(kiosk), stage.return_for(kiosk, stage.shop())
    assert journal.tell(FilingMade(request)).json["quarantined"] == []
    view = stage.until(kiosk, request.key, "accepted")
    payment, said = stage.payment(view), None
    assert journal.tell(PaymentBegun(payment)).json["quarantined"] == []
    said = approved(payment)
    assert journal.tell(PaymentEnded(payment.key, said)).json["quarantined"] == []
    stage.until_entered(kiosk, payment.key)
    assert kiosk.file(request).payment is not None
    assert (kiosk.begin(payment).status, kiosk.result(payment.key, said).status) == (200, 200)
    assert (stage.booked(stage.state, request.key), stage.booked(stage.local, request.key)) == ((1, 1), (1, 1))


def test_a_fact_that_the_hall_refuses_is_set_aside_with_its_reason(stage: TaxStage, kiosk: Kiosk) -> None:
    request = stage.return_for(kiosk, stage.shop(), total=TAX + 1)
    [row] = Journal(kiosk).tell(FilingMade(request)).json["quarantined"]
    assert row["reason"] == "refused: assessment (total)"


# ---- papers --------------------------------------------------------------------------------------------------------


def certificate(stage: TaxStage, kiosk: Kiosk, view: FilingView, bureau: Bureau, key: str | None = None) -> Reply:
    request = CertificateRequest(key or new_key(), view.key, bureau, stage.holder())
    return kiosk.send("POST", "/kiosk/v1/certificates", request)


def printed(kiosk: Kiosk, paper: Reply, outcome: str = "done", kind: str = "certificate") -> None:
    fact = DocumentPrinted(kind, paper.json["key"], paper.json["number"], outcome, "paper_jam", False)
    assert Journal(kiosk).tell(fact).json["quarantined"] == []


def test_a_certificate_says_what_one_bureau_has_and_takes_a_numbered_blank(stage: TaxStage, kiosk: Kiosk) -> None:
    view, payment = kiosk.file_and_pay(stage.return_for(kiosk, stage.shop()))
    key = new_key()
    first = certificate(stage, kiosk, view, Bureau.STATE, key)
    assert first.json == certificate(stage, kiosk, view, Bureau.STATE, key).json
    assert (first.json["number"], first.json["print_count"]) == ("(261)闽国证 0012345", 1)
    assert len(first.json["verification"]) == 16
    [part] = [each for each in kiosk.payment(payment.key).parts if each.bureau == "state"]
    assert first.json["amount"] == part.amount == sum(line["amount"] + line["late"] for line in first.json["lines"])
    assert {line["receipt"] for line in first.json["lines"]} == {part.receipt}
    printed(kiosk, first)
    again = certificate(stage, kiosk, view, Bureau.STATE)
    assert (again.json["number"], again.json["print_count"]) == ("(261)闽国证 0012346", 2)


def test_a_jam_voids_the_number_and_it_is_never_used_again(stage: TaxStage, kiosk: Kiosk) -> None:
    view, _ = kiosk.file_and_pay(stage.return_for(kiosk, stage.shop()))
    seen = []
    for _ in range(3):
        paper = certificate(stage, kiosk, view, Bureau.LOCAL)
        printed(kiosk, paper, "failed")
        seen.append(paper.json["number"])
    assert len(set(seen)) == 3
    assert certificate(stage, kiosk, view, Bureau.LOCAL).problem == "no_stock"
    [local] = [each for each in stage.hall.command("stock", "list")["stock"] if each["kind"] == "certificate-local"]
    assert (local["left"], local["void"], local["next"]) == (0, 3, None)


def test_no_certificate_before_the_entry_and_none_for_strangers(stage: TaxStage, kiosk: Kiosk) -> None:
    view = filed(stage, kiosk)
    assert certificate(stage, kiosk, view, Bureau.STATE).problem == "not_entered"
    request = CertificateRequest(new_key(), view.key, Bureau.STATE, stage.holder(STRANGER))
    assert kiosk.send("POST", "/kiosk/v1/certificates", request).problem == "not_bound"


def test_two_ranges_of_one_form_never_overlap(stage: TaxStage) -> None:
    with pytest.raises(Exception, match="K1 has 12345 to 12350"):
        stage.hall.command("stock", "add", "certificate-state", "K2", "(261)闽国证 {:07d}", "12350", "12360")


# ---- invoices ------------------------------------------------------------------------------------------------------


def invoice(stage: TaxStage, kiosk: Kiosk, filing: str, key: str | None = None, holder: str | None = None) -> Reply:
    request = InvoiceRequest(key or new_key(), filing, holder or stage.holder())
    return kiosk.send("POST", "/kiosk/v1/invoices", request)


def test_tax_first_invoice_after(stage: TaxStage, kiosk: Kiosk) -> None:
    # 5,050.00 gross at 1 %: 50.00 VAT; 城建税 7 %, 3 %, 2 % halved.
    request = stage.invoice_request("5050.00", 5_300)
    view = kiosk.file(request)
    assert view.state == "accepted"
    assert invoice(stage, kiosk, view.key).problem == "not_paid"
    payment = stage.payment(view)
    kiosk.begin(payment)
    stage.local.do("silent", on="entries")
    kiosk.result(payment.key, approved(payment))
    assert invoice(stage, kiosk, view.key).problem == "not_paid", "one bureau has no entry yet"
    stage.local.do("heal")
    stage.until_entered(kiosk, payment.key)
    paper = invoice(stage, kiosk, view.key).json
    assert (paper["net"], paper["vat"], paper["gross"], paper["rate"]) == (500_000, 5_000, 505_000, "0.01")
    year = f"{now().year % 100:02d}"
    assert (paper["medium"], paper["code"], len(paper["number"])) == ("digital", "", 20)
    assert paper["number"].startswith(f"{year}351")
    assert paper["seller_number"] == "3506**********003X", "a person's own number is masked"
    assert invoice(stage, kiosk, view.key).json["number"] == paper["number"], "one filing has one good invoice"


def test_sales_of_one_day_are_tested_together_and_the_hall_knows_them_all(stage: TaxStage, kiosk: Kiosk) -> None:
    person = ("吴小燕", "350604200002290027")
    first = stage.invoice_request("600.00", 0, person)
    view = kiosk.file(first)
    assert view.total == 0
    paper = invoice(stage, kiosk, view.key, holder=stage.holder(person)).json
    assert (paper["rate"], paper["vat"], paper["gross"]) == ("免税", 0, 60_000)
    hidden = kiosk.send("POST", "/kiosk/v1/filings", stage.invoice_request("600.00", 0, person))
    assert (hidden.status, hidden.problem, hidden.json["field"]) == (409, "assessment", "request.same_day_gross")


def test_a_special_invoice_needs_a_registered_buyer(stage: TaxStage, kiosk: Kiosk) -> None:
    known = stage.numbers[0]
    assert kiosk.send("GET", f"/kiosk/v1/buyers/{known}").json == {"name": "漳州第1茶叶商行"}
    assert kiosk.send("GET", "/kiosk/v1/buyers/91350100M000100Y43").status == 404
    request = stage.invoice_request("5050.00", 5_300, invoice="special")
    assert request.invoice is not None
    for number, problem in (("91350100M000100Y43", "buyer"), (known, None)):
        order = msgspec.structs.replace(request.invoice, kind="special", buyer_number=number)
        person = ("张伟", "350622199602290036")
        asked = stage.invoice_request("5050.00", 5_300, person, invoice="special")
        reply = kiosk.send("POST", "/kiosk/v1/filings", msgspec.structs.replace(asked, invoice=order))
        assert reply.json.get("problem") == problem


def test_an_invoice_bears_the_name_of_who_stands_at_the_machine(stage: TaxStage, kiosk: Kiosk) -> None:
    request = stage.invoice_request("5050.00", 5_300, STRANGER)
    forged = msgspec.structs.replace(request, holder_ref=stage.holder())
    assert kiosk.send("POST", "/kiosk/v1/filings", forged).problem == "not_bound"


def test_a_red_letter_invoice_is_the_only_way_to_undo_one(stage: TaxStage, kiosk: Kiosk) -> None:
    person = ("蔡淑芬", "350605198402290022")
    view = kiosk.file(stage.invoice_request("600.00", 0, person))
    good = invoice(stage, kiosk, view.key, holder=stage.holder(person)).json
    red = stage.hall.command("invoice", "red", good["number"], "--settings", str(stage.settings))
    assert (red["red_of"], red["gross_fen"]) == (good["number"], -60_000)
    assert red["number"] != good["number"]
    after = invoice(stage, kiosk, view.key, key=good["key"], holder=stage.holder(person)).json
    assert after["state"] == "red"
    with pytest.raises(Exception, match="this invoice is red"):
        stage.hall.command("invoice", "red", good["number"], "--settings", str(stage.settings))


def test_a_person_sees_their_own_invoices_and_nobody_elses(stage: TaxStage, kiosk: Kiosk) -> None:
    person = ("林国栋", "350681197006158881")
    view = kiosk.file(stage.invoice_request("600.00", 0, person))
    mine = kiosk.taxpayer("self", person)
    assert [each.key for each in mine.filings] == [view.key]
    assert mine.filings[0].summary["gross"] == "600.00"
    assert kiosk.taxpayer("self", ("黄志强", "350625199912310011")).filings == []
