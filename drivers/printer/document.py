"""What a slip printer is asked to print: a short list of blocks, no printer bytes.

Widths are the printer's business. A document says what a line is, not where its dots go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "center"]


@dataclass(frozen=True)
class Text:
    """One paragraph; wrapped by the printer driver so that no line breaks inside a number."""

    text: str
    align: Align = "left"
    bold: bool = False
    size: Literal[1, 2] = 1
    indent: int = 0
    """Columns that a left-aligned paragraph stands in: it explains the line above it."""


@dataclass(frozen=True)
class BigNumber:
    """The ticket's number, as large as the paper is wide."""

    text: str


@dataclass(frozen=True)
class Row:
    """A label and its value in two columns; a long value goes on below itself."""

    label: str
    value: str
    bold: bool = True


@dataclass(frozen=True)
class AmountRow:
    """A label and an amount, the amount at the right edge; in double size where the paper is wide enough for it."""

    label: str
    amount: str
    bold: bool = False
    size: Literal[1, 2] = 1


@dataclass(frozen=True)
class Rule:
    """A dashed line across the paper."""


@dataclass(frozen=True)
class Qr:
    """A QR code made by the printer itself, centred."""

    content: str


@dataclass(frozen=True)
class Space:
    """Empty lines."""

    lines: int = 1


Block = Text | BigNumber | Row | AmountRow | Rule | Qr | Space


@dataclass(frozen=True)
class Document:
    """One sheet, cut at its end."""

    name: str
    blocks: tuple[Block, ...]
