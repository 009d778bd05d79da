"""One history: two halls, their kiosks, everybody who comes, and everything that goes wrong, out of one seed."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import shutil
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any, TextIO, cast

import httpx2
import msgspec
import sqlcipher3.dbapi2 as sqlcipher

from drivers.printer.document import Document
from hall.filings.settle import ToBureau
from hall.settings import Settings as HallSettings
from kiosk.cli.front_end import read_rules
from kiosk.domain.filing import Bureau
from kiosk.domain.tax import RulePack
from kiosk.domain.ticket import TicketSlip
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import Clock
from kiosk.runtime.enrolment import Enrolment, enrolment_of
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.session.events import Event
from kiosk.session.rules import Rules
from kiosk.session.state import Purpose, Shown
from kiosk.settings import Settings, load
from kiosk.store.database import StoreFailed
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient
from kiosk.sync.signing import Signer
from tests.simulation import founding
from tests.simulation.clockwork import Loop, PowerCut, Process, SimEvent, SimThread, pause, point
from tests.simulation.devices import Printer, Reader, Terminal
from tests.simulation.disk import Books, Disk, SimulatedStore
from tests.simulation.faults import Faults
from tests.simulation.hall import Clerk, House
from tests.simulation.judge import Judge, Violation
from tests.simulation.network import Network
from tests.simulation.people import PURPOSES, Citizen, Visitor
from tests.simulation.platter import put_in_place
from tests.simulation.promises import NO_DEFECT
from tests.simulation.releases import Press, Shelf
from tests.simulation.stage import staged

KEY = bytes(32)

_real_seconds = time.perf_counter

#: Seconds from the mending of everything until nothing may be stuck any more: a person at the terminal may take 40 of
#: the first 60, and from there on it is a minute.
LIVENESS_S = 60.0
EMPTY_PAGES_S = 140.0
"""From there until every page that waited for a touch has gone home by itself."""


class SimulatedInbox(Inbox):
    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    def take(self, timeout: float | None) -> Event | None:
        event = super().take(timeout)
        if event is not None:
            point()
            self._machine.town.count("visit event")
        return event


class KioskClock:
    """Steady as long as power is on; what it calls now may be a year off."""

    def __init__(self, town: Town, chance: Random) -> None:
        self._town = town
        self.error_s = chance.uniform(-20, 20)
        self.drift = chance.uniform(-2e-5, 2e-5)

    def monotonic(self) -> float:
        return self._town.loop.time()

    def now(self) -> datetime:
        return self._town.now() + timedelta(seconds=self.error_s + self.drift * self._town.loop.time())


class Machine:
    """One kiosk: its disk, its devices, its power, and the processes that run while it has some."""

    def __init__(self, town: Town, name: str, hall: House, folder: Path, chance: Random) -> None:
        self.town, self.name, self.hall, self.chance = town, name, hall, chance
        self.folder = folder
        self.file = folder / "kiosk.sqlite"
        founding.copy_disk(self.file)
        self.disk = Disk(chance, town.count)
        self.books = Books(self.file, KEY)
        self.clock = KioskClock(town, chance)
        self.reader = Reader(self, chance)
        self.tickets = Printer(self, chance, "ticket_printer", mute=0.02)
        self.receipts = Printer(self, chance, "receipt_printer", mute=0.02)
        self.terminal = Terminal(self, chance)
        self.releases = Shelf(self, Random(f"releases {name} {town.seed}"))
        self.front: Process | None = None
        self.agent: Process | None = None
        self.shown: Shown | None = None
        self.shown_at = 0.0
        self.inbox = SimulatedInbox(self)
        self.trusted: Clock = self.clock
        """What the front end goes by, and its screens put into touches."""
        self.visitor: Visitor | None = None
        self.settings = _kiosk_settings(folder, town)
        self._enrol()

    def _enrol(self) -> None:
        enrolment = Enrolment(
            self.name, "办税服务厅", "Tax Hall", founding.private_key(self.name), founding.pepper_of(self.hall.data)
        )
        db = sqlcipher.connect(str(self.file), isolation_level=None)
        db.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
        db.execute("INSERT INTO setting VALUES ('enrolment', ?)", (msgspec.msgpack.encode(enrolment),))
        db.execute("UPDATE mark SET incarnation = ?", (hashlib.md5(self.name.encode()).hexdigest(),))
        db.close()

    # ---- power -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.start_front()
        self.start_agent()

    def start_front(self) -> None:
        self.front = self._process("front", self._run_front)

    def start_agent(self) -> None:
        self.agent = self._process("agent", self._run_agent)

    def _process(self, what: str, target: Any) -> Process:
        process = Process(f"{self.name} {what}", self.town)
        self.town.machines_by_process[process] = self
        thread = SimThread(target, name=what)
        thread.process = process
        thread.start()
        return process

    def _run_front(self) -> None:
        self.releases.begin()
        SimThread(self.releases.watch, name="releases").start()
        inbox = self.inbox = SimulatedInbox(self)
        self.trusted = TrustedClock(self.clock)
        store = self._store()
        enrolment = enrolment_of(store)
        if enrolment is None:
            raise RuntimeError("not enrolled")
        rules = Rules(founding.catalogue(), self.settings.limits, self.settings.tax.functions, self.town.pack)
        appliance = Appliance(
            self.settings,
            store,
            enrolment,
            founding.catalogue(),
            founding.texts(),
            inbox,
            self.trusted,
            self._shows,
            rules,
        )
        while True:
            try:
                appliance.start()
                return
            except StoreFailed:
                # systemd would start the process anew.
                pause(2.0)

    def _store(self) -> SimulatedStore:
        return SimulatedStore(self.file, KEY, self.disk, self.settings.kiosk.day_starts)

    def _run_agent(self) -> None:
        store = self._store()
        while (enrolment := enrolment_of(store)) is None:
            pause(1.0)
        SimThread(functools.partial(self.releases.take, store, enrolment), name="releases").start()
        client = HallClient(self.settings.kiosk.hall_url, Signer(enrolment.kiosk, enrolment.private_key))
        agent.run(store, client, cast(threading.Event, SimEvent()))

    def kill(self, what: str = "both") -> None:
        for process, name in ((self.front, "front"), (self.agent, "agent")):
            if process is not None and what in (name, "both"):
                process.kill()
        if what != "agent":
            self.shown = None

    @property
    def page(self) -> object:
        return self.shown.session.page if self.shown is not None and self.front and self.front.alive else None

    # ---- what happens at it ----------------------------------------------------------------------------------------

    def _shows(self, shown: Shown) -> None:
        before = self.shown
        self.shown = shown
        if before is None or type(before.session.page) is not type(shown.session.page):
            self.shown_at = self.town.loop.time()
        self.town.judge.shown(self, before, shown)

    def touch(self, event: Event) -> None:
        self.town.count("touch")
        self.inbox.post(event)

    def visitor_left(self) -> None:
        self.visitor = None
        self.town.loop.at(self.chance.uniform(0.5, 15.0), self.town.somebody_comes, self)

    def number_seen(self, slip: TicketSlip) -> None:
        self.town.judge.number_told(self, slip.number, slip.token)

    def sheet_begins(self, printer: str, document: Document) -> None:
        self.town.judge.sheet_begins(self, printer, document)

    def charge_begins(self, key: str, fen: int) -> None:
        self.town.judge.charge_begins(self, key, fen)

    def request_leaves(self, request: httpx2.Request) -> None:
        self.town.judge.request_leaves(self, request)


def _kiosk_settings(folder: Path, town: Town) -> Settings:
    shipped = load(None)
    name = folder.name
    return msgspec.structs.replace(
        shipped,
        kiosk=msgspec.structs.replace(shipped.kiosk, data_dir=folder, key_file=folder / "key", hall_url="http://hall"),
        devices=msgspec.structs.replace(
            shipped.devices,
            id_card=name,
            ticket_printer=f"{name}/ticket_printer",
            receipt_printer=f"{name}/receipt_printer",
            pos=name,
            smart_card="",
        ),
    )


@dataclass
class Report:
    """What came of one history."""

    seed: int
    again: str = ""
    """The command that plays it again."""
    events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    simulated_s: float = 0.0
    days: float = 0.0
    checks: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    digest: str = ""


class Town:
    def __init__(
        self,
        seed: int,
        kiosks: int = 4,
        halls: int = 2,
        weather: Mapping[str, int] = MappingProxyType({}),
        purposes: Mapping[Purpose, int] = PURPOSES,
        true_days: bool = False,
    ) -> None:
        """``weather``: how many times as often as usual a fault (by its method's name) happens. ``true_days``: numbers
        of a kiosk's own series have to be unique within a true day even while the kiosk believes in a wrong one."""
        self.seed = seed
        self.weather, self.purposes, self.true_days = weather, purposes, true_days
        self.chance = Random(f"town {seed}")
        self.loop = Loop()
        self.started = self.loop.time()
        self.report = Report(seed)
        self.folder = Path(tempfile.mkdtemp(prefix=f"taxkiosk-history-{seed}-", dir="/dev/shm"))
        self.closing = False
        self.people: list[Citizen] = founding.people()
        self.services = [service.code for service in founding.catalogue().services[:40]]
        self.machines_by_process: dict[Process, Machine] = {}
        self._digest = hashlib.sha256()
        self._kiosks, self._halls = kiosks, halls
        self.machines: list[Machine] = []
        self.halls: list[House] = []
        self.played_s = 0.0
        self.trace: TextIO | None = None
        self.stop_at: frozenset[str] = frozenset()
        """Broken, one of these ends the history at once."""

    # ---- time ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """True time."""
        return founding.MORNING + timedelta(seconds=self.loop.time() - self.started)

    def wall_of(self, process: Process | None) -> datetime:
        machine = self.machines_by_process.get(process) if process is not None else None
        if machine is not None:
            return machine.clock.now()
        for house in self.halls:
            if house.process is process and process is not None:
                return house.clock.now()
        return self.now()

    # ---- what is asked of it -----------------------------------------------------------------------------------------

    def machine_of(self, process: Process) -> Machine:
        return self.machines_by_process[process]

    def _at(self, url: str) -> Machine:
        name = url.partition("/")[0]
        return next(machine for machine in self.machines if machine.name == name)

    def reader(self, url: str) -> Reader:
        return self._at(url).reader

    def terminal(self, url: str) -> Terminal:
        return self._at(url).terminal

    def printer(self, url: str) -> Printer:
        machine = self._at(url)
        return machine.tickets if url.endswith("ticket_printer") else machine.receipts

    def bureaus_of(self, settings: HallSettings) -> dict[Bureau, ToBureau]:
        house = next(house for house in self.halls if house.name == settings.hall.id)
        return dict(house.bureaus)

    # ---- what it notes -----------------------------------------------------------------------------------------------

    def count(self, kind: str) -> None:
        self.report.kinds[kind] += 1
        self.report.events += 1

    def count_fault(self, kind: str) -> None:
        self.report.faults[kind] += 1
        self.note(f"fault {kind}")

    def says(self, event: dict[str, Any]) -> None:
        self.note(str(event.get("event")))

    def note(self, what: str) -> None:
        line = f"{self.loop.time():.6f} {what}\n"
        self._digest.update(line.encode())
        if self.trace is not None:
            self.trace.write(line)

    def violated(self, invariant: str, what: str) -> None:
        if any((each.invariant, each.what) == (invariant, what) for each in self.report.violations):
            return
        self.report.violations.append(Violation(invariant, what, self.loop.time() - self.started))
        self.note(f"violated {invariant}: {what}")
        if invariant in self.stop_at:
            self.loop.stop()

    def defect(self, what: str, error: Any = None) -> None:
        if isinstance(error, BaseException):
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            what += " @ " + " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
        self.violated(NO_DEFECT, what)

    # ---- a history -------------------------------------------------------------------------------------------------

    def run(self, events: int) -> Report:
        """At least so many events; the last episode is always brought to its end."""
        self.report.again = f"python -m tests.simulation --seed {self.seed} --events {events} --kiosks {self._kiosks}"
        begun = _real_seconds()
        founding.ground()
        self.pack = _pack()
        try:
            with staged(self, self.loop, Random(f"secrets {self.seed}")), put_in_place():
                self._found()
                self.loop.create_task(self._play(events))
                self.loop.set_exception_handler(self._problem)
                self.loop.run_forever()
                self._end()
        finally:
            for machine in self.machines:
                machine.books.close()
                machine.releases.platter.forget()
            shutil.rmtree(self.folder, ignore_errors=True)
            self.loop.close()
        self.played_s = _real_seconds() - begun
        self.report.simulated_s = self.loop.time() - self.started
        self.report.days = self.report.simulated_s / 86_400
        self.report.digest = self._digest.hexdigest()
        return self.report

    def _problem(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, PowerCut):
            self.defect(f"{context.get('message')}: {error!r}", error)

    def _found(self) -> None:
        self.network = Network(self, Random(f"network {self.seed}"))
        self.judge = Judge(self)
        for i in range(self._halls):
            name = f"hall-{i + 1}"
            data = self.folder / name
            founding.copy_hall(data)
            house = House(self, name, data, founding.hall_settings(name), Random(f"{name} {self.seed}"))
            self.halls.append(house)
            house.press = Press(house, self, Random(f"press {name} {self.seed}"))
            house.clerks = [
                Clerk(house, window, staff + 1, Random(f"{name} {window} {self.seed}"))
                for staff, window in enumerate(founding.WINDOWS)
            ]
        for i in range(self._kiosks):
            name = founding.KIOSKS[i]
            house = self.halls[i % self._halls]
            machine = Machine(self, name, house, self.folder / name, Random(f"{name} {self.seed}"))
            self.machines.append(machine)
        self.faults = Faults(self, Random(f"faults {self.seed}"))
        for house in self.halls:
            house.start()
            for clerk in house.clerks:
                clerk.begin()
        for machine in self.machines:
            self.loop.at(self.chance.uniform(0.0, 3.0), machine.start)
            self.loop.at(self.chance.uniform(3.0, 15.0), self.somebody_comes, machine)

    def somebody_comes(self, machine: Machine) -> None:
        if machine.visitor is not None:
            return
        if self.closing:
            return
        chance = self.chance
        purpose = chance.choices(list(self.purposes), list(self.purposes.values()))[0]
        # The same few come again and again, also to another kiosk.
        citizen = chance.choice(self.people[: max(12, 6 * len(self.machines))])
        machine.visitor = Visitor(machine, citizen, purpose, machine.chance)
        machine.visitor.begin()

    async def _play(self, events: int) -> None:
        try:
            while True:
                self.closing = False
                for machine in self.machines:
                    if machine.visitor is None:
                        self.loop.at(self.chance.uniform(0.5, 10.0), self.somebody_comes, machine)
                await self.faults.episode()
                self.closing = True
                self.faults.heal()
                for house in self.halls:
                    house.press.settle()
                await asyncio.sleep(LIVENESS_S)
                self.judge.nothing_works_any_more()
                await asyncio.sleep(LIVENESS_S)
                self.judge.nothing_is_left_over()
                await asyncio.sleep(EMPTY_PAGES_S - LIVENESS_S)
                self.judge.everybody_is_gone()
                self.judge.books_agree()
                for machine in self.machines:
                    machine.releases.nothing_waits()
                self.report.checks += 1
                if self.report.events >= events or self.report.violations:
                    return
        except Exception as error:
            self.defect(f"the simulation itself: {error!r}", error)
        finally:
            self.loop.stop()

    def _end(self) -> None:
        """Let every thread come to its end, and nothing more happen."""
        for machine in self.machines:
            machine.kill()
        for house in self.halls:
            house.kill()
        self.loop.call_later(1.0, self.loop.stop)
        self.closing = True
        self.loop.run_forever()


@functools.cache
def _pack() -> RulePack | None:
    return read_rules(load(None))
