"""Visits without end, through the real window and the real loop, as fast as they can be drawn.

    python -m tests.soak.soak --visits 20000 --seed 1 [--mutant screens|threads|objects|double]

The window is a real one on a display of its own. Kivy's loop is stepped by hand and the clocks are moved by hand, so a
visit takes a twentieth of a second. Touches are real ones; every fifth is a double one. What is looked for: memory that
grows, drawings and sessions that outlive their visit, threads and files left over, and touches that count twice.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.environment import Look, prepare
from screens.extract_fonts import FONTS

if TYPE_CHECKING:
    from kiosk.runtime.loop import Runtime
    from screens.app import KioskApp
    from tests.screens.window import HandClock, Visitor
    from tests.soak.world import World

#: A quarter of a kiosk's screen: drawing without a graphics card is what takes the time.
WIDTH, HEIGHT = 270, 480

WARM_UP = 0.3
"""The share of the run in which caches may fill: textures of words, Python's own free lists, the allocator's arenas."""

SAMPLES = 24

GROWTH_KIB = 0.5
"""KiB a visit that memory may grow after the warm-up. A kiosk with 400 visits a day that starts anew every night stays
within 0.2 MiB by that; one drawn screen that is kept costs 15 KiB, one session with its person 2 KiB."""

ENOUGH_VISITS = 1_000
NOISE_KIB = 6 * 1024
"""How far one home page's memory differs from another's: the allocator's arenas of 1 MiB, textures not yet let go."""

BLOCKS_A_VISIT = 0.5
BLOCKS_NOISE = 1_000
SURE = 4.0
"""The same for blocks of memory that Python has given out. Of 330,000 at a home page some 900 come and go with what was
drawn before it, and in a short run caches still fill: growth counts only as far as it stands this many standard errors
above bound and noise. Blocks, not the collector's list of objects: that one leaves out every text, number and
dictionary of plain values, which is just what a forgotten log or cache is made of."""

LONGEST_VISIT = 18
"""Touches; then the person walks away."""

DOUBLE_EVERY = 5
TREMBLE_S = 0.1


@dataclass
class Sample:
    visits: int
    rss_kib: int
    blocks: int
    threads: int
    files: int
    kept: dict[str, int]
    """What of a visit is still there after its end, by class."""


@dataclass(frozen=True)
class Trend:
    """A straight line through samples, and how far its slope can be trusted."""

    slope: float
    error: float
    """The slope's standard error."""

    @classmethod
    def of(cls, points: list[tuple[int, int]]) -> Trend:
        """By least squares."""
        mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((x - mean_x) ** 2 for x, _ in points)
        slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
        rest = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
        return cls(slope, math.sqrt(rest / max(1, len(points) - 2) / spread))

    def __str__(self) -> str:
        return f"{self.slope:+.1f} ± {self.error:.1f}"


@dataclass
class Report:
    visits: int
    touches: int
    doubles: int
    counted_twice: int
    pages: set[str]
    walked_away: int
    samples: list[Sample]
    seconds: float
    seed: int
    more: Counter[str]
    """Since the warm-up, by class: how many more references there are to its objects. Names the culprit, no more."""
    problems: list[str] = field(default_factory=list)

    @property
    def memory(self) -> Trend:
        """KiB a visit."""
        return self._trend(lambda sample: sample.rss_kib)

    @property
    def blocks(self) -> Trend:
        """Blocks a visit."""
        return self._trend(lambda sample: sample.blocks)

    def _trend(self, of: Callable[[Sample], int]) -> Trend:
        return Trend.of([(sample.visits, of(sample)) for sample in self._late])

    @property
    def _late(self) -> list[Sample]:
        return [sample for sample in self.samples if sample.visits >= WARM_UP * self.visits]

    def judge(self) -> None:
        late = self._late
        first, last = late[0], late[-1]
        span = last.visits - first.visits
        # In a few hundred visits fonts and allocators are still warming up: their memory is no verdict yet.
        if self.visits >= ENOUGH_VISITS and self.memory.slope * span > GROWTH_KIB * span + NOISE_KIB:
            self.problems.append(f"memory grows by {self.memory.slope:.2f} KiB a visit")
        if (self.blocks.slope - SURE * self.blocks.error) * span > BLOCKS_A_VISIT * span + BLOCKS_NOISE:
            most = ", ".join(f"{name} {count:+}" for name, count in self.more.most_common(4))
            self.problems.append(f"{self.blocks} objects a visit are kept, references: {most}")
        if last.threads != first.threads:
            self.problems.append(f"{last.threads} threads, {first.threads} after the warm-up")
        if last.files != first.files:
            self.problems.append(f"{last.files} files open, {first.files} after the warm-up")
        for name in sorted({name for sample in self.samples for name, count in sample.kept.items() if count > 0}):
            self.problems.append(f"{name} outlives its visit")
        if self.counted_twice:
            self.problems.append(f"{self.counted_twice} of {self.doubles} double touches counted twice")

    def row(self) -> str:
        late = self._late
        return (
            f"soak | {self.visits} visits, {self.touches} touches on {len(self.pages)} pages |"
            f" {self.doubles} double touches, {self.walked_away} people walked away, one answer in 12 bad |"
            f" {len(self.problems)} violations | slope {self.memory.slope * 1024:+.0f} B a visit (bound"
            f" {GROWTH_KIB * 1024:.0f}, noise {NOISE_KIB // 1024} MiB),"
            f" {late[0].rss_kib / 1024:.0f} → {late[-1].rss_kib / 1024:.0f} MiB,"
            f" objects {self.blocks} a visit, {late[-1].threads} threads, {late[-1].files} files,"
            f" {self.visits / self.seconds:.0f} visits a second | seed {self.seed}"
        )


