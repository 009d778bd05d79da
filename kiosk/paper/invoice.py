"""代开发票: an invoice issued on behalf, in the paper form of 2016–17 or the fully digital form (数电票) of today.

An invoice is never voided here: a wrong one is cancelled by a red-letter one (红字), with negative amounts.
"""

from __future__ import annotations

import hashlib

from drivers.printer.document import AmountRow, Block, Document, Qr, Row, Rule, Text
from kiosk.domain.filing import InvoiceView
from kiosk.domain.money import amount_in_words, grouped, yuan
from kiosk.domain.papers import InvoicePaper
from kiosk.domain.texts import Texts
from kiosk.paper.words import clock, in_fours, percent, reprint_mark, short_key

_INDENT = 2
_SPECIAL, _ORDINARY, _ELECTRONIC = "01", "04", "10"


def invoice(paper: InvoicePaper, texts: Texts, hall_name: str, kiosk: str) -> Document:
    """``texts`` and ``hall_name`` are of one language. Legal terms stay Chinese in every language."""
    bill = paper.invoice
    title = bill.kind if bill.medium == "paper" else f"{bill.kind}_digital"
    blocks: list[Block] = [
        Text(texts(f"paper.invoice.{title}"), align="center", bold=True, size=2),
        Text(texts("paper.invoice.on_behalf"), align="center", bold=True),
        *_standing(bill, texts),
        # The hall counts the sheets that came out, and this one has not yet.
        *reprint_mark(bill.print_count + 1, paper.reprint, texts),
        Rule(),
    ]
    if bill.code:
        blocks += [
            Text(texts("paper.invoice.code"), align="center"),
            Text(bill.code, align="center", bold=True, size=2),
        ]
    blocks += [
        Text(texts("paper.invoice.number"), align="center"),
        Text(bill.number, align="center", bold=True, size=2),
        Rule(),
        Row(texts("paper.invoice.issued_at"), clock(bill.issued_at)),
        Rule(),
        Row(texts("paper.invoice.buyer"), bill.buyer_name),
    ]
    if bill.buyer_number:
        blocks.append(Row(texts("paper.invoice.tax_number"), bill.buyer_number))
    blocks += [
        Row(texts("paper.invoice.seller"), bill.seller_name),
        Row(texts("paper.invoice.tax_number"), bill.seller_number),
        Rule(),
        Row(texts("paper.invoice.item"), bill.item_zh),
        AmountRow(texts("paper.invoice.net"), grouped(_signed(bill, bill.net))),
        AmountRow(texts("paper.invoice.rate"), percent(bill.rate)),
        AmountRow(texts("paper.invoice.vat"), grouped(_signed(bill, bill.vat))),
        AmountRow(texts("paper.invoice.total"), "￥" + grouped(_signed(bill, bill.gross)), bold=True, size=2),
        Text(texts("paper.words")),
        Text(amount_in_words(_signed(bill, bill.gross)), bold=True, indent=_INDENT),
        Rule(),
    ]
    if bill.check_code:
        blocks.append(Row(texts("paper.invoice.check_code"), in_fours(bill.check_code, 5)))
    blocks += [
        Row(
            texts("paper.invoice.remark"), texts("paper.invoice.remark_value", hall=hall_name, kiosk=kiosk), bold=False
        ),
        Row(texts("paper.business"), short_key(bill.filing), bold=False),
        Qr(invoice_code(bill)),
        Text(texts("paper.invoice.scan"), align="center"),
        Text(texts("paper.invoice.help_red" if bill.red_of else "paper.invoice.help"), align="center"),
    ]
    return Document(name=f"invoice {bill.number}", blocks=tuple(blocks))


def _standing(bill: InvoiceView, texts: Texts) -> list[Block]:
    """What must be seen before anything else: that it takes money back, or is itself taken back."""
    if bill.red_of is not None:
        return [
            Text(texts("paper.invoice.red"), align="center", bold=True, size=2),
            Text(texts("paper.invoice.red_of", number=bill.red_of), align="center", bold=True),
        ]
    match bill.state:
        case "red":
            return [Text(texts("paper.invoice.cancelled"), align="center", bold=True)]
        case "void":
            return [Text(texts("paper.invoice.void"), align="center", bold=True, size=2)]
        case _:
            return []


def _signed(bill: InvoiceView, fen: int) -> int:
    """A printer has no red ink: the amounts of a red-letter invoice are negative."""
    return -abs(fen) if bill.red_of is not None else fen


def invoice_code(bill: InvoiceView) -> str:
    """What the QR code says: ``01,kind,code,number,amount,date,checkcode,random,``.

    The amount is what the tax service's page for checking invoices (查验平台) asks for: of a paper invoice the net one,
    of a digital one the whole. A special invoice has no check code. The random part must be the same on every copy, so
    it comes from the key.
    """
    if bill.medium == "digital":
        kind, amount = _ELECTRONIC, bill.gross
    else:
        kind, amount = (_SPECIAL if bill.kind == "special" else _ORDINARY), bill.net
    check_code = "" if bill.kind == "special" else bill.check_code
    salt = hashlib.sha256(b"invoice-code:" + bill.key.encode()).hexdigest()[:4].upper()
    day = f"{bill.issued_at:%Y%m%d}"
    return ",".join(("01", kind, bill.code, bill.number, yuan(_signed(bill, amount)), day, check_code, salt, ""))
