"""What kiosk and hall say to each other, as JSON over HTTP. Both sides import this file and nothing else of each other.

Every message carries VERSION. A hall answers a version it does not know with 422 and its own version, so that an old
kiosk keeps its journal instead of losing it. Times are RFC 3339 with offset; durations are minutes unless named.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from kiosk.domain.wire import acquaint

VERSION = 1

#: What a request's signature covers (RFC 9421, Ed25519). The key id is the kiosk's id.
SIGNED_COMPONENTS = ("@method", "@path", "@query", "content-digest")

Key = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""A business key: 128 random bits in hex, made once by the kiosk, the same on every repetition."""

KioskId = Annotated[str, msgspec.Meta(pattern="^K[0-9]{1,3}$")]


def public_token(key: str) -> str:
    """The token behind a ticket's QR: tells nothing of the business key, and needs no second secret (22 hex digits)."""
    return hashlib.sha256(b"ticket-token:" + bytes.fromhex(key)).hexdigest()[:22]


class Wait(msgspec.Struct, frozen=True):
    low: int
    high: int


class EnrolRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/enrol: the one request that is not signed; the code is good once."""

    code: str
    public_key: str
    """Ed25519, 32 bytes in hex."""
    version: int = VERSION


class EnrolReply(msgspec.Struct, frozen=True):
    kiosk: KioskId
    hall: str
    hall_name_zh: str
    hall_name_en: str
    holder_pepper: str
    """32 bytes in hex: all kiosks of a hall hash a holder to the same reference with it."""
    order_key: str = ""
    """Ed25519 public key in hex: who signs the hall's orders (kiosk.domain.fleet)."""
    release_root: str = ""
    """TUF root metadata as JSON: the first link of trust in releases. "" where the hall publishes none yet."""
    version: int = VERSION


class TicketRequest(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/tickets. The same key always gets the same ticket."""

    key: Key
    requested_at: datetime
    service: str | None = None
    """A code of the catalogue, or None: any service."""
    ticket_class: Literal["normal", "priority"] = "normal"
    holder_ref: str | None = None
    """HMAC-SHA256 (hex) of the document number under the hall's pepper; the number itself stays in the kiosk."""
    holder_masked: str = ""
    abandoned: Annotated[list[Key], msgspec.Meta(max_length=16)] = msgspec.field(default_factory=list)
    """Asks of this kiosk whose journal rows are still on the way. The hall voids them first: else the same person,
    asking again at once, would be told of the very number that is about to be voided."""
    version: int = VERSION


class TicketView(msgspec.Struct, frozen=True):
    """A ticket as its holder may see it."""

    number: str
    state: str
    issued_at: datetime
    token: str
    service: str | None = None
    ahead: int | None = None
    """People in line before this one; None once called, or not known."""
    wait: Wait | None = None
    window: str | None = None
    existing: bool = False
    """The holder already had an open number: this is that one, no second was issued."""
    version: int = VERSION


class HolderTickets(msgspec.Struct, frozen=True):
    """GET /kiosk/v1/tickets?holder_ref=…: the open tickets of one holder today."""

    tickets: list[TicketView]
    version: int = VERSION


class JournalRow(msgspec.Struct, frozen=True):
    """One fact of a kiosk. ``hash`` = SHA-256 over previous hash, seq, kind, at and body (see ``row_hash``)."""

    seq: int
    kind: str
    at: datetime
    body: msgspec.Raw
    hash: str
    clock: datetime | None = None
    """What the kiosk's own clock showed; ``at`` is the time that it goes by: the hall's word and what passed since."""


class JournalBatch(msgspec.Struct, frozen=True):
    """POST /kiosk/v1/journal. Rows are gapless and in order; overlap with what the hall has is ignored."""

    incarnation: str
    """Names one life of the kiosk's disk: a restored or cloned disk shows itself."""
    rows: list[JournalRow]
    version: int = VERSION


class Quarantined(msgspec.Struct, frozen=True):
    seq: int
    reason: str


#: Why a row is set aside when the hall holds another one under its sequence. A kiosk that hears it reports under a new
#: incarnation from then on: what it writes next is nobody's second story.
ANOTHER_ROW = "another row is held under this sequence: the disk was restored or cloned"


class JournalReply(msgspec.Struct, frozen=True):
    """``high_water``: the last row the hall holds. 409 carries it too, when the batch leaves a gap."""

    high_water: int
    quarantined: list[Quarantined] = msgspec.field(default_factory=list)
    hall_time: datetime | None = None
    version: int = VERSION


class TicketIssuedHere(msgspec.Struct, frozen=True, tag_field="fact", tag="ticket_issued_here"):
    """Journal fact: the kiosk gave a number of its own series while the hall was silent."""

    key: Key
    number: str
    issued_at: datetime
    service: str | None
    ticket_class: Literal["normal", "priority"]
    holder_ref: str | None
    holder_masked: str


class TicketAskAbandoned(msgspec.Struct, frozen=True, tag_field="fact", tag="ticket_ask_abandoned"):
    """Journal fact: a number asked for under this key has an unknown outcome, and nobody ever saw it. Void it."""

    key: Key


class SlipPrinted(msgspec.Struct, frozen=True, tag_field="fact", tag="slip_printed"):
    """Journal fact: how a sheet of paper ended. The ticket may be another kiosk's: the slip is named by its token."""

    token: str
    number: str
    outcome: Literal["done", "failed", "uncertain"]
    reason: str | None
    reprint: bool


#: What the first row of an incarnation chains to.
CHAIN_START = "0" * 64


def row_hash(previous: str, seq: int, kind: str, at: datetime, body: bytes, clock: datetime | None = None) -> str:
    """The chained content hash of a journal row (hex)."""
    shown = f"{clock.isoformat()}\n" if clock is not None else ""
    head = f"{previous}\n{seq}\n{kind}\n{at.isoformat()}\n{shown}".encode()
    return hashlib.sha256(head + body).hexdigest()


class Call(msgspec.Struct, frozen=True):
    number: str
    window: str
    at: datetime


class HallState(msgspec.Struct, frozen=True):
    """GET /public/state, with ETag: what anybody may know of the hall."""

    hall: str
    name_zh: str
    name_en: str
    day: str
    waiting: int
    windows_open: int
    wait: Wait | None
    """For a ticket taken now; None while nothing is known (no window open, or nothing learned yet)."""
    calls: list[Call]
    """The latest calls, newest first."""
    version: int = VERSION


class Problem(msgspec.Struct, frozen=True):
    """Every refusal, with the HTTP status: which field, what is wrong with it."""

    problem: str
    field: str | None = None
    version: int = VERSION


acquaint(globals())
