"""The audit log of a kiosk: nothing in it is changed unseen; counters, notes and PIN attempts of the same machine."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import text

from kiosk.domain.fleet import Audited
from kiosk.store.counters import KEPT_NOTES, DeviceNote
from kiosk.store.database import StoreFailed
from kiosk.store.pin_attempts import ALLOWED, FIRST_LOCK, LONGEST_LOCK
from kiosk.store.store import Store
from tests.unit.test_store import KEY

NOW = datetime(2026, 11, 24, 1, 42, 7, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.sqlite", KEY)
    yield store
    store.close()


def tamper(store: Store, statement: str) -> None:
    with store._transaction() as connection:
        connection.execute(text(statement))


def fill(store: Store) -> None:
    for number in range(1, 6):
        store.audit.add("T7", "test_print", f"sheet {number}", NOW + timedelta(seconds=number))


def test_what_was_done_is_kept_in_order_and_the_chain_is_whole(store: Store) -> None:
    fill(store)
    assert [(row.seq, row.detail) for row in store.audit.latest(2)] == [(5, "sheet 5"), (4, "sheet 4")]
    assert store.audit.verify() is None


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET who = 'T8' WHERE seq = 3", 3),
        ("UPDATE audit SET at = '2026-11-24T01:42:09+00:00' WHERE seq = 4", 4),
        ("UPDATE audit SET what = 'test_read' WHERE seq = 1", 1),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 1", 1),
        ("UPDATE audit SET seq = 9 WHERE seq = 5", 5),
        ("UPDATE audit SET who = 'T7t', what = 'est_print' WHERE seq = 2", 2),
    ],
)
def test_a_row_that_was_changed_taken_out_or_moved_shows_itself(store: Store, statement: str, broken: int) -> None:
    fill(store)
    tamper(store, statement)
    assert store.audit.verify() == broken


def test_every_row_is_a_fact_for_the_hall_too(store: Store) -> None:
    fill(store)
    facts = [msgspec.json.decode(row.body, type=Audited) for row in store.journal_after(0, 100)]
    assert facts[0] == Audited("test_print", "T7", "sheet 1")
    assert len(facts) == 5


def test_row_and_fact_are_one_transaction(store: Store) -> None:
    tamper(store, "CREATE TRIGGER broken BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'disk'); END")
    with pytest.raises(StoreFailed):
        store.audit.add("T7", "login", "", NOW)
    assert store.audit.latest(1) == []


def test_counters_add_up_and_begin_anew_when_the_paper_is_changed(store: Store) -> None:
    store.devices.keep({("ticket_printer", "sheets"): 3}, [], NOW)
    store.devices.keep({("ticket_printer", "sheets"): 2}, [], NOW + timedelta(hours=1))
    (counter,) = store.devices.counters("ticket_printer")
    assert (counter.value, counter.since) == (5, NOW)
    store.devices.reset("ticket_printer", "sheets", NOW + timedelta(hours=2))
    (counter,) = store.devices.counters("ticket_printer")
    assert (counter.value, counter.since) == (0, NOW + timedelta(hours=2))


def test_of_a_device_s_history_the_latest_notes_are_kept(store: Store) -> None:
    notes = [DeviceNote("pos", NOW + timedelta(seconds=n), "online", None, str(n)) for n in range(KEPT_NOTES + 20)]
    store.devices.keep({}, [*notes, DeviceNote("id_card", NOW, "offline", None, "")], NOW)
    kept = store.devices.history("pos", 10_000)
    assert len(kept) == KEPT_NOTES
    assert kept[0].detail == str(KEPT_NOTES + 19)
    assert len(store.devices.history("id_card", 10)) == 1


def test_five_wrong_pins_in_a_row_close_the_door_and_each_further_one_for_twice_as_long(store: Store) -> None:
    attempts = store.pin_attempts
    for _ in range(ALLOWED - 1):
        assert attempts.trying(NOW) is None
    assert attempts.locked_until(NOW) is None
    assert attempts.trying(NOW) == NOW + FIRST_LOCK
    assert attempts.locked_until(NOW + FIRST_LOCK - timedelta(seconds=1)) == NOW + FIRST_LOCK
    later = NOW + FIRST_LOCK
    assert attempts.locked_until(later) is None
    assert attempts.trying(later) == later + 2 * FIRST_LOCK
    for _ in range(30):
        until = attempts.trying(later)
    assert until == later + LONGEST_LOCK


def test_a_right_pin_forgives_the_wrong_ones(store: Store) -> None:
    for _ in range(ALLOWED):
        store.pin_attempts.trying(NOW)
    store.pin_attempts.right()
    assert store.pin_attempts.locked_until(NOW) is None
    assert store.pin_attempts.trying(NOW) is None


def test_the_count_survives_a_restart(tmp_path: Path) -> None:
    for _ in range(ALLOWED):
        store = Store(tmp_path / "kiosk.sqlite", KEY)
        store.pin_attempts.trying(NOW)
        store.close()
    assert Store(tmp_path / "kiosk.sqlite", KEY).pin_attempts.locked_until(NOW) == NOW + FIRST_LOCK


def test_a_clock_that_was_ahead_locks_nobody_out_for_a_month(store: Store) -> None:
    ahead = NOW + timedelta(days=30)
    for _ in range(ALLOWED):
        store.pin_attempts.trying(ahead)
    assert store.pin_attempts.locked_until(NOW) == NOW + FIRST_LOCK
    assert store.pin_attempts.locked_until(NOW + FIRST_LOCK) is None


def test_a_file_with_a_damaged_page_is_found_out(tmp_path: Path) -> None:
    file = tmp_path / "kiosk.sqlite"
    store = Store(file, KEY)
    fill(store)
    assert store.check() == []
    store.close()
    damaged = bytearray(file.read_bytes())
    damaged[-2000] ^= 0xFF
    file.write_bytes(damaged)
    assert Store(file, KEY).check()
