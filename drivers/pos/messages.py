"""What the frames of a payment terminal carry: our open message set as types, in JSON. Tables: docs/pos-protocol.md.

Every transaction has the kiosk's key, and every word about it repeats the key: an answer that is late, or meant for
somebody else, shows itself.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from drivers.contract import BadAnswer
from drivers.pos.codec import ANSWERS, ASKS, Frame, Kind
from drivers.pos.contract import Progress

CURRENCY = "CNY"

Key = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
Fen = Annotated[int, Meta(gt=0)]
Count = Annotated[int, Meta(ge=0)]
Moment = Annotated[datetime, Meta(tz=True)]
Word = Annotated[str, Meta(max_length=40)]


class Sale(msgspec.Struct, frozen=True):
    """Charge this amount to the card that is presented."""

    key: Key
    fen: Fen
    currency: str = CURRENCY


class About(msgspec.Struct, frozen=True):
    """Query, reverse or cancel: which transaction."""

    key: Key


class Outcome(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the terminal holds under a key: the answer to sale, query and reverse."""

    key: Key
    outcome: str
    """approved, refused, reversed, not_found, pending; not_taken and other_amount as answers to a sale."""
    fen: Fen | None = None
    currency: str = ""
    reason: Word = ""
    terminal: Word = ""
    trace: Word = ""
    reference: Word = ""
    card: Word = ""
    """Masked by the terminal; the whole number never comes over this line."""
    at: Moment | None = None
    """When it was approved, or reversed."""


class Cancelled(msgspec.Struct, frozen=True):
    """The answer to cancel. Not taken: a card is in, or the transaction is over."""

    key: Key
    taken: bool


class WaitsFor(msgspec.Struct, frozen=True):
    """Said by the terminal unasked, under the sale's id."""

    key: Key
    waits_for: Progress


class OfDay(msgspec.Struct, frozen=True):
    day: date


class DayTotals(msgspec.Struct, frozen=True):
    day: date
    sales: Count
    sales_fen: Count
    reversals: Count
    reversals_fen: Count


class PageOfDay(msgspec.Struct, frozen=True):
    day: date
    page: Annotated[int, Meta(ge=1)]


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A JSON array, not an object: six entries go into a frame instead of four."""

    key: Key
    kind: Annotated[str, Meta(pattern="^(sale|reversal)$")]
    fen: Fen
    trace: Word
    reference: Word
    card: Word
    at: Moment


class JournalPage(msgspec.Struct, frozen=True):
    day: date
    page: int
    pages: Annotated[int, Meta(ge=1, le=10_000)]
    entries: tuple[Entry, ...]


class TerminalState(msgspec.Struct, frozen=True):
    terminal: Word
    busy: bool
    """A transaction is going on."""
    card: bool
    """A card is in the slot."""


Message = Sale | About | OfDay | PageOfDay
Answer = TypeVar("Answer", bound=msgspec.Struct)


def question(kind: Kind, number: int, message: Message | None = None) -> Frame:
    """``number`` 1 to 255; no message: nothing more is to be said than the kind."""
    return Frame(kind, ASKS, number, msgspec.json.encode(message) if message is not None else b"")


def answer_in(frame: Frame, kind: Kind, number: int, wanted: type[Answer]) -> Answer | None:
    """The answer to that question, if this frame is it; None for any other frame. Raises BadAnswer."""
    if (frame.kind, frame.ack, frame.id) != (kind, ANSWERS, number):
        return None
    return read(frame, wanted)


def read(frame: Frame, wanted: type[Answer]) -> Answer:
    """Raises BadAnswer when the data is not what it has to be."""
    try:
        return msgspec.json.decode(frame.data, type=wanted)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadAnswer(f"no {wanted.__name__}: {problem}") from None


# msgspec 0.22 ends the process where two threads meet a type for the first time at once: these are met here.
for _each in (Sale, About, OfDay, PageOfDay, Outcome, Cancelled, WaitsFor, DayTotals, JournalPage, TerminalState):
    msgspec.json.Decoder(_each)
