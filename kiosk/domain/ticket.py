"""A ticket: one number, and the states it passes through between the kiosk and the window.

The table below is the only place that says what may happen to a ticket. The hall's claim, the window's buttons and
the diagram in docs/ are all made from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TicketState(StrEnum):
    """Where a ticket is (docs/glossary.md)."""

    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PARKED = "parked"
    TRANSFERRED = "transferred"
    DONE = "done"
    NO_SHOW = "no_show"
    VOID = "void"


class TicketAction(StrEnum):
    """What a window, or the hall itself, does to a ticket."""

    CALL = "call"
    RECALL = "recall"
    START = "start"
    NO_SHOW = "no_show"
    PARK = "park"
    TRANSFER = "transfer"
    FINISH = "finish"
    VOID = "void"


_S, _A = TicketState, TicketAction

#: (state, action) → state. What is not here may not happen.
TRANSITIONS: dict[tuple[TicketState, TicketAction], TicketState] = {
    (_S.WAITING, _A.CALL): _S.CALLED,
    (_S.WAITING, _A.VOID): _S.VOID,
    (_S.CALLED, _A.RECALL): _S.CALLED,
    (_S.CALLED, _A.START): _S.SERVING,
    (_S.CALLED, _A.NO_SHOW): _S.NO_SHOW,
    (_S.CALLED, _A.PARK): _S.PARKED,
    (_S.CALLED, _A.TRANSFER): _S.TRANSFERRED,
    # Somebody who only asks a question is served and gone before the clerk presses "start".
    (_S.CALLED, _A.FINISH): _S.DONE,
    (_S.SERVING, _A.PARK): _S.PARKED,
    (_S.SERVING, _A.TRANSFER): _S.TRANSFERRED,
    (_S.SERVING, _A.FINISH): _S.DONE,
    # Parked: papers are missing; the holder comes back to the same window without a new number.
    (_S.PARKED, _A.CALL): _S.CALLED,
    (_S.PARKED, _A.VOID): _S.VOID,
    # A transferred ticket waits again, for a window or for all, and keeps its age.
    (_S.TRANSFERRED, _A.CALL): _S.CALLED,
    (_S.TRANSFERRED, _A.VOID): _S.VOID,
    # Who was away for a moment may be called again by hand.
    (_S.NO_SHOW, _A.CALL): _S.CALLED,
    (_S.NO_SHOW, _A.VOID): _S.VOID,
}

#: Still to be served: counts towards "one number per person at a time".
OPEN_STATES = frozenset({_S.WAITING, _S.CALLED, _S.SERVING, _S.PARKED, _S.TRANSFERRED})

#: In the line: "call next" may take one of these.
IN_LINE = frozenset({_S.WAITING, _S.TRANSFERRED})


class NotAllowed(ValueError):
    """The action does not fit the ticket's state."""

    def __init__(self, state: TicketState, action: TicketAction) -> None:
        super().__init__(f"a {state} ticket cannot be changed by {action}")
        self.state = state
        self.action = action


def after(state: TicketState, action: TicketAction) -> TicketState:
    """The state that follows. Raises NotAllowed."""
    try:
        return TRANSITIONS[state, action]
    except KeyError:
        raise NotAllowed(state, action) from None


class TicketClass(StrEnum):
    """How fast a ticket ages in line: the green channel ages faster, and nobody starves (accumulating priority)."""

    NORMAL = "normal"
    PRIORITY = "priority"


def hall_number(sequence: int) -> str:
    """The hall's own series: 1 → ``A001``, 999 → ``A999``, 1000 → ``A1000``."""
    return f"A{sequence:03d}"


def kiosk_number(kiosk: str, sequence: int) -> str:
    """A kiosk's series while the hall is silent: ``K3``, 1 → ``K3-001``."""
    return f"{kiosk}-{sequence:03d}"


@dataclass(frozen=True)
class WaitRange:
    """An honest wait: the tenth to the ninetieth percentile, in minutes from now."""

    low: int
    high: int


@dataclass(frozen=True)
class TicketSlip:
    """Everything that the paper (and the last screen) says about a ticket, and nothing more. Masked already."""

    number: str
    service_code: str | None
    service_zh: str
    service_en: str
    ahead: int | None
    wait: WaitRange | None
    issued_at: datetime
    holder_masked: str
    papers: tuple[str, ...]
    url: str
    token: str
    """Names the ticket to whoever holds its slip (``messages.public_token``); a reprint is asked for by it."""
    priority: bool = False
    reprint: bool = False
