"""Where lines break. Kivy breaks Chinese inside numbers and early at spaces, so the breaking is ours.

Rules: between Chinese characters anywhere; Latin words whole, numbers with their unit; no line begins with closing
punctuation or ends with an opening one. Lines of one text are made about equally long, so that no last line holds a
single character.
"""

from __future__ import annotations

import re
from collections.abc import Callable

NOT_FIRST = "，。、；：？！）》」』”’%·…,.;:?!)]"
NOT_LAST = "（《「『“‘(["

#: A number keeps its unit: 12 人.
_TOKEN = re.compile(r"[0-9][0-9.,:–]* [一-鿿]| · |\s+|[^\s一-鿿㐀-䶿　-〿＀-￯]+|.", re.DOTALL)

Measure = Callable[[str], float]


def tokens(words: str) -> list[str]:
    """Pieces that stay whole, in order; blanks are pieces of their own."""
    pieces: list[str] = []
    for piece in _TOKEN.findall(words):
        glue = pieces and not pieces[-1].isspace() and not piece.isspace()
        if glue and (piece.strip()[0] in NOT_FIRST or pieces[-1][-1] in NOT_LAST):
            pieces[-1] += piece
        else:
            pieces.append(piece)
    return pieces


def fill(pieces: list[str], width: float, measure: Measure) -> list[str]:
    """Greedy lines no wider than ``width``; a piece that is wider by itself is cut.

    Pieces are measured one by one: the fonts do not kern, and the same few thousand pieces come back on every page.
    """
    lines, used = [""], 0.0
    for piece in pieces:
        wide = measure(piece)
        if piece.isspace():
            lines[-1] += piece
            used += wide
            continue
        for part in [piece] if wide <= width else piece:
            wide = measure(part)
            if used + measure(part.rstrip()) > width and lines[-1].strip():
                lines.append("")
                used = 0.0
            lines[-1] += part
            used += wide
    return [line.strip() for line in lines if line.strip()]


def break_lines(words: str, width: float, measure: Measure) -> list[str]:
    """The lines of a text; a newline in it is kept."""
    lines: list[str] = []
    for paragraph in words.split("\n"):
        pieces = tokens(paragraph)
        greedy = fill(pieces, width, measure)
        lines += greedy if len(greedy) < 2 else _evened(pieces, greedy, width, measure)
    return lines or [""]


def _evened(pieces: list[str], greedy: list[str], width: float, measure: Measure) -> list[str]:
    """As many lines as the greedy ones, but none much shorter than the others."""
    if measure(greedy[-1]) > width / 2:
        return greedy
    low, high, best = width / 2, width, greedy
    for _ in range(5):
        middle = (low + high) / 2
        lines = fill(pieces, middle, measure)
        if len(lines) == len(greedy):
            high, best = middle, lines
        else:
            low = middle
    return best
