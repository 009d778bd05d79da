"""A release on trial: for its first HEALTH_S seconds in service somebody watches whether the kiosk still is one.

Healthy is: the first page was drawn, session loop and workers live, the store takes a write, no step of the session and
no page of the screen has failed, and every device that worked before has been seen to work again. The first thing that
is not so gives the release up at once: the next start begins with the one before it. What nobody can blame on a release
(a roll used up, a cable pulled after the device had worked) does not count.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog

from kiosk.configuration.slots import Slots
from kiosk.domain.fleet import Slot

log = structlog.get_logger()

HEALTH_S = 60.0

#: Faults with which nobody is served: the front end ends at once instead of when nobody stands there.
GRAVE = frozenset({"store", "not-drawn", "loop", "worker", "defect"})

#: From the start: a page is drawn, and each device has been found that will be. A terminal takes its time.
DRAWN_S, DEVICES_S = 20.0, 45.0

#: Longer than the session's loop ever sleeps: between two looks it has gone round, or it hangs.
LOOK_EVERY_S = 1.5


@dataclass(frozen=True)
class Seen:
    """One look at the front end. ``failures``: steps and pages that failed since its start."""

    drawn: bool
    loop_lives: bool
    workers_live: bool
    store_works: bool
    failures: int
    devices: frozenset[str]
    """Those that work now."""


class Trial:
    """The verdict, apart from threads and clocks."""

    def __init__(self, worked_before: frozenset[str], health_s: float = HEALTH_S) -> None:
        self._missing = set(worked_before)
        self._health_s = health_s
        self._scale = health_s / HEALTH_S

    def judge(self, elapsed_s: float, seen: Seen) -> str | None:
        """Why the release is given up; "": it is healthy; None: too early to say."""
        self._missing -= seen.devices
        if seen.failures:
            return "step-failed"
        if not seen.store_works:
            return "store"
        if elapsed_s >= DRAWN_S * self._scale:
            if not seen.drawn:
                return "not-drawn"
            if not seen.loop_lives:
                return "loop"
            if not seen.workers_live:
                return "worker"
        if elapsed_s >= DEVICES_S * self._scale and self._missing:
            return f"device: {sorted(self._missing)[0]}"
        return "" if elapsed_s >= self._health_s else None


class HealthWatch:
    """A thread of the front end, there only while a release is on trial."""

    def __init__(
        self,
        slots: Slots,
        trial: Trial,
        look: Callable[[], Seen],
        given_up: Callable[[str], object],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``given_up(why)``: the slots are turned back already; the front end has to begin anew."""
        self._slots = slots
        self._trial = trial
        self._look = look
        self._given_up = given_up
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """From now on the seconds count. Nothing happens where no release is on trial."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def _run(self) -> None:
        state = self._slots.read()
        if state.state is not Slot.TRYING or state.running is None:
            return
        number, began = state.running.number, self._monotonic()
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                verdict = self._trial.judge(self._monotonic() - began, self._look())
            except Exception:
                log.exception("health-not-seen")
                verdict = "defect"
            try:
                if verdict == "":
                    log.info("release-confirmed", seq=number)
                    self._slots.confirm(number)
                    return
                if verdict is not None:
                    log.warning("release-given-up", seq=number, reason=verdict)
                    self._slots.roll_back(verdict, number=number)
                    self._given_up(verdict)
                    return
            except OSError as problem:
                # Not written: the trial goes on, and a start too many ends it as well.
                log.warning("release-not-stored", reason=problem.strerror)


def working(status_file: Path, process: int | None = None) -> frozenset[str]:
    """The devices that work, by what a front end wrote last: the one before this, or ``process``."""
    try:
        told = msgspec.json.decode(status_file.read_bytes(), type=dict[str, Any])
        if process is not None and told["process"] != process:
            return frozenset()
        return frozenset(name for name, device in told["devices"].items() if device["device"] == "online")
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError, AttributeError):
        return frozenset()
