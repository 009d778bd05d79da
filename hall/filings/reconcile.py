"""The end of the day: what the terminals took, what kiosks and hall say was paid, and what both bureaus have in their
books, held against each other. Every difference has a name; none is repaired here, all are shown.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
from sqlalchemy import Connection

from hall.bureaus.client import Absent, BureauSilent, Received, Silent
from hall.bureaus.contract import Ledger
from hall.clock import milliseconds
from hall.filings.settle import bureau_clients
from hall.filings.standing import payment_state
from hall.queue.refusal import Refused
from hall.settings import Settings
from hall.store import statements_tax as statements
from hall.store.database import Database
from hall.store.writer import Work
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import Bureau, PaymentEnded, TerminalJournal

#: Entries of one terminal in one day.
_MOST = 10_000

DifferenceName = Literal[
    "charged_not_paid",      # the terminal charged, the hall does not hold the payment as approved
    "paid_not_charged",      # the hall holds a payment as approved, its terminal has no charge
    "unknown_charge",        # a charge under a key that the hall never heard of
    "to_reverse",            # charged, nothing was left to pay, and not given back yet
    "amount_differs",        # the same money, two amounts
    "twice",                 # one key charged twice, or one filing entered twice at a bureau
    "entry_missing_state",   # approved, and not in this bureau's ledger
    "entry_missing_local",
    "entry_unknown_state",   # in this bureau's ledger through the hall, and the hall does not know of it
    "entry_unknown_local",
    "return_missing_state",  # the hall holds a receipt, the bureau no return
    "return_missing_local",
    "fact_differs",          # the kiosk's journal says another outcome than the hall holds
    "not_compared",          # a bureau was silent, or a terminal has not sent its day
]  # fmt: skip


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    name: DifferenceName
    subject: str
    """Key of the payment, the entry or the filing; or who was silent."""
    amount: int | None = None
    """Fen, on the side that is named first."""
    expected: int | None = None
    """Fen, on the other side, where there are two."""
    where: str = ""
    """Terminal, kiosk or bureau; of an entry its payment. Nothing of a person."""
    state: str = ""
    """Where the hall holds the payment or the entry to stand."""
    detail: str = ""


class Reconciliation(msgspec.Struct, frozen=True):
    day: date
    charges: int
    charged: int
    """Fen that the terminals took, less what they gave back."""
    payments: int
    paid: int
    """Fen of the hall's approved payments of the day."""
    entries: dict[str, int]
    """Fen a bureau, as entered for these payments."""
    differences: list[Difference]


@dataclass(frozen=True)
class Charged:
    """One line of a terminal's day."""

    key: str
    kind: str
    amount: int
    terminal: str


@dataclass(frozen=True)
class Paid:
    """One payment as the hall holds it."""

    key: str
    state: str
    amount: int
    kiosk: str


@dataclass(frozen=True)
class Owed:
    """One entry that follows from an approved payment."""

    key: str
    payment: str
    bureau: Bureau
    amount: int
    state: str


@dataclass(frozen=True)
class Booked:
    """One entry of a bureau's ledger."""

    key: str
    filing: str
    amount: int
    channel: str = "hall"


@dataclass
class Sides:
    """Everything that is held against each other."""

    charges: list[Charged] = field(default_factory=list)
    terminal_kiosks: set[str] = field(default_factory=set)
    """Kiosks whose terminal has sent its day."""
    payments: list[Paid] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    """Payment → the last outcome in a kiosk's journal."""
    returns: list[tuple[str, Bureau]] = field(default_factory=list)
    """Filings of the day that a bureau has given the hall a receipt for."""
    booked: dict[Bureau, list[Booked]] = field(default_factory=dict)
    """Ledgers; a bureau that was silent has none."""
    declared: dict[Bureau, set[str]] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    """Keys of entries that the hall holds, of whatever day."""


def compare(sides: Sides) -> list[Difference]:
    """Every difference, by name. Pure: the same sides give the same list."""
    found = [Difference("not_compared", who, detail=why) for who, why in sorted(sides.silent.items())]
    found += _terminal_against_hall(sides)
    found += _facts_against_hall(sides)
    for bureau, booked in sides.booked.items():
        found += _ledger_against_hall(sides, bureau, booked)
    return found


