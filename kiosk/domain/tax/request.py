"""What was entered, read field by field. Whatever cannot be meant is refused with the field's name, never repaired."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NoReturn, TypeVar

from kiosk.domain.money import BadAmount, to_fen
from kiosk.domain.tax.problems import BadInput

E = TypeVar("E", bound=StrEnum)

_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")


@dataclass(frozen=True)
class Period:
    """A month or a quarter (税款所属期)."""

    kind: Literal["month", "quarter"]
    end: date

    @property
    def start(self) -> date:
        return self.end.replace(month=self.end.month - (2 if self.kind == "quarter" else 0), day=1)


class Entry:
    """One JSON object of a request; ``path`` is where it stands in it."""

    __slots__ = ("_given", "_path")

    def __init__(self, given: object, known: frozenset[str], path: str = "") -> None:
        if not isinstance(given, Mapping):
            raise BadInput(path.rstrip(".") or "request", "not_an_object")
        for name in given:
            if name not in known:
                raise BadInput(f"{path}{name}", "unknown_field")
        self._given = given
        self._path = path

    def has(self, name: str) -> bool:
        """JSON's null is no answer."""
        return self._given.get(name) is not None

    def raw(self, name: str) -> Any:
        value = self._given.get(name)
        if value is None:
            raise BadInput(self._path + name, "missing")
        return value

    def refuse(self, name: str, problem: str) -> NoReturn:
        raise BadInput(self._path + name, problem)

    def amount(self, name: str, negative: bool = False) -> int:
        """Yuan as fen. A profit may be ``negative``; sales may not."""
        return _amount(self._path + name, self.raw(name), negative)

    def optional_amount(self, name: str) -> int:
        return self.amount(name) if self.has(name) else 0

    def either_amount(self, one: str, other: str) -> tuple[str, Any]:
        """Which of two fields was given, and what it holds."""
        if self.has(one) and self.has(other):
            raise BadInput(self._path + other, "both_given")
        name = other if self.has(other) else one
        return name, self.raw(name)

    def amounts(self, name: str) -> list[int]:
        return [_amount(f"{self._path}{name}.{at}", value, False) for at, value in enumerate(self.items(name))]

    def items(self, name: str) -> list[Any]:
        value = self.raw(name)
        if not isinstance(value, (list, tuple)):
            raise BadInput(self._path + name, "not_a_list")
        return list(value)

    def numbers(self, name: str) -> list[Decimal]:
        return [_number(f"{self._path}{name}.{at}", value) for at, value in enumerate(self.items(name))]

    def number(self, name: str) -> Decimal:
        """Something counted or measured, to four decimals: people, square metres, litres, a rate."""
        return _number(self._path + name, self.raw(name))

    def whole(self, name: str, low: int, high: int) -> int:
        value = self.raw(name)
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput(self._path + name, "not_a_whole_number")
        if value < low:
            raise BadInput(self._path + name, "negative" if value < 0 else "too_small")
        if value > high:
            raise BadInput(self._path + name, "too_large")
        return value

    def day(self, name: str) -> date:
        value = self.raw(name)
        if type(value) is date:
            return value
        # ISO 8601 knows more ways to write a day; the contract has one.
        if isinstance(value, str) and len(value) == 10 and value[4] == value[7] == "-":
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise BadInput(self._path + name, "not_a_date")

    def choice(self, name: str, choices: type[E]) -> E:
        value = self.raw(name)
        try:
            return choices(value)
        except ValueError:
            raise BadInput(self._path + name, "not_a_choice") from None

    def one_of(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        if default is not None and not self.has(name):
            return default
        value = self.raw(name)
        if not isinstance(value, str) or value not in choices:
            raise BadInput(self._path + name, "not_a_choice")
        return str(value)

    def flag(self, name: str, default: bool) -> bool:
        if not self.has(name):
            return default
        value = self.raw(name)
        if not isinstance(value, bool):
            raise BadInput(self._path + name, "not_a_yes_or_no")
        return value

    def part(self, name: str, known: frozenset[str]) -> Entry:
        return Entry(self.raw(name), known, f"{self._path}{name}.")

    def period(self) -> Period:
        part = self.part("period", _PERIOD)
        monthly = part.one_of("kind", ("month", "quarter")) == "month"
        kind: Literal["month", "quarter"] = "month" if monthly else "quarter"
        end = part.day("end")
        if end.day != monthrange(end.year, end.month)[1]:
            part.refuse("end", f"not_the_end_of_a_{kind}")
        if kind == "quarter" and end.month % 3:
            part.refuse("end", "not_the_end_of_a_quarter")
        return Period(kind, end)


_PERIOD = frozenset({"kind", "end"})


def _amount(field: str, value: object, negative: bool) -> int:
    try:
        fen = to_fen(value)
    except BadAmount as error:
        raise BadInput(field, error.problem) from None
    if fen < 0 and not negative:
        raise BadInput(field, "negative")
    return fen


def _number(field: str, value: object) -> Decimal:
    match value:
        case bool():
            raise BadInput(field, "not_a_number")
        case int() | Decimal():
            number = Decimal(value)
        case str() if _NUMBER.fullmatch(value.removeprefix("-")):
            number = Decimal(value)
        case str() if value.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
            raise BadInput(field, "not_finite")
        case _:
            raise BadInput(field, "not_a_number")
    if not number.is_finite():
        raise BadInput(field, "not_finite")
    if number < 0:
        raise BadInput(field, "negative")
    if number and number.adjusted() > 8:
        raise BadInput(field, "too_large")
    if number.as_tuple().exponent < -4:  # type: ignore[operator]  # finite: its exponent is a number
        raise BadInput(field, "too_many_decimals")
    return number
