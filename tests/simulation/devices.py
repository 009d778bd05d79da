"""Reader, printers and terminal as values behind the interfaces of their drivers: each has a life of its own, and goes
on when the kiosk before it dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from drivers.contract import DeviceState, DeviceStatus, MediaState, NotConnected, PaperState
from drivers.id_card.layouts import CardKind, CardText
from drivers.id_card.reader import CardFailed, CardRead, FailReason, NoCard
from drivers.pos.contract import (
    Approved,
    AskResult,
    JournalEntry,
    NotFound,
    Progress,
    Refused,
    RefusedBecause,
    Reversed,
    ReverseResult,
    SaleResult,
    Unknown,
)
from drivers.printer.document import BigNumber, Document, Qr, Text
from drivers.printer.driver import Outcome, PrintResult
from drivers.printer.status import Reason
from tests.simulation.clockwork import SimEvent, SimThread, pause, point, this_thread, wait_until
from tests.simulation.promises import ONE_PAYMENT

if TYPE_CHECKING:
    from tests.simulation.town import Machine


# ---- the reader ----------------------------------------------------------------------------------------------------


class Reader:
    def __init__(self, machine: Machine, chance: Random) -> None:
        self.machine, self.chance = machine, chance
        self.plugged = True
        self.card: CardText | None = None
        self.read_already = False
        self._moved: list[Any] = []

    def lay(self, card: CardText) -> None:
        self.card, self.read_already = card, False
        self.moved()

    def lift(self) -> None:
        self.card = None
        self.moved()

    def moved(self) -> None:
        for thread in self._moved:
            thread.wake()


class ReaderDriver:
    """``IdCardReader``, as far as the card watch uses it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def connect(self) -> None:
        pause(0.01)
        if not self._reader.plugged:
            raise NotConnected("unplugged")

    def close(self) -> None:
        pass

    def watch(
        self, stop: SimEvent, timeout: float | None = None, on_found: Callable[[], None] | None = None
    ) -> CardRead | CardFailed | NoCard:
        reader = self._reader

        def something() -> bool:
            return stop.is_set() or not reader.plugged or (reader.card is not None and not reader.read_already)

        stop.waiters.append(thread := _me())
        try:
            wait_until(something, reader._moved, None)
        finally:
            stop.waiters.remove(thread)
        if stop.is_set():
            return NoCard()
        if not reader.plugged:
            raise NotConnected("unplugged")
        point()
        if on_found is not None:
            on_found()
        card = reader.card
        pause(reader.chance.uniform(0.12, 0.4))
        if not reader.plugged:
            raise NotConnected("unplugged")
        if reader.card is not card or card is None:
            return CardFailed(FailReason.TAKEN_AWAY)
        reader.read_already = True
        if reader.chance.random() < 0.04:
            return CardFailed(reader.chance.choice(list(FailReason)))
        return CardRead(card, 118.0)


def _me() -> SimThread:
    thread = this_thread()
    assert thread is not None
    return thread


def card_of(name: str, number: str, birth: date, valid_to: date | None) -> CardText:
    return CardText(CardKind.RESIDENT, number, birth, date(2016, 1, 1), valid_to, name_zh=name)


# ---- a printer -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sheet:
    """One sheet of paper that lies in the tray."""

    at: float
    printer: str
    name: str
    number: str
    token: str
    reprint: bool


@dataclass
class Printer:
    machine: Machine
    chance: Random
    name: str
    plugged: bool = True
    hung: bool = False
    paper: PaperState = PaperState.FULL
    cover_open: bool = False
    mute: float = 0.0
    """How often it prints and does not say so."""
    tray: list[Sheet] = field(default_factory=list)

    @property
    def reason(self) -> Reason | None:
        if not self.plugged:
            return Reason.NOT_CONNECTED
        if self.hung:
            return Reason.OFFLINE
        if self.cover_open:
            return Reason.COVER_OPEN
        if self.paper is PaperState.OUT:
            return Reason.PAPER_OUT
        return Reason.JAMMED if self.paper is PaperState.JAMMED else None


