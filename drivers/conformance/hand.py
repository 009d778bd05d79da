"""What is done to a device besides talking to it: by the bench at once, by a technician when he is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

#: Every step there is, as a technician reads it. The bench knows the same words.
STEPS = {
    "lay": "Lay a resident ID card on the reader",
    "lay:bank_card": "Lay a bank card (any card that is no ID card) on the reader",
    "lift": "Take every card off the reader",
    "refill": "Put paper in and close the cover",
    "paper-out": "Take the paper out",
    "cover-open": "Open the cover",
    "cover-close": "Close the cover",
    "unplug": "Pull the device's cable out",
    "replug": "Put the cable back in",
    "insert": "Put the technician's card into the reader",
    "insert:payment": "Put in or tap a payment card (PIN if asked for): one fen is charged, and given back",
    "pull": "Pull the card out",
    "cancel": "Press the red key on the terminal",
}


class NotPossible(Exception):
    """The case cannot be tried here: nobody did the step, or the device has no such capability."""


class Hand(Protocol):
    def do(self, step: str, argument: object = None) -> None:
        """Returns when it is done. Raises NotPossible where nobody does it."""

    @property
    def slow(self) -> bool:
        """A person: things take seconds."""


class BenchHand:
    """``act``: the bench's own commands."""

    slow = False

    def __init__(self, act: Callable[[str, object], object]) -> None:
        self._act = act

    def do(self, step: str, argument: object = None) -> None:
        self._act(step.partition(":")[0], argument)


class Technician:
    """A person at the machine. ``ask``: shows a line, and returns whether it was done."""

    slow = True

    def __init__(self, ask: Callable[[str], bool]) -> None:
        self._ask = ask

    def do(self, step: str, argument: object = None) -> None:
        words = STEPS.get(f"{step}:{argument}") or STEPS.get(step)
        if words is None:
            raise NotPossible(f"nobody can do {step!r} to a real device")
        if not self._ask(words):
            raise NotPossible(f"skipped: {words}")
