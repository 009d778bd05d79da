"""Identity numbers: what kind a number is, whether it can be true, and what is wrong with it at which digit.

Sources: GB 11643-1999 (citizen ID), GB 32100-2015 (unified social credit code), GB 11714-1997 (organisation code),
SW 5-2013 (taxpayer identification numbers). A number that is well formed is not thereby a registered one: the register
decides. So no area is refused for being unknown (numbers keep abolished areas for ever), and whoever holds a register
looks a credit code with a failing check up before refusing it.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kiosk.domain.holder import mask_number


class IdentityKind(StrEnum):
    RESIDENT_ID = "resident_id"
    HMT_RESIDENT_ID = "hmt_resident_id"
    FOREIGNER_ID = "foreigner_id"
    CREDIT_CODE = "credit_code"
    ORGANISATION_CODE = "organisation_code"
    TAXPAYER_ID = "taxpayer_id"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Identification:
    kind: IdentityKind
    valid: bool
    number: str
    """Normalised: upper case, no spaces."""
    masked: str
    warnings: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True)
class EntryProblem:
    """What is wrong with a number being typed. ``at``: the 1-based digit where it shows. Texts: ``entry.<problem>``."""

    at: int
    problem: str


#: First two digits of GB/T 2260: the provinces; 81-83 are Hong Kong, Macao and Taiwan residents on the mainland.
_PROVINCE = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")
_HMT_AREAS = frozenset(("810000", "820000", "830000"))

#: Nobody alive was born earlier; the standard's own example is of 1880.
_FIRST_YEAR = 1800

_ID_CHECK = "10X98765432"
_CREDIT_CHARSET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
#: Registering department and class in use; the list grows, so another pair is only worth a warning.
_CREDIT_PREFIX = re.compile("1[1239]|[2468][19]|3[1-59]|5[1239]|62|7[129]|9[123]|A[19]|N[1239]|Y1")


def identify(number: str, on: date) -> Identification:
    """What a number is. ``on``: the day by which a birth date may lie in the future."""
    text = _normalised(number)
    kind, warnings, problem = _judge(text, on)
    return Identification(kind, problem is None, text, mask_number(text), warnings, problem)


def check_entry(digits: str, on: date) -> EntryProblem | None:
    """The first thing wrong with the beginning of an 18-character ID number, said as soon as its digit is typed.

    Problems: ``not_a_digit``, ``x_not_last``, ``bad_year``, ``bad_month``, ``bad_day``, ``in_future``, ``bad_check``.
    Characters after the eighteenth are not looked at.
    """
    for at in range(1, min(len(digits), 18) + 1):
        problem = _problem_at(digits[:at].upper(), on)
        if problem:
            return EntryProblem(at, problem)
    return None


def birth_of(number: str) -> date | None:
    """The birth date inside a valid 18-character ID number; None where there is none."""
    text = _normalised(number)
    if len(text) != 18 or check_entry(text, date.max):
        return None
    return date(int(text[6:10]), int(text[10:12]), int(text[12:14]))


def modernised(number: str) -> str:
    """A 15-digit ID number of before 1999 as the 18 characters under which the register holds its person now."""
    # Sequences 996 to 999 were kept for those born before 1900.
    century = "18" if number[12:] in ("996", "997", "998", "999") else "19"
    seventeen = number[:6] + century + number[6:]
    return seventeen + _id_check(seventeen)


Judgement = tuple[IdentityKind, tuple[str, ...], str | None]
"""Kind, warnings, problem."""


def _judge(text: str, on: date) -> Judgement:
    if not text:
        return IdentityKind.UNKNOWN, (), "empty"
    match len(text):
        case 9 if re.fullmatch(r"[0-9A-Z]{8}[0-9X]", text):
            return _organisation_code(text)
        case 15:
            return _fifteen(text, on)
        case 17 | 20 if _begins_with_id(text[:-2], on):
            return _taxpayer_with_id(text, on)
        case 18:
            return _eighteen(text, on)
    return _wrong_length(text)


def _eighteen(text: str, on: date) -> Judgement:
    """A person's number or a unit's: both may be all digits. A person's, unless only the unit's check is right."""
    unit = _credit_code(text)
    if re.fullmatch(r"[0-9X]{18}", text):
        person = _person(text, on)
        if person[2] is None or unit[1] or unit[2]:
            return person
    return unit


def _person(text: str, on: date) -> Judgement:
    found = check_entry(text, on)
    kind, known = IdentityKind.RESIDENT_ID, bool(_PROVINCE.match(text))
    if text[:2] in ("81", "82", "83"):
        kind, known = IdentityKind.HMT_RESIDENT_ID, text[:6] in _HMT_AREAS
    elif text[0] == "9" and _PROVINCE.match(text, 1):
        # Permanent residence cards since 2023-12: 9, province, nationality, then as every ID number.
        kind, known = IdentityKind.FOREIGNER_ID, True
    return kind, () if known else ("unknown_area",), found.problem if found else None


def _credit_code(text: str) -> Judgement:
    kind = IdentityKind.CREDIT_CODE
    if any(char not in _CREDIT_CHARSET for char in text):
        return kind, (), "bad_character"
    warnings: tuple[str, ...] = ()
    if not _CREDIT_PREFIX.match(text):
        warnings += ("unknown_department",)
    if not text[2:8].isdecimal():
        return kind, warnings, "bad_area"
    if text[2:4] != "10" and not _PROVINCE.match(text, 2):
        warnings += ("unknown_area",)
    remainder = sum(_CREDIT_CHARSET.index(char) * pow(3, i, 31) for i, char in enumerate(text[:17])) % 31
    if text[17] == _CREDIT_CHARSET[-remainder % 31]:
        return kind, warnings, None
    if text[17] == _CREDIT_CHARSET[remainder]:
        # Codes handed out in 2015-16 that print the remainder itself, not its complement to 31 (91350211M0000XUF46 is
        # reported as one). Their holders are registered under them.
        return kind, (*warnings, "issued_with_wrong_check"), None
    return kind, warnings, "bad_check"


def _organisation_code(text: str) -> Judgement:
    if text == "000000000":
        return IdentityKind.ORGANISATION_CODE, (), "reserved"
    right = text[8] == _organisation_check(text[:8])
    return IdentityKind.ORGANISATION_CODE, (), None if right else "bad_check"


def _fifteen(text: str, on: date) -> Judgement:
    if re.fullmatch(r"[A-Z]{3}[0-9]{12}", text):
        # Permanent residence card of before 2023-12: nationality, place, YYMMDD, sequence, check (rule not published).
        return IdentityKind.FOREIGNER_ID, (), None if _short_birth(text[7:13], on) else "bad_date"
    on_behalf = re.fullmatch(r"[0-9]{6}00DK[0-9]{5}", text)
    if on_behalf:
        return IdentityKind.TAXPAYER_ID, (), None
    if not re.fullmatch(r"[0-9]{6}[0-9A-Z]{9}", text):
        return IdentityKind.UNKNOWN, (), "unknown_form"
    checks = text[14] == _organisation_check(text[6:14])
    if text.isdecimal() and _short_birth(text[6:12], on):
        # Ended as a document on 2013-01-01. One in eleven also passes for a unit's number.
        warnings = ("old_15_digit", "may_be_taxpayer_id") if checks else ("old_15_digit",)
        return IdentityKind.RESIDENT_ID, warnings, "old_15_digit"
    # Some cities gave 15-digit numbers of other forms, so that a failing check refuses nobody.
    return IdentityKind.TAXPAYER_ID, () if checks else ("unusual_form",), None


def _begins_with_id(stem: str, on: date) -> bool:
    if len(stem) == 15:
        return re.fullmatch(r"[0-9]{15}", stem) is not None and _short_birth(stem[6:12], on)
    return re.fullmatch(r"[0-9]{17}[0-9X]", stem) is not None


def _taxpayer_with_id(text: str, on: date) -> Judgement:
    """An individual business under its owner's ID number and two more characters."""
    if len(text) == 17:
        return IdentityKind.TAXPAYER_ID, (), None
    _, warnings, problem = _person(text[:18], on)
    return IdentityKind.TAXPAYER_ID, warnings, problem


