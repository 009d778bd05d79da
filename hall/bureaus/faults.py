"""What a simulated bureau does wrong, on command: the bad days of a peer's system, to be played whenever one likes.

Nothing of it is in the bureau itself: the relay before it delays, swallows, spoils and kills, so that it is the same
bureau in good days and bad.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from hall.bureaus.contract import REFUSALS


class Action(StrEnum):
    SLOW = "slow"
    """SECONDS before it is heard: who asks meanwhile is told that there is nothing."""
    SLOW_ANSWER = "slow_answer"
    """Stored at once, answered after SECONDS."""
    SILENT = "silent"
    """Takes the connection and never answers; nothing is stored."""
    SILENT_ANSWER = "silent_answer"
    """Stored, and never answered."""
    REFUSE = "refuse"
    """A final no, with PROBLEM."""
    DIE_BEFORE = "die_before"
    """The process dies (SIGKILL) with the request in hand and nothing stored."""
    DIE_AFTER = "die_after"
    """It dies between receipt and answer: stored durably, not answered."""
    ANSWER_TWICE = "answer_twice"
    """The same bytes twice on one connection."""
    GARBLE = "garble"
    """Stored, and answered with nonsense of KIND."""


class Kind(StrEnum):
    """Of nonsense."""

    TEXT = "text"
    """Not JSON."""
    TYPE = "type"
    """JSON of another type."""
    KEY = "key"
    """A good receipt, of another key."""
    ERROR = "500"
    CUT = "cut"
    """The line breaks in mid-answer."""


class On(StrEnum):
    """Which requests it befalls."""

    RETURNS = "returns"
    ENTRIES = "entries"
    BOTH = "both"
    ASKS = "asks"
    """Questions about one key, and the ledger."""
    ALL = "all"


_BEFALLEN = {
    On.RETURNS: (On.RETURNS,),
    On.ENTRIES: (On.ENTRIES,),
    On.BOTH: (On.RETURNS, On.ENTRIES),
    On.ASKS: (On.ASKS,),
    On.ALL: (On.RETURNS, On.ENTRIES, On.ASKS),
}


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """POST /bench/fault. ``argument``: seconds, a word of REFUSALS, or a kind of nonsense, as the action wants."""

    action: Action
    argument: str | float | None = None
    on: On = On.BOTH
    times: int | None = None
    """How often; None: until it is healed."""

    def problem(self) -> str | None:
        """Why this cannot be played; None when it can."""
        if self.times is not None and self.times < 1:
            return "times is a positive number"
        match self.action:
            case Action.SLOW | Action.SLOW_ANSWER:
                return None if self.seconds is not None else f"{self.action} wants seconds"
            case Action.REFUSE:
                known = self.argument in REFUSALS
                return None if known else f"refuse wants one of {', '.join(REFUSALS)}"
            case Action.GARBLE:
                known = self.argument is None or self.word in list(Kind)
                return None if known else f"garble knows {', '.join(Kind)}"
            case _:
                return None if self.argument is None else f"{self.action} wants no argument"

    @property
    def seconds(self) -> float | None:
        try:
            found = float(self.argument) if self.argument is not None else -1.0
        except ValueError:
            return None
        return found if 0 <= found < float("inf") else None

    @property
    def word(self) -> str:
        """The argument as it was typed: a shell's ``500`` is a number only by looks."""
        return f"{self.argument:g}" if isinstance(self.argument, float) else str(self.argument)

    @property
    def kind(self) -> Kind:
        return Kind.TEXT if self.argument is None else Kind(self.word)


@dataclass
class _Armed:
    fault: Fault
    left: int | None


class Faults:
    """What is armed: one fault at most for each sort of request; a new one takes the place of the old. Forgotten when
    the process dies, so that a bureau started again is well."""

    def __init__(self) -> None:
        self._armed: dict[On, _Armed] = {}

    def arm(self, fault: Fault) -> None:
        """``fault.problem()`` is None. Its times are counted over all requests that it befalls."""
        armed = _Armed(fault, fault.times)
        for sort in _BEFALLEN[fault.on]:
            self._armed[sort] = armed

    def heal(self) -> None:
        self._armed.clear()

    def take(self, sort: On) -> Fault | None:
        """What befalls this request; counts it."""
        armed = self._armed.get(sort)
        if armed is None or armed.left == 0:
            return None
        if armed.left is not None:
            armed.left -= 1
        return armed.fault

    def shown(self) -> dict[str, dict[str, object]]:
        return {
            sort.value: {"action": armed.fault.action, "argument": armed.fault.argument, "left": armed.left}
            for sort, armed in self._armed.items()
            if armed.left != 0
        }
