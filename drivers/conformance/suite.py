"""All cases, and how they are run: side by side against simulators, one after the other against a device."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Literal

from drivers.bench.smart_card import VirtualReaders
from drivers.conformance import id_card, pos, printer, smart_card
from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, NotPossible, Subject
from drivers.contract import DeviceError

CASES: tuple[Case, ...] = (*id_card.CASES, *printer.CASES, *smart_card.CASES, *pos.CASES)

#: Most of a case is waiting for answers that do not come.
JOBS = 20
_PATIENCE = 4.0

Outcome = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: Outcome
    why: str = ""
    tried: int = 1
    """Single trials: one a byte, where a case goes through all of them."""
    elapsed_s: float = 0.0
    beside_others: str = ""
    """Why it failed while other cases ran; alone, where nothing but the device can be late, it passed."""


def cases_of(devices: Iterable[DeviceClass], names: Iterable[str] = ()) -> list[Case]:
    """``names``: beginnings of names; none: all."""
    beginnings = tuple(names)
    wanted = set(devices)
    return [case for case in CASES if case.device in wanted and (not beginnings or case.name.startswith(beginnings))]


def run_case(case: Case, subject: Subject) -> Result:
    """Never raises: whatever goes wrong is the case's result."""
    began = time.monotonic()
    subject.tried = 0
    outcome: Outcome = "passed"
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


def run_on_device(cases: Iterable[Case], subject: Subject) -> Iterator[Result]:
    """What needs no bench, one after the other; what needs no hand first."""
    order = {Needs.NOTHING: 0, Needs.HAND: 1}
    for case in sorted((case for case in cases if case.needs in order), key=lambda case: order[case.needs]):
        yield run_case(case, subject)
        subject.rest()


def run_on_bench(cases: Iterable[Case], thorough: bool = False, jobs: int = JOBS) -> Iterator[Result]:
    """Each case on a simulator of its own; results as they come. ``thorough``: every byte, however long it takes.

    One that fails beside the others is tried once more at the end, alone and with longer waits: a machine with too
    much to do is late itself.
    """
    cases = list(cases)
    slots = _Slots()
    makers: dict[DeviceClass, Callable[[float], Subject]] = {
        DeviceClass.ID_CARD: lambda patience: id_card.BenchReader(thorough, patience),
        DeviceClass.PRINTER: lambda patience: printer.BenchPrinter(thorough, patience),
        DeviceClass.POS: lambda patience: pos.BenchTerminal(thorough, patience),
        DeviceClass.SMART_CARD: lambda _: slots.take(),
    }

    def run(case: Case, patience: float = 1.0) -> Result:
        try:
            subject = makers[case.device](patience)
        except NotPossible as problem:
            return Result(case, "skipped", str(problem))
        except Exception as problem:
            return Result(case, "failed", f"no simulator: {problem}")
        try:
            return run_case(case, subject)
        finally:
            if isinstance(subject, smart_card.BenchSlot):
                slots.give_back(subject)
            else:
                subject.close()

    together = [case for case in cases if not case.alone]
    on_slots = [case for case in together if case.device is DeviceClass.SMART_CARD]
    if any(case.device is DeviceClass.SMART_CARD for case in cases):
        slots.start()
    # Simulators and drivers take turns in one process: at the usual 5 ms a turn, they would be late for each other.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        # Smart cards wait for one of two slots: in threads of their own, so that nobody else waits with them.
        with ThreadPoolExecutor(jobs) as pool, ThreadPoolExecutor(VirtualReaders.SLOTS) as few:
            futures = [few.submit(run, case) for case in on_slots]
            futures += [pool.submit(run, case) for case in together if case not in on_slots]
            suspects = []
            for done in as_completed(futures):
                result = done.result()
                if result.outcome == "failed":
                    suspects.append(result)
                else:
                    yield result
        for suspect in suspects:
            again = run(suspect.case, _PATIENCE)
            yield replace(again, beside_others=suspect.why) if again.outcome == "passed" else again
        for case in cases:
            if case.alone:
                result = run(case)
                again = run(case, _PATIENCE) if result.outcome == "failed" else result
                passed_later = again is not result and again.outcome == "passed"
                yield replace(again, beside_others=result.why) if passed_later else again
    finally:
        sys.setswitchinterval(interval)
        slots.stop()


class _Slots:
    """The virtual readers, and which of their slots are free."""

    def __init__(self) -> None:
        self._readers: VirtualReaders | None = None
        self._why = ""
        self._free: queue.SimpleQueue[smart_card.BenchSlot] = queue.SimpleQueue()
        self._all: list[smart_card.BenchSlot] = []

    def start(self) -> None:
        try:
            self._readers = smart_card.bench_readers()
            self._readers.start()
        except (NotPossible, OSError) as problem:
            self._readers, self._why = None, str(problem)
            return
        for slot in range(VirtualReaders.SLOTS):
            self._all.append(smart_card.BenchSlot(self._readers, slot))
            self._free.put(self._all[-1])

    def stop(self) -> None:
        for slot in self._all:
            slot.close()
        if self._readers is not None:
            self._readers.stop()

    def take(self) -> Subject:
        if self._readers is None:
            raise NotPossible(self._why)
        slot = self._free.get()
        for tries_left in (2, 1, 0):
            try:
                slot.renew()
                break
            except (NotConforming, DeviceError):
                # pcscd may hold on to a card that was pulled over a command until somebody asks again.
                if not tries_left:
                    self._free.put(slot)
                    raise
        return slot

    def give_back(self, slot: smart_card.BenchSlot) -> None:
        self._free.put(slot)
