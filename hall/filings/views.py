"""Filings, payments, certificates and invoices as kiosks see them, read from the rows as they stand."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.clock import moment
from hall.filings.office import SELF, TaxOffice
from hall.filings.receiving import applicant_of
from hall.filings.standing import filing_state, may_pay, payment_state
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from kiosk.domain.filing import (
    Bureau,
    CertificateLine,
    CertificateView,
    Charge,
    FilingPart,
    FilingView,
    Form,
    InvoiceView,
    LatePart,
    Line,
    Obligation,
    PaymentPart,
    PaymentView,
)
from kiosk.domain.holder import mask_number

lines_of = msgspec.json.Decoder(list[Line]).decode
late_of = msgspec.json.Decoder(list[LatePart]).decode
_summary_of = msgspec.json.Decoder(dict[str, str]).decode

#: Payments in these states leave the filing to be paid by another.
_NOT_PAID = ("refused", "reversed")


def filing_by_key(connection: Connection, office: TaxOffice, key: str, today: date) -> FilingView:
    """Raises Refused(not_found, 404)."""
    row = connection.execute(statements.FILING, {"key": key}).one_or_none()
    if row is None:
        raise Refused("not_found", 404, "key")
    return filing_view(connection, office, row, today)


def filing_view(connection: Connection, office: TaxOffice, row: Row[Any], today: date) -> FilingView:
    execute, where = connection.execute, {"filing": row.key}
    items = execute(statements.ITEMS, where).all()
    state = filing_state([item.state for item in items], row.superseded_by is not None)
    payment_row = execute(statements.PAYMENT_OF_FILING, where).one_or_none()
    payment = payment_view(connection, payment_row) if payment_row is not None else None
    taken = execute(statements.HOLDER_OF_FILING, where).one_or_none() is not None
    paid = taken and payment is not None and payment.state in ("approved", "entered")
    deadline = date.fromisoformat(row.deadline) if row.deadline else None
    lines = lines_of(row.lines)
    late = [] if paid or state in ("superseded", "refused") else office.late(deadline, today, lines)
    certificates = execute(statements.CERTIFICATES_OF, where).all()
    invoice = execute(statements.SHOWN_INVOICE_OF, where).one_or_none()
    return FilingView(
        key=row.key,
        taxpayer=row.taxpayer,
        form=Form(row.form),
        state=state,
        lines=lines,
        total=row.total,
        parts=[part_view(item) for item in items if item.state != "dropped"],
        declared_at=moment(row.declared_at),
        deadline=deadline,
        late=late,
        can_pay=may_pay(state, row.total, taken, office.settings.pay_when_half_done),
        period_start=date.fromisoformat(row.period_start) if row.period_start else None,
        period_end=date.fromisoformat(row.period_end) if row.period_end else None,
        payment=payment if payment is not None and (taken or payment.state not in _NOT_PAID) else None,
        certificates=[certificate_view(connection, office, each) for each in certificates],
        invoice=invoice_view(office, invoice) if invoice is not None else None,
        summary=_summary_of(row.summary),
        obligation=_met(connection, row, today),
    )


def _met(connection: Connection, row: Row[Any], today: date) -> Obligation | None:
    """What a periodic return has met; the kiosk needs it to have the return corrected."""
    if row.obligation is None:
        return None
    return obligation_view(connection.execute(statements.OBLIGATION, {"id": row.obligation}).one(), today)


def obligation_view(row: Row[Any], today: date) -> Obligation:
    end = date.fromisoformat(row.period_end)
    return Obligation(
        id=row.id,
        form=Form(row.form),
        period_start=date.fromisoformat(row.period_start),
        period_end=end,
        cycle=row.cycle,
        deadline=date.fromisoformat(row.deadline),
        state="open" if end < today else "not_yet_open",
        quota=row.quota,
        prepaid=row.prepaid,
        facts=msgspec.json.decode(row.facts, type=dict[str, Any]),
    )


def part_view(item: Row[Any]) -> FilingPart:
    return FilingPart(Bureau(item.bureau), item.state, item.receipt, item.problem)


def payment_by_key(connection: Connection, key: str) -> PaymentView:
    """Raises Refused(not_found, 404)."""
    row = connection.execute(statements.PAYMENT, {"key": key}).one_or_none()
    if row is None:
        raise Refused("not_found", 404, "key")
    return payment_view(connection, row)


def payment_view(connection: Connection, row: Row[Any]) -> PaymentView:
    where = {"payment": row.key}
    entries = connection.execute(statements.ENTRIES_OF_PAYMENT, where).all()
    charge = msgspec.json.decode(row.charge, type=Charge) if row.charge else None
    return PaymentView(
        key=row.key,
        state=payment_state(row.outcome, bool(row.to_reverse), [entry.state for entry in entries]),
        amount=row.amount,
        parts=[
            PaymentPart(
                Bureau(entry.bureau), entry.amount, "entered" if entry.state == "entered" else "pending", entry.receipt
            )
            for entry in entries
            if entry.state != "dropped"
        ],
        filings=[part.filing for part in connection.execute(statements.PAYMENT_FILINGS, where)],
        paid_at=charge.at if charge is not None else None,
        reference=charge.reference if charge is not None else None,
    )


def payer(connection: Connection, office: TaxOffice, filing: Row[Any]) -> tuple[str, str]:
    """Name and whole number of whose filing it is."""
    if filing.taxpayer == SELF:
        applicant = applicant_of(office, filing)
        return applicant.name, applicant.number
    row = connection.execute(statements.TAXPAYER, {"id": filing.taxpayer}).one()
    return office.seal.text(row.name, f"name:{row.id}"), office.seal.text(row.number, f"number:{row.id}")


def certificate_view(connection: Connection, office: TaxOffice, row: Row[Any]) -> CertificateView:
    where = {"filing": row.filing, "bureau": row.bureau}
    filing = connection.execute(statements.FILING, {"key": row.filing}).one()
    entry = connection.execute(statements.ENTRY_OF_FILING, where).one()
    name, number = payer(connection, office, filing)
    start, end = (date.fromisoformat(day) if day else None for day in (filing.period_start, filing.period_end))
    held = connection.execute(statements.PAYMENT_FILINGS, {"payment": entry.payment}).all()
    late = {part.levy: part.amount for each in held if each.filing == row.filing for part in late_of(each.late)}
    lines = [
        CertificateLine(line.levy, start, end, line.payable, late.get(line.levy, 0), entry.receipt or "")
        for line in lines_of(filing.lines)
        if line.bureau == row.bureau and (line.payable or line.levy in late)
    ]
    return CertificateView(
        key=row.key,
        filing=row.filing,
        bureau=Bureau(row.bureau),
        number=row.number,
        payer_name=name,
        payer_number_masked=mask_number(number),
        lines=lines,
        amount=entry.amount,
        entered_at=moment(entry.done_at),
        verification=row.verification,
        print_count=row.print_count,
        state=row.state,
    )


_invoice = msgspec.json.Decoder(InvoiceView)


def invoice_view(office: TaxOffice, row: Row[Any]) -> InvoiceView:
    """The body is sealed as issued; state and print count are the row's."""
    issued = _invoice.decode(office.seal.open(row.body, f"invoice:{row.key}"))
    return msgspec.structs.replace(issued, state=row.state, print_count=row.print_count)
