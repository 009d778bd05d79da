"""``taxhall serve`` on a data folder, which may be killed and started again at the same address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from demo.processes import Failed, Process, wait_until


def command(program: str, *words: str) -> list[str]:
    """One of our programs as installed beside this Python."""
    return [str(Path(sys.executable).with_name(program)), *words]


def run(words: list[str], typed: str = "", seconds: float = 60.0) -> str:
    """Run a program to its end; its standard output. ``typed``: its standard input. Raises Failed."""
    try:
        done = subprocess.run(words, input=typed, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise Failed(f"{' '.join(words)} did not end within {seconds:g} s") from None
    if done.returncode:
        raise Failed(f"{' '.join(words)} failed with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class HallServer:
    """``port`` 0: any that is free, kept from then on. ``settings``: a hall.toml of its own."""

    process: Process

    def __init__(self, data: Path, log: Path | None = None, settings: Path | None = None) -> None:
        self.data = data
        self.log = log or data.with_name(f"{data.name}.log")
        self.port = 0
        self._settings = ["--settings", str(settings)] if settings else []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns when it listens. Raises Failed."""
        self.data.mkdir(parents=True, exist_ok=True)
        words = ["serve", "--data", str(self.data), "--port", str(self.port), *self._settings]
        self.process = Process("hall", command("taxhall", *words), self.log)
        told = wait_until(lambda: _port_told(self.process), 60, "the hall says where it listens", self.process)
        self.port = int(told)

    def stop(self) -> int | None:
        """Ask it to end; its exit code. None when it had to be killed."""
        self.process.ask_to_end()
        code = self.process.exit_code
        self.process.kill()
        return code

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()

    def command(self, *words: str, typed: str = "") -> Any:
        """One ``taxhall`` command beside the server; the JSON that it answers. Raises Failed."""
        return json.loads(run(command("taxhall", *words, "--data", str(self.data), "--json"), typed))


def _port_told(hall: Process) -> str | None:
    found = re.search(r"^hall: http://\S+:(\d+)$", hall.said, re.MULTILINE)
    return found.group(1) if found else None
