"""A terminal's line that breaks between any two bytes, or spoils any of them: what is said about money stays true."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.bench.server import Bench
from drivers.bench.terminal import SimulatedTerminal
from drivers.contract import NotConnected, TimedOut
from drivers.pos.codec import CONFIRM, HANDSHAKE, Frame, Kind, encode
from drivers.pos.contract import Approved, NotFound, Progress, Refused, RefusedBecause, Reversed, Unknown
from drivers.pos.messages import Sale, question
from drivers.pos.terminal import PosTerminal, Waits
from drivers.transport import Transport, open_transport

NAME = "pos"
SOON = 10.0
#: Long enough for a loaded machine where an answer comes, short where none does.
BRIEF = Waits(answer=0.3, beat=0.1, silence=0.6, first_sign=0.05, doubt=0.05, bank=2.0, cancel=0.3)
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
FEN = 35000
ORDER = encode(question(Kind.SALE, 1, Sale(KEY, FEN)))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Bench(tmp_path, [SimulatedTerminal(tmp_path, pay_s=0.0, clock=lambda: NOW)], paced=False) as bench:
        yield bench


class Scissors:
    """A transport that pulls the plug, the real one, once so many bytes of what matters have passed."""

    def __init__(self, transport: Transport, pull: Callable[[], object]) -> None:
        self._transport = transport
        self._pull = pull
        self.sent_left: int | None = None
        self.heard_left: int | None = None
        self.armed = False
        self.flip: int | None = None
        """The byte of the order, counted from its beginning, that arrives with one bit wrong."""
        self._passed = 0

    def write(self, data: bytes, timeout: float) -> None:
        # The link's own frames have ten bytes; an order goes as one byte, and the rest.
        if data in (HANDSHAKE, encode(Frame(Kind.HEARTBEAT))):
            self._transport.write(data, timeout)
            return
        self.armed = True
        if self.flip is not None and self._passed <= self.flip < self._passed + len(data):
            at = self.flip - self._passed
            self._transport.write(data[:at] + bytes([data[at] ^ 0x04]) + data[at + 1 :], timeout)
        elif self.sent_left is not None and self.sent_left < len(data):
            if self.sent_left:
                self._transport.write(data[: self.sent_left], timeout)
            self._pull_out()
            self._transport.write(data[self.sent_left :], timeout)
        else:
            self._transport.write(data, timeout)
        self._passed += len(data)
        if self.sent_left is not None:
            self.sent_left -= len(data)

    def read_some(self, timeout: float) -> bytes:
        if not self.armed or self.heard_left is None:
            return self._transport.read_some(timeout)
        if self.heard_left:
            self.heard_left -= 1
            return self._transport.read(1, timeout)
        self.heard_left = None
        # Between two bytes: the next one has been said, and gets lost.
        self._transport.read(1, timeout)
        self._pull_out()
        # What lies in our own memory has come already, and would be more than was to come.
        self._transport.discard_input()
        return self._transport.read_some(timeout)

    def _pull_out(self) -> None:
        """And wait until the kernel knows: the bench's own wait on the line may hold it open for a moment."""
        self._pull()
        hung_up = select.poll()
        hung_up.register(self._transport._fd, select.POLLHUP)
        assert hung_up.poll(1000)

    def discard_input(self) -> None:
        self._transport.discard_input()

    def close(self) -> None:
        self._transport.close()


@dataclass
class Cut:
    """The line on which something happens, and the driver at its end."""

    pos: PosTerminal
    bench: Bench

    def insert(self, progress: Progress) -> None:
        if progress is Progress.PRESENT_CARD:
            self.bench.do(NAME, "insert")

    def charges(self, key: str = KEY) -> int:
        records = self.bench.do(NAME, "journal")
        assert isinstance(records, list)
        return sum(record["outcome"] == "approved" for record in records if record["key"] == key)


