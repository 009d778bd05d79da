"""One case: a statement about a device, and a small function that finds out whether it is true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from drivers.conformance.hand import Hand, NotPossible

__all__ = ["Case", "DeviceClass", "Needs", "NotConforming", "NotPossible", "Subject", "expect"]


class DeviceClass(StrEnum):
    """As on the command line."""

    ID_CARD = "id-card"
    PRINTER = "printer"
    SMART_CARD = "smart-card"
    POS = "pos"


class Needs(StrEnum):
    """What a case cannot do without."""

    NOTHING = "nothing"
    HAND = "hand"
    """Somebody who does things to the device: the bench, or a technician who is asked to."""
    BENCH = "bench"
    """A simulated device on a wire that can be spoilt."""


class NotConforming(Exception):
    """The device or its driver does not do what the case states. The message says what it did, and names nobody."""


class Subject:
    """A driver, the device behind it, and who can do things to that. One for each case against a simulator."""

    hand: Hand
    tried: int = 0
    """How many single trials a case took: one a byte, where it goes through all of them."""

    def rest(self) -> None:
        """Between two cases on one device: nothing of the last one stays open that would disturb the next."""

    def close(self) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class Case:
    device: DeviceClass
    name: str
    says: str
    """The statement, for people."""
    run: Callable[[Any], None]
    needs: Needs = Needs.NOTHING
    alone: bool = False
    """Disturbs what other cases stand on, or measures time: nothing else may run meanwhile."""


def expect(true: bool, otherwise: str) -> None:
    """Raises NotConforming."""
    if not true:
        raise NotConforming(otherwise)
