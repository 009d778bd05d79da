"""What a slip printer has to do right: one slip for one order, and the truth about it."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from drivers.bench.line import PtyEnd, TcpEnd
from drivers.bench.printer import SimulatedPrinter
from drivers.conformance import matrix
from drivers.conformance.case import Case, DeviceClass, Needs, Subject, expect
from drivers.conformance.hand import BenchHand, Hand
from drivers.conformance.matrix import Exchange
from drivers.conformance.wire import Kind, SpoiltWire
from drivers.contract import DeviceState, DeviceStatus, PaperState
from drivers.printer.document import BigNumber, Document, Qr, Row, Rule, Text
from drivers.printer.driver import Outcome, PrintResult, SlipPrinter, Waits
from drivers.printer.replies import Reply, ReplyReader
from drivers.printer.status import Reason

SLIP = Document(
    "conformance",
    (
        Text("设备检验 Conformance", align="center", bold=True),
        BigNumber("A057"),
        Row("等候", "3"),
        Rule(),
        Text("此联不是号票。This is no ticket."),
    ),
)
LINES = 9
"""Lines of SLIP in the simulated printer, the feed to the knife included."""

_BRIEF = Waits(send=0.5, proof=0.7, poll=0.02, echo_grace=0.05, fault_grace=0.06, offline=0.15)
#: A slip is printed in about this many seconds by the slow simulator.
_SLIP_S = 0.25


class PrinterSubject(Subject):
    limit_s = 6.0
    late_s = 0.8

    def __init__(
        self, url: str, hand: Hand, waits: Waits | None = None, baudrate: int = 115200, thorough: bool = False
    ) -> None:
        self.url = url
        self.hand = hand
        self.thorough = thorough
        self.printer = SlipPrinter(url, baudrate, waits=waits)

    def recover(self) -> None:
        """The driver opens its line anew by itself."""

    def status(self) -> DeviceStatus:
        return self.printer.status()

    def back_to_work(self) -> None:
        """Wait until it can print again: a person has closed it."""
        give_up = time.monotonic() + (60.0 if self.hand.slow else 3.0)
        while self.status().device is not DeviceState.ONLINE:
            expect(time.monotonic() < give_up, f"it does not come back: {self.status().detail}")
            time.sleep(0.05)

    def close(self) -> None:
        self.printer.close()


class BenchPrinter(PrinterSubject):
    """Paper takes no time, until a case makes it ``slow``."""

    def __init__(self, thorough: bool = False, patience: float = 1.0, tcp: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.simulated = SimulatedPrinter("printer", speed=0.0, baudrate=None)
        end = TcpEnd() if tcp else PtyEnd(Path(self._folder.name) / "printer")
        self.wire = SpoiltWire(self.simulated, end)
        waits = matrix.patient(_BRIEF, patience)
        super().__init__(self.wire.address, BenchHand(self.wire.do), waits, thorough=thorough)
        self.late_s, self.limit_s = self.late_s * patience, self.limit_s * patience
        self.printer.prepare()

    def slow(self) -> None:
        """Paper moves: things can happen in the middle of a slip."""
        self.simulated.model.speed = 400.0

    def lacks(self, *skills: str) -> None:
        for skill in skills:
            self.wire.do(skill)
        self.printer.close()

    @property
    def slips(self) -> int:
        """Whole slips that the printer has cut."""
        return self.simulated.model.paper.whole

    def settles(self) -> None:
        """Whatever is going to come out does."""
        give_up = time.monotonic() + 2.0
        while self.simulated.due() is not None and time.monotonic() < give_up:
            time.sleep(0.01)
        time.sleep(0.02)

    def close(self) -> None:
        super().close()
        self.wire.stop()
        self._folder.cleanup()


def _true(subject: BenchPrinter, result: PrintResult, before: int) -> None:
    """The outcome is the truth about the paper, now and after everything that still comes has come."""
    subject.settles()
    came = subject.slips - before
    match result.outcome:
        case Outcome.DONE:
            expect(came == 1, f"done, and {came} slips came out")
        case Outcome.FAILED:
            expect(came == 0, f"failed ({result.reason}), and {came} slips came out")
        case _:
            expect(came <= 1, f"{came} slips came out for one order")


# ---- every exchange under every fault --------------------------------------------------------------------------------


def _looks(subject: BenchPrinter) -> bool:
    status = subject.status()
    if status.device is DeviceState.OFFLINE or status.device is DeviceState.NO_DEVICE:
        expect(status.paper is PaperState.UNKNOWN, f"it does not answer, and its paper is {status.paper}")
        return False
    expect((status.device, status.paper) == (DeviceState.ONLINE, PaperState.FULL), f"it is {status.device}")
    return True


def _looks_at_end(subject: BenchPrinter) -> bool:
    status = subject.status()
    if status.paper is PaperState.UNKNOWN:
        return False
    expect(status.paper is PaperState.OUT, f"its paper is out, and called {status.paper}")
    return True


def _runs_out(subject: BenchPrinter) -> None:
    subject.wire.do("paper-out")


def _prints(subject: BenchPrinter) -> bool:
    before = subject.slips
    result = subject.printer.print(SLIP)
    if result.outcome is not Outcome.DONE:
        # Whatever it still holds comes before the next one; only then can the next be counted.
        subject.wire.heal()
    _true(subject, result, before)
    return result.outcome is Outcome.DONE


#: A status is one byte without a check: a wrong bit in it makes another status.
_NO_CHECK = frozenset((Kind.GARBLED, Kind.INSERTED, Kind.ASKED_GARBLED, Kind.ASKED_DROPPED, Kind.PREVIOUS))

_LOOKS: list[Exchange[BenchPrinter]] = [
    Exchange("look", "A printer that is well says so", _looks, unchecked=_NO_CHECK),
    Exchange("look-out", "A printer without paper says so", _looks_at_end, _runs_out, unchecked=_NO_CHECK),
]
_SLIP: Exchange[BenchPrinter] = Exchange("slip", "One order is one slip, or the truth", _prints)


def _lacks_echo(subject: BenchPrinter) -> None:
    if not subject.simulated.model.no_echo:
        subject.lacks("no-echo")


_IN_ORDER: Exchange[BenchPrinter] = Exchange(
    "slip-in-order",
    "The same of a printer that only answers in order",
    _prints,
    _lacks_echo,
    costly=frozenset((Kind.SILENT, Kind.ASKED_UNPLUG)),
)


def _slip_kinds() -> list[Kind]:
    """Bytes of the order itself carry no check either: paper shows what arrived, and nobody can know."""
    return [kind for kind in Kind if kind not in (Kind.ASKED_DROPPED, Kind.ASKED_GARBLED)]


# ---- paper, cover, jam: before, within and after ---------------------------------------------------------------------

_FAULTS = {
    "paper-out": ("refill", Reason.PAPER_OUT, PaperState.OUT, DeviceState.USER_ERROR),
    "cover-open": ("cover-close", Reason.COVER_OPEN, PaperState.FULL, DeviceState.USER_ERROR),
    "jam": ("unjam", Reason.JAMMED, PaperState.JAMMED, DeviceState.HARDWARE_ERROR),
    "offline": ("online", Reason.OFFLINE, PaperState.FULL, DeviceState.OFFLINE),
}


def _before(fault: str) -> Callable[[BenchPrinter], None]:
    mended, reason, paper, state = _FAULTS[fault]

    def run(subject: BenchPrinter) -> None:
        subject.wire.do(fault)
        sent = subject.simulated.model.received
        result = subject.printer.print(SLIP)
        expect((result.outcome, result.reason, result.paper) == (Outcome.FAILED, reason, paper), f"it is {result}")
        expect(subject.simulated.model.received == sent, "it is sent a slip that it cannot print")
        expect(subject.status().device is state, f"it is {subject.status().device}")
        subject.wire.do(mended)
        subject.settles()
        expect(subject.slips == 0, "something pours out when it is mended")
        expect(_prints(subject), "it does not print when it is mended")

    return run


def _within(fault: str) -> Callable[[BenchPrinter], None]:
    """At twelve moments of a slip, the cut among them."""
    mended, *_ = _FAULTS[fault]

    def run(subject: BenchPrinter) -> None:
        subject.slow()
        for n in range(12):
            subject.tried += 1
            before = subject.slips
            timer = threading.Timer(_SLIP_S * n / 10, subject.wire.do, (fault,))
            result = subject.printer.print(SLIP, on_sent=timer.start)
            timer.join()
            came = subject.slips - before
            match result.outcome:
                case Outcome.DONE:
                    expect(came == 1, f"moment {n}: done, and {came} slips came out")
                case Outcome.FAILED:
                    expect(came == 0, f"moment {n}: failed, and {came} slips came out")
            subject.wire.do(mended)
            subject.settles()
            poured = subject.slips - before - came
            expect(poured == 0 or result.outcome is Outcome.UNCERTAIN, f"moment {n}: it pours out when mended")
            expect(_prints(subject), f"moment {n}: it does not print when it is mended")

    return run


def _within_line(skill: str | None) -> Callable[[BenchPrinter], None]:
    """The roll ends after every single line of the slip."""

    def run(subject: BenchPrinter) -> None:
        if skill is not None:
            subject.lacks(skill)
        for line in range(1, LINES + 3):
            subject.tried += 1
            before = subject.slips
            subject.wire.do("paper-out-after", line)
            result = subject.printer.print(SLIP)
            came = subject.slips - before
            if result.outcome is not Outcome.UNCERTAIN:
                expect((result.outcome is Outcome.DONE) == (came == 1), f"line {line}: {result.outcome}, {came} came")
            subject.wire.do("refill")
            subject.settles()
            if result.outcome is Outcome.FAILED:
                expect(subject.slips == before + came, f"line {line}: a failed slip pours out after the refill")
        expect(_prints(subject), "it does not print after the refill")

    return run


def _after(fault: str) -> Callable[[BenchPrinter], None]:
    mended, _, paper, state = _FAULTS[fault]

    def run(subject: BenchPrinter) -> None:
        expect(_prints(subject), "it does not print")
        subject.wire.do(fault)
        status = subject.status()
        expect((status.device, status.paper) == (state, paper), f"it is {status.device}, its paper {status.paper}")
        subject.wire.do(mended)
        subject.settles()
        expect(subject.slips == 1, "the last slip comes out again")
        expect(_prints(subject), "it does not print when it is mended")

    return run


def _low(when: str) -> Callable[[BenchPrinter], None]:
    def run(subject: BenchPrinter) -> None:
        def during() -> None:
            if when == "within":
                subject.wire.do("paper-low")

        if when == "before":
            subject.wire.do("paper-low")
        result = subject.printer.print(SLIP, on_sent=during)
        expect(result.outcome is Outcome.DONE, f"with little paper it is {result.outcome}")
        if when == "after":
            subject.wire.do("paper-low")
        status = subject.status()
        expect((status.device, status.paper) == (DeviceState.ONLINE, PaperState.LOW), f"its paper is {status.paper}")
        expect(subject.slips == 1, f"{subject.slips} slips came out")

    return run


def _refill_pours_nothing(fault: str) -> Callable[[BenchPrinter], None]:
    """Ten people pressed the button while it could not print; then somebody mends it."""
    mended, *_ = _FAULTS[fault]

    def run(subject: BenchPrinter) -> None:
        subject.slow()
        timer = threading.Timer(0.05, subject.wire.do, (fault,))
        subject.printer.print(SLIP, on_sent=timer.start)
        timer.join()
        for _ in range(10):
            subject.tried += 1
            subject.printer.print(SLIP)
        came = subject.slips
        subject.wire.do(mended)
        subject.settles()
        expect(subject.slips == came, f"{subject.slips - came} slips pour out")

    return run


# ---- silence, stale answers, power -----------------------------------------------------------------------------------


def _never_answers(how: str, healed: str) -> Callable[[BenchPrinter], None]:
    def run(subject: BenchPrinter) -> None:
        subject.wire.do(how)
        began = time.monotonic()
        status = subject.status()
        expect(time.monotonic() - began < 2.0, "a silent printer is looked at for too long")
        expect(status.paper is PaperState.UNKNOWN, f"a silent printer has paper: {status.paper}")
        expect(status.device is DeviceState.OFFLINE, f"a silent printer is {status.device}")
        result = subject.printer.print(SLIP)
        expect(result.outcome is Outcome.FAILED, f"a slip for a silent printer is {result.outcome}")
        subject.wire.do(healed, False if how == "silent" else None)
        subject.settles()
        expect(subject.slips == 0, "a slip that was given up comes out")
        expect(_prints(subject), "it does not print when it is back")

    return run


def _falls_silent_within(how: str, healed: str, skill: str | None) -> Callable[[BenchPrinter], None]:
    def run(subject: BenchPrinter) -> None:
        def fall_silent() -> None:
            subject.wire.do(how)

        subject.slow()
        if skill is not None:
            subject.lacks(skill)
        for _ in range(2):
            subject.tried += 1
            before = subject.slips
            result = subject.printer.print(SLIP, on_sent=fall_silent)
            expect(result.outcome is Outcome.UNCERTAIN, f"a slip on which a printer fell silent is {result.outcome}")
            subject.wire.do(healed, False if how == "silent" else None)
            subject.settles()
            held = subject.slips - before
            expect(held <= 1, f"{held} slips came out for one order")
            result = subject.printer.print(SLIP)
            subject.settles()
            came = subject.slips - before - held
            expect(result.outcome is not Outcome.DONE or came >= 1, "the old slip's answer proves the new one")
            expect(came <= 2, "more slips than orders")

    return run


def _takes_nothing(subject: BenchPrinter) -> None:
    expect(_prints(subject), "it does not print")
    subject.wire.do("stall")
    began = time.monotonic()
    result = subject.printer.print(SLIP)
    expect(time.monotonic() - began < subject.limit_s, "a printer that takes nothing is waited for too long")
    expect(result.outcome is Outcome.FAILED, f"a slip that never left is {result.outcome}")


def _power_lost(subject: BenchPrinter) -> None:
    """A serial line falls to zero when the printer's power goes: one zero byte, which is also a good answer's value."""
    subject.slow()
    subject.lacks("no-echo")

    def lose_power() -> None:
        subject.wire.do("silent")
        subject.wire.put(b"\x00")

    result = subject.printer.print(SLIP, on_sent=lose_power)
    expect(result.outcome is Outcome.UNCERTAIN, f"a slip on which the power went is {result.outcome}")


def _proves_nothing(subject: BenchPrinter) -> None:
    subject.wire.do("no-proof")
    for n in range(3):
        subject.tried += 1
        result = subject.printer.print(SLIP)
        expect(result.outcome is Outcome.UNCERTAIN, f"without the printer's word a slip is {result.outcome}")
        expect(subject.slips == n + 1, "it does not come out")


def _stale_status(subject: BenchPrinter) -> None:
    """What it said before its paper ran out comes after: the answer to an old question is thrown away."""
    for n in range(20):
        subject.tried += 1
        subject.status()
        for _ in range(n % 4):
            subject.wire.put(b"\x12")
        subject.wire.do("paper-out")
        expect(subject.status().paper is PaperState.OUT, "an old status is taken for a new one")
        subject.wire.do("refill")


def _many(subject: BenchPrinter) -> None:
    for _ in range(30):
        subject.tried += 1
        expect(_prints(subject), "it does not print")
    expect(subject.slips == 30, f"{subject.slips} slips for 30 orders")
    expect(subject.simulated.model.unknown == [], f"it was sent {subject.simulated.model.unknown}")


def _reborn(skill: str | None) -> Callable[[BenchPrinter], None]:
    """The program dies at several moments of a slip; the next one takes no answer of the first's for its own."""

    def run(subject: BenchPrinter) -> None:
        subject.slow()
        if skill is not None:
            subject.lacks(skill)
        for n in range(6):
            subject.tried += 1
            before = subject.slips
            dying = SlipPrinter(subject.url, waits=Waits(send=0.5, proof=0.02 + 0.04 * n, poll=0.01))
            dying.print(SLIP)
            dying.close()
            reborn = SlipPrinter(subject.url, waits=_BRIEF)
            result = reborn.print(SLIP)
            reborn.close()
            subject.settles()
            came = subject.slips - before
            expect(came <= 2, f"{came} slips for two orders")
            expect(result.outcome is not Outcome.DONE or came >= 1, "done, and no slip came out")
            subject.wire.heal()

    return run


