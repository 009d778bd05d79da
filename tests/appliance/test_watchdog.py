"""The service manager hears that the kiosk lives only while session and window both move."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.domain.catalogue import Catalogue
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.loop import Runtime
from kiosk.runtime.watchdog import Pulse, ServiceManager, Watchdog
from kiosk.session.effects import Effect
from kiosk.session.rules import Rules
from kiosk.session.state import Shown

WITHIN_S = 0.4


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address: str) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind("\0" + address[1:] if address.startswith("@") else address)
        self.environment = {
            "NOTIFY_SOCKET": address,
            "WATCHDOG_USEC": str(int(WITHIN_S * 1e6)),
            "WATCHDOG_PID": str(os.getpid()),
        }

    def hears(self, seconds: float) -> list[str]:
        """Everything said within this time."""
        said: list[str] = []
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.line.settimeout(left)
            try:
                said += self.line.recv(4096).decode().split("\n")
            except TimeoutError:
                break
        return said


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    manager = Systemd(str(tmp_path / "notify"))
    yield manager
    manager.line.close()


def beats(pulse: Pulse, hangs: threading.Event) -> threading.Thread:
    """A loop that goes round every few milliseconds, until it hangs."""

    def go_round() -> None:
        while not hangs.wait(0.01):
            pulse.beat()

    thread = threading.Thread(target=go_round, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("stuck", ["session", "window"])
def test_a_loop_that_stands_still_ends_the_signs_of_life(systemd: Systemd, stuck: str) -> None:
    pulses = {name: Pulse(name) for name in ("session", "window")}
    hang = {name: threading.Event() for name in pulses}
    for name, pulse in pulses.items():
        beats(pulse, hang[name])
    watchdog = Watchdog(ServiceManager(systemd.environment), *pulses.values())
    watchdog.start()
    try:
        assert systemd.hears(3 * WITHIN_S).count("WATCHDOG=1") >= 2
        hang[stuck].set()
        systemd.hears(WITHIN_S)  # What was under way.
        assert "WATCHDOG=1" not in systemd.hears(3 * WITHIN_S)
    finally:
        watchdog.stop()
        for event in hang.values():
            event.set()


def test_the_session_loop_beats_while_nothing_happens_and_not_while_a_step_hangs(services: Catalogue) -> None:
    """The real loop, with an effect that does not come back: the worst defect that a step can have."""
    hangs, entered = threading.Event(), threading.Event()

    def perform(effect: Effect) -> None:
        entered.set()
        hangs.wait(20)

    def show(shown: Shown) -> None:
        pass

    inbox = Inbox()
    runtime = Runtime(Rules(services), inbox, SystemClock(), perform, show)
    thread = threading.Thread(target=runtime.run, daemon=True)
    thread.start()
    try:
        assert entered.wait(10)
        time.sleep(0.2)
        before = runtime.pulse.count
        time.sleep(1.5)
        assert runtime.pulse.count == before, "a loop inside an effect counts as moving"
        hangs.set()
        time.sleep(2.5)
        assert runtime.pulse.count > before + 1
    finally:
        hangs.set()
        runtime.stop()
        thread.join(5)


def test_readiness_status_and_end_are_told_in_systemds_words(systemd: Systemd) -> None:
    manager = ServiceManager(systemd.environment)
    manager.ready("serving")
    manager.status("no hall")
    manager.stopping()
    assert systemd.hears(0.2) == ["READY=1", "STATUS=serving", "STATUS=no hall", "STOPPING=1"]


def test_an_abstract_address_is_reached() -> None:
    manager = Systemd(f"@taxkiosk-{os.getpid()}")
    try:
        ServiceManager(manager.environment).ready()
        assert manager.hears(0.2) == ["READY=1"]
    finally:
        manager.line.close()


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"WATCHDOG_USEC": "100000"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "no number"},
        {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"},
    ],
)
def test_without_a_service_manager_nothing_is_watched_and_nothing_fails(given: dict[str, str]) -> None:
    manager = ServiceManager(given)
    assert manager.watchdog_s == 0
    manager.ready("serving")
    watchdog = Watchdog(manager, Pulse("session"))
    watchdog.start()
    watchdog.stop()
