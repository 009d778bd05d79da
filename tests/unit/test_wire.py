"""Types of messages are known before threads meet them: msgspec 0.22 dies where two of them meet one at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_THREADS = """
import sys, threading, msgspec
from typing import Optional

sys.setswitchinterval(1e-6)

def made():
    # Each in the next: looking into the last one takes a while.
    inner = int
    for _ in range(12):
        inner = msgspec.defstruct("Outer", [("inner", Optional[list[inner]], None), ("by", dict[str, inner], {})])
    return inner

def read():
    together.wait()
    msgspec.json.decode(b'{"inner": [{"inner": [{}], "by": {"x": {}}}], "by": {}}', type=kind)

for _ in range(300):
    kind, together = made(), threading.Barrier(6)
    FIRST
    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def ended(first: str) -> int:
    program = _THREADS.replace("FIRST", first)
    return subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode


def test_threads_that_meet_a_type_for_the_first_time_together_end_the_process() -> None:
    """If this fails msgspec has been mended, and ``acquaint`` may go."""
    assert ended("pass") == -signal.SIGSEGV


def test_a_type_that_one_of_them_has_met_before_is_safe_for_all() -> None:
    assert ended("msgspec.json.Decoder(kind)") == 0


@pytest.mark.parametrize(
    "file",
    [
        *sorted(
            str(file.relative_to(ROOT))
            for file in (ROOT / "kiosk" / "domain").glob("*.py")
            if "msgspec.Struct, " in file.read_text(encoding="utf-8") and file.name != "catalogue.py"
        ),
        "hall/bureaus/contract.py",
        "hall/queue/views.py",
    ],
)
def test_a_module_with_messages_ends_by_making_them_known(file: str) -> None:
    assert (ROOT / file).read_text(encoding="utf-8").endswith("\nacquaint(globals())\n")
