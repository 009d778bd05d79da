"""Which question comes next: the one place where a return's pages are derived from its answers.

A page may be visited when every question before it is answered. Nothing is remembered about pages: changing an answer
changes what follows from it, and answers that no longer belong to the path are left out of the return.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from kiosk.domain.filing import Form, PayerKind, Place
from kiosk.domain.identity import IdentityKind, identify


class AnswerKind(StrEnum):
    AMOUNT = "amount"
    """Yuan with up to two decimals, never negative; kept as ``350000.00``."""
    CHOICE = "choice"
    COUNT = "count"
    """A whole number."""
    TAXPAYER_NUMBER = "taxpayer_number"
    DATE = "date"
    """ISO 8601; typed as eight digits, or picked from the choices (``today``, ``yesterday``)."""


@dataclass(frozen=True)
class Question:
    """One page. Texts: ``question.<id>.{ask,help}``, ``question.<id>.<choice>`` for each choice."""

    id: str
    kind: AnswerKind
    choices: tuple[str, ...] = ()
    least: int = 0
    """Of AMOUNT and COUNT: 1 where nothing at all would make no sense."""
    most: int = 10**13
    """A figure above it is a finger that slipped. Yuan, people, months, millilitres."""


#: Why an answer cannot be so. Texts: ``answer_problem.<word>``.
ANSWER_PROBLEMS = (
    "empty",
    "not_a_number",
    "negative",
    "too_many_decimals",
    "not_whole",
    "too_small",
    "too_large",
    "not_a_choice",
    "not_a_date",
    "in_future",
    "too_early",
    "not_a_taxpayer_number",
    "bad_check",          # the number's own check digit says that it was mistyped
    "buyer_unknown",      # the register does not know the number
    "hall_silent",        # nobody could be asked about the number
    "not_assessable",     # the rules of the period do not take it
)  # fmt: skip


@dataclass(frozen=True)
class Unfit:
    """What was typed is no answer; ``problem`` is a word of ANSWER_PROBLEMS."""

    problem: str


@dataclass(frozen=True)
class Known:
    """What need not be asked: the register's word on taxpayer and obligation."""

    payer: PayerKind
    place: Place
    cycle: str = ""
    """month | quarter | year; "" for an occasional return, as ``period_end`` None."""
    period_end: date | None = None
    quota: int | None = None
    prepaid: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    same_day_gross: tuple[str, ...] = ()
    """Yuan of the day's other invoices on behalf: one threshold is for all of them (公告2026年第10号 一(二))."""


Answers = Mapping[str, str]

_YES_NO = ("yes", "no")

#: Goods and services are tested against thresholds of their own (总局公告2016年第23号 六(三)); before it services paid
#: business tax, after it (总局公告2019年第4号) all sales count together.
_COUNTED_APART = (date(2016, 5, 1), date(2018, 12, 31))

#: Rates of general taxpayers, in per cent, from the first day of each regime.
_GENERAL_RATES = (
    (date(2019, 4, 1), ("13", "9", "6")),  # 公告2019年第39号; from 2026 增值税法 第10条
    (date(2018, 5, 1), ("16", "10", "6")),  # 财税〔2018〕32号
    (date(2017, 7, 1), ("17", "11", "6")),  # 财税〔2017〕37号
    (date.min, ("17", "13", "11", "6")),  # 财税〔2016〕36号
)

#: Days on which the displacement of a car changes its tax (财税〔2015〕104号, 财税〔2016〕136号; 公告2022年第20号).
_SMALL_ENGINES = ((date(2015, 10, 1), date(2017, 12, 31)), (date(2022, 6, 1), date(2022, 12, 31)))

#: Until then a small low-profit enterprise had limits by industry (财税〔2017〕43号, replaced by 财税〔2019〕13号).
_INDUSTRY_MATTERS_UNTIL = date(2018, 12, 31)

#: Sellers at the levy rate could print 1 % on a car's invoice from here on (公告2020年第13号).
_ONE_PER_CENT_FROM = date(2020, 3, 1)

#: No contract or car that is declared now is older: the oldest rules that we hold begin after it.
_FIRST_DAY = date(2011, 1, 1)

