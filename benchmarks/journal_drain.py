"""Thirty days of returns on their way to the hall at once, against the bare batch insert of the same rows.

    python -m benchmarks.journal_drain [--profile]

The kiosk's journal, the agent's batches and the hall's writer are those of service, both sides durable (WAL and
synchronous FULL). The hall is asked in this process, without HTTP: one signature and one POST for five hundred rows
are no cost worth measuring. After each batch its rows go once more, unchecked, into the same tables of another file, so
that a slow spell of the machine falls on both.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pysqlite3.dbapi2 as sqlite
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import config
from benchmarks.row import Row
from hall.clock import Clock, SystemClock, milliseconds
from hall.filings.office import TaxOffice, read_rules
from hall.fleet import journal
from hall.fleet.enrolment import KnownKiosk, pepper
from hall.queue.rules import Rules, Services
from hall.register.seal import read_or_make
from hall.settings import read_settings
from hall.store.database import Database
from hall.store.writer import Work, Writer
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import FilingMade, FilingRequest, Form
from kiosk.domain.messages import JournalBatch, JournalReply
from kiosk.domain.tax import assess
from kiosk.store import journal as kiosk_journal
from kiosk.store.store import Store
from kiosk.sync import agent
from kiosk.sync.agent import BATCH_ROWS

FILINGS = 10_000
HOLDER = "5" * 64
QUARTER = ("2026-07-01", "2026-09-30", "2026-10-26")

_TABLES = ("kiosk_journal", "filing", "filing_item")


@dataclass
class DrainedHall:
    """A hall's file, writer and tax side without a web server, and a register of shops that owe one return each."""

    database: Database
    writer: Writer
    office: TaxOffice
    rules: Rules
    kiosk: KnownKiosk

    def send_journal(self, batch: JournalBatch, timeout: float) -> JournalReply:
        """In the place of HallClient's: what the hall's route does with a batch, from its JSON on."""
        batch = msgspec.json.decode(msgspec.json.encode(batch), type=JournalBatch)
        journal.check_shape(batch)
        ready = journal.make_ready(self.office, batch.rows)
        received = self.writer.submit(
            lambda work: journal.receive(work, self.rules, self.kiosk, batch, self.office, ready)
        )
        return received.result(60).reply


@contextmanager
def hall_in(folder: Path, shops: int, clock: Clock | None = None) -> Iterator[DrainedHall]:
    clock = clock or SystemClock()
    settings = read_settings()
    database = Database(folder)
    _fill(database.file, shops)
    writer = Writer(database.writer, clock, lambda events, in_line: None)
    writer.start()
    try:
        office = TaxOffice(settings.hall.id, settings.tax, read_rules(settings.tax), read_or_make(folder))
        office.pepper = writer.submit(pepper).result()
        rules = Rules(settings.order, settings.hall.day_starts, Services(Catalogue(config.read_services())))
        enrolled = milliseconds(datetime(2026, 1, 1, tzinfo=HALL_ZONE))
        kiosk = KnownKiosk("K1", Ed25519PrivateKey.generate().public_key(), enrolled)
        yield DrainedHall(database, writer, office, rules, kiosk)
    finally:
        writer.stop()
        database.close()


def taxpayer(at: int) -> str:
    return f"{at:024d}"


def obligation(at: int) -> str:
    return f"o{at:023d}"


def filing(at: int, declared_at: datetime) -> FilingRequest:
    """A small shop's quarter: above the threshold, so that there is something to pay to both bureaus."""
    net = 300_000 + at
    vat = net * 100 // 100
    return FilingRequest(
        key=secrets.token_hex(16),
        taxpayer=taxpayer(at),
        holder_ref=HOLDER,
        form=Form.VAT_SMALL_SCALE,
        request={
            "form": "vat_small_scale",
            "period": {"kind": "quarter", "end": QUARTER[1]},
            "place": "city",
            "sales": {"goods": f"{net}.00"},
        },
        total=vat,
        declared_at=declared_at,
        obligation=obligation(at),
    )


def _fill(file: Path, shops: int) -> None:
    with sqlite.connect(file) as connection:
        connection.executemany(
            "INSERT INTO taxpayer VALUES (?, x'', x'', '9235****', 'individual_business', 'city', '芗城区',"
            " 'Xiangcheng', 'B', ?, ?, '')",
            [(taxpayer(at), f"1{at}", f"2{at}") for at in range(shops)],
        )
        connection.executemany(
            "INSERT INTO binding VALUES (?, ?, 'agent', '欧*', '2020-01-01', NULL)",
            [(taxpayer(at), HOLDER) for at in range(shops)],
        )
        connection.executemany(
            "INSERT INTO obligation VALUES (?, ?, 'vat_small_scale', ?, ?, 'quarter', ?, NULL, 0, '{}', NULL)",
            [(obligation(at), taxpayer(at), *QUARTER) for at in range(shops)],
        )


