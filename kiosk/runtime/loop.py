"""The one loop: event → machine → state shown, effects handed out. It decides nothing.

Screens, devices, store and hall live in threads of their own and only post events, so nothing here ever waits for them.
The same loop runs under a simulated clock: ``handle`` and ``expire`` are called by whoever owns the time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.watchdog import Pulse
from kiosk.session import machine
from kiosk.session.effects import Arm, Disarm, Effect
from kiosk.session.events import DeadlinePassed, Event
from kiosk.session.rules import Rules
from kiosk.session.state import Session, Shown, Situation
from kiosk.session.step import Step

log = structlog.get_logger()

#: Wakes the loop this often even when nothing happens, so that ``stop`` is never waited for longer.
LONGEST_SLEEP_S = 1.0


class Runtime:
    """Owns session and timers. ``perform`` carries an effect out and returns at once; ``show`` draws a state."""

    def __init__(
        self,
        rules: Rules,
        inbox: Inbox,
        clock: Clock,
        perform: Callable[[Effect], None],
        show: Callable[[Shown], None],
    ) -> None:
        self._rules = rules
        self._inbox = inbox
        self._clock = clock
        self._perform = perform
        self._show = show
        self._session = Session(situation=Situation.at_start())
        self._timers: dict[str, tuple[float, DeadlinePassed]] = {}
        self._stop = threading.Event()
        self.failures = 0
        """Steps that failed since the start."""
        self.pulse = Pulse("session")
        """Beats with every turn, LONGEST_SLEEP_S apart at the most: the watchdog's proof that touches are answered."""

    @property
    def session(self) -> Session:
        return self._session

    def begin(self) -> None:
        self._take(machine.begin(self._session))

    def run(self) -> None:
        """Until ``stop``. Runs in a thread of its own; never raises: a defect ends the visit, not the machine."""
        self.begin()
        while not self._stop.is_set():
            self.pulse.beat()
            event = self._inbox.take(self._sleep_s())
            if event is not None:
                self.handle(event)
            self.expire()

    def stop(self) -> None:
        self._stop.set()

    def handle(self, event: Event) -> None:
        try:
            self._take(machine.step(self._rules, self._session, event))
        except Exception:
            # A defect of ours. The type of the event is enough to find it; its content may hold a person.
            self.failures += 1
            log.exception("step-failed", page=type(self._session.page).__name__, reason=type(event).__name__)
            self._take(machine.begin(self._session))

    def expire(self) -> None:
        """Post the deadlines that have passed by now."""
        now = self._clock.monotonic()
        for name, (due, event) in list(self._timers.items()):
            if due <= now:
                del self._timers[name]
                self.handle(event)

    def next_deadline(self) -> float | None:
        """Monotonic seconds of the next timer; None when none runs."""
        return min((due for due, _ in self._timers.values()), default=None)

    def _take(self, step: Step) -> None:
        changed = step.session is not self._session
        self._session = step.session
        timers_before = dict(self._timers)
        for effect in step.effects:
            match effect:
                case Arm(visit, name, seconds):
                    self._timers[name] = (self._clock.monotonic() + seconds, DeadlinePassed(visit, name))
                case Disarm(name):
                    self._timers.pop(name, None)
                case _:
                    self._perform(effect)
        if changed or self._timers.get("idle") != timers_before.get("idle"):
            idle = self._timers.get("idle")
            self._show(Shown(self._session, idle[0] if idle else None, self._clock.now()))

    def _sleep_s(self) -> float:
        due = self.next_deadline()
        if due is None:
            return LONGEST_SLEEP_S
        return min(LONGEST_SLEEP_S, max(0.0, due - self._clock.monotonic()))
