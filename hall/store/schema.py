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

_REGISTER = """
-- Names and numbers are sealed (hall.register.seal): who reads this file learns of nobody. They are found again by the
-- HMAC of the number under the hall's pepper.
CREATE TABLE taxpayer (
    id TEXT PRIMARY KEY,
    name BLOB NOT NULL,
    number BLOB NOT NULL,
    number_masked TEXT NOT NULL,
    payer TEXT NOT NULL,
    place TEXT NOT NULL,
    district_zh TEXT NOT NULL,
    district_en TEXT NOT NULL,
    credit_grade TEXT,
    state_serial TEXT NOT NULL UNIQUE,   -- 登记序号: each bureau has its own
    local_serial TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL                -- hash of what was imported: the same row again changes nothing
) WITHOUT ROWID;

-- Today's number and those of before 三证合一: all lead to the same taxpayer.
CREATE TABLE taxpayer_number (
    number_ref TEXT PRIMARY KEY,
    taxpayer TEXT NOT NULL REFERENCES taxpayer (id)
) WITHOUT ROWID;

CREATE TABLE binding (
    taxpayer TEXT NOT NULL REFERENCES taxpayer (id),
    holder_ref TEXT NOT NULL,
    role TEXT NOT NULL,
    name_masked TEXT NOT NULL,
    from_day TEXT NOT NULL,
    to_day TEXT,                         -- the last day; NULL: until further notice
    PRIMARY KEY (taxpayer, holder_ref, role)
) WITHOUT ROWID;
CREATE INDEX binding_holder ON binding (holder_ref);

CREATE TABLE registration (
    taxpayer TEXT NOT NULL REFERENCES taxpayer (id),
    form TEXT NOT NULL,
    cycle TEXT NOT NULL,
    from_day TEXT NOT NULL,
    to_day TEXT,
    declared_to TEXT,                    -- periods up to here were declared before this hall kept the register
    quota INTEGER,
    prepaid INTEGER NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (taxpayer, form)
) WITHOUT ROWID;

CREATE TABLE obligation (
    id TEXT PRIMARY KEY,
    taxpayer TEXT NOT NULL REFERENCES taxpayer (id),
    form TEXT NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    cycle TEXT NOT NULL,
    deadline TEXT NOT NULL,
    quota INTEGER,
    prepaid INTEGER NOT NULL,
    facts TEXT NOT NULL,
    elsewhere TEXT,                      -- day on which it was declared at a window, as far as this hall knows
    UNIQUE (taxpayer, form, period_end)
) WITHOUT ROWID;

CREATE TABLE arrear (
    taxpayer TEXT NOT NULL REFERENCES taxpayer (id),
    levy TEXT NOT NULL,
    bureau TEXT NOT NULL,
    period_start TEXT NOT NULL,
    period_end TEXT NOT NULL,
    amount INTEGER NOT NULL,
    deadline TEXT NOT NULL,
    PRIMARY KEY (taxpayer, levy, period_end)
) WITHOUT ROWID;
"""

