"""A release on its way: a few kiosks first, more when these are healthy, nobody any more when one is not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from hall.fleet import audit, rollout
from hall.queue.refusal import Refused
from hall.settings import Releases
from hall.store import statements, statements_fleet
from kiosk.domain.fleet import Audience, ConfigurationReport, KioskReport, Slot, StorageReport
from tests.hall.house import House

SETTINGS = Releases()


class Way:
    """A hall with twenty kiosks that were heard from, two that were not, and releases on their way."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.kiosks = [f"K{number}" for number in range(1, 21)]
        self.silent = ["K98", "K99"]

        def enrol(work):  # type: ignore[no-untyped-def]
            for kiosk in [*self.kiosks, *self.silent]:
                work.connection.execute(statements.ENROL, {"id": kiosk, "public_key": "00" * 32, "now": work.now_ms})

        house.do(enrol)
        self.all_report()

    def all_report(self) -> None:
        for kiosk in self.kiosks:
            self.report(kiosk, ConfigurationReport())

    def report(self, kiosk: str, configuration: ConfigurationReport) -> None:
        now = self.house.clock.now()
        told = KioskReport(now, now, now, "1", {}, 0, configuration, StorageReport(1, 2))
        body = msgspec.json.encode(told)

        def command(work):  # type: ignore[no-untyped-def]
            work.connection.execute(statements_fleet.KEEP_REPORT, {"kiosk": kiosk, "now": work.now_ms, "body": body})
            rollout.note_report(work, kiosk, configuration)

        self.house.do(command)

    def publish(self, number: int, kiosks: tuple[str, ...] = ()) -> list[list[str]]:
        audience = Audience("zz-longwen", list(kiosks))
        planned = self.house.do(lambda work: rollout.add(work, number, "chen", "a note", audience, SETTINGS.stages))
        self.tick()
        return planned

    def tick(self) -> None:
        self.house.do(lambda work: rollout.tick(work, SETTINGS))

    def offered(self) -> dict[str, int]:
        with self.house.database.reader.connect() as connection:
            return {kiosk: rollout.offered_to(connection, kiosk) for kiosk in [*self.kiosks, *self.silent]}

    def have(self, number: int) -> list[str]:
        return [kiosk for kiosk, offered in self.offered().items() if offered == number]

    def becomes(self, kiosk: str, number: int, state: Slot, problem: str = "") -> None:
        failed = state in (Slot.ROLLED_BACK, Slot.REFUSED)
        self.report(kiosk, ConfigurationReport(0 if failed else number, state, number, problem))

    def state(self, number: int) -> rollout.ReleaseView:
        with self.house.database.reader.connect() as connection:
            return next(each for each in rollout.releases(connection) if each.number == number)

    def goes_through(self, number: int) -> None:
        while self.state(number).state == "rolling":
            for kiosk in self.have(number):
                self.becomes(kiosk, number, Slot.HEALTHY)
            self.tick()


@pytest.fixture
def way(tmp_path: Path) -> Iterator[Way]:
    house = House(tmp_path / "hall")
    yield Way(house)
    house.close()


def test_one_kiosk_then_a_tenth_then_half_then_all(way: Way) -> None:
    planned = way.publish(1)
    assert [len(stage) for stage in planned] == [1, 1, 8, 12]
    seen = []
    while way.state(1).state == "rolling":
        seen.append(len(way.have(1)))
        for kiosk in way.have(1):
            way.becomes(kiosk, 1, Slot.HEALTHY)
        way.tick()
    assert [count for count in seen if count] == [1, 2, 10, 22]
    assert way.state(1).state == "done"


def test_the_silent_ones_come_last_and_hold_nobody_up(way: Way) -> None:
    planned = way.publish(1)
    assert set(way.silent) <= set(planned[-1])
    way.goes_through(1)
    assert way.state(1).state == "done"
    assert way.offered()["K98"] == 1


def test_it_is_not_always_the_same_kiosk_that_goes_first(way: Way) -> None:
    assert len({tuple(rollout.plan(number, way.kiosks, [], ["1", "100%"])[0]) for number in range(30)}) > 5


