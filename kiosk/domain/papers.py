"""What the receipt printer can be asked for: three papers, each a value that says everything that will stand on it.

They live in the domain because a visit asks for them, the print ledger keeps them, and ``kiosk.paper`` sets them.
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.domain.filing import CertificateView, Charge, FilingView, InvoiceView


@dataclass(frozen=True)
class ReceiptPaper:
    """缴款凭条 of a filing as it now stands: half done, accepted, paid or entered. Unpaid, it is a 申报受理回执."""

    filing: FilingView
    taxpayer_name: str
    """As registered. What of it is masked on paper is decided where it is printed."""
    number_masked: str
    holder_masked: str
    reprint: bool = False
    charge: Charge | None = None
    """The terminal's word of this visit: which card, and that money was taken even where the hall has not answered."""


@dataclass(frozen=True)
class CertificatePaper:
    certificate: CertificateView
    reprint: bool = False
    """The same number once more, because nobody knows whether it came out."""


@dataclass(frozen=True)
class InvoicePaper:
    invoice: InvoiceView
    reprint: bool = False
    """The same number once more, because nobody knows whether it came out."""


Paper = ReceiptPaper | CertificatePaper | InvoicePaper
