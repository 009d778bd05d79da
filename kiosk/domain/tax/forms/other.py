"""Stamp duty, vehicle purchase tax, property tax, urban land use tax."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from kiosk.domain.filing import Form, Levy, PayerKind
from kiosk.domain.money import share_of, whole_fen, whole_jiao, without_tax, yuan
from kiosk.domain.tax.assessment import Assessment, Sheet
from kiosk.domain.tax.pack import RulePack, SmallEngine, StampRates
from kiosk.domain.tax.request import Entry

_StampItem = Literal["sale", "lease", "capital_book"]
_STAMP_ITEMS: dict[str, _StampItem] = {"sale": "sale", "lease": "lease", "capital_book": "capital_book"}
_YEARS = (1987, 2100)


def stamp(rules: RulePack, entry: Entry) -> Assessment:
    day = rules.known(entry.day("date"), "date")
    item = _STAMP_ITEMS[entry.one_of("item", tuple(_STAMP_ITEMS))]
    payer = entry.choice("payer", PayerKind)
    base = entry.amount("base")
    sheet = Sheet(rules, day, payer)
    stamp_duty(sheet, rules.stamp.need(day, "date"), item, base, payer)
    return Assessment(Form.STAMP, tuple(sheet.lines))


def stamp_duty(sheet: Sheet, rule: StampRates, item: _StampItem, base: int, payer: PayerKind) -> None:
    """One contract or book; ``base`` in fen without VAT."""
    if payer in rule.not_taxable.get(item, ()):
        sheet.nothing(Levy.STAMP, rule, base)
        return
    rate = {"sale": rule.sale, "lease": rule.lease, "capital_book": rule.capital_book}[item]
    exact = base * rate
    due = whole_jiao(exact) if rule.rounding == "jiao" else whole_fen(exact)
    relief = 0
    if item == "capital_book" and rule.capital_book_relief is not None:
        relief = share_of(due, rule.capital_book_relief)
    sheet.write(
        Levy.STAMP,
        due,
        rule,
        relief=relief,
        relief_rule=rule if relief else None,
        base=base,
        rate=rate,
        halved=True,
    )


def vehicle(rules: RulePack, entry: Entry) -> Assessment:
    """``date``: of the unified vehicle invoice (机动车销售统一发票), which decides the relief."""
    day = rules.known(entry.day("date"), "date")
    kind = entry.one_of("kind", ("ordinary", "nev_passenger"))
    name, _ = entry.either_amount("price", "invoice_gross")
    if name == "price":
        if entry.has("vat_rate"):
            entry.refuse("vat_rate", "both_given")
        price = entry.amount("price")
    else:
        vat_rate = entry.number("vat_rate")
        if vat_rate >= 1:
            entry.refuse("vat_rate", "no_such_rate")
        price = without_tax(entry.amount("invoice_gross"), vat_rate)
    litres = entry.number("displacement_litres") if entry.has("displacement_litres") else None
    rule = rules.vehicle_purchase.need(day, "date")
    sheet = Sheet(rules, day)
    if kind == "nev_passenger" and (energy := rules.vehicle_nev.on(day)) is not None:
        due = share_of(price, rule.rate)
        relief = share_of(due, energy.share)
        if energy.cap is not None:
            relief = min(relief, energy.cap * 100)
        sheet.write(Levy.VEHICLE_PURCHASE, due, rule, relief=relief, relief_rule=energy, base=price, rate=rule.rate)
    elif kind == "ordinary" and (small := _small_engine(rules, day, litres, price)) is not None:
        sheet.write(Levy.VEHICLE_PURCHASE, share_of(price, small.rate), small, base=price, rate=small.rate)
    else:
        sheet.plain(Levy.VEHICLE_PURCHASE, price, rule)
    return Assessment(Form.VEHICLE_PURCHASE, tuple(sheet.lines), {"price": yuan(price)})


def property_tax(rules: RulePack, entry: Entry) -> Assessment:
    """``value``: the original value (房产原值), of which the province deducts a share; ``rent``: without VAT."""
    day = _year(rules, entry)
    method = entry.one_of("method", ("value", "rent"))
    payer = entry.choice("payer", PayerKind)
    base = entry.amount("base")
    rule = rules.property.need(day, "year")
    sheet = Sheet(rules, day, payer)
    if method == "rent":
        sheet.write(Levy.PROPERTY, share_of(base, rule.rent), rule, base=base, rate=rule.rent, halved=True)
    else:
        taxed = share_of(base, 1 - rule.deduction)
        due = whole_fen(base * (1 - rule.deduction) * rule.value)
        sheet.write(Levy.PROPERTY, due, rule, base=taxed, rate=rule.value, halved=True)
    return Assessment(Form.PROPERTY, tuple(sheet.lines))


def land_use(rules: RulePack, entry: Entry) -> Assessment:
    day = _year(rules, entry)
    payer = entry.choice("payer", PayerKind)
    area = entry.number("area_m2")
    rate = entry.number("rate_per_m2")
    rule = rules.land_use.need(day, "year")
    if not rule.lowest <= rate <= rule.highest:
        entry.refuse("rate_per_m2", "outside_legal_range")
    sheet = Sheet(rules, day, payer)
    sheet.write(Levy.LAND_USE, whole_fen(area * rate * 100), rule, halved=True)
    return Assessment(Form.LAND_USE, tuple(sheet.lines))


def _year(rules: RulePack, entry: Entry) -> date:
    return rules.known(date(entry.whole("year", *_YEARS), 12, 31), "year")


def _small_engine(rules: RulePack, day: date, litres: Decimal | None, price: int) -> SmallEngine | None:
    rule = rules.vehicle_small_engine.on(day)
    if rule is None or litres is None or litres > rule.max_litres:
        return None
    return rule if rule.max_price is None or price <= rule.max_price * 100 else None
