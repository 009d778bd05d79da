"""Taking a number: one sequence a hall and day, one ticket a key, one open number a person.

Each function is a command for the writer: it runs in its transaction, and its answer is given only after the commit.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row

from hall.clock import milliseconds, moment
from hall.queue.refusal import Refused
from hall.queue.rules import Rules
from hall.queue.views import EventKind
from hall.store import statements
from hall.store.writer import Work
from kiosk.domain.messages import TicketIssuedHere, TicketRequest, TicketView, Wait, public_token
from kiosk.domain.ticket import IN_LINE, TRANSITIONS, TicketAction, TicketState, hall_number

#: (people ahead, class) → the wait to print, None where it is not known.
Price = Callable[[int, str], Wait | None]

#: How FIND_FOR_ISSUE knows a key.
_TOMBSTONE, _OWN, _ALIAS, _HOLDER = range(4)


def issue(work: Work, rules: Rules, kiosk: str, request: TicketRequest, price: Price) -> TicketView:
    """The ticket of this key; a new one only if neither the key nor its holder has one.

    Raises Refused: abandoned (410: the kiosk gave up this key, and gave its own number), key_taken (409).
    """
    connection, day = work.connection, rules.day(work.now)
    for given_up in request.abandoned:
        abandon(work, kiosk, given_up)
    known = connection.execute(
        statements.FIND_FOR_ISSUE, {"key": request.key, "holder": request.holder_ref, "day": day}
    ).one_or_none()
    if known is not None:
        return _repeat(work, rules, kiosk, request.key, known, price)

    number = hall_number(connection.execute(statements.NEXT_SEQUENCE, {"day": day}).scalar_one())
    ahead = work.in_line
    wait = price(ahead, request.ticket_class)
    token = public_token(request.key)
    inserted = connection.execute(
        statements.INSERT_TICKET,
        {
            "day": day,
            "number": number,
            "key": request.key,
            "token": token,
            "kiosk": kiosk,
            "series": "hall",
            "service": request.service,
            "category": rules.services.category(request.service),
            "class": request.ticket_class,
            "holder_ref": request.holder_ref,
            "holder_masked": request.holder_masked,
            "state": TicketState.WAITING.value,
            "issued_at": work.now_ms,
            "claimed_at": milliseconds(request.requested_at),
            "received_at": work.now_ms,
            "ahead": ahead,
            "wait_low": wait.low if wait else None,
            "wait_high": wait.high if wait else None,
        },
    )
    work.in_line += 1
    work.record(EventKind.ISSUED, ticket=inserted.lastrowid, number=number)
    return TicketView(
        number, TicketState.WAITING.value, moment(work.now_ms), token, request.service, ahead=ahead, wait=wait
    )


def _repeat(work: Work, rules: Rules, kiosk: str, key: str, known: Row[Any], price: Price) -> TicketView:
    if known.how == _TOMBSTONE:
        raise Refused("abandoned", 410, "key")
    if known.how != _HOLDER and known.kiosk != kiosk:
        raise Refused("key_taken", 409, "key")
    if known.how == _HOLDER:
        work.connection.execute(statements.ALIAS, {"key": key, "kiosk": kiosk, "ticket": known.id})
    row = work.connection.execute(statements.TICKET, {"id": known.id}).one()
    if known.how == _OWN and row.state == TicketState.WAITING:
        wait = None if row.wait_low is None else Wait(row.wait_low, row.wait_high)
        return as_holder_sees(row, row.ahead, wait)
    return standing(work.connection, rules, row, work.now_ms, price, existing=known.how != _OWN)


def standing(
    connection: Connection, rules: Rules, row: Row[Any], now_ms: int, price: Price, *, existing: bool = False
) -> TicketView:
    """A ticket where it stands now: people before it and the wait from here, while it is in line."""
    if TicketState(row.state) not in IN_LINE:
        return as_holder_sees(row, None, None, existing=existing)
    age = (now_ms - row.issued_at) * rules.rate(getattr(row, "class"))
    ahead = connection.execute(
        statements.COUNT_AHEAD, {"id": row.id, "now": now_ms, "age": age, **rules.rates}
    ).scalar_one()
    return as_holder_sees(row, ahead, price(ahead, getattr(row, "class")), existing=existing)


def as_holder_sees(row: Row[Any], ahead: int | None, wait: Wait | None, *, existing: bool = False) -> TicketView:
    # A parked ticket comes back to its window, and who missed the call asks there.
    at_window = row.state in (TicketState.CALLED, TicketState.SERVING, TicketState.PARKED, TicketState.NO_SHOW)
    return TicketView(
        number=row.number,
        state=row.state,
        issued_at=moment(row.issued_at),
        token=row.token,
        service=row.service,
        ahead=ahead,
        wait=wait,
        window=row.window if at_window else row.only_window,
        existing=existing,
    )


def take_in(work: Work, rules: Rules, kiosk: str, fact: TicketIssuedHere, enrolled_ms: int) -> str | None:
    """Put a number that a kiosk gave on its own into the line, with its own age. Answers why not, or None.

    A clock may be wrong: a time in the future counts as now; one from before the kiosk was enrolled cannot be true and
    counts as now too. The time on the paper is kept beside it. Numbers of an earlier day are kept, closed.
    """
    if not re.fullmatch(re.escape(kiosk) + r"-[0-9]{3,6}", fact.number):
        return "a number of another series"
    claimed = milliseconds(fact.issued_at)
    issued = claimed if enrolled_ms <= claimed <= work.now_ms else work.now_ms
    day = rules.day(moment(issued))
    state = TicketState.WAITING if day == rules.day(work.now) else TicketState.VOID
    known = work.connection.execute(
        statements.FIND_FOR_ISSUE, {"key": fact.key, "holder": None, "day": day}
    ).one_or_none()
    if known is not None:
        return "a key that is a ticket already"
    inserted = work.connection.execute(
        statements.INSERT_TICKET,
        {
            "day": day,
            "number": fact.number,
            "key": fact.key,
            "token": public_token(fact.key),
            "kiosk": kiosk,
            "series": "kiosk",
            "service": fact.service,
            "category": rules.services.category(fact.service),
            "class": fact.ticket_class,
            "holder_ref": fact.holder_ref,
            "holder_masked": fact.holder_masked,
            "state": state.value,
            "issued_at": issued,
            "claimed_at": claimed,
            "received_at": work.now_ms,
            "ahead": None,
            "wait_low": None,
            "wait_high": None,
        },
    )
    if state is TicketState.WAITING:
        work.in_line += 1
        work.record(EventKind.ISSUED, ticket=inserted.lastrowid, number=fact.number)
    return None


def abandon(work: Work, kiosk: str, key: str) -> str | None:
    """Void what was asked for under this key and was never shown, and refuse the key for ever. Answers why not.

    A ticket that another key had first stays: its holder has it on paper. One that is at a window by now stays too; the
    clerk ends it as a no-show.
    """
    known = work.connection.execute(statements.FIND_FOR_ISSUE, {"key": key, "holder": None, "day": ""}).one_or_none()
    if known is not None and known.kiosk != kiosk:
        return "a key of another kiosk"
    work.connection.execute(statements.BURY, {"key": key, "kiosk": kiosk})
    if known is not None and known.how == _OWN:
        row = work.connection.execute(statements.TICKET, {"id": known.id}).one()
        void(work, row)
    return None


def void(work: Work, row: Row[Any]) -> None:
    """Close a ticket that nobody will be called for; nothing happens where the table of states does not allow it."""
    state = TicketState(row.state)
    if (state, TicketAction.VOID) not in TRANSITIONS:
        return
    work.connection.execute(statements.VOID, {"id": row.id, "now": work.now_ms})
    if state in IN_LINE:
        work.in_line -= 1
    work.record(EventKind.VOIDED, ticket=row.id, number=row.number, window=row.window)


def close_day(work: Work, rules: Rules) -> int:
    """At day's end, what is still open from earlier days is closed as not handled. Answers how many.

    Who is being served stays until the clerk has finished; who was called and has not come is not coming.
    """
    left_over = work.connection.execute(statements.LEFT_OVER, {"day": rules.day(work.now)}).all()
    for row in left_over:
        if row.state == TicketState.CALLED:
            values = {"id": row.id, "state": TicketState.NO_SHOW.value, "now": work.now_ms}
            work.connection.execute(statements.ASIDE_NOW, values)
            work.record(EventKind.NO_SHOW, ticket=row.id, number=row.number, window=row.window)
            row = work.connection.execute(statements.TICKET, {"id": row.id}).one()
        void(work, row)
    return len(left_over)
