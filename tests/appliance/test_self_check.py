"""A kiosk whose disk or store is ill does not begin; what was broken is kept, and nothing that can be read is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from kiosk.cli.machine import fault_of
from kiosk.domain.day import business_day
from kiosk.runtime import self_check
from kiosk.runtime.self_check import Fault
from kiosk.settings import Settings, load
from kiosk.store.store import Store
from tests.appliance.machine import program, run

NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)
PAGE = 4096


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "kiosk.toml"
    file.write_text('[kiosk]\ndata_dir = "data"\nkey_file = "key/store.key"\nhall_url = "http://127.0.0.1:1"\n')
    (tmp_path / "data").mkdir()
    return load(file)


def opened(settings: Settings) -> Store:
    return Store(settings.kiosk.database, (settings.kiosk.key_file).read_bytes(), settings.kiosk.day_starts)


@pytest.fixture
def enrolled(settings: Settings) -> Settings:
    """A store with an enrolment and three hundred rows of journal."""
    settings.kiosk.key_file.parent.mkdir()
    settings.kiosk.key_file.write_bytes(bytes(range(32)))
    store = opened(settings)
    store.set_settings({"enrolment": msgspec.msgpack.encode({"kiosk": "K3"})})
    for number in range(300):
        store.audit.add("T1", "paper_loaded", f"roll {number}", NOW)
    store.close()
    return settings


def fault(settings: Settings) -> Fault | None:
    finding = self_check.look(settings)
    return finding and finding.fault


def test_a_kiosk_that_is_well_may_begin(enrolled: Settings) -> None:
    assert self_check.look(enrolled) is None
    assert list(enrolled.kiosk.data_dir.glob(".probe*")) == []


def test_each_illness_has_a_code_of_its_own(enrolled: Settings, tmp_path: Path) -> None:
    kiosk = enrolled.kiosk
    table = tmp_path / "fstab"
    table.write_text(f"# data\n/dev/sda3 {kiosk.data_dir} ext4 defaults,nofail 0 2\n")
    finding = self_check.look_at_disk(kiosk.data_dir, table)
    assert finding is not None
    assert finding.fault is Fault.NOT_MOUNTED

    assert fault(msgspec.structs.replace(enrolled, kiosk=msgspec.structs.replace(kiosk, data_dir=Path("/proc")))) is (
        Fault.NOT_WRITABLE
    )
    key = kiosk.key_file.read_bytes()
    kiosk.key_file.write_bytes(bytes(32))
    assert fault(enrolled) is Fault.WRONG_KEY
    kiosk.key_file.unlink()
    assert fault(enrolled) is Fault.NO_KEY
    kiosk.key_file.write_bytes(key)
    store = opened(enrolled)
    with store._transaction() as connection:
        connection.exec_driver_sql("PRAGMA user_version = 999")
    store.close()
    assert fault(enrolled) is Fault.LATER_PROGRAM


def test_a_kiosk_that_no_hall_knows_says_so(settings: Settings) -> None:
    assert fault(settings) is Fault.NOT_ENROLLED


def spoil(settings: Settings, name: str) -> int:
    """Zero one page that belongs to this table or index alone. Returns its number."""
    import sqlcipher3.dbapi2 as sqlcipher

    database = sqlcipher.connect(str(settings.kiosk.database), isolation_level=None)
    database.execute(f"PRAGMA key = \"x'{settings.kiosk.key_file.read_bytes().hex()}'\"")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    (page,) = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    database.close()
    with settings.kiosk.database.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(bytes(PAGE))
    return int(page)


def test_a_spoilt_index_costs_nothing(enrolled: Settings) -> None:
    spoil(enrolled, "slip_open")
    before = enrolled.kiosk.database.read_bytes()
    assert fault(enrolled) is Fault.STORE_BROKEN
    done = self_check.recover(enrolled, NOW)
    assert done.mended
    assert (done.aside / "kiosk.sqlite").read_bytes() == before
    assert self_check.look(enrolled) is None
    store = opened(enrolled)
    try:
        assert len(store.audit.latest(1000)) == 301
        assert store.audit.verify() is None
        assert store.audit.latest(1)[0].what == "store_mended"
    finally:
        store.close()


def test_a_spoilt_table_is_kept_aside_and_no_number_of_today_is_given_again(enrolled: Settings) -> None:
    spoil(enrolled, "ticket")
    assert fault(enrolled) is Fault.STORE_BROKEN
    done = self_check.recover(enrolled, NOW)
    assert (done.mended, done.unsent) == (False, 300)
    assert fault(enrolled) is Fault.NOT_ENROLLED
    store = opened(enrolled)
    try:
        with store._transaction(reads=True) as connection:
            last = connection.exec_driver_sql("SELECT day, last FROM series").one()
        assert tuple(last) == (business_day(NOW, enrolled.kiosk.day_starts), self_check.NUMBERS_OF_A_DAY)
    finally:
        store.close()


def test_the_commands_say_the_same_and_a_store_that_is_whole_is_left_alone(enrolled: Settings, tmp_path: Path) -> None:
    words = ("--settings", str(tmp_path / "kiosk.toml"))
    code = tmp_path / "fault"
    assert run(*program("taxkiosk"), "check", *words, "--say-fault", str(code)).returncode == 0
    assert not code.exists()
    whole = json.loads(run(*program("taxkiosk"), "recover", *words).stdout)
    assert whole["outcome"] == "whole"
    enrolled.kiosk.key_file.write_bytes(bytes(32))
    seen = run(*program("taxkiosk"), "check", *words, "--say-fault", str(code))
    assert (seen.returncode, json.loads(seen.stdout)["fault"], code.read_text()) == (1, "S2", "S2")
    refused = run(*program("taxkiosk"), "recover", *words)
    assert refused.returncode == 1
    assert "S2" in refused.stderr, "a wrong key is no reason to begin anew"


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"MONITOR_UNIT": "taxkiosk.service", "MONITOR_SERVICE_RESULT": "watchdog"}, "F2"),
        ({"MONITOR_UNIT": "taxkiosk.service", "MONITOR_SERVICE_RESULT": "exit-code", "MONITOR_EXIT_STATUS": "1"}, "F1"),
        ({"MONITOR_UNIT": "taxkiosk-check.service", "MONITOR_EXIT_STATUS": "243"}, "S1"),
        ({"MONITOR_UNIT": "taxkiosk-x.service", "MONITOR_SERVICE_RESULT": "exit-code"}, "X1"),
        ({}, "F1"),
    ],
)
def test_the_picture_says_what_systemd_says_where_the_check_has_found_nothing(
    told: dict[str, str], code: str, tmp_path: Path
) -> None:
    assert fault_of(told, tmp_path / "fault") == code
    (tmp_path / "fault").write_text("S3")
    assert fault_of(told, tmp_path / "fault") == "S3"


def test_a_key_that_systemd_gives_is_named_in_the_settings_and_never_made(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "kiosk.toml"
    file.write_text(file.read_text().replace('"key/store.key"', '"$CREDENTIALS_DIRECTORY/store.key"'))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/taxkiosk.service")
    assert load(file).kiosk.key_file == Path("/run/credentials/taxkiosk.service/store.key")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    alone = load(file)
    assert fault(alone) in (Fault.NO_KEY, Fault.WRONG_KEY)
    assert not alone.kiosk.key_file.exists()
