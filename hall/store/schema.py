"""The hall's tables, as ordered migrations: ``PRAGMA user_version`` says how many of them a file has been through.

Times are integers, milliseconds since 1970 UTC: they are compared and subtracted here, and shown elsewhere.
"""

from __future__ import annotations

_TICKETS = """
CREATE TABLE counter (
    day TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE ticket (
    id INTEGER PRIMARY KEY,
    day TEXT NOT NULL,
    number TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    token TEXT NOT NULL UNIQUE,
    kiosk TEXT NOT NULL,
    series TEXT NOT NULL CHECK (series IN ('hall', 'kiosk')),
    service TEXT,
    category TEXT NOT NULL,
    class TEXT NOT NULL CHECK (class IN ('normal', 'priority')),
    holder_ref TEXT,
    holder_masked TEXT NOT NULL,
    state TEXT NOT NULL,
    window TEXT,                     -- where it is, or was last
    only_window TEXT,                -- transferred to this window: no other may call it next
    issued_at INTEGER NOT NULL,      -- its age counts from here; never later than the hall's own time
    claimed_at INTEGER NOT NULL,     -- the time on the paper, by the kiosk's clock
    received_at INTEGER NOT NULL,
    first_called_at INTEGER,         -- outcome of the forecast
    called_at INTEGER,
    started_at INTEGER,
    aside_at INTEGER,                -- parked or not there
    ended_at INTEGER,
    calls INTEGER NOT NULL DEFAULT 0,
    ahead INTEGER,                   -- what the slip said
    wait_low INTEGER,
    wait_high INTEGER,
    UNIQUE (day, number)
);
-- The line: "call next" reads the oldest of a class off this index, however long the line is.
CREATE INDEX ticket_line ON ticket (only_window, class, issued_at, id) WHERE state IN ('waiting', 'transferred');
CREATE INDEX ticket_aside ON ticket (aside_at) WHERE state IN ('parked', 'no_show');
CREATE INDEX ticket_holder ON ticket (holder_ref) WHERE holder_ref IS NOT NULL;
CREATE INDEX ticket_called ON ticket (called_at) WHERE called_at IS NOT NULL;
CREATE INDEX ticket_ended ON ticket (day, window) WHERE state = 'done';
-- The last line against two numbers for one person, and against two tickets at one window.
CREATE UNIQUE INDEX ticket_one_waiting ON ticket (day, holder_ref) WHERE state = 'waiting' AND series = 'hall';
CREATE UNIQUE INDEX ticket_at_window ON ticket (window) WHERE state IN ('called', 'serving');

-- Keys that are not a ticket's own: a repeat by a holder who had a number already, or (ticket NULL) a key that was
-- abandoned and must never issue anything, however late its request arrives.
CREATE TABLE other_key (
    key TEXT PRIMARY KEY,
    kiosk TEXT NOT NULL,
    ticket INTEGER REFERENCES ticket (id)
) WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    ticket INTEGER REFERENCES ticket (id),
    number TEXT,
    window TEXT,
    to_window TEXT,
    calls INTEGER NOT NULL DEFAULT 0,
    staff INTEGER
);

CREATE TABLE service_time (
    category TEXT PRIMARY KEY,
    count REAL NOT NULL,
    seconds REAL NOT NULL
) WITHOUT ROWID;
"""

_PEOPLE = """
CREATE TABLE window (
    window TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    open INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE staff (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL           -- argon2id
);

CREATE TABLE staff_session (
    id INTEGER PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    staff INTEGER NOT NULL REFERENCES staff (id),
    window TEXT NOT NULL REFERENCES window (window),
    csrf TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE UNIQUE INDEX staff_session_window ON staff_session (window) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX staff_session_staff ON staff_session (staff) WHERE ended_at IS NULL;
"""

_KIOSKS = """
CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE enrolment_code (
    code_hash TEXT PRIMARY KEY,
    kiosk TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_by TEXT                     -- the public key that used it: the same key may ask again, no other
) WITHOUT ROWID;

CREATE TABLE kiosk (
    id TEXT PRIMARY KEY,
    public_key TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

CREATE TABLE kiosk_mark (
    kiosk TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    high_water INTEGER NOT NULL,
    hash TEXT NOT NULL,
    heard_at INTEGER NOT NULL,
    PRIMARY KEY (kiosk, incarnation)
) WITHOUT ROWID;

CREATE TABLE kiosk_journal (
    kiosk TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,                -- as the kiosk wrote it: its hash covers these very characters
    body BLOB NOT NULL,
    hash TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (kiosk, incarnation, seq)
) WITHOUT ROWID;

-- What could not be accepted, whole, with its reason, until somebody has looked at it.
CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    kiosk TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at TEXT NOT NULL,
    body BLOB NOT NULL,
    hash TEXT NOT NULL,
    reason TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    seen_at INTEGER,
    UNIQUE (kiosk, incarnation, seq, hash)
);

CREATE TABLE slip (
    id INTEGER PRIMARY KEY,
    kiosk TEXT NOT NULL,
    token TEXT NOT NULL,
    number TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    reprint INTEGER NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX slip_token ON slip (token);
"""

#: In order, never changed once released: a new version adds one at the end.
MIGRATIONS: tuple[str, ...] = (_TICKETS + _PEOPLE + _KIOSKS,)
