"""The wires between kiosks and halls: slow, lossy, cut for days; a request may arrive twice, an answer never."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

import httpx2
import msgspec

from tests.simulation.clockwork import SimThread, point, running, wait_until

if TYPE_CHECKING:
    from tests.simulation.hall import House
    from tests.simulation.town import Town


@dataclass
class Link:
    """One kiosk's way to its hall."""

    cut: bool = False
    loss: float = 0.0
    twice: float = 0.0
    slow_s: float = 0.0


@dataclass
class Exchange:
    """One request under way, and who waits for its answer."""

    waiters: list[SimThread] = field(default_factory=list)
    answer: tuple[int, list[tuple[bytes, bytes]], bytes] | None = None
    broken: bool = False

    def is_over(self) -> bool:
        return self.answer is not None or self.broken

    def answered(self, answer: tuple[int, list[tuple[bytes, bytes]], bytes]) -> None:
        if not self.is_over():
            self.answer = answer
            self._tell()

    def breaks(self) -> None:
        if not self.is_over():
            self.broken = True
            self._tell()

    def _tell(self) -> None:
        for thread in self.waiters:
            thread.wake()


class Network:
    def __init__(self, town: Town, chance: Random) -> None:
        self.town, self.chance = town, chance
        self.links: dict[str, Link] = {}

    def link(self, kiosk: str) -> Link:
        return self.links.setdefault(kiosk, Link())

    def carry(self, kiosk: str, hall: House, request: httpx2.Request, exchange: Exchange) -> None:
        link, chance = self.link(kiosk), self.chance
        if link.cut:
            return
        if not hall.answers_calls:
            self.town.loop.at(chance.uniform(0.02, 0.08), exchange.breaks)
            return
        if chance.random() < link.loss:
            self.town.count_fault("request lost")
            return
        times = 2 if chance.random() < link.twice else 1
        if times == 2:
            self.town.count_fault("request twice")
        for _ in range(times):
            self.town.loop.at(self._latency(link), self._arrives, kiosk, hall, request, exchange)

    def _latency(self, link: Link) -> float:
        return self.chance.uniform(0.0005, 0.006) + (self.chance.uniform(0, link.slow_s) if link.slow_s else 0.0)

    def _arrives(self, kiosk: str, hall: House, request: httpx2.Request, exchange: Exchange) -> None:
        self.town.count("request")
        if not hall.answers_calls:
            exchange.breaks()
            return

        def answered(answer: tuple[int, list[tuple[bytes, bytes]], bytes] | None) -> None:
            link = self.link(kiosk)
            if answer is None:
                # The hall has died with it in hand.
                self.town.loop.at(self._latency(link), exchange.breaks)
                return
            if link.cut:
                self.town.count_fault("answer lost")
                return
            if self.chance.random() < link.loss:
                self.town.count_fault("answer lost")
                return
            self.town.loop.at(self._latency(link), self._answer, exchange, answer)

        hall.serve(request, answered)

    def _answer(self, exchange: Exchange, answer: Any) -> None:
        self.town.count("answer")
        exchange.answered(answer)


class Transport(httpx2.BaseTransport):
    """What ``httpx2`` sends through, in a kiosk's thread."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        process = running()
        if process is None:
            raise RuntimeError("only kiosks send")
        machine = process.town.machine_of(process)
        request.read()
        point()
        machine.request_leaves(request)
        exchange = Exchange()
        seconds = max((each for each in request.extensions["timeout"].values() if each is not None), default=5.0)
        process.town.network.carry(machine.name, machine.hall, request, exchange)
        wait_until(exchange.is_over, exchange.waiters, seconds)
        point()
        if exchange.broken:
            raise httpx2.ConnectError("refused")
        if exchange.answer is None:
            raise httpx2.ReadTimeout("silent")
        status, headers, body = exchange.answer
        return httpx2.Response(status, headers=headers, content=body, request=request)


def body_of(request: httpx2.Request) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(request.content)
    return found
