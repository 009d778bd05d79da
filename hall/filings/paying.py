"""Payments: begun (their filings are held), ended by the terminal's word, given back where nothing was left to pay.

A begun payment never ends by itself: the terminal may have charged. It ends by a result, a journal fact, or by staff.
Every function is a command for the writer.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row

from hall.bureaus.contract import EntryLine, entry_key
from hall.clock import milliseconds
from hall.filings.office import SELF, TaxOffice
from hall.filings.receiving import check_moment, content_of
from hall.filings.standing import filing_state, may_pay
from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from hall.store.writer import Work
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import (
    Bureau,
    Charge,
    LatePart,
    Line,
    PaymentRequest,
    PaymentResult,
)

#: By the moment it began a kiosk says up to which day it has counted late surcharge. Around midnight both are right.
_MIDNIGHT = timedelta(minutes=10)

#: Filings paid by one swipe.
_MOST = 24

_lines = msgspec.json.Decoder(list[Line])
_late = msgspec.json.Decoder(list[LatePart])
_encode = msgspec.json.Encoder(order="deterministic").encode


def _content(request: PaymentRequest) -> str:
    """What the key stands for. The moment is not part of it: it may be told differently on repetition."""
    return content_of([sorted(request.filings), request.amount, request.holder_ref])


def _check_shape(request: PaymentRequest) -> None:
    if not 1 <= len(request.filings) <= _MOST or len(set(request.filings)) != len(request.filings):
        raise Refused("invalid", 422, "filings")
    check_moment(request.begun_at, "begun_at")
    if request.amount <= 0:
        raise Refused("invalid", 422, "amount")


def _paid_on(request: PaymentRequest, now: datetime) -> date:
    near = abs(request.begun_at - now) <= _MIDNIGHT
    return (request.begun_at if near else now).astimezone(HALL_ZONE).date()


def begin(work: Work, office: TaxOffice, kiosk: str, request: PaymentRequest) -> None:
    """Hold the filings for this payment, at amounts that are frozen from now on.

    Raises Refused (409): not_payable, being_paid, amount, not_bound, key.
    """
    _check_shape(request)
    execute = work.connection.execute
    # The idempotency check of payments: here, and nowhere else.
    known = execute(statements.PAYMENT, {"key": request.key}).one_or_none()
    if known is not None:
        if (known.content, known.kiosk) != (_content(request), kiosk):
            raise Refused("key", 409, "key")
        return
    if execute(statements.IS_DEAD, {"key": request.key}).one_or_none() is not None:
        # Its kiosk gave it up, uncharged, before this request arrived: nothing is held for it.
        raise Refused("key", 409, "key")

    paid_on = _paid_on(request, work.now)
    parts: list[tuple[str, int, list[LatePart]]] = []
    for key in request.filings:
        filing = execute(statements.FILING, {"key": key}).one_or_none()
        if filing is None:
            raise Refused("not_payable", 409, "filings")
        _check_bound(work.connection, filing, request.holder_ref, work.now)
        if execute(statements.HOLDER_OF_FILING, {"filing": key}).one_or_none() is not None:
            raise Refused("being_paid", 409, "filings")
        if not payable(work.connection, office, filing):
            raise Refused("not_payable", 409, "filings")
        late = office.late(_date(filing.deadline), paid_on, _lines.decode(filing.lines))
        parts.append((key, filing.total + sum(part.amount for part in late), late))
    if sum(amount for _, amount, _ in parts) != request.amount:
        raise Refused("amount", 409, "amount")
    _hold(work, kiosk, request, paid_on, parts, held=True)


def _hold(
    work: Work,
    kiosk: str,
    request: PaymentRequest,
    paid_on: date,
    parts: list[tuple[str, int, list[LatePart]]],
    *,
    held: bool,
) -> None:
    execute = work.connection.execute
    execute(
        statements.ADD_PAYMENT,
        {
            "key": request.key,
            "content": _content(request),
            "kiosk": kiosk,
            "holder_ref": request.holder_ref,
            "amount": request.amount,
            "paid_on": paid_on.isoformat(),
            "begun_at": min(milliseconds(request.begun_at), work.now_ms),
        },
    )
    for key, amount, late in parts:
        values = {"payment": request.key, "filing": key, "amount": amount, "late": _encode(late).decode()}
        execute(statements.ADD_PAYMENT_FILING, {**values, "held": int(held)})


def take_begun(work: Work, office: TaxOffice, kiosk: str, request: PaymentRequest) -> str | None:
    """A payment that was begun while the hall was silent: the terminal may have charged, so it is taken in whatever the
    hall would have said. Where its filings are not to be had it holds none, and a charge is given back."""
    try:
        begin(work, office, kiosk, request)
    except Refused as refused:
        if refused.problem in ("key", "invalid"):
            return f"a payment the hall cannot take: {refused.problem}"
        paid_on = _paid_on(request, min(request.begun_at, work.now))
        _hold(work, kiosk, request, paid_on, [(key, 0, []) for key in request.filings], held=False)
    return None


def payable(connection: Connection, office: TaxOffice, filing: Row[Any]) -> bool:
    """Whether a payment may begin, apart from one that has."""
    states = [item.state for item in connection.execute(statements.ITEMS, {"filing": filing.key})]
    state = filing_state(states, filing.superseded_by is not None)
    return may_pay(state, filing.total, taken=False, pay_when_half_done=office.settings.pay_when_half_done)


def _check_bound(connection: Connection, filing: Row[Any], holder: str, now: datetime) -> None:
    if filing.taxpayer == SELF:
        bound = filing.holder_ref == holder
    else:
        where = {"id": filing.taxpayer, "holder": holder, "day": now.astimezone(HALL_ZONE).date().isoformat()}
        bound = connection.execute(statements.IS_BOUND, where).one_or_none() is not None
    if not bound:
        raise Refused("not_bound", 409, "holder_ref")


# ---- how it ended --------------------------------------------------------------------------------------------------


def conclude(work: Work, kiosk: str, key: str, result: PaymentResult) -> None:
    """Take the terminal's word. Said again it changes nothing; what contradicts an earlier word is refused (409 key).

    Raises Refused: not_found (404), key (409), invalid (422).
    """
    payment = work.connection.execute(statements.PAYMENT, {"key": key}).one_or_none()
    if payment is None and result.outcome == "refused":
        # Nothing was held here and nothing was charged: a request that is still on its way is too late.
        work.connection.execute(statements.BURY, {"key": key, "kiosk": kiosk})
        return
    if payment is None:
        raise Refused("not_found", 404, "key")
    if payment.kiosk != kiosk:
        raise Refused("key", 409, "key")
    charge = _checked(result)
    # The idempotency check of results: here, and nowhere else.
    if payment.outcome == result.outcome:
        if result.outcome == "approved" and not _same_charge(payment, charge):
            raise Refused("key", 409, "charge")
        return

    match payment.outcome, result.outcome:
        case None, "refused":
            work.connection.execute(statements.RELEASE, {"payment": key})
            _end(work, payment, "refused", None)
        case (None | "refused", "approved") if charge is not None:
            # "refused" first: staff had closed it as not charged, and then the terminal was asked after all.
            _approve(work, payment, charge)
        case (None | "refused", "reversed"):
            work.connection.execute(statements.RELEASE, {"payment": key})
            _end(work, payment, "reversed", charge)
        case "approved", "reversed":
            _give_back(work, payment)
        case _:
            raise Refused("key", 409, "outcome")


def _checked(result: PaymentResult) -> Charge | None:
    charge = result.charge
    if result.outcome == "approved":
        if charge is None:
            raise Refused("invalid", 422, "charge")
        check_moment(charge.at, "charge.at")
        if max(map(len, (charge.terminal, charge.trace, charge.reference, charge.card_masked))) > 64:
            raise Refused("invalid", 422, "charge")
    return charge


def _same_charge(payment: Row[Any], charge: Charge | None) -> bool:
    if charge is None or payment.charge is None:
        return False
    held = msgspec.json.decode(payment.charge, type=Charge)
    return (held.terminal, held.trace, held.reference, held.amount) == (
        charge.terminal,
        charge.trace,
        charge.reference,
        charge.amount,
    )


def _approve(work: Work, payment: Row[Any], charge: Charge) -> None:
    execute = work.connection.execute
    parts = execute(statements.PAYMENT_FILINGS, {"payment": payment.key}).all()
    good = charge.amount == payment.amount
    if not good:
        staff_item(work, "amount_differs", payment.key, f"{payment.amount} -> {charge.amount}")
    if good and not all(part.held for part in parts):
        good = _hold_again(work, payment, [part.filing for part in parts])
    if not good:
        # Charged, and nothing to pay for is left: the money goes back, and the kiosk says when it has.
        execute(statements.RELEASE, {"payment": payment.key})
        _end(work, payment, "approved", charge, to_reverse=True)
        return
    _end(work, payment, "approved", charge)
    for part in parts:
        filing = execute(statements.FILING, {"key": part.filing}).one()
        _add_entries(work, payment.key, filing, _late.decode(part.late))


def _hold_again(work: Work, payment: Row[Any], filings: list[str]) -> bool:
    """Whether all of them are still to be paid, at the amounts that were frozen."""
    execute = work.connection.execute
    parts = execute(statements.PAYMENT_FILINGS, {"payment": payment.key}).all()
    if sum(part.amount for part in parts) != payment.amount:
        return False
    for key in filings:
        filing = execute(statements.FILING, {"key": key}).one_or_none()
        if filing is None or not filing.live:
            return False
        holder = execute(statements.HOLDER_OF_FILING, {"filing": key}).one_or_none()
        if holder is not None and holder.payment != payment.key:
            return False
    execute(statements.HOLD, {"payment": payment.key})
    return True


def _add_entries(work: Work, payment: str, filing: Row[Any], late: list[LatePart]) -> None:
    """One entry a bureau: two treasuries, though one swipe pays both."""
    extra = {part.levy: part.amount for part in late}
    by_bureau: dict[Bureau, list[EntryLine]] = {}
    for line in _lines.decode(filing.lines):
        if line.payable or line.levy in extra:
            entry = EntryLine(line.levy, line.payable, extra.get(line.levy, 0))
            by_bureau.setdefault(line.bureau, []).append(entry)
    for bureau, lines in by_bureau.items():
        work.connection.execute(
            statements.ADD_ENTRY,
            {
                "key": entry_key(payment, filing.key, bureau),
                "payment": payment,
                "filing": filing.key,
                "bureau": bureau.value,
                "lines": _encode(lines).decode(),
                "amount": sum(line.amount + line.late for line in lines),
            },
        )
        item = work.connection.execute(statements.ITEM, {"filing": filing.key, "bureau": bureau.value}).one_or_none()
        if item is not None and item.state == "refused":
            staff_item(work, "refund_due", f"{payment}:{filing.key}:{bureau.value}", item.problem or "")


def _give_back(work: Work, payment: Row[Any]) -> None:
    """The kiosk has reversed an approved charge: by our word, or because it never heard that all was well."""
    execute = work.connection.execute
    for entry in execute(statements.ENTRIES_OF_PAYMENT, {"payment": payment.key}).all():
        if entry.state == "pending" and not entry.sent:
            execute(statements.ENTRY_DROPPED, {"key": entry.key, "now": work.now_ms})
        elif entry.state in ("pending", "entered"):
            staff_item(work, "reversed_but_entered", entry.key, entry.bureau)
    left = execute(statements.ENTRIES_OF_PAYMENT, {"payment": payment.key}).all()
    if not any(entry.state in ("pending", "entered") for entry in left):
        execute(statements.RELEASE, {"payment": payment.key})
    _end(work, payment, "reversed", None)


def _end(work: Work, payment: Row[Any], outcome: str, charge: Charge | None, *, to_reverse: bool = False) -> None:
    work.connection.execute(
        statements.END_PAYMENT,
        {
            "key": payment.key,
            "outcome": outcome,
            "to_reverse": int(to_reverse),
            "charge": _encode(charge).decode() if charge is not None else None,
            "charged_at": milliseconds(charge.at) if charge is not None else None,
            "now": work.now_ms,
        },
    )


def close_by_staff(work: Work, key: str, by: str, note: str) -> None:
    """Somebody has looked at the terminal: not charged. Should it turn out otherwise, the result is taken all the same.

    Raises Refused: not_found (404), key (409: it has ended by now).
    """
    payment = work.connection.execute(statements.PAYMENT, {"key": key}).one_or_none()
    if payment is None:
        raise Refused("not_found", 404, "key")
    if payment.outcome is not None:
        raise Refused("key", 409, "key")
    work.connection.execute(statements.RELEASE, {"payment": key})
    _end(work, payment, "refused", None)
    closed = {"kind": "begun_long_ago", "subject": key, "now": work.now_ms, "by": by, "note": note}
    work.connection.execute(statements.CLOSE_STAFF_SUBJECT, closed)


def given_back_by_hand(work: Work, key: str, by: str, note: str) -> None:
    """The acquirer or the cash desk has returned the money; the kiosk need not. Raises Refused: not_found, key."""
    payment = work.connection.execute(statements.PAYMENT, {"key": key}).one_or_none()
    if payment is None:
        raise Refused("not_found", 404, "key")
    if payment.outcome != "approved" or not payment.to_reverse:
        raise Refused("key", 409, "key")
    _end(work, payment, "reversed", None)
    closed = {"kind": "to_reverse", "subject": key, "now": work.now_ms, "by": by, "note": note}
    work.connection.execute(statements.CLOSE_STAFF_SUBJECT, closed)


def staff_item(work: Work, kind: str, subject: str, detail: str) -> None:
    """Put something before staff that no rule can settle. The same matter again is the same item."""
    values = {"kind": kind, "subject": subject, "detail": detail, "now": work.now_ms}
    work.connection.execute(statements.OPEN_STAFF_ITEM, values)


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
