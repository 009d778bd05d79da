"""Before the front end: may this kiosk begin? And when its store may not: it is kept aside, mended, never deleted.

A fault is a code of two signs, large on the out-of-service picture, so that a technician hears by telephone what it is.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import text

from kiosk.domain.day import business_day
from kiosk.settings import Settings
from kiosk.store.database import StoreError, StoreFailed, StoreUnreadable, open_database, read_or_make_key
from kiosk.store.store import Store

#: Below this a kiosk does not begin: SQLite needs room to write what a visit leaves.
LEAST_FREE = 32 << 20

#: Where broken files go, in the data folder.
ASIDE = "aside"

_FILES = ("kiosk.sqlite", "kiosk.sqlite-wal", "kiosk.sqlite-shm")

#: No kiosk gives so many numbers of its own in a day: a store that has lost its count goes on behind all of them.
NUMBERS_OF_A_DAY = 500


class Fault(StrEnum):
    """What a technician reads. D: disk. S: store. E: enrolment. C: settings. F: front end. X: screen."""

    NOT_MOUNTED = "D1"
    NOT_WRITABLE = "D2"
    DISK_FULL = "D3"
    NO_KEY = "S1"
    WRONG_KEY = "S2"
    STORE_BROKEN = "S3"
    LATER_PROGRAM = "S4"
    NOT_ENROLLED = "E1"
    SETTINGS = "C1"
    KEEPS_FALLING = "F1"
    HANGS = "F2"
    NO_SCREEN = "X1"


@dataclass(frozen=True)
class Finding:
    """``problem``: for a technician, in the system's words."""

    fault: Fault
    problem: str


def look(settings: Settings) -> Finding | None:
    """The first thing that is in the way; None: it may begin. Reads the whole store, which takes seconds."""
    return look_at_disk(settings.kiosk.data_dir) or look_at_store(settings)


def look_at_disk(folder: Path, table: Path = Path("/etc/fstab")) -> Finding | None:
    """Is it there, can it be written to for good, is there room? ``table``: the partitions that should be."""
    if _should_be_mounted(folder, table) and not os.path.ismount(folder):
        # Whatever was written now would lie on the system's disk, under the data, and be lost when it comes back.
        return Finding(Fault.NOT_MOUNTED, f"{folder} is not mounted")
    probe = folder / f".probe-{secrets.token_hex(4)}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, b"x" * 4096)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink()
        usage = shutil.disk_usage(folder)
    except OSError as problem:
        fault = Fault.DISK_FULL if problem.errno in (28, 122) else Fault.NOT_WRITABLE
        return Finding(fault, f"{folder}: {problem.strerror}")
    if usage.free < LEAST_FREE:
        return Finding(Fault.DISK_FULL, f"{folder}: {usage.free >> 20} MiB free")
    return None


def look_at_store(settings: Settings) -> Finding | None:
    """Does it open with this key, is every page of it what was written, does it know its hall?"""
    kiosk = settings.kiosk
    if kiosk.database.exists() and not kiosk.key_file.exists():
        return Finding(Fault.NO_KEY, f"{kiosk.key_file} is not there")
    try:
        store = Store(kiosk.database, read_or_make_key(kiosk.key_file), kiosk.day_starts)
    except StoreUnreadable as problem:
        return Finding(Fault.LATER_PROGRAM if "later program" in str(problem) else Fault.WRONG_KEY, str(problem))
    except OSError as problem:
        return Finding(Fault.NO_KEY, str(problem))
    except StoreError as problem:
        return Finding(Fault.STORE_BROKEN, str(problem))
    try:
        if wrong := store.check():
            return Finding(Fault.STORE_BROKEN, wrong[0])
        if store.setting("enrolment") is None:
            return Finding(Fault.NOT_ENROLLED, "this kiosk is not known to its hall yet")
    except StoreFailed as problem:
        return Finding(Fault.STORE_BROKEN, str(problem))
    finally:
        store.close()
    return None


def _should_be_mounted(folder: Path, table: Path) -> bool:
    try:
        lines = table.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(words[1] == str(folder) for line in lines if len(words := line.split()) > 1 and words[0][0] != "#")


# ---- recovery ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recovered:
    """``mended``: everything is there again. Otherwise the store is new, the kiosk has to be enrolled anew, and
    ``unsent`` rows (None: unreadable) that the hall does not have yet are in the files that were put ``aside``."""

    mended: bool
    aside: Path
    unsent: int | None = None


