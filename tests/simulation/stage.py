"""What stands in the world's place while a history is played: clocks, chance, threads, sockets and device drivers.

The product is not changed. Its modules say ``threading``, ``queue``, ``time``, ``secrets``; here that means our own.
"""

from __future__ import annotations

import functools
import queue
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from types import ModuleType
from typing import Any
from unittest import mock

import httpx2
import structlog
from starlette.concurrency import run_in_threadpool

import config
import hall.filings.office
import hall.filings.settle
import hall.queue.forecaster
import hall.server
import kiosk.runtime.appliance
import kiosk.runtime.card_watch
import kiosk.runtime.hall_desk
import kiosk.runtime.loop
import kiosk.runtime.paying
import kiosk.runtime.printing
import kiosk.runtime.storekeeper
import kiosk.sync.agent
from tests.simulation.clockwork import Loop, QueueInstead, ThreadingInstead, running, use
from tests.simulation.devices import PrinterDriver, ReaderDriver, TerminalDriver
from tests.simulation.network import Transport

#: Looks of idle threads are rarer here than at a kiosk, so that most events of a history are about somebody.
_RARER = (
    (kiosk.runtime.loop, "LONGEST_SLEEP_S", 3600.0),
    (kiosk.runtime.hall_desk, "STATE_EVERY_S", 6.0),
    (kiosk.runtime.printing, "LOOK_EVERY_S", 6.0),
    (kiosk.runtime.card_watch, "LOOK_EVERY_S", 6.0),
    (kiosk.runtime.storekeeper, "PROBE_EVERY_S", 6.0),
    (kiosk.runtime.paying, "TICK_S", 2.0),
    (kiosk.runtime.paying, "LOOK_EVERY_S", 6.0),
    (kiosk.sync.agent, "LOOK_EVERY_S", 2.0),
    (hall.queue.forecaster, "EVERY", 20.0),
    (hall.queue.forecaster, "AT_LEAST_EVERY", 120.0),
    (hall.server, "HOUSEKEEPING_EVERY", 20.0),
    (hall.filings.settle, "_LOOK_EVERY", 5.0),
)

#: A defect of ours, whatever the history: the product says so itself.
_DEFECTS = frozenset({"step-failed", "job-failed", "defect", "start-failed"})


@contextmanager
def seeded_secrets(chance: Random) -> Iterator[None]:
    """Keys, nonces and tokens of a history come from its seed."""

    def token_bytes(count: int | None = None) -> bytes:
        return chance.randbytes(32 if count is None else count)

    def token_hex(count: int | None = None) -> str:
        return token_bytes(count).hex()

    instead: dict[str, Any] = {
        "token_bytes": token_bytes,
        "token_hex": token_hex,
        "token_urlsafe": token_hex,
        "randbelow": chance.randrange,
        "choice": chance.choice,
    }
    with mock.patch.multiple(secrets, **instead):
        yield


@contextmanager
def staged(town: Any, loop: Loop, chance: Random) -> Iterator[None]:
    """Play ``town`` on ``loop``."""

    def wall() -> float:
        process = running()
        return float(town.wall_of(process).timestamp())

    with ExitStack() as stack:
        put = stack.enter_context
        for module in _ours():
            if getattr(module, "threading", None) is threading:
                put(mock.patch.object(module, "threading", ThreadingInstead))
            if getattr(module, "queue", None) is queue:
                put(mock.patch.object(module, "queue", QueueInstead))
        threadpool = run_in_threadpool
        for module in list(sys.modules.values()):
            # Starlette hands handlers of exceptions to real threads, which nobody can put in order.
            if getattr(module, "run_in_threadpool", None) is threadpool:
                put(mock.patch.object(module, "run_in_threadpool", _at_once))
        for module, name, value in _RARER:
            put(mock.patch.object(module, name, value))
        put(seeded_secrets(chance))
        put(mock.patch.object(time, "monotonic", loop.time))
        put(mock.patch.object(time, "time", wall))
        put(mock.patch.object(httpx2, "Client", functools.partial(httpx2.Client, transport=Transport())))
        put(mock.patch.object(kiosk.runtime.appliance, "PosTerminal", lambda url: TerminalDriver(town.terminal(url))))
        put(
            mock.patch.object(
                kiosk.runtime.appliance, "SlipPrinter", lambda url, *_, **__: PrinterDriver(town.printer(url))
            )
        )
        put(mock.patch.object(kiosk.runtime.card_watch, "open_reader", lambda url: ReaderDriver(town.reader(url))))
        put(mock.patch.object(hall.server, "bureau_clients", town.bureaus_of))
        put(mock.patch.object(hall.server, "read_rules", _rules))
        put(mock.patch.object(config, "read_services", _services))
        processors = [functools.partial(_heard, town)]
        before = structlog.get_config()
        structlog.configure(processors=processors, cache_logger_on_first_use=False)
        use(loop)
        try:
            yield
        finally:
            use(None)
            structlog.configure(**before)


def _heard(town: Any, logger: object, method: str, event: dict[str, Any]) -> Any:
    town.says(event)
    if event.get("event") in _DEFECTS:
        error = sys.exc_info()[1] or event.get("exc_info")
        town.defect(f"{event['event']} in {event.get('worker', event.get('page', ''))}: {error!r}", error)
    raise structlog.DropEvent


async def _at_once(act: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return act(*args, **named)


def _ours() -> list[ModuleType]:
    return [module for name, module in sorted(sys.modules.items()) if name.startswith(("kiosk.", "hall."))]


# Parsed once a process: a hall that is started again in a history reads the same files.
_services = functools.cache(config.read_services)
_read_rules = hall.filings.office.read_rules


@functools.cache
def _rules_for(profile: str, withhold: bool) -> Any:
    from hall.settings import Tax

    return _read_rules(Tax(profile=profile, payers_withhold=withhold))  # type: ignore[arg-type]


def _rules(settings: Any) -> Any:
    return _rules_for(settings.profile, settings.payers_withhold)
