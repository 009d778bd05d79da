"""The slip of a payment: each amount under the bureau it went to, as the taxpayer saw it before paying."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from drivers.printer.document import AmountRow, Block, Document, Qr, Row, Rule, Text
from kiosk.domain.texts import Texts
from kiosk.paper.ticket_slip import clock


@dataclass(frozen=True)
class Charge:
    """One levy paid. ``fen``: integer fen, never negative."""

    label: str
    fen: int


@dataclass(frozen=True)
class BureauPart:
    """What one bureau received."""

    bureau: Literal["state", "local"]
    charges: tuple[Charge, ...]

    @property
    def fen(self) -> int:
        return sum(charge.fen for charge in self.charges)


@dataclass(frozen=True)
class PaymentReceipt:
    """Everything that the paper says about a payment. Masked already."""

    payer_masked: str
    number_masked: str
    period: str
    parts: tuple[BureauPart, ...]
    paid_at: datetime
    serial: str
    kiosk: str
    url: str
    reprint: bool = False

    @property
    def fen(self) -> int:
        return sum(part.fen for part in self.parts)


def receipt(paid: PaymentReceipt, texts: Texts, hall_name: str) -> Document:
    blocks: list[Block] = [
        Text(hall_name, align="center", bold=True),
        Text(texts("receipt.title"), align="center", bold=True, size=2),
    ]
    if paid.reprint:
        blocks.append(Text(texts("receipt.reprint"), align="center", bold=True))
    blocks += [
        Rule(),
        Row(texts("receipt.payer"), paid.payer_masked),
        Row(texts("receipt.payer_number"), paid.number_masked),
        Row(texts("receipt.period"), paid.period),
        Row(texts("receipt.paid_at"), clock(paid.paid_at)),
    ]
    for part in paid.parts:
        blocks += [Rule(), Text(texts(f"receipt.{part.bureau}"), bold=True)]
        blocks += [AmountRow(charge.label, yuan(charge.fen)) for charge in part.charges]
        blocks.append(AmountRow(texts("receipt.bureau_total"), yuan(part.fen), bold=True))
    blocks += [
        Rule(),
        AmountRow(texts("receipt.total"), "￥" + yuan(paid.fen), bold=True),
        Rule(),
        Row(texts("receipt.serial"), paid.serial, bold=False),
        Row(texts("receipt.terminal"), paid.kiosk, bold=False),
        Qr(paid.url),
        Text(texts("receipt.scan"), align="center"),
        Text(texts("receipt.help"), align="center"),
    ]
    return Document(name=f"receipt {paid.serial}", blocks=tuple(blocks))


def yuan(fen: int) -> str:
    """``123456`` → ``1,234.56``: two decimals, thousands separated."""
    return f"{fen // 100:,}.{fen % 100:02d}"
