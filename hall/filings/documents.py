"""Certificates and invoices: what proves that tax was paid, on paper that is counted.

The law's order (发票管理办法 第16条): tax first, invoice after. A certificate says what a bureau has in its ledger, and
exists only once the entry does.
"""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, Row

from hall.filings import stock
from hall.filings.office import SELF, TaxOffice
from hall.filings.paying import staff_item
from hall.filings.receiving import request_of
from hall.filings.standing import filing_state, tax_is_in
from hall.filings.views import certificate_view, invoice_view, lines_of, payer
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from hall.store.writer import Work
from kiosk.domain.filing import (
    Bureau,
    CertificateRequest,
    CertificateView,
    DocumentPrinted,
    FilingRequest,
    Form,
    InvoiceRequest,
    InvoiceView,
    Levy,
    Line,
)
from kiosk.domain.holder import mask_number

#: Signs of a verification code: none that is read as another. 16 of 32 are 80 bits.
_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

_EXEMPT = "免税"

_encode = msgspec.json.Encoder().encode


def _verification(office: TaxOffice, *parts: str) -> str:
    mark = bytes.fromhex(office.mark("certificate", *parts))
    return "".join(_SIGNS[byte % len(_SIGNS)] for byte in mark[:16])


def _filing_for(connection: Connection, key: str, holder: str, day: date) -> Row[Any]:
    """The filing, for somebody who may have its papers. Raises Refused: not_found (404), not_bound (409)."""
    filing = connection.execute(statements.FILING, {"key": key}).one_or_none()
    if filing is None:
        raise Refused("not_found", 404, "filing")
    if filing.taxpayer == SELF:
        bound = filing.holder_ref == holder
    else:
        where = {"id": filing.taxpayer, "holder": holder, "day": day.isoformat()}
        bound = connection.execute(statements.IS_BOUND, where).one_or_none() is not None
    if not bound:
        raise Refused("not_bound", 409, "holder_ref")
    return filing


# ---- certificates --------------------------------------------------------------------------------------------------


def certificate(work: Work, office: TaxOffice, kiosk: str, request: CertificateRequest) -> CertificateView:
    """The certificate of this key; a new key is a new print on the next blank.

    Raises Refused: not_entered, no_stock, not_bound, key (409), not_found (404).
    """
    execute, now = work.connection.execute, work.now
    known = execute(statements.CERTIFICATE, {"key": request.key}).one_or_none()
    if known is not None:
        if (known.kiosk, known.filing, known.bureau) != (kiosk, request.filing, request.bureau.value):
            raise Refused("key", 409, "key")
        return certificate_view(work.connection, office, known)
    _still_wanted(work, request.key)
    filing = _filing_for(work.connection, request.filing, request.holder_ref, now.date())
    where = {"filing": request.filing, "bureau": request.bureau.value}
    entry = execute(statements.ENTRY_OF_FILING, where).one_or_none()
    if entry is None or entry.state != "entered":
        raise Refused("not_entered", 409, "bureau")
    kind: stock.Kind = "certificate-state" if request.bureau is Bureau.STATE else "certificate-local"
    blank = stock.take(work, kind, kiosk, request.key)
    execute(
        statements.ADD_CERTIFICATE,
        {
            "key": request.key,
            "kiosk": kiosk,
            **where,
            "holder_ref": request.holder_ref,
            "number": blank.number,
            "verification": _verification(office, filing.key, request.bureau.value, blank.number, str(entry.amount)),
            "print_count": execute(statements.COUNT_CERTIFICATES, where).scalar_one() + 1,
            "now": work.now_ms,
        },
    )
    return certificate_view(work.connection, office, execute(statements.CERTIFICATE, {"key": request.key}).one())


# ---- invoices ------------------------------------------------------------------------------------------------------


def invoice(work: Work, office: TaxOffice, kiosk: str, request: InvoiceRequest) -> InvoiceView:
    """The one good invoice of a filing, whatever key asks; a void one is followed by the next number.

    Raises Refused: not_paid, no_stock, not_bound, key (409), not_found (404).
    """
    execute = work.connection.execute
    known = (
        execute(statements.INVOICE, {"key": request.key}).one_or_none()
        or execute(statements.INVOICE_OF_ALIAS, {"key": request.key}).one_or_none()
    )
    if known is not None:
        if known.filing != request.filing:
            raise Refused("key", 409, "key")
        return invoice_view(office, known)
    _still_wanted(work, request.key)
    filing = _filing_for(work.connection, request.filing, request.holder_ref, work.now.date())
    if filing.form != Form.INVOICE_ON_BEHALF:
        raise Refused("not_found", 404, "filing")
    good = execute(statements.GOOD_INVOICE_OF, {"filing": filing.key}).one_or_none()
    if good is not None:
        execute(statements.ADD_INVOICE_ALIAS, {"key": request.key, "invoice": good.key})
        return invoice_view(office, good)
    if not _tax_is_in(work.connection, filing):
        raise Refused("not_paid", 409, "filing")
    return _issue(work, office, kiosk, request.key, _fill_in(work, office, kiosk, request.key, filing))


