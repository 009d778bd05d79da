"""What a reader of ID cards has to do right."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from drivers.bench.line import PtyEnd
from drivers.bench.reader import SimulatedReader
from drivers.conformance import matrix
from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, NotPossible, Subject, expect
from drivers.conformance.hand import BenchHand, Hand
from drivers.conformance.matrix import Exchange
from drivers.conformance.wire import HARMLESS, Fault, Kind, SpoiltWire
from drivers.contract import DeviceError, DeviceState, MediaState, NotConnected, TimedOut
from drivers.id_card.codec import Command, Decoder, Frame, encode
from drivers.id_card.reader import (
    BAUD_RATES,
    CardFailed,
    CardRead,
    FailReason,
    IdCardReader,
    NoCard,
    Waits,
    look_at_reader,
    open_reader,
)

_BRIEF = Waits(answer=0.15, read=0.25, poll=0.02, probe=0.06, silence=0.05)
#: A person lays a card within this.
_PATIENCE_S = 30.0
#: The numbers of the samples on the bench.
_LIN, _CHEN = "350602199001010013", "830000199201010025"


class ReaderSubject(Subject):
    """``url``: the reader, opened when a case first asks for it."""

    limit_s = 4.0
    late_s = 0.35

    def __init__(self, url: str, hand: Hand, waits: Waits | None = None, thorough: bool = False) -> None:
        self.url = url
        self.hand = hand
        self.waits = waits or Waits()
        self.thorough = thorough
        self.patience_s = _PATIENCE_S if hand.slow else 3.0
        self._reader: IdCardReader | None = None

    @property
    def reader(self) -> IdCardReader:
        if self._reader is None:
            self._reader = open_reader(self.url, self.waits)
        return self._reader

    def reopen(self) -> None:
        """As the kiosk does after any trouble."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def recover(self) -> None:
        self.reopen()

    def rest(self) -> None:
        self.reopen()

    def watch(self, timeout: float | None = None) -> CardRead | CardFailed | NoCard:
        return self.reader.watch(threading.Event(), self.patience_s if timeout is None else timeout)

    def close(self) -> None:
        self.reopen()


class BenchReader(ReaderSubject):
    def __init__(self, thorough: bool = False, patience: float = 1.0) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.wire = SpoiltWire(SimulatedReader(), PtyEnd(Path(self._folder.name) / "id-card"))
        super().__init__(self.wire.address, BenchHand(self.wire.do), matrix.patient(_BRIEF, patience), thorough)
        self.late_s, self.limit_s = self.late_s * patience, self.limit_s * patience

    def close(self) -> None:
        super().close()
        self.wire.stop()
        self._folder.cleanup()


# ---- every exchange under every fault --------------------------------------------------------------------------------


def _searches(subject: BenchReader, there: bool) -> bool:
    try:
        found = subject.reader.find()
    except DeviceError:
        subject.reopen()
        return False
    expect(found is there, "it finds a card where none lies" if found else "it does not find the card")
    return True


def _says_its_number(subject: BenchReader) -> bool:
    try:
        status = subject.reader.status()
    except DeviceError:
        subject.reopen()
        return False
    expect(status.detail == "SAM 05.01-20160718-0012345678-0000000042", f"it gives itself out as {status.detail!r}")
    return True


def _reads(subject: BenchReader) -> bool:
    """One person's card, and never another's."""
    try:
        result = subject.watch(0.5)
    except DeviceError:
        subject.reopen()
        return False
    match result:
        case CardRead(text):
            expect(text.number == _LIN, "it reads somebody who is not there")
            return True
        case CardFailed(FailReason.NOT_AN_ID_CARD):
            raise NotConforming("it takes an ID card for another kind of card")
    return False


def _lies(subject: BenchReader) -> None:
    subject.wire.do("lay", "resident")


def _laid_anew(subject: BenchReader, what: str = "resident") -> None:
    """The reader is seen empty first, or the card would be the one that was read before."""
    subject.wire.do("lift")
    subject.reader.find()
    subject.wire.do("lay", what)


def _exchanged(subject: BenchReader) -> None:
    """Somebody else's card has just been read and lifted: what is on its way of it must not count."""
    _laid_anew(subject, "hmt_permit")
    subject.watch(0.3)
    _laid_anew(subject)


