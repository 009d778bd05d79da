"""What the hall's tax side works with: the rules, the seal, the hall's secret, its settings."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import config
from hall.clock import SystemClock
from hall.fleet.enrolment import pepper
from hall.register.seal import Seal, read_or_make
from hall.settings import Settings, Tax
from hall.store.database import Database
from hall.store.writer import Writer
from kiosk.domain.filing import LatePart, Line
from kiosk.domain.tax import BadInput, RulePack, filing_deadline, late_surcharge

#: A natural person needs no register.
SELF = "self"


def read_rules(settings: Tax) -> RulePack:
    """The shipped rules (or the hall's own) as this hall's settings want them. Raises BadRules, OSError."""
    tree: dict[str, Any] = config.read_tax_rules()
    options = dict(tree["options"])
    for name, value in (("profile", settings.profile), ("payers_withhold", settings.payers_withhold)):
        options[name] = {**options[name], "value": value}
    return RulePack.from_tree({**tree, "options": options})


@contextmanager
def open_office(data: Path, settings: Settings) -> Iterator[tuple[Writer, TaxOffice]]:
    """For the command line, beside a server or without one. Raises UnfitDatabase, SealBroken, BadRules, OSError."""
    database = Database(data)
    writer = Writer(database.writer, SystemClock(), lambda events, in_line: None)
    writer.start()
    try:
        office = TaxOffice(settings.hall.id, settings.tax, read_rules(settings.tax), read_or_make(data))
        office.pepper = writer.submit(pepper).result()
        yield writer, office
    finally:
        writer.stop()
        database.close()


@dataclass
class TaxOffice:
    hall: str
    """The hall's id; bureaus see it."""
    settings: Tax
    rules: RulePack
    seal: Seal
    pepper: str = ""
    """Hex; known once the hall has started."""

    def number_ref(self, number: str) -> str:
        """How a number, normalised, is found again; the same as ``Holder.reference``."""
        return hmac.new(bytes.fromhex(self.pepper), number.encode(), hashlib.sha256).hexdigest()

    def mark(self, purpose: str, *parts: str) -> str:
        """A code that only this hall can have made (hex)."""
        return hmac.new(bytes.fromhex(self.pepper), ":".join((purpose, *parts)).encode(), hashlib.sha256).hexdigest()

    def deadline(self, period_end: date) -> date | None:
        """Of a month's or quarter's return; None while the calendar of that year has not been published."""
        year, month = (period_end.year, period_end.month + 1) if period_end.month < 12 else (period_end.year + 1, 1)
        try:
            return filing_deadline(self.rules, year, month)
        except BadInput:
            return None

    def late(self, deadline: date | None, paid_on: date, lines: list[Line]) -> list[LatePart]:
        """滞纳金 of a filing that is paid on a day, a part a levy; empty in time."""
        owed = {line.levy: line.payable for line in lines if line.payable > 0}
        if deadline is None or paid_on <= deadline or not owed:
            return []
        bureau = {line.levy: line.bureau for line in lines}
        found = late_surcharge(self.rules, deadline, paid_on, owed)
        return [LatePart(part.levy, bureau[part.levy], part.payable) for part in found.lines if part.payable]
