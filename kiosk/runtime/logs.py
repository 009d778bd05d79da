"""The log of a kiosk: one JSON line an event, on standard error, with fields from a short list.

A field that is not on the list is dropped, whatever it holds: no name, number or amount reaches a log by mistake.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "exception",
        "device",
        "media",
        "name",
        "outcome",
        "page",
        "paper",
        "process",
        "reason",
        "retry_s",
        "rows",
        "seq",
        "slip_id",
        "state",
        "status",
        "version",
        "visit",
        "worker",
        "asks",
        "slips",
        "filings",
        "payments",
        "issues",
        "elapsed_ms",
    }
)


def keep_allowed(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in [name for name in event if name not in ALLOWED]:
        del event[name]
    return event


def _places_only(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and the places it passed: its message may quote what it choked on, and that a person."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    problem = info[1] if isinstance(info, tuple) else info
    if isinstance(problem, BaseException):
        places = []
        trace = problem.__traceback__
        while trace is not None:
            code = trace.tb_frame.f_code
            places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
            trace = trace.tb_next
        event["exception"] = [type(problem).__name__, *places]
    return event


def configure(process: str) -> None:
    """Call once, after everything that might call ``logging.basicConfig`` has been imported."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            _places_only,
            keep_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    # Libraries may only say that something is wrong; what they say is dropped, for it may quote a person.
    logging.getLogger().handlers[:] = [logging.NullHandler()]
