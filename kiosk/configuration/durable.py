"""Files that are there after a power cut, or not there at all. A rename without its flushes is neither."""

from __future__ import annotations

import os
from pathlib import Path


def write(file: Path, data: bytes) -> None:
    """The file's bytes are on the disk; its name is only after ``sync_folder``."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as stream:
            stream.write(data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(file: Path, data: bytes) -> None:
    """The old content or the new one, whatever happens."""
    new = file.with_name(f"{file.name}.new")
    write(new, data)
    new.replace(file)
    sync_folder(file.parent)
