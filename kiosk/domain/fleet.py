"""What kiosk and hall say to each other about the machine itself: its state, orders for it, releases, technicians.

Nothing here is about a taxpayer. Everything a kiosk sends is signed with its own key like any other request; what it
must obey is signed a second time: orders with the hall's order key, releases and the technician list by the release
keys (TUF), so that whoever only sits between the two, or only on the web server, commands nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from kiosk.domain.messages import VERSION, Key, KioskId
from kiosk.domain.wire import acquaint

# ---- the state of one kiosk ----------------------------------------------------------------------------------------


class DeviceReport(msgspec.Struct, frozen=True):
    """One device, in the words of drivers.contract (XFS4IoT); ``detail`` is the driver's own word, never a person's."""

    device: str
    paper: str | None = None
    detail: str = ""


class Slot(StrEnum):
    """How the release in service stands. Texts: ``maintenance.word.<value>``."""

    SHIPPED = "shipped"
    """No release yet: the values that the software came with."""
    TRYING = "trying"
    """In service, and being watched: HEALTH_S without a fault make it healthy."""
    HEALTHY = "healthy"
    ROLLED_BACK = "rolled_back"
    """The last one taken was given up; the one before it is in service."""
    REFUSED = "refused"
    """The last one offered was not taken at all; what was in service is still."""


class ConfigurationReport(msgspec.Struct, frozen=True):
    """``running``: the release in service, 0 the shipped values. ``offered``: the newest one heard of. ``problem``: why
    ``offered`` is not the one in service, a word and what it is about (``invalid: texts/zh.toml``), or ""."""

    running: int = 0
    state: Slot = Slot.SHIPPED
    offered: int = 0
    problem: str = ""


class StorageReport(msgspec.Struct, frozen=True):
    """Bytes of the file system that holds the store."""

    free: int
    total: int
    works: bool = True


class KioskReport(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/report: every REPORT_S, and at once when something in it has changed."""

    at: datetime
    """Trusted time."""
    clock: datetime
    """What the machine's own clock shows."""
    started_at: datetime
    """Of the front end."""
    software: str
    devices: dict[str, DeviceReport]
    """By drivers' place: id_card, ticket_printer, receipt_printer, pos, smart_card."""
    journal_waiting: int
    configuration: ConfigurationReport
    storage: StorageReport
    last_visit_at: datetime | None = None
    locked: bool = False
    in_maintenance: bool = False
    restarts: int = 0
    """Starts of the front end in the last hour."""
    slips_uncertain: int = 0
    """Sheets of today whose end nobody knows."""
    front_end_runs: bool = True
    version: int = VERSION


class ReportReply(msgspec.Struct, frozen=True):
    """``release``: what this kiosk should run; 0: nothing is offered. ``orders``: what it has not answered yet."""

    release: int = 0
    orders: list[SignedOrder] = msgspec.field(default_factory=list)
    report_s: float = 60.0
    version: int = VERSION


#: Seconds between two reports when nothing happens. Silent for three of them is offline.
REPORT_S = 60.0

# ---- orders --------------------------------------------------------------------------------------------------------


class Verb(StrEnum):
    """What a manager may have a kiosk do from afar. Texts at the hall."""

    LOCK = "lock"
    """Out of service after the visit in progress; ``argument``: the words shown, or ""."""
    UNLOCK = "unlock"
    RESTART = "restart"
    """The front end, after the visit in progress."""
    FETCH_LOGS = "fetch_logs"
    """``argument``: hours back. The answer carries the lines."""


#: An order counts for so many minutes from its issue; after that it is stale, whatever it says.
ORDER_MINUTES = 10

#: Bytes of log lines in one answer.
LOG_BYTES = 256 * 1024


class Order(msgspec.Struct, frozen=True):
    """``number`` only ever rises for one kiosk: an order that was carried out, or passed over, is never heard again."""

    id: Key
    kiosk: KioskId
    number: int
    verb: Verb
    argument: str
    by: str
    """Who gave it, for both audit logs."""
    issued_at: datetime
    expires_at: datetime


class SignedOrder(msgspec.Struct, frozen=True):
    """``order``: the JSON of an Order, byte for byte what was signed. ``signature``: Ed25519 (hex) over
    ``b"taxkiosk-order:" + order``."""

    order: str
    signature: str


ORDER_DOMAIN = b"taxkiosk-order:"


class OrderAnswer(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/orders/{id}/answer. ``problem``: stale, signature, kiosk, number, verb, failed, or ""."""

    outcome: Literal["done", "refused"]
    problem: str = ""
    text: Annotated[str, msgspec.Meta(max_length=LOG_BYTES)] = ""
    version: int = VERSION


# ---- releases ------------------------------------------------------------------------------------------------------


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``manifest.json`` of a release. ``files``: name relative to config/ → SHA-256 in hex; every file of the release,
    and nothing else. What a release does not name is as the software ships it: each is whole by itself."""

    number: int
    made_at: datetime
    note: str
    files: dict[str, str]
    version: int = VERSION


class Audience(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signed beside a release: whose it is. ``kiosks`` empty: every kiosk of the hall."""

    hall: str
    kiosks: list[KioskId] = msgspec.field(default_factory=list)


class TechnicianRole(StrEnum):
    TECHNICIAN = "technician"
    """Everything but shutting down, taking logs along and choosing a release."""
    SENIOR = "senior"


class Technician(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One card. ``certificate``: SHA-256 (hex) of the DER on it. The key inside signs the kiosk's challenge."""

    id: str
    name: str
    role: TechnicianRole
    certificate: str
    valid_from: date
    valid_to: date
    revoked: bool = False


class TechnicianList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``technicians.json`` of a release: a kiosk without one lets nobody in."""

    technicians: list[Technician]
    version: int = VERSION


# ---- what technicians did ------------------------------------------------------------------------------------------


class Audited(msgspec.Struct, frozen=True, tag_field="fact", tag="audited"):
    """Journal fact: something was done to the machine. ``what``: a word of kiosk.maintenance.audit; ``who``: a
    technician's id, ``hall:<name>`` for an order, ``kiosk`` for what it did by itself (a roll-back, a restart)."""

    what: str
    who: str
    detail: str = ""


class Check(msgspec.Struct, frozen=True):
    """One line of a readiness report. ``value``: the figure seen. ``how``: tested by hand, or by the machine."""

    name: str
    result: Literal["good", "bad", "skipped"]
    value: str = ""
    how: Literal["machine", "hand"] = "machine"


class Readiness(msgspec.Struct, frozen=True):
    """What was tested, when, by whom, with which result; signed by the kiosk over ``b"taxkiosk-readiness:" + JSON``."""

    id: Key
    kiosk: KioskId
    at: datetime
    technician: str
    ready: bool
    checks: list[Check]
    release: int
    software: str
    version: int = VERSION


READINESS_DOMAIN = b"taxkiosk-readiness:"


class ReadinessReported(msgspec.Struct, frozen=True, tag_field="fact", tag="readiness_reported"):
    """Journal fact. ``report``: the JSON of a Readiness, byte for byte what was signed."""

    report: str
    signature: str


FleetFact = Audited | ReadinessReported

acquaint(globals())
