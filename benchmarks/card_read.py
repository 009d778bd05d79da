"""A card on the reader: from the answer "found" to the decoded text, on a line paced to 115200 baud.

``taxkiosk read-card`` as a technician runs it, against the simulated module in a process of its own. The wire alone
takes 118.0 ms for find, select and read at this speed.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks.row import Row, percentile
from demo.processes import Process, wait_until
from demo.stage import taxkiosk
from drivers.bench import control

WIRE_MS = 118.0
CARDS = ("resident", "resident_long_term", "hmt_permit", "foreigner_2017", "foreigner_2023")
ROUNDS = 4


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Process("bench", taxkiosk("bench", "--dir", str(folder)), folder / "log")
        try:
            wait_until(lambda: "ready" in bench.said, 30, "the bench is ready", bench)
            times = [_read(folder, card) for _ in range(ROUNDS) for card in CARDS]
        finally:
            bench.stop()
    median = percentile(times, 0.5)
    return [
        Row(
            "card found → identity, median of all kinds of card",
            f"{median:.1f} ms = {median / WIRE_MS:.3f} ×",
            f"wire floor {WIRE_MS} ms; slowest of {len(times)}: {max(times):.1f} ms",
            "≤ 1.05 × floor",
            median <= 1.05 * WIRE_MS,
        )
    ]


def _read(folder: Path, card: str) -> float:
    control.do(folder, "id-card", "lay", card)
    try:
        done = subprocess.run(
            taxkiosk("read-card", "--port", str(folder / "id-card"), "--timeout", "5"),
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        control.do(folder, "id-card", "lift")
    return float(json.loads(done.stdout)["elapsed_ms"])
