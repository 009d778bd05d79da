"""Numbers and calls a second at a real hall process, beside the bare insert and beside FQM's published figures.

FQM (Flask, SQLite) is on no registry that this build may use. Its figures, 43 to 85 tickets and 117 to 152 calls a
second with 172 numbers given twice in 400, were measured on another 2-core machine; its best ones are taken here.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from pathlib import Path

import pysqlite3.dbapi2 as sqlite

from benchmarks.hall_load import Measured, enrolled, measure_calls, measure_tickets, staffed
from benchmarks.row import Row
from demo.hall_server import HallServer
from hall.store.database import Database

FQM_TICKETS, FQM_CALLS = 85, 152
TICKETS, CONNECTIONS, WINDOWS = 4_000, 16, 8


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=".") as folder:
        bare = _bare_inserts_a_second(Path(folder))
        tickets, calls = asyncio.run(_measure(Path(folder) / "hall"))
    return [
        Row(
            "hall: tickets issued (signed, durable)",
            f"{tickets.rate:.0f}/s = {tickets.rate / FQM_TICKETS:.1f} ×, no number twice",
            f"FQM {FQM_TICKETS}/s, 172 of 400 twice (elsewhere)",
            "≥ 10 × FQM",
            tickets.rate >= 10 * FQM_TICKETS,
        ),
        Row(
            "hall: tickets issued, against the bare insert",
            f"{tickets.rate / bare:.2f} ×",
            f"the same rows, one commit each, no HTTP: {bare:.0f}/s",
            "≥ 0.5 × bare",
            tickets.rate >= 0.5 * bare,
        ),
        Row(
            "hall: call-next",
            f"{calls.rate:.0f}/s = {calls.rate / FQM_CALLS:.1f} ×, none called twice",
            f"FQM {FQM_CALLS}/s, 23 of 300 twice (elsewhere)",
            "≥ 10 × FQM",
            calls.rate >= 10 * FQM_CALLS,
        ),
    ]


async def _measure(data: Path) -> tuple[Measured, Measured]:
    hall = HallServer(data)
    hall.start()
    try:
        kiosks = await enrolled(hall, CONNECTIONS)
        clerks = await staffed(hall, WINDOWS)
        return await measure_tickets(hall, kiosks, TICKETS, CONNECTIONS), await measure_calls(hall, clerks)
    finally:
        hall.stop()


def _bare_inserts_a_second(folder: Path) -> float:
    """Counter, ticket and event in the hall's own tables, by sqlite3 alone, each ticket one durable transaction."""
    Database(folder / "bare").close()
    connection = sqlite.connect(next((folder / "bare").glob("*.sqlite")), isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    count = 2_000
    began = time.perf_counter()
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        (value,) = connection.execute(
            "INSERT INTO counter VALUES ('2026-11-24', 1) ON CONFLICT (day) DO UPDATE SET value = value + 1"
            " RETURNING value"
        ).fetchone()
        ticket = connection.execute(
            "INSERT INTO ticket (day, number, key, token, kiosk, series, category, class, holder_ref, holder_masked,"
            " state, issued_at, claimed_at, received_at)"
            " VALUES ('2026-11-24', ?, ?, ?, 'K1', 'hall', '01', 'normal', ?, '欧*娜', 'waiting', 1, 1, 1)",
            (f"A{value:03d}", secrets.token_hex(16), secrets.token_hex(11), secrets.token_hex(32)),
        )
        connection.execute(
            "INSERT INTO event (kind, at, ticket, number) VALUES ('issued', 1, ?, ?)", (ticket.lastrowid, str(value))
        )
        connection.execute("COMMIT")
    seconds = time.perf_counter() - began
    connection.close()
    return count / seconds
