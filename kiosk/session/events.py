"""Everything that can happen to a visit. Touches come from the screens, the rest from the runtime's workers.

An answer to an effect carries the visit it was asked in; ``machine.step`` drops it when that visit is over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from kiosk.domain.filing import (
    Bureau,
    CertificateView,
    FilingRequest,
    FilingView,
    Form,
    InvoiceView,
    PaymentRequest,
    PaymentResult,
    TaxpayerFile,
    TaxpayerView,
)
from kiosk.domain.fleet import TechnicianRole
from kiosk.domain.holder import Holder
from kiosk.domain.messages import HallState, TicketView
from kiosk.domain.ticket import TicketSlip
from kiosk.session.panel import Outcome, Panel, Place
from kiosk.session.state import (
    CardProblem,
    DeviceName,
    DeviceView,
    Draft,
    Language,
    OpenTicket,
    Purpose,
    QueryTab,
    Remembered,
)

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


@dataclass(frozen=True)
class PickTaxpayer:
    taxpayer: str


@dataclass(frozen=True)
class PickObligation:
    """Begin the return that is due. ``on``: today."""

    obligation: str
    on: date


@dataclass(frozen=True)
class PickForm:
    """Bring up an occasional return: a contract, a car."""

    form: Form
    on: date


@dataclass(frozen=True)
class ContinueDraft:
    on: date


@dataclass(frozen=True)
class DropDraft:
    pass


@dataclass(frozen=True)
class Choose:
    """One of the answers on the page (``Question.choices``)."""

    value: str
    on: date


@dataclass(frozen=True)
class Change:
    """From the check page back to one question."""

    question: str


@dataclass(frozen=True)
class PickFiling:
    """A filing in a list: pay it, prove it, look at it, as the page says."""

    key: str


@dataclass(frozen=True)
class CorrectFiling:
    """File it anew with other figures; only before it is paid."""

    key: str
    on: date


@dataclass(frozen=True)
class PickBureau:
    bureau: Bureau


@dataclass(frozen=True)
class PickTab:
    tab: QueryTab


@dataclass(frozen=True)
class Pay:
    """Pay by card, now. ``at`` the moment of the touch."""

    at: datetime


@dataclass(frozen=True)
class Submitted:
    """确认并提交: the legal moment of filing."""

    at: datetime


@dataclass(frozen=True)
class CancelPay:
    """The payer changes his mind before a card was presented."""


@dataclass(frozen=True)
class PrintAgain:
    """The paper of this page, marked 补打."""


@dataclass(frozen=True)
class IssueInvoice:
    """The invoice of this filing (after its tax)."""


# ---- maintenance: touches


@dataclass(frozen=True)
class HiddenGesture:
    """Four corners of the glass in turn: a technician wants in. Everybody else never does that."""


@dataclass(frozen=True)
class PinKey:
    """One key of the PIN pad: a digit, ``back`` or ``clear``."""

    key: str = field(repr=False)


@dataclass(frozen=True)
class PinDone:
    pass


@dataclass(frozen=True)
class OpenPlace:
    place: Place
    subject: str = ""


@dataclass(frozen=True)
class Do:
    """An action of the panel (``panel.Action.name``)."""

    name: str
    subject: str = ""


@dataclass(frozen=True)
class SaySure:
    """The second word on a grave action."""

    yes: bool


@dataclass(frozen=True)
class CellTouched:
    """In the touch test, counted from the top left, row by row."""

    cell: int


@dataclass(frozen=True)
class PointTouched:
    """In the calibration, thousandths of width and height from the top left."""

    x: int
    y: int


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
    | PickTaxpayer
    | PickObligation
    | PickForm
    | ContinueDraft
    | DropDraft
    | Choose
    | Change
    | PickFiling
    | CorrectFiling
    | PickBureau
    | PickTab
    | Pay
    | Submitted
    | CancelPay
    | PrintAgain
    | IssueInvoice
    | HiddenGesture
    | PinKey
    | PinDone
    | OpenPlace
    | Do
    | SaySure
    | CellTouched
    | PointTouched
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


# ---- filing, paying, proof


@dataclass(frozen=True)
class TaxpayersFound:
    visit: int
    taxpayers: tuple[TaxpayerView, ...]
    remembered: bool = False
    """The hall is silent; it said so some days ago."""


@dataclass(frozen=True)
class FileOpened:
    visit: int
    file: TaxpayerFile
    draft: Draft | None
    on: date
    """Today, for what is late."""
    remembered: Remembered | None = None
    """The hall is silent; ``file`` is what it said before."""


@dataclass(frozen=True)
class HallRefusedIt:
    """The hall answered, and said no: ``problem`` is a word of filing.FILING_PROBLEMS, PAYMENT_PROBLEMS or
    ISSUE_PROBLEMS. ``key`` of what it refused, or ""."""

    visit: int
    problem: str
    key: str = ""


@dataclass(frozen=True)
class BuyerFound:
    """``name`` None: the register does not know this number."""

    visit: int
    number: str
    name: str | None


@dataclass(frozen=True)
class FilingRecorded:
    """The return is durable under its key; it will be filed whatever happens now."""

    visit: int
    request: FilingRequest


@dataclass(frozen=True)
class FilingAnswered:
    visit: int
    filing: FilingView


@dataclass(frozen=True)
class FilingQueued:
    """The hall was silent: the agent files it under the same key once the hall answers."""

    visit: int
    key: str


@dataclass(frozen=True)
class PaymentRecorded:
    """The intent to charge is durable under its key."""

    visit: int
    request: PaymentRequest


@dataclass(frozen=True)
class PaymentHeld:
    """The hall holds the filing for this payment: the terminal may charge."""

    visit: int
    key: str


@dataclass(frozen=True)
class ChargeProgress:
    visit: int
    key: str
    progress: str
    """A value of drivers.pos.contract.Progress."""
    can_cancel: bool


@dataclass(frozen=True)
class ChargeEnded:
    """By the terminal's own word, durable already: ``approved`` with the charge, or ``refused`` (nothing was taken).
    ``reason``: drivers.pos.contract.RefusedBecause."""

    visit: int
    key: str
    result: PaymentResult
    reason: str = ""


@dataclass(frozen=True)
class ChargeUnknown:
    """The terminal is silent. It is asked, now and after this visit, until it has said what became of the charge."""

    visit: int
    key: str


@dataclass(frozen=True)
class PaymentAnswered:
    """How filing and payment stand at the hall now."""

    visit: int
    filing: FilingView


@dataclass(frozen=True)
class IssueRecorded:
    """The intent to ask for a certificate or invoice is durable under this key."""

    visit: int
    key: str


@dataclass(frozen=True)
class CertificateGiven:
    visit: int
    certificate: CertificateView


@dataclass(frozen=True)
class InvoiceGiven:
    visit: int
    invoice: InvoiceView


@dataclass(frozen=True)
class PaperRecorded:
    """The intent to print it is durable."""

    visit: int
    slip_id: int


# ---- maintenance


@dataclass(frozen=True)
class TechnicianRecognised:
    """The card is that of somebody on the hall's list, in force today. ``tries_left`` before it blocks itself."""

    visit: int
    tries_left: int | None


