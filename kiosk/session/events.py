"""Everything that can happen to a visit. Touches come from the screens, the rest from the runtime's workers.

An answer to an effect carries the visit it was asked in; ``machine.step`` drops it when that visit is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from kiosk.domain.holder import Holder
from kiosk.domain.messages import HallState, TicketView
from kiosk.domain.ticket import TicketSlip
from kiosk.session.state import CardProblem, DeviceName, DeviceView, Language, OpenTicket, Purpose

# ---- touches -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """One of the big buttons of the home page."""

    purpose: Purpose


@dataclass(frozen=True)
class OpenGuide:
    """What to bring, for somebody who does not want a number yet."""


@dataclass(frozen=True)
class Back:
    pass


@dataclass(frozen=True)
class GoHome:
    """The visitor has finished, or gives up."""


@dataclass(frozen=True)
class SetLanguage:
    language: Language


@dataclass(frozen=True)
class SetLargeText:
    on: bool


@dataclass(frozen=True)
class Touched:
    """A touch beside every target, or "I need more time": only keeps the visit alive."""


@dataclass(frozen=True)
class UseKeypad:
    pass


@dataclass(frozen=True)
class UseCard:
    pass


@dataclass(frozen=True)
class Typed:
    """One key of our own keypad or keyboard: a digit, a letter, ``back`` or ``clear``. ``on``: today."""

    key: str
    on: date


@dataclass(frozen=True)
class Submit:
    """The typed number is complete. ``on``: today."""

    on: date


@dataclass(frozen=True)
class PickCategory:
    code: str | None


@dataclass(frozen=True)
class PickService:
    """``code`` None: any service, or more than one."""

    code: str | None
    on: date


@dataclass(frozen=True)
class Next:
    """The one next step at the bottom right. ``on``: today."""

    on: date


@dataclass(frozen=True)
class Reprint:
    """Print the slip of this ticket (``TicketSlip.token``) again; it comes out marked 补打."""

    token: str


Touch = (
    Start
    | OpenGuide
    | Back
    | GoHome
    | SetLanguage
    | SetLargeText
    | Touched
    | UseKeypad
    | UseCard
    | Typed
    | Submit
    | PickCategory
    | PickService
    | Next
    | Reprint
)

# ---- answers to effects --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CardFound:
    visit: int


@dataclass(frozen=True)
class CardRead:
    """``on``: today, by which the card may have expired."""

    visit: int
    holder: Holder
    on: date


@dataclass(frozen=True)
class CardFailed:
    visit: int
    problem: CardProblem


@dataclass(frozen=True)
class AskRecorded:
    """The intent to ask for a number is durable under this key."""

    visit: int
    key: str


@dataclass(frozen=True)
class HallAnswered:
    visit: int
    key: str
    ticket: TicketView


@dataclass(frozen=True)
class HallSilent:
    """No answer within the deadline, or none that can be used. ``key`` of the ask, or "" for a question."""

    visit: int
    key: str = ""


@dataclass(frozen=True)
class TicketRecorded:
    """Ticket, print intent and journal row are durable. ``slip_id`` None: nothing will be printed."""

    visit: int
    key: str
    slip: TicketSlip
    slip_id: int | None


@dataclass(frozen=True)
class StoreFailed:
    """The store could not make it durable: nothing was given, printed or sent."""

    visit: int


@dataclass(frozen=True)
class PrintEnded:
    visit: int
    slip_id: int
    outcome: Literal["done", "failed", "uncertain"]
    paper_out: bool


@dataclass(frozen=True)
class TicketsFound:
    visit: int
    tickets: tuple[OpenTicket, ...]


class Deadline:
    """Names of the runtime's timers, one of each at a time."""

    IDLE: Literal["idle"] = "idle"
    STEP: Literal["step"] = "step"


@dataclass(frozen=True)
class DeadlinePassed:
    visit: int
    name: Literal["idle", "step"]


Answer = (
    CardFound
    | CardRead
    | CardFailed
    | AskRecorded
    | HallAnswered
    | HallSilent
    | TicketRecorded
    | StoreFailed
    | PrintEnded
    | TicketsFound
    | DeadlinePassed
)

# ---- the machine around the visit ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeviceChanged:
    name: DeviceName
    view: DeviceView


@dataclass(frozen=True)
class HallSeen:
    """The hall's public state; None when it does not answer."""

    state: HallState | None


@dataclass(frozen=True)
class StorageChanged:
    works: bool


Surrounding = DeviceChanged | HallSeen | StorageChanged

Event = Touch | Answer | Surrounding
