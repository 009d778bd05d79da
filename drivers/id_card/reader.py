"""Read a card: find, select, read, over one line to a SAM_A module.

A module goes wrong in ways that look like success: it answers late, so that the answer to one question arrives as the
answer to the next one; it hears noise; it keeps finding a card that has been read, or does not find it any more until
it is lifted. Nobody may be taken for the person before them, so an answer counts only when nothing older can be on its
way, and a card counts as new only after the reader has been seen empty.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from threading import Event

from drivers.contract import BadAnswer, DeviceError, DeviceState, DeviceStatus, MediaState, NotConnected, TimedOut
from drivers.id_card.codec import Command, Decoder, Frame, Status, answers_read, encode, format_sam_id, text_of
from drivers.id_card.layouts import CardText, decode_text
from drivers.transport import Transport, open_transport

#: 115200 as delivered; the others because a module keeps what some other program once set.
BAUD_RATES = (115200, 57600, 38400, 19200, 9600)

TRIES = 3


@dataclass(frozen=True)
class Waits:
    """Seconds. Tests shorten them."""

    answer: float = 1.0
    read: float = 3.0
    """For the text and the photograph: the module talks to the chip meanwhile."""
    poll: float = 0.25
    """How often an empty reader is looked at: soon enough that nobody waits, seldom enough that it stays cool."""
    probe: float = 0.25
    """A module at another speed says nothing or nonsense; one at this speed answers within 25 ms, even at 9600."""
    silence: float = 0.25
    """Bytes of one reply follow each other; a silence within it means that the rest is lost."""


class FailReason(StrEnum):
    TAKEN_AWAY = "taken_away"
    NOT_AN_ID_CARD = "not_an_id_card"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class CardRead:
    text: CardText
    elapsed_ms: float
    """From the moment the answer "found" had arrived until the text was decoded: select, read and whatever had to be
    asked again. The search itself is not in it, since it takes as long as a person takes to lay down the card."""


@dataclass(frozen=True)
class NoCard:
    """No card came in time, or nobody wants one any more."""


@dataclass(frozen=True)
class CardFailed:
    reason: FailReason


class IdCardReader:
    """One module on one line. Every method raises DeviceError when the module or the line does not work; close it then
    and open it anew. Not for several threads at once."""

    def __init__(self, transport: Transport, waits: Waits | None = None) -> None:
        self._transport = transport
        self._waits = waits or Waits()
        self._decoder = Decoder()
        self._connected = False
        self._in_step = True
        self._must_be_lifted = False

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> IdCardReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def connect(self) -> None:
        """Make sure that the module answers, and find its speed. One search at the usual speed; done by the first
        question, and worth doing every few seconds while no card is wanted: a card exchanged meanwhile is new."""
        own = self._transport.baudrate
        others = () if own is None else tuple(rate for rate in BAUD_RATES if rate != own)
        heard, wait = False, self._waits.answer
        # Its own speed once more at the end: the first answer may have been garbled.
        for baudrate in (own, *others, own):
            if baudrate is not None and baudrate != self._transport.baudrate:
                self._transport.set_baudrate(baudrate)
            try:
                answer = self._exchange(Command.FIND, wait)
                if answer.sw in _REQUEST_SPOILT:
                    # Half a question of somebody who died over it stood before ours.
                    answer = self._exchange(Command.FIND, wait)
            except BadAnswer:
                heard = True
            except TimedOut:
                pass
            else:
                self._connected = True
                self._is_found(answer)
                return
            wait = self._waits.probe
        if heard:
            raise BadAnswer("no card reader: it answers in a way that no SAM_A module does at any speed")
        raise TimedOut("the card reader does not answer at any speed")

    def status(self) -> DeviceStatus:
        """State, card and the module's number, for the technician."""
        answer = self._ask(Command.SAM_ID)
        module = f"SAM {format_sam_id(answer.data)}" if answer.sw == Status.OK else "a module without a number"
        media = MediaState.PRESENT if self.find() else MediaState.NOT_PRESENT
        return DeviceStatus(DeviceState.ONLINE, media=media, detail=module)

    def find(self) -> bool:
        """Whether the module finds a card now. Some find a card that was read only after it has been lifted."""
        return self._is_found(self._ask(Command.FIND))

    def _is_found(self, answer: Frame) -> bool:
        if answer.sw not in (Status.FOUND, Status.NOT_FOUND):
            raise DeviceError(f"the reader says {answer.meaning}")
        if answer.sw == Status.NOT_FOUND:
            self._must_be_lifted = False
        return answer.sw == Status.FOUND

    def watch(
        self, stop: Event, timeout: float | None = None, on_found: Callable[[], None] | None = None
    ) -> CardRead | CardFailed | NoCard:
        """Wait for a card and read it. ``on_found`` is called as soon as one lies there, before it is read.

        NoCard after ``timeout`` seconds (None: never), or as soon as ``stop`` is set. A card that lies there since its
        last reading, good or failed, is not read again: it has to be lifted first.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not stop.is_set():
            if self.find() and not self._must_be_lifted:
                found_at = time.monotonic()
                if on_found is not None:
                    on_found()
                result = self.read_found_card(found_at)
                self._must_be_lifted = result != CardFailed(FailReason.TAKEN_AWAY)
                return result
            pause = self._waits.poll if deadline is None else min(self._waits.poll, deadline - time.monotonic())
            if pause <= 0:
                break
            stop.wait(pause)
        return NoCard()

    def read_found_card(self, found_at: float) -> CardRead | CardFailed:
        """Read the card that ``find`` has just found. ``found_at``: when, by the monotonic clock."""
        reason = FailReason.UNREADABLE
        for _ in range(TRIES):
            try:
                card = self._select_and_read()
            except BadAnswer:
                return CardFailed(FailReason.UNREADABLE)
            if isinstance(card, CardText):
                return CardRead(card, (time.monotonic() - found_at) * 1000)
            reason = card
            # A card on its way up fails in the same words as a bad one: only the next search tells them apart.
            if not self.find():
                return CardFailed(FailReason.TAKEN_AWAY)
        return CardFailed(reason)

    def _select_and_read(self) -> CardText | FailReason:
        """Raises BadAnswer when what came does not become readable by asking again."""
        answer = self._ask(Command.SELECT)
        if answer.sw == Status.OK:
            try:
                answer = self._ask(Command.READ, self._waits.read)
            except TimedOut:
                # Lost over a bad card, or dead? The search that follows tells.
                return FailReason.UNREADABLE
        if answer.sw == Status.OK:
            return decode_text(text_of(answer.data))
        if answer.sw in _MODULE_TROUBLE:
            raise DeviceError(f"the reader says {answer.meaning}")
        return FailReason.NOT_AN_ID_CARD if answer.sw in _FOREIGN_CARD else FailReason.UNREADABLE

    def _ask(self, command: Command, timeout: float | None = None) -> Frame:
        """Put a question, again if the answer is garbled.

        Raises BadAnswer where asking again does not help, TimedOut, and DeviceError when the module cannot be brought
        into step.
        """
        if not self._connected:
            self.connect()
        trouble: DeviceError = BadAnswer("not asked")
        for _ in range(TRIES):
            try:
                self._fall_into_step()
            except BadAnswer as error:
                # Not the card's fault, so not a BadAnswer of its own.
                trouble = DeviceError(f"the reader answers out of step: {error}")
                continue
            try:
                answer = self._exchange(command, self._waits.answer if timeout is None else timeout)
            except BadAnswer as error:
                trouble = error
                continue
            if answer.sw not in _REQUEST_SPOILT:
                return answer
            trouble = BadAnswer(f"the reader says {answer.meaning}")
        raise trouble

    def _fall_into_step(self) -> None:
        """After a lost or garbled answer older ones may still come. The module answers in order, so once it has
        answered questions of another kind, nothing from before is left. Two of them, because the answer to one might
        be that to the last attempt at this. Raises BadAnswer."""
        if self._in_step:
            return
        # Silence is as good as an answer: what has not come by then comes no more.
        with suppress(TimedOut):
            self._exchange(Command.STATUS, self._waits.answer)
            self._exchange(Command.SAM_ID, self._waits.answer)
        self._in_step = True

    def _exchange(self, command: Command, timeout: float) -> Frame:
        """One question and its answer; frames that cannot answer it are passed over, they belong to an older one.

        Raises BadAnswer when only noise or a broken frame came, TimedOut when nothing did.
        """
        in_step, self._in_step = self._in_step, False
        self._decoder.reset()
        self._transport.discard_input()
        self._transport.write(encode(command), timeout)
        deadline = time.monotonic() + timeout
        heard = False
        while (left := deadline - time.monotonic()) > 0:
            try:
                data = self._transport.read_some(min(left, self._waits.silence) if self._decoder.in_frame else left)
            except TimedOut:
                break
            heard = True
            for piece in self._decoder.feed(data):
                if not isinstance(piece, Frame):
                    raise BadAnswer(f"an answer to {command.name} with a wrong {piece.reason}")
                if _answers(command, piece):
                    self._in_step = in_step
                    return piece
        if heard:
            raise BadAnswer(f"no answer to {command.name} in what the reader said")
        raise TimedOut(f"no answer to {command.name}")


def open_reader(url: str, waits: Waits | None = None) -> IdCardReader:
    """The reader at a device path or ``socket://host:port``. Raises NotConnected; BadUrl for a URL that is none."""
    return IdCardReader(open_transport(url, BAUD_RATES[0]), waits)


