"""Taking a return in: assessed anew, held once under its key, and put in line for both bureaus in the same transaction.

``prepare`` needs no database; ``take_return`` is a command for the writer. The kiosk's post and its journal fact go the
same way, so that a return whose answer was lost is one return.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import milliseconds
from hall.filings.office import SELF, TaxOffice
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from hall.store.writer import Work
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import (
    OCCASIONAL_RETURNS,
    PERIODIC_RETURNS,
    Applicant,
    Bureau,
    FilingRequest,
    Form,
    InvoiceOrder,
    Line,
    PayerKind,
)
from kiosk.domain.identity import IdentityKind, identify
from kiosk.domain.money import BadAmount, grouped, to_fen
from kiosk.domain.tax import Assessment, BadInput, assess

_HOLDER_REF = re.compile(r"[0-9a-f]{64}")
_TEXT_LENGTH = 200

#: What a natural person may file here without being in the register.
FORMS_OF_A_PERSON = OCCASIONAL_RETURNS | {Form.INVOICE_ON_BEHALF}

#: A lease is held against a monthly average instead (总局公告2026年第4号 第二、三条).
_BY_OCCASION = ("goods", "services")

_encode = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True)
class Prepared:
    """A request that can be taken in, with the hall's own assessment."""

    request: FilingRequest
    content: str
    """Hash of the request: what the key stands for."""
    lines: list[Line]
    period: date | None
    """Last day of the period that the request itself names."""
    on_day: date | None
    """When what is declared happened: a contract, a car, a sale."""
    by_occasion: bool
    """按次: held against the threshold together with the person's other sales of that day."""
    gross: int | None
    net: int | None
    summary: dict[str, str]


def content_of(message: object) -> str:
    return hashlib.sha256(_encode(message)).hexdigest()


def in_fen(yuan: object) -> int | None:
    """``"5000.00"``, 5000 → 500000; None where it is no amount."""
    try:
        return to_fen(exact(yuan))
    except BadAmount:
        return None


def exact(value: Any) -> Any:
    """The request with every JSON float as the decimal that was written: money is never a float."""
    match value:
        case float():
            return repr(value)
        case dict():
            return {key: exact(inner) for key, inner in value.items()}
        case list():
            return [exact(inner) for inner in value]
    return value


def prepare(office: TaxOffice, request: FilingRequest) -> Prepared:
    """Raises Refused: invalid (422, with the field), assessment (409)."""
    _check_shape(request)
    wanted = exact(request.request)
    if wanted.setdefault("form", request.form.value) != request.form.value:
        raise Refused("invalid", 422, "request.form")
    try:
        assessed = assess(office.rules, wanted)
    except BadInput as bad:
        raise Refused("invalid", 422, f"request.{bad.field}") from None
    if assessed.to_pay != request.total:
        raise Refused("assessment", 409, "total")
    period = wanted.get("period")
    return Prepared(
        request=request,
        content=content_of(request),
        lines=list(assessed.lines_to_pay),
        period=date.fromisoformat(period["end"]) if isinstance(period, Mapping) else None,
        on_day=date.fromisoformat(wanted["date"]) if "date" in wanted else None,
        by_occasion=request.taxpayer == SELF and wanted.get("item") in _BY_OCCASION,
        gross=_gross(wanted, assessed),
        net=in_fen(assessed.extra["net"]) if "net" in assessed.extra else None,
        summary=_summary(wanted),
    )


def _check_shape(request: FilingRequest) -> None:
    check_moment(request.declared_at, "declared_at")
    if not _HOLDER_REF.fullmatch(request.holder_ref):
        raise Refused("invalid", 422, "holder_ref")
    if not 0 < len(request.taxpayer) <= 64:
        raise Refused("invalid", 422, "taxpayer")
    if request.total < 0:
        raise Refused("invalid", 422, "total")
    if (request.invoice is not None) != (request.form is Form.INVOICE_ON_BEHALF):
        raise Refused("invalid", 422, "invoice")
    if request.invoice is not None:
        _check_order(request.invoice, request.request)
    if request.taxpayer == SELF:
        _check_applicant(request)
    elif request.applicant is not None:
        raise Refused("invalid", 422, "applicant")


def check_moment(at: datetime, field: str) -> None:
    """A moment with an offset, of a time that can be reckoned with. Raises Refused(invalid, 422)."""
    if at.tzinfo is None or not 1970 <= at.year <= 2200:
        raise Refused("invalid", 422, field)


