"""The questions of a return: which come, in which order, and what is no answer to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config
from kiosk.domain.filing import Form, PayerKind, Place
from kiosk.domain.money import to_fen
from kiosk.domain.questions import (
    ANSWER_PROBLEMS,
    AnswerKind,
    Known,
    Question,
    Unfit,
    clean,
    general_rates,
    next_question,
    parse_answer,
    question_about,
    questions,
    request_of,
)
from kiosk.domain.tax import BadInput, RulePack, assess

TODAY = date(2026, 10, 20)
PACK = RulePack.from_tree(config.read_tax_rules())
QUARTER = Known(PayerKind.SMALL_SCALE, Place.CITY, "quarter", date(2026, 9, 30))
MONTH = Known(PayerKind.GENERAL, Place.CITY, "month", date(2026, 9, 30))
ONCE = Known(PayerKind.SMALL_SCALE, Place.CITY)
PERSON = Known(PayerKind.NATURAL_PERSON, Place.CITY)
AMOUNT = Question("sales", AnswerKind.AMOUNT)
FORMS = {
    Form.VAT_SMALL_SCALE: QUARTER,
    Form.VAT_GENERAL: MONTH,
    Form.IIT_BUSINESS: QUARTER,
    Form.CIT_PREPAYMENT: QUARTER,
    Form.STAMP: ONCE,
    Form.VEHICLE_PURCHASE: ONCE,
    Form.INVOICE_ON_BEHALF: PERSON,
}


def ids(form: Form, known: Known, answers: Mapping[str, str] | None = None) -> list[str]:
    return [question.id for question in questions(form, known, answers or {})]


# ---- the path ------------------------------------------------------------------------------------------------------


def test_nothing_sold_is_one_question() -> None:
    assert ids(Form.VAT_SMALL_SCALE, QUARTER, {"any_sales": "no"}) == ["any_sales"]


def test_the_usual_small_scale_return_is_four_questions() -> None:
    assert ids(Form.VAT_SMALL_SCALE, QUARTER) == ["any_sales", "kind", "figure", "sales_ordinary"]


@pytest.mark.parametrize(
    ("end", "kinds"),
    [
        (date(2016, 3, 31), None),
        (date(2016, 6, 30), ("goods", "services", "immovables", "several")),
        (date(2018, 12, 31), ("goods", "services", "immovables", "several")),
        (date(2019, 3, 31), ("ordinary", "immovables", "several")),
        (date(2026, 9, 30), ("ordinary", "immovables", "several")),
    ],
)
def test_kinds_of_sales_are_told_apart_as_far_as_the_law_of_the_period_does(
    end: date, kinds: tuple[str, ...] | None
) -> None:
    path = {each.id: each.choices for each in questions(Form.VAT_SMALL_SCALE, replace(QUARTER, period_end=end), {})}
    assert path.get("kind") == kinds


def test_several_kinds_are_asked_one_by_one() -> None:
    old = replace(QUARTER, period_end=date(2017, 9, 30))
    path = ids(Form.VAT_SMALL_SCALE, old, {"any_sales": "yes", "kind": "several"})
    assert path[3:] == ["sales_goods", "sales_services", "sales_immovables"]


def test_a_quota_is_confirmed_or_told_to_be_too_low() -> None:
    household = replace(QUARTER, quota=9000000)
    assert ids(Form.VAT_SMALL_SCALE, household) == ["quota"]
    assert ids(Form.VAT_SMALL_SCALE, household, {"quota": "more"})[:2] == ["quota", "kind"]


@pytest.mark.parametrize("end", [date(2016, 6, 30), date(2017, 9, 30), date(2018, 6, 30), date(2020, 1, 31), TODAY])
def test_the_rates_that_are_offered_are_those_of_the_rules(end: date) -> None:
    rule = PACK.vat_general_rates.on(end)
    assert rule is not None
    assert {int(rate * 100) for rate in rule.rates} >= {int(rate) for rate in general_rates(end)}


@pytest.mark.parametrize("since", [date(2017, 7, 1), date(2018, 5, 1), date(2019, 4, 1)])
def test_rates_change_on_the_day_on_which_the_rules_change(since: date) -> None:
    assert general_rates(since) != general_rates(since - timedelta(1))
    assert PACK.vat_general_rates.on(since) is not PACK.vat_general_rates.on(since - timedelta(1))


def test_what_the_register_knows_is_not_asked() -> None:
    assert ids(Form.CIT_PREPAYMENT, QUARTER) == ["any_profit", "profit", "staff", "assets"]
    known = replace(QUARTER, facts={"staff": [12, 13, 14], "assets": "3000000.00"})
    assert ids(Form.CIT_PREPAYMENT, known) == ["any_profit", "profit"]


def test_the_industry_mattered_until_2018() -> None:
    assert "industry" in ids(Form.CIT_PREPAYMENT, replace(QUARTER, period_end=date(2017, 9, 30)))
    assert "industry" not in ids(Form.CIT_PREPAYMENT, replace(QUARTER, period_end=date(2019, 3, 31)))


@pytest.mark.parametrize(
    ("bought", "matters"),
    [("2015-09-30", False), ("2017-12-31", True), ("2018-01-01", False), ("2022-06-01", True), ("2026-03-01", False)],
)
def test_the_displacement_is_asked_where_it_changes_the_tax(bought: str, matters: bool) -> None:
    path = ids(Form.VEHICLE_PURCHASE, ONCE, {"vehicle_date": bought})
    assert ("displacement_ml" in path) is matters
    assert "displacement_ml" not in ids(
        Form.VEHICLE_PURCHASE, ONCE, {"vehicle_date": bought, "vehicle_kind": "nev_passenger"}
    )


def test_who_gets_a_special_invoice_and_who_gives_one() -> None:
    company = {"invoice_item": "services", "buyer_kind": "company"}
    assert "invoice_kind" in ids(Form.INVOICE_ON_BEHALF, ONCE, company)
    assert "invoice_kind" not in ids(Form.INVOICE_ON_BEHALF, ONCE, {**company, "buyer_kind": "person"})
    assert "invoice_kind" not in ids(Form.INVOICE_ON_BEHALF, PERSON, company)
    assert "invoice_kind" in ids(Form.INVOICE_ON_BEHALF, PERSON, {**company, "invoice_item": "shop_lease"})


@pytest.mark.parametrize("form", FORMS)
def test_no_usual_path_is_longer_than_six_questions(form: Form) -> None:
    assert 1 <= len(questions(form, FORMS[form], {})) <= 6


@pytest.mark.parametrize("form", FORMS)
def test_every_path_ends_in_a_request_that_the_rules_take(form: Form) -> None:
    """Every branch, with a plausible answer to what is typed."""
    for answers in paths(form, FORMS[form], {}):
        request = request_of(form, FORMS[form], answers, TODAY)
        try:
            assess(PACK, request)
        except BadInput as bad:
            pytest.fail(f"{answers}: {bad}")


TYPED = {
    AnswerKind.AMOUNT: "1000.00",
    AnswerKind.COUNT: "12",
    AnswerKind.TAXPAYER_NUMBER: "91350211M000100Y46",
    AnswerKind.DATE: "2026-10-01",
}


def paths(form: Form, known: Known, answers: dict[str, str]) -> list[dict[str, str]]:
    question = next_question(form, known, answers)
    if question is None:
        return [answers]
    values = question.choices if question.kind is AnswerKind.CHOICE else (TYPED[question.kind],)
    return [path for value in values for path in paths(form, known, {**answers, question.id: value})]


def test_changing_an_answer_leaves_out_what_followed_from_it() -> None:
    full = {"any_sales": "yes", "kind": "ordinary", "figure": "net", "sales_ordinary": "350000.00"}
    assert clean(Form.VAT_SMALL_SCALE, QUARTER, {**full, "any_sales": "no"}) == {"any_sales": "no"}
    assert clean(Form.VAT_SMALL_SCALE, QUARTER, {**full, "kind": "immovables"}) == {
        "any_sales": "yes",
        "kind": "immovables",
        "figure": "net",
    }


def test_an_answer_that_is_no_choice_any_more_is_asked_again() -> None:
    """A draft of one month carries no rate into a period that does not know it."""
    question = next_question(Form.VAT_GENERAL, MONTH, {"vat_rate": "17"})
    assert question is not None
    assert question.id == "vat_rate"


@pytest.mark.parametrize("form", FORMS)
def test_what_is_cleaned_stays_clean_and_keeps_its_next_question(form: Form) -> None:
    for answers in paths(form, FORMS[form], {}):
        stray = {**answers, "sales_goods": "1.00", "nonsense": "x"}
        once = clean(form, FORMS[form], stray)
        assert clean(form, FORMS[form], once) == once
        assert next_question(form, FORMS[form], once) is None


# ---- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("350000", "350000.00"),
        ("350000.5", "350000.50"),
        ("350,000.05", "350000.05"),
        ("0", "0.00"),
        ("-0", "0.00"),
        ("007", "7.00"),
        ("10000000000000", "10000000000000.00"),
        ("", Unfit("empty")),
        ("  ", Unfit("empty")),
        (".", Unfit("not_a_number")),
        ("12a", Unfit("not_a_number")),
        ("NaN", Unfit("not_a_number")),
        ("Infinity", Unfit("not_a_number")),
        ("-5", Unfit("negative")),
        ("-0.01", Unfit("negative")),
        ("1.005", Unfit("too_many_decimals")),
        ("10000000000000.01", Unfit("too_large")),
        ("1e400", Unfit("too_large")),
    ],
)
def test_an_amount_is_yuan_and_fen_and_nothing_else(typed: str, kept: str | Unfit) -> None:
    assert parse_answer(AMOUNT, typed, TODAY) == kept


@given(st.text(max_size=24))
def test_whatever_is_typed_is_an_answer_or_a_named_problem(text: str) -> None:
    for kind in AnswerKind:
        question = Question("any", kind, ("today", "yes"))
        match parse_answer(question, text, TODAY):
            case Unfit(problem):
                assert problem in ANSWER_PROBLEMS
            case answer if kind is AnswerKind.AMOUNT:
                assert to_fen(answer) >= 0
            case answer:
                assert answer


@given(st.integers(0, 10**15))
def test_every_amount_of_fen_comes_back_as_it_was_typed(fen: int) -> None:
    typed = f"{fen // 100}.{fen % 100:02d}"
    assert parse_answer(AMOUNT, typed, TODAY) == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("12", "12"),
        ("12.0", "12"),
        ("12.5", Unfit("not_whole")),
        ("0", Unfit("too_small")),
        ("601", Unfit("too_large")),
        ("-1", Unfit("negative")),
    ],
)
def test_months_are_counted_in_whole_ones(typed: str, kept: str | Unfit) -> None:
    assert parse_answer(Question("lease_months", AnswerKind.COUNT, least=1, most=600), typed, TODAY) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("today", "2026-10-20"),
        ("yesterday", "2026-10-19"),
        ("20261001", "2026-10-01"),
        ("2026-10-01", "2026-10-01"),
        ("20261021", Unfit("in_future")),
        ("20260230", Unfit("not_a_date")),
        ("2026101", Unfit("not_a_date")),
        ("二〇二六年", Unfit("not_a_date")),
        ("19990101", Unfit("too_early")),
    ],
)
def test_a_date_is_a_day_that_has_been(typed: str, kept: str | Unfit) -> None:
    question = Question("contract_date", AnswerKind.DATE, ("today", "yesterday"))
    assert parse_answer(question, typed, TODAY) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("91350211M000100Y46", "91350211M000100Y46"),
        ("91350211m000100y46", "91350211M000100Y46"),
        ("91350211M000100Y40", Unfit("bad_check")),
        ("91350211M000100Y4", Unfit("not_a_taxpayer_number")),
        ("123", Unfit("not_a_taxpayer_number")),
        ("35062219880808003X", "35062219880808003X"),
    ],
)
def test_a_buyers_number_is_one_that_a_register_can_hold(typed: str, kept: str | Unfit) -> None:
    assert parse_answer(Question("buyer_number", AnswerKind.TAXPAYER_NUMBER), typed, TODAY) == kept


# ---- the request ---------------------------------------------------------------------------------------------------


def test_a_car_is_declared_by_its_invoice() -> None:
    answers = {
        "vehicle_date": "2017-06-01",
        "vehicle_kind": "ordinary",
        "displacement_ml": "1498",
        "price_figure": "gross",
        "vehicle_price": "117000.00",
        "vehicle_vat_rate": "17",
    }
    request = request_of(Form.VEHICLE_PURCHASE, ONCE, answers, TODAY)
    assert request == {
        "form": "vehicle_purchase",
        "date": "2017-06-01",
        "kind": "ordinary",
        "invoice_gross": "117000.00",
        "vat_rate": "0.17",
        "displacement_litres": "1.498",
    }
    assert assess(PACK, request).total == 750000


def test_prepaid_and_months_come_from_the_obligation() -> None:
    known = replace(QUARTER, period_end=date(2026, 6, 30), prepaid=100000)
    request = request_of(Form.IIT_BUSINESS, known, {"any_profit": "yes", "profit": "120000.00"}, TODAY)
    assert (request["year"], request["months"], request["prepaid"]) == (2026, 6, "1000.00")
    assert assess(PACK, request).to_pay == 275000


def test_a_loss_is_declared_as_no_profit() -> None:
    request = request_of(Form.IIT_BUSINESS, QUARTER, {"any_profit": "no"}, TODAY)
    assert request["cumulative_profit"] == "0.00"


@pytest.mark.parametrize(
    ("form", "known", "answers", "field", "asked"),
    [
        (Form.VAT_SMALL_SCALE, QUARTER, {}, "sales.goods", "sales_ordinary"),
        (Form.VAT_SMALL_SCALE, QUARTER, {}, "period.end", None),
        (Form.VAT_GENERAL, MONTH, {}, "sales.0.net", "sales_rate_13"),
        (Form.CIT_PREPAYMENT, QUARTER, {}, "assets", "assets"),
        (Form.STAMP, ONCE, {}, "date", "contract_date"),
        (Form.VEHICLE_PURCHASE, ONCE, {}, "vat_rate", "vehicle_vat_rate"),
        (Form.INVOICE_ON_BEHALF, PERSON, {}, "gross", "invoice_gross"),
    ],
)
def test_what_the_rules_do_not_take_is_asked_where_it_came_from(
    form: Form, known: Known, answers: dict[str, str], field: str, asked: str | None
) -> None:
    question = question_about(form, known, answers, field)
    assert (question.id if question else None) == asked


@pytest.mark.parametrize(("item", "told"), list(product(("goods", "services"), ((), ("600.00",)))))
def test_only_a_persons_sales_of_a_day_are_told_together(item: str, told: tuple[str, ...]) -> None:
    answers = {"invoice_item": item, "invoice_gross": "600.00", "buyer_kind": "person"}
    known = replace(PERSON, same_day_gross=told)
    request: dict[str, Any] = request_of(Form.INVOICE_ON_BEHALF, known, answers, TODAY)
    assert request.get("same_day_gross", []) == list(told)
    business = replace(known, payer=PayerKind.INDIVIDUAL_BUSINESS)
    assert "same_day_gross" not in request_of(Form.INVOICE_ON_BEHALF, business, answers, TODAY)
