"""What the commands share: how they answer, and how they open the kiosk's store.

One JSON document on standard output, or one problem on standard error.

Exit 0 done; 2 bad input; 1 anything else. Tools outside the project rely on these.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

if TYPE_CHECKING:
    from kiosk.settings import Settings
    from kiosk.store.store import Store

NOT_ENROLLED = "this kiosk is not known to its hall yet: taxkiosk enrol CODE --settings FILE"


def emit(document: Any) -> None:
    """Print one JSON document (UTF-8, one line)."""
    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")


def refuse(field: str | None, problem: str) -> NoReturn:
    """Bad input: say which field and what is wrong with it, and exit 2."""
    sys.stderr.write(msgspec.json.encode({"error": {"field": field, "problem": problem}}).decode() + "\n")
    raise SystemExit(2)


def fail(problem: str) -> NoReturn:
    """Anything but bad input: say it in one line, and exit 1."""
    sys.stderr.write(f"taxkiosk: {problem}\n")
    raise SystemExit(1)


def open_store(settings: Settings) -> Store:
    """The store of a kiosk with its key. Raises StoreError, OSError.

    Where a service manager gives credentials, this is an appliance: a key beside its data would be stolen with it.
    """
    from kiosk.store.database import StoreUnreadable, read_or_make_key
    from kiosk.store.store import Store

    kiosk = settings.kiosk
    if "CREDENTIALS_DIRECTORY" in os.environ and kiosk.key_file.is_relative_to(kiosk.data_dir):
        raise StoreUnreadable("key_file lies beside its data: whoever takes the disk has both")
    return Store(kiosk.database, read_or_make_key(kiosk.key_file), kiosk.day_starts)
