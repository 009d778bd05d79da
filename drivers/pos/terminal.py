"""Charge a card, ask what became of a charge, give it back: over one line to a payment terminal.

The line can break at any byte and the terminal can fall silent after the money has moved. So a charge is sent once;
from its first byte on only the terminal's own word about its key says how it ended, and where that word does not come
the result is Unknown, to be asked for later. Asking and reversing may be repeated: the terminal does them once for a
key.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from threading import Event, Lock
from typing import Literal, Protocol

from drivers.contract import (
    BadAnswer,
    Completion,
    DeviceError,
    DeviceState,
    DeviceStatus,
    MediaState,
    NotConnected,
    TimedOut,
)
from drivers.pos.codec import ANSWERS, HANDSHAKE, HEARTBEAT, Decoder, Frame, Garbled, Kind, encode
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
from drivers.pos.messages import (
    CURRENCY,
    About,
    Answer,
    Cancelled,
    DayTotals,
    Entry,
    JournalPage,
    OfDay,
    Outcome,
    PageOfDay,
    Sale,
    TerminalState,
    WaitsFor,
    answer_in,
    question,
    read,
)
from drivers.transport import open_transport

BAUD_RATE = 115200

#: A question that only looks, or that the terminal does once for a key, is put so often.
TRIES = 3
#: How soon a touch on *cancel* is noticed while the line is silent.
_SLICE_S = 0.1


class Port(Protocol):
    """What this file needs of a transport (``drivers.transport.Transport``).

    ``write`` of one byte raises only if that byte was not taken.
    """

    def write(self, data: bytes, timeout: float) -> None: ...
    def read_some(self, timeout: float) -> bytes: ...
    def discard_input(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Waits:
    """Seconds. Tests shorten them."""

    answer: float = 1.0
    """A terminal answers from what it holds: a full frame takes 0.09 s on the wire."""
    beat: float = 2.0
    """Between two heartbeats while a sale goes on."""
    silence: float = 6.0
    """Three beats unanswered: nobody is there any more."""
    first_sign: float = 2.0
    """For the terminal to say that it waits for the card. Without it, the sale may not have arrived whole."""
    doubt: float = 10.0
    """While the bank is asked, its answer may have been lost on the line: look so often."""
    bank: float = 45.0
    """Longer than card networks wait for each other; what is not known then comes by asking."""
    cancel: float = 3.0
    """After the time for a sale is up, for the terminal to call it off and say so."""


class PosTerminal:
    """One terminal on one line. The line is opened when it is needed and kept. One transaction at a time; a second
    thread that comes in between is told so at once, and nothing is sent for it."""

    def __init__(
        self,
        url: str,
        baudrate: int = BAUD_RATE,
        waits: Waits | None = None,
        open_port: Callable[[str, int], Port] = open_transport,
    ) -> None:
        self._url = url
        self._baudrate = baudrate
        self._waits = waits or Waits()
        self._open_port = open_port
        self._port: Port | None = None
        self._decoder = Decoder()
        # Drawn, so that an answer to a former life of ours does not fit.
        self._number = secrets.randbelow(255)
        self._in_use = Lock()
        self._unsettled: set[str] = set()
        """Keys of sales whose first byte left and whose end is not known: they are asked for, never sent again."""

    def connect(self) -> None:
        """Open the line if it is not, and make sure that a terminal is at its end. Raises DeviceError."""
        with self._alone("connect"):
            self._ready()

    def close(self) -> None:
        """May be called twice, and from another thread: a sale that waits there ends as Unknown."""
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def __enter__(self) -> PosTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- what can be asked of it -----------------------------------------------------------------------------------

    def status(self) -> DeviceStatus:
        """One look; never raises. A terminal in mid-sale is busy, which is no fault."""
        try:
            with self._alone("status"):
                self._ready()
                state = self._ask(Kind.STATE, None, TerminalState)
        except _Busy:
            return DeviceStatus(DeviceState.DEVICE_BUSY, media=MediaState.UNKNOWN, detail="in mid-transaction")
        except NotConnected as error:
            return DeviceStatus(DeviceState.NO_DEVICE, media=MediaState.UNKNOWN, detail=str(error))
        except TimedOut as error:
            return DeviceStatus(DeviceState.OFFLINE, media=MediaState.UNKNOWN, detail=str(error))
        except DeviceError as error:
            return DeviceStatus(DeviceState.HARDWARE_ERROR, media=MediaState.UNKNOWN, detail=str(error))
        return DeviceStatus(
            DeviceState.DEVICE_BUSY if state.busy else DeviceState.ONLINE,
            media=MediaState.PRESENT if state.card else MediaState.NOT_PRESENT,
            detail=f"terminal {state.terminal}",
        )

    def sale(
        self,
        key: str,
        fen: int,
        timeout_s: float,
        on_progress: Callable[[Progress], None] | None = None,
        cancelled: Event | None = None,
    ) -> SaleResult:
        """Charge ``fen`` under ``key`` (32 hex digits), once. Never raises DeviceError.

        The key belongs to this one attempt: after a refusal, another attempt has another key. ``timeout_s`` is for all
        of it, plus ``Waits.cancel``. ``cancelled`` calls it off while no card is in. A key whose sale has begun here
        before and has no known end is asked for, not sent.
        """
        number = self._next_number()
        order = encode(question(Kind.SALE, number, Sale(_key(key), _amount(fen))))
        watch = _Watch(key, fen, number, time.monotonic() + timeout_s, on_progress, cancelled or Event())
        try:
            with self._alone("sale"):
                result = self._look_after(key, fen) if key in self._unsettled else self._sell(order, watch)
        except _Busy:
            return Refused(key, RefusedBecause.NOT_SENT)
        self._note(result)
        return result

    def ask(self, key: str, fen: int | None = None) -> AskResult:
        """What became of a sale. Never raises DeviceError. ``fen``: what it should have been; any other amount is
        Unknown. NotFound also closes the key: should its sale still arrive, the terminal does not take it."""
        try:
            with self._alone("query"):
                result = _told(self._held(Kind.QUERY, key), key, fen)
        except DeviceError as error:
            return Unknown(key, str(error))
        self._note(result)
        return result

    def reverse(self, key: str) -> ReverseResult:
        """Give a sale back, once however often it is asked. Never raises DeviceError.

        NotFound: nothing is charged under this key, and nothing will be. Refused: it stays charged.
        """
        try:
            with self._alone("reverse"):
                result = _given_back(self._held(Kind.REVERSE, key), key)
        except DeviceError as error:
            return Unknown(key, str(error))
        self._note(result)
        return result

    def totals(self, day: date) -> DayTotals:
        """How many charges and reversals the terminal counts for one day of its own calendar. Raises DeviceError."""
        with self._alone("totals"):
            self._ready()
            return self._totals(day)

    def journal(self, day: date) -> list[JournalEntry]:
        """Every charge and reversal of one day of the terminal's calendar, whole or not at all. Raises DeviceError.

        Entries are counted against the totals, because the day may grow between two pages.
        """
        with self._alone("journal"):
            self._ready()
            for _ in range(TRIES):
                entries = self._pages(day)
                if _count(day, entries) == self._totals(day):
                    return entries
        raise BadAnswer(f"the terminal's entries of {day} do not add up to its totals")

    # ---- a sale ----------------------------------------------------------------------------------------------------

    def _sell(self, order: bytes, watch: _Watch) -> SaleResult:
        try:
            self._ready()
            if watch.cancelled.is_set():
                return Refused(watch.key, RefusedBecause.CANCELLED)
            # The first byte goes alone: if it is not taken, nothing has left.
            self._write(order[:1])
        except DeviceError:
            self._give_up_line()
            return Refused(watch.key, RefusedBecause.NOT_SENT)
        self._unsettled.add(watch.key)
        try:
            self._write(order[1:])
            return self._follow(watch)
        except DeviceError as error:
            self._give_up_line()
            return Unknown(watch.key, str(error))

    def _follow(self, watch: _Watch) -> SaleResult:
        """From the last byte of the order to the terminal's word. Raises DeviceError when the line goes away."""
        waits = self._waits
        now = heard_at = time.monotonic()
        next_beat = now + waits.beat
        while True:
            if now >= heard_at + waits.silence:
                return Unknown(watch.key, "the terminal has fallen silent")
            if now >= watch.deadline + waits.cancel:
                return Unknown(watch.key, "the time for the sale is up")
            if now >= watch.bank_until:
                return Unknown(watch.key, "the bank's answer did not come")
            if now >= next_beat:
                self._write(HEARTBEAT)
                next_beat = now + waits.beat
            self._call_off(watch, now)
            self._look(watch, now)
            pieces = self._listen(max(0.0, min(_SLICE_S, watch.next_look - now)))
            now = time.monotonic()
            for piece in pieces:
                if isinstance(piece, Frame):
                    heard_at = now
                try:
                    result = self._hear(piece, watch, now)
                except BadAnswer:
                    # It may have been the word that is waited for.
                    watch.next_look = min(watch.next_look, now)
                    continue
                if result is not None:
                    return result

    def _call_off(self, watch: _Watch, now: float) -> None:
        """Where nobody wants the sale any more, or nobody came; again until the terminal says whether it does so."""
        if watch.cancel_answered or now < watch.next_cancel:
            return
        if watch.cancelled.is_set() or now >= watch.deadline:
            watch.nobody_came = not watch.cancelled.is_set()
            watch.next_cancel = now + self._waits.answer
            self._put(Kind.CANCEL, About(watch.key))

    def _look(self, watch: _Watch, now: float) -> None:
        """Ask in between, where the sale itself or its answer may have been lost on the line. If it was the sale, the
        question closes its key."""
        watch.next_look = watch.next_look or now + self._waits.first_sign
        if now >= watch.next_look:
            watch.next_look = now + (self._waits.first_sign if watch.stage is None else self._waits.doubt)
            watch.looking = self._put(Kind.QUERY, About(watch.key))

    def _hear(self, piece: Frame | Garbled, watch: _Watch, now: float) -> SaleResult | None:
        """What a word from the terminal says of this sale; None while it goes on. Words about anything else are passed
        over. Raises BadAnswer."""
        match piece:
            case Garbled(reason):
                raise BadAnswer(f"a wrong {reason}")
            case Frame(Kind.PROGRESS, _, watch.number):
                step = read(piece, WaitsFor)
                if step.key == watch.key:
                    self._show(step.waits_for, watch, now)
            case Frame(Kind.CANCEL, ack) if ack == ANSWERS:
                watch.cancel_answered = watch.cancel_answered or read(piece, Cancelled).key == watch.key
            case Frame(Kind.SALE, ack, watch.number) | Frame(Kind.QUERY, ack, watch.looking) if ack == ANSWERS:
                held = read(piece, Outcome)
                if held.key == watch.key:
                    return _ended(held, watch)
        return None

    def _show(self, stage: Progress, watch: _Watch, now: float) -> None:
        at_bank = stage is Progress.ASKING_BANK
        watch.next_look = now + self._waits.doubt if at_bank else math.inf
        if stage is watch.stage:
            return
        watch.stage = stage
        watch.bank_until = now + self._waits.bank if at_bank else math.inf
        if watch.on_progress is not None:
            watch.on_progress(stage)

    def _look_after(self, key: str, fen: int) -> SaleResult:
        """A sale that has begun here before: never again, but what became of it."""
        try:
            return _settled(self._held(Kind.QUERY, key), key, fen) or Unknown(key, "it still goes on")
        except DeviceError as error:
            return Unknown(key, str(error))

    def _note(self, result: AskResult | ReverseResult) -> None:
        if not isinstance(result, Unknown):
            self._unsettled.discard(result.key)

    # ---- questions -------------------------------------------------------------------------------------------------

    def _held(self, kind: Literal[Kind.QUERY, Kind.REVERSE], key: str) -> Outcome:
        self._ready()
        return self._ask(kind, About(_key(key)), Outcome, lambda answer: answer.key == key)

    def _totals(self, day: date) -> DayTotals:
        return self._ask(Kind.TOTALS, OfDay(day), DayTotals, lambda answer: answer.day == day)

    def _pages(self, day: date) -> list[JournalEntry]:
        entries: list[Entry] = []
        number = pages = 1
        while number <= pages:
            page = self._ask(Kind.JOURNAL, PageOfDay(day, number), JournalPage, _is_page(day, number))
            entries += page.entries
            number, pages = number + 1, page.pages
        return [
            JournalEntry(entry.key, entry.kind, entry.fen, entry.trace, entry.reference, entry.card, entry.at)
            for entry in entries
        ]

    def _ask(
        self,
        kind: Kind,
        about: About | OfDay | PageOfDay | None,
        wanted: type[Answer],
        is_it: Callable[[Answer], bool] = lambda _: True,
    ) -> Answer:
        """Put a question until it is answered, and pass over every other word. Raises DeviceError."""
        trouble: DeviceError = TimedOut(f"{self._url}: no answer to {kind.name}")
        for _ in range(TRIES):
            number = self._put(kind, about)
            deadline = time.monotonic() + self._waits.answer
            while (left := deadline - time.monotonic()) > 0:
                for piece in self._listen(left):
                    if isinstance(piece, Garbled):
                        trouble = BadAnswer(f"{self._url}: an answer with a wrong {piece.reason}")
                        continue
                    try:
                        answer = answer_in(piece, kind, number, wanted)
                    except BadAnswer as error:
                        trouble = error
                        continue
                    if answer is not None and is_it(answer):
                        return answer
        raise trouble

    def _put(self, kind: Kind, about: About | OfDay | PageOfDay | None) -> int:
        number = self._next_number()
        self._write(encode(question(kind, number, about)))
        return number

    def _next_number(self) -> int:
        self._number = self._number % 255 + 1
        return self._number

    # ---- the line --------------------------------------------------------------------------------------------------

    @contextmanager
    def _alone(self, what: str) -> Iterator[None]:
        if not self._in_use.acquire(blocking=False):
            raise _Busy(f"no {what} in mid-transaction")
        try:
            yield
        except NotConnected:
            self._give_up_line()
            raise
        finally:
            self._in_use.release()

    def _ready(self) -> None:
        """A line that turns out dead is opened anew once: a terminal that was unplugged is a new line. The handshake
        before every question also tells a terminal that has restarted that somebody is there."""
        fresh = self._port is None
        try:
            self._shake_hands()
            return
        except NotConnected:
            self._give_up_line()
            if fresh:
                raise
        except DeviceError:
            self._give_up_line()
            raise
        try:
            self._shake_hands()
        except DeviceError:
            self._give_up_line()
            raise

    def _shake_hands(self) -> None:
        if self._port is None:
            self._port = self._open_port(self._url, self._baudrate)
        self._port.discard_input()
        self._decoder.reset()
        # Twice: the first bytes on a port that was just opened may be lost.
        for _ in range(2):
            self._write(HANDSHAKE)
            deadline = time.monotonic() + self._waits.answer
            while (left := deadline - time.monotonic()) > 0:
                if any(isinstance(piece, Frame) and piece.kind == Kind.CONFIRM for piece in self._listen(left)):
                    return
        raise TimedOut(f"{self._url}: no terminal answers")

    def _write(self, data: bytes) -> None:
        if self._port is None:
            raise NotConnected(f"{self._url}: closed")
        self._port.write(data, self._waits.answer)

    def _listen(self, timeout: float) -> list[Frame | Garbled]:
        if self._port is None:
            raise NotConnected(f"{self._url}: closed")
        try:
            return self._decoder.feed(self._port.read_some(timeout))
        except TimedOut:
            return []

    def _give_up_line(self) -> None:
        try:
            self.close()
        except DeviceError:
            self._port = None


