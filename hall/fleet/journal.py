"""What kiosks report: gapless, chained, each row held once. What cannot be accepted is set aside and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from hall.filings import documents, paying
from hall.filings.office import TaxOffice
from hall.filings.receiving import Prepared, is_plain, prepare, take_return, take_returns
from hall.fleet import machine
from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from hall.queue.rules import Rules
from hall.queue.taking import abandon, take_in
from hall.store import statements, statements_tax
from hall.store.writer import Work
from kiosk.domain.facts import Fact
from kiosk.domain.filing import DocumentPrinted, FilingMade, PaymentBegun, PaymentEnded
from kiosk.domain.fleet import Audited, ReadinessReported
from kiosk.domain.messages import (
    ANOTHER_ROW,
    CHAIN_START,
    JournalBatch,
    JournalReply,
    JournalRow,
    Quarantined,
    SlipPrinted,
    TicketAskAbandoned,
    TicketIssuedHere,
    row_hash,
)

#: Rows a batch: the writer serves nobody else meanwhile.
MAX_ROWS = 1_000

#: Kinds that hold nothing of a person beyond what is masked already: their rows are kept readable. All others, and what
#: was set aside, are sealed.
_PLAIN = frozenset(
    {
        "ticket_issued_here",
        "ticket_ask_abandoned",
        "slip_printed",
        "payment_begun",
        "payment_ended",
        "document_printed",
        "audited",
        "readiness_reported",
    }
)

_fact = msgspec.json.Decoder(Fact)


#: A clock that differs by more from the time that the kiosk goes by is put before staff, once, with both times.
CLOCK_OFF = timedelta(minutes=10)

_CONTRADICTS = "it contradicts what the hall holds"


@dataclass(frozen=True)
class Received:
    """``gap``: the batch begins after a row that the hall does not hold; nothing of it was taken."""

    reply: JournalReply
    gap: bool


@dataclass(frozen=True)
class Told:
    """A row as it was read. ``fact`` None: for ``reason`` it cannot be accepted, whatever the hall holds."""

    row: JournalRow
    reason: str | None
    fact: Fact | None = None
    prepared: Prepared | None = None


def check_shape(batch: JournalBatch) -> None:
    """Raises Refused (422): rows that do not follow each other, too many of them, an impossible name."""
    if not 1 <= len(batch.incarnation) <= 64:
        raise Refused("invalid", 422, "incarnation")
    if len(batch.rows) > MAX_ROWS:
        raise Refused("too_many_rows", 422, "rows")
    for expected, row in enumerate(batch.rows, batch.rows[0].seq if batch.rows else 0):
        if row.seq != expected or not 0 < row.seq < 2**53:
            raise Refused("order", 422, "rows")
        if row.at.tzinfo is None or (row.clock is not None and row.clock.tzinfo is None):
            raise Refused("invalid", 422, "rows")
        if len(row.hash) > 64 or len(row.kind) > 64:
            raise Refused("invalid", 422, "rows")


def make_ready(tax: TaxOffice | None, rows: list[JournalRow]) -> dict[int, Told]:
    """Everything about rows that needs no database, by their ``seq``: read, and returns assessed anew. Takes as long as
    the rest, so it is best done before the writer's turn."""
    return {row.seq: _read(tax, row) for row in rows}


def receive(
    work: Work,
    rules: Rules,
    kiosk: KnownKiosk,
    batch: JournalBatch,
    tax: TaxOffice | None = None,
    ready: dict[int, Told] | None = None,
) -> Received:
    """Take the rows in. Call ``check_shape`` first. Without ``tax`` facts about returns and money are set aside.
    ``ready``: what ``make_ready`` said of these rows, if it was asked."""
    where = {"kiosk": kiosk.id, "incarnation": batch.incarnation}
    mark = work.connection.execute(statements.MARK, where).one_or_none()
    high_water, last_hash = (mark.high_water, mark.hash) if mark is not None else (0, CHAIN_START)
    if batch.rows and batch.rows[0].seq > high_water + 1:
        return Received(JournalReply(high_water, hall_time=work.now), gap=True)

    old = [row for row in batch.rows if row.seq <= high_water]
    new = batch.rows[len(old) :]
    quarantined = _quarantine_forks(work, where, old, tax)
    ready = ready or make_ready(tax, new)
    told: list[Told] = []
    for row in new:
        one = ready[row.seq]
        if row.hash != row_hash(last_hash, row.seq, row.kind, row.at, bytes(row.body), row.clock):
            one = Told(row, "its hash does not follow from the row before")
            _notice(work, "disk_copied", where, f"#{row.seq}")
        # The next row is judged by what this one says it is: one bad row does not condemn those behind it.
        last_hash = row.hash
        told.append(one)
    _notice_clock(work, where, new)
    for group in _groups(told):
        for one, reason in zip(group, _accept_group(work, rules, kiosk, group, tax), strict=True):
            if reason is not None:
                _quarantine(work, where, one.row, reason, tax)
                quarantined.append(Quarantined(one.row.seq, reason))
    if new:
        aside = {each.seq for each in quarantined}
        work.connection.exec_driver_sql(
            statements.ADD_ROW.text, [_stored(work, where, row, tax, aside=row.seq in aside) for row in new]
        )
        high_water = new[-1].seq
        work.connection.execute(
            statements.SET_MARK, {**where, "high_water": high_water, "hash": last_hash, "now": work.now_ms}
        )
    return Received(JournalReply(high_water, quarantined, work.now), gap=False)


