"""Maintenance mode as values: which panel a technician looks at, what stands on it, what can be done there.

A panel is lines and actions, made by ``kiosk.maintenance`` out of what is known and drawn by one screen. So a new thing
to look at is one file there and its words, and neither the machine nor a screen changes. Only what cannot be a list has
a page of its own: the login, the touch test, the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.domain.fleet import TechnicianRole


class Tone(StrEnum):
    """How a line is marked; never by colour alone."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


class Place(StrEnum):
    """The panels. Texts: ``maintenance.place.<value>.{title,hint}``."""

    MENU = "menu"
    DEVICES = "devices"
    DEVICE = "device"
    """``subject``: one of DeviceName, or smart_card. State, history, counters; test print or test read."""
    PAPER = "paper"
    """Paper loaded: which printer, and its counters back to nothing."""
    NETWORK = "network"
    """Hall, addresses, clock and trust."""
    BOOKS = "books"
    """Journal, what the hall has set aside, open returns and payments."""
    LEDGER = "ledger"
    """What every sheet of paper was."""
    CONFIGURATION = "configuration"
    """Release in service, compare, roll back."""
    STORAGE = "storage"
    SCREEN = "screen"
    """Brightness, volume; touch test and calibration start here too."""
    LOGS = "logs"
    """To a USB stick, encrypted."""
    REPAIR = "repair"
    """The ten commonest faults; ``subject``: a fault, then a step after a slash."""
    READINESS = "readiness"
    AUDIT = "audit"
    POWER = "power"
    """Restart, shut down, out of service."""


@dataclass(frozen=True)
class Line:
    """``name``: text key ``maintenance.line.<name>``, or, with ``raw``, words as they are (a time, a ticket's number).
    Then ``word`` (``maintenance.word.<word>``, filled with ``value``) or, without one, ``value`` as it is."""

    name: str
    value: str = ""
    word: str = ""
    tone: Tone = Tone.PLAIN
    opens: Place | None = None
    subject: str = ""
    raw: bool = False


@dataclass(frozen=True)
class Action:
    """A button. ``name``: ``maintenance.do.<name>``. ``grave``: asked once more before it is done."""

    name: str
    subject: str = ""
    grave: bool = False
    works: bool = True


@dataclass(frozen=True)
class Panel:
    place: Place
    subject: str = ""
    lines: tuple[Line, ...] = ()
    actions: tuple[Action, ...] = ()
    note: str = ""
    """Text key ``maintenance.note.<note>``: what to know before touching anything; "" none."""
    qr: str = ""
    """Shown as a QR code when there is one: the readiness report."""


@dataclass(frozen=True)
class Outcome:
    """What came of an action: ``maintenance.outcome.<word>``, filled with ``value``."""

    word: str
    tone: Tone = Tone.GOOD
    value: str = ""


class LoginStep(StrEnum):
    """Texts: ``maintenance.login.<value>``."""

    CARD_WANTED = "card_wanted"
    CHECKING = "checking"
    PIN = "pin"
    SIGNING = "signing"
    REFUSED = "refused"
    """``problem``: unknown_card, not_a_technician, revoked, not_yet_valid, expired, blocked, locked_out, no_list,
    forged, unreadable. Texts ``maintenance.refused.<problem>``."""


@dataclass(frozen=True)
class MaintenanceLogin:
    step: LoginStep
    pin: str = field(default="", repr=False)
    tries_left: int | None = None
    problem: str = ""
    wrong: bool = False
    """The PIN before this one was not right."""


@dataclass(frozen=True)
class Maintenance:
    technician: str
    name: str
    role: TechnicianRole
    place: Place = Place.MENU
    subject: str = ""
    panel: Panel | None = None
    """None: being read."""
    doing: str = ""
    """The action under way."""
    outcome: Outcome | None = None
    asking: Action | None = None
    """A grave action that waits for a second word."""


@dataclass(frozen=True)
class TouchTest:
    """Cells of the glass, GRID of them, painted off one by one. ``done_by`` as Maintenance."""

    back: Maintenance
    touched: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Calibration:
    """Four crosses, one after the other; ``points``: where the finger came down, in thousandths of width and height."""

    back: Maintenance
    points: tuple[tuple[int, int], ...] = ()


#: Columns and rows of the touch test, upright; the other way round in landscape.
GRID = (6, 10)

#: Where the crosses of the calibration stand, in thousandths from the top left.
CROSSES = ((100, 100), (900, 100), (900, 900), (100, 900))
