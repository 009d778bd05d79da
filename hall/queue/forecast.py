"""How long the wait is: the queue is played forward forty times with what this hall has learned of its service times.

One run prices the whole queue. The tenth and the ninetieth percentile of the runs are printed as a range; the queue's
mean alone was wrong by a third of the wait, this by an eighth. With no window open the honest answer is "not known".
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from hall.queue.rules import ANY
from hall.settings import Forecast
from kiosk.domain.messages import Wait

#: Tickets simulated one by one; further back the wait grows as evenly as the line does.
REACH = 300

#: No range narrower than this many minutes either side is promised: people walk, clerks drink tea.
SLACK_MINUTES = 1


@dataclass(frozen=True)
class InLine:
    """A ticket in line. ``waited`` in minutes."""

    waited: float
    ticket_class: str
    category: str
    only_window: str | None = None


@dataclass(frozen=True)
class OpenWindow:
    window: str
    busy: tuple[str, float] | None = None
    """Category of the ticket there, and for how many minutes it has been."""


@dataclass(frozen=True)
class Situation:
    """Everything a forecast is made from."""

    line: tuple[InLine, ...]
    windows: tuple[OpenWindow, ...]
    mean_minutes: Mapping[str, float]
    rates: Mapping[str, float]


@dataclass(frozen=True)
class Snapshot:
    """Prices of a moment: for each class (people ahead → low, high minutes), in steps of people ahead."""

    steps: Mapping[str, Sequence[tuple[int, float, float]]] = field(default_factory=dict)

    def wait(self, ahead: int, ticket_class: str) -> Wait | None:
        """For a ticket with so many people before it; interpolated between steps, extended behind the last."""
        steps = self.steps.get(ticket_class)
        if not steps:
            return None
        low, high = _between(steps, ahead)
        return Wait(max(0, math.floor(low)), max(SLACK_MINUTES, math.ceil(high)))


def _between(steps: Sequence[tuple[int, float, float]], ahead: int) -> tuple[float, float]:
    # The first step may lie behind people of another class: from nobody ahead, and no wait, up to it.
    before = (-1, 0.0, 0.0)
    for step in steps:
        if step[0] == ahead:
            return step[1], step[2]
        if step[0] > ahead:
            share = (ahead - before[0]) / (step[0] - before[0])
            return before[1] + (step[1] - before[1]) * share, before[2] + (step[2] - before[2]) * share
        before = step
    stretch = (ahead + 1) / (before[0] + 1)
    return before[1] * stretch, before[2] * stretch


def learned_means(settings: Forecast, observed: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Mean minutes by category: the hall's own, drawn towards the prior while there are few of them.

    ``observed``: category → (count, total seconds).
    """
    categories = {*settings.prior_by_category, *observed, ANY}
    means = {}
    for category in categories:
        prior = settings.prior_by_category.get(category, settings.prior_minutes)
        count, seconds = observed.get(category, (0.0, 0.0))
        means[category] = (prior * settings.prior_weight + seconds / 60) / (settings.prior_weight + count)
    return means


def simulate(situation: Situation, settings: Forecast, seed: int) -> Snapshot:
    """Play the queue forward ``settings.runs`` times. The same seed gives the same snapshot."""
    if not situation.windows:
        return Snapshot()
    random_numbers = random.Random(seed)
    # Two that are not there yet stand at the end of the line: what is told to somebody who comes now.
    newcomers = (InLine(0.0, "normal", ANY), InLine(0.0, "priority", ANY))
    line = (*situation.line, *newcomers)
    rank = {index: ahead for ahead, index in enumerate(_order_now(situation.line, situation.rates))}
    rank |= {len(situation.line): len(situation.line), len(situation.line) + 1: len(situation.line)}
    runs = [play_once(line, situation, settings.spread, random_numbers) for _ in range(settings.runs)]
    steps = {}
    for ticket_class in ("normal", "priority"):
        mine = [i for i in rank if line[i].ticket_class == ticket_class and line[i].only_window is None]
        mine.sort(key=rank.__getitem__)
        steps[ticket_class] = _percentiles([rank[i] for i in mine], [[run[i] for i in mine] for run in runs])
    return Snapshot(steps)


def _order_now(line: Sequence[InLine], rates: Mapping[str, float]) -> list[int]:
    return sorted(range(len(line)), key=lambda i: (-line[i].waited * rates[line[i].ticket_class], i))


def play_once(
    line: Sequence[InLine], situation: Situation, spread: float, random_numbers: random.Random
) -> list[float]:
    """Minutes from now until each ticket is called, in one possible future."""
    sigma = math.sqrt(math.log(1 + spread * spread))
    shift = sigma * sigma / 2
    means, rates = situation.mean_minutes, situation.rates
    gauss = random_numbers.gauss

    def service(category: str) -> float:
        return means.get(category, means[ANY]) * math.exp(sigma * gauss(0.0, 1.0) - shift)

    free: list[tuple[float, int]] = []
    for index, window in enumerate(situation.windows):
        at = 0.0
        if window.busy is not None:
            category, elapsed = window.busy
            at = service(category) - elapsed
            if at < 0:  # longer than drawn already: what is left of it is a part of a mean
                at = random_numbers.random() * means.get(category, means[ANY]) * spread
        free.append((at, index))
    heapq.heapify(free)

    own: dict[str, deque[int]] = {window.window: deque() for window in situation.windows}
    common = {"normal": deque[int](), "priority": deque[int]()}
    for i in sorted(range(len(line)), key=lambda i: -line[i].waited):
        ticket = line[i]
        if ticket.only_window is None:
            common[ticket.ticket_class].append(i)
        elif ticket.only_window in own:
            own[ticket.only_window].append(i)

    starts = [math.inf] * len(line)
    left = len(common["normal"]) + len(common["priority"])
    while left and free:
        now, index = heapq.heappop(free)
        mine = own[situation.windows[index].window]
        if mine:
            chosen = mine.popleft()
        else:
            chosen = _next(common, line, rates, now)
            left -= 1
        starts[chosen] = now
        heapq.heappush(free, (now + service(line[chosen].category), index))
    return starts


def _next(common: Mapping[str, deque[int]], line: Sequence[InLine], rates: Mapping[str, float], now: float) -> int:
    normal, priority = common["normal"], common["priority"]
    if not priority:
        return normal.popleft()
    if not normal:
        return priority.popleft()
    first = (line[normal[0]].waited + now) * rates["normal"]
    second = (line[priority[0]].waited + now) * rates["priority"]
    return priority.popleft() if second > first else normal.popleft()


def _percentiles(places: Sequence[int], runs: Sequence[Sequence[float]]) -> list[tuple[int, float, float]]:
    steps: list[tuple[int, float, float]] = []
    low_at, high_at = int(len(runs) * 0.1), math.ceil(len(runs) * 0.9) - 1
    for column, place in enumerate(places):
        waits = sorted(run[column] for run in runs)
        low, high = waits[low_at], waits[high_at]
        if steps:  # further back is never sooner: what is left of that is the noise of forty runs
            low, high = max(low, steps[-1][1]), max(high, steps[-1][2])
        steps.append((place, low, high))
    return steps
