"""Shipped data: services, rules, texts, settings. A hall's own copy in ``$TAXKIOSK_CONFIG`` wins file by file."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import yaml


def path(name: str) -> Path:
    """Where a file of this room lies, for example ``texts/zh.toml``."""
    own = os.environ.get("TAXKIOSK_CONFIG")
    if own and (Path(own) / name).exists():
        return Path(own) / name
    return Path(__file__).parent / name


def read_toml(name: str) -> dict[str, Any]:
    return tomllib.loads(path(name).read_text(encoding="utf-8"))


def read_services() -> dict[str, Any]:
    """The catalogue as parsed YAML, for ``kiosk.domain.catalogue.Catalogue``."""
    loaded: dict[str, Any] = yaml.load(path("services.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return loaded


def read_tax_rules() -> dict[str, Any]:
    """Rules, options, bureaus and calendar as parsed YAML, for ``kiosk.domain.tax.RulePack.from_tree``."""
    return {name: _read_yaml(f"tax/{name}.yaml") for name in ("rules", "options", "bureaus", "calendar")}


def _read_yaml(name: str) -> Any:
    return yaml.load(path(name).read_text(encoding="utf-8"), yaml.CSafeLoader)


def read_texts(lang: str) -> dict[str, Any]:
    """All words of a language, merged from every ``texts/<room>.<lang>.toml``, for ``kiosk.domain.texts.Texts``.

    A file of the hall's own replaces the shipped file of the same name. Raises ValueError where two files claim one
    table: whose words would be shown must not depend on the order of names.
    """
    folders = [Path(__file__).parent / "texts"]
    if own := os.environ.get("TAXKIOSK_CONFIG"):
        folders.append(Path(own) / "texts")
    names = sorted({file.name for folder in folders for file in folder.glob(f"*.{lang}.toml")})
    texts: dict[str, Any] = {}
    for name in names:
        tables = read_toml(f"texts/{name}")
        if twice := texts.keys() & tables.keys():
            raise ValueError(f"texts/{name}: {', '.join(sorted(twice))} stands in another file of {lang} too")
        texts |= tables
    return texts
