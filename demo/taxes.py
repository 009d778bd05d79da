"""Visits in which a return is filed and paid, proof is printed, and an invoice is issued on behalf.

Each ends on the home page. ``step(name, words)`` is called where there is something to look at.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from demo.people import Person
from demo.processes import wait_until
from demo.stage import ID_CARD, POS, Stage

Step = Callable[[str, str], None]

#: The worked example of the look: 350,000.00 of a small-scale taxpayer in a quarter.
SALES = "350000"
INVOICE_GROSS = "5000"


@dataclass(frozen=True)
class Filed:
    """What came of a return. ``taxpayer``: whom for, as the page of choices names it."""

    taxpayer: str
    receipt: str


def nothing_to_look_at(name: str, words: str) -> None:
    """For tests that only want the visit."""


def files_and_pays(stage: Stage, person: Person, step: Step = nothing_to_look_at) -> Filed:
    """A small-scale return of the first of the person's taxpayers, paid by card."""
    visitor = stage.visitor
    papers = len(stage.papers())
    _identifies(stage, person, "file")
    step("choose-taxpayer", f"{person.masked} touches 申报缴税, lays the card, and is shown whom to act for.")
    taxpayer = _first(stage, "taxpayer.")
    visitor.touches(taxpayer)
    visitor.waits_for("todo_list")
    step("todo", "What is due, and until when.")
    visitor.touches(_last(stage, "obligation."))
    for choice, name in (("yes", "any-sales"), ("ordinary", "kind"), ("net", "figure")):
        visitor.waits_for_target(f"choice.{choice}")
        step(f"ask-{name}", "One question a page.")
        visitor.touches(f"choice.{choice}")
    visitor.types(SALES)
    step("ask-amount", f"Sales of {SALES} yuan, read back in words.")
    visitor.touches("next")
    visitor.waits_for("check")
    step("check", "Every levy under its bureau, with its rule; the total.")
    visitor.touches("submit")
    visitor.waits_for("declared")
    step("declared", "Both bureaus have the return.")
    _pays(stage, step, "")
    visitor.waits_for("finished", 60)
    step("paid", "Charged once, entered in both bureaus' ledgers; the receipt is out.")
    receipt = _new_paper(stage, papers)
    _goes_home(stage)
    return Filed(taxpayer, receipt)


def prints_certificate(stage: Stage, person: Person, taxpayer: str, step: Step = nothing_to_look_at) -> str:
    """Of what was paid last, at the first bureau; the certificate's text."""
    visitor = stage.visitor
    papers = len(stage.papers())
    _identifies(stage, person, "certificate")
    visitor.touches(taxpayer)
    visitor.waits_for("certificates")
    step("certificates", "打印证明: what is paid, newest first.")
    visitor.touches(_first(stage, "filing."))
    _first(stage, "bureau.")
    step("certificate-bureau", "Each bureau certifies its own.")
    visitor.touches(_first(stage, "bureau."))
    visitor.waits_for("compare_number", 60)
    step("compare-number", "The number of the blank, to be compared with the sheet.")
    visitor.touches("next")
    visitor.waits_for("finished")
    certificate = _new_paper(stage, papers)
    _goes_home(stage)
    return certificate


def has_invoice_issued(stage: Stage, person: Person, step: Step = nothing_to_look_at) -> list[str]:
    """A natural person's ordinary invoice for a service; the papers that came out."""
    visitor = stage.visitor
    papers = len(stage.papers())
    _identifies(stage, person, "invoice")
    visitor.touches("taxpayer.self")
    visitor.waits_for_target("choice.services")
    step("invoice-item", "代开发票, for the person himself.")
    visitor.touches("choice.services")
    visitor.waits_for_target("key.1")
    visitor.types(INVOICE_GROSS)
    step("invoice-amount", f"{INVOICE_GROSS} yuan, tax included.")
    visitor.touches("next")
    visitor.touches("choice.person")
    visitor.waits_for("check")
    step("invoice-check", "Taxes of both bureaus taken together, and the rule on withholding explained.")
    visitor.touches("submit")
    visitor.waits_for("declared")
    _pays(stage, step, "invoice-")
    visitor.waits_for("finished", 90)
    step("invoice-finished", "Tax first, invoice after: paid, entered, then issued and printed.")
    found = stage.papers()[papers:]
    _goes_home(stage)
    return found


def _identifies(stage: Stage, person: Person, purpose: str) -> None:
    visitor = stage.visitor
    visitor.waits_for("home")
    visitor.touches(purpose)
    visitor.waits_for("identify")
    stage.lays_card(person)
    visitor.waits_for("choose_taxpayer")
    stage.do(ID_CARD, "lift")


def _pays(stage: Stage, step: Step, before: str) -> None:
    visitor = stage.visitor
    visitor.touches("pay")
    visitor.waits_for("paying")
    wait_until(lambda: stage.do(POS, "shown"), 20, "the terminal shows the amount", stage.kiosk)
    step(f"{before}paying", "The amount, and what to do at the terminal.")
    stage.do(POS, "insert")


def _goes_home(stage: Stage) -> None:
    stage.visitor.touches("next")
    stage.visitor.waits_for("home")


def _first(stage: Stage, beginning: str) -> str:
    return wait_until(lambda: stage.visitor.sees(beginning), 15, f"something called {beginning}", stage.kiosk)


def _last(stage: Stage, beginning: str) -> str:
    return wait_until(lambda: stage.visitor.sees_last(beginning), 15, f"something called {beginning}", stage.kiosk)


def _new_paper(stage: Stage, before: int) -> str:
    wait_until(lambda: len(stage.papers()) > before, 30, "a paper comes out", stage.devices)
    return stage.papers()[-1]


def amounts(text: str) -> list[str]:
    """Every amount on a paper."""
    return re.findall(r"[\d,]+\.\d\d", text)
