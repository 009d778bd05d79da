"""A serial line, a pseudo-terminal or a TCP connection, opened by URL and used alike.

Every failure comes out as ``NotConnected`` or ``TimedOut``. pyserial opens the line and sets its speed; reading and
writing are done here on its file descriptor, because pyserial's own

- ``write`` spins at full load while the device takes nothing, and reports a time-out when the last byte has in fact
  been taken but the buffer behind it is full;
- ``read`` and ``in_waiting`` let ``termios.error`` through, which is not an OSError;
- ``socket://`` can only tell "some" or "none" of what has come, leaves Nagle's delay on and sleeps 0.3 s on close.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import termios
import time
from collections.abc import Iterator
from typing import Protocol
from urllib.parse import urlsplit

import serial

from drivers.contract import NotConnected, TimedOut

#: A host that is switched off does not refuse, it is silent.
CONNECT_TIMEOUT_S = 1.0

_CHUNK = 4096
_TCP_SCHEMES = ("socket", "tcp")


class BadUrl(NotConnected, ValueError):
    """The URL cannot name any line: a mistake in the settings, not a device that is away."""


class Transport:
    """Bytes to and from one device. Times are seconds; not for several threads at once, except ``close``."""

    def __init__(self, url: str, line: _Line) -> None:
        self.url = url
        self._line = line
        self._fd = line.fileno()
        self._poll = select.poll()
        self._poll.register(self._fd)
        self._received = bytearray()
        self._open = True

    @property
    def baudrate(self) -> int | None:
        """Bits per second; None where the line has no speed of its own (TCP)."""
        return self._line.baudrate

    def set_baudrate(self, baudrate: int) -> None:
        """Change the speed, and forget what came in at the old one. Raises NotConnected."""
        with self._as_device_errors():
            self._line.set_baudrate(baudrate)
        self.discard_input()

    def write(self, data: bytes, timeout: float) -> None:
        """Hand over all bytes. Raises TimedOut when the device does not take them in time, NotConnected."""
        deadline = time.monotonic() + timeout
        rest = memoryview(data)
        while rest:
            self._wait(select.POLLOUT, deadline, f"{len(rest)} of {len(data)} bytes not taken")
            with self._as_device_errors(), contextlib.suppress(BlockingIOError):
                rest = rest[os.write(self._fd, rest) :]

    def read(self, count: int, timeout: float) -> bytes:
        """Exactly ``count`` bytes. Raises TimedOut, and keeps what came for the next read; NotConnected."""
        deadline = time.monotonic() + timeout
        while len(self._received) < count:
            self._receive(deadline, f"{len(self._received)} of {count} bytes came")
        return self._take(count)

    def read_some(self, timeout: float) -> bytes:
        """Whatever is there, at least one byte. Raises TimedOut when nothing comes, NotConnected."""
        if not self._received:
            self._receive(time.monotonic() + timeout, "nothing came")
        return self._take(len(self._received))

    def discard_input(self) -> None:
        """Forget everything that came before now. Raises NotConnected."""
        self._received.clear()
        now = time.monotonic()
        with contextlib.suppress(TimedOut):
            # A line that never falls silent must not hold us here.
            for _ in range(256):
                self._receive(now, "nothing came")
                self._received.clear()

    def close(self) -> None:
        """May be called twice, and from another thread: a read that waits there ends with NotConnected."""
        if self._open:
            self._open = False
            with contextlib.suppress(OSError, termios.error):
                self._line.close()

    def __enter__(self) -> Transport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, count: int) -> bytes:
        taken = bytes(self._received[:count])
        del self._received[:count]
        return taken

    def _receive(self, deadline: float, late: str) -> None:
        self._wait(select.POLLIN, deadline, late)
        with self._as_device_errors(), contextlib.suppress(BlockingIOError):
            chunk = os.read(self._fd, _CHUNK)
            if not chunk:
                raise NotConnected(f"{self.url}: the other side hung up")
            self._received += chunk

    def _wait(self, what: int, deadline: float, late: str) -> None:
        """Until the line is ready, in slices, so that ``close`` from another thread is noticed."""
        self._poll.modify(self._fd, what)
        while True:
            if not self._open:
                raise NotConnected(f"{self.url}: closed")
            left = deadline - time.monotonic()
            # A hangup wakes the poll too: the read or write that follows says what it is.
            if self._poll.poll(max(0.0, min(left, 0.25)) * 1000):
                return
            if left <= 0:
                raise TimedOut(f"{self.url}: {late} in time")

    @contextlib.contextmanager
    def _as_device_errors(self) -> Iterator[None]:
        if not self._open:
            raise NotConnected(f"{self.url}: closed")
        try:
            yield
        except BlockingIOError:
            raise
        except (OSError, termios.error) as error:
            raise NotConnected(f"{self.url}: {error}") from error


def open_transport(url: str, baudrate: int = 115200) -> Transport:
    """Open ``/dev/…`` (serial or PTY, for us alone), ``socket://host:port`` or ``tcp://host:port``.

    Raises NotConnected; BadUrl, which is one too, when the URL itself is wrong.
    """
    parts = _split(url)
    try:
        if parts is not None:
            return Transport(url, _TcpLine(*parts))
        return Transport(url, _SerialLine(url, baudrate))
    except (OSError, termios.error) as error:
        raise NotConnected(f"{url}: {_why(error)}") from error


def check_url(url: str) -> None:
    """Nothing is opened. Raises BadUrl."""
    _split(url)


def _why(error: Exception) -> str:
    """pyserial packs a sentence and an error number into each other; the number says it best."""
    number = getattr(error, "errno", None)
    if number == errno.EAGAIN:
        return "in use by another program"
    return os.strerror(number) if number and number > 0 else str(error)


def _split(url: str) -> tuple[str, int] | None:
    """Host and port; None for a device path. Raises BadUrl."""
    if not url.strip() or "\0" in url:
        raise BadUrl("empty")
    if "://" not in url:
        return None
    try:
        parts = urlsplit(url)
        if parts.scheme in _TCP_SCHEMES and parts.hostname and parts.port:
            return parts.hostname, parts.port
    except ValueError as error:
        raise BadUrl(f"{url}: {error}") from None
    raise BadUrl(f"{url}: neither a device path nor socket://host:port")


class _Line(Protocol):
    """What differs between a serial line and a TCP connection."""

    @property
    def baudrate(self) -> int | None: ...

    def fileno(self) -> int: ...

    def set_baudrate(self, baudrate: int) -> None: ...

    def close(self) -> None: ...


class _SerialLine:
    def __init__(self, path: str, baudrate: int) -> None:
        # Exclusive: two programs on one reader would each take half of every answer.
        self._port = serial.Serial(baudrate=baudrate, timeout=0, exclusive=True)
        self._port.port = path
        self._port.open()

    @property
    def baudrate(self) -> int | None:
        return int(self._port.baudrate)

    def fileno(self) -> int:
        return int(self._port.fileno())

    def set_baudrate(self, baudrate: int) -> None:
        self._port.baudrate = baudrate

    def close(self) -> None:
        self._port.close()


class _TcpLine:
    baudrate: int | None = None

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._socket.fileno()

    def set_baudrate(self, baudrate: int) -> None:
        """The speed is that of the serial server at the other end."""

    def close(self) -> None:
        self._socket.close()
