"""What a payment terminal has to do right: one charge for one key, and the truth about it."""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from drivers.bench.line import PtyEnd
from drivers.bench.terminal import SimulatedTerminal
from drivers.conformance import matrix
from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, NotPossible, Subject, expect
from drivers.conformance.hand import BenchHand, Hand
from drivers.conformance.matrix import Exchange
from drivers.conformance.wire import HARMLESS, Kind, SpoiltWire
from drivers.contract import DeviceError, DeviceState, MediaState
from drivers.pos.codec import Decoder, Frame, encode
from drivers.pos.codec import Kind as FrameKind
from drivers.pos.contract import (
    Approved,
    AskResult,
    NotFound,
    Progress,
    Refused,
    RefusedBecause,
    Reversed,
    SaleResult,
    Unknown,
)
from drivers.pos.terminal import PosTerminal, Waits

_BRIEF = Waits(answer=0.12, beat=0.1, silence=0.6, first_sign=0.1, doubt=0.1, bank=2.0, cancel=0.3)
_NOW = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
FEN = 35000
#: What a technician's card is charged, and given back.
ONE_FEN = 1
_PATIENCE_S = 60.0


def _new_key() -> str:
    return secrets.token_hex(16)


class TerminalSubject(Subject):
    limit_s = 8.0
    late_s = 0.4
    fen = ONE_FEN

    def __init__(self, url: str, hand: Hand, waits: Waits | None = None, thorough: bool = False) -> None:
        self.url = url
        self.hand = hand
        self.waits = waits
        self.thorough = thorough
        self.patience_s = _PATIENCE_S if hand.slow else 3.0
        self.pos = PosTerminal(url, waits=waits)

    @property
    def today(self) -> date:
        return datetime.now(ZoneInfo("Asia/Shanghai")).date()

    def recover(self) -> None:
        """The driver opens its line anew by itself."""

    def restart(self) -> None:
        """Another program of ours, which knows nothing of what was."""
        self.pos.close()
        self.pos = PosTerminal(self.url, waits=self.waits)

    def pay(self, key: str, fen: int | None = None) -> SaleResult:
        return self.sell(key, fen or self.fen, "insert", "payment" if self.hand.slow else None)

    def sell(self, key: str, fen: int, step: str, argument: object = None) -> SaleResult:
        """A charge, and the step as soon as the terminal waits for a card. Where nobody does it, it is called off."""
        cancelled = threading.Event()
        skipped: list[NotPossible] = []

        def on_progress(progress: Progress) -> None:
            if progress is Progress.PRESENT_CARD and not skipped:
                try:
                    self.hand.do(step, argument)
                except NotPossible as problem:
                    skipped.append(problem)
                    cancelled.set()

        result = self.pos.sale(key, fen, self.patience_s, on_progress, cancelled)
        if skipped:
            raise skipped[0]
        return result

    def close(self) -> None:
        self.pos.close()


class BenchTerminal(TerminalSubject):
    fen = FEN
    paid = ""
    """The key of a charge that went through."""

    def __init__(self, thorough: bool = False, patience: float = 1.0) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self.device = SimulatedTerminal(folder, pay_s=0.0, clock=lambda: _NOW)
        self.wire = SpoiltWire(self.device, PtyEnd(folder / "pos"))
        super().__init__(self.wire.address, BenchHand(self.wire.do), matrix.patient(_BRIEF, patience), thorough)
        self.late_s, self.limit_s = self.late_s * patience, self.limit_s * patience

    @property
    def today(self) -> date:
        return _NOW.date()

    def charges(self, key: str) -> int:
        """How often the terminal has taken money under this key."""
        return sum(record.outcome == "approved" and record.key == key for record in self.device.journal.records)

    def reversals(self, key: str) -> int:
        return sum(record.outcome == "reversed" and record.key == key for record in self.device.journal.records)

    def close(self) -> None:
        super().close()
        self.wire.stop()
        self.device.journal.close()
        self._folder.cleanup()


# ---- every exchange under every fault --------------------------------------------------------------------------------


