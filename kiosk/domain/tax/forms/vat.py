"""VAT returns with their surcharges: small-scale, general; and the surcharges of a VAT that is known already."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from kiosk.domain.filing import Form, Levy, PayerKind, Place
from kiosk.domain.money import share_of, without_tax, yuan
from kiosk.domain.tax.assessment import Assessment, Sheet
from kiosk.domain.tax.pack import FeeExemption, LevyRate, RulePack, Series, VatThreshold
from kiosk.domain.tax.problems import BadInput
from kiosk.domain.tax.request import Entry, Period

#: The classes of sales that the law counts and taxes apart. ``immovables``: sold ones; leased ones are services at the
#: rate of immovables, which the kiosk takes as on-behalf invoices only.
_ITEMS = ("goods", "services", "immovables")
_SALES = frozenset(_ITEMS)


def small_scale(rules: RulePack, entry: Entry) -> Assessment:
    period = entry.period()
    place = entry.choice("place", Place)
    day = rules.known(period.end, "period.end")
    threshold = rules.vat_threshold.need(day, "period.end")
    field, _ = entry.either_amount("sales", "gross")
    part = entry.part(field, _SALES)
    net: dict[str, int] = {}
    levies: dict[str, LevyRate] = {}
    for item in _ITEMS:
        if part.has(item):
            levy = levies[item] = _levy(rules, item, period, f"{field}.{item}")
            amount = part.amount(item)
            net[item] = without_tax(amount, levy.divisor or levy.rate) if field == "gross" else amount
    if not net:
        entry.refuse(field, "empty")

    taxed = [item for item in _taxed(threshold, net, period.kind) if levies[item].rate]
    vat = sum(share_of(net[item], levies[item].rate) for item in taxed)
    total = sum(net.values())
    sheet = Sheet(rules, day, PayerKind.SMALL_SCALE)
    if taxed:
        base = sum(net[item] for item in taxed)
        first = levies[taxed[0]]
        one_rate = all(levies[item] is first for item in taxed)
        sheet.write(Levy.VAT, vat, first, base=base, rate=first.rate if one_rate else None)
    elif total and _taxed(threshold, net, period.kind):
        # Over the threshold, and still nothing: all of it at the rate of 0 % (2022-04 to 2022-12).
        sheet.nothing(Levy.VAT, next(iter(levies.values())), total)
    else:
        sheet.nothing(Levy.VAT, threshold, total)
    write_surcharges(sheet, rules, day, place, vat, _fees_spared(rules, day, total, period.kind))
    return Assessment(Form.VAT_SMALL_SCALE, tuple(sheet.lines), {"net_sales": yuan(total)})


def general(rules: RulePack, entry: Entry) -> Assessment:
    period = entry.period()
    place = entry.choice("place", Place)
    payer = entry.choice("payer", PayerKind)
    if payer in (PayerKind.SMALL_SCALE, PayerKind.NATURAL_PERSON):
        entry.refuse("payer", "not_for_this_payer")
    day = rules.known(period.end, "period.end")
    rule = rules.vat_general_rates.need(day, "period.end")
    # A quarter may hold the last month of one set of rates and the first ones of the next.
    earlier = rules.vat_general_rates.on(period.start) or rule
    allowed = {*rule.rates, *earlier.rates}
    output = total = 0
    for at, item in enumerate(entry.items("sales")):
        sale = Entry(item, _SALE, f"sales.{at}.")
        rate = sale.number("rate")
        if rate not in allowed:
            sale.refuse("rate", "no_such_rate")
        net = sale.amount("net")
        total += net
        output += share_of(net, rate)
    input_vat = entry.amount("input_vat")
    vat = max(0, output - input_vat)
    sheet = Sheet(rules, day, payer)
    sheet.write(Levy.VAT, vat, rule)
    write_surcharges(sheet, rules, day, place, vat, _fees_spared(rules, day, total, period.kind))
    extra = {
        "net_sales": yuan(total),
        "output_vat": yuan(output),
        "carried_forward": yuan(max(0, input_vat - output)),
    }
    return Assessment(Form.VAT_GENERAL, tuple(sheet.lines), extra)


_SALE = frozenset({"net", "rate"})


def surcharges(rules: RulePack, entry: Entry) -> Assessment:
    day = rules.known(entry.day("date"), "date")
    place = entry.choice("place", Place)
    payer = entry.choice("payer", PayerKind)
    vat = entry.amount("vat_payable")
    sheet = Sheet(rules, day, payer)
    # Nothing is known here of the period's sales, on which the fees' exemption rests.
    write_surcharges(sheet, rules, day, place, vat, None)
    return Assessment(Form.SURCHARGES, tuple(sheet.lines))


def write_surcharges(
    sheet: Sheet, rules: RulePack, day: date, place: Place, vat: int, spared: FeeExemption | None
) -> None:
    """UMCT and both education fees on ``vat`` fen actually payable; ``spared``: the rule that exempts the fees."""
    umct = rules.umct.need(day, "date")
    rate: Decimal = umct.rates[place]
    sheet.write(Levy.UMCT, share_of(vat, rate), umct, base=vat, rate=rate, halved=True)
    for levy, series in ((Levy.EDUCATION, rules.education), (Levy.LOCAL_EDUCATION, rules.local_education)):
        if spared is not None and vat:
            sheet.nothing(levy, spared, vat)
        else:
            sheet.plain(levy, vat, series.need(day, "date"), halved=True)


def _fees_spared(rules: RulePack, day: date, net: int, kind: str) -> FeeExemption | None:
    rule = rules.fee_exemption.on(day)
    return rule if rule is not None and rule.spares(net, kind) else None


def _levy(rules: RulePack, item: str, period: Period, field: str) -> LevyRate:
    series: Series[LevyRate] = rules.vat_levy_immovables if item == "immovables" else rules.vat_levy_goods_services
    rule = series.need(period.end, field)
    before = series.on(period.start)
    if before is not None and before is not rule and before.rate != rule.rate:
        # Only the first quarter of 2020: two months at 3 %, one at 1 %. One sum cannot say which is which.
        raise BadInput("period.kind", "rate_changed_within_period")
    return rule


def _taxed(threshold: VatThreshold, net: dict[str, int], kind: str) -> list[str]:
    """The classes of sales that the threshold does not spare."""
    total, immovables = sum(net.values()), net.get("immovables", 0)
    match threshold.counting:
        case "by_class":
            # The relief names goods and services (总局公告2016年第23号 六(三)), not sold immovables.
            return [item for item in net if item == "immovables" or not threshold.spares(net[item], kind)]
        case "without_immovables" if immovables and not threshold.spares(total, kind):
            if threshold.spares(total - immovables, kind):
                return ["immovables"]
            return list(net)
    return [] if threshold.spares(total, kind) else list(net)
