"""emupos 0.4.0, a printer emulator written by others, in a process and an environment of its own.

It needs CPython 3.13 or newer, which this project does not run on, so it never shares our environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
VENV = ROOT / "var" / "emupos"
VERSION = "0.4.0"
DEVICE = "slips"


class Unavailable(Exception):
    """The emulator cannot stand here; says why."""


def executable() -> Path:
    """Where emupos is; its environment is made on first use. Raises Unavailable."""
    emupos = VENV / "bin" / "emupos"
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with (VENV.parent / "emupos.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (VENV / ".complete").exists():
            shutil.rmtree(VENV, ignore_errors=True)
            _make(_interpreter())
            (VENV / ".complete").touch()
    return emupos


def _make(interpreter: Path) -> None:
    for command in (
        [str(interpreter), "-m", "venv", str(VENV)],
        [str(VENV / "bin" / "pip"), "install", "--quiet", f"emupos=={VERSION}"],
    ):
        made = subprocess.run(command, capture_output=True, text=True, timeout=100)
        if made.returncode:
            raise Unavailable(f"emupos {VERSION} cannot be installed: {made.stderr.strip()[-300:]}")


def _interpreter() -> Path:
    """A CPython of at least 3.13: on PATH or of pyenv."""
    named = [shutil.which(name) for name in ("python3.14", "python3.13")]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[3-9]*/bin/python3"), reverse=True)
    for candidate in [*(Path(found) for found in named if found), *pyenv]:
        # A pyenv shim exists for versions that are not switched on: only running it tells.
        probe = [str(candidate), "-c", "import sys; sys.exit(sys.version_info < (3, 13))"]
        if subprocess.run(probe, capture_output=True).returncode == 0:
            return candidate
    raise Unavailable("emupos needs CPython 3.13 or newer; none on PATH or in ~/.pyenv/versions")


class Emulator:
    """A running emulator with one printer on TCP and on a PTY, in default settings."""

    def __init__(self, folder: Path) -> None:
        emupos = executable()
        self.port, self._api = _free_port(), _free_port()
        self.receipts = folder / "receipts"
        config = folder / "emupos.yaml"
        config.write_text(
            f"schema: 1\napi: {{ port: {self._api} }}\ndevices:\n"
            f"  - id: {DEVICE}\n    type: printer\n    profile: epson-tm-t20iii\n    connections:\n"
            f"      - tcp: {{ port: {self.port} }}\n      - serial: {{ pty: true, link: {DEVICE} }}\n",
            encoding="utf-8",
        )
        self.pty = folder / "emupos" / DEVICE
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [str(emupos), "run", "--config", str(config)],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder)},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        ends = time.monotonic() + 40
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError((folder / "log").read_text())
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    def fault(self, name: str, active: bool) -> None:
        self._ask("PUT" if active else "DELETE", f"/devices/{DEVICE}/faults/{name}")

    def receipts_newest_first(self) -> list[str]:
        listed: list[dict[str, Any]] = json.loads(self._ask("GET", f"/devices/{DEVICE}/receipts"))
        return [receipt["id"] for receipt in listed]

    def text(self, receipt: str) -> str:
        """What was printed. It knows no ``FS &`` and sets every byte by code page 437: undo that."""
        raw = self._ask("GET", f"/devices/{DEVICE}/receipts/{receipt}/text").decode()
        return raw.encode("cp437").decode("gb18030")

    def picture(self, receipt: str) -> bytes:
        return self._ask("GET", f"/devices/{DEVICE}/receipts/{receipt}/image")

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"http://127.0.0.1:{self._api}/api/v1{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body: bytes = answer.read()
        return body

    def _answers(self) -> bool:
        try:
            self._ask("GET", f"/devices/{DEVICE}/receipts")
        except (urllib.error.URLError, OSError):
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
