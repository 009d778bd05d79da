"""Staff: who may log in, in which role, and at which window a clerk sits. One clerk a window, one window a clerk.

Managers, technicians and administrators need no window: they log in at the desk (``/staff/login``).
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from enum import StrEnum

import argon2

from hall.queue.calling import set_open
from hall.queue.refusal import Refused
from hall.store import statements
from hall.store.writer import Work

#: A forgotten session ends by itself: no shift is longer.
SESSION_HOURS = 12

#: Wrong passwords for one account from one address, within so many seconds, before it has to wait.
ATTEMPTS, ATTEMPT_SECONDS = 5, 300

#: Wrong ones for one account from everywhere, and for all accounts from one address: guessing that is spread out.
ACCOUNT_ATTEMPTS, ADDRESS_ATTEMPTS = 20, 30


class Role(StrEnum):
    """What an account is for; what each may do is the table in ``hall.api.access``."""

    CLERK = "clerk"
    """窗口人员: works at a window, and looks after what the line and the tax side cannot settle."""
    TECHNICIAN = "technician"
    """运维人员: sees the kiosks, and nothing of taxpayers."""
    MANAGER = "manager"
    """值班长: everything a clerk sees, and the kiosks; may sit down at a window at the peak."""
    ADMINISTRATOR = "administrator"
    """系统管理员: kiosks and releases, and nothing of taxpayers."""


#: Who may sit down at a window.
AT_WINDOWS = frozenset({Role.CLERK, Role.MANAGER})

_hasher = argon2.PasswordHasher()
#: Checked for names that nobody has, so that the time of an answer does not tell which names exist.
_NOBODY = _hasher.hash(secrets.token_hex(16))


@dataclass(frozen=True)
class StaffSession:
    """Somebody who is logged in, at a window or at the desk (``hall.api.access.person(request)``)."""

    id: int
    """Of the row in staff_session, or in desk_session."""
    staff: int
    name: str
    window: str
    """Empty at the desk."""
    csrf: str
    """Goes into every form as hidden field ``csrf``, or into the header ``X-CSRF-Token`` of JSON requests."""
    role: Role = Role.CLERK


def token_hash(token: str) -> str:
    """Only this is stored: who reads the database cannot take over a window."""
    return hashlib.sha256(token.encode()).hexdigest()


def add_staff(work: Work, name: str, role: str, password: str) -> None:
    """Raises ValueError: a name that is taken or empty, a password under eight characters, no such role."""
    if not name.strip() or len(name) > 64:
        raise ValueError("a name of 1 to 64 characters is needed")
    _check(password)
    role = Role(role)
    if work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none() is not None:
        raise ValueError("this name is taken")
    values = {"name": name, "role": role, "password": _hasher.hash(password)}
    work.connection.execute(statements.ADD_STAFF, values)


def _check(password: str) -> None:
    if len(password) < 8:
        raise ValueError("a password needs eight characters or more")


def set_password(work: Work, name: str, password: str) -> None:
    """A new one, and whoever is logged in under this name is so no more. Raises ValueError."""
    _check(password)
    staff = _named(work, name)
    work.connection.execute(statements.SET_PASSWORD, {"id": staff, "password": _hasher.hash(password)})
    leave_everywhere(work, staff)


def disable(work: Work, name: str, *, back: bool = False) -> None:
    """The account stays in the books and opens nothing; ``back``: it does again. Raises ValueError."""
    staff = _named(work, name)
    work.connection.execute(statements.DISABLE_STAFF, {"id": staff, "now": None if back else work.now_ms})
    leave_everywhere(work, staff)


def _named(work: Work, name: str) -> int:
    row = work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none()
    if row is None:
        raise ValueError("nobody has this name")
    return int(row.id)


def password_fits(hashed: str | None, password: str) -> bool:
    """Takes some 50 ms and 64 MiB by design; call it outside the event loop."""
    try:
        return _hasher.verify(hashed or _NOBODY, password[:1024]) and hashed is not None
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def sit_down(work: Work, staff: int, name: str, window: str, role: Role = Role.CLERK) -> tuple[str, StaffSession]:
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
    return token, StaffSession(session, staff, name, window, csrf, role)


def come_to_the_desk(work: Work, staff: int, name: str, role: Role) -> tuple[str, StaffSession]:
    """Begin a session without a window."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
    values = {"token_hash": token_hash(token), "staff": staff, "csrf": csrf, "now": work.now_ms}
    session = work.connection.execute(statements.ADD_DESK_SESSION, values).scalar_one()
    return token, StaffSession(session, staff, name, "", csrf, role)


