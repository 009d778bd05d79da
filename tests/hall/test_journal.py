"""What kiosks report after they were alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from hall.fleet.enrolment import KnownKiosk
from hall.fleet.journal import Received, check_shape, receive
from hall.queue.refusal import Refused
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.messages import (
    CHAIN_START,
    JournalBatch,
    JournalRow,
    SlipPrinted,
    TicketAskAbandoned,
    TicketIssuedHere,
    row_hash,
)
from tests.hall.house import House, new_key

#: How SQLite's and JSON's times look is the kiosk's choice: the hash covers what was written.
AT = datetime(2026, 11, 24, 8, 30, tzinfo=HALL_ZONE)


class Kiosk:
    """Writes a journal as a kiosk does."""

    def __init__(self, house: House, name: str = "K1") -> None:
        self.house, self.known = house, house.kiosk(name)
        self.rows: list[JournalRow] = []

    def write(self, fact: Any, kind: str | None = None) -> JournalRow:
        previous = self.rows[-1].hash if self.rows else CHAIN_START
        seq, body = len(self.rows) + 1, msgspec.json.encode(fact)
        named = kind or str(fact.__struct_config__.tag)
        row = JournalRow(seq, named, AT, msgspec.Raw(body), row_hash(previous, seq, named, AT, body))
        self.rows.append(row)
        return row

    def send(self, rows: list[JournalRow] | None = None, incarnation: str = "disk-1") -> Received:
        batch = JournalBatch(incarnation, self.rows if rows is None else rows)
        # Over the wire and back, so that times and raw bodies are what the hall really sees.
        batch = msgspec.json.decode(msgspec.json.encode(batch), type=JournalBatch)
        check_shape(batch)
        known: KnownKiosk = self.known
        return self.house.do(lambda work: receive(work, self.house.rules, known, batch))


@pytest.fixture
def kiosk(house: House) -> Kiosk:
    return Kiosk(house)


def issued(number: str, at: datetime = AT, key: str | None = None, holder: str | None = None) -> TicketIssuedHere:
    return TicketIssuedHere(key or new_key(), number, at, None, "normal", holder, "")


def test_a_ticket_printed_offline_keeps_its_number_and_its_age(house: House, kiosk: Kiosk) -> None:
    house.take()
    kiosk.write(issued("K1-001"))
    received = kiosk.send()
    assert (received.reply.high_water, received.reply.quarantined, received.gap) == (1, [], False)
    house.sit("1")
    assert house.call_next("1") == "K1-001", "issued at 8:30, before A001 of 9:00"


def test_rows_that_come_again_change_nothing(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.send()
    kiosk.write(issued("K1-002"))
    received = kiosk.send()
    assert (received.reply.high_water, received.reply.quarantined) == (2, [])
    assert house.value("SELECT count(*) FROM ticket") == 2
    assert house.in_line == 2


def test_a_gap_is_refused_with_the_mark_and_nothing_is_taken(house: House, kiosk: Kiosk) -> None:
    for number in range(1, 5):
        kiosk.write(issued(f"K1-00{number}"))
    kiosk.send(kiosk.rows[:2])
    received = kiosk.send(kiosk.rows[3:])
    assert (received.gap, received.reply.high_water) == (True, 2)
    assert house.value("SELECT count(*) FROM ticket") == 2


def test_an_empty_batch_asks_for_the_mark(kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.send()
    assert kiosk.send([]).reply.high_water == 1


def test_another_life_of_the_disk_begins_at_one(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.send()
    second = Kiosk(house)
    second.write(issued("K1-002"))
    assert second.send(incarnation="disk-2").reply.high_water == 1


def test_a_row_whose_hash_does_not_follow_is_set_aside_and_those_behind_it_go_on(house: House, kiosk: Kiosk) -> None:
    for number in range(1, 4):
        kiosk.write(issued(f"K1-00{number}"))
    changed = msgspec.structs.replace(kiosk.rows[1], body=msgspec.Raw(msgspec.json.encode(issued("K1-009"))))
    received = kiosk.send([kiosk.rows[0], changed, kiosk.rows[2]])
    assert [row.seq for row in received.reply.quarantined] == [2]
    assert received.reply.high_water == 3
    assert house.value("SELECT group_concat(number) FROM ticket") == "K1-001,K1-003"
    assert house.value("SELECT count(*) FROM quarantine WHERE seen_at IS NULL") == 1


def test_a_row_this_hall_cannot_read_is_set_aside(house: House, kiosk: Kiosk) -> None:
    kiosk.write({"fact": "from_the_future", "x": 1}, kind="from_the_future")
    kiosk.write(issued("K1-001"), kind="slip_printed")
    kiosk.write(issued("K1-002"))
    received = kiosk.send()
    assert [row.seq for row in received.reply.quarantined] == [1, 2]
    assert house.value("SELECT group_concat(number) FROM ticket") == "K1-002"


def test_a_restored_disk_shows_itself_and_loses_nothing(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.write(issued("K1-002"))
    kiosk.send()
    restored = Kiosk(house)
    restored.rows = kiosk.rows[:1]
    restored.write(issued("K1-002"))
    received = restored.send()
    assert [row.seq for row in received.reply.quarantined] == [2]
    assert "restored" in received.reply.quarantined[0].reason


@pytest.mark.parametrize("number", ["K2-001", "A001", "K1-1", "K11-001"])
def test_a_number_that_is_not_the_kiosks_own_is_set_aside(house: House, kiosk: Kiosk, number: str) -> None:
    kiosk.write(issued(number))
    assert len(kiosk.send().reply.quarantined) == 1
    assert house.in_line == 0


def test_the_same_number_twice_in_a_day_is_set_aside(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.write(issued("K1-001"))
    assert [row.seq for row in kiosk.send().reply.quarantined] == [2]
    assert house.in_line == 1
    assert [event.number for event in house.events] == ["K1-001"]


def test_a_time_in_the_future_counts_as_now_and_both_are_kept(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001", at=datetime(2099, 1, 1, tzinfo=HALL_ZONE)))
    kiosk.send()
    assert house.value("SELECT issued_at = received_at AND claimed_at > issued_at FROM ticket") == 1
    assert house.state("K1-001") == "waiting"


def test_a_kiosk_that_believes_in_1970_still_gets_its_people_called(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001", at=datetime(1970, 1, 1, 8, tzinfo=HALL_ZONE)))
    kiosk.send()
    house.sit("1")
    assert house.call_next("1") == "K1-001"


def test_a_number_of_yesterday_is_kept_and_not_called(house: House, kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001", at=AT - timedelta(days=1)))
    kiosk.send()
    assert house.state("K1-001") == "void"
    assert house.in_line == 0


def test_an_ask_given_up_voids_its_ticket(house: House, kiosk: Kiosk) -> None:
    key = new_key()
    house.take(key=key)
    kiosk.write(TicketAskAbandoned(key))
    kiosk.write(issued("K1-001"))
    kiosk.send()
    assert (house.state("A001"), house.state("K1-001")) == ("void", "waiting")


def test_two_numbers_on_paper_for_one_person_are_both_kept(house: House, kiosk: Kiosk) -> None:
    holder = "c" * 64
    house.take(holder)
    kiosk.write(issued("K1-001", holder=holder))
    assert kiosk.send().reply.quarantined == []
    assert house.in_line == 2


def test_how_paper_ended_is_recorded(house: House, kiosk: Kiosk) -> None:
    kiosk.write(SlipPrinted("f" * 22, "A001", "uncertain", "cover open", False))
    kiosk.send()
    assert house.value("SELECT kiosk || token || outcome FROM slip") == "K1" + "f" * 22 + "uncertain"


def test_rows_out_of_order_are_no_batch(kiosk: Kiosk) -> None:
    kiosk.write(issued("K1-001"))
    kiosk.write(issued("K1-002"))
    with pytest.raises(Refused, match="order"):
        kiosk.send(kiosk.rows[::-1])
