"""A rule pack that is not whole is refused when it is loaded, and says everything that is wrong with it at once."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

import config
from kiosk.domain.tax import BadRules, RulePack
from kiosk.domain.tax.pack import SPARSE

SHIPPED = config.read_tax_rules()


def problems(change: Callable[[dict[str, Any]], None]) -> str:
    tree = copy.deepcopy(SHIPPED)
    change(tree)
    with pytest.raises(BadRules) as caught:
        RulePack.from_tree(tree)
    return "\n".join(caught.value.problems)


def series(tree: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tree["rules"]["series"][name]
    return found


def test_the_shipped_rules_are_whole() -> None:
    pack = RulePack.from_tree(SHIPPED)
    assert pack.profile == "joint"
    assert pack.known_until == date(2027, 12, 31)


def test_taking_a_pack_in_leaves_its_tree_as_it_was() -> None:
    tree = copy.deepcopy(SHIPPED)
    RulePack.from_tree(tree)
    assert tree == SHIPPED


@pytest.mark.parametrize("name", sorted(SHIPPED["rules"]["series"].keys() - SPARSE))
def test_a_series_without_its_last_rule_has_a_gap(name: str) -> None:
    assert name in problems(lambda tree: series(tree, name).pop())


@pytest.mark.parametrize(
    "name", [name for name, rules in SHIPPED["rules"]["series"].items() if len(rules) > 2 and name not in SPARSE]
)
def test_a_series_without_a_rule_in_its_middle_has_a_gap(name: str) -> None:
    assert f"{name}: a gap between" in problems(lambda tree: series(tree, name).pop(1))


@pytest.mark.parametrize("name", [name for name, rules in SHIPPED["rules"]["series"].items() if len(rules) > 1])
def test_two_rules_of_one_day_overlap(name: str) -> None:
    def stretch(tree: dict[str, Any]) -> None:
        first, second = series(tree, name)[:2]
        first["to"] = second["from"]

    assert f"{name}: " in problems(stretch)
    assert "overlap" in problems(stretch)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda tree: tree["rules"]["series"].update(beauty=[]), "beauty: no such series"),
        (lambda tree: tree["rules"]["series"].pop("umct"), "umct: no rules"),
        (lambda tree: tree["rules"].pop("known_until"), "known_until"),
        (lambda tree: tree.pop("calendar"), "calendar"),
        (lambda tree: tree.update(more={}), "more"),
        (lambda tree: series(tree, "education")[0].update(rate=0.03), "0.03 is no decimal string"),
        (lambda tree: series(tree, "education")[0].update(rate=0), "0 is no decimal string"),
        (lambda tree: series(tree, "education")[0].update(rate="3%"), "'3%' is no decimal string"),
        (lambda tree: series(tree, "education")[0].update(rate="3"), "'3' is no share from 0 to 1"),
        (lambda tree: series(tree, "education")[0].update(rate="-0.03"), "is no decimal string"),
        (lambda tree: series(tree, "education")[0].update(rate="NaN"), "is no decimal string"),
        (lambda tree: series(tree, "iit_business")[0]["brackets"][0].__setitem__(1, 0.05), "is no decimal string"),
        (lambda tree: series(tree, "education")[0].update(rtae="0.03"), "rtae"),
        (lambda tree: series(tree, "education")[0].pop("source"), "source"),
        (lambda tree: series(tree, "education")[0].update({"from": "soon"}), "education[0] ED-2005"),
        (lambda tree: series(tree, "umct")[0].update(to=date(1984, 1, 1)), "before it begins"),
        (lambda tree: series(tree, "umct")[1]["rates"].pop("other"), "not every place has a rate"),
        (lambda tree: series(tree, "umct")[1]["rates"].update(village="0.01"), "village"),
        (lambda tree: series(tree, "vat_threshold")[7].update(exempt_if=">"), "exempt_if"),
        (lambda tree: series(tree, "vat_threshold")[7].update(month=-1), "month"),
        (lambda tree: series(tree, "vat_threshold")[7].update(month="100000"), "month"),
        (lambda tree: series(tree, "vat_threshold")[7].update(id="VT-2023"), "VT-2023 names two rules"),
        (lambda tree: series(tree, "six_taxes_two_fees")[2]["payers"].append("rich"), "six_taxes_two_fees[2] SX-2023"),
        (lambda tree: series(tree, "six_taxes_two_fees")[2]["payers"].append("general"), "never halved"),
        (lambda tree: series(tree, "iit_business")[2]["brackets"].pop(), "the last bracket has no end"),
        (lambda tree: series(tree, "iit_business")[2]["brackets"][1].__setitem__(2, 1501), "the tax jumps at 30000"),
        (lambda tree: series(tree, "cit_small_low_profit")[3]["tiers"].reverse(), "the tiers do not rise"),
        (lambda tree: tree["bureaus"]["joint"][0]["levies"].pop("stamp"), "RB-JOINT says nothing of stamp"),
        (lambda tree: tree["bureaus"]["unified"][0]["levies"].update(window="state"), "window"),
        (lambda tree: tree["bureaus"]["joint"][0]["levies"].update(vat="customs"), "customs"),
        (lambda tree: tree["bureaus"]["joint"][0].update(to=date(2020, 1, 1)), "bureaus.joint: a gap after"),
        (lambda tree: tree["options"]["profile"].update(value="three"), "profile is joint or unified, not three"),
        (lambda tree: tree["options"].pop("six_taxes_share_before_2023"), "no option six_taxes_share_before_2023"),
        (lambda tree: tree["options"].update(spare={"value": 1, "doubt": ""}), "spare is used by no rule"),
        (lambda tree: tree["options"]["small_voucher"].update(value="one"), "late_surcharge[1] LS-2012"),
        (lambda tree: tree["options"]["property_value_deduction"].update(value=0.25), "0.25 is no decimal string"),
        (lambda tree: tree["calendar"]["years"][0]["deadlines"].pop(), "calendar"),
        (lambda tree: tree["calendar"]["years"][0]["deadlines"].__setitem__(3, date(2026, 5, 2)), "in another month"),
        (lambda tree: tree["calendar"]["years"].append(tree["calendar"]["years"][0]), "2026 stands there twice"),
        (
            lambda tree: tree["calendar"].update(
                extensions=[{"year": 2026, "month": 1, "deadline": date(2026, 1, 19), "source": "x"}]
            ),
            "extends nothing",
        ),
    ],
)
def test_a_pack_that_is_not_whole_is_refused(change: Callable[[dict[str, Any]], None], problem: str) -> None:
    assert problem in problems(change)


def test_all_problems_are_told_at_once() -> None:
    def spoil(tree: dict[str, Any]) -> None:
        series(tree, "education")[0].update(rate=0.03)
        series(tree, "vat_threshold").pop(2)
        tree["calendar"]["years"][0]["deadlines"][0] = date(2026, 2, 1)

    found = problems(spoil)
    assert all(part in found for part in ("education[0]", "vat_threshold: a gap", "2026-01 is 2026-02-01"))


@pytest.mark.parametrize("tree", [None, [], {}, "rules", {"rules": {}}])
def test_what_is_no_pack_at_all_is_refused(tree: object) -> None:
    with pytest.raises(BadRules):
        RulePack.from_tree(tree)


def test_a_pack_that_came_as_json_is_the_same() -> None:
    """Pushed configuration has no YAML dates."""
    import msgspec

    again = msgspec.json.decode(msgspec.json.encode(SHIPPED))
    assert RulePack.from_tree(again).vat_threshold.rules == RulePack.from_tree(SHIPPED).vat_threshold.rules
