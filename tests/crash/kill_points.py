"""kill -9 at every write and flush, disks that fail and fill, clocks that jump: on the real processes, then count.

    python -m tests.crash.kill_points [--seed 1] [--points 40] [--list]

A town of real processes; one of them (kiosk, agent or hall) runs under strace, which kills it, or lets the call fail,
at its nth write to its database, its printers or its terminal. Then everything is mended, the person comes back until
nothing is left to do, and the books of hall, bureaus, terminal and paper are held against each other (campaign).

Counts are strace's: of one call in one thread. Where two threads write, the one that gets to its nth call first dies
there. What that leaves out the recorded runs of kill_points_power have: there every prefix of the record is tried.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.hall_server import command
from demo.processes import Failed, wait_until
from kiosk.cli.output import open_store
from kiosk.domain.holder import Holder
from kiosk.session.state import Purpose
from kiosk.settings import load
from kiosk.store.database import StoreError
from tests.crash.campaign import ANSWERS, Campaign
from tests.crash.script import Wish
from tests.crash.town import Citizen, Town, VisitEnded, citizens

WRITES = ("pwrite64", "write", "fsync", "fdatasync")
TICKET = Purpose.TAKE_NUMBER
PURPOSES = (TICKET, Purpose.FILE, Purpose.INVOICE, Purpose.CERTIFICATE)
DAYS = 400


@dataclass(frozen=True)
class Point:
    """``who`` meets ``what`` at its nth ``call`` during a visit for ``purpose``."""

    purpose: Purpose
    who: str
    """kiosk, agent, hall"""
    what: str
    """kill, EIO, full, clock"""
    call: str = ""
    number: int = 0

    def __str__(self) -> str:
        return f"{self.purpose.value}: {self.who} {self.what} {self.call} {self.number}".strip()


@dataclass
class Tally:
    points: int = 0
    fell: int = 0
    violations: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def row(self, seed: int) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return (
            f"kill points | {self.points} points, {self.fell} of them reached | {kinds} |"
            f" {len(self.violations)} violations | {self.seconds / max(self.points, 1):.1f} s a point | seed {seed}"
        )


class Trial:
    """Plays points in one town, one person each. Use it in a ``with`` statement."""

    def __init__(self, folder: Path, people: int, seed: int) -> None:
        self.folder = folder
        self.town = Town(folder, citizens(people))
        self._seed = seed

    def __enter__(self) -> Trial:
        self.town.__enter__()
        self._sound_kiosk, self._sound_agent = self.town.kiosk_program, self.town.agent_program
        self._sound_hall = self.town.hall.program
        self.campaign = Campaign(self.town, self._seed)
        return self

    def __exit__(self, *why: object) -> None:
        self.town.close()

    # ---- how many points there are ---------------------------------------------------------------------------------

    def count(self) -> list[Point]:
        """One undisturbed visit of each kind is watched: every call of it is a point."""
        points = []
        for purpose in PURPOSES:
            person = next(self.campaign._people)
            if purpose is Purpose.CERTIFICATE:
                self.campaign._visit(person, self._wish(person, Purpose.FILE))
            logs = {who: self.folder / f"count-{purpose.value}-{who}" for who in ("kiosk", "agent", "hall")}
            with self._watched(logs):
                self.campaign._visit(person, self._wish(person, purpose))
                self.town.settled()
            for who, log in logs.items():
                calls: Counter[tuple[str, str]] = Counter()
                for thread, call in re.findall(r"^(\d+) +(\w+)\(", log.read_text(errors="replace"), re.MULTILINE):
                    calls[thread, call] += 1
                for call in WRITES:
                    most = max((count for (_, each), count in calls.items() if each == call), default=0)
                    # A terminal or printer is spoken to all the time; the first hundred words cover a whole job.
                    points += [Point(purpose, who, "kill", call, n) for n in range(1, min(most, 100) + 1)]
                    if call in ("fsync", "fdatasync"):
                        points += [Point(purpose, who, "EIO", call, n) for n in range(1, most + 1)]
        return points

    @contextmanager
    def _watched(self, logs: dict[str, Path]) -> Iterator[None]:
        with self._damaged({who: self._strace(who, log) for who, log in logs.items()}):
            yield

    def _strace(self, who: str, log: Path, *more: str) -> list[str]:
        data = self.town.hall.data / "hall.sqlite" if who == "hall" else self.folder / "kiosk" / "kiosk.sqlite"
        paths = [str(data), f"{data}-wal"]
        if who == "kiosk":
            bench = self.town.bench
            paths += [os.readlink(bench / name) for name in ("ticket-printer", "receipt-printer", "pos")]
        return [
            "strace", "-f", "-qq", "-o", str(log), "-e", "signal=none", "-e", f"trace={','.join(WRITES)}",
            *(word for path in paths for word in ("-P", path)), *more,
            "--", "setpriv", "--pdeathsig", "KILL", "--",
        ]  # fmt: skip

    @contextmanager
    def _damaged(self, before: dict[str, list[str]]) -> Iterator[None]:
        """What stands before whose program, while it lasts; hall and agent are started anew with it."""
        town = self.town
        if "kiosk" in before:
            town.kiosk_program = [*before["kiosk"], *self._sound_kiosk]
        if "agent" in before:
            town.kill_agent()
            town.agent_program = [*before["agent"], *self._sound_agent]
            town.start_agent()
        if "hall" in before:
            town.hall.stop()
            town.hall.program = [*before["hall"], *command("taxhall")]
            # Where it dies while it starts, it is started again, soundly: heal.
            with contextlib.suppress(Failed):
                town.hall.start()
        try:
            yield
        finally:
            town.kiosk_program, town.agent_program = self._sound_kiosk, self._sound_agent
            town.hall.program = self._sound_hall
            if "agent" in before:
                town.kill_agent()
            if "hall" in before:
                town.hall.kill()

    # ---- one point -------------------------------------------------------------------------------------------------

    def play(self, point: Point, tally: Tally) -> None:
        began = time.monotonic()
        tally.points += 1
        tally.kinds[f"{point.what} {point.who}"] += 1
        town, campaign = self.town, self.campaign
        person = next(campaign._people)
        charges, papers = len(town.charges()), len(town.papers())
        slips = len(town.do("ticket-printer", "slips"))
        problems: list[str] = []
        try:
            if point.purpose is Purpose.CERTIFICATE:
                campaign._visit(person, self._wish(person, Purpose.FILE))
            reached = self._suffer(point, person)
            tally.fell += reached
            town.heal()
            if point.purpose is TICKET:
                self._takes_a_number(person)
            else:
                campaign._comes_back(person, point.purpose)
            town.settled()
            campaign._papers_are_accounted()
        except (Failed, StoreError) as failed:
            problems.append(str(failed).splitlines()[0])
        if point.purpose is TICKET:
            problems += self._ticket_problems(person, town.do("ticket-printer", "slips")[slips:])
        else:
            problems += campaign._books(person, point.purpose, town.charges()[charges:], town.papers()[papers:])
        tally.violations += [f"{point}: {problem}" for problem in problems]
        tally.seconds += time.monotonic() - began
        with (self.folder / "points").open("a", encoding="utf-8") as file:
            file.write(f"{point}: {'; '.join(problems) or 'settled'}\n")

    def _wish(self, person: Citizen, purpose: Purpose) -> Wish:
        if purpose is TICKET:
            return Wish(purpose, "", self.campaign._wish(person, Purpose.FILE).form, ANSWERS)
        return self.campaign._wish(person, purpose)

    def _suffer(self, point: Point, person: Citizen) -> bool:
        """The visit in which it happens; whether it did."""
        wish = self._wish(person, point.purpose)
        match point.what:
            case "full":
                return self._with_a_full_disk(person, wish, point.number)
            case "clock":
                days = DAYS if point.number > 0 else -DAYS
                self.town.kiosk_program = [sys.executable, "-m", "tests.crash.kill_points_clock", str(days)]
                try:
                    self.campaign._visit(person, wish)
                finally:
                    self.town.kiosk_program = self._sound_kiosk
                return True
            case _:
                how = "signal=KILL" if point.what == "kill" else f"error={point.what}"
                log = self.folder / "point.trace"
                inject = f"inject={point.call}:{how}:when={point.number}"
                with self._damaged({point.who: self._strace(point.who, log, "-e", inject)}):
                    self.campaign._visit(person, wish)
                    if point.who == "agent":
                        time.sleep(1.0)
                said = log.read_text(errors="replace") if log.exists() else ""
                return "INJECTED" in said or "killed by SIGKILL" in said

    def _with_a_full_disk(self, person: Citizen, wish: Wish, step: int) -> bool:
        """The kiosk's disk fills up before one effect of the visit, and is empty again after it."""
        filler, full = self.folder / "kiosk" / "filler", []

        def fate(number: int, name: str) -> None:
            if number != step:
                return
            full.append(name)
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

        try:
            with contextlib.suppress(VisitEnded):
                self.town.visit(person, wish, fate)
        finally:
            filler.unlink(missing_ok=True)
        return bool(full)

    # ---- numbers ---------------------------------------------------------------------------------------------------

    def _takes_a_number(self, person: Citizen) -> None:
        for _ in range(6):
            if self.campaign._visit(person, self._wish(person, TICKET)) == "finished":
                break
        else:
            raise Failed("no number after six visits")

        def drained() -> bool:
            kept = self.town.settings.parent / "kiosk.sqlite"
            return kept.exists() and not self._voids_on_the_way()

        wait_until(drained, 30, "the hall knows every number")

    def _voids_on_the_way(self) -> bool:
        store = open_store(load(self.town.settings))
        try:
            return bool(store.journal_after(store.journal_mark().high_water, 1))
        finally:
            store.close()

    def _ticket_problems(self, person: Citizen, slips: list[str]) -> list[str]:
        """One number is one ticket; what is on paper is good; nobody holds two of the hall's."""
        problems = []
        reference = Holder(person.number).reference(self.campaign._pepper)
        tickets = self.town.hall_rows("SELECT number, state, series FROM ticket WHERE holder_ref = ?", reference)
        good = [number for number, state, _ in tickets if state == "waiting"]
        if len([1 for _, state, series in tickets if state == "waiting" and series == "hall"]) > 1 or not good:
            problems.append(f"holds {tickets}")
        numbers = Counter(
            found.group(1) + ("" if "补打" not in slip else " 补打")
            for slip in slips
            if (found := re.search(r"^\s*(A\d{3,}|K7-\d{3,})\s*$", slip, re.MULTILINE))
        )
        problems += [f"{number} stands on {count} slips" for number, count in numbers.items() if count > 1]
        return problems


