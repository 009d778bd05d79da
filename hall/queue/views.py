"""What windows, boards and phones may see of the line, as plain values: drawn by pages, sent as JSON by the API."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from kiosk.domain.messages import Call, TicketView, Wait
from kiosk.domain.wire import acquaint


class WindowAction(StrEnum):
    """What a clerk may ask for; also the last part of ``POST /window/v1/{action}``."""

    CALL_NEXT = "call-next"
    CALL_NUMBER = "call-number"
    RECALL = "recall"
    START = "start"
    NO_SHOW = "no-show"
    PARK = "park"
    RESUME = "resume"
    TRANSFER = "transfer"
    FINISH = "finish"
    OPEN = "open"
    """The clerk is back: the window counts as open and may call."""
    PAUSE = "pause"
    """The clerk stays logged in but is away: the window does not count in the forecast."""


class ActionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a clerk means. A number that is no longer at the window is refused (409): the screen was stale."""

    number: str | None = None
    """The ticket the clerk sees (recall, start, no-show, park, transfer, finish) or wants (call-number, resume)."""
    to_window: str | None = None
    """transfer: only this window may call it then; None: any window."""
    finish: bool = False
    """call-next, call-number, resume: finish ``current`` first. Without it a busy window is refused (409)."""
    current: str | None = None
    """With ``finish``: the number the clerk sees at the window now."""


class ActionReply(msgspec.Struct, frozen=True):
    """``POST /window/v1/{action}``: who is at the window after it."""

    window: str
    current: TicketAtWindow | None
    waiting: int


class OrderReason(StrEnum):
    """Why a ticket stands where it stands in the line; shown to clerks, so that the order can be explained."""

    AGE = "age"
    PRIORITY = "priority"
    TRANSFERRED = "transferred"
    """Transferred to all windows: it kept its age."""
    TRANSFERRED_HERE = "transferred_here"
    """Transferred to this window: before all others, the oldest first."""


class TicketAtWindow(msgspec.Struct, frozen=True):
    number: str
    state: Literal["called", "serving"]
    ticket_class: Literal["normal", "priority"]
    issued_at: datetime
    called_at: datetime
    started_at: datetime | None
    calls: int
    """1 + recalls since it came to this window."""
    service: str | None
    service_zh: str | None
    service_en: str | None
    holder_masked: str
    waited_minutes: int


class PlaceInLine(msgspec.Struct, frozen=True):
    number: str
    state: Literal["waiting", "transferred"]
    ticket_class: Literal["normal", "priority"]
    issued_at: datetime
    waited_minutes: int
    service: str | None
    service_zh: str | None
    service_en: str | None
    reason: OrderReason
    age: float
    """The sort key: minutes waited × rate of the class (hall.toml)."""


class AsideTicket(msgspec.Struct, frozen=True):
    """Parked, or not there when called: may be called again by its number."""

    number: str
    state: Literal["parked", "no_show"]
    window: str | None
    """Where it was put aside."""
    since: datetime
    service: str | None
    service_zh: str | None
    service_en: str | None
    holder_masked: str


class WindowView(msgspec.Struct, frozen=True):
    """Everything one window's page shows."""

    window: str
    open: bool
    clerk: str | None
    current: TicketAtWindow | None
    allowed: list[WindowAction]
    """What can be done now; every other button is greyed out."""
    line: list[PlaceInLine]
    """Who would be called next from this window, in order (the first ``TOP`` of them)."""
    parked: list[AsideTicket]
    no_shows: list[AsideTicket]
    """Today's, newest first."""
    waiting: int
    served_today: int
    """Finished at this window today."""
    other_windows: list[str]
    """Where a ticket can be transferred to: every other window of the hall."""
    open_windows: list[str]
    quarantined: int
    """Kiosk records that the hall could not accept and nobody has looked at."""
    event_id: int
    """The last event this view contains: start the event stream after it."""


class BoardCall(msgspec.Struct, frozen=True):
    number: str
    window: str
    at: datetime
    calls: int
    """1 for the first call, more when recalled: a recalled line blinks again."""


class BoardWindow(msgspec.Struct, frozen=True):
    window: str
    open: bool
    number: str | None
    """The ticket that is called to, or served at, this window."""
    state: Literal["called", "serving"] | None


class BoardView(msgspec.Struct, frozen=True):
    hall: str
    name_zh: str
    name_en: str
    calls: list[BoardCall]
    """The latest calls, newest first."""
    windows: list[BoardWindow]
    waiting: int
    windows_open: int
    wait: Wait | None
    event_id: int


class PhoneView(msgspec.Struct, frozen=True):
    """One ticket as the holder of its slip sees it."""

    ticket: TicketView
    name_zh: str
    name_en: str
    service_zh: str | None
    service_en: str | None
    waiting: int
    calls: list[Call]
    as_of: datetime


class EventKind(StrEnum):
    """Kinds of events in the outbox, and the ``event:`` field of the streams."""

    ISSUED = "issued"
    CALLED = "called"
    RECALLED = "recalled"
    STARTED = "started"
    NO_SHOW = "no_show"
    PARKED = "parked"
    TRANSFERRED = "transferred"
    FINISHED = "finished"
    VOIDED = "voided"
    WINDOW_OPENED = "window_opened"
    WINDOW_CLOSED = "window_closed"


class HallEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of a stream frame. ``id`` is also its SSE id: a client that comes back sends it as Last-Event-ID."""

    id: int
    kind: EventKind
    at: datetime
    number: str | None = None
    window: str | None = None
    """The window it happened at; for a transfer the one it came from."""
    to_window: str | None = None
    calls: int = 0


class LineEvent(msgspec.Struct, frozen=True):
    """Data of the frame ``event: line``: sent at most twice a second when the line has changed; has no id."""

    waiting: int
    windows_open: int
    wait: Wait | None


acquaint(globals())
