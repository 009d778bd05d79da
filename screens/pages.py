"""Which screen shows which page. A screen's module is loaded when its page is first shown: home waits for none."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from kiosk.session.panel import Calibration, Maintenance, MaintenanceLogin, TouchTest
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    ChooseService,
    ChooseTaxpayer,
    CompareNumber,
    Confirm,
    Declared,
    Finished,
    Home,
    Identify,
    Issuing,
    IssuingPaper,
    Keypad,
    LookingUp,
    MyTaxes,
    MyTickets,
    Page,
    Paying,
    PrintingPaper,
    ServiceDetail,
    Sorry,
    SorryReason,
    Submitting,
    TakeTicket,
    TodoList,
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
    LookingUp: "looking_up",
    ChooseTaxpayer: "choose_taxpayer",
    TodoList: "todo_list",
    Ask: "ask",
    Check: "check",
    Submitting: "submitting",
    Declared: "declared",
    Paying: "paying",
    IssuingPaper: "issuing_paper",
    PrintingPaper: "printing_paper",
    CompareNumber: "compare_number",
    Finished: "finished",
    Certificates: "certificates",
    MyTaxes: "my_taxes",
    MaintenanceLogin: "maintenance_login",
    Maintenance: "maintenance",
    TouchTest: "touch_test",
    Calibration: "calibration",
}

#: Where a keyboard does something.
KEYBOARD_PAGES = (MaintenanceLogin, Maintenance, TouchTest, Calibration)


def screen_of(view: View) -> Screen[Any]:
    page: Page = view.session.page
    locked = isinstance(page, Home) and view.session.situation.locked
    if locked or (isinstance(page, Sorry) and page.reason is SorryReason.OUT_OF_SERVICE):
        return _load("out_of_service", view)
    return _load(MODULES[type(page)], view)


def same_list(one: Page, other: Page) -> bool:
    """Is it the same list, so that it stays leafed to where it is? A panel is read again while somebody looks at it."""
    if isinstance(one, Maintenance) and isinstance(other, Maintenance):
        return (one.place, one.subject) == (other.place, other.subject)
    return one == other


def out_of_service(view: View) -> Screen[Any]:
    """Shown by the app itself when drawing failed."""
    return _load("out_of_service", view)


def _load(module: str, view: View) -> Screen[Any]:
    screen: type[Screen[Any]] = import_module(f"screens.{module}").SHOWN
    return screen(view, view.session.page)