def _check_order(order: InvoiceOrder, wanted: Mapping[str, Any]) -> None:
    if order.kind != wanted.get("invoice"):
        raise Refused("invalid", 422, "invoice.kind")
    for field, text in (("buyer_name", order.buyer_name), ("item_zh", order.item_zh)):
        if not 0 < len(text.strip()) <= _TEXT_LENGTH:
            raise Refused("invalid", 422, f"invoice.{field}")
    # Mandatory for special invoices; a natural person cannot have one (增值税法实施条例 第37条).
    if len(order.buyer_number) > 20 or (order.kind == "special" and not order.buyer_number):
        raise Refused("invalid", 422, "invoice.buyer_number")


def _check_applicant(request: FilingRequest) -> None:
    who = request.applicant
    if who is None or not 0 < len(who.name.strip()) <= _TEXT_LENGTH:
        raise Refused("invalid", 422, "applicant")
    found = identify(who.number, request.declared_at.astimezone(HALL_ZONE).date())
    people = (IdentityKind.RESIDENT_ID, IdentityKind.HMT_RESIDENT_ID, IdentityKind.FOREIGNER_ID)
    if not found.valid or found.kind not in people:
        raise Refused("invalid", 422, "applicant.number")


def _gross(wanted: Mapping[str, Any], assessed: Assessment) -> int | None:
    if assessed.form is not Form.INVOICE_ON_BEHALF:
        return None
    given = in_fen(wanted["gross"]) if "gross" in wanted else None
    if given is not None:
        return given
    net = in_fen(assessed.extra["net"]) or 0
    return net + sum(line.payable for line in assessed.lines if line.levy == "vat")


def _summary(wanted: Mapping[str, Any]) -> dict[str, str]:
    """What lists say a filing was about: its item and its amounts as they were typed."""
    told = {name: str(wanted[name]) for name in ("item", "kind", "method") if isinstance(wanted.get(name), str)}
    for name in ("gross", "net", "price", "invoice_gross", "base", "taxable_income", "cumulative_profit", "input_vat"):
        fen = in_fen(wanted[name]) if name in wanted else None
        if fen is not None:
            told[name] = grouped(fen)
    for name in ("sales", "gross"):
        match wanted.get(name):
            case dict() as parts:
                told[name] = grouped(sum(in_fen(part) or 0 for part in parts.values()))
            case list() as parts:
                told[name] = grouped(sum(in_fen(part.get("net")) or 0 for part in parts if isinstance(part, dict)))
    return told


# ---- in the writer's transaction -----------------------------------------------------------------------------------


def take_return(work: Work, office: TaxOffice, kiosk: str, prepared: Prepared) -> None:
    """Hold the return and what has to be sent. The same key with the same content changes nothing.

    Raises Refused: see FILING_PROBLEMS.
    """
    request, execute = prepared.request, work.connection.execute
    if is_plain(request):
        (refused,) = take_returns(work, office, kiosk, [prepared])
        if refused is not None:
            raise refused
        return
    known = execute(statements.FILING, {"key": request.key}).one_or_none()
    if _is_repeated(known, prepared, kiosk):
        return
    declared = _legal_time(work, request)
    day = _opened_day(prepared, declared)
    obligation = None
    if request.taxpayer == SELF:
        _check_person(work.connection, office, prepared)
    else:
        (books,) = _books_of(work.connection, [(prepared, day)])
        obligation = _of_the_register(books, prepared, day)
    corrected = _corrected(work.connection, request, obligation)
    if obligation is not None and corrected is None and (obligation.filed or obligation.elsewhere is not None):
        raise Refused("already_filed", 409, "obligation")
    _check_buyer(work.connection, office, request)
    if corrected is not None:
        execute(statements.SUPERSEDE, {"key": corrected.key, "by": request.key})
    execute(statements.ADD_FILING, _row(work, office, kiosk, prepared, declared, obligation))
    execute(statements.ADD_ITEM, _items(prepared, _bureaus(work.connection, prepared, corrected)))


def is_plain(request: FilingRequest) -> bool:
    """A registered taxpayer's return that corrects nothing and orders no invoice: nearly all of them. Everything that
    the books know of it is one look, also for many at once."""
    return request.taxpayer != SELF and request.corrects is None and request.invoice is None


