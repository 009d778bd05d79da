"""Who sits at a window: a session cookie, and a second token that only our own pages know (CSRF)."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from hall.queue.desk import Desk, StaffSession
from hall.queue.refusal import Refused

COOKIE = "hall_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"


def client_address(request: HTTPConnection) -> str:
    return request.client.host if request.client else ""


def staff_session(request: HTTPConnection) -> StaffSession | None:
    """The clerk of this request's cookie; None when nobody is logged in. For pages, which then show the login."""
    desk: Desk = request.app.state.desk
    token = request.cookies.get(COOKIE, "")
    return desk.session(token) if token else None


def require_session(request: HTTPConnection) -> StaffSession:
    """Raises Refused(login, 401)."""
    session = staff_session(request)
    if session is None:
        raise Refused("login", 401)
    return session


def require_same_origin(request: HTTPConnection) -> None:
    """A browser names the page a post comes from; another site's is refused. Raises Refused(origin, 403)."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Refused("origin", 403)


def require_csrf(session: StaffSession, token: str | None) -> None:
    """``token``: from the form field ``csrf`` or the header X-CSRF-Token. Raises Refused(csrf, 403)."""
    if not token or not hmac.compare_digest(token.encode(), session.csrf.encode()):
        raise Refused("csrf", 403)


def set_cookie(response: Response, token: str, *, secure: bool = False) -> None:
    """``secure``: the page came over HTTPS."""
    response.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=secure, path="/")


def clear_cookie(response: Response) -> None:
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
