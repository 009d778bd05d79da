"""The usual visit, from the home page to the window, through every process there is."""

from __future__ import annotations

import pytest
import zxingcpp
from PIL import Image

from demo.browser import Browser
from demo.people import CHEN, LI, OUYANG
from demo.processes import wait_until
from demo.stage import ID_CARD, Stage
from tests.e2e.visits import comes_to_confirm, new_slip, takes_number, tickets

#: How a name or number could lie in a file.
CODES = ("utf-8", "utf-16-le", "gb18030", "unicode-escape")

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def test_a_visitor_takes_a_number_for_a_service_and_is_called(stage: Stage) -> None:
    visitor = stage.visitor
    visitor.touches("take_number")
    visitor.waits_for("identify")
    stage.lays_card(OUYANG)
    visitor.waits_for("choose_service")
    stage.do(ID_CARD, "lift")
    visitor.types("YHSSB")
    visitor.touches("service.SW-040504")
    visitor.waits_for("service_detail")
    visitor.touches("next")
    visitor.waits_for("confirm")
    visitor.touches("next")
    visitor.waits_for("take_ticket")

    slip = new_slip(stage, 0)
    assert slip.number == "A001"
    assert "印花税申报" in slip.text
    assert OUYANG.masked in slip.text
    assert OUYANG.name not in slip.text
    assert OUYANG.number not in slip.text
    assert not slip.is_reprint
    assert slip.link.startswith(f"{stage.hall_url}/t/")
    picture = wait_until(stage.slip_pictures, 20, "the slip is cut", stage.devices)[-1]
    assert [code.text for code in zxingcpp.read_barcodes(Image.open(picture))] == [slip.link]

    visitor.touches("next")
    visitor.waits_for("home")
    with Browser() as browser, stage.clerk() as clerk:
        board = browser.open(f"{stage.hall_url}/board", 1920, 1080)
        phone = browser.open(slip.link, 390, 844)
        window = browser.open(f"{stage.hall_url}/window", 1280, 800, clerk.cookies)
        assert slip.number not in board.text()
        assert slip.number in phone.text()
        assert clerk.call_next() == slip.number
        board.wait_for_text(slip.number)
        window.wait_for_text("已叫号")
        phone.wait_for_text("现在轮到您了", seconds=40)
        assert OUYANG.number not in window.text() + board.text() + phone.text()
        clerk.start(slip.number)
        clerk.finish(slip.number)
    assert tickets(stage)[slip.number] == "done"


def test_two_quick_taps_on_confirm_are_one_number(stage: Stage) -> None:
    before, known = len(stage.slips()), set(tickets(stage))
    comes_to_confirm(stage, LI)
    stage.visitor.double_taps("next")
    stage.visitor.waits_for("take_ticket")
    slip = new_slip(stage, before)
    assert set(tickets(stage)) - known == {slip.number}
    stage.visitor.touches("next")


def test_who_has_a_number_gets_no_second_one(stage: Stage) -> None:
    before, known = len(stage.slips()), set(tickets(stage))
    comes_to_confirm(stage, LI)
    stage.visitor.touches("next")
    stage.visitor.waits_for("take_ticket")
    assert set(tickets(stage)) == known
    assert len(stage.slips()) == before
    stage.visitor.touches("next")


def test_the_language_is_the_visitors_own_and_ends_with_the_visit(stage: Stage) -> None:
    visitor = stage.visitor
    visitor.waits_for("home")
    visitor.touches("language")
    wait_until(lambda: _language(stage) == "en", 10, "the home page is in English", stage.kiosk)
    slip = takes_number(stage, CHEN)
    assert CHEN.masked in slip.text
    assert "Any service" in slip.text
    visitor.touches("next")
    visitor.waits_for("home")
    assert _language(stage) == "zh"


def test_nothing_on_any_disk_names_a_visitor(stage: Stage) -> None:
    """Store, journal, logs, slips and the hall's file, with the kiosk still running."""
    secrets = [word.encode(code) for p in (OUYANG, LI, CHEN) for word in (p.name, p.number) for code in CODES]
    files = [file for file in stage.folder.rglob("*") if file.is_file()]
    assert len(files) > 10
    assert [file.name for file in files if any(secret in file.read_bytes() for secret in secrets)] == []


def _language(stage: Stage) -> str:
    glass = stage.visitor.looks()
    return glass.language if glass else ""
