"""Keeps the latest forecast, in the background: taking a number only reads it, and never waits for it."""

from __future__ import annotations

import threading
import time

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hall.clock import Clock, milliseconds
from hall.queue.forecast import REACH, InLine, OpenWindow, Situation, Snapshot, learned_means, simulate
from hall.queue.rules import Rules
from hall.settings import Forecast
from hall.store import statements
from hall.store.database import Database
from kiosk.domain.messages import Wait

log = structlog.get_logger("hall.forecast")

#: Seconds between two forecasts at least; and at most this share of one processor for them.
EVERY, SHARE = 1.0, 0.05

#: Without any change the past still moves on: windows stay busy, people wait longer. Seconds.
AT_LEAST_EVERY = 20.0


class Forecaster:
    def __init__(self, database: Database, rules: Rules, settings: Forecast, clock: Clock) -> None:
        self._database, self._rules, self._settings, self._clock = database, rules, settings, clock
        self._snapshot = Snapshot()
        self._changed = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="forecast", daemon=True)

    def start(self) -> None:
        self.refresh()
        self._thread.start()

    def stop(self) -> None:
        self._ending.set()
        self._changed.set()
        self._thread.join()

    def changed(self) -> None:
        """The queue is not what it was. Safe from any thread, costs nothing."""
        self._changed.set()

    def price(self, ahead: int, ticket_class: str) -> Wait | None:
        return self._snapshot.wait(ahead, ticket_class)

    def refresh(self) -> None:
        """Look at the queue and forecast it now."""
        situation = self.situation()
        self._snapshot = simulate(situation, self._settings, seed=milliseconds(self._clock.now()))

    def situation(self) -> Situation:
        now = milliseconds(self._clock.now())
        with self._database.reader.connect() as connection:
            line = connection.execute(statements.WHOLE_LINE, {"limit": REACH}).all()
            windows = connection.execute(statements.WINDOWS).all()
            served = connection.execute(statements.BEING_SERVED).all()
            learned = connection.execute(statements.SERVICE_TIMES).all()
        busy = {row.window: (row.category, (now - row.called_at) / 60_000) for row in served}
        return Situation(
            line=tuple(
                InLine(max(0, now - row.issued_at) / 60_000, getattr(row, "class"), row.category, row.only_window)
                for row in line
            ),
            windows=tuple(OpenWindow(row.window, busy.get(row.window)) for row in windows if row.open),
            mean_minutes=learned_means(self._settings, {row.category: (row.observed, row.seconds) for row in learned}),
            rates=self._rules.rates,
        )

    def _work(self) -> None:
        while not self._ending.is_set():
            self._changed.wait(AT_LEAST_EVERY)
            self._changed.clear()
            if self._ending.is_set():
                break
            began = time.thread_time()
            try:
                self.refresh()
            except SQLAlchemyError as error:
                # An old forecast is better than none for a moment; the next round reads again.
                log.warning("no forecast", problem=type(error).__name__)
            self._ending.wait(max(EVERY, (time.thread_time() - began) / SHARE))