def _pays(subject: BenchTerminal) -> bool:
    """Whatever is said of a charge is what the terminal's own journal says, then or as soon as it can be asked."""
    key = _new_key()
    result = subject.pos.sale(key, FEN, 0.4, _inserting(subject))
    charged = subject.charges(key)
    match result:
        case Approved(fen=fen):
            expect((charged, fen) == (1, FEN), f"approved over {fen}, and charged {charged} times")
            return True
        case Refused(_, reason):
            expect(charged == 0, f"refused ({reason}), and charged {charged} times")
    subject.wire.heal()
    _ends(subject, key, isinstance(result, Refused))
    return False


def _inserting(subject: BenchTerminal) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress is Progress.PRESENT_CARD and subject.device.actions()["shown"](None) is not None:
            # A progress that comes twice finds the card in already.
            try:
                subject.wire.do("insert")
            except ValueError:
                return

    return on_progress


def _ends(subject: BenchTerminal, key: str, was_refused: bool) -> None:
    """Asked until it is known, as the kiosk does."""
    give_up = time.monotonic() + 5.0
    while isinstance(word := subject.pos.ask(key, FEN), Unknown):
        expect(time.monotonic() < give_up, f"it never becomes known: {word.reason}")
        shown = subject.wire.do("shown")
        if isinstance(shown, dict) and shown["stage"] == "present_card":
            # Nobody waits for it any more: the payer presses the red key.
            subject.wire.do("cancel")
    charged = subject.charges(key)
    expect(charged <= 1, f"charged {charged} times")
    expect(isinstance(word, Approved) == (charged == 1), f"{type(word).__name__}, and charged {charged} times")
    expect(not (was_refused and charged), "refused at first, and charged later")


def _asks(subject: BenchTerminal) -> bool:
    word = subject.pos.ask(subject.paid, FEN)
    if isinstance(word, Unknown):
        return False
    expect(isinstance(word, Approved), f"a charge that was made is {type(word).__name__}")
    return True


def _asks_for_nothing(subject: BenchTerminal) -> bool:
    key = _new_key()
    word = subject.pos.ask(key, FEN)
    if isinstance(word, Unknown):
        return False
    expect(word == NotFound(key), f"a charge that never was is {type(word).__name__}")
    return True


def _gives_back(subject: BenchTerminal) -> bool:
    key = subject.paid
    word = subject.pos.reverse(key)
    expect(subject.reversals(key) <= 1, "given back twice")
    if isinstance(word, Unknown):
        subject.wire.heal()
        word = subject.pos.reverse(key)
        expect(isinstance(word, Reversed), f"asked again, giving back is {type(word).__name__}")
        expect(subject.reversals(key) == 1, f"given back {subject.reversals(key)} times")
        return False
    expect(isinstance(word, Reversed), f"giving back is {type(word).__name__}")
    expect(subject.reversals(key) == 1, "said to be given back, and it is not")
    return True


def _counts(subject: BenchTerminal) -> bool:
    try:
        totals, entries = subject.pos.totals(subject.today), subject.pos.journal(subject.today)
    except DeviceError:
        return False
    sales = [entry.fen for entry in entries if entry.kind == "sale"]
    expect((totals.sales, totals.sales_fen) == (len(sales), sum(sales)), "its journal is not its totals")
    expect(len(sales) == sum(r.outcome == "approved" for r in subject.device.journal.records), "entries are missing")
    return True


def _looks(subject: BenchTerminal) -> bool:
    status = subject.pos.status()
    if status.device in (DeviceState.NO_DEVICE, DeviceState.OFFLINE, DeviceState.HARDWARE_ERROR):
        expect(status.media is MediaState.UNKNOWN, "it cannot be seen, and its card can")
        return False
    expect((status.device, status.media) == (DeviceState.ONLINE, MediaState.NOT_PRESENT), f"it is {status.device}")
    return True


def _has_paid(subject: BenchTerminal) -> None:
    if not subject.paid:
        key = _new_key()
        expect(isinstance(subject.pay(key), Approved), "a charge does not go through")
        subject.paid = key