def _too_wide(subject: BenchPrinter) -> None:
    sent = subject.simulated.model.received
    result = subject.printer.print(Document("too much", (Qr("x" * 300),)))
    expect((result.outcome, result.reason) == (Outcome.FAILED, Reason.UNPRINTABLE), f"it is {result.outcome}")
    expect(subject.simulated.model.received == sent, "half of it was sent")


# ---- with nobody's help, and with a hand -----------------------------------------------------------------------------


def _status(subject: PrinterSubject) -> None:
    status = subject.status()
    expect(status.device is DeviceState.ONLINE, f"it is {status.device}: {status.detail}")
    expect(status.paper in (PaperState.FULL, PaperState.LOW), f"its paper is {status.paper}")
    expect(status.media is None, "it claims to hold a card")


def _steady(subject: PrinterSubject) -> None:
    for _ in range(20):
        subject.tried += 1
        _status(subject)


def _quick(subject: PrinterSubject) -> None:
    subject.status()
    waits = []
    for _ in range(10):
        began = time.monotonic()
        subject.status()
        waits.append(time.monotonic() - began)
    subject.tried = len(waits)
    expect(sorted(waits)[5] < 0.2, f"a look takes {sorted(waits)[5] * 1000:.0f} ms")


def _a_slip(subject: PrinterSubject) -> None:
    result = subject.printer.print(SLIP)
    expect(result.outcome is Outcome.DONE, f"a slip is {result.outcome}: {result.reason}")


