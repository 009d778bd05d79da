"""What the line goes by: the hall's settings, and the names and categories of its services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time

from hall.settings import Order
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.day import business_day

#: The category of a ticket for any service, or for one that this hall's catalogue does not know.
ANY = "any"


class Services:
    """Names and categories by code; a kiosk with a newer catalogue may name a service that this hall does not know."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._services = {service.code: service for service in catalogue.services}

    def category(self, code: str | None) -> str:
        known = self._services.get(code) if code else None
        return known.category if known else ANY

    def zh(self, code: str | None) -> str | None:
        known = self._services.get(code) if code else None
        return known.name_zh if known else None

    def en(self, code: str | None) -> str | None:
        known = self._services.get(code) if code else None
        return known.name_en if known else None


@dataclass(frozen=True)
class Rules:
    order: Order
    day_starts: time
    services: Services

    def day(self, at: datetime) -> str:
        return business_day(at, self.day_starts)

    def rate(self, ticket_class: str) -> float:
        return self.order.priority if ticket_class == "priority" else self.order.normal

    @property
    def rates(self) -> dict[str, float]:
        """As parameters of the statements that order the line."""
        return {"normal": self.order.normal, "priority": self.order.priority}
