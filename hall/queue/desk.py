"""The desk: everything that windows, boards and phones do and see, as plain calls.

In a route: ``desk: Desk = request.app.state.desk``. Reading is quick (under a few ms) and may be done right in an
``async`` route; what changes the line is awaited, and returns only after its commit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from hall.clock import Clock, milliseconds, moment
from hall.queue.calling import Seat
from hall.queue.forecaster import Forecaster
from hall.queue.refusal import Refused as Refused
from hall.queue.rules import Rules
from hall.queue.staff import StaffSession as StaffSession
from hall.queue.taking import standing
from hall.queue.views import (
    ActionReply,
    ActionRequest,
    AsideTicket,
    BoardCall,
    BoardView,
    BoardWindow,
    LineEvent,
    OrderReason,
    PhoneView,
    PlaceInLine,
    TicketAtWindow,
    WindowAction,
    WindowView,
)
from hall.settings import Hall
from hall.store import statements
from hall.store.database import Database
from hall.store.writer import Work, Writer
from kiosk.domain.messages import Call, HallState
from kiosk.domain.ticket import TRANSITIONS, TicketAction, TicketState

#: How much of the line a window shows, and of the latest calls a board and a phone.
TOP, CALLS, ASIDE = 20, 12, 30

#: Seconds that the public snapshot may be old: phones and kiosks ask far more often than it changes much.
STATE_AGE = 0.5

_ON_TICKET = {
    TicketAction.RECALL: WindowAction.RECALL,
    TicketAction.START: WindowAction.START,
    TicketAction.NO_SHOW: WindowAction.NO_SHOW,
    TicketAction.PARK: WindowAction.PARK,
    TicketAction.TRANSFER: WindowAction.TRANSFER,
    TicketAction.FINISH: WindowAction.FINISH,
}


class Desk:
    """What a page needs. Errors: ``Refused``; ``StorageFailed`` (hall.store.writer) where nothing could be saved."""

    def __init__(
        self,
        hall: Hall,
        rules: Rules,
        clock: Clock,
        database: Database,
        writer: Writer,
        forecaster: Forecaster,
    ) -> None:
        self.hall, self.rules = hall, rules
        self._clock, self._reader, self._writer, self._forecaster = clock, database.reader, writer, forecaster

    # ---- seeing ------------------------------------------------------------------------------------------------------

    def windows(self) -> list[str]:
        """The hall's windows in order, for the login form."""
        with self._reader.connect() as connection:
            return [row.window for row in connection.execute(statements.WINDOWS)]

    def window(self, window: str) -> WindowView:
        """Raises Refused(no_such_window, 404)."""
        with self._reader.connect() as connection:
            execute = connection.execute
            windows = {row.window: bool(row.open) for row in execute(statements.WINDOWS)}
            if window not in windows:
                raise Refused("no_such_window", 404, "window")
            now = self._clock.now()
            today = {"day": self.rules.day(now), "limit": ASIDE}
            current = execute(statements.AT_WINDOW, {"window": window}).one_or_none()
            line = execute(
                statements.NEXT_IN_LINE,
                {"now": milliseconds(now), "window": window, "limit": TOP, **self.rules.rates},
            ).all()
            parked = execute(statements.ASIDE, {"state": "parked", **today}).all()
            no_shows = execute(statements.ASIDE, {"state": "no_show", **today}).all()
            clerks = {row.window: row.name for row in execute(statements.CLERKS)}
            waiting = execute(statements.COUNT_LINE).scalar_one()
            return WindowView(
                window=window,
                open=windows[window],
                clerk=clerks.get(window),
                current=self._at_window(current) if current is not None else None,
                allowed=_allowed(windows[window], current, bool(line), bool(parked), bool(no_shows)),
                line=[self._place(row, now) for row in line],
                parked=[self._aside(row) for row in parked],
                no_shows=[self._aside(row) for row in no_shows],
                waiting=waiting,
                served_today=execute(statements.SERVED_TODAY, {"day": today["day"], "window": window}).scalar_one(),
                other_windows=[name for name in windows if name != window],
                open_windows=[name for name, is_open in windows.items() if is_open],
                quarantined=execute(statements.COUNT_QUARANTINED).scalar_one(),
                event_id=execute(statements.LAST_EVENT).scalar_one(),
            )

    def board(self) -> BoardView:
        with self._reader.connect() as connection:
            execute = connection.execute
            windows = execute(statements.WINDOWS).all()
            here = {row.window: row for row in execute(statements.AT_ALL_WINDOWS)}
            waiting = execute(statements.COUNT_LINE).scalar_one()
            return BoardView(
                hall=self.hall.id,
                name_zh=self.hall.name_zh,
                name_en=self.hall.name_en,
                calls=[
                    BoardCall(row.number, row.window, moment(row.called_at), row.calls)
                    for row in self._latest_calls(connection)
                ],
                windows=[
                    BoardWindow(row.window, bool(row.open), at.number if at else None, at.state if at else None)
                    for row in windows
                    for at in (here.get(row.window),)
                ],
                waiting=waiting,
                windows_open=sum(bool(row.open) for row in windows),
                wait=self._forecaster.price(waiting, "normal"),
                event_id=execute(statements.LAST_EVENT).scalar_one(),
            )

    def phone(self, token: str) -> PhoneView | None:
        """By public token (``messages.public_token``); None for an unknown one."""
        now = self._clock.now()
        with self._reader.connect() as connection:
            row = connection.execute(statements.TICKET_BY_TOKEN, {"token": token}).one_or_none()
            if row is None:
                return None
            ticket = standing(connection, self.rules, row, milliseconds(now), self._forecaster.price)
            return PhoneView(
                ticket=ticket,
                name_zh=self.hall.name_zh,
                name_en=self.hall.name_en,
                service_zh=self.rules.services.zh(row.service),
                service_en=self.rules.services.en(row.service),
                waiting=connection.execute(statements.COUNT_LINE).scalar_one(),
                calls=[
                    Call(call.number, call.window, moment(call.called_at)) for call in self._latest_calls(connection)
                ],
                as_of=now,
            )

    def state(self) -> HallState:
        """What anybody may know, read anew; ``GET /public/state`` answers with a snapshot of it."""
        with self._reader.connect() as connection:
            waiting = connection.execute(statements.COUNT_LINE).scalar_one()
            return HallState(
                hall=self.hall.id,
                name_zh=self.hall.name_zh,
                name_en=self.hall.name_en,
                day=self.rules.day(self._clock.now()),
                waiting=waiting,
                windows_open=sum(bool(row.open) for row in connection.execute(statements.WINDOWS)),
                wait=self._forecaster.price(waiting, "normal"),
                calls=[
                    Call(call.number, call.window, moment(call.called_at)) for call in self._latest_calls(connection)
                ],
            )

    def line_now(self, in_line: int) -> LineEvent:
        """What ``line`` frames say."""
        with self._reader.connect() as connection:
            is_open = sum(bool(row.open) for row in connection.execute(statements.WINDOWS))
        return LineEvent(in_line, is_open, self._forecaster.price(in_line, "normal"))

    # ---- doing -------------------------------------------------------------------------------------------------------

    async def do(self, session: StaffSession, action: WindowAction, request: ActionRequest) -> ActionReply:
        """Do it at the session's window; answers who is there after the commit. Raises Refused."""

        def command(work: Work) -> ActionReply:
            Seat(work, self.rules, session.window, session.id, session.staff).act(action, request)
            row = work.connection.execute(statements.AT_WINDOW, {"window": session.window}).one_or_none()
            current = self._at_window(row) if row is not None else None
            return ActionReply(session.window, current, work.in_line)

        return await self._writer.run(command)

    async def act(self, session: StaffSession, action: WindowAction, request: ActionRequest) -> WindowView:
        """``do``, and the whole window as it is then: for a page."""
        await self.do(session, action, request)
        return self.window(session.window)

    # ---- rows as views -----------------------------------------------------------------------------------------------

    def _latest_calls(self, connection: Connection) -> list[Row[Any]]:
        day = self.rules.day(self._clock.now())
        return list(connection.execute(statements.LATEST_CALLS, {"day": day, "limit": CALLS}))

    def _at_window(self, row: Row[Any]) -> TicketAtWindow:
        return TicketAtWindow(
            number=row.number,
            state=row.state,
            ticket_class=getattr(row, "class"),
            issued_at=moment(row.issued_at),
            called_at=moment(row.called_at),
            started_at=moment(row.started_at) if row.started_at else None,
            calls=row.calls,
            service=row.service,
            service_zh=self.rules.services.zh(row.service),
            service_en=self.rules.services.en(row.service),
            holder_masked=row.holder_masked,
            waited_minutes=max(0, row.called_at - row.issued_at) // 60_000,
        )

    def _place(self, row: Row[Any], now: datetime) -> PlaceInLine:
        return PlaceInLine(
            number=row.number,
            state=row.state,
            ticket_class=getattr(row, "class"),
            issued_at=moment(row.issued_at),
            waited_minutes=max(0, milliseconds(now) - row.issued_at) // 60_000,
            service=row.service,
            service_zh=self.rules.services.zh(row.service),
            service_en=self.rules.services.en(row.service),
            reason=_reason(row),
            age=round(row.age, 2),
        )

    def _aside(self, row: Row[Any]) -> AsideTicket:
        return AsideTicket(
            number=row.number,
            state=row.state,
            window=row.window,
            since=moment(row.aside_at),
            service=row.service,
            service_zh=self.rules.services.zh(row.service),
            service_en=self.rules.services.en(row.service),
            holder_masked=row.holder_masked,
        )


def _reason(row: Row[Any]) -> OrderReason:
    if row.here:
        return OrderReason.TRANSFERRED_HERE
    if row.state == TicketState.TRANSFERRED:
        return OrderReason.TRANSFERRED
    return OrderReason.PRIORITY if getattr(row, "class") == "priority" else OrderReason.AGE


def _allowed(
    is_open: bool, current: Row[Any] | None, waiting: bool, parked: bool, no_shows: bool
) -> list[WindowAction]:
    """Which buttons work now. With a ticket here, "next" finishes it first."""
    allowed = [WindowAction.PAUSE if is_open else WindowAction.OPEN]
    can_finish = current is None
    if current is not None:
        state = TicketState(current.state)
        allowed += [button for action, button in _ON_TICKET.items() if (state, action) in TRANSITIONS]
        can_finish = (state, TicketAction.FINISH) in TRANSITIONS
    if is_open and can_finish:
        if waiting:
            allowed.append(WindowAction.CALL_NEXT)
        if parked:
            allowed.append(WindowAction.RESUME)
        if parked or no_shows:
            allowed.append(WindowAction.CALL_NUMBER)
    return allowed