#: A module is asked again where its answer shows that it is spoilt; where none comes at all, that is said.
_ONE_SPOILT = HARMLESS | {Kind.DROPPED, Kind.INSERTED, Kind.GARBLED}

_EXCHANGES: list[Exchange[BenchReader]] = [
    Exchange("search-empty", "An empty reader finds no card", lambda s: _searches(s, False), must=_ONE_SPOILT),
    Exchange("search", "A card that lies there is found", lambda s: _searches(s, True), _lies, _ONE_SPOILT),
    Exchange("number", "The module says its own number", _says_its_number, must=_ONE_SPOILT),
    Exchange("card", "A card is read", _reads, _laid_anew, _ONE_SPOILT),
]
_NEXT_PERSON: Exchange[BenchReader] = Exchange(
    "next-person", "The card after somebody else's is read, and it is this person's", _reads, _exchanged
)

# ---- with nobody's help ----------------------------------------------------------------------------------------------


def _answers(subject: ReaderSubject) -> None:
    subject.reader.connect()


def _status(subject: ReaderSubject) -> None:
    status = subject.reader.status()
    expect(status.device is DeviceState.ONLINE, f"it is {status.device}")
    expect(status.media in (MediaState.PRESENT, MediaState.NOT_PRESENT), f"its card is {status.media}")
    expect(status.paper is None, "it claims to have paper")


def _steady(subject: ReaderSubject) -> None:
    first = subject.reader.status().detail
    for _ in range(20):
        subject.tried += 1
        expect(subject.reader.status().detail == first, "its number changes")


def _for_us_alone(subject: ReaderSubject) -> None:
    if "://" in subject.url:
        raise NotPossible("a network line is not locked")
    subject.reader.connect()
    try:
        open_reader(subject.url).close()
    except NotConnected:
        return
    raise NotConforming("two programs can open it at once, and each would get half of every answer")


def _opens_again(subject: ReaderSubject) -> None:
    for _ in range(5):
        subject.tried += 1
        subject.reader.connect()
        subject.reopen()


def _interrupted(subject: ReaderSubject) -> None:
    subject.hand.do("lift")
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    began = time.monotonic()
    result = subject.reader.watch(stop)
    expect(result == NoCard(), "it sees a card where none lies")
    expect(time.monotonic() - began < 0.3 + 1.5, "it does not let go when nobody wants a card any more")


def _quick(subject: ReaderSubject) -> None:
    subject.reader.connect()
    waits = []
    for _ in range(20):
        began = time.monotonic()
        subject.reader.find()
        waits.append(time.monotonic() - began)
    subject.tried = len(waits)
    expect(sorted(waits)[10] < 0.25, f"a search takes {sorted(waits)[10] * 1000:.0f} ms")


# ---- with a hand -----------------------------------------------------------------------------------------------------


def _no_card(subject: ReaderSubject) -> None:
    subject.hand.do("lift")
    expect(subject.watch(0.5) == NoCard(), "it sees a card where none lies")


def _a_person(subject: ReaderSubject) -> CardRead:
    result = subject.watch()
    if isinstance(result, CardRead):
        return result
    raise NotConforming("no card is seen" if isinstance(result, NoCard) else f"the card is {result.reason}")


def _reads_a_card(subject: ReaderSubject) -> None:
    subject.hand.do("lay", "resident")
    text = _a_person(subject).text
    expect(bool(text.name and text.number), "it reads a card without name or number")
    expect(text.birth < date(2100, 1, 1), "it reads a birthday to come")


def _reads_once(subject: ReaderSubject) -> None:
    subject.hand.do("lift")
    expect(subject.watch(0.4) == NoCard(), "it sees a card where none lies")
    subject.hand.do("lay", "resident")
    first = _a_person(subject)
    expect(subject.watch(1.0) == NoCard(), "a card that stays is read twice")
    subject.hand.do("lift")
    expect(subject.watch(0.6) == NoCard(), "a card that was lifted is still read")
    subject.hand.do("lay", "resident")
    expect(_a_person(subject).text == first.text, "the same card reads differently")


