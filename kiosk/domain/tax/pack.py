"""The rules as loaded: dated series that are whole, or no pack at all.

A machine that assesses by half a pack takes wrong money for months. So everything that can be checked without a
taxpayer is checked here, once: no gap, no overlap, no unknown levy, form or field, no rate that was a binary float.
"""

from __future__ import annotations

import typing
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec

from kiosk.domain.filing import Bureau, Levy, PayerKind, Place
from kiosk.domain.tax.problems import BadInput, BadRules


class Number(Decimal):
    """Written as a decimal string in the pack; not negative."""


class Rate(Number):
    """A share, ``0`` to ``1``."""


Yuan = Annotated[int, msgspec.Meta(ge=0)]
ExemptIf = Literal["<", "<="]
Brackets = Annotated[list[tuple[Yuan | None, Rate, Yuan]], msgspec.Meta(min_length=1)]
"""Up to and including so many yuan (None: no end), rate, quick deduction (速算扣除数)."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of a series, in force from ``since`` to ``until``, both included."""

    id: str
    source: str
    since: date = msgspec.field(name="from")
    until: date | None = msgspec.field(name="to", default=None)
    confidence: Literal["high", "medium", "low"] = "high"
    note: str = ""


class PeriodThreshold(Rule, frozen=True, kw_only=True):
    month: Yuan
    quarter: Yuan
    exempt_if: ExemptIf

    def spares(self, net: int, kind: str, periods: int = 1) -> bool:
        """Whether ``net`` fen of so many periods (``month`` or ``quarter``) stay under the threshold, on average."""
        limit = (self.quarter if kind == "quarter" else self.month) * 100 * periods
        return net < limit if self.exempt_if == "<" else net <= limit


class VatThreshold(PeriodThreshold, frozen=True, kw_only=True):
    counting: Literal["together", "by_class", "without_immovables"]


class OccasionThreshold(Rule, frozen=True, kw_only=True):
    amount: Yuan
    exempt_if: ExemptIf

    def spares(self, net: int) -> bool:
        return net < self.amount * 100 if self.exempt_if == "<" else net <= self.amount * 100


class FeeExemption(PeriodThreshold, frozen=True, kw_only=True):
    occasional: bool


class LevyRate(Rule, frozen=True, kw_only=True):
    """征收率. ``special``: of a special invoice; ``waived``: without the relief; ``divisor``: inside a gross amount."""

    rate: Rate
    special: Rate | None = None
    waived: Rate | None = None
    divisor: Rate | None = None

    def of(self, special: bool = False, waived: bool = False) -> Rate:
        if waived and self.waived is not None:
            return self.waived
        return self.special if special and self.special is not None else self.rate


class GeneralRates(Rule, frozen=True, kw_only=True):
    rates: list[Rate]


class RateByPlace(Rule, frozen=True, kw_only=True):
    rates: dict[Place, Rate]


class PlainRate(Rule, frozen=True, kw_only=True):
    rate: Rate


class Halving(Rule, frozen=True, kw_only=True):
    share: Rate
    payers: set[PayerKind]


class LaterTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    month: Annotated[int, msgspec.Meta(ge=2, le=12)]
    brackets: Brackets
    monthly_deduction: Yuan


class BusinessTable(Rule, frozen=True, kw_only=True):
    brackets: Brackets
    monthly_deduction: Yuan
    later: LaterTable | None = None


class BusinessHalving(Rule, frozen=True, kw_only=True):
    cap: Yuan
    share: Rate
    kinds: set[Literal["individual_business", "partner", "sole_proprietor"]]


class LabourTable(Rule, frozen=True, kw_only=True):
    limit: Yuan
    fixed: Yuan
    share: Rate
    brackets: Brackets


class OnBehalfIit(Rule, frozen=True, kw_only=True):
    goods: Rate | None
    services: Rate | None
    shop_lease: Rate | None
    housing_lease: Rate | None


class ByIndustry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    industrial: Yuan
    other: Yuan


class SmallLowProfit(Rule, frozen=True, kw_only=True):
    tiers: Annotated[list[tuple[Yuan, Rate]], msgspec.Meta(min_length=1)]
    staff: ByIndustry
    assets: ByIndustry


class StampRates(Rule, frozen=True, kw_only=True):
    sale: Rate
    lease: Rate
    capital_book: Rate
    rounding: Literal["fen", "jiao"]
    capital_book_relief: Rate | None = None
    not_taxable: dict[Literal["sale", "lease", "capital_book"], set[PayerKind]] = {}


class SmallEngine(Rule, frozen=True, kw_only=True):
    rate: Rate
    max_litres: Number
    max_price: Yuan | None = None


