"""Invoices issued on behalf (代开发票): the taxes of both bureaus, taken together before the invoice is printed.

Who is spared depends on who asks. A natural person's goods and services are held against the threshold of one
transaction, all of one day together; rent is averaged over the months of the lease; everybody else files by the
period, so that the invoice is held against a month's threshold. A special invoice passes a deduction on and is
always taxed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from kiosk.domain.filing import Form, Levy, PayerKind, Place
from kiosk.domain.money import share_of, whole_fen, without_tax, yuan
from kiosk.domain.tax.assessment import Assessment, Extra, Sheet
from kiosk.domain.tax.forms.other import stamp_duty
from kiosk.domain.tax.forms.vat import write_surcharges
from kiosk.domain.tax.pack import FeeExemption, LevyRate, Rule, RulePack, Series
from kiosk.domain.tax.request import Entry

_ITEMS = ("goods", "services", "shop_lease", "housing_lease")
_LEASES = ("shop_lease", "housing_lease")
#: 个人 of the rules on housing: whoever lets a home that is not a company's.
_INDIVIDUALS = (PayerKind.NATURAL_PERSON, PayerKind.INDIVIDUAL_BUSINESS)
_LONGEST_LEASE = 20 * 12
"""Months: 民法典 第705条."""


@dataclass(frozen=True)
class _Order:
    """The invoice that is asked for."""

    day: date
    payer: PayerKind
    item: str
    special: bool
    waived: bool
    levy: LevyRate
    rate: Decimal
    gross: int | None
    net: int
    months: int
    others: tuple[tuple[int, int], ...]
    """Net and gross of the day's other invoices."""
    month_net: int
    """Other sales of the month, for those who file by the period."""

    @property
    def by_occasion(self) -> bool:
        return self.payer is PayerKind.NATURAL_PERSON and self.item not in _LEASES

    @property
    def by_average(self) -> bool:
        return self.payer is PayerKind.NATURAL_PERSON and self.item in _LEASES

    @property
    def vat(self) -> int:
        return _vat(self.net, self.gross, self.rate, self.levy.divisor)


def invoice(rules: RulePack, entry: Entry) -> Assessment:
    place = entry.choice("place", Place)
    order = _read(rules, entry)
    spared = _spared(rules, order)
    vat = 0 if spared else order.vat
    # On-behalf invoices exist for small-scale taxpayers; that is what the payer's reliefs go by.
    sheet = Sheet(rules, order.day, order.payer, order.item, halved_as=PayerKind.SMALL_SCALE)
    if spared:
        sheet.nothing(Levy.VAT, spared, order.net)
    elif order.rate:
        sheet.write(Levy.VAT, vat, order.levy, base=order.net, rate=order.rate)
    else:
        sheet.nothing(Levy.VAT, order.levy, order.net)
    write_surcharges(sheet, rules, order.day, place, vat, _fees_spared(rules, order))
    if order.item in _LEASES:
        _write_lease(sheet, rules, order, vat)
    extra: dict[str, Extra] = {"net": yuan(order.net)}
    if order.by_average:
        extra["monthly_average"] = yuan(whole_fen(Decimal(order.net) / order.months))
    if order.by_occasion or entry.has("same_day_gross"):
        extra["vat_of_day"] = yuan(vat + (0 if _day_spared(rules, order) else _vat_of_others(order)))
    if order.payer is PayerKind.NATURAL_PERSON:
        _write_iit(sheet, rules, order, extra)
        notice = rules.payers_withhold.on(order.day)
        if notice is not None and notice.in_force:
            extra["payer_withholds"] = notice.source
    return Assessment(Form.INVOICE_ON_BEHALF, tuple(sheet.lines), extra)


