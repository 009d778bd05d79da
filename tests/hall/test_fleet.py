"""The kiosks of the hall as machines: what they report, what is wrong, what they may be told, and who told them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from demo.hall_server import HallServer
from demo.processes import Failed, wait_until
from hall.fleet import alarms, audit, machine, orders, reports, technicians
from hall.fleet.alarms import Kind
from hall.fleet.calls import Calls
from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from hall.settings import Fleet
from hall.store.database import Database
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.fleet import (
    LOG_BYTES,
    READINESS_DOMAIN,
    Check,
    ConfigurationReport,
    DeviceReport,
    KioskReport,
    Order,
    OrderAnswer,
    Readiness,
    ReadinessReported,
    ReportReply,
    SignedOrder,
    Slot,
    StorageReport,
    Technician,
    TechnicianRole,
    Verb,
)
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.store.store import Store
from kiosk.sync.fleet import Orders
from kiosk.sync.hall_client import HallClient, HallRefused, HallUnreachable
from kiosk.sync.machine_logs import Logs, cut
from kiosk.sync.signing import Signer
from tests.hall.house import House
from tests.unit.test_store import KEY

SETTINGS = Fleet()
GOOD = {
    "id_card": DeviceReport("online"),
    "ticket_printer": DeviceReport("online", "full"),
    "receipt_printer": DeviceReport("online", "full"),
    "pos": DeviceReport("online"),
}
PASSWORD = "eight-or-more"


def report_of(now: datetime, **changed: Any) -> KioskReport:
    said: dict[str, Any] = {
        "at": now,
        "clock": now,
        "started_at": now - timedelta(hours=2),
        "software": "0.1.0",
        "devices": GOOD,
        "journal_waiting": 0,
        "configuration": ConfigurationReport(3, Slot.HEALTHY, 3),
        "storage": StorageReport(20_000_000_000, 30_000_000_000),
        "restarts": 1,
    }
    return KioskReport(**{**said, **changed})


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def enrol(house: House, kiosk: str = "K1") -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    sql = "INSERT INTO kiosk (id, public_key, enrolled_at) VALUES (?, ?, ?)"
    at = int(house.clock.now().timestamp() * 1000)
    house.do(lambda work: work.connection.exec_driver_sql(sql, (kiosk, key, at)))


def reported(house: House, kiosk: str = "K1", **changed: Any) -> None:
    report = report_of(house.clock.now(), **changed)

    def command(work: Any) -> None:
        reports.take_in(work, kiosk, report)
        found = alarms.told_by(report, SETTINGS, work.now)
        alarms.settle(work, kiosk, alarms.BY_REPORT | {Kind.OFFLINE}, found)

    house.do(command)


def time_passes(house: House, asked_while_revoked: frozenset[str] = frozenset(), **by: float) -> None:
    """And the hall looks what it brings."""
    house.clock.move(**by)

    def command(work: Any) -> None:
        found = alarms.by_time(work.connection, SETTINGS, work.now_ms, 0, asked_while_revoked)
        alarms.look(work, found, asked_while_revoked)

    house.do(command)


def alarms_of(house: House) -> dict[str, str]:
    with house.database.reader.connect() as connection:
        return {a.kind.value: a.detail for a in alarms.open_now(connection, SETTINGS, house.clock.now())}


# ---- alarms ----------------------------------------------------------------------------------------------------------


def test_a_kiosk_that_is_well_gives_no_alarm(house: House) -> None:
    enrol(house)
    reported(house)
    time_passes(house, minutes=2)
    assert alarms_of(house) == {}


@pytest.mark.parametrize(
    ("changed", "kind", "detail"),
    [
        ({"devices": {**GOOD, "pos": DeviceReport("hardwareError")}}, "device", "pos:hardwareError"),
        ({"devices": {**GOOD, "ticket_printer": DeviceReport("online", "out")}}, "paper_out", "ticket_printer"),
        ({"devices": {**GOOD, "receipt_printer": DeviceReport("online", "jammed")}}, "paper_out", "receipt_printer"),
        ({"devices": {**GOOD, "ticket_printer": DeviceReport("online", "low")}}, "paper_low", "ticket_printer"),
        ({"journal_waiting": 501}, "journal_deep", "501"),
        ({"storage": StorageReport(499_000_000, 30_000_000_000)}, "storage_low", "499 MB"),
        ({"storage": StorageReport(0, 0, works=False)}, "storage_broken", ""),
        ({"clock": datetime(2026, 11, 24, 12, 0, tzinfo=HALL_ZONE)}, "clock_off", "10800 s"),
        ({"configuration": ConfigurationReport(3, Slot.ROLLED_BACK, 4, "crashed")}, "rolled_back", "4 crashed"),
        ({"configuration": ConfigurationReport(3, Slot.REFUSED, 4, "unsigned")}, "release_refused", "4 unsigned"),
        ({"restarts": 4}, "restarts", "4"),
        ({"front_end_runs": False}, "front_end_down", ""),
    ],
)
def test_each_thing_that_is_wrong_begins_its_alarm_and_ends_it_when_it_is_right_again(
    house: House, changed: dict[str, Any], kind: str, detail: str
) -> None:
    enrol(house)
    reported(house, **changed)
    assert alarms_of(house) == {kind: detail}
    reported(house)
    assert alarms_of(house) == {}


def test_what_is_just_within_its_limit_is_none(house: House) -> None:
    enrol(house)
    clock = house.clock.now() + timedelta(seconds=119)
    reported(house, journal_waiting=500, restarts=3, clock=clock, storage=StorageReport(500_000_000, 10**12))
    assert alarms_of(house) == {}


def test_a_kiosk_is_offline_after_three_reports_that_did_not_come_and_online_with_the_next(house: House) -> None:
    enrol(house)
    reported(house)
    time_passes(house, seconds=180)
    assert alarms_of(house) == {}
    time_passes(house, seconds=1)
    assert alarms_of(house) == {"offline": ""}
    with house.database.reader.connect() as connection:
        assert not reports.fleet(connection, house.clock.now(), SETTINGS.report_s)[0].online
    reported(house)
    assert alarms_of(house) == {}


def test_a_hall_that_was_down_does_not_take_its_kiosks_for_silent(house: House) -> None:
    enrol(house)
    reported(house)
    house.clock.move(hours=9)
    since = int((house.clock.now() - timedelta(seconds=5)).timestamp() * 1000)
    with house.database.reader.connect() as connection:
        now_ms = int(house.clock.now().timestamp() * 1000)
        assert alarms.by_time(connection, SETTINGS, now_ms, since, frozenset()) == {}


def test_a_revoked_kiosk_gives_one_alarm_only_that_its_key_is_still_used(house: House) -> None:
    enrol(house)
    reported(house, journal_waiting=900)
    house.do(lambda work: work.connection.exec_driver_sql("UPDATE kiosk SET revoked_at = 1"))
    time_passes(house, frozenset({"K1"}), minutes=9)
    assert alarms_of(house) == {"revoked_key": ""}


def test_quarantined_records_are_an_alarm_until_staff_have_settled_them(house: House) -> None:
    enrol(house)
    reported(house)
    sql = (
        "INSERT INTO quarantine (kiosk, incarnation, seq, kind, at, body, hash, reason, received_at)"
        " VALUES ('K1', 'a', 1, 'x', '', x'', '', 'r', 1)"
    )
    house.do(lambda work: work.connection.exec_driver_sql(sql))
    time_passes(house)
    assert alarms_of(house) == {"quarantine": "1"}
    house.do(lambda work: work.connection.exec_driver_sql("UPDATE quarantine SET seen_at = 2"))
    time_passes(house)
    assert alarms_of(house) == {}


def test_an_alarm_that_somebody_has_seen_rings_no_more_and_stays_until_its_cause_is_gone(house: House) -> None:
    enrol(house)
    reported(house, journal_waiting=600)
    with house.database.reader.connect() as connection:
        (alarm,) = alarms.open_now(connection, SETTINGS, house.clock.now())
    assert alarm.rings
    house.do(lambda work: alarms.see(work, alarm.id, "林敏"))
    reported(house, journal_waiting=700)
    with house.database.reader.connect() as connection:
        (alarm,) = alarms.open_now(connection, SETTINGS, house.clock.now())
    assert (alarm.rings, alarm.seen_by, alarm.detail) == (False, "林敏", "700")
    reported(house)
    with pytest.raises(Refused, match="not_found"):
        house.do(lambda work: alarms.see(work, alarm.id, "林敏"))
    with house.database.reader.connect() as connection:
        assert [e.what for e in audit.about(connection, "K1", 9)] == ["alarm_seen"]


def test_in_quiet_hours_only_grave_alarms_ring_and_the_others_are_shown(house: House) -> None:
    enrol(house)
    house.clock.at = datetime(2026, 11, 25, 2, 0, tzinfo=HALL_ZONE)
    reported(house, restarts=9, devices={**GOOD, "ticket_printer": DeviceReport("online", "low")})
    with house.database.reader.connect() as connection:
        at_night = {a.kind: a.rings for a in alarms.open_now(connection, SETTINGS, house.clock.now())}
        in_the_morning = datetime(2026, 11, 25, 7, 0, tzinfo=HALL_ZONE)
        by_day = {a.kind: a.rings for a in alarms.open_now(connection, SETTINGS, in_the_morning)}
    assert at_night == {Kind.RESTARTS: True, Kind.PAPER_LOW: False}
    assert by_day == {Kind.RESTARTS: True, Kind.PAPER_LOW: True}


# ---- orders, at the hall ---------------------------------------------------------------------------------------------


def give(house: House, verb: Verb = Verb.LOCK, argument: str = "", kiosk: str = "K1") -> Order:
    return house.do(lambda work: orders.give(work, kiosk, verb, argument, "林敏"))


def signed_orders(house: House, kiosk: str = "K1") -> list[SignedOrder]:
    with house.database.reader.connect() as connection:
        return orders.open_orders(connection, kiosk, int(house.clock.now().timestamp() * 1000))


def test_the_number_of_a_kiosk_s_orders_only_rises_and_is_its_own(house: House) -> None:
    enrol(house)
    enrol(house, "K2")
    assert [give(house).number, give(house).number, give(house, kiosk="K2").number] == [1, 2, 1]


def test_an_order_that_is_stale_or_answered_is_not_sent_any_more(house: House) -> None:
    enrol(house)
    first, second = give(house), give(house)
    house.do(lambda work: orders.answered(work, "K1", first.id, OrderAnswer("done")))
    (left,) = signed_orders(house)
    assert msgspec.json.decode(left.order, type=Order).id == second.id
    house.clock.move(minutes=10)
    assert signed_orders(house) == []
    with house.database.reader.connect() as connection:
        states = [each.state for each in orders.latest(connection, "K1", int(house.clock.now().timestamp() * 1000))]
    assert states == ["stale", "done"]


@pytest.mark.parametrize(
    ("verb", "argument"),
    [
        (Verb.LOCK, "x" * 61),
        (Verb.LOCK, "two\nlines"),
        (Verb.UNLOCK, "x"),
        (Verb.FETCH_LOGS, "0"),
        (Verb.FETCH_LOGS, "73"),
        (Verb.FETCH_LOGS, "２"),
        (Verb.FETCH_LOGS, ""),
    ],
)
def test_an_order_with_an_impossible_argument_is_not_given(house: House, verb: Verb, argument: str) -> None:
    enrol(house)
    with pytest.raises(Refused, match="argument"):
        give(house, verb, argument)


def test_no_order_goes_to_a_kiosk_that_is_not_enrolled_or_was_revoked(house: House) -> None:
    enrol(house)
    house.do(lambda work: work.connection.exec_driver_sql("UPDATE kiosk SET revoked_at = 1"))
    for kiosk in ("K1", "K9"):
        with pytest.raises(Refused, match="no_such_kiosk"):
            give(house, kiosk=kiosk)


def test_one_kiosk_answers_for_no_other_and_an_answer_counts_once(house: House) -> None:
    enrol(house)
    order = give(house)
    with pytest.raises(Refused, match="not_found"):
        house.do(lambda work: orders.answered(work, "K2", order.id, OrderAnswer("done")))
    house.do(lambda work: orders.answered(work, "K1", order.id, OrderAnswer("refused", "stale")))
    house.do(lambda work: orders.answered(work, "K1", order.id, OrderAnswer("done")))
    assert house.value("SELECT outcome FROM kiosk_order") == "refused"


# ---- orders, at the kiosk --------------------------------------------------------------------------------------------


class Standing:
    """A clock that stands where it is put, as far as a machine's uptime goes."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


