"""Thirty days without the hall and with a clock that lies: what was given and filed is right when the hall is back."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from benchmarks.journal_drain import DrainedHall, filing, hall_in, obligation, taxpayer
from kiosk.domain.day import DAY_STARTS, HALL_ZONE, business_day
from kiosk.domain.messages import JournalBatch, JournalReply
from kiosk.domain.tax import assess
from kiosk.runtime.trusted_clock import LONGEST_OFF, TrustedClock
from kiosk.store.store import Store
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient
from tests.unit.test_store import DRAFT, KEY

BEGAN = datetime(2026, 10, 1, 7, 30, tzinfo=HALL_ZONE)
DAY = timedelta(days=1)
YEAR_1970 = datetime(1970, 1, 1, tzinfo=HALL_ZONE)
YEAR_2099 = datetime(2099, 12, 31, tzinfo=HALL_ZONE)

#: 20 ppm, a quartz of the cheaper kind: 52 s in thirty days.
DRIFT = 1 + 20e-6
DRIFT_BOUND = timedelta(seconds=60)


class Machine:
    """A machine's two clocks. ``off``: how wrong the wall clock is; ``pass_time`` moves the true time."""

    def __init__(self, at: datetime = BEGAN) -> None:
        self.true = at
        self.off = timedelta()
        self._monotonic = 100.0

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self.true + self.off

    def shows(self, moment: datetime) -> None:
        self.off = moment - self.true

    def pass_time(self, span: timedelta) -> None:
        self.true += span
        self._monotonic += span.total_seconds() * DRIFT

    def is_off_for(self, span: timedelta) -> None:
        """Without power the monotonic clock begins anew."""
        self.true += span
        self._monotonic = 3.0


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = Store(path, KEY)
    yield opened
    opened.close()


def started(machine: Machine, store: Store) -> TrustedClock:
    clock = TrustedClock(machine)
    clock.trust(store)
    return clock


def heard(machine: Machine, store: Store) -> TrustedClock:
    """A kiosk that has heard its hall, and the hall was right."""
    clock = started(machine, store)
    clock.hall_told(machine.true)
    clock.keep()
    return clock


# ---- the time that a kiosk goes by ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", [YEAR_1970, YEAR_2099, BEGAN - 400 * DAY, BEGAN + 400 * DAY], ids=str)
def test_a_clock_that_is_set_wrong_while_the_machine_runs_moves_nothing(
    machine: Machine, store: Store, lie: datetime
) -> None:
    clock = heard(machine, store)
    machine.shows(lie)
    machine.pass_time(30 * DAY)
    assert abs(clock.now() - machine.true) < DRIFT_BOUND
    assert abs(clock.wall() - machine.true) > 300 * DAY


@pytest.mark.parametrize("lie", [YEAR_1970, YEAR_2099, BEGAN - 400 * DAY, BEGAN + 400 * DAY], ids=str)
def test_a_machine_that_starts_with_an_impossible_clock_goes_on_from_where_it_was(
    machine: Machine, store: Store, lie: datetime
) -> None:
    heard(machine, store)
    machine.is_off_for(timedelta(hours=2))
    machine.shows(lie)
    clock = started(machine, store)
    machine.pass_time(timedelta(hours=1))
    # Behind by the time that it was off, never ahead: no return becomes later than it was.
    assert timedelta() <= machine.true - clock.now() <= timedelta(hours=2, seconds=1)


def test_a_clock_that_can_be_true_says_how_long_the_machine_was_off(machine: Machine, store: Store) -> None:
    heard(machine, store)
    machine.is_off_for(20 * DAY)
    assert started(machine, store).now() == machine.true


def test_a_machine_that_was_off_for_longer_than_any_clock_is_believed_waits_for_the_hall(
    machine: Machine, store: Store
) -> None:
    heard(machine, store)
    machine.is_off_for(LONGEST_OFF + DAY)
    clock = started(machine, store)
    assert clock.now() < machine.true - LONGEST_OFF
    clock.hall_told(machine.true)
    assert clock.now() == machine.true


def test_a_new_kiosk_with_an_empty_battery_learns_the_time_from_the_first_word_of_its_hall(
    machine: Machine, store: Store
) -> None:
    machine.shows(YEAR_1970)
    clock = started(machine, store)
    clock.hall_told(machine.true.astimezone(UTC))
    assert clock.now() == machine.true
    assert clock.now().utcoffset() == timedelta(hours=8)


def test_an_old_answer_of_the_hall_puts_nothing_back_also_after_a_restart(machine: Machine, store: Store) -> None:
    clock = heard(machine, store)
    clock.hall_told(machine.true - 400 * DAY)
    assert clock.now() == machine.true
    again = started(machine, store)
    again.hall_told(machine.true - DAY)
    assert again.now() == machine.true


