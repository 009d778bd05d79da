"""Which signatures were used: none counts twice, also when the hall was started anew in between.

Each is appended to a file as it is used. A process that is killed leaves its file whole, because the system has it.
After a power cut the last lines may be missing, and the file says so by the boot it belongs to: then, and where there
is no file, nothing counts that was signed before this start. A kiosk is told ``clock`` and signs anew.
"""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path

import structlog

log = structlog.get_logger("hall")

_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Nonces:
    """Every nonce of the last ``keep`` seconds. Without a ``file`` they are forgotten at the end."""

    def __init__(self, keep: float, file: Path | None = None) -> None:
        """Raises OSError when the file can be neither read nor begun."""
        self._keep = keep
        self._seen: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, tuple[str, str]]] = deque()
        self._file = file
        self._to: int | None = None
        self._begun = 0.0
        self.not_before = 0
        """Seconds since 1970: what was signed earlier may have been used, and nobody knows."""
        if file is not None and not self._read(file):
            self.not_before = int(time.time())
        if file is not None:
            self._begin(file)

    def close(self) -> None:
        if self._to is not None:
            os.close(self._to)
            self._to = None

    def add(self, kiosk: str, nonce: str) -> bool:
        """False for one that was there."""
        now = time.time()
        while self._order and self._order[0][0] < now:
            self._seen.discard(self._order.popleft()[1])
        entry = (kiosk, nonce)
        if entry in self._seen:
            return False
        self._remember(now + self._keep, entry)
        if self._to is not None:
            self._write(now, entry)
        return True

    def _remember(self, until: float, entry: tuple[str, str]) -> None:
        self._seen.add(entry)
        self._order.append((until, entry))

    # ---- the file --------------------------------------------------------------------------------------------------

    def _write(self, now: float, entry: tuple[str, str]) -> None:
        if self._file is not None and now - self._begun > self._keep:
            self._begin(self._file)
        try:
            os.write(self._to or -1, _line(now + self._keep, entry))
        except OSError as error:
            # A full disk stops no kiosk; it costs what is said above of a power cut.
            log.warning("nonces not kept", problem=type(error).__name__)

    def _begin(self, file: Path) -> None:
        """Anew, with what still counts: the file stays as small as the last minutes were."""
        self.close()
        fresh = file.with_suffix(".new")
        self._to = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        kept = b"".join(_line(until, entry) for until, entry in self._order)
        os.write(self._to, f"{_boot()}\n".encode() + kept)
        os.replace(fresh, file)
        self._begun = time.time()

    def _read(self, file: Path) -> bool:
        """False when something may be missing."""
        try:
            boot, *lines = file.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, ValueError):
            return False
        now = time.time()
        for line in lines:
            until, _, rest = line.partition(" ")
            kiosk, _, nonce = rest.partition(" ")
            if nonce and until.isdecimal() and int(until) > now:
                self._remember(int(until), (kiosk, nonce))
        return bool(boot) and boot == _boot()


def _line(until: float, entry: tuple[str, str]) -> bytes:
    # A nonce has no line break in it: the reader of signatures allows none.
    return f"{int(until) + 1} {entry[0]} {entry[1]}\n".encode()


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""
