"""Maintenance pages: what a touch posts, what is never shown, what stays where it is while a panel is read again."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest

import config
from kiosk.domain.fleet import TechnicianRole
from kiosk.domain.texts import Texts
from kiosk.session import events
from kiosk.session.panel import LoginStep, Maintenance, Place
from tests.screens import maintenance_samples
from tests.screens.samples import SESSIONS
from tests.screens.window import Visitor

MEANINGS: list[tuple[str, str, Any]] = [
    ("maintenance-card", "back", events.GoHome()),
    ("maintenance-pin", "key.7", events.PinKey("7")),
    ("maintenance-pin", "key.back", events.PinKey("back")),
    ("maintenance-pin", "key.clear", events.PinKey("clear")),
    ("maintenance-pin-half", "next", events.PinDone()),
    ("maintenance-menu", "open.devices", events.OpenPlace(Place.DEVICES)),
    ("maintenance-menu", "do.leave", events.Do("leave")),
    ("maintenance-devices", "open.device.pos", events.OpenPlace(Place.DEVICE, "pos")),
    ("maintenance-devices", "back", events.Back()),
    ("maintenance-device", "menu", events.OpenPlace(Place.MENU)),
    ("maintenance-device", "do.sample_test_print.receipt_printer", events.Do("sample_test_print", "receipt_printer")),
    ("maintenance-device-sure", "sure.yes", events.SaySure(True)),
    ("maintenance-device-sure", "sure.no", events.SaySure(False)),
    ("maintenance-device-sure", "back", events.Back()),
    ("maintenance-readiness", "do.sample_wrong.slip", events.Do("sample_wrong", "slip")),
]


@pytest.mark.parametrize(("page", "target", "meaning"), MEANINGS, ids=[f"{page}/{name}" for page, name, _ in MEANINGS])
def test_a_touch_posts_what_it_means(visitor: Visitor, page: str, target: str, meaning: Any) -> None:
    visitor.see(SESSIONS[page])
    visitor.touch(target)
    assert visitor.posted() == [meaning]


def words(visitor: Visitor) -> list[str]:
    boxes = [box for layer in visitor.app.stage.layers.values() if layer.box for box in layer.box.walk()]
    return [str(getattr(box, "words", "")) for box in boxes]


def test_the_pin_is_dots_on_the_glass_and_nowhere_in_words(visitor: Visitor) -> None:
    session = SESSIONS["maintenance-pin"]
    visitor.see(replace(session, page=replace(session.page, pin="90417352")))  # type: ignore[type-var]
    assert not [word for word in words(visitor) if "9041" in word]
    assert "90417352" not in repr(visitor.app._shown)
    # The keys are where they always are: nothing of them tells what was typed.
    visitor.see(session)
    empty = {target.name: target.area for target in visitor.app.stage.targets()}
    visitor.see(replace(session, page=replace(session.page, pin="9041")))  # type: ignore[type-var]
    assert {target.name: target.area for target in visitor.app.stage.targets()} == empty


def test_a_grave_action_waits_for_a_second_word_on_a_page_of_its_own(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-device-sure"])
    names = {target.name for target in visitor.app.stage.targets()}
    assert names == {"sure.yes", "sure.no", "back", "large_text", "language"}


def test_while_something_is_done_only_the_look_can_be_changed(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-device-doing"])
    assert {target.name for target in visitor.app.stage.targets()} == {"large_text", "language"}


def test_what_does_not_work_now_is_no_target(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-device"])
    assert visitor.app.stage.target("do.sample_clear.receipt_printer") is None
    assert "清除卡纸" in words(visitor)


@pytest.mark.parametrize(
    "name", [name for name, page in maintenance_samples.PAGES.items() if type(page) is Maintenance]
)
def test_every_panel_says_who_is_logged_in_which_machine_and_which_release(visitor: Visitor, name: str) -> None:
    visitor.see(SESSIONS[name])
    said = " ".join(words(visitor))
    page = SESSIONS[name].page
    assert isinstance(page, Maintenance)
    assert all(words in said for words in (page.name[:6], "K3", "配置 12"))


def test_a_list_stays_leafed_while_its_panel_is_read_again(visitor: Visitor) -> None:
    session = SESSIONS["maintenance-ledger"]
    visitor.see(session)
    visitor.touch("list.down")
    assert visitor.app.stage.list_turned() == 1
    page = session.page
    assert isinstance(page, Maintenance)
    assert page.panel is not None
    news = replace(page, panel=replace(page.panel, lines=page.panel.lines[1:]))
    visitor.see(replace(session, page=news))
    assert visitor.app.stage.list_turned() == 1
    visitor.see(SESSIONS["maintenance-audit"])
    assert visitor.app.stage.list_turned() == 0


def test_the_release_and_the_time_left_are_said_before_the_end(visitor: Visitor) -> None:
    visitor.see(SESSIONS["maintenance-power"], idle_s=200)
    assert "拔出卡片即退出" in words(visitor)
    visitor.see(SESSIONS["maintenance-power"], idle_s=40)
    assert "40 秒后自动退出" in words(visitor)
    visitor.see(SESSIONS["maintenance-power"], idle_s=10)
    assert visitor.app._page_name == "maintenance.power.still_there"


def test_a_locked_machine_says_the_managers_words(visitor: Visitor) -> None:
    visitor.see(SESSIONS["out-of-service-locked-why"])
    assert "今晚 22:00 到 23:00 检修，请用 4 号机。" in words(visitor)
    visitor.see(SESSIONS["out-of-service-locked"])
    assert "本机已由管理人员停用。" in words(visitor)
    visitor.see(SESSIONS["sorry-out-of-service"])
    assert "本机现在不能办理业务。" in words(visitor)


# ---- words ---------------------------------------------------------------------------------------------------------

ZH, EN = (Texts(config.read_toml(f"texts/maintenance_screens.{language}.toml")) for language in ("zh", "en"))


def test_every_place_step_and_role_has_words_in_both_languages() -> None:
    keys = {f"maintenance_screens.place.{place}.{part}" for place in Place for part in ("title", "hint")}
    keys |= {f"maintenance_screens.role.{role}" for role in TechnicianRole}
    steps = [f"maintenance_screens.login.{step}" for step in LoginStep]
    keys |= {f"{step}.title" for step in steps} | {f"{step}.hint" for step in steps}
    assert not keys - ZH.keys
    assert ZH.keys == EN.keys


def test_both_languages_fill_in_the_same_facts() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert not {key for key in ZH.keys if fields(ZH(key)) ^ fields(EN(key))}
