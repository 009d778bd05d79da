"""A day at the peak: kiosks and windows all at once, the power cut twice, and the books compared afterwards.

Short by default; ``TAXKIOSK_CAMPAIGN=full`` runs the long form (4 kiosks × 2,000 numbers).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from benchmarks.hall_load import Clerk, Connection, SigningKiosk, http, new_ticket_request, staffed
from demo.hall_server import HallServer
from hall.store.database import FILE
from kiosk.domain.messages import TicketRequest

KIOSKS, WINDOWS = 4, 8
PER_KIOSK = 2_000 if os.environ.get("TAXKIOSK_CAMPAIGN") == "full" else 150
#: Requests a kiosk has under way at once.
ABREAST = 4

POWER = ThreadPoolExecutor(1)


@dataclass
class Books:
    """What the clients were told."""

    numbers: dict[str, str] = field(default_factory=dict)
    """key → number"""
    called: list[str] = field(default_factory=list)
    repeated_asks: int = 0
    all_issued: bool = False


class Line:
    """One connection that is made again whenever the hall has gone away."""

    def __init__(self, hall: HallServer) -> None:
        self._hall = hall
        self._connection: Connection | None = None

    async def try_once(self, request: bytes) -> tuple[int, bytes]:
        """Raises OSError: whether the hall has done it is unknown."""
        try:
            if self._connection is None:
                self._connection = await Connection.to(self._hall.port)
            answered = await asyncio.wait_for(self._connection.exchange(request), 20)
        except (OSError, TimeoutError):
            self.close()
            await asyncio.sleep(0.05)
            raise OSError from None
        return answered.status, answered.body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def take_numbers(hall: HallServer, kiosk: SigningKiosk, requests: list[TicketRequest], books: Books) -> None:
    line = Line(hall)
    for request in requests:
        while True:
            try:
                # A fresh signature each time: the same ask, not a replay.
                status, body = await line.try_once(kiosk.ask(request))
            except OSError:
                books.repeated_asks += 1
                continue
            if status == 200:
                break
            assert status == 503, body
        books.numbers[request.key] = body.partition(b'"number":"')[2].partition(b'"')[0].decode()
    line.close()


async def work_at_window(hall: HallServer, clerk: Clerk, books: Books) -> None:
    """Call, finish and call, until everybody has been served. After a lost answer, look at the window first."""
    line = Line(hall)
    look = http("GET", "/window/v1/view", headers={"cookie": clerk.cookie})
    current: str | None = None
    while True:
        finished_before = books.all_issued
        try:
            status, body = await line.try_once(clerk.request("call-next", finish=current is not None, current=current))
        except OSError:
            current = await _look(line, look, current, books)
            continue
        if status == 409 and b"nobody_waiting" not in body:
            current = await _look(line, look, current, books)
            continue
        here = body.partition(b'"number":"')[2].partition(b'"')[0].decode() or None
        current = here
        if here is not None:
            books.called.append(here)
        elif finished_before:
            line.close()
            return
        else:
            await asyncio.sleep(0.05)


async def _look(line: Line, look: bytes, before: str | None, books: Books) -> str | None:
    """Who is at the window, after an answer was lost: somebody new was called by it."""
    while True:
        try:
            _, body = await line.try_once(look)
        except OSError:
            continue
        part = body.partition(b'"current":')[2]
        if part.startswith(b"null"):
            return None
        here = part.partition(b'"number":"')[2].partition(b'"')[0].decode()
        if here != before:
            books.called.append(here)
        return here


async def cut_the_power(hall: HallServer, books: Books) -> None:
    """SIGKILL at a third and at two thirds of the numbers."""
    for share in (1 / 3, 2 / 3):
        while len(books.numbers) < KIOSKS * PER_KIOSK * share:
            await asyncio.sleep(0.01)
        hall.kill()
        # A player dies with the thread that started it, so that thread has to outlive this event loop.
        await asyncio.get_running_loop().run_in_executor(POWER, hall.start)


async def campaign(hall: HallServer) -> tuple[Books, list[SigningKiosk], list[list[TicketRequest]]]:
    kiosks = [SigningKiosk(f"K{number + 1}") for number in range(KIOSKS)]
    for kiosk in kiosks:
        await kiosk.enrol(hall)
    clerks = await staffed(hall, WINDOWS)
    requests = [[new_ticket_request() for _ in range(PER_KIOSK)] for _ in kiosks]
    books = Books()
    windows = [asyncio.create_task(work_at_window(hall, clerk, books)) for clerk in clerks]
    power = asyncio.create_task(cut_the_power(hall, books))
    await asyncio.gather(
        *(
            take_numbers(hall, kiosk, mine[i::ABREAST], books)
            for kiosk, mine in zip(kiosks, requests, strict=True)
            for i in range(ABREAST)
        )
    )
    books.all_issued = True
    await power
    await asyncio.gather(*windows)
    return books, kiosks, requests


@pytest.mark.timeout(600)
def test_at_the_peak_and_through_power_cuts_a_number_is_one_ticket_and_is_called_once(tmp_path: Path) -> None:
    hall = HallServer(tmp_path)
    hall.start()
    try:
        books, kiosks, requests = asyncio.run(campaign(hall))
        total = KIOSKS * PER_KIOSK

        assert books.repeated_asks > 0, "the power cut must have hit somebody"
        assert len(books.numbers) == total
        assert len(set(books.numbers.values())) == total, "a number was given twice"
        assert [number for number, times in Counter(books.called).items() if times > 1] == []

        repeats = Books()
        again = [mine[::10] for mine in requests]
        asyncio.run(_ask_again(hall, kiosks, again, repeats))
        assert repeats.numbers == {key: books.numbers[key] for key in repeats.numbers}
    finally:
        hall.stop()

    file = sqlite3.connect(tmp_path / FILE)
    held = dict(file.execute("SELECT key, number FROM ticket"))
    assert held == books.numbers, "what was told and what is held are the same"
    calls = Counter(number for (number,) in file.execute("SELECT number FROM event WHERE kind = 'called'"))
    assert set(calls.values()) == {1}, "a ticket was called twice"
    assert set(calls) == set(books.called) == set(books.numbers.values()), "a ticket was lost"
    assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


async def _ask_again(
    hall: HallServer, kiosks: list[SigningKiosk], requests: list[list[TicketRequest]], repeats: Books
) -> None:
    pairs = zip(kiosks, requests, strict=True)
    await asyncio.gather(*(take_numbers(hall, kiosk, mine, repeats) for kiosk, mine in pairs))
