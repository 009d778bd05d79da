"""Everything a visit can ask for. The runtime carries these out and decides nothing.

Each effect ends in exactly one of the events named in its docstring, or its deadline passes (``DeadlinePassed``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kiosk.domain.holder import Holder
from kiosk.domain.messages import TicketView
from kiosk.domain.ticket import TicketSlip
from kiosk.session.state import Language


@dataclass(frozen=True)
class WatchForCard:
    """Poll the reader until a card lies there, then read it. → CardFound, then CardRead or CardFailed."""

    visit: int


@dataclass(frozen=True)
class StopWatching:
    """No card is wanted now; the reader rests."""


@dataclass(frozen=True)
class RecordAsk:
    """Make durable that a number is about to be asked for, under a new key. → AskRecorded | StoreFailed"""

    visit: int


@dataclass(frozen=True)
class AskHall:
    """Ask the hall for a number under a recorded key. → HallAnswered | HallSilent"""

    visit: int
    key: str
    service: str | None
    priority: bool
    holder: Holder | None


@dataclass(frozen=True)
class RecordTicket:
    """One transaction: the ticket, the intent to print it, the journal row. → TicketRecorded | StoreFailed

    ``view`` None: the hall was silent; the kiosk gives a number of its own series and voids ``key`` later.
    ``to_print`` False: no slip is intended, the number is shown on the screen.
    """

    visit: int
    key: str
    view: TicketView | None
    service: str | None
    priority: bool
    holder: Holder | None
    to_print: bool
    language: Language


@dataclass(frozen=True)
class PrintSlip:
    """Print a slip whose intent is durable; record how it ended. → PrintEnded"""

    visit: int
    slip_id: int
    slip: TicketSlip
    language: Language


@dataclass(frozen=True)
class RecordReprint:
    """Make the intent to print a ticket again durable. → TicketRecorded (slip marked) | StoreFailed"""

    visit: int
    slip: TicketSlip


@dataclass(frozen=True)
class AbandonTicket:
    """A ticket became durable when nobody waited for it any more: void it. Nothing follows."""

    key: str


@dataclass(frozen=True)
class FindTickets:
    """The open tickets of this person: the hall's word, else the kiosk's own memory. → TicketsFound | HallSilent"""

    visit: int
    holder: Holder


@dataclass(frozen=True)
class Arm:
    """Start a timer anew. → DeadlinePassed"""

    visit: int
    name: Literal["idle", "step"]
    seconds: float


@dataclass(frozen=True)
class Disarm:
    name: Literal["idle", "step"]


@dataclass(frozen=True)
class Forget:
    """The visit is over: drop every trace of its person from memory."""


Effect = (
    WatchForCard
    | StopWatching
    | RecordAsk
    | AskHall
    | RecordTicket
    | PrintSlip
    | RecordReprint
    | AbandonTicket
    | FindTickets
    | Arm
    | Disarm
    | Forget
)
