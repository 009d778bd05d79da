"""Devices that are plugged in again: looked at as soon as udev says so, and the home page follows."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drivers.bench import control
from drivers.hotplug import Hotplug, HotplugEvent, parse
from kiosk.runtime import card_watch, paying, printing
from kiosk.session.state import Situation
from tests.flows.test_appliance import Hall, Kiosk

DEVICES = ("id_card", "ticket_printer", "receipt_printer", "pos")
KERNEL = b"add@/devices/usb1/ttyUSB0\0ACTION=add\0DEVPATH=/devices/usb1/ttyUSB0\0SUBSYSTEM=tty\0DEVNAME=ttyUSB0\0"


def said_by_udev(action: str, node: str, links: str) -> bytes:
    """As udevd tells its listeners (libudev's monitor header, then the properties)."""
    properties = f"ACTION={action}\0DEVNAME={node}\0DEVLINKS={links}\0SUBSYSTEM=tty\0".encode()
    head = struct.pack("=7I", 40, 40, len(properties), 0, 0, 0, 0)
    return b"libudev\0" + struct.pack(">I", 0xFEEDCAFE) + head + properties


def test_the_kernel_names_the_node() -> None:
    assert parse(KERNEL) == HotplugEvent("add", frozenset({"/dev/ttyUSB0"}))


def test_udev_names_the_lasting_names_too() -> None:
    data = said_by_udev("remove", "/dev/ttyUSB0", "/dev/taxkiosk/id-card /dev/serial/by-path/x")
    names = {"/dev/ttyUSB0", "/dev/taxkiosk/id-card", "/dev/serial/by-path/x"}
    assert parse(data) == HotplugEvent("remove", frozenset(names))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"libudev\0",
        b"libudev\0" + bytes(40),
        b"libudev\0\xfe\xed\xca\xfe" + b"\xff" * 60,
        b"\xff" * 50,
        b"add@/x\0ACTION=add\0",
    ],
)
def test_what_names_no_device_is_passed_over(data: bytes) -> None:
    assert parse(data) is None


def test_every_beginning_of_a_message_is_an_event_or_nothing() -> None:
    for whole in (KERNEL, said_by_udev("add", "/dev/ttyUSB0", "/dev/taxkiosk/pos")):
        for at in range(len(whole)):
            heard = parse(whole[:at])
            assert heard is None or isinstance(heard, HotplugEvent)


def test_only_who_waits_for_the_device_is_woken(tmp_path: Path) -> None:
    woken: list[str] = []
    node = tmp_path / "ttyUSB0"
    node.touch()
    name = tmp_path / "id-card"
    name.symlink_to(node)
    watch = Hotplug({str(name): lambda: woken.append("reader"), "/dev/usb/lp0": lambda: woken.append("printer")})
    watch.hear([HotplugEvent("add", frozenset({str(node)}))])
    assert woken == ["reader"]
    # Pulled out, the lasting name has gone with it.
    name.unlink()
    watch.hear([HotplugEvent("remove", frozenset({str(node)}))])
    assert woken == ["reader", "reader"]
    watch.hear([None])
    assert woken[2:] == ["reader", "printer"]


@pytest.mark.skipif(not os.access("/sys/class/mem/null/uevent", os.W_OK), reason="only root makes the kernel speak")
def test_whatever_comes_on_the_bus_may_be_the_technicians_reader() -> None:
    woken: list[str] = []
    hotplug = Hotplug({"pcsc://": lambda: woken.append("slot")})
    hotplug.hear([HotplugEvent("add", frozenset({"/dev/ttyUSB0"}))])
    assert woken == []
    hotplug.hear([HotplugEvent("add", frozenset({"/dev/bus/usb/001/007"}))])
    assert woken == ["slot"]


def test_an_event_of_the_kernel_s_own_wakes_within_a_moment() -> None:
    woken = threading.Event()
    watch = Hotplug({"/dev/null": woken.set})
    watch.start()
    try:
        Path("/sys/class/mem/null/uevent").write_text("change")
        assert woken.wait(2.0)
    finally:
        watch.stop()


# ---- the kiosk -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    hall = Hall(tmp_path_factory.mktemp("hall"))
    yield hall
    hall.close()


def udev_says(action: str, link: Path) -> None:
    """What udevd would say of the device behind a name, to the same listeners."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15) as udev:
        udev.sendto(said_by_udev(action, os.path.realpath(link), str(link)), (0, 2))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may speak as udev does")
@pytest.mark.parametrize(
    ("device", "can"),
    [
        ("id-card", lambda situation: situation.can_read_cards),
        ("ticket-printer", lambda situation: situation.can_print_tickets),
        ("pos", lambda situation: situation.can_pay),
    ],
)
def test_a_device_that_is_plugged_in_again_is_used_at_once_and_the_home_page_follows(
    hall: Hall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, can: Callable[[Situation], bool]
) -> None:
    """Nobody looks by himself for a minute: only the event can bring it back."""
    for module in (card_watch, printing, paying):
        monkeypatch.setattr(module, "LOOK_EVERY_S", 60.0)
    monkeypatch.setattr(card_watch, "REOPEN_EVERY_S", 60.0)
    link = hall.bench / device
    kiosk = Kiosk(hall, tmp_path, "".join(f'{name} = "{hall.bench / name.replace("_", "-")}"\n' for name in DEVICES))

    def works(there: bool) -> None:
        kiosk.waits(lambda session: can(session.situation) is there, 5.0)

    try:
        works(True)
        time.sleep(0.5)
        for _ in range(2):
            control.do(hall.bench, device, "unplug")
            udev_says("remove", link)
            works(False)
            control.do(hall.bench, device, "replug")
            udev_says("add", link)
            works(True)
    finally:
        if not link.exists():
            control.do(hall.bench, device, "replug")
        kiosk.close()