def look_at_terminal(url: str) -> DeviceStatus:
    """One look at a terminal that nobody else has open; never raises."""
    with PosTerminal(url) as terminal:
        return terminal.status()


class _Busy(DeviceError):
    """Another thread is in mid-transaction."""

    completion = Completion.SEQUENCE_ERROR


@dataclass
class _Watch:
    """One sale on its way. Times are those of the monotonic clock."""

    key: str
    fen: int
    number: int
    deadline: float
    on_progress: Callable[[Progress], None] | None
    cancelled: Event
    stage: Progress | None = None
    bank_until: float = math.inf
    looking: int | None = None
    """The number of the last query in between."""
    next_look: float = 0.0
    next_cancel: float = 0.0
    cancel_answered: bool = False
    nobody_came: bool = False
    """It is called off because its time is up, and not because somebody did not want it."""


def _key(key: str) -> str:
    if len(key) != 32 or not set(key) <= set("0123456789abcdef"):
        raise ValueError("a key is 32 hexadecimal digits")
    return key


def _amount(fen: int) -> int:
    if fen <= 0:
        raise ValueError(f"{fen} fen cannot be charged")
    return fen


def _ended(held: Outcome, watch: _Watch) -> SaleResult | None:
    result = _settled(held, watch.key, watch.fen)
    if watch.nobody_came and result == Refused(watch.key, RefusedBecause.CANCELLED):
        return Refused(watch.key, RefusedBecause.NO_CARD)
    return result


