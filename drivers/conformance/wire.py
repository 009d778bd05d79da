"""A wire between a driver and a simulated device that spoils one byte, or all, in every way a wire can.

Bytes are counted from the moment a fault is armed, over everything that is said in that direction, so that one number
names a place in a whole conversation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from drivers.bench.device import Action, Device, Reply
from drivers.bench.line import End, Line


class Kind(StrEnum):
    """What befalls an answer; with ``asked`` before it, a question."""

    SPLIT = "split"
    TRICKLE = "trickle"
    DOUBLED = "doubled"
    LATE = "late"
    PREVIOUS = "previous"
    LOST = "lost"
    DROPPED = "dropped"
    INSERTED = "inserted"
    GARBLED = "garbled"
    SILENT = "silent"
    UNPLUG = "unplug"
    ASKED_DROPPED = "asked-dropped"
    ASKED_GARBLED = "asked-garbled"
    ASKED_UNPLUG = "asked-unplug"


#: What is said of one in the list of cases.
SAYS = {
    Kind.SPLIT: "split after any byte",
    Kind.TRICKLE: "that come byte by byte",
    Kind.DOUBLED: "that come twice, joined in one piece",
    Kind.LATE: "of which any one comes only when nobody waits for it any more",
    Kind.PREVIOUS: "that are each the one to the question before",
    Kind.LOST: "that break off after any byte",
    Kind.DROPPED: "that lack any one byte",
    Kind.INSERTED: "with a wrong byte more at any place",
    Kind.GARBLED: "with any one byte wrong",
    Kind.SILENT: "that cease for good after any byte",
    Kind.UNPLUG: "over a cable pulled between any two bytes of them",
    Kind.ASKED_DROPPED: "to questions that arrive without any one byte",
    Kind.ASKED_GARBLED: "to questions of which any one byte arrives wrong",
    Kind.ASKED_UNPLUG: "over a cable pulled between any two bytes of a question",
}

#: A wire that only delays: everything has arrived in the end, whole.
HARMLESS = frozenset((Kind.SPLIT, Kind.TRICKLE, Kind.DOUBLED))
ASKED = frozenset((Kind.ASKED_DROPPED, Kind.ASKED_GARBLED, Kind.ASKED_UNPLUG))
#: Counted in answers, not in bytes.
BY_ANSWER = frozenset((Kind.LATE,))
#: The same for every place: one trial.
EVERYWHERE = frozenset((Kind.TRICKLE, Kind.DOUBLED, Kind.PREVIOUS))
UNPLUGS = frozenset((Kind.UNPLUG, Kind.ASKED_UNPLUG))

#: Between two halves of an answer: enough for the host to take the first alone.
_GAP_S = 0.0015
_BYTE_S = 0.0001


@dataclass(frozen=True)
class Fault:
    kind: Kind
    at: int = 0
    late_s: float = 0.0
    """For LATE: longer than the driver waits."""


@dataclass
class Count:
    """What has passed since the fault was armed."""

    asked: int = 0
    answered: int = 0
    answers: int = 0


class SpoiltWire:
    """A simulated device on a line of its own. ``do`` does things to it, ``arm`` spoils what is said from now on."""

    def __init__(self, device: Device, end: End, paced: bool = False) -> None:
        self._device = _SpoiltDevice(device, self._pull)
        self._end = _CountingEnd(end, self._device, self._pull)
        self._line = Line(self._device, self._end, paced)
        self._line.start()
        self._plugged = True

    @property
    def address(self) -> str:
        return self._line.address

    @property
    def passed(self) -> Count:
        return self._device.count

    @property
    def fired(self) -> bool:
        """The fault has happened."""
        return self._device.fired

    def do(self, action: str, argument: object = None) -> object:
        """Raises BadAction."""
        if action == "unplug":
            self._plugged = False
        elif action == "replug":
            self._plugged = True
        return self._line.act(action, argument)

    def put(self, data: bytes) -> None:
        """Bytes that no device said."""
        self._end.send_raw(data)

    def arm(self, fault: Fault | None) -> None:
        self._device.arm(fault)

    def heal(self) -> None:
        """Everything that befell the wire is over; the cable is in again."""
        self.arm(None)
        self._line.act("resume")
        if not self._plugged:
            self.do("replug")

    def stop(self) -> None:
        self._line.stop()

    def _pull(self) -> None:
        """In the line's own thread, which has the lock."""
        self._plugged = False
        self._line.actions()["unplug"](None)


