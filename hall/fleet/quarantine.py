"""What kiosks reported and the hall could not accept: whole, with its reason, beside what the hall itself holds.

Nothing leaves it by itself. A clerk compares both versions, and either has the row taken in after all (the register was
put right meanwhile, the other return withdrawn), by the same way and the same checks as at first, or closes it with a
note; who, when and why stay in the books.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.filings.office import SELF, TaxOffice
from hall.fleet import journal
from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from hall.queue.rules import Rules
from hall.register.seal import SealBroken
from hall.store import statements
from hall.store import statements_tax as tax_statements
from hall.store.writer import Work
from kiosk.domain.facts import Fact
from kiosk.domain.filing import DocumentPrinted, FilingMade, FilingRequest, PaymentBegun, PaymentEnded
from kiosk.domain.fleet import Audited, ReadinessReported
from kiosk.domain.messages import JournalRow, SlipPrinted, TicketAskAbandoned, TicketIssuedHere
from kiosk.domain.tax import BadInput, assess

#: Rows on the page: who has more has another problem. Ended ones below it.
_MOST, _ENDED = 100, 20

_NOTE = 400

_fact = msgspec.json.Decoder(Fact)


@dataclass(frozen=True)
class Version:
    """One side's story. Words are keys of the page's texts; masked or without names."""

    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Aside:
    id: int
    kiosk: str
    incarnation: str
    seq: int
    kind: str
    reason: str
    at: datetime
    clock: datetime | None
    """What the kiosk's own clock showed, where it is known."""
    received_at: datetime
    theirs: Version
    """What the kiosk wrote; without facts when it cannot be read."""
    ours: Version
    """What the hall holds instead; without facts when it holds nothing."""
    can_accept: bool


@dataclass(frozen=True)
class Ended:
    id: int
    kiosk: str
    kind: str
    outcome: str
    by: str
    note: str
    at: datetime


def waiting(connection: Connection, office: TaxOffice) -> list[Aside]:
    """The oldest first."""
    rows = connection.execute(statements.QUARANTINED_ROWS, {"limit": _MOST})
    return [_aside(connection, office, row) for row in rows]


def ended(connection: Connection) -> list[Ended]:
    """The newest first. Those that were closed before it was noted how are without a note."""
    rows = connection.execute(statements.QUARANTINE_CLOSED, {"limit": _ENDED})
    return [
        Ended(
            row.id,
            row.kiosk,
            row.kind,
            row.outcome or "closed",
            row.closed_by or "",
            row.note or "",
            moment(row.seen_at),
        )
        for row in rows
    ]


def accept(
    work: Work, rules: Rules, office: TaxOffice, kiosk: KnownKiosk | None, aside: int, by: str, note: str
) -> None:
    """Take it in after all. Raises Refused: not_found (404), note (422), still (409: why, as its field)."""
    row = _open_row(work, aside, note)
    if kiosk is None:
        raise Refused("still", 409, "the kiosk is not enrolled any more")
    again = journal.accept_again(work, rules, kiosk, _row_of(office, row), office)
    if again is not None:
        raise Refused("still", 409, again)
    _close(work, aside, "accepted", by, note)


def close(work: Work, aside: int, by: str, note: str) -> None:
    """Settled in another way, which the note says. Raises Refused: not_found (404), note (422)."""
    _open_row(work, aside, note)
    _close(work, aside, "closed", by, note)


def _open_row(work: Work, aside: int, note: str) -> Row[Any]:
    if not 0 < len(note.strip()) <= _NOTE:
        raise Refused("note", 422, "note")
    row = work.connection.execute(statements.QUARANTINED_ROW, {"id": aside}).one_or_none()
    if row is None or row.seen_at is not None:
        raise Refused("not_found", 404, "subject")
    return row


def _close(work: Work, aside: int, outcome: str, by: str, note: str) -> None:
    closed = {"id": aside, "outcome": outcome, "by": by, "note": note.strip(), "now": work.now_ms}
    work.connection.execute(statements.CLOSE_QUARANTINED, closed)


# ---- both versions -------------------------------------------------------------------------------------------------


def _row_of(office: TaxOffice, row: Row[Any]) -> JournalRow:
    """As the kiosk wrote it. Raises SealBroken."""
    body = journal.opened(office, row, bytes(row.body), aside=True)
    clock = datetime.fromisoformat(row.clock) if row.clock is not None else None
    return JournalRow(row.seq, row.kind, datetime.fromisoformat(row.at), msgspec.Raw(body), row.hash, clock)


def _aside(connection: Connection, office: TaxOffice, row: Row[Any]) -> Aside:
    fact = _fact_of(office, row, aside=True)
    return Aside(
        id=row.id,
        kiosk=row.kiosk,
        incarnation=row.incarnation[:8],
        seq=row.seq,
        kind=row.kind,
        reason=row.reason,
        at=datetime.fromisoformat(row.at),
        clock=datetime.fromisoformat(row.clock) if row.clock is not None else None,
        received_at=moment(row.received_at),
        theirs=Version(_told(connection, fact)),
        ours=Version(_held(connection, office, row, fact)),
        can_accept=fact is not None,
    )


