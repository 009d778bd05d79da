"""How every command answers: one JSON document on standard output, or one problem on standard error.

Exit 0 done; 2 bad input; 1 anything else. Tools outside the project rely on these.
"""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import msgspec


def emit(document: Any) -> None:
    """Print one JSON document (UTF-8, one line)."""
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")


def refuse(field: str | None, problem: str) -> NoReturn:
    """Bad input: say which field and what is wrong with it, and exit 2."""
    sys.stderr.write(msgspec.json.encode({"error": {"field": field, "problem": problem}}).decode() + "\n")
    raise SystemExit(2)
