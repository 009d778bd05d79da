"""The wire between the host and one simulated device: a PTY or a TCP port, paced to the device's baud rate.

Bytes take 10 bits each, in both directions, at absolute deadlines, so that a long reply is as late as on copper and
not later: the time of a 1295-byte reply is right within 1 %. A host that has set another speed than the device's own
is not understood and hears garbage, as on a real line.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import pty
import random
import select
import socket
import termios
import threading
import time
import tty
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from drivers.bench.device import Action, BadAction, Device, Reply

#: Bytes that travel as one: small enough to be smooth, large enough to cost little (2.8 ms at 115200).
_STRIDE = 32


class End(Protocol):
    """The device's end of a wire."""

    def plug_in(self) -> None: ...

    def unplug(self) -> None:
        """The host sees a hangup."""

    def descriptors(self) -> list[int]:
        """What to wait on for input; none while unplugged."""

    def receive(self) -> bytes:
        """What has come; empty where it was nothing, or the host went away."""

    def send(self, data: bytes) -> None:
        """Bytes that nobody takes are lost, as on a serial line."""

    def speed(self) -> int | None:
        """The baud rate that the host has set; None where a line has none."""

    def address(self) -> str:
        """The URL or path that a host opens."""


_BAUD_RATES = {
    getattr(termios, f"B{rate}"): rate for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)
}


class PtyEnd:
    """A pseudo-terminal behind a symlink with a lasting name."""

    def __init__(self, link: Path) -> None:
        self._link = link
        self._master = self._slave = -1

    def plug_in(self) -> None:
        # Our own hold on the slave side keeps the master from hanging up whenever the host closes.
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._link.unlink(missing_ok=True)
        self._link.symlink_to(os.ttyname(self._slave))

    def unplug(self) -> None:
        self._link.unlink(missing_ok=True)
        master, slave, self._master, self._slave = self._master, self._slave, -1, -1
        for fd in (slave, master):
            if fd != -1:
                os.close(fd)

    def descriptors(self) -> list[int]:
        return [self._master] if self._master != -1 else []

    def receive(self) -> bytes:
        try:
            return os.read(self._master, 4096)
        except OSError:
            return b""

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self._master, data)

    def speed(self) -> int | None:
        """A PTY's two ends share their settings."""
        try:
            return _BAUD_RATES.get(termios.tcgetattr(self._master)[5])
        except termios.error:
            return None

    def address(self) -> str:
        return str(self._link)


