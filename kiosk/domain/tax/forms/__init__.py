"""One function a form: rules and an entry in, an assessment out. ``FORMS`` lists them, with the fields each knows."""

from __future__ import annotations

from collections.abc import Callable

from kiosk.domain.filing import Form
from kiosk.domain.tax.assessment import Assessment
from kiosk.domain.tax.forms import income, late, on_behalf, other, vat
from kiosk.domain.tax.pack import RulePack
from kiosk.domain.tax.request import Entry

Assess = Callable[[RulePack, Entry], Assessment]


def _fields(names: str) -> frozenset[str]:
    return frozenset(names.split()) | {"form"}


FORMS: dict[Form, tuple[Assess, frozenset[str]]] = {
    Form.VAT_SMALL_SCALE: (vat.small_scale, _fields("period place sales gross")),
    Form.VAT_GENERAL: (vat.general, _fields("period place sales input_vat payer")),
    Form.SURCHARGES: (vat.surcharges, _fields("date place vat_payable payer")),
    Form.INVOICE_ON_BEHALF: (
        on_behalf.invoice,
        _fields("date place payer item gross net invoice lease_months same_day_gross month_net relief_waived"),
    ),
    Form.IIT_BUSINESS: (
        income.business,
        _fields("year kind taxable_income cumulative_profit months other_relief prepaid comprehensive_income"),
    ),
    Form.IIT_LABOUR: (income.labour, _fields("date income")),
    Form.CIT_PREPAYMENT: (income.enterprise, _fields("period cumulative_profit staff assets industry prepaid")),
    Form.STAMP: (other.stamp, _fields("date item base payer")),
    Form.VEHICLE_PURCHASE: (other.vehicle, _fields("date price invoice_gross vat_rate kind displacement_litres")),
    Form.PROPERTY: (other.property_tax, _fields("year method base payer")),
    Form.LAND_USE: (other.land_use, _fields("year area_m2 rate_per_m2 payer")),
    Form.LATE_SURCHARGE: (late.surcharge, _fields("deadline paid_on amounts")),
    Form.FILING_DEADLINE: (late.deadline, _fields("year month bureau")),
}
