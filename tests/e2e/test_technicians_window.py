"""A technician's visit through the real window: card, PIN pad, every panel, touch test, report; pictures of each page.

In the long form only: a minute and a half. ``TAXKIOSK_PICTURES`` names a folder for the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.processes import wait_until
from demo.stage import Stage
from drivers.bench.smart_card import PIN, VirtualCard, VirtualReaders
from kiosk.session.panel import Place
from tests.e2e.technician import listed, wait_for_slot, write_list

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(VirtualReaders.missing()), reason=VirtualReaders.missing()),
    pytest.mark.skipif(os.environ.get("TAXKIOSK_CAMPAIGN") != "full", reason="long form: TAXKIOSK_CAMPAIGN=full"),
]


@pytest.fixture(scope="module")
def readers() -> Iterator[VirtualReaders]:
    with VirtualReaders() as readers:
        yield readers


@pytest.fixture
def card(readers: VirtualReaders) -> Iterator[VirtualCard]:
    wait_for_slot(readers, "notPresent")
    card = VirtualCard(readers.ports[0])
    yield card
    card.pull()


@pytest.fixture
def technicians_stage(
    stage: Stage, readers: VirtualReaders, card: VirtualCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    write_list(tmp_path / "config", listed(card.chip))
    monkeypatch.setenv("TAXKIOSK_CONFIG", str(tmp_path / "config"))
    settings = stage.settings.read_text(encoding="utf-8")
    stage.settings.write_text(
        settings.replace("[devices]\n", f'[devices]\nsmart_card = "{readers.url(0)}"\n', 1), encoding="utf-8"
    )
    stage.kill_kiosk()
    stage.start_kiosk()
    return stage


def test_a_technician_s_visit_from_the_knock_to_the_pulled_card(
    technicians_stage: Stage, card: VirtualCard, tmp_path: Path
) -> None:
    stage, visitor = technicians_stage, technicians_stage.visitor
    pictures = Path(os.environ.get("TAXKIOSK_PICTURES", tmp_path / "pictures"))
    pictures.mkdir(parents=True, exist_ok=True)
    status = stage.folder / "kiosk" / "data" / "status.json"

    def seen(media: str) -> bool:
        said = status.read_text(encoding="utf-8") if status.exists() else ""
        return f'"media":"{media}"' in said.partition('"smart_card"')[2][:200]

    wait_until(lambda: seen("notPresent"), 60, "the kiosk sees its slot", stage.kiosk)
    for _ in range(2):
        card.insert()
        wait_until(lambda: seen("present"), 10, "the card is seen", stage.kiosk)
        card.pull()
        wait_until(lambda: seen("notPresent"), 10, "the card is seen to be gone", stage.kiosk)
    card.insert()
    visitor.waits_for("maintenance_login")
    visitor.waits_for_target("next")
    visitor.picture(pictures / "login.png")
    visitor.types(PIN)
    visitor.touches("next")
    visitor.waits_for("maintenance.menu")
    visitor.picture(pictures / "menu.png")

    for place in Place:
        if place in (Place.MENU, Place.DEVICE):
            continue
        visitor.touches(f"open.{place.value}")
        visitor.waits_for(f"maintenance.{place.value}")
        visitor.picture(pictures / f"{place.value}.png")
        visitor.touches("back")
        visitor.waits_for("maintenance.menu")

    visitor.touches("open.devices")
    visitor.waits_for("maintenance.devices")
    visitor.touches("open.device.ticket_printer")
    visitor.waits_for("maintenance.device.ticket_printer")
    visitor.touches("do.test_print.ticket_printer")
    wait_until(lambda: "测试" in str(stage.do("ticket-printer", "slips")), 30, "a test page comes out", stage.kiosk)
    visitor.picture(pictures / "device.png")

    card.pull()
    visitor.waits_for("home", 5)
    visitor.picture(pictures / "home.png")
