"""What the devices said and did, in one place: for ``taxkiosk status``, for the panels, and, in lots, for the store.

Devices tell it from their own threads and never wait for it. It is flushed every few seconds by whoever has the time;
a power cut costs the counts since then and nothing else.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import structlog

from drivers.contract import DeviceStatus
from kiosk.runtime.clock import Clock
from kiosk.store.counters import DeviceNote
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store

log = structlog.get_logger()

#: Notes that wait for a disk that is full; the oldest go.
MOST_WAITING = 500

Count = Callable[[str, str], None]
"""Device, and the name of its counter."""


def count_nothing(device: str, name: str) -> None:
    pass


class DeviceBook:
    """``note`` and ``count`` from any thread, at once. ``tell``: who else wants every status (the status file)."""

    def __init__(self, store: Store, clock: Clock, tell: Callable[[str, DeviceStatus], None]) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._last: dict[str, DeviceStatus] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._notes: list[DeviceNote] = []

    def note(self, name: str, status: DeviceStatus) -> None:
        self._tell(name, status)
        paper = status.paper.value if status.paper else None
        note = DeviceNote(str(name), self._clock.now(), status.device.value, paper, status.detail)
        with self._lock:
            self._last[str(name)] = status
            self._notes = [*self._notes, note][-MOST_WAITING:]

    def count(self, device: str, name: str) -> None:
        with self._lock:
            self._counts[str(device), name] += 1

    def statuses(self) -> dict[str, DeviceStatus]:
        with self._lock:
            return dict(self._last)

    def flush(self) -> None:
        with self._lock:
            counts, notes = self._counts, self._notes
            self._counts, self._notes = Counter(), []
        if not counts and not notes:
            return
        try:
            self._store.devices.keep(counts, notes, self._clock.now())
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            with self._lock:
                self._counts += counts
                self._notes = [*notes, *self._notes][-MOST_WAITING:]