def _has_paid_anew(subject: BenchTerminal) -> None:
    subject.paid = ""
    _has_paid(subject)


def _has_a_day(subject: BenchTerminal) -> None:
    """Two pages of entries."""
    while len(subject.device.journal.records) < 8:
        expect(isinstance(subject.pay(_new_key()), Approved), "a charge does not go through")


#: Questions that only look are put again.
_ONE_SPOILT = HARMLESS | {Kind.LOST, Kind.DROPPED, Kind.INSERTED, Kind.GARBLED}

#: In the middle of a charge, and over pages of a day, the whole time for an answer passes at each.
_WAITED_FOR = frozenset(
    (
        Kind.SILENT,
        Kind.LOST,
        Kind.DROPPED,
        Kind.INSERTED,
        Kind.GARBLED,
        Kind.ASKED_DROPPED,
        Kind.ASKED_GARBLED,
    )
)

_EXCHANGES: list[Exchange[BenchTerminal]] = [
    Exchange("state", "A terminal that is well says so", _looks, must=_ONE_SPOILT),
    Exchange("sale", "One key is one charge, or the truth", _pays, must=HARMLESS, costly=_WAITED_FOR),
    Exchange("ask", "What became of a charge is told", _asks, _has_paid, _ONE_SPOILT),
    Exchange(
        "ask-nothing", "A charge that never was is not found", _asks_for_nothing, must=_ONE_SPOILT, costly=_WAITED_FOR
    ),
    Exchange("reverse", "A charge is given back, once", _gives_back, _has_paid_anew, _ONE_SPOILT),
    Exchange("day", "The entries of a day are its totals", _counts, _has_a_day, HARMLESS, _WAITED_FOR),
]

# ---- with nobody's help, and with a hand -----------------------------------------------------------------------------


def _status(subject: TerminalSubject) -> None:
    status = subject.pos.status()
    expect(status.device is DeviceState.ONLINE, f"it is {status.device}: {status.detail}")
    expect(status.paper is None, "it claims to have paper")


def _steady(subject: TerminalSubject) -> None:
    first = subject.pos.status()
    for _ in range(20):
        subject.tried += 1
        expect(subject.pos.status() == first, "it changes though nothing happens")


def _not_found(subject: TerminalSubject) -> None:
    key = _new_key()
    expect(subject.pos.ask(key) == NotFound(key), "a charge that never was is found")
    expect(subject.pos.reverse(key) == NotFound(key), "a charge that never was is given back")


def _closed_key(subject: TerminalSubject) -> None:
    """A key that was asked for before its sale came is never charged."""
    key = _new_key()
    expect(subject.pos.ask(key) == NotFound(key), "a charge that never was is found")
    subject.restart()
    result = subject.pos.sale(key, subject.fen, 2.0)
    expect(isinstance(result, Refused), f"a key that was given up is {type(result).__name__}")


def _adds_up(subject: TerminalSubject) -> None:
    totals, entries = subject.pos.totals(subject.today), subject.pos.journal(subject.today)
    sales = [entry.fen for entry in entries if entry.kind == "sale"]
    back = [entry.fen for entry in entries if entry.kind == "reversal"]
    expect((totals.sales, totals.sales_fen) == (len(sales), sum(sales)), "its sales are not its totals")
    expect((totals.reversals, totals.reversals_fen) == (len(back), sum(back)), "its reversals are not its totals")


def _one_at_a_time(subject: TerminalSubject) -> None:
    """Another thread that comes in between is told so, and nothing is sent for it."""
    cancelled = threading.Event()
    meanwhile: list[SaleResult] = []

    def on_progress(_: Progress) -> None:
        if not meanwhile:
            other = threading.Thread(target=lambda: meanwhile.append(subject.pos.sale(_new_key(), ONE_FEN, 1.0)))
            other.start()
            other.join(3.0)
            cancelled.set()

    key = _new_key()
    result = subject.pos.sale(key, ONE_FEN, subject.patience_s, on_progress, cancelled)
    expect(result == Refused(key, RefusedBecause.CANCELLED), f"called off while no card is in, it is {result}")
    told = [word for word in meanwhile if isinstance(word, Refused) and word.reason is RefusedBecause.NOT_SENT]
    expect(len(told) == 1, "two charges go on at once")


