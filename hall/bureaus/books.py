"""A bureau's own books: the returns it has taken in and the money entered for them, in one SQLite file.

Every answer is decided and stored in one transaction, and given only after it is on disk. The uniqueness that matters
(a key, a period, an entry of a return) is held by the file itself, not only by the checks that word the refusal.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import pysqlite3.dbapi2 as sqlite

from hall.bureaus.contract import (
    Declaration,
    DeclaredLine,
    Entry,
    Ledger,
    LedgerEntry,
    LedgerReturn,
    Receipt,
    Refusal,
    entry_key,
)
from hall.clock import milliseconds, moment
from hall.store.database import BUSY_MS, UnfitDatabase, check_version
from kiosk.domain.filing import PERIODIC_RETURNS, Bureau, Form

Channel = Literal["hall", "window"]

VERSION = 1

#: Fen in one line, at most: far above any tax, far below what an SQLite integer holds.
MOST = 10**15

MOST_LINES = 64

#: Begins every receipt number, so that a slip tells by itself whose it is: 国税 offices are numbered 1…, 地税 2….
OFFICE = {Bureau.STATE: "1350603", Bureau.LOCAL: "2350603"}

_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS tax_return (
        id            INTEGER PRIMARY KEY AUTOINCREMENT,
        key           TEXT NOT NULL UNIQUE,
        content       BLOB NOT NULL,
        receipt       TEXT NOT NULL UNIQUE,
        taxpayer      TEXT NOT NULL,
        form          TEXT NOT NULL,
        periodic      INTEGER NOT NULL,
        period_start  TEXT,
        period_end    TEXT,
        lines         BLOB NOT NULL,
        payable       INTEGER NOT NULL,
        corrects      TEXT UNIQUE,
        superseded_by TEXT REFERENCES tax_return (key) DEFERRABLE INITIALLY DEFERRED,
        channel       TEXT NOT NULL,
        hall          TEXT NOT NULL,
        declared_at   INTEGER NOT NULL,
        at            INTEGER NOT NULL,
        day           TEXT NOT NULL,
        CHECK (NOT periodic OR (period_start IS NOT NULL AND period_end IS NOT NULL))
    ) STRICT
    """,
    """
    CREATE UNIQUE INDEX IF NOT EXISTS one_return_a_period ON tax_return (taxpayer, form, period_start, period_end)
        WHERE periodic AND superseded_by IS NULL
    """,
    "CREATE INDEX IF NOT EXISTS returns_of_a_day ON tax_return (day)",
    """
    CREATE TABLE IF NOT EXISTS entry (
        id        INTEGER PRIMARY KEY AUTOINCREMENT,
        key       TEXT NOT NULL UNIQUE,
        content   BLOB NOT NULL,
        receipt   TEXT NOT NULL UNIQUE,
        filing    TEXT NOT NULL UNIQUE REFERENCES tax_return (key),
        payment   TEXT NOT NULL,
        amount    INTEGER NOT NULL CHECK (amount > 0),
        lines     BLOB NOT NULL,
        reference TEXT NOT NULL,
        channel   TEXT NOT NULL,
        paid_at   INTEGER NOT NULL,
        at        INTEGER NOT NULL,
        day       TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX IF NOT EXISTS entries_of_a_day ON entry (day)",
    "CREATE TABLE IF NOT EXISTS turned_away (taxpayer TEXT PRIMARY KEY, problem TEXT NOT NULL) STRICT",
)

_RETURN_OF_KEY = "SELECT * FROM tax_return WHERE key = ?"
_RETURN_OF_PERIOD = """
    SELECT key FROM tax_return
    WHERE periodic AND superseded_by IS NULL AND taxpayer = ? AND form = ? AND period_start = ? AND period_end = ?
"""
_CORRECTION_OF = "SELECT key FROM tax_return WHERE corrects = ?"
_SUPERSEDE = "UPDATE tax_return SET superseded_by = ? WHERE key = ?"
_NEXT_RETURN = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'tax_return'"
_ADD_RETURN = """
    INSERT INTO tax_return (id, key, content, receipt, taxpayer, form, periodic, period_start, period_end, lines,
                            payable, corrects, channel, hall, declared_at, at, day)
    VALUES (:id, :key, :content, :receipt, :taxpayer, :form, :periodic, :period_start, :period_end, :lines,
            :payable, :corrects, :channel, :hall, :declared_at, :at, :day)
