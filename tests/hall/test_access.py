"""Who may ask what: every role, kiosk and stranger at every route of the real hall."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import Mount, Route

from benchmarks.hall_load import PASSWORD, SigningKiosk
from demo.hall_server import HallServer
from hall.api import access
from hall.api.access import TABLE, Role, Who
from hall.api.description import describe, undescribed
from hall.app import build
from hall.queue.refusal import Refused
from hall.server import HallServer as Hall
from hall.settings import read_settings

#: The table said a second time, by people: C clerk, T technician, M manager, A administrator; K a kiosk; * anybody.
WHO = {
    "GET /": "*", "GET /t/{token}": "*", "GET /board": "*", "GET /board/events": "*", "GET /public/state": "*",
    "GET /public/tickets/{token}": "*", "GET /healthz": "*", "GET /openapi.json": "*", "GET /static/*": "*",
    "GET /login": "*", "POST /login": "*", "POST /window/v1/login": "*",
    "GET /staff/login": "*", "POST /staff/login": "*", "POST /kiosk/v1/enrol": "*",
    "POST /kiosk/v1/tickets": "K", "GET /kiosk/v1/tickets": "K", "POST /kiosk/v1/journal": "K",
    "GET /kiosk/v1/taxpayers": "K", "GET /kiosk/v1/taxpayers/{taxpayer}": "K", "GET /kiosk/v1/buyers/{number}": "K",
    "POST /kiosk/v1/filings": "K", "GET /kiosk/v1/filings/{key}": "K",
    "POST /kiosk/v1/payments": "K", "GET /kiosk/v1/payments/{key}": "K", "POST /kiosk/v1/payments/{key}/result": "K",
    "POST /kiosk/v1/certificates": "K", "POST /kiosk/v1/invoices": "K", "POST /kiosk/v1/terminal-journal": "K",
    "POST /kiosk/v1/report": "K", "GET /kiosk/v1/events": "K", "POST /kiosk/v1/orders/{id}/answer": "K",
    "GET /kiosk/v1/releases/metadata/{name}": "*", "GET /kiosk/v1/releases/targets/{name}": "*",
    "GET /window": "CM", "GET /window/events": "CM", "GET /window/v1/view": "CM",
    "POST /window/v1/logout": "CM", "POST /window/v1/{action}": "CM", "POST /logout": "CTMA",
    "GET /staff": "CTMA",
    "GET /staff/filings": "CM", "POST /staff/filings/try": "CM", "POST /staff/filings/close": "CM",
    "GET /staff/reconciliation": "CM", "GET /staff/quarantine": "CM", "POST /staff/quarantine": "CM",
    "GET /staff/fleet": "TMA", "GET /staff/fleet/events": "TMA", "POST /staff/fleet/alarms": "TMA",
    "GET /staff/releases": "TMA", "POST /staff/releases": "MA",
}  # fmt: skip
#: Pages of kiosks: seen by those who look after them, acted on by those who answer for them.
FLEET_READ, FLEET_ACT = "TMA", "MA"

_LETTERS = {"C": Role.CLERK, "T": Role.TECHNICIAN, "M": Role.MANAGER, "A": Role.ADMINISTRATOR}
_IN_PATH = {
    "token": "0" * 22,
    "key": "0" * 32,
    "id": "0" * 32,
    "taxpayer": "nobody",
    "number": "92350602MA00000010",
    "kiosk": "K1",
    "action": "open",
    "name": "none.json",
}
_ENDS_THE_SESSION = ("/logout", "/window/v1/logout")


@dataclass
class Asked:
    status: int
    problem: str
    place: str

    @property
    def let_in(self) -> bool:
        """Whatever the handler then made of an empty question."""
        return self.status not in (401, 403) and not (self.status == 303 and "/login" in self.place)


@dataclass
class Actor:
    """Somebody who asks."""

    name: str
    letter: str = ""
    kiosk: SigningKiosk | None = None
    cookie: str = ""
    csrf: str = ""
    seat: bool = False
    others: dict[str, str] = field(default_factory=dict)

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        if self.kiosk is not None:
            return self.kiosk.sign(method, path, body)
        csrf = {"x-csrf-token": self.csrf} if self.csrf and method == "POST" else {}
        return {"cookie": self.cookie, **csrf} if self.cookie else {}


def ask(
    hall: HallServer, actor: Actor, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> Asked:
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
    try:
        own = actor.headers(method, path, body) if headers is None else headers
        connection.request(method, path, body, own)
        answer = connection.getresponse()
        problem = ""
        # An event stream has no end to read to.
        if answer.getheader("content-type", "").startswith("application/json"):
            problem = str(json.loads(answer.read()).get("problem", ""))
        return Asked(answer.status, problem, answer.getheader("location", ""))
    finally:
        connection.close()


def log_in(hall: HallServer, role: Role, window: str | None) -> Actor:
    """At a window, or at the desk."""
    letter = next(letter for letter, each in _LETTERS.items() if each is role)
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=30)
    try:
        path = "/login" if window else "/staff/login"
        form = {"name": role.value, "password": PASSWORD, **({"window": window} if window else {})}
        kind = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", path, urlencode(form), kind)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 303, f"{role} may not log in at {path}: {answer.status}"
        cookie = answer.getheader("set-cookie", "").split(";")[0]
        connection.request("GET", "/window" if window else "/staff", headers={"cookie": cookie})
        page = connection.getresponse().read().decode()
        mark = 'data-csrf="' if window else 'name="csrf" value="'
        return Actor(
            f"{role} at a {'window' if window else 'desk'}",
            letter,
            cookie=cookie,
            csrf=page.partition(mark)[2].partition('"')[0],
            seat=window is not None,
        )
    finally:
        connection.close()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    made = HallServer(tmp_path_factory.mktemp("hall"))
    made.start()
    for role in Role:
        made.command("staff", "add", role.value, "--role", role.value, typed=f"{PASSWORD}\n")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kiosk(hall: HallServer) -> SigningKiosk:
    made = SigningKiosk("K1")
    asyncio.run(made.enrol(hall))
    return made


@pytest.fixture(scope="module")
def revoked(hall: HallServer) -> SigningKiosk:
    made = SigningKiosk("K2")
    asyncio.run(made.enrol(hall))
    hall.command("kiosk", "revoke", "K2")
    time.sleep(1.5)
    return made


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Every (method, path) of the application as it is built."""
    server = Hall(tmp_path_factory.mktemp("built"), read_settings())
    app = build(server)
    found = []
    for route in app.routes:
        if isinstance(route, Mount):
            found.append(("GET", f"{route.path}/*"))
        elif isinstance(route, Route):
            found += [(method, route.path) for method in sorted((route.methods or set()) - {"HEAD"})]
    assert undescribed(app.routes) == set(), "a route without its row in hall/api/description.py"
    assert len(describe(app.routes)["paths"]) > 25
    server.database.close()
    return found