def take_returns(work: Work, office: TaxOffice, kiosk: str, returns: Sequence[Prepared]) -> list[Refused | None]:
    """Many plain returns with one look into the books and one insert; why each was refused, None where it was taken.

    No two of them may have one key or meet one obligation: the look is before all of them. Raises IntegrityError when
    the last line of the tables does not hold: nothing may be kept then.
    """
    told: list[Refused | None] = []
    rows: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    times = [_legal_time(work, each.request) for each in returns]
    days = [at.astimezone(HALL_ZONE).date() for at in times]
    books = _books_of(work.connection, list(zip(returns, days, strict=True)))
    for prepared, declared, found in zip(returns, times, books, strict=True):
        try:
            if not _is_repeated(found if found.key is not None else None, prepared, kiosk):
                day = _opened_day(prepared, declared)
                obligation = _of_the_register(found, prepared, day)
                if obligation is not None and (obligation.filed or obligation.elsewhere is not None):
                    raise Refused("already_filed", 409, "obligation")
                rows.append(_row(work, office, kiosk, prepared, declared, obligation))
                items += _items(prepared, _bureaus(work.connection, prepared, None))
            told.append(None)
        except Refused as refused:
            told.append(refused)
    if rows:
        # Past SQLAlchemy's compiling: for some thousands of rows it took longer than the disk.
        work.connection.exec_driver_sql(statements.ADD_FILING.text, rows)
        work.connection.exec_driver_sql(statements.ADD_ITEM.text, items)
    return told


def _is_repeated(known: Row[Any] | None, prepared: Prepared, kiosk: str) -> bool:
    """The idempotency check of returns: here, and nowhere else. Raises Refused(key)."""
    if known is None:
        return False
    if (known.content, known.kiosk) != (prepared.content, kiosk):
        raise Refused("key", 409, "key")
    return True


def _legal_time(work: Work, request: FilingRequest) -> datetime:
    """The touch; but a clock that runs ahead makes nothing legal before it is so here."""
    return min(request.declared_at, work.now)


def _opened_day(prepared: Prepared, declared: datetime) -> date:
    day = declared.astimezone(HALL_ZONE).date()
    if prepared.on_day is not None and prepared.on_day > day:
        raise Refused("not_yet_open", 409, "request.date")
    return day


def _books_of(connection: Connection, returns: Sequence[tuple[Prepared, date]]) -> Sequence[Row[Any]]:
    """What the books say of each return, in their order: key, binding, taxpayer, obligation, who has filed it."""
    asked = [
        (each.request.key, each.request.taxpayer, each.request.holder_ref, each.request.obligation, day)
        for each, day in returns
    ]
    return connection.execute(statements.BOOKS_OF_RETURNS, {"asked": _encode(asked).decode()}).all()


def _items(prepared: Prepared, bureaus: Sequence[Bureau]) -> list[dict[str, Any]]:
    """A part for each bureau, in line to be sent."""
    return [
        {
            "filing": prepared.request.key,
            "bureau": bureau.value,
            "lines": _encode([line for line in prepared.lines if line.bureau is bureau]).decode(),
        }
        for bureau in bureaus
    ]


def _check_person(connection: Connection, office: TaxOffice, prepared: Prepared) -> None:
    request = prepared.request
    if request.form not in FORMS_OF_A_PERSON or request.obligation is not None:
        raise Refused("not_registered", 409, "form")
    if request.request.get("payer", PayerKind.NATURAL_PERSON) != PayerKind.NATURAL_PERSON:
        raise Refused("invalid", 422, "request.payer")
    if request.applicant is not None and office.number_ref(_number(request.applicant.number)) != request.holder_ref:
        # Who stands at the machine is who is written on the invoice.
        raise Refused("not_bound", 409, "applicant")
    if prepared.by_occasion and prepared.on_day is not None:
        # 按次(日): the invoices of one day are tested together (公告2026年第10号 第一条), and the hall knows them all.
        told = sorted(in_fen(each) or 0 for each in request.request.get("same_day_gross", ()))
        where = {"holder": request.holder_ref, "day": prepared.on_day.isoformat()}
        held = list(connection.execute(statements.SAME_DAY_GROSS, where).scalars())
        corrected = _gross_of(connection, request.corrects) if request.corrects else None
        if corrected in held:
            held.remove(corrected)
        if told != held:
            raise Refused("assessment", 409, "request.same_day_gross")


def _gross_of(connection: Connection, key: str) -> int | None:
    row = connection.execute(statements.FILING, {"key": key}).one_or_none()
    return row.gross if row is not None else None


def _number(text: str) -> str:
    return text.strip().upper()


def _of_the_register(books: Row[Any], prepared: Prepared, day: date) -> Row[Any] | None:
    """What is said of the obligation that this return meets; None for an occasional one. Raises Refused."""
    request = prepared.request
    if not books.bound:
        raise Refused("not_bound", 409, "taxpayer")
    if request.request.get("place", books.place) != books.place:
        raise Refused("invalid", 422, "request.place")
    if request.request.get("payer") == PayerKind.NATURAL_PERSON:
        raise Refused("invalid", 422, "request.payer")
    if request.form not in PERIODIC_RETURNS:
        if request.form not in occasional_forms(books.payer) or request.obligation is not None:
            raise Refused("not_registered", 409, "form")
        return None
    if books.id is None or (books.taxpayer, books.form) != (request.taxpayer, request.form):
        raise Refused("not_registered", 409, "obligation")
    if prepared.period is not None and prepared.period.isoformat() != books.period_end:
        raise Refused("invalid", 422, "request.period")
    if books.period_end >= day.isoformat():
        raise Refused("not_yet_open", 409, "obligation")
    if "prepaid" in request.request and in_fen(exact(request.request["prepaid"])) != books.prepaid:
        # What was prepaid is in the register's books, not in what somebody types.
        raise Refused("assessment", 409, "request.prepaid")
    return books


