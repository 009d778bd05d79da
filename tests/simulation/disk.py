"""A kiosk's disk: real SQLite files in memory, whose writes take time, fail, or are cut off between two statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import time
from pathlib import Path
from random import Random
from typing import Any

import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, event

from kiosk.store.store import Store
from tests.simulation.clockwork import pause, point, this_thread


class Disk:
    """How one kiosk's disk behaves now."""

    def __init__(self, chance: Random, count: Callable[[str], None]) -> None:
        self.chance, self._count = chance, count
        self.full = False
        self.slow_s = 0.0

    def turn(self, reads: bool) -> None:
        """The time that a transaction takes, spent before it: while it runs, nothing else does."""
        if this_thread() is not None:
            pause(self.slow_s or self.chance.uniform(0.0001, 0.0005 if reads else 0.008))
        self._count("transaction")


class SimulatedStore(Store):
    """The real store on a simulated disk."""

    def __init__(self, path: Path, key: bytes, disk: Disk, day_starts: time) -> None:
        self._disk = disk
        super().__init__(path, key, day_starts)
        event.listen(self._engine, "before_cursor_execute", self._statement)
        event.listen(self._engine, "commit", lambda connection: point())

    def _statement(self, connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        point()
        if self._disk.full and not statement.startswith(("SELECT", "BEGIN")):
            raise sqlcipher.OperationalError("database or disk is full")

    @contextmanager
    def _transaction(self, reads: bool = False) -> Iterator[Connection]:
        point()
        self._disk.turn(reads)
        with super()._transaction(reads) as connection:
            yield connection
        # Committed; whether anybody hears of it is another matter.
        point()


class Books:
    """What stands on a kiosk's disk now, seen from outside: only what is committed."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._db = sqlcipher.connect(str(path), isolation_level=None, check_same_thread=False)
        self._db.execute(f"PRAGMA key = \"x'{key.hex()}'\"")

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._db.execute(statement, values).fetchall()
        return found

    def one(self, statement: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        found = self._db.execute(statement, values).fetchone()
        return None if found is None else found[0]

    def close(self) -> None:
        self._db.close()