def _settled(held: Outcome, key: str, fen: int) -> SaleResult | None:
    """As the end of a sale; None while it goes on. Raises BadAnswer."""
    if held.outcome == "not_taken":
        return Refused(key, RefusedBecause.NOT_SENT)
    if held.outcome == "pending":
        return None
    match _told(held, key, fen):
        case Reversed():
            return Refused(key, RefusedBecause.CANCELLED)
        case NotFound():
            return Refused(key, RefusedBecause.NOT_SENT)
        case result:
            return result


def _told(held: Outcome, key: str, fen: int | None) -> AskResult:
    """Raises BadAnswer where an approval lacks what makes it one."""
    match held:
        case Outcome(outcome="approved", fen=taken, at=at):
            if taken is None or at is None or not held.trace:
                raise BadAnswer("an approval without amount, time or trace number")
            if held.currency != CURRENCY or (fen is not None and taken != fen):
                return Unknown(key, "the terminal speaks of another amount")
            return Approved(key, taken, held.terminal, held.trace, held.reference, held.card, at)
        case Outcome(outcome="reversed", at=at):
            if at is None:
                raise BadAnswer("a reversal without its time")
            return Reversed(key, at)
        case Outcome(outcome="refused"):
            return Refused(key, _REASONS.get(held.reason, RefusedBecause.DECLINED))
        case Outcome(outcome="not_found"):
            return NotFound(key)
    return Unknown(key, _OTHER_WORDS.get(held.outcome, "the terminal uses a word that nobody has described"))


def _given_back(held: Outcome, key: str) -> ReverseResult:
    """Raises BadAnswer."""
    match _told(held, key, None):
        case Refused():
            return Refused(key, RefusedBecause.DECLINED)
        case Approved():
            return Unknown(key, "the terminal answers a reversal with an approval")
        case result:
            return result


_REASONS = {reason.value: reason for reason in RefusedBecause} | {"closed": RefusedBecause.NOT_SENT}
_OTHER_WORDS = {"pending": "it still goes on", "other_amount": "the key stands for another amount"}


def _is_page(day: date, number: int) -> Callable[[JournalPage], bool]:
    return lambda page: (page.day, page.page) == (day, number)


def _count(day: date, entries: list[JournalEntry]) -> DayTotals:
    sales = [entry.fen for entry in entries if entry.kind == "sale"]
    reversals = [entry.fen for entry in entries if entry.kind == "reversal"]
    return DayTotals(day, len(sales), sum(sales), len(reversals), sum(reversals))