def occasional_forms(payer: str) -> frozenset[Form]:
    """What a registered taxpayer may bring up here. A general taxpayer makes out its own invoices."""
    own_invoices = payer == PayerKind.GENERAL
    return OCCASIONAL_RETURNS if own_invoices else OCCASIONAL_RETURNS | {Form.INVOICE_ON_BEHALF}


def _corrected(connection: Connection, request: FilingRequest, obligation: Row[Any] | None) -> Row[Any] | None:
    """The filing that this one replaces; only before money is on its way."""
    if request.corrects is None:
        return None
    old = connection.execute(statements.FILING, {"key": request.corrects}).one_or_none()
    same = old is not None and (old.taxpayer, old.form, old.obligation) == (
        request.taxpayer,
        request.form.value,
        obligation.id if obligation is not None else None,
    )
    if old is None or not same or (request.taxpayer == SELF and old.holder_ref != request.holder_ref):
        raise Refused("invalid", 422, "corrects")
    if old.superseded_by is not None or not old.live:
        raise Refused("already_filed", 409, "corrects")
    if connection.execute(statements.HOLDER_OF_FILING, {"filing": old.key}).one_or_none() is not None:
        raise Refused("paid_already", 409, "corrects")
    if connection.execute(statements.SHOWN_INVOICE_OF, {"filing": old.key}).one_or_none() is not None:
        # Nothing was due and the invoice is out: it is undone by a red-letter one only.
        raise Refused("paid_already", 409, "corrects")
    return old


def _check_buyer(connection: Connection, office: TaxOffice, request: FilingRequest) -> None:
    order = request.invoice
    if order is None or order.kind != "special":
        return
    where = {"number_ref": office.number_ref(_number(order.buyer_number))}
    if connection.execute(statements.TAXPAYER_OF_NUMBER, where).one_or_none() is None:
        raise Refused("buyer", 409, "invoice.buyer_number")


def _bureaus(connection: Connection, prepared: Prepared, corrected: Row[Any] | None) -> list[Bureau]:
    """Who gets a part. A bureau that had one of the corrected return gets one of the new return, be it empty: else the
    old lines would stand there for ever."""
    bureaus = {line.bureau for line in prepared.lines}
    if corrected is not None:
        items = connection.execute(statements.ITEMS, {"filing": corrected.key}).all()
        bureaus |= {Bureau(item.bureau) for item in items}
    return sorted(bureaus or {Bureau.STATE}, reverse=True)


def _row(
    work: Work,
    office: TaxOffice,
    kiosk: str,
    prepared: Prepared,
    declared: datetime,
    obligation: Row[Any] | None,
) -> dict[str, Any]:
    request = prepared.request
    return {
        "key": request.key,
        "content": prepared.content,
        "kiosk": kiosk,
        "taxpayer": request.taxpayer,
        "holder_ref": request.holder_ref,
        "form": request.form.value,
        "obligation": obligation.id if obligation is not None else None,
        "corrects": request.corrects,
        "total": request.total,
        "lines": _encode(prepared.lines).decode(),
        "period_start": obligation.period_start if obligation is not None else None,
        "period_end": obligation.period_end if obligation is not None else None,
        "deadline": obligation.deadline if obligation is not None else None,
        "summary": _encode(prepared.summary).decode(),
        "on_day": prepared.on_day.isoformat() if prepared.on_day is not None and prepared.by_occasion else None,
        "gross": prepared.gross,
        "net": prepared.net,
        "request": office.seal.close(_encode(request), f"filing:{request.key}"),
        "declared_at": milliseconds(declared),
        "received_at": work.now_ms,
    }


_request = msgspec.json.Decoder(FilingRequest)


def request_of(office: TaxOffice, row: Row[Any]) -> FilingRequest:
    """What was asked for, out of its seal."""
    return _request.decode(office.seal.open(row.request, f"filing:{row.key}"))


def applicant_of(office: TaxOffice, row: Row[Any]) -> Applicant:
    """The natural person of a filing that is nobody's in the register."""
    applicant = request_of(office, row).applicant
    if applicant is None:
        raise ValueError(f"{row.key} was taken in without its applicant")
    return applicant
