"""What the front end last knew of its devices, and how it is itself, for ``taxkiosk status`` and the sync agent: a port
has only one reader at a time."""

from __future__ import annotations

import os
import threading
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import structlog

from drivers.contract import DeviceStatus
from kiosk.runtime.clock import Clock

log = structlog.get_logger()


class FrontEnd(msgspec.Struct, frozen=True):
    """Nothing of anybody: only whether somebody is there."""

    started_at: datetime
    alive_ms: int
    """Its last sign of life, in ``kiosk.store.standing.uptime_ms``: no clock can be wrong about it."""
    in_visit: bool
    in_maintenance: bool
    last_visit_at: datetime | None
    """When the last visit ended, a restart ago too."""


class DeviceNoted(msgspec.Struct, frozen=True):
    """A ``DeviceStatus`` as it stands in the file."""

    device: str
    paper: str | None = None
    detail: str = ""


class Status(msgspec.Struct, frozen=True):
    at: datetime
    process: int
    devices: dict[str, DeviceNoted]
    front_end: FrontEnd | None = None


def read_status(path: Path) -> Status | None:
    """None: no front end has written one yet, or it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return None


class StatusFile:
    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._devices: dict[str, dict[str, Any]] = {}
        self._front_end: FrontEnd | None = None

    def note(self, name: str, status: DeviceStatus) -> None:
        """Remember one device's status; replaces the file whole. A full disk only costs the technician this view."""
        with self._lock:
            self._devices[name] = asdict(status)
            self._write()

    def tell(self, front_end: FrontEnd) -> None:
        """How the front end is."""
        with self._lock:
            self._front_end = front_end
            self._write()

    def _write(self) -> None:
        document = {
            "at": self._clock.now(),
            "process": os.getpid(),
            "devices": self._devices,
            "front_end": self._front_end,
        }
        new = self.path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(document))
            new.replace(self.path)
        except OSError as problem:
            log.warning("status-not-written", reason=problem.strerror)
