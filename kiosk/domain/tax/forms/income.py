"""Taxes on income: a business run by a person (经营所得), labour withheld by its payer, an enterprise's prepayment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from kiosk.domain.filing import Form, Levy
from kiosk.domain.money import whole_fen, yuan
from kiosk.domain.tax.assessment import Assessment, Extra, Sheet
from kiosk.domain.tax.pack import Brackets, BusinessHalving, BusinessTable, RulePack, SmallLowProfit
from kiosk.domain.tax.request import Entry

_KINDS = ("individual_business", "partner", "sole_proprietor")
_YEARS = (1994, 2100)


def business(rules: RulePack, entry: Entry) -> Assessment:
    """Annual from the taxable income, or prepayment from the cumulative profit of the first ``months`` of the year.

    ``comprehensive_income`` true: the basic deduction is already used against wages, none is taken here.
    """
    year = entry.whole("year", *_YEARS)
    kind = entry.one_of("kind", _KINDS)
    day = rules.known(date(year, 12, 31), "year")
    table = rules.iit_business.need(day, "year")
    prepaid = entry.optional_amount("prepaid")
    other_relief = entry.optional_amount("other_relief")
    name, _ = entry.either_amount("taxable_income", "cumulative_profit")
    extra: dict[str, Extra] = {}
    if name == "taxable_income":
        months = entry.whole("months", 1, 12) if entry.has("months") else 12
        taxable = entry.amount("taxable_income")
    else:
        months = entry.whole("months", 1, 12)
        deduction = 0 if entry.flag("comprehensive_income", False) else _deduction(table, months)
        # A loss is a fact, and is told; the tax on it is nothing.
        taxable = max(0, entry.amount("cumulative_profit", negative=True) - deduction)
        extra["basic_deduction"] = yuan(deduction)

    due = whole_fen(_business_tax(table, taxable, months))
    other_relief = min(other_relief, due)
    halving = rules.iit_business_halving.on(day)
    if halving is not None and kind not in halving.kinds:
        halving = None
    half = _half(table, halving, taxable, months, other_relief) if halving is not None else 0
    relief = min(due, other_relief + half)
    sheet = Sheet(rules, day)
    line = sheet.write(Levy.IIT, due, table, relief=relief, relief_rule=halving if half else None, base=taxable)
    extra |= {
        "taxable": yuan(taxable),
        "halving_relief": yuan(half),
        "other_relief": yuan(other_relief),
        **_settled(line.payable, prepaid),
    }
    return Assessment(Form.IIT_BUSINESS, tuple(sheet.lines), extra, prepaid)


def labour(rules: RulePack, entry: Entry) -> Assessment:
    """What the payer withholds from one payment to a resident; ``income`` without VAT."""
    day = rules.known(entry.day("date"), "date")
    income = entry.amount("income")
    table = rules.iit_labour.need(day, "date")
    taxable: Decimal
    if income <= table.limit * 100:
        taxable = Decimal(max(0, income - table.fixed * 100))
    else:
        taxable = income * (1 - table.share)
    sheet = Sheet(rules, day)
    sheet.write(Levy.IIT, whole_fen(_bracket_tax(table.brackets, taxable)), table, base=whole_fen(taxable))
    return Assessment(Form.IIT_LABOUR, tuple(sheet.lines), {"taxable": yuan(whole_fen(taxable))})


def enterprise(rules: RulePack, entry: Entry) -> Assessment:
    """CIT by the month or quarter, from the year's cumulative profit.

    Small low-profit enterprises: over the limit the full rate is on the whole, so every yuan counts there.
    """
    period = entry.period()
    day = rules.known(period.end, "period.end")
    profit = entry.amount("cumulative_profit", negative=True)
    staff = entry.numbers("staff")
    if not staff:
        entry.refuse("staff", "empty")
    if len(staff) > 4:
        entry.refuse("staff", "too_many")
    assets = entry.amount("assets")
    industrial = entry.one_of("industry", ("industrial", "other"), default="other") == "industrial"
    prepaid = entry.optional_amount("prepaid")
    rate = rules.cit.need(day, "period.end")
    small = rules.cit_small_low_profit.need(day, "period.end")
    most_staff = small.staff.industrial if industrial else small.staff.other
    most_assets = small.assets.industrial if industrial else small.assets.other
    is_small = (
        profit <= small.tiers[-1][0] * 100 and sum(staff) <= most_staff * len(staff) and assets <= most_assets * 100
    )
    base = max(0, profit)
    sheet = Sheet(rules, day)
    if is_small:
        tax = _tiered(small, base)
        first = small.tiers[0]
        only_rate = first[1] if base <= first[0] * 100 else None
        line = sheet.write(Levy.CIT, whole_fen(tax), small, base=base, rate=only_rate)
    else:
        line = sheet.plain(Levy.CIT, base, rate)
    extra: dict[str, Extra] = {"small_low_profit": is_small, **_settled(line.payable, prepaid)}
    return Assessment(Form.CIT_PREPAYMENT, tuple(sheet.lines), extra, prepaid)


def _settled(payable: int, prepaid: int) -> dict[str, Extra]:
    """``due_now`` is never under zero: what was paid too much is given back by a refund, not by the next return."""
    extra: dict[str, Extra] = {"due_now": yuan(max(0, payable - prepaid))}
    if prepaid > payable:
        extra["overpaid"] = yuan(prepaid - payable)
    return extra


def _bracket_tax(brackets: Brackets, taxable: Decimal | int) -> Decimal:
    """In fen, not rounded."""
    for top, rate, quick in brackets:
        if top is None or taxable <= top * 100:
            return taxable * rate - quick * 100
    raise AssertionError("the last bracket has no end")


def _months_before(table: BusinessTable, months: int) -> int:
    """How many of the first ``months`` of the year fall under the table's own brackets, not under the later ones."""
    return months if table.later is None else min(months, table.later.month - 1)


def _deduction(table: BusinessTable, months: int) -> int:
    before = _months_before(table, months)
    fen = before * table.monthly_deduction * 100
    if table.later is not None:
        fen += (months - before) * table.later.monthly_deduction * 100
    return fen


def _business_tax(table: BusinessTable, taxable: int, months: int) -> Decimal:
    tax = _bracket_tax(table.brackets, taxable)
    before = _months_before(table, months)
    if table.later is None or before == months:
        return tax
    later = _bracket_tax(table.later.brackets, taxable)
    return (tax * before + later * (months - before)) / months


def _half(table: BusinessTable, halving: BusinessHalving, taxable: int, months: int, other_relief: int) -> int:
    if not taxable:
        return 0
    part = min(taxable, halving.cap * 100)
    other = Decimal(other_relief) * part / taxable
    return max(0, whole_fen((_business_tax(table, part, months) - other) * halving.share))


def _tiered(small: SmallLowProfit, base: int) -> Decimal:
    tax, done = Decimal(0), 0
    for top, rate in small.tiers:
        part = min(base, top * 100) - done
        if part > 0:
            tax += part * rate
            done += part
    return tax
