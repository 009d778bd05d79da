"""The session cookie. Who is logged in, and what they may do, is looked at in ``hall.api.access``."""

from __future__ import annotations

import hmac

from starlette.requests import HTTPConnection
from starlette.responses import Response

from hall.api.access import COOKIE as COOKIE
from hall.api.access import CSRF_FIELD as CSRF_FIELD
from hall.api.access import CSRF_HEADER as CSRF_HEADER
from hall.api.access import SECURE_COOKIE, person_if_any
from hall.api.access import client_address as client_address
from hall.api.access import require_same_origin as require_same_origin
from hall.queue.refusal import Refused
from hall.queue.staff import StaffSession


def staff_session(request: HTTPConnection) -> StaffSession | None:
    return person_if_any(request)


def require_session(request: HTTPConnection) -> StaffSession:
    """Raises Refused(login, 401)."""
    session = staff_session(request)
    if session is None:
        raise Refused("login", 401)
    return session


def require_csrf(session: StaffSession, token: str | None) -> None:
    """``token``: from the form field ``csrf`` or the header X-CSRF-Token. Raises Refused(csrf, 403)."""
    if not token or not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise Refused("csrf", 403)


def set_cookie(request: HTTPConnection, response: Response, token: str) -> None:
    """Out of reach of scripts, of other sites, and, under TLS, of plain connections and other hosts."""
    secure = request.url.scheme == "https"
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(name, token, httponly=True, samesite="strict", secure=secure, path="/")


def clear_cookie(request: HTTPConnection, response: Response) -> None:
    secure = request.url.scheme == "https"
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", httponly=True, samesite="strict", secure=secure)
