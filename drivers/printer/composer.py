"""A document as printer bytes. python-escpos knows the commands; this file knows the layout; nobody here does I/O.

Text does not go through python-escpos: its ``text()`` guesses code pages and mangles Chinese punctuation, so lines are
broken and encoded by ``columns`` and sent as GB18030.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

from drivers.printer import columns
from drivers.printer.document import AmountRow, BigNumber, Block, Document, Qr, Row, Rule, Space, Text
from drivers.printer.profile import PrinterProfile

LINE_DOTS = 42
"""From one line to the next: 24 dots of character and air, so that a slip reads at arm's length."""
BIG_LINE_DOTS = 64
"""The same under characters of double size."""
AIR_DOTS = 24
"""Under the number, and above and below a QR code, whose quiet zone is four modules."""
DOTS_PER_INCH = 203
FEED_BEFORE_CUT = 5
"""Default lines (30 dots) from the head past the knife: 18 mm, the widest gap of common 80 mm printers being 15."""

QR_MODULE = 6
"""Dots a module: 0.75 mm, read by any phone; native, because as a picture the code takes 1.2 s at 115200 baud."""
QR_LEVEL_M = 1
QR_LONGEST = 213
"""Bytes that version 10 holds at level M: 342 dots wide, the most that 58 mm paper takes with its quiet zone."""

_LARGEST = 8
_GAP = 2
"""Columns between a label and its value."""

_SELECT_CHINESE = b"\x1c&"
_MOTION_UNITS = b"\x1dP" + bytes((DOTS_PER_INCH, DOTS_PER_INCH))
"""GS P: line spacing in dots of the head. Printers differ in their own unit (1/203, 1/180, 1/360 inch)."""
_DEFAULT_SPACING = b"\x1b2"
_FEED_AIR = b"\x1bJ" + bytes((AIR_DOTS,))
CUT = b"\x1dV\x01"


def compose(document: Document, profile: PrinterProfile) -> bytes:
    """All bytes of one sheet, from ``ESC @`` to the cut. Raises ValueError for what no sheet can hold."""
    return _Composer(document, profile).composed()


def prepare() -> None:
    """Import python-escpos now (0.1–0.4 s), so that the first visitor of the day does not wait for it."""
    _escpos()