class NewEnergy(Rule, frozen=True, kw_only=True):
    share: Rate
    cap: Yuan | None = None


class PropertyRates(Rule, frozen=True, kw_only=True):
    value: Rate
    rent: Rate
    deduction: Rate
    exempt_rent: Literal["net", "gross"]


class LandRates(Rule, frozen=True, kw_only=True):
    lowest: Number
    highest: Number


class LateRate(Rule, frozen=True, kw_only=True):
    rate: Rate
    small_voucher: Yuan = 0


class Notice(Rule, frozen=True, kw_only=True):
    in_force: bool


class Routing(Rule, frozen=True, kw_only=True):
    levies: dict[Levy, Bureau]


class RoutingException(Rule, frozen=True, kw_only=True):
    profile: Literal["joint", "unified"]
    levy: Levy
    bureau: Bureau
    payer: PayerKind
    items: set[Literal["goods", "services", "shop_lease", "housing_lease"]]


R = TypeVar("R", bound=Rule)


class Series(Generic[R]):
    """Rules that follow each other in time."""

    __slots__ = ("_since", "rules")

    def __init__(self, rules: Sequence[R]) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.since))
        self._since = [rule.since for rule in self.rules]

    def on(self, day: date) -> R | None:
        at = bisect_right(self._since, day)
        if at:
            rule = self.rules[at - 1]
            if rule.until is None or day <= rule.until:
                return rule
        return None

    def need(self, day: date, field: str) -> R:
        """The rule of a day that must have one. Raises BadInput for the field that named the day."""
        rule = self.on(day)
        if rule is None:
            raise BadInput(field, "not_covered_by_rules")
        return rule

    def problems(self, name: str, until: date | None) -> Iterator[str]:
        """Overlaps; and, where ``until`` is given, every gap from the first rule to that day."""
        for rule in self.rules:
            if rule.until is not None and rule.until < rule.since:
                yield f"{name}: {rule.id} ends on {rule.until}, before it begins on {rule.since}"
        for earlier, later in pairwise(self.rules):
            if earlier.until is None or earlier.until >= later.since:
                yield f"{name}: {earlier.id} and {later.id} overlap from {later.since}"
            elif until is not None and earlier.until + timedelta(1) < later.since:
                yield f"{name}: a gap between {earlier.id} ({earlier.until}) and {later.id} ({later.since})"
        if until is not None:
            last = self.rules[-1] if self.rules else None
            if last is None:
                yield f"{name}: no rules"
            elif last.until is not None and last.until < until:
                yield f"{name}: a gap after {last.id} ({last.until}): the pack speaks until {until}"


#: Reliefs that came and went: their series may have gaps.
SPARSE = frozenset({"vehicle_small_engine"})

#: None of it was ever halved by the law of the six taxes and two fees; a pack that says so is mistaken.
NEVER_HALVED_PAYERS = frozenset({PayerKind.GENERAL})


@dataclass(frozen=True)
class RulePack:
    """Everything an assessment needs to know. One attribute a series of ``config/tax/rules.yaml``."""

    vat_threshold: Series[VatThreshold]
    vat_occasion_threshold: Series[OccasionThreshold]
    vat_levy_goods_services: Series[LevyRate]
    vat_levy_immovables: Series[LevyRate]
    vat_levy_housing_lease: Series[LevyRate]
    vat_general_rates: Series[GeneralRates]
    umct: Series[RateByPlace]
    education: Series[PlainRate]
    local_education: Series[PlainRate]
    fee_exemption: Series[FeeExemption]
    six_taxes_two_fees: Series[Halving]
    iit_business: Series[BusinessTable]
    iit_business_halving: Series[BusinessHalving]
    iit_labour: Series[LabourTable]
    iit_on_behalf: Series[OnBehalfIit]
    cit: Series[PlainRate]
    cit_small_low_profit: Series[SmallLowProfit]
    stamp: Series[StampRates]
    housing_lease_exemptions: Series[Rule]
    vehicle_purchase: Series[PlainRate]
    vehicle_small_engine: Series[SmallEngine]
    vehicle_nev: Series[NewEnergy]
    property: Series[PropertyRates]
    property_housing: Series[PlainRate]
    land_use: Series[LandRates]
    late_surcharge: Series[LateRate]
    payers_withhold: Series[Notice]

    known_until: date
    profile: Literal["joint", "unified"]
    routing: Series[Routing]
    routing_exceptions: tuple[RoutingException, ...]
    calendar: Mapping[tuple[int, int], date]
    extensions: Mapping[tuple[int, int, Bureau], date]
    calendar_sources: Mapping[int, str]

    @classmethod
    def from_tree(cls, tree: object) -> RulePack:
        """The pack in a tree of parsed files (``config.read_tax_rules``). Raises BadRules with every problem found."""
        loading = _Loading()
        parts = loading.convert("tax", tree, _Tree)
        if parts is None:
            raise BadRules(loading.problems)
        made = loading.pack(parts)
        if loading.problems:
            raise BadRules(loading.problems)
        return cls(**made)

    def bureau(self, levy: Levy, day: date, payer: PayerKind | None = None, item: str | None = None) -> Bureau:
        """Who takes this levy for something of that day. ``payer`` and ``item``: of an on-behalf invoice."""
        if item is not None:
            for rule in self.routing_exceptions:
                if (
                    rule.levy is levy
                    and rule.payer is payer
                    and item in rule.items
                    and rule.since <= day <= (rule.until or day)
                ):
                    return rule.bureau
        return self.routing.need(day, "date").levies[levy]

    def known(self, day: date, field: str) -> date:
        """``day``, if the pack speaks of it. Raises BadInput: what the law will be later is not guessed."""
        if day > self.known_until:
            raise BadInput(field, "not_covered_by_rules")
        return day

    def source_of(self, rule_id: str) -> str | None:
        """The document behind a rule, for example behind ``Line.relief_rule``; None for an id not in the pack."""
        return self._sources().get(rule_id)

    def _sources(self) -> dict[str, str]:
        return {rule.id: rule.source for series in self._all_series() for rule in series.rules}

    def _all_series(self) -> Iterator[Series[Any]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Series):
                yield value


