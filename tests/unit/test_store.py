"""What the kiosk remembers: encrypted, whole or not at all, and settled after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from kiosk.domain.day import HALL_ZONE
from kiosk.domain.facts import Fact
from kiosk.domain.messages import CHAIN_START, JournalRow, public_token, row_hash
from kiosk.domain.ticket import TicketSlip
from kiosk.store.database import StoreUnreadable, has_wal_reset_fix, read_or_make_key
from kiosk.store.store import Recorded, Store

KEY = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 24, 3, 0, 0, tzinfo=HALL_ZONE)
DRAFT = TicketSlip("", None, "任何业务", "Any service", None, None, NOW, "欧*娜 3506**********003X", (), "", "")
HALL_SLIP = replace(DRAFT, number="A057", token="ab" * 11, url="http://hall/t/" + "ab" * 11)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kiosk.sqlite"


@pytest.fixture
def store(path: Path) -> Store:
    return Store(path, KEY)


def own_ticket(store: Store, abandoned: str = "", now: datetime = NOW, ref: str | None = "ref") -> Recorded:
    draft = replace(DRAFT, issued_at=now)
    return store.record_own_ticket("K3", abandoned, draft, ref, True, now, "http://hall/t/")


def facts(store: Store) -> list[Fact]:
    return [msgspec.json.decode(row.body, type=Fact) for row in store.journal_after(0, 1000)]


def kinds(store: Store) -> list[str]:
    return [row.kind for row in store.journal_after(0, 1000)]


def test_own_numbers_count_up_and_begin_anew_each_day(store: Store) -> None:
    numbers = [own_ticket(store).slip.number for _ in range(3)]
    assert numbers == ["K3-001", "K3-002", "K3-003"]
    assert own_ticket(store, now=NOW + timedelta(days=1)).slip.number == "K3-001"


def test_a_night_is_one_day_so_that_the_hall_never_sees_a_number_twice(store: Store) -> None:
    evening = NOW.replace(hour=23, minute=59)
    assert own_ticket(store, now=evening).slip.number == "K3-001"
    assert own_ticket(store, now=evening + timedelta(hours=5)).slip.number == "K3-002"
    assert own_ticket(store, now=evening + timedelta(hours=7)).slip.number == "K3-001"


def test_a_number_its_print_intent_and_its_journal_row_come_together(store: Store) -> None:
    recorded = own_ticket(store)
    assert recorded.slip_id == 1
    assert recorded.slip.token == public_token(recorded.key)
    assert recorded.slip.url.endswith(recorded.slip.token)
    (fact,) = facts(store)
    assert (fact.number, fact.key) == ("K3-001", recorded.key)  # type: ignore[union-attr]


def test_what_was_asked_with_unknown_outcome_is_voided_before_the_own_number_is_told(store: Store) -> None:
    key = store.record_ask(NOW)
    own_ticket(store, abandoned=key)
    assert kinds(store) == ["ticket_ask_abandoned", "ticket_issued_here"]
    assert store.recover(NOW) == (0, 1), "the ask is settled; only the slip on its way is open"


def test_a_number_that_its_holder_has_already_is_recorded_once(store: Store) -> None:
    for _ in range(2):
        key = store.record_ask(NOW)
        store.record_hall_ticket(key, HALL_SLIP, "ref", to_print=False, now=NOW)
    assert [slip.number for slip in store.tickets_of("ref", NOW)] == ["A057"]


def test_after_a_crash_open_asks_are_voided_and_slips_on_their_way_are_uncertain(store: Store, path: Path) -> None:
    lost = store.record_ask(NOW)
    printed = own_ticket(store)
    sent = own_ticket(store)
    assert printed.slip_id is not None
    assert sent.slip_id is not None
    store.record_print(printed.slip_id, "done", None, NOW)
    store.record_sent(sent.slip_id)
    store.close()

    again = Store(path, KEY)
    assert again.recover(NOW) == (1, 1)
    voided, uncertain = facts(again)[-2:]
    assert voided.key == lost  # type: ignore[union-attr]
    assert (uncertain.number, uncertain.outcome) == (sent.slip.number, "uncertain")  # type: ignore[union-attr]
    assert again.recover(NOW) == (0, 0), "once"


def test_a_given_up_ticket_is_voided_and_its_slip_never_comes_out(store: Store) -> None:
    recorded = own_ticket(store)
    store.give_up_ticket(recorded.key, NOW)
    store.give_up_ticket(recorded.key, NOW)
    assert kinds(store) == ["ticket_issued_here", "ticket_ask_abandoned"]
    assert store.tickets_of("ref", NOW) == []
    assert store.recover(NOW) == (0, 0)


def test_the_journal_is_gapless_and_chained(store: Store) -> None:
    for _ in range(5):
        own_ticket(store)
    previous = CHAIN_START
    for seq, row in enumerate(store.journal_after(0, 100), start=1):
        assert row.seq == seq
        assert row.hash == row_hash(previous, row.seq, row.kind, row.at, bytes(row.body))
        previous = row.hash


def test_acknowledged_rows_are_dropped_and_the_chain_goes_on(store: Store) -> None:
    for _ in range(5):
        own_ticket(store)
    last: JournalRow = store.journal_after(0, 100)[-1]
    store.acknowledge(5)
    assert store.journal_mark().high_water == 5
    own_ticket(store)
    (row,) = store.journal_after(5, 100)
    assert row.seq == 6
    assert row.hash == row_hash(last.hash, 6, row.kind, row.at, bytes(row.body))
    store.acknowledge(3)
    assert store.journal_mark().high_water == 5, "a mark never goes back"


def test_two_processes_never_give_the_same_number(store: Store, path: Path) -> None:
    program = (
        "import sys; from tests.unit.test_store import KEY, Path, Store, own_ticket\n"
        "from kiosk.store.database import StoreFailed\n"
        "store = Store(Path(sys.argv[1]), KEY)\n"
        "print(*[own_ticket(store).slip.number for _ in range(60)])"
    )
    root = Path(__file__).parents[2]
    others = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, cwd=root)
        for _ in range(3)
    ]
    numbers = [number for other in others for number in other.communicate(timeout=60)[0].split()]
    assert len(numbers) == 180
    assert len(set(numbers)) == 180


def test_threads_share_one_store(store: Store) -> None:
    numbers: list[str] = []
    threads = [threading.Thread(target=lambda: numbers.append(own_ticket(store).slip.number)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"K3-{n:03d}" for n in range(1, 9)]


def test_a_stolen_disk_tells_nothing(store: Store, path: Path) -> None:
    own_ticket(store)
    store.set_settings({"enrolment": b"a private key"})
    store.close()
    raw = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert len(raw) > 4096
    for secret in ("欧*娜", "003X", "K3-001", "a private key", "SQLite format", "ticket_issued_here"):
        assert secret.encode() not in raw


def test_a_wrong_key_is_said_to_be_one(store: Store, path: Path) -> None:
    store.set_settings({"a": b"b"})
    store.close()
    with pytest.raises(StoreUnreadable):
        Store(path, bytes(32))


def test_a_full_disk_gives_no_number_and_loses_none(path: Path, store: Store) -> None:
    own_ticket(store)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))\n"
    program = (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import sys; from tests.unit.test_store import KEY, Path, Store, own_ticket\n"
        "from kiosk.store.database import StoreFailed\n"
        "store = Store(Path(sys.argv[1]), KEY)\n" + limit + "n = 0\n"
        "try:\n"
        "    while n < 10_000: own_ticket(store); n += 1\n"
        "except StoreFailed as problem: print(n, problem)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, cwd=root, timeout=60, check=True
    )
    given = int(done.stdout.split()[0])
    assert "disk" in done.stdout, done.stdout
    assert own_ticket(store).slip.number == f"K3-{given + 2:03d}"


def test_old_tickets_are_forgotten_and_open_ones_kept(store: Store) -> None:
    old = own_ticket(store, now=NOW - timedelta(days=31))
    assert old.slip_id is not None
    store.record_print(old.slip_id, "done", None, NOW)
    own_ticket(store)
    store.forget_before((NOW - timedelta(days=30)).date())
    assert store.tickets_of("ref", NOW - timedelta(days=31)) == []
    assert len(store.tickets_of("ref", NOW)) == 1


def test_a_clock_that_jumped_ahead_and_back_gives_no_number_twice(store: Store) -> None:
    assert own_ticket(store).slip.number == "K3-001"
    store.forget_before((NOW + timedelta(days=400)).date())
    assert own_ticket(store).slip.number == "K3-002"


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "store.key"
    key = read_or_make_key(file)
    assert read_or_make_key(file) == key
    assert len(key) == 32
    assert os.stat(file).st_mode & 0o777 == 0o600
    file.write_bytes(b"short")
    with pytest.raises(StoreUnreadable):
        read_or_make_key(file)


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_a_sqlite_with_the_wal_reset_bug_is_known(version: tuple[int, int, int], safe: bool) -> None:
    assert has_wal_reset_fix(version) is safe
