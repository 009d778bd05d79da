"""Which screen shows which page. A screen's module is loaded when its page is first shown: home waits for none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kiosk.session.state import (
    ChooseService,
    Confirm,
    Home,
    Identify,
    Issuing,
    Keypad,
    MyTickets,
    Page,
    ServiceDetail,
    Sorry,
    SorryReason,
    TakeTicket,
)
from screens.screen import Screen, View

MODULES: dict[type, str] = {
    Home: "home",
    Identify: "identify",
    Keypad: "keypad",
    ChooseService: "choose_service",
    ServiceDetail: "service_detail",
    Confirm: "confirm",
    Issuing: "issuing",
    TakeTicket: "take_ticket",
    MyTickets: "my_tickets",
    Sorry: "sorry",
}


def screen_of(view: View) -> Screen[Any]:
    page: Page = view.session.page
    if isinstance(page, Sorry) and page.reason is SorryReason.OUT_OF_SERVICE:
        return _load("out_of_service", view)
    return _load(MODULES[type(page)], view)


def out_of_service(view: View) -> Screen[Any]:
    """Shown by the app itself when drawing failed."""
    return _load("out_of_service", view)


def _load(module: str, view: View) -> Screen[Any]:
    screen: type[Screen[Any]] = import_module(f"screens.{module}").SHOWN
    return screen(view, view.session.page)
