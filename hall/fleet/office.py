"""The kiosks of the hall as machines, for a running server: their lines, their alarms, and whoever watches them."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection

from hall.clock import Clock, milliseconds
from hall.events import Events
from hall.fleet import alarms, orders, reports, rollout
from hall.fleet.calls import Calls
from hall.settings import Fleet
from hall.store import statements_fleet as statements
from hall.store.database import Database
from hall.store.writer import Work, Writer
from kiosk.domain.fleet import KioskReport, ReportReply

log = structlog.get_logger("hall")

#: Seconds between two looks for what time alone brings.
LOOK_EVERY = 5.0


class FleetOffice:
    """Lives on the event loop."""

    def __init__(self, settings: Fleet, clock: Clock, database: Database, writer: Writer, events: Events) -> None:
        self.settings = settings
        self.order_key = ""
        """Public, in hex: what kiosks verify orders with."""
        self.calls = Calls(database.reader, self._told)
        self._clock, self._database, self._writer, self._events = clock, database, writer, events
        self._began_ms = milliseconds(clock.now())
        self._looked_ms = 0
        self._orders_told: dict[str, int] = {}
        self._revoked: frozenset[str] = frozenset()
        self._asked_while_revoked: dict[str, int] = {}

    def prepare(self, work: Work) -> None:
        self.order_key = orders.public_key(work)
        orders.forget_logs(work)

    def start(self) -> None:
        self._began_ms = milliseconds(self._clock.now())
        self.calls.start()

    def close(self) -> None:
        self.calls.close()

    async def report(self, kiosk: str, report: KioskReport) -> ReportReply:
        """Take it in. The reply says everything that its stream says: nothing hangs on the stream alone."""

        def take_in(work: Work) -> ReportReply:
            reports.take_in(work, kiosk, report)
            rollout.note_report(work, kiosk, report.configuration)
            found = alarms.told_by(report, self.settings, work.now)
            judged = alarms.BY_REPORT | {alarms.Kind.OFFLINE}
            alarms.settle(work, kiosk, judged, found)
            return self._told_at(work.connection, kiosk, work.now_ms)

        reply = await self._writer.run(take_in)
        self._events.fleet_changed()
        return reply

    def _told(self, connection: Connection, kiosk: str) -> ReportReply:
        return self._told_at(connection, kiosk, milliseconds(self._clock.now()))

    def _told_at(self, connection: Connection, kiosk: str, now_ms: int) -> ReportReply:
        release = rollout.offered_to(connection, kiosk)
        return ReportReply(release, orders.open_orders(connection, kiosk, now_ms), self.settings.report_s)

    def changed(self, *kiosks: str) -> None:
        """Something for these kiosks was put into the books: they hear of it, and whoever watches sees it."""
        self.calls.ring(*kiosks)
        self._events.fleet_changed()

    def asked(self, kiosk: str) -> None:
        """Somebody asked under this id, and was refused: of interest when the id was revoked."""
        if kiosk in self._revoked:
            self._asked_while_revoked[kiosk] = milliseconds(self._clock.now())

    async def look_again(self) -> None:
        """Once a second: orders given beside this server (``taxhall kiosk lock``), and what time brings."""
        now_ms = milliseconds(self._clock.now())
        with self._database.reader.connect() as connection:
            rows = connection.execute(statements.LATEST_OPEN_ORDERS, {"now": now_ms})
            latest = {row.kiosk: int(row.number) for row in rows}
            if new := [kiosk for kiosk, number in latest.items() if number > self._orders_told.get(kiosk, 0)]:
                self.changed(*new)
            self._orders_told.update(latest)
            if now_ms - self._looked_ms < LOOK_EVERY * 1000:
                return
            self._looked_ms = now_ms
            self._revoked = frozenset(connection.execute(statements.REVOKED).scalars())
            asked = {
                kiosk
                for kiosk, at_ms in self._asked_while_revoked.items()
                if kiosk in self._revoked and now_ms - at_ms < self.settings.report_s * 1000 * reports.SILENT_REPORTS
            }
            found = alarms.by_time(connection, self.settings, now_ms, self._began_ms, asked)
            standing = {(row.kiosk, row.kind, row.detail) for row in connection.execute(statements.OPEN_ALARMS)}
        if self._as_before(found, standing):
            return
        if await self._writer.run(lambda work: alarms.look(work, found, self._revoked)):
            self._events.fleet_changed()

    def _as_before(self, found: dict[str, dict[alarms.Kind, str]], standing: set[tuple[str, str, str]]) -> bool:
        """The usual case writes nothing."""
        due = {(kiosk, kind.value, detail) for kiosk, kinds in found.items() for kind, detail in kinds.items()}
        judged = {each for each in standing if each[1] not in alarms.BY_REPORT or each[0] in self._revoked}
        return due == judged
