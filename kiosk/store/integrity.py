"""Is the file whole? SQLite's own check of its pages' contents, and SQLCipher's of every page's seal."""

from __future__ import annotations

from kiosk.store.database import Transaction

#: Lines of findings that are worth reading; after that it is broken, and that is enough.
MOST = 20


def check(transaction: Transaction) -> list[str]:
    """What is wrong, in SQLite's words; empty: nothing. Reads the whole file, which takes seconds."""
    with transaction(True) as connection:
        sealed = connection.exec_driver_sql("PRAGMA cipher_integrity_check").scalars().all()
        said = connection.exec_driver_sql(f"PRAGMA quick_check({MOST})").scalars().all()
    return [*map(str, sealed[:MOST]), *(str(line) for line in said if line != "ok")]
