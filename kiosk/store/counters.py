"""What a technician wants to know of a device besides its state: how much it has done, and what it said before.

Both come in small lots from ``kiosk.runtime.device_book``: no visit waits for them, and a power cut costs a few counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from kiosk.store.database import Transaction

#: Notes kept of each device: at one change a minute, a working day.
KEPT_NOTES = 500

_ADD = text(
    "INSERT INTO counter VALUES (:device, :name, :value, :at)"
    " ON CONFLICT (device, name) DO UPDATE SET value = value + :value"
)
_OF = text("SELECT name, value, since FROM counter WHERE device = :device ORDER BY name")
_RESET = text(
    "INSERT INTO counter VALUES (:device, :name, 0, :at)"
    " ON CONFLICT (device, name) DO UPDATE SET value = 0, since = :at"
)
_NOTE = text(
    "INSERT INTO device_history (device, at, state, paper, detail) VALUES (:device, :at, :state, :paper, :detail)"
)
_PRUNE = text(
    "DELETE FROM device_history WHERE device = :device AND id <="
    " (SELECT id FROM device_history WHERE device = :device ORDER BY id DESC LIMIT 1 OFFSET :kept)"
)
_HISTORY = text(
    "SELECT at, state, paper, detail FROM device_history WHERE device = :device ORDER BY id DESC LIMIT :limit"
)


@dataclass(frozen=True)
class Counter:
    name: str
    value: int
    since: datetime
    """When it was last put back to nothing."""


@dataclass(frozen=True)
class DeviceNote:
    """What a device said of itself when it changed; words of ``drivers.contract``."""

    device: str
    at: datetime
    state: str
    paper: str | None
    detail: str


class DeviceBookkeeping:
    """Each method is one transaction. Raises StoreFailed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def keep(self, counts: Mapping[tuple[str, str], int], notes: Sequence[DeviceNote], now: datetime) -> None:
        """``counts``: what is to be added, by device and name of the counter."""
        with self._transaction(False) as connection:
            for (device, name), value in counts.items():
                connection.execute(_ADD, {"device": device, "name": name, "value": value, "at": now.isoformat()})
            for note in notes:
                values = {"device": note.device, "state": note.state, "paper": note.paper, "detail": note.detail}
                connection.execute(_NOTE, {**values, "at": note.at.isoformat()})
            for device in {note.device for note in notes}:
                connection.execute(_PRUNE, {"device": device, "kept": KEPT_NOTES})

    def counters(self, device: str) -> list[Counter]:
        with self._transaction(True) as connection:
            rows = connection.execute(_OF, {"device": device})
            return [Counter(row.name, row.value, datetime.fromisoformat(row.since)) for row in rows]

    def reset(self, device: str, name: str, now: datetime) -> None:
        with self._transaction(False) as connection:
            connection.execute(_RESET, {"device": device, "name": name, "at": now.isoformat()})

    def history(self, device: str, limit: int) -> list[DeviceNote]:
        """The newest first."""
        with self._transaction(True) as connection:
            return [
                DeviceNote(device, datetime.fromisoformat(row.at), row.state, row.paper, row.detail)
                for row in connection.execute(_HISTORY, {"device": device, "limit": limit})
            ]
