"""Everything that can be due, asked, refused or paid has words in both languages, and no answer is left without any."""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterator
from datetime import date
from typing import get_args

import pytest

import config
from drivers.pos.contract import Progress, RefusedBecause
from hall.bureaus.contract import REFUSALS
from kiosk.domain.filing import (
    FILING_PROBLEMS,
    ISSUE_PROBLEMS,
    OCCASIONAL_RETURNS,
    PAYMENT_PROBLEMS,
    PERIODIC_RETURNS,
    FilingState,
    Form,
    Levy,
    PayerKind,
    Place,
)
from kiosk.domain.questions import ANSWER_PROBLEMS, AnswerKind, Known, Question, questions
from kiosk.domain.texts import Texts
from kiosk.session.state import TAX_PURPOSES, IssueTask, PayStep, QueryTab, SubmitStep

LANGUAGES = {language: Texts(config.read_texts(language)) for language in ("zh", "en")}
ZH, EN = (Texts(config.read_toml(f"texts/tax.{language}.toml")) for language in LANGUAGES)

#: A day in every regime that asks its own questions.
PERIODS = [
    date(2016, 3, 31),
    date(2017, 6, 30),
    date(2017, 9, 30),
    date(2018, 6, 30),
    date(2022, 6, 30),
    date(2026, 9, 30),
]
RETURNS = PERIODIC_RETURNS | OCCASIONAL_RETURNS | {Form.INVOICE_ON_BEHALF}


@pytest.fixture(params=LANGUAGES)
def texts(request: pytest.FixtureRequest) -> Texts:
    return LANGUAGES[request.param]


def asked() -> Iterator[Question]:
    """Every question that any return can come to."""
    for form, payer, end, quota in itertools.product(RETURNS, PayerKind, PERIODS, (None, 8_000_000)):
        known = Known(payer, Place.CITY, "quarter", end, quota)
        yield from _opened(form, known, {}, set())


def _opened(form: Form, known: Known, answers: dict[str, str], seen: set[str]) -> Iterator[Question]:
    """Walk the path once for every choice on it, and for a car of every regime."""
    for question in questions(form, known, answers):
        if question.id in answers or question.id in seen:
            continue
        yield question
        if question.kind is AnswerKind.DATE:
            options: tuple[str, ...] = ("2017-08-01", "2022-07-01", "2026-11-24")
        else:
            options = question.choices
        for option in options:
            yield from _opened(form, known, {**answers, question.id: option}, seen | {question.id})


def needed() -> set[str]:
    keys = {f"answer_problem.{problem}" for problem in ANSWER_PROBLEMS}
    keys |= {f"filing_problem.{problem}" for problem in FILING_PROBLEMS}
    keys |= {f"payment_problem.{problem}" for problem in (*PAYMENT_PROBLEMS, "hall_silent", "not_saved")}
    keys |= {f"issue_problem.{problem}" for problem in ISSUE_PROBLEMS}
    keys |= {f"bureau_problem.{problem}" for problem in REFUSALS}
    keys |= {f"pay_refused.{reason}" for reason in RefusedBecause}
    keys |= {f"terminal.{progress}" for progress in Progress}
    keys |= {f"levy.{levy}" for levy in Levy}
    keys |= {f"form.{form}" for form in RETURNS} | {f"todo.about_{form}" for form in OCCASIONAL_RETURNS}
    keys |= {f"title.{purpose}" for purpose in TAX_PURPOSES}
    keys |= {f"choose_taxpayer.question_{purpose}" for purpose in TAX_PURPOSES}
    keys |= {f"my_taxes.tab_{tab}" for tab in QueryTab}
    steps = [f"submitting.{step}" for step in SubmitStep] + [f"paying.{step}" for step in PayStep]
    steps += [f"issuing_paper.{task}.{step}" for task in IssueTask for step in ("recording", "asking", "printing")]
    steps += ["printing_paper.recording", "printing_paper.printing"]
    keys |= {f"{step}{tense}" for step in steps for tense in ("", "_done", "_to_come")}
    keys |= {f"standing.{state}" for state in get_args(FilingState) if state != "accepted"}
    keys |= {f"month.{number}" for number in range(1, 13)} | {f"quarter.{number}" for number in range(1, 5)}
    keys |= {f"role.{role}" for role in ("legal_representative", "finance", "filing_clerk", "agent", "self", "owner")}
    return keys | {f"place.{place}" for place in Place} | {f"credit.{grade}" for grade in "ABMCD"}


def test_everything_that_can_happen_to_a_return_has_words(texts: Texts) -> None:
    assert not needed() - texts.keys


def test_every_question_of_every_year_can_be_asked_and_answered(texts: Texts) -> None:
    wanted: set[str] = set()
    for question in asked():
        wanted |= {f"question.{question.id}.{part}" for part in ("ask", "label")}
        if question.kind is AnswerKind.CHOICE:
            wanted |= {f"question.{question.id}.{choice}" for choice in question.choices}
        if question.kind is AnswerKind.DATE:
            wanted |= {f"ask.{choice}" for choice in question.choices}
        if question.kind is AnswerKind.COUNT:
            wanted.add(f"question.{question.id}.unit")
    assert not wanted - texts.keys


def test_no_words_are_kept_for_a_question_that_is_never_asked() -> None:
    ids = {question.id for question in asked()}
    assert {key.split(".")[1] for key in ZH.keys if key.startswith("question.")} == ids


def test_both_languages_say_the_same_things_and_fill_in_the_same_facts() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert ZH.keys == EN.keys
    assert not {key for key in ZH.keys if fields(ZH(key)) != fields(EN(key))}


def test_the_english_of_taxes_is_english() -> None:
    chinese = re.compile("[一-鿿]")
    assert not {key for key in EN.keys if chinese.search(EN(key))}


def test_a_question_fits_one_breath(texts: Texts) -> None:
    """Old eyes read a headline of two lines; a third is a paragraph."""
    longest = 16 if texts is LANGUAGES["zh"] else 44
    assert not {key for key in texts.keys if re.fullmatch(r"question\.\w+\.ask", key) and len(texts(key)) > longest}
