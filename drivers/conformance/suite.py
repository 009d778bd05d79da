"""All cases, and how they are run: side by side against simulators, one after the other against a device."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Literal

from drivers.conformance import id_card
from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, NotPossible, Subject
from drivers.contract import DeviceError

CASES: tuple[Case, ...] = (*id_card.CASES,)

#: Most of a case is waiting for answers that do not come.
JOBS = 12


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: Literal["passed", "failed", "skipped"]
    why: str = ""
    tried: int = 1
    elapsed_s: float = 0.0


def cases_of(devices: Iterable[DeviceClass], names: Iterable[str] = ()) -> list[Case]:
    """``names``: beginnings of names; none: all."""
    beginnings = tuple(names)
    wanted = set(devices)
    return [case for case in CASES if case.device in wanted and (not beginnings or case.name.startswith(beginnings))]


def run_case(case: Case, subject: Subject) -> Result:
    """Never raises: whatever goes wrong is the case's result."""
    began = time.monotonic()
    subject.tried = 0
    outcome: Literal["passed", "failed", "skipped"] = "passed"
    why = ""
    try:
        case.run(subject)
    except NotConforming as problem:
        outcome, why = "failed", str(problem)
    except NotPossible as problem:
        outcome, why = "skipped", str(problem)
    except DeviceError as problem:
        outcome, why = "failed", f"{problem.completion}: {problem}"
    except Exception as problem:
        outcome, why = "failed", f"{type(problem).__name__}: {problem}"
    return Result(case, outcome, why, max(1, subject.tried), time.monotonic() - began)


def run_on_bench(cases: Iterable[Case], make: Callable[[DeviceClass], Subject], jobs: int = JOBS) -> Iterator[Result]:
    """Each case has a simulator of its own; results as they come."""
    cases = list(cases)

    def run(case: Case) -> Result:
        subject = make(case.device)
        try:
            return run_case(case, subject)
        finally:
            subject.close()

    with ThreadPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(run, case) for case in cases if not case.alone]):
            yield done.result()
    for case in cases:
        if case.alone:
            yield run(case)


def run_on_device(cases: Iterable[Case], subject: Subject) -> Iterator[Result]:
    """What needs no bench, one after the other; what needs no hand first."""
    order = {Needs.NOTHING: 0, Needs.HAND: 1}
    for case in sorted((case for case in cases if case.needs in order), key=lambda case: order[case.needs]):
        yield run_case(case, subject)
