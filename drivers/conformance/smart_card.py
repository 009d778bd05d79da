"""What a smart-card reader has to do right, with the technician's card in it."""

from __future__ import annotations

import time
from collections.abc import Callable

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from drivers.bench.smart_card import ATR_T0, PIN, TRIES, TechnicianChip, VirtualCard, VirtualReaders
from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, NotPossible, Subject, expect
from drivers.conformance.hand import BenchHand, Hand
from drivers.contract import BadAnswer, DeviceError, DeviceState, DeviceStatus, MediaState, TimedOut
from drivers.smart_card.apdu import Answer, Command, parse
from drivers.smart_card.connection import ANSWER_S, Connection, connect
from drivers.smart_card.errors import BadCard, CardInUse, CardRemoved, NoCard, ServiceGone
from drivers.smart_card.slot import Slot, SlotWatch, look_at_slot
from drivers.smart_card.technician import PinAccepted, PinBlocked, PinWrong, TechnicianCard

_CHALLENGE = bytes(range(32))
#: pcscd looks at a reader's slot so often; with a margin.
_SEEN_S = 3.0


class SlotSubject(Subject):
    answer_s = ANSWER_S

    def __init__(self, url: str, hand: Hand) -> None:
        self.url = url
        self.hand = hand
        self._open: list[Connection] = []

    def look(self) -> DeviceStatus:
        return look_at_slot(self.url)

    def until(self, media: MediaState) -> None:
        give_up = time.monotonic() + (30.0 if self.hand.slow else _SEEN_S)
        while self.look().media is not media:
            expect(time.monotonic() < give_up, f"the card is not seen as {media}")
            time.sleep(0.02)

    def put_in(self) -> None:
        if self.look().media is not MediaState.PRESENT:
            self.hand.do("insert")
        self.until(MediaState.PRESENT)

    def take_out(self) -> None:
        if self.look().media is MediaState.PRESENT:
            self.hand.do("pull")
        self.until(MediaState.NOT_PRESENT)

    def card(self) -> TechnicianCard:
        self.put_in()
        # pcscd sees a card before it has woken it, and takes a moment to let one go.
        give_up = time.monotonic() + _SEEN_S
        while True:
            try:
                self._open.append(connect(self.url))
                return TechnicianCard(self._open[-1])
            except (NoCard, BadCard, CardInUse):
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    @property
    def connection(self) -> Connection:
        return self._open[-1]

    def let_go(self) -> None:
        for connection in self._open:
            connection.close()
        self._open.clear()

    def rest(self) -> None:
        self.let_go()

    def close(self) -> None:
        self.let_go()


class BenchSlot(SlotSubject):
    """One slot of the virtual readers, for one case after the other: a card that is well stays in, with a new chip."""

    def __init__(self, readers: VirtualReaders, slot: int = 0) -> None:
        self.readers = readers
        self.port = readers.ports[slot]
        self.plastic = VirtualCard(self.port)
        super().__init__(readers.url(slot), BenchHand(self.plastic.do))
        self.answer_s = 0.4

    def other(self, chip: TechnicianChip | None = None, atr: bytes | None = None, wait: bool = True) -> None:
        """Another card into the hand; the one in the reader is taken out."""
        self.plastic.pull()
        if wait:
            self.until(MediaState.NOT_PRESENT)
        self.plastic = VirtualCard(self.port, chip) if atr is None else VirtualCard(self.port, chip, atr)
        self.hand = BenchHand(self.plastic.do)

    def renew(self) -> None:
        """For the next case."""
        self.let_go()
        self.plastic.resume()
        if self.plastic.inside and self.plastic.chip.ours and self.look().media is MediaState.PRESENT:
            self.plastic.chip = TechnicianChip()
        else:
            self.other()

    def close(self) -> None:
        super().close()
        self.plastic.pull()


def bench_readers() -> VirtualReaders:
    """Raises NotPossible on a machine that cannot have them."""
    if why := VirtualReaders.missing():
        raise NotPossible(why)
    return VirtualReaders()


# ---- with nobody's help, and with a hand -----------------------------------------------------------------------------


def _status(subject: SlotSubject) -> None:
    status = subject.look()
    expect(status.device is DeviceState.ONLINE, f"it is {status.device}: {status.detail}")
    expect(status.media in (MediaState.PRESENT, MediaState.NOT_PRESENT), f"its card is {status.media}")
    expect(status.paper is None, "it claims to have paper")


def _steady(subject: SlotSubject) -> None:
    first = subject.look()
    for _ in range(20):
        subject.tried += 1
        expect(subject.look() == first, "it changes though nothing happens")


