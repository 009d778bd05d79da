"""Charges at a payment terminal that approves, refuses, falls silent, dies, answers twice or dies: once each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from drivers.bench import terminal as simulation
from drivers.bench.device import BadAction, Reply
from drivers.bench.server import Bench
from drivers.bench.terminal import SimulatedTerminal
from drivers.contract import BadAnswer, Completion, DeviceError, DeviceState, MediaState, NotConnected, TimedOut
from drivers.pos.codec import HEARTBEAT, Kind
from drivers.pos.contract import (
    Approved,
    NotFound,
    Progress,
    Refused,
    RefusedBecause,
    Reversed,
    SaleResult,
    Unknown,
)
from drivers.pos.terminal import PosTerminal, Waits, look_at_terminal
from drivers.transport import Transport, open_transport

SOON = 10.0
NAME = "pos"
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 23, 50, tzinfo=SHANGHAI)
TODAY = NOW.date()
BRIEF = Waits(answer=0.4, beat=0.1, silence=0.5, first_sign=0.25, doubt=0.3, bank=2.0, cancel=0.5)

KEY = "0123456789abcdef0123456789abcdef"
CARD = "622202******8123"
OTHER = "fedcba9876543210fedcba9876543210"


def key(number: int) -> str:
    return f"{number:032x}"


def in_the_end(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + SOON
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.05)


class Wire:
    """A transport that notes what leaves, and spoils or cuts it on command."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.sent = bytearray()
        self.spoil: Callable[[bytes], bytes] = bytes

    def write(self, data: bytes, timeout: float) -> None:
        self._transport.write(self.spoil(data), timeout)
        self.sent += data

    def read_some(self, timeout: float) -> bytes:
        return self._transport.read_some(timeout)

    def discard_input(self) -> None:
        self._transport.discard_input()

    def close(self) -> None:
        self._transport.close()

    def count(self, kind: Kind) -> int:
        """Frames of this kind whose beginning left."""
        return bytes(self.sent).count(b"\x55\xaa" + bytes((kind, 0)))


class Stage:
    """A bench with a terminal, and drivers on it."""

    def __init__(self, bench: Bench, device: SimulatedTerminal) -> None:
        self.bench, self.device = bench, device
        self.wire: Wire
        self.drivers: list[PosTerminal] = []

    def driver(self, waits: Waits = BRIEF) -> PosTerminal:
        """A host that has just started; the one before is gone, and has let the line go."""
        for before in self.drivers:
            before.close()

        def open_port(url: str, baudrate: int) -> Wire:
            self.wire = Wire(open_transport(url, baudrate))
            return self.wire

        self.drivers.append(PosTerminal(self.bench.addresses[NAME], waits=waits, open_port=open_port))
        return self.drivers[-1]

    def do(self, action: str, argument: object = None) -> Any:
        return self.bench.do(NAME, action, argument)

    def when_shown(self, action: str, argument: object = None) -> Callable[[Progress], None]:
        """Does that as soon as the terminal waits for the card."""

        def on_progress(progress: Progress) -> None:
            if progress is Progress.PRESENT_CARD:
                self.do(action, argument)

        return on_progress

    def pay(self, pos: PosTerminal, key: str = KEY, fen: int = 35000, timeout: float = SOON) -> SaleResult:
        return pos.sale(key, fen, timeout, self.when_shown("insert"))

    def charges(self, key: str | None = None) -> int:
        """How often the terminal has taken money (under this key)."""
        return sum(r["outcome"] == "approved" and key in (None, r["key"]) for r in self.do("journal"))


