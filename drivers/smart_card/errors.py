"""What pcscd's error numbers mean for us: a small family, told apart by what has to be done next."""

from __future__ import annotations

from drivers.contract import Completion, DeviceError, NotConnected, TimedOut


class ServiceGone(NotConnected):
    """pcscd is not there, or went away: every handle of ours is worthless, and a new context is needed."""


class ReaderGone(NotConnected):
    """The reader is not plugged in (any more)."""


class NoCard(DeviceError):
    """No card is in the reader."""

    completion = Completion.DEVICE_NOT_READY


class CardRemoved(NoCard):
    """The card was pulled out, or exchanged, since it was opened: what it was told before counts no more."""


class CardInUse(DeviceError):
    """Another program has the card for itself."""

    completion = Completion.SEQUENCE_ERROR


class BadCard(DeviceError):
    """What is in the reader does not answer as a card: put in the wrong way round, dirty, or no card with a chip."""

    completion = Completion.INVALID_DATA


_SERVICE = {0x8010001D: "not running", 0x8010001E: "stopped", 0x80100013: "the line to it broke"}
_SERVICE |= {0x80100003: "it does not know us any more", 0x80100001: "its own error", 0x80100014: "an error of its own"}
_READER = {0x80100009: "unknown", 0x80100017: "not available", 0x8010002E: "none is there"}
_CARD = {0x80100066: "it does not respond", 0x80100067: "it has no power", 0x8010000F: "no protocol in common"}
_CARD |= {0x80100016: "the transfer failed", 0x80100065: "it is of no kind the reader supports"}
_GONE = {0x80100069: "pulled out", 0x80100068: "reset by another program"}

#: In the middle of a command: it was pulled out faster than the reader noticed, or has died, which is the same to us.
BROKE_OFF = frozenset((0x80100016, 0x80100066, 0x80100067))
TIMED_OUT = 0x8010000A
CANCELLED = 0x80100002
NO_READERS = 0x8010002E


def check(result: int, what: str) -> None:
    """Raise what an SCard function's result stands for. ``what`` was tried, for the log."""
    match result & 0xFFFFFFFF:
        case 0:
            return
        case code if code in _SERVICE:
            raise ServiceGone(f"{what}: the smart-card service is gone ({_SERVICE[code]})")
        case code if code in _READER:
            raise ReaderGone(f"{what}: the smart-card reader is gone ({_READER[code]})")
        case code if code in _GONE:
            raise CardRemoved(f"{what}: the card is gone ({_GONE[code]})")
        case 0x8010000C:
            raise NoCard(f"{what}: no card")
        case 0x8010000B:
            raise CardInUse(f"{what}: another program has the card")
        case code if code in _CARD:
            raise BadCard(f"{what}: not a card that answers ({_CARD[code]})")
        case code if code in (TIMED_OUT, CANCELLED):
            raise TimedOut(f"{what}: not in time")
        case code:
            raise DeviceError(f"{what}: the smart-card service says {code:08X}")
