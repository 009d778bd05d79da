"""What has to be filed: one obligation a registered form and period, made from the registrations and the calendar.

The last day of filing is published each December and never computed. A period whose last day has not been published is
no obligation yet; it becomes one by itself when the calendar is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row

from hall.filings.office import TaxOffice
from hall.store import statements_tax as statements
from hall.store.writer import Work

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def periods(cycle: str, first: date, last: date) -> Iterator[tuple[date, date]]:
    """Whole periods of a cycle that have begun by ``last``, from the one in which ``first`` lies."""
    months = _MONTHS[cycle]
    start = date(first.year, (first.month - 1) // months * months + 1, 1)
    while start <= last:
        following = start.month - 1 + months
        after = date(start.year + following // 12, following % 12 + 1, 1)
        yield start, after - timedelta(days=1)
        start = after


def generate(work: Work, office: TaxOffice, today: date) -> int:
    """Make what is missing, for every registration; answers how many. Repeating it adds nothing."""
    execute = work.connection.execute
    before = execute(statements.COUNT_OBLIGATIONS).scalar_one()
    deadlines: dict[date, date | None] = {}
    rows: list[dict[str, Any]] = []
    for registration in execute(statements.REGISTRATIONS).all():
        for start, end in _periods_of(registration, today):
            if end not in deadlines:
                deadlines[end] = office.deadline(end)
            deadline = deadlines[end]
            if deadline is not None:
                rows.append(_obligation(office, registration, start, end, deadline))
    if rows:
        execute(statements.ADD_OBLIGATION, rows)
    return int(execute(statements.COUNT_OBLIGATIONS).scalar_one() - before)


def _periods_of(registration: Row[Any], today: date) -> Iterator[tuple[date, date]]:
    first = date.fromisoformat(registration.from_day)
    if registration.declared_to is not None:
        first = max(first, date.fromisoformat(registration.declared_to) + timedelta(days=1))
    last = min(today, date.fromisoformat(registration.to_day)) if registration.to_day is not None else today
    return periods(registration.cycle, first, last)


def _obligation(office: TaxOffice, registration: Row[Any], start: date, end: date, deadline: date) -> dict[str, Any]:
    return {
        "id": office.mark("obligation", registration.taxpayer, registration.form, end.isoformat())[:32],
        "taxpayer": registration.taxpayer,
        "form": registration.form,
        "period_start": start.isoformat(),
        "period_end": end.isoformat(),
        "cycle": registration.cycle,
        "deadline": deadline.isoformat(),
        "quota": registration.quota,
        "prepaid": registration.prepaid,
        "facts": registration.facts,
    }
