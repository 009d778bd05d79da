"""The kiosk's one file: SQLCipher (AES-256), WAL, synchronous FULL.

Of all modes tried under power cuts only WAL + FULL and DELETE + EXTRA lost nothing that had been acknowledged. SQLite
before 3.51.3 (3.50.7, 3.44.6) can corrupt a database when the WAL is reset, so the version is asserted at every start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from kiosk.store.schema import MIGRATIONS

KEY_BYTES = 32
BUSY_MS = 5_000

#: Execution option of a connection that only looks: it takes no write lock.
READ_ONLY = "taxkiosk_read_only"

#: Execution option of a connection that writes facts: shows the machine's own clock, right or wrong.
WALL_CLOCK = "taxkiosk_wall_clock"

#: Opens one transaction, whole or not at all; ``True``: it only looks. Raises StoreFailed.
Transaction = Callable[[bool], AbstractContextManager[Connection]]

_FIXED = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


class StoreError(Exception):
    """The family of expected failures of the store."""


class StoreUnreadable(StoreError):
    """Wrong key, or not a database."""


class StoreTooOld(StoreError):
    """This SQLite has the WAL-reset bug."""


class StoreFailed(StoreError):
    """A write did not become durable: disk full, I/O error, locked too long. Nothing of it was kept."""


def has_wal_reset_fix(version: tuple[int, int, int]) -> bool:
    """Whether a SQLite is free of the WAL-reset corruption: 3.51.3 and later, or a patched 3.50 or 3.44."""
    return version >= _FIXED[-1] or any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED[:-1])


def read_or_make_key(path: Path) -> bytes:
    """The database key, 32 bytes. On an appliance a systemd credential is mounted here; elsewhere it is made once."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        if path.is_relative_to("/run/credentials"):
            raise StoreUnreadable("the key is given to the kiosk's services only: try taxkiosk-as-kiosk") from None
        key = secrets.token_bytes(KEY_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
    if len(key) != KEY_BYTES:
        raise StoreUnreadable(f"the key in {path} has {len(key)} bytes, not {KEY_BYTES}")
    return key


def open_database(path: Path, key: bytes) -> Engine:
    """Open (or create) the database and bring its schema up to date. Raises StoreError."""
    version = tuple(int(part) for part in sqlcipher.sqlite_version.split("."))
    if not has_wal_reset_fix((version[0], version[1], version[2])):
        raise StoreTooOld(f"SQLite {sqlcipher.sqlite_version} can corrupt a WAL database; 3.51.3 or later is needed")
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlcipher,
        # Connections wander between threads, one at a time. (A pool of one connection a thread closes those of threads
        # beyond its size while they are in use, and SQLite then crashes the process.)
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_MS / 1000, "check_same_thread": False},
    )

    def prepare(connection: Any, record: object) -> None:
        # SQLAlchemy begins transactions itself, as BEGIN IMMEDIATE (below); the driver must not begin any.
        connection.isolation_level = None
        # Its own log goes to standard error past ours; every error reaches us as an exception anyway.
        connection.execute("PRAGMA cipher_log_level = NONE")
        # A raw key, so that opening costs no key derivation: 32 random bytes need none.
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        # Sorting and temporary tables never touch the disk: they would not be encrypted.
        connection.execute("PRAGMA temp_store = MEMORY")

    def begin_immediate(connection: Connection) -> None:
        # A writer takes the lock at once: two that read first and write later could give the same number.
        reads = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin_immediate)
    try:
        migrate(engine)
    except (DBAPIError, sqlcipher.Error) as problem:
        engine.dispose()
        words = str(problem.orig if isinstance(problem, DBAPIError) else problem)
        if "not a database" in words or "file is encrypted" in words:
            raise StoreUnreadable(f"{path} cannot be read with this key") from None
        raise StoreFailed(words) from None
    return engine


def migrate(engine: Engine) -> None:
    """Run what is missing of MIGRATIONS, each whole or not at all. ``user_version`` counts them."""
    with engine.begin() as connection:
        done: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if done > len(MIGRATIONS):
            raise StoreUnreadable(
                f"the database is of a later program: schema {done}, this one knows {len(MIGRATIONS)}"
            )
        for number, statements in enumerate(MIGRATIONS[done:], start=done + 1):
            for statement in statements:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"PRAGMA user_version = {number}")