class _Composer:
    def __init__(self, document: Document, profile: PrinterProfile) -> None:
        self._profile = profile
        self._out = bytearray()
        self._printer = _escpos()(self._out, profile.escpos_name)
        self._label = _label_columns(document, profile)
        self._printer.hw("INIT")
        self._raw(_SELECT_CHINESE + _MOTION_UNITS)
        self._printer.set(smooth=True)
        for block in document.blocks:
            self._set(block)
        self._raw(_DEFAULT_SPACING)
        self._printer.print_and_feed(FEED_BEFORE_CUT)
        # Sent raw: python-escpos leaves the cut out for bases that say they have no knife.
        self._raw(CUT)

    def composed(self) -> bytes:
        """Once: python-escpos refers to itself in a ring, and would keep a person's paper until that is collected."""
        composed = bytes(self._out)
        self._out.clear()
        return composed

    def _raw(self, data: bytes) -> None:
        self._out += data

    def _set(self, block: Block) -> None:
        match block:
            case Text():
                self._text(block)
            case BigNumber(text):
                self._big_number(columns.printable(text))
            case Row():
                self._row(block)
            case AmountRow():
                self._amount(block)
            case Rule():
                self._style()
                self._line(self._margin("-" * self._profile.text_columns))
            case Qr(content):
                self._qr(content)
            case Space(lines):
                self._style()
                self._raw(b"\n" * lines)

    def _style(
        self,
        align: Literal["left", "center"] = "left",
        bold: bool = False,
        wide: int = 1,
        high: int = 1,
        spacing: int = LINE_DOTS,
    ) -> None:
        self._printer.set(align=align, bold=bold, custom_size=True, width=wide, height=high)
        self._printer.line_spacing(spacing)

    def _line(self, text: str) -> None:
        self._raw(columns.encode(text) + b"\n")

    def _margin(self, text: str) -> str:
        return " " * self._profile.margin + text

    def _text(self, block: Text) -> None:
        room = self._profile.text_columns
        size = block.size
        # A long name set large takes half the slip: above two lines it is set in the ordinary size.
        if size == 2 and (columns.longest_unit(block.text) > room // 2 or len(columns.wrap(block.text, room // 2)) > 2):
            size = 1
        self._style(block.align, block.bold, size, size, BIG_LINE_DOTS if size == 2 else LINE_DOTS)
        if block.align == "center":
            for line in columns.wrap_evenly(block.text, room // size):
                self._line(line)
        else:
            for line in columns.wrap(block.text, (room - block.indent) // size):
                self._line(self._margin(" " * block.indent + line))

    def _big_number(self, number: str) -> None:
        wide = min(_LARGEST, self._profile.columns // max(1, columns.width(number)))
        if wide < 1:
            raise ValueError("the number is wider than the paper")
        # Long numbers must be set narrower; a little taller keeps them readable from across the hall.
        high = min(_LARGEST, wide + 2)
        self._style("center", bold=True, wide=wide, high=high, spacing=24 * high + AIR_DOTS)
        self._line(number)

    def _row(self, row: Row) -> None:
        room = self._profile.text_columns
        label = columns.printable(row.label)
        beside = room - self._label
        if columns.longest_unit(row.value) <= beside:
            lines, indent = columns.wrap(row.value, beside), self._label
        else:
            # An identity number that does not fit beside its label goes on a line of its own, whole.
            lines, indent = ["", *columns.wrap(row.value, room - _GAP)], _GAP
        self._style()
        labels = columns.wrap(label, self._label - 1) if columns.width(label) >= self._label else [label]
        for above in labels[:-1]:
            self._line(self._margin(above))
        self._raw(columns.encode(self._margin(columns.pad(labels[-1], self._label))))
        self._printer.set(bold=row.bold)
        for number, line in enumerate(lines):
            self._line(line if number == 0 else self._margin(" " * indent + line))

    def _amount(self, row: AmountRow) -> None:
        room = self._profile.text_columns
        amount = columns.printable(row.amount)
        wide = columns.width(amount)
        size = row.size if row.size * wide <= room - 2 * _GAP else 1
        left = room - size * wide - _GAP
        if left < _GAP:
            raise ValueError("the amount is wider than the paper")
        self._style(bold=row.bold)
        narrowest = columns.width(columns.printable(row.label)) if size == 2 else columns.longest_unit(row.label)
        if narrowest > left:
            # Beside a very large amount its label would be torn into a column of syllables.
            above, last = columns.wrap(row.label, room), ""
        else:
            *above, last = columns.wrap(row.label, left)
        for line in above:
            self._line(self._margin(line))
        beside = self._margin(columns.pad(last, left + _GAP))
        if size == 1:
            self._line(beside + amount)
            return
        self._printer.line_spacing(BIG_LINE_DOTS)
        self._raw(columns.encode(beside))
        self._printer.set(custom_size=True, width=size, height=size)
        self._line(amount)

    def _qr(self, content: str) -> None:
        if len(content.encode()) > QR_LONGEST:
            raise ValueError(f"a QR code on a slip holds at most {QR_LONGEST} bytes")
        # python-escpos refuses native + center; the alignment is a command of its own.
        self._style("center")
        self._raw(_FEED_AIR)
        self._printer.qr(content, ec=QR_LEVEL_M, size=QR_MODULE, native=True)
        self._raw(_FEED_AIR)


def _label_columns(document: Document, profile: PrinterProfile) -> int:
    """One left column for all rows of a document: as wide as its longest label, at most half the paper."""
    longest = max((columns.width(columns.printable(b.label)) for b in document.blocks if isinstance(b, Row)), default=0)
    gap = _GAP + (1 if profile.margin else 0)
    return min(longest + gap, profile.text_columns // 2)


@cache
def _escpos() -> Any:
    """A class: ``Escpos`` that appends to a byte array. Imported late: it reads a database of printers at import."""
    base = _import_escpos().Escpos

    class ByteComposer(base):  # type: ignore[misc,valid-type]  # the base has no types
        def __init__(self, out: bytearray, profile: str) -> None:
            super().__init__(profile=profile)
            self._collected = out

        def _raw(self, msg: bytes) -> None:
            self._collected += msg

    return ByteComposer


def _import_escpos() -> Any:
    """python-escpos, without letting it configure our logging, and with its database parsed only once a machine.

    It calls ``logging.basicConfig()`` and keeps a pickle of its database. A power cut while that pickle is written
    leaves half of one, and every later import would fail: then it is thrown away and made anew.
    """
    folder = _cache_folder()
    os.environ["ESCPOS_CAPABILITIES_PICKLE_DIR"] = str(folder)
    handlers = list(logging.root.handlers)
    try:
        try:
            return importlib.import_module("escpos.escpos")
        except (EOFError, pickle.UnpicklingError, ValueError, KeyError, AttributeError, IndexError):
            for broken in folder.glob("*.capabilities.pickle"):
                broken.unlink()
            return importlib.import_module("escpos.escpos")
    finally:
        logging.root.handlers[:] = handlers


def _cache_folder() -> Path:
    """The service's cache (systemd ``CacheDirectory=``), else the user's; a passing one where neither can be written.

    Private to us: a pickle is code for whoever reads it.
    """
    for folder in _cache_candidates():
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            continue
        if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
            return folder
    return Path(tempfile.mkdtemp(prefix="escpos-"))


def _cache_candidates() -> Iterator[Path]:
    service = os.environ.get("CACHE_DIRECTORY")
    if service:
        yield Path(service.split(":")[0]) / "escpos"
    user = os.environ.get("XDG_CACHE_HOME")
    yield (Path(user) if user else Path.home() / ".cache") / "taxkiosk" / "escpos"
