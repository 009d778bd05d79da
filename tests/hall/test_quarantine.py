"""What the hall could not accept is before staff with both versions, and leaves only by somebody's word."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.journal_drain import DrainedHall, filing, hall_in, obligation, taxpayer
from hall.fleet import quarantine
from hall.fleet.quarantine import Aside
from hall.pages.quarantine import why
from hall.queue.refusal import Refused
from hall.store.writer import Work
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import FilingMade, FilingRequest
from kiosk.domain.messages import CHAIN_START, JournalBatch, JournalRow, row_hash
from kiosk.domain.tax import assess
from kiosk.store import journal as kiosk_journal
from kiosk.store.store import Store
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient
from kiosk.sync.signing import Signer
from tests.hall.pages_hall import Clerk, Hall
from tests.unit.test_store import DRAFT, KEY

T = TypeVar("T")
NOW = datetime(2026, 10, 20, 9, 0, tzinfo=HALL_ZONE)
DECLARED = NOW - timedelta(days=12)


class Stopped:
    def now(self) -> datetime:
        return NOW


class Stand:
    """A hall, and a kiosk that comes back to it after some days."""

    def __init__(self, hall: DrainedHall, store: Store) -> None:
        self.hall, self.store = hall, store

    def filed(self, at: int, **changed: Any) -> FilingRequest:
        request = filing(at, DECLARED)
        total = assess(self.hall.office.rules, request.request).to_pay
        request = msgspec.structs.replace(request, **{"total": total, **changed})
        with self.store._transaction() as connection:
            kiosk_journal.append(connection, FilingMade(request), DECLARED)
        return request

    def comes_back(self) -> list[Aside]:
        agent.drain(self.store, cast(HallClient, self.hall))
        return self.aside()

    def aside(self) -> list[Aside]:
        with self.hall.database.reader.connect() as connection:
            return quarantine.waiting(connection, self.hall.office)

    def do(self, command: Callable[[Work], T]) -> T:
        return self.hall.writer.submit(command).result(10)

    def change(self, sql: str, *values: str) -> None:
        self.do(lambda work: work.connection.exec_driver_sql(sql, values))

    def value(self, sql: str) -> Any:
        with self.hall.database.reader.connect() as connection:
            return connection.exec_driver_sql(sql).scalar()

    def accept(self, aside: int, note: str = "已与纳税人核对") -> None:
        hall = self.hall
        self.do(lambda work: quarantine.accept(work, hall.rules, hall.office, hall.kiosk, aside, "林晓", note))

    def close(self, aside: int, note: str) -> None:
        self.do(lambda work: quarantine.close(work, aside, "林晓", note))


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    store = Store(tmp_path / "kiosk.sqlite", KEY)
    with hall_in(tmp_path / "hall", 10, Stopped()) as hall:
        yield Stand(hall, store)
    store.close()


def test_a_return_filed_at_another_kiosk_meanwhile_is_shown_beside_that_one(stand: Stand) -> None:
    first = stand.filed(1)
    second = stand.filed(1)
    (aside,) = stand.comes_back()
    assert why(aside.reason) == "该所属期已有申报"
    theirs, ours = dict(aside.theirs.facts), dict(aside.ours.facts)
    assert (theirs["key"], ours["key"]) == (second.key[:12], first.key[:12])
    assert theirs["declared_at"] == "2026-10-08 09:00:00"
    assert theirs["total"] == ours["total"]
    assert theirs["payer"] == ours["payer"] == "9235****"


def test_a_return_filed_at_a_window_meanwhile_is_taken_in_once_the_other_is_withdrawn_at_its_legal_time(
    stand: Stand,
) -> None:
    stand.change("UPDATE obligation SET elsewhere = '2026-10-15' WHERE id = ?", obligation(2))
    request = stand.filed(2)
    (aside,) = stand.comes_back()
    assert dict(aside.ours.facts) == {"elsewhere": "2026-10-15"}
    with pytest.raises(Refused, match="still") as still:
        stand.accept(aside.id)
    assert why(still.value.field or "") == "该所属期已有申报"
    assert stand.aside() == [aside]

    stand.change("UPDATE obligation SET elsewhere = NULL WHERE id = ?", obligation(2))
    stand.accept(aside.id)
    assert stand.aside() == []
    assert stand.value("SELECT key FROM filing") == request.key
    assert stand.value("SELECT declared_at FROM filing") == DECLARED.timestamp() * 1000
    assert stand.value("SELECT count(*) FROM filing_item WHERE state = 'pending'") == 2


def test_a_person_who_was_bound_when_he_filed_is_taken_in_though_he_no_longer_is(stand: Stand) -> None:
    stand.change("UPDATE binding SET to_day = '2026-10-10' WHERE taxpayer = ?", taxpayer(3))
    stand.filed(3)
    assert stand.comes_back() == []


def test_a_person_who_was_not_bound_any_more_at_the_legal_time_is_before_staff(stand: Stand) -> None:
    stand.change("UPDATE binding SET to_day = '2026-10-07' WHERE taxpayer = ?", taxpayer(3))
    stand.filed(3)
    (aside,) = stand.comes_back()
    assert why(aside.reason) == "申报时间已不是该纳税人的办税人"


def test_a_return_assessed_by_other_rules_is_shown_with_what_the_halls_own_come_to(stand: Stand) -> None:
    right = stand.filed(4).total
    stand.filed(5, total=right + 100)
    (aside,) = stand.comes_back()
    assert dict(aside.theirs.facts)["total"] != dict(aside.ours.facts)["assessed"]


def test_a_row_that_tells_another_story_than_the_one_held_is_shown_beside_it(stand: Stand) -> None:
    first = stand.filed(6)
    stand.comes_back()
    other = filing(7, DECLARED)
    body = msgspec.json.encode(FilingMade(other))
    clock = NOW + timedelta(days=400)
    row = JournalRow(1, "filing_made", NOW, msgspec.Raw(body), row_hash(CHAIN_START, 1, "filing_made", NOW, body))
    incarnation = stand.value("SELECT incarnation FROM kiosk_mark")
    stand.hall.send_journal(JournalBatch(incarnation, [msgspec.structs.replace(row, clock=clock)]), 10)
    (aside,) = stand.aside()
    assert dict(aside.theirs.facts)["key"] == other.key[:12]
    assert dict(aside.ours.facts)["key"] == first.key[:12]
    assert aside.clock == clock


def test_an_own_number_that_is_held_already_is_shown_with_the_ticket_that_bears_it(stand: Stand) -> None:
    for _ in range(2):
        draft = replace(DRAFT, issued_at=NOW)
        stand.store.record_own_ticket("K1", "", draft, None, False, NOW, "")
        stand.comes_back()
        with stand.store._transaction() as connection:
            connection.exec_driver_sql("DELETE FROM series")
            connection.exec_driver_sql("DELETE FROM latest_own")
            connection.exec_driver_sql("DELETE FROM ticket")
    (aside,) = stand.aside()
    assert dict(aside.theirs.facts)["number"] == dict(aside.ours.facts)["number"] == "K1-001"


def test_nothing_is_closed_without_a_note_or_twice_and_who_closed_it_stays_in_the_books(stand: Stand) -> None:
    stand.filed(1)
    stand.filed(1)
    (aside,) = stand.comes_back()
    for note in ("", "  ", "长" * 401):
        with pytest.raises(Refused, match="note"):
            stand.close(aside.id, note)
    stand.close(aside.id, "重复申报，已告知")
    with pytest.raises(Refused, match="not_found"):
        stand.accept(aside.id)
    with stand.hall.database.reader.connect() as connection:
        (ended,) = quarantine.ended(connection)
    assert (ended.outcome, ended.by, ended.note) == ("closed", "林晓", "重复申报，已告知")
    assert stand.value("SELECT length(body) > 100 FROM quarantine") == 1


def test_what_is_set_aside_is_sealed_on_disk(stand: Stand) -> None:
    stand.filed(1)
    request = stand.filed(1)
    stand.comes_back()
    for file in stand.hall.database.file.parent.glob("hall.sqlite*"):
        assert msgspec.json.encode(request.request) not in file.read_bytes()


# ---- the page ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    with Hall(tmp_path_factory.mktemp("hall")) as started:
        yield started


def settle(clerk: Clerk, **asked: str) -> httpx2.Response:
    return clerk.http.post("/staff/quarantine", data=asked, headers={"Origin": str(clerk.http.base_url).rstrip("/")})


def test_the_page_shows_both_versions_and_a_clerk_closes_one_with_a_note(hall: Hall) -> None:
    assert hall.visitor().http.get("/staff/quarantine").status_code == 303
    body = msgspec.json.encode(FilingMade(filing(1, DECLARED)))
    row = JournalRow(1, "filing_made", NOW, msgspec.Raw(body), "0" * 64, NOW + timedelta(days=400))
    key = Ed25519PrivateKey.generate()
    kiosk = HallClient(hall.url, Signer("K2", key.private_bytes_raw()))
    kiosk.enrol(hall.command("enrol", "K2")["code"], key.public_key().public_bytes_raw(), 30)
    kiosk.send_journal(JournalBatch(secrets.token_hex(16), [row]), 10)
    kiosk.close()
    clerk = hall.clerk("陈晓芳", "1")
    text = clerk.http.get("/staff/quarantine").text
    assert "与前一条记录接不上" in text
    assert "自助机的记录" in text
    assert "本厅的记录" in text
    assert "机器时钟显示 2027-11-24" in text
    aside = text.partition('name="id" value="')[2].partition('"')[0]
    asked = {"id": aside, "kiosk": "K2", "how": "close", "note": "已电话核实"}
    assert settle(clerk, **asked, csrf="x").status_code == 403
    assert settle(hall.visitor(), **asked, csrf=clerk.csrf).status_code == 401
    assert settle(clerk, **{**asked, "note": ""}, csrf=clerk.csrf).status_code == 422
    still = settle(clerk, **{**asked, "how": "accept"}, csrf=clerk.csrf)
    assert still.status_code == 409
    assert "仍不能受理" in still.text
    assert settle(clerk, **asked, csrf=clerk.csrf).status_code == 303
    text = clerk.http.get("/staff/quarantine").text
    assert "没有隔离的记录" in text
    assert "已电话核实" in text
    assert "陈晓芳" in text
