"""The hall and the bureaus, each on a data folder, which may be killed and started again at the same address."""

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


class Server:
    """A server of ours that may be killed and started again at the same address, which it says in its first line."""

    name: str
    process: Process

    def __init__(self, data: Path, log: Path | None = None) -> None:
        self.data = data
        self.log = log or data.with_name(f"{data.name}.log")
        self.port = 0
        """0: any that is free, kept from then on."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def words(self) -> list[str]:
        """The ``taxhall`` command that runs it, without data folder and port."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when it listens. Raises Failed."""
        self.data.mkdir(parents=True, exist_ok=True)
        words = [*self.words(), "--data", str(self.data), "--port", str(self.port)]
        self.process = Process(self.name, command("taxhall", *words), self.log)
        told = wait_until(
            lambda: _port_told(self.process, self.name), 60, f"{self.name} says where it listens", self.process
        )
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


class HallServer(Server):
    """``settings``: a hall.toml of its own."""

    name = "hall"

    def __init__(self, data: Path, log: Path | None = None, settings: Path | None = None) -> None:
        super().__init__(data, log)
        self.settings = settings

    def words(self) -> list[str]:
        return ["serve", *(["--settings", str(self.settings)] if self.settings else [])]

    def command(self, *words: str, typed: str = "") -> Any:
        """One ``taxhall`` command beside the server; the JSON that it answers. Raises Failed."""
        return json.loads(run(command("taxhall", *words, "--data", str(self.data), "--json"), typed))


class BureauServer(Server):
    """One bureau's system, with a ledger of its own. ``token``: the file with what the hall shows it."""

    def __init__(self, bureau: str, data: Path, token: Path, log: Path | None = None) -> None:
        super().__init__(data, log)
        self.bureau, self.token = bureau, token
        self.name = f"bureau {bureau}"

    def words(self) -> list[str]:
        return ["bureau", self.bureau, "--token-file", str(self.token)]


def _port_told(server: Process, name: str) -> str | None:
    found = re.search(rf"^{name}: http://\S+:(\d+)$", server.said, re.MULTILINE)
    return found.group(1) if found else None