@contextmanager
def cut_line(bench: Bench, sent: int | None = None, heard: int | None = None, flip: int | None = None) -> Iterator[Cut]:
    """Pulled after so many bytes of the question have left, or of its answer have come; the next line is whole."""
    opened: list[Scissors] = []

    def open_port(url: str, baudrate: int) -> Scissors:
        line = Scissors(open_transport(url, baudrate), lambda: bench.do(NAME, "unplug"))
        if not opened:
            line.sent_left, line.heard_left, line.flip = sent, heard, flip
        opened.append(line)
        return line

    with PosTerminal(bench.addresses[NAME], waits=BRIEF, open_port=open_port) as pos:
        yield Cut(pos, bench)


def key(number: int) -> str:
    return f"{number:032x}"


# ---- between any two bytes -------------------------------------------------------------------------------------------


def test_a_plug_pulled_before_the_first_byte_of_an_order_is_a_sale_not_sent(bench: Bench) -> None:
    with cut_line(bench, sent=0) as line:
        assert line.pos.sale(KEY, FEN, SOON, line.insert) == Refused(KEY, RefusedBecause.NOT_SENT)
        bench.do(NAME, "replug")
        assert line.charges() == 0


@pytest.mark.parametrize("sent", range(1, len(ORDER)))
def test_a_plug_pulled_within_an_order_is_unknown_and_then_never_sold(bench: Bench, sent: int) -> None:
    with cut_line(bench, sent=sent) as line:
        assert isinstance(line.pos.sale(KEY, FEN, SOON, line.insert), Unknown)
        bench.do(NAME, "replug")
        assert line.pos.ask(KEY, FEN) == NotFound(KEY)
        assert line.pos.sale(KEY, FEN, SOON, line.insert) == Refused(KEY, RefusedBecause.NOT_SENT)
        assert line.charges() == 0


def _length_of_answers(bench: Bench) -> int:
    """All bytes that a terminal says in one sale."""
    heard = 0

    class Counting(Scissors):
        def read_some(self, timeout: float) -> bytes:
            nonlocal heard
            data = super().read_some(timeout)
            heard += len(data) if self.armed else 0
            return data

    def open_port(url: str, baudrate: int) -> Counting:
        return Counting(open_transport(url, baudrate), lambda: None)

    with PosTerminal(bench.addresses[NAME], waits=Waits(), open_port=open_port) as pos:
        assert isinstance(pos.sale(KEY, FEN, SOON, Cut(pos, bench).insert), Approved)
    return heard


def test_a_plug_pulled_between_any_two_bytes_of_the_answer_is_unknown_and_then_known_by_asking(bench: Bench) -> None:
    whole = _length_of_answers(bench)
    shown = len(encode(Frame(Kind.PROGRESS, 0, 1, b'{"key":"%s","waits_for":"present_card"}' % KEY.encode())))
    assert whole > 400
    for heard in range(whole):
        with cut_line(bench, heard=heard) as line:
            said = line.pos.sale(key(heard), FEN, SOON, line.insert)
            assert isinstance(said, Unknown), heard
            bench.do(NAME, "replug")
            asked = line.pos.ask(key(heard), FEN)
            if heard < shown:
                # The card was never put in: the sale still shows, and goes away when it is given back.
                assert isinstance(asked, Unknown), heard
                assert line.pos.reverse(key(heard)) == NotFound(key(heard))
                assert line.charges(key(heard)) == 0
            else:
                assert isinstance(asked, Approved), heard
                assert (asked.key, asked.fen, line.charges(key(heard))) == (key(heard), FEN, 1)
                assert line.pos.sale(key(heard), FEN, SOON, line.insert) == asked
                assert line.charges(key(heard)) == 1


