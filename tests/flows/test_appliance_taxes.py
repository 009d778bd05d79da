"""A kiosk without its face files, charges and prints: real hall, both bureaus, terminal and printers on real lines."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

import config
from demo.processes import wait_until
from kiosk.cli.front_end import read_rules
from kiosk.cli.output import open_store
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.filing import Form
from kiosk.domain.texts import Texts
from kiosk.runtime.appliance import Appliance
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import enrolment_of
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import CancelPay, GoHome, PrintAgain
from kiosk.session.rules import Rules
from kiosk.session.state import Finished, Home, Language, Paying, PayStep, Purpose, Session, Shown, Sorry, SorryReason
from kiosk.settings import load
from tests.crash.campaign import ANSWERS
from tests.crash.script import Script, Wish
from tests.crash.town import Citizen, Town, citizens
from tests.flows.test_runtime_taxes import _held_in_memory

TEXTS = {language: Texts(config.read_texts(language.value)) for language in Language}
CATALOGUE = Catalogue(config.read_services())
CLOCK = SystemClock()


class Kiosk:
    """Everything of the town's kiosk but its window, in this process."""

    def __init__(self, town: Town) -> None:
        settings = load(town.settings)
        self._town = town
        self.store = open_store(settings)
        enrolment = enrolment_of(self.store)
        assert enrolment is not None
        self.inbox = Inbox()
        self._changed = threading.Condition()
        self._shown: Shown | None = None
        rules = replace(Rules(CATALOGUE, settings.limits), pack=read_rules(settings))
        self._appliance = Appliance(
            settings, self.store, enrolment, CATALOGUE, TEXTS, self.inbox, CLOCK, self._show, rules
        )
        self._appliance.start()
        self.waits(lambda session: session.situation.can_file and session.situation.can_pay)

    def close(self) -> None:
        self._appliance.stop()
        self.store.close()

    def _show(self, shown: Shown) -> None:
        with self._changed:
            self._shown = shown
            self._changed.notify_all()

    def waits(self, what: Callable[[Session], bool], seconds: float = 30.0) -> Session:
        with self._changed:
            there = self._changed.wait_for(lambda: self._shown is not None and what(self._shown.session), seconds)
            assert self._shown is not None
            assert there, f"never shown; last: {type(self._shown.session.page).__name__}"
            return self._shown.session

    def visits(self, person: Citizen, wish: Wish, until: Callable[[Session], bool] | None = None) -> str:
        """The whole visit, or up to a page; how it ended."""
        script = Script(wish)
        deadline = time.monotonic() + 60
        while not script.ended and time.monotonic() < deadline:
            with self._changed:
                self._changed.wait(0.1)
                session = self._shown.session if self._shown else Session()
            if until is not None and until(session):
                script.ended = "there"
                break
            if type(session.page).__name__ == "Identify" and session.holder is None:
                self._town.do("id-card", "lay", {"name": person.name, "number": person.number})
            for touch in script.touches(session.page, CLOCK.now()):
                self.inbox.post(touch)
        self._town.do("id-card", "lift")
        return script.ended or "stuck"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    people = [replace(person, name="司马相如") for person in citizens(6)]
    with Town(tmp_path_factory.mktemp("town"), people) as town:
        yield town


@pytest.fixture
def kiosk(town: Town) -> Iterator[Kiosk]:
    kiosk = Kiosk(town)
    yield kiosk
    kiosk.close()


def a_return(town: Town, person: Citizen) -> Wish:
    taxpayer = town.hall_rows("SELECT id FROM taxpayer WHERE state_serial = ?", person.state_serial)[0][0]
    return Wish(Purpose.FILE, taxpayer, Form.VAT_SMALL_SCALE, ANSWERS)


def charges(town: Town) -> int:
    return sum(record["outcome"] == "approved" for record in town.charges())


def outcomes(town: Town, kiosk: Kiosk) -> dict[str, str | None]:
    """What the hall holds of this kiosk's payments, once it has heard everything."""
    wait_until(lambda: kiosk.store.journal_after(kiosk.store.journal_mark().high_water, 1) == [], 15, "it is told")
    return dict(town.hall_rows("SELECT key, outcome FROM payment"))


