"""Runs one simulated bureau: its own process, its own books, its own bad days."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from hall import logs
from hall.bureaus.books import Books
from hall.bureaus.faults import Faults
from hall.bureaus.folder import read_or_make_token, token_file, url_file
from hall.bureaus.relay import Relay
from hall.bureaus.service import build
from hall.clock import SystemClock
from kiosk.domain.filing import Bureau

#: Seconds for requests in flight when it is told to stop.
GRACE = 5

log = structlog.get_logger("bureau")


class _Server(uvicorn.Server):
    """Leaves with exit code 0 when it is told to stop; uvicorn by itself would raise the signal again."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._told_to_stop)
        yield

    def _told_to_stop(self) -> None:
        self.should_exit = True


def run(bureau: Bureau, host: str, port: int, data: Path, token: Path | None = None) -> None:
    """Serve until stopped. ``token``: the file with it, made if missing. Raises OSError, UnfitDatabase, ValueError."""
    logs.configure()
    data.mkdir(parents=True, exist_ok=True)
    shown_token = read_or_make_token(token or token_file(data))
    books = Books(data, bureau)
    listening, behind = _listen(host, port), _listen("127.0.0.1", 0)
    faults = Faults()
    relay = Relay(listening, behind.getsockname()[:2], faults)
    real_port = listening.getsockname()[1]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await relay.start()
        url = f"http://{f'[{host}]' if ':' in host else host}:{real_port}"
        url_file(data, bureau).write_text(url + "\n", encoding="ascii")
        sys.stdout.write(f"bureau {bureau.value}: {url}\n")
        sys.stdout.flush()
        log.info("serving", host=host, port=real_port)
        yield
        await relay.close()
        books.close()

    config = uvicorn.Config(
        build(books, shown_token, faults, SystemClock(), lifespan),
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        ws="none",
    )
    asyncio.run(_Server(config).serve(sockets=[behind]))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(1024)
    return listening