def _tax_is_in(connection: Connection, filing: Row[Any]) -> bool:
    where = {"filing": filing.key}
    states = [item.state for item in connection.execute(statements.ITEMS, where)]
    due = {line.bureau.value for line in lines_of(filing.lines) if line.payable}
    entered = {
        entry.bureau for entry in connection.execute(statements.ENTRIES_OF_FILING, where) if entry.state == "entered"
    }
    return tax_is_in(filing_state(states, filing.superseded_by is not None), filing.total, due, entered)


def _fill_in(work: Work, office: TaxOffice, kiosk: str, key: str, filing: Row[Any]) -> InvoiceView:
    request = request_of(office, filing)
    order = request.invoice
    if order is None:
        raise Refused("not_found", 404, "filing")
    vat_line = next((line for line in lines_of(filing.lines) if line.levy is Levy.VAT), None)
    vat = vat_line.payable if vat_line is not None else 0
    # Exempt, the whole price is the amount: nothing inside it is tax.
    net = filing.gross if not vat and "gross" in request.request else filing.net
    medium, blank = _number(work, office, kiosk, key, _day_of(request), order.kind)
    name, number = payer(work.connection, office, filing)
    own_number = filing.taxpayer == SELF or len(number) in (17, 20)
    return InvoiceView(
        key=key,
        filing=filing.key,
        medium=medium,
        code=blank.code,
        number=blank.number,
        kind=order.kind,
        issued_at=work.now,
        seller_name=name,
        seller_number=mask_number(number) if own_number else number,
        buyer_name=order.buyer_name,
        buyer_number=order.buyer_number,
        item_zh=order.item_zh,
        net=net,
        vat=vat,
        gross=net + vat,
        rate=_rate(vat_line, vat),
        # A special invoice has none: it is checked by its own system.
        check_code="" if order.kind == "special" else _check_code(office, blank, net + vat),
        state="taken",
    )


def _day_of(request: FilingRequest) -> date:
    return date.fromisoformat(str(request.request["date"]))


def _rate(line: Line | None, vat: int) -> str:
    return line.rate if vat and line is not None and line.rate is not None else _EXEMPT


def _check_code(office: TaxOffice, blank: stock.Blank, gross: int) -> str:
    """20 digits, as on ordinary invoices."""
    return f"{int(office.mark('invoice', blank.code, blank.number, str(gross)), 16) % 10**20:020d}"


def _number(
    work: Work, office: TaxOffice, kiosk: str, key: str, day: date, kind: Literal["special", "ordinary"]
) -> tuple[Literal["paper", "digital"], stock.Blank]:
    """By the day of the transaction: a numbered form, or the next digital number (20 digits, 总局公告2024年第11号)."""
    starts = office.settings.digital_invoices_from
    if starts is None or day < starts:
        return "paper", stock.take(work, "invoice-special" if kind == "special" else "invoice-ordinary", kiosk, key)
    prefix = f"{work.now.year % 100:02d}{office.settings.invoice_region}{office.settings.invoice_channel}"
    running = work.connection.execute(statements.NEXT_IN_SEQUENCE, {"name": f"invoice:{prefix}"}).scalar_one()
    return "digital", stock.Blank("", f"{prefix}{running:015d}")


def _issue(work: Work, office: TaxOffice, kiosk: str, key: str, view: InvoiceView) -> InvoiceView:
    work.connection.execute(
        statements.ADD_INVOICE,
        {
            "key": key,
            "kiosk": kiosk,
            "filing": view.filing,
            "medium": view.medium,
            "code": view.code,
            "number": view.number,
            "kind": view.kind,
            "body": office.seal.close(_encode(view), f"invoice:{key}"),
            "state": view.state,
            "red_of": view.red_of,
            "issued_at": work.now_ms,
        },
    )
    return view


