"""Whether a release is one this kiosk could serve with: looked at as a whole, before it is taken.

A signature says who made a release, not that a theme still has every colour or that both languages still say the same.
Everything is read here exactly as the front end would read it, over the shipped files and under the machine's own, and
every file is held against what screens, paper and session will ask of it. What is found names the file.
"""

from __future__ import annotations

import re
import string
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import yaml

import config
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.fleet import Manifest, TechnicianList
from kiosk.domain.release import MANIFEST
from kiosk.domain.tax import BadRules, RulePack
from kiosk.domain.texts import Texts
from kiosk.session.rules import Limits
from kiosk.session.state import Language
from kiosk.settings import Settings, SettingsError, load

#: What settings.toml of a release may say: what is true of every kiosk. Where a machine keeps its data, whom it trusts
#: and how its screen stands is of the machine.
SETTABLE: Mapping[str, frozenset[str] | None] = {
    "devices": None,
    "limits": None,
    "tax": None,
    "offline": None,
    "maintenance": None,
    "look": frozenset({"theme"}),
}

_LONGEST_S = 3600.0
_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?")

#: Contrast of what is read most (WCAG 2.1): a page on which nothing can be read stays on no screen for a minute.
_LEAST_CONTRAST = 4.5
_READ_MOST = (("page", "ink"), ("card", "ink"), ("accent", "on_accent"))


#: What reading a file that is not as it should be ends with.
_WRONG = (ValueError, KeyError, TypeError, AttributeError, SettingsError, BadRules, yaml.YAMLError)


def problems(release: Path, own_settings: Path | None) -> list[str]:
    """What is wrong with the release in this folder, as ``file: why``; empty: nothing. ``own_settings``: the machine's
    kiosk.toml, under which it has to work. Raises OSError for a folder that cannot be read."""
    folders = config.folders(release)
    shipped = config.Folders(config.SHIPPED)
    found: list[str] = []
    settings: list[Settings] = []

    def look(file: str, check: Callable[[], Iterator[str]]) -> None:
        try:
            found.extend(f"{file}: {problem}" for problem in check())
        except _WRONG as problem:
            found.append(f"{file}: {_words(problem)}")

    for name in _files(release):
        look(name, partial(_parses, release / name))
    if found:
        # What cannot be read cannot be looked at as a whole.
        return found
    look("settings.toml", lambda: _settings(folders, own_settings, settings))
    look("services.yaml", lambda: _services(folders, settings))
    look("tax", lambda: _tax(folders, settings))
    look("texts", lambda: _texts(folders, shipped))
    look("theme.toml", lambda: _theme(folders, shipped, settings))
    look("technicians.json", lambda: _technicians(folders))
    return found


def check(release: Path, own_settings: Path | None) -> str:
    """The first problem, in the words of a ConfigurationReport (``invalid: texts/paper.zh.toml: ...``), or ""."""
    found = problems(release, own_settings)
    return f"invalid: {found[0]}" if found else ""


def number_of(release: Path) -> int:
    """Raises OSError, ValueError."""
    return msgspec.json.decode((release / MANIFEST).read_bytes(), type=Manifest).number


def _words(problem: Exception) -> str:
    return f"{problem.args[0]} is missing" if isinstance(problem, KeyError) and problem.args else str(problem)


def _files(release: Path) -> list[str]:
    return sorted(str(file.relative_to(release)) for file in release.rglob("*") if file.is_file())


# ---- file by file --------------------------------------------------------------------------------------------------


def _parses(file: Path) -> Iterator[str]:
    text = file.read_text(encoding="utf-8")
    match file.suffix:
        case ".toml":
            tomllib.loads(text)
        case ".yaml":
            yaml.load(text, yaml.CSafeLoader)
        case ".json":
            msgspec.json.decode(text)
    yield from ()


def _settings(folders: config.Folders, own: Path | None, made: list[Settings]) -> Iterator[str]:
    for table, values in folders.read_release_settings().items():
        allowed = SETTABLE.get(table, frozenset())
        if not isinstance(values, dict):
            yield f"{table} is not a table"
        elif allowed is not None and (other := values.keys() - allowed):
            yield f"[{table}] {', '.join(sorted(other))} is not for a release to say"
        elif unknown := values.keys() - folders.read_toml("kiosk.toml").get(table, {}).keys():
            # Some of these tables are read by name alone: a slip of the pen would change nothing, and say nothing.
            yield f"[{table}] {', '.join(sorted(unknown))} is no setting"
    settings = load(own, folders)
    made.append(settings)
    for each in fields(Limits):
        value = getattr(settings.limits, each.name)
        if not 0 < value <= _LONGEST_S:
            yield f"[limits] {each.name} = {value}"