@pytest.mark.parametrize("state", [Slot.ROLLED_BACK, Slot.REFUSED])
def test_the_first_failure_halts_it_and_nobody_else_is_offered_it(way: Way, state: Slot) -> None:
    way.publish(1)
    way.goes_through(1)
    way.publish(2)
    [first] = way.have(2)
    way.becomes(first, 2, state, "step-failed")
    assert way.state(2).state == "halted"
    assert way.state(2).halted_because == f"{first}: {state.value} step-failed"
    for _ in range(3):
        way.tick()
        way.house.clock.move(minutes=10)
    assert way.have(2) == []
    assert set(way.offered().values()) == {1}
    with way.house.database.reader.connect() as connection:
        assert audit.latest(connection, 1)[0].what == "release_halted"


def test_a_stage_that_is_half_healthy_brings_no_next_one(way: Way) -> None:
    way.publish(1)
    for _ in range(2):
        for kiosk in way.have(1):
            way.becomes(kiosk, 1, Slot.HEALTHY)
    ten = way.have(1)
    assert len(ten) == 10
    for kiosk in ten[:-1]:
        way.becomes(kiosk, 1, Slot.HEALTHY)
    way.becomes(ten[-1], 1, Slot.TRYING)
    way.tick()
    assert len(way.have(1)) == 10


def test_a_kiosk_that_falls_silent_with_it_halts_it(way: Way) -> None:
    way.publish(1)
    way.house.clock.move(minutes=SETTINGS.stage_minutes + 1)
    way.tick()
    assert way.state(1).state == "halted"
    assert (way.state(1).halted_because or "").endswith("overdue")


def test_after_a_halt_by_hand_it_goes_on_where_it_was(way: Way) -> None:
    way.publish(1)
    for kiosk in way.have(1):
        way.becomes(kiosk, 1, Slot.HEALTHY)
    offered = way.have(1)
    way.house.do(lambda work: rollout.halt(work, 1, "chen", "lunch"))
    # Who has it keeps it, who only heard of it does not begin with it.
    assert len(way.have(1)) == len(offered) - 1
    way.house.do(lambda work: rollout.resume(work, 1, "chen"))
    assert way.have(1) == offered
    way.goes_through(1)
    assert way.state(1).state == "done"


def test_a_release_that_is_withdrawn_is_offered_to_nobody(way: Way) -> None:
    way.publish(1)
    way.goes_through(1)
    way.publish(2)
    way.house.do(lambda work: rollout.withdraw(work, 2, "chen"))
    assert set(way.offered().values()) == {1}
    with pytest.raises(Refused):
        way.house.do(lambda work: rollout.resume(work, 2, "chen"))


def test_a_newer_release_overtakes_one_that_is_on_its_way(way: Way) -> None:
    way.publish(1)
    way.publish(2)
    assert way.state(1).state == "halted"
    assert way.have(1) == []


def test_a_release_for_some_is_offered_to_these_only(way: Way) -> None:
    way.publish(1)
    way.goes_through(1)
    way.publish(2, kiosks=("K3", "K4"))
    way.goes_through(2)
    assert way.have(2) == ["K3", "K4"]
    assert way.offered()["K5"] == 1


def test_a_kiosk_that_is_enrolled_later_finds_what_is_in_force(way: Way) -> None:
    way.publish(1)
    way.goes_through(1)
    with way.house.database.reader.connect() as connection:
        assert rollout.offered_to(connection, "K200") == 1


def test_a_hall_where_no_kiosk_was_heard_from_still_publishes(way: Way) -> None:
    way.house.clock.move(hours=1)
    way.publish(1)
    assert len(way.have(1)) == 22


def test_each_offer_is_rung_once(way: Way) -> None:
    way.publish(1)
    with way.house.database.reader.connect() as connection:
        [(kiosk, at)] = rollout.newly_offered(connection, 0)
        assert [kiosk] == way.have(1)
        assert rollout.newly_offered(connection, at + 1) == []


def test_a_report_that_says_nothing_new_changes_nothing(way: Way) -> None:
    way.publish(1)
    [first] = way.have(1)
    way.becomes(first, 1, Slot.TRYING)
    changed: datetime = way.house.clock.now()
    way.house.clock.move(minutes=1)
    way.becomes(first, 1, Slot.TRYING)
    with way.house.database.reader.connect() as connection:
        [row] = connection.exec_driver_sql("SELECT changed_at FROM release_kiosk WHERE state = 'trying'").all()
    assert row.changed_at == int(changed.timestamp() * 1000)