def look_at_reader(url: str) -> DeviceStatus:
    """One look at a reader that nobody else has open; never raises."""
    try:
        with open_reader(url) as reader:
            return reader.status()
    except NotConnected as error:
        return DeviceStatus(DeviceState.NO_DEVICE, media=MediaState.UNKNOWN, detail=str(error))
    except DeviceError as error:
        return DeviceStatus(DeviceState.HARDWARE_ERROR, media=MediaState.UNKNOWN, detail=str(error))


_MODULE_TROUBLE = frozenset(
    (Status.BAD_COMMAND, Status.NOT_PERMITTED, Status.SELF_TEST_FAILED, Status.SAM_UNAUTHORISED)
)
_REQUEST_SPOILT = frozenset((Status.CHECKSUM, Status.LENGTH))
_FOREIGN_CARD = frozenset((Status.NOT_SELECTED, Status.UNKNOWN_CARD))


def _answers(command: Command, frame: Frame) -> bool:
    """Whether the frame can be this command's answer, by what only its answers look like."""
    match frame.sw:
        case Status.FOUND:
            return command is Command.FIND and len(frame.data) == 4
        case Status.NOT_FOUND:
            return command is Command.FIND
        case Status.NOT_SELECTED:
            return command is Command.SELECT
        case Status.OK:
            match command:
                case Command.STATUS:
                    return not frame.data
                case Command.SAM_ID:
                    return len(frame.data) == 16
                case Command.SELECT:
                    return len(frame.data) == 8
                case Command.READ:
                    return answers_read(frame.data)
            return False
        case Status.BAD_COMMAND:
            return not frame.data
        case _:
            return not frame.data and command is not Command.SAM_ID