class Person:
    """Touches what is on the glass: mostly what leads on, sometimes anything, and sometimes walks away."""

    def __init__(self, visitor: Visitor, runtime: Runtime, world: World, chance: random.Random) -> None:
        self._visitor, self._runtime, self._world, self._chance = visitor, runtime, world, chance
        self.touches = self.doubles = self.counted_twice = self.walked_away = 0
        self.pages: set[str] = set()
        self._typed = 0

    @property
    def _app(self) -> KioskApp:
        return self._visitor.app

    @property
    def _clock(self) -> HandClock:
        return self._visitor.clock

    def visits(self) -> None:
        """From the home page to the home page."""
        number = self._runtime.session.visit
        self._typed = 0
        for _ in range(LONGEST_VISIT):
            page = self._app._page_name
            if (page == "identify" and self._chance.random() < 0.9) or (page == "home" and self._chance.random() < 0.1):
                self._world.lays_card()
            else:
                self._touch(self._chooses())
            self._settles()
            assert not self._app._faults, f"{page} could not be drawn, or what followed it"
            if self._runtime.session.visit != number:
                return
        self._walks_away(number)

    def _walks_away(self, number: int) -> None:
        self.walked_away += 1
        for _ in range(20):
            due = self._runtime.next_deadline()
            if due is None:
                break
            # The last seconds are counted down on the glass.
            self._clock.passed = max(self._clock.passed, due - 5)
            self._frame()
            self._clock.passed = max(self._clock.passed, due + 0.1)
            self._runtime.expire()
            self._settles()
            if self._runtime.session.visit != number:
                return
        raise AssertionError(f"stuck on {self._app._page_name}")

    def home_again(self) -> None:
        """The glass as it is between two visits, in Chinese, whatever the last one chose."""
        self._settles()
        assert self._app._page_name == "home", self._app._page_name

    def _chooses(self) -> str:
        names = [target.name for target in self._app.stage.targets()]
        if self._app._page_name == "home":
            return self._chance.choice([name for name in names if name not in ("language", "large_text")])
        if self._chance.random() < 0.15:
            return self._chance.choice(names)
        keys = [name for name in names if name.startswith("key.")]
        on = [name for name in ("submit", "pay", "next") if name in names]
        if keys and (self._typed < 3 or not on) and self._typed < 4:
            self._typed += 1
            return self._chance.choice(keys)
        self._typed = 0
        beside = ("key.", "change.", "language", "large_text", "back", "list.", "more_time", "use_")
        choices = [name for name in names if not name.startswith(beside)]
        return self._chance.choice(on + choices + choices or names)

    def _touch(self, name: str) -> None:
        from kiosk.session.events import Touched

        x, y = self._visitor.middle(name)
        turned = self._app._turned
        self.touches += 1
        self._tap(x, y)
        if self.touches % DOUBLE_EVERY == 0 and not name.startswith("key."):
            # Trembling fingers: before anything has answered.
            self.doubles += 1
            self._clock.passed += TREMBLE_S
            self._tap(x, y)
            events = self._visitor.posted()
            # A button that the first touch took away leaves the second one beside everything: no harm.
            if sum(1 for event in events if not isinstance(event, Touched)) > 1 or self._app._turned - turned > 1:
                self.counted_twice += 1
            for event in events[:1]:
                self._app.inbox.post(event)
        self._clock.passed += 1

    def _tap(self, x: float, y: float) -> None:
        from kivy.tests.common import UnitTestTouch

        touch = UnitTestTouch(x, self._app.stage.size.h * self._app.stage.unit - y)
        touch.touch_down()
        if self._chance.random() < 0.1:
            self._frame()
        touch.touch_up()

    def _settles(self) -> None:
        """The loop takes what has been posted; sometimes a frame falls in between."""
        while (event := self._app.inbox.take(0)) is not None:
            self._runtime.handle(event)
            if self._chance.random() < 0.1:
                self._frame()
        self._frame()
        self._clock.passed += 1

    def _frame(self) -> None:
        self._visitor.step(1)
        self.pages.add(self._app._page_name)


