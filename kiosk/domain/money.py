"""Money: whole fen inside, yuan with two decimals outside, never a binary fraction.

Amounts are rounded to the fen, half up, when they are written into a column of a return, and later columns start from
the rounded amount: that is how the forms are printed (金额单位：元，列至角分).
"""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

#: Ten million million yuan: a slipped finger, not a taxpayer.
MOST_FEN = 10**15

_ONE = Decimal(1)
_YUAN = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,2}))?")


class BadAmount(ValueError):
    """``problem``: ``not_a_number``, ``not_finite``, ``more_than_two_decimals``, ``too_large``."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def to_fen(value: object) -> int:
    """Yuan, as somebody wrote them (text, int or Decimal), in fen. Raises BadAmount.

    A float is not a number here: what it was before it became binary is not known any more.
    """
    match value:
        case str():
            found = _YUAN.fullmatch(value)
            if found is None:
                return _decimal_to_fen(_read(value))
            sign, whole, part = found.groups()
            fen = int(whole) * 100 + (int(part) * (10 if len(part) == 1 else 1) if part else 0)
            return _sized(-fen if sign else fen)
        case bool():
            raise BadAmount("not_a_number")
        case int():
            return _sized(value * 100)
        case Decimal():
            return _decimal_to_fen(value)
    raise BadAmount("not_a_number")


def yuan(fen: int) -> str:
    """``123456`` → ``1234.56``."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02}"


def grouped(fen: int) -> str:
    """For people: ``123456`` → ``1,234.56``."""
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100:,}.{fen % 100:02}"


def whole_fen(fen: Decimal) -> int:
    """A computed amount of fen as it is written into its column: half up."""
    return int(fen.quantize(_ONE, ROUND_HALF_UP))


def share_of(fen: int, rate: Decimal) -> int:
    """``fen`` × ``rate``, rounded half up."""
    return int((fen * rate).quantize(_ONE, ROUND_HALF_UP))


def without_tax(gross: int, rate: Decimal) -> int:
    """The net amount inside ``gross`` fen: gross / (1 + rate), rounded half up."""
    return int((gross / (_ONE + rate)).quantize(_ONE, ROUND_HALF_UP))


def whole_jiao(fen: Decimal) -> int:
    """Stamp duty before 2022-07: under a jiao nothing; else a tail under 5 fen is dropped, 5 fen or more is a jiao."""
    return 0 if fen < 10 else int((fen / 10).quantize(_ONE, ROUND_HALF_UP)) * 10


def _read(text: str) -> Decimal:
    if text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity"):
        raise BadAmount("not_finite")
    # ASCII digits with a point, or nothing: separators, other scripts' digits and exponents are typing errors.
    if not re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", text):
        raise BadAmount("not_a_number")
    return Decimal(text)


def _decimal_to_fen(value: Decimal) -> int:
    if not value.is_finite():
        raise BadAmount("not_finite")
    # Sized before it is written out: 1E+999999999 is short to write and long to compute.
    if value and value.adjusted() > 15:
        raise BadAmount("too_large")
    if value.as_tuple().exponent < -2:  # type: ignore[operator]  # finite: its exponent is a number
        raise BadAmount("more_than_two_decimals")
    return _sized(int((value * 100).quantize(_ONE, ROUND_DOWN)))


def _sized(fen: int) -> int:
    if not -MOST_FEN <= fen <= MOST_FEN:
        raise BadAmount("too_large")
    return fen


_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def amount_in_words(fen: int) -> str:
    """人民币大写: ``371000`` → ``叁仟柒佰壹拾元整``, a negative amount with （负数） before it. At most MOST_FEN.

    银发〔1997〕393号, 正确填写票据和结算凭证的基本规定: a 零 wherever zeros stand between two digits and where
    fen follow without jiao; 整 where no fen follow. Where the rule leaves a 零 open (before jiao, after 万) none is
    written.
    """
    sign, fen = ("（负数）", -fen) if fen < 0 else ("", fen)
    whole, part = divmod(_sized(fen), 100)
    jiao, cents = divmod(part, 10)
    words = _whole_in_words(whole) + "元" if whole or not part else ""
    if jiao:
        words += _DIGITS[jiao] + "角"
    elif cents and whole:
        words += "零"
    return sign + words + (_DIGITS[cents] + "分" if cents else "整")


def _whole_in_words(number: int) -> str:
    for unit, word in ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾")):
        if number >= unit:
            high, low = divmod(number, unit)
            words = _whole_in_words(high) + word
            if not low:
                return words
            return words + ("零" if low < unit // 10 else "") + _whole_in_words(low)
    return _DIGITS[number]
