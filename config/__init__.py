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