class _Option(msgspec.Struct, forbid_unknown_fields=True):
    value: Any
    doubt: str


class _Year(msgspec.Struct, forbid_unknown_fields=True):
    year: int
    source: str
    deadlines: Annotated[list[date], msgspec.Meta(min_length=12, max_length=12)]


class _Extension(msgspec.Struct, forbid_unknown_fields=True):
    year: int
    month: Annotated[int, msgspec.Meta(ge=1, le=12)]
    deadline: date
    source: str
    bureau: Bureau | None = None


class _Calendar(msgspec.Struct, forbid_unknown_fields=True):
    years: list[_Year]
    extensions: list[_Extension] = []


class _Bureaus(msgspec.Struct, forbid_unknown_fields=True):
    joint: list[dict[str, Any]]
    unified: list[dict[str, Any]]
    exceptions: list[dict[str, Any]] = []


class _Rules(msgspec.Struct, forbid_unknown_fields=True):
    known_until: date
    series: dict[str, list[dict[str, Any]]]


class _Tree(msgspec.Struct, forbid_unknown_fields=True):
    """The four files."""

    rules: _Rules
    options: dict[str, _Option]
    bureaus: _Bureaus
    calendar: _Calendar


def _series_types() -> dict[str, type[Rule]]:
    hints = typing.get_type_hints(RulePack)
    return {
        name: typing.get_args(hint)[0]
        for name, hint in hints.items()
        if typing.get_origin(hint) is Series and name != "routing"
    }


T = TypeVar("T")


