"""What the receipt printer can be asked for: three papers, each a value that says everything that will stand on it.

They live in the domain because a visit asks for them, the print ledger keeps them, and ``kiosk.paper`` sets them.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.domain.filing import CertificateView, FilingView, InvoiceView


@dataclass(frozen=True)
class ReceiptPaper:
    """缴款凭条 of a filing as it now stands: accepted, half done, paid or entered."""

    filing: FilingView
    taxpayer_name: str
    number_masked: str
    holder_masked: str
    reprint: bool = False


@dataclass(frozen=True)
class CertificatePaper:
    certificate: CertificateView
    reprint: bool = False


@dataclass(frozen=True)
class InvoicePaper:
    invoice: InvoiceView
    reprint: bool = False


Paper = ReceiptPaper | CertificatePaper | InvoicePaper
