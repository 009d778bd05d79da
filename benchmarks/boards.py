"""From a call to the last of 500 boards: every board an open event stream of its own to one hall process."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from benchmarks.hall_load import Connection, HallProcess, SigningKiosk, http, measure_tickets, staffed
from benchmarks.row import Row, milliseconds, percentile

BOARDS = 500
CALLS = 60


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        delays = asyncio.run(_measure(Path(folder) / "hall"))
    last = percentile(delays, 0.99)
    return [
        Row(
            f"call → last of {BOARDS} boards, p99",
            milliseconds(last),
            f"median {milliseconds(percentile(delays, 0.5))}; boards and hall share the machine",
            "≤ 100 ms",
            last <= 0.1,
        )
    ]


class Board(asyncio.Protocol):
    """Counts the boards that have been told of a call."""

    def __init__(self, told: dict[bytes, int], done: asyncio.Event) -> None:
        self._told = told
        self._done = done
        self._tail = b""

    def data_received(self, data: bytes) -> None:
        *frames, self._tail = (self._tail + data).split(b"\n\n")
        for frame in frames:
            if b"event: called" in frame:
                number = frame.partition(b'"number":"')[2].partition(b'"')[0]
                self._told[number] = self._told.get(number, 0) + 1
                if self._told[number] == BOARDS:
                    self._done.set()


async def _measure(data: Path) -> list[float]:
    """Seconds from sending each call to its last board."""
    hall = HallProcess(data)
    hall.start()
    loop = asyncio.get_running_loop()
    told: dict[bytes, int] = {}
    done = asyncio.Event()
    transports = []
    try:
        kiosk = SigningKiosk("K1")
        await kiosk.enrol(hall)
        (clerk,) = await staffed(hall, 1)
        await measure_tickets(hall, kiosk, CALLS + 1, 4)
        for _ in range(BOARDS):
            transport, _board = await loop.create_connection(lambda: Board(told, done), "127.0.0.1", hall.port)
            transport.write(http("GET", "/board/events"))
            transports.append(transport)
        await asyncio.sleep(2)
        window = await Connection.to(hall.port)
        delays = []
        current: str | None = None
        for _ in range(CALLS):
            done.clear()
            began = time.perf_counter()
            answered = await window.exchange(clerk.request("call-next", finish=current is not None, current=current))
            current = answered.json["current"]["number"]
            await asyncio.wait_for(done.wait(), 20)
            delays.append(time.perf_counter() - began)
        return delays
    finally:
        for transport in transports:
            transport.close()
        hall.stop()
