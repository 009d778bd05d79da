"""Identity numbers: what kind a number is, whether it can be true, and what is wrong with it at which digit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


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


def identify(number: str, on: date) -> Identification:
    """What a number is. ``on``: the day by which a birth date may lie in the future."""
    raise NotImplementedError


def check_entry(digits: str, on: date) -> EntryProblem | None:
    """The first thing wrong with the beginning of an 18-character ID number, said as soon as its digit is typed."""
    raise NotImplementedError


def birth_of(number: str) -> date | None:
    """The birth date inside a valid 18-character ID number; None where there is none."""
    raise NotImplementedError