def test_a_return_is_filed_paid_once_and_proved_on_paper(town: Town, kiosk: Kiosk) -> None:
    before, papers = charges(town), len(town.papers())
    assert kiosk.visits(town.people[0], a_return(town, town.people[0])) == "finished"
    assert charges(town) == before + 1
    assert "缴款凭条" in town.papers()[-1]
    assert len(town.papers()) == papers + 1
    town.settled()
    assert "approved" in outcomes(town, kiosk).values()
    wait_until(lambda: kiosk.store.payments.open() == [], 15, "the agent has heard that it is entered")


def test_a_second_after_the_visit_no_trace_of_its_person_is_in_memory(town: Town, kiosk: Kiosk) -> None:
    """Store, workers, devices, connections, session: all of it but the window, which has a test of its own."""
    invoice = Wish(Purpose.INVOICE, "self", Form.INVOICE_ON_BEHALF, ANSWERS)
    person = town.people[1]
    assert kiosk.visits(person, invoice) == "finished"
    kiosk.waits(lambda session: isinstance(session.page, Home))
    number, name = person.number, person.name
    # What the test itself knows of the person is not the kiosk's.
    everybody, town.people = town.people, []
    del person
    time.sleep(1.0)
    gc.collect()
    try:
        found = [trace for trace in _held_in_memory([number, name]) if not trace.startswith("Citizen")]
    finally:
        town.people = everybody
    assert found == []


def test_a_terminal_pulled_in_mid_charge_is_asked_after_a_restart_and_has_charged_once(town: Town) -> None:
    before = charges(town)
    kiosk = Kiosk(town)
    person = town.people[2]

    def charging(session: Session) -> bool:
        page = session.page
        return isinstance(page, Paying) and page.step is PayStep.CHARGING and page.progress == "asking_bank"

    assert kiosk.visits(person, a_return(town, person), until=charging) == "there"
    town.do("pos", "unplug")
    kiosk.waits(lambda session: isinstance(session.page, Paying) and session.page.step is PayStep.ASKING)
    kiosk.close()
    town.plug_terminal()
    again = Kiosk(town)
    try:
        wait_until(
            lambda: all(payment.state == "approved" for payment in again.store.payments.open()), 30, "it is known"
        )
        assert charges(town) == before + 1
        town.settled()
        assert None not in outcomes(town, again).values()
        assert again.visits(person, a_return(town, person)) == "nothing left"
    finally:
        again.close()


def test_a_payer_who_walks_away_holds_up_nobody(town: Town, kiosk: Kiosk) -> None:
    town.do("pos", "auto", False)
    try:
        before = charges(town)
        person = town.people[3]
        assert kiosk.visits(
            person,
            a_return(town, person),
            until=lambda session: isinstance(session.page, Paying) and session.page.can_cancel,
        )
        kiosk.inbox.post(CancelPay())
        page = kiosk.waits(lambda session: isinstance(session.page, Sorry)).page
        assert isinstance(page, Sorry)
        assert page.word == "cancelled"
        assert charges(town) == before
    finally:
        town.do("pos", "auto", True)
    # The hall has let go of it: the same return can be paid at once.
    assert "refused" in outcomes(town, kiosk).values()


def test_a_receipt_that_got_stuck_is_printed_again_on_request_and_marked(town: Town, kiosk: Kiosk) -> None:
    person = town.people[4]
    before = len(town.papers())
    town.do("receipt-printer", "paper-out-after", 12)
    assert (
        kiosk.visits(person, a_return(town, person), until=lambda session: isinstance(session.page, Sorry)) == "there"
    )
    page = kiosk.waits(lambda session: isinstance(session.page, Sorry)).page
    assert isinstance(page, Sorry)
    assert page.reason in (SorryReason.PAPER_FAILED, SorryReason.PAPER_UNCERTAIN)
    kiosk.waits(lambda session: not session.situation.can_print_papers)
    town.do("receipt-printer", "refill")
    kiosk.waits(lambda session: isinstance(session.page, Sorry) and session.page.can_reprint)
    kiosk.inbox.post(PrintAgain())
    kiosk.waits(lambda session: isinstance(session.page, Finished))
    papers = town.papers()[before:]
    assert "补打" in papers[-1]
    assert not any("补打" in paper for paper in papers[:-1])
    kiosk.inbox.post(GoHome())
    kiosk.waits(lambda session: isinstance(session.page, Home))