class _Loading:
    """One reading of a tree; goes on after a problem, so that whoever wrote the pack sees all of them at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._used: set[str] = set()

    def convert(self, place: str, value: object, wanted: type[T]) -> T | None:
        try:
            return msgspec.convert(value, wanted, dec_hook=_number)
        except msgspec.ValidationError as error:
            self.problems.append(f"{place}: {error}")
            return None

    def pack(self, parts: _Tree) -> dict[str, Any]:
        """Arguments of RulePack, as far as they could be made."""
        until, options = parts.rules.known_until, parts.options
        made: dict[str, Any] = {"known_until": until}
        wanted = _series_types()
        self.problems += [f"{name}: no such series" for name in parts.rules.series.keys() - wanted.keys()]
        for name, rule in wanted.items():
            made[name] = self._series(name, parts.rules.series.get(name, []), rule, options, until)
            self.problems += made[name].problems(name, None if name in SPARSE else until)
        self._routing(parts.bureaus, options, made)
        self._calendar(parts.calendar, made)
        self.problems += [f"options: {name} is used by no rule" for name in sorted(options.keys() - self._used)]
        if not self.problems:
            self._sense(made)
        return made

    def _series(
        self, name: str, raw: list[dict[str, Any]], rule: type[R], options: dict[str, _Option], until: date
    ) -> Series[R]:
        found = []
        for at, entry in enumerate(raw):
            place = f"{name}[{at}] {entry.get('id', '')}".rstrip()
            settled = {key: self._option(place, value, options) for key, value in entry.items()}
            if (converted := self.convert(place, settled, rule)) is not None:
                found.append(converted)
        return Series(found)

    def _option(self, place: str, value: object, options: dict[str, _Option]) -> object:
        if not (isinstance(value, dict) and value.keys() == {"option"}):
            return value
        name = value["option"]
        if name not in options:
            self.problems.append(f"{place}: no option {name}")
            return None
        self._used.add(name)
        return options[name].value

    def _routing(self, bureaus: _Bureaus, options: dict[str, _Option], made: dict[str, Any]) -> None:
        profile = self._option("bureaus", {"option": "profile"}, options)
        if profile not in ("joint", "unified"):
            self.problems.append(f"options: profile is joint or unified, not {profile}")
        profiles = {"joint": bureaus.joint, "unified": bureaus.unified}
        for name, raw in profiles.items():
            series = self._series(f"bureaus.{name}", raw, Routing, options, made["known_until"])
            self.problems += series.problems(f"bureaus.{name}", made["known_until"])
            for rule in series.rules:
                missing = ", ".join(sorted(set(Levy) - rule.levies.keys()))
                if missing:
                    self.problems.append(f"bureaus.{name}: {rule.id} says nothing of {missing}")
            if name == profile:
                made["routing"] = series
        exceptions = self._series("bureaus.exceptions", bureaus.exceptions, RoutingException, options, date.max)
        made["profile"] = profile
        made["routing_exceptions"] = tuple(rule for rule in exceptions.rules if rule.profile == profile)

    def _calendar(self, calendar: _Calendar, made: dict[str, Any]) -> None:
        days: dict[tuple[int, int], date] = {}
        sources: dict[int, str] = {}
        for year in calendar.years:
            if year.year in sources:
                self.problems.append(f"calendar: {year.year} stands there twice")
            sources[year.year] = year.source
            for month, day in enumerate(year.deadlines, 1):
                if (day.year, day.month) != (year.year, month):
                    self.problems.append(f"calendar: the deadline of {year.year}-{month:02} is {day}, in another month")
                days[year.year, month] = day
        longer: dict[tuple[int, int, Bureau], date] = {}
        for extension in calendar.extensions:
            key = extension.year, extension.month
            if key not in days or extension.deadline <= days[key]:
                self.problems.append(f"calendar: the extension to {extension.deadline} extends nothing")
            for bureau in Bureau if extension.bureau is None else (extension.bureau,):
                longer[(*key, bureau)] = extension.deadline
        made |= {"calendar": days, "calendar_sources": sources, "extensions": longer}

    def _sense(self, made: dict[str, Any]) -> None:
        """What no type can say: tables that rise, ids that name one rule, places that all have a rate."""
        seen: set[str] = set()
        for name in (*_series_types(), "routing"):
            for rule in made[name].rules:
                if rule.id in seen:
                    self.problems.append(f"{name}: {rule.id} names two rules")
                seen.add(rule.id)
                self.problems += [f"{name}: {rule.id}: {problem}" for problem in _nonsense(rule)]


def _nonsense(rule: Rule) -> Iterator[str]:
    match rule:
        case RateByPlace(rates=rates) if rates.keys() != set(Place):
            yield "not every place has a rate"
        case Halving(payers=payers) if payers & NEVER_HALVED_PAYERS:
            yield "general taxpayers are never halved as such"
        case BusinessTable(brackets=brackets, later=later):
            yield from _uneven(brackets)
            if later:
                yield from _uneven(later.brackets)
        case LabourTable(brackets=brackets):
            yield from _uneven(brackets)
        case SmallLowProfit(tiers=tiers):
            tops = [top for top, _ in tiers]
            if tops != sorted(set(tops)):
                yield "the tiers do not rise"
        case LandRates(lowest=lowest, highest=highest) if lowest > highest:
            yield "the range is empty"


def _uneven(brackets: Brackets) -> Iterator[str]:
    """A quick deduction is right if the tax does not jump where one bracket passes into the next."""
    if brackets[-1][0] is not None or any(top is None for top, _, _ in brackets[:-1]):
        yield "only the last bracket has no end, and it has none"
        return
    for (top, rate, quick), (following, next_rate, next_quick) in pairwise(brackets):
        if top is None or (following is not None and following <= top):
            yield "the brackets do not rise"
        elif top * rate - quick != top * next_rate - next_quick:
            yield f"the tax jumps at {top}: a quick deduction is wrong"


def _number(wanted: type, value: object) -> Any:
    """Rates from text only: 0.03 in YAML is a binary float that only looks like three hundredths."""
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no decimal string")
    if not value.isascii() or not value.replace(".", "", 1).isdecimal():
        raise ValueError(f"{value!r} is no decimal string")
    number: Number = wanted(value)
    if wanted is Rate and number > 1:
        raise ValueError(f"{value!r} is no share from 0 to 1")
    return number