def _fast(subject: ReaderSubject) -> None:
    subject.hand.do("lift")
    expect(subject.watch(0.4) == NoCard(), "it sees a card where none lies")
    subject.hand.do("lay", "resident")
    took = _a_person(subject).elapsed_ms
    expect(took < 1500, f"a card takes {took:.0f} ms")


def _other_card(subject: ReaderSubject) -> None:
    subject.hand.do("lift")
    expect(subject.watch(0.4) == NoCard(), "it sees a card where none lies")
    subject.hand.do("lay", "bank_card")
    # Many readers do not see a card of another kind at all.
    result = subject.watch(None if not subject.hand.slow else 3.0)
    expect(isinstance(result, CardFailed | NoCard), "it reads a person from a card that is no ID card")


def _cable(subject: ReaderSubject) -> None:
    subject.reader.connect()
    subject.hand.do("unplug")
    began = time.monotonic()
    try:
        for _ in range(3):
            subject.reader.find()
    except DeviceError:
        expect(time.monotonic() - began < 3.0, "a cable that was pulled is noticed late")
    else:
        raise NotConforming("a cable that was pulled is not noticed")
    subject.reopen()
    expect(look_at_reader(subject.url).device is DeviceState.NO_DEVICE, "without its cable it is not noDevice")
    subject.hand.do("replug")
    give_up = time.monotonic() + 10.0
    while look_at_reader(subject.url).device is not DeviceState.ONLINE:
        expect(time.monotonic() < give_up, "it does not come back with its cable")
        time.sleep(0.1)
    subject.reader.connect()


# ---- on the bench only -----------------------------------------------------------------------------------------------


def _sample(name: str, number: str) -> Callable[[BenchReader], None]:
    def run(subject: BenchReader) -> None:
        subject.wire.do("lay", name)
        expect(_a_person(subject).text.number == number, "it reads another number than the card's")

    return run


def _fails(name: object, reason: FailReason) -> Callable[[BenchReader], None]:
    def run(subject: BenchReader) -> None:
        subject.wire.do("lay", name)
        expect(subject.watch() == CardFailed(reason), f"the card is not {reason}")
        expect(subject.watch(0.1) == NoCard(), "the card is tried again and again")

    return run


def _lifted_at(moment: str) -> Callable[[BenchReader], None]:
    def run(subject: BenchReader) -> None:
        _lies(subject)
        subject.wire.do("lift", moment)
        expect(subject.watch() == CardFailed(FailReason.TAKEN_AWAY), "a card that was lifted is called something else")
        _lies(subject)
        expect(_a_person(subject).text.number == _LIN, "it does not read the card that came back")

    return run


def _at_speed(baudrate: int) -> Callable[[BenchReader], None]:
    def run(subject: BenchReader) -> None:
        subject.wire.do("speed", baudrate)
        subject.waits = Waits(answer=0.3, read=2.0, poll=0.02, probe=0.15, silence=0.1)
        _lies(subject)
        expect(_a_person(subject).text.number == _LIN, "it does not read")

    return run


def _never_answers(subject: BenchReader) -> None:
    subject.reader.connect()
    subject.wire.do("hang")
    began = time.monotonic()
    try:
        subject.reader.find()
    except TimedOut:
        expect(time.monotonic() - began < subject.limit_s, "a reader that hangs is waited for too long")
    else:
        raise NotConforming("a reader that says nothing has found something")
    subject.reopen()
    expect(look_at_reader(subject.url).device is DeviceState.HARDWARE_ERROR, "a silent reader is not an error")
    subject.wire.heal()
    _lies(subject)
    expect(_a_person(subject).text.number == _LIN, "it does not read when it is back")


def _takes_nothing(subject: BenchReader) -> None:
    subject.reader.connect()
    subject.wire.do("stall")
    began = time.monotonic()
    try:
        for _ in range(3):
            subject.reader.find()
    except DeviceError:
        pass
    else:
        raise NotConforming("a reader that takes nothing has answered")
    expect(time.monotonic() - began < subject.limit_s, "a reader that takes nothing is waited for too long")


