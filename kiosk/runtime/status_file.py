"""What the front end last knew of its devices, for ``taxkiosk status``: a port has only one reader at a time."""

from __future__ import annotations

import os
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import structlog

from drivers.contract import DeviceStatus
from kiosk.runtime.clock import Clock

log = structlog.get_logger()


class StatusFile:
    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._devices: dict[str, dict[str, Any]] = {}

    def note(self, name: str, status: DeviceStatus) -> None:
        """Remember one device's status; replaces the file whole. A full disk only costs the technician this view."""
        with self._lock:
            self._devices[name] = asdict(status)
            document = {"at": self._clock.now(), "process": os.getpid(), "devices": self._devices}
            new = self._path.with_suffix(".new")
            try:
                new.write_bytes(msgspec.json.encode(document))
                new.replace(self._path)
            except OSError as problem:
                log.warning("status-not-written", reason=problem.strerror)