@pytest.fixture
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Unpaced, and a bank without a queue: what is said matters here, not how fast."""
    tcp = {NAME: 0} if getattr(request, "param", "pty") == "tcp" else {}
    device = SimulatedTerminal(tmp_path, pay_s=0.02, clock=lambda: NOW)
    with Bench(tmp_path, [device], tcp, paced=False) as bench:
        stage = Stage(bench, device)
        yield stage
        for driver in stage.drivers:
            driver.close()


@pytest.fixture
def pos(stage: Stage) -> PosTerminal:
    return stage.driver()


over_both_lines = pytest.mark.parametrize("stage", ["pty", "tcp"], indirect=True)


# ---- the usual ways --------------------------------------------------------------------------------------------------


@over_both_lines
def test_a_card_pays_what_was_asked_and_the_payer_is_told_what_is_waited_for(stage: Stage, pos: PosTerminal) -> None:
    steps: list[Progress] = []

    def on_progress(progress: Progress) -> None:
        steps.append(progress)
        stage.when_shown("insert", {"card": "6225880198765432"})(progress)

    assert pos.sale(KEY, 35000, SOON, on_progress) == Approved(
        KEY, 35000, "35060201", "000001", "112423000001", "622588******5432", NOW
    )
    assert steps == [Progress.PRESENT_CARD, Progress.ENTER_PIN, Progress.ASKING_BANK]
    assert pos.ask(KEY, 35000) == Approved(KEY, 35000, "35060201", "000001", "112423000001", "622588******5432", NOW)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("declined", RefusedBecause.DECLINED),
        ("no_funds", RefusedBecause.NO_FUNDS),
        ("wrong_pin", RefusedBecause.WRONG_PIN),
        ("expired", RefusedBecause.CARD_EXPIRED),
    ],
)
def test_a_refusal_is_told_with_its_reason_and_nothing_is_charged(
    stage: Stage, pos: PosTerminal, word: str, reason: RefusedBecause
) -> None:
    assert pos.sale(KEY, 35000, SOON, stage.when_shown("refuse", word)) == Refused(KEY, reason)
    assert pos.ask(KEY, 35000) == Refused(KEY, reason)
    assert stage.charges() == 0


def test_a_sale_that_is_refused_by_plan_needs_only_a_card(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", {"refuse": "no_funds"})
    assert stage.pay(pos) == Refused(KEY, RefusedBecause.NO_FUNDS)
    assert isinstance(stage.pay(pos, OTHER), Approved)


def test_the_red_key_cancels(stage: Stage, pos: PosTerminal) -> None:
    assert pos.sale(KEY, 1, SOON, stage.when_shown("cancel")) == Refused(KEY, RefusedBecause.CANCELLED)


def test_cancel_on_the_screen_calls_the_sale_off_while_no_card_is_in(stage: Stage, pos: PosTerminal) -> None:
    cancelled = threading.Event()
    result = pos.sale(KEY, 1, SOON, lambda _: cancelled.set(), cancelled)
    assert result == Refused(KEY, RefusedBecause.CANCELLED)
    assert stage.do("shown") is None


def test_a_sale_that_is_cancelled_before_it_begins_is_not_sent(stage: Stage, pos: PosTerminal) -> None:
    cancelled = threading.Event()
    cancelled.set()
    assert pos.sale(KEY, 1, SOON, None, cancelled) == Refused(KEY, RefusedBecause.CANCELLED)
    assert stage.wire.count(Kind.SALE) == 0


def test_cancel_on_the_screen_comes_too_late_once_the_card_is_in(stage: Stage, pos: PosTerminal) -> None:
    stage.do("pay-time", 0.4)
    cancelled = threading.Event()

    def on_progress(progress: Progress) -> None:
        stage.when_shown("insert")(progress)
        if progress is Progress.ENTER_PIN:
            cancelled.set()

    assert isinstance(pos.sale(KEY, 1, SOON, on_progress, cancelled), Approved)
    assert stage.wire.count(Kind.CANCEL) == 1


def test_a_cancel_that_is_lost_on_the_line_is_sent_again(stage: Stage, pos: PosTerminal) -> None:
    cancelled = threading.Event()
    lost: list[bytes] = []

    def lose_the_first(data: bytes) -> bytes:
        if data[2] == Kind.CANCEL and not lost:
            lost.append(data)
            return b"\x00"
        return data

    def on_progress(_: Progress) -> None:
        stage.wire.spoil = lose_the_first
        cancelled.set()

    assert pos.sale(KEY, 1, SOON, on_progress, cancelled) == Refused(KEY, RefusedBecause.CANCELLED)
    assert len(lost) == 1


def test_nobody_with_a_card_in_time_is_no_card(stage: Stage, pos: PosTerminal) -> None:
    assert pos.sale(KEY, 1, 0.2) == Refused(KEY, RefusedBecause.NO_CARD)
    assert stage.do("shown") is None
    assert isinstance(stage.pay(pos, OTHER), Approved)


def test_a_card_that_is_in_when_the_time_is_up_is_unknown_until_it_is_asked_for(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", {"slow": 1.5})
    assert isinstance(stage.pay(pos, timeout=0.2), Unknown)
    assert isinstance(pos.ask(KEY, 35000), Unknown)
    in_the_end(lambda: isinstance(pos.ask(KEY, 35000), Approved))


def test_a_slow_bank_is_waited_for(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", {"slow": 0.8})
    assert isinstance(stage.pay(pos), Approved)


def test_a_bank_that_is_never_done_is_given_up_and_asked_later(stage: Stage) -> None:
    pos = stage.driver(Waits(answer=0.4, beat=0.1, silence=0.5, doubt=9, bank=0.3))
    stage.do("behaviour", {"slow": 1.5})
    assert stage.pay(pos) == Unknown(KEY, "the bank's answer did not come")
    in_the_end(lambda: isinstance(pos.ask(KEY, 35000), Approved))


def test_a_terminal_that_answers_late_is_still_understood(stage: Stage, pos: PosTerminal) -> None:
    stage.do("slow", 0.3)
    assert isinstance(stage.pay(pos), Approved)


def test_heartbeats_go_on_while_a_card_is_waited_for(stage: Stage, pos: PosTerminal) -> None:
    pos.sale(KEY, 1, 0.6)
    assert bytes(stage.wire.sent).count(HEARTBEAT) >= 3


def test_a_sale_that_no_host_waits_for_any_more_is_called_off_by_the_terminal(
    stage: Stage, pos: PosTerminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulation, "HOST_SILENCE_S", 0.3)

    def gone(_: Progress) -> None:
        pos.close()

    assert isinstance(pos.sale(KEY, 1, SOON, gone), Unknown)
    in_the_end(lambda: pos.ask(KEY) == Refused(KEY, RefusedBecause.CANCELLED))


def test_with_auto_the_payer_is_always_there(stage: Stage, pos: PosTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "AUTO_S", 0.1)
    stage.do("auto", "on")
    assert isinstance(pos.sale(KEY, 1, SOON), Approved)
    stage.do("auto", "off")
    assert pos.sale(OTHER, 1, 0.4) == Refused(OTHER, RefusedBecause.NO_CARD)


# ---- never twice -----------------------------------------------------------------------------------------------------


def test_a_second_sale_under_a_key_gets_the_answer_of_the_first(stage: Stage, pos: PosTerminal) -> None:
    first = stage.pay(pos)
    assert stage.driver().sale(KEY, 35000, SOON) == first
    assert stage.charges() == 1


def test_a_key_never_stands_for_another_amount(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    assert isinstance(pos.ask(KEY, 34999), Unknown)
    assert isinstance(pos.sale(KEY, 34999, SOON), Unknown)
    assert stage.charges() == 1


def test_a_refused_key_stays_refused(stage: Stage, pos: PosTerminal) -> None:
    pos.sale(KEY, 1, SOON, stage.when_shown("refuse", "wrong_pin"))
    assert stage.pay(pos, KEY, 1) == Refused(KEY, RefusedBecause.WRONG_PIN)


def test_a_host_that_lost_sight_of_its_sale_finds_it_on_the_screen_again(stage: Stage, pos: PosTerminal) -> None:
    assert isinstance(pos.sale(KEY, 35000, SOON, lambda _: pos.close()), Unknown)
    assert isinstance(stage.pay(stage.driver()), Approved)
    assert stage.charges() == 1


def test_silence_after_approval_is_unknown_and_asking_tells_that_it_was_charged(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "silent_after_approval")
    assert stage.pay(pos) == Unknown(KEY, "the terminal has fallen silent")
    assert isinstance(pos.ask(KEY, 35000), Approved)
    assert stage.charges() == 1


def test_a_sale_of_unknown_end_is_asked_for_and_not_sent_again(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "silent_after_approval")
    stage.pay(pos)
    assert isinstance(stage.pay(pos), Approved)
    assert stage.wire.count(Kind.SALE) == 1
    assert stage.charges() == 1


def test_an_answer_that_is_lost_is_asked_for_within_the_sale(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "lose_answer")
    assert isinstance(stage.pay(pos), Approved)
    assert stage.wire.count(Kind.SALE) == 1
    assert stage.charges() == 1


def test_a_terminal_that_died_before_the_approval_has_no_record_and_never_will(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "die_before_approval")
    assert isinstance(stage.pay(pos), Unknown)
    assert pos.ask(KEY, 35000) == NotFound(KEY)
    # Also where some other program's copy of the order arrives late.
    assert stage.pay(stage.driver()) == Refused(KEY, RefusedBecause.NOT_SENT)
    assert stage.charges() == 0


def test_an_answer_that_comes_twice_is_no_answer_to_the_next_sale(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "answer_twice")
    assert isinstance(stage.pay(pos), Approved)
    assert pos.sale(OTHER, 1, SOON, stage.when_shown("refuse")) == Refused(OTHER, RefusedBecause.DECLINED)
    assert stage.charges() == 1


def test_an_approval_of_another_amount_is_no_approval(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "other_amount")
    assert stage.pay(pos) == Unknown(KEY, "the terminal speaks of another amount")


def test_an_approval_under_another_key_is_passed_over_and_our_own_is_asked_for(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", "other_key")
    result = stage.pay(pos)
    assert isinstance(result, Approved)
    assert result.key == KEY
    assert stage.wire.count(Kind.QUERY) == 1


def test_the_answer_to_the_question_before_is_nobodys_answer(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    stage.do("stale")
    assert isinstance(pos.ask(KEY, 35000), Unknown)
    assert isinstance(pos.ask(OTHER), Unknown)
    assert isinstance(pos.reverse(key(3)), Unknown)
    # A sale looks for its answer, and that pushes it out.
    assert stage.pay(pos, key(4)) == Approved(key(4), 35000, "35060201", "000002", "112423000002", CARD, NOW)
    stage.do("resume")
    assert pos.ask(OTHER) == NotFound(OTHER)
    assert isinstance(pos.ask(KEY, 35000), Approved)


def test_a_terminal_that_shows_another_sale_takes_none(stage: Stage, pos: PosTerminal) -> None:
    pos.sale(KEY, 1, SOON, lambda _: pos.close())
    assert stage.driver().sale(OTHER, 1, SOON) == Refused(OTHER, RefusedBecause.NOT_SENT)


def test_one_transaction_at_a_time(stage: Stage, pos: PosTerminal) -> None:
    meanwhile: list[object] = []

    def from_another_thread() -> None:
        meanwhile.append(pos.sale(OTHER, 1, SOON))
        meanwhile.append(pos.status().device)
        meanwhile.append(type(pos.ask(KEY)))
        stage.do("insert")

    def on_progress(progress: Progress) -> None:
        if progress is Progress.PRESENT_CARD:
            threading.Thread(target=from_another_thread, daemon=True).start()

    assert isinstance(pos.sale(KEY, 1, SOON, on_progress), Approved)
    assert meanwhile == [Refused(OTHER, RefusedBecause.NOT_SENT), DeviceState.DEVICE_BUSY, Unknown]
    with pytest.raises(ValueError, match="hexadecimal"):
        pos.ask("K3-001")


@pytest.mark.parametrize("fen", [0, -1])
def test_nothing_cannot_be_charged(pos: PosTerminal, fen: int) -> None:
    with pytest.raises(ValueError, match="cannot be charged"):
        pos.sale(KEY, fen, SOON)


# ---- giving back -----------------------------------------------------------------------------------------------------


def test_a_sale_is_given_back_once_however_often_it_is_asked(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    assert pos.reverse(KEY) == Reversed(KEY, NOW)
    pos = stage.driver()
    assert pos.reverse(KEY) == Reversed(KEY, NOW)
    assert [entry.kind for entry in pos.journal(TODAY)] == ["sale", "reversal"]
    assert pos.ask(KEY, 35000) == Reversed(KEY, NOW)
    assert pos.sale(KEY, 35000, SOON) == Refused(KEY, RefusedBecause.CANCELLED)
    assert stage.charges() == 1


def test_what_was_never_sold_is_not_found_and_closed(stage: Stage, pos: PosTerminal) -> None:
    assert pos.reverse(KEY) == NotFound(KEY)
    assert stage.pay(pos) == Refused(KEY, RefusedBecause.NOT_SENT)
    assert stage.charges() == 0


def test_what_was_refused_leaves_nothing_to_give_back(stage: Stage, pos: PosTerminal) -> None:
    pos.sale(KEY, 1, SOON, stage.when_shown("refuse"))
    assert pos.reverse(KEY) == NotFound(KEY)
    assert pos.ask(KEY) == Refused(KEY, RefusedBecause.DECLINED)


def test_a_sale_that_still_waits_for_its_card_is_called_off_by_its_reversal(stage: Stage, pos: PosTerminal) -> None:
    pos.sale(KEY, 1, SOON, lambda _: pos.close())
    assert pos.reverse(KEY) == NotFound(KEY)
    assert stage.do("shown") is None


def test_a_sale_at_the_bank_is_not_given_back_before_it_is_known(stage: Stage, pos: PosTerminal) -> None:
    stage.do("behaviour", {"slow": 1.5})
    stage.pay(pos, timeout=0.1)
    assert isinstance(pos.reverse(KEY), Unknown)
    in_the_end(lambda: pos.reverse(KEY) == Reversed(KEY, NOW))


def test_a_bank_that_gives_nothing_back_leaves_it_charged(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    stage.do("no-reversal")
    assert pos.reverse(KEY) == Refused(KEY, RefusedBecause.DECLINED)
    assert isinstance(pos.ask(KEY), Approved)
    stage.do("resume")
    assert pos.reverse(KEY) == Reversed(KEY, NOW)


# ---- the day ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 6, 7, 13])
def test_the_days_journal_is_whole_over_all_its_pages(stage: Stage, pos: PosTerminal, count: int) -> None:
    for number in range(count):
        stage.pay(pos, key(number), 100 + number)
    entries = pos.journal(TODAY)
    assert [(entry.key, entry.kind, entry.fen, entry.at) for entry in entries] == [
        (key(number), "sale", 100 + number, NOW) for number in range(count)
    ]
    totals = pos.totals(TODAY)
    assert (totals.sales, totals.sales_fen) == (count, sum(range(100, 100 + count)))
    assert pos.journal(TODAY + timedelta(days=1)) == []


def test_a_day_that_grows_between_two_pages_is_read_again(stage: Stage, pos: PosTerminal) -> None:
    for number in range(7):
        stage.pay(pos, key(number))
    real = stage.device._page
    added: list[int] = []

    def grows(day: str, page: int) -> dict[str, object]:
        answer = real(day, page)
        if page == 2 and not added:
            added.append(1)
            stage.device.journal.add(simulation.Record(OTHER, "approved", NOW.isoformat(), 5, "", "000099", "1", "c"))
        return answer

    stage.device._page = grows  # type: ignore[method-assign]
    assert len(pos.journal(TODAY)) == 8


def test_a_journal_that_never_adds_up_is_no_journal(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    stage.device._totals = lambda day: {  # type: ignore[method-assign]
        "day": day,
        "sales": 2,
        "sales_fen": 70000,
        "reversals": 0,
        "reversals_fen": 0,
    }
    with pytest.raises(BadAnswer, match="add up"):
        pos.journal(TODAY)


def test_a_journal_over_a_dead_line_is_an_error_and_not_an_empty_day(stage: Stage, pos: PosTerminal) -> None:
    stage.do("hang")
    with pytest.raises(TimedOut):
        pos.journal(TODAY)
    stage.do("unplug")
    with pytest.raises(NotConnected):
        pos.totals(TODAY)


# ---- its state -------------------------------------------------------------------------------------------------------


@over_both_lines
def test_the_technician_sees_the_terminal_in_the_words_of_the_standard(stage: Stage, pos: PosTerminal) -> None:
    status = pos.status()
    assert (status.device, status.media, status.paper) == (DeviceState.ONLINE, MediaState.NOT_PRESENT, None)
    assert status.detail == "terminal 35060201"
    stage.do("behaviour", {"slow": 5})
    stage.pay(pos, timeout=0.1)
    status = pos.status()
    assert (status.device, status.media) == (DeviceState.DEVICE_BUSY, MediaState.PRESENT)


def test_a_terminal_that_is_away_or_silent_is_said_to_be_so_and_comes_back(stage: Stage, pos: PosTerminal) -> None:
    assert pos.status().device is DeviceState.ONLINE
    stage.do("hang")
    assert pos.status().device is DeviceState.OFFLINE
    stage.do("resume")
    assert pos.status().device is DeviceState.ONLINE
    stage.do("unplug")
    assert pos.status().device is DeviceState.NO_DEVICE
    stage.do("replug")
    assert pos.status().device is DeviceState.ONLINE
    pos.close()
    assert look_at_terminal(stage.bench.addresses[NAME]).device is DeviceState.ONLINE


def test_connect_says_why_it_cannot(stage: Stage, pos: PosTerminal, tmp_path: Path) -> None:
    pos.connect()
    stage.do("hang")
    with pytest.raises(TimedOut) as silent:
        pos.connect()
    assert silent.value.completion is Completion.TIME_OUT
    with pytest.raises(DeviceError), PosTerminal(str(tmp_path / "nothing")) as nothing:
        nothing.connect()


# ---- the bench itself ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "argument"),
    [
        ("insert", None),
        ("refuse", "declined"),
        ("cancel", None),
        ("behaviour", "dance"),
        ("behaviour", {"slow": -1}),
        ("behaviour", {"refuse": "bad_mood"}),
        ("behaviour", ["slow", 1]),
        ("auto", "maybe"),
        ("pay-time", "long"),
    ],
)
def test_what_cannot_be_done_to_the_terminal_is_refused(stage: Stage, action: str, argument: object) -> None:
    with pytest.raises(BadAction):
        stage.do(action, argument)


def test_what_is_no_message_is_not_answered(stage: Stage) -> None:
    device = stage.device
    device.feed(bytes.fromhex("55AA010000000001CC33"))
    bad = [b"{}", b"[1]", b"\xff", b'{"key":1}', b'{"key":"%s","fen":-1,"currency":"CNY"}' % KEY.encode()]
    assert [device.feed(simulation._frame(Kind.SALE, 0, 1, data)) for data in bad] == [[]] * len(bad)
    assert device.feed(simulation._frame(0x7F, 0, 1, b"{}")) == []
    assert device.feed(HEARTBEAT) == [Reply(HEARTBEAT)]


_RUN = """
import signal, sys
from pathlib import Path
from drivers.bench.server import Bench
from drivers.bench.terminal import SimulatedTerminal
with Bench(Path(sys.argv[1]), [SimulatedTerminal(Path(sys.argv[1]), pay_s=0.0)], paced=False):
    print("ready", flush=True)
    signal.pause()
