"""Real touches on a real window; what they mean is read from the inbox."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kiosk.session import events
from kiosk.session.state import Language, Purpose
from tests.screens import samples
from tests.screens.samples import NOW, SESSIONS, SLIP
from tests.screens.window import Visitor

TODAY = NOW.date()
FOUND = SESSIONS["choose-query"].page.matches[0].service.code  # type: ignore[union-attr]

#: (page, target) → what a touch of it posts.
MEANINGS: list[tuple[str, str, Any]] = [
    ("home", "take_number", events.Start(Purpose.TAKE_NUMBER)),
    ("home", "my_number", events.Start(Purpose.MY_NUMBER)),
    ("home", "guide", events.OpenGuide()),
    ("home", "language", events.SetLanguage(Language.EN)),
    ("home", "large_text", events.SetLargeText(True)),
    ("identify", "use_keypad", events.UseKeypad()),
    ("identify", "back", events.Back()),
    ("keypad-half", "key.0", events.Typed("0", TODAY)),
    ("keypad-half", "key.X", events.Typed("X", TODAY)),
    ("keypad-half", "key.back", events.Typed("back", TODAY)),
    ("keypad-half", "key.clear", events.Typed("clear", TODAY)),
    ("keypad-half", "use_card", events.UseCard()),
    ("keypad-half", "next", events.Submit(TODAY)),
    ("choose", "any_service", events.PickService(None, TODAY)),
    ("choose", "category.04", events.PickCategory("04")),
    ("choose", "key.Z", events.Typed("Z", TODAY)),
    ("choose-query", f"service.{FOUND}", events.PickService(FOUND, TODAY)),
    ("choose-query", "back", events.Back()),
    ("detail", "next", events.Next(TODAY)),
    ("confirm", "next", events.Next(TODAY)),
    ("ticket", "next", events.Next(TODAY)),
    ("ticket-on-screen", "more_time", events.Touched()),
    ("ticket-existing", "reprint", events.Reprint(SLIP.token)),
    ("my-one", "reprint", events.Reprint(SLIP.token)),
    ("my-three", "reprint.A003", events.Reprint("b")),
    ("my-one", "next", events.Next(TODAY)),
    ("sorry-print-uncertain", "reprint", events.Reprint(SLIP.token)),
    ("sorry-print-failed", "more_time", events.Touched()),
    ("sorry-no-ticket", "next", events.Next(TODAY)),
]


@pytest.mark.parametrize(("page", "target", "meaning"), MEANINGS, ids=[f"{page}/{name}" for page, name, _ in MEANINGS])
def test_a_touch_posts_what_it_means(visitor: Visitor, page: str, target: str, meaning: Any) -> None:
    visitor.see(SESSIONS[page])
    visitor.touch(target)
    assert visitor.posted() == [meaning]


def test_a_touch_beside_every_target_keeps_the_visit_alive(visitor: Visitor) -> None:
    visitor.see(SESSIONS["confirm"])
    visitor.down(540, 1700).touch_up()
    assert visitor.posted() == [events.Touched()]


def test_a_double_tap_takes_one_number(visitor: Visitor) -> None:
    spot = visitor.middle("take_number")
    for _ in range(2):
        visitor.down(*spot).touch_up()
        visitor.clock.passed += 0.12
    assert visitor.posted() == [events.Start(Purpose.TAKE_NUMBER)]


def test_the_second_half_of_a_double_tap_does_not_confirm_the_next_page(visitor: Visitor) -> None:
    visitor.see(SESSIONS["detail"])
    spot = visitor.middle("next")
    visitor.down(*spot).touch_up()
    visitor.see(SESSIONS["confirm"])
    visitor.clock.passed -= 0.9
    visitor.down(*spot).touch_up()
    assert visitor.posted() == [events.Next(TODAY)]


def test_a_finger_that_slides_off_takes_its_touch_back(visitor: Visitor) -> None:
    touch = visitor.down(*visitor.middle("guide"))
    touch.touch_move(540, 10)
    touch.touch_up()
    assert visitor.posted() == []


def test_a_press_shows_at_once_and_goes_with_the_finger(visitor: Visitor) -> None:
    target = visitor.app.stage.target("take_number")
    assert target is not None
    colours = visitor.app.stage.theme.colours
    touch = visitor.down(*visitor.middle("take_number"))
    assert tuple(target._face.rgba) == pytest.approx(colours["accent_dark"])
    touch.touch_up()
    visitor.step(1)
    assert tuple(target._face.rgba) == pytest.approx(colours["accent"])


def test_news_of_the_hall_under_a_pressed_finger_loses_no_touch(visitor: Visitor) -> None:
    touch = visitor.down(*visitor.middle("take_number"))
    visitor.see(SESSIONS["home-busy"])
    pressed = visitor.app.stage.target("take_number")
    assert pressed is not None
    assert tuple(pressed._face.rgba) == pytest.approx(visitor.app.stage.theme.colours["accent_dark"])
    touch.touch_up()
    assert visitor.posted() == [events.Start(Purpose.TAKE_NUMBER)]


def test_while_the_machine_works_nothing_can_be_touched(visitor: Visitor) -> None:
    for page in ("issuing-recording", "issuing-printing", "issuing-reprint", "sorry-out-of-service"):
        visitor.see(SESSIONS[page])
        assert visitor.app.stage.targets() == []


def test_a_person_asked_for_by_card_only_is_not_offered_to_type(visitor: Visitor) -> None:
    visitor.see(SESSIONS["identify-mine"])
    assert visitor.app.stage.target("use_keypad") is None


def test_nobody_is_offered_a_card_reader_that_is_dead(visitor: Visitor) -> None:
    visitor.see(SESSIONS["keypad-wrong-x"])
    assert visitor.app.stage.target("use_card") is None


def test_in_the_guide_no_number_is_taken_unseen(visitor: Visitor) -> None:
    visitor.see(SESSIONS["guide"])
    assert visitor.app.stage.target("any_service") is None


def test_no_reprint_is_offered_without_paper(visitor: Visitor) -> None:
    for page in ("my-no-paper", "sorry-print-failed"):
        visitor.see(SESSIONS[page])
        assert visitor.app.stage.target("reprint") is None


# ---- time ----------------------------------------------------------------------------------------------------------


def test_the_seconds_left_are_said_and_count_down(visitor: Visitor) -> None:
    visitor.see(SESSIONS["detail"], idle_s=40)
    assert "40 秒后返回首页" in said(visitor, "footer")
    visitor.clock.passed += 9
    visitor.app._tick()
    assert "30 秒后返回首页" in said(visitor, "footer")


def test_nobody_loses_what_they_typed_without_being_asked(visitor: Visitor) -> None:
    visitor.see(SESSIONS["keypad-half"], idle_s=20)
    assert visitor.app.stage.target("continue") is None
    visitor.clock.passed += 6
    visitor.app._tick()
    visitor.clock.passed += 1
    assert {target.name for target in visitor.app.stage.targets()} == {"continue", "home"}
    visitor.touch("continue")
    assert visitor.posted() == [events.Touched()]
    visitor.see(SESSIONS["keypad-half"], idle_s=60)
    assert visitor.app.stage.target("key.1") is not None


def test_who_does_not_go_on_may_end_the_visit(visitor: Visitor) -> None:
    visitor.see(SESSIONS["confirm"], idle_s=10)
    visitor.touch("home")
    assert visitor.posted() == [events.GoHome()]


def test_the_number_is_never_covered_by_a_question(visitor: Visitor) -> None:
    for page in ("ticket", "sorry-print-failed"):
        visitor.see(SESSIONS[page], idle_s=5)
        assert visitor.app.stage.target("continue") is None


# ---- long lists ----------------------------------------------------------------------------------------------------


def services(visitor: Visitor) -> list[str]:
    return [target.name for target in visitor.app.stage.targets() if target.name.startswith("service.")]


def test_every_service_of_a_group_can_be_reached_by_leafing(visitor: Visitor) -> None:
    visitor.see(SESSIONS["choose-category"])
    seen: list[str] = services(visitor)
    while visitor.app.stage.target("list.down"):
        visitor.touch("list.down")
        seen += services(visitor)
    wanted = [f"service.{match.service.code}" for match in SESSIONS["choose-category"].page.matches]  # type: ignore[union-attr]
    assert seen == wanted
    assert set(visitor.posted()) == {events.Touched()}


def test_a_finger_drawn_up_leafs_and_picks_nothing(visitor: Visitor) -> None:
    visitor.see(SESSIONS["choose-category"])
    first = services(visitor)
    touch = visitor.down(*visitor.middle(first[3]))
    touch.touch_move(400, 1920 - 300)
    touch.touch_up()
    visitor.step(1)
    assert services(visitor)[0] not in first
    assert visitor.posted() == [events.Touched()]


def test_a_new_search_begins_at_its_first_page(visitor: Visitor) -> None:
    visitor.see(SESSIONS["choose-one-letter"])
    visitor.touch("list.down")
    visitor.see(SESSIONS["choose-query"])
    assert services(visitor)[0] == f"service.{FOUND}"


# ---- for those who touch without eyes ------------------------------------------------------------------------------


def test_the_targets_file_says_where_to_touch(visitor: Visitor, targets_file: Path) -> None:
    visitor.see(SESSIONS["choose-query"])
    visitor.app._write_targets()
    written = json.loads(targets_file.read_text())
    assert (written["page"], written["language"], written["large_text"]) == ("choose_service", "zh", False)
    x, y, w, h = written["targets"][f"service.{FOUND}"]
    visitor.down(x + w / 2, y + h / 2).touch_up()
    assert visitor.posted() == [events.PickService(FOUND, TODAY)]
    shown = written["shown"]
    visitor.see(replace(SESSIONS["choose-query"], language=Language.EN))
    visitor.app._write_targets()
    written = json.loads(targets_file.read_text())
    assert written["language"] == "en"
    assert written["shown"] > shown


def said(visitor: Visitor, layer: str = "body") -> str:
    box = visitor.app.stage.layers[layer].box
    assert box is not None
    return " ".join(str(getattr(part, "words", "")) for part in box.walk())


def test_a_dead_printer_is_said_as_what_can_be_done(visitor: Visitor) -> None:
    visitor.see(SESSIONS["home-nothing-works"])
    words = said(visitor)
    assert "可以取号，号码显示在屏幕上" in words
    assert "可以输入身份证号" in words


def test_a_silent_hall_is_said_calmly(visitor: Visitor) -> None:
    visitor.see(SESSIONS["home-hall-silent"])
    assert "暂时看不到大厅排队情况，仍可取号" in said(visitor)


def test_the_wrong_digit_is_named(visitor: Visitor) -> None:
    visitor.see(SESSIONS["keypad-wrong-month"])
    assert "第 12 位不对：月份是 01 到 12" in said(visitor)


def test_the_code_on_the_screen_leads_to_the_ticket(visitor: Visitor, tmp_path: Path) -> None:
    import zxingcpp
    from PIL import Image

    visitor.see(SESSIONS["ticket-on-screen"])
    visitor.picture(tmp_path / "ticket.png")
    codes = zxingcpp.read_barcodes(Image.open(tmp_path / "ticket.png"))
    assert [code.text for code in codes] == [samples.SLIP.url]
