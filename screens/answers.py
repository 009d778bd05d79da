"""What was answered, in words, and what the register knew without asking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kiosk.domain.money import grouped, to_fen
from kiosk.domain.questions import AnswerKind, Question, is_answered
from kiosk.session.state import Work
from screens.tax_screen import AnyTaxScreen


@dataclass(frozen=True)
class Answer:
    """``label``: what was asked, shortly; ``note``: what the hall said of it."""

    question: str
    label: str
    words: str
    note: str = ""


def answered(screen: AnyTaxScreen, work: Work) -> Iterator[Answer]:
    """Every answer on the path, in order."""
    for question in work.path:
        if not is_answered(question, work.answers):
            continue
        words = in_words(screen, question, work.answers[question.id])
        named = question.kind is AnswerKind.TAXPAYER_NUMBER and work.buyer_name
        label = screen.t(f"question.{question.id}.label")
        yield Answer(question.id, label, words, work.buyer_name if named else "")


def in_words(screen: AnyTaxScreen, question: Question, answer: str) -> str:
    match question.kind:
        case AnswerKind.AMOUNT:
            return grouped(to_fen(answer))
        case AnswerKind.CHOICE:
            return screen.t(f"question.{question.id}.{answer}")
        case AnswerKind.COUNT:
            return screen.t(f"question.{question.id}.unit", count=f"{int(answer):,}")
        case AnswerKind.DATE:
            return screen.day(date.fromisoformat(answer))
        case AnswerKind.TAXPAYER_NUMBER:
            return answer


def known_already(screen: AnyTaxScreen, work: Work) -> Iterator[tuple[str, str]]:
    """(label, words) of what the register knows and nobody was asked: to be looked at, not to be typed."""
    obligation = work.obligation
    if obligation is None:
        return
    if obligation.prepaid:
        yield screen.t("register.prepaid"), grouped(obligation.prepaid)
    if staff := obligation.facts.get("staff"):
        yield screen.t("register.staff"), screen.t("register.join").join(str(count) for count in staff)
    if assets := obligation.facts.get("assets"):
        yield screen.t("register.assets"), grouped(to_fen(str(assets)))