def _nobody_comes(subject: TerminalSubject) -> None:
    key = _new_key()
    result = subject.pos.sale(key, ONE_FEN, 1.0)
    expect(result == Refused(key, RefusedBecause.NO_CARD), f"without a card a charge is {result}")
    expect(isinstance(subject.pos.ask(key), Refused), "it is not told as refused afterwards")


def _pays_and_gives_back(subject: TerminalSubject) -> None:
    key = _new_key()
    result = subject.pay(key)
    if isinstance(result, Refused) and subject.hand.slow:
        raise NotPossible(f"the card was refused: {result.reason}")
    if not isinstance(result, Approved):
        raise NotConforming(f"a charge is {type(result).__name__}")
    expect(result.fen == subject.fen, "another amount was charged")
    expect("*" in result.card_masked, "a whole card number came over the line")
    expect(subject.pos.ask(key, subject.fen) == result, "asked, it tells something else")
    expect(isinstance(subject.pos.ask(key, subject.fen + 1), Unknown), "its key stands for another amount as well")
    for _ in range(2):
        expect(isinstance(subject.pos.reverse(key), Reversed), "it is not given back")
    expect(isinstance(subject.pos.ask(key, subject.fen), Reversed), "given back, it still counts as charged")


def _red_key(subject: TerminalSubject) -> None:
    key = _new_key()
    result = subject.sell(key, ONE_FEN, "cancel")
    expect(result == Refused(key, RefusedBecause.CANCELLED), f"after the red key a charge is {result}")


def _cable(subject: TerminalSubject) -> None:
    _status(subject)
    subject.hand.do("unplug")
    began = time.monotonic()
    state = subject.pos.status().device
    expect(state in (DeviceState.NO_DEVICE, DeviceState.OFFLINE), f"without its cable it is {state}")
    expect(time.monotonic() - began < 4.0, "a cable that was pulled is noticed late")
    key = _new_key()
    expect(subject.pos.sale(key, ONE_FEN, 1.0) == Refused(key, RefusedBecause.NOT_SENT), "it charges without a cable")
    subject.hand.do("replug")
    give_up = time.monotonic() + 20.0
    while subject.pos.status().device is not DeviceState.ONLINE:
        expect(time.monotonic() < give_up, "it does not come back with its cable")
        time.sleep(0.1)
    expect(isinstance(subject.pos.ask(key), NotFound | Refused), "the charge that was not sent arrived all the same")


# ---- on the bench only -----------------------------------------------------------------------------------------------


def _behaves(
    behaviour: object, said: type[object], then: type[object], charges: int
) -> Callable[[BenchTerminal], None]:
    """A sale goes wrong at the terminal; what is said at once, and what asking tells."""

    def run(subject: BenchTerminal) -> None:
        key = _new_key()
        subject.wire.do("behaviour", behaviour)
        result = subject.pay(key)
        expect(isinstance(result, said), f"it is {type(result).__name__}")
        word = _known(subject, key)
        expect(isinstance(word, then), f"asked, it is {type(word).__name__}")
        expect(subject.charges(key) == charges, f"charged {subject.charges(key)} times")
        again = subject.pay(key)
        expect(subject.charges(key) == charges, "the same key is charged again")
        expect(not isinstance(again, Approved) or charges == 1, "approved, and not charged")
        expect(isinstance(subject.pay(_new_key()), Approved), "the next payer cannot pay")

    return run


def _known(subject: BenchTerminal, key: str) -> AskResult:
    give_up = time.monotonic() + 5.0
    while isinstance(word := subject.pos.ask(key, FEN), Unknown) and time.monotonic() < give_up:
        time.sleep(0.05)
    return word


