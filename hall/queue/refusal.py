"""Why the hall says no: an expected answer, not a failure."""

from __future__ import annotations


class Refused(RuntimeError):
    """The line does not allow it. ``status`` is the HTTP status, ``problem`` a word that texts can be looked up by.

    At the window: window_busy, window_closed, window_taken, session_ended, nobody_waiting, nothing_here, stale, passed,
    in_line, not_allowed (409), no_such_ticket, no_such_window (404). Taking a number: abandoned (410), key_taken (409).
    Logging in: wrong_login (401), slow_down (429).
    """

    def __init__(self, problem: str, status: int = 409, field: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.status = status
        self.field = field
