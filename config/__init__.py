"""Data that can be changed without changing the software: services, rules, texts, settings.

Three places, file by file, the first that has one wins: this machine's own folder (``$TAXKIOSK_CONFIG``), the release
in service (``use``), and what was shipped. What lies on the machine is about the machine, so no release from afar
overrules it; the same holds for a kiosk's own kiosk.toml against the release's settings.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import yaml

SHIPPED = Path(__file__).parent

#: Files of tax/: together they are one pack.
TAX_FILES = ("rules", "options", "bureaus", "calendar")

_release: Path | None = None


class Folders:
    """Folders to look in, the first one first."""

    def __init__(self, *places: Path) -> None:
        self.places = places

    def path(self, name: str) -> Path:
        """Where a file lies, for example ``texts/zh.toml``; where none has it, in the last place."""
        for place in self.places[:-1]:
            if (place / name).exists():
                return place / name
        return self.places[-1] / name

    def read_toml(self, name: str) -> dict[str, Any]:
        return tomllib.loads(self.path(name).read_text(encoding="utf-8"))

    def read_services(self) -> dict[str, Any]:
        """The catalogue as parsed YAML, for ``kiosk.domain.catalogue.Catalogue``."""
        loaded: dict[str, Any] = self._read_yaml("services.yaml")
        return loaded

    def read_tax_rules(self) -> dict[str, Any]:
        """Rules, options, bureaus and calendar as parsed YAML, for ``kiosk.domain.tax.RulePack.from_tree``."""
        return {name: self._read_yaml(f"tax/{name}.yaml") for name in TAX_FILES}

    def _read_yaml(self, name: str) -> Any:
        return yaml.load(self.path(name).read_text(encoding="utf-8"), yaml.CSafeLoader)

    def read_texts(self, lang: str) -> dict[str, Any]:
        """All words of a language, merged from every ``texts/<room>.<lang>.toml``, for ``kiosk.domain.texts.Texts``.

        A file replaces those of the same name in later places. Raises ValueError where two files claim one table: whose
        words would be shown must not depend on the order of names.
        """
        names = sorted({file.name for place in self.places for file in (place / "texts").glob(f"*.{lang}.toml")})
        texts: dict[str, Any] = {}
        for name in names:
            tables = self.read_toml(f"texts/{name}")
            if twice := texts.keys() & tables.keys():
                raise ValueError(f"texts/{name}: {', '.join(sorted(twice))} stands in another file of {lang} too")
            texts |= tables
        return texts

    def read_release_settings(self) -> dict[str, Any]:
        """What a release says in ``settings.toml``, in the shape of kiosk.toml; {} without one."""
        return self.read_toml("settings.toml") if self.path("settings.toml").exists() else {}

    def read_technicians(self) -> bytes | None:
        """``technicians.json`` (``kiosk.domain.fleet.TechnicianList``), which only releases have; None without one."""
        file = self.path("technicians.json")
        return file.read_bytes() if file.exists() else None


def use(release: Path | None) -> None:
    """From now on this process reads the files of a release (a slot's folder) before the shipped ones."""
    global _release
    _release = release


def folders(release: Path | None) -> Folders:
    """Where a process that uses this release looks; for whoever has to know before it is used."""
    own = os.environ.get("TAXKIOSK_CONFIG")
    return Folders(*([Path(own)] if own else []), *([release] if release else []), SHIPPED)


def path(name: str) -> Path:
    """Where a file of this room lies, for example ``texts/zh.toml``."""
    return folders(_release).path(name)


def read_toml(name: str) -> dict[str, Any]:
    return folders(_release).read_toml(name)


def read_services() -> dict[str, Any]:
    return folders(_release).read_services()


def read_tax_rules() -> dict[str, Any]:
    return folders(_release).read_tax_rules()


def read_texts(lang: str) -> dict[str, Any]:
    return folders(_release).read_texts(lang)


def read_release_settings() -> dict[str, Any]:
    return folders(_release).read_release_settings()


def read_technicians() -> bytes | None:
    return folders(_release).read_technicians()
