"""Calling: what a clerk does to tickets, each action one command in one transaction.

The claim and every check are in the transaction of the one writer: no ticket is called twice, and a button pressed on a
stale screen is refused instead of hitting whoever stands there now.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row

from hall.queue.refusal import Refused
from hall.queue.rules import Rules
from hall.queue.views import ActionRequest, EventKind, WindowAction
from hall.store import statements
from hall.store.writer import Work
from kiosk.domain.ticket import NotAllowed, TicketAction, TicketState, after

#: Shorter is a mistake of the clerk or a test; longer is a ticket forgotten over lunch: neither teaches anything.
LEARN_FROM_SECONDS, LEARN_TO_SECONDS = 10, 4 * 3600

_STEPS = {
    WindowAction.RECALL: TicketAction.RECALL,
    WindowAction.START: TicketAction.START,
    WindowAction.NO_SHOW: TicketAction.NO_SHOW,
    WindowAction.PARK: TicketAction.PARK,
    WindowAction.TRANSFER: TicketAction.TRANSFER,
    WindowAction.FINISH: TicketAction.FINISH,
}


class Seat:
    """One clerk's action at one window, in the writer's transaction."""

    def __init__(self, work: Work, rules: Rules, window: str, session: int, staff: int) -> None:
        """Raises Refused: no_such_window, session_ended."""
        self.work, self.rules, self.window, self.staff = work, rules, window, staff
        found = work.connection.execute(statements.BEFORE_ACTION, {"window": window, "session": session}).one_or_none()
        if found is None:
            raise Refused("no_such_window", 404)
        if found.session is None:
            raise Refused("session_ended", 401)
        self.open = bool(found.window_open)
        self.current: Row[Any] | None = found if found.id is not None else None

    def act(self, action: WindowAction, request: ActionRequest) -> None:
        """Raises Refused."""
        match action:
            case WindowAction.OPEN:
                self._set_open(True)
            case WindowAction.PAUSE:
                self._set_open(False)
            case WindowAction.CALL_NEXT:
                self._call_next(request)
            case WindowAction.CALL_NUMBER | WindowAction.RESUME:
                self._call_number(action, request)
            case _:
                self._step(self._meant(request.number, "number"), _STEPS[action], request)

    # ---- calling -----------------------------------------------------------------------------------------------------

    def _call_next(self, request: ActionRequest) -> None:
        finished = self._make_room(request)
        values = {"now": self.work.now_ms, "window": self.window, **self.rules.rates}
        row = self.work.connection.execute(statements.FIRST_IN_LINE, values).one_or_none()
        if row is not None:
            self._call(row)
        elif not finished:
            raise Refused("nobody_waiting")

    def _call_number(self, action: WindowAction, request: ActionRequest) -> None:
        if not request.number:
            raise Refused("missing", 422, "number")
        values = {"day": self.rules.day(self.work.now), "number": request.number.strip().upper()}
        row = self.work.connection.execute(statements.TICKET_BY_NUMBER, values).one_or_none()
        if row is None:
            raise Refused("no_such_ticket", 404, "number")
        match TicketState(row.state):
            case TicketState.PARKED:
                pass
            case TicketState.NO_SHOW if action is WindowAction.CALL_NUMBER:
                self._may_return(row)
            case TicketState.WAITING | TicketState.TRANSFERRED if row.only_window != self.window:
                # Out of turn, past everybody who waits: the line's order is not a clerk's choice.
                raise Refused("in_line", 409, "number")
            case TicketState.TRANSFERRED:
                pass
            case _:
                raise Refused("not_allowed", 409, "number")
        self._make_room(request)
        self._call(row)

    def _may_return(self, row: Row[Any]) -> None:
        values = {"since": row.aside_at, "window": row.window}
        called_since = self.work.connection.execute(statements.CALLED_SINCE, values).scalar_one()
        if called_since >= self.rules.order.no_show_return:
            raise Refused("passed", 409, "number")

    def _make_room(self, request: ActionRequest) -> bool:
        """A window has one ticket at a time. Answers whether one had to be finished first."""
        if not self.open:
            raise Refused("window_closed")
        if self.current is None:
            return False
        if not request.finish:
            raise Refused("window_busy")
        self._step(self._meant(request.current, "current"), TicketAction.FINISH, request)
        return True

    def _call(self, row: Row[Any]) -> None:
        state = TicketState(row.state)
        after(state, TicketAction.CALL)
        values = {"id": row.id, "window": self.window, "now": self.work.now_ms, "state": state.value}
        self.work.connection.execute(statements.CALL, values)
        if state in (TicketState.WAITING, TicketState.TRANSFERRED):
            self.work.in_line -= 1
        self._record(EventKind.CALLED, row, calls=1)

    # ---- what happens to the ticket at the window --------------------------------------------------------------------

    def _meant(self, number: str | None, field: str) -> Row[Any]:
        if self.current is None:
            raise Refused("nothing_here")
        if not number:
            raise Refused("missing", 422, field)
        if number != self.current.number:
            raise Refused("stale", 409, field)
        return self.current

    def _step(self, row: Row[Any], action: TicketAction, request: ActionRequest) -> None:
        try:
            state = after(TicketState(row.state), action)
        except NotAllowed:
            raise Refused("not_allowed") from None
        execute, now = self.work.connection.execute, self.work.now_ms
        match action:
            case TicketAction.RECALL:
                execute(statements.RECALL, {"id": row.id})
                self._record(EventKind.RECALLED, row, calls=row.calls + 1)
            case TicketAction.START:
                execute(statements.START, {"id": row.id, "now": now})
                self._record(EventKind.STARTED, row)
            case TicketAction.NO_SHOW:
                execute(statements.ASIDE_NOW, {"id": row.id, "state": state.value, "now": now})
                self._record(EventKind.NO_SHOW, row)
            case TicketAction.PARK:
                execute(statements.ASIDE_NOW, {"id": row.id, "state": state.value, "now": now})
                self._record(EventKind.PARKED, row)
            case TicketAction.TRANSFER:
                self._transfer(row, request.to_window)
            case TicketAction.FINISH:
                execute(statements.FINISH, {"id": row.id, "now": now})
                self._learn(row)
                self._record(EventKind.FINISHED, row)

    def _transfer(self, row: Row[Any], to_window: str | None) -> None:
        if to_window == self.window:
            raise Refused("not_allowed", 409, "to_window")
        if to_window is not None:
            known = self.work.connection.execute(statements.WINDOW_IS_OPEN, {"window": to_window}).one_or_none()
            if known is None:
                raise Refused("no_such_window", 404, "to_window")
            if not known.open:
                raise Refused("window_closed", 409, "to_window")
        self.work.connection.execute(statements.TRANSFER, {"id": row.id, "to_window": to_window})
        self.work.in_line += 1
        self._record(EventKind.TRANSFERRED, row, to_window=to_window)

    def _learn(self, row: Row[Any]) -> None:
        seconds = (self.work.now_ms - row.called_at) / 1000
        if LEARN_FROM_SECONDS <= seconds <= LEARN_TO_SECONDS:
            values = {"category": row.category, "seconds": seconds}
            self.work.connection.execute(statements.LEARN_SERVICE_TIME, values)

    def _record(self, kind: EventKind, row: Row[Any], *, to_window: str | None = None, calls: int = 0) -> None:
        self.work.record(
            kind,
            ticket=row.id,
            number=row.number,
            window=self.window,
            to_window=to_window,
            calls=calls,
            staff=self.staff,
        )

    def _set_open(self, is_open: bool) -> None:
        set_open(self.work, self.window, is_open, self.staff)


def set_open(work: Work, window: str, is_open: bool, staff: int | None) -> None:
    """Open or close a window; says so only when that changes anything."""
    changed = work.connection.execute(statements.SET_WINDOW, {"window": window, "open": int(is_open)}).rowcount
    if changed:
        kind = EventKind.WINDOW_OPENED if is_open else EventKind.WINDOW_CLOSED
        work.record(kind, window=window, staff=staff)