class PrinterDriver:
    """``SlipPrinter``, as far as the printer's desk uses it."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def prepare(self) -> None:
        self.status()

    def close(self) -> None:
        pass

    def status(self) -> DeviceStatus:
        printer = self._printer
        pause(1.0 if printer.hung else 0.01)
        match printer.reason:
            case None:
                return DeviceStatus(DeviceState.ONLINE, paper=printer.paper, cover_open=False)
            case Reason.NOT_CONNECTED:
                return DeviceStatus(DeviceState.NO_DEVICE, paper=PaperState.UNKNOWN)
            case Reason.OFFLINE:
                return DeviceStatus(DeviceState.OFFLINE, paper=PaperState.UNKNOWN)
            case _:
                return DeviceStatus(DeviceState.USER_ERROR, paper=printer.paper, cover_open=printer.cover_open)

    def print(self, document: Document, on_sent: Callable[[], None] | None = None) -> PrintResult:
        printer, chance = self._printer, self._printer.chance
        pause(1.0 if printer.hung else 0.01)
        reason = printer.reason
        if reason is not None:
            return PrintResult(Outcome.FAILED, reason, printer.paper, 10)
        point()
        printer.machine.sheet_begins(printer.name, document)
        seconds = chance.uniform(0.4, 2.5)
        sheet = _sheet(printer, document)
        cut = chance.random()
        if cut < 0.03:
            # The line breaks behind the first byte: a sheet, or none.
            if chance.random() < 0.5:
                printer.machine.town.loop.at(seconds, printer.tray.append, sheet)
            pause(seconds)
            return PrintResult(Outcome.UNCERTAIN, Reason.CONNECTION_LOST, PaperState.UNKNOWN, 500)
        if cut < 0.06:
            # The paper ends in mid-sheet.
            printer.paper = PaperState.OUT
            pause(seconds)
            return PrintResult(Outcome.FAILED, Reason.PAPER_OUT, PaperState.OUT, 500)
        # From here on it comes out, whatever becomes of the kiosk.
        printer.machine.town.loop.at(seconds, printer.tray.append, sheet)
        mute = chance.random() < printer.mute
        pause(8.0 if mute else seconds + 0.05)
        if mute:
            return PrintResult(Outcome.UNCERTAIN, Reason.NO_PROOF, printer.paper, 8000)
        return PrintResult(Outcome.DONE, None, printer.paper, round(seconds * 1000))


def _sheet(printer: Printer, document: Document) -> Sheet:
    number, token, reprint = number_and_token(document)
    return Sheet(printer.machine.town.loop.time(), printer.name, document.name, number, token, reprint)


def number_and_token(document: Document) -> tuple[str, str, bool]:
    number = token = ""
    reprint = False
    for block in document.blocks:
        match block:
            case BigNumber(text):
                number = text
            case Qr(content):
                token = content.rpartition("/")[2]
            case Text(text):
                reprint = reprint or "补打" in text or "REPRINT" in text.upper()
    return number, token, reprint


# ---- the terminal --------------------------------------------------------------------------------------------------


@dataclass
class Record:
    """One key, as the terminal knows it."""

    key: str
    fen: int
    state: Literal["pending", "approved", "refused", "reversed", "closed"]
    reason: RefusedBecause = RefusedBecause.DECLINED
    trace: str = ""
    reference: str = ""
    at: Any = None
    told: SimEvent = field(default_factory=SimEvent)
    stage: Progress | None = None
    charges: int = 0


class Terminal:
    """Charges a key once. Whether a card is presented, and what the bank says, is decided here and not by the kiosk."""

    NO_CARD_S = 40.0

    def __init__(self, machine: Machine, chance: Random) -> None:
        self.machine, self.chance = machine, chance
        self.name = f"T-{machine.name}"
        self.plugged = True
        self.silent = 0.0
        """How often the line goes quiet after the money has moved."""
        self.records: dict[str, Record] = {}
        self.journal: list[JournalEntry] = []
        self._trace = 0

    def is_there(self) -> bool:
        return self.plugged

    def order(self, key: str, fen: int) -> Record:
        """A sale has arrived whole."""
        known = self.records.get(key)
        if known is not None and known.state == "closed":
            return Record(key, fen, "refused", RefusedBecause.NOT_SENT)
        if known is not None:
            # A real terminal would not take it; this one charges again, so that whoever relied on that is found out.
            self.machine.town.violated(ONE_PAYMENT, f"{self.name} was told twice to charge for {key}")
        record = Record(key, fen, "pending", stage=Progress.PRESENT_CARD)
        self.records[key] = record
        chance = self.chance.random()
        if chance < 0.08:
            self._later(self.NO_CARD_S, record, self._refuse, RefusedBecause.NO_CARD)
        else:
            self._later(self.chance.uniform(1.0, 12.0), record, self._card_in)
        return record

    def _later(self, seconds: float, record: Record, act: Callable[..., None], *args: Any) -> None:
        self.machine.town.loop.at(seconds, self._if_pending, record, act, *args)

    def _if_pending(self, record: Record, act: Callable[..., None], *args: Any) -> None:
        if record.state == "pending":
            self.machine.town.count("terminal")
            act(record, *args)

    def _card_in(self, record: Record) -> None:
        record.stage = Progress.ASKING_BANK
        record.told.set()
        if self.chance.random() < 0.12:
            reason = self.chance.choice(
                (RefusedBecause.DECLINED, RefusedBecause.NO_FUNDS, RefusedBecause.WRONG_PIN, RefusedBecause.CANCELLED)
            )
            self._later(self.chance.uniform(0.5, 4.0), record, self._refuse, reason)
        else:
            self._later(self.chance.uniform(0.5, 4.0), record, self._approve)

    def _refuse(self, record: Record, reason: RefusedBecause) -> None:
        record.state, record.reason = "refused", reason
        record.told.set()

    def _approve(self, record: Record) -> None:
        self._trace += 1
        record.state, record.charges = "approved", record.charges + 1
        record.trace = f"{self._trace:06d}"
        record.reference = f"{self.machine.name[1:]}{self._trace:010d}"
        record.at = self.machine.town.now()
        self._count("sale", record)
        record.told.set()

    def cancel(self, record: Record) -> None:
        if record.state == "pending" and record.stage is Progress.PRESENT_CARD:
            self._refuse(record, RefusedBecause.CANCELLED)

    def give_back(self, record: Record) -> None:
        record.state = "reversed"
        self._count("reversal", record)

    def _count(self, kind: str, record: Record) -> None:
        at = self.machine.town.now()
        entry = JournalEntry(record.key, kind, record.fen, record.trace, record.reference, "6222****1234", at)
        self.journal.append(entry)


class TerminalDriver:
    """``PosTerminal``, as far as the payment desk uses it."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def close(self) -> None:
        pass

    def status(self) -> DeviceStatus:
        pause(0.02)
        if not self._terminal.plugged:
            return DeviceStatus(DeviceState.NO_DEVICE, media=MediaState.UNKNOWN)
        return DeviceStatus(DeviceState.ONLINE, media=MediaState.NOT_PRESENT, detail=f"terminal {self._terminal.name}")

    def sale(
        self,
        key: str,
        fen: int,
        timeout_s: float,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: SimEvent | None = None,
    ) -> SaleResult:
        terminal, chance = self._terminal, self._terminal.chance
        terminal.machine.charge_begins(key, fen)
        pause(0.02)
        if not terminal.plugged:
            return Refused(key, RefusedBecause.NOT_SENT)
        if cancelled is not None and cancelled.is_set():
            return Refused(key, RefusedBecause.CANCELLED)
        point()
        if chance.random() < 0.02:
            # Its last byte never arrives: the terminal has not heard of it, and we cannot know that.
            pause(6.0)
            return Unknown(key, "the terminal has fallen silent")
        record = terminal.order(key, fen)
        point()
        loop = terminal.machine.town.loop
        deadline = loop.time() + timeout_s
        stage: Progress | None = None
        while record.state == "pending":
            if record.stage is not stage:
                stage = record.stage
                if on_progress is not None and stage is not None:
                    on_progress(stage)
            record.told.clear()
            record.told.wait(2.0)
            if cancelled is not None and cancelled.is_set():
                terminal.cancel(record)
            if not terminal.is_there():
                pause(4.0)
                return Unknown(key, "the line went away")
            if loop.time() > deadline:
                return Unknown(key, "the time for the sale is up")
        if chance.random() < terminal.silent:
            pause(6.0)
            return Unknown(key, "the terminal has fallen silent")
        point()
        told = _told(record, terminal)
        return Unknown(key, "given back meanwhile") if isinstance(told, Reversed) else told

    def ask(self, key: str, fen: int | None = None) -> AskResult:
        terminal = self._terminal
        pause(0.05)
        if not terminal.plugged or terminal.chance.random() < terminal.silent / 2:
            pause(1.0)
            return Unknown(key, "no answer")
        record = terminal.records.get(key)
        if record is None:
            terminal.records[key] = Record(key, fen or 0, "closed")
            return NotFound(key)
        if record.state == "closed":
            return NotFound(key)
        return _told(record, terminal)

    def reverse(self, key: str) -> ReverseResult:
        terminal = self._terminal
        pause(0.05)
        if not terminal.plugged:
            return Unknown(key, "no answer")
        record = terminal.records.get(key)
        if record is None or record.state in ("closed", "refused"):
            return NotFound(key)
        if record.state == "pending":
            return Unknown(key, "it still goes on")
        if record.state == "approved":
            terminal.give_back(record)
            if terminal.chance.random() < terminal.silent:
                return Unknown(key, "no answer")
        return Reversed(key, record.at)

    def journal(self, day: date) -> list[JournalEntry]:
        pause(0.1)
        if not self._terminal.plugged:
            raise NotConnected("unplugged")
        return [entry for entry in self._terminal.journal if entry.at.date() == day]


def _told(record: Record, terminal: Terminal) -> Approved | Refused | Reversed | Unknown:
    match record.state:
        case "approved":
            return Approved(
                record.key, record.fen, terminal.name, record.trace, record.reference, "6222****1234", record.at
            )
        case "refused":
            return Refused(record.key, record.reason)
        case "reversed":
            return Reversed(record.key, record.at)
    return Unknown(record.key, "it still goes on")
