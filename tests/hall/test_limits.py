"""What the hall bears: how fast, how slow, how many, how large; and that its kiosks notice nothing of it."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import config
from benchmarks.hall_load import PASSWORD, Clerk, SigningKiosk
from demo.hall_server import HallServer
from hall.api.limits import Buckets
from hall.queue.refusal import Refused
from hall.queue.staff import ACCOUNT_ATTEMPTS, ADDRESS_ATTEMPTS, ATTEMPTS, Attempts

#: The shipped settings, but so that a test need not wait for them.
FIGURES = {
    "kiosk_rate": 5.0,
    "kiosk_burst": 20.0,
    "address_rate": 5.0,
    "address_burst": 30.0,
    "stranger_rate": 1.0,
    "stranger_burst": 5.0,
    "connections_per_address": 20,
    "request_s": 1.0,
}
#: Not this machine's usual address: to that one limits by address do not apply.
GUEST = "127.0.0.2"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HallServer]:
    folder = tmp_path_factory.mktemp("limits")
    made = HallServer(folder / "hall", settings=tight(folder))
    made.start()
    yield made
    assert made.stop() == 0


def tight(folder: Path) -> Path:
    lines = []
    for line in config.path("hall.toml").read_text(encoding="utf-8").splitlines():
        name = line.partition(" = ")[0]
        lines.append(f"{name} = {FIGURES[name]}" if name in FIGURES else line)
    file = folder / "hall.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def get(hall: HallServer, path: str, headers: dict[str, str] | None = None, source: str = GUEST) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20, source_address=(source, 0))
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wire(hall: HallServer, source: str = GUEST) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", hall.port), 20, source_address=(source, 0))
    made.settimeout(20)
    return made


def everything(line: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    parts = []
    try:
        while part := line.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


# ---- how fast ------------------------------------------------------------------------------------------------------


def test_one_address_asks_so_often_and_others_notice_nothing(hall: HallServer) -> None:
    asked = [get(hall, "/public/state", source="127.0.0.9")[0] for _ in range(60)]
    assert asked[:30] == [200] * 30
    assert 429 in asked
    assert get(hall, "/public/state", source="127.0.0.10")[0] == 200
    time.sleep(0.5)
    assert get(hall, "/public/state", source="127.0.0.9")[0] == 200, "the bucket fills again"


def test_one_kiosk_gone_wild_is_held_off_and_the_others_are_served(hall: HallServer) -> None:
    wild, calm = SigningKiosk("K1"), SigningKiosk("K2")
    for kiosk in (wild, calm):
        asyncio.run(kiosk.enrol(hall))
    path = f"/kiosk/v1/tickets?holder_ref={'9' * 64}"
    asked = [get(hall, path, wild.sign("GET", path))[0] for _ in range(40)]
    assert asked[:20] == [200] * 20
    assert 429 in asked
    assert get(hall, path, calm.sign("GET", path))[0] == 200


def test_signatures_that_are_not_good_cost_an_address_its_turn(hall: HallServer) -> None:
    path = f"/kiosk/v1/tickets?holder_ref={'9' * 64}"
    stranger = SigningKiosk("K1")
    asked = [get(hall, path, stranger.sign("GET", path), "127.0.0.11")[0] for _ in range(12)]
    assert asked[0] == 401
    assert asked[-1] == 429


def test_bodies_have_their_size(hall: HallServer) -> None:
    for path, size in (("/login", 70_000), ("/window/v1/login", 70_000), ("/kiosk/v1/enrol", 70_000)):
        connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
        connection.request("POST", path, b"x" * size)
        assert connection.getresponse().status == 413, path
        connection.close()


def test_a_body_without_a_length_has_its_size_too(hall: HallServer) -> None:
    line = wire(hall, "127.0.0.1")
    line.sendall(b"POST /kiosk/v1/enrol HTTP/1.1\r\nhost: hall\r\ntransfer-encoding: chunked\r\n\r\n")
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(8):
            line.sendall(chunk)
    assert b" 413 " in line.recv(65536)
    line.close()


# ---- how slow ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /public/state HTTP/1.1\r\nx-a: ",
        b"POST /login HTTP/1.1\r\nhost: hall\r\ncontent-length: 1000\r\n\r\nname=",
    ],
    ids=["nothing", "a head without end", "a body without end"],
)
def test_a_request_that_does_not_arrive_is_cut_off(hall: HallServer, begun: bytes) -> None:
    line = wire(hall, "127.0.0.1")
    began = time.monotonic()
    line.sendall(begun)
    line.settimeout(0.2)
    answer = b""
    while time.monotonic() < began + 15:
        try:
            part = line.recv(4096)
        except TimeoutError:
            # Slowloris: another byte now and then, for ever.
            if begun:
                try:
                    line.sendall(b"a")
                except OSError:
                    break
            continue
        except ConnectionResetError:
            break
        if not part:
            break
        answer += part
    assert time.monotonic() < began + 10, "it was left open"
    assert answer.startswith(b"HTTP/1.1 408 ") or not answer
    line.close()


def test_three_hundred_slow_clients_keep_nobody_from_a_number(hall: HallServer) -> None:
    kiosk = SigningKiosk("K3")
    asyncio.run(kiosk.enrol(hall))
    slow = [wire(hall, f"127.0.1.{number}") for number in range(1, 21) for _ in range(15)]
    for line in slow:
        line.sendall(b"GET / HTTP/1.1\r\nx-a: ")
    path = f"/kiosk/v1/tickets?holder_ref={'9' * 64}"
    began = time.monotonic()
    assert get(hall, path, kiosk.sign("GET", path))[0] == 200
    assert time.monotonic() - began < 5
    for line in slow:
        line.close()


def test_an_event_stream_is_not_slow_because_it_is_long(hall: HallServer) -> None:
    line = wire(hall, "127.0.0.1")
    line.sendall(b"GET /board/events HTTP/1.1\r\nhost: hall\r\n\r\n")
    time.sleep(3)
    line.setblocking(False)
    assert b" 200 " in line.recv(65536)
    with pytest.raises(BlockingIOError):
        line.recv(1)
    line.close()


# ---- how many, how large -------------------------------------------------------------------------------------------


def test_one_address_has_so_many_connections(hall: HallServer) -> None:
    lines = [wire(hall, "127.0.0.20") for _ in range(25)]
    time.sleep(0.3)
    ended = []
    for line in lines:
        line.settimeout(0.05)
        try:
            ended.append(line.recv(100).startswith(b"HTTP/1.1 503 "))
        except TimeoutError:
            ended.append(False)
        except ConnectionResetError:
            ended.append(True)
    for line in lines:
        line.close()
    assert sum(ended) == 5
    time.sleep(0.3)
    assert get(hall, "/public/state", source="127.0.0.20")[0] == 200, "who hangs up may come again"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nx-a: " + b"a" * 40_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"x-a: a\r\n" * 9_000 + b"\r\n",
        b"GET /?" + b"q" * 40_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nx-a: " + b"a" * 40_000,
    ],
    ids=["one large header", "many headers", "a long address", "a header without end"],
)
def test_a_head_that_is_too_large_is_refused(hall: HallServer, head: bytes) -> None:
    line = wire(hall, "127.0.0.1")
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        line.sendall(head)
    answer = everything(line)
    line.close()
    assert b" 200 " not in answer
    assert not answer or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))


# ---- guessing ------------------------------------------------------------------------------------------------------


def test_passwords_are_guessed_slowly_by_account_and_address() -> None:
    attempts = Attempts()
    for _ in range(ATTEMPTS):
        attempts.check("王芳", "10.0.0.1")
        attempts.failed("王芳", "10.0.0.1")
    with pytest.raises(Refused, match="slow_down"):
        attempts.check("王芳", "10.0.0.1")
    attempts.check("王芳", "10.0.0.2")


def test_one_password_tried_on_every_account_is_noticed() -> None:
    attempts = Attempts()
    for number in range(ADDRESS_ATTEMPTS):
        attempts.failed(f"clerk {number}", "10.0.0.1")
    with pytest.raises(Refused, match="slow_down"):
        attempts.check("nobody yet", "10.0.0.1")


def test_guesses_from_everywhere_lock_nobody_out_of_their_own_window() -> None:
    attempts = Attempts()
    attempts.failed("王芳", "10.0.0.1")
    attempts.succeeded("王芳", "10.0.0.1")
    for number in range(ACCOUNT_ATTEMPTS):
        attempts.failed("王芳", f"203.0.113.{number}")
    with pytest.raises(Refused, match="slow_down"):
        attempts.check("王芳", "203.0.113.99")
    attempts.check("王芳", "10.0.0.1")


def test_codes_to_enrol_are_not_guessed(hall: HallServer) -> None:
    body = json.dumps({"code": "AAAA-BBBB-CCCC", "public_key": "0" * 64}).encode()
    answers = []
    for _ in range(8):
        connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=20)
        connection.request("POST", "/kiosk/v1/enrol", body)
        answers.append(connection.getresponse().status)
        connection.close()
    assert answers == [403] * 5 + [429] * 3


def test_a_bucket_fills_at_its_rate_and_forgets_who_stays_away() -> None:
    buckets = Buckets(1000.0, 5.0)
    assert [buckets.take("a") for _ in range(5)] == [True] * 5
    assert buckets.take("b")
    time.sleep(0.02)
    assert buckets.take("a")
    for number in range(Buckets.LIMIT + 10):
        buckets.take(str(number))
    assert len(buckets._left) <= Buckets.LIMIT


# ---- streams -------------------------------------------------------------------------------------------------------


def test_a_window_whose_clerk_is_locked_out_hears_nothing_more_within_two_seconds(hall: HallServer) -> None:
    hall.command("staff", "add", "王芳", typed=f"{PASSWORD}\n")
    clerk = asyncio.run(Clerk.log_in(hall, "王芳", "1"))
    line = wire(hall, "127.0.0.1")
    line.sendall(f"GET /window/events HTTP/1.1\r\nhost: hall\r\ncookie: {clerk.cookie}\r\n\r\n".encode())
    assert b" 200 " in line.recv(65536)
    hall.command("staff", "disable", "王芳")
    line.settimeout(6)
    everything(line)  # returns when the hall has closed it
    line.close()
