"""Looks what is wanted of this machine, and says how the front end is, for those outside this process.

The sync agent and the tools write into the store that the kiosk is locked or should restart; a thread here looks every
half second and tells the session, which decides when. The other way round the status file says since when the front end
runs, whether somebody stands there, and, as long as the session's loop turns, that it is alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.status_file import FrontEnd, StatusFile, read_status
from kiosk.session.events import StandingChanged
from kiosk.session.state import Home, Shown
from kiosk.session.step import MAINTENANCE
from kiosk.store.database import StoreFailed
from kiosk.store.standing import process_began_ms, uptime_ms
from kiosk.store.store import Store

log = structlog.get_logger()

#: Reading one row costs less than asking whether the file has changed.
LOOK_EVERY_S = 0.5

#: Seconds between two signs of life in the status file.
ALIVE_EVERY_S = 10.0


class Attendant:
    """``shown`` may be called from any thread; the rest is a thread of its own."""

    def __init__(
        self, store: Store, inbox: Inbox, clock: Clock, status: StatusFile, turns: Callable[[], int],
        began_ms: int | None = None,
    ) -> None:  # fmt: skip
        """``turns``: how often the session's loop has gone round. ``began_ms``: of this process, in ``uptime_ms``: a
        restart that was asked for before it has happened."""
        self._store, self._inbox, self._clock, self._status, self._turns = store, inbox, clock, status, turns
        self._began_ms = process_began_ms() if began_ms is None else began_ms
        self._told = StandingChanged(locked=False)
        self._seen_turns = -1
        self._changed = threading.Event()
        self._stop = False
        before = read_status(status.path)
        last_visit = before.front_end.last_visit_at if before and before.front_end else None
        self._front_end = FrontEnd(clock.now(), uptime_ms(), False, False, last_visit)
        self._said_ms = 0
        self._thread = threading.Thread(target=self._run, name="attendant", daemon=True)

    def start(self) -> None:
        self._look()
        self._say()
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        self._stop = True
        self._changed.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def shown(self, shown: Shown) -> None:
        """The page that stands now. Returns at once."""
        page, before = shown.session.page, self._front_end
        maintenance = isinstance(page, MAINTENANCE)
        visit = not maintenance and not isinstance(page, Home)
        if (visit, maintenance) == (before.in_visit, before.in_maintenance):
            return
        ended = shown.now if before.in_visit and not visit else before.last_visit_at
        self._front_end = FrontEnd(before.started_at, before.alive_ms, visit, maintenance, ended)
        self._changed.set()

    # ---- in the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stop:
            changed = self._changed.wait(LOOK_EVERY_S)
            self._changed.clear()
            self._look()
            if changed or uptime_ms() - self._said_ms >= ALIVE_EVERY_S * 1000:
                self._say()

    def _look(self) -> None:
        try:
            standing = self._store.standing.look()
        except StoreFailed as problem:
            log.warning("standing-not-read", reason=str(problem))
            return
        # An ask from before the machine was switched on lies ahead of its uptime, or before this process.
        restart = self._began_ms < standing.restart_at <= uptime_ms()
        wanted = StandingChanged(standing.locked, standing.words, restart)
        if wanted != self._told:
            self._told = wanted
            self._inbox.post(wanted)

    def _say(self) -> None:
        turns = self._turns()
        now = self._front_end
        alive_ms = uptime_ms() if turns != self._seen_turns else now.alive_ms
        self._seen_turns = turns
        self._said_ms = uptime_ms()
        self._status.tell(FrontEnd(now.started_at, alive_ms, now.in_visit, now.in_maintenance, now.last_visit_at))
        if self._front_end is now:
            self._front_end = FrontEnd(now.started_at, alive_ms, now.in_visit, now.in_maintenance, now.last_visit_at)