#: Sales of a day, and leases, which are spread over their months.
SALES = ("goods", "services")
LEASES = ("shop_lease", "housing_lease")

#: What the invoice calls it.
ITEM_ZH = {
    "goods": "货物",
    "services": "服务",
    "shop_lease": "不动产租赁（店面、办公）",
    "housing_lease": "不动产租赁（住房）",
}


def _amount(id: str, least: int = 0) -> Question:
    return Question(id, AnswerKind.AMOUNT, least=least)


def _choice(id: str, *choices: str) -> Question:
    return Question(id, AnswerKind.CHOICE, choices)


def _day(id: str) -> Question:
    return Question(id, AnswerKind.DATE, ("today", "yesterday"))


# ---- the path ------------------------------------------------------------------------------------------------------


def questions(form: Form, known: Known, answers: Answers) -> tuple[Question, ...]:
    """Every question on the path, in order.

    What is not answered yet is taken to go the usual way (its first choice): so the length of the path can be told from
    its first page on.
    """
    match form:
        case Form.VAT_SMALL_SCALE:
            path = _vat_small_scale(known, answers)
        case Form.VAT_GENERAL:
            path = _vat_general(known, answers)
        case Form.IIT_BUSINESS:
            path = _profit(answers)
        case Form.CIT_PREPAYMENT:
            path = _cit_prepayment(known, answers)
        case Form.STAMP:
            path = iter(
                (
                    _choice("stamp_item", "sale", "lease", "capital_book"),
                    _amount("stamp_base", 1),
                    _day("contract_date"),
                )
            )
        case Form.VEHICLE_PURCHASE:
            path = _vehicle_purchase(answers)
        case Form.INVOICE_ON_BEHALF:
            path = _invoice_on_behalf(known, answers)
        case _:
            path = iter(())
    return tuple(path)


def is_answered(question: Question, answers: Answers) -> bool:
    answer = answers.get(question.id)
    return answer is not None and (question.kind is not AnswerKind.CHOICE or answer in question.choices)


def next_question(form: Form, known: Known, answers: Answers) -> Question | None:
    """The first that is not answered; None when the return can be checked."""
    return next((question for question in questions(form, known, answers) if not is_answered(question, answers)), None)


def clean(form: Form, known: Known, answers: Answers) -> dict[str, str]:
    """The answers that belong to the path, in its order."""
    path = questions(form, known, answers)
    return {question.id: answers[question.id] for question in path if is_answered(question, answers)}


def _picked(question: Question, answers: Answers) -> str:
    return answers[question.id] if is_answered(question, answers) else question.choices[0]


def _vat_small_scale(known: Known, answers: Answers) -> Iterator[Question]:
    if known.quota is not None:
        quota = _choice("quota", "as_fixed", "more")
        yield quota
        if _picked(quota, answers) == "as_fixed":
            return
    else:
        any_sales = _choice("any_sales", *_YES_NO)
        yield any_sales
        if _picked(any_sales, answers) == "no":
            return
    kind = _kind_question(known)
    if kind is not None:
        yield kind
    yield _choice("figure", "gross", "net")
    for each in _kinds_sold(known, answers):
        yield _amount(f"sales_{each}", least=0 if kind is not None and _picked(kind, answers) == "several" else 1)


def _kind_question(known: Known) -> Question | None:
    """Asked as far as the law of the period tells kinds of sales apart."""
    end = known.period_end or date.max
    if end < _COUNTED_APART[0]:
        return None
    if end <= _COUNTED_APART[1]:
        return _choice("kind", "goods", "services", "immovables", "several")
    return _choice("kind", "ordinary", "immovables", "several")


def _kinds_sold(known: Known, answers: Answers) -> tuple[str, ...]:
    kind = _kind_question(known)
    if kind is None:
        return ("goods",)
    picked = _picked(kind, answers)
    return tuple(each for each in kind.choices if each != "several") if picked == "several" else (picked,)


def general_rates(on: date) -> tuple[str, ...]:
    """Rates of general taxpayers on a day, in per cent."""
    return next(rates for since, rates in _GENERAL_RATES if on >= since)


