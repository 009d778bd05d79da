"""What goes on a slip, put together from the hall's answer or the kiosk's own, and the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kiosk.domain.catalogue import Catalogue
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.messages import TicketView
from kiosk.domain.ticket import TicketSlip, WaitRange


@dataclass(frozen=True)
class SlipMaker:
    """``url_base``: the phone page of a ticket, up to its token. ``any_service``: its Chinese and English name."""

    catalogue: Catalogue
    url_base: str
    any_service: tuple[str, str]

    def from_hall(self, view: TicketView, holder_masked: str, priority: bool) -> TicketSlip:
        wait = WaitRange(view.wait.low, view.wait.high) if view.wait else None
        return self._make(
            view.service, view.issued_at.astimezone(HALL_ZONE), holder_masked, priority,
            number=view.number, token=view.token, ahead=view.ahead, wait=wait,
        )  # fmt: skip

    def draft(self, service: str | None, issued_at: datetime, holder_masked: str, priority: bool) -> TicketSlip:
        """Without number and token, and without a place in line: the hall is silent, and a guess would be a lie."""
        return self._make(service, issued_at, holder_masked, priority)

    def _make(
        self,
        service_code: str | None,
        issued_at: datetime,
        holder_masked: str,
        priority: bool,
        number: str = "",
        token: str = "",
        ahead: int | None = None,
        wait: WaitRange | None = None,
    ) -> TicketSlip:
        zh, en = self.any_service
        papers: tuple[str, ...] = ()
        try:
            service = self.catalogue.get(service_code) if service_code else None
        except KeyError:
            # The hall has a newer list than this kiosk: the number is good all the same.
            service = None
        if service is not None:
            zh, en, papers = service.name_zh, service.name_en, service.papers
        return TicketSlip(
            number=number,
            service_code=service_code,
            service_zh=zh,
            service_en=en,
            ahead=ahead,
            wait=wait,
            issued_at=issued_at,
            holder_masked=holder_masked,
            papers=papers,
            url=self.url_base + token,
            token=token,
            priority=priority,
        )
