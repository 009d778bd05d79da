"""Every fact that a kiosk may report in its journal (``messages.JournalRow``); the tag is the row's kind."""

from __future__ import annotations

from kiosk.domain.filing import TaxFact
from kiosk.domain.fleet import FleetFact
from kiosk.domain.messages import SlipPrinted, TicketAskAbandoned, TicketIssuedHere

Fact = TicketIssuedHere | TicketAskAbandoned | SlipPrinted | TaxFact | FleetFact
