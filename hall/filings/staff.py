"""What staff have to look at: everything that no rule of ours can settle, or that has not been settled for too long.

Each matter can be tried again or closed with a note; nothing is deleted. What is closed stays in the books with who
closed it, when and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import milliseconds, moment
from hall.filings import documents, paying, stock
from hall.filings.office import SELF, TaxOffice
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from hall.store.writer import Work
from kiosk.domain.filing import Charge

#: Rows a section: who has more has another problem.
_MOST = 100

#: What is on its way for less than this is no matter for staff.
_SETTLING = timedelta(seconds=30)

_NOTE = 400

Section = Literal[
    "half_done",
    "waiting",
    "not_entered",
    "refused",
    "begun_long_ago",
    "to_reverse",
    "item",
    "quarantine",
    "low_stock",
]


@dataclass(frozen=True)
class Matter:
    """One line of the page. ``what`` and ``problem`` are words that the page has texts for."""

    section: Section
    subject: str
    """What a button sends back."""
    what: str
    since: datetime | None
    bureau: str | None = None
    amount: int | None = None
    problem: str | None = None
    detail: str = ""
    payer: str = ""
    """Masked number of a registered taxpayer; nothing of a natural person."""
    closes: tuple[str, ...] = ()
    """How it may be closed: words of the buttons."""


def matters(connection: Connection, office: TaxOffice, now: datetime) -> list[Matter]:
    """Everything open, section by section, the oldest first."""
    execute = connection.execute
    settling = {"before": milliseconds(now - _SETTLING), "limit": _MOST}
    long_ago = now - timedelta(minutes=office.settings.begun_long_ago_minutes)
    limit = {"limit": _MOST}
    found = [_unsettled(connection, row) for row in execute(statements.UNSETTLED, settling)]
    found += [_unentered(row) for row in execute(statements.UNENTERED, settling)]
    found += [_refused(connection, row) for row in execute(statements.REFUSED_FILINGS, limit)]
    found += [
        Matter("begun_long_ago", row.key, row.kiosk, moment(row.begun_at), amount=row.amount, closes=("not_charged",))
        for row in execute(statements.BEGUN_LONG_AGO, {"before": milliseconds(long_ago), **limit})
    ]
    found += [_to_reverse(row) for row in execute(statements.TO_REVERSE, limit)]
    found += [_item(row) for row in execute(statements.STAFF_ITEMS, limit)]
    found += [
        Matter("quarantine", str(row.id), row.kiosk, moment(row.received_at), detail=row.reason, closes=("seen",))
        for row in execute(statements.QUARANTINED, limit)
    ]
    found += [
        Matter("low_stock", f"{row.kiosk}:{row.kind}", row.kiosk, None, problem=row.kind, detail=str(row.remaining))
        for row in execute(statements.STOCK_LEFT)
        if row.remaining <= office.settings.low_stock
    ]
    return found


def _payer(connection: Connection, taxpayer: str) -> str:
    if taxpayer == SELF:
        return ""
    return str(connection.execute(statements.TAXPAYER, {"id": taxpayer}).one().number_masked)


def _unsettled(connection: Connection, row: Row[Any]) -> Matter:
    section: Section = "half_done" if row.half else "waiting"
    since = moment(row.declared_at)
    payer = _payer(connection, row.taxpayer)
    return Matter(section, row.key, row.form, since, row.bureau, detail=row.trouble or "", payer=payer)


def _unentered(row: Row[Any]) -> Matter:
    return Matter(
        "not_entered", row.key, row.payment, moment(row.charged_at), row.bureau, row.amount, detail=row.trouble or ""
    )


def _refused(connection: Connection, row: Row[Any]) -> Matter:
    since, payer = moment(row.declared_at), _payer(connection, row.taxpayer)
    return Matter(
        "refused", row.key, row.form, since, row.bureau, problem=row.problem, payer=payer, closes=("settled",)
    )


def _to_reverse(row: Row[Any]) -> Matter:
    charge = msgspec.json.decode(row.charge, type=Charge)
    return Matter(
        "to_reverse",
        row.key,
        row.kiosk,
        charge.at,
        amount=charge.amount,
        detail=f"{charge.terminal} {charge.trace} {charge.reference}",
        closes=("given_back",),
    )


def _item(row: Row[Any]) -> Matter:
    closes = ("spoilt", "good") if row.kind == "sheet_uncertain" else ("settled",)
    return Matter(
        "item", str(row.id), row.kind, moment(row.opened_at), detail=f"{row.detail} {row.subject}", closes=closes
    )


# ---- closing -------------------------------------------------------------------------------------------------------


def close(work: Work, section: str, subject: str, how: str, by: str, note: str) -> None:
    """Somebody has settled it, and says how. Raises Refused: note (422), not_found (404), key (409)."""
    if not 0 < len(note.strip()) <= _NOTE:
        raise Refused("note", 422, "note")
    closed = {"now": work.now_ms, "by": by, "note": note.strip()}
    match section, how:
        case "refused", "settled":
            work.connection.execute(statements.CLOSE_STAFF_SUBJECT, {"kind": section, "subject": subject, **closed})
        case "begun_long_ago", "not_charged":
            paying.close_by_staff(work, subject, by, note.strip())
        case "to_reverse", "given_back":
            paying.given_back_by_hand(work, subject, by, note.strip())
        case "quarantine", "seen":
            seen = work.connection.execute(statements.SEE_QUARANTINED, {"id": _id(subject), "now": work.now_ms})
            if not seen.rowcount:
                raise Refused("not_found", 404, "subject")
            work.connection.execute(statements.CLOSE_STAFF_SUBJECT, {"kind": section, "subject": subject, **closed})
        case "item", ("settled" | "spoilt" | "good"):
            _close_item(work, _id(subject), how, closed)
        case _:
            raise Refused("not_found", 404, "section")


def _close_item(work: Work, item: int, how: str, closed: dict[str, Any]) -> None:
    row = work.connection.execute(statements.STAFF_ITEM, {"id": item}).one_or_none()
    if row is None or not work.connection.execute(statements.CLOSE_STAFF_ITEM, {"id": item, **closed}).rowcount:
        raise Refused("not_found", 404, "subject")
    if row.kind != "sheet_uncertain":
        return
    if how == "spoilt":
        documents.spoilt(work, row.subject, closed["note"])
    elif how == "good" and stock.account(work, row.subject, "printed", closed["note"]):
        work.connection.execute(statements.CERTIFICATE_STATE, {"key": row.subject, "state": "printed"})
        work.connection.execute(statements.INVOICE_PRINTED, {"key": row.subject})


def _id(subject: str) -> int:
    if not subject.isdecimal():
        raise Refused("not_found", 404, "subject")
    return int(subject)
