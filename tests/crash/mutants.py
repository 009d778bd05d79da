"""Faults seeded into our own code: a campaign that does not notice them proves nothing.

python -m tests.crash.mutants NAME serve …       the hall, damaged
MUTANT=NAME python -m tests.crash.faceless …      a kiosk, damaged
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec


def key_not_looked_up() -> None:
    """The hall takes a return that it has already for a new one: the idempotency check is missing."""
    from hall.api import tax as api
    from hall.filings import receiving
    from hall.fleet import journal

    taken: set[str] = set()
    whole = receiving.take_return

    def take_return(work: Any, office: Any, kiosk: str, prepared: Any) -> None:
        if prepared.request.key in taken:
            another = msgspec.structs.replace(prepared.request, key=secrets.token_hex(16))
            prepared = replace(prepared, request=another)
        taken.add(prepared.request.key)
        whole(work, office, kiosk, prepared)

    for module in (receiving, api, journal):
        if hasattr(module, "take_return"):
            module.take_return = take_return  # type: ignore[attr-defined]


def silence_is_no() -> None:
    """A charge of which the terminal has not spoken is taken for refused: nobody asks what became of it."""
    from drivers.pos.contract import NotFound
    from drivers.pos.terminal import PosTerminal

    PosTerminal.ask = lambda self, key, fen=None: NotFound(key)  # type: ignore[method-assign]


HALL: dict[str, Callable[[], None]] = {"key_not_looked_up": key_not_looked_up}
KIOSK: dict[str, Callable[[], None]] = {"silence_is_no": silence_is_no}


if __name__ == "__main__":
    HALL[sys.argv.pop(1)]()
    from hall.cli import main

    main()
