"""The agent's part: what the hall says to run is fetched, looked at as a whole, put where the next start finds it.

The hall, unsigned, only says which number; whether there is such a release, for whom, and what is in it, is believed
for signatures alone. Nothing here touches what is in service.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import structlog

from kiosk.configuration import validate
from kiosk.configuration.client import FILE_S, Mirror, NotTaken, ReleaseClient, Unreachable
from kiosk.configuration.slots import Slots, State
from kiosk.domain.fleet import ConfigurationReport, Slot
from kiosk.domain.release import BadBundle, unpack
from kiosk.runtime.enrolment import Enrolment
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store

log = structlog.get_logger()

#: A release that was refused for what it holds is looked at again after this: the software may have been updated.
LOOK_AGAIN_S = 3600.0

WAITING = "waiting"
"""``problem`` of a release that is taken and begins when nobody stands at the kiosk."""


class Check(Protocol):
    def __call__(self, release: Path, own_settings: Path | None) -> str:
        """What is wrong with the release in this folder, or ""."""


class Taker:
    """Not shared between threads. Never raises: what fails is told in the report, and tried again when it is due."""

    def __init__(
        self,
        folder: Path,
        own_settings: Path | None,
        store: Store,
        enrolment: Enrolment,
        mirror: Mirror,
        now: Callable[[], datetime],
        ask_restart: Callable[[], object],
        check: Check = validate.check,
        file_s: float = FILE_S,
    ) -> None:
        """``folder``: ``settings.kiosk.configuration_dir``. ``own_settings``: the machine's kiosk.toml. ``now``:
        trusted time. ``ask_restart``: has the front end begin anew when nobody stands there."""
        self.slots = Slots(folder)
        self._own_settings = own_settings
        self._store = store
        self._enrolment = enrolment
        self._now = now
        self._ask_restart = ask_restart
        self._check = check
        self._client: ReleaseClient | None = None
        if enrolment.release_root:
            root = enrolment.release_root.encode()
            self._client = ReleaseClient(folder / "tuf", root, store.release_floor, mirror, now, file_s)
        self._refused = 0
        self._refused_until = 0.0
        self._passing = ""

    def report(self) -> ConfigurationReport:
        """How it stands, and what has happened since is in the audit log."""
        state = self.slots.read()
        self._tell(state)
        problem = self._passing or (f"{WAITING}" if state.pending is not None else state.problem)
        return ConfigurationReport(state.in_service, state.state, state.offered, problem)

    def consider(self, offered: int) -> ConfigurationReport:
        """The hall says that this kiosk should run ``offered``; 0: it offers nothing."""
        self._passing = ""
        try:
            self._consider(offered)
        except Unreachable as problem:
            self._passing = f"unreachable: {problem}"[:200]
        except (OSError, StoreFailed) as problem:
            log.warning("release-not-stored", reason=str(problem))
            self._passing = "storage"
        except Exception as problem:
            # A defect of ours must not end the agent, and what it cannot take it has to say.
            log.exception("release-failed", seq=offered)
            self._passing = f"defect: {type(problem).__name__}"
        return self.report()

    def _consider(self, offered: int) -> None:
        state = self.slots.read()
        self._tell(state)
        running = state.running.number if state.running is not None else 0
        if state.pending is not None:
            if state.pending.number == offered:
                return
            # Withdrawn, or overtaken, before anybody saw it.
            self.slots.drop_pending()
        if offered in (0, running) or state.state is Slot.TRYING:
            return
        if offered <= max(state.floor, self._store.release_floor.release()):
            return
        if offered == self._refused and time.monotonic() < self._refused_until:
            return
        try:
            self._take(offered)
        except NotTaken as problem:
            self._refuse(offered, str(problem))
        except BadBundle as problem:
            self._refuse(offered, f"invalid: {problem}", for_s=LOOK_AGAIN_S)

    def _take(self, number: int) -> None:
        if self._client is None:
            raise NotTaken("no_root", "this kiosk has no root of trust: taxkiosk release trust FILE")
        data = self._client.fetch(number, self._enrolment.hall, self._enrolment.kiosk)
        release = self.slots.put_in(unpack(data, number))
        if problem := self._check(release, self._own_settings):
            self._refuse(number, problem, for_s=LOOK_AGAIN_S)
            return
        self.slots.take(number)
        log.info("release-taken", seq=number)
        self._tell(self.slots.read())
        self._ask_restart()

    def _refuse(self, number: int, problem: str, for_s: float = 0.0) -> None:
        log.warning("release-refused", seq=number, reason=problem)
        self._refused, self._refused_until = number, time.monotonic() + for_s
        self.slots.refuse(number, problem[:400])

    def _tell(self, state: State) -> None:
        """What both processes did, into the audit log, and what must never be taken again, into the store. Told twice
        rather than not at all."""
        try:
            if state.floor > self._store.release_floor.release():
                self._store.release_floor.raise_release(state.floor)
            if state.news:
                for each in state.news:
                    self._store.audit.add(each.who, each.what, each.detail, self._now())
                self.slots.told(state.news)
        except (StoreFailed, OSError) as problem:
            log.warning("release-not-told", reason=str(problem))
