"""Returns, over real processes: taken in once, declared to both bureaus, refused with a reason, corrected in time."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from kiosk.domain.filing import FilingRequest, FilingView, PaymentRequest
from tests.hall.tax_stage import LEFT, SALES, STRANGER, TAX, Kiosk, TaxStage, approved, levy_row, new_key, now


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TaxStage]:
    made = TaxStage(tmp_path_factory.mktemp("tax"))
    made.start()
    yield made
    made.stop()


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


def test_a_person_sees_whom_they_act_for_and_what_is_due(stage: TaxStage, kiosk: Kiosk) -> None:
    reply = kiosk.send("GET", f"/kiosk/v1/taxpayers?holder_ref={stage.holder()}")
    assert len(reply.json["taxpayers"]) == len(stage.numbers)
    file = kiosk.taxpayer(stage.taxpayer_id(stage.numbers[0]))
    assert file.taxpayer.name == "漳州第1茶叶商行"
    assert file.taxpayer.number_masked.startswith("9235****")
    assert (file.credit_grade, file.taxpayer.role) == ("B", "legal_representative")
    assert file.obligations[0].state == "open"
    assert file.obligations[0].deadline > file.obligations[0].period_end


def test_a_person_no_longer_bound_may_not_act(stage: TaxStage, kiosk: Kiosk) -> None:
    taxpayer = stage.taxpayer_id(stage.numbers[0])
    assert kiosk.send("GET", f"/kiosk/v1/taxpayers?holder_ref={stage.holder(LEFT)}").json["taxpayers"] == []
    assert kiosk.send("GET", f"/kiosk/v1/taxpayers/{taxpayer}?holder_ref={stage.holder(LEFT)}").problem == "not_bound"
    request = msgspec.structs.replace(stage.return_for(kiosk, taxpayer), holder_ref=stage.holder(LEFT))
    reply = kiosk.send("POST", "/kiosk/v1/filings", request)
    assert (reply.status, reply.problem) == (409, "not_bound")


def test_one_submission_reaches_both_bureaus(stage: TaxStage, kiosk: Kiosk) -> None:
    view = kiosk.file(stage.return_for(kiosk, stage.shop()))
    assert (view.state, view.total) == ("accepted", TAX)
    assert {part.bureau: part.state for part in view.parts} == {"state": "accepted", "local": "accepted"}
    assert all(part.receipt for part in view.parts)
    assert (stage.booked(stage.state, view.key), stage.booked(stage.local, view.key)) == ((1, 0), (1, 0))


def test_the_same_key_gets_the_same_return_and_another_content_is_refused(
    stage: TaxStage, kiosk: Kiosk, other_kiosk: Kiosk
) -> None:
    request = stage.return_for(kiosk, stage.shop())
    assert kiosk.file(request).parts == kiosk.file(request).parts
    assert stage.booked(stage.state, request.key) == (1, 0)
    changed = msgspec.structs.replace(request, declared_at=request.declared_at - timedelta(seconds=1))
    for asks, what in ((kiosk, changed), (other_kiosk, request)):
        reply = asks.send("POST", "/kiosk/v1/filings", what)
        assert (reply.status, reply.problem) == (409, "key")


def test_a_period_is_filed_once_whatever_key_asks(stage: TaxStage, kiosk: Kiosk, other_kiosk: Kiosk) -> None:
    request = stage.return_for(kiosk, stage.shop())
    kiosk.file(request)
    reply = other_kiosk.send("POST", "/kiosk/v1/filings", msgspec.structs.replace(request, key=new_key()))
    assert (reply.status, reply.problem) == (409, "already_filed")
    assert not [each for each in kiosk.taxpayer(request.taxpayer).obligations if each.id == request.obligation]


def test_a_wrong_total_is_refused_and_nothing_is_held(stage: TaxStage, kiosk: Kiosk) -> None:
    request = stage.return_for(kiosk, stage.shop(), total=TAX - 1)
    reply = kiosk.send("POST", "/kiosk/v1/filings", request)
    assert (reply.status, reply.problem) == (409, "assessment")
    assert kiosk.send("GET", f"/kiosk/v1/filings/{request.key}").status == 404


@pytest.mark.parametrize("sales", ["-1.00", "NaN", "1e12", "99999999999999999", "", "一千"])
def test_absurd_sales_are_refused_with_their_field(stage: TaxStage, kiosk: Kiosk, sales: str) -> None:
    request = stage.return_for(kiosk, stage.taxpayer_id(stage.numbers[0]), sales=sales, total=0)
    reply = kiosk.send("POST", "/kiosk/v1/filings", request)
    assert (reply.status, reply.problem, reply.json["field"]) == (422, "invalid", "request.sales.goods")


def test_a_period_that_has_not_ended_is_not_open_yet(stage: TaxStage, kiosk: Kiosk) -> None:
    number = stage.shop_number()
    stage.register("levies", [{**levy_row(number), "cycle": "month", "declared_to": _last_month_end()}])
    file = kiosk.taxpayer(stage.taxpayer_id(number))
    [this_month] = [each for each in file.obligations if each.state == "not_yet_open"]
    request = stage.return_for(kiosk, stage.taxpayer_id(number), "1000.00", 0)
    period = {"kind": "month", "end": this_month.period_end.isoformat()}
    early = msgspec.structs.replace(request, obligation=this_month.id, request={**request.request, "period": period})
    reply = kiosk.send("POST", "/kiosk/v1/filings", early)
    assert (reply.status, reply.problem) == (409, "not_yet_open")


def _last_month_end() -> str:
    return (now().date().replace(day=1) - timedelta(days=1)).isoformat()


def test_a_zero_return_is_a_return(stage: TaxStage, kiosk: Kiosk) -> None:
    view = kiosk.file(stage.return_for(kiosk, stage.shop(), "0.00", 0))
    assert (view.state, view.total, view.can_pay) == ("accepted", 0, False)
    assert stage.booked(stage.local, view.key) == (1, 0)


def test_a_return_filed_at_a_window_meanwhile_is_told_with_its_reason(stage: TaxStage, kiosk: Kiosk) -> None:
    request = stage.return_for(kiosk, stage.shop())
    stage.state.do("refuse", "already_filed", on="returns", times=1)
    stage.local.do("slow", "0.5", on="returns", times=1)
    kiosk.file(request)
    view = stage.until(kiosk, request.key, "refused")
    assert ("state", "refused", "already_filed") in [(each.bureau, each.state, each.problem) for each in view.parts]
    assert not view.can_pay
    again = kiosk.send("POST", "/kiosk/v1/filings", msgspec.structs.replace(request, key=new_key()))
    assert again.problem == "already_filed"


def test_a_correction_replaces_the_return_at_both_bureaus(stage: TaxStage, kiosk: Kiosk) -> None:
    first = kiosk.file(stage.return_for(kiosk, taxpayer := stage.shop()))
    request = msgspec.structs.replace(
        _again(stage, kiosk, taxpayer, first.key), request=_sales(first, "500000.00"), total=530_000
    )
    second = kiosk.file(request)
    assert second.state == "accepted"
    assert kiosk.filing(first.key).state == "superseded"
    for bureau in (stage.state, stage.local):
        rows = {each["key"]: each for each in bureau.ledger()["returns"]}
        assert rows[first.key]["superseded"]
        assert not rows[second.key]["superseded"]


def _again(stage: TaxStage, kiosk: Kiosk, taxpayer: str, corrects: str) -> FilingRequest:
    [old] = [each for each in kiosk.taxpayer(taxpayer).filings if each.key == corrects]
    obligation = stage.value("SELECT obligation FROM filing WHERE key = ?", corrects)
    return FilingRequest(
        key=new_key(),
        taxpayer=taxpayer,
        holder_ref=stage.holder(),
        form=old.form,
        request={},
        total=0,
        declared_at=now(),
        obligation=obligation,
        corrects=corrects,
    )


def _sales(view: FilingView, sales: str) -> dict[str, object]:
    period = {"kind": "quarter", "end": str(view.period_end)}
    return {"form": "vat_small_scale", "period": period, "place": "city", "sales": {"goods": sales}}


def test_a_correction_overtakes_a_return_that_has_not_left_yet(stage: TaxStage, kiosk: Kiosk) -> None:
    stage.local.do("silent", on="returns")
    first = kiosk.file(stage.return_for(kiosk, taxpayer := stage.shop()))
    assert first.state == "half_done"
    request = msgspec.structs.replace(
        _again(stage, kiosk, taxpayer, first.key), request=_sales(first, "500000.00"), total=530_000
    )
    kiosk.file(request)
    stage.local.do("heal")
    stage.until(kiosk, request.key, "accepted")
    live = [each for each in stage.local.ledger()["returns"] if each["key"] in (first.key, request.key)]
    assert [each["key"] for each in live if not each["superseded"]] == [request.key]


def test_what_is_paid_cannot_be_corrected(stage: TaxStage, kiosk: Kiosk) -> None:
    view, _ = kiosk.file_and_pay(stage.return_for(kiosk, taxpayer := stage.shop()))
    request = msgspec.structs.replace(
        _again(stage, kiosk, taxpayer, view.key), request=_sales(view, "500000.00"), total=530_000
    )
    assert kiosk.send("POST", "/kiosk/v1/filings", request).problem == "paid_already"


def test_an_unknown_outcome_is_asked_for_and_never_sent_blindly(stage: TaxStage, kiosk: Kiosk) -> None:
    stage.state.do("silent_answer", on="returns", times=1)
    request = stage.return_for(kiosk, stage.shop())
    kiosk.file(request)
    stage.until(kiosk, request.key, "accepted")
    assert stage.booked(stage.state, request.key) == (1, 0)
    assert stage.value("SELECT sent FROM filing_item WHERE filing = ? AND bureau = 'state'", request.key) == 1


def test_a_slow_bureau_holds_up_nothing_of_the_other(stage: TaxStage, kiosk: Kiosk) -> None:
    stage.local.do("silent", on="returns")
    requests = [stage.return_for(kiosk, stage.shop()) for _ in range(3)]
    began = now()
    for request in requests:
        kiosk.file(request)
    assert now() - began < timedelta(seconds=15)
    for request in requests:
        view = stage.until(kiosk, request.key, "half_done")
        assert view.can_pay, "half done may be paid: the entries follow"
    stage.local.do("heal")
    for request in requests:
        stage.until(kiosk, request.key, "accepted")


def test_somebody_elses_return_is_not_filed_by_a_stranger(stage: TaxStage, kiosk: Kiosk) -> None:
    request = stage.return_for(kiosk, stage.taxpayer_id(stage.numbers[0]))
    forged = msgspec.structs.replace(request, holder_ref=stage.holder(STRANGER))
    assert kiosk.send("POST", "/kiosk/v1/filings", forged).problem == "not_bound"
    assert kiosk.send("GET", f"/kiosk/v1/taxpayers?holder_ref={secrets.token_hex(32)}").json["taxpayers"] == []


def test_late_surcharge_is_told_until_the_day_of_payment(stage: TaxStage, kiosk: Kiosk) -> None:
    view = kiosk.file(stage.return_for(kiosk, stage.shop(), SALES))
    assert view.deadline is not None
    days = (now().date() - view.deadline).days
    due = {line.levy: line.payable for line in view.lines}
    expected = {levy: (fen * days * 10 + 10_000) // 20_000 for levy, fen in due.items()} if days > 0 else {}
    assert {part.levy: part.amount for part in view.late} == expected
    paid, payment = _pay(stage, kiosk, view)
    assert paid.late == []
    assert payment.amount == TAX + sum(expected.values())


def _pay(stage: TaxStage, kiosk: Kiosk, view: FilingView) -> tuple[FilingView, PaymentRequest]:
    payment = stage.payment(view)
    assert kiosk.begin(payment).status == 200
    assert kiosk.result(payment.key, approved(payment)).status == 200
    stage.until_entered(kiosk, payment.key)
    return kiosk.filing(view.key), payment