"""


def test_an_approved_sale_outlives_the_terminals_sudden_death_and_a_torn_line(tmp_path: Path) -> None:
    from drivers.bench import control

    def run() -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-c", _RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def insert(progress: Progress) -> None:
        if progress is Progress.PRESENT_CARD:
            control.do(tmp_path, NAME, "insert")

    pos = PosTerminal(str(tmp_path / NAME), waits=BRIEF)
    with run() as process:
        approved = pos.sale(KEY, 35000, SOON, insert)
        assert isinstance(approved, Approved)
        process.send_signal(signal.SIGKILL)
        process.wait(SOON)
    file = tmp_path / f"{NAME}-journal.jsonl"
    line = json.loads(file.read_text())
    assert (line["key"], line["outcome"], line["fen"]) == (KEY, "approved", 35000)
    with file.open("a") as torn:
        torn.write('{"key": "' + OTHER)
    with run() as process:
        assert pos.ask(KEY, 35000) == approved
        assert pos.ask(OTHER) == NotFound(OTHER)
        pos.close()
        process.kill()
    assert [json.loads(line)["outcome"] for line in file.read_text().splitlines()] == ["approved", "closed"]


def test_the_journal_belongs_to_the_day_of_the_terminals_own_calendar(stage: Stage, pos: PosTerminal) -> None:
    stage.pay(pos)
    assert len(pos.journal(date(2026, 11, 24))) == 1
    assert pos.journal(date(2026, 11, 25)) == []
