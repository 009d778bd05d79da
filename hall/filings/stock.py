"""Numbered blanks: taken → printed, or void with a reason; never the same one twice (税收票证管理办法; 发票管理办法).

A number is taken in the transaction that makes its document, so that what is printed is always in the books first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row

from hall.queue.refusal import Refused
from hall.store import statements_tax as statements
from hall.store.writer import Work

Kind = Literal["certificate-state", "certificate-local", "invoice-special", "invoice-ordinary"]
KINDS: tuple[Kind, ...] = ("certificate-state", "certificate-local", "invoice-special", "invoice-ordinary")

#: The place of the running number: ``{:07d}``.
_FIELD = re.compile(r"\{:0([1-9])d\}")
_CODES = {"invoice-special": re.compile(r"[0-9]{10}"), "invoice-ordinary": re.compile(r"[0-9]{12}")}


@dataclass(frozen=True)
class Blank:
    code: str
    """Of an invoice form; "" for certificates."""
    number: str


def render(pattern: str, number: int) -> str:
    """``(261)闽国证 {:07d}``, 12345 → ``(261)闽国证 0012345``. Not ``str.format``: a pattern is data, not a program."""
    return _FIELD.sub(lambda found: f"{number:0{int(found[1])}d}", pattern)


def add(work: Work, kind: str, kiosk: str, pattern: str, first: int, last: int, code: str = "") -> int:
    """Put a range of blanks into a kiosk; answers how many. Raises ValueError with the field's name first."""
    if kind not in KINDS:
        raise ValueError(f"kind: one of {', '.join(KINDS)}")
    if not re.fullmatch(r"K[0-9]{1,3}", kiosk):
        raise ValueError("kiosk: K and one to three digits")
    places = _FIELD.findall(pattern)
    if len(places) != 1 or len(pattern) > 64:
        raise ValueError("pattern: needs one place for the number, for example {:07d}")
    if not 0 < first <= last < 10 ** int(places[0]):
        raise ValueError(f"first: from 1, not above the last, and of at most {places[0]} digits")
    if kind in _CODES and not _CODES[kind].fullmatch(code):
        raise ValueError("code: ten digits of a special invoice's form, twelve of an ordinary one's")
    if kind not in _CODES and code:
        raise ValueError("code: only forms of invoices have one")
    values = {"kind": kind, "kiosk": kiosk, "pattern": pattern, "code": code, "first": first, "last": last}
    other = work.connection.execute(statements.STOCK_OVERLAPS, values).one_or_none()
    if other is not None:
        raise ValueError(f"first: {other.kiosk} has {other.first} to {other.last} of these already")
    work.connection.execute(statements.ADD_STOCK, {**values, "now": work.now_ms})
    return last - first + 1


def take(work: Work, kind: Kind, kiosk: str, document: str) -> Blank:
    """The next blank of a kiosk, for the document with this key. Raises Refused(no_stock, 409)."""
    row = work.connection.execute(statements.STOCK_NEXT, {"kind": kind, "kiosk": kiosk}).one_or_none()
    if row is None:
        raise Refused("no_stock", 409, kind)
    work.connection.execute(statements.STOCK_TAKEN, {"id": row.id, "next": row.next})
    blank = Blank(row.code, render(row.pattern, row.next))
    values = {"code": row.code, "number": blank.number, "kind": kind, "kiosk": kiosk, "document": document}
    work.connection.execute(statements.ADD_STOCK_NUMBER, {**values, "now": work.now_ms})
    return blank


def account(work: Work, document: str, state: Literal["printed", "void"], reason: str | None) -> bool:
    """What became of the sheet of a document. False: it was accounted for before, or has none."""
    values = {"document": document, "state": state, "reason": reason, "now": work.now_ms}
    return work.connection.execute(statements.STOCK_NUMBER_DONE, values).rowcount > 0


def as_told(row: Row[Any]) -> dict[str, Any]:
    """A range for ``taxhall stock list``."""
    return {
        "kind": row.kind,
        "kiosk": row.kiosk,
        "code": row.code,
        "first": render(row.pattern, row.first),
        "last": render(row.pattern, row.last),
        "next": render(row.pattern, row.next) if row.next <= row.last else None,
        "left": row.last - row.next + 1,
        "used": row.next - row.first,
        "void": row.void,
    }
