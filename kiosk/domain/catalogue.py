"""The 181 services: what they are called, who is in charge, where they can be done, what to bring; and finding one.

Pure values: the shipped list is read by ``config.read_services`` and handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Bureau = Literal["state", "local", "both"]
Mode = Literal["instant", "timed", "merged"]
Approval = Literal["none", "on_site", "internal"]


@dataclass(frozen=True)
class Category:
    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Service:
    code: str
    name_zh: str
    name_en: str
    category: str
    bureau: Bureau
    mode: Mode
    approval: Approval
    self_service: bool
    """Can be finished at a kiosk as such; whether this kiosk does it now is the session's business."""
    papers: tuple[str, ...]
    """What to bring, in Chinese, in the list's order."""
    limit_days: int | None = None
    """Working days until it is issued, for timed services."""


@dataclass(frozen=True)
class Match:
    """A found service, and which characters of its Chinese name the query stands for (to be highlighted)."""

    service: Service
    start: int = 0
    length: int = 0


class Catalogue:
    """All services of a hall. ``raw``: the parsed list as shipped. Raises ValueError on a list that is not whole."""

    categories: tuple[Category, ...]
    services: tuple[Service, ...]

    def __init__(self, raw: Mapping[str, object]) -> None:
        raise NotImplementedError

    def get(self, code: str) -> Service:
        """Raises KeyError."""
        raise NotImplementedError

    def in_category(self, code: str) -> tuple[Match, ...]:
        raise NotImplementedError

    def search(self, query: str) -> tuple[Match, ...]:
        """By Chinese name, pinyin, initials, English words or code; best first. An empty query finds all."""
        raise NotImplementedError