def _opens_again(subject: PrinterSubject) -> None:
    for _ in range(5):
        subject.tried += 1
        _status(subject)
        subject.printer.close()


def _without_paper(subject: PrinterSubject) -> None:
    subject.hand.do("paper-out")
    give_up = time.monotonic() + (10.0 if subject.hand.slow else 0.5)
    while subject.status().device is DeviceState.ONLINE and time.monotonic() < give_up:
        time.sleep(0.1)
    status = subject.status()
    expect(status.paper is PaperState.OUT or bool(status.cover_open), f"its paper is {status.paper}")
    result = subject.printer.print(SLIP)
    expect(result.outcome is Outcome.FAILED, f"a slip without paper is {result.outcome}")
    subject.hand.do("refill")
    subject.back_to_work()
    _a_slip(subject)


def _cover(subject: PrinterSubject) -> None:
    subject.hand.do("cover-open")
    give_up = time.monotonic() + (10.0 if subject.hand.slow else 0.5)
    while subject.status().device is DeviceState.ONLINE and time.monotonic() < give_up:
        time.sleep(0.1)
    status = subject.status()
    expect(status.device is not DeviceState.ONLINE, "with its cover open it says that it is well")
    expect(subject.printer.print(SLIP).outcome is Outcome.FAILED, "it prints with its cover open")
    subject.hand.do("cover-close")
    subject.back_to_work()
    _a_slip(subject)