"""
_ENTRY_OF_KEY = "SELECT * FROM entry WHERE key = ?"
_ENTRY_OF_FILING = "SELECT key FROM entry WHERE filing = ?"
_NEXT_ENTRY = "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = 'entry'"
_ADD_ENTRY = """
    INSERT INTO entry (id, key, content, receipt, filing, payment, amount, lines, reference, channel,
                       paid_at, at, day)
    VALUES (:id, :key, :content, :receipt, :filing, :payment, :amount, :lines, :reference, :channel,
            :paid_at, :at, :day)
"""
_TURNED_AWAY = "SELECT problem FROM turned_away WHERE taxpayer = ?"

_encode = msgspec.json.Encoder(order="deterministic").encode


class Books:
    """Of one bureau. Every method may be called from any thread; they follow one another. Raises sqlite.Error when the
    disk fails: nothing is known then, and the caller is told so."""

    def __init__(self, data: Path, bureau: Bureau) -> None:
        """``data``: the directory, made if missing; both bureaus may share it. Raises UnfitDatabase, OSError."""
        check_version()
        data.mkdir(parents=True, exist_ok=True)
        self.bureau = bureau
        self.file = data / f"{bureau.value}.sqlite"
        self.file.touch(mode=0o600)
        self._lock = threading.Lock()
        self._db = sqlite.connect(str(self.file), isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite.Row
        for pragma in (f"busy_timeout={BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            self._db.execute(f"PRAGMA {pragma}")
        with self._transaction() as db:
            found = db.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise UnfitDatabase(f"the books are of version {found}, this software knows {VERSION}: update it first")
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # ---- returns -----------------------------------------------------------------------------------------------------

    def declare(self, declaration: Declaration, now: datetime, channel: Channel = "hall") -> Receipt | Refusal:
        """Take a return in, once. The same key gets the first receipt again, whatever has happened since."""
        content = _content(declaration)
        with self._transaction() as db:
            known = db.execute(_RETURN_OF_KEY, (declaration.key,)).fetchone()
            if known is not None:
                return _receipt_of_return(known) if known["content"] == content else Refusal("key")
            refusal = _invalid_declaration(declaration) or self._in_the_way(db, declaration)
            if refusal is not None:
                return refusal
            number = db.execute(_NEXT_RETURN).fetchone()[0]
            row = {
                "id": number,
                "key": declaration.key,
                "content": content,
                "receipt": self._receipt_number("01", number, now),
                "taxpayer": declaration.taxpayer,
                "form": declaration.form.value,
                "periodic": declaration.form in PERIODIC_RETURNS,
                "period_start": _iso(declaration.period_start),
                "period_end": _iso(declaration.period_end),
                "lines": _encode(declaration.lines),
                "payable": sum(line.payable for line in declaration.lines),
                "corrects": declaration.corrects,
                "channel": channel,
                "hall": declaration.hall,
                "declared_at": milliseconds(declaration.declared_at),
                "at": milliseconds(now),
                "day": _day(now),
            }
            # The earlier return first: while it stands, its period is taken.
            if declaration.corrects is not None:
                db.execute(_SUPERSEDE, (declaration.key, declaration.corrects))
            db.execute(_ADD_RETURN, row)
            return _receipt_of_return(row)

    def ask_return(self, key: str) -> Receipt | None:
        with self._lock:
            row = self._db.execute(_RETURN_OF_KEY, (key,)).fetchone()
        return _receipt_of_return(row) if row is not None else None

    def _in_the_way(self, db: Any, declaration: Declaration) -> Refusal | None:
        turned_away = db.execute(_TURNED_AWAY, (declaration.taxpayer,)).fetchone()
        if turned_away is not None:
            return Refusal(turned_away["problem"])
        # A return that arrives after its own correction: it was on its way for long, and it is history.
        overtaken = db.execute(_CORRECTION_OF, (declaration.key,)).fetchone()
        if overtaken is not None:
            return Refusal("already_filed", overtaken["key"])
        if declaration.corrects is not None and (refusal := _not_to_correct(db, declaration)) is not None:
            return refusal
        if declaration.form in PERIODIC_RETURNS:
            period = (_iso(declaration.period_start), _iso(declaration.period_end))
            filed = db.execute(_RETURN_OF_PERIOD, (declaration.taxpayer, declaration.form.value, *period)).fetchone()
            if filed is not None and filed["key"] != declaration.corrects:
                return Refusal("already_filed", filed["key"])
        return None

    # ---- entries -----------------------------------------------------------------------------------------------------

    def enter(self, entry: Entry, now: datetime, channel: Channel = "hall") -> Receipt | Refusal:
        """Enter money for a return, once. The same key gets the first receipt again."""
        content = _content(entry)
        with self._transaction() as db:
            known = db.execute(_ENTRY_OF_KEY, (entry.key,)).fetchone()
            if known is not None:
                return _receipt_of_entry(known) if known["content"] == content else Refusal("key")
            refusal = self._invalid_entry(entry) or _not_to_enter(db, entry)
            if refusal is not None:
                return refusal
            number = db.execute(_NEXT_ENTRY).fetchone()[0]
            row = {
                "id": number,
                "key": entry.key,
                "content": content,
                "receipt": self._receipt_number("02", number, now),
                "filing": entry.filing,
                "payment": entry.payment,
                "amount": entry.amount,
                "lines": _encode(entry.lines),
                "reference": entry.reference,
                "channel": channel,
                "paid_at": milliseconds(entry.paid_at),
                "at": milliseconds(now),
                "day": _day(now),
            }
            db.execute(_ADD_ENTRY, row)
            return _receipt_of_entry(row)

    def ask_entry(self, key: str) -> Receipt | None:
        with self._lock:
            row = self._db.execute(_ENTRY_OF_KEY, (key,)).fetchone()
        return _receipt_of_entry(row) if row is not None else None

    def _invalid_entry(self, entry: Entry) -> Refusal | None:
        # The key names the bureau: what was meant for the other one does not get into these books.
        if entry.key != entry_key(entry.payment, entry.filing, self.bureau) or entry.paid_at.tzinfo is None:
            return Refusal("invalid")
        within = all(0 <= line.amount <= MOST and 0 <= line.late <= MOST for line in entry.lines)
        if not within or len(entry.lines) > MOST_LINES:
            return Refusal("invalid")
        return None

    # ---- the end of the day, and the register ------------------------------------------------------------------------

    def ledger(self, day: date | None) -> Ledger:
        """What was taken in on one calendar day of the hall's zone, or altogether; in the order in which it came."""
        where, values = ("WHERE day = ?", (day.isoformat(),)) if day is not None else ("", ())
        with self._transaction() as db:
            returns = db.execute(f"SELECT * FROM tax_return {where} ORDER BY id", values).fetchall()
            entries = db.execute(f"SELECT * FROM entry {where} ORDER BY id", values).fetchall()
        return Ledger(
            self.bureau, day, [_ledger_return(row) for row in returns], [_ledger_entry(row) for row in entries]
        )

    def turn_away(self, taxpayer: str, problem: str | None) -> None:
        """By default every taxpayer is known. Returns of this one are refused with ``problem`` (None: not any more)."""
        with self._transaction() as db:
            db.execute("DELETE FROM turned_away WHERE taxpayer = ?", (taxpayer,))
            if problem is not None:
                db.execute("INSERT INTO turned_away VALUES (?, ?)", (taxpayer, problem))

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _receipt_number(self, kind: str, number: int, now: datetime) -> str:
        return f"{OFFICE[self.bureau]}{_day(now).replace('-', '')}{kind}{number:06d}"