def test_a_kiosk_that_ran_ahead_is_put_back_by_its_hall_and_stays_there_after_a_power_cut(
    machine: Machine, store: Store
) -> None:
    machine.shows(machine.true + 10 * DAY)
    clock = started(machine, store)
    own_ticket(store, clock)
    clock.hall_told(machine.true)
    machine.is_off_for(timedelta(minutes=1))
    machine.shows(YEAR_1970)
    again = started(machine, store)
    assert abs(again.now() - machine.true) <= timedelta(minutes=1, seconds=1)


def test_time_goes_on_from_the_last_fact_when_the_power_was_cut(machine: Machine, store: Store) -> None:
    clock = heard(machine, store)
    machine.pass_time(5 * DAY)
    own_ticket(store, clock)
    machine.is_off_for(timedelta(minutes=1))
    machine.shows(YEAR_1970)
    assert abs(started(machine, store).now() - machine.true) <= timedelta(minutes=2)


def test_every_fact_keeps_both_times(machine: Machine, store: Store) -> None:
    clock = heard(machine, store)
    machine.shows(YEAR_2099)
    own_ticket(store, clock)
    (row,) = store.journal_after(0, 10)
    assert (row.at, row.clock) == (machine.true, YEAR_2099)


def own_ticket(store: Store, clock: TrustedClock) -> str:
    now = clock.now()
    draft = replace(DRAFT, issued_at=now)
    return store.record_own_ticket("K1", "", draft, None, False, now, "", clock.certain).slip.number


def test_a_series_does_not_begin_anew_by_a_clock_that_nobody_has_confirmed(machine: Machine, store: Store) -> None:
    clock = heard(machine, store)
    assert [own_ticket(store, clock) for _ in range(2)] == ["K1-001", "K1-002"]
    machine.is_off_for(timedelta(minutes=5))
    machine.shows(machine.true + DAY)
    clock = started(machine, store)
    assert own_ticket(store, clock) == "K1-003"
    # The hall puts it back to the same true day: still none of its numbers is given again.
    clock.hall_told(machine.true)
    assert own_ticket(store, clock) == "K1-004"
    machine.pass_time(DAY)
    clock.hall_told(machine.true)
    assert own_ticket(store, clock) == "K1-004"
    machine.pass_time(DAY)
    assert own_ticket(store, clock) == "K1-001"


# ---- thirty days ---------------------------------------------------------------------------------------------------


class HallClock:
    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def now(self) -> datetime:
        return self._machine.true


SHOPS = 150
FILED_AT_A_WINDOW, NO_LONGER_BOUND, OTHER_RULES = 20, 40, 60


def queue_return(store: Store, clock: TrustedClock, hall: DrainedHall, at: int) -> str:
    request = filing(at, clock.now())
    total = assess(hall.office.rules, request.request).to_pay + (100 if at == OTHER_RULES else 0)
    store.filings.record(msgspec.structs.replace(request, total=total), clock.now())
    store.filings.sent(request.key)
    store.filings.queue(request.key, clock.now())
    return request.key


def drain(store: Store, hall: DrainedHall) -> int:
    return agent.drain(store, cast(HallClient, hall))


def rows(hall: DrainedHall, sql: str) -> list[Any]:
    with hall.database.reader.connect() as connection:
        return list(connection.exec_driver_sql(sql))