def _wrong_length(text: str) -> Judgement:
    """What a number of an impossible length was probably meant to be, so that its holder hears what is missing."""
    if re.fullmatch(r"[1-8][0-9]{15,18}X?", text) and 16 <= len(text) <= 19:
        return IdentityKind.RESIDENT_ID, (), "wrong_length"
    if re.fullmatch(r"[0-9A-Z]{16,19}", text) and _CREDIT_PREFIX.match(text):
        return IdentityKind.CREDIT_CODE, (), "wrong_length"
    return IdentityKind.UNKNOWN, (), "unknown_form"


def _normalised(number: str) -> str:
    """Full-width forms as ASCII; without spaces, and without the hyphens that organisation codes are printed with."""
    return re.sub(r"[\s\-‐-―]", "", unicodedata.normalize("NFKC", number)).upper()


def _problem_at(prefix: str, on: date) -> str | None:
    """What the last character of ``prefix`` makes impossible."""
    at, char = len(prefix), prefix[-1]
    if char == "X" and at < 18:
        return "x_not_last"
    if char not in "0123456789X":
        return "not_a_digit"
    if 7 <= at <= 10 and not _some(prefix[6:], range(_FIRST_YEAR, on.year + 1), 4):
        return "bad_year"
    if 11 <= at <= 12 and not _some(prefix[10:], range(1, 13), 2):
        return "bad_month"
    if 13 <= at <= 14:
        days = calendar.monthrange(int(prefix[6:10]), int(prefix[10:12]))[1]
        if not _some(prefix[12:], range(1, days + 1), 2):
            return "bad_day"
    # Digits compare as dates do, and a shorter prefix with the same length of today's date.
    if 11 <= at <= 14 and prefix[6:] > on.strftime("%Y%m%d")[: at - 6]:
        return "in_future"
    if at == 18 and char != _id_check(prefix[:17]):
        return "bad_check"
    return None


def _some(prefix: str, numbers: range, width: int) -> bool:
    """Whether one of the numbers, written ``width`` digits wide, begins so."""
    power: int = 10 ** (width - len(prefix))
    first = int(prefix) * power
    return max(first, numbers.start) < min(first + power, numbers.stop)


def _short_birth(yymmdd: str, on: date) -> bool:
    """Whether six digits can be a birth date of the last century or, for foreigners' cards, of this one."""
    for century in ("19", "20", "18"):
        try:
            born = date(int(century + yymmdd[:2]), int(yymmdd[2:4]), int(yymmdd[4:]))
        except ValueError:
            continue
        if born <= on:
            return True
    return False


def _id_check(seventeen: str) -> str:
    """ISO 7064 MOD 11-2."""
    return _ID_CHECK[sum(int(digit) * pow(2, 17 - i, 11) for i, digit in enumerate(seventeen)) % 11]


def _organisation_check(eight: str) -> str:
    total = sum(int(char, 36) * weight for char, weight in zip(eight, _ORGANISATION_WEIGHTS, strict=True))
    return "0X987654321"[total % 11]
