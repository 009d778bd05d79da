"""A manager and a kiosk in its window: what is ordered is done once, between visits; what is forged is not done."""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.processes import wait_until
from demo.stage import HALL_ZONE, KIOSK, Stage
from hall.fleet.orders import sign
from kiosk.domain.fleet import Order, SignedOrder, Verb
from kiosk.session.step import RESTART_S

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MANAGER, PASSWORD = "林敏", "eight-or-more"
PAGE = f"/staff/fleet/{KIOSK}"


class Office:
    """The manager's browser, as far as HTTP goes, and the hall's file."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage._hall.command("staff", "add", MANAGER, "--role", "manager", typed=f"{PASSWORD}\n")
        self.http = httpx2.Client(base_url=stage.hall_url, trust_env=False, timeout=30.0)
        self.http.post("/staff/login", data={"name": MANAGER, "password": PASSWORD})
        self.csrf = self.http.get("/staff").text.partition('name="csrf" value="')[2].partition('"')[0]

    def orders(self, verb: str, argument: str = "") -> None:
        answer = self.http.post(f"{PAGE}/orders", data={"csrf": self.csrf, "verb": verb, "argument": argument})
        assert answer.status_code == 303

    def page(self) -> str:
        return self.http.get(PAGE).raise_for_status().text

    def rows(self, sql: str, *values: Any) -> list[Any]:
        with sqlite3.connect(self.stage.folder / "hall" / "hall.sqlite", timeout=20) as database:
            return database.execute(sql, values).fetchall()

    @property
    def key(self) -> Ed25519PrivateKey:
        ((seed,),) = self.rows("SELECT value FROM secret WHERE name = 'order_key'")
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))

    def made_up(self, verb: Verb = Verb.LOCK, **changed: Any) -> Order:
        ((last,),) = self.rows("SELECT coalesce(max(number), 0) FROM kiosk_order")
        now = datetime.now(HALL_ZONE)
        order = Order(secrets.token_hex(16), KIOSK, last + 1, verb, "", "某人", now, now + timedelta(minutes=10))
        return msgspec.structs.replace(order, **changed)

    def smuggles_in(self, order: Order, signed: SignedOrder) -> str:
        """Into the hall's books, as somebody could who has the web server; what the kiosk makes of it."""
        now = int(datetime.now(HALL_ZONE).timestamp() * 1000)
        ((last,),) = self.rows("SELECT coalesce(max(number), 0) FROM kiosk_order")
        self.rows(
            "INSERT INTO kiosk_order (id, kiosk, number, signed, verb, argument, given_by, issued_at, expires_at)"
            " VALUES (?, ?, ?, ?, ?, '', '', ?, ?)",
            *(order.id, KIOSK, last + 1, msgspec.json.encode(signed), order.verb.value, now, now + 600_000),
        )

        def answered() -> tuple[str, str] | None:
            sql = "SELECT outcome, problem FROM kiosk_order WHERE id = ? AND answered_at IS NOT NULL"
            found = self.rows(sql, order.id)
            return found[0] if found else None

        outcome, problem = wait_until(answered, 90, "the kiosk has answered", self.stage.sync, self.stage.hall)
        assert outcome == "refused"
        return str(problem)


@pytest.fixture(scope="module")
def office(stage: Stage) -> Iterator[Office]:
    office = Office(stage)
    yield office
    office.http.close()


def heard_at(office: Office) -> int:
    ((at,),) = office.rows("SELECT coalesce(max(received_at), 0) FROM kiosk_report")
    return int(at)


def test_a_kiosk_that_is_locked_from_the_page_says_so_and_serves_again_once_it_is_unlocked(
    stage: Stage, office: Office
) -> None:
    wait_until(lambda: "在线" in office.page(), 60, "the kiosk has reported", stage.sync)
    office.orders("lock", "停电检修，9:00 恢复")
    stage.visitor.waits_for("out_of_service", 60)
    wait_until(lambda: "停用 <span" in office.page(), 60, "the page says that it is locked", stage.sync)
    office.orders("unlock")
    stage.visitor.waits_for("home", 60)


def test_somebody_in_a_visit_is_not_sent_away(stage: Stage, office: Office) -> None:
    stage.visitor.touches("take_number")
    stage.visitor.waits_for("identify")
    office.orders("lock")
    wait_until(lambda: not office.rows("SELECT 1 FROM kiosk_order WHERE answered_at IS NULL"), 60, "it is carried out")
    glass = stage.visitor.looks()
    assert glass is not None
    assert glass.page == "identify"
    stage.visitor.touches("back")
    stage.visitor.waits_for("out_of_service", 60)
    office.orders("unlock")
    stage.visitor.waits_for("home", 60)


def test_a_restart_ends_the_front_end_cleanly_and_only_the_one_that_was_meant(stage: Stage, office: Office) -> None:
    office.orders("restart")
    wait_until(lambda: stage.kiosk.exit_code is not None, 60, "the front end has left")
    assert stage.kiosk.exit_code == 0
    stage.start_kiosk()
    time.sleep(RESTART_S + 3)
    assert stage.kiosk.exit_code is None


def test_the_kiosk_s_log_lines_are_read_at_the_hall(stage: Stage, office: Office) -> None:
    logs = stage.folder / "kiosk" / "data" / "logs"
    logs.mkdir(exist_ok=True)
    (logs / "front-end.log").write_text("an older line\nthe newest line\n", encoding="utf-8")
    office.orders("fetch_logs", "2")
    wait_until(lambda: f"{PAGE}/logs/" in office.page(), 60, "the lines are there", stage.sync)
    link = office.page().partition(f'href="{PAGE}/logs/')[2].partition('"')[0]
    assert "the newest line" in office.http.get(f"{PAGE}/logs/{link}").text


def test_an_order_that_is_stale_is_refused(stage: Stage, office: Office) -> None:
    stale = office.made_up(expires_at=datetime.now(HALL_ZONE) - timedelta(seconds=1))
    assert office.smuggles_in(stale, sign(office.key, stale)) == "stale"


def test_an_order_that_was_heard_before_is_refused(stage: Stage, office: Office) -> None:
    again = office.made_up(number=1)
    assert office.smuggles_in(again, sign(office.key, again)) == "number"


def test_an_order_for_another_kiosk_is_refused(stage: Stage, office: Office) -> None:
    other = office.made_up(kiosk="K9")
    assert office.smuggles_in(other, sign(office.key, other)) == "kiosk"


def test_an_order_that_another_key_signed_is_refused(stage: Stage, office: Office) -> None:
    forged = office.made_up()
    assert office.smuggles_in(forged, sign(Ed25519PrivateKey.generate(), forged)) == "signature"


def test_nothing_of_it_has_locked_the_kiosk_and_both_audit_logs_tell_all_of_it(stage: Stage, office: Office) -> None:
    glass = stage.visitor.looks()
    assert glass is not None
    assert glass.page == "home"
    page = wait_until(lambda: page if "拒绝指令" in (page := office.page()) else "", 60, "the journal came", stage.sync)
    assert f"hall:{MANAGER}" in page
    assert "发出指令：停用" in page
    assert stage._hall.command("audit", "--verify")["broken"] is None


def test_a_hall_that_was_down_hears_its_kiosk_again_by_itself(stage: Stage, office: Office) -> None:
    stage.stop_hall()
    before = heard_at(office)
    stage.start_hall()
    wait_until(lambda: heard_at(office) > before, 60, "a report has come", stage.sync, stage.hall)
    office.orders("lock")
    stage.visitor.waits_for("out_of_service", 60)
