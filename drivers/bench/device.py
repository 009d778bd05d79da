"""How a simulated device plugs into the bench: one class that takes bytes and gives replies, and does no I/O.

A device is written as if its user's hands were commands: ``actions`` is what can be done to it besides talking to it
(lay a card, tear off a slip, run out of paper). What can happen to any device with a plug (hang, come back, be pulled
out, corrupt its answers) belongs to the line, see ``drivers.bench.line``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """Bytes on their way to the host, ``after`` seconds from now; one with a shorter wait overtakes."""

    data: bytes
    after: float = 0.0


class BadAction(ValueError):
    """The action cannot be done; the message says why, for the person at the command line."""


#: What a device can be made to do. The argument is JSON's idea of a value, the result too.
Action = Callable[[Any], Any]


class Device:
    """A simulated device. The bench never calls it from two threads at once."""

    name: str
    """Also the name of its PTY in the bench's folder."""

    baudrate: int | None = None
    """Its serial port's own speed in bits a second: the line is paced to it, and a host that talks at another speed
    is not understood. None for a device that is no serial one."""

    @property
    def takes_input(self) -> bool:
        """False while its buffer is full: the line reads nothing, so that in the end the host's write blocks."""
        return True

    def feed(self, data: bytes) -> list[Reply]:
        """Bytes have come in; what is said in return. Called with nothing after every action, in case that lets
        something go on that had to wait."""
        raise NotImplementedError

    def due(self) -> float | None:
        """In how many seconds the device goes on by itself (a printer with its next line): ``feed`` is called then,
        with nothing. None: it waits for bytes."""
        return None

    def actions(self) -> Mapping[str, Action]:
        """By name. An action raises BadAction when it makes no sense now or its argument is wrong."""
        return {}

    def resume(self) -> None:
        """Whatever it was told to do wrong is over; what lies on or in it stays."""

    def power_on(self) -> None:
        """Plugged in (again): forget half a request, keep what lies on or in the device."""