def stand_up(work: Work, session: int, window: str, staff: int) -> None:
    """End a session and close its window. What was transferred to this window alone may go to any now."""
    if work.connection.execute(statements.END_SESSION, {"id": session, "now": work.now_ms}).rowcount:
        work.connection.execute(statements.RELEASE_TRANSFERRED, {"window": window})
        set_open(work, window, False, staff)


def leave(work: Work, session: StaffSession) -> None:
    """End one session, of either kind."""
    if session.window:
        stand_up(work, session.id, session.window, session.staff)
    else:
        work.connection.execute(statements.END_DESK_SESSION, {"id": session.id, "now": work.now_ms})


def leave_everywhere(work: Work, staff: int) -> None:
    for row in work.connection.execute(statements.SESSIONS_OF, {"staff": staff}).all():
        stand_up(work, row.id, row.window, staff)
    work.connection.execute(statements.END_DESK_SESSIONS_OF, {"staff": staff, "now": work.now_ms})


class Attempts:
    """Counts wrong passwords by account and address. In memory: a restart forgives, guessing stays slow.

    An account as a whole has a limit too, for guesses that come from everywhere; it does not hold where the account has
    logged in before, so that nobody can be locked out of their own window from afar.
    """

    #: Entries kept at most; the oldest go first.
    LIMIT = 10_000

    def __init__(self, accounts: bool = True) -> None:
        """``accounts`` False: what is guessed is no account that could be guessed from everywhere."""
        self._accounts = accounts
        self._lock = threading.Lock()
        self._failed: dict[tuple[str, str], list[float]] = {}
        self._known: dict[tuple[str, str], None] = {}
        """Where an account has logged in before."""

    def check(self, name: str, address: str) -> None:
        """Raises Refused(slow_down, 429)."""
        with self._lock:
            too_many = (
                self._recent(name, address) >= ATTEMPTS
                or self._recent("", address) >= ADDRESS_ATTEMPTS
                or (
                    self._accounts and self._recent(name, "") >= ACCOUNT_ATTEMPTS and (name, address) not in self._known
                )
            )
        if too_many:
            raise Refused("slow_down", 429)

    def failed(self, name: str, address: str) -> None:
        with self._lock:
            earliest = time.monotonic() - ATTEMPT_SECONDS
            for key, most in (
                ((name, address), ATTEMPTS),
                (("", address), ADDRESS_ATTEMPTS),
                ((name, ""), ACCOUNT_ATTEMPTS),
            ):
                entry = [at for at in self._failed.pop(key, ()) if at > earliest]
                self._failed[key] = [*entry[-most:], time.monotonic()]
            while len(self._failed) > self.LIMIT:
                del self._failed[next(iter(self._failed))]

    def succeeded(self, name: str, address: str) -> None:
        """Its own failures are forgiven; what else came from this address is not: one may know one password."""
        with self._lock:
            self._failed.pop((name, address), None)
            for key in (("", address), (name, "")):
                if entry := self._failed.get(key):
                    entry.pop()
            self._known[name, address] = None
            while len(self._known) > self.LIMIT:
                del self._known[next(iter(self._known))]

    def _recent(self, name: str, address: str) -> int:
        earliest = time.monotonic() - ATTEMPT_SECONDS
        return sum(at > earliest for at in self._failed.get((name, address), ()))
