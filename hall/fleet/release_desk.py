"""The server's part in releases: a fresh timestamp, time that passes for a rollout, a ring for each new offer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from hall.clock import Clock
from hall.fleet import rollout
from hall.fleet.releases import BadDraft, Repository
from hall.settings import Releases
from hall.store.writer import StorageFailed, Writer

log = structlog.get_logger("hall.releases")

#: Seconds. A kiosk hears of its offer this much later at the most, whoever made it: a report, a page, a command beside
#: the server.
LOOK_EVERY = 0.25
TICK_EVERY, FRESH_EVERY = 1.0, 60.0


class ReleaseDesk:
    """A task beside the server. ``ring(*kiosks)``: have these look at what they are offered."""

    def __init__(
        self,
        repository: Repository,
        settings: Releases,
        reader: Engine,
        writer: Writer,
        clock: Clock,
        ring: Callable[..., object],
    ) -> None:
        self._repository, self._settings = repository, settings
        self._reader, self._writer, self._clock, self._ring = reader, writer, clock, ring
        self._task: asyncio.Task[None] | None = None
        self._rung: set[tuple[str, int]] = set()
        self._since = 0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _work(self) -> None:
        turns = 0
        while True:
            try:
                if turns % round(FRESH_EVERY / LOOK_EVERY) == 0:
                    await asyncio.to_thread(self._keep_fresh)
                if turns % round(TICK_EVERY / LOOK_EVERY) == 0:
                    await self._let_time_pass()
                await asyncio.to_thread(self._ring_the_offered)
            except (StorageFailed, SQLAlchemyError, OSError, BadDraft) as problem:
                log.warning("releases not looked after", problem=type(problem).__name__)
            turns += 1
            await asyncio.sleep(LOOK_EVERY)

    def _keep_fresh(self) -> None:
        if self._repository.keep_fresh(self._clock.now()):
            log.info("release timestamp signed")

    async def _let_time_pass(self) -> None:
        if await asyncio.to_thread(self._is_rolling):
            await self._writer.run(lambda work: rollout.tick(work, self._settings))

    def _is_rolling(self) -> bool:
        with self._reader.connect() as connection:
            return rollout.is_rolling(connection)

    def _ring_the_offered(self) -> None:
        with self._reader.connect() as connection:
            offered = set(rollout.newly_offered(connection, self._since))
        if new := offered - self._rung:
            self._ring(*(kiosk for kiosk, _ in new))
            self._rung, self._since = offered, max(at for _, at in offered)
