"""The kiosk's tables. Only masked names and numbers are stored, and the file is encrypted besides.

UNIQUE constraints are the last line of promise 1: a defect above them becomes an error, never a number given twice.
"""

from __future__ import annotations

#: Each entry is one version of the schema; entries are only ever added.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # Who this kiosk is: id, hall, pepper, private key, incarnation of the disk.
        "CREATE TABLE setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID",
        # A number about to be asked for. outcome: NULL unknown, 'answered', 'abandoned'.
        """CREATE TABLE ask (
            key TEXT PRIMARY KEY,
            asked_at TEXT NOT NULL,
            outcome TEXT CHECK (outcome IN ('answered', 'abandoned'))
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX ask_open ON ask (asked_at) WHERE outcome IS NULL",
        # The last number of the kiosk's own series, by business day.
        "CREATE TABLE series (day TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE ticket (
            key TEXT PRIMARY KEY,
            token TEXT NOT NULL UNIQUE,
            day TEXT NOT NULL,
            number TEXT NOT NULL,
            own_series INTEGER NOT NULL CHECK (own_series IN (0, 1)),
            holder_ref TEXT,
            given_up INTEGER NOT NULL DEFAULT 0 CHECK (given_up IN (0, 1)),
            slip BLOB NOT NULL
        ) STRICT""",
        # The hall answers for its own numbers; this kiosk for its own.
        "CREATE UNIQUE INDEX ticket_own_number ON ticket (day, number) WHERE own_series = 1",
        "CREATE INDEX ticket_holder ON ticket (holder_ref, day)",
        # The print ledger: what became of every sheet of paper.
        """CREATE TABLE slip (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            token TEXT NOT NULL,
            number TEXT NOT NULL,
            reprint INTEGER NOT NULL CHECK (reprint IN (0, 1)),
            state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'done', 'failed', 'uncertain')),
            reason TEXT,
            intended_at TEXT NOT NULL,
            ended_at TEXT
        ) STRICT""",
        "CREATE INDEX slip_open ON slip (state) WHERE state IN ('intended', 'sent')",
        # One row a fact, gapless, chained by hash; written in the fact's own transaction.
        """CREATE TABLE journal (
            seq INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            body BLOB NOT NULL,
            hash TEXT NOT NULL
        ) STRICT""",
        # What the hall holds already: rows up to high_water may be forgotten here.
        """CREATE TABLE mark (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            incarnation TEXT NOT NULL,
            high_water INTEGER NOT NULL
        ) STRICT""",
        "INSERT INTO mark VALUES (1, lower(hex(randomblob(16))), 0)",
    ),
)