def _read(rules: RulePack, entry: Entry) -> _Order:
    day = rules.known(entry.day("date"), "date")
    payer = entry.choice("payer", PayerKind)
    if payer is PayerKind.GENERAL:
        # A general taxpayer issues invoices of its own.
        entry.refuse("payer", "not_for_this_payer")
    item = entry.one_of("item", _ITEMS)
    special = entry.one_of("invoice", ("special", "ordinary")) == "special"
    waived = entry.flag("relief_waived", False)
    levy = _levies(rules, payer, item).need(day, "date")
    rate = levy.of(special, waived)
    divisor = levy.divisor or rate
    name, _ = entry.either_amount("gross", "net")
    amount = entry.amount(name)
    months = entry.whole("lease_months", 1, _LONGEST_LEASE) if entry.has("lease_months") else 1
    others = entry.amounts("same_day_gross") if entry.has("same_day_gross") else []
    return _Order(
        day,
        payer,
        item,
        special,
        waived,
        levy,
        rate,
        amount if name == "gross" else None,
        without_tax(amount, divisor) if name == "gross" else amount,
        months,
        tuple((without_tax(other, divisor), other) for other in others),
        entry.optional_amount("month_net"),
    )


def _levies(rules: RulePack, payer: PayerKind, item: str) -> Series[LevyRate]:
    if item == "housing_lease" and payer in _INDIVIDUALS:
        return rules.vat_levy_housing_lease
    return rules.vat_levy_immovables if item in _LEASES else rules.vat_levy_goods_services


def _spared(rules: RulePack, order: _Order) -> Rule | None:
    """The rule under which no VAT is due."""
    if order.special or order.waived:
        return None
    return _day_spared(rules, order)


def _day_spared(rules: RulePack, order: _Order) -> Rule | None:
    """The same, of ordinary invoices that go with this one: those of the day, or of the month."""
    together = order.net + sum(net for net, _ in order.others)
    if order.by_occasion:
        occasion = rules.vat_occasion_threshold.need(order.day, "date")
        return occasion if occasion.spares(together) else None
    threshold = rules.vat_threshold.need(order.day, "date")
    if order.by_average:
        return threshold if threshold.spares(order.net, "month", order.months) else None
    return threshold if threshold.spares(together + order.month_net, "month") else None


def _vat_of_others(order: _Order) -> int:
    return sum(_vat(net, gross, order.rate, order.levy.divisor) for net, gross in order.others)


def _vat(net: int, gross: int | None, rate: Decimal, divisor: Decimal | None) -> int:
    """Inside a gross amount what is left beside the net one, so that the invoice adds up."""
    if gross is None:
        return share_of(net, rate)
    if divisor is None or divisor == rate:
        return gross - net
    return whole_fen(gross * rate / (1 + divisor))


def _fees_spared(rules: RulePack, order: _Order) -> FeeExemption | None:
    rule = rules.fee_exemption.on(order.day)
    if rule is None or (order.by_occasion and not rule.occasional):
        return None
    if order.by_average:
        return rule if rule.spares(order.net, "month", order.months) else None
    together = order.net + sum(net for net, _ in order.others) + order.month_net
    return rule if rule.spares(together, "month") else None


def _write_lease(sheet: Sheet, rules: RulePack, order: _Order, vat: int) -> None:
    """Property tax on the rent, stamp duty on the contract; a home let by an individual is spared the latter."""
    general = rules.property.need(order.day, "date")
    rent = order.net
    if not vat and order.gross is not None and general.exempt_rent == "gross":
        rent = order.gross
    if order.item == "housing_lease" and order.payer in _INDIVIDUALS:
        exemption = rules.housing_lease_exemptions.need(order.day, "date")
        sheet.plain(Levy.PROPERTY, rent, rules.property_housing.need(order.day, "date"), halved=True)
        sheet.nothing(Levy.STAMP, exemption)
        sheet.nothing(Levy.LAND_USE, exemption)
        return
    sheet.write(Levy.PROPERTY, share_of(rent, general.rent), general, base=rent, rate=general.rent, halved=True)
    stamp_duty(sheet, rules.stamp.need(order.day, "date"), "lease", rent, order.payer)


def _write_iit(sheet: Sheet, rules: RulePack, order: _Order, extra: dict[str, Extra]) -> None:
    rule = rules.iit_on_behalf.need(order.day, "date")
    rates = {
        "goods": rule.goods,
        "services": rule.services,
        "shop_lease": rule.shop_lease,
        "housing_lease": rule.housing_lease,
    }
    rate = rates[order.item]
    if rate is None:
        # Said aloud: what is not configured is not the same as what is not owed.
        extra["iit"] = "not_configured"
    else:
        sheet.write(Levy.IIT, share_of(order.net, rate), rule, base=order.net, rate=rate)
