"""Wrong PINs in a row at this machine, whatever the card: a handful of stolen cards is no handful of tries.

A try is counted before the card hears of it, and taken back when it was right: who pulls the plug in between has used
it up all the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from kiosk.store.database import Transaction

#: So many wrong ones in a row, and nobody is asked for a PIN for FIRST_LOCK; each further one doubles it.
ALLOWED = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=24)

_GET = text("SELECT wrong, until FROM pin_attempts")
_SET = text("UPDATE pin_attempts SET wrong = :wrong, until = :until")


def lock_after(wrong: int) -> timedelta | None:
    """For how long nobody is let in after so many wrong ones."""
    if wrong < ALLOWED:
        return None
    doublings: int = 2 ** min(wrong - ALLOWED, 16)
    return min(FIRST_LOCK * doublings, LONGEST_LOCK)


class PinAttempts:
    """Each method is one transaction. Raises StoreFailed. ``now``: trusted time."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def locked_until(self, now: datetime) -> datetime | None:
        """None: a PIN may be tried."""
        with self._transaction(False) as connection:
            wrong, until = _read(connection)
            lock = lock_after(wrong)
            if until is None or lock is None or until <= now:
                return None
            if until > now + lock:
                # Set while the clock was believed to be ahead: it locks for its length, not until that day comes.
                until = now + lock
                connection.execute(_SET, {"wrong": wrong, "until": until.isoformat()})
            return until

    def trying(self, now: datetime) -> datetime | None:
        """A PIN is about to be tried: taken for wrong until ``right``. Returns until when nobody is let in if it is."""
        with self._transaction(False) as connection:
            wrong = _read(connection)[0] + 1
            lock = lock_after(wrong)
            until = None if lock is None else now + lock
            connection.execute(_SET, {"wrong": wrong, "until": until and until.isoformat()})
            return until

    def right(self) -> None:
        with self._transaction(False) as connection:
            connection.execute(_SET, {"wrong": 0, "until": None})


def _read(connection: Connection) -> tuple[int, datetime | None]:
    wrong, until = connection.execute(_GET).one()
    return int(wrong), datetime.fromisoformat(until) if until else None
