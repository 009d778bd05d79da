"""Which question comes next: the one place where a return's pages are derived from its answers.

A page may be visited when every question before it is answered. Nothing is remembered about pages: changing an answer
changes what follows from it, and answers that no longer belong to the path are left out of the return.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    AMOUNT = "amount"
    """Yuan with up to two decimals, never negative; kept as ``350000.00``."""
    CHOICE = "choice"
    COUNT = "count"
    """A whole number."""
    TAXPAYER_NUMBER = "taxpayer_number"
    DATE = "date"
    """ISO 8601."""


@dataclass(frozen=True)
class Question:
    """One page. Texts: ``question.<id>.{ask,help}``, ``question.<id>.<choice>`` for each choice."""

    id: str
    kind: AnswerKind
    choices: tuple[str, ...] = ()