def test_thirty_days_of_tickets_and_returns_with_a_clock_that_jumps_are_all_there_in_order_and_at_their_legal_times(
    machine: Machine, path: Path, tmp_path: Path
) -> None:
    chance = random.Random(30)
    store = Store(path, KEY)
    with hall_in(tmp_path / "hall", SHOPS, HallClock(machine)) as hall:
        clock = heard(machine, store)
        numbers: list[tuple[str, str]] = []
        legal: dict[str, datetime] = {}
        shops = iter(range(SHOPS))
        restarts = 0
        for _ in range(30):
            for hour in range(12):
                machine.pass_time(timedelta(hours=2))
                if chance.random() < 0.1:
                    lie = chance.choice([YEAR_1970, YEAR_2099, machine.true - 400 * DAY, machine.true + 400 * DAY])
                    machine.shows(chance.choice([lie, machine.true]))
                if chance.random() < 0.05:
                    # A power cut; the clock that it comes back with may be any.
                    restarts += 1
                    clock.keep_if_due()
                    store.close()
                    machine.is_off_for(timedelta(seconds=40))
                    store = Store(path, KEY)
                    clock = started(machine, store)
                today = business_day(machine.true, DAY_STARTS)
                numbers += [(today, own_ticket(store, clock)) for _ in range(chance.randrange(3))]
                if hour % 3 == 1 and (at := next(shops, None)) is not None:
                    legal[queue_return(store, clock, hall, at)] = machine.true
        assert restarts > 5
        assert machine.true - BEGAN >= 30 * DAY

        # Meanwhile at the hall.
        with sqlite3.connect(hall.database.file) as books:
            books.execute(
                "UPDATE obligation SET elsewhere = '2026-10-02' WHERE id = ?", (obligation(FILED_AT_A_WINDOW),)
            )
            books.execute("UPDATE binding SET to_day = '2026-09-30' WHERE taxpayer = ?", (taxpayer(NO_LONGER_BOUND),))
        written = store.journal_after(0, 10_000)
        assert drain(store, hall) == len(written)

        # Every row is held, in the order in which it was written.
        assert [seq for (seq,) in rows(hall, "SELECT seq FROM kiosk_journal ORDER BY seq")] == [r.seq for r in written]
        # Numbers: each once, under its true business day, in the order of its issue.
        given = rows(hall, "SELECT day, number FROM ticket ORDER BY issued_at, id")
        assert [tuple(each) for each in given] == numbers
        assert len(set(numbers)) == len(numbers) > 200
        # Returns: at their legal times.
        aside = rows(hall, "SELECT kind, reason FROM quarantine ORDER BY seq")
        assert [tuple(each) for each in aside] == [
            ("filing_made", "refused: already_filed (obligation)"),
            ("filing_made", "refused: not_bound (taxpayer)"),
            ("filing_made", "refused: assessment (total)"),
        ]
        held = dict(rows(hall, "SELECT key, declared_at FROM filing"))
        assert len(held) == len(legal) - 3
        longest = DRIFT_BOUND + restarts * timedelta(seconds=40)
        for key, declared in held.items():
            behind = legal[key] - datetime.fromtimestamp(declared / 1000, HALL_ZONE)
            assert abs(behind) <= longest
        # The clock is put before staff, with both times.
        (item,) = rows(hall, "SELECT kind, detail FROM staff_item")
        assert item.kind == "clock_off"
        # A second drain finds nothing, and a repeated one changes nothing.
        assert drain(store, hall) == 0
    store.close()


class LostAnswers:
    """The hall takes each batch in, and its answer is lost the first time."""

    def __init__(self, hall: DrainedHall) -> None:
        self._hall = hall

    def send_journal(self, batch: JournalBatch, timeout: float) -> JournalReply:
        self._hall.send_journal(batch, timeout)
        return self._hall.send_journal(batch, timeout)


def test_returns_whose_answer_was_lost_are_taken_in_once(store: Store, machine: Machine, tmp_path: Path) -> None:
    with hall_in(tmp_path / "hall", 30, HallClock(machine)) as hall:
        clock = heard(machine, store)
        for at in range(30):
            queue_return(store, clock, hall, at if at != OTHER_RULES else 0)
        assert agent.drain(store, cast(HallClient, LostAnswers(hall))) == 30
        assert len(rows(hall, "SELECT key FROM filing")) == 30
        assert rows(hall, "SELECT id FROM quarantine") == []


def test_two_returns_for_one_period_in_one_batch_are_one_return_and_one_before_staff(
    store: Store, machine: Machine, tmp_path: Path
) -> None:
    with hall_in(tmp_path / "hall", 3, HallClock(machine)) as hall:
        clock = heard(machine, store)
        first = [queue_return(store, clock, hall, at) for at in (0, 1)]
        queue_return(store, clock, hall, 0)
        last = queue_return(store, clock, hall, 2)
        drain(store, hall)
        assert {key for (key,) in rows(hall, "SELECT key FROM filing")} == {*first, last}
        assert rows(hall, "SELECT seq, reason FROM quarantine") == [(3, "refused: already_filed (obligation)")]


# ---- a disk that was copied or put back ----------------------------------------------------------------------------


def test_a_copied_disk_is_noticed_nothing_of_either_is_lost_and_the_copy_goes_on_under_a_name_of_its_own(
    path: Path, machine: Machine, tmp_path: Path
) -> None:
    store = Store(path, KEY)
    with hall_in(tmp_path / "hall", 10, HallClock(machine)) as hall:
        clock = heard(machine, store)
        queue_return(store, clock, hall, 0)
        drain(store, hall)
        store.close()
        copied = tmp_path / "copy.sqlite"
        copied.write_bytes(path.read_bytes())
        store, copy = Store(path, KEY), Store(copied, KEY)
        queue_return(store, clock, hall, 1)
        drain(store, hall)

        queue_return(copy, clock, hall, 2)
        drain(copy, hall)
        (aside,) = rows(hall, "SELECT kind, reason FROM quarantine")
        assert aside.kind == "filing_made"
        assert "restored or cloned" in aside.reason
        assert [tuple(each) for each in rows(hall, "SELECT kind, detail FROM staff_item")] == [("disk_copied", "#2")]

        assert copy.journal_mark().incarnation != store.journal_mark().incarnation
        for disk, at in ((copy, 3), (store, 4), (copy, 5)):
            queue_return(disk, clock, hall, at)
            drain(disk, hall)
        assert len(rows(hall, "SELECT id FROM quarantine")) == 1
        assert len(rows(hall, "SELECT key FROM filing")) == 5
        copy.close()
    store.close()
