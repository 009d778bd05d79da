"""税收完税证明（表格式）: what one bureau has in its treasury of one filing, on a numbered blank.

税收票证管理办法 (总局令第28号): the table form is no receipt for money and may be issued again, each time on the next
blank. The payer's name stands in full, as the law wants; a person's own number comes masked from the hall.
"""

from __future__ import annotations

from collections.abc import Iterator

from drivers.printer.document import AmountRow, Block, Document, Qr, Row, Rule, Text
from kiosk.domain.filing import CertificateLine
from kiosk.domain.money import amount_in_words
from kiosk.domain.papers import CertificatePaper
from kiosk.domain.texts import Texts
from kiosk.paper.words import bracketed, bureau_name, in_fours, period, reprint_mark, short_key

_INDENT = 2


def certificate(paper: CertificatePaper, texts: Texts, hall_name: str, kiosk: str) -> Document:
    """``texts`` and ``hall_name`` are of one language. Legal terms stay Chinese in every language."""
    proof = paper.certificate
    bureau = bureau_name(proof.bureau, [line.levy for line in proof.lines], texts)
    blocks: list[Block] = [
        Text(texts("paper.certificate.state_name"), align="center", bold=True),
        Text(texts("paper.certificate.title"), align="center", bold=True, size=2),
        Text(texts("paper.certificate.form"), align="center"),
        *reprint_mark(proof.print_count, paper.reprint, texts),
        # 字轨 and serial number, each whole on a line of its own: they are compared with the blank by eye.
        Text(proof.number.replace(" ", "\n"), align="center", bold=True, size=2),
        Text(texts("paper.certificate.compare"), align="center"),
        Rule(),
        Row(texts("paper.certificate.issuer"), f"{bureau} {hall_name}"),
        Row(texts("paper.certificate.payer"), proof.payer_name),
        Row(texts("paper.certificate.payer_number"), proof.payer_number_masked),
        Row(texts("paper.certificate.entered_at"), proof.entered_at.date().isoformat()),
        Rule(),
        AmountRow(texts("paper.certificate.columns"), texts("paper.certificate.columns_amount")),
    ]
    for line in proof.lines:
        blocks += _line(line, texts)
    blocks += [
        Rule(),
        AmountRow(texts("paper.certificate.total"), "￥" + bracketed(proof.amount), bold=True, size=2),
        Text(texts("paper.words")),
        Text(amount_in_words(proof.amount), bold=True, indent=_INDENT),
        Rule(),
        Row(texts("paper.certificate.verification"), in_fours(proof.verification)),
        Row(texts("paper.business"), short_key(proof.filing), bold=False),
        Row(texts("paper.kiosk"), kiosk, bold=False),
        Qr(proof.verification),
        Text(texts("paper.certificate.scan"), align="center"),
        Text(texts("paper.certificate.help"), align="center"),
    ]
    return Document(name=f"certificate {proof.number}", blocks=tuple(blocks))


def _line(line: CertificateLine, texts: Texts) -> Iterator[Block]:
    """A levy and, as an amount of its own, its late surcharge."""
    yield AmountRow(texts(f"paper.levy.{line.levy}"), bracketed(line.amount), bold=True)
    if line.late:
        yield AmountRow(texts("paper.certificate.late"), bracketed(line.late), bold=True)
    if told := period(line.period_start, line.period_end, texts):
        yield Row("  " + texts("paper.period"), told, bold=False)
    if line.receipt:
        yield Row("  " + texts("paper.certificate.receipt"), line.receipt, bold=False)