def _cable(subject: PrinterSubject) -> None:
    subject.status()
    subject.hand.do("unplug")
    began = time.monotonic()
    status = subject.status()
    expect(status.device in (DeviceState.NO_DEVICE, DeviceState.OFFLINE), f"without its cable it is {status.device}")
    expect(time.monotonic() - began < 3.0, "a cable that was pulled is noticed late")
    expect(subject.printer.print(SLIP).outcome is Outcome.FAILED, "a slip without a cable is not failed")
    subject.hand.do("replug")
    subject.back_to_work()
    _a_slip(subject)


# ---- the codec, without a wire ---------------------------------------------------------------------------------------

_SAID = b"\x12\x37\x22ABCD\x00\x00\x1e\x37\x25\x00\x12"


def _heard(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


def _codec_splits(subject: PrinterSubject) -> None:
    whole = _heard(_SAID)
    expect(len(whole) == 6, "the answers are not told apart")
    for at in range(len(_SAID) + 1):
        subject.tried += 1
        expect(_heard(_SAID[:at], _SAID[at:]) == whole, f"split at {at}, something is lost")


def _codec_status_inside(subject: PrinterSubject) -> None:
    """A real-time status comes even in the middle of an echo."""
    for at in range(len(_SAID) + 1):
        subject.tried += 1
        heard = _heard(_SAID[:at] + b"\x16" + _SAID[at:])
        expect(
            [r for r in heard if getattr(r, "value", 0) != 0x16] == _heard(_SAID), f"a status at {at} breaks an echo"
        )


def _codec_echo(subject: PrinterSubject) -> None:
    """An echo with any bit wrong is no echo of this job."""
    echo = b"\x37\x22ABCD\x00"
    good = _heard(echo)
    for at in range(len(echo)):
        for bit in range(8):
            subject.tried += 1
            spoilt = echo[:at] + bytes((echo[at] ^ 1 << bit,)) + echo[at + 1 :]
            expect(not any(reply in good for reply in _heard(spoilt)), f"bit {bit} of byte {at} goes unseen")


def _codec_noise(subject: PrinterSubject) -> None:
    import random

    chance = random.Random(4)
    for _ in range(500):
        subject.tried += 1
        _heard(chance.randbytes(chance.randrange(64)))


def _case(name: str, says: str, run: Callable[..., None], needs: Needs, alone: bool = False) -> Case:
    return Case(DeviceClass.PRINTER, name, says, run, needs, alone)


_NOTHING, _HAND, _BENCH = Needs.NOTHING, Needs.HAND, Needs.BENCH
_WORDS = {"paper-out": "no paper", "cover-open": "an open cover", "jam": "a jam", "offline": "a printer gone offline"}

CASES = [
    _case("status", "Its status says that it is well, and how much paper it has", _status, _NOTHING),
    _case("steady", "Twenty looks give the same", _steady, _NOTHING),
    _case("quick", "A look takes less than a fifth of a second", _quick, _NOTHING),
    _case("opens-again", "Closed and opened again it answers at once", _opens_again, _NOTHING),
    _case("slip.once", "One slip comes out, by the printer's own word", _a_slip, _NOTHING),
    _case("codec.split", "Answers cut in two at any byte are the same answers", _codec_splits, _NOTHING),
    _case("codec.inside", "A status in the middle of an echo breaks neither", _codec_status_inside, _NOTHING),
    _case("codec.echo", "An echo with any bit wrong proves nothing", _codec_echo, _NOTHING),
    _case("codec.noise", "Noise ends no conversation", _codec_noise, _NOTHING),
    _case("hand.paper", "Without paper it prints nothing and says why; with paper it prints", _without_paper, _HAND),
    _case("hand.cover", "With its cover open it prints nothing and says so", _cover, _HAND),
    _case("hand.cable", "A pulled cable is noticed, and the printer comes back with it", _cable, _HAND),
    *(
        _case(f"before.{f}", f"With {_WORDS[f]} nothing is sent, and nothing comes later", _before(f), _BENCH)
        for f in _FAULTS
    ),
    *(
        _case(f"within.{f}", f"With {_WORDS[f]} at any moment of a slip the truth is said", _within(f), _BENCH)
        for f in _FAULTS
    ),
    *(_case(f"after.{f}", f"With {_WORDS[f]} after the cut the slip stays done", _after(f), _BENCH) for f in _FAULTS),
    *(
        _case(f"pours.{f}", f"After {_WORDS[f]} and ten more tries nothing pours out", _refill_pours_nothing(f), _BENCH)
        for f in _FAULTS
    ),
    *(
        _case(f"low.{when}", f"Little paper {when} a slip is no fault, and is said", _low(when), _BENCH)
        for when in ("before", "within", "after")
    ),
    _case("roll-ends", "The roll ends at any line: done or failed as it was", _within_line(None), _BENCH),
    _case("roll-ends.no-echo", "The same, of a printer that does not echo", _within_line("no-echo"), _BENCH),
    _case("roll-ends.no-clear", "The same, of a printer that cannot forget", _within_line("no-clear"), _BENCH),
    *(
        _case(
            f"never.{how}",
            f"A printer that never answers ({how}) is offline and printed nothing",
            _never_answers(how, healed),
            _BENCH,
        )
        for how, healed in (("silent", "silent"), ("hang", "resume"), ("freeze", "thaw"))
    ),
    *(
        _case(
            f"falls-silent.{how}{'.' + skill if skill else ''}",
            f"A slip on which it falls silent ({how}{', ' + skill if skill else ''}) is uncertain, and proves no other",
            _falls_silent_within(how, healed, skill),
            _BENCH,
        )
        for how, healed in (("silent", "silent"), ("hang", "resume"), ("freeze", "thaw"))
        for skill in (None, "no-echo")
    ),
    _case("stalls", "A printer that takes no bytes is given up in time", _takes_nothing, _BENCH),
    _case("power-lost", "Power that goes in the middle proves nothing", _power_lost, _BENCH),
    _case("no-proof", "Without the printer's word a slip is uncertain", _proves_nothing, _BENCH),
    _case("stale", "An old status is never taken for a new one", _stale_status, _BENCH),
    _case("many", "Thirty orders are thirty slips", _many, _BENCH),
    _case("reborn", "A program that died over a slip leaves no proof for the next", _reborn(None), _BENCH),
    _case("reborn.no-echo", "The same, of a printer that does not echo", _reborn("no-echo"), _BENCH),
    _case("too-much", "What fits on no paper is not begun", _too_wide, _BENCH),
    *(case for look in _LOOKS for case in matrix.cases(DeviceClass.PRINTER, look)),
    *matrix.cases(DeviceClass.PRINTER, _SLIP, _slip_kinds()),
    *matrix.cases(DeviceClass.PRINTER, _IN_ORDER, _slip_kinds()),
]
