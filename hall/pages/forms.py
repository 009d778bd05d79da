"""Small forms of staff pages: their fields, and the headers of pages that show something of a taxpayer."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from hall.api.answers import read_body
from hall.queue.refusal import Refused

#: With no-referrer a browser names no origin (``Origin: null``) when a form is posted; nothing stays in its cache.
CLERKS_ONLY: Final = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store"}

#: Bytes: six fields, the longest note, everything percent-encoded.
_LIMIT: Final = 16 * 1024


async def read_form(request: Request) -> dict[str, str]:
    """The text fields of a small form. Raises Refused(too_large, 413), Refused(invalid, 422)."""
    try:
        fields = parse_qsl((await read_body(request, _LIMIT)).decode(), max_num_fields=8)
    except ValueError:
        raise Refused("invalid", 422) from None
    return dict(fields)