def _terminal_against_hall(sides: Sides) -> Iterable[Difference]:
    payments = {payment.key: payment for payment in sides.payments}
    sales: dict[str, list[Charged]] = defaultdict(list)
    reversed_keys = Counter(charge.key for charge in sides.charges if charge.kind == "reversal")
    for charge in sides.charges:
        if charge.kind != "reversal":
            sales[charge.key].append(charge)
    for key, charges in sales.items():
        standing = len(charges) - reversed_keys[key]
        payment, taken = payments.get(key), charges[-1]
        if standing > 1:
            yield Difference("twice", key, taken.amount, where=taken.terminal, detail=f"{standing}")
        if payment is None:
            yield Difference("unknown_charge", key, taken.amount, where=taken.terminal)
            continue
        if standing > 0 and payment.state not in ("approved", "entered", "to_reverse"):
            yield Difference("charged_not_paid", key, taken.amount, where=taken.terminal, state=payment.state)
        if standing > 0 and payment.state == "to_reverse":
            yield Difference("to_reverse", key, taken.amount, where=taken.terminal)
        if standing > 0 and taken.amount != payment.amount:
            yield Difference("amount_differs", key, taken.amount, payment.amount, taken.terminal)
        if standing <= 0 and payment.state in ("approved", "entered"):
            yield Difference("paid_not_charged", key, payment.amount, 0, taken.terminal, payment.state)
    for key, payment in payments.items():
        if key not in sales and payment.state in ("approved", "entered") and payment.kiosk in sides.terminal_kiosks:
            yield Difference("paid_not_charged", key, payment.amount, 0, payment.kiosk, payment.state)


def _facts_against_hall(sides: Sides) -> Iterable[Difference]:
    agree = {
        "approved": {"approved", "entered", "to_reverse", "reversed"},
        "refused": {"refused", "begun"},
        "reversed": {"reversed"},
    }
    for payment in sides.payments:
        said = sides.facts.get(payment.key)
        if said is not None and payment.state not in agree.get(said, set()):
            yield Difference("fact_differs", payment.key, payment.amount, None, payment.kiosk, payment.state, said)


def _ledger_against_hall(sides: Sides, bureau: Bureau, booked: Sequence[Booked]) -> Iterable[Difference]:
    in_ledger = {entry.key: entry for entry in booked}
    missing: DifferenceName = "entry_missing_state" if bureau is Bureau.STATE else "entry_missing_local"
    unknown: DifferenceName = "entry_unknown_state" if bureau is Bureau.STATE else "entry_unknown_local"
    no_return: DifferenceName = "return_missing_state" if bureau is Bureau.STATE else "return_missing_local"
    for owed in sides.owed:
        if owed.bureau is not bureau:
            continue
        entry = in_ledger.get(owed.key)
        if entry is None:
            yield Difference(missing, owed.key, 0, owed.amount, owed.payment, owed.state)
        elif entry.amount != owed.amount:
            yield Difference("amount_differs", owed.key, entry.amount, owed.amount, bureau.value)
    filings = Counter(entry.filing for entry in in_ledger.values())
    for filing, count in sorted(filings.items()):
        if count > 1:
            yield Difference("twice", filing, where=bureau.value, detail=f"{count}")
    for entry in in_ledger.values():
        if entry.channel == "hall" and entry.key not in sides.known:
            yield Difference(unknown, entry.key, entry.amount)
    for filing, at in sides.returns:
        if at is bureau and filing not in sides.declared.get(bureau, set()):
            yield Difference(no_return, filing)


# ---- gathering the sides -------------------------------------------------------------------------------------------


class AsksBureau(Protocol):
    async def ledger(self, day: date | None, timeout_s: float) -> Ledger: ...

    async def ask_entry(self, key: str, timeout_s: float) -> Received | Absent | Silent: ...

    async def ask_return(self, key: str, timeout_s: float) -> Received | Absent | Silent: ...


async def reconcile(
    connection: Connection, bureaus: Mapping[Bureau, AsksBureau], day: date, timeout_s: float
) -> Reconciliation:
    """Hold one calendar day of the hall's zone against itself. A silent bureau is a line of the result, no error."""
    sides = _own_sides(connection, day)
    for bureau in Bureau:
        owed = [each for each in sides.owed if each.bureau is bureau]
        client = bureaus.get(bureau)
        if client is None:
            if owed or any(at is bureau for _, at in sides.returns):
                sides.silent[bureau.value] = "no address in the settings"
            continue
        try:
            await _read_ledger(connection, sides, client, bureau, day, timeout_s)
        except BureauSilent as silent:
            sides.silent[bureau.value] = str(silent)
    approved = [payment for payment in sides.payments if payment.state in ("approved", "entered")]
    signs = {"reversal": -1}
    return Reconciliation(
        day=day,
        charges=sum(charge.kind != "reversal" for charge in sides.charges),
        charged=sum(signs.get(charge.kind, 1) * charge.amount for charge in sides.charges),
        payments=len(approved),
        paid=sum(payment.amount for payment in approved),
        entries={
            bureau.value: sum(each.amount for each in sides.owed if each.bureau is bureau and each.state == "entered")
            for bureau in Bureau
        },
        differences=compare(sides),
    )


