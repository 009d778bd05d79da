"""Runs the hall's application under uvicorn: one process, one event loop, stopped cleanly by SIGTERM."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
import uvicorn
import uvloop

from hall import logs
from hall.app import build
from hall.connections import careful
from hall.server import HallServer
from hall.settings import Settings
from hall.tls import server_context

#: Seconds for requests in flight when the server is told to stop.
GRACE = 5

#: Connections the kernel holds while the loop is busy: every board of a hall comes back at once after a restart.
BACKLOG = 1024

#: A thread gives way to another after this many seconds (5 ms by default): a commit that is done must not wait for the
#: event loop to fall idle before its answer can be sent.
SWITCH_SECONDS = 0.0005

#: Seconds for a TLS handshake: one that is never ended costs a connection.
HANDSHAKE_S = 5

log = structlog.get_logger("hall")


class _Server(uvicorn.Server):
    """Told to stop, it ends the event streams first (they would hold it up until the end of its grace), and leaves with
    exit code 0; uvicorn by itself would raise the signal again."""

    def __init__(self, config: uvicorn.Config, hall: HallServer) -> None:
        super().__init__(config)
        self._hall = hall

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, self._told_to_stop)
        yield

    def _told_to_stop(self) -> None:
        self.should_exit = True
        self._hall.close_streams()


class _Loop(uvloop.Loop):
    async def create_server(self, *args: Any, **how: Any) -> Any:
        if how.get("ssl"):
            how["ssl_handshake_timeout"] = HANDSHAKE_S
        return await super().create_server(*args, **how)


def run(host: str, port: int, data: Path, settings: Settings) -> None:
    """Serve until stopped. Raises OSError (address in use), UnfitDatabase, hall.tls.BadCertificate."""
    logs.configure()
    tls = server_context(settings.tls)
    if tls is None and not _only_here(host):
        log.warning("served without TLS: whoever is on this network reads along, and can act as a clerk", host=host)
    _open_files(settings.limits.connections)
    sys.setswitchinterval(SWITCH_SECONDS)
    listening = _listen(host, port)
    hall = HallServer(data, settings)
    shown = f"[{host}]" if ":" in host else host
    real_port = listening.getsockname()[1]

    def started() -> None:
        sys.stdout.write(f"hall: {'https' if tls else 'http'}://{shown}:{real_port}\n")
        sys.stdout.flush()
        log.info("serving", host=host, port=real_port)

    config = uvicorn.Config(
        build(hall, started),
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE,
        server_header=False,
        ws="none",
        http=careful(settings.limits),
        ssl_context_factory=_given(tls) if tls else None,
    )
    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(_Server(config, hall).serve(sockets=[listening]))


def _given(context: ssl.SSLContext) -> Any:
    return lambda config, default: context


def _only_here(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _open_files(connections: int) -> None:
    """As many as there may be connections, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, connections + 256)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off; without it every answer waits 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    listening.listen(BACKLOG)
    return listening
