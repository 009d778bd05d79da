"""One session for every page and every way it can look: drawn by the tests, and by gallery.py as pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import config
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.holder import Holder
from kiosk.domain.identity import EntryProblem
from kiosk.domain.messages import HallState, Wait
from kiosk.domain.ticket import TicketSlip, WaitRange
from kiosk.session.state import (
    Availability,
    CardProblem,
    ChooseService,
    Confirm,
    DeviceName,
    DeviceView,
    Home,
    Identify,
    IssueStep,
    Issuing,
    Keypad,
    MyTickets,
    OpenTicket,
    Page,
    Purpose,
    ServiceDetail,
    Session,
    Situation,
    Sorry,
    SorryReason,
    TakeTicket,
)
from tests.screens import maintenance_samples, tax_samples

NOW = datetime(2026, 11, 24, 9, 41, 7, tzinfo=timezone(timedelta(hours=8)))
CATALOGUE = Catalogue(config.read_services())

HOLDER = Holder("35062219880808003X", "欧阳娜", date(1988, 8, 8))
FOREIGN_HOLDER = Holder("911124198108030024", "Maria Guadalupe Lopez-Hernandez", date(1981, 8, 3))

_PRINTER = {name: DeviceView(works=True) for name in DeviceName}


def hall(waiting: int, windows: int, wait: Wait | None) -> HallState:
    return HallState("zz-xc", "芗城办税服务厅", "Xiangcheng Tax Hall", "2026-11-24", waiting, windows, wait, [])


OPEN = Situation(_PRINTER, hall(12, 6, Wait(8, 15)), hall_answers=True)
BUSY = replace(OPEN, hall=hall(187, 14, Wait(105, 140)))
NIGHT = replace(OPEN, hall=hall(0, 0, None))
UNFORESEEN = replace(OPEN, hall=hall(12, 1, None))
SILENT = replace(OPEN, hall_answers=False)
NO_PAPER = replace(OPEN, devices={**_PRINTER, DeviceName.TICKET_PRINTER: DeviceView(works=True, paper_out=True)})
NO_RECEIPTS = replace(OPEN, devices={**_PRINTER, DeviceName.RECEIPT_PRINTER: DeviceView(works=True, paper_out=True)})
NO_TERMINAL = replace(OPEN, devices={**_PRINTER, DeviceName.POS: DeviceView()})
NOTHING_WORKS = Situation(storage_works=True)
DISK_FULL = replace(OPEN, storage_works=False)

FILING = next(s for s in CATALOGUE.services if s.category == "04" and len(s.papers) >= 2)
LONGEST = max(CATALOGUE.services, key=lambda service: (len(service.name_zh), len(service.name_en)))
TIMED = next(s for s in CATALOGUE.services if s.limit_days)
NO_PAPERS = next(s for s in CATALOGUE.services if not s.papers)
MOST_PAPERS = max(CATALOGUE.services, key=lambda service: len(service.papers))

SLIP = TicketSlip(
    number="A057",
    service_code=FILING.code,
    service_zh=FILING.name_zh,
    service_en=FILING.name_en,
    ahead=12,
    wait=WaitRange(8, 15),
    issued_at=NOW,
    holder_masked=HOLDER.masked,
    papers=FILING.papers,
    url="https://hall.example/t/5f1c0a9be7d24c3388f0aa",
    token="5f1c0a9be7d24c3388f0aa",
)
NO_WAIT = replace(SLIP, wait=None)
NEXT_ONE = replace(SLIP, ahead=0, wait=WaitRange(0, 5))
CALLED = replace(SLIP, ahead=None, wait=None)
OWN_SERIES = replace(SLIP, number="K3-001", ahead=None, wait=None)
LONG_SLIP = replace(
    SLIP,
    number="A1057",
    ahead=187,
    wait=WaitRange(105, 140),
    service_zh=LONGEST.name_zh,
    service_en=LONGEST.name_en,
    papers=MOST_PAPERS.papers,
)
ANY_SLIP = replace(SLIP, service_code=None, service_zh="", service_en="", papers=())


def at(page: Page, situation: Situation = OPEN, holder: Holder | None = HOLDER) -> Session:
    return Session(visit=3, page=page, holder=holder, situation=situation)


def identify(**parts: object) -> Identify:
    return replace(Identify(Purpose.TAKE_NUMBER), **parts)  # type: ignore[arg-type]


TAKE, MINE = Purpose.TAKE_NUMBER, Purpose.MY_NUMBER
QUERY = CATALOGUE.search("ZZS")
WRONG = "350622198813"

SESSIONS: dict[str, Session] = {
    "home": at(Home(), holder=None),
    "home-busy": at(Home(), BUSY, None),
    "home-night": at(Home(), NIGHT, None),
    "home-unforeseen": at(Home(), UNFORESEEN, None),
    "home-starting": at(Home(), Situation.at_start(), None),
    "home-hall-silent": at(Home(), SILENT, None),
    "home-nothing-works": at(Home(), NOTHING_WORKS, None),
    "home-disk-full": at(Home(), DISK_FULL, None),
    "home-no-terminal": at(Home(), NO_TERMINAL, None),
    "home-only-guide": at(Home(), Situation(storage_works=False), None),
    "identify": at(identify(), holder=None),
    "identify-reading": at(identify(reading=True), holder=None),
    "identify-unreadable": at(identify(problem=CardProblem.UNREADABLE), holder=None),
    "identify-not-an-id-card": at(identify(problem=CardProblem.NOT_AN_ID_CARD, service=LONGEST), holder=None),
    "identify-taken-away": at(identify(problem=CardProblem.TAKEN_AWAY), holder=None),
    "identify-reader-gone": at(identify(problem=CardProblem.READER_GONE), NOTHING_WORKS, None),
    "identify-mine": at(identify(purpose=MINE), holder=None),
    "identify-mine-reader-gone": at(identify(purpose=MINE, problem=CardProblem.READER_GONE), NOTHING_WORKS, None),
    "identify-file": at(identify(purpose=Purpose.FILE), holder=None),
    "identify-file-reader-gone": at(
        identify(purpose=Purpose.CERTIFICATE, problem=CardProblem.READER_GONE), NOTHING_WORKS, None
    ),
    "keypad": at(Keypad(TAKE), holder=None),
    "keypad-half": at(Keypad(TAKE, "3506221988"), holder=None),
    "keypad-complete": at(Keypad(TAKE, "35062219880808003X"), holder=None),
    "keypad-wrong-month": at(Keypad(TAKE, WRONG, EntryProblem(12, "bad_month")), holder=None),
    "keypad-wrong-x": at(Keypad(TAKE, "35X", EntryProblem(3, "x_not_last")), NOTHING_WORKS, None),
    "keypad-too-short": at(Keypad(TAKE, "3506221988", EntryProblem(11, "wrong_length")), holder=None),
    "choose": at(ChooseService()),
    "choose-query": at(ChooseService(query="ZZS", matches=QUERY)),
    "choose-one-letter": at(ChooseService(query="Z", matches=CATALOGUE.search("Z"))),
    "choose-nothing": at(ChooseService(query="QQQQQQQQQQQQ")),
    "choose-category": at(ChooseService(category="04", matches=CATALOGUE.in_category("04"))),
    "choose-small-category": at(
        ChooseService(category="09", matches=CATALOGUE.in_category("09")), holder=FOREIGN_HOLDER
    ),
    "guide": at(ChooseService(guide=True), holder=None),
    "guide-query": at(ChooseService(guide=True, query="FP", matches=CATALOGUE.search("FP")), holder=None),
    "detail": at(ServiceDetail(FILING, Availability.NOT_YET_HERE)),
    "detail-here": at(ServiceDetail(MOST_PAPERS, Availability.HERE)),
    "detail-longest": at(ServiceDetail(LONGEST, Availability.WINDOW, guide=True), holder=None),
    "detail-timed": at(ServiceDetail(TIMED, Availability.WINDOW)),
    "detail-no-papers": at(ServiceDetail(NO_PAPERS, Availability.WINDOW)),
    "confirm": at(Confirm(FILING)),
    "confirm-any": at(Confirm(None), SILENT),
    "confirm-night": at(Confirm(None), NIGHT),
    "confirm-everything": at(Confirm(LONGEST, card_expired=True, priority=True), NO_PAPER, FOREIGN_HOLDER),
    "issuing-recording": at(Issuing(FILING, IssueStep.RECORDING)),
    "issuing-asking": at(Issuing(FILING, IssueStep.ASKING, key="0" * 32)),
    "issuing-printing": at(Issuing(FILING, IssueStep.PRINTING, key="0" * 32, slip_id=1, slip=SLIP)),
    "issuing-reprint": at(Issuing(None, IssueStep.COMMITTING, slip=replace(SLIP, reprint=True))),
    "ticket": at(TakeTicket(SLIP, printed=True)),
    "ticket-long": at(TakeTicket(LONG_SLIP, printed=True)),
    "ticket-any": at(TakeTicket(ANY_SLIP, printed=True)),
    "ticket-no-wait": at(TakeTicket(NO_WAIT, printed=True), UNFORESEEN),
    "ticket-night": at(TakeTicket(replace(NO_WAIT, ahead=0), printed=True), NIGHT),
    "ticket-next-one": at(TakeTicket(NEXT_ONE, printed=True)),
    "ticket-own-series": at(TakeTicket(OWN_SERIES, printed=True), SILENT),
    "ticket-on-screen": at(TakeTicket(SLIP, printed=False), NO_PAPER),
    "ticket-on-screen-long": at(TakeTicket(LONG_SLIP, printed=False), NO_PAPER),
    "ticket-existing": at(TakeTicket(SLIP, printed=False, existing=True)),
    "ticket-existing-called": at(TakeTicket(CALLED, printed=False, existing=True)),
    "my-looking": at(MyTickets(looking=True)),
    "my-one": at(MyTickets(False, (OpenTicket(SLIP, "waiting"),))),
    "my-called": at(MyTickets(False, (OpenTicket(CALLED, "called", "3"),))),
    "my-three": at(
        MyTickets(
            False,
            (
                OpenTicket(SLIP, "waiting"),
                OpenTicket(replace(LONG_SLIP, number="A003", token="b"), "parked", "5"),
                OpenTicket(replace(OWN_SERIES, token="c"), "waiting"),
            ),
        ),
    ),
    "my-no-paper": at(MyTickets(False, (OpenTicket(SLIP, "waiting"),)), NO_PAPER),
    "sorry-print-failed": at(Sorry(SorryReason.PRINT_FAILED, SLIP, paper_out=True), NO_PAPER),
    "sorry-print-failed-reprint": at(Sorry(SorryReason.PRINT_FAILED, OWN_SERIES, can_reprint=True)),
    "sorry-print-uncertain": at(Sorry(SorryReason.PRINT_UNCERTAIN, SLIP, can_reprint=True)),
    "sorry-not-saved": at(Sorry(SorryReason.NOT_SAVED), DISK_FULL),
    "sorry-hall-silent": at(Sorry(SorryReason.HALL_SILENT), SILENT),
    "sorry-no-ticket": at(Sorry(SorryReason.NO_TICKET)),
    "sorry-out-of-service": at(Sorry(SorryReason.OUT_OF_SERVICE), NOTHING_WORKS, None),
}

SITUATIONS = {"NO_RECEIPTS": NO_RECEIPTS, "NO_TERMINAL": NO_TERMINAL}
SESSIONS |= {
    name: at(*((page[0], SITUATIONS[page[1]]) if isinstance(page, tuple) else (page,)))
    for name, page in tax_samples.PAGES.items()
}
LOCKED = replace(OPEN, locked=True)
SESSIONS |= {
    "out-of-service-locked": at(Sorry(SorryReason.OUT_OF_SERVICE), LOCKED, None),
    "out-of-service-locked-why": at(
        Sorry(SorryReason.OUT_OF_SERVICE), replace(LOCKED, locked_words="今晚 22:00 到 23:00 检修，请用 4 号机。"), None
    ),
}
SESSIONS |= {name: at(page, holder=None) for name, page in maintenance_samples.PAGES.items()}