def _quarantine_forks(
    work: Work, where: dict[str, Any], old: list[JournalRow], tax: TaxOffice | None
) -> list[Quarantined]:
    """Rows the hall holds are ignored, unless they say something else: then the kiosk's disk was restored or cloned,
    and what was written on it since is set aside instead of being lost."""
    if not old:
        return []
    span = {**where, "first": old[0].seq, "last": old[-1].seq}
    held = {row.seq: row.hash for row in work.connection.execute(statements.HASHES, span)}
    forks = []
    for row in old:
        if held.get(row.seq) != row.hash:
            reason = ANOTHER_ROW
            _quarantine(work, where, row, reason, tax)
            forks.append(Quarantined(row.seq, reason))
            _notice(work, "disk_copied", where, f"#{row.seq}")
    return forks


def accept_again(work: Work, rules: Rules, kiosk: KnownKiosk, row: JournalRow, tax: TaxOffice | None) -> str | None:
    """A row that was set aside, once more, by the same way and the same checks; why not, or None: it is taken in."""
    return _accept(work, rules, kiosk, _read(tax, row), tax)


def opened(tax: TaxOffice, row: Row[Any], body: bytes, *, aside: bool) -> bytes:
    """The body of a stored row out of its seal. Raises SealBroken. ``aside``: it was quarantined."""
    if not aside and row.kind in _PLAIN:
        return body
    return tax.seal.open(body, _place(row.kiosk, row.incarnation, row.seq))


def _place(kiosk: str, incarnation: str, seq: int) -> str:
    return f"journal:{kiosk}:{incarnation}:{seq}"