class Machine:
    """A kiosk's own side of orders: the real store, the hall's real key."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.now = datetime(2026, 11, 24, 9, 0, tzinfo=HALL_ZONE)
        self.store = Store(folder / "kiosk.sqlite", KEY)
        self.clock = TrustedClock(Standing(self.now))
        (folder / "logs").mkdir()
        self.logs = folder / "logs"
        public = self.key.public_key().public_bytes_raw().hex()
        self.orders = Orders(self.store, self.clock, "K1", public, Logs(self.logs))

    def order(self, number: int = 1, verb: Verb = Verb.LOCK, argument: str = "", **changed: Any) -> Order:
        until = self.now + timedelta(minutes=10)
        order = Order(f"{number:032x}", "K1", number, verb, argument, "林敏", self.now, until)
        return msgspec.structs.replace(order, **changed)

    def hears(self, order: Order, key: Ed25519PrivateKey | None = None) -> OrderAnswer | None:
        """What it answers; None where it says nothing new."""
        before = self.store.standing.answers_to_send()
        self.orders.take(orders.sign(key or self.key, order))
        self.orders._quiet_until.clear()
        new = [answer for id, answer in self.store.standing.answers_to_send().items() if id not in before]
        return new[0] if new else None

    @property
    def locked(self) -> bool:
        return self.store.standing.look().locked

    def audited(self) -> list[tuple[str, str]]:
        return [(row.who, row.what) for row in self.store.audit.latest(9)]


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Machine]:
    kiosk = Machine(tmp_path)
    yield kiosk
    kiosk.store.close()


def test_an_order_is_carried_out_answered_and_audited_in_one(kiosk: Machine) -> None:
    assert kiosk.hears(kiosk.order(argument="9:00 恢复")) == OrderAnswer("done")
    standing = kiosk.store.standing.look()
    assert (standing.locked, standing.words, standing.last_order) == (True, "9:00 恢复", 1)
    assert kiosk.audited() == [("hall:林敏", "order_done")]
    assert kiosk.store.audit.verify() is None


def test_a_stale_order_is_refused_by_trusted_time_and_is_passed_over_for_good(kiosk: Machine) -> None:
    stale = kiosk.order(2, expires_at=kiosk.now)
    assert kiosk.hears(stale) == OrderAnswer("refused", "stale")
    assert not kiosk.locked
    assert kiosk.hears(kiosk.order(1)) == OrderAnswer("refused", "number")
    assert not kiosk.locked


def test_an_order_that_is_sent_twice_is_carried_out_once(kiosk: Machine) -> None:
    lock, unlock = kiosk.order(1), kiosk.order(2, Verb.UNLOCK)
    kiosk.hears(lock)
    kiosk.hears(unlock)
    assert kiosk.hears(lock) is None
    assert not kiosk.locked


def test_an_old_order_under_a_new_name_is_refused(kiosk: Machine) -> None:
    kiosk.hears(kiosk.order(1, Verb.UNLOCK))
    assert kiosk.hears(kiosk.order(1, id="f" * 32)) == OrderAnswer("refused", "number")
    assert not kiosk.locked


def test_an_order_for_another_kiosk_is_refused_and_uses_no_number_up(kiosk: Machine) -> None:
    assert kiosk.hears(kiosk.order(7, kiosk="K2")) == OrderAnswer("refused", "kiosk")
    assert not kiosk.locked
    assert kiosk.hears(kiosk.order(1)) == OrderAnswer("done")


def test_an_order_signed_by_another_key_is_refused_and_uses_no_number_up(kiosk: Machine) -> None:
    other = Ed25519PrivateKey.generate()
    assert kiosk.hears(kiosk.order(7), other) == OrderAnswer("refused", "signature")
    assert not kiosk.locked
    assert kiosk.hears(kiosk.order(1)) == OrderAnswer("done")


def test_an_order_of_which_one_sign_was_changed_is_refused(kiosk: Machine) -> None:
    signed = orders.sign(kiosk.key, kiosk.order(1, Verb.UNLOCK))
    for forged in (signed.order.replace("unlock", "lock"), signed.order.replace('"K1"', '"K2"'), "{}", "no json"):
        kiosk.orders.take(SignedOrder(forged, signed.signature))
    assert kiosk.store.standing.look() == (before := kiosk.store.standing.look())
    assert (before.locked, before.last_order) == (False, 0)


def test_a_kiosk_that_was_given_no_order_key_obeys_nobody(tmp_path: Path) -> None:
    kiosk = Machine(tmp_path)
    kiosk.orders = Orders(kiosk.store, kiosk.clock, "K1", "", Logs(tmp_path))
    assert kiosk.hears(kiosk.order()) == OrderAnswer("refused", "signature")
    assert not kiosk.locked
    kiosk.store.close()


def test_whoever_makes_orders_up_does_not_fill_the_audit_log(kiosk: Machine) -> None:
    other = Ed25519PrivateKey.generate()
    for number in range(1, 50):
        kiosk.orders.take(orders.sign(other, kiosk.order(number)))
    assert len(kiosk.audited()) == 1


def test_an_answer_waits_until_the_hall_has_it_and_a_restart_forgets_it_not(kiosk: Machine, tmp_path: Path) -> None:
    kiosk.hears(kiosk.order())
    kiosk.store.close()
    again = Store(tmp_path / "kiosk.sqlite", KEY)
    (order,) = again.standing.answers_to_send()
    again.standing.answer_sent(order)
    assert again.standing.answers_to_send() == {}
    assert again.standing.is_answered(order)
    again.close()


def test_log_lines_that_are_fetched_are_the_newest_whole_ones_that_fit(kiosk: Machine) -> None:
    lines = [f"2026-11-24 line {at:06} 号".encode() for at in range(20_000)]
    (kiosk.logs / "front-end.log").write_bytes(b"\n".join(lines) + b"\n")
    answer = kiosk.hears(kiosk.order(verb=Verb.FETCH_LOGS, argument="2"))
    assert answer is not None
    assert len(answer.text.encode()) <= LOG_BYTES
    told = answer.text.splitlines()
    assert told[-1] == lines[-1].decode()
    assert told[0].encode() in lines
    assert msgspec.json.decode(msgspec.json.encode(answer), type=OrderAnswer) == answer


def test_a_cut_leaves_no_half_line() -> None:
    assert cut(b"x" * LOG_BYTES + b"\nlast\n") == "last\n"


# ---- the line --------------------------------------------------------------------------------------------------------


def test_a_thousand_kiosks_rung_at_once_hear_within_a_second_by_one_look_into_the_books(tmp_path: Path) -> None:
    database, looks = Database(tmp_path), []

    def told(connection: Any, kiosk: str) -> ReportReply:
        looks.append(threading.get_ident())
        return ReportReply(12)

    async def play() -> float:
        calls = Calls(database.reader, told)
        calls.start()
        heard = 0

        async def listen(kiosk: str) -> None:
            nonlocal heard
            async with calls.line(kiosk) as line:
                await line.next_chunk()
                came.release()
                assert b'{"release":12}' in await line.next_chunk()
                heard += 1

        came = asyncio.Semaphore(0)
        kiosks = [f"K{number}" for number in range(1000)]
        tasks = [asyncio.create_task(listen(kiosk)) for kiosk in kiosks]
        for _ in kiosks:
            await asyncio.wait_for(came.acquire(), 10)
        assert calls.listening == 1000
        looks.clear()
        began = time.monotonic()
        calls.ring(*kiosks)
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        took = time.monotonic() - began
        assert (heard, calls.listening) == (1000, 0)
        calls.close()
        return took

    assert asyncio.run(play()) < 1.0
    assert len(looks) == 1000
    assert len(set(looks)) == 1
    database.close()


# ---- over the wire ---------------------------------------------------------------------------------------------------


class Fleetmate(HallClient):
    """A kiosk of the hall, as far as HTTP goes."""

    def __init__(self, hall: HallServer, name: str) -> None:
        self.name, self.key = name, Ed25519PrivateKey.generate()
        super().__init__(hall.url, Signer(name, self.key.private_bytes_raw()))
        code = hall.command("enrol", name)["code"]
        self.enrolled = self.enrol(code, self.key.public_key().public_bytes_raw(), 30.0)

    def says(self, **changed: Any) -> ReportReply:
        return self.report(report_of(datetime.now(HALL_ZONE), **changed), 20.0)


class Manager:
    def __init__(self, hall: HallServer, name: str) -> None:
        self.http = httpx2.Client(base_url=hall.url, trust_env=False, timeout=20.0)
        self.login = self.http.post("/staff/login", data={"name": name, "password": PASSWORD})
        self.csrf = self.http.get("/staff").text.partition('name="csrf" value="')[2].partition('"')[0]

    def get(self, path: str) -> httpx2.Response:
        return self.http.get(path)

    def post(self, path: str, **fields: str) -> httpx2.Response:
        return self.http.post(path, data={"csrf": self.csrf, **fields})


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    made = HallServer(tmp_path_factory.mktemp("hall"))
    made.start()
    for name, role in (("林敏", "manager"), ("吴技", "technician"), ("陈窗", "clerk")):
        made.command("staff", "add", name, "--role", role, typed=f"{PASSWORD}\n")
    yield made
    assert made.stop() == 0, "SIGTERM ends it cleanly, its lines to kiosks too"


@pytest.fixture(scope="module")
def manager(hall: HallServer) -> Manager:
    return Manager(hall, "林敏")


def heard_on(kiosk: HallClient, heard: list[tuple[str, str]]) -> threading.Thread:
    """Listens in a thread until the line ends."""

    def listen() -> None:
        with contextlib.suppress(HallUnreachable), kiosk.listen(40.0) as line:
            heard.append(("open", ""))
            heard.extend(line)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    return thread


def test_an_order_given_on_the_page_reaches_the_kiosk_at_once_and_is_signed_by_the_hall(
    hall: HallServer, manager: Manager
) -> None:
    kiosk, heard = Fleetmate(hall, "K1"), []
    heard_on(kiosk, heard)
    wait_until(lambda: any(kind == "release" for kind, _ in heard), 10, "the line is open")
    began = time.monotonic()
    assert manager.post("/staff/fleet/K1/orders", verb="lock", argument="9:00 恢复").status_code == 303
    wait_until(lambda: any(kind == "order" for kind, _ in heard), 10, "the order is heard")
    assert time.monotonic() - began < 5
    signed = msgspec.json.decode(next(data for kind, data in heard if kind == "order"), type=SignedOrder)
    order = msgspec.json.decode(signed.order, type=Order)
    assert (order.kiosk, order.verb, order.argument, order.by) == ("K1", Verb.LOCK, "9:00 恢复", "林敏")
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(kiosk.enrolled.order_key))
    public.verify(bytes.fromhex(signed.signature), b"taxkiosk-order:" + signed.order.encode())

    other = Fleetmate(hall, "K1" + "1")
    with pytest.raises(HallRefused, match="404"):
        other.answer_order(order.id, OrderAnswer("done"), 20.0)
    mine = HallClient(hall.url, Signer("K1", kiosk.key.private_bytes_raw()))
    mine.answer_order(order.id, OrderAnswer("done"), 20.0)
    assert "已执行" in manager.get("/staff/fleet/K1").text
    assert mine.report(report_of(datetime.now(HALL_ZONE)), 20.0).orders == []


def test_an_order_given_from_the_command_line_is_told_too(hall: HallServer) -> None:
    kiosk, heard = Fleetmate(hall, "K2"), []
    heard_on(kiosk, heard)
    wait_until(lambda: any(kind == "release" for kind, _ in heard), 10, "the line is open")
    hall.command("kiosk", "restart", "K2", "--by", "夜班")
    wait_until(lambda: any(kind == "order" for kind, _ in heard), 10, "the order is heard")


def test_a_kiosk_without_a_line_finds_its_orders_in_the_answer_to_its_report(hall: HallServer) -> None:
    kiosk = Fleetmate(hall, "K3")
    hall.command("kiosk", "unlock", "K3")
    (signed,) = kiosk.says().orders
    assert json.loads(signed.order)["verb"] == "unlock"


def test_a_revoked_kiosk_loses_its_line_within_a_second_and_its_key_is_an_alarm_when_it_is_used(
    hall: HallServer, manager: Manager
) -> None:
    kiosk, heard = Fleetmate(hall, "K4"), []
    line = heard_on(kiosk, heard)
    wait_until(lambda: bool(heard), 10, "the line is open")
    hall.command("kiosk", "revoke", "K4")
    line.join(4)
    assert not line.is_alive()
    thief = HallClient(hall.url, Signer("K4", kiosk.key.private_bytes_raw()))

    def rings() -> bool:
        with pytest.raises(HallRefused, match="signature"):
            thief.report(report_of(datetime.now(HALL_ZONE)), 20.0)
        return "已撤销的密钥还在使用" in manager.get("/staff/fleet/K4").text

    wait_until(rings, 20, "the alarm is on the page")


def test_logs_that_were_fetched_are_read_by_who_may_and_it_is_noted(hall: HallServer, manager: Manager) -> None:
    kiosk = Fleetmate(hall, "K5")
    assert manager.post("/staff/fleet/K5/orders", verb="fetch_logs", argument="2").status_code == 303
    (signed,) = kiosk.says().orders
    order = json.loads(signed.order)["id"]
    text = "first <script>line</script>\nlast line 号\n" + "x" * 1000
    kiosk.answer_order(order, OrderAnswer("done", text=text), 20.0)
    page = manager.get(f"/staff/fleet/K5/logs/{order}").text
    assert "first &lt;script&gt;" in page
    assert "last line 号" in page
    assert Manager(hall, "陈窗").get(f"/staff/fleet/K5/logs/{order}").status_code == 403
    assert "查看日志" in manager.get("/staff/fleet/K5").text
    assert manager.get(f"/staff/fleet/K1/logs/{order}").status_code == 404


def test_a_technician_sees_the_kiosks_and_gives_them_no_orders(hall: HallServer) -> None:
    Fleetmate(hall, "K6").says(devices={**GOOD, "pos": DeviceReport("offline")})
    technician = Manager(hall, "吴技")
    assert "没有应答" in technician.get("/staff/fleet").text
    assert "确认停用" not in technician.get("/staff/fleet/K6").text
    assert technician.post("/staff/fleet/K6/orders", verb="lock").status_code == 403


def test_what_is_wrong_with_an_order_is_said_on_the_kiosk_s_page(hall: HallServer, manager: Manager) -> None:
    Fleetmate(hall, "K7")
    answer = manager.post("/staff/fleet/K7/orders", verb="lock", argument="x" * 61)
    assert answer.status_code == 422
    assert "最多 60 个字" in answer.text
    assert manager.post("/staff/fleet/K99/orders", verb="lock").status_code == 404
    assert manager.post("/staff/fleet/K7/orders", verb="explode").status_code == 422
    assert manager.post("/staff/fleet/K7/group", group="../etc").status_code == 422
    assert manager.post("/staff/fleet/K7/group", group="大堂").status_code == 303
    assert "大堂" in manager.get("/staff/fleet").text
    assert manager.get("/staff/fleet/K99").status_code == 404


def test_a_seen_alarm_says_who_saw_it(hall: HallServer, manager: Manager) -> None:
    Fleetmate(hall, "K8").says(journal_waiting=5000)
    page = manager.get("/staff/fleet/K8").text
    alarm = page.partition('name="id" value="')[2].partition('"')[0]
    assert manager.post("/staff/fleet/alarms", id=alarm, back="K8").headers["location"] == "/staff/fleet/K8"
    assert "林敏" in manager.get("/staff/fleet/K8").text
    assert manager.post("/staff/fleet/alarms", id="x").status_code == 404


def test_a_report_that_no_kiosk_of_ours_sends_is_refused(hall: HallServer) -> None:
    kiosk = Fleetmate(hall, "K9")
    now = datetime.now(HALL_ZONE)
    for changed in (
        {"at": now.replace(tzinfo=None)},
        {"journal_waiting": -1},
        {"devices": {f"d{number}": DeviceReport("online") for number in range(17)}},
        {"devices": {"pos": DeviceReport("x" * 401)}},
        {"restarts": 2**60},
    ):
        with pytest.raises(HallRefused, match="422"):
            kiosk.report(report_of(now, **changed), 20.0)


# ---- technicians, readiness, the audit log ---------------------------------------------------------------------------


def certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "T7")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7, begin, begin + timedelta(days=900))
    return builder.sign(key, hashes.SHA256())


def test_a_technician_s_card_is_known_by_its_certificate_in_either_form(hall: HallServer, tmp_path: Path) -> None:
    card = certificate()
    pem, der = tmp_path / "card.pem", tmp_path / "card.der"
    pem.write_bytes(card.public_bytes(Encoding.PEM))
    der.write_bytes(card.public_bytes(Encoding.DER))
    words = ("--certificate", str(pem), "--valid-from", "2026-01-01", "--valid-to", "2027-12-31", "--role", "senior")
    added = hall.command("technician", "add", "T7", "黄工", *words)
    assert added["certificate"] == technicians.fingerprint(der.read_bytes()) == card.fingerprint(hashes.SHA256()).hex()
    with pytest.raises(Failed, match="another technician has it"):
        hall.command("technician", "add", "T8", "另一人", *words)
    hall.command("technician", "revoke", "T7")
    (listed,) = hall.command("technician", "list")["technicians"]
    assert (listed["id"], listed["role"], listed["revoked"]) == ("T7", "senior", True)
    pem.write_text("no certificate")
    with pytest.raises(Failed, match="no certificate"):
        hall.command("technician", "add", "T9", "某人", *words)


def test_a_technician_s_days_must_be_in_order(house: House) -> None:
    wrong = Technician("T1", "黄工", TechnicianRole.SENIOR, "0" * 64, date(2027, 1, 1), date(2026, 1, 1))
    with pytest.raises(ValueError, match="valid_to"):
        house.do(lambda work: technicians.add(work, wrong, "林敏"))


def test_a_readiness_report_that_another_key_signed_is_kept_and_marked(house: House) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    known = KnownKiosk("K1", key.public_key(), 0)
    for number, signer in enumerate((key, other)):
        at = house.clock.now() + timedelta(hours=number)
        checks = [Check("store", "good"), Check("slip", "good", how="hand")]
        told = Readiness(f"{number:032x}", "K1", at, "T7", True, checks, 3, "0.1.0")
        words = msgspec.json.encode(told)
        fact = ReadinessReported(words.decode(), signer.sign(READINESS_DOMAIN + words).hex())
        house.do(lambda work, fact=fact, at=at: machine.take_in(work, known, fact, at))
    with house.database.reader.connect() as connection:
        assert [each.genuine for each in reports.readiness(connection, "K1")] == [False, True]
        assert reports.last_readiness(connection)["K1"][1] is False


def test_a_row_of_the_audit_log_that_was_changed_taken_out_or_added_shows_itself(house: House) -> None:
    for number in range(5):
        house.do(lambda work, number=number: audit.add(work, "林敏", "order_lock", "K1", f"#{number}"))

    def verified() -> audit.Verified:
        with house.database.reader.connect() as connection:
            return audit.verify(connection)

    whole = verified()
    assert (whole.rows, whole.broken) == (5, None)

    def damaged(sql: str) -> int | None:
        house.do(lambda work: work.connection.exec_driver_sql("CREATE TABLE kept AS SELECT * FROM hall_audit"))
        house.do(lambda work: work.connection.exec_driver_sql(sql))
        broken = verified().broken
        house.do(lambda work: work.connection.exec_driver_sql("DELETE FROM hall_audit"))
        house.do(lambda work: work.connection.exec_driver_sql("INSERT INTO hall_audit SELECT * FROM kept"))
        house.do(lambda work: work.connection.exec_driver_sql("DROP TABLE kept"))
        return broken

    assert damaged("UPDATE hall_audit SET who = '别人' WHERE seq = 3") == 3
    assert damaged("DELETE FROM hall_audit WHERE seq = 2") == 2
    assert damaged("INSERT INTO hall_audit VALUES (6, 1, 'x', 'x', '', '', 'x')") == 6
    assert verified() == whole


def test_the_command_line_says_where_the_chain_is_broken(tmp_path: Path) -> None:
    hall = HallServer(tmp_path / "hall")
    house = House(tmp_path / "hall")
    house.do(lambda work: audit.add(work, "林敏", "kiosk_group", "K1", "lobby"))
    assert hall.command("audit", "--verify")["rows"] == 1
    house.do(lambda work: work.connection.exec_driver_sql("UPDATE hall_audit SET detail = 'x'"))
    house.close()
    with pytest.raises(Failed, match="broken at row 1"):
        hall.command("audit", "--verify")
