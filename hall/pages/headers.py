"""Headers that every answer carries: nothing of ours is framed, sniffed, referred to, or given a script of others."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), "
    "microphone=(), midi=(), payment=(), serial=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

#: Over TLS only: from then on this browser asks this hall in no other way. Not for other hosts of its domain, which are
#: not the hall's to decide about.
STRICT_TRANSPORT: Final = "max-age=31536000"

#: Other sites may embed nothing of the hall, but the tax app reads what is public.
_RESOURCE: Final = "Cross-Origin-Resource-Policy"


class SecurityHeaders:
    """ASGI middleware; plain, because Starlette's BaseHTTPMiddleware would put a queue before the event streams."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault(_RESOURCE, "cross-origin" if scope["path"].startswith("/public/") else "same-origin")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = STRICT_TRANSPORT
            await send(message)

        await self.app(scope, receive, send_with_headers)
