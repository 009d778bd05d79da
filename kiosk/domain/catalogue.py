"""The 181 services: what they are called, who is in charge, where they can be done, what to bring; and finding one.

Pure values: the shipped list is read by ``config.read_services`` and handed in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import msgspec

Bureau = Literal["state", "local", "both"]
Mode = Literal["instant", "timed", "merged"]
Approval = Literal["none", "on_site", "internal"]


@dataclass(frozen=True)
class Category:
    code: str
    name_zh: str
    name_en: str
    count: int = 0
    """Services in it, as the list itself says."""


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
    pinyin: str = ""
    """One syllable for each Chinese character of the name."""
    since_2017: str = ""
    """What the law changed later, in Chinese; empty where nothing did."""


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
        try:
            shipped = msgspec.convert(raw, _List)
        except msgspec.ValidationError as error:
            raise ValueError(f"services: {error}") from None
        _check_whole(shipped)
        self.categories = shipped.categories
        self.services = shipped.services
        self._by_code = {service.code: service for service in shipped.services}
        self._entries = tuple(_Entry(service) for service in shipped.services)

    def get(self, code: str) -> Service:
        """Raises KeyError."""
        return self._by_code[code]

    def in_category(self, code: str) -> tuple[Match, ...]:
        """In the list's order; none for a category that does not exist."""
        return tuple(Match(service) for service in self.services if service.category == code)

    def search(self, query: str) -> tuple[Match, ...]:
        """By Chinese name, pinyin, initials, English words or code; best first. An empty query finds all."""
        text = unicodedata.normalize("NFKC", query).strip().lower()
        if not text:
            return tuple(Match(service) for service in self.services)
        found = [hit for entry in self._entries if (hit := entry.find(text))]
        found.sort(key=_order)
        return tuple(match for _, match in found)

    @property
    def on_the_spot(self) -> int:
        """How many services are finished in one visit: all but the approvals in internal flow."""
        return sum(service.approval != "internal" for service in self.services)


class _Totals(msgspec.Struct):
    bureau: dict[Bureau, int]
    mode: dict[Mode, int]
    approval: dict[Approval, int]
    self_service: int


class _List(msgspec.Struct):
    """The shipped file. Totals are of the source; the names are compiled, so the totals are what can be held to."""

    count: int
    totals: _Totals
    categories: tuple[Category, ...]
    services: tuple[Service, ...]


def _check_whole(shipped: _List) -> None:
    services, totals = shipped.services, shipped.totals

    def expect(what: str, said: int, counted: int) -> None:
        if said != counted:
            raise ValueError(f"services: the list says {said} {what} and holds {counted}")

    expect("services", shipped.count, len(services))
    expect("different codes", shipped.count, len({service.code for service in services}))
    for category in shipped.categories:
        expect(f"in category {category.code}", category.count, sum(s.category == category.code for s in services))
    for bureau, said in totals.bureau.items():
        expect(f"of bureau {bureau}", said, sum(s.bureau == bureau for s in services))
    for mode, said in totals.mode.items():
        expect(f"of mode {mode}", said, sum(s.mode == mode for s in services))
    for approval, said in totals.approval.items():
        expect(f"of approval {approval}", said, sum(s.approval == approval for s in services))
    expect("for self-service", totals.self_service, sum(s.self_service for s in services))
    known = {category.code for category in shipped.categories}
    for service in services:
        if service.category not in known:
            raise ValueError(f"services: {service.code} is in category {service.category}, which does not exist")
        if (service.mode == "timed") != (service.limit_days is not None):
            raise ValueError(f"services: {service.code}: limit_days belongs to timed services and to no others")


class _Rank(IntEnum):
    """How good a hit is; the smaller the better."""

    CODE = 0
    WHOLE_NAME = 1
    BEGINS_WITH_CHINESE = 2
    BEGINS_WITH_PINYIN = 3
    CHINESE_INSIDE = 4
    PINYIN_INSIDE = 5
    ENGLISH = 6


