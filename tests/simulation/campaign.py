"""Many histories, as many at a time as there are processors, and one table of what came of them."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.simulation.mutants import MUTANTS, Caught, hunt
from tests.simulation.town import Report, Town

#: Events of one history; then the next seed begins.
HISTORY = 20_000


@dataclass
class Outcome:
    reports: list[Report] = field(default_factory=list)
    mutants: dict[str, Caught | None] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def events(self) -> int:
        return sum(report.events for report in self.reports)

    @property
    def faults(self) -> Counter[str]:
        return sum((report.faults for report in self.reports), Counter())

    @property
    def violations(self) -> list[str]:
        return [f"seed {report.seed} {each}" for report in self.reports for each in report.violations]


def play(seed: int, events: int, kiosks: int) -> Report:
    return Town(seed, kiosks).run(events)


def _hunt(index: int) -> Caught | None:
    return hunt(MUTANTS[index])


def campaign(first_seed: int, events: int, kiosks: int, mutants: bool, processes: int | None = None) -> Outcome:
    """Histories from ``first_seed`` on until ``events`` have happened, then every mutant."""
    outcome, begun = Outcome(), time.perf_counter()
    workers = processes or os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        seed = first_seed
        while outcome.events < events:
            left = events - outcome.events
            count = max(1, min(4 * workers, left // HISTORY + 1))
            each = min(HISTORY, left)
            seeds = range(seed, seed + count)
            outcome.reports += pool.map(play, seeds, [each] * count, [kiosks] * count)
            seed += count
        if mutants:
            found = pool.map(_hunt, range(len(MUTANTS)))
            outcome.mutants = {mutant.name: caught for mutant, caught in zip(MUTANTS, found, strict=True)}
    outcome.seconds = time.perf_counter() - begun
    return outcome


def table(outcome: Outcome, first_seed: int, kiosks: int) -> str:
    """Campaign, histories, events, faults by kind, violations, mutants, seed."""
    reports = outcome.reports
    figures: Counter[str] = Counter()
    for report in reports:
        for name, value in report.figures.items():
            figures[name.partition(" ")[2]] += value
    caught = [each for each in outcome.mutants.values() if each is not None]
    lines = [
        f"simulation          {len(reports)} histories from seed {first_seed}, {kiosks} kiosks, 2 halls",
        f"  events            {outcome.events:,} ({outcome.events / max(outcome.seconds, 0.001):,.0f}/s)",
        f"  days              {sum(report.days for report in reports):,.0f}, checked whole"
        f" {sum(report.checks for report in reports):,} times",
        f"  faults injected   {sum(outcome.faults.values()):,}",
        *(f"    {kind:<24}{count:>8,}" for kind, count in sorted(outcome.faults.items(), key=lambda each: -each[1])),
        "  what came of it",
        *(f"    {name:<24}{value:>8,}" for name, value in sorted(figures.items()) if value),
        f"  violations        {len(outcome.violations)}",
        *(f"    {each}" for each in outcome.violations[:20]),
    ]
    if outcome.mutants:
        lines.append(f"  mutants caught    {len(caught)} of {len(outcome.mutants)}")
        for name, each in outcome.mutants.items():
            by = f"by: {each.invariant} (seed {each.seed}, {each.events:,} events)" if each else "NOT CAUGHT"
            lines.append(f"    {name:<40}{by}")
    return "\n".join(lines)
