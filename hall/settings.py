"""A hall's settings: config/hall.toml, or the file named by ``taxhall serve --settings``."""

from __future__ import annotations

import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated

import msgspec

import config

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Hall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name_zh: str
    name_en: str
    windows: list[str]
    day_starts: time
    """Local time at which numbers begin again at A001 and what is left of the day before is closed."""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accumulating priority: a ticket's place is its wait in minutes times the rate of its class."""

    normal: Positive
    priority: Positive
    no_show_return: Annotated[int, msgspec.Meta(ge=0)]
    """Who was away may come back until the window that called them has called this many others."""


class Forecast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    runs: Annotated[int, msgspec.Meta(ge=5, le=500)]
    prior_minutes: Positive
    """Mean service time before anything has been learned."""
    prior_weight: Positive
    """How many observations the prior is worth."""
    spread: Positive
    """Standard deviation of a service time over its mean."""
    prior_by_category: dict[str, Positive] = msgspec.field(default_factory=dict)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hall: Hall
    order: Order
    forecast: Forecast


def read_settings(file: Path | None = None) -> Settings:
    """Raises OSError, ValueError (with the path of the wrong field)."""
    tree = tomllib.loads(file.read_text(encoding="utf-8")) if file else config.read_toml("hall.toml")
    return msgspec.convert(tree, Settings)