@dataclass(frozen=True)
class TechnicianRefused:
    """``problem``: see ``panel.LoginStep.REFUSED``."""

    visit: int
    problem: str


@dataclass(frozen=True)
class PinWrong:
    visit: int
    tries_left: int


@dataclass(frozen=True)
class TechnicianAdmitted:
    """The PIN was right, and the card has signed with the key of its certificate."""

    visit: int
    technician: str
    name: str
    role: TechnicianRole


@dataclass(frozen=True)
class PanelRead:
    visit: int
    panel: Panel


@dataclass(frozen=True)
class MaintenanceDone:
    """What came of the action ``name``."""

    visit: int
    name: str
    outcome: Outcome


class Deadline:
    """Names of the runtime's timers, one of each at a time."""

    IDLE: Literal["idle"] = "idle"
    STEP: Literal["step"] = "step"
    RESTART: Literal["restart"] = "restart"


@dataclass(frozen=True)
class DeadlinePassed:
    visit: int
    name: Literal["idle", "step", "restart"]


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
    | TaxpayersFound
    | FileOpened
    | HallRefusedIt
    | BuyerFound
    | FilingRecorded
    | FilingAnswered
    | FilingQueued
    | PaymentRecorded
    | PaymentHeld
    | ChargeProgress
    | ChargeEnded
    | ChargeUnknown
    | PaymentAnswered
    | IssueRecorded
    | CertificateGiven
    | InvoiceGiven
    | PaperRecorded
    | TechnicianRecognised
    | TechnicianRefused
    | PinWrong
    | TechnicianAdmitted
    | PanelRead
    | MaintenanceDone
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


@dataclass(frozen=True)
class SmartCardChanged:
    """The technicians' slot. ``works``: reader and its service are there. ``knocked``: the card came in for the third
    time within KNOCK_S, which is how a technician asks for entry at a machine whose glass is dead."""

    works: bool
    card: bool
    knocked: bool = False


@dataclass(frozen=True)
class StandingChanged:
    """What is wanted of this machine, by its hall or a technician (``store.standing``)."""

    locked: bool
    words: str = ""
    restart: bool = False


Surrounding = DeviceChanged | HallSeen | StorageChanged | SmartCardChanged | StandingChanged

Event = Touch | Answer | Surrounding
