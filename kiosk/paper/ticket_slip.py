"""The slip of a ticket: the number across the paper, then what a person needs, in the order they need it."""

from __future__ import annotations

from datetime import datetime, timedelta

from drivers.printer.document import BigNumber, Block, Document, Qr, Row, Rule, Space, Text
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import TicketSlip
from kiosk.paper.words import Language, clock


def ticket_slip(slip: TicketSlip, texts: Texts, hall_name: str, language: Language = "zh") -> Document:
    """``texts`` and ``hall_name`` are of the same ``language``. What is not known is said to be not known."""
    blocks: list[Block] = [
        Text(hall_name, align="center", bold=True),
        Text(texts("slip.motto"), align="center"),
    ]
    if slip.priority:
        blocks.append(Text(texts("slip.priority"), align="center", bold=True, size=2))
    blocks += [
        BigNumber(slip.number),
        Text(_service(slip, texts, language), align="center", bold=True, size=2),
    ]
    if slip.reprint:
        blocks.append(Text(texts("slip.reprint"), align="center", bold=True))
    blocks += [
        Rule(),
        Row(texts("slip.ahead"), _ahead(slip, texts)),
        Row(texts("slip.call"), call_time(slip, texts)),
        Row(texts("slip.taken"), clock(slip.issued_at)),
    ]
    if slip.holder_masked:
        blocks.append(Row(texts("slip.holder"), slip.holder_masked))
    if slip.papers:
        blocks.append(
            Row(texts("slip.papers"), texts("slip.papers_join").join(_paper(name, texts) for name in slip.papers))
        )
    blocks.append(Rule())
    if slip.url:
        blocks += [Qr(slip.url), Text(texts("slip.scan"), align="center")]
    else:
        blocks.append(Space())
    blocks.append(Text(texts("slip.help"), align="center"))
    return Document(name=f"ticket {slip.number}", blocks=tuple(blocks))


def _paper(name: str, texts: Texts) -> str:
    """The catalogue names papers in Chinese; a language that calls them otherwise says so under ``papers``."""
    key = f"papers.{name}"
    return texts(key) if texts.has(key) else name


def call_time(slip: TicketSlip, texts: Texts) -> str:
    """When it will be called, as times of day: ``09:50-09:57``. Minutes of waiting would be wrong once time passes."""
    if slip.wait is None:
        return texts("slip.call_unknown")
    low, high = (_minute(slip.issued_at + timedelta(minutes=m)) for m in (slip.wait.low, slip.wait.high))
    if low == high:
        return texts("slip.call_about", low=low)
    return texts("slip.call_range", low=low, high=high)


def _minute(moment: datetime) -> str:
    return moment.strftime("%H:%M")


def _service(slip: TicketSlip, texts: Texts, language: Language) -> str:
    name = slip.service_en if language == "en" else slip.service_zh
    return name or texts("slip.any_service")


def _ahead(slip: TicketSlip, texts: Texts) -> str:
    if slip.ahead is None:
        return texts("slip.ahead_unknown")
    if slip.ahead == 0:
        return texts("slip.ahead_nobody")
    return texts("slip.ahead_people", count=slip.ahead)
