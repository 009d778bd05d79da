"""What the service manager is told: ready, alive, stopping. Alive means that something moved, not that a thread exists.

systemd gives the program a socket (``NOTIFY_SOCKET``) and a time (``WATCHDOG_USEC``) within which it wants to hear
from it; a program that falls silent is killed and started anew. The protocol is one datagram of ``NAME=value`` lines: a
library for it would cost each start 15 ms. Outside systemd all of this does nothing.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping

import structlog

log = structlog.get_logger()

#: Looks this often within the time that systemd allows: one look that comes late does not end the program.
LOOKS = 4


class ServiceManager:
    """Where this program's word goes. Without ``NOTIFY_SOCKET`` nobody listens."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        given = os.environ if environment is None else environment
        address = given.get("NOTIFY_SOCKET", "")
        # A leading @ stands for the zero byte of an abstract name.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = given.get("WATCHDOG_USEC", "") if self._address else ""
        meant = given.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(microseconds) / 1e6 if microseconds.isdigit() and meant else 0.0
        """Seconds within which it wants a sign of life; 0: none."""

    def tell(self, *lines: str) -> None:
        """Never raises: a service manager that cannot be told is no reason to stop serving."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                # systemd reads at once; should it not, a sign of life is not worth waiting for.
                line.settimeout(1.0)
                line.sendto("\n".join(lines).encode(), self._address)
        except OSError as problem:
            log.warning("service-manager-not-told", reason=problem.strerror)

    def ready(self, words: str = "") -> None:
        """``words``: what ``systemctl status`` shows."""
        self.tell("READY=1", *([f"STATUS={words}"] if words else []))

    def status(self, words: str) -> None:
        self.tell(f"STATUS={words}")

    def alive(self) -> None:
        self.tell("WATCHDOG=1")

    def stopping(self) -> None:
        self.tell("STOPPING=1")


class Pulse:
    """Counts that one loop has gone round. ``beat`` is called by that loop, from any thread, as often as it likes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.count = 0

    def beat(self) -> None:
        self.count += 1


class Watchdog:
    """Says *alive* when every pulse has beaten since it said so last. One loop that hangs ends all of it: a window that
    still draws before a dead session takes touches and does nothing with them, the worst of states."""

    def __init__(self, manager: ServiceManager, *pulses: Pulse) -> None:
        self._manager = manager
        self._pulses = pulses
        self._seen = [pulse.count for pulse in pulses]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Does nothing where no sign of life is wanted."""
        if self._manager.watchdog_s:
            self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(2.0)

    def look(self) -> bool:
        """Whether all have moved since it was last said; then it is said."""
        if self._standing():
            return False
        self._seen = [pulse.count for pulse in self._pulses]
        self._manager.alive()
        return True

    def _standing(self) -> list[str]:
        return [pulse.name for pulse, seen in zip(self._pulses, self._seen, strict=True) if pulse.count == seen]

    def _run(self) -> None:
        pause = self._manager.watchdog_s / LOOKS
        missed = 0
        while not self._stop.wait(pause):
            missed = 0 if self.look() else missed + 1
            if missed == LOOKS // 2:
                # Before systemd ends this process: which loop it was is known only here.
                log.error("loop-stands-still", reason=", ".join(self._standing()))