def _vat_general(known: Known, answers: Answers) -> Iterator[Question]:
    rates = general_rates(known.period_end or date.max)
    rate = _choice("vat_rate", *rates, "several", "none")
    yield rate
    for each in _rates_sold(rates, _picked(rate, answers)):
        yield _amount(f"sales_rate_{each}", least=0 if _picked(rate, answers) == "several" else 1)
    yield _amount("input_vat")


def _rates_sold(rates: tuple[str, ...], picked: str) -> tuple[str, ...]:
    match picked:
        case "several":
            return rates
        case "none":
            return ()
        case _:
            return (picked,)


def _profit(answers: Answers) -> Iterator[Question]:
    any_profit = _choice("any_profit", *_YES_NO)
    yield any_profit
    if _picked(any_profit, answers) == "yes":
        yield _amount("profit", least=1)


def _cit_prepayment(known: Known, answers: Answers) -> Iterator[Question]:
    yield from _profit(answers)
    if len(known.facts.get("staff", ())) < _quarter(known):
        yield Question("staff", AnswerKind.COUNT, most=10_000_000)
    if "assets" not in known.facts:
        yield _amount("assets")
    if "industry" not in known.facts and (known.period_end or date.max) <= _INDUSTRY_MATTERS_UNTIL:
        yield _choice("industry", "other", "industrial")


def _quarter(known: Known) -> int:
    return ((known.period_end.month if known.period_end else 1) + 2) // 3


def _vehicle_purchase(answers: Answers) -> Iterator[Question]:
    bought = _day("vehicle_date")
    yield bought
    kind = _choice("vehicle_kind", "ordinary", "nev_passenger")
    yield kind
    day = date.fromisoformat(answers[bought.id]) if bought.id in answers else date.max
    if _picked(kind, answers) == "ordinary" and any(first <= day <= last for first, last in _SMALL_ENGINES):
        # As the certificate of conformity prints it.
        yield Question("displacement_ml", AnswerKind.COUNT, least=1, most=100_000)
    figure = _choice("price_figure", "gross", "net")
    yield figure
    yield _amount("vehicle_price", least=1)
    if _picked(figure, answers) == "gross":
        levy_rates = ("3", "1") if day >= _ONE_PER_CENT_FROM else ("3",)
        yield _choice("vehicle_vat_rate", general_rates(day)[0], *levy_rates)


def _invoice_on_behalf(known: Known, answers: Answers) -> Iterator[Question]:
    item = _choice("invoice_item", *SALES, *LEASES)
    yield item
    leases = _picked(item, answers) in LEASES
    natural = known.payer is PayerKind.NATURAL_PERSON
    if natural and leases:
        # A person's rent taken at once is spread over its months before it is tested (总局公告2016年第53号 and after).
        yield Question("lease_months", AnswerKind.COUNT, least=1, most=600)
    yield _amount("invoice_gross", least=1)
    buyer = _choice("buyer_kind", "company", "person")
    yield buyer
    if _picked(buyer, answers) == "company":
        yield Question("buyer_number", AnswerKind.TAXPAYER_NUMBER)
        # No natural person can have a special invoice (增值税法实施条例 第37条), nor give one but for a lease (总局公告
        # 2016年第16号).
        if not natural or leases:
            yield _choice("invoice_kind", "ordinary", "special")


# ---- what is typed -------------------------------------------------------------------------------------------------


def parse_answer(question: Question, text: str, on: date) -> str | Unfit:
    """The answer as it is kept, or why it is none. ``on``: today."""
    text = text.strip()
    if not text:
        return Unfit("empty")
    match question.kind:
        case AnswerKind.CHOICE:
            return text if text in question.choices else Unfit("not_a_choice")
        case AnswerKind.AMOUNT:
            return _parse_number(question, text, decimals=2)
        case AnswerKind.COUNT:
            return _parse_number(question, text, decimals=0)
        case AnswerKind.DATE:
            return _parse_date(question, text, on)
        case AnswerKind.TAXPAYER_NUMBER:
            return _parse_taxpayer_number(text, on)


