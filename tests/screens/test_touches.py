from screens.touches import NEW_PAGE_S, SAME_KEY_S, SAME_TARGET_S, Touches


def tap(touches: Touches, target: str | None, now: float, lifted_on: str | None = "") -> bool:
    touches.down(1, target, now)
    return touches.up(1, target if lifted_on == "" else lifted_on, now + 0.05) is not None


def test_a_touch_counts_when_it_is_lifted_where_it_came_down() -> None:
    assert tap(Touches(), "next", 10.0)


def test_a_touch_that_slides_to_another_button_counts_for_neither() -> None:
    assert not tap(Touches(), "next", 10.0, lifted_on="back")
    assert not tap(Touches(), "next", 10.0, lifted_on=None)


def test_two_touches_of_one_button_in_quick_succession_are_one() -> None:
    touches = Touches()
    assert tap(touches, "next", 10.0)
    assert not tap(touches, "next", 10.0 + SAME_TARGET_S / 2)
    assert tap(touches, "next", 10.0 + 3 * SAME_TARGET_S)


def test_a_digit_may_be_typed_twice_as_fast_as_a_finger_can() -> None:
    touches = Touches()
    assert tap(touches, "key.0", 10.0)
    assert tap(touches, "key.0", 10.12)


def test_a_panel_that_bounces_types_a_digit_once() -> None:
    touches = Touches()
    touches.down(1, "key.0", 10.0)
    assert touches.up(1, "key.0", 10.05)
    touches.down(2, "key.0", 10.06)
    assert not touches.up(2, "key.0", 10.05 + SAME_KEY_S / 2)


def test_the_second_half_of_a_double_tap_does_not_fall_on_the_new_page() -> None:
    touches = Touches()
    touches.page_changed(10.0)
    assert not tap(touches, "next", 10.0 + NEW_PAGE_S / 2)
    assert tap(touches, "next", 10.0 + 2 * NEW_PAGE_S)


def test_a_finger_that_is_down_while_the_page_changes_presses_nothing_on_the_new_one() -> None:
    touches = Touches()
    touches.down(1, "next", 10.0)
    touches.page_changed(10.1)
    assert touches.up(1, "next", 11.0) is None


def test_a_hand_resting_on_the_panel_does_not_block_the_finger() -> None:
    touches = Touches()
    touches.down("palm", None, 10.0)
    touches.down("finger", "next", 11.0)
    assert touches.up("finger", "next", 11.1) is not None
    assert touches.up("palm", None, 12.0) is None