def who_may(method: str, path: str) -> str:
    if path.startswith("/staff/fleet/{kiosk}"):
        return FLEET_READ if method == "GET" else FLEET_ACT
    return WHO[f"{method} {path}"]


def test_every_route_has_its_row_and_every_row_its_route(routes: list[tuple[str, str]]) -> None:
    assert set(routes) == set(TABLE), "hall/api/access.py and the routes of the hall differ"
    assert len(routes) == len(set(routes))


def test_the_table_says_what_people_say(routes: list[tuple[str, str]]) -> None:
    for method, path in routes:
        rule, letters = TABLE[method, path], who_may(method, path)
        match rule.who:
            case Who.ANYBODY:
                said = "*"
            case Who.KIOSK:
                said = "K"
            case Who.STAFF:
                said = "".join(letter for letter in "CTMA" if _LETTERS[letter] in rule.roles)
        assert said == letters, f"{method} {path}"


def test_every_role_at_every_route(
    hall: HallServer, kiosk: SigningKiosk, revoked: SigningKiosk, routes: list[tuple[str, str]]
) -> None:
    actors = [
        Actor("a stranger"),
        Actor("an enrolled kiosk", "K", kiosk=kiosk),
        Actor("a revoked kiosk", kiosk=revoked),
        Actor("somebody with the id of a kiosk", kiosk=SigningKiosk("K1")),
        Actor("a guessed cookie", cookie=f"hall_session={secrets.token_urlsafe(32)}", csrf="guessed"),
        log_in(hall, Role.CLERK, "1"),
        log_in(hall, Role.MANAGER, "2"),
        *(log_in(hall, role, None) for role in Role),
    ]
    wrong, asked = [], 0
    for method, template in sorted(routes, key=lambda route: route[1] in _ENDS_THE_SESSION):
        path = template.replace("/*", "/site.css").format(**_IN_PATH)
        rule, letters = TABLE[method, template], who_may(method, template)
        for actor in actors:
            expected = letters == "*" or (bool(actor.letter) and actor.letter in letters)
            if expected and rule.seat and not actor.seat:
                expected = False
            # Wrong passwords and codes are refused by what is asked, not by who asks.
            if letters == "*" and method == "POST":
                continue
            answered = ask(hall, actor, method, path)
            asked += 1
            assert answered.status < 500, (actor.name, method, path, answered)
            if answered.let_in != expected and not (template == "/logout" and answered.status == 303):
                wrong.append(f"{actor.name}: {method} {template}: {answered}")
            if template in _ENDS_THE_SESSION and actor.letter in _LETTERS:
                break
    assert wrong == []
    assert asked > 300


