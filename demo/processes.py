"""Processes of a stage: started in groups of their own, watched while anything is waited for, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

#: How often a condition is looked at; short beside anything a person would notice.
LOOK_EVERY_S = 0.02


class Failed(Exception):
    """Something on the stage did not happen. The text is for a person: what was awaited, and who said what last."""


class Process:
    """One program of ours or of the system, its output in a file. ``env`` is added to this process's own."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        env: Mapping[str, str] | None = None,
        fds: Sequence[int] = (),
    ) -> None:
        self.name = name
        self._log = log
        self._said_before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                # Should the stage itself be killed, the kernel ends its players.
                ["setpriv", "--pdeathsig", "KILL", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                pass_fds=fds,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._popen.poll()

    @property
    def said(self) -> str:
        """Its output since it was started; the file may hold an earlier life's as well."""
        return self._log.read_bytes()[self._said_before :].decode(errors="replace")

    def last_lines(self, count: int = 12) -> str:
        return "\n".join(self.said.splitlines()[-count:])

    def stop(self, seconds: float = 10.0) -> None:
        """Ask it to end; end it with its whole group when it does not within ``seconds``."""
        self.ask_to_end(seconds)
        self.kill()

    def ask_to_end(self, seconds: float = 10.0) -> None:
        """Returns when it has ended, or its time is up."""
        if self.exit_code is None:
            # A frozen process cannot hear that it is asked to end.
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(seconds)

    def kill(self) -> None:
        """End it and everything it started, at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)


def wait_until(condition: Callable[[], _T | None], seconds: float, what: str, *watched: Process) -> _T:
    """The first value of ``condition`` that is true. Raises Failed when time is up or a watched process has ended."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        for process in watched:
            if process.exit_code is not None:
                raise Failed(
                    f"{process.name} ended with exit code {process.exit_code} before {what}:\n{process.last_lines()}"
                )
        if time.monotonic() > deadline:
            said = "".join(f"\n--- {process.name} ---\n{process.last_lines()}" for process in watched)
            raise Failed(f"waited {seconds:g} s in vain until {what}{said}")
        time.sleep(LOOK_EVERY_S)