_FILINGS = """
CREATE TABLE filing (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL,               -- hash of the request: the same key with another one is refused
    kiosk TEXT NOT NULL,
    taxpayer TEXT NOT NULL,              -- of the register, or 'self'
    holder_ref TEXT NOT NULL,
    form TEXT NOT NULL,
    obligation TEXT REFERENCES obligation (id),
    corrects TEXT,
    live INTEGER NOT NULL DEFAULT 1,     -- 0: superseded, or refused for good; its obligation is free again
    superseded_by TEXT,
    total INTEGER NOT NULL,
    lines TEXT NOT NULL,
    period_start TEXT,
    period_end TEXT,
    deadline TEXT,
    summary TEXT NOT NULL,
    on_day TEXT,                         -- of a single transaction: those of one day are tested together
    gross INTEGER,
    net INTEGER,
    request BLOB NOT NULL,               -- sealed, whole
    declared_at INTEGER NOT NULL,        -- legal time: the touch
    received_at INTEGER NOT NULL
);
-- The last line against two returns for one period.
CREATE UNIQUE INDEX filing_one_a_period ON filing (obligation) WHERE obligation IS NOT NULL AND live = 1;
CREATE INDEX filing_taxpayer ON filing (taxpayer, id);
CREATE INDEX filing_holder ON filing (holder_ref, id) WHERE taxpayer = 'self';

CREATE TABLE filing_item (
    filing TEXT NOT NULL REFERENCES filing (key),
    bureau TEXT NOT NULL,
    lines TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'refused', 'dropped')),
    sent INTEGER NOT NULL DEFAULT 0,     -- how often it may have left us: from 1 on the bureau is asked first
    receipt TEXT,
    problem TEXT,
    problem_key TEXT,
    trouble TEXT,                        -- why the last try told us nothing
    tried_at INTEGER,
    done_at INTEGER,
    PRIMARY KEY (filing, bureau)
) WITHOUT ROWID;
CREATE INDEX filing_item_pending ON filing_item (bureau) WHERE state = 'pending';

CREATE TABLE payment (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    holder_ref TEXT NOT NULL,
    amount INTEGER NOT NULL,
    paid_on TEXT NOT NULL,               -- the day up to which late surcharge was counted; frozen with the amounts
    outcome TEXT CHECK (outcome IN ('approved', 'refused', 'reversed')),
    to_reverse INTEGER NOT NULL DEFAULT 0,
    charge TEXT,
    charged_at INTEGER,
    begun_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX payment_open ON payment (begun_at) WHERE outcome IS NULL;
CREATE INDEX payment_charged ON payment (charged_at) WHERE charged_at IS NOT NULL;

CREATE TABLE payment_filing (
    payment TEXT NOT NULL REFERENCES payment (key),
    filing TEXT NOT NULL,
    amount INTEGER NOT NULL,             -- late surcharge included
    late TEXT NOT NULL,
    held INTEGER NOT NULL,
    PRIMARY KEY (payment, filing)
) WITHOUT ROWID;
-- The last line against two payments for one filing.
CREATE UNIQUE INDEX payment_holds ON payment_filing (filing) WHERE held = 1;

CREATE TABLE entry_item (
    key TEXT PRIMARY KEY,                -- hall.bureaus.contract.entry_key
    payment TEXT NOT NULL REFERENCES payment (key),
    filing TEXT NOT NULL,
    bureau TEXT NOT NULL,
    lines TEXT NOT NULL,
    amount INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'entered', 'refused', 'dropped')),
    sent INTEGER NOT NULL DEFAULT 0,
    receipt TEXT,
    problem TEXT,
    trouble TEXT,
    tried_at INTEGER,
    done_at INTEGER
) WITHOUT ROWID;
CREATE INDEX entry_pending ON entry_item (bureau) WHERE state = 'pending';
CREATE INDEX entry_payment ON entry_item (payment);
CREATE UNIQUE INDEX entry_once ON entry_item (filing, bureau) WHERE state IN ('pending', 'entered');

-- What no rule can settle, until somebody has: closed with a note, never deleted.
CREATE TABLE staff_item (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    note TEXT,
    UNIQUE (kind, subject)
);
CREATE INDEX staff_item_open ON staff_item (kind) WHERE closed_at IS NULL;

CREATE TABLE terminal_charge (
    day TEXT NOT NULL,
    terminal TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    reference TEXT NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (day, terminal, position)
) WITHOUT ROWID;
CREATE TABLE terminal_day (
    day TEXT NOT NULL,
    terminal TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (day, terminal)
) WITHOUT ROWID;
"""

_DOCUMENTS = """
-- Numbered blanks, a range a row: next is the first that is still unused.
CREATE TABLE stock (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    pattern TEXT NOT NULL,
    code TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    next INTEGER NOT NULL,
    added_at INTEGER NOT NULL
);

-- Every number that was ever taken, and what became of its sheet.
CREATE TABLE stock_number (
    code TEXT NOT NULL,
    number TEXT NOT NULL,
    kind TEXT NOT NULL,
    kiosk TEXT NOT NULL,
    document TEXT NOT NULL,              -- key of the certificate or invoice
    state TEXT NOT NULL CHECK (state IN ('taken', 'printed', 'void')),
    reason TEXT,
    taken_at INTEGER NOT NULL,
    done_at INTEGER,
    PRIMARY KEY (code, number)
) WITHOUT ROWID;

CREATE TABLE sequence (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE certificate (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kiosk TEXT NOT NULL,
    filing TEXT NOT NULL REFERENCES filing (key),
    bureau TEXT NOT NULL,
    holder_ref TEXT NOT NULL,
    number TEXT NOT NULL UNIQUE,
    verification TEXT NOT NULL,
    print_count INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('taken', 'printed', 'void')),
    taken_at INTEGER NOT NULL
);
CREATE INDEX certificate_filing ON certificate (filing);

CREATE TABLE invoice (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kiosk TEXT NOT NULL,
    filing TEXT NOT NULL REFERENCES filing (key),
    medium TEXT NOT NULL,
    code TEXT NOT NULL,
    number TEXT NOT NULL,
    kind TEXT NOT NULL,
    body BLOB NOT NULL,                  -- sealed: names and numbers of both sides
    state TEXT NOT NULL CHECK (state IN ('taken', 'printed', 'void', 'red')),
    print_count INTEGER NOT NULL DEFAULT 0,
    red_of TEXT,
    issued_at INTEGER NOT NULL,
    UNIQUE (code, number)
);
-- One filing has one good invoice.
CREATE UNIQUE INDEX invoice_one_good ON invoice (filing) WHERE red_of IS NULL AND state IN ('taken', 'printed');
-- Another key that asked for the same invoice, and got it.
CREATE TABLE invoice_alias (
    key TEXT PRIMARY KEY,
    invoice TEXT NOT NULL REFERENCES invoice (key)
) WITHOUT ROWID;
"""

