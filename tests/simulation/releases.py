"""Releases in the town: what a hall publishes, good and bad, and what a kiosk's two slots make of it.

The hall's repository and its signatures are not here (tests/configuration tries those). What a kiosk does with a
release once it has it is, unchanged: looked at, taken, begun with between visits, watched, given up. Power may go at
any step.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, cast

import msgspec

from kiosk.configuration.client import Mirror, ReleaseClient, Unreachable
from kiosk.configuration.health import HealthWatch, Trial
from kiosk.configuration.health import Seen as Look
from kiosk.configuration.slots import DAMAGED, TRIES, Slots
from kiosk.configuration.taking import Taker
from kiosk.domain.fleet import Manifest, Slot
from kiosk.domain.release import MANIFEST, Bundle, digest
from kiosk.runtime.enrolment import Enrolment
from kiosk.session.state import Home
from kiosk.store.store import Store
from tests.simulation.clockwork import Process, pause
from tests.simulation.platter import Platter
from tests.simulation.promises import WHOLE_CONFIGURATION

if TYPE_CHECKING:
    from tests.simulation.hall import House
    from tests.simulation.town import Machine, Town

HEALTH_S = 30.0
"""Half of a real kiosk's, so that a history holds more trials."""
LOOK_S = 8.0
STUCK_S = 150.0
"""From the last step on until what is offered must be in service, once everything is mended."""


class Kind(StrEnum):
    GOOD = "good"
    INVALID = "invalid"
    """Noticed when it is looked at: never taken."""
    CRASHES = "crashes"
    """The front end dies of it, every time."""
    UNWELL = "unwell"
    """It starts, and does not become healthy."""


@dataclass(frozen=True)
class Release:
    kind: Kind
    bundle: Bundle


class Press:
    """What one hall has published, and what it offers just now."""

    def __init__(self, house: House, town: Town, chance: Random) -> None:
        self._town, self._chance = town, chance
        self.house = house
        self.published: dict[int, Release] = {}
        self.offered = 0

    def publish(self) -> None:
        """A new release; now and then an old one is offered again, as by a manager's mistake or a restored hall."""
        if self.published and self._chance.random() < 0.25:
            self._town.count_fault("old release offered")
            self.offered = self._chance.choice(sorted(self.published))
            return
        number = len(self.published) + 1
        kind = self._chance.choices(list(Kind), (6, 1, 2, 2))[0]
        self._town.count_fault(f"release published, {kind.value}")
        # Three files are enough to be whole or not.
        names = ("services.yaml", "texts/screens.zh.toml", "texts/screens.en.toml")
        files = {name: f"{name} {number} {self.house.name}\n" * 40 for name in names}
        manifest = Manifest(number, self._town.now(), kind.value, {name: digest(text) for name, text in files.items()})
        self.published[number] = Release(kind, Bundle(manifest, files))
        self.offered = number

    def settle(self) -> None:
        """What is offered at the end of an episode is good, and the newest."""
        while (
            not self.published
            or self.published[self.offered].kind is not Kind.GOOD
            or self.offered < max(self.published)
        ):
            self.publish()


@dataclass
class Seen:
    """What somebody who looks at one kiosk from outside knows of its releases."""

    number: int = 0
    starts: int = 0
    """Of ``number`` since it came into service, without having become healthy."""
    healthy: set[int] = field(default_factory=lambda: {0})
    given_up: set[int] = field(default_factory=set)
    by_hand: set[int] = field(default_factory=set)
    """A technician has asked to go back from it."""
    before: set[int] = field(default_factory=lambda: {0})
    """What it may go back to."""
    moved_at: float = 0.0


