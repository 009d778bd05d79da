"""Made-up people whose every trace can be recognised: what to look for, in which disguises, and where it is found."""

from __future__ import annotations

import base64
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Canary:
    """``what`` it is, and how it may be written: with commas, in fen, in upper case."""

    what: str
    writings: tuple[str, ...]


def needles(canaries: Iterable[Canary], disguises: bool = True) -> dict[bytes, str]:
    """Every byte string that would give one of them away → what it is. ``disguises``: hex and base64 as well."""
    found: dict[bytes, str] = {}
    for canary in canaries:
        for writing in canary.writings:
            for coding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"):
                found.setdefault(writing.encode(coding), f"{canary.what} ({coding})")
            escaped = writing.encode("unicode_escape")
            found.setdefault(escaped, f"{canary.what} (escaped)")
            if disguises:
                for coding in ("utf-8", "gb18030"):
                    raw = writing.encode(coding)
                    found.setdefault(raw.hex().encode(), f"{canary.what} (hex)")
                    found.setdefault(raw.hex().upper().encode(), f"{canary.what} (HEX)")
                    for shift in range(3):
                        # Base64 depends on where in its three bytes a text begins; its edges depend on the neighbours.
                        core = base64.b64encode(bytes(shift) + raw)[4 if shift else 0 :].rstrip(b"=")[: len(raw)]
                        if len(core) >= 8:
                            found.setdefault(core, f"{canary.what} (base64)")
    return {needle: what for needle, what in found.items() if len(needle) >= 6}


def in_bytes(content: bytes | mmap.mmap, wanted: dict[bytes, str]) -> list[str]:
    return sorted({what for needle, what in wanted.items() if content.find(needle) >= 0})


def in_file(file: Path, wanted: dict[bytes, str]) -> list[str]:
    if not file.stat().st_size:
        return []
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return in_bytes(content, wanted)


def in_files(files: Iterable[Path], wanted: dict[bytes, str]) -> list[str]:
    return [f"{file.name}: {what}" for file in files if file.is_file() for what in in_file(file, wanted)]


def in_memory(pid: int, wanted: dict[bytes, str]) -> list[str]:
    """In everything that the process could read of itself, freed blocks included: what, and in which mapping."""
    found: set[str] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for begin, end, name in _mappings(pid):
            try:
                memory.seek(begin)
                content = memory.read(end - begin)
            except (OSError, ValueError):
                continue
            found |= {f"{what} in {name}" for what in in_bytes(content or b"", wanted)}
    return sorted(found)


def _mappings(pid: int) -> Iterator[tuple[int, int, str]]:
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        area, rights, *_, name = (line + " ").split(" ", 5) if line.count(" ") >= 5 else (*line.split(" ", 4), "")
        # What is mapped from programs and fonts was never written to.
        if rights[:2] == "rw":
            begin, end = (int(word, 16) for word in area.split("-"))
            yield begin, end, name.strip().rsplit("/", 1)[-1] or "anonymous memory"
