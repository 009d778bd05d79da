"""The machine under the software: addresses, file systems, back light, loudspeaker, as Linux shows them.

All of it may be missing: then the answer is None, and the panel says "not here".
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")

_SIOCGIFADDR = 0x8915
_TOOL_S = 3.0

#: Percent that one touch of "brighter" or "louder" moves.
STRIDE = 10
#: A screen is never turned quite dark: nobody would find the button again.
DARKEST = 10


# ---- network ---------------------------------------------------------------------------------------------------------


def addresses() -> dict[str, str]:
    """Interface → its IPv4 address; without the loopback."""
    found = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            if name == "lo":
                continue
            try:
                answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
            except OSError:
                continue
            found[name] = socket.inet_ntoa(answer[20:24])
    return found


# ---- storage ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Storage:
    """``errors``: counted by ext4 since it was made; ``worn``: percent of the flash's life that is used up."""

    free: int
    total: int
    errors: int | None
    worn: int | None


def storage(folder: Path, sys: Path = SYS) -> Storage:
    """Of the file system that holds ``folder``. Bytes."""
    space = os.statvfs(folder)
    device = os.stat(folder).st_dev
    block = sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    name = block.resolve().name
    return Storage(
        free=space.f_bavail * space.f_frsize,
        total=space.f_blocks * space.f_frsize,
        errors=_number(sys / "fs" / "ext4" / name / "errors_count"),
        worn=_worn(block.resolve()),
    )


def _worn(block: Path) -> int | None:
    """eMMC says its wear in tenths (0x01: up to 10 %), in the device above the partition."""
    for place in (block, block.parent):
        try:
            words = (place / "device" / "life_time").read_text().split()
        except OSError:
            continue
        tenths = [int(word, 16) for word in words if re.fullmatch(r"0x[0-9a-fA-F]+", word)]
        return max(tenths) * 10 if tenths else None
    return None


# ---- back light ------------------------------------------------------------------------------------------------------


def brightness(sys: Path = SYS) -> int | None:
    """Percent."""
    for light in sorted((sys / "class" / "backlight").glob("*")):
        most, now = _number(light / "max_brightness"), _number(light / "brightness")
        if most and now is not None:
            return round(100 * now / most)
    return None


def set_brightness(percent: int, sys: Path = SYS) -> int:
    """What it is now, percent. Raises OSError where there is no light, or it may not be touched."""
    for light in sorted((sys / "class" / "backlight").glob("*")):
        if most := _number(light / "max_brightness"):
            wanted = min(100, max(DARKEST, percent))
            (light / "brightness").write_text(str(round(most * wanted / 100)))
            return wanted
    raise FileNotFoundError("no back light that can be set")


# ---- loudspeaker -----------------------------------------------------------------------------------------------------


def volume() -> int | None:
    """Percent, of ALSA's master."""
    said = _amixer("sget", "Master")
    found = re.search(r"\[(\d+)%\]", said or "")
    return int(found.group(1)) if found else None


def set_volume(percent: int) -> int:
    """What it is now, percent. Raises OSError where there is no loudspeaker to set."""
    wanted = min(100, max(0, percent))
    if _amixer("sset", "Master", f"{wanted}%") is None:
        raise FileNotFoundError("no loudspeaker that can be set")
    return wanted


def _amixer(*words: str) -> str | None:
    tool = shutil.which("amixer")
    if tool is None:
        return None
    try:
        ended = subprocess.run([tool, "-M", *words], capture_output=True, text=True, timeout=_TOOL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None


# ---- touch -----------------------------------------------------------------------------------------------------------


def set_touch_matrix(matrix: str) -> bool:
    """Have X move every touch by this matrix (nine numbers). False where there is no X, no tool, or no touch screen."""
    tool = shutil.which("xinput")
    if tool is None:
        return False
    try:
        names = subprocess.run([tool, "list", "--id-only"], capture_output=True, text=True, timeout=_TOOL_S, check=True)
        touched = False
        for device in names.stdout.split():
            # Only devices with absolute axes know the property as one that matters; a mouse would be turned as well.
            props = subprocess.run(
                [tool, "list", device], capture_output=True, text=True, timeout=_TOOL_S, check=False
            ).stdout
            if "XITouchClass" not in props:
                continue
            words = [tool, "set-prop", device, "Coordinate Transformation Matrix", *matrix.split()]
            touched |= subprocess.run(words, capture_output=True, timeout=_TOOL_S, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False
    return touched


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text().strip())
    except (OSError, ValueError):
        return None
