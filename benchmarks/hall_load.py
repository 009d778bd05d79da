"""Load on a real hall server: kiosks that take numbers with signed requests, windows that call at once.

    python -m benchmarks.hall_load [--tickets N] [--connections N] [--windows N]

Requests are signed before the clock starts: what a kiosk spends on its own signature is not the hall's. The hall runs
in a process of its own on the same machine, durable as in service (WAL, synchronous FULL).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import secrets
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from demo.hall_server import HallServer
from kiosk.domain.messages import SIGNED_COMPONENTS, TicketRequest

PASSWORD = "a password of a clerk"


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One kept-alive HTTP connection: as little client as possible, so that the hall is what is measured."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[Answered] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, port: int) -> Connection:
        _, protocol = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, request: bytes) -> Answered:
        """Raises ConnectionError when the hall goes away: whether it has done it is unknown then."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        size = int(headers.get("content-length", 0))
        if len(rest) < size:
            return
        self._buffer = b""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(Answered(int(lines[0].split(" ", 2)[1]), headers, rest))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionResetError())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def http(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """A whole request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: hall", f"content-length: {len(body)}"]
    if body:
        lines.append("content-type: application/json")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass(frozen=True)
class SigningKiosk:
    """A kiosk with its key, signing by RFC 9421 as written there: an independent hand for the hall's verifier."""

    id: str
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public_key(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    def sign(
        self, method: str, path: str, body: bytes = b"", *, created: int | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """The three headers. ``path`` with its query."""
        digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
        bare, _, query = path.partition("?")
        values = {"@method": method, "@path": bare, "@query": f"?{query}", "content-digest": digest}
        covered = " ".join(f'"{name}"' for name in SIGNED_COMPONENTS)
        parameters = (
            f"({covered});created={int(time.time()) if created is None else created}"
            f';keyid="{self.id}";nonce="{nonce or secrets.token_hex(8)}"'
        )
        base = (
            "".join(f'"{name}": {values[name]}\n' for name in SIGNED_COMPONENTS) + f'"@signature-params": {parameters}'
        )
        signature = base64.b64encode(self.key.sign(base.encode())).decode()
        return {
            "content-digest": digest,
            "signature-input": f"sig1={parameters}",
            "signature": f"sig1=:{signature}:",
        }

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        return http(method, path, body, self.sign(method, path, body))

    def ask(self, ticket: TicketRequest) -> bytes:
        """The signed request for a number; a fresh signature each time."""
        return self.request("POST", "/kiosk/v1/tickets", msgspec.json.encode(ticket))

    async def enrol(self, hall: HallServer) -> None:
        code = hall.command("enrol", self.id)["code"]
        connection = await Connection.to(hall.port)
        body = msgspec.json.encode({"code": code, "public_key": self.public_key})
        answered = await connection.exchange(http("POST", "/kiosk/v1/enrol", body))
        connection.close()
        assert answered.status == 200, answered.body


@dataclass
class Clerk:
    """A clerk who is logged in at a window."""

    window: str
    cookie: str
    csrf: str

    @classmethod
    async def log_in(cls, hall: HallServer, name: str, window: str) -> Clerk:
        connection = await Connection.to(hall.port)
        body = msgspec.json.encode({"name": name, "password": PASSWORD, "window": window})
        answered = await connection.exchange(http("POST", "/window/v1/login", body))
        connection.close()
        assert answered.status == 200, answered.body
        return cls(window, answered.headers["set-cookie"].split(";")[0], answered.json["csrf"])

    def request(self, action: str, **asked: object) -> bytes:
        body = msgspec.json.encode(asked)
        return http("POST", f"/window/v1/{action}", body, {"cookie": self.cookie, "x-csrf-token": self.csrf})


def new_ticket_request() -> TicketRequest:
    return TicketRequest(
        key=secrets.token_hex(16),
        requested_at=datetime.now().astimezone(),
        service="SW-010101",
        holder_ref=secrets.token_hex(32),
        holder_masked="欧*娜 3506**********003X",
    )


@dataclass(frozen=True)
class Measured:
    """``latencies`` in seconds."""

    count: int
    seconds: float
    latencies: Sequence[float]

    @property
    def rate(self) -> float:
        return self.count / self.seconds

    def __str__(self) -> str:
        cuts = statistics.quantiles(self.latencies, n=100)
        return (
            f"{self.count} in {self.seconds:.2f} s = {self.rate:.0f}/s,"
            f" latency ms p50 {cuts[49] * 1000:.1f} p99 {cuts[98] * 1000:.1f}"
        )


async def enrolled(hall: HallServer, kiosks: int) -> list[SigningKiosk]:
    """So many kiosks: one alone is held to its share (hall.toml, [limits])."""
    made = [SigningKiosk(f"K{number + 1}") for number in range(kiosks)]
    for kiosk in made:
        await kiosk.enrol(hall)
    return made


async def measure_tickets(hall: HallServer, kiosks: Sequence[SigningKiosk], tickets: int, connections: int) -> Measured:
    """Numbers issued a second. Raises AssertionError for a refusal or a number given twice."""
    requests = [kiosks[number % len(kiosks)].ask(new_ticket_request()) for number in range(tickets)]
    lines = [await Connection.to(hall.port) for _ in range(connections)]
    numbers: list[str] = []
    latencies: list[float] = []

    async def take(line: Connection, mine: list[bytes]) -> None:
        for request in mine:
            began = time.perf_counter()
            answered = await line.exchange(request)
            latencies.append(time.perf_counter() - began)
            assert answered.status == 200, answered.body
            numbers.append(answered.body.partition(b'"number":"')[2].partition(b'"')[0].decode())

    began = time.perf_counter()
    await asyncio.gather(*(take(line, requests[i::connections]) for i, line in enumerate(lines)))
    seconds = time.perf_counter() - began
    for line in lines:
        line.close()
    assert len(set(numbers)) == tickets, "a number was given twice"
    return Measured(tickets, seconds, latencies)


async def measure_calls(hall: HallServer, clerks: Sequence[Clerk]) -> Measured:
    """Calls a second, each finishing the ticket before, until nobody waits. Raises AssertionError for a double call."""
    called: list[str] = []
    latencies: list[float] = []

    async def work(clerk: Clerk) -> None:
        line = await Connection.to(hall.port)
        current = None
        while True:
            request = clerk.request("call-next", finish=current is not None, current=current)
            began = time.perf_counter()
            answered = await line.exchange(request)
            latencies.append(time.perf_counter() - began)
            here = answered.json.get("current") if answered.status == 200 else None
            if here is None:
                line.close()
                return
            current = here["number"]
            called.append(current)

    began = time.perf_counter()
    await asyncio.gather(*(work(clerk) for clerk in clerks))
    seconds = time.perf_counter() - began
    assert len(set(called)) == len(called), "a ticket was called twice"
    return Measured(len(called), seconds, latencies)


async def measure_boards(hall: HallServer, kiosk: SigningKiosk, clerk: Clerk, boards: int, calls: int) -> Measured:
    """From a clerk's call to the last of so many boards; ``latencies`` are those of the last board of each call."""
    arrived: asyncio.Queue[float] = asyncio.Queue()
    readers = [await _Board.to(hall.port, arrived) for _ in range(boards)]
    window, taking = await Connection.to(hall.port), await Connection.to(hall.port)
    current = None
    latencies = []
    for _ in range(calls):
        assert (await taking.exchange(kiosk.ask(new_ticket_request()))).status == 200
        # Let the frame about the longer line pass: a call is what is measured.
        await asyncio.sleep(0.7)
        request = clerk.request("call-next", finish=current is not None, current=current)
        began = time.perf_counter()
        answered = await window.exchange(request)
        last = max([await asyncio.wait_for(arrived.get(), 10) for _ in range(boards)])
        latencies.append(last - began)
        current = answered.json["current"]["number"]
    for reader in readers:
        reader.close()
    window.close()
    taking.close()
    return Measured(calls, sum(latencies), latencies)


class _Board(asyncio.Protocol):
    """Notes when a call arrives on its stream."""

    def __init__(self, arrived: asyncio.Queue[float]) -> None:
        self._arrived = arrived
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def to(cls, port: int, arrived: asyncio.Queue[float]) -> _Board:
        loop = asyncio.get_running_loop()
        _, board = await loop.create_connection(lambda: cls(arrived), "127.0.0.1", port)
        return board

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(http("GET", "/board/events"))

    def data_received(self, data: bytes) -> None:
        for _ in range(data.count(b"event: called\n")):
            self._arrived.put_nowait(time.perf_counter())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


async def staffed(hall: HallServer, windows: int) -> list[Clerk]:
    """So many windows, each with its clerk."""
    names = [str(number + 1) for number in range(windows)]
    hall.command("windows", *names)
    clerks = []
    for name in names:
        hall.command("staff", "add", f"clerk {name}", typed=f"{PASSWORD}\n")
        clerks.append(await Clerk.log_in(hall, f"clerk {name}", name))
    return clerks


async def _measure(tickets: int, connections: int, windows: int, boards: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        hall = HallServer(Path(directory) / "hall")
        hall.start()
        try:
            kiosks = await enrolled(hall, connections)
            clerks = await staffed(hall, windows)
            print("tickets issued:", await measure_tickets(hall, kiosks, tickets, connections))
            print("call-next:     ", await measure_calls(hall, clerks))
            print(f"last of {boards} boards:", await measure_boards(hall, kiosks[0], clerks[0], boards, 20))
        finally:
            hall.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--windows", type=int, default=8)
    parser.add_argument("--boards", type=int, default=500)
    asked = parser.parse_args()
    asyncio.run(_measure(asked.tickets, asked.connections, asked.windows, asked.boards))


if __name__ == "__main__":
    main()