@pytest.mark.parametrize("sent", range(0, 50, 7))
def test_a_plug_pulled_within_a_question_leaves_the_answer_unknown(bench: Bench, sent: int) -> None:
    with cut_line(bench) as line:
        approved = line.pos.sale(KEY, FEN, SOON, line.insert)
    with cut_line(bench, sent=sent) as line:
        assert isinstance(line.pos.ask(KEY, FEN), Unknown)
        bench.do(NAME, "replug")
        assert line.pos.ask(KEY, FEN) == approved


def test_a_plug_pulled_between_any_two_bytes_of_a_reversals_answer_still_gives_back_once(bench: Bench) -> None:
    for heard in range(300):
        with cut_line(bench) as line:
            line.pos.sale(key(heard), FEN, SOON, line.insert)
        with cut_line(bench, heard=heard) as line:
            first = line.pos.reverse(key(heard))
            if first == Reversed(key(heard), NOW):
                # More than there is to hear.
                assert heard > 200
                break
            assert isinstance(first, Unknown), heard
            bench.do(NAME, "replug")
            assert line.pos.reverse(key(heard)) == Reversed(key(heard), NOW), heard
    with cut_line(bench) as line:
        kinds = [(entry.key, entry.kind) for entry in line.pos.journal(NOW.date())]
    assert kinds == [(key(number), kind) for number in range(heard + 1) for kind in ("sale", "reversal")]


# ---- any byte wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len(ORDER)))
def test_an_order_with_one_wrong_byte_is_not_taken_and_its_key_is_closed(bench: Bench, at: int) -> None:
    with cut_line(bench, flip=at) as line:
        assert line.pos.sale(KEY, FEN, SOON, line.insert) == Refused(KEY, RefusedBecause.NOT_SENT)
        assert line.pos.ask(KEY, FEN) == NotFound(KEY)
        assert line.charges() == 0


@pytest.mark.parametrize("mishap", ["garble", "clip", "noise"])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_answers_that_arrive_spoilt_end_in_the_truth(bench: Bench, mishap: str, count: int) -> None:
    with cut_line(bench) as line:
        # The first reply that can be spoilt is the handshake's; with the card in from the start there is no other way.
        bench.do(NAME, "auto", "on")
        bench.do(NAME, mishap, count)
        said = line.pos.sale(KEY, FEN, SOON)
        bench.do(NAME, "resume")
        assert isinstance(said, Approved) or said == Refused(KEY, RefusedBecause.NOT_SENT)
        assert line.charges() == isinstance(said, Approved)


@pytest.mark.parametrize("how", ["hang", "stall"])
def test_a_terminal_that_hangs_in_mid_sale_is_unknown_and_known_afterwards(bench: Bench, how: str) -> None:
    with cut_line(bench) as line:

        def insert_and_hang(progress: Progress) -> None:
            line.insert(progress)
            bench.do(NAME, how)

        assert isinstance(line.pos.sale(KEY, FEN, SOON, insert_and_hang), Unknown | Approved)
        bench.do(NAME, "resume")
        assert isinstance(line.pos.ask(KEY, FEN), Approved)
        assert line.charges() == 1


def test_a_terminal_that_hangs_before_the_sale_is_not_sent_one(bench: Bench) -> None:
    with cut_line(bench) as line:
        bench.do(NAME, "hang")
        assert line.pos.sale(KEY, FEN, SOON) == Refused(KEY, RefusedBecause.NOT_SENT)
        bench.do(NAME, "resume")
        assert line.pos.ask(KEY) == NotFound(KEY)


def test_a_terminal_that_is_not_there_is_not_sent_a_sale(tmp_path: Path) -> None:
    with PosTerminal(str(tmp_path / "nothing")) as pos:
        assert pos.sale(KEY, FEN, SOON) == Refused(KEY, RefusedBecause.NOT_SENT)
        assert isinstance(pos.ask(KEY), Unknown)
        assert isinstance(pos.reverse(KEY), Unknown)


