"""Kill and cut everything, at every step of a return, an invoice and a certificate; then bring all back and count.

    python -m tests.crash.campaign --seed 1 [--cases 20] [--towns 3] [--mutant NAME]

One case is one person, one wish, one step and one blow. After it everything is mended, the person comes back until
nothing is left to do, and the books of hall, bureaus, terminal and paper are held against each other.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.processes import Failed, wait_until
from kiosk.domain.filing import Form
from kiosk.domain.holder import Holder
from kiosk.session.state import Purpose
from tests.crash.script import Wish
from tests.crash.town import Citizen, Town, VisitEnded, citizens

ANSWERS = {
    "any_sales": "yes", "kind": "ordinary", "figure": "net", "sales_ordinary": "350000",
    "invoice_item": "services", "invoice_gross": "5000", "buyer_kind": "person",
}  # fmt: skip

#: How many effects an undisturbed visit has, at most: a blow at a later step than there is never falls, and is counted
#: as such.
STEPS = {Purpose.FILE: 14, Purpose.INVOICE: 16, Purpose.CERTIFICATE: 6}

BACK_AFTER_S = 1.5
"""What was killed or cut comes back in mid-visit after this; the visit sees both the fault and the recovery."""

COMES_BACK = 10
"""Visits after which a person who still finds something undone would be right to be angry."""


class Blow:
    """Falls once, before a given effect of the first visit."""

    def __init__(self, town: Town, victim: str, step: int, chance: random.Random) -> None:
        self._town, self._victim, self._step, self._chance = town, victim, step, chance
        self.fell_at = ""
        self._timers: list[threading.Timer] = []

    def __call__(self, number: int, name: str) -> None:
        if number != self._step:
            return
        self.fell_at = name
        VICTIMS[self._victim](self)

    def over(self) -> None:
        for timer in self._timers:
            timer.join()

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, act)
        timer.start()
        self._timers.append(timer)

    def kiosk_before(self) -> None:
        self._town.kill_kiosk()

    def kiosk_after(self) -> None:
        """A moment later: whatever the effect has begun is in the middle of it."""
        self._later(self._chance.choice((0.0, 0.002, 0.01, 0.05, 0.2, 0.8, 2.0)), self._town.kill_kiosk)

    def agent(self) -> None:
        self._town.kill_agent()

    def hall(self) -> None:
        self._town.hall.kill()
        self._later(BACK_AFTER_S, self._town.hall.start)

    def hall_after(self) -> None:
        def die() -> None:
            self._town.hall.kill()
            time.sleep(BACK_AFTER_S)
            self._town.hall.start()

        self._later(self._chance.choice((0.001, 0.005, 0.01, 0.02, 0.05)), die)

    def state(self) -> None:
        self._bureau("state", "die_after")

    def local(self) -> None:
        self._bureau("local", "die_after")

    def state_before(self) -> None:
        self._bureau("state", "die_before")

    def local_silent(self) -> None:
        self._town.bureaus["local"].do("silent", on="all")

    def _bureau(self, name: str, how: str) -> None:
        """Armed from this step on: it dies of the next thing it gets."""
        self._town.bureaus[name].do(how, times=1)

    def terminal(self) -> None:
        self._town.do("pos", "unplug")
        self._later(BACK_AFTER_S, self._town.plug_terminal)

    def terminal_after(self) -> None:
        def pull() -> None:
            self._town.do("pos", "unplug")
            time.sleep(BACK_AFTER_S)
            self._town.plug_terminal()

        self._later(self._chance.choice((0.02, 0.5, 1.2, 2.5, 3.1)), pull)

    def terminal_silent(self) -> None:
        self._town.do("pos", "behaviour", "silent_after_approval")

    def terminal_dies(self) -> None:
        self._town.do("pos", "behaviour", "die_before_approval")

    def requests(self) -> None:
        self._wire("lose_requests")

    def answers(self) -> None:
        self._wire("lose_answers")

    def _wire(self, fault: Any) -> None:
        wire = self._town.wire
        assert wire is not None
        wire.fault = fault

        def mend() -> None:
            wire.fault = "none"

        self._later(BACK_AFTER_S, mend)


VICTIMS: dict[str, Callable[[Blow], None]] = {
    "kiosk before": Blow.kiosk_before,
    "kiosk after": Blow.kiosk_after,
    "agent": Blow.agent,
    "hall": Blow.hall,
    "hall in the middle": Blow.hall_after,
    "state bureau, stored but not answered": Blow.state,
    "state bureau, not stored": Blow.state_before,
    "local bureau, stored but not answered": Blow.local,
    "local bureau, silent": Blow.local_silent,
    "terminal's cable": Blow.terminal,
    "terminal's cable, in the middle": Blow.terminal_after,
    "terminal, silent after approval": Blow.terminal_silent,
    "terminal, dies before approval": Blow.terminal_dies,
    "requests to the hall": Blow.requests,
    "answers of the hall": Blow.answers,
}


@dataclass(frozen=True)
class Case:
    purpose: Purpose
    step: int
    victim: str

    def __str__(self) -> str:
        return f"{self.purpose.value} step {self.step}: {self.victim}"


@dataclass
class Verdict:
    case: Case
    fell_at: str
    problems: list[str]
    seconds: float


def all_cases() -> list[Case]:
    return [
        Case(purpose, step, victim)
        for purpose, steps in STEPS.items()
        for step, victim in itertools.product(range(1, steps + 1), VICTIMS)
    ]


class Campaign:
    """Plays cases in one town, one person each."""

    def __init__(self, town: Town, seed: int) -> None:
        self._town = town
        self._chance = random.Random(seed)
        self._people = iter(town.people)
        self._set_aside = 0
        self._told: list[str] = []
        self._pepper = bytes.fromhex(town.hall_rows("SELECT value FROM secret WHERE name = 'holder_pepper'")[0][0])

    def play(self, case: Case) -> Verdict:
        began = time.monotonic()
        person = next(self._people)
        charges, papers = len(self._town.charges()), len(self._town.papers())
        self._set_aside = self._count_set_aside()
        self._told = []
        if case.purpose is Purpose.CERTIFICATE:
            self._visit(person, self._wish(person, Purpose.FILE))
        blow = Blow(self._town, case.victim, case.step, self._chance)
        problems: list[str] = []
        try:
            self._visit(person, self._wish(person, case.purpose), blow)
            blow.over()
            self._town.heal()
            self._comes_back(person, case.purpose)
            self._town.settled()
            self._papers_are_accounted()
        except Failed as failed:
            problems.append(str(failed).splitlines()[0])
        problems += self._books(person, case.purpose, self._town.charges()[charges:], self._town.papers()[papers:])
        return Verdict(case, blow.fell_at, problems, time.monotonic() - began)

    def _visit(self, person: Citizen, wish: Wish, blow: Blow | None = None) -> str:
        try:
            how = self._town.visit(person, wish, blow)
        except VisitEnded:
            return "died"
        if how.startswith("sorry filing_refused"):
            # Everybody here files once and rightly: who is refused has been taken for somebody else, or for himself.
            self._told.append(how)
        return how

    def _wish(self, person: Citizen, purpose: Purpose, taxpayer: str = "") -> Wish:
        form = Form.INVOICE_ON_BEHALF if purpose is Purpose.INVOICE else Form.VAT_SMALL_SCALE
        return Wish(purpose, taxpayer or self._taxpayer(person, form), form, ANSWERS)

    def _taxpayer(self, person: Citizen, form: Form) -> str:
        if form is Form.INVOICE_ON_BEHALF:
            return "self"
        return str(self._town.hall_rows("SELECT id FROM taxpayer WHERE state_serial = ?", person.state_serial)[0][0])

    def _comes_back(self, person: Citizen, purpose: Purpose) -> None:
        """Until nothing is left to do. Raises Failed when something still is after COMES_BACK visits."""
        if purpose is Purpose.INVOICE:
            # Who was told that it is on its way, or saw the screen go dark, looks it up before applying once more.
            self._visit(person, Wish(Purpose.QUERY, "self", Form.INVOICE_ON_BEHALF, ANSWERS))
        for _ in range(COMES_BACK):
            wish = self._left_to_do(person, purpose)
            if wish is None:
                return
            how = self._visit(person, wish)
            if how not in ("finished", "nothing left", "declared"):
                time.sleep(1)
        raise Failed(
            f"after {COMES_BACK} more visits there is still something to do: {self._left_to_do(person, purpose)}"
        )

    def _left_to_do(self, person: Citizen, purpose: Purpose) -> Wish | None:
        form = Form.INVOICE_ON_BEHALF if purpose is Purpose.INVOICE else Form.VAT_SMALL_SCALE
        filings = self._filings(person, form)
        if not filings:
            return self._wish(person, purpose if form is Form.INVOICE_ON_BEHALF else Purpose.FILE)
        ((key, total),) = filings if len(filings) == 1 else (filings[0],)
        paid = self._town.hall_rows(
            "SELECT 1 FROM payment_filing JOIN payment ON payment.key = payment"
            " WHERE filing = ? AND outcome = 'approved'",
            key,
        )
        if total and not paid:
            # A person's own filing is found under 查询, also by who has a business to file for.
            where = Purpose.QUERY if purpose is Purpose.INVOICE else Purpose.FILE
            return Wish(where, self._taxpayer(person, form), form, ANSWERS)
        if purpose is Purpose.INVOICE and not self._invoices(key):
            return Wish(Purpose.QUERY, "self", form, ANSWERS)
        if purpose is Purpose.CERTIFICATE and not self._certificates(key, "printed"):
            return self._wish(person, Purpose.CERTIFICATE)
        return None

    def _filings(self, person: Citizen, form: Form) -> list[tuple[str, int]]:
        reference = Holder(person.number).reference(self._pepper)
        return [
            (key, total)
            for key, total in self._town.hall_rows(
                "SELECT key, total FROM filing WHERE holder_ref = ? AND form = ? AND live = 1", reference, form.value
            )
        ]

    def _invoices(self, filing: str) -> list[tuple[str, str]]:
        rows = self._town.hall_rows("SELECT number, state FROM invoice WHERE filing = ? AND state <> 'void'", filing)
        return [(number, state) for number, state in rows]

    def _certificates(self, filing: str, state: str) -> list[str]:
        rows = self._town.hall_rows("SELECT number FROM certificate WHERE filing = ? AND state = ?", filing, state)
        return [number for (number,) in rows]

    def _papers_are_accounted(self) -> None:
        """The printer's word has reached the hall for every numbered sheet; where it had none, staff are told."""

        def none_taken() -> bool:
            taken = (
                "SELECT count(*) FROM certificate WHERE state = 'taken'"
                " AND key NOT IN (SELECT subject FROM staff_item WHERE kind = 'sheet_uncertain')"
            )
            return bool(self._town.hall_rows(taken)[0][0] == 0)

        wait_until(none_taken, 30, "every numbered sheet is accounted for")

    # ---- the books -------------------------------------------------------------------------------------------------

    def _books(self, person: Citizen, purpose: Purpose, charges: list[Any], papers: list[str]) -> list[str]:
        """Everything that is not as it must be."""
        form = Form.INVOICE_ON_BEHALF if purpose is Purpose.INVOICE else Form.VAT_SMALL_SCALE
        problems = []
        filings = self._filings(person, form)
        if len(filings) != 1:
            return [f"{len(filings)} returns at the hall instead of one"]
        (key, total), ledgers = filings[0], self._town.ledgers()
        entered = 0
        for name, ledger in ledgers.items():
            returns = [each for each in ledger["returns"] if each["key"] == key and not each["superseded"]]
            serials = (person.state_serial, person.local_serial, person.number)
            theirs = [
                each for each in ledger["returns"]
                if each["taxpayer"] in serials and each["form"] == form.value and not each["superseded"]
            ]  # fmt: skip
            entries = [each for each in ledger["entries"] if each["filing"] == key]
            due = sum(each["payable"] for each in returns)
            if len(theirs) > 1 or (name == "state" and len(returns) != 1):
                problems.append(f"{name}: {len(theirs)} returns")
            if len(entries) != (1 if due else 0):
                problems.append(f"{name}: {len(entries)} entries for {due} fen")
            entered += sum(each["amount"] for each in entries)
        kept = [each for each in charges if each.get("outcome") == "approved"]
        taken = sum(each["fen"] for each in kept)
        if len(kept) != (1 if total else 0):
            problems.append(f"{len(kept)} charges that were not given back")
        if taken != entered:
            problems.append(f"{taken} fen charged, {entered} fen entered")
        problems += self._paper_problems(key, papers)
        if purpose is Purpose.INVOICE and len(self._invoices(key)) != 1:
            problems.append(f"{len(self._invoices(key))} invoices")
        aside = self._town.hall_rows("SELECT kind, reason FROM quarantine ORDER BY id")[self._set_aside :]
        return problems + [f"set aside: {kind} {reason}" for kind, reason in aside] + self._told

    def _count_set_aside(self) -> int:
        return int(self._town.hall_rows("SELECT count(*) FROM quarantine")[0][0])

    def _paper_problems(self, filing: str, papers: list[str]) -> list[str]:
        problems = []
        sheets = Counter(number for text in papers for number in set(_numbers(text)))
        problems += [f"{number} stands on {count} sheets" for number, count in sheets.items() if count > 1]
        rows = self._town.hall_rows("SELECT number, state FROM certificate WHERE filing = ?", filing)
        known: dict[str, str] = {number: state for number, state in rows}  # noqa: C416 (rows are of any length to mypy)
        problems += [f"{number} is on paper, the hall does not know it" for number in sheets if number not in known]
        problems += [
            f"{number} is printed for the hall, and not on paper"
            for number, state in known.items()
            if state == "printed" and number not in sheets
        ]
        return problems


