"""Lays a ruler on every page: ``python -m tests.screens.inspection portrait|landscape`` prints the defects."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import combinations
from typing import Any

SLACK = 1.5

#: Units; whole pixels may take a little off 26.
LEAST_SIZE = 25.0


def defects(visitor: Any) -> Iterator[str]:
    from tests.screens import samples, window

    for name, session in samples.SESSIONS.items():
        for kind, variant in window.variants(session):
            visitor.see(variant, idle_s=None if name.startswith("home") else 46, drawn=False)
            for defect in page_defects(visitor.app.stage, variant.large_text):
                yield f"{name}.{kind}: {defect}"
    visitor.see(samples.SESSIONS["keypad-half"], idle_s=13, drawn=False)
    for defect in targets_wrong(visitor.app.stage):
        yield f"still there: {defect}"


def page_defects(stage: Any, large: bool) -> Iterator[str]:
    boxes = [box for layer in stage.layers.values() if layer.box for box in layer.box.walk()]
    yield from words_cut(boxes)
    yield from words_tiny(boxes)
    yield from outside(stage)
    yield from overlapping(boxes)
    yield from targets_wrong(stage)
    yield from glyphs_missing(boxes)
    least = (0.96 if large else 0.84) if not stage.landscape else (0.84 if large else 0.8)
    grown = stage.scale * (stage.theme.large_text if large else 1)
    if grown < least:
        yield f"set at {grown:.2f} of normal size, at least {least} is wanted"


def words_cut(boxes: list[Any]) -> Iterator[str]:
    from screens.widgets.text import Figure, Text

    for box in boxes:
        if isinstance(box, Text | Figure):
            used, rect = box.used, box.rect
            if used.w > rect.w + SLACK or used.h > rect.h + SLACK:
                yield f"{words_of(box)!r} needs {used.w:.0f}×{used.h:.0f}, has {rect.w:.0f}×{rect.h:.0f}"


def words_tiny(boxes: list[Any]) -> Iterator[str]:
    """One line may be set smaller to fit; not so small that old eyes lose it (look: notes never under 26)."""
    from screens.widgets.text import Text

    for box in boxes:
        if isinstance(box, Text) and words_of(box).strip() and box.font.size < LEAST_SIZE:
            yield f"{words_of(box)!r} is set at {box.font.size:.0f}"


def outside(stage: Any) -> Iterator[str]:
    """Every box lies in its part of the page; nothing of the body behind header or footer."""
    top, bottom = stage.header_area.bottom, stage.footer_area.y
    parts = {"header": (0, top), "body": (top, bottom), "footer": (bottom, stage.size.h)}
    if stage.layers["header"].box is None:
        parts = {"body": (0, stage.size.h)}
    for part, (first, last) in parts.items():
        for box in stage.layers[part].box.walk():
            if not box.children and box.rect.h and (box.rect.y < first - SLACK or box.rect.bottom > last + SLACK):
                yield f"{describe(box)} leaves the {part}: {box.rect.y:.0f} to {box.rect.bottom:.0f}"
            if box.rect.x < -SLACK or box.rect.right > stage.size.w + SLACK:
                yield f"{describe(box)} leaves the page: {box.rect.x:.0f} to {box.rect.right:.0f}"


def overlapping(boxes: list[Any]) -> Iterator[str]:
    from screens.widgets.card import Card, Sign
    from screens.widgets.qr import Qr
    from screens.widgets.text import Figure, Text

    marks = [
        (box, box.used if isinstance(box, Text | Figure) else box.rect)
        for box in boxes
        if isinstance(box, Text | Figure | Sign | Qr) and box.rect.h
    ]
    for (one, a), (other, b) in combinations(marks, 2):
        if cross(a, b):
            yield f"{describe(one)} overlaps {describe(other)}"
    for box in boxes:
        if isinstance(box, Card) and box.children[0].rect.h:
            inner = box.children[0].rect
            if inner.y < box.rect.y - SLACK or inner.bottom > box.rect.bottom + SLACK:
                yield f"{describe(box.children[0])} is larger than its card"


def targets_wrong(stage: Any) -> Iterator[str]:
    """Large enough for a thumb in winter (look: 120 high, keys 90 × 112), apart, and on the page."""
    targets = stage.targets()
    names = [target.name for target in targets]
    if len(names) != len(set(names)):
        yield f"two targets of one name among {sorted(names)}"
    for target in targets:
        area = target.area
        least = (90, 112) if target.name.startswith("key.") else (100, 120)
        if area.w < least[0] - 0.1 or area.h < least[1] - 0.1:
            yield f"target {target.name} is {area.w:.0f}×{area.h:.0f}"
        page = stage.size.inset(-SLACK)
        if not (page.holds(area.x, area.y) and page.holds(area.right, area.bottom)):
            yield f"target {target.name} leaves the page"
    for one, other in combinations(targets, 2):
        if cross(one.area, other.area):
            yield f"targets {one.name} and {other.name} overlap"


_characters: dict[str, frozenset[int]] = {}


def glyphs_missing(boxes: list[Any]) -> Iterator[str]:
    from fontTools.ttLib import TTFont

    from screens.environment import font
    from screens.extract_fonts import characters

    for box in boxes:
        words = words_of(box)
        kind = "common" if characters().issuperset(words) else "full"
        if kind not in _characters:
            _characters[kind] = frozenset(TTFont(font(kind, True), lazy=True).getBestCmap())
        missing = {char for char in words if ord(char) not in _characters[kind]}
        if missing:
            yield f"no glyph for {missing} of {words!r}"


def cross(a: Any, b: Any) -> bool:
    across = min(a.right, b.right) - max(a.x, b.x)
    down = min(a.bottom, b.bottom) - max(a.y, b.y)
    return bool(across > SLACK and down > SLACK)


def words_of(box: Any) -> str:
    return str(getattr(box, "words", "") or getattr(box, "sign", "") or getattr(box, "figure", ""))


def describe(box: Any) -> str:
    return f"{type(box).__name__} {words_of(box)!r}"


def main() -> None:
    from tests.screens import window

    visitor = window.open_window(window.look_of("landscape" if sys.argv[1] == "landscape" else "portrait"))
    sys.stdout.write(json.dumps(list(defects(visitor)), ensure_ascii=False))


if __name__ == "__main__":
    main()
