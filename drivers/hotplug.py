"""Devices that come and go, as udev tells it: who waits for one looks at once instead of at its next turn.

The kernel says that a device is there, udev a moment later that its lasting name is (``/dev/taxkiosk/…``); both are
heard, on a netlink socket, without a library. An event is a reason to look and nothing more: it carries no trust, and
where none can be heard, everybody's own looks find the device a second or two later.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

#: From <linux/netlink.h> and udev: the family, the kernel's own group and udev's.
_KOBJECT_UEVENT = 15
_GROUPS = 1 | 2
_UDEV_MAGIC = 0xFEEDCAFE
_UDEV_HEAD = struct.Struct(">8s I")
_LONGEST = 65536
#: Behind pcscd a reader has no name of its own: whatever comes or goes on the bus may be it.
_USB = "/dev/bus/usb/"
#: A cable that is put in makes a dozen events within milliseconds: they are told together.
GATHER_S = 0.05


@dataclass(frozen=True)
class HotplugEvent:
    """``names``: every path that the device has in /dev, its lasting ones among them."""

    action: str
    names: frozenset[str]


def parse(data: bytes) -> HotplugEvent | None:
    """One netlink message of the kernel's or of udev's; None for any other, and for devices without a node."""
    if data.startswith(b"libudev\0"):
        # Head: magic (big-endian), then in the machine's order its own size, where the properties begin, how many.
        if len(data) < 24 or _UDEV_HEAD.unpack_from(data)[1] != _UDEV_MAGIC:
            return None
        begin, length = struct.unpack_from("=II", data, 16)
        said = data[begin : begin + length]
    else:
        said = data.partition(b"\0")[2]
    words = (word.partition("=") for word in said.decode("utf-8", "replace").split("\0"))
    properties = {name: value for name, is_property, value in words if is_property}
    node = properties.get("DEVNAME", "")
    if not node or "ACTION" not in properties:
        return None
    names = {node if node.startswith("/") else f"/dev/{node}", *properties.get("DEVLINKS", "").split()}
    return HotplugEvent(properties["ACTION"], frozenset(names))


class Hotplug:
    """``wake`` by the URL a driver was given: called, in the watch's own thread, when that device came or went."""

    def __init__(self, wake: dict[str, Callable[[], None]]) -> None:
        self._wake = wake
        self._nodes = {url: os.path.realpath(url) for url in wake}
        self._ended = threading.Event()
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name="hotplug", daemon=True)

    def start(self) -> None:
        """Raises OSError where nobody may listen: a sandbox without AF_NETLINK."""
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _KOBJECT_UEVENT)
        self._socket.bind((0, _GROUPS))
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        if self._socket is not None:
            self._socket.close()

    def hear(self, events: list[HotplugEvent | None]) -> None:
        """Wake whom these concern. Where some were lost (None), everybody."""
        lost = None in events
        names = {name for event in events if event is not None for name in event.names}
        for url, wake in self._wake.items():
            node = os.path.realpath(url)
            # A lasting name points elsewhere, or nowhere, once its device has gone: the last node counts too.
            behind_usb = url.startswith("pcsc://") and any(name.startswith(_USB) for name in names)
            if lost or behind_usb or names & {url, node, self._nodes[url]}:
                self._nodes[url] = node
                wake()

    def _run(self) -> None:
        while not self._ended.is_set():
            if events := self._gather():
                self.hear(events)

    def _gather(self) -> list[HotplugEvent | None]:
        """The first events that concern a device, and what follows within a moment."""
        events = self._next(0.5)
        # Whoever floods the line does not keep us here.
        while events and len(events) < 200 and (more := self._next(GATHER_S)):
            events += more
        return events

    def _next(self, timeout: float) -> list[HotplugEvent | None]:
        if self._socket is None:
            return []
        self._socket.settimeout(timeout)
        try:
            data = self._socket.recv(_LONGEST)
        except TimeoutError:
            return []
        except OSError:
            # ENOBUFS: more came than fitted.
            return [None]
        event = parse(data)
        return [] if event is None else [event]
