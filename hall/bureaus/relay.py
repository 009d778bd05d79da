"""The line to a simulated bureau: takes each request whole, plays what is armed, and hands it to the web server behind.

Here, and not in the web server: a peer that answers twice, breaks off in the middle or never answers is nothing that an
HTTP server would do. One request a connection, so that what a fault leaves on the line cannot reach the next request.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from dataclasses import dataclass

import msgspec

from hall.bureaus.contract import Receipt, Refusal, status_of
from hall.bureaus.faults import Action, Fault, Faults, Kind, On

HEAD_LIMIT, BODY_LIMIT = 16 * 1024, 256 * 1024

#: Seconds for a request to arrive whole.
REQUEST_S = 10.0

#: Paths that come from outside; everything else is the bench's, and for this machine only.
_PUBLIC = "/bureau/"


class _Unfit(Exception):
    """Not a request that this line carries."""


@dataclass(frozen=True)
class _Request:
    method: str
    target: str
    content: bytes
    """Head and body, to be closed after its answer."""

    @property
    def sort(self) -> On | None:
        """None: the bench's own, which nothing befalls."""
        if not self.target.startswith(_PUBLIC):
            return None
        if self.method != "POST":
            return On.ASKS
        return On.ENTRIES if self.target.startswith("/bureau/v1/entries") else On.RETURNS


class Relay:
    """Between a listening socket and a web server at ``behind`` (host, port)."""

    def __init__(self, listening: socket.socket, behind: tuple[str, int], faults: Faults) -> None:
        self._listening = listening
        self._behind = behind
        self._faults = faults
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, sock=self._listening, limit=HEAD_LIMIT)

    async def close(self) -> None:
        """Ends also the talks in which it is silent."""
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        if talk is not None:
            self._talks.add(talk)
            talk.add_done_callback(self._talks.discard)
        try:
            await self._answer(reader, writer)
        except _Unfit:
            with contextlib.suppress(OSError):
                writer.write(_answer_of(400, b"{}"))
                await writer.drain()
        except (OSError, EOFError, TimeoutError):
            pass
        except asyncio.CancelledError:
            # Only the end of the process cancels a talk; nobody waits for its result.
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_S):
            request = await _read(reader)
        if request.sort is None and not _is_this_machine(writer):
            writer.write(_answer_of(404, b"{}"))
        else:
            fault = self._faults.take(request.sort) if request.sort is not None else None
            await self._play(fault, request, reader, writer)
        await writer.drain()

    async def _play(
        self, fault: Fault | None, request: _Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        match fault.action if fault is not None else None:
            case Action.DIE_BEFORE:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.SILENT:
                await _until_it_hangs_up(reader)
                return
            case Action.REFUSE if fault is not None:
                refusal = Refusal(str(fault.argument))
                writer.write(_answer_of(status_of(refusal.problem), msgspec.json.encode(refusal)))
                return
            case Action.SLOW if fault is not None:
                # Who has lost patience has not taken anything back: the request goes on its way all the same.
                await asyncio.sleep(fault.seconds or 0)
        answer = await self._hand_over(request)
        match fault.action if fault is not None else None:
            case Action.DIE_AFTER:
                os.kill(os.getpid(), signal.SIGKILL)
            case Action.SILENT_ANSWER:
                await _until_it_hangs_up(reader)
            case Action.SLOW_ANSWER if fault is not None:
                await asyncio.sleep(fault.seconds or 0)
                writer.write(answer)
            case Action.ANSWER_TWICE:
                writer.write(answer + answer)
            case Action.GARBLE if fault is not None:
                writer.write(_spoilt(answer, fault.kind))
            case _:
                writer.write(answer)

    async def _hand_over(self, request: _Request) -> bytes:
        """The whole answer; it is given after the books are on disk."""
        reader, writer = await asyncio.open_connection(*self._behind)
        try:
            writer.write(request.content)
            return await reader.read(-1)
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> _Request:
    """Raises _Unfit, EOFError (the line broke), OSError."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise _Unfit from None
    first, *fields = head[:-4].split(b"\r\n")
    words = first.decode("latin-1").split(" ")
    if len(words) != 3:
        raise _Unfit
    length, kept = 0, [first]
    for line in fields:
        name, _, value = line.partition(b":")
        match name.strip().lower():
            case b"content-length":
                if not value.strip().isdigit() or int(value) > BODY_LIMIT:
                    raise _Unfit
                length = int(value)
                kept.append(line)
            case b"transfer-encoding":
                raise _Unfit
            case b"connection" | b"keep-alive":
                pass
            case _:
                kept.append(line)
    body = await reader.readexactly(length)
    return _Request(words[0], words[1], b"\r\n".join([*kept, b"connection: close", b"", body]))


async def _until_it_hangs_up(reader: asyncio.StreamReader) -> None:
    while await reader.read(4096):
        pass


def _is_this_machine(writer: asyncio.StreamWriter) -> bool:
    address = ipaddress.ip_address(writer.get_extra_info("peername")[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _spoilt(answer: bytes, kind: Kind) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    match kind:
        case Kind.TEXT:
            return _answer_of(200, "系统繁忙，请稍后再试".encode())
        case Kind.TYPE:
            return _answer_of(200, b'{"key": 7, "receipt": ["?"]}')
        case Kind.ERROR:
            return _answer_of(500, b'{"error": "ORA-12541"}')
        case Kind.CUT:
            return head + b"\r\n\r\n" + body[: len(body) // 2]
        case Kind.KEY:
            try:
                receipt = msgspec.json.decode(body, type=Receipt)
            except msgspec.DecodeError:
                return answer
            other = msgspec.structs.replace(receipt, key=receipt.key[::-1])
            return _answer_of(200, msgspec.json.encode(other))


def _answer_of(status: int, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status} -\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    return head.encode() + b"\r\n\r\n" + body