def _services(folders: config.Folders, settings: list[Settings]) -> Iterator[str]:
    catalogue = Catalogue(folders.read_services())
    known = {service.code for service in catalogue.services}
    for each in settings:
        if missing := each.tax.functions - known:
            yield f"{', '.join(sorted(missing))} is not in the list, and settings.toml or kiosk.toml offers it"
    english = Texts(folders.read_texts("en"))
    papers = {paper for service in catalogue.services for paper in service.papers}
    for paper in sorted(papers):
        if not english.has(f"papers.{paper}"):
            yield f"{paper} has no English name in texts (papers)"


def _tax(folders: config.Folders, settings: list[Settings]) -> Iterator[str]:
    tree = folders.read_tax_rules()
    for each in settings:
        tree["options"]["profile"]["value"] = each.tax.profile
    RulePack.from_tree(tree)
    yield from ()


def _texts(folders: config.Folders, shipped: config.Folders) -> Iterator[str]:
    languages = {language: Texts(folders.read_texts(language.value)) for language in Language}
    for language, texts in languages.items():
        asked = Texts(shipped.read_texts(language.value))
        there, wanted = texts.keys, asked.keys
        if missing := {key for key in wanted if not key.startswith("papers.")} - there:
            yield f"{_few(missing)} is missing in {language.value}"
        for key in sorted(there):
            # Also of a new key: braces that do not match raise here, not on the screen.
            filled_in = _fields(texts(key))
            if key in wanted and (wrong := filled_in - _fields(asked(key))):
                yield f"{key} of {language.value} asks for {_few(wrong)}, which nobody fills in"
    chinese, english = languages[Language.ZH], languages[Language.EN]
    if only := chinese.keys ^ {key for key in english.keys if not key.startswith("papers.")}:
        yield f"{_few(only)} is said in one language only"


def _fields(words: str) -> set[str]:
    """Raises ValueError for braces that do not match."""
    return {name for _, name, _, _ in string.Formatter().parse(words) if name is not None}


def _theme(folders: config.Folders, shipped: config.Folders, settings: list[Settings]) -> Iterator[str]:
    theme, asked = folders.read_toml("theme.toml"), shipped.read_toml("theme.toml")
    for name, colours in asked["colours"].items():
        given = theme["colours"][name]
        if missing := colours.keys() - given.keys():
            yield f"{_few(missing)} is missing in colours.{name}"
            continue
        for token, code in given.items():
            if not isinstance(code, str) or not _COLOUR.fullmatch(code):
                yield f"colours.{name}.{token} = {code}"
                return
        for ground, ink in _READ_MOST:
            if (contrast := _contrast(given[ground], given[ink])) < _LEAST_CONTRAST:
                yield f"colours.{name}: {ink} on {ground} has a contrast of {contrast:.1f} only"
    if missing := asked["type"].keys() - theme["type"].keys():
        yield f"{_few(missing)} is missing in type"
    for role, kind in theme["type"].items():
        size, bold = kind
        if not isinstance(bold, bool) or not 20 <= size <= 400:
            yield f"type.{role} = {kind}"
    if theme["space"].keys() != asked["space"].keys() or not all(0 < each < 200 for each in theme["space"].values()):
        yield "space is not what the screens ask for"
    if not 1.0 <= theme["large_text"]["factor"] <= 2.0:
        yield f"large_text.factor = {theme['large_text']['factor']}"
    for each in settings:
        if each.look.theme not in theme["colours"]:
            yield f"colours.{each.look.theme} is missing"


def _technicians(folders: config.Folders) -> Iterator[str]:
    listed = folders.read_technicians()
    if listed is None:
        return
    technicians = msgspec.json.decode(listed, type=TechnicianList).technicians
    for name, kind in (("id", "an id"), ("certificate", "a card")):
        values = [getattr(each, name) for each in technicians]
        if len(values) != len(set(values)):
            yield f"two technicians have {kind} in common"
    for each in technicians:
        if not re.fullmatch(r"[0-9a-f]{64}", each.certificate):
            yield f"{each.id}: certificate is not a SHA-256 in hex"
        if each.valid_from > each.valid_to:
            yield f"{each.id}: is valid until before it begins"


def _few(names: Any) -> str:
    listed = sorted(names)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(code: str) -> float:
    """WCAG 2.1, relative luminance."""
    parts = (part / 255 for part in bytes.fromhex(code[1:7]))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
