"""Takes the simplified Chinese face out of Noto's collection: ``python -m screens.extract_fonts``, once, at install.

Kivy opens only the first face of a collection, and of Noto Sans CJK that is the Japanese one: 门, 骨, 画 and the
full-width colon come out wrong. Two files a weight: ``full`` has every character that a name may hold (𠮷); ``common``
has GB 2312 and Latin. Each size in use opens its file anew, which costs 0.45 MB with ``common`` and 2.5 MB with
``full``, so that ``full`` is opened only for a text that needs it.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parent / "fonts"
COLLECTIONS = Path("/usr/share/fonts/opentype/noto")
WEIGHTS = ("Regular", "Bold")

#: Of the faces JP, KR, SC, TC, HK the one drawn to the mainland's standards.
SIMPLIFIED = 2

#: Used by our texts and not in GB 2312.
SYMBOLS = "–•✓✗"


@cache
def characters() -> frozenset[str]:
    """What ``common`` fonts hold: printable ASCII and Latin-1, GB 2312, a few symbols."""
    rows = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    chinese = "".join(pair.decode("gb2312", "ignore") for pair in rows)
    latin = "".join(map(chr, [*range(0x20, 0x7F), *range(0xA0, 0x100)]))
    return frozenset(chinese + latin + SYMBOLS)


def missing() -> list[Path]:
    return [
        path
        for weight in WEIGHTS
        for kind in ("common", "full")
        if not (path := FONTS / f"{kind}-{weight}.otf").exists()
    ]


def extract() -> None:
    """Write what is missing. Raises FileNotFoundError where the Debian package is not installed."""
    from fontTools import subset
    from fontTools.ttLib import TTCollection

    FONTS.mkdir(exist_ok=True)
    common = [ord(char) for char in characters()]
    for weight in WEIGHTS:
        source = COLLECTIONS / f"NotoSansCJK-{weight}.ttc"
        if not source.exists():
            raise FileNotFoundError(f"{source} is not there: install the package fonts-noto-cjk")
        face = TTCollection(source, lazy=True).fonts[SIMPLIFIED]
        _save(face, f"full-{weight}.otf")
        # SDL lays text out by advance widths alone, so that the layout tables are dead weight here.
        options = subset.Options(
            layout_features=[], drop_tables=["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "VORG"]
        )
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=common)
        cutter.subset(face)
        _save(face, f"common-{weight}.otf")


def _save(face: Any, name: str) -> None:
    """Whole or not at all: an install that is cut short is taken up again."""
    part = FONTS / f"{name}.part"
    face.save(part)
    part.replace(FONTS / name)


def main() -> None:
    if not missing():
        return
    try:
        extract()
    except FileNotFoundError as problem:
        sys.exit(f"screens.extract_fonts: {problem}")


if __name__ == "__main__":
    main()
