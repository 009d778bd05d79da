"""What a slip printer is like: how wide it prints, and which questions it understands."""

from __future__ import annotations

from dataclasses import dataclass

FONT_A_DOTS = 12
"""Width of one column: a letter or digit of font A. A Chinese character is two columns, 24 dots, wide."""


@dataclass(frozen=True)
class PrinterProfile:
    """Widths in dots at 203 dpi (8 dots a millimetre) and in columns of font A."""

    name: str
    dots: int
    margin: int
    """Columns left free on each side of running text."""
    escpos_name: str
    """The python-escpos profile that stands for a paper of this width."""
    echoes: bool = True
    """Send the process-id request. Switch it off for a printer that prints the request instead of obeying it."""

    @property
    def columns(self) -> int:
        return self.dots // FONT_A_DOTS

    @property
    def text_columns(self) -> int:
        return self.columns - 2 * self.margin


PAPER_80 = PrinterProfile(name="80", dots=576, margin=2, escpos_name="RP-F10-80mm")
PAPER_58 = PrinterProfile(name="58", dots=384, margin=0, escpos_name="POS-5890")
PROFILES = {profile.name: profile for profile in (PAPER_80, PAPER_58)}
