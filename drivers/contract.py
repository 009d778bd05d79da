"""What every device promises, in the status words of XFS4IoT, the kiosk and ATM device standard.

Rule: ``None`` means that the device has no such capability; ``unknown`` that it has one and cannot tell now.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DeviceState(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    POWER_OFF = "powerOff"
    NO_DEVICE = "noDevice"
    HARDWARE_ERROR = "hardwareError"
    USER_ERROR = "userError"
    DEVICE_BUSY = "deviceBusy"
    FRAUD_ATTEMPT = "fraudAttempt"
    POTENTIAL_FRAUD = "potentialFraud"
    STARTING = "starting"


class PaperState(StrEnum):
    UNKNOWN = "unknown"
    FULL = "full"
    LOW = "low"
    OUT = "out"
    JAMMED = "jammed"


class MediaState(StrEnum):
    """A card on, in or off a reader."""

    UNKNOWN = "unknown"
    PRESENT = "present"
    NOT_PRESENT = "notPresent"
    JAMMED = "jammed"
    ENTERING = "entering"
    LATCHED = "latched"


class Completion(StrEnum):
    """How a command ended."""

    SUCCESS = "success"
    COMMAND_ERROR_CODE = "commandErrorCode"
    CANCELED = "canceled"
    DEVICE_NOT_READY = "deviceNotReady"
    HARDWARE_ERROR = "hardwareError"
    INTERNAL_ERROR = "internalError"
    TIME_OUT = "timeOut"
    UNSUPPORTED_COMMAND = "unsupportedCommand"
    INVALID_DATA = "invalidData"
    USER_ERROR = "userError"
    SEQUENCE_ERROR = "sequenceError"


@dataclass(frozen=True)
class DeviceStatus:
    """One look at a device."""

    device: DeviceState
    paper: PaperState | None = None
    media: MediaState | None = None
    cover_open: bool | None = None
    detail: str = ""
    """For the technician and the log; never shown to a taxpayer, never personal data."""


class DeviceError(Exception):
    """The family of expected device failures. ``completion`` says which kind."""

    completion = Completion.HARDWARE_ERROR


class NotConnected(DeviceError):
    """The port cannot be opened, or went away."""

    completion = Completion.DEVICE_NOT_READY


class TimedOut(DeviceError):
    """No (complete) answer in time."""

    completion = Completion.TIME_OUT


class BadAnswer(DeviceError):
    """An answer that is not one: wrong checksum, wrong length, not for this question."""

    completion = Completion.INVALID_DATA
