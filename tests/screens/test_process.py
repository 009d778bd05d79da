"""The front end as a process of its own, touched and signalled from outside."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.screens.window import DEADLINE_S, stand_alone


@pytest.fixture
def front_end(display: str, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running front end and its touch targets."""
    targets = tmp_path / "targets.json"
    with stand_alone(display, targets) as process:
        yield process, json.loads(targets.read_text())


def xdotool(*words: object) -> str:
    done = subprocess.run(["xdotool", *map(str, words)], check=True, timeout=20, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_finger_from_outside_is_understood_no_key_does_anything_and_sigterm_ends_it(
    front_end: tuple[subprocess.Popen[str], dict[str, Any]],
) -> None:
    process, shown = front_end
    assert process.stdout is not None
    assert shown["page"] == "home"
    for key in ("F1", "Escape", "alt+F4"):
        xdotool("key", key)
    x, y, w, h = shown["targets"]["my_number"]
    # The window stands in the middle of the display; targets are told from its own corner.
    window = xdotool("search", "--sync", "--onlyvisible", "--pid", process.pid).splitlines()[0]
    xdotool("mousemove", "--window", window, x + w // 2, y + h // 2, "click", 1)
    assert process.stdout.readline() == "Start(purpose=<Purpose.MY_NUMBER: 'my_number'>)\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.read() == "stopped\n"
    assert process.wait(DEADLINE_S) == 0
