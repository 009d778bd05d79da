"""What an assessment says, and how its lines come about: column by column, each rounded before the next one is taken.

The order is that of the form (增值税及附加税费申报表附列资料, 总局公告2021年第20号): tax = base × rate;
reduction = (tax - other relief) × share; payable = tax - other relief - reduction. Each levy by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec

from kiosk.domain.filing import Form, Levy, Line, PayerKind
from kiosk.domain.money import grouped, share_of, yuan
from kiosk.domain.tax.pack import PlainRate, Rule, RulePack

Extra = str | int | bool | None


@dataclass(frozen=True)
class Assessment:
    form: Form
    lines: tuple[Line, ...]
    extra: Mapping[str, Extra] = field(default_factory=dict)
    """The form's own fields of the contract; amounts as yuan with two decimals."""
    prepaid: int = 0
    """Fen paid for this year before (cumulative forms)."""

    @property
    def total(self) -> int:
        """Fen; the sum of what the lines say is payable, before anything prepaid is taken off."""
        return sum(line.payable for line in self.lines)

    @property
    def to_pay(self) -> int:
        """Fen that are still to be paid: what a terminal may charge."""
        return max(0, self.total - self.prepaid)

    @property
    def lines_to_pay(self) -> tuple[Line, ...]:
        """The lines as they are owed now: ``payable`` without what was prepaid. What goes to the bureaus' ledgers."""
        left, lines = self.prepaid, []
        for line in self.lines:
            taken = min(left, line.payable)
            left -= taken
            lines.append(msgspec.structs.replace(line, payable=line.payable - taken) if taken else line)
        return tuple(lines)

    def as_json(self) -> dict[str, Any]:
        """In the shape of ``taxkiosk assess``."""
        lines = [
            {
                "levy": line.levy.value,
                "bureau": line.bureau.value,
                "due": yuan(line.due),
                "relief": yuan(line.relief),
                "payable": yuan(line.payable),
                "rule": line.rule,
                "source": line.source,
            }
            for line in self.lines
        ]
        return {"form": self.form.value, "lines": lines, "total": yuan(self.total), **self.extra}

    def with_extra(self, **extra: Extra) -> Assessment:
        return replace(self, extra={**self.extra, **extra})


def working(line: Line) -> str:
    """How a line came about, without words: ``300,000.01 × 1%``; "" where there is no single base."""
    if line.base is None or line.rate is None:
        return ""
    percent = f"{(Decimal(line.rate) * 100).normalize():f}%"
    return f"{grouped(line.base)} × {percent}"


class Sheet:
    """The lines of one assessment being written. ``payer``: whose reliefs count; None for forms that know none."""

    __slots__ = ("_day", "_half", "_item", "_payer", "_rules", "lines")

    def __init__(
        self,
        rules: RulePack,
        day: date,
        payer: PayerKind | None = None,
        item: str | None = None,
        halved_as: PayerKind | None = None,
    ) -> None:
        self._rules = rules
        self._day = day
        self._payer = payer
        self._item = item
        self.lines: list[Line] = []
        half = rules.six_taxes_two_fees.on(day)
        # A natural person is a small-scale taxpayer by law, whatever the sales.
        counts_as = halved_as or (PayerKind.SMALL_SCALE if payer is PayerKind.NATURAL_PERSON else payer)
        self._half = half if half is not None and counts_as in half.payers else None

    def write(
        self,
        levy: Levy,
        due: int,
        rule: Rule,
        *,
        relief: int = 0,
        relief_rule: Rule | None = None,
        base: int | None = None,
        rate: Decimal | None = None,
        halved: bool = False,
    ) -> Line:
        """One levy. ``relief``: other than the halving of the six taxes and two fees, which is added if ``halved``."""
        if halved and self._half is not None and due > relief:
            relief += share_of(due - relief, self._half.share)
            relief_rule = self._half
        line = Line(
            levy,
            self._rules.bureau(levy, self._day, self._payer, self._item),
            due,
            relief,
            due - relief,
            rule.id,
            rule.source,
            base,
            None if rate is None else str(rate),
            None if relief_rule is None else relief_rule.id,
        )
        self.lines.append(line)
        return line

    def plain(self, levy: Levy, base: int, rule: PlainRate, *, halved: bool = False) -> Line:
        """``base`` × the rule's rate."""
        return self.write(levy, share_of(base, rule.rate), rule, base=base, rate=rule.rate, halved=halved)

    def nothing(self, levy: Levy, rule: Rule, base: int | None = None) -> Line:
        """A levy that a rule spares: told with its zero, so that nobody has to wonder about it."""
        return self.write(levy, 0, rule, relief_rule=rule, base=base)
