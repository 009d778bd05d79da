"""The settings of one kiosk: shipped values (config/kiosk.toml), over them what the release in service says
(settings.toml), and over both what the kiosk's own file says: it is of this one machine."""

from __future__ import annotations

import os
import tomllib
from datetime import time
from pathlib import Path
from typing import Any, Literal

import msgspec

import config
from kiosk.session.rules import Limits, Offline

#: Keys below this folder are systemd's to give, and never made by a program.
CREDENTIALS = "/run/credentials"


class SettingsError(Exception):
    """The settings file is missing, is not TOML, or says something that cannot be. The message names the field."""


class Kiosk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data_dir: Path
    key_file: Path
    hall_url: str
    day_starts: time
    public_url: str
    hall_ca: Path | None = None
    """The hall's certificate, or the authority that signed it: no other counts, and nothing is said in the clear."""
    release_health_s: float = 60.0
    """Seconds that a new release is watched before it counts as healthy."""

    @property
    def database(self) -> Path:
        return self.data_dir / "kiosk.sqlite"

    @property
    def configuration_dir(self) -> Path:
        """The two slots of releases, which of them is in service, and the metadata that they were signed with."""
        return self.data_dir / "configuration"

    @property
    def status_file(self) -> Path:
        """What the front end last knew of its devices, for ``taxkiosk status``."""
        return self.data_dir / "status.json"

    @property
    def ticket_url(self) -> str:
        """The phone page of a ticket, up to its token."""
        return (self.public_url or self.hall_url).rstrip("/") + "/t/"


class Devices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id_card: str
    ticket_printer: str
    receipt_printer: str
    pos: str
    ticket_printer_baudrate: int
    receipt_printer_baudrate: int
    ticket_printer_width: Literal[80, 58]
    receipt_printer_width: Literal[80, 58]
    smart_card: str = ""


class Tax(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profile: Literal["joint", "unified"]
    """To whom levies go: two bureaus, or one. The same as the hall's, or the hall refuses what this kiosk assessed."""
    functions: frozenset[str]
    """Codes of the services that this kiosk carries out itself, for the guide."""


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    width: int
    height: int
    fullscreen: bool
    theme: Literal["normal", "high_contrast"]
    targets_file: str


class Maintenance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    support_key: str
    """X25519, 32 bytes in hex: whom bundles are sealed for. Empty: none are made."""
    usb_folder: Path


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kiosk: Kiosk
    devices: Devices
    limits: Limits
    tax: Tax
    offline: Offline
    look: Look
    maintenance: Maintenance


def load(file: Path | None, folders: config.Folders | None = None) -> Settings:
    """The settings of this kiosk; ``file`` None: as shipped. ``folders``: without them, those of this process. Raises
    SettingsError."""
    tree = folders.read_toml("kiosk.toml") if folders else config.read_toml("kiosk.toml")
    _merge(tree, folders.read_release_settings() if folders else config.read_release_settings())
    if file is not None:
        try:
            own = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as problem:
            raise SettingsError(f"{file}: {problem.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise SettingsError(f"{file}: not TOML: {problem}") from None
        _merge(tree, own)
        _make_absolute(tree, file.resolve().parent)
    try:
        return msgspec.convert(tree, Settings, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as problem:
        raise SettingsError(f"{file or 'config/kiosk.toml'}: {problem}") from None


def _merge(tree: dict[str, Any], own: dict[str, Any]) -> None:
    for name, value in own.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            _merge(tree[name], value)
        else:
            tree[name] = value


def _credentials() -> str:
    """Where systemd gives this service its keys. A program that it did not start finds none there, and makes none."""
    return os.environ.get("CREDENTIALS_DIRECTORY", f"{CREDENTIALS}/none")


def _make_absolute(tree: dict[str, Any], folder: Path) -> None:
    for table, name in (("kiosk", "data_dir"), ("kiosk", "key_file"), ("kiosk", "hall_ca"), ("look", "targets_file")):
        value = tree[table].get(name)
        if isinstance(value, str) and value:
            tree[table][name] = str(folder / value.replace("$CREDENTIALS_DIRECTORY", _credentials()))
