"""Every worked example comes out to the fen: line by line, from the dated rules as shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import config
from kiosk.domain.money import to_fen
from kiosk.domain.tax import RulePack, assess

RULES = RulePack.from_tree(config.read_tax_rules())
EXAMPLES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "tax_examples.yaml").read_text("utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["id"]))
def test_the_worked_example_comes_out(example: dict[str, Any]) -> None:
    found = assess(RULES, example["request"]).as_json()
    by_levy = {line["levy"]: line for line in found["lines"]}
    for levy, expected in example.get("lines", {}).items():
        line = by_levy[levy]
        if isinstance(expected, list):
            assert [line["due"], line["relief"], line["payable"]] == expected, levy
        else:
            assert line["payable"] == expected, levy
    for name in example.keys() - {"id", "request", "lines"}:
        assert found[name] == example[name], name


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["id"]))
def test_every_line_names_its_rule_and_a_document(example: dict[str, Any]) -> None:
    assessment = assess(RULES, example["request"])
    for line in assessment.lines:
        assert RULES.source_of(line.rule) == line.source
        assert line.relief_rule is None or RULES.source_of(line.relief_rule)
        assert line.payable == line.due - line.relief >= 0
    assert assessment.total == sum(line.payable for line in assessment.lines)


def test_what_was_prepaid_is_not_charged_again() -> None:
    example = next(example for example in EXAMPLES if str(example["id"]).startswith("C11"))
    assessment = assess(RULES, example["request"])
    assert assessment.total == to_fen("3750.00")
    assert assessment.to_pay == to_fen("2750.00")
    assert [line.payable for line in assessment.lines_to_pay] == [to_fen("2750.00")]
