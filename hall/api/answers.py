"""How the JSON interface reads and answers: one Problem for every refusal, with the status that fits."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hall.queue.refusal import Refused
from kiosk.domain.messages import VERSION, Problem

T = TypeVar("T")

#: Bytes of a request's body.
BODY_LIMIT, JOURNAL_LIMIT = 64 * 1024, 4 * 1024 * 1024

encode = msgspec.json.Encoder().encode


class _OnlyVersion(msgspec.Struct):
    version: int = VERSION


def answer(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(encode(data), status, headers, "application/json")


def problem(status: int, word: str, field: str | None = None, headers: dict[str, str] | None = None) -> Response:
    return answer(Problem(word, field), status, headers)


async def read_body(request: Request, limit: int = BODY_LIMIT) -> bytes:
    """Raises Refused(too_large, 413) before more than ``limit`` bytes are held."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise Refused("too_large", 413)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise Refused("too_large", 413)
        parts.append(part)
    return b"".join(parts)


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises Refused: not_json (400); invalid, version (422) with the field's name."""
    try:
        message = decoder.decode(body)
    except msgspec.ValidationError as error:
        if _version_of(body) != VERSION:
            raise Refused("version", 422, "version") from None
        place = re.search(r"at `\$\.?([^`]*)`", str(error))
        missing = re.search(r"field `([^`]*)`", str(error))
        named = missing or place
        raise Refused("invalid", 422, named.group(1) if named else None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("not_json", 400) from None
    if getattr(message, "version", VERSION) != VERSION:
        raise Refused("version", 422, "version")
    return message


def _version_of(body: bytes) -> int:
    try:
        return msgspec.json.decode(body, type=_OnlyVersion).version
    except msgspec.MsgspecError:
        return VERSION
