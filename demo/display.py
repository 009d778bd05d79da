"""Where the kiosk's window stands: a virtual screen of its own, or the one in front of the person who runs the demo."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from demo.processes import Failed, Process, wait_until


@dataclass(frozen=True)
class Display:
    """``name``: as in $DISPLAY. ``xvfb`` None: it belongs to somebody else."""

    name: str
    xvfb: Process | None = None

    def run(self, *command: str, seconds: float = 15.0) -> str:
        """Run a small X program; its output. Raises Failed."""
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "DISPLAY": self.name},
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except FileNotFoundError:
            raise Failed(f"{command[0]} is not installed (apt-packages.txt)") from None
        except subprocess.TimeoutExpired:
            raise Failed(f"{command[0]} did not end within {seconds:g} s on display {self.name}") from None
        if done.returncode:
            raise Failed(f"{' '.join(command)} failed on display {self.name}: {done.stderr.strip()}")
        return done.stdout


def virtual(log: Path, width: int, height: int) -> Display:
    """A screen that nobody sees, of this size in pixels. The server chooses a free number by itself."""
    read, write = os.pipe()
    screen = f"{width}x{height}x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", screen, "-nolisten", "tcp", "-noreset"]
    xvfb = Process("Xvfb", command, log, fds=(write,))
    os.close(write)
    os.set_blocking(read, False)
    said = b""

    def number() -> str | None:
        nonlocal said
        try:
            said += os.read(read, 64)
        except BlockingIOError:
            return None
        return said.decode().strip() if said.endswith(b"\n") else None

    try:
        return Display(f":{wait_until(number, 20, 'the virtual screen is there', xvfb)}", xvfb)
    except BaseException:
        xvfb.stop()
        raise
    finally:
        os.close(read)