def _no_such_reader(subject: SlotSubject) -> None:
    status = look_at_slot(f"{subject.url} that nobody has")
    expect(status.device is DeviceState.NO_DEVICE, f"a reader that is not there is {status.device}")


def _codec_splits(subject: SlotSubject) -> None:
    for length in range(256):
        subject.tried += 1
        raw = bytes(length) + b"\x90\x00"
        expect(parse(raw) == Answer(0x9000, bytes(length)), f"an answer of {length} bytes is not understood")


def _codec_noise(subject: SlotSubject) -> None:
    import random

    chance = random.Random(4)
    for _ in range(2000):
        subject.tried += 1
        raw = chance.randbytes(chance.randrange(300))
        try:
            answer = parse(raw)
        except BadAnswer:
            continue
        expect(answer.sw >> 12 in (6, 9), "noise is taken for a status")


def _codec_hides(subject: SlotSubject) -> None:
    command = Command(0x20, 0, 0x81, b"135790\xff\xff")
    expect("135790" not in repr(command) and "31" not in repr(command), "a PIN shows in a command's description")


def _empty(subject: SlotSubject) -> None:
    subject.take_out()
    try:
        connect(subject.url)
    except NoCard:
        return
    raise NotConforming("a card is opened where none is")


def _technician(subject: SlotSubject) -> None:
    card = subject.card()
    if not card.select():
        raise NotPossible("it is no technician's card")
    certificate = x509.load_der_x509_certificate(card.certificate())
    expect(certificate.not_valid_after_utc > certificate.not_valid_before_utc, "its certificate ends before it begins")
    left = card.tries_left()
    expect(left is not None and left > 0, f"its PIN has {left} tries")
    expect(card.sign(_CHALLENGE) is None, "it signs without its PIN")


def _quick(subject: SlotSubject) -> None:
    card = subject.card()
    waits = []
    for _ in range(10):
        began = time.monotonic()
        card.select()
        waits.append(time.monotonic() - began)
    subject.tried = len(waits)
    expect(sorted(waits)[5] < 0.3, f"an answer takes {sorted(waits)[5] * 1000:.0f} ms")


def _for_us_alone(subject: SlotSubject) -> None:
    subject.card()
    try:
        connect(subject.url).close()
    except CardInUse:
        return
    raise NotConforming("two programs have the card at once: one's PIN would count for the other")


def _pulled(subject: SlotSubject) -> None:
    card = subject.card()
    card.select()
    subject.hand.do("pull")
    subject.until(MediaState.NOT_PRESENT)
    began = time.monotonic()
    try:
        card.select()
    except CardRemoved:
        expect(time.monotonic() - began < 1.0, "that the card is gone is noticed late")
    else:
        raise NotConforming("a card that was pulled answers")


def _comes_and_goes(subject: SlotSubject) -> None:
    seen: list[Slot] = []
    subject.take_out()
    watch = SlotWatch(seen.append, subject.url)
    watch.start()
    try:
        for n in range(3):
            subject.tried += 1
            subject.put_in()
            _until(lambda: bool(seen) and seen[-1].media is MediaState.PRESENT, "a card that was put in is not told")
            subject.take_out()
            _until(lambda: seen[-1].media is MediaState.NOT_PRESENT, f"card {n}: that it was pulled is not told")
    finally:
        expect(watch.stop(), "the watch does not end")


def _until(true: Callable[[], bool], otherwise: str) -> None:
    give_up = time.monotonic() + _SEEN_S
    while not true():
        expect(time.monotonic() < give_up, otherwise)
        time.sleep(0.02)


def _again(subject: SlotSubject) -> None:
    """Let go and opened again it has forgotten its PIN."""
    for _ in range(3):
        subject.tried += 1
        card = subject.card()
        if not card.select():
            raise NotPossible("it is no technician's card")
        expect(card.sign(_CHALLENGE) is None, "its PIN outlives the one who gave it")
        subject.let_go()


# ---- on the bench only: the PIN --------------------------------------------------------------------------------------


