"""One hall, put together: its file, its writer, its line, its events. Started and stopped as a whole."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

import config
from hall.api.access import Held
from hall.api.limits import Limits
from hall.api.sessions import Sessions
from hall.api.signature import KioskKeys, Signatures
from hall.clock import Clock, SystemClock
from hall.events import Events
from hall.filings.office import TaxOffice, read_rules
from hall.filings.settle import Settler, bureau_clients
from hall.fleet import enrolment
from hall.fleet.office import FleetOffice
from hall.fleet.release_desk import ReleaseDesk
from hall.fleet.releases import Repository
from hall.queue.desk import Desk
from hall.queue.forecaster import Forecaster
from hall.queue.rules import Rules, Services
from hall.queue.taking import close_day
from hall.queue.views import HallEvent, LineEvent
from hall.queue.windows import set_windows
from hall.register import seal
from hall.register.obligations import generate
from hall.settings import Settings
from hall.store import statements
from hall.store.database import Database
from hall.store.writer import StorageFailed, Work, Writer
from kiosk.domain.catalogue import Catalogue

log = structlog.get_logger("hall")

#: Seconds between two looks at the clock (has the day changed?) and at the kiosks' keys (was one revoked?).
HOUSEKEEPING_EVERY = 1.0


class HallServer:
    """The parts that routes use: ``desk``, ``writer``, ``events``, ``signatures``, ``forecaster``, ``rules``."""

    def __init__(self, data: Path, settings: Settings, clock: Clock | None = None) -> None:
        """``data``: directory of the hall's file. Raises UnfitDatabase, SealBroken, BadRules, OSError."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.catalogue = Catalogue(config.read_services())
        self.rules = Rules(settings.order, settings.hall.day_starts, Services(self.catalogue))
        self.database = Database(data)
        self.writer = Writer(self.database.writer, self.clock, self._published)
        self.forecaster = Forecaster(self.database, self.rules, settings.forecast, self.clock)
        self.desk = Desk(settings.hall, self.rules, self.clock, self.database, self.writer, self.forecaster)
        self.events = Events(self.database.reader, self._line_now)
        self.keys = KioskKeys()
        self.signatures = Signatures(self.keys, data / "nonces")
        self.limits = Limits(settings.limits)
        self.sessions = Sessions(self.clock, self.database, self.writer)
        self.held = Held()
        self.pepper = ""
        self.tax = TaxOffice(settings.hall.id, settings.tax, read_rules(settings.tax), seal.read_or_make(data))
        self.bureaus = bureau_clients(settings)
        self.settler = Settler(self.tax, self.database.reader, self.writer, self.bureaus)
        self.fleet = FleetOffice(settings.fleet, self.clock, self.database, self.writer, self.events)
        self.releases = Repository(data / "releases", settings.releases)
        self.release_desk = ReleaseDesk(
            self.releases, settings.releases, self.database.reader, self.writer, self.clock, self._ring
        )
        self._housekeeping: asyncio.Task[None] | None = None
        self._day = ""

    async def start(self) -> None:
        self.writer.start()
        await self.writer.run(self._prepare)
        self.tax.pepper = self.pepper
        self.load_keys()
        self.forecaster.start()
        with self.database.reader.connect() as connection:
            self.events.start(connection.execute(statements.COUNT_LINE).scalar_one())
        self._housekeeping = asyncio.get_running_loop().create_task(self._keep_house())
        self.settler.start()
        self.fleet.start()
        self.release_desk.start()

    async def stop(self) -> None:
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        self.release_desk.stop()
        self.close_streams()
        self.signatures.close()
        await self.settler.stop()
        for client in self.bureaus.values():
            await client.close()
        await asyncio.to_thread(self.forecaster.stop)
        await asyncio.to_thread(self.writer.stop)
        self.database.close()

    def load_keys(self) -> None:
        with self.database.reader.connect() as connection:
            self.keys.replace(enrolment.known_kiosks(connection))

    def _prepare(self, work: Work) -> None:
        self.pepper = enrolment.pepper(work)
        self.fleet.prepare(work)
        if not work.connection.execute(statements.WINDOWS).all():
            set_windows(work, self.settings.hall.windows)

    def _published(self, events: list[HallEvent], in_line: int) -> None:
        self.events.published(events, in_line)
        if events:
            self.forecaster.changed()

    def _ring(self, *kiosks: str) -> None:
        """These kiosks have something to hear."""
        self.fleet.changed(*kiosks)

    def close_streams(self) -> None:
        """Boards, windows and kiosks come back by themselves; the server can stop."""
        self.events.close()
        self.fleet.close()

    def _line_now(self, in_line: int) -> LineEvent:
        return self.desk.line_now(in_line)

    async def _keep_house(self) -> None:
        while True:
            try:
                await self._new_day()
                self.load_keys()
                self.sessions.look_again()
                self.held.look_again()
                await self.fleet.look_again()
            except (StorageFailed, SQLAlchemyError) as error:
                log.warning("housekeeping failed", problem=type(error).__name__)
            await asyncio.sleep(HOUSEKEEPING_EVERY)

    async def _new_day(self) -> None:
        today = self.rules.day(self.clock.now())
        if today != self._day:
            closed = await self.writer.run(lambda work: close_day(work, self.rules))
            await self.writer.run(lambda work: generate(work, self.tax, self.clock.now().date()))
            self._day = today
            log.info("day begins", day=today, closed=closed)
