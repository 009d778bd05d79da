"""The kiosk's tables. The file is encrypted, and only masked names and numbers are stored besides. One exception: a
return of a natural person bears name and number until the hall has answered or the journal has taken it there.

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
    (
        # Answers of a return in progress; offered to the same person (holder_ref) only.
        """CREATE TABLE draft (
            holder_ref TEXT NOT NULL,
            taxpayer TEXT NOT NULL,
            saved_on TEXT NOT NULL,
            answers BLOB NOT NULL,
            PRIMARY KEY (holder_ref, taxpayer)
        ) STRICT, WITHOUT ROWID""",
        # A return that was confirmed. request: until the hall has answered or the journal carries it; view: its answer.
        """CREATE TABLE filing (
            key TEXT PRIMARY KEY,
            state TEXT NOT NULL CHECK (state IN ('recorded', 'sent', 'answered', 'queued', 'refused')),
            recorded_at TEXT NOT NULL,
            request BLOB,
            view BLOB
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX filing_open ON filing (state) WHERE state IN ('recorded', 'sent')",
        # hall: the hall's last word on an approved payment (filing.PaymentState).
        """CREATE TABLE payment (
            key TEXT PRIMARY KEY,
            state TEXT NOT NULL CHECK (state IN
                ('intended', 'held', 'charging', 'approved', 'refused', 'unknown', 'to_reverse', 'reversed')),
            amount INTEGER NOT NULL CHECK (amount > 0),
            begun_at TEXT NOT NULL,
            request BLOB,
            charge BLOB,
            hall TEXT
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX payment_open ON payment (state) WHERE state NOT IN ('refused', 'reversed')",
        # A certificate or invoice asked for: its number is on paper, or void.
        """CREATE TABLE issue (
            key TEXT PRIMARY KEY,
            task TEXT NOT NULL CHECK (task IN ('certificate', 'invoice')),
            filing TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('asked', 'given', 'on_paper', 'refused', 'void')),
            asked_at TEXT NOT NULL,
            number TEXT NOT NULL DEFAULT ''
        ) STRICT, WITHOUT ROWID""",
        "CREATE INDEX issue_open ON issue (state) WHERE state IN ('asked', 'given')",
        # Sheets of the receipt printer stand in the same ledger; token is a ticket's, key a paper's.
        "ALTER TABLE slip ADD COLUMN kind TEXT NOT NULL DEFAULT 'ticket'"
        " CHECK (kind IN ('ticket', 'receipt', 'certificate', 'invoice'))",
        "ALTER TABLE slip ADD COLUMN key TEXT",
        # The terminal's own count of a day, whole, until the hall has it.
        """CREATE TABLE terminal_journal (
            day TEXT PRIMARY KEY,
            body BLOB NOT NULL,
            read_at TEXT NOT NULL,
            complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
            sent INTEGER NOT NULL CHECK (sent IN (0, 1))
        ) STRICT, WITHOUT ROWID""",
    ),
    (
        # at: the time that the kiosk goes by; clock: what the machine's own clock showed, right or wrong.
        "ALTER TABLE journal ADD COLUMN clock TEXT",
        # What the hall said of a person's taxpayers (taxpayer '': which they are), sealed with a key of his number.
        """CREATE TABLE remembered (
            holder_ref TEXT NOT NULL,
            taxpayer TEXT NOT NULL,
            said_on TEXT NOT NULL,
            sealed BLOB NOT NULL,
            PRIMARY KEY (holder_ref, taxpayer)
        ) STRICT, WITHOUT ROWID""",
        # A sheet may also be a technician's: the ledger says what every sheet of paper was.
        """CREATE TABLE sheet (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            token TEXT NOT NULL,
            number TEXT NOT NULL,
            reprint INTEGER NOT NULL CHECK (reprint IN (0, 1)),
            state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'done', 'failed', 'uncertain')),
            reason TEXT,
            intended_at TEXT NOT NULL,
            ended_at TEXT,
            kind TEXT NOT NULL DEFAULT 'ticket'
                CHECK (kind IN ('ticket', 'receipt', 'certificate', 'invoice', 'test')),
            key TEXT
        ) STRICT""",
        "INSERT INTO sheet"
        " SELECT id, token, number, reprint, state, reason, intended_at, ended_at, kind, key FROM slip",
        "DROP TABLE slip",
        "ALTER TABLE sheet RENAME TO slip",
        "CREATE INDEX slip_open ON slip (state) WHERE state IN ('intended', 'sent')",
    ),
    (
        # The latest number of the own series, and whether the day was certain: see store._next_own.
        """CREATE TABLE latest_own (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            day TEXT NOT NULL,
            number INTEGER NOT NULL,
            certain INTEGER NOT NULL CHECK (certain IN (0, 1))
        ) STRICT""",
        "INSERT INTO latest_own SELECT 1, day, last, 1 FROM series ORDER BY day DESC LIMIT 1",
    ),
    (
        # What was done to the machine, chained like the journal and kept after the hall has it.
        """CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            at TEXT NOT NULL,
            who TEXT NOT NULL,
            what TEXT NOT NULL,
            detail TEXT NOT NULL,
            hash TEXT NOT NULL
        ) STRICT""",
        # What was asked of this kiosk from afar and by technicians: the agent writes, the front end looks.
        """CREATE TABLE standing (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            locked INTEGER NOT NULL CHECK (locked IN (0, 1)),
            locked_words TEXT NOT NULL,
            restart INTEGER NOT NULL,
            last_order INTEGER NOT NULL
        ) STRICT""",
        "INSERT INTO standing VALUES (1, 0, '', 0, 0)",
        # Orders that were answered here, until the hall has the answer.
        """CREATE TABLE order_answer (
            id TEXT PRIMARY KEY,
            body BLOB NOT NULL,
            sent INTEGER NOT NULL CHECK (sent IN (0, 1))
        ) STRICT, WITHOUT ROWID""",
        # No release up to floor is ever taken again; tuf: the newest version seen of each role's metadata.
        """CREATE TABLE release_floor (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            floor INTEGER NOT NULL,
            metadata TEXT NOT NULL
        ) STRICT""",
        "INSERT INTO release_floor VALUES (1, 0, '{}')",
        # Wrong PINs in a row at this machine, whatever the card: it counts too.
        """CREATE TABLE pin_attempts (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            wrong INTEGER NOT NULL,
            until TEXT
        ) STRICT""",
        "INSERT INTO pin_attempts VALUES (1, 0, NULL)",
        # One counter a part: sheets since the roll was changed, cards read since it was cleaned.
        """CREATE TABLE counter (
            device TEXT NOT NULL,
            name TEXT NOT NULL,
            value INTEGER NOT NULL,
            since TEXT NOT NULL,
            PRIMARY KEY (device, name)
        ) STRICT, WITHOUT ROWID""",
        # What a device said of itself, when it changed: the technician sees a day's history.
        """CREATE TABLE device_history (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            device TEXT NOT NULL,
            at TEXT NOT NULL,
            state TEXT NOT NULL,
            paper TEXT,
            detail TEXT NOT NULL
        ) STRICT""",
        "CREATE INDEX device_history_device ON device_history (device, id)",
        # Starts of the front end: restarts are capped and remembered.
        "CREATE TABLE start (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL) STRICT",
    ),
)
