"""The one writer and the file under it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from hall.queue.taking import issue
from hall.store.database import Database, UnfitDatabase, check_version
from hall.store.writer import StorageFull, Work
from tests.hall.house import House


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)])
def test_an_sqlite_that_can_corrupt_its_wal_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(UnfitDatabase, match=r"3\.51\.3"):
        check_version(version)


@pytest.mark.parametrize("version", [(3, 44, 6), (3, 50, 7), (3, 51, 3), (3, 53, 4)])
def test_a_repaired_sqlite_is_good(version: tuple[int, int, int]) -> None:
    check_version(version)


def test_the_file_is_opened_so_that_a_power_cut_loses_nothing(house: House) -> None:
    def settings(work: Work) -> tuple[object, ...]:
        return tuple(
            work.connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        )

    assert house.do(settings) == ("wal", 2, 1)


def test_readers_cannot_write(house: House) -> None:
    with house.database.reader.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("DELETE FROM window")


def test_a_database_of_a_newer_software_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with database.writer.begin() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(UnfitDatabase, match="99"):
        Database(tmp_path)


def test_one_command_that_fails_leaves_the_others_of_its_group_alone(house: House) -> None:
    def fail(work: Work) -> None:
        work.connection.exec_driver_sql("INSERT INTO counter VALUES ('spoiled', 1)")
        raise ValueError("no")

    hold = house.writer.submit(lambda work: house.clock.now())
    futures = [house.writer.submit(partial(_insert, number=number)) for number in range(3)]
    failing = house.writer.submit(fail)
    more = house.writer.submit(partial(_insert, number=9))
    hold.result(10)
    for future in (*futures, more):
        future.result(10)
    with pytest.raises(ValueError, match="no"):
        failing.result(10)
    assert house.value("SELECT group_concat(day) FROM counter") == "0,1,2,9"


def _insert(work: Work, number: int) -> None:
    work.connection.exec_driver_sql("INSERT INTO counter VALUES (?, 1)", (str(number),))


def test_on_a_full_disk_nobody_is_answered_and_the_hall_goes_on_when_there_is_room(house: House) -> None:
    house.take()

    def limit_pages(work: Work) -> None:
        pages = work.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        work.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    def fill(work: Work) -> None:
        work.connection.exec_driver_sql("INSERT INTO secret VALUES ('ballast', ?)", ("x" * 100_000,))

    house.do(limit_pages)
    with pytest.raises(StorageFull):
        house.do(fill)
    before = house.value("SELECT count(*) FROM ticket")
    house.do(lambda work: work.connection.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    assert house.take().number == f"A{before + 1:03d}"
    house.do(fill)


def test_events_are_told_in_order_and_only_after_the_commit(house: House) -> None:
    def fails_after_taking(work: Work) -> None:
        issue(work, house.rules, "K1", house.request(), lambda ahead, kind: None)
        raise ValueError("after all not")

    house.take()
    with pytest.raises(ValueError, match="not"):
        house.do(fails_after_taking)
    house.take()
    assert [(event.id, event.number) for event in house.events] == [(1, "A001"), (2, "A002")]
    assert house.in_line == 2
