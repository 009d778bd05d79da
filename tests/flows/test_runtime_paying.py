"""Charges of a kiosk: over a real line to the simulated terminal, whatever falls silent, breaks or is started anew."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from demo.processes import wait_until
from drivers.bench.server import Bench
from drivers.bench.terminal import SimulatedTerminal
from drivers.contract import DeviceState, DeviceStatus
from drivers.pos.terminal import PosTerminal, Waits
from kiosk.domain.filing import PaymentRequest, PaymentView
from kiosk.runtime import paying
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.paying import PosDesk
from kiosk.session.effects import ChargeCard
from kiosk.session.events import ChargeEnded, ChargeProgress, ChargeUnknown, DeviceChanged
from kiosk.session.state import DeviceName
from kiosk.store.store import Store
from tests.unit.test_store import KEY
from tests.unit.test_store_taxes import FILING, REF, facts, told

CLOCK = SystemClock()
FEN = 371000
VISIT = 7
BRIEF = Waits(answer=0.4, beat=0.1, silence=0.5, first_sign=0.25, doubt=0.3, bank=2.0, cancel=0.5)
SOON = 15.0


class Terminal:
    """The simulated terminal on its line, with a payer's hands."""

    def __init__(self, folder: Path) -> None:
        self.bench = Bench(folder, [SimulatedTerminal(folder, pay_s=0.02)], {}, paced=False)

    @property
    def address(self) -> str:
        return self.bench.addresses["pos"]

    def do(self, action: str, argument: object = None) -> Any:
        return self.bench.do("pos", action, argument)

    def journal(self, key: str) -> list[str]:
        return [record["outcome"] for record in self.do("journal") if record["key"] == key]

    def charges(self) -> int:
        """How often money was taken, under whatever key."""
        return sum(record["outcome"] == "approved" for record in self.do("journal"))


class Kiosk:
    """Store, inbox and the desk under trial; started anew as after a power cut by ``restarted``."""

    def __init__(self, terminal: Terminal, path: Path) -> None:
        self.terminal, self.path = terminal, path
        self.devices: list[DeviceState] = []
        self.open()

    def open(self) -> None:
        self.store = Store(self.path, KEY)
        self.store.recover(CLOCK.now())
        self.store.recover_taxes(CLOCK.now())
        self.inbox = Inbox()
        self.driver = PosTerminal(self.terminal.address, waits=BRIEF)
        self.desk = PosDesk(self.driver, self.store, self.inbox, CLOCK, self._note, charge_s=10)
        self.desk.worker.start()

    def _note(self, name: DeviceName, status: DeviceStatus) -> None:
        assert name is DeviceName.POS
        self.devices.append(status.device)

    def close(self) -> None:
        self.desk.close()
        assert self.desk.worker.stop(5)
        self.store.close()

    def restarted(self) -> None:
        self.close()
        self.open()

    def held(self, key: str = "a" * 32) -> str:
        self.store.payments.record(PaymentRequest(key, [FILING], FEN, REF, CLOCK.now()))
        assert self.store.payments.held(key)
        return key

    def charge(self, key: str) -> None:
        self.desk.perform(ChargeCard(VISIT, key, FEN))

    def hears(self, kind: type[Any], seconds: float = SOON) -> Any:
        """The next event of this kind."""
        deadline = time.monotonic() + seconds
        while (event := self.inbox.take(max(0.0, deadline - time.monotonic()))) is not None:
            if isinstance(event, kind):
                return event
        raise AssertionError(f"{kind.__name__} did not come")

    def pays(self, key: str) -> Any:
        self.charge(key)
        self.hears(ChargeProgress)
        self.terminal.do("insert")
        return self.hears(ChargeEnded)

    def state(self, key: str) -> str:
        payment = self.store.payments.get(key)
        assert payment is not None
        return payment.state


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paying, "TICK_S", 0.05)
    monkeypatch.setattr(paying, "FIRST_ASK_S", 0.1)
    monkeypatch.setattr(paying, "LOOK_EVERY_S", 0.2)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    with terminal.bench:
        yield terminal