def _numbers(text: str) -> list[str]:
    """Of certificates; on paper the serial stands in a line of its own."""
    return [f"{head} {serial}" for head, serial in re.findall(r"(\(261\)闽[国地]证)\s+(\d{7})", text)]


def play(cases: Iterable[Case], folder: Path, seed: int, mutant: str = "") -> list[Verdict]:
    """All cases in one town, one after the other."""
    cases = list(cases)
    with Town(folder, citizens(len(cases)), mutant) as town:
        campaign = Campaign(town, seed)
        verdicts = []
        for case in cases:
            verdicts.append(campaign.play(case))
            # One line a case, at once: what is known so far survives a campaign that is broken off.
            with (folder.parent / "verdicts.txt").open("a", encoding="utf-8") as file:
                file.write(f"{said(verdicts[-1])}\n")
        return verdicts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=0, help="so many, drawn by the seed; 0: all")
    parser.add_argument("--towns", type=int, default=3, help="played side by side")
    parser.add_argument("--mutant", default="", help="a fault of tests.crash.mutants")
    given = parser.parse_args()
    cases = all_cases()
    random.Random(given.seed).shuffle(cases)
    cases = cases[: given.cases or len(cases)]
    base = Path(tempfile.mkdtemp(prefix="campaign-"))
    print(f"each case as it ends: {base / 'verdicts.txt'}", flush=True)
    shares = [cases[i :: given.towns] for i in range(given.towns)]
    with ThreadPoolExecutor(given.towns) as pool:
        played = pool.map(lambda i: play(shares[i], base / str(i), given.seed + i, given.mutant), range(given.towns))
        verdicts = [verdict for part in played for verdict in part]
    report(verdicts, given.seed, base)
    return 1 if any(verdict.problems for verdict in verdicts) else 0


def said(verdict: Verdict) -> str:
    how = "; ".join(verdict.problems) or "settled"
    return f"{verdict.case} (at {verdict.fell_at or 'no step'}): {how} [{verdict.seconds:.0f} s]"


def report(verdicts: list[Verdict], seed: int, base: Path) -> None:
    for verdict in verdicts:
        if verdict.problems:
            print(said(verdict))
    fell = sum(1 for verdict in verdicts if verdict.fell_at)
    bad = sum(1 for verdict in verdicts if verdict.problems)
    slowest = max((verdict.seconds for verdict in verdicts), default=0.0)
    print(f"bad days: {len(verdicts)} cases, {fell} blows fell, {bad} violations, slowest {slowest:.0f} s, seed {seed}")
    print(f"records of the last run: {base}")


if __name__ == "__main__":
    raise SystemExit(main())