def _read(tax: TaxOffice | None, row: JournalRow) -> Told:
    try:
        fact = _fact.decode(row.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Told(row, "not a fact this hall knows")
    if fact.__struct_config__.tag != row.kind:
        return Told(row, "its kind is not that of its body")
    match fact:
        case FilingMade() if tax is not None:
            try:
                return Told(row, None, fact, prepare(tax, fact.filing))
            except Refused as refused:
                return Told(row, _in_words(refused))
            except (ValueError, OverflowError):
                return Told(row, _CONTRADICTS)
    return Told(row, None, fact)


def _groups(told: list[Told]) -> Iterator[list[Told]]:
    """Rows in their order, those that can be taken in together in one list: plain returns that have nothing to do with
    one another. After thirty days there are thousands of them, and one by one each costs eight statements."""
    group: list[Told] = []
    about: set[str | None] = set()
    for one in told:
        request = one.prepared.request if one.prepared is not None else None
        if request is not None and is_plain(request) and about.isdisjoint({request.key, request.obligation or ""}):
            group.append(one)
            about |= {request.key, request.obligation}
            continue
        if group:
            yield group
        group, about = [], set()
        if request is not None and is_plain(request):
            group, about = [one], {request.key, request.obligation}
        else:
            yield [one]
    if group:
        yield group


def _accept_group(
    work: Work, rules: Rules, kiosk: KnownKiosk, group: list[Told], tax: TaxOffice | None
) -> list[str | None]:
    """Why each cannot be accepted, or None."""
    returns = [one.prepared for one in group if one.prepared is not None]
    if len(group) > 1 and tax is not None:
        savepoint = work.connection.begin_nested()
        try:
            refusals = take_returns(work, tax, kiosk.id, returns)
        except (IntegrityError, ValueError, OverflowError):
            # One of them contradicts what the hall holds. Which, is seen when each goes alone.
            savepoint.rollback()
        else:
            savepoint.commit()
            return [_in_words(refused) if refused is not None else None for refused in refusals]
    return [_accept(work, rules, kiosk, one, tax) for one in group]


def _in_words(refused: Refused) -> str:
    return f"refused: {refused.problem}" + (f" ({refused.field})" if refused.field else "")


def _accept(work: Work, rules: Rules, kiosk: KnownKiosk, told: Told, tax: TaxOffice | None) -> str | None:
    """Apply one fact under a savepoint of its own; answers why it cannot be accepted, or None."""
    if told.fact is None:
        return told.reason
    events, in_line = len(work.events), work.in_line
    savepoint = work.connection.begin_nested()
    try:
        reason = _apply(work, rules, kiosk, told, told.fact, tax)
    except (IntegrityError, ValueError, OverflowError):
        reason = _CONTRADICTS
    if reason is None:
        savepoint.commit()
    else:
        savepoint.rollback()
        del work.events[events:]
        work.in_line = in_line
    return reason


def _apply(work: Work, rules: Rules, kiosk: KnownKiosk, told: Told, fact: Fact, tax: TaxOffice | None) -> str | None:
    match fact:
        case TicketIssuedHere():
            if fact.issued_at.tzinfo is None:
                return "a time without offset"
            return take_in(work, rules, kiosk.id, fact, kiosk.enrolled_ms)
        case TicketAskAbandoned():
            return abandon(work, kiosk.id, fact.key)
        case SlipPrinted():
            work.connection.execute(
                statements.ADD_SLIP,
                {
                    "kiosk": kiosk.id,
                    "token": fact.token,
                    "number": fact.number,
                    "outcome": fact.outcome,
                    "reason": fact.reason,
                    "reprint": int(fact.reprint),
                    "now": work.now_ms,
                },
            )
            return None
        case Audited() | ReadinessReported():
            return machine.take_in(work, kiosk, fact, told.row.at)
        case FilingMade() | PaymentBegun() | PaymentEnded() | DocumentPrinted() as about_taxes:
            if tax is None:
                return "a fact about taxes, which this hall does not take"
            return _apply_tax(work, kiosk, told, about_taxes, tax)


def _apply_tax(
    work: Work,
    kiosk: KnownKiosk,
    told: Told,
    fact: FilingMade | PaymentBegun | PaymentEnded | DocumentPrinted,
    tax: TaxOffice,
) -> str | None:
    """The same way as the kiosk's own requests go: whichever of the two arrives second changes nothing."""
    try:
        match fact:
            case FilingMade():
                take_return(work, tax, kiosk.id, told.prepared or prepare(tax, fact.filing))
            case PaymentBegun():
                return paying.take_begun(work, tax, kiosk.id, fact.payment)
            case PaymentEnded():
                paying.conclude(work, kiosk.id, fact.key, fact.result)
            case DocumentPrinted():
                return documents.printed(work, kiosk.id, fact)
    except Refused as refused:
        return _in_words(refused)
    return None


def _quarantine(work: Work, where: dict[str, Any], row: JournalRow, reason: str, tax: TaxOffice | None) -> None:
    work.connection.execute(statements.QUARANTINE, {**_stored(work, where, row, tax, aside=True), "reason": reason})


def _notice(work: Work, kind: str, where: dict[str, Any], detail: str) -> None:
    """Put before staff, once for a kiosk's disk, until somebody has looked into it."""
    item = {"kind": kind, "subject": f"{where['kiosk']} {where['incarnation'][:8]}", "detail": detail}
    work.connection.execute(statements_tax.OPEN_STAFF_ITEM, {**item, "now": work.now_ms})


def _notice_clock(work: Work, where: dict[str, Any], rows: list[JournalRow]) -> None:
    """The row whose clock was furthest off. Facts count by the time that the kiosk went by; both stay in the books."""
    off = [(abs(row.clock - row.at), row) for row in rows if row.clock is not None]
    furthest, row = max(off, key=lambda each: each[0], default=(timedelta(), None))
    if row is not None and row.clock is not None and furthest > CLOCK_OFF:
        detail = f"{row.clock.isoformat(timespec='minutes')} → {row.at.isoformat(timespec='minutes')}"
        _notice(work, "clock_off", where, detail)


def _stored(
    work: Work, where: dict[str, Any], row: JournalRow, tax: TaxOffice | None, *, aside: bool
) -> dict[str, Any]:
    body = bytes(row.body)
    if tax is not None and (aside or row.kind not in _PLAIN):
        # A return may bear a natural person's name and number. The chain's hash covers what is inside the seal.
        body = tax.seal.close(body, _place(where["kiosk"], where["incarnation"], row.seq))
    return {
        **where,
        "seq": row.seq,
        "kind": row.kind,
        "at": row.at.isoformat(),
        "clock": row.clock.isoformat() if row.clock is not None else None,
        "body": body,
        "hash": row.hash,
        "now": work.now_ms,
    }
