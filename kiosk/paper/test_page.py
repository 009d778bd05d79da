"""The technician's page: shows at one look whether a printer sets numbers, characters, edges, code and cut right."""

from __future__ import annotations

from datetime import datetime

from drivers.printer.document import AmountRow, BigNumber, Document, Qr, Row, Rule, Text
from drivers.printer.profile import PrinterProfile
from kiosk.domain.texts import Texts
from kiosk.paper.words import clock


def printer_test_page(printer: str, profile: PrinterProfile, printed_at: datetime, texts: Texts) -> Document:
    """``printer``: its name in the settings, or its port."""
    return Document(
        name="test page",
        blocks=(
            Text(texts("test_page.title"), align="center", bold=True, size=2),
            BigNumber(texts("test_page.number")),
            Rule(),
            Row(texts("test_page.printer"), printer),
            Row(
                texts("test_page.width"),
                texts("test_page.width_value", millimetres=profile.name, columns=profile.columns),
            ),
            Row(texts("test_page.printed_at"), clock(printed_at)),
            Row(texts("test_page.characters"), texts("test_page.characters_value")),
            AmountRow(texts("test_page.amount"), "￥1,234,567.89"),
            Rule(),
            Qr("TEST"),
            Text(texts("test_page.scan"), align="center"),
            Text(texts("test_page.help"), align="center"),
        ),
    )
