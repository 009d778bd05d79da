"""Made-up papers for trying a printer out: nobody's name, nobody's number."""

from __future__ import annotations

from datetime import datetime

from kiosk.domain.ticket import TicketSlip, WaitRange
from kiosk.paper.receipt import BureauPart, Charge, PaymentReceipt

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


def sample_receipt(at: datetime) -> PaymentReceipt:
    return PaymentReceipt(
        payer_masked="欧*娜",
        number_masked="3506**********003X",
        period="2026-07-01 至 2026-09-30",
        parts=(
            BureauPart("state", (Charge("增值税（小规模纳税人，1%）", 350000),)),
            BureauPart(
                "local",
                (
                    Charge("城市维护建设税（减半征收）", 12250),
                    Charge("教育费附加（减半征收）", 5250),
                    Charge("地方教育附加（减半征收）", 3500),
                ),
            ),
        ),
        paid_at=at,
        serial="2026112309420700357",
        kiosk="K3",
        url="https://hall.example/r/0123456789abcdef012345",
    )