class Shelf:
    """One kiosk's slots, and the two processes' work on them."""

    def __init__(self, machine: Machine, chance: Random) -> None:
        self.machine, self._town, self._chance = machine, machine.town, chance
        self.folder = machine.folder / "configuration"
        self.platter = Platter(self.folder, machine.disk, chance)
        self.slots = Slots(self.folder)
        self.seen = Seen()
        self._began_at = 0.0

    # ---- the front end ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Before anything is read."""
        folder = self.slots.begin()
        self._began_at = self._town.loop.time()
        self._judge_start(folder)

    def watch(self) -> None:
        """Beside a running front end: healthy, or given up; and once nobody stands there, what waits is begun with."""
        front, number = self.machine.front, self.seen.number
        release = self.machine.hall.press.published.get(number)
        kind = release.kind if release is not None else Kind.GOOD
        fails_at = self._began_at + self._chance.uniform(0.5, HEALTH_S)
        if kind is Kind.CRASHES:
            pause(fails_at - self._began_at)
            self._ends(front)
            return

        def look() -> Look:
            failures = int(kind is Kind.UNWELL and self._town.loop.time() >= fails_at)
            return Look(True, True, True, True, failures, frozenset())

        trial = Trial(frozenset(), HEALTH_S)
        HealthWatch(self.slots, trial, look, lambda why: self._ends(front), self._town.loop.time).start()
        while not self._wants_to_end(number):
            pause(self._chance.uniform(1.0, LOOK_S))
        self._ends(front)

    def _wants_to_end(self, number: int) -> bool:
        state = self.slots.read()
        if state.state is Slot.HEALTHY and number and number == state.in_service:
            self._found_healthy(number)
            if self._chance.random() < 0.01:
                self._town.count_fault("rolled back by hand")
                self.seen.by_hand.add(number)
                with suppress(OSError):
                    return self.slots.roll_back("by hand", "T1", number)
        waits = state.pending is not None or state.in_service != (state.running.number if state.running else 0)
        return waits and isinstance(self.machine.page, Home) and self.machine.visitor is None

    def _found_healthy(self, number: int) -> None:
        if number in self.seen.healthy:
            return
        if self._town.loop.time() - self._began_at < HEALTH_S:
            self._broken(f"release {number} counted for healthy before anybody could know")
        self.seen.healthy.add(number)
        self.seen.moved_at = self._town.loop.time()

    def _ends(self, front: Process | None) -> None:
        """The service manager starts it anew."""
        if front is None or front is not self.machine.front:
            return

        def again() -> None:
            if self.machine.front is front:
                self.machine.start_front()

        self.seen.moved_at = self._town.loop.time()
        self._town.loop.at(0.6, again)
        self.machine.kill("front")

    # ---- the agent -------------------------------------------------------------------------------------------------

    def take(self, store: Store, enrolment: Enrolment) -> None:
        """Considers what is offered, for ever."""
        taker = Taker(
            self.folder, None, store, enrolment, cast(Mirror, None), self._town.now,
            self._taken, self._check,
        )  # fmt: skip
        taker._client = cast(ReleaseClient, self)
        while True:
            pause(self._chance.uniform(1.0, LOOK_S))
            if self._hall_answers():
                taker.consider(self.machine.hall.press.offered)

    def fetch(self, number: int, hall: str, kiosk: str) -> bytes:
        """In the place of the signed repository's client."""
        if not self._hall_answers():
            raise Unreachable("cut off")
        return msgspec.json.encode(self.machine.hall.press.published[number].bundle)

    def _hall_answers(self) -> bool:
        return self.machine.hall.alive and not self._town.network.link(self.machine.name).cut

    def _check(self, release: Path, own_settings: Path | None) -> str:
        manifest = msgspec.json.decode((release / MANIFEST).read_bytes(), type=Manifest)
        if manifest.note == Kind.INVALID:
            return "services.yaml: not a catalogue"
        if self.seen.number in self.seen.healthy - self.seen.by_hand:
            # It is about to be taken, into the slot of the one before: who rolls back now has the shipped values.
            self.seen.before.add(0)
        return ""

    def _taken(self) -> None:
        """The front end sees it by itself, between two visits."""
        self.seen.moved_at = self._town.loop.time()

    @property
    def begins_anew(self) -> bool:
        """Just now, for a release: the glass is empty for a moment."""
        return self._town.loop.time() - self.seen.moved_at < 5.0

    @property
    def tells(self) -> bool:
        """A release has moved lately, or its trial ends about now: a row of the audit log may be on its way."""
        return self._town.loop.time() - self.seen.moved_at < HEALTH_S + 30.0

    # ---- what anybody can see --------------------------------------------------------------------------------------

    def _judge_start(self, folder: Path | None) -> None:
        seen, number = self.seen, 0
        seen.moved_at = self._town.loop.time()
        if folder is not None:
            number = self._number_of(folder)
        state = self.slots.read()
        if state.problem == DAMAGED:
            self._broken("a release was damaged by a power cut")
        if number == seen.number:
            if number and state.state is Slot.HEALTHY:
                # Written down in the last moment before the power went.
                seen.healthy.add(number)
            seen.by_hand.discard(number)
            # On a full disk nothing can be counted, and nothing gone back from.
            if number not in seen.healthy and not self.machine.disk.full:
                seen.starts += 1
                if seen.starts > TRIES:
                    self._broken(f"release {number} was begun with {seen.starts} times, and never became healthy")
            return
        if number > seen.number:
            if number in seen.given_up:
                self._broken(f"release {number} had been given up")
            if seen.number in seen.healthy - seen.by_hand:
                seen.before = {seen.number}
            else:
                seen.given_up.add(seen.number)
        else:
            self._judge_fall(number)
        seen.number, seen.starts = number, 1

    def _judge_fall(self, number: int) -> None:
        """A kiosk goes back only from what is not healthy, or by hand; and to what it came from."""
        seen = self.seen
        if seen.number in seen.healthy and seen.number not in seen.by_hand:
            self._broken(f"release {seen.number} was healthy, and {number} came after it")
        published = self.machine.hall.press.published
        if seen.number not in seen.by_hand and published[seen.number].kind is Kind.GOOD and seen.starts < TRIES:
            self._broken(f"release {seen.number} was good, and given up after {seen.starts} starts")
        if number not in seen.before and not (number == 0 and seen.number in seen.by_hand):
            self._broken(f"from release {seen.number} back to {number}, not to {sorted(seen.before)}")
        seen.given_up.add(seen.number)
        seen.before = {0}

    def _number_of(self, folder: Path) -> int:
        """Byte for byte one published release. 0: it is none."""
        files = {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}
        for number, release in self.machine.hall.press.published.items():
            wanted = {name: text.encode() for name, text in release.bundle.files.items()}
            wanted[MANIFEST] = msgspec.json.encode(release.bundle.manifest)
            if files == wanted:
                if release.kind is Kind.INVALID:
                    self._broken(f"release {number} is not valid, and in service")
                return number
        self._broken("what is in service is no release, or not a whole one")
        return 0

    def nothing_waits(self) -> None:
        """Everything is mended: what is offered is in service, unless it was given up here."""
        offered, seen, now = self.machine.hall.press.offered, self.seen, self._town.loop.time()
        if (
            offered <= seen.number
            or offered in seen.given_up
            or now - max(seen.moved_at, self.machine.shown_at) < STUCK_S
        ):
            return
        if offered > self.slots.read().floor:
            self._broken(f"release {offered} waits, {seen.number} is in service")

    def _broken(self, what: str) -> None:
        self._town.violated(WHOLE_CONFIGURATION, f"{self.machine.name}: {what}")
