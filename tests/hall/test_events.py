"""Telling boards and windows what happened."""

from __future__ import annotations

import asyncio
from datetime import datetime

from hall.events import BACKLOG, Channel, Events, Subscriber
from hall.queue.views import EventKind, HallEvent, LineEvent, WindowAction
from kiosk.domain.day import HALL_ZONE
from tests.hall.house import House


def made(number: int, kind: EventKind = EventKind.CALLED) -> HallEvent:
    return HallEvent(number, kind, datetime(2026, 11, 24, 9, tzinfo=HALL_ZONE), f"A{number:03d}", "1", None, 1)


def events_of(house: House) -> Events:
    return Events(house.database.reader, lambda in_line: LineEvent(in_line, 1, None))


def test_a_board_that_cannot_keep_up_is_dropped_and_the_others_hear_on(house: House) -> None:
    async def scene() -> tuple[bool, list[int]]:
        events, heard = events_of(house), list[int]()
        events.start(0)

        async def asleep() -> bool:
            async with events.subscribe(Channel.BOARD) as subscriber:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    return subscriber.dropped
            return False

        async def awake(subscriber: Subscriber) -> None:
            while len(heard) < BACKLOG + 5:
                heard.append((await subscriber.next_chunk())[0])

        async with events.subscribe(Channel.BOARD) as listening:
            sleeping = asyncio.create_task(asleep())
            waking = asyncio.create_task(awake(listening))
            await asyncio.sleep(0)
            for number in range(1, BACKLOG + 6):
                events.published([made(number)], 0)
                await asyncio.sleep(0.001)
            await asyncio.wait_for(waking, 10)
            dropped = await asyncio.wait_for(sleeping, 10)
            assert events.subscribers == 1
        events.close()
        return dropped, heard

    dropped, heard = asyncio.run(scene())
    assert dropped
    assert heard == list(range(1, BACKLOG + 6))


def test_boards_do_not_hear_of_every_number_taken_but_of_the_line(house: House) -> None:
    async def scene() -> list[bytes]:
        events = events_of(house)
        events.start(0)
        async with events.subscribe(Channel.BOARD) as board:
            events.published([made(1, EventKind.ISSUED)], 1)
            events.published([made(2, EventKind.ISSUED)], 2)
            events.published([made(3)], 1)
            chunks = [(await asyncio.wait_for(board.next_chunk(), 10))[1] for _ in range(2)]
        events.close()
        return chunks

    called, line = asyncio.run(scene())
    assert called.startswith(b"id: 3\nevent: called\ndata: {")
    assert line == b'event: line\ndata: {"waiting":1,"windows_open":1,"wait":null}\n\n'


def test_who_comes_back_gets_what_was_missed_from_the_table(house: House) -> None:
    house.take()
    house.take()
    house.sit("1")
    house.call_next("1")
    seen = house.events[-1].id
    house.act("1", WindowAction.RECALL, number="A001")
    house.call_next("1", finish=True, current="A001")
    last, frames = events_of(house).missed(Channel.BOARD, seen)
    kinds = [line[7:] for line in frames.decode().splitlines() if line.startswith("event: ")]
    assert kinds == ["recalled", "finished", "called"]
    assert last == house.events[-1].id