class TcpEnd:
    """A TCP port, as of a network printer or a serial server: one host at a time, the next one waits."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._host, self._port = host, port
        self._listener: socket.socket | None = None
        self._peer: socket.socket | None = None

    def plug_in(self) -> None:
        self._listener = socket.create_server((self._host, self._port), backlog=1)
        self._port = self._listener.getsockname()[1]

    def unplug(self) -> None:
        for end in (self._peer, self._listener):
            if end is not None:
                end.close()
        self._peer = self._listener = None

    def descriptors(self) -> list[int]:
        waiting = self._peer or self._listener
        return [waiting.fileno()] if waiting else []

    def receive(self) -> bytes:
        if self._peer is None:
            if self._listener is not None:
                self._peer, _ = self._listener.accept()
                self._peer.setblocking(False)
                self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return b""
        try:
            data = self._peer.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._peer.close()
            self._peer = None
        return data

    def send(self, data: bytes) -> None:
        if self._peer is not None:
            with contextlib.suppress(OSError):
                self._peer.sendall(data)

    def speed(self) -> int | None:
        return None

    def address(self) -> str:
        return f"socket://{self._host}:{self._port}"


class Line:
    """One wire and what is plugged into its far end, in a thread of its own.

    ``actions`` adds the mishaps of any wire to what the device itself can be made to do.
    """

    def __init__(self, device: Device, end: End, paced: bool = True) -> None:
        self.device = device
        self._end = end
        self._paced = paced
        self._lock = threading.Lock()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name=f"bench-{device.name}", daemon=True)
        self._running = True
        self._hung = self._stalled = False
        self._delay = 0.0
        self._mishaps: dict[str, int] = {}
        self._noise = random.Random(device.name)
        self._order = itertools.count()
        self._empty()

    # ---- what the bench does ---------------------------------------------------------------------------------------

    def start(self) -> None:
        self._plug_in()
        self._thread.start()

    def stop(self) -> None:
        self._running = False
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._end.unplug()
        os.close(self._wake)

    @property
    def address(self) -> str:
        return self._end.address()

    def act(self, name: str, argument: object = None) -> object:
        """Do something to the device or its wire. Raises BadAction."""
        actions = self.actions()
        if name not in actions:
            raise BadAction(f"{self.device.name} knows no {name!r}; it knows {', '.join(sorted(actions))}")
        with self._lock:
            result: object = actions[name](argument)
            if self._end.descriptors() and not self._hung:
                self._say(self.device.feed(b""), time.monotonic())
        os.eventfd_write(self._wake, 1)
        return result

    # ---- what can happen to any wire -------------------------------------------------------------------------------

    def actions(self) -> Mapping[str, Action]:
        return {
            "hang": self._hang,
            "stall": self._stall,
            "resume": self._resume,
            "slow": self._slow,
            "garble": lambda count: self._spoil("garble", count),
            "clip": lambda count: self._spoil("clip", count),
            "noise": lambda count: self._spoil("noise", count),
            "unplug": self._unplug,
            "replug": self._replug,
            **self.device.actions(),
        }

    def _hang(self, _: object) -> None:
        """Reads what it is sent and never answers."""
        self._hung = True
        self._outgoing.clear()
        self._sending = b""

    def _stall(self, _: object) -> None:
        """Takes no bytes any more: in the end the host's write blocks."""
        self._stalled = True

    def _resume(self, _: object) -> None:
        self._hung = self._stalled = False
        self._delay = 0.0
        self._mishaps.clear()
        self.device.resume()

    def _slow(self, seconds: object) -> None:
        """Every reply comes so much later (seconds; none: 0.5)."""
        self._delay = _number(seconds, 0.5)

    def _spoil(self, how: str, count: object) -> None:
        """The next replies (how many; none: 1) have one wrong byte, lack their end, or come after random bytes."""
        self._mishaps[how] = int(_number(count, 1))

    def _unplug(self, _: object) -> None:
        self._end.unplug()
        self._empty()

    def _replug(self, _: object) -> None:
        if self._end.descriptors():
            raise BadAction(f"{self.device.name} is plugged in")
        self._plug_in()

    def _plug_in(self) -> None:
        self._end.plug_in()
        self.device.power_on()

    # ---- bytes on the wire -----------------------------------------------------------------------------------------

    def _empty(self) -> None:
        self._arriving = b""
        self._arrives_at = 0.0
        self._outgoing: list[tuple[float, int, bytes]] = []
        self._sending = b""
        self._sent_at = 0.0

    def _run(self) -> None:
        while self._running:
            with self._lock:
                wait = self._until_next(time.monotonic())
                listening = [] if self._arriving or self._stalled else self._end.descriptors()
                if not self.device.takes_input:
                    listening = []
            try:
                ready, _, _ = select.select([self._wake, *listening], [], [], wait)
            except OSError:
                # Unplugged between the look and the wait.
                continue
            if self._wake in ready:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(self._wake)
            with self._lock:
                if listening and listening[0] in ready and listening == self._end.descriptors():
                    self._take_in(self._end.receive())
                self._deliver(time.monotonic())
                if self._own_time() == 0:
                    self._say(self.device.feed(b""), time.monotonic())
                self._transmit(time.monotonic())

    def _until_next(self, now: float) -> float | None:
        """Seconds to the next byte that is due in either direction, or to the device's own next step."""
        due = []
        if (own := self._own_time()) is not None:
            due.append(now + own)
        if self._arriving:
            due.append(self._arrives_at + self._wire_s(min(len(self._arriving), _STRIDE)))
        if self._sending:
            due.append(self._sent_at + self._wire_s(min(len(self._sending), _STRIDE)))
        elif self._outgoing:
            due.append(self._outgoing[0][0])
        return max(0.0, min(due) - now) if due else None

    def _own_time(self) -> float | None:
        return None if self._hung or not self._end.descriptors() else self.device.due()

    def _wire_s(self, count: int) -> float:
        if not self._paced or self.device.baudrate is None:
            return 0.0
        return count * 10 / self.device.baudrate

    def _take_in(self, data: bytes) -> None:
        self._arriving = data
        self._arrives_at = max(time.monotonic(), self._arrives_at)

    def _deliver(self, now: float) -> None:
        while self._arriving:
            part = self._arriving[:_STRIDE]
            arrives = self._arrives_at + self._wire_s(len(part))
            if arrives > now:
                return
            self._arriving = self._arriving[_STRIDE:]
            self._arrives_at = arrives
            if self._hung:
                continue
            speed = self._end.speed()
            if speed is not None and self.device.baudrate is not None and speed != self.device.baudrate:
                self._say([Reply(self._random(len(part)))], arrives)
            else:
                self._say(self.device.feed(part), arrives)

    def _say(self, replies: list[Reply], now: float) -> None:
        """``now``: when the question's last byte came by the wire's own time, however late this thread woke up."""
        for reply in replies:
            data = self._spoiled(reply.data)
            heapq.heappush(self._outgoing, (now + reply.after + self._delay, next(self._order), data))

    def _spoiled(self, data: bytes) -> bytes:
        if not data:
            return data
        for how in [how for how, left in self._mishaps.items() if left > 0]:
            self._mishaps[how] -= 1
            match how:
                case "garble":
                    middle = len(data) // 2
                    data = data[:middle] + bytes([data[middle] ^ 0x20]) + data[middle + 1 :]
                case "clip":
                    data = data[: len(data) * 3 // 4]
                case "noise":
                    data = self._random(7) + data
        return data

    def _random(self, count: int) -> bytes:
        return self._noise.randbytes(count)

    def _transmit(self, now: float) -> None:
        while True:
            if not self._sending:
                if not self._outgoing or self._outgoing[0][0] > now:
                    return
                due, _, self._sending = heapq.heappop(self._outgoing)
                self._sent_at = max(due, self._sent_at)
            part = self._sending[:_STRIDE] if self._paced else self._sending
            sent = self._sent_at + self._wire_s(len(part))
            if sent > now:
                return
            self._end.send(part)
            self._sending = self._sending[len(part) :]
            self._sent_at = sent


def _number(value: object, otherwise: float) -> float:
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadAction(f"{value!r} is not a number of the kind wanted here")
    return value
