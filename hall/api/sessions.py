"""Who is logged in: a cookie's token, looked up by its hash, at a window or at the desk."""

from __future__ import annotations

import asyncio

import structlog

from hall.clock import Clock, milliseconds
from hall.queue import staff
from hall.queue.refusal import Refused
from hall.queue.staff import AT_WINDOWS, Role, StaffSession
from hall.store import statements
from hall.store.database import Database
from hall.store.writer import Work, Writer

#: Minutes without a touch. A window may be quiet for long at night; a desk that nobody sits at is closed soon.
WINDOW_IDLE, DESK_IDLE = 240, 30

#: Passwords checked at one time, and waiting for it: each takes 64 MiB, whoever sent it.
CHECKED_AT_ONCE, CHECKED_SOON = 2, 32

log = structlog.get_logger("hall")


class Sessions:
    """Begins, finds and ends sessions. Lives on the event loop.

    Found ones are kept for a moment: a busy window costs no look into the file. ``look_again`` forgets them, once a
    second, so that a password changed or an account disabled by ``taxhall staff`` counts at once.
    """

    def __init__(self, clock: Clock, database: Database, writer: Writer) -> None:
        self._clock, self._reader, self._writer = clock, database.reader, writer
        self._found: dict[str, tuple[StaffSession, int]] = {}
        self._touched: dict[str, int] = {}
        """When somebody last did something, by hash. In memory: a restart begins the wait anew, the end stays."""
        self._attempts = staff.Attempts()
        self._checking = asyncio.Semaphore(CHECKED_AT_ONCE)
        self._waiting = 0

    async def log_in(
        self, name: str, password: str, window: str | None, address: str, before: StaffSession | None = None
    ) -> tuple[str, StaffSession]:
        """→ (cookie token, session). ``window`` None: at the desk. ``before``: what this browser was logged in as; it
        ends, so that a cookie never outlives its person.

        Raises Refused: wrong_login (401), slow_down (429), role (403), no_such_window (404), window_taken (409: another
        clerk sits there).
        """
        self._attempts.check(name, address)
        if self._waiting >= CHECKED_SOON:
            raise Refused("slow_down", 429)
        # Counted before the check, which takes a while: a hundred guesses at once are a hundred guesses.
        self._attempts.failed(name, address)
        with self._reader.connect() as connection:
            row = connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none()
        known = row is not None and row.disabled_at is None
        fits = await self._fits(row.password if row is not None and known else None, password)
        if row is None or not fits:
            raise Refused("wrong_login", 401)
        self._attempts.succeeded(name, address)
        role = Role(row.role)
        if window is not None and role not in AT_WINDOWS:
            raise Refused("role", 403)

        def begin(work: Work) -> tuple[str, StaffSession]:
            if before is not None:
                staff.leave(work, before)
            if window is None:
                return staff.come_to_the_desk(work, row.id, row.name, role)
            return staff.sit_down(work, row.id, row.name, window, role)

        begun = await self._writer.run(begin)
        self.look_again()  # an earlier session of this clerk has ended
        return begun

    async def _fits(self, hashed: str | None, password: str) -> bool:
        self._waiting += 1
        try:
            async with self._checking:
                return await asyncio.to_thread(staff.password_fits, hashed, password)
        finally:
            self._waiting -= 1

    async def log_out(self, session: StaffSession) -> None:
        """Ends the session and closes the window; a ticket still at the window stays there for the next clerk."""
        await self._writer.run(lambda work: staff.leave(work, session))
        self.look_again()

    def find(self, token: str, *, touch: bool = True) -> StaffSession | None:
        """The session of a cookie token; None when it is unknown, has ended, or nobody has touched it for too long.

        ``touch`` False: a page that looks after itself; nobody need be there.
        """
        hashed = staff.token_hash(token)
        now = milliseconds(self._clock.now())
        found = self._found.get(hashed)
        if found is None:
            with self._reader.connect() as connection:
                row = connection.execute(statements.SESSION_BY_TOKEN, {"token_hash": hashed}).one_or_none()
            if row is None:
                self._touched.pop(hashed, None)
                return None
            session = StaffSession(row.id, row.staff, row.name, row.window, row.csrf, Role(row.role))
            found = self._found[hashed] = session, row.began_at
        session, began = found
        idle = (WINDOW_IDLE if session.window else DESK_IDLE) * 60_000
        touched = self._touched.get(hashed)
        if began <= now - staff.SESSION_HOURS * 3_600_000 or (touched is not None and touched <= now - idle):
            self._forget(hashed, session)
            return None
        if touch or touched is None:
            self._touched[hashed] = now
        return session

    def look_again(self) -> None:
        """Forget what was found: the next request looks into the file."""
        self._found.clear()

    def _forget(self, hashed: str, session: StaffSession) -> None:
        """It ends in the books too, and its window closes."""
        self._found.pop(hashed, None)
        self._touched.pop(hashed, None)
        log.info("session ended by itself", window=session.window or "desk")
        self._writer.submit(lambda work: staff.leave(work, session))
