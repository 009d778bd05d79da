"""What a simulated payment terminal has decided, on disk before it is said: it survives its own death."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Record:
    """One line of the journal. The last line of a key says what the terminal holds under it."""

    key: str
    outcome: str
    """approved, refused, reversed; closed: asked for before any sale came, and not to be sold under any more."""
    at: str
    fen: int = 0
    reason: str = ""
    trace: str = ""
    reference: str = ""
    card: str = ""

    @property
    def day(self) -> str:
        """By the terminal's own calendar."""
        return self.at[:10]

    @property
    def moment(self) -> datetime:
        return datetime.fromisoformat(self.at)


class TerminalJournal:
    """Lines of JSON. ``add`` returns when the line is on disk; a line cut short by a power cut is forgotten."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_new = not file.exists()
        self._file = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        if is_new:
            _sync_folder(file.parent)
        data = file.read_bytes()
        whole = data.rfind(b"\n") + 1
        os.ftruncate(self._file, whole)
        self.records = [Record(**json.loads(line)) for line in data[:whole].splitlines()]
        self._last = {record.key: record for record in self.records}

    def close(self) -> None:
        os.close(self._file)

    def last(self, key: str) -> Record | None:
        return self._last.get(key)

    def next_trace(self) -> str:
        return f"{max((int(record.trace) for record in self.records if record.trace), default=0) + 1:06d}"

    def add(self, record: Record) -> None:
        os.write(self._file, json.dumps(asdict(record)).encode() + b"\n")
        os.fdatasync(self._file)
        self.records.append(record)
        self._last[record.key] = record


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