def _previous_always(subject: BenchReader) -> None:
    """Every answer is one behind, over several cards: no person at all is better than the one before."""
    subject.reader.connect()
    subject.wire.do("stale")
    for name, number in (("resident", _LIN), ("hmt_permit", _CHEN), ("resident", _LIN)) * 4:
        subject.tried += 1
        subject.wire.do("lay", name)
        try:
            result = subject.watch(0.1)
        except DeviceError:
            subject.reopen()
            continue
        expect(not isinstance(result, CardRead) or result.text.number == number, "the person before is read")


def _exchanged_while_it_hung(subject: BenchReader) -> None:
    """The text of one person comes when the next one's card lies there."""
    for at in range(3):
        subject.tried += 1
        subject.recover()
        subject.reader.connect()
        subject.wire.do("lay", "hmt_permit")
        subject.wire.arm(Fault(Kind.LATE, at, subject.late_s))
        try:
            subject.watch(0.05)
        except DeviceError:
            subject.reopen()
        subject.wire.arm(None)
        subject.wire.do("lay", "resident")
        for _ in range(4):
            try:
                result = subject.watch(0.2)
            except DeviceError:
                subject.reopen()
                continue
            if isinstance(result, CardRead):
                expect(result.text.number == _LIN, "the person before is read")


def _chatter(subject: BenchReader) -> None:
    """Noise in the middle of nothing, then a card."""
    subject.reader.connect()
    _lies(subject)
    for n in range(40):
        subject.tried += 1
        subject.wire.put(os.urandom(n) + b"\xaa\xaa\xaa\x96\x69"[: n % 6])
        try:
            expect(subject.reader.find(), "noise hides the card")
        except DeviceError as problem:
            raise NotConforming(f"noise between questions is taken for an answer: {problem}") from None


def _keeps_finding(subject: BenchReader) -> None:
    subject.wire.do("keep-finding")
    _reads_once(subject)


# ---- the codec, without a wire ---------------------------------------------------------------------------------------


def _frame() -> bytes:
    """A whole answer to READ, of a person who does not exist."""
    device = SimulatedReader()
    device.actions()["lay"]("resident")
    for command in (Command.FIND, Command.SELECT):
        device.feed(encode(command))
    return device.feed(encode(Command.READ))[0].data


def _codec_splits(subject: ReaderSubject) -> None:
    frame = _frame()
    for at in range(len(frame) + 1):
        subject.tried += 1
        decoder = Decoder()
        pieces = decoder.feed(frame[:at]) + decoder.feed(frame[at:] + frame)
        expect(pieces == [Frame(0x90, frame[10:-1])] * 2, f"split at {at}, joined with the next: it is lost")


def _codec_flips(subject: ReaderSubject) -> None:
    frame = _frame()
    good = Frame(0x90, frame[10:-1])
    for at in range(len(frame)):
        subject.tried += 1
        decoder = Decoder()
        spoilt = frame[:at] + bytes((frame[at] ^ 1 << at % 8,)) + frame[at + 1 :]
        expect(not any(isinstance(piece, Frame) for piece in decoder.feed(spoilt)), f"a wrong byte {at} goes unseen")
        decoder.reset()
        expect(decoder.feed(frame) == [good], "it does not recover")


def _codec_cuts(subject: ReaderSubject) -> None:
    """A frame cut short, and the next question's answer: the decoder has been told to forget, as for every question."""
    frame, find = _frame(), bytes.fromhex("AAAAAA9669 0008 00009F 00000000 97")
    for at in range(len(frame)):
        subject.tried += 1
        decoder = Decoder()
        expect(decoder.feed(frame[:at]) == [], f"cut at {at}: half an answer is taken for one")
        decoder.reset()
        expect(decoder.feed(find) == [Frame(0x9F, bytes(4))], f"cut at {at}: the next answer is not understood")


def _codec_noise(subject: ReaderSubject) -> None:
    import random

    chance = random.Random(4)
    decoder = Decoder()
    for _ in range(500):
        subject.tried += 1
        pieces = decoder.feed(chance.randbytes(chance.randrange(200)) + b"\xaa\xaa\xaa\x96\x69" * chance.randrange(2))
        expect(not any(isinstance(piece, Frame) for piece in pieces), "noise became an answer")


def _case(name: str, says: str, run: Callable[..., None], needs: Needs, alone: bool = False) -> Case:
    return Case(DeviceClass.ID_CARD, name, says, run, needs, alone)