class _SpoiltDevice(Device):
    """The device, with its answers and its questions spoilt."""

    def __init__(self, device: Device, pull: Callable[[], None]) -> None:
        self._inner = device
        self._pull = pull
        self.name = device.name
        self.arm(None)
        self._free_at = 0.0

    def arm(self, fault: Fault | None) -> None:
        self.count = Count()
        self.fault = fault
        self.fired = False
        self._held: bytes | None = None

    # ---- as the inner one

    @property
    def baudrate(self) -> int | None:  # type: ignore[override]  # The inner one's, which may change it
        return self._inner.baudrate

    @property
    def takes_input(self) -> bool:
        return self._inner.takes_input

    def due(self) -> float | None:
        return self._inner.due()

    def actions(self) -> Mapping[str, Action]:
        return self._inner.actions()

    def resume(self) -> None:
        self._inner.resume()

    def power_on(self) -> None:
        self._inner.power_on()

    # ---- spoilt

    def feed(self, data: bytes) -> list[Reply]:
        fault = self.fault
        before, self.count.asked = self.count.asked, self.count.asked + len(data)
        if fault is not None and fault.kind in ASKED and before <= fault.at < self.count.asked and not self.fired:
            self.fired = True
            k = fault.at - before
            match fault.kind:
                case Kind.ASKED_DROPPED:
                    data = data[:k] + data[k + 1 :]
                case Kind.ASKED_GARBLED:
                    data = data[:k] + bytes((data[k] ^ _wrong(k),)) + data[k + 1 :]
                case Kind.ASKED_UNPLUG:
                    self._inner.feed(data[:k])
                    self._pull()
                    return []
        return [spoilt for reply in self._inner.feed(data) if reply.data for spoilt in self._spoil(reply)]

    def _spoil(self, reply: Reply) -> list[Reply]:
        fault, count, data = self.fault, self.count, reply.data
        first, count.answered = count.answered, count.answered + len(data)
        count.answers += 1
        if fault is None:
            return [reply]
        k = fault.at - first
        here = 0 <= k < len(data)
        match fault.kind:
            case Kind.TRICKLE:
                self.fired = True
                now = time.monotonic()
                # A wire carries one byte after the other, also of two answers.
                self._free_at = max(self._free_at, now + reply.after)
                wait, self._free_at = self._free_at - now, self._free_at + len(data) * _BYTE_S
                return [Reply(data[n : n + 1], wait + n * _BYTE_S) for n in range(len(data))]
            case Kind.DOUBLED:
                self.fired = True
                return [Reply(data + data, reply.after)]
            case Kind.LATE if count.answers == fault.at + 1:
                self.fired = True
                return [Reply(data, reply.after + fault.late_s)]
            case Kind.PREVIOUS:
                self.fired = True
                said, self._held = self._held, data
                return [] if said is None else [Reply(said, reply.after)]
            case Kind.SILENT if self.fired:
                return []
            case Kind.SILENT if here:
                self.fired = True
                return [Reply(data[:k], reply.after)]
            case Kind.SPLIT if here:
                self.fired = True
                return [Reply(data[:k], reply.after), Reply(data[k:], reply.after + _GAP_S)]
            case Kind.LOST if here:
                self.fired = True
                return [Reply(data[:k], reply.after)]
            case Kind.DROPPED if here:
                self.fired = True
                return [Reply(data[:k] + data[k + 1 :], reply.after)]
            case Kind.INSERTED if here:
                self.fired = True
                return [Reply(data[:k] + bytes((_wrong(k) * 37 & 0xFF,)) + data[k:], reply.after)]
            case Kind.GARBLED if here:
                self.fired = True
                return [Reply(data[:k] + bytes((data[k] ^ _wrong(k),)) + data[k + 1 :], reply.after)]
        return [reply]


def _wrong(k: int) -> int:
    """Which bits are wrong: one, another one at every place; at some, all of them."""
    return 0xFF if k % 11 == 10 else 1 << k % 8


class _CountingEnd:
    """Pulls the plug when so many bytes of answers have left."""

    def __init__(self, end: End, device: _SpoiltDevice, pull: Callable[[], None]) -> None:
        self._inner = end
        self._device = device
        self._pull = pull
        self._sent = 0
        self._armed: Fault | None = None

    def plug_in(self) -> None:
        self._inner.plug_in()

    def unplug(self) -> None:
        self._inner.unplug()

    def descriptors(self) -> list[int]:
        return self._inner.descriptors()

    def receive(self) -> bytes:
        return self._inner.receive()

    def speed(self) -> int | None:
        return self._inner.speed()

    def address(self) -> str:
        return self._inner.address()

    def send(self, data: bytes) -> None:
        fault = self._device.fault
        if fault is not self._armed:
            self._armed, self._sent = fault, 0
        before, self._sent = self._sent, self._sent + len(data)
        if fault is None or fault.kind is not Kind.UNPLUG or not before <= fault.at < self._sent:
            self._inner.send(data)
            return
        self._device.fired = True
        self._inner.send(data[: fault.at - before])
        self._pull()

    def send_raw(self, data: bytes) -> None:
        self._inner.send(data)