async def _read_ledger(
    connection: Connection, sides: Sides, client: AsksBureau, bureau: Bureau, day: date, timeout_s: float
) -> None:
    ledger = await client.ledger(day, timeout_s)
    booked = [Booked(entry.key, entry.filing, entry.amount, entry.channel) for entry in ledger.entries]
    declared = {each.key for each in ledger.returns}
    there = {entry.key for entry in booked}
    # What was paid late in the evening may be in the book of the next day: asked for one by one.
    for owed in sides.owed:
        if owed.bureau is bureau and owed.key not in there:
            match await client.ask_entry(owed.key, timeout_s):
                case Received(receipt):
                    booked.append(Booked(owed.key, owed.key, receipt.amount))
                case Silent(reason):
                    raise BureauSilent(reason)
    for filing, at in sides.returns:
        if at is bureau and filing not in declared:
            match await client.ask_return(filing, timeout_s):
                case Received():
                    declared.add(filing)
                case Silent(reason):
                    raise BureauSilent(reason)
    for entry in booked:
        if connection.execute(statements.ENTRY, {"key": entry.key}).one_or_none() is not None:
            sides.known.add(entry.key)
    sides.booked[bureau], sides.declared[bureau] = booked, declared


def _own_sides(connection: Connection, day: date) -> Sides:
    execute = connection.execute
    start = datetime.combine(day, time(), HALL_ZONE)
    span = {"first": milliseconds(start), "last": milliseconds(start + timedelta(days=1))}
    told = {"day": day.isoformat()}
    sides = Sides(
        charges=[
            Charged(row.key, row.kind, row.amount, row.terminal) for row in execute(statements.TERMINAL_CHARGES, told)
        ],
        terminal_kiosks={row.kiosk for row in execute(statements.TERMINAL_DAYS, told)},
    )
    keys = {charge.key for charge in sides.charges}
    rows = {row.key: row for row in execute(statements.PAYMENTS_BETWEEN, span)}
    # A charge shortly before midnight belongs to a payment that began, or was told, on another day.
    for key in keys - rows.keys():
        row = execute(statements.PAYMENT, {"key": key}).one_or_none()
        if row is not None:
            rows[key] = row
    for row in rows.values():
        entries = execute(statements.ENTRIES_OF_PAYMENT, {"payment": row.key}).all()
        state = payment_state(row.outcome, bool(row.to_reverse), [entry.state for entry in entries])
        sides.payments.append(Paid(row.key, state, row.amount, row.kiosk))
        if state in ("approved", "entered"):
            sides.owed += [
                Owed(entry.key, row.key, Bureau(entry.bureau), entry.amount, entry.state) for entry in entries
            ]
            if row.kiosk not in sides.terminal_kiosks:
                sides.silent[row.kiosk] = "its terminal has not sent this day"
    for row in execute(statements.DECLARED_BETWEEN, span):
        if row.state == "accepted":
            sides.returns.append((row.filing, Bureau(row.bureau)))
    sides.facts = _facts(connection, day)
    return sides


def reconcile_once(data: Path, settings: Settings, day: date) -> Reconciliation:
    """For the command line, beside a server or without one. Raises UnfitDatabase, OSError."""
    database = Database(data)

    async def run() -> Reconciliation:
        clients = bureau_clients(settings)
        try:
            with database.reader.connect() as connection:
                return await reconcile(connection, clients, day, settings.tax.bureau_timeout_s)
        finally:
            for client in clients.values():
                await client.close()

    try:
        return asyncio.run(run())
    finally:
        database.close()


_ended = msgspec.json.Decoder(PaymentEnded)


def _facts(connection: Connection, day: date) -> dict[str, str]:
    # The kiosk's own way of writing a time is kept: days either side are read too, and payments sort them out.
    near = {"from_at": (day - timedelta(days=1)).isoformat(), "to_at": (day + timedelta(days=2)).isoformat()}
    said: dict[str, str] = {}
    for row in connection.execute(statements.PAYMENT_FACTS, near):
        try:
            fact = _ended.decode(row.body)
        except msgspec.MsgspecError:
            continue
        said[fact.key] = fact.result.outcome
    return said


def take_terminal_journal(work: Work, kiosk: str, journal: TerminalJournal) -> None:
    """Hold a terminal's day; a later telling of the same day counts. Raises Refused: invalid (422), key (409)."""
    if not 0 < len(journal.terminal) <= 64 or len(journal.entries) > _MOST:
        raise Refused("invalid", 422, "terminal")
    if any(not 0 <= entry.fen < 2**53 for entry in journal.entries):
        raise Refused("invalid", 422, "entries")
    execute = work.connection.execute
    where: dict[str, Any] = {"day": journal.day.isoformat(), "terminal": journal.terminal}
    held = execute(statements.HAS_TERMINAL_DAY, where).one_or_none()
    if held is not None and held.kiosk != kiosk:
        # One terminal stands at one kiosk: another's must not be overwritten.
        raise Refused("key", 409, "terminal")
    execute(statements.ADD_TERMINAL_DAY, {**where, "kiosk": kiosk, "now": work.now_ms})
    execute(statements.CLEAR_TERMINAL_DAY, where)
    for position, entry in enumerate(journal.entries):
        execute(
            statements.ADD_TERMINAL_CHARGE,
            {
                **where,
                "kiosk": kiosk,
                "position": position,
                "key": entry.key[:64],
                "kind": entry.kind[:16],
                "amount": entry.fen,
                "reference": entry.reference[:64],
                "at": entry.at.isoformat(),
            },
        )