@pytest.fixture
def kiosk(terminal: Terminal, tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(terminal, tmp_path / "kiosk.sqlite")
    yield kiosk
    kiosk.close()


def test_a_charge_is_durable_with_its_fact_before_the_visit_hears_of_it(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    ended = kiosk.pays(key)
    assert (ended.visit, ended.key, ended.result.outcome) == (VISIT, key, "approved")
    assert kiosk.state(key) == "approved"
    (fact,) = facts(kiosk.store)
    assert (fact.key, fact.result) == (key, ended.result)
    assert fact.result.charge.amount == FEN
    assert terminal.charges() == 1


def test_the_payer_sees_what_is_waited_for_and_may_go_until_a_card_is_in(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    first = kiosk.hears(ChargeProgress)
    terminal.do("insert")
    second = kiosk.hears(ChargeProgress)
    assert (first.progress, first.can_cancel) == ("present_card", True)
    assert (second.progress, second.can_cancel) == ("enter_pin", False)


def test_the_terminal_is_not_told_before_the_intent_is_durable(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    assert terminal.do("shown")["key"] == key
    assert kiosk.state(key) == "charging"


def test_what_the_hall_does_not_hold_is_not_charged(kiosk: Kiosk, terminal: Terminal) -> None:
    key = "b" * 32
    kiosk.store.payments.record(PaymentRequest(key, [FILING], FEN, REF, CLOCK.now()))
    kiosk.charge(key)
    ended = kiosk.hears(ChargeEnded)
    assert (ended.result.outcome, ended.reason) == ("refused", "not_sent")
    assert terminal.do("shown") is None


def test_what_cannot_be_stored_is_not_charged(
    kiosk: Kiosk, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kiosk.store.database import StoreFailed

    def full_disk(*_: object) -> bool:
        raise StoreFailed("database or disk is full")

    key = kiosk.held()
    monkeypatch.setattr(kiosk.store.payments, "charging", full_disk)
    kiosk.charge(key)
    assert kiosk.hears(ChargeEnded).reason == "not_sent"
    assert terminal.do("shown") is None


def test_a_key_is_charged_once_however_often_it_is_asked_for(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    first = kiosk.pays(key)
    kiosk.charge(key)
    again = kiosk.hears(ChargeEnded)
    assert again.result == first.result
    assert terminal.charges() == 1


@pytest.mark.parametrize(
    ("reason", "word"), [("no_funds", "no_funds"), ("declined", "declined"), ("wrong_pin", "wrong_pin")]
)
def test_a_refused_card_is_told_with_its_reason_and_nothing_is_owed(
    kiosk: Kiosk, terminal: Terminal, reason: str, word: str
) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    terminal.do("refuse", reason)
    ended = kiosk.hears(ChargeEnded)
    assert (ended.result.outcome, ended.reason) == ("refused", word)
    assert told(kiosk.store) == ["refused"]


def test_a_payer_who_changes_his_mind_is_not_charged(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    kiosk.desk.cancel(key)
    assert kiosk.hears(ChargeEnded).reason == "cancelled"
    assert terminal.do("shown") is None
    kiosk.desk.cancel("f" * 32)


@pytest.mark.parametrize("bad_day", ["silent_after_approval", "lose_answer", "other_amount", "other_key"])
def test_a_charge_of_unknown_end_is_asked_for_and_never_repeated(
    kiosk: Kiosk, terminal: Terminal, bad_day: str
) -> None:
    key = kiosk.held()
    terminal.do("behaviour", bad_day)
    ended = kiosk.pays(key)
    assert ended.result.outcome == "approved"
    assert ended.result.charge.amount == FEN
    assert terminal.charges() == 1
    assert told(kiosk.store)[-1] == "approved"


def test_a_pulled_cable_leaves_the_charge_in_doubt_and_the_hall_is_told(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    terminal.do("insert")
    terminal.do("unplug")
    unknown = kiosk.hears(ChargeUnknown)
    assert (unknown.visit, unknown.key) == (VISIT, key)
    assert told(kiosk.store) == ["charge in doubt"]
    assert kiosk.state(key) == "unknown"
    terminal.do("replug")
    ended = kiosk.hears(ChargeEnded)
    assert ended.result.outcome == "approved"
    assert told(kiosk.store) == ["charge in doubt", "approved"]


def test_a_terminal_that_knows_nothing_of_a_key_has_charged_nothing(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    terminal.do("behaviour", "die_before_approval")
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    terminal.do("insert")
    ended = kiosk.hears(ChargeEnded)
    assert ended.result.outcome == "refused"
    assert terminal.charges() == 0
    assert told(kiosk.store)[-1] == "refused"


def test_an_unknown_charge_is_settled_after_a_restart_without_a_visit(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    terminal.do("insert")
    terminal.do("unplug")
    kiosk.hears(ChargeUnknown)
    kiosk.restarted()
    terminal.do("replug")
    wait_until(lambda: kiosk.state(key) == "approved", SOON, "the terminal has said it")
    assert told(kiosk.store) == ["charge in doubt", "approved"]
    assert terminal.charges() == 1


def test_power_lost_in_mid_charge_is_asked_about_not_charged_anew(kiosk: Kiosk, terminal: Terminal) -> None:
    """As if the kiosk had died between the terminal's approval and our commit."""
    key = kiosk.held()
    kiosk.close()
    before_the_cut = Store(kiosk.path, KEY)
    assert before_the_cut.payments.charging(key, FEN)
    before_the_cut.close()
    with PosTerminal(terminal.address, waits=BRIEF) as before:
        before.sale(key, FEN, 5, lambda step: terminal.do("insert") if step.value == "present_card" else None)
    kiosk.open()
    wait_until(lambda: kiosk.state(key) == "approved", SOON, "it is known")
    assert told(kiosk.store) == ["charge in doubt", "approved"]
    assert terminal.charges() == 1


def test_power_lost_before_the_terminal_heard_of_it_ends_uncharged(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    assert kiosk.store.payments.charging(key, FEN)
    kiosk.restarted()
    wait_until(lambda: kiosk.state(key) == "refused", SOON, "the terminal knows nothing of it")
    assert told(kiosk.store) == ["charge in doubt", "refused"]


@pytest.mark.parametrize(
    ("at_the_terminal", "outcome"), [(("insert",), "approved"), (("refuse", "declined"), "refused")]
)
def test_an_end_that_cannot_be_stored_is_not_told_and_is_asked_for_again(
    kiosk: Kiosk, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, at_the_terminal: tuple[str, ...], outcome: str
) -> None:
    from kiosk.store.database import StoreFailed

    real = kiosk.store.payments.ended
    fails = [True, True]

    def full_disk(*words: Any) -> bool:
        if fails:
            fails.pop()
            raise StoreFailed("database or disk is full")
        return real(*words)

    monkeypatch.setattr(kiosk.store.payments, "ended", full_disk)
    key = kiosk.held()
    kiosk.charge(key)
    kiosk.hears(ChargeProgress)
    terminal.do(*at_the_terminal)
    kiosk.hears(ChargeUnknown)
    assert kiosk.hears(ChargeEnded).result.outcome == outcome
    assert terminal.charges() == (1 if outcome == "approved" else 0)


def test_what_the_hall_wants_given_back_is_given_back_once(kiosk: Kiosk, terminal: Terminal) -> None:
    """The mark may come from the agent, which is another process: the desk finds it in the store."""
    key = kiosk.held()
    charge = kiosk.pays(key).result.charge
    agent = Store(kiosk.path, KEY)
    agent.payments.hall_says(PaymentView(key, "to_reverse", FEN, [], [FILING]))
    agent.close()
    wait_until(lambda: kiosk.state(key) == "reversed", SOON, "the money is back")
    assert told(kiosk.store) == ["approved", "reversed"]
    assert facts(kiosk.store)[-1].result.charge == charge
    assert terminal.journal(key)[-1] == "reversed"
    time.sleep(0.3)
    assert told(kiosk.store) == ["approved", "reversed"]


def test_giving_back_goes_on_after_silence_and_a_restart(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.pays(key)
    terminal.do("unplug")
    kiosk.store.payments.hall_says(PaymentView(key, "to_reverse", FEN, [], [FILING]))
    time.sleep(0.5)
    assert kiosk.state(key) == "to_reverse"
    kiosk.restarted()
    terminal.do("replug")
    wait_until(lambda: kiosk.state(key) == "reversed", SOON, "the money is back")
    assert told(kiosk.store) == ["approved", "reversed"]


def test_a_bank_that_gives_nothing_back_leaves_it_to_be_done(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.pays(key)
    terminal.do("no-reversal")
    kiosk.store.payments.hall_says(PaymentView(key, "to_reverse", FEN, [], [FILING]))
    time.sleep(0.5)
    assert kiosk.state(key) == "to_reverse"
    assert told(kiosk.store) == ["approved"]


def test_a_terminal_that_is_pulled_is_said_and_one_put_back_as_well(kiosk: Kiosk, terminal: Terminal) -> None:
    assert kiosk.hears(DeviceChanged).view.works
    terminal.do("unplug")
    assert not kiosk.hears(DeviceChanged).view.works
    terminal.do("replug")
    assert kiosk.hears(DeviceChanged).view.works
    assert DeviceState.ONLINE in kiosk.devices


def test_the_next_payer_pays_while_an_earlier_charge_is_still_in_doubt(kiosk: Kiosk, terminal: Terminal) -> None:
    doubtful = kiosk.held()
    terminal.do("behaviour", "other_amount")
    assert kiosk.store.payments.charging(doubtful, FEN)
    assert kiosk.pays(kiosk.held("c" * 32)).result.outcome == "approved"
    wait_until(lambda: kiosk.state(doubtful) == "refused", SOON, "the first one is settled as well")


def test_the_terminal_s_own_count_of_the_day_is_kept_for_the_hall(kiosk: Kiosk, terminal: Terminal) -> None:
    key = kiosk.held()
    kiosk.pays(key)
    kiosk.restarted()
    days = wait_until(
        lambda: (
            (found := kiosk.store.payments.terminal_days_to_send())
            and len(found) == 2
            and any(day.entries for day in found)
            and found
        ),
        SOON,
        "today and yesterday are read",
    )
    yesterday, today = days
    assert (yesterday.entries, today.terminal) == ([], "35060201")
    assert [(entry.key, entry.kind, entry.fen) for entry in today.entries] == [(key, "sale", FEN)]
    assert kiosk.store.payments.complete_terminal_days() == {yesterday.day.isoformat()}
    assert msgspec.json.decode(msgspec.json.encode(today), type=type(today)) == today
