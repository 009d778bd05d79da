"""Whatever cannot be assessed is refused with its field and its problem; whatever can be adds up."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import config
from kiosk.domain.filing import Form
from kiosk.domain.money import yuan
from kiosk.domain.tax import PROBLEMS, BadInput, RulePack, assess
from kiosk.domain.tax.forms import FORMS

steady = settings(derandomize=True, deadline=None)

RULES = RulePack.from_tree(config.read_tax_rules())
EXAMPLES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "tax_examples.yaml").read_text("utf-8"))

GOOD: dict[str, dict[str, Any]] = {
    "vat_small_scale": {"period": {"kind": "quarter", "end": "2026-09-30"}, "place": "city", "sales": {"goods": "1"}},
    "vat_general": {"period": {"kind": "month", "end": "2026-09-30"}, "place": "city", "payer": "general",
                    "sales": [{"net": "1", "rate": "0.13"}], "input_vat": "0"},
    "surcharges": {"date": "2026-09-30", "place": "city", "vat_payable": "1", "payer": "general"},
    "invoice_on_behalf": {"date": "2026-09-30", "place": "city", "payer": "natural_person", "item": "goods",
                          "gross": "1", "invoice": "ordinary"},
    "iit_business": {"year": 2026, "kind": "partner", "taxable_income": "1"},
    "iit_labour": {"date": "2026-09-30", "income": "1"},
    "cit_prepayment": {"period": {"kind": "quarter", "end": "2026-09-30"}, "cumulative_profit": "1", "staff": [1],
                       "assets": "1"},
    "stamp": {"date": "2026-09-30", "item": "sale", "base": "1", "payer": "general"},
    "vehicle_purchase": {"date": "2026-09-30", "price": "1", "kind": "ordinary"},
    "property": {"year": 2026, "method": "rent", "base": "1", "payer": "general"},
    "land_use": {"year": 2026, "area_m2": "1", "rate_per_m2": "1", "payer": "general"},
    "late_surcharge": {"deadline": "2026-09-15", "paid_on": "2026-09-30", "amounts": {"vat": "1"}},
    "filing_deadline": {"year": 2026, "month": 9},
}  # fmt: skip


def refused(request: Any) -> tuple[str, str]:
    with pytest.raises(BadInput) as caught:
        assess(RULES, request)
    assert caught.value.problem in PROBLEMS
    return caught.value.field, caught.value.problem


def changed(form: str, path: str, value: object) -> dict[str, Any]:
    request = json.loads(json.dumps({"form": form, **GOOD[form]}))
    *parents, name = path.split(".")
    at: Any = request
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    at[int(name) if isinstance(at, list) else name] = value
    assert isinstance(request, dict)
    return request


def test_every_form_has_a_good_request_here() -> None:
    assert GOOD.keys() == {form.value for form in Form} == {form.value for form in FORMS}
    for form, request in GOOD.items():
        assess(RULES, {"form": form, **request})


@pytest.mark.parametrize(("form", "name"), [(form, name) for form, request in GOOD.items() for name in request])
def test_a_missing_field_is_named(form: str, name: str) -> None:
    without = {key: value for key, value in GOOD[form].items() if key != name}
    field, problem = refused({"form": form, **without})
    assert problem == "missing"
    assert field == name or {field, name} <= {"sales", "gross", "taxable_income", "price"}
    assert refused({"form": form, **GOOD[form], name: None})[1] == "missing"


@pytest.mark.parametrize("form", sorted(GOOD))
def test_a_field_that_the_form_does_not_know_is_refused(form: str) -> None:
    assert refused({"form": form, **GOOD[form], "goodwill": "1"}) == ("goodwill", "unknown_field")


AMOUNTS = [
    ("vat_small_scale", "sales.goods"),
    ("vat_general", "sales.0.net"),
    ("vat_general", "input_vat"),
    ("surcharges", "vat_payable"),
    ("invoice_on_behalf", "gross"),
    ("iit_business", "taxable_income"),
    ("iit_labour", "income"),
    ("cit_prepayment", "assets"),
    ("stamp", "base"),
    ("vehicle_purchase", "price"),
    ("property", "base"),
    ("late_surcharge", "amounts.vat"),
]


@pytest.mark.parametrize(("form", "path"), AMOUNTS)
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("-0.01", "negative"),
        (-1, "negative"),
        ("abc", "not_a_number"),
        ("", "not_a_number"),
        (True, "not_a_number"),
        ([], "not_a_number"),
        ({}, "not_a_number"),
        (1.1, "not_a_number"),
        (Decimal("NaN"), "not_finite"),
        (Decimal("-Infinity"), "not_finite"),
        ("NaN", "not_finite"),
        ("0.001", "more_than_two_decimals"),
        (Decimal("0.001"), "more_than_two_decimals"),
        ("10000000000000.01", "too_large"),
        (10**14, "too_large"),
        (Decimal("1E+300"), "too_large"),
    ],
)
def test_an_amount_that_cannot_be_meant_is_refused(form: str, path: str, value: object, problem: str) -> None:
    request = changed(form, path, "1")
    *parents, name = path.split(".")
    at: Any = request
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    at[name] = value
    assert refused(request) == (path, problem)


@pytest.mark.parametrize(
    ("form", "path", "value", "problem"),
    [
        ("vat_small_scale", "form", "vat", "not_a_choice"),
        ("vat_small_scale", "form", ["vat"], "not_a_choice"),
        ("vat_small_scale", "form", None, "missing"),
        ("vat_small_scale", "place", "moon", "not_a_choice"),
        ("vat_small_scale", "place", 7, "not_a_choice"),
        ("vat_small_scale", "period", "2026-09", "not_an_object"),
        ("vat_small_scale", "period.kind", "year", "not_a_choice"),
        ("vat_small_scale", "period.end", "2026-09-29", "not_the_end_of_a_quarter"),
        ("vat_small_scale", "period.end", "2026-08-31", "not_the_end_of_a_quarter"),
        ("vat_small_scale", "period.end", "2026-09-31", "not_a_date"),
        ("vat_small_scale", "period.end", "20260930", "not_a_date"),
        ("vat_small_scale", "period.end", "2026-W39-3", "not_a_date"),
        ("vat_small_scale", "period.end", 20260930, "not_a_date"),
        ("vat_small_scale", "period.start", "2026-07-01", "unknown_field"),
        ("vat_small_scale", "sales", {}, "empty"),
        ("vat_small_scale", "sales", [], "not_an_object"),
        ("vat_small_scale", "sales.houses", "1", "unknown_field"),
        ("vat_general", "period.end", "2026-09-29", "not_the_end_of_a_month"),
        ("vat_general", "sales", {}, "not_a_list"),
        ("vat_general", "sales.0", "1", "not_an_object"),
        ("vat_general", "sales.0.rate", "13%", "not_a_number"),
        ("vat_general", "sales.0.rate", "0.12", "no_such_rate"),
        ("vat_general", "payer", "small_scale", "not_for_this_payer"),
        ("invoice_on_behalf", "payer", "general", "not_for_this_payer"),
        ("invoice_on_behalf", "item", "house", "not_a_choice"),
        ("invoice_on_behalf", "invoice", "none", "not_a_choice"),
        ("invoice_on_behalf", "lease_months", 0, "too_small"),
        ("invoice_on_behalf", "lease_months", "1.5", "not_a_whole_number"),
        ("invoice_on_behalf", "lease_months", 241, "too_large"),
        ("invoice_on_behalf", "same_day_gross", "5", "not_a_list"),
        ("invoice_on_behalf", "relief_waived", "yes", "not_a_yes_or_no"),
        ("invoice_on_behalf", "net", "1", "both_given"),
        ("iit_business", "cumulative_profit", "1", "both_given"),
        ("iit_business", "year", 2026.0, "not_a_whole_number"),
        ("iit_business", "year", "twenty", "not_a_whole_number"),
        ("iit_business", "kind", "company", "not_a_choice"),
        ("cit_prepayment", "staff", [], "empty"),
        ("cit_prepayment", "staff", [1, 2, 3, 4, 5], "too_many"),
        ("cit_prepayment", "staff.0", -1, "negative"),
        ("cit_prepayment", "staff.0", "many", "not_a_number"),
        ("cit_prepayment", "staff.0", True, "not_a_number"),
        ("cit_prepayment", "staff.0", Decimal("1E+20"), "too_large"),
        ("cit_prepayment", "staff.0", Decimal("0.00001"), "too_many_decimals"),
        ("cit_prepayment", "industry", "mining", "not_a_choice"),
        ("stamp", "item", "will", "not_a_choice"),
        ("stamp", "date", "today", "not_a_date"),
        ("vehicle_purchase", "kind", "boat", "not_a_choice"),
        ("vehicle_purchase", "invoice_gross", "1", "both_given"),
        ("vehicle_purchase", "vat_rate", "0.13", "both_given"),
        ("vehicle_purchase", "displacement_litres", "big", "not_a_number"),
        ("land_use", "rate_per_m2", "0.59", "outside_legal_range"),
        ("land_use", "rate_per_m2", "30.01", "outside_legal_range"),
        ("land_use", "area_m2", "-1", "negative"),
        ("late_surcharge", "amounts", {}, "empty"),
        ("late_surcharge", "amounts.window", "1", "unknown_field"),
        ("filing_deadline", "month", 13, "too_large"),
        ("filing_deadline", "month", 0, "too_small"),
        ("filing_deadline", "year", 2027, "no_calendar"),
        ("filing_deadline", "bureau", "customs", "not_a_choice"),
    ],
)
def test_each_wrong_answer_has_its_problem(form: str, path: str, value: object, problem: str) -> None:
    request = json.loads(json.dumps({"form": form, **GOOD[form]}))
    *parents, name = path.split(".")
    at: Any = request
    for parent in parents:
        at = at[int(parent)] if isinstance(at, list) else at[parent]
    at[int(name) if isinstance(at, list) else name] = value
    field, found = refused(request)
    assert found == problem
    # Of a choice between two fields the one that decides is named.
    assert field == path or (problem == "both_given" and field in request)


@pytest.mark.parametrize("request_", [None, [], "stamp", 5])
def test_what_is_no_object_is_refused(request_: object) -> None:
    assert refused(request_) == ("request", "not_an_object")


def test_a_loss_is_a_profit_that_can_be_filed() -> None:
    assert assess(RULES, changed("cit_prepayment", "cumulative_profit", "-5.00")).total == 0


# ---- what always holds ---------------------------------------------------------------------------------------------

fen = st.integers(0, 10**12)
ends = st.tuples(st.integers(2016, 2027), st.sampled_from(["06-30", "09-30", "12-31"])).map(lambda x: f"{x[0]}-{x[1]}")
places = st.sampled_from(["city", "county_town", "other"])
payers = st.sampled_from(["small_scale", "small_low_profit", "individual_business", "natural_person"])


def adds_up(request: dict[str, Any]) -> int:
    assessment = assess(RULES, request)
    for line in assessment.lines:
        assert line.payable == line.due - line.relief
        assert 0 <= line.payable <= line.due
        assert line.relief >= 0
    total = sum(line.payable for line in assessment.lines)
    assert assessment.total == total
    assert assessment.as_json()["total"] == yuan(total)
    assert sum(line.payable for line in assessment.lines_to_pay) == assessment.to_pay
    return total


@steady
@given(ends, places, fen, fen, st.integers(0, 10**9))
def test_who_sells_more_never_pays_less(end: str, place: str, goods: int, services: int, more: int) -> None:
    def total(goods: int) -> int:
        sales = {"goods": yuan(goods), "services": yuan(services)}
        period = {"kind": "quarter", "end": end}
        return adds_up({"form": "vat_small_scale", "period": period, "place": place, "sales": sales})

    assert total(goods) <= total(goods + more)


@steady
@given(ends, places, payers, st.sampled_from(["goods", "services", "shop_lease", "housing_lease"]), fen,
       st.sampled_from(["special", "ordinary"]))  # fmt: skip
def test_an_invoice_adds_up(end: str, place: str, payer: str, item: str, gross: int, kind: str) -> None:
    request = {"form": "invoice_on_behalf", "date": end, "place": place, "payer": payer, "item": item,
               "gross": yuan(gross), "invoice": kind}  # fmt: skip
    adds_up(request)
    assessment = assess(RULES, request)
    vat = assessment.lines[0].payable
    if vat and item != "housing_lease":
        assert yuan(gross - vat) == assessment.extra["net"]
    assert assessment.total <= adds_up({**request, "invoice": "special"})


@steady
@given(st.integers(2012, 2027), st.sampled_from(["individual_business", "partner"]), fen, st.integers(0, 10**9),
       st.integers(1, 12), fen)  # fmt: skip
def test_who_earns_more_never_pays_less(year: int, kind: str, profit: int, more: int, months: int, paid: int) -> None:
    def total(profit: int) -> int:
        return adds_up({"form": "iit_business", "year": year, "kind": kind, "cumulative_profit": yuan(profit),
                        "months": months, "prepaid": yuan(paid)})  # fmt: skip

    assert total(profit) <= total(profit + more)


@steady
@given(fen, fen, st.integers(0, 10**6))
def test_a_relief_is_never_more_than_the_tax(income: int, relief: int, paid: int) -> None:
    adds_up({"form": "iit_business", "year": 2026, "kind": "individual_business", "taxable_income": yuan(income),
             "other_relief": yuan(relief), "prepaid": yuan(paid)})  # fmt: skip


@steady
@given(fen, st.integers(0, 10**9))
def test_withholding_rises_with_the_payment(income: int, more: int) -> None:
    def total(income: int) -> int:
        return adds_up({"form": "iit_labour", "date": "2026-03-01", "income": yuan(income)})

    assert total(income) <= total(income + more)


@steady
@given(ends, fen, st.sampled_from(["nev_passenger", "ordinary"]))
def test_a_car_adds_up(end: str, price: int, kind: str) -> None:
    adds_up({"form": "vehicle_purchase", "date": end, "price": yuan(price), "kind": kind})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=12) | st.just("2026-09-30"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(steady, max_examples=400)
@given(st.sampled_from(sorted(GOOD)), st.data(), json_values)
def test_nonsense_in_any_field_is_refused_or_assessed_but_never_breaks(
    form: str, data: st.DataObject, value: Any
) -> None:
    known = sorted(FORMS[Form(form)][1])
    request = {"form": form, **GOOD[form], data.draw(st.sampled_from(known)): value}
    problem = None
    try:
        adds_up(request)
    except BadInput as error:
        problem = error.problem
    assert problem is None or problem in PROBLEMS


# ---- the command ---------------------------------------------------------------------------------------------------


STAMP = '{"form": "stamp", "date": "2026-03-01", "item": "lease", "payer": "general"}'


def run(text: str | bytes, *arguments: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    given = text if isinstance(text, bytes) else text.encode()
    command = [sys.executable, "-c", "from kiosk.cli.main import main; main()", "assess", *arguments]
    return subprocess.run(command, input=given, capture_output=True, check=False, env={**os.environ, **env})


def test_the_command_answers_in_the_fixed_shape(tmp_path: Path) -> None:
    file = tmp_path / "return.json"
    example = next(example for example in EXAMPLES if str(example["id"]).startswith("A03"))
    file.write_text(json.dumps(example["request"], default=str))
    from_file, from_pipe = run("", str(file)), run(file.read_bytes())
    assert (from_file.returncode, from_file.stderr) == (0, b"")
    assert from_file.stdout == from_pipe.stdout
    found = json.loads(from_file.stdout)
    assert list(found) == ["form", "lines", "total", "net_sales"]
    assert list(found["lines"][0]) == ["levy", "bureau", "due", "relief", "payable", "rule", "source"]
    assert found["total"] == "3180.00"


def test_a_json_number_is_the_decimal_that_was_written() -> None:
    found = run(f'{STAMP[:-1]}, "base": 1.15e2}}')
    assert json.loads(found.stdout)["total"] == "0.12"
    # As a binary fraction 0.145 x 100 is under 14.5; as written it has three decimals, and is no amount.
    assert math.floor(0.145 * 100 + 0.5) == 14
    found = run(f'{STAMP[:-1]}, "base": 0.145}}')
    assert json.loads(found.stderr)["error"] == {"field": "base", "problem": "more_than_two_decimals"}


@pytest.mark.parametrize(
    ("text", "field", "problem"),
    [
        (f"{STAMP[:-1]}, \"base\": NaN}}", "base", "not_finite"),
        (f"{STAMP[:-1]}, \"base\": -Infinity}}", "base", "not_finite"),
        ('{"form": "stamp", "form": "stamp"}', "form", "given_twice"),
        ("", "request", "not_json"),
        ("{", "request", "not_json"),
        (b"\xff\xfe{", "request", "not_json"),
        ("[" * 100_000, "request", "not_json"),
        ('{"base": ' + "9" * 5000 + "}", "request", "not_json"),
        ("[]", "request", "not_an_object"),
    ],
)  # fmt: skip
def test_the_command_refuses_bad_input_with_exit_2(text: str | bytes, field: str, problem: str) -> None:
    found = run(text)
    assert found.returncode == 2
    assert found.stdout == b""
    assert json.loads(found.stderr) == {"error": {"field": field, "problem": problem}}


def test_the_command_does_not_assess_by_rules_that_are_not_whole(tmp_path: Path) -> None:
    (tmp_path / "tax").mkdir()
    (tmp_path / "tax" / "options.yaml").write_text("profile: {value: joint, doubt: ''}\n")
    found = run('{"form": "filing_deadline", "year": 2026, "month": 1}', TAXKIOSK_CONFIG=str(tmp_path))
    assert found.returncode == 1
    assert b"no option small_voucher" in found.stderr
