"""What a panel is made of: everything that the machine knows of itself, handed to ``panels.<place>.build``.

Building looks and never acts: no port is opened, nothing is written, and it is done again every second while somebody
looks at it. What an action found out is in ``Notes``, for as long as the technician is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from drivers.contract import DeviceStatus
from kiosk.configuration.slots import Slots
from kiosk.domain.fleet import Readiness, TechnicianRole
from kiosk.session.state import Situation
from kiosk.settings import Settings
from kiosk.store.store import Store


class Time(Protocol):
    """``kiosk.runtime.trusted_clock.TrustedClock``."""

    @property
    def certain(self) -> bool: ...
    def now(self) -> datetime: ...
    def wall(self) -> datetime: ...


@dataclass
class Notes:
    """Of one technician's visit; forgotten when he leaves."""

    tried: dict[str, bool] = field(default_factory=dict)
    """Device → whether the last test print, test read or handshake went well."""
    by_hand: dict[str, bool] = field(default_factory=dict)
    """Checks of the readiness report that only a person can do: touch, picture, slip."""
    integrity: list[str] | None = None
    """What the last check of the store found; None: not checked yet."""
    hall_ms: float | None = None
    """How long the hall took to answer when it was asked last."""
    report: Readiness | None = None
    signature: str = ""


@dataclass(frozen=True)
class World:
    kiosk: str
    hall_names: Mapping[str, str]
    """By language."""
    software: str
    started_at: datetime
    settings: Settings
    store: Store
    time: Time
    devices: Callable[[], Mapping[str, DeviceStatus]]
    """As last told, by ``DeviceName`` or ``smart_card``; what this kiosk does not have is missing."""
    situation: Callable[[], Situation]
    slots: Slots | None = None
    """The release in service and the one before it."""
    role: TechnicianRole = TechnicianRole.TECHNICIAN
    notes: Notes = field(default_factory=Notes)
    technician: str = ""

    @property
    def senior(self) -> bool:
        return self.role is TechnicianRole.SENIOR

    def status(self, device: str) -> DeviceStatus | None:
        return self.devices().get(device)


#: In the order in which a technician's eye goes over the machine.
DEVICES = ("id_card", "ticket_printer", "receipt_printer", "pos", "smart_card")
PRINTERS = ("ticket_printer", "receipt_printer")