# ---- rules ---------------------------------------------------------------------------------------------------------


def _invalid_declaration(declaration: Declaration) -> Refusal | None:
    start, end = declaration.period_start, declaration.period_end
    right_period = (start is None) == (end is None) and (start is None or end is None or start <= end)
    has_its_period = start is not None or declaration.form not in PERIODIC_RETURNS
    right_lines = len(declaration.lines) <= MOST_LINES and all(map(_right_line, declaration.lines))
    right_taxpayer = 0 < len(declaration.taxpayer) <= 64
    right_time = declaration.declared_at.tzinfo is not None and declaration.corrects != declaration.key
    return (
        None
        if right_period and has_its_period and right_lines and right_taxpayer and right_time
        else Refusal("invalid")
    )


def _right_line(line: DeclaredLine) -> bool:
    return 0 <= line.relief <= line.due <= MOST and 0 <= line.payable <= line.due - line.relief


def _not_to_correct(db: Any, declaration: Declaration) -> Refusal | None:
    """A return that is not here may be corrected: this bureau had no part in the earlier one, or never heard of it."""
    other = db.execute(_CORRECTION_OF, (declaration.corrects,)).fetchone()
    if other is not None:
        return Refusal("already_filed", other["key"])
    earlier = db.execute(_RETURN_OF_KEY, (declaration.corrects,)).fetchone()
    if earlier is None:
        return None
    of_the_same = (
        earlier["taxpayer"] == declaration.taxpayer
        and earlier["form"] == declaration.form.value
        and earlier["period_start"] == _iso(declaration.period_start)
        and earlier["period_end"] == _iso(declaration.period_end)
    )
    if not of_the_same:
        return Refusal("invalid")
    if db.execute(_ENTRY_OF_FILING, (earlier["key"],)).fetchone() is not None:
        return Refusal("paid_already", earlier["key"])
    return None


