"""The desk: everything that windows, boards and phones do and see, as plain calls.

In a route: ``desk: Desk = request.app.state.desk``. Reading is quick (under a few ms) and may be done right in an
``async`` route; what changes the line is awaited, and returns only after its commit.
"""

from __future__ import annotations

from dataclasses import dataclass

from hall.queue.views import ActionRequest, BoardView, PhoneView, WindowAction, WindowView
from kiosk.domain.messages import HallState


@dataclass(frozen=True)
class StaffSession:
    """A clerk who is logged in at one window (``hall.api.auth.staff_session(request)`` finds it by the cookie)."""

    id: int
    staff: int
    name: str
    window: str
    csrf: str
    """Goes into every form as hidden field ``csrf``, or into the header ``X-CSRF-Token`` of JSON requests."""


class Refused(Exception):
    """The line does not allow it. ``status`` is the HTTP status, ``problem`` a word that texts can be looked up by.

    Problems: window_busy, nobody_waiting, nothing_here, stale, not_allowed, no_such_ticket, no_such_window,
    window_closed, not_from_here (409 unless named otherwise; 404 for no_such_*).
    """

    def __init__(self, problem: str, status: int = 409, field: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.field = field


class Desk:
    """What a page needs. Errors: ``Refused``; ``StorageFailed`` (hall.store.writer) where nothing could be saved."""

    def windows(self) -> list[str]:
        """The hall's windows in order, for the login form."""
        raise NotImplementedError

    def window(self, window: str) -> WindowView:
        """Raises Refused(no_such_window, 404)."""
        raise NotImplementedError

    def board(self) -> BoardView:
        raise NotImplementedError

    def phone(self, token: str) -> PhoneView | None:
        """By public token (``messages.public_token``); None for an unknown one."""
        raise NotImplementedError

    def state(self) -> HallState:
        """What anybody may know; the same snapshot that ``GET /public/state`` answers with."""
        raise NotImplementedError

    async def act(self, session: StaffSession, action: WindowAction, request: ActionRequest) -> WindowView:
        """Do it at the session's window; answers the window as it is after the commit. Raises Refused."""
        raise NotImplementedError

    async def log_in(self, name: str, password: str, window: str, address: str) -> tuple[str, StaffSession]:
        """→ (cookie token, session). Raises Refused: wrong_login (401), slow_down (429), no_such_window (404),
        window_taken (409: another clerk sits there)."""
        raise NotImplementedError

    async def log_out(self, session: StaffSession) -> None:
        """Ends the session and closes the window; a ticket still at the window stays there for the next clerk."""
        raise NotImplementedError

    def session(self, token: str) -> StaffSession | None:
        """The session of a cookie token, None when it is unknown or has ended."""
        raise NotImplementedError