_THIRTY_DAYS = """
-- at is the time that a kiosk went by; clock is what its own clock showed, right or wrong: its hash covers both.
ALTER TABLE kiosk_journal ADD COLUMN clock TEXT;
ALTER TABLE quarantine ADD COLUMN clock TEXT;
-- How it ended. It stays in the books, whole.
ALTER TABLE quarantine ADD COLUMN outcome TEXT CHECK (outcome IN ('accepted', 'closed'));
ALTER TABLE quarantine ADD COLUMN closed_by TEXT;
ALTER TABLE quarantine ADD COLUMN note TEXT;
"""

_FLEET = """
-- Who may do what at the hall: hall.api.access names the roles.
ALTER TABLE staff ADD COLUMN disabled_at INTEGER;

-- Managers and administrators sit at no window.
CREATE TABLE desk_session (
    id INTEGER PRIMARY KEY,
    token_hash TEXT NOT NULL UNIQUE,
    staff INTEGER NOT NULL REFERENCES staff (id),
    csrf TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER
);

-- What was done at the hall to kiosks, releases and accounts: chained, never changed.
CREATE TABLE hall_audit (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
);
-- What was done at the kiosks, as their journals told it.
CREATE TABLE kiosk_audit (
    id INTEGER PRIMARY KEY,
    kiosk TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX kiosk_audit_kiosk ON kiosk_audit (kiosk, at);

-- The last report of each kiosk, whole, and when its answers began and ended.
CREATE TABLE kiosk_report (
    kiosk TEXT PRIMARY KEY,
    received_at INTEGER NOT NULL,
    body BLOB NOT NULL
) WITHOUT ROWID;
-- Which group a kiosk belongs to: releases are published for all, a group or one.
CREATE TABLE kiosk_group (
    kiosk TEXT PRIMARY KEY,
    name TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE alarm (
    id INTEGER PRIMARY KEY,
    kiosk TEXT NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    seen_by TEXT,
    seen_at INTEGER
);
CREATE UNIQUE INDEX alarm_open ON alarm (kiosk, kind) WHERE ended_at IS NULL;

CREATE TABLE kiosk_order (
    id TEXT PRIMARY KEY,
    kiosk TEXT NOT NULL,
    number INTEGER NOT NULL,
    signed BLOB NOT NULL,
    verb TEXT NOT NULL,
    argument TEXT NOT NULL,
    given_by TEXT NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    answered_at INTEGER,
    outcome TEXT,
    problem TEXT,
    text TEXT,
    UNIQUE (kiosk, number)
) WITHOUT ROWID;
CREATE INDEX kiosk_order_open ON kiosk_order (kiosk) WHERE answered_at IS NULL;

CREATE TABLE readiness (
    id TEXT PRIMARY KEY,
    kiosk TEXT NOT NULL,
    at INTEGER NOT NULL,
    technician TEXT NOT NULL,
    ready INTEGER NOT NULL CHECK (ready IN (0, 1)),
    report TEXT NOT NULL,
    signature TEXT NOT NULL,
    genuine INTEGER NOT NULL CHECK (genuine IN (0, 1))
) WITHOUT ROWID;

CREATE TABLE technician (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    certificate TEXT NOT NULL UNIQUE,   -- SHA-256 of the card's DER
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    revoked_at INTEGER
) WITHOUT ROWID;

-- A release and its way to the kiosks: stages of kiosks, one after the other, halted by the first failure.
CREATE TABLE release (
    number INTEGER PRIMARY KEY,
    made_at INTEGER NOT NULL,
    made_by TEXT NOT NULL,
    note TEXT NOT NULL,
    audience TEXT NOT NULL,             -- JSON list of kiosks, [] all
    state TEXT NOT NULL CHECK (state IN ('drafted', 'rolling', 'halted', 'done', 'withdrawn')),
    stage INTEGER NOT NULL DEFAULT 0,
    stages TEXT NOT NULL,               -- JSON: kiosks of each stage
    halted_because TEXT
);
CREATE TABLE release_kiosk (
    release INTEGER NOT NULL REFERENCES release (number),
    kiosk TEXT NOT NULL,
    offered_at INTEGER,
    state TEXT,                         -- kiosk.domain.fleet.Slot of its last report about this release
    problem TEXT,
    changed_at INTEGER,
    PRIMARY KEY (release, kiosk)
) WITHOUT ROWID;
"""

#: In order, never changed once released: a new version adds one at the end.
MIGRATIONS: tuple[str, ...] = (_TICKETS + _PEOPLE + _KIOSKS, _REGISTER + _FILINGS + _DOCUMENTS, _THIRTY_DAYS, _FLEET)
