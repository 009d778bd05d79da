"""Whom a kiosk takes for its hall: the one certificate or authority put into it, or any that the system trusts.

A pinned certificate is checked in everything but its dates. A kiosk's clock may be 400 days off, and the hall is the
one who tells it the time: a certificate that "is not valid yet" would lock it out for good. A pinned certificate that
should not count any more is taken out of the kiosk, not waited for.
"""

from __future__ import annotations

import ssl
from pathlib import Path

#: X509_V_FLAG_NO_CHECK_TIME of OpenSSL, which Python does not name.
_NO_CHECK_TIME = 0x200000


class BadPin(Exception):
    """The file with the hall's certificate cannot be read, or the address does not ask for it."""


def context_for(hall_url: str, hall_ca: Path | None) -> ssl.SSLContext:
    """Raises BadPin."""
    if not hall_url.startswith("https://"):
        if hall_ca is not None:
            raise BadPin(
                "hall_ca is set, and hall_url is not https: nothing is said in the clear to a hall that has TLS"
            )
        # Trusts nobody: an answer that leads to TLS leads nowhere. And loads nothing, which takes 20 ms of the start.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if hall_ca is None:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags = ssl.VerifyFlags(context.verify_flags | ssl.VERIFY_X509_PARTIAL_CHAIN | _NO_CHECK_TIME)
    try:
        context.load_verify_locations(hall_ca)
    except (OSError, ssl.SSLError) as problem:
        raise BadPin(f"{hall_ca}: {problem}") from None
    return context
