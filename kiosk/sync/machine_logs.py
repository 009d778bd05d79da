"""The kiosk's own log lines of the last hours: from the journal of systemd, or from files where there is none.

They hold nothing of anybody: ``kiosk.runtime.logs`` lets only fields of its list into a line.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from kiosk.domain.fleet import LOG_BYTES

#: Seconds that systemd's journal may take to be read.
_READ_S = 20.0

_UNITS = ("taxkiosk*", "pcscd*")


class Logs:
    def __init__(self, folder: Path) -> None:
        """``folder``: of log files (``*.log``), where no journal is."""
        self._folder = folder

    def newest(self, hours: int) -> str:
        """Whole lines, the newest last, at most LOG_BYTES of UTF-8; the oldest are left out."""
        return cut(self._journal(hours) or self._files(hours) or b"== nothing was logged\n")

    def _journal(self, hours: int) -> bytes:
        program = shutil.which("journalctl")
        if program is None:
            return b""
        units = [word for unit in _UNITS for word in ("-u", unit)]
        words = [program, *units, "--since", f"-{hours}h", "-o", "short-iso", "-q", "--no-pager", "-n", "20000"]
        try:
            return subprocess.run(words, capture_output=True, timeout=_READ_S, check=False).stdout
        except (OSError, subprocess.TimeoutExpired):
            return b""

    def _files(self, hours: int) -> bytes:
        since = time.time() - hours * 3600
        parts: list[tuple[float, bytes]] = []
        for file in sorted(self._folder.glob("*.log")):
            try:
                changed = file.stat().st_mtime
                if changed >= since:
                    parts.append((changed, f"== {file.name}\n".encode() + _tail(file)))
            except OSError:
                continue
        return b"\n".join(part for _, part in sorted(parts))


def cut(lines: bytes) -> str:
    """The newest whole lines that fit."""
    if len(lines) > LOG_BYTES:
        lines = lines[-LOG_BYTES:].partition(b"\n")[2]
    # Undecodable bytes become one sign of three bytes; there are none in lines of ours.
    return lines.decode(errors="replace")[:LOG_BYTES]


def _tail(file: Path) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - LOG_BYTES))
        return opened.read()
