"""A push to a thousand kiosks, with the clock running.

    python -m tests.configuration.thousand [--kiosks 1000] [--processes 2] [--health 0.5] [--seed 1]

The hall is a real server process with its real repository, keys and stages. Each kiosk has an identity and a key of its
own, a folder and an encrypted store of its own, the real slots, client and taker, and its own open line to the hall, on
which it hears of a release; it fetches, verifies, puts in, begins, is watched, and reports, all over HTTP and signed.
What a thousand machines would do for themselves and one cannot do for them: what is in a release is looked at once a
process instead of once a kiosk (0.2 s each), there is no window, and the minute of health is shortened (--health).

Three releases: one that is good, one that is bad for everybody, and one that is bad for every tenth kiosk.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import create_engine

from demo.hall_server import HallServer
from demo.processes import Failed, wait_until
from hall.fleet import enrolment as hall_enrolment
from hall.fleet import rollout
from hall.fleet.releases import Repository
from hall.settings import read_settings
from hall.store.database import FILE
from hall.store.writer import run_once
from kiosk.configuration import validate
from kiosk.configuration.health import Seen, Trial
from kiosk.configuration.taking import Taker
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.fleet import Audience, ConfigurationReport, KioskReport, Slot, StorageReport
from kiosk.runtime import enrolment as kiosk_enrolment
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient, HallError
from kiosk.sync.signing import Signer
from tests.configuration.office import keyring, public, signed

HALL = "zz-longwen"
STARTS_S = 0.6
"""What a start of the front end takes (make bench)."""


def good(idle_s: float) -> dict[str, str]:
    return {"settings.toml": f"[limits]\nidle_s = {idle_s}\n"}


# ---- the kiosks, many in one process -------------------------------------------------------------------------------


@functools.cache
def _looked_at(content: str) -> str:
    with tempfile.TemporaryDirectory() as name:
        for file, text in json.loads(content).items():
            place = Path(name) / file
            place.parent.mkdir(exist_ok=True)
            place.write_text(text, encoding="utf-8")
        return validate.check(Path(name), None)


def look_once(release: Path, own_settings: Path | None) -> str:
    """The real look, but once for each content."""
    files = {str(file.relative_to(release)): file.read_text() for file in sorted(release.rglob("*")) if file.is_file()}
    # The manifest says when it was made: what is looked at is the rest.
    files.pop("manifest.json")
    return _looked_at(json.dumps(files))


class OneKiosk:
    """Agent and front end of one kiosk in one thread; ``bad``: release → whether it fails here."""

    def __init__(self, folder: Path, url: str, code: str, health_s: float, bad: Callable[[str, int], bool]) -> None:
        folder.mkdir(parents=True)
        self.store = Store(folder / "kiosk.sqlite", os.urandom(32))
        with_code = HallClient(url)
        self.enrolment = kiosk_enrolment.enrol(self.store, with_code, code, 60.0)
        with_code.close()
        self.name = self.enrolment.kiosk
        self._health_s = health_s
        self._bad = bad
        self._url = url
        self.hall = HallClient(url, self._signer())
        self.wants_restart = False
        self.taker = Taker(
            folder / "configuration", None, self.store, self.enrolment, self.hall, now, self._ask_restart, look_once
        )
        self._line = threading.Thread(target=self._listen, daemon=True)

    def _signer(self) -> Signer:
        return Signer(self.name, self.enrolment.private_key)

    def _ask_restart(self) -> None:
        self.wants_restart = True

    def start(self) -> None:
        self.taker.slots.begin()
        self._report(self.taker.report())
        self._line.start()

    def _listen(self) -> None:
        line = HallClient(self._url, self._signer())
        while True:
            try:
                with line.listen(120.0) as events:
                    for event, data in events:
                        if event == "release":
                            self._offered(json.loads(data)["release"])
            except HallError:
                time.sleep(1.0)

    def _offered(self, number: int) -> None:
        report = self.taker.consider(number)
        if report.state is Slot.REFUSED:
            self._report(report)
        if not self.wants_restart:
            return
        self.wants_restart = False
        self._begin()
        report = self.taker.report()
        self._report(report)
        self._on_trial(report.running)

    def _begin(self) -> None:
        # Nobody stands there: the front end ends and begins anew.
        time.sleep(STARTS_S)
        self.taker.slots.begin()

    def _on_trial(self, number: int) -> None:
        trial = Trial(frozenset(), self._health_s)
        failures = int(self._bad(self.name, number))
        verdict = None
        began = time.monotonic()
        while verdict is None:
            time.sleep(min(0.5, self._health_s / 2))
            verdict = trial.judge(time.monotonic() - began, Seen(True, True, True, True, failures, frozenset()))
        if verdict == "":
            self.taker.slots.confirm(number)
        else:
            self.taker.slots.roll_back(verdict, number=number)
            self._begin()
        self._report(self.taker.report())

    def _report(self, configuration: ConfigurationReport) -> None:
        at = now()
        told = KioskReport(at, at, at, "0.1.0", {}, 0, configuration, StorageReport(1, 2))
        for _ in range(20):
            try:
                self.hall.report(told, 60.0)
                return
            except HallError:
                time.sleep(0.5)


def now() -> datetime:
    return datetime.now(HALL_ZONE)


def bad_for(name: str, number: int) -> bool:
    """Release 2 fails everywhere, release 3 at every tenth kiosk."""
    return number == 2 or (number == 3 and int(name[1:]) % 10 == 3)


def work(folder: Path, url: str, codes: list[str], health_s: float) -> None:
    """One process of kiosks: says ``ready``, and ``where`` when it is asked."""
    with ThreadPoolExecutor(4) as pool:
        kiosks = list(pool.map(lambda code: OneKiosk(folder / code, url, code, health_s, bad_for), codes))
    for kiosk in kiosks:
        kiosk.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        if line.startswith("where"):
            running: dict[str, int] = {}
            for kiosk in kiosks:
                state = kiosk.taker.slots.read()
                running[f"{state.in_service} {state.state}"] = running.get(f"{state.in_service} {state.state}", 0) + 1
            sys.stdout.write(json.dumps(running) + "\n")
            sys.stdout.flush()


# ---- the push ------------------------------------------------------------------------------------------------------


@dataclass
class Result:
    kiosks: int
    good_s: float = 0.0
    hall_cpu_s: float = 0.0
    kiosks_cpu_s: float = 0.0
    bad_halted_s: float = 0.0
    bad_back_s: float = 0.0
    bad_tried: int = 0
    tenth_halted_s: float = 0.0
    tenth_back_s: float = 0.0
    tenth_tried: int = 0
    violations: list[str] = field(default_factory=list)

    def row(self, health_s: float, seed: int) -> str:
        return (
            f"push to {self.kiosks} kiosks, {health_s:g} s of health | published to all healthy {self.good_s:.1f} s"
            f" ({self.hall_cpu_s:.1f} s of it the hall's processor, {self.kiosks_cpu_s:.1f} s all kiosks' together) |"
            f" bad one: {self.bad_tried} tried it, halted after {self.bad_halted_s:.1f} s, back after"
            f" {self.bad_back_s:.1f} s | bad for every tenth: {self.tenth_tried} tried it, halted after"
            f" {self.tenth_halted_s:.1f} s, back after {self.tenth_back_s:.1f} s |"
            f" {len(self.violations)} violations | seed {seed}"
        )


class Push:
    def __init__(self, folder: Path, kiosks: int, processes: int, health_s: float, seed: int) -> None:
        self.folder, self.count, self.health_s = folder, kiosks, health_s
        self.hall = HallServer(folder / "hall")
        self._processes = processes
        self._players: list[subprocess.Popen[str]] = []
        self._chance = random.Random(seed)
        self._settings = read_settings(None)

    @contextmanager
    def standing(self) -> Iterator[Push]:
        """Hall and kiosks are there, every line is open."""
        data = self.hall.data
        data.mkdir(parents=True)
        repository = self.repository
        draft = repository.draft_beginning(public("r1", "r2", "r3"), public("o1", "o2", "o3"), 2, "chen", now())
        repository.publish(signed(draft, "r1", "r2", "o1", "o2"), now())
        names = [f"K{number}" for number in range(self.count)]
        self._chance.shuffle(names)
        self._reader = create_engine(f"sqlite:///{data / FILE}", module=sqlite)
        codes = run_once(data, lambda work: [hall_enrolment.make_code(work, name) for name in names])
        try:
            self.hall.start()
            share = -(-len(codes) // self._processes)
            for index in range(self._processes):
                mine = codes[index * share : (index + 1) * share]
                words = [sys.executable, "-m", "tests.configuration.thousand", "--work", self.hall.url]
                words += [str(self.folder / f"kiosks-{index}"), str(self.health_s)]
                log = (self.folder / f"kiosks-{index}.log").open("w")
                player = subprocess.Popen(
                    words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
                )
                _line(player, json.dumps(mine))
                self._players.append(player)
            for player in self._players:
                _read(player, "ready")
            yield self
        finally:
            for player in self._players:
                player.kill()
                player.wait()
            self.hall.kill()

    @property
    def repository(self) -> Repository:
        return Repository(self.hall.data / "releases", self._settings.releases)

    def publish(self, number: int, files: dict[str, str]) -> float:
        """When it was published (monotonic)."""
        draft = self.repository.draft_release(files, Audience(HALL), f"number {number}", "chen", now(), number - 1)
        signed(draft, "o1", "o2")
        self.repository.publish(draft, now())
        stages = self._settings.releases.stages
        run_once(self.hall.data, lambda work: rollout.add(work, number, "chen", "a release", Audience(HALL), stages))
        return time.monotonic()

    def release(self, number: int) -> rollout.ReleaseView:
        # Only looking: a second writer would wait behind a thousand reports.
        with self._reader.connect() as connection:
            return next(each for each in rollout.releases(connection) if each.number == number)

    def where(self) -> dict[str, int]:
        """What runs where, as the kiosks' own disks say it."""
        told: dict[str, int] = {}
        for player in self._players:
            _line(player, "where")
            for what, count in json.loads(_read(player, "{")).items():
                told[what] = told.get(what, 0) + count
        return told

    def play(self) -> Result:
        result = Result(self.count)
        hall_cpu, kiosks_cpu = self._cpu_s()
        began = self.publish(1, good(61.0))
        # By the kiosks' own disks: the hall does not wait for one that it has not heard from for three minutes.
        self._until(lambda: self.where() == {"1 healthy": self.count} and self.release(1).state != "rolling", 600)
        result.good_s = time.monotonic() - began
        result.hall_cpu_s, result.kiosks_cpu_s = (
            now - then for now, then in zip(self._cpu_s(), (hall_cpu, kiosks_cpu), strict=True)
        )
        if (where := self.where()) != {"1 healthy": self.count}:
            result.violations.append(f"after the good one: {where} ({self.release(1)})")

        began = self.publish(2, good(62.0))
        self._until(lambda: self.release(2).state != "rolling", 300)
        result.bad_halted_s = time.monotonic() - began
        self._until(lambda: _all_on(self.where(), 1), 300)
        result.bad_back_s = time.monotonic() - began
        view = self.release(2)
        result.bad_tried = view.offered
        if view.state != "halted" or view.stage != 1:
            result.violations.append(f"the bad one went on: {view}")
        if (where := self.where()) != {"1 healthy": self.count - 1, "1 rolled_back": 1}:
            result.violations.append(f"after the bad one: {where}")

        began = self.publish(3, good(63.0))
        self._until(lambda: self.release(3).state != "rolling", 300)
        result.tenth_halted_s = time.monotonic() - began
        self._until(lambda: _settled(self.where()), 300)
        result.tenth_back_s = time.monotonic() - began
        view = self.release(3)
        result.tenth_tried = view.offered
        if not _settled(where := self.where()):
            result.violations.append(f"after the one that was bad for every tenth: {where}")
        if view.state != "halted" or view.stage == len(view.stages):
            result.violations.append(f"the one that was bad for every tenth went on: {view}")
        return result

    def _cpu_s(self) -> tuple[float, float]:
        """Seconds of a processor used so far: by the hall, by all kiosks."""

        def used(pid: int) -> float:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        return used(self.hall.process.pid), sum(used(player.pid) for player in self._players)

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Time that runs out shows as a violation of what is looked at next."""
        with suppress(Failed):
            wait_until(lambda: condition() or _pause(), seconds, "the release has ended its way")


def _pause() -> bool:
    # Looking takes the hall's write lock and its time: not more often than this.
    time.sleep(0.1)
    return False


def _all_on(where: dict[str, int], number: int) -> bool:
    return all(what.startswith(f"{number} ") for what in where)


def _settled(where: dict[str, int]) -> bool:
    return not any(what.endswith("trying") or what == "3 rolled_back" for what in where)


def _line(player: subprocess.Popen[str], words: str) -> None:
    assert player.stdin is not None
    player.stdin.write(words + "\n")
    player.stdin.flush()


def _read(player: subprocess.Popen[str], beginning: str) -> str:
    assert player.stdout is not None
    for line in player.stdout:
        if line.startswith(beginning):
            return line
    raise RuntimeError("a process of kiosks has ended")


def push(kiosks: int, processes: int, health_s: float, seed: int) -> Result:
    keyring()
    folder = Path(tempfile.mkdtemp(prefix="push-"))
    try:
        with Push(folder, kiosks, processes, health_s, seed).standing() as standing:
            return standing.play()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    if sys.argv[1:2] == ["--work"]:
        url, folder, health_s = sys.argv[2:5]
        work(Path(folder), url, json.loads(sys.stdin.readline()), float(health_s))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kiosks", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--health", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    result = push(given.kiosks, given.processes, given.health, given.seed)
    for problem in result.violations:
        sys.stdout.write(f"  {problem}\n")
    sys.stdout.write(result.row(given.health, given.seed) + "\n")
    return 1 if result.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