def recover(settings: Settings, now: datetime) -> Recovered:
    """Put the broken store aside, and a mended or a new one in its place. Raises StoreError, OSError.

    Only for a store that ``look_at_store`` finds broken: a wrong key is no reason to begin anew.
    """
    kiosk = settings.kiosk
    key = read_or_make_key(kiosk.key_file)
    aside = kiosk.data_dir / ASIDE / now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    aside.mkdir(parents=True, mode=0o700)
    # A copy is mended, so that whoever knows more can still try with what was found.
    for name in _FILES:
        if (kiosk.data_dir / name).exists():
            shutil.copy2(kiosk.data_dir / name, aside / name)
            _sync(aside / name)
    _sync(aside)
    _sync(aside.parent)
    new = kiosk.data_dir / "kiosk.sqlite.new"
    mended = _mend(aside / _FILES[0], new, key)
    unsent = None if mended else _unsent(aside / _FILES[0], key)
    if mended:
        _sync(new)
    # The write-ahead log is of the broken file: beside another one it would spoil that.
    for name in _FILES[1:]:
        (kiosk.data_dir / name).unlink(missing_ok=True)
    if mended:
        new.replace(kiosk.database)
    else:
        kiosk.database.unlink(missing_ok=True)
    _sync(kiosk.data_dir)
    store = Store(kiosk.database, key, kiosk.day_starts)
    try:
        if not mended:
            _count_behind(store, business_day(now, kiosk.day_starts))
        store.audit.add("kiosk", "store_mended" if mended else "store_new", aside.name, now)
    finally:
        store.close()
    return Recovered(mended, aside, unsent)


def _mend(broken: Path, new: Path, key: bytes) -> bool:
    """A new file with every row of every table, if all can be read: then an index was spoilt, or a page in no use."""
    for left in new.parent.glob(f"{new.name}*"):
        left.unlink()
    fresh: sqlcipher.Connection | None = None
    try:
        with _copy_of(broken, key) as old:
            open_database(new, key).dispose()
            fresh = _open(new, key)
            if old.execute("PRAGMA user_version").fetchone() != fresh.execute("PRAGMA user_version").fetchone():
                return False
            fresh.execute("BEGIN IMMEDIATE")
            for (table,) in fresh.execute(_TABLES).fetchall():
                fresh.execute(f'DELETE FROM "{table}"')
                for row in old.execute(f'SELECT * FROM "{table}" NOT INDEXED'):
                    fresh.execute(f'INSERT INTO "{table}" VALUES ({",".join("?" * len(row))})', row)
            fresh.execute("COMMIT")
            fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            whole = fresh.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return whole and not fresh.execute("PRAGMA foreign_key_check").fetchall()
    except (sqlcipher.Error, StoreError, MemoryError):
        return False
    finally:
        if fresh is not None:
            fresh.close()
        for name in ("-wal", "-shm"):
            new.with_name(new.name + name).unlink(missing_ok=True)


#: The automatic counters are a table like any other, and come last: filling the others moves them.
_TABLES = """SELECT name FROM sqlite_schema WHERE type = 'table'
             AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence') ORDER BY name = 'sqlite_sequence'"""


def _unsent(broken: Path, key: bytes) -> int | None:
    """How many journal rows that the hall does not have can still be read."""
    try:
        with _copy_of(broken, key) as old:
            found = old.execute("SELECT count(*) FROM journal WHERE seq > (SELECT high_water FROM mark)").fetchone()
            return int(found[0])
    except sqlcipher.Error:
        return None


@contextmanager
def _copy_of(broken: Path, key: bytes) -> Iterator[sqlcipher.Connection]:
    """Reading a database takes its write-ahead log in, and that changes the file."""
    with TemporaryDirectory(dir=broken.parent) as folder:
        for name in _FILES:
            if (broken.parent / name).exists():
                shutil.copy2(broken.parent / name, folder)
        database = _open(Path(folder) / broken.name, key)
        try:
            yield database
        finally:
            database.close()


def _open(path: Path, key: bytes) -> sqlcipher.Connection:
    database = sqlcipher.connect(str(path), isolation_level=None)
    database.execute("PRAGMA cipher_log_level = NONE")
    database.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    return database


def _count_behind(store: Store, day: str) -> None:
    """What numbers of its own this kiosk gave today is lost: go on where nobody has been."""
    with store._transaction() as connection:
        connection.execute(text("INSERT INTO series VALUES (:day, :last)"), {"day": day, "last": NUMBERS_OF_A_DAY})
        connection.execute(
            text("INSERT INTO latest_own VALUES (1, :day, :last, 0)"), {"day": day, "last": NUMBERS_OF_A_DAY}
        )


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