def test_a_terminal_unplugged_between_two_sales_is_found_again(bench: Bench) -> None:
    with cut_line(bench) as line:
        line.pos.sale(KEY, FEN, SOON, line.insert)
        bench.do(NAME, "unplug")
        bench.do(NAME, "replug")
        assert isinstance(line.pos.sale("f" * 32, FEN, SOON, line.insert), Approved)


def test_a_driver_closed_in_mid_sale_says_unknown(bench: Bench) -> None:
    with cut_line(bench) as line:

        def close(_: Progress) -> None:
            threading.Thread(target=line.pos.close).start()

        assert isinstance(line.pos.sale(KEY, FEN, SOON, close), Unknown)


# ---- a terminal that says anything at all ----------------------------------------------------------------------------


class Babble:
    """A port whose far end shakes hands properly and then says whatever it was given; in memory, because hundreds of
    conversations are tried and the bytes alone matter."""

    def __init__(self, pieces: list[bytes], dies: bool) -> None:
        self._pieces = pieces
        self._dies = dies
        self._ready: list[bytes] = []
        self.number = 0
        self.kind = Kind.SALE

    def write(self, data: bytes, timeout: float) -> None:
        if data == HANDSHAKE:
            self._ready.append(CONFIRM)
        elif data[1:2] == b"\xaa" and data[2] in (Kind.QUERY, Kind.REVERSE):
            self.kind, self.number = Kind(data[2]), data[4]
        elif data[:1] == b"\xaa" and data[1] == Kind.SALE:
            # The order's first byte went alone.
            self.number = data[3]

    def read_some(self, timeout: float) -> bytes:
        if self._ready:
            return self._ready.pop(0)
        if self._pieces:
            piece = self._pieces.pop(0)
            return encode(_addressed(piece, self.kind, self.number)) if piece[:1] == b"{" and piece.isascii() else piece
        if self._dies:
            raise NotConnected("gone")
        raise TimedOut("nothing came")

    def discard_input(self) -> None:
        pass

    def close(self) -> None:
        pass


def _addressed(data: bytes, asked: Kind, number: int) -> Frame:
    """The answer to whatever was asked last."""
    return Frame(Kind.PROGRESS, 0, number, data) if b"waits_for" in data else Frame(asked, 1, number, data)


def _words(key: str, fen: int, outcome: str, currency: str = "CNY") -> bytes:
    return (
        f'{{"key":"{key}","outcome":"{outcome}","fen":{fen},"currency":"{currency}","terminal":"T","trace":"000001",'
        f'"reference":"R","card":"C","at":"2026-11-24T10:00:00+08:00"}}'
    ).encode()


TRUE = _words(KEY, FEN, "approved")
LIES = [
    _words(KEY[::-1], FEN, "approved"),
    _words(KEY, FEN + 1, "approved"),
    _words(KEY, FEN, "approved", "USD"),
    _words(KEY, FEN, "pending"),
    _words(KEY, FEN, "a_new_word"),
    _words(KEY, FEN, "approved").replace(b'"trace":"000001",', b""),
    b'{"key":"%s","outcome":"approved"}' % KEY.encode(),
    b'{"key":"%s","waits_for":"asking_bank"}' % KEY.encode(),
    b'{"key":"%s","waits_for":"tea"}' % KEY.encode(),
    b'{"key":',
    encode(Frame(Kind.SALE, 1, 0, TRUE)),
    encode(Frame(Kind.QUERY, 1, 0, TRUE)),
    encode(Frame(Kind.SALE, 0, 1, TRUE)),
    CONFIRM,
    encode(Frame(Kind.HEARTBEAT)),
]
NO_TIME = Waits(answer=0.001, beat=0.001, silence=0.004, first_sign=9, doubt=9, bank=0.004, cancel=0.001)
quick = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(st.lists(st.sampled_from(LIES) | st.binary(max_size=60), max_size=8), st.booleans())
def test_nothing_but_our_own_key_and_amount_is_ever_an_approval(pieces: list[bytes], dies: bool) -> None:
    pos = PosTerminal("babble", waits=NO_TIME, open_port=lambda url, baudrate: Babble(list(pieces), dies))
    assert isinstance(pos.sale(KEY, FEN, 0.01), Unknown)


