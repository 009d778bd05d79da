"""One log line, one event, as JSON on standard error. Fields are allow-listed: what is not named is not written."""

from __future__ import annotations

import logging
import sys
import traceback

import structlog
from structlog.typing import EventDict, WrappedLogger

#: No name, number, reference or key of a person is among them, and none may be added.
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "problem",
        "detail",
        "where",
        "path",
        "kiosk",
        "window",
        "day",
        "closed",
        "commands",
        "port",
        "host",
    }
)


def _only_allowed(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {name: value for name, value in event.items() if name in ALLOWED}


def _where(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Lines of our code that an exception passed, without its message and without values."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        event["where"] = [
            f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)
        ]
    return event


def configure() -> None:
    # uvicorn's own lines would carry whole requests into the log.
    logging.basicConfig(level=logging.CRITICAL, stream=sys.stderr)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where,
            _only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