def _pin(subject: BenchSlot) -> None:
    card = subject.card()
    expect(card.select(), "it is not taken for a technician's card")
    expect(isinstance(card.verify_pin(PIN), PinAccepted), "its PIN is not taken")
    expect(card.tries_left() is None, "a PIN that was given is asked for again")
    signature = card.sign(_CHALLENGE)
    if signature is None:
        raise NotConforming("with its PIN it does not sign")
    key = x509.load_der_x509_certificate(card.certificate()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise NotConforming("its certificate has another key")
    key.verify(signature, _CHALLENGE, ec.ECDSA(hashes.SHA256()))


def _wrong_pin(subject: BenchSlot) -> None:
    card = subject.card()
    card.select()
    for left in range(TRIES - 1, 0, -1):
        expect(card.verify_pin("0000") == PinWrong(left), f"after a wrong PIN not {left} tries are left")
        expect(card.sign(_CHALLENGE) is None, "it signs after a wrong PIN")
    expect(card.verify_pin("0000") == PinBlocked(), "it is not blocked after the last try")
    expect(card.verify_pin(PIN) == PinBlocked(), "blocked, it takes its PIN")
    expect(card.tries_left() == 0, "blocked, it has tries left")


def _blocked_stays(subject: BenchSlot) -> None:
    subject.plastic.chip.tries = 0
    card = subject.card()
    card.select()
    subject.let_go()
    subject.take_out()
    card = subject.card()
    card.select()
    expect(card.verify_pin(PIN) == PinBlocked(), "pulled and put in again it is free")


def _count_survives(subject: BenchSlot) -> None:
    card = subject.card()
    card.select()
    card.verify_pin("0000")
    subject.let_go()
    subject.take_out()
    card = subject.card()
    card.select()
    expect(card.tries_left() == TRIES - 1, "pulled and put in again it has all its tries back")


def _no_pin(subject: BenchSlot) -> None:
    card = subject.card()
    card.select()
    for text in ("", "12", "123456789", "12a4", "１２３４"):
        subject.tried += 1
        try:
            card.verify_pin(text)
        except ValueError:
            continue
        raise NotConforming("something that is no PIN is sent as one")
    expect(card.tries_left() == TRIES, "a slip of the finger costs a try")


def _other_card(subject: BenchSlot) -> None:
    subject.other(TechnicianChip(ours=False))
    expect(not subject.card().select(), "a card of another kind is taken for a technician's")


def _other_protocol(subject: BenchSlot) -> None:
    subject.other(atr=ATR_T0)
    card = subject.card()
    expect(card.select(), "a card that speaks T=0 is not understood")
    expect(card.certificate() == subject.plastic.chip.certificate, "its certificate comes differently")


# ---- on the bench only: a bad contact --------------------------------------------------------------------------------

_DO: dict[str, Callable[[TechnicianCard], object]] = {
    "select": lambda card: card.select(),
    "certificate": lambda card: card.certificate(),
    "tries": lambda card: card.tries_left(),
    "pin": lambda card: card.verify_pin(PIN),
    "sign": lambda card: card.sign(_CHALLENGE),
}


def _ready(subject: BenchSlot, what: str) -> TechnicianCard:
    card = subject.card()
    if what != "select":
        card.select()
    if what == "sign":
        card.verify_pin(PIN)
    return card


def _trouble(subject: BenchSlot, card: TechnicianCard, what: str) -> None:
    """It is honest trouble, in time, and stays so until the card is opened anew."""
    began = time.monotonic()
    try:
        said = _DO[what](card)
    except DeviceError:
        expect(time.monotonic() - began < ANSWER_S + 1.0, "it is waited for too long")
    else:
        raise NotConforming(f"a spoilt answer to {what} is taken for {type(said).__name__}")


def _pulled_at(what: str, moment: str | int) -> Callable[[BenchSlot], None]:
    def run(subject: BenchSlot) -> None:
        card = _ready(subject, what)
        subject.plastic.do("pull-at", moment)
        _trouble(subject, card, what)
        try:
            card.select()
        except DeviceError:
            pass
        else:
            raise NotConforming("a card that was pulled answers")
        subject.plastic.resume()
        subject.let_go()
        subject.until(MediaState.NOT_PRESENT)
        expect(subject.card().select(), "put in again it is not known")

    return run


def _spoilt(what: str, how: Callable[[bytes], list[bytes]], trouble: bool = True) -> Callable[[BenchSlot], None]:
    """Each spoilt form of the answer in turn, over one card."""

    def run(subject: BenchSlot) -> None:
        card = _ready(subject, what)
        good = _DO[what](card)
        forms = how(_said(subject, card, what))
        for n, form in enumerate(forms):
            subject.tried += 1
            subject.plastic.spoil = lambda _, form=form: form  # type: ignore[misc]  # a lambda with its own form
            try:
                said = _DO[what](card)
            except BadAnswer:
                continue
            except CardRemoved:
                subject.plastic.resume()
                subject.let_go()
                card = _ready(subject, what)
                continue
            finally:
                subject.plastic.spoil = bytes
            expect(not trouble or said != good, f"form {n}: it is taken for a good answer")

    return run


def _said(subject: BenchSlot, card: TechnicianCard, what: str) -> bytes:
    said: list[bytes] = []

    def note(answer: bytes) -> bytes:
        said.append(answer)
        return answer

    subject.plastic.spoil = note
    _DO[what](card)
    subject.plastic.spoil = bytes
    return said[0]


def _cut(answer: bytes) -> list[bytes]:
    return [answer[:at] for at in range(1, len(answer))]


def _status_wrong(answer: bytes) -> list[bytes]:
    return [
        answer[:-2] + sw.to_bytes(2, "big") for sw in (0x6F00, 0x6581, 0x6D00, 0x6E00, 0x6400, 0x0000, 0xFFFF, 0x1234)
    ]


def _joined(answer: bytes) -> list[bytes]:
    """Two answers in one: to a wrong command the first, to this one the second."""
    return [b"\x6d\x00" + b"\x6d\x00", answer + b"\x6d\x00"]


def _mute(what: str) -> Callable[[BenchSlot], None]:
    def run(subject: BenchSlot) -> None:
        card = _ready(subject, what)
        subject.plastic.do("mute")
        began = time.monotonic()
        try:
            subject.connection.exchange(Command(0xA4, 0x04, 0x00, b"\x00"), subject.answer_s)
        except TimedOut:
            expect(time.monotonic() - began < subject.answer_s + 1.0, "a card that says nothing is waited for too long")
        else:
            raise NotConforming("a card that says nothing has answered")
        # The late answer, when it comes, is nobody's.
        subject.plastic.resume()
        _trouble(subject, card, what)
        subject.plastic.pull()
        subject.let_go()
        subject.until(MediaState.NOT_PRESENT)
        expect(subject.card().select(), "put in again it is not known")

    return run


def _slow(subject: BenchSlot) -> None:
    card = subject.card()
    subject.plastic.do("slow", 0.3)
    expect(card.select(), "a slow card is given up")


def _previous(subject: BenchSlot) -> None:
    """Each answer is the one to the command before: no signature, and no PIN that is right."""
    card = _ready(subject, "sign")
    held = [b"\x90\x00"]

    def one_behind(answer: bytes) -> bytes:
        held.append(answer)
        return held.pop(0)

    subject.plastic.spoil = one_behind
    for challenge in (bytes(32), _CHALLENGE):
        subject.tried += 1
        try:
            signature = card.sign(challenge)
        except BadAnswer:
            continue
        if signature is None:
            continue
        key = subject.plastic.chip.key.public_key()
        try:
            key.verify(signature, challenge, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            continue
        raise NotConforming("the answer to the command before signs this challenge")


def _exchanged(subject: BenchSlot) -> None:
    """Another card is put in faster than anybody looks: what the first was allowed, the second is not."""
    card = _ready(subject, "sign")
    subject.other(wait=False)
    subject.plastic.insert()
    try:
        signature = card.sign(_CHALLENGE)
    except DeviceError:
        return
    expect(signature is None, "a card without its PIN signs after another one's")


def _told_exchange(subject: BenchSlot) -> None:
    """The watch tells of the card that went before it tells of the one that came."""
    seen: list[Slot] = []
    subject.put_in()
    watch = SlotWatch(seen.append, subject.url)
    watch.start()
    try:
        _until(lambda: bool(seen) and seen[-1].media is MediaState.PRESENT, "the card is not told")
        subject.take_out()
        subject.put_in()
        _until(lambda: len(seen) >= 3 and seen[-1].media is MediaState.PRESENT, "the second card is not told")
        expect(seen[-2].media is MediaState.NOT_PRESENT, "that the first was pulled is not told")
    finally:
        watch.stop()


# ---- on the bench only: pcscd itself ---------------------------------------------------------------------------------


def _service_restarted(subject: BenchSlot) -> None:
    """Killed in the middle of everything: the watch lives on, what was open is worth nothing, and all comes back."""
    seen: list[Slot] = []
    watch = SlotWatch(seen.append, subject.url)
    watch.start()
    try:
        card = subject.card()
        card.select()
        _until(lambda: bool(seen) and seen[-1].media is MediaState.PRESENT, "the card is not told")
        subject.readers.stop()
        _until(lambda: seen[-1].device is DeviceState.OFFLINE, "that pcscd went away is not told")
        _trouble(subject, card, "select")
        expect(subject.look().device is DeviceState.OFFLINE, "without pcscd the reader is not offline")
        subject.plastic.pull()
        subject.readers.start()
        watch.wake()
        _until(lambda: seen[-1].device is DeviceState.ONLINE, "that pcscd is back is not told")
        subject.let_go()
        expect(subject.card().select(), "the card is not known afterwards")
    finally:
        expect(watch.stop(), "the watch does not end")


def _service_missing(subject: BenchSlot) -> None:
    subject.readers.stop()
    try:
        try:
            connect(subject.url).close()
        except ServiceGone:
            pass
        else:
            raise NotConforming("without pcscd a card is opened")
        expect(subject.look().device is DeviceState.OFFLINE, "without pcscd the reader is not offline")
    finally:
        subject.readers.start()


def _case(name: str, says: str, run: Callable[..., None], needs: Needs, alone: bool = False) -> Case:
    return Case(DeviceClass.SMART_CARD, name, says, run, needs, alone)


_NOTHING, _HAND, _BENCH = Needs.NOTHING, Needs.HAND, Needs.BENCH

CASES = [
    _case("status", "The reader says that it is there, and whether a card is", _status, _NOTHING),
    _case("steady", "Twenty looks give the same", _steady, _NOTHING),
    _case("no-such", "A reader that is not there is noDevice", _no_such_reader, _NOTHING),
    _case("codec.lengths", "An answer of any length is understood", _codec_splits, _NOTHING),
    _case("codec.noise", "Noise is no answer", _codec_noise, _NOTHING),
    _case("codec.hides", "A PIN shows nowhere", _codec_hides, _NOTHING),
    _case("empty", "An empty reader has no card", _empty, _HAND),
    _case("technician", "A technician's card is known, and signs nothing without its PIN", _technician, _HAND),
    _case("quick", "An answer takes less than a third of a second", _quick, _HAND),
    _case("alone", "A card is one program's at a time", _for_us_alone, _HAND),
    _case("again", "Let go and opened again it has forgotten its PIN", _again, _HAND),
    _case("pulled", "A pulled card answers nothing any more", _pulled, _HAND),
    _case("comes-and-goes", "Every card that comes or goes is told", _comes_and_goes, _HAND),
    _case("pin", "With its PIN the card signs, and its certificate says so", _pin, _BENCH),
    _case("pin.wrong", "Wrong PINs are counted until it is blocked", _wrong_pin, _BENCH),
    _case("pin.blocked", "A blocked card stays blocked", _blocked_stays, _BENCH),
    _case("pin.counts", "Wrong PINs count on after it was pulled", _count_survives, _BENCH),
    _case("pin.none", "What can be no PIN costs no try", _no_pin, _BENCH),
    _case("other-card", "A card of another kind is told apart", _other_card, _BENCH),
    _case("t0", "A card that speaks T=0 is understood", _other_protocol, _BENCH),
    *(
        _case(
            f"pulled.{what}.{name}",
            f"Pulled {words} {what} is answered, the card is gone",
            _pulled_at(what, at),
            _BENCH,
        )
        for what in _DO
        for name, words, at in (
            ("before", "before", "command"),
            ("within", "while", 1),
            ("after", "just when", "answer"),
        )
    ),
    *(
        _case(f"cut.{what}", f"An answer to {what} that breaks off is none", _spoilt(what, _cut), _BENCH)
        for what in _DO
    ),
    *(
        _case(f"status.{what}", f"A status that {what} cannot have is trouble", _spoilt(what, _status_wrong), _BENCH)
        for what in _DO
    ),
    *(
        _case(f"joined.{what}", f"Two answers in one to {what} are none", _spoilt(what, _joined), _BENCH)
        for what in _DO
    ),
    *(
        _case(f"mute.{what}", f"A card that falls silent before {what} is given up in time", _mute(what), _BENCH)
        for what in _DO
    ),
    _case("slow", "A slow card is waited for", _slow, _BENCH),
    _case("behind", "The answer to the command before signs nothing", _previous, _BENCH),
    _case("exchange-told", "A card that is exchanged is told as gone first", _told_exchange, _BENCH),
    _case(
        "service.restarted",
        "pcscd killed and started again: the watch lives on",
        _service_restarted,
        _BENCH,
        alone=True,
    ),
    _case("service.missing", "Without pcscd the reader is offline", _service_missing, _BENCH, alone=True),
    # Last: pcscd may take long to see that this slot is empty again.
    _case("exchanged", "A card exchanged unseen has no PIN of the first", _exchanged, _BENCH, alone=True),
]