def _previous_always(subject: BenchTerminal) -> None:
    """Every answer is one behind: nobody is told what became of somebody else's money."""
    keys = [_new_key() for _ in range(3)]
    expect(isinstance(subject.pay(keys[0]), Approved), "a charge does not go through")
    subject.wire.do("stale")
    for n in range(12):
        subject.tried += 1
        key = keys[n % 3]
        word = subject.pos.ask(key, FEN)
        expect(word.key == key, "it tells of another key")
        right = Approved if key == keys[0] else NotFound
        expect(isinstance(word, right | Unknown), f"what it says of one key it means of another: {type(word).__name__}")
    subject.wire.do("resume")
    expect(isinstance(subject.pos.ask(keys[0], FEN), Approved), "it is still behind when the line is well")


def _never_answers(subject: BenchTerminal) -> None:
    _status(subject)
    subject.wire.do("hang")
    began = time.monotonic()
    expect(subject.pos.status().device is DeviceState.OFFLINE, "a terminal that says nothing is not offline")
    key = _new_key()
    expect(subject.pos.sale(key, FEN, 1.0) == Refused(key, RefusedBecause.NOT_SENT), "a silent terminal is charged")
    expect(time.monotonic() - began < subject.limit_s, "a terminal that hangs is waited for too long")
    subject.wire.heal()
    expect(subject.charges(key) == 0, "it charges afterwards")
    expect(isinstance(subject.pay(_new_key()), Approved), "it does not work when it is back")


def _takes_nothing(subject: BenchTerminal) -> None:
    _status(subject)
    subject.wire.do("stall")
    began = time.monotonic()
    expect(subject.pos.status().device is not DeviceState.ONLINE, "a terminal that takes nothing is online")
    expect(time.monotonic() - began < subject.limit_s, "a terminal that takes nothing is waited for too long")


def _chatter(subject: BenchTerminal) -> None:
    for n in range(1, 40):
        subject.tried += 1
        subject.wire.put(secrets.token_bytes(n) + b"\x55\xaa"[: n % 3])
        expect(subject.pos.status().device is DeviceState.ONLINE, "noise hides the terminal")


def _restarts(subject: BenchTerminal) -> None:
    """Our program dies at every stage of a charge; the next one asks, and does not charge again."""
    for stage in Progress:
        subject.tried += 1
        key = _new_key()
        subject.wire.do("pay-time", 0.2)

        def die(progress: Progress, at: Progress = stage) -> None:
            if progress is Progress.PRESENT_CARD:
                subject.wire.do("insert")
            if progress is at:
                subject.pos.close()

        result = subject.pos.sale(key, FEN, 2.0, die)
        expect(not isinstance(result, Refused), "a charge that was on its way is said to be refused")
        subject.restart()
        word = _known(subject, key)
        expect(isinstance(word, Approved) == (subject.charges(key) == 1), f"asked, it is {type(word).__name__}")
        expect(subject.charges(key) <= 1, "charged twice")


# ---- the codec, without a wire ---------------------------------------------------------------------------------------

_FRAME = Frame(FrameKind.SALE, 1, 7, b'{"key":"00","outcome":"approved"}')


def _codec_splits(subject: TerminalSubject) -> None:
    sent = encode(_FRAME) * 2
    for at in range(len(sent) + 1):
        subject.tried += 1
        decoder = Decoder()
        pieces = decoder.feed(sent[:at]) + decoder.feed(sent[at:])
        expect(pieces == [_FRAME, _FRAME], f"split at {at}: something is lost")


def _codec_flips(subject: TerminalSubject) -> None:
    sent = encode(_FRAME)
    for at in range(len(sent)):
        for bit in range(8):
            subject.tried += 1
            decoder = Decoder()
            spoilt = sent[:at] + bytes((sent[at] ^ 1 << bit,)) + sent[at + 1 :]
            frames = [piece for piece in decoder.feed(spoilt + sent) if isinstance(piece, Frame)]
            expect(all(frame == _FRAME for frame in frames), f"bit {bit} of byte {at} goes unseen")


