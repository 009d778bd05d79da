"""A ticket of the kiosk's own series, durable, against the bare ``fdatasync`` of the same minute on the same disk."""

from __future__ import annotations

import os
import secrets
import tempfile
import time
from datetime import datetime
from pathlib import Path

from benchmarks.row import Row, milliseconds, percentile
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.ticket import TicketSlip
from kiosk.store.store import Store

ROUNDS = 1_000


def rows() -> list[Row]:
    now = datetime.now(HALL_ZONE)
    draft = TicketSlip(
        "", "SW-040101", "增值税", "VAT", None, None, now, "欧*娜 3506**********003X", ("身份证",), "", ""
    )
    commits: list[float] = []
    syncs: list[float] = []
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store(Path(folder) / "kiosk.sqlite", secrets.token_bytes(32))
        file = os.open(Path(folder) / "bare", os.O_WRONLY | os.O_CREAT)
        page = os.urandom(4096)
        # Turn by turn, so that a slow spell of the disk falls on both.
        for _ in range(ROUNDS):
            start = time.perf_counter()
            os.write(file, page)
            os.fdatasync(file)
            middle = time.perf_counter()
            store.record_own_ticket("K3", "", draft, secrets.token_hex(32), True, now, "http://hall/t/")
            end = time.perf_counter()
            syncs.append(middle - start)
            commits.append(end - middle)
        os.close(file)
        store.close()
    commit, sync = percentile(commits, 0.99), percentile(syncs, 0.99)
    return [
        Row(
            "ticket commit, p99 (encrypted, WAL, FULL)",
            f"{milliseconds(commit)} = {commit / sync:.1f} ×",
            f"fdatasync p99 {milliseconds(sync)}",
            "≤ 5 × fdatasync",
            commit <= 5 * sync,
        ),
        Row(
            "ticket commit, median",
            milliseconds(percentile(commits, 0.5)),
            f"fdatasync median {milliseconds(percentile(syncs, 0.5))}",
            "",
            None,
        ),
    ]
