"""Every exchange of a device under every fault a wire can have, at every byte.

An exchange does one thing and says how it went: right, or honest trouble. What it may never be is wrong, late, or the
end of the device: where it did not come out right, the wire is made whole and the same exchange has to go right.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Generic, Protocol, TypeVar

from drivers.conformance.case import Case, DeviceClass, Needs, NotConforming, expect
from drivers.conformance.wire import (
    ASKED,
    BY_ANSWER,
    EVERYWHERE,
    HARMLESS,
    SAYS,
    UNPLUGS,
    Count,
    Fault,
    Kind,
    SpoiltWire,
)

#: A conversation of up to so many bytes is gone through byte by byte; of a longer one every byte of its beginning and
#: its end, and every 32nd between, unless the suite is told to be thorough.
SHORT = 96
_END = 8
_STRIDE = 32
#: Where every trial has to wait for what does not come, so many places, evenly spread, stand for all.
_COSTLY_PLACES = 24


class OnWire(Protocol):
    """What the matrix needs of a subject."""

    wire: SpoiltWire
    tried: int
    thorough: bool
    limit_s: float
    """No exchange takes longer, whatever happens to it."""
    late_s: float
    """Later than any answer is waited for."""

    def recover(self) -> None:
        """The wire is whole again: open anew what has to be."""


S = TypeVar("S", bound=OnWire)
W = TypeVar("W")


def patient(waits: W, times: float) -> W:
    """A driver's waits, so many times as long."""
    return replace(waits, **{wait.name: getattr(waits, wait.name) * times for wait in fields(waits)})  # type: ignore[type-var,arg-type]  # always a dataclass of seconds


@dataclass(frozen=True)
class Exchange(Generic[S]):
    """``run``: True when it came out right, False for honest trouble; raises NotConforming for anything else."""

    name: str
    says: str
    run: Callable[[S], bool]
    prepare: Callable[[S], None] = lambda _: None
    must: frozenset[Kind] = HARMLESS
    """Under these it has to come out right."""
    costly: frozenset[Kind] = frozenset((Kind.SILENT,))
    """Of these a few places stand for all, unless the suite is told to be thorough."""
    unchecked: frozenset[Kind] = frozenset()
    """Under these nobody can tell a wrong answer from a right one, which is a byte without a check: only what follows
    counts."""


def cases(device: DeviceClass, exchange: Exchange[S], kinds: Iterable[Kind] = Kind) -> list[Case]:
    return [
        Case(
            device,
            f"{exchange.name}.{kind}",
            f"{exchange.says}, with answers {SAYS[kind]}",
            _under(exchange, kind),
            Needs.BENCH,
        )
        for kind in kinds
    ]


def _under(exchange: Exchange[S], kind: Kind) -> Callable[[S], None]:
    def run(subject: S) -> None:
        wire = subject.wire
        _goes_right(exchange, subject, "on a good wire")
        wire.arm(None)
        _goes_right(exchange, subject, "on a good wire, once more")
        # Counted the second time: the first has what is done once after opening.
        for at in _places(kind, wire.passed, kind in exchange.costly, subject.thorough):
            exchange.prepare(subject)
            wire.arm(Fault(kind, at, subject.late_s))
            where = f"{kind} at {at}"
            right = _run(exchange, subject, where, kind in exchange.unchecked)
            # One that did not happen, because less was said this time, must not happen later.
            wire.arm(None)
            subject.tried += 1
            expect(right or kind not in exchange.must, f"{where}: it does not come out right")
            if not right or kind in UNPLUGS:
                wire.heal()
                subject.recover()
                _goes_right(exchange, subject, f"after {where}")

    return run


def _goes_right(exchange: Exchange[S], subject: S, when: str) -> None:
    exchange.prepare(subject)
    expect(_run(exchange, subject, when), f"{when}: it does not come out right")


def _run(exchange: Exchange[S], subject: S, when: str, unchecked: bool = False) -> bool:
    began = time.monotonic()
    try:
        right = exchange.run(subject)
    except NotConforming as problem:
        if unchecked:
            return False
        raise NotConforming(f"{when}: {problem}") from None
    except Exception as problem:
        raise NotConforming(f"{when}: {type(problem).__name__}: {problem}") from problem
    took = time.monotonic() - began
    expect(took < subject.limit_s, f"{when}: it takes {took:.1f} s")
    return right


def _places(kind: Kind, passed: Count, costly: bool, thorough: bool) -> Iterator[int]:
    if kind in EVERYWHERE:
        yield 0
        return
    count = passed.answers if kind in BY_ANSWER else passed.asked if kind in ASKED else passed.answered
    if costly and not thorough:
        yield from range(0, count, max(1, count // _COSTLY_PLACES))
        return
    for at in range(count):
        if thorough or at < SHORT - _END or at >= count - _END or at % _STRIDE == 0:
            yield at