_NOTHING, _HAND, _BENCH = Needs.NOTHING, Needs.HAND, Needs.BENCH

CASES = [
    _case("answers", "It answers as a SAM_A module does", _answers, _NOTHING),
    _case("status", "Its status says what it has and nothing else", _status, _NOTHING),
    _case("steady", "Twenty looks give the same module", _steady, _NOTHING),
    _case("alone", "A second program cannot open it", _for_us_alone, _NOTHING),
    _case("opens-again", "Closed and opened again it answers at once", _opens_again, _NOTHING),
    _case("quick", "A search takes less than a quarter of a second", _quick, _NOTHING),
    _case("codec.split", "An answer cut in two at any byte, and joined with the next, is two", _codec_splits, _NOTHING),
    _case("codec.flip", "A wrong bit in any byte of an answer is noticed", _codec_flips, _NOTHING),
    _case("codec.cut", "An answer that breaks off never runs into the next", _codec_cuts, _NOTHING),
    _case("codec.noise", "Noise is never an answer", _codec_noise, _NOTHING),
    _case("no-card", "An empty reader has no card", _no_card, _HAND),
    _case("interrupted", "It lets go when nobody wants a card any more", _interrupted, _HAND),
    _case("reads", "An ID card is read", _reads_a_card, _HAND),
    _case("reads-once", "A card that stays is read once, and again after it was lifted", _reads_once, _HAND),
    _case("fast", "A card is read within a second and a half", _fast, _HAND),
    _case("other-card", "A card of another kind is nobody", _other_card, _HAND),
    _case("cable", "A pulled cable is noticed, and the reader comes back with it", _cable, _HAND),
    *(
        _case(f"kind.{name}", f"A card of the kind {name} is read", _sample(name, number), _BENCH)
        for name, number in (
            ("resident_long_term", "11010519491231002X"),
            ("resident_expired", "350605198507150026"),
            ("hmt_permit", _CHEN),
            ("foreigner_2017", "GBR350085031012"),
            ("foreigner_2023", "911124198108030024"),
        )
    ),
    _case("fails.bank-card", "A bank card is no ID card", _fails("bank_card", FailReason.NOT_AN_ID_CARD), _BENCH),
    _case(
        "fails.unknown", "A type nobody knows is no ID card", _fails("unknown_type", FailReason.NOT_AN_ID_CARD), _BENCH
    ),
    _case("fails.damaged", "A broken chip is unreadable", _fails("damaged", FailReason.UNREADABLE), _BENCH),
    *(
        _case(
            f"fails.{status:02x}",
            f"A card that ends in {status:02X} is unreadable",
            _fails({"sample": "resident", "read_fault": status}, FailReason.UNREADABLE),
            _BENCH,
        )
        for status in (0x31, 0x32, 0x33, 0x3F, 0x47)
    ),
    _case("lifted.select", "A card lifted while it is selected was taken away", _lifted_at("select"), _BENCH),
    _case("lifted.read", "A card lifted while it is read was taken away", _lifted_at("read"), _BENCH),
    *(
        _case(f"speed.{baudrate}", f"A module left at {baudrate} is found", _at_speed(baudrate), _BENCH)
        for baudrate in BAUD_RATES[1:]
    ),
    _case("hangs", "A reader that never answers is given up in time, and used again", _never_answers, _BENCH),
    _case("stalls", "A reader that takes no bytes is given up in time", _takes_nothing, _BENCH),
    _case("behind", "A reader that is one answer behind reads nobody", _previous_always, _BENCH),
    _case("too-late", "A text that comes too late is never the next person's", _exchanged_while_it_hung, _BENCH),
    _case("chatter", "Noise between questions changes nothing", _chatter, _BENCH),
    _case("keeps-finding", "A module that goes on finding a card gives it once", _keeps_finding, _BENCH),
    *(case for exchange in _EXCHANGES for case in matrix.cases(DeviceClass.ID_CARD, exchange)),
    *matrix.cases(DeviceClass.ID_CARD, _NEXT_PERSON, (Kind.LATE, Kind.PREVIOUS, Kind.DOUBLED, Kind.UNPLUG)),
]
