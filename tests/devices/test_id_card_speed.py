"""A card is known to the kiosk hardly later than copper allows: the simulated reader is paced, in its own process."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.bench import control
from drivers.id_card.codec import Command, encode
from drivers.id_card.reader import CardRead, open_reader
from drivers.transport import open_transport

#: Find, select, request and the 1295 bytes of the answer at 115200 baud, 10 bits a byte.
WIRE_FLOOR_MS = 118.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    command = [str(Path(sys.executable).with_name("taxkiosk")), "bench", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "ready":
            assert process.poll() is None
        yield tmp_path
        process.terminate()
        assert process.wait(10) == 0


def one_read(folder: Path) -> float:
    with open_reader(str(folder / "id-card")) as reader:
        control.do(folder, "id-card", "lay", "resident")
        result = reader.watch(threading.Event(), 10.0)
        control.do(folder, "id-card", "lift")
    assert isinstance(result, CardRead)
    return result.elapsed_ms


def one_bare_exchange(folder: Path) -> float:
    """The same bytes, neither looked at nor understood: what this machine adds to the wire at this minute."""
    control.do(folder, "id-card", "lay", "resident")
    with open_transport(str(folder / "id-card")) as line:
        for command, length in ((Command.FIND, 15), (Command.SELECT, 19), (Command.READ, 1295)):
            line.write(encode(command), 10.0)
            line.read(length, 10.0)
            if command is Command.FIND:
                found_at = time.monotonic()
        took = (time.monotonic() - found_at) * 1000
    control.do(folder, "id-card", "lift")
    return took


def test_a_card_is_read_within_a_twentieth_of_what_the_wire_takes(folder: Path) -> None:
    reads, bare = [], []
    for _ in range(5):
        reads.append(one_read(folder))
        bare.append(one_bare_exchange(folder))
    # Below 115.7 ms (all but the search) the line would not be paced, and the test would prove nothing.
    assert min(reads) > 115.7
    assert statistics.median(reads) <= 1.05 * max(WIRE_FLOOR_MS, statistics.median(bare)), (reads, bare)