# ---- logging in and out --------------------------------------------------------------------------------------------


def test_only_those_who_work_at_windows_may_sit_down_at_one(hall: HallServer) -> None:
    for role in (Role.TECHNICIAN, Role.ADMINISTRATOR):
        body = json.dumps({"name": role.value, "password": PASSWORD, "window": "3"}).encode()
        answered = ask(hall, Actor("x"), "POST", "/window/v1/login", body, {})
        assert (answered.status, answered.problem) == (403, "role")


def test_a_page_that_is_not_for_a_role_says_so_and_shows_what_is(hall: HallServer) -> None:
    technician = log_in(hall, Role.TECHNICIAN, None)
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
    connection.request("GET", "/staff/filings", headers={"cookie": technician.cookie})
    answer = connection.getresponse()
    page = answer.read().decode()
    connection.close()
    assert answer.status == 403
    assert "您的账号不能使用这一页" in page
    assert "/staff/quarantine" not in page


def test_nothing_is_done_without_the_token_of_the_page_or_from_another_site(hall: HallServer) -> None:
    manager = log_in(hall, Role.MANAGER, None)
    for method, template in TABLE:
        if method != "POST" or TABLE[method, template].who is not Who.STAFF or template in _ENDS_THE_SESSION:
            continue
        if Role.MANAGER not in TABLE[method, template].roles or TABLE[method, template].seat:
            continue
        path = template.format(**_IN_PATH)
        good = {"cookie": manager.cookie, "x-csrf-token": manager.csrf}
        form = {"cookie": manager.cookie, "content-type": "application/x-www-form-urlencoded"}
        assert ask(hall, manager, method, path, b"", {"cookie": manager.cookie}).problem == "csrf", path
        assert ask(hall, manager, method, path, b"csrf=guessed", form).problem == "csrf", path
        assert ask(hall, manager, method, path, b"", {**good, "x-csrf-token": "\xfc"}).problem == "csrf", path
        for elsewhere in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
            assert ask(hall, manager, method, path, b"", {**good, **elsewhere}).problem == "origin", path


def test_a_new_login_ends_what_this_browser_was_logged_in_as(hall: HallServer) -> None:
    before = log_in(hall, Role.MANAGER, None)
    body = urlencode({"name": Role.ADMINISTRATOR.value, "password": PASSWORD}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded", "cookie": before.cookie}
    assert ask(hall, before, "POST", "/staff/login", body, kind).status == 303
    assert not ask(hall, before, "GET", "/staff").let_in, "the old cookie opens nothing any more"


def test_a_new_password_and_a_closed_account_end_every_session_within_a_second(hall: HallServer) -> None:
    hall.command("staff", "add", "leaver", "--role", "manager", typed=f"{PASSWORD}\n")
    form = urlencode({"name": "leaver", "password": PASSWORD}).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}

    def enter(password: bytes = form) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
        connection.request("POST", "/staff/login", password, kind)
        answer = connection.getresponse()
        connection.close()
        return answer.status, answer.getheader("set-cookie", "").split(";")[0]

    for command, typed in (("password", "another password\n"), ("disable", "")):
        password = (
            form if command == "password" else form.replace(PASSWORD.replace(" ", "+").encode(), b"another+password")
        )
        status, cookie = enter(password)
        assert status == 303
        inside = Actor("leaver", cookie=cookie)
        assert ask(hall, inside, "GET", "/staff").let_in
        hall.command("staff", command, "leaver", typed=typed)
        time.sleep(1.5)
        assert not ask(hall, inside, "GET", "/staff").let_in
        assert enter(password)[0] == 401
    listed = {each["name"]: each for each in hall.command("staff", "list")["staff"]}
    assert listed["leaver"] == {"name": "leaver", "role": "manager", "disabled": True}


