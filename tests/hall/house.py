"""A hall without its web server: the real file, the real writer, a clock that tests move."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import config
from hall.clock import milliseconds
from hall.fleet.enrolment import KnownKiosk
from hall.queue import staff
from hall.queue.calling import Seat
from hall.queue.rules import Rules, Services
from hall.queue.staff import StaffSession
from hall.queue.taking import close_day, issue
from hall.queue.views import ActionRequest, HallEvent, WindowAction
from hall.queue.windows import set_windows
from hall.settings import read_settings
from hall.store import statements
from hall.store.database import Database
from hall.store.writer import Work, Writer
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.messages import TicketRequest, TicketView, Wait

T = TypeVar("T")

SERVICES = Services(Catalogue(config.read_services()))
SETTINGS = read_settings()


class MovableClock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 9, 0, tzinfo=HALL_ZONE)

    def now(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


def no_price(ahead: int, ticket_class: str) -> Wait | None:
    return None


def new_key() -> str:
    return secrets.token_hex(16)


class House:
    def __init__(self, data: Path) -> None:
        self.clock = MovableClock()
        self.rules = Rules(SETTINGS.order, SETTINGS.hall.day_starts, SERVICES)
        self.database = Database(data)
        self.events: list[HallEvent] = []
        self.in_line = 0
        self._closed = False
        self.writer = Writer(self.database.writer, self.clock, self._published)
        self.writer.start()
        self.do(lambda work: set_windows(work, ["1", "2", "3"]))
        self.sessions: dict[str, StaffSession] = {}

    def _published(self, events: list[HallEvent], in_line: int) -> None:
        self.events += events
        self.in_line = in_line

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.writer.stop()
            self.database.close()

    def do(self, command: Callable[[Work], T]) -> T:
        return self.writer.submit(command).result(10)

    def request(self, holder: str | None = None, key: str | None = None, priority: bool = False) -> TicketRequest:
        return TicketRequest(
            key=key or new_key(),
            requested_at=self.clock.now(),
            ticket_class="priority" if priority else "normal",
            holder_ref=holder,
        )

    def take(
        self, holder: str | None = None, key: str | None = None, priority: bool = False, kiosk: str = "K1"
    ) -> TicketView:
        request = self.request(holder, key, priority)
        return self.do(lambda work: issue(work, self.rules, kiosk, request, no_price))

    def sit(self, window: str) -> StaffSession:
        """A clerk at a window; the window is open then."""
        name = f"clerk {window}"

        def command(work: Work) -> StaffSession:
            if work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one_or_none() is None:
                work.connection.execute(statements.ADD_STAFF, {"name": name, "role": "clerk", "password": "-"})
            row = work.connection.execute(statements.STAFF_BY_NAME, {"name": name}).one()
            return staff.sit_down(work, row.id, name, window)[1]

        self.sessions[window] = self.do(command)
        return self.sessions[window]

    def leave(self, window: str) -> None:
        session = self.sessions.pop(window)
        self.do(lambda work: staff.stand_up(work, session.id, window, session.staff))

    def act(self, window: str, action: WindowAction, **asked: Any) -> str | None:
        """Do it; the number at the window afterwards. Raises Refused."""
        session = self.sessions[window]

        def command(work: Work) -> str | None:
            Seat(work, self.rules, window, session.id, session.staff).act(action, ActionRequest(**asked))
            row = work.connection.execute(statements.AT_WINDOW, {"window": window}).one_or_none()
            return row.number if row is not None else None

        return self.do(command)

    def call_next(self, window: str, **asked: Any) -> str | None:
        return self.act(window, WindowAction.CALL_NEXT, **asked)

    def state(self, number: str) -> str:
        day = self.rules.day(self.clock.now())
        with self.database.reader.connect() as connection:
            return str(
                connection.exec_driver_sql(
                    "SELECT state FROM ticket WHERE number = ? ORDER BY day = ? DESC, day DESC LIMIT 1", (number, day)
                ).scalar_one()
            )

    def value(self, sql: str) -> Any:
        with self.database.reader.connect() as connection:
            return connection.exec_driver_sql(sql).scalar_one()

    def close_day(self) -> int:
        return self.do(lambda work: close_day(work, self.rules))

    def kiosk(self, name: str = "K1") -> KnownKiosk:
        enrolled = milliseconds(datetime(2026, 1, 1, tzinfo=HALL_ZONE))
        return KnownKiosk(name, Ed25519PrivateKey.generate().public_key(), enrolled)