def journal_of(store: Store, office: TaxOffice, count: int, began: datetime) -> None:
    """Returns a few minutes apart, queued as the kiosk queues them, all in one transaction."""
    with store._transaction() as connection:
        for at in range(count):
            declared = began + timedelta(minutes=4 * at)
            request = filing(at, declared)
            total = assess(office.rules, request.request).to_pay
            kiosk_journal.append(connection, FilingMade(msgspec.structs.replace(request, total=total)), declared)


class _Bare:
    """The same rows as they were taken in, into the same tables of a file of their own, one batch a transaction."""

    def __init__(self, hall: DrainedHall, folder: Path) -> None:
        self._hall = hall
        self.seconds = 0.0
        self.paused = 0.0
        self._from = sqlite.connect(hall.database.file)
        Database(folder).close()
        file = folder / hall.database.file.name
        _fill(file, FILINGS)
        self._into = sqlite.connect(file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._into.execute(f"PRAGMA {pragma}")
        self._seen = dict.fromkeys(_TABLES, 0)

    def send_journal(self, batch: JournalBatch, timeout: float) -> JournalReply:
        """To the hall, and then beside it."""
        reply = self._hall.send_journal(batch, timeout)
        pause = time.perf_counter()
        rows = {table: self._new_rows(table) for table in _TABLES}
        began = time.perf_counter()
        self._into.execute("BEGIN IMMEDIATE")
        for table, new in rows.items():
            self._into.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(new[0]))})", new)
        self._into.execute("COMMIT")
        self.seconds += time.perf_counter() - began
        self.paused += time.perf_counter() - pause
        return reply

    def _new_rows(self, table: str) -> list[Any]:
        where = {
            "kiosk_journal": "WHERE seq > ? ORDER BY seq",
            "filing": "WHERE id > ? ORDER BY id",
            "filing_item": "WHERE filing IN (SELECT key FROM filing WHERE id > ?)",
        }[table]
        rows: list[Any] = self._from.execute(f"SELECT * FROM {table} {where}", (self._seen[table],)).fetchall()
        self._seen[table] += BATCH_ROWS
        return rows

    def close(self) -> None:
        self._into.close()
        self._from.close()


def rows() -> list[Row]:
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        with hall_in(folder / "hall", FILINGS) as hall:
            store = Store(folder / "kiosk.sqlite", secrets.token_bytes(32))
            journal_of(store, hall.office, FILINGS, datetime.now(HALL_ZONE) - timedelta(days=30))
            bare = _Bare(hall, folder / "bare")
            began = time.perf_counter()
            sent = agent.drain(store, bare)  # type: ignore[arg-type]  # of a HallClient it uses send_journal alone
            seconds = time.perf_counter() - began - bare.paused
            store.close()
            bare.close()
            whole = sent == _count(hall, "filing") == FILINGS and not _count(hall, "quarantine")
    ratio = bare.seconds / seconds
    return [
        Row(
            f"journal drain, {FILINGS:,} filings, each assessed and checked",
            f"{seconds:.2f} s = {FILINGS / seconds:,.0f}/s = {ratio:.2f} × bare" + ("" if whole else ", NOT ALL TAKEN"),
            f"the same rows in the same batches, unchecked: {bare.seconds:.2f} s",
            "≤ 1 s, or ≥ 0.5 × bare",
            whole and (seconds <= 1 or ratio >= 0.5),
        )
    ]


def _count(hall: DrainedHall, table: str) -> int:
    with hall.database.reader.connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def _profile() -> None:
    """Where the time of the hall's side goes."""
    import cProfile
    import pstats

    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory(dir=".") as name, hall_in(Path(name), 2_000) as hall:
        store = Store(Path(name) / "kiosk.sqlite", secrets.token_bytes(32))
        journal_of(store, hall.office, 2_000, datetime.now(HALL_ZONE) - timedelta(days=30))
        mark = store.journal_mark()
        for after in range(0, 2_000, BATCH_ROWS):
            batch = JournalBatch(mark.incarnation, store.journal_after(after, BATCH_ROWS))

            def command(work: Work, batch: JournalBatch = batch) -> journal.Received:
                return profile.runcall(journal.receive, work, hall.rules, hall.kiosk, batch, hall.office)

            hall.writer.submit(command).result()
        store.close()
    pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    if "--profile" in sys.argv:
        _profile()
    else:
        for row in rows():
            print(row.what, row.figure, row.beside, row.target, row.met, sep=" | ")
