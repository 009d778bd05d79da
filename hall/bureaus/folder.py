"""What lies in the bureaus' folder beside their books: the token, and each one's address while it runs.

The token is what a hall shows to a bureau: one line in a file that only its owner reads.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from kiosk.domain.filing import Bureau

DATA = Path("var/bureaus")


def token_file(data: Path) -> Path:
    """Where the token is unless another file is named; both bureaus of a folder share it."""
    return data / "token"


def url_file(data: Path, bureau: Bureau) -> Path:
    """Where a bureau writes its address, for whoever wants to command it."""
    return data / f"{bureau.value}.url"


def read_token(file: Path) -> str:
    """Raises OSError; ValueError when the file holds nothing."""
    token = file.read_text(encoding="ascii").strip()
    if not token:
        raise ValueError(f"{file} is empty")
    return token


def read_or_make_token(file: Path) -> str:
    """As ``read_token``; a file that is not there is made. Both bureaus may be started at once with the same one: it
    appears under its name whole, and whoever comes second reads the first one's. Raises OSError, ValueError."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=file.parent, prefix=".token-")
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as writing:
                writing.write(secrets.token_hex(32) + "\n")
                writing.flush()
                os.fsync(writing.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(made, file)
        finally:
            os.unlink(made)
    return read_token(file)