def issue_red(work: Work, office: TaxOffice, number: str, code: str | None, kiosk: str | None) -> InvoiceView:
    """A red-letter invoice: the negative of a good one, and the only way to undo it. On paper it takes a blank too.

    Raises ValueError with the field's name first.
    """
    rows = work.connection.execute(statements.INVOICE_BY_NUMBER, {"number": number, "code": code}).all()
    if len(rows) != 1:
        raise ValueError("number: not one of this hall's" if not rows else "code: several forms bear this number")
    row = rows[0]
    if row.red_of is not None:
        raise ValueError("number: is a red-letter invoice itself")
    if row.state not in ("taken", "printed"):
        raise ValueError(f"number: this invoice is {row.state}")
    good = invoice_view(office, row)
    filing = work.connection.execute(statements.FILING, {"key": row.filing}).one()
    key = secrets.token_hex(16)
    try:
        _, blank = _number(work, office, kiosk or row.kiosk, key, _day_of(request_of(office, filing)), good.kind)
    except Refused:
        raise ValueError("kiosk: no blank of this form is left there") from None
    work.connection.execute(statements.INVOICE_STATE, {"key": row.key, "state": "red"})
    red = msgspec.structs.replace(
        good,
        key=key,
        code=blank.code,
        number=blank.number,
        issued_at=work.now,
        net=-good.net,
        vat=-good.vat,
        gross=-good.gross,
        check_code="" if good.kind == "special" else _check_code(office, blank, -good.gross),
        state="taken",
        print_count=0,
        red_of=good.number,
    )
    return _issue(work, office, kiosk or row.kiosk, key, red)


# ---- how the sheet ended -------------------------------------------------------------------------------------------


def printed(work: Work, kiosk: str, fact: DocumentPrinted) -> str | None:
    """Account for a sheet by the kiosk's word. Answers why it cannot be, or None."""
    match fact.kind:
        case "receipt":
            return None
        case "certificate":
            return _certificate_printed(work, kiosk, fact)
        case "invoice":
            return _invoice_printed(work, kiosk, fact)


def _still_wanted(work: Work, key: str) -> None:
    """A request that arrives after its kiosk has given it up takes no number. Raises Refused."""
    if work.connection.execute(statements.IS_DEAD, {"key": key}).one_or_none() is not None:
        raise Refused("key", 409, "key")


def _given_up(work: Work, kiosk: str, fact: DocumentPrinted) -> bool:
    """Whether the kiosk never learned what was given for this key: whatever comes later under it is refused."""
    if fact.number or fact.outcome != "failed":
        return False
    work.connection.execute(statements.BURY, {"key": fact.key, "kiosk": kiosk})
    return True


def _certificate_printed(work: Work, kiosk: str, fact: DocumentPrinted) -> str | None:
    row = work.connection.execute(statements.CERTIFICATE, {"key": fact.key}).one_or_none()
    given_up = _given_up(work, kiosk, fact)
    if row is None and given_up:
        return None
    if row is None or row.kiosk != kiosk or not (given_up or row.number == fact.number):
        return "a certificate that this hall did not give"
    if fact.outcome == "uncertain":
        staff_item(work, "sheet_uncertain", fact.key, row.number)
        return None
    state: Literal["printed", "void"] = "printed" if fact.outcome == "done" else "void"
    if stock.account(work, fact.key, state, fact.reason):
        work.connection.execute(statements.CERTIFICATE_STATE, {"key": fact.key, "state": state})
    return None


def _invoice_printed(work: Work, kiosk: str, fact: DocumentPrinted) -> str | None:
    execute = work.connection.execute
    row = (
        execute(statements.INVOICE, {"key": fact.key}).one_or_none()
        or execute(statements.INVOICE_OF_ALIAS, {"key": fact.key}).one_or_none()
    )
    given_up = _given_up(work, kiosk, fact)
    if row is None and given_up:
        return None
    if row is None or not (given_up or row.number == fact.number):
        return "an invoice that this hall did not give"
    if fact.outcome == "done":
        execute(statements.INVOICE_PRINTED, {"key": row.key})
        stock.account(work, row.key, "printed", fact.reason)
    elif fact.outcome == "uncertain":
        if row.medium == "paper":
            staff_item(work, "sheet_uncertain", row.key, row.number)
    elif row.medium == "paper" and row.state == "taken" and stock.account(work, row.key, "void", fact.reason):
        # The form is spoilt; the number is never used again, and the next one is taken. A digital one stays good.
        execute(statements.INVOICE_STATE, {"key": row.key, "state": "void"})
    return None


def spoilt(work: Work, document: str, note: str) -> None:
    """Staff have looked: the sheet of an uncertain print is no good. Its number is void."""
    if stock.account(work, document, "void", note):
        work.connection.execute(statements.CERTIFICATE_STATE, {"key": document, "state": "void"})
        work.connection.execute(statements.INVOICE_STATE, {"key": document, "state": "void"})