Hit = tuple[_Rank, Match]


def _order(hit: Hit) -> tuple[int, bool, int]:
    """Among equally good hits: what a kiosk can finish, then the shorter, more general name, then the list's order."""
    rank, service = hit[0], hit[1].service
    if rank is _Rank.CODE:
        return rank, False, 0
    return rank, not service.self_service, len(service.name_zh)


class _Entry:
    """One service made ready to be searched."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._name = unicodedata.normalize("NFKC", service.name_zh).lower()
        if len(self._name) != len(service.name_zh):
            raise ValueError(f"services: {service.code}: a sign in {service.name_zh!r} stands for several")
        self._sounds = tuple(_sounds(service, self._name))
        self._words = tuple(re.findall(r"[a-z0-9]+", service.name_en.lower()))
        self._code = service.code.lower().replace("-", "")

    def find(self, text: str) -> Hit | None:
        """``text``: a query in lower case, not empty."""
        at = self._name.find(text)
        if at == 0:
            rank = _Rank.WHOLE_NAME if text == self._name else _Rank.BEGINS_WITH_CHINESE
            return rank, Match(self.service, 0, len(text))
        if self._has_code(text.replace("-", "").replace(" ", "")):
            return _Rank.CODE, Match(self.service)
        if at > 0:
            return _Rank.CHINESE_INSIDE, Match(self.service, at, len(text))
        span = self._spoken(re.sub(r"[\s']", "", text))
        if span:
            start, end = span
            rank = _Rank.PINYIN_INSIDE if start else _Rank.BEGINS_WITH_PINYIN
            return rank, Match(self.service, start, end - start)
        if all(any(word.startswith(part) for word in self._words) for part in re.findall(r"\w+", text) or ["\n"]):
            return _Rank.ENGLISH, Match(self.service)
        return None

    def _has_code(self, text: str) -> bool:
        # With its digits only: "sw" by itself is the beginning of words.
        if re.match(r"sw\d", text):
            return self._code.startswith(text)
        return len(text) >= 3 and text.isdecimal() and self._code[2:].startswith(text)

    def _spoken(self, text: str) -> tuple[int, int] | None:
        """The first stretch of the name that the query spells: syllables, their beginnings and characters, mixed."""
        if not text:
            return None
        for start, sound in enumerate(self._sounds):
            if sound:
                end = self._spell(text, start)
                if end:
                    return start, end
        return None

    def _spell(self, text: str, at: int) -> int:
        """Where in the name the spelling of ``text`` from position ``at`` ends; 0 where it does not fit."""
        while at < len(self._sounds) and not self._sounds[at]:
            at += 1
        if at == len(self._sounds):
            return 0
        sound = self._sounds[at]
        if sound.startswith(text):
            return at + 1
        steps = [sound, sound[:1]]
        if sound[1:2] == "h":
            steps.insert(1, sound[:2])
        if text[0] == self._name[at]:
            steps = [text[0]]
        for step in steps:
            if text == step:
                return at + 1
            if text.startswith(step):
                end = self._spell(text[len(step) :], at + 1)
                if end:
                    return end
        return 0


def _sounds(service: Service, name: str) -> Iterator[str]:
    """One sound a character: its syllable, a letter or digit itself, nothing for punctuation."""
    syllables = iter((service.pinyin or _pinyin(name)).split())
    try:
        for char in name:
            yield next(syllables) if _is_chinese(char) else char if char.isalnum() else ""
    except StopIteration:
        pass
    else:
        if next(syllables, None) is None:
            return
    raise ValueError(f"services: {service.code}: the pinyin does not fit the name")


def _is_chinese(char: str) -> bool:
    return "一" <= char <= "鿿"


def _pinyin(name: str) -> str:
    # 160 ms: only paid by a hall's own list that leaves the pinyin out.
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin([char for char in name if _is_chinese(char)], errors="ignore"))
