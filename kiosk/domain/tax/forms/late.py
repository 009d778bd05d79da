"""Last days, and what each day after them costs (滞纳金)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from kiosk.domain.filing import Bureau, Form, Levy
from kiosk.domain.money import share_of
from kiosk.domain.tax.assessment import Assessment, Sheet
from kiosk.domain.tax.pack import RulePack
from kiosk.domain.tax.problems import BadInput
from kiosk.domain.tax.request import Entry

_LEVIES = frozenset(levy.value for levy in Levy)


def late_surcharge(rules: RulePack, deadline: date, paid_on: date, amounts: Mapping[Levy, int]) -> Assessment:
    """Per levy, from the day after ``deadline`` to the day of payment, both counted; ``amounts`` in fen.

    ``deadline``: the extended one of the calendar or of an approved deferral (征管法 第31条); nothing runs before it.
    """
    rule = rules.late_surcharge.need(rules.known(deadline, "deadline"), "deadline")
    days = max(0, (paid_on - deadline).days)
    each = {levy: share_of(amount * days, rule.rate) for levy, amount in amounts.items()}
    if sum(amounts.values()) + sum(each.values()) <= rule.small_voucher * 100:
        # A voucher of one yuan or less is nothing, its surcharge with it (总局公告2012年第25号).
        each = dict.fromkeys(each, 0)
    sheet = Sheet(rules, deadline)
    for levy, fen in each.items():
        sheet.write(levy, fen, rule, base=amounts[levy])
    return Assessment(Form.LATE_SURCHARGE, tuple(sheet.lines), {"days": days})


def filing_deadline(rules: RulePack, year: int, month: int, bureau: Bureau | None = None) -> date:
    """The last day for what is filed in that month, as published; never computed. Raises BadInput for other years.

    ``bureau``: with the province's extension for it, if there is one.
    """
    published = rules.calendar.get((year, month))
    if published is None:
        raise BadInput("year", "no_calendar")
    if bureau is not None:
        return rules.extensions.get((year, month, bureau), published)
    # Without a bureau: what both of them grant.
    return min(rules.extensions.get((year, month, each), published) for each in Bureau)


def surcharge(rules: RulePack, entry: Entry) -> Assessment:
    deadline_day = entry.day("deadline")
    paid_on = entry.day("paid_on")
    part = entry.part("amounts", _LEVIES)
    amounts = {levy: part.amount(levy.value) for levy in Levy if part.has(levy.value)}
    if not amounts:
        entry.refuse("amounts", "empty")
    return late_surcharge(rules, deadline_day, paid_on, amounts)


def deadline(rules: RulePack, entry: Entry) -> Assessment:
    year = entry.whole("year", 1, 9999)
    month = entry.whole("month", 1, 12)
    bureau = entry.choice("bureau", Bureau) if entry.has("bureau") else None
    day = filing_deadline(rules, year, month, bureau)
    return Assessment(Form.FILING_DEADLINE, (), {"deadline": day.isoformat()})
