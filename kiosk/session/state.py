"""What a visit is at any moment: one page, one person or none, and the machine's situation around it.

Everything here is a frozen value. Screens draw it, tests compare it, nobody changes it but ``machine.step``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kiosk.domain.catalogue import Match, Service
from kiosk.domain.holder import Holder
from kiosk.domain.identity import EntryProblem
from kiosk.domain.messages import HallState
from kiosk.domain.ticket import TicketSlip


class Language(StrEnum):
    ZH = "zh"
    EN = "en"


class Purpose(StrEnum):
    """Why somebody identifies."""

    TAKE_NUMBER = "take_number"
    MY_NUMBER = "my_number"


class CardProblem(StrEnum):
    """Why a card did not help, in the taxpayer's terms. Texts: ``card.<value>``."""

    UNREADABLE = "unreadable"
    NOT_AN_ID_CARD = "not_an_id_card"
    TAKEN_AWAY = "taken_away"
    READER_GONE = "reader_gone"


class SorryReason(StrEnum):
    """Why a visit cannot go the usual way. Texts: ``sorry.<value>.{title,why,safe,now,not_needed}``."""

    PRINT_FAILED = "print_failed"
    """The number is good, the paper did not come out."""
    PRINT_UNCERTAIN = "print_uncertain"
    """The number is good; whether the slip came out only the holder can see."""
    NOT_SAVED = "not_saved"
    """The machine could not store anything (disk full or broken): no number was given."""
    HALL_SILENT = "hall_silent"
    """A question only the hall can answer, and the hall does not answer."""
    NO_TICKET = "no_ticket"
    """The person has no open number here."""
    OUT_OF_SERVICE = "out_of_service"


class Availability(StrEnum):
    """Where a service can be done now. Texts: ``availability.<value>``."""

    HERE = "here"
    NOT_YET_HERE = "not_yet_here"
    """Made for self-service, but this machine does not do it (yet, or just now)."""
    WINDOW = "window"


@dataclass(frozen=True)
class Home:
    pass


@dataclass(frozen=True)
class Identify:
    """Lay the card on the reader. ``reading`` from the moment a card is found."""

    purpose: Purpose
    reading: bool = False
    problem: CardProblem | None = None
    service: Service | None = None
    """Chosen already, in the guide."""

    @property
    def can_type(self) -> bool:
        """A typed number is good for a new ticket. Whose ticket is shown must be proved by the card."""
        return self.purpose is Purpose.TAKE_NUMBER


@dataclass(frozen=True)
class Keypad:
    """Type the number of the ID card. ``problem`` is said at the digit where it shows."""

    purpose: Purpose
    digits: str = ""
    problem: EntryProblem | None = None
    service: Service | None = None


@dataclass(frozen=True)
class ChooseService:
    """By group, or by typing initials; ``guide`` is the same page for somebody who only wants to know."""

    guide: bool = False
    query: str = ""
    category: str | None = None
    matches: tuple[Match, ...] = ()


@dataclass(frozen=True)
class ServiceDetail:
    """What to bring, and where it can be done."""

    service: Service
    availability: Availability
    guide: bool = False
    query: str = ""
    category: str | None = None


@dataclass(frozen=True)
class Confirm:
    """Take this number? ``service`` None: any service."""

    service: Service | None
    query: str = ""
    category: str | None = None
    card_expired: bool = False
    priority: bool = False


class IssueStep(StrEnum):
    """How far the number is. Each is passed once, in this order. Texts: ``issuing.<value>``."""

    RECORDING = "recording"
    ASKING = "asking"
    COMMITTING = "committing"
    PRINTING = "printing"


@dataclass(frozen=True)
class Issuing:
    """The machine works; nothing can be touched. ``key`` and ``slip`` fill as they become facts."""

    service: Service | None
    step: IssueStep
    key: str = ""
    priority: bool = False
    slip_id: int | None = None
    slip: TicketSlip | None = None
    existing: bool = False


@dataclass(frozen=True)
class TakeTicket:
    """The number, large. ``printed`` False: there is no paper, the number and its QR stand on the screen."""

    slip: TicketSlip
    printed: bool
    existing: bool = False


@dataclass(frozen=True)
class OpenTicket:
    """One of the holder's own numbers today."""

    slip: TicketSlip
    state: str
    window: str | None = None


@dataclass(frozen=True)
class MyTickets:
    """The holder's open numbers; ``looking`` while the hall is asked."""

    looking: bool
    tickets: tuple[OpenTicket, ...] = ()


@dataclass(frozen=True)
class Sorry:
    """What is safe, what can be done now, what need not be done. ``slip`` where a number exists."""

    reason: SorryReason
    slip: TicketSlip | None = None
    can_reprint: bool = False
    paper_out: bool = False


Page = Home | Identify | Keypad | ChooseService | ServiceDetail | Confirm | Issuing | TakeTicket | MyTickets | Sorry


class DeviceName(StrEnum):
    ID_CARD = "id_card"
    TICKET_PRINTER = "ticket_printer"
    RECEIPT_PRINTER = "receipt_printer"


@dataclass(frozen=True)
class DeviceView:
    """A device as a visit needs it: does it work, and is there paper. ``None`` paper: not known or no printer."""

    works: bool = False
    paper_out: bool = False
    paper_low: bool = False
    cover_open: bool = False


@dataclass(frozen=True)
class Situation:
    """What is true of the machine whoever stands before it."""

    devices: dict[DeviceName, DeviceView] = field(default_factory=dict)
    hall: HallState | None = None
    hall_answers: bool = False
    storage_works: bool = True

    @classmethod
    def at_start(cls) -> Situation:
        """Before anybody has looked: devices are taken to work. Looking takes a moment, and a home page that first says
        that nothing works would be wrong on every good day."""
        return cls(devices={name: DeviceView(works=True) for name in DeviceName})

    def device(self, name: DeviceName) -> DeviceView:
        return self.devices.get(name, DeviceView())

    @property
    def can_read_cards(self) -> bool:
        return self.device(DeviceName.ID_CARD).works

    @property
    def can_print_tickets(self) -> bool:
        printer = self.device(DeviceName.TICKET_PRINTER)
        return printer.works and not printer.paper_out and not printer.cover_open


@dataclass(frozen=True)
class Session:
    """The whole state of the front end."""

    visit: int = 0
    """Counts visits; every event of an earlier one is dropped."""
    page: Page = field(default_factory=Home)
    holder: Holder | None = None
    language: Language = Language.ZH
    large_text: bool = False
    situation: Situation = field(default_factory=Situation)


@dataclass(frozen=True)
class Shown:
    """What the runtime hands to the screens after every step."""

    session: Session
    idle_until: float | None
    """Monotonic seconds at which the visit ends by itself; None where none runs (home, issuing)."""
    now: datetime
    """Wall-clock time of the step, with offset."""
