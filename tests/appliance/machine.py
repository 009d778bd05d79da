"""A folder that has been made a kiosk or a hall, and its units as systemd would carry them out."""

from __future__ import annotations

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from systemd.placing import Machine, Role

#: Where tests place things: what systemd's tools look through inside a root.
LIB = "usr/lib/systemd/system"


def install(role: Role, root: Path, program: str | None = None) -> list[str]:
    """What was said. ``program``: the command the units shall call; as shipped without one."""
    said: list[str] = []
    (root / "etc").mkdir(parents=True, exist_ok=True)
    machine = Machine(root, "/usr", say=said.append)
    machine.place(role, program or role.command)
    machine.settle(role)
    return said


@dataclass(frozen=True)
class Unit:
    """One unit file, read as systemd reads it: keys may stand more than once."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def values(self, key: str, section: str = "Service") -> list[str]:
        found, within = [], ""
        for line in self.path.read_text(encoding="utf-8").splitlines():
            if line.startswith("["):
                within = line.strip("[]")
            elif within == section and line.startswith(f"{key}="):
                found.append(line.partition("=")[2])
        return found

    def value(self, key: str, section: str = "Service") -> str:
        return self.values(key, section)[-1] if self.values(key, section) else ""

    def commands(self, key: str = "ExecStart") -> list[list[str]]:
        """Words, with C escapes and specifiers undone."""
        found = []
        for line in self.values(key):
            words = [word.encode("latin-1").decode("unicode_escape") for word in shlex.split(line)]
            found.append([word.replace("%%", "%").replace("%i", "state") for word in words])
        return [words for words in found if words]

    def environment(self) -> dict[str, str]:
        return dict(word.split("=", 1) for line in self.values("Environment") for word in shlex.split(line))


def units(root: Path, pattern: str = "*") -> list[Unit]:
    return [Unit(path) for path in sorted((root / LIB).glob(pattern)) if path.is_file()]


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def program(name: str) -> list[str]:
    """``taxkiosk`` or ``taxhall`` of this environment, as a command's first words."""
    module = {"taxkiosk": "kiosk.cli.main", "taxhall": "hall.cli"}[name]
    return [sys.executable, "-c", f"import sys; sys.argv[0] = {name!r}; from {module} import main; main()"]
