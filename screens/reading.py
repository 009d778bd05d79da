"""An amount read aloud, so that a zero too many is heard before it is filed: 350000 is 35 万元."""

from __future__ import annotations

#: Chinese counts in ten thousands, English in thousands.
_ZH = ((10**8, "亿"), (10**4, "万"))
_EN = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"))


def typed(entry: str) -> str:
    """What was typed so far, grouped by thousands: ``350000.5`` → ``350,000.5``; "" stays ""."""
    whole, point, part = entry.partition(".")
    return f"{int(whole or 0):,}{point}{part}" if entry else ""


def fen_of(entry: str) -> int:
    """What was typed so far in fen; a point without digits behind it counts as none."""
    whole, _, part = entry.partition(".")
    return int(whole or 0) * 100 + int(part[:2].ljust(2, "0") or 0)


def spoken(fen: int, chinese: bool) -> str:
    """``35000000`` → ``35 万元`` or ``350 thousand yuan``; every digit is said, nothing is rounded."""
    yuan, rest = divmod(fen, 100)
    tail = f".{rest:02}" if rest else ""
    parts: list[str] = []
    for size, name in _ZH if chinese else _EN:
        count, yuan = divmod(yuan, size)
        if count:
            parts.append(f"{count} {name}")
    if yuan or rest or not parts:
        parts.append(f"{yuan}{tail}")
    if chinese:
        words = " ".join(parts)
        return f"{words}元" if words[-1] in "万亿" else f"{words} 元"
    return f"{' '.join(parts)} yuan"
