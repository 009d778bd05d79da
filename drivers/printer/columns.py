"""Text as a slip printer sets it: fixed columns, a Chinese character two wide, no number ever broken.

The printer itself would break a line wherever it is full, in the middle of an identity number or an amount. So every
line is broken here, and is never longer than the paper.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters that people type and printer fonts lack or draw twice as wide, and what stands for them.
_STAND_INS = str.maketrans(
    {
        "¥": "￥",  # U+00A5 is not in GB2312; the full-width sign is
        "–": "-",  # en dash, in time ranges: GBK has it only two columns wide
        "‑": "-",
        "−": "-",
        "•": "·",
    }
)

_NEVER_FIRST = "，。、；：！？）》」』”’…％"
_NEVER_LAST = "（《「『“‘￥"

#: What may not be torn apart: a run of letters, digits and their signs, with a currency sign before it; or one
#: character, with the punctuation that clings to it.
_UNIT = re.compile(rf"[{_NEVER_LAST}]*(?:[!-~]+|[^ ])[{_NEVER_FIRST},.;:!?)%]*| +")


def printable(text: str) -> str:
    """The text as the printer can set it, on one line: no control characters, no spaces of exotic width."""
    kept: list[str] = []
    for character in text.translate(_STAND_INS):
        category = unicodedata.category(character)
        if category == "Zs" and character != "\u3000":
            kept.append(" ")
        elif category[0] not in "CZ" or character == "\u3000":
            kept.append(_plain_letter(character))
    return "".join(kept)


def _plain_letter(character: str) -> str:
    """``ñ`` → ``n``: letters that GBK fonts lack lose their accent rather than turn into two wrong characters."""
    if character.isascii() or not unicodedata.category(character).startswith("L"):
        return character
    if len(character.encode("gb18030")) < 4:
        return character
    return "".join(part for part in unicodedata.normalize("NFKD", character) if part.isascii()) or character


def encode(text: str) -> bytes:
    """GB18030, the character set of every printer sold in China (after ``FS &``)."""
    return printable(text).encode("gb18030")


def width(text: str) -> int:
    """Columns that a printable text takes: what GB18030 writes with one byte takes one, everything else two."""
    return sum(1 if character.isascii() else 2 for character in text)


def wrap(text: str, columns: int) -> list[str]:
    """Lines of at most ``columns`` columns, broken between words, Chinese characters, and never inside a number.

    Only a single word or number longer than a whole line is cut: the printer would cut it anyway.
    """
    return [line for paragraph in text.split("\n") for line in _fill(_units(paragraph), columns)]


def wrap_evenly(text: str, columns: int) -> list[str]:
    """As ``wrap``, in as few lines, but of about one length: a centred text with one orphan looks like a mistake.

    Two lines part where the sentence pauses or opens a bracket, if each half fits.
    """
    lines = wrap(text, columns)
    if len(lines) < 2 or "\n" in text:
        return lines
    if len(lines) == 2 and (halves := _at_a_pause(printable(text), columns)):
        return halves
    units = _units(text)
    narrowest = max(longest_unit(text), sum(width(unit) for unit in units) // len(lines))
    for narrow in range(narrowest, columns):
        tried = _fill(units, narrow)
        if len(tried) == len(lines):
            return tried
    return lines


def _units(text: str) -> list[str]:
    return _UNIT.findall(printable(text))


def _fill(units: list[str], columns: int) -> list[str]:
    lines: list[str] = []
    line = ""
    taken = 0
    for unit in units:
        wide = width(unit)
        if taken + wide <= columns or (not line and unit.isspace()):
            line, taken = line + unit, taken + wide
            continue
        if line:
            lines.append(line.rstrip())
        line = "" if unit.isspace() else unit
        while (taken := width(line)) > columns:
            head = _fitting(line, columns)
            lines.append(head)
            line = line[len(head) :]
    lines.append(line.rstrip())
    return lines


def _at_a_pause(text: str, columns: int) -> list[str]:
    """The two halves at the punctuation nearest the middle; nothing where a half would not fit."""
    pauses = [match.end() for match in re.finditer(r"[，；：。]|[,;:.] |(?=（)", text)]
    cuts = [(text[:end].rstrip(), text[end:].lstrip()) for end in pauses]
    fitting = [cut for cut in cuts if cut[1] and max(map(width, cut)) <= columns]
    return list(min(fitting, key=lambda cut: abs(width(cut[0]) - width(cut[1])), default=()))


def longest_unit(text: str) -> int:
    """Columns of the longest thing in the text that may not be broken."""
    return max((width(unit) for unit in _units(text) if not unit.isspace()), default=0)


def pad(text: str, columns: int) -> str:
    return text + " " * (columns - width(text))


def _fitting(text: str, columns: int) -> str:
    head = ""
    for character in text:
        if head and width(head + character) > columns:
            break
        head += character
    return head
