"""What the hall and a bureau's system say to each other, as JSON over HTTP. Shared by adapter and simulator.

    POST /bureau/v1/returns          Declaration → 200 Receipt | 409, 422 Refusal
    GET  /bureau/v1/returns/{key}    200 Receipt | 404 Refusal not_found          what became of it
    POST /bureau/v1/entries          Entry → 200 Receipt | 409, 422 Refusal
    GET  /bureau/v1/entries/{key}    200 Receipt | 404 Refusal not_found
    GET  /bureau/v1/ledger?day=…     200 Ledger                                   for the end of the day

The same key always gets the same answer (200 with the first receipt), also years later; the same key with another
content is refused (409 ``key``). A timeout, a broken line or a 5xx means *unknown*: the hall asks under the key before
it sends anything again. Every request carries ``Authorization: Bearer <token>``. Amounts are integer fen.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Literal

import msgspec

from kiosk.domain.filing import Bureau, Form, Levy
from kiosk.domain.messages import Key
from kiosk.domain.wire import acquaint


def entry_key(payment: str, filing: str, bureau: Bureau) -> str:
    """The business key of an entry, derived: whoever repeats it, after whatever crash, comes to the same (32 hex)."""
    return hashlib.sha256(f"entry:{payment}:{filing}:{bureau.value}".encode()).hexdigest()[:32]


class DeclaredLine(msgspec.Struct, frozen=True):
    levy: Levy
    due: int
    relief: int
    payable: int
    rule: str


class Declaration(msgspec.Struct, frozen=True):
    """One bureau's part of a filing. A bureau without a line in it gets none, but one that holds the return which this
    one corrects: it gets one without lines, else the old ones would stand there for ever."""

    key: Key
    """The filing's business key; both bureaus see the same."""
    hall: str
    taxpayer: str
    """The bureau's own registration serial 登记序号; of a natural person the document number."""
    form: Form
    lines: list[DeclaredLine]
    declared_at: datetime
    """Legal time of filing: the taxpayer's touch."""
    period_start: date | None = None
    period_end: date | None = None
    corrects: Key | None = None
    """An earlier declaration of the same period that this one replaces; refused (``paid_already``) once it has an
    entry."""


class EntryLine(msgspec.Struct, frozen=True):
    levy: Levy
    amount: int
    late: int = 0


class Entry(msgspec.Struct, frozen=True):
    """Money for one declaration into this bureau's treasury. ``key``: ``entry_key`` of payment, filing and bureau."""

    key: Key
    filing: Key
    payment: Key
    lines: list[EntryLine]
    amount: int
    """Sum of the lines, late surcharge included."""
    paid_at: datetime
    reference: str
    """Of the charge at the terminal."""


class Receipt(msgspec.Struct, frozen=True):
    key: Key
    receipt: str
    """The bureau's own number, printed on what the taxpayer gets."""
    at: datetime
    amount: int = 0


#: Words of a final no. ``key``: used for something else before. ``already_filed``: this period has another return.
REFUSALS = (
    "already_filed",
    "unknown_taxpayer",
    "not_registered",
    "no_return",       # an entry for a declaration that this bureau does not hold
    "paid_already",
    "amount",          # an entry that does not match its declaration
    "key",
    "invalid",
)  # fmt: skip


#: 422: the message itself is wrong, or the bureau does not know whom it is about. Every other no is a conflict, 409.
_UNPROCESSABLE = frozenset({"invalid", "amount", "unknown_taxpayer", "not_registered"})


def status_of(problem: str) -> int:
    """The HTTP status of a final no."""
    return 422 if problem in _UNPROCESSABLE else 409


#: The word of a 404. No final no: what was asked for may still be on its way.
NOT_FOUND = "not_found"


class Refusal(msgspec.Struct, frozen=True):
    problem: str
    key: str | None = None
    """The key of what stands in the way, where it is another filing's."""


class LedgerReturn(msgspec.Struct, frozen=True):
    key: str
    receipt: str
    taxpayer: str
    form: Form
    period_start: date | None
    period_end: date | None
    payable: int
    at: datetime
    channel: Literal["hall", "window"]
    superseded: bool = False


class LedgerEntry(msgspec.Struct, frozen=True):
    key: str
    receipt: str
    filing: str
    payment: str
    amount: int
    at: datetime
    channel: Literal["hall", "window"]


class Ledger(msgspec.Struct, frozen=True):
    """What a bureau has taken in, in one calendar day of the hall's zone, or (``day`` None) altogether."""

    bureau: Bureau
    day: date | None
    returns: list[LedgerReturn]
    entries: list[LedgerEntry]


acquaint(globals())
