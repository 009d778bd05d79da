"""On each day on which the law changed, the day before goes by the old rule and the day itself by the new one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

import config
from kiosk.domain.filing import Bureau, Levy
from kiosk.domain.money import to_fen, yuan
from kiosk.domain.tax import BadInput, RulePack, assess, filing_deadline, late_surcharge, working

RULES = RulePack.from_tree(config.read_tax_rules())


def ask(**request: Any) -> dict[str, Any]:
    return assess(RULES, request).as_json()


def line(levy: str, **request: Any) -> dict[str, Any]:
    found: dict[str, Any] = next(line for line in ask(**request)["lines"] if line["levy"] == levy)
    return found


def vat_of(kind: str, end: str, net: str, item: str = "goods") -> str:
    period = {"kind": kind, "end": end}
    return str(line("vat", form="vat_small_scale", period=period, place="city", sales={item: net})["payable"])


# ---- thresholds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "kind", "limit", "rate", "limit_is_taxed"),
    [
        ("2014-12-31", "month", 30_000, 3, False),
        ("2015-12-31", "quarter", 90_000, 3, False),
        ("2016-01-31", "month", 30_000, 3, False),
        ("2016-04-30", "month", 30_000, 3, False),
        ("2016-05-31", "month", 30_000, 3, False),
        ("2017-12-31", "quarter", 90_000, 3, False),
        ("2018-12-31", "month", 30_000, 3, False),
        ("2019-01-31", "month", 100_000, 3, False),
        ("2020-02-29", "month", 100_000, 3, False),
        ("2020-03-31", "month", 100_000, 1, False),
        ("2021-03-31", "quarter", 300_000, 1, False),
        ("2021-04-30", "month", 150_000, 1, False),
        ("2021-06-30", "quarter", 450_000, 1, False),
        ("2022-03-31", "month", 150_000, 1, False),
        ("2023-01-31", "month", 100_000, 1, False),
        ("2025-12-31", "quarter", 300_000, 1, False),
        ("2026-01-31", "month", 100_000, 1, True),
        ("2026-03-31", "quarter", 300_000, 1, True),
        ("2027-12-31", "quarter", 300_000, 1, True),
    ],
)
def test_sales_around_the_threshold(end: str, kind: str, limit: int, rate: int, limit_is_taxed: bool) -> None:
    in_full = yuan(limit * rate)
    assert vat_of(kind, end, f"{limit - 1}.99") == "0.00"
    assert vat_of(kind, end, f"{limit}.00") == (in_full if limit_is_taxed else "0.00")
    assert vat_of(kind, end, f"{limit}.01") == in_full


@pytest.mark.parametrize("end", ["2022-04-30", "2022-06-30", "2022-12-31"])
def test_the_free_months_of_2022_have_no_threshold(end: str) -> None:
    assert vat_of("month", end, "9000000.00") == "0.00"
    assert line("vat", form="vat_small_scale", period={"kind": "month", "end": end}, place="city",
                sales={"goods": "9000000"})["rule"] == "VR-2022FREE"  # fmt: skip


@pytest.mark.parametrize(
    ("end", "kind", "limit", "fees"),
    [
        # A general taxpayer: over the old limit, and then at and over the new one.
        ("2016-01-31", "month", "30000.00", "0.00"),
        ("2016-01-31", "month", "30000.01", "153.00"),
        ("2016-02-29", "month", "30000.01", "0.00"),
        ("2016-02-29", "month", "100000.00", "0.00"),
        ("2016-02-29", "month", "100000.01", "510.00"),
        ("2026-03-31", "quarter", "300000.00", "0.00"),
    ],
)
def test_small_sales_spare_the_education_fee_of_general_taxpayers_too(
    end: str, kind: str, limit: str, fees: str
) -> None:
    rate = "0.17" if end < "2018" else "0.13"
    found = line("education", form="vat_general", period={"kind": kind, "end": end}, place="city", payer="general",
                 sales=[{"net": limit, "rate": rate}], input_vat="0")  # fmt: skip
    assert found["payable"] == fees
    umct = line("umct", form="vat_general", period={"kind": kind, "end": end}, place="city", payer="general",
                sales=[{"net": limit, "rate": rate}], input_vat="0")  # fmt: skip
    assert umct["payable"] != "0.00"


def test_in_2026_the_fees_are_spared_at_the_limit_at_which_vat_is_not() -> None:
    found = ask(form="vat_small_scale", period={"kind": "month", "end": "2026-01-31"}, place="city",
                sales={"goods": "100000.00"})  # fmt: skip
    assert [line["payable"] for line in found["lines"]] == ["1000.00", "35.00", "0.00", "0.00"]


def test_sold_immovables_were_never_spared_while_goods_and_services_were_counted_apart() -> None:
    assert vat_of("quarter", "2017-09-30", "1000.00", "immovables") == "50.00"
    assert vat_of("quarter", "2019-09-30", "1000.00", "immovables") == "0.00"


def test_immovables_were_under_business_tax_before_may_2016() -> None:
    with pytest.raises(BadInput) as caught:
        vat_of("month", "2016-04-30", "1000.00", "immovables")
    assert (caught.value.field, caught.value.problem) == ("sales.immovables", "not_covered_by_rules")
    assert vat_of("month", "2016-05-31", "100000.00", "immovables") == "5000.00"


def test_one_sum_for_a_quarter_of_two_rates_is_refused() -> None:
    with pytest.raises(BadInput) as caught:
        vat_of("quarter", "2020-03-31", "400000.00")
    assert (caught.value.field, caught.value.problem) == ("period.kind", "rate_changed_within_period")


@pytest.mark.parametrize(
    ("day", "gross", "vat"),
    [
        ("2025-12-31", "504.98", "0.00"),
        ("2025-12-31", "505.00", "5.00"),
        ("2017-11-01", "514.98", "0.00"),
        ("2017-11-01", "515.00", "15.00"),
        ("2026-01-01", "505.00", "0.00"),
        ("2026-01-01", "1009.99", "0.00"),
        ("2026-01-01", "1010.00", "10.00"),
    ],
)
def test_a_natural_persons_invoice_around_the_threshold_of_one_transaction(day: str, gross: str, vat: str) -> None:
    found = line("vat", form="invoice_on_behalf", date=day, place="city", payer="natural_person", item="goods",
                 gross=gross, invoice="ordinary")  # fmt: skip
    assert found["payable"] == vat


@pytest.mark.parametrize(
    ("day", "average", "taxed"),
    [
        ("2018-12-31", "30000.00", False),
        ("2018-12-31", "30000.01", True),
        ("2019-01-01", "100000.00", False),
        ("2019-01-01", "100000.01", True),
        ("2021-04-01", "150000.00", False),
        ("2021-04-01", "150000.01", True),
        ("2023-01-01", "100000.00", False),
        ("2023-01-01", "100000.01", True),
        ("2025-12-31", "100000.00", False),
        ("2026-01-01", "99999.99", False),
        ("2026-01-01", "100000.00", True),
    ],
)
@pytest.mark.parametrize("item", ["shop_lease", "housing_lease"])
def test_a_natural_persons_rent_is_averaged_over_the_lease(item: str, day: str, average: str, taxed: bool) -> None:
    net = yuan(to_fen(average) * 6)
    found = ask(form="invoice_on_behalf", date=day, place="city", payer="natural_person", item=item, net=net,
                invoice="ordinary", lease_months=6)  # fmt: skip
    assert (found["lines"][0]["payable"] != "0.00") is taxed
    assert found["monthly_average"] == average


# ---- regimes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "payer", "before", "since"),
    [
        ("2019-01-01", "small_scale", "70.00", "35.00"),
        ("2019-01-01", "natural_person", "70.00", "35.00"),
        ("2022-01-01", "small_low_profit", "70.00", "35.00"),
        ("2022-01-01", "individual_business", "70.00", "35.00"),
        ("2022-01-01", "small_scale", "35.00", "35.00"),
        ("2023-01-01", "small_scale", "35.00", "35.00"),
        ("2022-01-01", "general", "70.00", "70.00"),
        ("2023-01-01", "general", "70.00", "70.00"),
    ],
)
def test_the_six_taxes_are_halved_from_its_day_on(first: str, payer: str, before: str, since: str) -> None:
    day = date.fromisoformat(first)
    for on, expected in ((day - timedelta(1), before), (day, since)):
        found = line("umct", form="surcharges", date=on, place="city", vat_payable="1000", payer=payer)
        assert found["payable"] == expected
        assert found["due"] == "70.00"


@pytest.mark.parametrize(
    ("day", "rule"),
    [("2021-08-31", "UM-1985"), ("2021-09-01", "UM-2021")],
)
def test_umct_names_the_text_of_its_time(day: str, rule: str) -> None:
    assert line("umct", form="surcharges", date=day, place="city", vat_payable="1", payer="general")["rule"] == rule


@pytest.mark.parametrize(
    ("day", "item", "net", "vat"),
    [
        ("2020-02-29", "goods", "200000", "6000.00"),
        ("2020-03-01", "goods", "200000", "2000.00"),
        ("2022-03-31", "goods", "200000", "2000.00"),
        ("2022-04-01", "goods", "200000", "6000.00"),  # a special invoice is taxed at 3 % in the free months
        ("2022-12-31", "goods", "200000", "6000.00"),
        ("2023-01-01", "goods", "200000", "2000.00"),
        ("2025-12-31", "goods", "200000", "2000.00"),
        ("2026-01-01", "goods", "200000", "2000.00"),
        ("2025-12-31", "shop_lease", "200000", "10000.00"),
        ("2026-01-01", "shop_lease", "200000", "6000.00"),
        ("2025-12-31", "housing_lease", "200000", "3000.00"),
        ("2026-01-01", "housing_lease", "200000", "3000.00"),
    ],
)
def test_a_special_invoice_is_taxed_at_the_rate_of_its_day(day: str, item: str, net: str, vat: str) -> None:
    found = line("vat", form="invoice_on_behalf", date=day, place="city", payer="individual_business", item=item,
                 net=net, invoice="special")  # fmt: skip
    assert found["payable"] == vat


def test_a_company_letting_a_home_has_no_individuals_rates() -> None:
    found = ask(form="invoice_on_behalf", date="2025-06-01", place="city", payer="small_scale", item="housing_lease",
                net="200000", invoice="special")  # fmt: skip
    payable = {line["levy"]: line["payable"] for line in found["lines"]}
    assert (payable["vat"], payable["property"], payable["stamp"]) == ("10000.00", "12000.00", "100.00")
    assert "land_use" not in payable


@pytest.mark.parametrize(
    ("end", "rate", "accepted"),
    [
        ("2017-06-30", "0.13", True),
        ("2017-07-31", "0.13", False),
        ("2018-04-30", "0.17", True),
        ("2018-05-31", "0.17", False),
        ("2018-05-31", "0.16", True),
        ("2019-03-31", "0.16", True),
        ("2019-04-30", "0.16", False),
        ("2019-04-30", "0.13", True),
        ("2026-01-31", "0.13", True),
    ],
)
def test_general_rates_are_those_of_the_month(end: str, rate: str, accepted: bool) -> None:
    request = {"form": "vat_general", "period": {"kind": "month", "end": end}, "place": "city", "payer": "general",
               "sales": [{"net": "100", "rate": rate}], "input_vat": "0"}  # fmt: skip
    if accepted:
        assert assess(RULES, request).total > 0
    else:
        with pytest.raises(BadInput) as caught:
            assess(RULES, request)
        assert (caught.value.field, caught.value.problem) == ("sales.0.rate", "no_such_rate")


def test_a_quarter_holds_the_rates_of_its_first_month_too() -> None:
    sales = [{"net": "1000000", "rate": "0.17"}, {"net": "1000000", "rate": "0.16"}]
    found = ask(form="vat_general", period={"kind": "quarter", "end": "2018-06-30"}, place="city", payer="general",
                sales=sales, input_vat="0")  # fmt: skip
    assert found["lines"][0]["payable"] == "330000.00"


@pytest.mark.parametrize(
    ("year", "payable"),
    [(2020, "634500.00"), (2021, "492250.00"), (2022, "492250.00"), (2023, "317250.00"), (2027, "317250.00")],
)
def test_the_cap_of_the_halving_rises_with_its_year(year: int, payable: str) -> None:
    found = ask(form="iit_business", year=year, kind="individual_business", taxable_income="2000000")
    assert found["lines"][0]["payable"] == payable


@pytest.mark.parametrize(
    ("end", "limit", "at", "over"),
    [
        ("2016-12-31", "300000", "30000.00", "75000.00"),
        ("2017-03-31", "500000", "50000.00", "125000.00"),
        ("2018-03-31", "1000000", "100000.00", "250000.00"),
        ("2019-03-31", "3000000", "250000.00", "750000.00"),
        ("2021-03-31", "3000000", "225000.00", "750000.00"),
        ("2022-03-31", "3000000", "125000.00", "750000.00"),
        ("2023-03-31", "3000000", "150000.00", "750000.00"),
    ],
)
def test_over_the_limit_a_small_enterprise_pays_the_full_rate_on_the_whole(
    end: str, limit: str, at: str, over: str
) -> None:
    for profit, tax in ((limit, at), (f"{limit}.01", over)):
        found = ask(form="cit_prepayment", period={"kind": "quarter", "end": end}, cumulative_profit=profit,
                    staff=[50], assets="5000000")  # fmt: skip
        assert found["due_now"] == tax
        assert found["small_low_profit"] is (profit == limit)


@pytest.mark.parametrize(
    ("day", "litres", "payable"),
    [
        ("2015-09-30", "1.6", "10000.00"),
        ("2015-10-01", "1.6", "5000.00"),
        ("2017-01-01", "1.6", "7500.00"),
        ("2018-01-01", "1.6", "10000.00"),
        ("2022-05-31", "2", "10000.00"),
        ("2022-06-01", "2", "5000.00"),
        ("2022-12-31", "2.001", "10000.00"),
        ("2023-01-01", "2", "10000.00"),
    ],
)
def test_small_engines_were_favoured_for_a_time(day: str, litres: str, payable: str) -> None:
    found = ask(form="vehicle_purchase", date=day, price="100000", kind="ordinary", displacement_litres=litres)
    assert found["lines"][0]["payable"] == payable


def test_payers_withhold_is_told_from_november_2026_on() -> None:
    request = {"form": "invoice_on_behalf", "place": "city", "payer": "natural_person", "item": "services",
               "gross": "5000", "invoice": "ordinary"}  # fmt: skip
    assert "payer_withholds" not in ask(date="2026-10-31", **request)
    assert ask(date="2026-11-01", **request)["payer_withholds"] == "财政部 税务总局公告2026年第28号"
    assert "payer_withholds" not in ask(date="2026-11-01", **request | {"payer": "small_scale"})


@pytest.mark.parametrize(
    "request_",
    [
        {"form": "vat_small_scale", "period": {"kind": "month", "end": "2028-01-31"}, "place": "city",
         "sales": {"goods": "1"}},
        {"form": "vat_small_scale", "period": {"kind": "month", "end": "2014-09-30"}, "place": "city",
         "sales": {"goods": "1"}},
        {"form": "stamp", "date": "2028-01-01", "item": "sale", "base": "1", "payer": "general"},
        {"form": "iit_business", "year": 2011, "kind": "partner", "taxable_income": "1"},
        {"form": "iit_business", "year": 2028, "kind": "partner", "taxable_income": "1"},
        {"form": "cit_prepayment", "period": {"kind": "quarter", "end": "2015-12-31"}, "cumulative_profit": "1",
         "staff": [1], "assets": "1"},
    ],
)  # fmt: skip
def test_what_the_rules_do_not_cover_is_refused_not_guessed(request_: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as caught:
        assess(RULES, request_)
    assert caught.value.problem == "not_covered_by_rules"


# ---- bureaus, calendar, lateness -----------------------------------------------------------------------------------


def with_option(**values: Any) -> RulePack:
    tree = config.read_tax_rules()
    for name, value in values.items():
        tree["options"][name]["value"] = value
    return RulePack.from_tree(tree)


def test_two_bureaus_take_their_own_levies_and_the_unified_one_takes_all() -> None:
    request = {"form": "vat_small_scale", "period": {"kind": "month", "end": "2026-01-31"}, "place": "city",
               "sales": {"goods": "200000"}}  # fmt: skip
    bureaus = [line.bureau for line in assess(RULES, request).lines]
    assert bureaus == [Bureau.STATE, Bureau.LOCAL, Bureau.LOCAL, Bureau.LOCAL]
    unified = with_option(profile="unified")
    assert {line.bureau for line in assess(unified, request).lines} == {Bureau.STATE}
    assert all(unified.bureau(levy, date(2017, 1, 1)) is Bureau.STATE for levy in Levy)


def test_the_local_bureau_took_the_vat_on_natural_persons_rent_until_the_merger() -> None:
    request = {"form": "invoice_on_behalf", "place": "city", "payer": "natural_person", "item": "shop_lease",
               "gross": "52500", "invoice": "ordinary"}  # fmt: skip
    assert line("vat", date="2018-06-14", **request)["bureau"] == "local"
    assert line("vat", date="2018-06-15", **request)["bureau"] == "state"
    assert line("vat", date="2017-06-15", **request | {"payer": "small_scale"})["bureau"] == "state"


def test_the_calendar_of_2026_is_the_published_one() -> None:
    days = [20, 24, 16, 20, 22, 15, 15, 17, 15, 26, 16, 15]
    assert [filing_deadline(RULES, 2026, month).day for month in range(1, 13)] == days


@pytest.mark.parametrize("year", [2017, 2025, 2027])
def test_a_year_without_a_published_calendar_has_no_deadlines(year: int) -> None:
    with pytest.raises(BadInput) as caught:
        filing_deadline(RULES, year, 1)
    assert (caught.value.field, caught.value.problem) == ("year", "no_calendar")


def test_an_extension_of_the_province_holds_for_its_bureau() -> None:
    tree = config.read_tax_rules()
    tree["calendar"]["extensions"] = [
        {"year": 2026, "month": 10, "bureau": "local", "deadline": date(2026, 10, 30), "source": "typhoon"}
    ]
    rules = RulePack.from_tree(tree)
    assert filing_deadline(rules, 2026, 10, Bureau.LOCAL) == date(2026, 10, 30)
    assert filing_deadline(rules, 2026, 10, Bureau.STATE) == date(2026, 10, 26)
    assert filing_deadline(rules, 2026, 10) == date(2026, 10, 26)


def test_lateness_counts_from_the_day_after_the_last_one() -> None:
    amounts = {Levy.VAT: to_fen("3000.00"), Levy.UMCT: to_fen("105.00")}
    for late, vat in ((-3, 0), (0, 0), (1, 150), (2, 300), (365, 54750)):
        found = late_surcharge(RULES, date(2026, 10, 26), date(2026, 10, 26) + timedelta(late), amounts)
        assert found.extra["days"] == max(0, late)
        assert found.lines[0].payable == vat


# ---- what is left open ---------------------------------------------------------------------------------------------


def test_income_tax_on_behalf_is_taken_only_where_its_rate_is_configured() -> None:
    request = {"form": "invoice_on_behalf", "date": "2026-06-01", "place": "city", "payer": "natural_person",
               "item": "goods", "gross": "10100", "invoice": "ordinary"}  # fmt: skip
    found = ask(**request)
    assert found["iit"] == "not_configured"
    assert "iit" not in [line["levy"] for line in found["lines"]]
    configured = assess(with_option(iit_on_behalf_goods="0.01"), request).as_json()
    last = configured["lines"][-1]
    assert (last["levy"], last["bureau"], last["payable"], last["rule"]) == ("iit", "local", "100.00", "IO")
    assert "iit" not in configured


def test_a_halls_own_options_change_what_the_law_leaves_open() -> None:
    home = {"form": "invoice_on_behalf", "date": "2026-06-01", "place": "city", "payer": "natural_person",
            "item": "housing_lease", "gross": "103000", "invoice": "special"}  # fmt: skip
    assert assess(RULES, home).extra["net"] == "101477.83"
    assert assess(with_option(housing_lease_divisor_from_2026="0.03"), home).extra["net"] == "100000.00"
    house = {"form": "property", "year": 2026, "method": "value", "base": "1000000", "payer": "general"}
    assert assess(with_option(property_value_deduction="0.30"), house).total == to_fen("8400.00")
    rent = {"form": "invoice_on_behalf", "date": "2017-06-01", "place": "city", "payer": "natural_person",
            "item": "housing_lease", "gross": "21000", "invoice": "ordinary"}  # fmt: skip
    assert assess(RULES, rent).total == to_fen("800.00")
    assert assess(with_option(exempt_rent_base="gross"), rent).total == to_fen("840.00")
    small = {"form": "invoice_on_behalf", "date": "2017-06-01", "place": "city", "payer": "natural_person",
             "item": "goods", "gross": "412", "invoice": "ordinary"}  # fmt: skip
    assert assess(RULES, small).total == 0
    assert assess(with_option(occasion_threshold_before_2026=300), small).total > 0
    fees = {"form": "invoice_on_behalf", "date": "2026-06-01", "place": "city", "payer": "natural_person",
            "item": "goods", "gross": "10100", "invoice": "ordinary"}  # fmt: skip
    assert assess(with_option(fee_exemption_of_occasional_payers=True), fees).total == to_fen("103.50")


def test_a_line_can_show_how_it_came_about() -> None:
    lines = assess(RULES, {"form": "vat_small_scale", "period": {"kind": "quarter", "end": "2026-09-30"},
                           "place": "city", "sales": {"goods": "350000"}}).lines  # fmt: skip
    assert working(lines[0]) == "350,000.00 × 1%"
    assert working(lines[1]) == "3,500.00 × 7%"
    assert (lines[0].relief_rule, lines[1].relief_rule) == (None, "SX-2023")
