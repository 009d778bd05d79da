"""The release in service, how it differs from the one before, and the way back to that."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from kiosk.configuration.slots import State
from kiosk.domain.fleet import Slot
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place, Tone

TONES = {Slot.SHIPPED: Tone.PLAIN, Slot.TRYING: Tone.WARN, Slot.HEALTHY: Tone.GOOD}

#: Differences shown; with more of them one looks at the files.
MOST = 60


def build(world: World, subject: str) -> Panel:
    state = world.slots.read() if world.slots else State()
    running = state.running.number if state.running else 0
    lines = [
        Line("software", world.software),
        _release("running", running),
        Line("release_state", word=state.state.value, tone=TONES.get(state.state, Tone.BAD)),
    ]
    if state.in_service != running:
        lines.append(_release("shown_until_restart", state.in_service))
    if state.offered and state.offered != running:
        lines.append(_release("offered", state.offered))
    if state.problem:
        lines.append(Line("problem", state.problem, tone=Tone.BAD))
    if world.slots and state.running:
        lines.append(_release("compared_with", state.before.number if state.before else 0))
        lines += differences(
            world.slots.folder_of(state.running), world.slots.folder_of(state.before) if state.before else None
        )
    back = Action("roll_back", grave=True, works=world.senior and state.running is not None)
    return Panel(Place.CONFIGURATION, lines=tuple(lines), actions=(back,), note="" if world.senior else "senior_only")


def _release(name: str, number: int) -> Line:
    return Line(name, str(number), "release_number") if number else Line(name, word="shipped")


def differences(now: Path, before: Path | None) -> list[Line]:
    """File by file; of TOML and JSON the keys that differ too. ``before`` None: the shipped values."""
    names = {file.relative_to(now).as_posix() for file in now.rglob("*") if file.is_file()}
    if before is not None:
        names |= {file.relative_to(before).as_posix() for file in before.rglob("*") if file.is_file()}
    lines: list[Line] = []
    for name in sorted(names - {"manifest.json"}):
        new, old = _read(now / name), _read(before / name) if before else None
        if new == old:
            continue
        word = "added" if old is None else "removed" if new is None else "changed"
        lines.append(Line(name, word=word, tone=Tone.WARN, raw=True))
        if new is not None and old is not None:
            lines += [Line(f"    {key}", word="changed", raw=True) for key in _keys(name, old, new)]
    if len(lines) > MOST:
        lines = [*lines[:MOST], Line("more_differences", str(len(lines) - MOST))]
    return lines or [Line("no_difference")]


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _keys(name: str, old: bytes, new: bytes) -> list[str]:
    """Dotted names whose values differ; technicians are named by their ids, never by their cards."""
    try:
        if name.endswith(".toml"):
            trees = [tomllib.loads(text.decode()) for text in (old, new)]
        elif name.endswith(".json"):
            trees = [json.loads(text) for text in (old, new)]
        else:
            return []
    except ValueError:
        return []
    before, after = _flat("", trees[0]), _flat("", trees[1])
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def _flat(prefix: str, tree: Any) -> dict[str, object]:
    match tree:
        case dict():
            pairs = tree.items()
        case list() if all(isinstance(each, dict) and "id" in each for each in tree):
            pairs = {each["id"]: each for each in tree}.items()
        case _:
            return {prefix.rstrip("."): tree}
    flat: dict[str, object] = {}
    for key, value in pairs:
        flat |= _flat(f"{prefix}{key}.", value)
    return flat