def test_a_cookie_is_out_of_reach_and_only_its_hash_is_kept(hall: HallServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
    form = urlencode({"name": Role.MANAGER.value, "password": PASSWORD})
    connection.request("POST", "/staff/login", form, {"content-type": "application/x-www-form-urlencoded"})
    cookie = connection.getresponse().getheader("set-cookie", "")
    connection.close()
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    token = cookie.split(";")[0].partition("=")[2].encode()
    files = b"".join(file.read_bytes() for file in Path(hall.data).iterdir() if file.is_file())
    assert token not in files
    assert PASSWORD.encode() not in files


# ---- kiosks --------------------------------------------------------------------------------------------------------


def test_a_signature_counts_once_also_after_the_hall_was_killed_and_started_again(
    hall: HallServer, kiosk: SigningKiosk
) -> None:
    path = f"/kiosk/v1/tickets?holder_ref={'9' * 64}"
    headers = kiosk.sign("GET", path)
    ahead = kiosk.sign("GET", path, created=int(time.time()) + 10)
    assert ask(hall, Actor("K1"), "GET", path, b"", headers).status == 200
    assert ask(hall, Actor("K1"), "GET", path, b"", ahead).status == 200
    hall.kill()
    hall.start()
    for used in (headers, ahead):
        assert ask(hall, Actor("K1"), "GET", path, b"", used).problem == "replay"
    assert ask(hall, Actor("K1", kiosk=kiosk), "GET", path).status == 200


def test_after_a_power_cut_nothing_counts_that_was_signed_before_the_start(
    hall: HallServer, kiosk: SigningKiosk
) -> None:
    path = f"/kiosk/v1/tickets?holder_ref={'9' * 64}"
    unused = kiosk.sign("GET", path, created=int(time.time()) - 2)
    hall.kill()
    file = hall.data / "nonces"
    file.write_text("another-boot\n", encoding="utf-8")
    hall.start()
    assert ask(hall, Actor("K1"), "GET", path, b"", unused).problem == "clock"
    assert ask(hall, Actor("K1", kiosk=kiosk), "GET", path).status == 200


@pytest.mark.parametrize("part", ["query", "query left out", "digest", "body and digest", "keyid", "created", "nonce"])
def test_each_part_of_a_signed_request_is_covered(hall: HallServer, kiosk: SigningKiosk, part: str) -> None:
    path, body = f"/kiosk/v1/tickets?holder_ref={'9' * 64}", b""
    headers = kiosk.sign("GET", path, created=int(time.time()))
    signed = headers["signature-input"]
    match part:
        case "query":
            path = path.replace("9", "8")
        case "query left out":
            path = "/kiosk/v1/tickets"
        case "digest":
            headers["content-digest"] = kiosk.sign("GET", path, b"other")["content-digest"]
        case "body and digest":
            body = b"{}"
            headers["content-digest"] = kiosk.sign("GET", path, body)["content-digest"]
        case "keyid":
            headers["signature-input"] = signed.replace('"K1"', '"K2"')
        case "created":
            headers["signature-input"] = signed.replace("created=", "created=1")
        case "nonce":
            headers["signature-input"] = signed.replace('nonce="', 'nonce="0')
    answered = ask(hall, Actor("K1"), "GET", path, body, headers)
    assert (answered.status, answered.problem) == (401, "signature")


def test_the_rule_of_a_route_that_nobody_wrote_down_lets_nobody_in() -> None:
    async def handler(scope: object, receive: object, send: object) -> None:
        raise AssertionError("it was let in")

    route = Route("/forgotten", lambda request: None)
    assert access.rule_of(route) is None
    (guard,) = access.guarded([route])
    assert isinstance(guard, Route)
    with pytest.raises(Refused, match="no_rule"):
        asyncio.run(guard.app({"type": "http", "method": "GET", "headers": []}, None, handler))  # type: ignore[arg-type]


def test_what_is_done_to_accounts_and_kiosks_stands_in_the_audit_log(tmp_path: Path) -> None:
    taxhall = [str(Path(sys.executable).with_name("taxhall"))]

    def run(*words: str, password: str = "") -> str:
        done = subprocess.run(
            [*taxhall, *words, "--data", str(tmp_path)], input=password, capture_output=True, text=True, check=True
        )
        return done.stdout

    run("staff", "add", "李梅", "--role", "manager", password="a long password\n")
    run("staff", "disable", "李梅")
    rows = [(row["what"], row["subject"]) for row in json.loads(run("audit", "--json"))["entries"]]
    assert sorted(rows) == [("account_added", "李梅"), ("account_disabled", "李梅")]
