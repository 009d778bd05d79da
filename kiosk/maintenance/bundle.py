"""Logs for the hall's support: what the machine did and how it is, without a person, sealed, onto a USB stick.

The stick may be pulled at any moment, and is often old: the file is written beside its name, flushed, read back byte by
byte, and only then named.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import msgspec

from kiosk.configuration import durable
from kiosk.domain import bundle
from kiosk.maintenance import checks, machine
from kiosk.maintenance.world import DEVICES, World
from kiosk.store.counters import KEPT_NOTES
from kiosk.store.database import StoreFailed

#: Of the journal of systemd, or of each log file.
LOG_BYTES = 16 * 1024 * 1024
LOG_DAYS = 14
SHEETS = 5000
AUDIT_ROWS = 5000

_JOURNAL_S = 30.0

PACKAGES = (
    "taxkiosk",
    "kivy",
    "pyserial",
    "pyscard",
    "python-escpos",
    "sqlalchemy",
    "sqlcipher3",
    "cryptography",
    "tuf",
)


class NotKept(OSError):
    """What was read back from the stick is not what was written."""


def find_stick(folder: Path, is_mounted: Callable[[Path], bool] = os.path.ismount) -> Path | None:
    """Where a stick is mounted: ``folder`` itself, or a folder in it."""
    try:
        places = [folder, *sorted(each for each in folder.iterdir() if each.is_dir())]
    except OSError:
        return None
    return next((place for place in places if is_mounted(place) and os.access(place, os.W_OK)), None)


def collect(world: World) -> bytes:
    """The zip, in clear. Parts that cannot be had are said to be missing; the rest is worth taking along."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, make in _parts(world).items():
            try:
                pack.writestr(name, make())
            except (OSError, StoreFailed, subprocess.SubprocessError) as problem:
                pack.writestr(f"{name}.missing", f"{type(problem).__name__}: {problem}")
        for log in sorted((world.settings.kiosk.data_dir / "logs").glob("*")):
            if log.is_file():
                pack.writestr(f"logs/{log.name}", _tail(log))
    return packed.getvalue()


def _parts(world: World) -> dict[str, Callable[[], bytes]]:
    encode = msgspec.json.encode
    store = world.store
    return {
        "about.json": lambda: encode(_about(world)),
        "checks.json": lambda: encode(checks.machine_checks(world)),
        "status.json": lambda: encode({name: asdict(status) for name, status in world.devices().items()}),
        "history.json": lambda: encode({name: store.devices.history(name, KEPT_NOTES) for name in DEVICES}),
        "counters.json": lambda: encode({name: store.devices.counters(name) for name in DEVICES}),
        "ledger.json": lambda: encode(store.sheets.latest(SHEETS)),
        "audit.json": lambda: encode(store.audit.latest(AUDIT_ROWS)),
        "journal.log": _journal,
    }


def _about(world: World) -> dict[str, object]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = ""
    return {
        "kiosk": world.kiosk,
        "at": world.time.now(),
        "wall_clock": world.time.wall(),
        "started_at": world.started_at,
        "software": world.software,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "packages": versions,
        "storage": machine.storage(world.settings.kiosk.data_dir),
        "addresses": machine.addresses(),
        "devices": world.settings.devices,
        "limits": world.settings.limits,
        "release": world.slots.read() if world.slots else None,
    }


def _journal() -> bytes:
    tool = shutil.which("journalctl")
    if tool is None:
        return b""
    words = [tool, "-u", "taxkiosk*", "-u", "pcscd", "-o", "short-iso", "--no-pager", "--since", f"-{LOG_DAYS}d"]
    ended = subprocess.run(words, capture_output=True, timeout=_JOURNAL_S, check=False)
    return ended.stdout[-LOG_BYTES:]


def _tail(file: Path) -> bytes:
    with file.open("rb") as lines:
        lines.seek(max(0, file.stat().st_size - LOG_BYTES))
        return lines.read()


def write(world: World, stick: Path) -> Path:
    """The sealed bundle, whole on the stick when this returns. Raises OSError, ValueError (the support key is none)."""
    sealed = bundle.seal(collect(world), bytes.fromhex(world.settings.maintenance.support_key))
    file = stick / f"{world.kiosk}-{world.time.now():%Y%m%d-%H%M%S}{bundle.SUFFIX}"
    part = file.with_suffix(".part")
    try:
        with part.open("wb") as out:
            out.write(sealed)
            out.flush()
            os.fsync(out.fileno())
            # From the stick, not from what the kernel still remembers of it.
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if part.read_bytes() != sealed:
            raise NotKept(f"{stick}: what was written does not read back")
        part.replace(file)
        durable.sync_folder(stick)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return file
