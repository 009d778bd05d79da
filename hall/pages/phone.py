"""What a ticket's holder is told on the phone: the ticket's state as a title, a mood and a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, assert_never

from hall.pages.words import Language
from kiosk.domain.messages import TicketView, Wait
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import TicketState

Mood = Literal["calm", "now", "good", "care"]


@dataclass(frozen=True)
class Told:
    """``figure``: how many people are ahead, where that is what counts."""

    title: str
    lines: tuple[str, ...] = ()
    mood: Mood = "calm"
    figure: int | None = None


def tell(ticket: TicketView, text: Texts, may_return: int) -> Told:
    """``may_return``: how many others a window may have called before a no-show needs a new number.

    Raises ValueError for a state that is none (``TicketState``).
    """
    where = text("where", window=ticket.window) if ticket.window else text("where_unknown")
    match TicketState(ticket.state):
        case TicketState.WAITING:
            return _in_line(text, ticket, text("state.waiting.title"))
        case TicketState.TRANSFERRED:
            on = text("state.transferred.to", where=where) if ticket.window else text("state.transferred.any")
            return _in_line(text, ticket, text("state.transferred.title"), on)
        case TicketState.CALLED:
            return Told(text("state.called.title", where=where), (text("state.called.now"),), "now")
        case TicketState.SERVING:
            return Told(text("state.serving.title", where=where))
        case TicketState.PARKED:
            return Told(text("state.parked.title"), (text("state.parked.back", where=where),), "care")
        case TicketState.DONE:
            return Told(text("state.done.title"), (text("state.done.thanks"),), "good")
        case TicketState.NO_SHOW:
            told = ("missed", "near", "far") if may_return else ("missed", "again")
            lines = (text(f"state.no_show.{line}", where=where, others=may_return) for line in told)
            return Told(text("state.no_show.title"), tuple(lines), "care")
        case TicketState.VOID:
            return Told(text("state.void.title"), (text("state.void.again"),))
        case never:
            assert_never(never)


def _in_line(text: Texts, ticket: TicketView, title: str, *lines: str) -> Told:
    stay = text("state.waiting.stay")
    if ticket.ahead is None:
        return Told(title, (text("state.waiting.unknown"), *lines, stay))
    if ticket.ahead == 0:
        return Told(text("state.waiting.next"), (*lines, stay))
    return Told(title, (*lines, stay), figure=ticket.ahead)


def expected(wait: Wait | None, now: datetime) -> str | None:
    """The range of clock times in which the call is expected: ``09:50 – 09:57``; None while nothing is known."""
    if wait is None:
        return None
    low, high = (f"{now + timedelta(minutes=minutes):%H:%M}" for minutes in (wait.low, wait.high))
    return low if low == high else f"{low} – {high}"


def preferred(asked: str | None, accepted: str) -> Language:
    """``?lang=`` first, then the browser's Accept-Language (RFC 9110 §12.5.4), of the two we speak; else Chinese."""
    if asked in ("zh", "en"):
        return "en" if asked == "en" else "zh"
    best: Language = "zh"
    best_weight = 0.0
    for part in accepted.split(","):
        tag, _, parameter = part.strip().partition(";")
        weight = _weight(parameter)
        language = tag.strip().lower().partition("-")[0]
        if weight > best_weight and language in ("zh", "en"):
            best = "en" if language == "en" else "zh"
            best_weight = weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
