"""What befalls a kiosk, on real processes: after each mishap every number is one ticket, and nothing is lost."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest

from demo.people import CAI, CHEN, HUANG, LI, LIN, OUYANG, WU, ZHANG
from demo.processes import wait_until
from demo.stage import ID_CARD, TICKET_PRINTER, Stage
from tests.e2e.visits import abandoned_asks, comes_to_confirm, identifies, new_slip, takes_number, tickets

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(autouse=True)
def _goes_home(stage: Stage) -> Iterator[None]:
    yield
    glass = stage.visitor.looks()
    if glass and glass.page != "home":
        stage.visitor.touches("next" if "next" in glass.targets else "back")
        stage.visitor.waits_for("home")


def test_without_the_hall_the_kiosk_gives_numbers_of_its_own_and_the_hall_learns_of_them(stage: Stage) -> None:
    stage.stop_hall()
    slip = takes_number(stage, OUYANG)
    assert slip.number == "K3-001"
    assert OUYANG.masked in slip.text
    stage.start_hall()
    wait_until(lambda: tickets(stage).get("K3-001") == "waiting", 40, "the hall holds K3-001", stage.hall, stage.sync)


def test_a_hall_that_answers_too_late_is_not_waited_for_and_its_number_is_voided(stage: Stage) -> None:
    _hall_is_seen(stage)
    voided = abandoned_asks(stage)
    before = len(stage.slips())
    comes_to_confirm(stage, LI)
    stage.hall.freeze()
    stage.visitor.touches("next")
    stage.visitor.waits_for("take_ticket")
    slip = new_slip(stage, before)
    assert slip.number.startswith("K3-")
    stage.hall.thaw()
    wait_until(
        lambda: abandoned_asks(stage) == voided + 1 and tickets(stage).get(slip.number) == "waiting",
        40,
        "the abandoned number is void and the kiosk's own one waits",
        stage.hall,
        stage.sync,
    )
    assert [state for number, state in tickets(stage).items() if number.startswith("A")].count("waiting") == 0


def test_without_paper_the_number_stands_on_the_screen_and_nothing_pours_out_at_the_refill(stage: Stage) -> None:
    _hall_is_seen(stage)
    stage.do(TICKET_PRINTER, "paper-out")
    _printer_is_seen(stage, "out")
    before, known = len(stage.slips()), set(tickets(stage))
    comes_to_confirm(stage, CHEN)
    stage.visitor.touches("next")
    stage.visitor.waits_for("take_ticket")
    assert len(set(tickets(stage)) - known) == 1
    stage.do(TICKET_PRINTER, "refill")
    _printer_is_seen(stage, "full")
    time.sleep(1)
    assert len(stage.slips()) == before


def test_paper_that_ends_in_mid_slip_costs_no_number_and_the_slip_is_printed_again_on_request(stage: Stage) -> None:
    _hall_is_seen(stage)
    known = set(tickets(stage))
    comes_to_confirm(stage, HUANG)
    stage.do(TICKET_PRINTER, "paper-out-after", 8)
    stage.visitor.touches("next")
    stage.visitor.waits_for("sorry")
    (number,) = set(tickets(stage)) - known
    stage.do(TICKET_PRINTER, "refill")
    time.sleep(1)
    pulled_out = len(stage.slips())
    assert number not in [slip.number for slip in stage.slips() if slip.link]
    stage.visitor.touches("reprint")
    stage.visitor.waits_for("take_ticket")
    slip = new_slip(stage, pulled_out)
    assert (slip.number, slip.is_reprint) == (number, True)
    assert set(tickets(stage)) - known == {number}


def test_a_reader_that_was_pulled_out_is_used_again_as_soon_as_it_is_back(stage: Stage) -> None:
    stage.visitor.waits_for("home")
    stage.do(ID_CARD, "unplug")
    wait_until(lambda: _device(stage, "id_card") not in ("online", None), 20, "the reader is missed", stage.kiosk)
    stage.visitor.touches("take_number")
    stage.visitor.waits_for("identify")
    stage.visitor.touches("use_keypad")
    stage.visitor.waits_for("keypad")
    stage.visitor.touches("back")
    stage.visitor.waits_for("home")
    stage.do(ID_CARD, "replug")
    wait_until(lambda: _device(stage, "id_card") == "online", 30, "the reader is back", stage.kiosk)
    identifies(stage, LIN)


def test_a_typed_number_with_a_wrong_check_digit_goes_no_further_until_it_is_corrected(stage: Stage) -> None:
    visitor = stage.visitor
    visitor.touches("take_number")
    visitor.waits_for("identify")
    visitor.touches("use_keypad")
    visitor.waits_for("keypad")
    visitor.types(WU.number[:-1] + "8")
    visitor.touches("next")
    time.sleep(0.5)
    glass = visitor.looks()
    assert glass is not None
    assert glass.page == "keypad"
    visitor.touches("key.back")
    visitor.types(WU.number[-1])
    visitor.touches("next")
    visitor.waits_for("choose_service")


def test_a_kiosk_that_dies_while_it_asks_leaves_its_visitor_with_one_number(stage: Stage) -> None:
    _hall_is_seen(stage)
    slips, waiting = len(stage.slips()), _waiting(stage)
    comes_to_confirm(stage, ZHANG)
    stage.hall.freeze()
    stage.visitor.touches("next")
    stage.kill_kiosk()
    stage.hall.thaw()
    stage.start_kiosk()
    _hall_is_seen(stage)
    comes_to_confirm(stage, ZHANG)
    stage.visitor.touches("next")
    stage.visitor.waits_for("take_ticket")
    wait_until(_is_settled(stage), 40, "the hall holds all that the kiosk knows", stage.hall, stage.sync)
    (number,) = _waiting(stage) - waiting
    assert [slip.number for slip in stage.slips()[slips:]] in ([], [number])


def test_a_kiosk_that_dies_while_it_prints_never_prints_the_same_slip_again_unasked(stage: Stage) -> None:
    _hall_is_seen(stage)
    known, before = set(tickets(stage)), len(stage.slips())
    comes_to_confirm(stage, CAI)
    stage.do(TICKET_PRINTER, "freeze")
    stage.visitor.touches("next")
    (number,) = wait_until(lambda: set(tickets(stage)) - known, 20, "the hall has given a number", stage.hall)
    stage.visitor.waits_for("issuing")
    time.sleep(0.5)
    stage.kill_kiosk()
    stage.do(TICKET_PRINTER, "thaw")
    stage.start_kiosk()
    time.sleep(2)
    came_out = [slip.number for slip in stage.slips()[before:]]
    assert came_out in ([], [number])
    stage.visitor.touches("my_number")
    stage.visitor.waits_for("identify")
    stage.lays_card(CAI)
    stage.visitor.waits_for("my_tickets")
    stage.do(ID_CARD, "lift")
    printed = len(stage.slips())
    stage.visitor.touches("reprint")
    stage.visitor.waits_for("take_ticket")
    slip = new_slip(stage, printed)
    assert (slip.number, slip.is_reprint) == (number, True)
    assert set(tickets(stage)) - known == {number}


def _is_settled(stage: Stage) -> Callable[[], bool]:
    """Whether the sync agent has been silent for a second, after everything else."""
    said, since = "", 0.0

    def settled() -> bool:
        nonlocal said, since
        if stage.sync.said != said:
            said, since = stage.sync.said, time.monotonic()
        return time.monotonic() - since > 1

    return settled


def _waiting(stage: Stage) -> set[str]:
    return {number for number, state in tickets(stage).items() if state == "waiting"}


def _hall_is_seen(stage: Stage) -> None:
    """The kiosk looks every two seconds whether the hall answers; what it last wrote about it is in its log."""
    wait_until(
        lambda: stage.kiosk.said.rfind("hall-answers") > stage.kiosk.said.rfind("hall-silent"),
        30,
        "the kiosk knows that the hall answers",
        stage.kiosk,
        stage.hall,
    )


def _printer_is_seen(stage: Stage, paper: str) -> None:
    wait_until(
        lambda: _status(stage).get("ticket_printer", {}).get("paper") == paper,
        30,
        f"the kiosk knows that paper is {paper}",
        stage.kiosk,
    )


def _device(stage: Stage, name: str) -> str | None:
    found: str | None = _status(stage).get(name, {}).get("device")
    return found


def _status(stage: Stage) -> dict[str, dict[str, str]]:
    file = stage.folder / "kiosk" / "data" / "status.json"
    if not file.exists():
        return {}
    found: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))["devices"]
    return found
