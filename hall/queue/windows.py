"""The hall's windows, in the order boards and forms show them."""

from __future__ import annotations

import re

from hall.store import statements
from hall.store.writer import Work

_NAME = re.compile(r"[0-9A-Z]{1,4}")


def set_windows(work: Work, names: list[str]) -> list[str]:
    """These windows, in this order; no names: leave them. One that is not named goes last and is closed: tickets and
    sessions name it. Answers all of them. Raises ValueError."""
    if len(set(names)) != len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("a window's name is one to four digits or capital letters, each once")
    known = [row.window for row in work.connection.execute(statements.WINDOWS)]
    if not names:
        return known
    wanted = [*names, *(name for name in known if name not in names)]
    for position, name in enumerate(wanted):
        work.connection.execute(statements.PLACE_WINDOW, {"window": name, "position": position})
    return wanted