def _fact_of(office: TaxOffice, row: Row[Any], *, aside: bool) -> Fact | None:
    try:
        fact: Fact = _fact.decode(journal.opened(office, row, bytes(row.body), aside=aside))
    except (SealBroken, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return fact


def _told(connection: Connection, fact: Fact | None) -> tuple[tuple[str, str], ...]:
    match fact:
        case FilingMade(filing):
            return (
                *_return(connection, filing),
                ("total", _yuan(filing.total)),
                _at("declared_at", filing.declared_at),
            )
        case TicketIssuedHere():
            return ("number", fact.number), _at("issued_at", fact.issued_at), ("holder", fact.holder_masked)
        case TicketAskAbandoned():
            return (("key", fact.key[:12]),)
        case SlipPrinted():
            return ("number", fact.number), ("outcome", fact.outcome), ("why", fact.reason or "")
        case DocumentPrinted():
            return ("paper", fact.kind), ("number", fact.number), ("outcome", fact.outcome), ("why", fact.reason or "")
        case PaymentBegun(payment):
            return ("key", payment.key[:12]), ("total", _yuan(payment.amount)), _at("begun_at", payment.begun_at)
        case PaymentEnded():
            charge = fact.result.charge
            told = (("key", fact.key[:12]), ("outcome", fact.result.outcome))
            return (*told, ("total", _yuan(charge.amount)), ("why", charge.reference)) if charge is not None else told
        case Audited():
            return ("who", fact.who), ("why", fact.what)
        case ReadinessReported():
            return (("kind", "readiness"),)
        case None:
            return ()


def _return(connection: Connection, filing: FilingRequest) -> tuple[tuple[str, str], ...]:
    obligation = None
    if filing.obligation is not None:
        obligation = connection.execute(tax_statements.OBLIGATION, {"id": filing.obligation}).one_or_none()
    return (
        ("form", filing.form.value),
        ("payer", _payer(connection, filing.taxpayer)),
        ("period", f"{obligation.period_start} – {obligation.period_end}" if obligation is not None else ""),
        ("key", filing.key[:12]),
    )


def _payer(connection: Connection, taxpayer: str) -> str:
    """Masked; nothing of a natural person."""
    row = connection.execute(tax_statements.TAXPAYER, {"id": taxpayer}).one_or_none() if taxpayer != SELF else None
    return str(row.number_masked) if row is not None else ""


def _held(connection: Connection, office: TaxOffice, row: Row[Any], fact: Fact | None) -> tuple[tuple[str, str], ...]:
    """What the hall holds in its place."""
    where = {"kiosk": row.kiosk, "incarnation": row.incarnation, "seq": row.seq}
    held = connection.execute(statements.HELD_ROW, where).one_or_none()
    if held is not None and held.hash != row.hash:
        other = _fact_of(office, held, aside=False)
        return (("kind", held.kind), *_told(connection, other), _at("at", datetime.fromisoformat(held.at)))
    match fact:
        case FilingMade(filing):
            return _held_for(connection, office, filing)
        case TicketIssuedHere():
            ticket = connection.execute(
                statements.TICKET_BY_NUMBER, {"day": row.at[:10], "number": fact.number}
            ).one_or_none()
            if ticket is not None:
                return (
                    ("number", ticket.number),
                    ("state", ticket.state),
                    _at("issued_at", moment(ticket.issued_at)),
                    ("holder", ticket.holder_masked),
                )
    return ()


def _held_for(connection: Connection, office: TaxOffice, filing: FilingRequest) -> tuple[tuple[str, str], ...]:
    """The return under its key, or the one that meets its obligation, or what the hall's own rules come to."""
    found = connection.execute(tax_statements.FILING, {"key": filing.key}).one_or_none()
    if found is None and filing.obligation is not None:
        live = connection.execute(tax_statements.LIVE_FILING_OF, {"obligation": filing.obligation}).scalar()
        if live is not None:
            found = connection.execute(tax_statements.FILING, {"key": live}).one()
    if found is not None:
        return (
            ("form", found.form),
            ("payer", _payer(connection, found.taxpayer)),
            ("period", f"{found.period_start} – {found.period_end}" if found.period_end else ""),
            ("key", found.key[:12]),
            ("total", _yuan(found.total)),
            _at("declared_at", moment(found.declared_at)),
            ("kiosk", found.kiosk),
        )
    told: list[tuple[str, str]] = []
    if filing.obligation is not None:
        obligation = connection.execute(tax_statements.OBLIGATION, {"id": filing.obligation}).one_or_none()
        if obligation is not None and obligation.elsewhere is not None:
            told.append(("elsewhere", obligation.elsewhere))
    try:
        total = assess(office.rules, filing.request).to_pay
    except BadInput:
        pass
    else:
        told += [("assessed", _yuan(total))] if total != filing.total else []
    return tuple(told)


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"


def _at(name: str, at: datetime) -> tuple[str, str]:
    return name, f"{at:%Y-%m-%d %H:%M:%S}"
