"""How often-seen things become lines: a check, a moment, a device, a part of a file system."""

from __future__ import annotations

from datetime import datetime

from drivers.contract import DeviceState, DeviceStatus, PaperState
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.fleet import Check
from kiosk.maintenance.world import DEVICES, PRINTERS
from kiosk.session.panel import Line, Place, Tone

#: Checks whose value is a paper state.
PAPERS = tuple(f"{printer}_paper" for printer in PRINTERS)

TONES = {"good": Tone.GOOD, "bad": Tone.BAD, "skipped": Tone.PLAIN}

#: Words that stand for a value of a check; anything else is shown as it is.
_WORDS = frozenset({"not_here", "not_checked"})


def moment(at: datetime) -> str:
    return f"{at.astimezone(HALL_ZONE):%m-%d %H:%M:%S}"


def value_word(check: Check) -> str:
    """The word for what was seen, where it is one of the drivers' (``drivers.contract``); else ""."""
    if check.name in DEVICES:
        return f"state_{check.value}"
    if check.name in PAPERS:
        return f"paper_{check.value}"
    return ""


def check_line(check: Check, opens: Place | None = None, subject: str = "") -> Line:
    """A check: its sign says how it came out, its word too (never by colour or sign alone)."""
    if check.value in _WORDS:
        return Line(check.name, word=check.value, tone=TONES[check.result], opens=opens, subject=subject)
    word = value_word(check) or (f"{check.result}_value" if check.value else check.result)
    return Line(check.name, check.value, word, TONES[check.result], opens, subject)


def device_tone(status: DeviceStatus) -> Tone:
    if status.device is DeviceState.ONLINE:
        return Tone.WARN if status.paper in (PaperState.LOW, PaperState.OUT) else Tone.GOOD
    return Tone.WARN if status.device is DeviceState.USER_ERROR else Tone.BAD


def device_line(name: str, status: DeviceStatus | None) -> Line:
    if status is None:
        return Line(name, word="not_here")
    return Line(name, word=f"state_{status.device.value}", tone=device_tone(status), opens=Place.DEVICE, subject=name)


def megabytes(count: int) -> str:
    return f"{count / 1024 / 1024:,.0f} MB"
