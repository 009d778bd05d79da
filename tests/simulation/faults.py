"""What goes wrong in a history, when, and how it is mended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from drivers.contract import PaperState
from tests.simulation.clockwork import Process

if TYPE_CHECKING:
    from tests.simulation.hall import House
    from tests.simulation.town import Machine, Town

DAY = 86_400.0

#: Seconds that a kiosk's clock may jump.
JUMPS: tuple[float, ...] = (-400 * DAY, 400 * DAY, -DAY, DAY, -3600.0, 3600.0, -90.0, 90.0)


class Faults:
    """Each fault begins by chance, and ends by chance or by ``heal``."""

    def __init__(self, town: Town, chance: Random) -> None:
        self.town, self.chance = town, chance
        self._kinds: list[tuple[Callable[[], None], int]] = [
            (self.kiosk_cut_off, 8),
            (self.hall_cut_off, 3),
            (self.bad_wire, 6),
            (self.front_dies, 12),
            (self.agent_dies, 5),
            (self.power_goes, 8),
            (self.hall_dies, 6),
            (self.bureau_is_away, 5),
            (self.bureau_is_slow, 4),
            (self.disk_is_full, 4),
            (self.disk_is_slow, 3),
            (self.printer_fails, 10),
            (self.reader_is_unplugged, 4),
            (self.terminal_is_unplugged, 4),
            (self.terminal_falls_silent, 4),
            (self.clock_jumps, 5),
            (self.windows_hear_nothing, 3),
            (self.hall_disk_is_slow, 3),
            (self.release_is_published, 8),
        ]
        self._kinds = [(begin, weight * town.weather.get(begin.__name__, 1)) for begin, weight in self._kinds]

    async def episode(self) -> None:
        """A while in which things go wrong; now and then it lasts for days, and nights in which nobody comes."""
        chance = self.chance
        long = chance.random() < 0.3
        if long:
            self.hall_cut_off(for_days=True)
        rate = chance.choice((6.0, 12.0, 25.0)) / max(1.0, len(self.town.machines) / 4)
        for _ in range(chance.randint(2, 4) if long else 1):
            until = self.town.loop.time() + chance.uniform(90.0, 240.0)
            while self.town.loop.time() < until:
                await asyncio.sleep(chance.expovariate(1 / rate))
                acts, weights = zip(*self._kinds, strict=True)
                chance.choices(acts, weights)[0]()
            if long:
                self.night()

    def night(self) -> None:
        """From the evening to the next morning, in one step: nothing ran."""
        self._begins("night")
        hours = self.chance.uniform(9.0, 14.0)
        self.town.loop.skip(hours * 3600)

    def heal(self) -> None:
        """Everything is mended, plugged in, switched on and told the time."""
        town = self.town
        for link in town.network.links.values():
            link.cut, link.loss, link.twice, link.slow_s = False, 0.0, 0.0, 0.0
        for house in town.halls:
            house.disk_s = 0.0
            for bureau in house.bureaus.values():
                bureau.down, bureau.loss, bureau.slow_s = False, 0.0, 0.0
            for clerk in house.clerks:
                clerk.lossy = 0.0
            if house.process is not None:
                house.process.fuse = None
            if not house.alive:
                house.start()
        for machine in town.machines:
            machine.disk.full, machine.disk.slow_s = False, 0.0
            machine.reader.plugged = machine.terminal.plugged = True
            machine.reader.moved()
            machine.terminal.silent = 0.0
            for printer in (machine.tickets, machine.receipts):
                printer.plugged, printer.hung, printer.cover_open = True, False, False
                printer.paper = PaperState.FULL
            machine.clock.error_s = self.chance.uniform(-20, 20)
            for process in (machine.front, machine.agent):
                if process is not None:
                    process.fuse = None
            if machine.front is None or not machine.front.alive:
                machine.start_front()
            if machine.agent is None or not machine.agent.alive:
                machine.start_agent()
            if machine.visitor is not None:
                machine.visitor.leave()

    # ---- kinds -----------------------------------------------------------------------------------------------------

    def _begins(self, kind: str) -> None:
        self.town.count("fault")
        self.town.count_fault(kind)

    def _ends(self, seconds: float, mend: Callable[[], None]) -> None:
        self.town.loop.at(seconds, mend)

    def _machine(self) -> Machine:
        return self.chance.choice(self.town.machines)

    def _house(self) -> House:
        return self.chance.choice(self.town.halls)

    def kiosk_cut_off(self) -> None:
        self._begins("kiosk cut off")
        link = self.town.network.link(self._machine().name)
        link.cut = True
        self._ends(self.chance.uniform(2.0, 90.0), lambda: setattr(link, "cut", False))

    def hall_cut_off(self, for_days: bool = False) -> None:
        self._begins("hall cut off for days" if for_days else "hall cut off")
        house = self._house()
        links = [self.town.network.link(machine.name) for machine in self.town.machines if machine.hall is house]
        for link in links:
            link.cut = True

        def mend() -> None:
            for link in links:
                link.cut = False

        self._ends(4 * DAY if for_days else self.chance.uniform(5.0, 120.0), mend)

    def bad_wire(self) -> None:
        self._begins("bad wire")
        link = self.town.network.link(self._machine().name)
        link.loss = self.chance.choice((0.0, 0.2, 0.5))
        link.twice = self.chance.choice((0.0, 0.3))
        link.slow_s = self.chance.choice((0.0, 0.4, 2.0))

        def mend() -> None:
            link.loss, link.twice, link.slow_s = 0.0, 0.0, 0.0

        self._ends(self.chance.uniform(5.0, 60.0), mend)

    def front_dies(self) -> None:
        self._dies(self._machine(), "front")

    def agent_dies(self) -> None:
        self._dies(self._machine(), "agent")

    def _dies(self, machine: Machine, what: str) -> None:
        process = machine.front if what == "front" else machine.agent
        if process is None or not process.alive or process.fuse is not None:
            return
        self._begins(f"{what} dies")
        process.fuse = self.chance.randint(1, 120 if what == "front" else 40)
        start = machine.start_front if what == "front" else machine.start_agent
        process.on_death.append(lambda: self._again(process, machine, what, start, self.chance.uniform(1.0, 20.0)))

    def _again(self, dead: Process, machine: Machine, what: str, start: Callable[[], None], seconds: float) -> None:
        if what == "front":
            machine.shown = None

        def begin() -> None:
            now = machine.front if what == "front" else machine.agent
            if now is dead:
                start()

        self._ends(seconds, begin)

    def power_goes(self) -> None:
        """Front end and agent at once, at a point of the front end."""
        machine = self._machine()
        front = machine.front
        if front is None or not front.alive or front.fuse is not None:
            return
        self._begins("power cut")
        front.fuse = self.chance.randint(1, 200)
        front.on_death.append(lambda: self._dark(machine, front))

    def _dark(self, machine: Machine, front: Process) -> None:
        dead_agent = machine.agent
        machine.kill("agent")
        machine.releases.platter.power_cut()
        seconds = self.chance.uniform(5.0, 40.0)
        self._again(front, machine, "front", machine.start_front, seconds)
        if dead_agent is not None:
            self._again(dead_agent, machine, "agent", machine.start_agent, seconds)

    def hall_dies(self) -> None:
        house = self._house()
        process = house.process
        if process is None or not process.alive or process.fuse is not None:
            return
        self._begins("hall dies")
        process.fuse = self.chance.randint(1, 600)

        def begin() -> None:
            if house.process is process:
                house.start()

        process.on_death.append(lambda: self._ends(self.chance.uniform(1.0, 30.0), begin))

    def bureau_is_away(self) -> None:
        self._begins("bureau away")
        bureau = self.chance.choice(list(self._house().bureaus.values()))
        bureau.down = True
        self._ends(self.chance.uniform(2.0, 60.0), lambda: setattr(bureau, "down", False))

    def bureau_is_slow(self) -> None:
        self._begins("bureau slow or lossy")
        bureau = self.chance.choice(list(self._house().bureaus.values()))
        bureau.slow_s, bureau.loss = self.chance.choice((0.0, 3.0, 8.0)), self.chance.choice((0.1, 0.4))

        def mend() -> None:
            bureau.slow_s, bureau.loss = 0.0, 0.0

        self._ends(self.chance.uniform(5.0, 60.0), mend)

    def disk_is_full(self) -> None:
        self._begins("disk full")
        disk = self._machine().disk
        disk.full = True
        self._ends(self.chance.uniform(1.0, 30.0), lambda: setattr(disk, "full", False))

    def disk_is_slow(self) -> None:
        self._begins("disk slow")
        disk = self._machine().disk
        disk.slow_s = self.chance.choice((0.2, 1.0, 6.0))
        self._ends(self.chance.uniform(1.0, 20.0), lambda: setattr(disk, "slow_s", 0.0))

    def printer_fails(self) -> None:
        machine = self._machine()
        printer = self.chance.choice((machine.tickets, machine.receipts))
        what = self.chance.choice(("unplugged", "hung", "paper out", "jammed", "cover open"))
        self._begins(f"printer {what}")
        match what:
            case "unplugged":
                printer.plugged = False
            case "hung":
                printer.hung = True
            case "cover open":
                printer.cover_open = True
            case _:
                printer.paper = PaperState.OUT if what == "paper out" else PaperState.JAMMED

        def mend() -> None:
            printer.plugged, printer.hung, printer.cover_open = True, False, False
            printer.paper = PaperState.FULL

        self._ends(self.chance.uniform(5.0, 90.0), mend)

    def reader_is_unplugged(self) -> None:
        self._begins("reader unplugged")
        reader = self._machine().reader
        reader.plugged = False
        reader.moved()
        self._ends(self.chance.uniform(2.0, 40.0), lambda: setattr(reader, "plugged", True))

    def terminal_is_unplugged(self) -> None:
        self._begins("terminal unplugged")
        terminal = self._machine().terminal
        terminal.plugged = False
        self._ends(self.chance.uniform(2.0, 40.0), lambda: setattr(terminal, "plugged", True))

    def terminal_falls_silent(self) -> None:
        self._begins("terminal silent")
        terminal = self._machine().terminal
        terminal.silent = self.chance.choice((0.4, 0.9))
        self._ends(self.chance.uniform(10.0, 90.0), lambda: setattr(terminal, "silent", 0.0))

    def clock_jumps(self) -> None:
        self._begins("clock jumps")
        clock = self._machine().clock
        clock.error_s += self.chance.choice(JUMPS)

    def hall_disk_is_slow(self) -> None:
        self._begins("hall's disk slow")
        house = self._house()
        house.disk_s = self.chance.choice((0.2, 0.8, 2.0))
        self._ends(self.chance.uniform(5.0, 30.0), lambda: setattr(house, "disk_s", 0.0))

    def release_is_published(self) -> None:
        """Good or bad: kiosks have to tell. A day of a town holds as many as a year of a real hall."""
        self.town.count("fault")
        self._house().press.publish()

    def windows_hear_nothing(self) -> None:
        self._begins("windows lose answers")
        clerks = self._house().clerks
        for clerk in clerks:
            clerk.lossy = 0.4

        def mend() -> None:
            for clerk in clerks:
                clerk.lossy = 0.0

        self._ends(self.chance.uniform(10.0, 60.0), mend)
