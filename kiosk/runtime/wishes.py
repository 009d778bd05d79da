"""What the kiosk's programs may wish of the machine: shut down, reboot, a USB stick mounted. They have no right to any.

A wish is an empty file of a fixed name in ``/run/taxkiosk/wish``; a path unit of systemd sees it and starts the one
unit that it stands for. Nobody reads what is in the file, so that there is nothing to inject, and no bus, no polkit and
no root are within a program's reach. Where that folder is not (a desk, a test), a wish is refused.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path


class Wish(StrEnum):
    POWEROFF = "poweroff"
    REBOOT = "reboot"
    NIGHT = "night"
    """Reboot once the front end has left between two visits: its unit makes a REBOOT of it when it ends."""
    USB_STICK = "usb-stick"
    """For as long as the file is there the first stick is mounted at USB_MOUNT, writable, nothing on it runnable."""


FOLDER = Path("/run/taxkiosk/wish")
USB_MOUNT = Path("/run/taxkiosk-usb")

#: In the environment: another folder, for tests.
FOLDER_VARIABLE = "TAXKIOSK_WISHES"


class NotHere(OSError):
    """This machine carries no wishes out: the kiosk's units are not installed."""


def folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE, FOLDER))


def ask(wish: Wish) -> None:
    """Raises OSError; NotHere where nobody would hear it."""
    if not folder().is_dir():
        raise NotHere(f"{folder()} is not there")
    (folder() / wish.value).touch()


def take_back(wish: Wish) -> None:
    """Nothing happens where it was not asked, or was carried out already."""
    (folder() / wish.value).unlink(missing_ok=True)


def is_asked(wish: Wish) -> bool:
    return (folder() / wish.value).exists()