def _not_to_enter(db: Any, entry: Entry) -> Refusal | None:
    filing = db.execute(_RETURN_OF_KEY, (entry.filing,)).fetchone()
    if filing is None:
        return Refusal("no_return")
    if filing["superseded_by"] is not None:
        return Refusal("no_return", filing["superseded_by"])
    paid = db.execute(_ENTRY_OF_FILING, (entry.filing,)).fetchone()
    if paid is not None:
        return Refusal("paid_already", paid["key"])
    declared: Counter[str] = Counter()
    for line in msgspec.json.decode(filing["lines"], type=list[DeclaredLine]):
        declared[line.levy.value] += line.payable
    entered: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for paid_line in entry.lines:
        entered[paid_line.levy.value] += paid_line.amount
        late[paid_line.levy.value] += paid_line.late
    # Late surcharge is for a levy that is owed: 征管法 第32条.
    late_without_tax = any(amount and not declared[levy] for levy, amount in late.items())
    # Counters compare by what is in them: a levy of nothing may be left out.
    matches = entered == declared and entry.amount == entered.total() + late.total() and entry.amount > 0
    return None if matches and not late_without_tax else Refusal("amount")


def _content(message: Declaration | Entry) -> bytes:
    """What makes it another message. A time is the same moment in whatever offset and with microseconds cut off, and
    lines are the same in any order: a sender that has kept it in a database may send it so the second time."""
    tree = msgspec.to_builtins(message)
    for field in ("declared_at", "paid_at"):
        if field in tree:
            tree[field] = milliseconds(getattr(message, field).astimezone(UTC))
    tree["lines"].sort(key=_encode)
    return hashlib.sha256(_encode(tree)).digest()


# ---- rows ----------------------------------------------------------------------------------------------------------


def _receipt_of_return(row: Any) -> Receipt:
    return Receipt(row["key"], row["receipt"], moment(row["at"]), row["payable"])


def _receipt_of_entry(row: Any) -> Receipt:
    return Receipt(row["key"], row["receipt"], moment(row["at"]), row["amount"])


def _ledger_return(row: Any) -> LedgerReturn:
    return LedgerReturn(
        key=row["key"],
        receipt=row["receipt"],
        taxpayer=row["taxpayer"],
        form=Form(row["form"]),
        period_start=_date(row["period_start"]),
        period_end=_date(row["period_end"]),
        payable=row["payable"],
        at=moment(row["at"]),
        channel=row["channel"],
        superseded=row["superseded_by"] is not None,
    )


def _ledger_entry(row: Any) -> LedgerEntry:
    return LedgerEntry(
        key=row["key"],
        receipt=row["receipt"],
        filing=row["filing"],
        payment=row["payment"],
        amount=row["amount"],
        at=moment(row["at"]),
        channel=row["channel"],
    )


def _day(now: datetime) -> str:
    """The calendar day in the hall's zone."""
    return moment(milliseconds(now)).date().isoformat()


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
