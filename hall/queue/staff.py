"""Clerks: who may log in, and at which window they sit. One clerk a window, one window a clerk."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass

import argon2

from hall.queue.calling import set_open
from hall.queue.refusal import Refused
from hall.store import statements
from hall.store.writer import Work

#: A forgotten session ends by itself: no shift is longer.
SESSION_HOURS = 12

#: Wrong passwords for one account from one address, within so many seconds, before it has to wait.
ATTEMPTS, ATTEMPT_SECONDS = 5, 300

CLERK = "clerk"

_hasher = argon2.PasswordHasher()
#: Checked for names that nobody has, so that the time of an answer does not tell which names exist.
_NOBODY = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class StaffSession:
    """A clerk who is logged in at one window (``hall.api.auth.staff_session(request)`` finds it by the cookie)."""

    id: int
    staff: int
    name: str
    window: str
    csrf: str
    """Goes into every form as hidden field ``csrf``, or into the header ``X-CSRF-Token`` of JSON requests."""


def token_hash(token: str) -> str:
    """Only this is stored: who reads the database cannot take over a window."""
    return hashlib.sha256(token.encode()).hexdigest()


def add_staff(work: Work, name: str, role: str, password: str) -> None:
    """Raises ValueError: a name that is taken or empty, a password under eight characters."""
    if not name.strip() or len(name) > 64:
        raise ValueError("a name of 1 to 64 characters is needed")
    if len(password) < 8:
        raise ValueError("a password needs eight characters or more")
    if work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none() is not None:
        raise ValueError("this name is taken")
    values = {"name": name, "role": role, "password": _hasher.hash(password)}
    work.connection.execute(statements.ADD_STAFF, values)


def password_fits(hashed: str | None, password: str) -> bool:
    """Takes some 50 ms and 64 MiB by design; call it outside the event loop."""
    try:
        return _hasher.verify(hashed or _NOBODY, password[:1024]) and hashed is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def sit_down(work: Work, staff: int, name: str, window: str) -> tuple[str, StaffSession]:
    """Begin a session and open the window. The clerk's own earlier session ends; another clerk's does not.

    Raises Refused: no_such_window (404), window_taken (409).
    """
    if work.connection.execute(statements.WINDOW_IS_OPEN, {"window": window}).one_or_none() is None:
        raise Refused("no_such_window", 404, "window")
    for row in work.connection.execute(statements.SESSIONS_AT, {"staff": staff, "window": window}).all():
        ended = row.began_at < work.now_ms - SESSION_HOURS * 3_600_000
        if row.staff != staff and not ended:
            raise Refused("window_taken", 409, "window")
        stand_up(work, row.id, row.window, row.staff)
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    values = {"token_hash": token_hash(token), "staff": staff, "window": window, "csrf": csrf, "now": work.now_ms}
    session = work.connection.execute(statements.ADD_SESSION, values).scalar_one()
    set_open(work, window, True, staff)
    return token, StaffSession(session, staff, name, window, csrf)


def stand_up(work: Work, session: int, window: str, staff: int) -> None:
    """End a session and close its window. What was transferred to this window alone may go to any now."""
    if work.connection.execute(statements.END_SESSION, {"id": session, "now": work.now_ms}).rowcount:
        work.connection.execute(statements.RELEASE_TRANSFERRED, {"window": window})
        set_open(work, window, False, staff)


class Attempts:
    """Counts wrong passwords by account and address. In memory: a restart forgives, guessing stays slow."""

    #: Entries kept at most; the oldest go first.
    LIMIT = 10_000

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, str], list[float]] = {}

    def check(self, name: str, address: str) -> None:
        """Raises Refused(slow_down, 429)."""
        with self._lock:
            recent = [at for at in self._failed.get((name, address), ()) if at > time.monotonic() - ATTEMPT_SECONDS]
        if len(recent) >= ATTEMPTS:
            raise Refused("slow_down", 429)

    def failed(self, name: str, address: str) -> None:
        with self._lock:
            earliest = time.monotonic() - ATTEMPT_SECONDS
            entry = [at for at in self._failed.pop((name, address), ()) if at > earliest]
            self._failed[name, address] = [*entry[-ATTEMPTS:], time.monotonic()]
            while len(self._failed) > self.LIMIT:
                del self._failed[next(iter(self._failed))]

    def succeeded(self, name: str, address: str) -> None:
        with self._lock:
            self._failed.pop((name, address), None)