def _parse_number(question: Question, text: str, decimals: int) -> str | Unfit:
    try:
        number = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return Unfit("not_a_number")
    if not number.is_finite():
        return Unfit("not_a_number")
    if number < 0:
        return Unfit("negative")
    if number > question.most:
        return Unfit("too_large")
    unit = Decimal(1).scaleb(-decimals)
    rounded = number.quantize(unit)
    if rounded != number:
        return Unfit("too_many_decimals" if decimals else "not_whole")
    if question.least and rounded == 0:
        return Unfit("too_small")
    return f"{abs(rounded):f}"


def _parse_date(question: Question, text: str, on: date) -> str | Unfit:
    if text in question.choices:
        return (on if text == "today" else on - timedelta(days=1)).isoformat()
    digits = text.replace("-", "")
    if len(digits) != 8 or not (digits.isascii() and digits.isdecimal()):
        return Unfit("not_a_date")
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return Unfit("not_a_date")
    if day > on:
        return Unfit("in_future")
    return Unfit("too_early") if day < _FIRST_DAY else day.isoformat()


#: Whom a buyer's number can name. A person's own number also is the number of an individual business.
_BUYERS = frozenset({IdentityKind.CREDIT_CODE, IdentityKind.TAXPAYER_ID, IdentityKind.RESIDENT_ID})


def _parse_taxpayer_number(text: str, on: date) -> str | Unfit:
    found = identify(text, on)
    if found.kind not in _BUYERS:
        return Unfit("not_a_taxpayer_number")
    match found.problem:
        case None | "old_15_digit":
            return found.number
        case "bad_check":
            return Unfit("bad_check")
        case _:
            return Unfit("not_a_taxpayer_number")


# ---- the return ----------------------------------------------------------------------------------------------------


def request_of(form: Form, known: Known, answers: Answers, on: date) -> dict[str, Any]:
    """The input of ``taxkiosk assess`` for a path that is answered to its end. ``on``: the day of an invoice."""
    answers = clean(form, known, answers)
    match form:
        case Form.VAT_SMALL_SCALE:
            return _small_scale_request(known, answers)
        case Form.VAT_GENERAL:
            rates = general_rates(known.period_end or date.max)
            sold = _rates_sold(rates, answers["vat_rate"])
            return {
                "form": form.value,
                "period": _period(known),
                "place": known.place.value,
                "payer": known.payer.value,
                "sales": [{"net": answers[f"sales_rate_{rate}"], "rate": _rate(rate)} for rate in sold],
                "input_vat": answers["input_vat"],
            }
        case Form.IIT_BUSINESS:
            end = known.period_end or on
            request = {"kind": "individual_business", "months": end.month} | _facts(
                known, "kind", "months", "other_relief"
            )
            return {
                "form": form.value,
                "year": end.year,
                "cumulative_profit": answers.get("profit", "0.00"),
                "prepaid": _yuan(known.prepaid),
                **request,
            }
        case Form.CIT_PREPAYMENT:
            asked: dict[str, Any] = {}
            if "staff" in answers:
                asked["staff"] = [*known.facts.get("staff", ()), int(answers["staff"])]
            asked |= {name: answers[name] for name in ("assets", "industry") if name in answers}
            return {
                "form": form.value,
                "period": _period(known),
                "cumulative_profit": answers.get("profit", "0.00"),
                "prepaid": _yuan(known.prepaid),
                **_facts(known, "staff", "assets", "industry"),
                **asked,
            }
        case Form.STAMP:
            return {
                "form": form.value,
                "date": answers["contract_date"],
                "item": answers["stamp_item"],
                "base": answers["stamp_base"],
                "payer": known.payer.value,
            }
        case Form.VEHICLE_PURCHASE:
            return _vehicle_request(answers)
        case Form.INVOICE_ON_BEHALF:
            return _invoice_request(known, answers, on)
        case _:
            raise ValueError(f"{form} is no return of a kiosk")


