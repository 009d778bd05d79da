"""What several papers say in the same way: dates, bureaus, levies, rates, the short form of a business key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from drivers.printer.document import Text
from kiosk.domain.filing import Bureau, Levy
from kiosk.domain.money import grouped
from kiosk.domain.texts import Texts

Language = Literal["zh", "en"]

#: Of the local bureau as long as there were two of them.
_LOCAL_LEVIES = frozenset({Levy.UMCT, Levy.EDUCATION, Levy.LOCAL_EDUCATION, Levy.STAMP, Levy.PROPERTY, Levy.LAND_USE})


def clock(moment: datetime) -> str:
    """``2026-11-23 09:42:07``, in the moment's own offset."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def period(start: date | None, end: date | None, texts: Texts) -> str | None:
    """``2026-07-01 至 2026-09-30``; None for what has no period (a contract, a car)."""
    if start is None or end is None:
        return end.isoformat() if end else None
    return texts("paper.period_range", start=start.isoformat(), end=end.isoformat())


def short_key(key: str) -> str:
    """The first 48 bits of a business key, as people read them to each other: ``3F2A-91C0-77B4``."""
    return "-".join(key[at : at + 4] for at in (0, 4, 8)).upper()


def in_fours(code: str, size: int = 4) -> str:
    """``AB12CD34`` → ``AB12 CD34``: a long code is compared in groups."""
    return " ".join(code[at : at + size] for at in range(0, len(code), size))


def percent(rate: str) -> str:
    """``0.01`` → ``1%``, ``0.0003`` → ``0.03%``; words (``免税``) stay as they are."""
    try:
        number = Decimal(rate) * 100
    except InvalidOperation:
        return rate
    # ``normalize`` alone would write 10 as 1E+1.
    return f"{number.normalize():f}%"


def bracketed(fen: int) -> str:
    """On certificates money that was given back stands in brackets: ``(123.45)``."""
    return f"({grouped(-fen)})" if fen < 0 else grouped(fen)


def bureau_name(bureau: Bureau, levies: Iterable[Levy], texts: Texts) -> str:
    """国税, 地税; 税务局 where the state bureau takes local taxes too, as since 2018 there is one bureau.

    ``levies``: what this bureau takes of what stands on the paper.
    """
    unified = bureau is Bureau.STATE and not _LOCAL_LEVIES.isdisjoint(levies)
    return texts("paper.bureau.one" if unified else f"paper.bureau.{bureau}")


def reprint_mark(count: int, reprint: bool, texts: Texts) -> list[Text]:
    """补打 for the second sheet and every later one. ``count``: of sheets with this one, as far as the hall knows."""
    if count > 1:
        return [Text(texts("paper.reprint_count", count=count), align="center", bold=True)]
    return [Text(texts("paper.reprint"), align="center", bold=True)] if reprint else []
