"""Made-up papers for trying a printer out: nobody's name, nobody's number."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from kiosk.domain.filing import (
    Bureau,
    CertificateLine,
    CertificateView,
    Charge,
    FilingPart,
    FilingView,
    Form,
    InvoiceView,
    Levy,
    Line,
    PaymentPart,
    PaymentView,
)
from kiosk.domain.papers import CertificatePaper, InvoicePaper, ReceiptPaper
from kiosk.domain.ticket import TicketSlip, WaitRange

HALL_NAMES = {"zh": "芗城办税服务厅", "en": "Xiangcheng Tax Service Hall"}


def sample_ticket(at: datetime) -> TicketSlip:
    return TicketSlip(
        number="A057",
        service_code="110101",
        service_zh="增值税小规模纳税人申报",
        service_en="VAT return, small-scale taxpayer",
        ahead=12,
        wait=WaitRange(low=8, high=15),
        issued_at=at,
        holder_masked="欧*娜 3506**********003X",
        papers=("身份证", "营业执照", "本期销售额"),
        url="https://hall.example/t/0123456789abcdef012345",
        token="0123456789abcdef012345",  # noqa: S106  # a ticket's public token, of a ticket that never was
    )


#: Keys of what never was.
_FILING, _PAYMENT, _CERTIFICATE, _INVOICE = (digit * 32 for digit in "3abc")
_PERIOD = date(2026, 7, 1), date(2026, 9, 30)
_HALVED = "公告2023年第12号 第二条"


def sample_filing(at: datetime) -> FilingView:
    """350,000 yuan of sales in a quarter of 2026, paid in time, and in both treasuries."""
    return FilingView(
        key=_FILING,
        taxpayer="0",
        form=Form.VAT_SMALL_SCALE,
        state="accepted",
        lines=[
            _line(Levy.VAT, Bureau.STATE, 35000000, "0.01", 350000, 0, "VR-1-2026", "公告2026年第10号 三(三)6"),
            _line(Levy.UMCT, Bureau.LOCAL, 350000, "0.07", 24500, 12250, "UMCT-CITY", _HALVED),
            _line(Levy.EDUCATION, Bureau.LOCAL, 350000, "0.03", 10500, 5250, "EDUCATION", _HALVED),
            _line(Levy.LOCAL_EDUCATION, Bureau.LOCAL, 350000, "0.02", 7000, 3500, "LOCAL-EDUCATION", _HALVED),
        ],
        total=371000,
        parts=[
            FilingPart(Bureau.STATE, "accepted", "GS202611230000357"),
            FilingPart(Bureau.LOCAL, "accepted", "DS202611230000218"),
        ],
        declared_at=at - timedelta(minutes=2),
        deadline=at.date(),
        late=[],
        can_pay=False,
        period_start=_PERIOD[0],
        period_end=_PERIOD[1],
        payment=PaymentView(
            key=_PAYMENT,
            state="entered",
            amount=371000,
            parts=[
                PaymentPart(Bureau.STATE, 350000, "entered", "GK202611230000357"),
                PaymentPart(Bureau.LOCAL, 21000, "entered", "DK202611230000218"),
            ],
            filings=[_FILING],
            paid_at=at,
            reference="112309420700",
        ),
    )


def _line(levy: Levy, bureau: Bureau, base: int, rate: str, due: int, relief: int, rule: str, source: str) -> Line:
    return Line(levy, bureau, due, relief, due - relief, rule, source, base, rate, "SIX-TAXES" if relief else None)


def sample_receipt(at: datetime) -> ReceiptPaper:
    return ReceiptPaper(
        filing=sample_filing(at),
        taxpayer_name="芗城区样品百货商行",
        number_masked="9235**********X278",
        holder_masked="欧*娜 3506**********003X",
        charge=Charge(
            terminal="T0000001",
            trace="000042",
            reference="112309420700",
            card_masked="6222****1234",
            at=at,
            amount=371000,
        ),
    )


def sample_certificate(at: datetime) -> CertificatePaper:
    return CertificatePaper(
        CertificateView(
            key=_CERTIFICATE,
            filing=_FILING,
            bureau=Bureau.STATE,
            number="(261)闽国证 0012345",
            payer_name="芗城区样品百货商行",
            payer_number_masked="9235**********X278",
            lines=[CertificateLine(Levy.VAT, *_PERIOD, 350000, 0, "GK202611230000357")],
            amount=350000,
            entered_at=at,
            verification="7F3C91B24AD0E586",
            print_count=1,
            state="taken",
        )
    )


def sample_invoice(at: datetime) -> InvoicePaper:
    return InvoicePaper(
        InvoiceView(
            key=_INVOICE,
            filing=_FILING,
            medium="digital",
            code="",
            number="26352000000012345678",
            kind="ordinary",
            issued_at=at,
            seller_name="欧阳样品",
            seller_number="3506**********003X",
            buyer_name="漳州样品贸易有限公司",
            buyer_number="91350600MA2XXXX199",
            item_zh="*设计服务*店面设计",
            net=495050,
            vat=4950,
            gross=500000,
            rate="0.01",
            check_code="",
            state="taken",
        )
    )
