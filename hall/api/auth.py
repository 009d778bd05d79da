"""The session cookie. Who is logged in, and what they may do, is looked at in ``hall.api.access``."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response

from hall.api.access import COOKIE, SECURE_COOKIE


def set_cookie(request: HTTPConnection, response: Response, token: str) -> None:
    """Out of reach of scripts, of other sites, and, under TLS, of plain connections and other hosts."""
    secure = request.url.scheme == "https"
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(name, token, httponly=True, samesite="strict", secure=secure, path="/")


def clear_cookie(request: HTTPConnection, response: Response) -> None:
    secure = request.url.scheme == "https"
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
