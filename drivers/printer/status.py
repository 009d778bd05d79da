"""A printer's four status bytes (``DLE EOT`` 1 to 4) as one look: can it print, and if not, why.

Bits after Epson's ESC/POS reference; checked against two emulators: ok ``12`` · near end n4 ``1e`` · out n1 ``1a``
n2 ``32`` n4 ``7e`` · cover open n1 ``1a`` n2 ``16`` · offline n1 ``1a``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.contract import DeviceState, DeviceStatus, PaperState

PRINTER, OFFLINE_CAUSE, ERROR_CAUSE, PAPER = 1, 2, 3, 4
"""The n of ``DLE EOT n``."""

_OFFLINE = 0x08
_COVER_OPEN = 0x04
_STOPPED_BY_PAPER_END = 0x20
_CUTTER_ERROR = 0x08
_ANY_ERROR = 0x6C
"""Recoverable, cutter, unrecoverable, and the ones that go away by themselves (a hot head)."""
_NEAR_END = 0x0C
_PAPER_END = 0x60


class Reason(StrEnum):
    """Why a slip did not come out, or why nobody can say."""

    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    JAMMED = "jammed"
    HARDWARE_ERROR = "hardware_error"
    OFFLINE = "offline"
    NOT_CONNECTED = "not_connected"
    CONNECTION_LOST = "connection_lost"
    TIMED_OUT = "timed_out"
    NO_PROOF = "no_proof"
    UNPRINTABLE = "unprintable"
    """The document does not fit on this paper: nothing was sent."""


@dataclass(frozen=True)
class Look:
    """What a printer said about itself at one moment."""

    offline: bool
    paper: PaperState
    cover_open: bool = False
    error: bool = False

    @property
    def reason(self) -> Reason | None:
        """Why nothing can be printed now; None when it can. An open cover hides the paper, so it is said first."""
        if self.cover_open:
            return Reason.COVER_OPEN
        if self.paper is PaperState.OUT:
            return Reason.PAPER_OUT
        if self.paper is PaperState.JAMMED:
            return Reason.JAMMED
        if self.error:
            return Reason.HARDWARE_ERROR
        return Reason.OFFLINE if self.offline else None

    @property
    def status(self) -> DeviceStatus:
        match self.reason:
            case None:
                state = DeviceState.ONLINE
            case Reason.COVER_OPEN | Reason.PAPER_OUT:
                # Somebody has to do something at the machine, and then it works again.
                state = DeviceState.USER_ERROR
            case Reason.JAMMED | Reason.HARDWARE_ERROR:
                state = DeviceState.HARDWARE_ERROR
            case _:
                state = DeviceState.OFFLINE
        return DeviceStatus(state, paper=self.paper, cover_open=self.cover_open, detail=self.reason or "")


def read_look(printer: int, paper: int, cause: int | None = None, error: int | None = None) -> Look:
    """The bytes of n = 1 and 4, and of 2 and 3 where they were asked for (a printer that is online has no cause)."""
    state = PaperState.FULL
    if paper & _PAPER_END == _PAPER_END or (cause is not None and cause & _STOPPED_BY_PAPER_END):
        state = PaperState.OUT
    elif error is not None and error & _CUTTER_ERROR:
        # A cutter that cannot close has paper in it.
        state = PaperState.JAMMED
    elif paper & _NEAR_END == _NEAR_END:
        state = PaperState.LOW
    return Look(
        offline=bool(printer & _OFFLINE),
        paper=state,
        cover_open=cause is not None and bool(cause & _COVER_OPEN),
        error=error is not None and bool(error & _ANY_ERROR),
    )