@quick
@given(st.lists(st.sampled_from([*LIES, TRUE]) | st.binary(max_size=60), max_size=6))
def test_an_approval_is_said_only_where_the_terminal_said_it(pieces: list[bytes]) -> None:
    pos = PosTerminal("babble", waits=NO_TIME, open_port=lambda url, baudrate: Babble(list(pieces), False))
    said = pos.sale(KEY, FEN, 0.01)
    if isinstance(said, Approved):
        assert (said.key, said.fen) == (KEY, FEN)
        assert TRUE in pieces
    else:
        assert isinstance(said, Unknown)


@quick
@given(st.lists(st.sampled_from([*LIES, _words(KEY[::-1], FEN, "reversed")]) | st.binary(max_size=60), max_size=8))
def test_what_is_said_of_another_key_or_amount_answers_no_question(pieces: list[bytes]) -> None:
    pos = PosTerminal("babble", waits=NO_TIME, open_port=lambda url, baudrate: Babble(list(pieces), False))
    assert isinstance(pos.ask(KEY, FEN), Unknown)
    pos = PosTerminal("babble", waits=NO_TIME, open_port=lambda url, baudrate: Babble(list(pieces), False))
    assert isinstance(pos.reverse(KEY), Unknown)


STEPS = ["sale", "ask", "reverse", "garble", "clip", "noise", "unplug", "replug", "hang", "resume", "restart"]
PLANS = [
    "approve",
    "lose_answer",
    "answer_twice",
    "silent_after_approval",
    "die_before_approval",
    "other_key",
    "refuse",
]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.sampled_from(STEPS), max_size=7), plan=st.sampled_from(PLANS))
def test_whatever_befalls_a_payment_it_is_charged_at_most_once_and_its_end_is_the_journals(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], plan: str
) -> None:
    folder = tmp_path_factory.mktemp("pos")
    waits = Waits(answer=0.2, beat=0.05, silence=0.25, first_sign=0.1, doubt=0.1, bank=0.5, cancel=0.2)
    with Bench(folder, [SimulatedTerminal(folder, pay_s=0.0, clock=lambda: NOW)], paced=False) as bench:
        bench.do(NAME, "behaviour", plan)
        pos = PosTerminal(bench.addresses[NAME], waits=waits)
        plugged = True
        for step in ["sale", *steps]:
            match step:
                case "sale":
                    pos.sale(KEY, FEN, 0.3, Cut(pos, bench).insert)
                case "ask":
                    pos.ask(KEY, FEN)
                case "reverse":
                    pos.reverse(KEY)
                case "restart":
                    pos.close()
                    pos = PosTerminal(bench.addresses[NAME], waits=waits)
                case "unplug" | "replug":
                    if plugged is (step == "unplug"):
                        bench.do(NAME, step)
                        plugged = not plugged
                case mishap:
                    bench.do(NAME, mishap)
        if not plugged:
            bench.do(NAME, "replug")
        bench.do(NAME, "resume")
        end = pos.ask(KEY, FEN)
        if isinstance(end, Unknown):
            # It still waits for its card: nothing else may be left open once everything is well.
            assert bench.do(NAME, "shown") is not None
            end = pos.reverse(KEY)
        pos.close()
        records = bench.do(NAME, "journal")
        assert isinstance(records, list)
        said = [record["outcome"] for record in records if record["key"] == KEY]
        assert said.count("approved") <= 1
        assert said.count("reversed") <= said.count("approved")
        match end:
            case Approved():
                assert said[-1] == "approved"
            case Reversed():
                assert said[-1] == "reversed"
            case Refused() | NotFound():
                assert "approved" not in said
            case _:
                pytest.fail(f"{end} after {steps}")
