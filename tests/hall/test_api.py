"""The hall over the wire: a real server process, and clients that do what real ones do, and worse."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest

from benchmarks.hall_load import PASSWORD, Clerk, SigningKiosk, new_ticket_request
from demo.hall_server import HallServer
from kiosk.domain.messages import (
    CHAIN_START,
    HallState,
    HolderTickets,
    JournalBatch,
    JournalReply,
    JournalRow,
    TicketRequest,
    TicketView,
    row_hash,
)
from kiosk.sync.hall_client import HallClient, JournalGap
from kiosk.sync.signing import Signer

TICKETS = "/kiosk/v1/tickets"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    def __init__(self, hall: HallServer) -> None:
        self.hall = hall

    def send(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.hall.port, timeout=20)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def signed(self, kiosk: SigningKiosk, method: str, path: str, body: bytes = b"", **how: Any) -> Reply:
        return self.send(method, path, body, kiosk.sign(method, path, body, **how))


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    made = HallServer(tmp_path_factory.mktemp("hall"))
    made.start()
    yield made
    assert made.stop() == 0, "SIGTERM ends it cleanly"


@pytest.fixture(scope="module")
def wire(hall: HallServer) -> Wire:
    return Wire(hall)


@pytest.fixture(scope="module")
def kiosk(hall: HallServer) -> SigningKiosk:
    made = SigningKiosk("K1")
    asyncio.run(made.enrol(hall))
    return made


@pytest.fixture(scope="module")
def clerk(hall: HallServer) -> Clerk:
    hall.command("staff", "add", "王芳", typed=f"{PASSWORD}\n")
    return asyncio.run(Clerk.log_in(hall, "王芳", "1"))


def act(wire: Wire, clerk: Clerk, action: str, **asked: object) -> Reply:
    headers = {"cookie": clerk.cookie, "x-csrf-token": clerk.csrf}
    return wire.send("POST", f"/window/v1/{action}", json.dumps(asked).encode(), headers)


def body(**changed: object) -> bytes:
    return json.dumps({**json.loads(msgspec.json.encode(new_ticket_request())), **changed}).encode()


# ---- kiosks --------------------------------------------------------------------------------------------------------


def test_a_kiosk_gets_a_number_with_the_halls_time_on_the_answer(wire: Wire, kiosk: SigningKiosk) -> None:
    reply = wire.signed(kiosk, "POST", TICKETS, body())
    ticket = msgspec.json.decode(reply.body, type=TicketView)
    assert reply.status == 200
    assert ticket.state == "waiting"
    told = datetime.fromisoformat(reply.headers["hall-time"])
    assert abs(told.timestamp() - time.time()) < 5


def test_the_kiosks_own_client_and_the_hall_understand_each_other(hall: HallServer) -> None:
    code = hall.command("enrol", "K7")["code"]
    key = SigningKiosk("K7").key
    client = HallClient(hall.url, Signer("K7", key.private_bytes_raw()))
    enrolled = client.enrol(code, key.public_key().public_bytes_raw(), 5)
    assert (enrolled.kiosk, len(enrolled.holder_pepper)) == ("K7", 64)
    request = new_ticket_request()
    ticket = client.ask_ticket(request, 5)
    assert client.ask_ticket(request, 5) == ticket
    assert request.holder_ref is not None
    assert [found.number for found in client.tickets_of(request.holder_ref, 5).tickets] == [ticket.number]
    assert client.state(5).waiting >= 1
    assert client.send_journal(JournalBatch("disk", []), 5).high_water == 0
    row = JournalRow(2, "x", datetime.now().astimezone(), msgspec.Raw(b"{}"), "0" * 64)
    with pytest.raises(JournalGap):
        client.send_journal(JournalBatch("disk", [row]), 5)
    client.close()


def test_a_kiosk_with_a_wrong_clock_is_told_the_time_and_served(hall: HallServer, kiosk: SigningKiosk) -> None:
    signer = Signer("K1", kiosk.key.private_bytes_raw())
    signer.clock_error = -86_400.0 * 365
    client = HallClient(hall.url, signer)
    assert client.ask_ticket(new_ticket_request(), 5).state == "waiting"
    client.close()


@pytest.mark.parametrize("off", [-301, 301, -1_700_000_000, 10**9])
def test_a_signature_of_another_time_is_refused_for_the_clock(wire: Wire, kiosk: SigningKiosk, off: int) -> None:
    reply = wire.signed(kiosk, "POST", TICKETS, body(), created=max(0, int(time.time()) + off))
    assert (reply.status, reply.json["problem"]) == (401, "clock")
    assert "hall-time" in reply.headers


def test_a_replayed_request_is_refused(wire: Wire, kiosk: SigningKiosk) -> None:
    content = body()
    headers = kiosk.sign("POST", TICKETS, content)
    assert wire.send("POST", TICKETS, content, headers).status == 200
    again = wire.send("POST", TICKETS, content, headers)
    assert (again.status, again.json["problem"]) == (401, "replay")


def _flip(signature: str) -> str:
    raw = bytearray(base64.b64decode(signature.split(":")[1]))
    raw[7] ^= 1
    return f"sig1=:{base64.b64encode(raw).decode()}:"


@pytest.mark.parametrize(
    "attack",
    ["body", "path", "method", "signature", "no signature", "other key", "component left out", "two signatures", "alg"],
)
def test_what_is_not_signed_by_a_known_kiosk_is_refused(wire: Wire, kiosk: SigningKiosk, attack: str) -> None:
    content, path, method = body(), TICKETS, "POST"
    signer = SigningKiosk("K1") if attack == "other key" else kiosk
    headers = signer.sign(method, path, content)
    match attack:
        case "body":
            content = body()
        case "path":
            path = "/kiosk/v1/journal"
        case "method":
            method = "GET"
        case "signature":
            headers["signature"] = _flip(headers["signature"])
        case "no signature":
            headers = {}
        case "component left out":
            headers["signature-input"] = headers["signature-input"].replace(' "content-digest"', "")
        case "two signatures":
            headers["signature-input"] += ", " + headers["signature-input"]
        case "alg":
            headers["signature-input"] += ';alg="rsa-v1_5-sha256"'
    reply = wire.send(method, path, content, headers)
    assert (reply.status, reply.json["problem"]) == (401, "signature")


def test_an_unknown_and_a_revoked_kiosk_are_refused(hall: HallServer, wire: Wire) -> None:
    stranger = SigningKiosk("K99")
    assert wire.signed(stranger, "POST", TICKETS, body()).status == 401
    asyncio.run(stranger.enrol(hall))
    assert wire.signed(stranger, "POST", TICKETS, body()).status == 200
    hall.command("kiosk", "revoke", "K99")
    deadline = time.monotonic() + 20
    while wire.signed(stranger, "POST", TICKETS, body()).status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_code_enrols_one_key_once(hall: HallServer, wire: Wire) -> None:
    code = hall.command("enrol", "K55")["code"]
    first, second = SigningKiosk("K55").public_key, SigningKiosk("K55").public_key

    def enrol(key: str) -> Reply:
        return wire.send("POST", "/kiosk/v1/enrol", json.dumps({"code": code, "public_key": key}).encode())

    assert enrol(first).status == 200
    assert enrol(first).status == 200, "its answer may have been lost"
    assert (enrol(second).status, enrol(second).json["problem"]) == (403, "code")


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        (b"", 400, None),
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b'{"deep": ' + b"[" * 20_000, 400, None),
        (body(holder_masked="\ud800"), 400, None),
        (b"[]", 422, None),
        (b"{}", 422, "key"),
        (body(key="A" * 32), 422, "key"),
        (body(key=7), 422, "key"),
        (body(version=2), 422, "version"),
        (b'{"version": 2, "anything": []}', 422, "version"),
        (body(requested_at="2026-11-24T09:00:00"), 422, "requested_at"),
        (body(requested_at="yesterday"), 422, "requested_at"),
        (body(ticket_class="vip"), 422, "ticket_class"),
        (body(holder_ref="35062219880808003X"), 422, "holder_ref"),
        (body(service="S" * 33), 422, "service"),
        (body(holder_masked="*" * 129), 422, "holder_masked"),
    ],
)
def test_bad_input_is_refused_with_its_field(
    wire: Wire, kiosk: SigningKiosk, content: bytes, status: int, field: str | None
) -> None:
    reply = wire.signed(kiosk, "POST", TICKETS, content)
    assert (reply.status, reply.json["field"]) == (status, field)


def test_times_at_the_ends_of_the_calendar_are_no_defect(wire: Wire, kiosk: SigningKiosk) -> None:
    for at in ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"):
        assert wire.signed(kiosk, "POST", TICKETS, body(requested_at=at)).status == 200


def test_a_body_that_is_too_large_is_refused(wire: Wire, kiosk: SigningKiosk) -> None:
    assert wire.signed(kiosk, "POST", TICKETS, b" " * 70_000).status == 413


def test_what_is_not_there_is_said_in_json(wire: Wire) -> None:
    assert wire.send("GET", "/kiosk/v1/nothing").json["problem"] == "not_found"
    assert wire.send("DELETE", TICKETS).json["problem"] == "method_not_allowed"


def test_somebody_without_a_number_has_none(wire: Wire, kiosk: SigningKiosk) -> None:
    reply = wire.signed(kiosk, "GET", f"{TICKETS}?holder_ref={'9' * 64}")
    assert msgspec.json.decode(reply.body, type=HolderTickets).tickets == []
    assert wire.signed(kiosk, "GET", f"{TICKETS}?holder_ref=wang").status == 422


def test_a_journal_is_taken_in_over_the_wire(wire: Wire, kiosk: SigningKiosk) -> None:
    at = datetime.now().astimezone()
    key = secrets.token_hex(16)
    fact = {"fact": "ticket_ask_abandoned", "key": key}
    raw = json.dumps(fact, indent=1).encode()  # spaces and all: the hash is of these very bytes
    row = JournalRow(1, "ticket_ask_abandoned", at, msgspec.Raw(raw), "")
    row = msgspec.structs.replace(row, hash=row_hash(CHAIN_START, 1, row.kind, at, raw))
    batch = msgspec.json.encode(JournalBatch("disk-a", [row]))
    reply = wire.signed(kiosk, "POST", "/kiosk/v1/journal", batch)
    assert reply.status == 200, reply.body
    told = msgspec.json.decode(reply.body, type=JournalReply)
    assert (told.high_water, told.quarantined) == (1, [])
    late = wire.signed(kiosk, "POST", TICKETS, body(key=key))
    assert (late.status, late.json["problem"]) == (410, "abandoned")


# ---- everybody -----------------------------------------------------------------------------------------------------


def test_the_public_state_costs_nothing_while_it_is_the_same(wire: Wire) -> None:
    first = wire.send("GET", "/public/state")
    assert msgspec.json.decode(first.body, type=HallState).hall == "zz-longwen"
    for _ in range(50):
        again = wire.send("GET", "/public/state", headers={"if-none-match": first.headers["etag"]})
        if again.status == 304:
            break
        first = again
    assert (again.status, again.body) == (304, b"")


def test_a_ticket_can_be_read_by_its_token_and_by_nothing_else(wire: Wire, kiosk: SigningKiosk) -> None:
    taken = wire.signed(kiosk, "POST", TICKETS, body()).json
    seen = wire.send("GET", f"/public/tickets/{taken['token']}")
    assert (seen.status, seen.json["number"]) == (200, taken["number"])
    assert "holder" not in seen.body.decode()
    for other in ("0" * 22, taken["number"], "x", "%00", "../state"):
        assert wire.send("GET", f"/public/tickets/{other}").status == 404


def test_the_server_says_that_it_can_commit(wire: Wire) -> None:
    assert wire.send("GET", "/healthz").json == {"status": "ok"}


# ---- windows -------------------------------------------------------------------------------------------------------


def test_a_window_calls_and_finishes(wire: Wire, kiosk: SigningKiosk, clerk: Clerk) -> None:
    wire.signed(kiosk, "POST", TICKETS, body())
    called = act(wire, clerk, "call-next")
    assert called.status == 200
    number = called.json["current"]["number"]
    assert act(wire, clerk, "call-next").json["problem"] == "window_busy"
    view = wire.send("GET", "/window/v1/view", headers={"cookie": clerk.cookie}).json
    assert view["current"]["number"] == number
    assert set(view["allowed"]) >= {"recall", "start", "no-show", "park", "transfer", "finish", "pause"}
    assert act(wire, clerk, "finish", number=number).json["current"] is None
    assert act(wire, clerk, "recall", number=number).json["problem"] == "nothing_here"


def test_nobody_acts_without_login_csrf_token_or_from_another_site(wire: Wire, clerk: Clerk) -> None:
    path, good = "/window/v1/pause", {"cookie": clerk.cookie, "x-csrf-token": clerk.csrf}
    without = {"cookie": clerk.cookie}
    assert wire.send("POST", path, b"", {}).json["problem"] == "login"
    assert wire.send("POST", path, b"", without).json["problem"] == "csrf"
    assert wire.send("POST", path, b"", {**good, "x-csrf-token": "x" * 32}).status == 403
    assert wire.send("POST", path, b"", {**good, "origin": "http://evil.example"}).json["problem"] == "origin"
    assert wire.send("POST", path, b"", {**good, "cookie": "hall_session=guess"}).status == 401
    assert wire.send("GET", "/window/events").status == 401
    assert act(wire, clerk, "explode").status == 404
    assert act(wire, clerk, "park", unknown=1).status == 422


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(hall: HallServer, wire: Wire) -> None:
    hall.command("staff", "add", "li", typed=f"{PASSWORD}\n")
    asked = {"name": "li", "password": PASSWORD, "window": "3"}
    reply = wire.send("POST", "/window/v1/login", json.dumps(asked).encode())
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    session = {"cookie": reply.headers["set-cookie"].split(";")[0], "x-csrf-token": reply.json["csrf"]}
    taken = wire.send("POST", "/window/v1/login", json.dumps({**asked, "name": "王芳"}).encode())
    assert taken.status in (401, 409)
    assert wire.send("POST", "/window/v1/logout", b"", session).status == 200
    assert wire.send("GET", "/window/v1/view", headers=session).status == 401


def test_guessing_a_password_is_slow(wire: Wire) -> None:
    asked = json.dumps({"name": "nobody", "password": "guess guess", "window": "1"}).encode()
    problems = [wire.send("POST", "/window/v1/login", asked).json["problem"] for _ in range(7)]
    assert problems == ["wrong_login"] * 5 + ["slow_down"] * 2


# ---- events --------------------------------------------------------------------------------------------------------


class Stream:
    """Reads one event stream."""

    def __init__(self, hall: HallServer, path: str, headers: dict[str, str] | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
        self._connection.request("GET", path, headers=headers or {})
        self._response = self._connection.getresponse()
        assert self._response.headers["content-type"].startswith("text/event-stream")

    def until(self, kind: str) -> dict[str, Any]:
        """The data of the next event of this kind."""
        seen = ""
        while True:
            line = self._response.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                seen = line[7:]
            elif line.startswith("data: ") and seen == kind:
                data: dict[str, Any] = json.loads(line[6:])
                return data

    def close(self) -> None:
        self._connection.close()


def test_a_call_reaches_the_board_and_comes_again_to_one_who_was_away(
    hall: HallServer, wire: Wire, kiosk: SigningKiosk, clerk: Clerk
) -> None:
    board = Stream(hall, "/board/events")
    wire.signed(kiosk, "POST", TICKETS, body())
    number = act(wire, clerk, "call-next").json["current"]["number"]
    called = board.until("called")
    assert (called["number"], called["window"], called["calls"]) == (number, "1", 1)
    assert board.until("line")["windows_open"] >= 1
    board.close()
    act(wire, clerk, "recall", number=number)
    act(wire, clerk, "finish", number=number)
    back = Stream(hall, "/board/events", {"last-event-id": str(called["id"])})
    assert back.until("recalled")["id"] > called["id"]
    assert back.until("finished")["number"] == number
    back.close()


def test_a_board_that_names_an_event_of_another_file_is_told_to_load_anew(hall: HallServer) -> None:
    board = Stream(hall, "/board/events", {"last-event-id": "999999999"})
    assert board.until("reset") == {}
    board.close()


def test_a_window_hears_of_all_windows(hall: HallServer, wire: Wire, kiosk: SigningKiosk, clerk: Clerk) -> None:
    window = Stream(hall, "/window/events", {"cookie": clerk.cookie})
    wire.signed(kiosk, "POST", TICKETS, body())
    number = act(wire, clerk, "call-next").json["current"]["number"]
    act(wire, clerk, "start", number=number)
    assert window.until("started")["number"] == number
    act(wire, clerk, "finish", number=number)
    window.close()


# ---- command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words", "field"),
    [
        (["enrol", "X3"], "", "kiosk"),
        (["staff", "add", "zhao"], "short\n", "password"),
        (["staff", "add", "王芳"], f"{PASSWORD}\n", "name"),
        (["windows", "one two"], "", "names"),
        (["kiosk", "revoke", "K98"], "", "kiosk"),
    ],
)
def test_bad_input_on_the_command_line_ends_with_two(
    hall: HallServer, clerk: Clerk, arguments: list[str], words: str, field: str
) -> None:
    command = [sys.executable, "-c", "from hall.cli import main; main()", *arguments, "--data", str(hall.data)]
    done = subprocess.run(command, input=words, text=True, capture_output=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["field"] == field


def test_the_log_holds_no_person(hall: HallServer, wire: Wire, kiosk: SigningKiosk) -> None:
    request: TicketRequest = new_ticket_request()
    wire.signed(kiosk, "POST", TICKETS, msgspec.json.encode(request))
    log = hall.log.read_text(encoding="utf-8")
    assert '"event":"serving"' in log.replace(": ", ":")
    assert request.holder_ref is not None
    assert request.holder_ref not in log
    assert "欧*娜" not in log