def _small_scale_request(known: Known, answers: Answers) -> dict[str, Any]:
    request: dict[str, Any] = {
        "form": Form.VAT_SMALL_SCALE.value,
        "period": _period(known),
        "place": known.place.value,
    }
    if answers.get("quota") == "as_fixed":
        # A quota is fixed without tax, and for what the household trades in.
        return request | {"sales": {"goods": _yuan(known.quota or 0)}}
    if answers.get("any_sales") == "no":
        return request | {"sales": {"goods": "0.00"}}
    figure = "gross" if answers["figure"] == "gross" else "sales"
    kinds = _kinds_sold(known, answers)
    return request | {figure: {_AS_ASSESSED.get(kind, kind): answers[f"sales_{kind}"] for kind in kinds}}


#: Where goods and services are asked in one figure, they are also taxed alike.
_AS_ASSESSED = {"ordinary": "goods"}


def _vehicle_request(answers: Answers) -> dict[str, Any]:
    request: dict[str, Any] = {
        "form": Form.VEHICLE_PURCHASE.value,
        "date": answers["vehicle_date"],
        "kind": answers["vehicle_kind"],
    }
    if answers["price_figure"] == "gross":
        request |= {"invoice_gross": answers["vehicle_price"], "vat_rate": _rate(answers["vehicle_vat_rate"])}
    else:
        request["price"] = answers["vehicle_price"]
    if "displacement_ml" in answers:
        request["displacement_litres"] = str(Decimal(answers["displacement_ml"]) / 1000)
    return request


def _invoice_request(known: Known, answers: Answers, on: date) -> dict[str, Any]:
    request: dict[str, Any] = {
        "form": Form.INVOICE_ON_BEHALF.value,
        "date": on.isoformat(),
        "place": known.place.value,
        "payer": known.payer.value,
        "item": answers["invoice_item"],
        "gross": answers["invoice_gross"],
        "invoice": answers.get("invoice_kind", "ordinary"),
    }
    if "lease_months" in answers:
        request["lease_months"] = int(answers["lease_months"])
    if known.payer is PayerKind.NATURAL_PERSON and request["item"] in SALES and known.same_day_gross:
        request["same_day_gross"] = list(known.same_day_gross)
    return request


#: Which question has to be answered anew when the rules do not take a field of the request.
_ASKED_BY = {
    "input_vat": "input_vat",
    "cumulative_profit": "profit",
    "staff": "staff",
    "assets": "assets",
    "industry": "industry",
    "base": "stamp_base",
    "price": "vehicle_price",
    "invoice_gross": "vehicle_price",
    "vat_rate": "vehicle_vat_rate",
    "displacement_litres": "displacement_ml",
    "lease_months": "lease_months",
    "invoice": "invoice_kind",
}


def question_about(form: Form, known: Known, answers: Answers, field: str) -> Question | None:
    """The question that a field of the request (``sales.goods``) comes from; None where nobody was asked for it."""
    path = {question.id: question for question in questions(form, known, answers)}
    head, _, rest = field.partition(".")
    match form, head:
        case (Form.VAT_SMALL_SCALE, "sales" | "gross"):
            sales = [question for id, question in path.items() if id.startswith("sales_")]
            named = [question for question in sales if question.id == f"sales_{rest}"]
            return next(iter(named or sales), None)
        case (Form.VAT_GENERAL, "sales"):
            return next((question for id, question in path.items() if id.startswith("sales_rate_")), None)
        case (Form.INVOICE_ON_BEHALF, "gross" | "net" | "same_day_gross"):
            return path.get("invoice_gross")
        case (Form.STAMP, "date"):
            return path.get("contract_date")
        case (Form.STAMP, "item"):
            return path.get("stamp_item")
        case (Form.VEHICLE_PURCHASE, "date"):
            return path.get("vehicle_date")
        case (Form.VEHICLE_PURCHASE, "kind"):
            return path.get("vehicle_kind")
        case (Form.INVOICE_ON_BEHALF, "item"):
            return path.get("invoice_item")
        case _:
            return path.get(_ASKED_BY.get(head, ""))


def _period(known: Known) -> dict[str, str]:
    end = known.period_end
    return {"kind": known.cycle, "end": end.isoformat() if end else ""}


def _facts(known: Known, *names: str) -> dict[str, Any]:
    return {name: known.facts[name] for name in names if name in known.facts}


def _rate(per_cent: str) -> str:
    return str(Decimal(per_cent) / 100)


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
