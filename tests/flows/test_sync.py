"""The journal reaches a real hall process: once, in order, and whatever happens to the hall on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from demo.hall_server import HallServer
from demo.processes import wait_until
from kiosk.domain.messages import TicketRequest, TicketView
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.enrolment import Enrolment, enrol
from kiosk.store.store import Store
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient, HallRefused, HallUnreachable, JournalGap
from kiosk.sync.signing import Signer
from tests.unit.test_store import DRAFT, KEY

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    hall = HallServer(tmp_path_factory.mktemp("hall"))
    hall.start()
    yield hall
    hall.stop()


class Kiosk:
    """Store, enrolment and client of one kiosk, as its processes have them."""

    def __init__(self, hall: HallServer, folder: Path, name: str) -> None:
        self.store = Store(folder / f"{name}.sqlite", KEY)
        self.hall_url = hall.url
        plain = HallClient(hall.url)
        self.enrolment: Enrolment = enrol(self.store, plain, hall.command("enrol", name)["code"], 10)
        self.signer = Signer(self.enrolment.kiosk, self.enrolment.private_key)
        self.client = HallClient(hall.url, self.signer)

    def own_ticket(self, abandoned: str = "") -> tuple[str, str]:
        """(number, token) of a new ticket of the kiosk's own series."""
        now = CLOCK.now()
        draft = replace(DRAFT, issued_at=now)
        recorded = self.store.record_own_ticket(
            self.enrolment.kiosk, abandoned, draft, None, False, now, "http://hall/t/"
        )
        return recorded.slip.number, recorded.slip.token

    def ask(self, key: str) -> str:
        return self.client.ask_ticket(TicketRequest(key=key, requested_at=CLOCK.now()), 10).number


_names = iter(range(1, 900))


@pytest.fixture
def kiosk(hall: HallServer, tmp_path: Path) -> Kiosk:
    return Kiosk(hall, tmp_path, f"K{next(_names)}")


def public(kiosk: Kiosk, token: str) -> dict[str, object]:
    """What the phone behind the ticket's QR is told."""
    told: dict[str, object] = httpx2.get(f"{kiosk.hall_url}/public/tickets/{token}").json()
    return told


def test_a_ticket_given_while_the_hall_was_silent_keeps_its_number_after_sync(kiosk: Kiosk) -> None:
    number, token = kiosk.own_ticket()
    assert agent.drain(kiosk.store, kiosk.client) == 1
    ticket = public(kiosk, token)
    assert (ticket["number"], ticket["state"]) == (number, "waiting")
    assert agent.drain(kiosk.store, kiosk.client) == 0


def test_a_number_asked_for_with_unknown_outcome_is_void_at_the_hall(kiosk: Kiosk) -> None:
    key = kiosk.store.record_ask(CLOCK.now())
    view = kiosk.client.ask_ticket(TicketRequest(key=key, requested_at=CLOCK.now()), 10)
    # The answer was lost on the way: the kiosk gave a number of its own.
    kiosk.own_ticket(abandoned=key)
    agent.drain(kiosk.store, kiosk.client)
    assert public(kiosk, view.token)["state"] == "void"


def test_an_ask_that_arrives_after_it_was_abandoned_gives_no_number(kiosk: Kiosk) -> None:
    key = kiosk.store.record_ask(CLOCK.now())
    kiosk.own_ticket(abandoned=key)
    agent.drain(kiosk.store, kiosk.client)
    with pytest.raises(HallRefused):
        kiosk.ask(key)


def test_who_asks_again_at_once_is_not_told_of_the_number_about_to_be_voided(kiosk: Kiosk) -> None:
    def ask(key: str) -> TicketView:
        abandoned = kiosk.store.abandoned_on_the_way()
        request = TicketRequest(key=key, requested_at=CLOCK.now(), holder_ref="5" * 64, abandoned=abandoned)
        return kiosk.client.ask_ticket(request, 10)

    lost = kiosk.store.record_ask(CLOCK.now())
    first = ask(lost)
    kiosk.own_ticket(abandoned=lost)
    second = ask(kiosk.store.record_ask(CLOCK.now()))
    assert not second.existing
    assert second.number != first.number
    assert public(kiosk, first.token)["state"] == "void"
    agent.drain(kiosk.store, kiosk.client)
    assert kiosk.store.abandoned_on_the_way() == []
    assert public(kiosk, second.token)["state"] == "waiting"


def test_the_same_ask_gets_the_same_number(kiosk: Kiosk) -> None:
    key = kiosk.store.record_ask(CLOCK.now())
    assert kiosk.ask(key) == kiosk.ask(key)


def test_a_batch_sent_twice_is_held_once(kiosk: Kiosk) -> None:
    for _ in range(3):
        kiosk.own_ticket()
    mark = kiosk.store.journal_mark()
    batch = agent.JournalBatch(mark.incarnation, kiosk.store.journal_after(0, 100))
    assert kiosk.client.send_journal(batch, 10).high_water == 3
    assert kiosk.client.send_journal(batch, 10).high_water == 3
    assert agent.drain(kiosk.store, kiosk.client) == 3, "the kiosk had not heard the first answer"
    assert kiosk.store.journal_mark().high_water == 3


def test_a_gap_is_refused_with_the_mark_and_nothing_is_renumbered(kiosk: Kiosk) -> None:
    for _ in range(3):
        kiosk.own_ticket()
    mark = kiosk.store.journal_mark()
    with pytest.raises(JournalGap) as gap:
        kiosk.client.send_journal(agent.JournalBatch(mark.incarnation, kiosk.store.journal_after(1, 100)), 10)
    assert gap.value.high_water == 0
    assert agent.drain(kiosk.store, kiosk.client) == 3


def test_a_kiosk_whose_clock_is_years_off_is_served(kiosk: Kiosk) -> None:
    kiosk.signer.clock_error = -400 * 86_400.0
    assert kiosk.ask(kiosk.store.record_ask(CLOCK.now())).startswith("A")
    assert abs(kiosk.signer.clock_error) < 60, "it has learned the hall's time"


def test_a_request_signed_by_another_key_is_refused(kiosk: Kiosk) -> None:
    stranger = HallClient(kiosk.hall_url, Signer(kiosk.enrolment.kiosk, bytes(range(32))))
    with pytest.raises(HallRefused) as refusal:
        stranger.ask_ticket(TicketRequest(key="0" * 32, requested_at=CLOCK.now()), 10)
    assert refusal.value.status == 401


def test_the_agent_goes_on_by_itself_after_the_hall_was_killed(hall: HallServer, kiosk: Kiosk) -> None:
    stop = threading.Event()
    running = threading.Thread(target=agent.run, args=(kiosk.store, kiosk.client, stop))
    hall.kill()
    with pytest.raises(HallUnreachable):
        kiosk.ask("1" * 32)
    running.start()
    tokens = [kiosk.own_ticket()[1] for _ in range(20)]
    time.sleep(0.3)
    assert kiosk.store.journal_mark().high_water == 0
    hall.start()
    try:
        wait_until(lambda: kiosk.store.journal_mark().high_water == 20, 30, "the journal is empty")
    finally:
        stop.set()
        running.join(20)
    assert {public(kiosk, token)["state"] for token in tokens} == {"waiting"}
