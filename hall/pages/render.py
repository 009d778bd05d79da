"""A page: a template, its values, the time of the answer, and an ETag that the time does not change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hall.pages.words import REASONS, REFUSALS
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.messages import Wait
from kiosk.domain.money import grouped

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"

#: Stands in a page for the time of the answer until the ETag is taken: two pages that differ only in it are the same.
_AS_OF: Final = {"as_of_iso": "@as-of-iso@", "as_of_second": "@as-of-second@"}


def _build() -> str:
    """Names this version of templates and scripts: a board that has run for months reloads when the hall is updated."""
    files = sorted(path for path in HERE.rglob("*") if path.suffix in {".html", ".css", ".js"})
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def _minute(at: datetime) -> str:
    return f"{at.astimezone(HALL_ZONE):%H:%M}"


def _span(wait: Wait) -> str:
    """``8–15``; one number where both ends are the same."""
    return f"{wait.low}–{wait.high}" if wait.high > wait.low else str(wait.high)


_environment = Environment(
    loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_environment.filters.update(minute=_minute, span=_span, yuan=grouped)
_environment.globals.update(build=_build(), reasons=REASONS, refusals=REFUSALS)


def page(
    request: Request,
    template: str,
    now: datetime,
    *,
    status: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
    **values: object,
) -> Response:
    """The page, or 304 where the browser already has it. ``now`` carries an offset."""
    there = now.astimezone(HALL_ZONE)
    drawn = _environment.get_template(template).render(
        as_of_minute=f"{there:%H:%M}", as_of_date=_date(there), **_AS_OF, **values
    )
    etag = f'W/"{hashlib.sha256(drawn.encode()).hexdigest()[:32]}"'
    head = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie", **headers}
    if status == 200 and etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=head)
    drawn = drawn.replace(_AS_OF["as_of_iso"], there.isoformat(timespec="milliseconds"))
    drawn = drawn.replace(_AS_OF["as_of_second"], f"{there:%H:%M:%S}")
    return HTMLResponse(drawn, status_code=status, headers=head)


def _date(day: datetime) -> str:
    return f"{day.month} 月 {day.day} 日 星期{'一二三四五六日'[day.weekday()]}"