def _codec_cuts(subject: TerminalSubject) -> None:
    sent = encode(_FRAME)
    for at in range(len(sent)):
        subject.tried += 1
        pieces = Decoder().feed(sent[:at] + sent)
        frames = [piece for piece in pieces if isinstance(piece, Frame)]
        expect(frames == [_FRAME], f"cut at {at}: it swallows the next one")


def _codec_noise(subject: TerminalSubject) -> None:
    import random

    chance = random.Random(4)
    for _ in range(500):
        subject.tried += 1
        decoder = Decoder()
        noise = chance.randbytes(chance.randrange(100)) + b"\x55\xaa" * chance.randrange(2)
        expect(not any(isinstance(piece, Frame) for piece in decoder.feed(noise)), "noise became a word")


def _case(name: str, says: str, run: Callable[..., None], needs: Needs, alone: bool = False) -> Case:
    return Case(DeviceClass.POS, name, says, run, needs, alone)


_NOTHING, _HAND, _BENCH = Needs.NOTHING, Needs.HAND, Needs.BENCH

CASES = [
    _case("status", "It says that it is well, and nothing it has not", _status, _NOTHING),
    _case("steady", "Twenty looks give the same", _steady, _NOTHING),
    _case("not-found", "A charge that never was is neither found nor given back", _not_found, _NOTHING),
    _case("closed-key", "A key that was given up is never charged", _closed_key, _NOTHING),
    _case("adds-up", "Today's entries are today's totals", _adds_up, _NOTHING),
    _case("one-at-a-time", "Two charges never go on at once", _one_at_a_time, _NOTHING),
    _case("nobody-comes", "Without a card in time nothing is charged", _nobody_comes, _NOTHING),
    _case("codec.split", "Words cut in two at any byte, and joined, are the same words", _codec_splits, _NOTHING),
    _case("codec.flip", "A wrong bit in any byte is noticed", _codec_flips, _NOTHING),
    _case("codec.cut", "A word that breaks off never swallows the next", _codec_cuts, _NOTHING),
    _case("codec.noise", "Noise is never a word", _codec_noise, _NOTHING),
    _case("hand.pays", "One fen is charged, told, and given back once", _pays_and_gives_back, _HAND),
    _case("hand.red-key", "The red key calls a charge off", _red_key, _HAND),
    _case("hand.cable", "A pulled cable is noticed, and the terminal comes back with it", _cable, _HAND),
    _case("refuses", "A refusal charges nothing", _behaves({"refuse": "no_funds"}, Refused, Refused, 0), _BENCH),
    _case("slow", "A slow bank is waited for", _behaves({"slow": 0.5}, Approved, Approved, 1), _BENCH),
    _case("loses", "An answer that is lost is asked for", _behaves("lose_answer", Approved, Approved, 1), _BENCH),
    _case(
        "silent",
        "Silence after the approval is asked about",
        _behaves("silent_after_approval", Unknown, Approved, 1),
        _BENCH,
    ),
    _case(
        "dies",
        "A terminal that died before the approval charged nothing",
        _behaves("die_before_approval", Unknown, NotFound, 0),
        _BENCH,
    ),
    _case("twice", "An answer that comes twice counts once", _behaves("answer_twice", Approved, Approved, 1), _BENCH),
    _case(
        "other-amount", "An approval of another amount is none", _behaves("other_amount", Unknown, Approved, 1), _BENCH
    ),
    _case(
        "other-key",
        "An approval under another key is passed over",
        _behaves("other_key", Approved, Approved, 1),
        _BENCH,
    ),
    _case("behind", "A terminal that is one answer behind tells nobody of another's money", _previous_always, _BENCH),
    _case("hangs", "A terminal that never answers is given up in time", _never_answers, _BENCH),
    _case("stalls", "A terminal that takes no bytes is given up in time", _takes_nothing, _BENCH),
    _case("chatter", "Noise between questions changes nothing", _chatter, _BENCH),
    _case("restarts", "A program that dies at any stage charges once", _restarts, _BENCH),
    *(case for exchange in _EXCHANGES for case in matrix.cases(DeviceClass.POS, exchange)),
]
