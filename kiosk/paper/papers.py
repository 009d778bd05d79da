"""Any paper of the receipt printer as a document."""

from __future__ import annotations

from dataclasses import replace

from drivers.printer.document import Document, Text
from kiosk.domain.papers import CertificatePaper, InvoicePaper, Paper, ReceiptPaper
from kiosk.domain.texts import Texts
from kiosk.paper.certificate import certificate
from kiosk.paper.invoice import invoice
from kiosk.paper.receipt import receipt
from kiosk.paper.words import Language


def paper_document(paper: Paper, texts: Texts, hall_name: str, language: Language, kiosk: str) -> Document:
    """``texts`` and ``hall_name`` are of ``language``; ``kiosk``: its id in the hall, ``K3``."""
    match paper:
        case ReceiptPaper():
            return receipt(paper, texts, hall_name, kiosk)
        case CertificatePaper():
            document = certificate(paper, texts, hall_name, kiosk)
        case InvoicePaper():
            document = invoice(paper, texts, hall_name, kiosk)
    if language == "zh":
        return document
    # A certificate and an invoice are documents of Chinese law; what stands beside its terms only helps to read them.
    return replace(document, blocks=(*document.blocks, Text(texts("paper.chinese_counts"), align="center")))
