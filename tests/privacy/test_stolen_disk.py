"""A kiosk's disk in somebody's hands, without the key that the machine is given at its start: what it gives away."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pysqlite3.dbapi2 as sqlite
import pytest

import config
from demo.hall_server import HallServer, command
from kiosk.domain.day import HALL_ZONE
from kiosk.runtime.enrolment import Enrolment, enrolment_of
from kiosk.store.database import StoreUnreadable
from kiosk.store.store import Store
from tests.privacy.canaries import Canary, in_files, needles

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=HALL_ZONE)
REFERENCE, MASKED = "5ca1ab1e" * 8, "慕**菀 3506**********0018"
DETAIL = "what a technician has noted"


class StolenKiosk:
    """Enrolled at a real hall, in use, and pulled off the wall: its write-ahead log is as it was."""

    def __init__(self, folder: Path, hall: HallServer) -> None:
        self.disk, self.elsewhere = folder / "disk", folder / "credential"
        self.elsewhere.mkdir(parents=True)
        self.key_file = self.elsewhere / "store.key"
        self.disk.mkdir()
        settings = self.disk / "kiosk.toml"
        settings.write_text(
            f'[kiosk]\ndata_dir = "data"\nkey_file = "{self.key_file}"\nhall_url = "{hall.url}"\n', encoding="utf-8"
        )
        code = hall.command("enrol", "K1")["code"]
        subprocess.run(command("taxkiosk", "enrol", code, "--settings", str(settings)), check=True, capture_output=True)
        self.code = code
        self.database = self.disk / "data" / "kiosk.sqlite"
        self.store = Store(self.database, self.key_file.read_bytes())
        enrolment = enrolment_of(self.store)
        assert enrolment is not None
        self.enrolment: Enrolment = enrolment
        self.store.record_ask(NOW)
        self.store.audit.add("T-007", "opened", DETAIL, NOW)
        self.store.set_settings({"holder": f"{REFERENCE} {MASKED}".encode()})
        self.image = folder / "stolen"
        shutil.copytree(self.disk, self.image)

    @property
    def files(self) -> list[Path]:
        return [file for file in sorted(self.image.rglob("*")) if file.is_file()]


@pytest.fixture(scope="module")
def stolen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StolenKiosk]:
    folder = tmp_path_factory.mktemp("stolen")
    hall = HallServer(folder / "hall")
    hall.start()
    made = StolenKiosk(folder / "kiosk", hall)
    yield made
    made.store.close()
    hall.stop()


def test_no_secret_and_no_person_is_read_off_the_disk(stolen: StolenKiosk) -> None:
    key, pepper = stolen.enrolment.private_key, stolen.enrolment.pepper
    wanted = needles(
        [
            Canary("a holder's reference", (REFERENCE,)),
            Canary("a holder", (MASKED,)),
            Canary("an audit note", (DETAIL,)),
            Canary("the enrolment code", (stolen.code, stolen.code.replace("-", ""))),
            Canary("the kiosk's own key", (key.hex(), key.hex().upper())),
            Canary("the hall's pepper", (pepper.hex(), pepper.hex().upper())),
            Canary("the database key", (stolen.key_file.read_bytes().hex(),)),
        ]
    )
    for what, secret in (("own key", key), ("pepper", pepper), ("database key", stolen.key_file.read_bytes())):
        wanted[secret] = f"{what}, as it is"
    assert {file.name for file in stolen.files} >= {"kiosk.sqlite", "kiosk.sqlite-wal", "kiosk.toml"}
    assert in_files(stolen.files, wanted) == []


def test_the_search_finds_what_lies_open(stolen: StolenKiosk, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"holder {REFERENCE}", encoding="utf-8")
    assert in_files([tmp_path / "log"], needles([Canary("a holder's reference", (REFERENCE,))]))


def test_the_database_is_none_to_whoever_has_no_key(stolen: StolenKiosk) -> None:
    database = stolen.image / "data" / "kiosk.sqlite"
    assert not database.read_bytes().startswith(b"SQLite format 3")
    plain = sqlite.connect(database)
    with pytest.raises(sqlite.DatabaseError):
        plain.execute("SELECT name FROM sqlite_master").fetchall()
    plain.close()
    for guess in (bytes(32), bytes(range(32)), b"K1".ljust(32, b"\0")):
        with pytest.raises(StoreUnreadable):
            Store(database, guess)


def test_with_its_key_it_is_the_kiosk_again(stolen: StolenKiosk) -> None:
    """The test above fails for want of the key, and of nothing else."""
    again = Store(stolen.image / "data" / "kiosk.sqlite", stolen.key_file.read_bytes())
    assert again.setting("holder")
    again.close()


def test_on_an_appliance_a_key_beside_its_data_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / "kiosk.toml"
    settings.write_text('[kiosk]\ndata_dir = "data"\nkey_file = "data/store.key"\n', encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    ended = subprocess.run(
        command("taxkiosk", "ledger", "--settings", str(settings)), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "beside its data" in ended.stderr
    assert not (tmp_path / "data" / "store.key").exists()


def test_the_shipped_settings_of_an_appliance_keep_the_key_off_the_disk() -> None:
    shipped = Path(config.__file__).parents[1] / "systemd" / "etc" / "kiosk.toml"
    assert 'key_file = "$CREDENTIALS_DIRECTORY/store.key"' in shipped.read_text(encoding="utf-8")
