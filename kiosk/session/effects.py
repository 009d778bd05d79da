"""Everything a visit can ask for. The runtime carries these out and decides nothing.

Each effect ends in exactly one of the events named in its docstring, or its deadline passes (``DeadlinePassed``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from kiosk.domain.filing import Bureau, FilingRequest, PaymentRequest, PaymentResult, TaxpayerView
from kiosk.domain.fleet import TechnicianRole
from kiosk.domain.holder import Holder
from kiosk.domain.messages import TicketView
from kiosk.domain.papers import Paper
from kiosk.domain.ticket import TicketSlip
from kiosk.session.panel import Place
from kiosk.session.state import Draft, IssueTask, Language


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


# ---- filing, paying, proof -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FindTaxpayers:
    """Whom this person may act for. → TaxpayersFound | HallRefusedIt | HallSilent"""

    visit: int
    holder: Holder


@dataclass(frozen=True)
class OpenFile:
    """Everything of one taxpayer, and this person's draft for it, if one was left.
    → FileOpened | HallRefusedIt | HallSilent

    ``taxpayer`` "self": the natural person's own."""

    visit: int
    holder: Holder
    taxpayer: TaxpayerView


@dataclass(frozen=True)
class FindBuyer:
    """Whose is this taxpayer number? → BuyerFound | HallSilent"""

    visit: int
    number: str


@dataclass(frozen=True)
class KeepDraft:
    """The answers so far, encrypted, for this person only. Nothing follows; failing costs the draft, not the visit."""

    holder: Holder
    draft: Draft


@dataclass(frozen=True)
class ForgetDraft:
    """Nothing follows."""

    holder: Holder
    taxpayer: str


@dataclass(frozen=True)
class RecordFiling:
    """Make the confirmed return durable under a new key, and drop its draft. → FilingRecorded | StoreFailed

    ``request`` has everything but ``key`` and ``holder_ref`` (both ""), which only the runtime can make."""

    visit: int
    holder: Holder
    request: FilingRequest


@dataclass(frozen=True)
class SubmitFiling:
    """→ FilingAnswered | HallRefusedIt | HallSilent (with the key). Whatever is answered is durable first."""

    visit: int
    request: FilingRequest


@dataclass(frozen=True)
class QueueFiling:
    """The hall did not answer: leave it to the agent, which asks and files under the same key.
    → FilingQueued | StoreFailed"""

    visit: int
    key: str


@dataclass(frozen=True)
class RecordPayment:
    """Make durable what is about to be charged, under a new key. → PaymentRecorded | StoreFailed

    ``request`` has ``key`` and ``holder_ref`` ""."""

    visit: int
    holder: Holder
    request: PaymentRequest


@dataclass(frozen=True)
class HoldPayment:
    """Ask the hall to hold the filing for this payment. → PaymentHeld | HallRefusedIt | HallSilent

    Refused or silent: the payment ends uncharged, durably, and the hall is told so."""

    visit: int
    request: PaymentRequest


@dataclass(frozen=True)
class ChargeCard:
    """Have the terminal charge. → ChargeProgress…, then ChargeEnded | ChargeUnknown (asked on, later ChargeEnded)"""

    visit: int
    key: str
    amount: int


@dataclass(frozen=True)
class CancelCharge:
    """The payer changed his mind: the terminal lets go if no card was presented. The answer is that of ChargeCard."""

    key: str


@dataclass(frozen=True)
class ConfirmPayment:
    """Tell the hall of the charge and ask how filing and payment stand, until entered or ``enter_s`` has passed.
    → PaymentAnswered | HallSilent (with the key)"""

    visit: int
    key: str
    result: PaymentResult
    filing: str


@dataclass(frozen=True)
class RecordIssue:
    """Make durable that a numbered paper is about to be asked for. → IssueRecorded | StoreFailed"""

    visit: int
    task: IssueTask
    filing: str


@dataclass(frozen=True)
class AskCertificate:
    """→ CertificateGiven | HallRefusedIt | HallSilent (with the key)"""

    visit: int
    key: str
    holder: Holder
    filing: str
    bureau: Bureau


@dataclass(frozen=True)
class AskInvoice:
    """→ InvoiceGiven | HallRefusedIt | HallSilent (with the key)"""

    visit: int
    key: str
    holder: Holder
    filing: str


@dataclass(frozen=True)
class RecordPaper:
    """Make the intent to print a receipt, certificate or invoice durable. → PaperRecorded | StoreFailed"""

    visit: int
    paper: Paper


@dataclass(frozen=True)
class PrintPaper:
    """Print it at the receipt printer; record how it ended. → PrintEnded"""

    visit: int
    slip_id: int
    paper: Paper
    language: Language


@dataclass(frozen=True)
class AbandonFiling:
    """A return became durable when its person had been told that it is not: drop it, it was never sent.
    Nothing follows."""

    key: str


@dataclass(frozen=True)
class AbandonPayment:
    """Recorded, perhaps held by the hall, and nobody waits for it any more: no terminal was or will be told of it.
    End it uncharged, durably, and tell the hall. Nothing follows."""

    key: str


@dataclass(frozen=True)
class AbandonPaper:
    """A numbered paper was asked for or given when nobody waited for it any more: it will not be printed under this
    key, and the hall is told so (as of a sheet that failed). Nothing follows."""

    key: str


@dataclass(frozen=True)
class AbandonSheet:
    """The intent to print a sheet became durable when nobody waited for it any more: nothing is printed for it, and the
    ledger says so. Nothing follows."""

    slip_id: int


# ---- maintenance ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CheckTechnician:
    """Whose is the card in the slot? → TechnicianRecognised | TechnicianRefused"""

    visit: int


@dataclass(frozen=True)
class VerifyPin:
    """Give the card its PIN, then have it sign. → TechnicianAdmitted | PinWrong | TechnicianRefused"""

    visit: int
    pin: str = field(repr=False)


@dataclass(frozen=True)
class EndMaintenance:
    """Nobody is logged in or logging in any more. ``why``: card_pulled, reader_gone, idle, restart, left. Nothing
    follows."""

    why: str


@dataclass(frozen=True)
class ReadPanel:
    """→ PanelRead, and again whenever something on it has changed, until another one is read or nobody is there."""

    visit: int
    role: TechnicianRole
    place: Place
    subject: str = ""


@dataclass(frozen=True)
class DoMaintenance:
    """Something is done to the machine, and audited. → MaintenanceDone"""

    visit: int
    technician: str
    role: TechnicianRole
    place: Place
    name: str
    subject: str = ""


@dataclass(frozen=True)
class Leave:
    """The front end ends (exit 0), and the service manager starts it anew. Nothing follows."""


@dataclass(frozen=True)
class Arm:
    """Start a timer anew. → DeadlinePassed"""

    visit: int
    name: Literal["idle", "step", "restart"]
    seconds: float


@dataclass(frozen=True)
class Disarm:
    name: Literal["idle", "step", "restart"]


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
    | FindTaxpayers
    | OpenFile
    | FindBuyer
    | KeepDraft
    | ForgetDraft
    | RecordFiling
    | SubmitFiling
    | QueueFiling
    | RecordPayment
    | HoldPayment
    | ChargeCard
    | CancelCharge
    | ConfirmPayment
    | RecordIssue
    | AskCertificate
    | AskInvoice
    | RecordPaper
    | PrintPaper
    | AbandonFiling
    | AbandonPayment
    | AbandonPaper
    | AbandonSheet
    | CheckTechnician
    | VerifyPin
    | EndMaintenance
    | ReadPanel
    | DoMaintenance
    | Leave
    | Arm
    | Disarm
    | Forget
)
