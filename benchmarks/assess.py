"""Assessments a second on one core: a parsed request in, all levies with rule and source out.

The mix is a month of a small hall: mostly small-scale VAT, then on-behalf invoices, business income, and the rest; of
all years, so that no rule stays warm by itself.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import config
from benchmarks.row import Row
from kiosk.domain.tax import RulePack, assess

RETURNS = 20_000
ROUNDS = 3
TARGET = 10_000

_PLACES = ("city", "county_town", "other")
_QUARTERS = tuple(f"{year}-{end}" for year in range(2017, 2027) for end in ("06-30", "09-30", "12-31"))


def rows() -> list[Row]:
    rules = RulePack.from_tree(config.read_tax_rules())
    requests = list(some_requests(random.Random(3), RETURNS))
    best = min(_seconds(rules, requests) for _ in range(ROUNDS))
    bare = min(_bare_seconds() for _ in range(ROUNDS))
    rate = RETURNS / best
    return [
        Row(
            "assessment, returns/s on one core",
            f"{rate:,.0f}",
            f"bare parse, multiply, round in Decimal {RETURNS / bare:,.0f}/s",
            f"≥ {TARGET:,}",
            rate >= TARGET,
        )
    ]


def some_requests(chance: random.Random, count: int) -> Iterator[dict[str, Any]]:
    makers = (_small_scale, _on_behalf, _business, _general, _enterprise, _stamp, _vehicle)
    for _ in range(count):
        yield chance.choices(makers, weights=(50, 15, 12, 8, 8, 5, 2))[0](chance)


def _seconds(rules: RulePack, requests: list[dict[str, Any]]) -> float:
    start = time.perf_counter()
    for request in requests:
        assess(rules, request)
    return time.perf_counter() - start


def _bare_seconds() -> float:
    """Beside it: the one multiplication that no assessment can do without."""
    from decimal import ROUND_HALF_UP, Decimal

    texts = [f"{at * 17}.{at % 100:02}" for at in range(RETURNS)]
    rate, fen = Decimal("0.01"), Decimal("0.01")
    start = time.perf_counter()
    for text in texts:
        (Decimal(text) * rate).quantize(fen, ROUND_HALF_UP)
    return time.perf_counter() - start


def _yuan(chance: random.Random, most: int) -> str:
    fen = int(chance.lognormvariate(0, 1) * most * 25)
    return f"{fen // 100}.{fen % 100:02}"


def _small_scale(chance: random.Random) -> dict[str, Any]:
    sales = {item: _yuan(chance, 300_000) for item in chance.choice((("goods",), ("services",), ("goods", "services")))}
    return {
        "form": "vat_small_scale",
        "period": {"kind": "quarter", "end": chance.choice(_QUARTERS)},
        "place": chance.choice(_PLACES),
        "sales": sales,
    }


def _on_behalf(chance: random.Random) -> dict[str, Any]:
    return {
        "form": "invoice_on_behalf",
        "date": chance.choice(_QUARTERS),
        "place": chance.choice(_PLACES),
        "payer": chance.choice(("natural_person", "small_scale")),
        "item": chance.choice(("goods", "services", "shop_lease", "housing_lease")),
        "gross": _yuan(chance, 5_000),
        "invoice": chance.choice(("special", "ordinary")),
    }


def _business(chance: random.Random) -> dict[str, Any]:
    return {
        "form": "iit_business",
        "year": chance.randint(2017, 2026),
        "kind": "individual_business",
        "cumulative_profit": _yuan(chance, 150_000),
        "months": chance.choice((3, 6, 9)),
        "prepaid": "100.00",
    }


def _general(chance: random.Random) -> dict[str, Any]:
    return {
        "form": "vat_general",
        "period": {"kind": "month", "end": "2026-10-31"},
        "place": "city",
        "payer": "general",
        "sales": [{"net": _yuan(chance, 500_000), "rate": rate} for rate in ("0.13", "0.09", "0.06")],
        "input_vat": _yuan(chance, 40_000),
    }


def _enterprise(chance: random.Random) -> dict[str, Any]:
    return {
        "form": "cit_prepayment",
        "period": {"kind": "quarter", "end": chance.choice(_QUARTERS)},
        "cumulative_profit": _yuan(chance, 900_000),
        "staff": [18, 20],
        "assets": _yuan(chance, 5_000_000),
    }


def _stamp(chance: random.Random) -> dict[str, Any]:
    item = chance.choice(("sale", "lease", "capital_book"))
    day = chance.choice(_QUARTERS)
    return {"form": "stamp", "date": day, "item": item, "base": _yuan(chance, 80_000), "payer": "small_scale"}


def _vehicle(chance: random.Random) -> dict[str, Any]:
    kind = chance.choice(("ordinary", "nev_passenger"))
    return {"form": "vehicle_purchase", "date": chance.choice(_QUARTERS), "price": _yuan(chance, 200_000), "kind": kind}
