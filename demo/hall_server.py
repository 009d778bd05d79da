"""The hall and the bureaus, each on a data folder, which may be killed and started again at the same address."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

import config
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
        self.program = command("taxhall")
        """What runs it; a test puts a damaged one in its place."""

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
        self.process = Process(self.name, [*self.program, *words], self.log)
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
        return ["serve", *self.settings_words()]

    def settings_words(self) -> list[str]:
        return ["--settings", str(self.settings)] if self.settings else []

    def command(self, *words: str, typed: str = "") -> Any:
        """One ``taxhall`` command beside the server; the JSON that it answers. Raises Failed."""
        return json.loads(run(command("taxhall", *words, "--data", str(self.data), "--json"), typed))


class BureauServer(Server):
    """One bureau's system. Both keep their books in one folder, and the token that the hall shows them."""

    def __init__(self, bureau: str, data: Path, log: Path | None = None) -> None:
        super().__init__(data, log)
        self.bureau = bureau
        self.name = f"bureau {bureau}"

    @property
    def token_file(self) -> Path:
        return self.data / "token"

    def words(self) -> list[str]:
        return ["bureau", self.bureau]

    def do(self, action: str, argument: str | None = None, on: str = "both", times: int | None = None) -> Any:
        """Something goes wrong at it, or its window does something, as by ``taxhall bureau do``."""
        words = ["bureau", "do", self.bureau, action, *([argument] if argument is not None else []), "--on", on]
        words += ["--data", str(self.data), *(["--times", str(times)] if times else [])]
        return json.loads(run(command("taxhall", *words)) or "null")

    def ledger(self) -> Any:
        """Everything it has taken in, as its own interface says it."""
        token = self.token_file.read_text(encoding="utf-8").strip()
        answer = httpx2.get(f"{self.url}/bureau/v1/ledger", headers={"Authorization": f"Bearer {token}"}, timeout=10.0)
        if answer.status_code != 200:
            raise Failed(f"{self.name} shows no ledger: {answer.status_code} {answer.text[:200]}")
        return answer.json()


def settings_with(bureaus: list[BureauServer]) -> str:
    """The hall's shipped settings, with these bureaus in the place of those it names."""
    shipped = config.path("hall.toml").read_text(encoding="utf-8")
    own = re.split(r"^(?:#[^\n]*\n)*\[bureaus\.", shipped, maxsplit=1, flags=re.MULTILINE)[0]
    for bureau in bureaus:
        own += f'\n[bureaus.{bureau.bureau}]\nurl = "{bureau.url}"\ntoken_file = "{bureau.token_file}"\n'
    return own


def _port_told(server: Process, name: str) -> str | None:
    found = re.search(rf"^{name}: https?://\S+:(\d+)$", server.said, re.MULTILINE)
    return found.group(1) if found else None
