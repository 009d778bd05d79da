"""From a call to the last of 500 boards: every board an open event stream of its own to one hall process."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from benchmarks.hall_load import Measured, SigningKiosk, measure_boards, staffed
from benchmarks.row import Row, milliseconds, percentile
from demo.hall_server import HallServer

BOARDS, CALLS = 500, 30


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        delays = asyncio.run(_measure(Path(folder) / "hall")).latencies
    last = percentile(delays, 0.99)
    return [
        Row(
            f"call → last of {BOARDS} boards, p99",
            milliseconds(last),
            f"median {milliseconds(percentile(delays, 0.5))}; boards and hall share the machine",
            "≤ 100 ms",
            last <= 0.1,
        )
    ]


async def _measure(data: Path) -> Measured:
    hall = HallServer(data)
    hall.start()
    try:
        kiosk = SigningKiosk("K1")
        await kiosk.enrol(hall)
        (clerk,) = await staffed(hall, 1)
        return await measure_boards(hall, kiosk, clerk, BOARDS, CALLS)
    finally:
        hall.stop()