def play(visits: int, seed: int, mutant: str = "") -> Report:
    """In this process, on $DISPLAY; once a process."""
    prepare(Look("portrait", WIDTH, HEIGHT, fullscreen=False))

    from kivy.clock import Clock as KivyClock

    from kiosk.runtime import logs
    from kiosk.runtime.loop import Runtime
    from tests.screens import window
    from tests.soak.world import ALL_WELL, RULES, World

    logs.configure("soak")
    visitor = window.open_window(Look("portrait", WIDTH, HEIGHT, fullscreen=False))
    # As fast as it can be drawn: the kiosk's own limit of 30 frames a second would make a visit take a second.
    KivyClock._max_fps = 0
    app = visitor.app
    chance = random.Random(seed)
    world = World(app.inbox, chance, visitor.clock.now())
    runtime = Runtime(RULES, app.inbox, visitor.clock, world.perform, app.show)
    person = Person(visitor, runtime, world, chance)
    runtime.begin()
    for event in ALL_WELL:
        runtime.handle(event)
    person.home_again()
    forgets = MUTANTS[mutant](app) if mutant else lambda: None

    person.home_again()
    before = _look(0)
    samples: list[Sample] = []
    warm: Counter[str] = Counter()
    began = time.monotonic()
    every = max(1, visits // SAMPLES)
    for number in range(1, visits + 1):
        person.visits()
        forgets()
        if number % every == 0:
            person.home_again()
            samples.append(_look(number, before))
            if not warm and number >= WARM_UP * visits:
                warm = _references()
    seconds = time.monotonic() - began
    report = Report(
        visits, person.touches, person.doubles, person.counted_twice, person.pages, person.walked_away, samples,
        seconds, seed, _references() - warm,
    )  # fmt: skip
    report.judge()
    app.stop()
    return report


#: What belongs to one visit. (A few stand in modules as samples: what the first home page has is no leak.)
_OF_A_VISIT = ("Session", "Holder", "FilingView", "TaxpayerFile", "Assessment", "Shown", "TicketSlip", "Screen or Box")


def _look(visits: int, before: Sample | None = None) -> Sample:
    """``before``: the same at the first home page."""
    gc.collect()
    blocks = sys.getallocatedblocks()
    everything = gc.get_objects()
    counts = dict.fromkeys(_OF_A_VISIT, 0)
    for thing in everything:
        kind = type(thing)
        # Of built-in classes the module may be a descriptor.
        module = str(kind.__module__)
        if kind.__name__ in counts and module.startswith("kiosk."):
            counts[kind.__name__] += 1
        elif module.startswith("screens.") and kind.__name__.endswith(("Screen", "Box", "View")):
            counts["Screen or Box"] += 1
    kept = {name: count - before.kept[name] for name, count in counts.items()} if before else counts
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Sample(
        visits,
        pages * os.sysconf("SC_PAGESIZE") // 1024,
        blocks,
        len(list(Path("/proc/self/task").iterdir())),
        _files(),
        kept,
    )


def _references() -> Counter[str]:
    """By the class of what they lead to: nothing is kept while counting, and untracked objects are counted too."""
    gc.collect()
    return Counter(type(thing).__name__ for holder in gc.get_objects() for thing in gc.get_referents(holder))


def _files() -> int:
    """Open files without the fonts: Kivy keeps the last 64 of them, one a size, and has them all after a while."""
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]
    return sum(1 for link in links if link.is_symlink() and not os.readlink(link).startswith(str(FONTS)))


# ---- defects that a soak has to find -------------------------------------------------------------------------------


def _keeps_screens(app: KioskApp) -> Callable[[], None]:
    kept: list[Any] = []
    present = app._present

    def keeping(screen: Any) -> None:
        kept.append(screen)
        present(screen)

    app._present = keeping  # type: ignore[method-assign]
    return lambda: None


def _leaves_threads(app: KioskApp) -> Callable[[], None]:
    forever = threading.Event()
    return lambda: threading.Thread(target=forever.wait, daemon=True).start()


def _keeps_objects(app: KioskApp) -> Callable[[], None]:
    log: list[dict[str, int]] = []

    def note() -> None:
        log.extend({"at": n} for n in range(50))

    return note


def _counts_double(app: KioskApp) -> Callable[[], None]:
    from screens import touches

    touches.SAME_TARGET_S = 0.0
    return lambda: None


MUTANTS: dict[str, Callable[[KioskApp], Callable[[], None]]] = {
    "screens": _keeps_screens,
    "threads": _leaves_threads,
    "objects": _keeps_objects,
    "double": _counts_double,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutant", choices=sorted(MUTANTS), default="")
    given = parser.parse_args()
    from tests.screens.window import virtual_display

    with virtual_display(HEIGHT) as display:
        # One thread draws so small a window faster than several.
        os.environ.update(DISPLAY=display, LP_NUM_THREADS="0")
        report = play(given.visits, given.seed, given.mutant)
    sys.stdout.write(f"{report.row()}\n")
    for problem in report.problems:
        sys.stdout.write(f"  {problem}\n")
    sys.stdout.write(json.dumps({"pages": sorted(report.pages)}) + "\n")
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
