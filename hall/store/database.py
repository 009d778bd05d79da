"""One SQLite file a hall: opened with the settings that kept every acknowledged ticket through every power cut.

WAL with synchronous FULL lost nothing in thousands of simulated power cuts; NORMAL, or DELETE with FULL, issued numbers
twice. Python's own transaction handling is switched off and every transaction begins by hand: left alone, it reads
before it locks, and two callers get one number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from hall.store.schema import MIGRATIONS

FILE = "hall.sqlite"

#: Milliseconds to wait for another process (``taxhall enrol`` beside a running server) to end its transaction.
BUSY_MS = 5_000


class UnfitDatabase(RuntimeError):
    """The file or the SQLite library must not be used: says which, and what to do."""


def check_version(version: tuple[int, int, int] = sqlite.sqlite_version_info) -> None:
    """Refuse an SQLite in which resetting the WAL can corrupt the file (fixed in 3.51.3, 3.50.7 and 3.44.6)."""
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    if not fixed:
        found = ".".join(map(str, version))
        raise UnfitDatabase(f"SQLite {found} can corrupt a database when its WAL is reset: 3.51.3 or later is needed")


def _engine(file: Path, begin: str, pragmas: tuple[str, ...], **pool: Any) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}", module=sqlite, connect_args={"check_same_thread": False}, hide_parameters=True, **pool
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, record: object) -> None:
        connection.isolation_level = None
        for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "foreign_keys=ON", *pragmas):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin_by_hand(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _migrate(connection: Connection) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > len(MIGRATIONS):
        raise UnfitDatabase(
            f"the database is of version {version}, this software knows {len(MIGRATIONS)}: update it first"
        )
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        for statement in _statements(script):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql(f"PRAGMA user_version = {number}")


def _statements(script: str) -> list[str]:
    """Cut a script into statements: SQLite's own executescript would commit the transaction around it."""
    statements, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if line.rstrip().endswith(";") and sqlite.complete_statement(current):
            statements.append(current)
            current = ""
    return statements


class Database:
    """The hall's file: one connection that writes, a few that read a committed state without waiting for it."""

    def __init__(self, data: Path) -> None:
        """``data``: the directory, made if missing. Raises UnfitDatabase, OSError."""
        check_version()
        data.mkdir(parents=True, exist_ok=True)
        self.file = data / FILE
        self.writer = _engine(
            self.file, "BEGIN IMMEDIATE", ("synchronous=FULL", "journal_size_limit=67108864"), poolclass=StaticPool
        )
        self.file.touch(mode=0o600)
        with self.writer.begin() as connection:
            _migrate(connection)
        self.reader = _engine(self.file, "BEGIN", ("query_only=ON",), poolclass=QueuePool, pool_size=4, max_overflow=4)

    def close(self) -> None:
        self.reader.dispose()
        self.writer.dispose()
