"""What the machine is told once, when it starts: the catalogue and the limits of this kiosk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kiosk.domain.catalogue import Catalogue, Service
from kiosk.domain.filing import Form, Place
from kiosk.session.state import Availability

if TYPE_CHECKING:
    from kiosk.domain.tax import RulePack


@dataclass(frozen=True)
class Limits:
    """Seconds a visit may take at each point, and whom the green channel is for. Values: config/kiosk.toml."""

    idle_s: float = 60
    take_ticket_s: float = 20
    """Enough to tear the slip off; long for somebody who has to write the number down (see ``sorry_s``)."""
    sorry_s: float = 60
    store_s: float = 5
    hall_answer_s: float = 0.3
    """After this the kiosk gives a number of its own series (promise 1)."""
    find_s: float = 3
    print_s: float = 20
    form_idle_s: float = 120
    """Finding a figure in one's papers takes longer than choosing a button."""
    look_up_s: float = 4
    submit_s: float = 8
    hold_s: float = 4
    charge_s: float = 150
    """Longer than the terminal itself waits for card, PIN and bank."""
    ask_s: float = 25
    """How long the payer is kept waiting for a silent terminal; it is asked on afterwards."""
    enter_s: float = 10
    issue_s: float = 5
    technician_s: float = 10
    """For a technician's card to show its certificate, or to take the PIN and sign."""
    panel_s: float = 5
    action_s: float = 120
    """Of what a technician has the machine do; the longest is a check of the whole store."""
    maintenance_idle_s: float = 300
    touch_test_s: float = 20
    """Without a touch, in the touch test or the calibration."""
    priority_age: int = 70
    """Completed years from which a ticket is of the priority class."""


@dataclass(frozen=True)
class Offline:
    """What may be filed while the hall is silent; nothing is ever paid then. Values: config/kiosk.toml."""

    forms: frozenset[Form] = frozenset()
    """None: nothing is filed without the hall."""
    max_total_yuan: int = 0
    """Due by one return at the most."""
    register_days: int = 0
    """How old what the hall said of a taxpayer may be."""
    max_waiting: int = 0
    """Returns of anybody that wait for the hall."""


@dataclass(frozen=True)
class Rules:
    catalogue: Catalogue
    limits: Limits = field(default_factory=Limits)
    functions: frozenset[str] = frozenset()
    """Codes of the services that this kiosk's software carries out itself."""
    pack: RulePack | None = None
    """The rules that returns are assessed by; without them nothing of taxes is offered."""
    offline: Offline = field(default_factory=Offline)
    place: Place = Place.CITY
    """Where a natural person is taxed who has no registration: the hall's own place."""

    def availability(self, service: Service) -> Availability:
        if service.code in self.functions:
            return Availability.HERE
        return Availability.NOT_YET_HERE if service.self_service else Availability.WINDOW
