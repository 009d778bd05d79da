"""Taking a number at the hall."""

from __future__ import annotations

from pathlib import Path

import pytest

from hall.queue.refusal import Refused
from hall.queue.taking import abandon, issue
from hall.queue.views import WindowAction
from kiosk.domain.messages import Wait, public_token
from tests.hall.house import House, new_key

HOLDER, OTHER = "a" * 64, "b" * 64


def test_numbers_follow_each_other_from_a001(house: House) -> None:
    assert [house.take().number for _ in range(3)] == ["A001", "A002", "A003"]


def test_a_number_says_how_many_are_before_it(house: House) -> None:
    house.take()
    house.take()
    assert house.take().ahead == 2


def test_the_same_key_gets_the_same_ticket(house: House) -> None:
    key = new_key()
    first, house_took, again = house.take(key=key), house.take(), house.take(key=key)
    assert again == first
    assert house_took.number == "A002"


def test_the_same_key_at_the_same_moment_gets_one_ticket(house: House) -> None:
    request = house.request()
    futures = [
        house.writer.submit(lambda work: issue(work, house.rules, "K1", request, lambda ahead, kind: None))
        for _ in range(20)
    ]
    assert {future.result(10).number for future in futures} == {"A001"}
    assert house.value("SELECT count(*) FROM ticket") == 1


def test_the_same_key_gets_the_same_ticket_after_a_restart(house: House, tmp_path: Path) -> None:
    key = new_key()
    first = house.take(key=key)
    house.close()
    reopened = House(tmp_path / "hall")
    assert reopened.take(key=key).number == first.number
    assert reopened.take().number == "A002"
    reopened.close()


def test_a_person_has_one_open_number(house: House) -> None:
    first = house.take(HOLDER)
    second = house.take(HOLDER)
    assert (second.number, second.existing) == (first.number, True)
    assert house.take(OTHER).number == "A002"


def test_the_second_key_of_a_person_keeps_answering_the_same(house: House) -> None:
    house.take(HOLDER)
    key = new_key()
    second = house.take(HOLDER, key)
    house.sit("1")
    house.call_next("1")
    house.act("1", WindowAction.FINISH, number="A001")
    repeated = house.take(HOLDER, key)
    assert (repeated.number, repeated.existing, repeated.state) == (second.number, True, "done")


def test_who_has_been_served_may_take_another_number(house: House) -> None:
    house.take(HOLDER)
    house.sit("1")
    house.call_next("1")
    house.act("1", WindowAction.FINISH, number="A001")
    assert house.take(HOLDER).number == "A002"


def test_who_was_parked_keeps_the_number(house: House) -> None:
    house.take(HOLDER)
    house.sit("1")
    house.call_next("1")
    house.act("1", WindowAction.PARK, number="A001")
    assert house.take(HOLDER).number == "A001"


def test_a_key_abandoned_before_it_arrived_issues_nothing(house: House) -> None:
    key = new_key()
    assert house.do(lambda work: abandon(work, "K1", key)) is None
    with pytest.raises(Refused) as refused:
        house.take(key=key)
    assert (refused.value.problem, refused.value.status) == ("abandoned", 410)
    assert house.value("SELECT count(*) FROM ticket") == 0
    assert house.take().number == "A001"


def test_an_abandoned_ticket_is_void_and_never_called(house: House) -> None:
    key = new_key()
    house.take(key=key)
    house.take()
    house.do(lambda work: abandon(work, "K1", key))
    house.sit("1")
    assert house.state("A001") == "void"
    assert house.call_next("1") == "A002"
    with pytest.raises(Refused, match="abandoned"):
        house.take(key=key)


def test_abandoning_a_repeat_leaves_the_ticket_its_holder_has_on_paper(house: House) -> None:
    second = new_key()
    house.take(HOLDER)
    house.take(HOLDER, second)
    house.do(lambda work: abandon(work, "K1", second))
    assert house.state("A001") == "waiting"


def test_no_kiosk_touches_another_ones_key(house: House) -> None:
    key = new_key()
    house.take(key=key)
    assert house.do(lambda work: abandon(work, "K2", key)) == "a key of another kiosk"
    with pytest.raises(Refused, match="key_taken"):
        house.take(key=key, kiosk="K2")
    assert house.state("A001") == "waiting"


def test_the_wait_that_was_printed_is_kept_with_the_ticket(house: House) -> None:
    request = house.request()
    house.do(lambda work: issue(work, house.rules, "K1", request, lambda ahead, kind: Wait(7, 19)))
    house.clock.move(minutes=12)
    house.sit("1")
    house.call_next("1")
    assert house.value("SELECT (first_called_at - issued_at) / 60000 FROM ticket") == 12
    assert house.value("SELECT wait_low || '-' || wait_high FROM ticket") == "7-19"


def test_the_token_of_a_ticket_does_not_tell_its_key(house: House) -> None:
    key = new_key()
    ticket = house.take(key=key)
    assert ticket.token == public_token(key)
    assert key not in ticket.token


def test_the_day_begins_at_six_with_a001_again(house: House) -> None:
    house.clock.at = house.clock.at.replace(hour=23)
    house.take()
    house.clock.move(hours=3)
    assert house.take().number == "A002", "at two in the night it is still the same business day"
    house.clock.move(hours=4)
    assert house.take().number == "A001"


def test_what_is_open_at_the_end_of_the_day_is_closed_as_not_handled(house: House) -> None:
    house.sit("1")
    house.sit("2")
    for _ in range(4):
        house.take()
    house.call_next("1")
    house.act("1", WindowAction.START, number="A001")
    house.call_next("2")
    house.clock.move(days=1)
    assert house.close_day() == 3
    assert [house.state(f"A00{n}") for n in range(1, 5)] == ["serving", "void", "void", "void"]
    assert house.in_line == 0
    house.act("1", WindowAction.FINISH, number="A001")