@contextmanager
def small_disk(folder: Path, kib: int = 4096) -> Iterator[None]:
    """The kiosk's folder on a disk of its own, of a few MiB. Needs root."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def draw(points: list[Point], count: int, seed: int) -> list[Point]:
    """So many of each victim and each purpose as there are, evenly."""
    chance = random.Random(seed)
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for point in points:
        groups.setdefault((point.who, point.what, point.purpose), []).append(point)
    for group in groups.values():
        chance.shuffle(group)
    order = list(groups.values())
    chance.shuffle(order)
    drawn: list[Point] = []
    while order and len(drawn) < count:
        order = [group for group in order if group]
        drawn += [group.pop() for group in order]
    return drawn[:count]


def beside(full_disk: bool) -> list[Point]:
    """What strace cannot do: full disks before each effect, and clocks that jump."""
    clocks = [Point(purpose, "kiosk", "clock", "", sign) for purpose in PURPOSES[:2] for sign in (1, -1)]
    steps = {TICKET: 4, Purpose.FILE: 12, Purpose.INVOICE: 14, Purpose.CERTIFICATE: 6}
    full = [Point(purpose, "kiosk", "full", "", step) for purpose, last in steps.items() for step in range(1, last + 1)]
    return clocks + (full if full_disk else [])


def play(folder: Path, count: int, seed: int, points: list[Point] | None = None) -> Tally:
    """``count`` 0: all there are."""
    tally = Tally()
    with contextlib.ExitStack() as stack:
        root = os.geteuid() == 0
        people = 4000 if not count else count + 20
        trial = Trial(folder, people, seed)
        if root:
            # Town makes the folder itself: it stands on the small disk beforehand.
            stack.enter_context(small_disk(folder / "kiosk"))
        stack.enter_context(trial)
        if points is None:
            points = [*trial.count(), *beside(root)]
            points = draw(points, count or len(points), seed)
        for point in points:
            trial.play(point, tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--points", type=int, default=0, help="so many, drawn by the seed; 0: all")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kill-points-"))
    tally = play(folder, given.points, given.seed)
    for problem in tally.violations:
        sys.stdout.write(f"  {problem}\n")
    sys.stdout.write(tally.row(given.seed) + "\n")
    return 1 if tally.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
