"""Signed requests (RFC 9421, Ed25519): which kiosk speaks, that nobody changed it, and that it is not said twice.

The profile: exactly ``messages.SIGNED_COMPONENTS`` covered, parameters ``created``, ``keyid`` (the kiosk's id) and
``nonce``; the body through its Content-Digest (RFC 9530).
"""

from __future__ import annotations

import time
from collections import deque
from typing import Any, NoReturn

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from starlette.requests import Request

from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from kiosk.domain.messages import SIGNED_COMPONENTS

#: Seconds that ``created`` may differ from the hall's clock, either way.
WINDOW_SECONDS = 300

#: Nonces longer than this only cost memory.
_NONCE_LENGTH = 64


class KioskKeys(HTTPSignatureKeyResolver):
    """The keys of the enrolled kiosks, in memory: a revoked or unknown id has none."""

    def __init__(self) -> None:
        self._kiosks: dict[str, KnownKiosk] = {}

    def replace(self, kiosks: list[KnownKiosk]) -> None:
        self._kiosks = {kiosk.id: kiosk for kiosk in kiosks}

    def get(self, kiosk: str) -> KnownKiosk | None:
        return self._kiosks.get(kiosk)

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        known = self._kiosks.get(key_id)
        return known.key if known else None

    def resolve_private_key(self, key_id: str) -> NoReturn:
        raise KeyError(key_id)


class _Verifier(HTTPMessageVerifier):
    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Judged by ``Signatures``, after the signature is known to be genuine, so that a kiosk with a wrong clock can
        be told the time instead of being told that it is not known."""


class _Message:
    """A request as the verifier reads it."""

    def __init__(self, request: Request) -> None:
        self.method = request.method
        # Only path and query are covered: what host name a proxy was reached by is of no concern.
        query = request.scope["query_string"].decode("latin-1")
        self.url = f"http://hall{request.scope['raw_path'].decode('latin-1')}" + (f"?{query}" if query else "")
        self.headers = request.headers


class _Nonces:
    """Every nonce of the last while. Forgotten on restart: what a kiosk may send again is harmless by its key."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, tuple[str, str]]] = deque()

    def add(self, kiosk: str, nonce: str, now: float) -> bool:
        """False for one that was there."""
        while self._order and self._order[0][0] < now:
            self._seen.discard(self._order.popleft()[1])
        entry = (kiosk, nonce)
        if entry in self._seen:
            return False
        self._seen.add(entry)
        # ``created`` may lie a window ahead and stays good a window after that.
        self._order.append((now + 2 * WINDOW_SECONDS, entry))
        return True


class Signatures:
    def __init__(self, keys: KioskKeys) -> None:
        self._keys = keys
        self._nonces = _Nonces()
        self._verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    def kiosk(self, request: Request, body: bytes) -> KnownKiosk:
        """Who signed. Raises Refused (401): signature, clock (genuine, but out of the window), replay."""
        try:
            (verified,) = self._verifier.verify(
                _Message(request), max_age=None, require_components=SIGNED_COMPONENTS, body=body
            )
        except (HTTPMessageSignaturesException, ValueError):
            raise Refused("signature", 401) from None
        kiosk = self._keys.get(str(verified.parameters["keyid"]))
        created, nonce = verified.parameters.get("created"), verified.nonce
        if kiosk is None or not isinstance(created, int) or not nonce or len(nonce) > _NONCE_LENGTH:
            raise Refused("signature", 401)
        if abs(time.time() - created) > WINDOW_SECONDS:
            raise Refused("clock", 401)
        if not self._nonces.add(kiosk.id, nonce, time.monotonic()):
            raise Refused("replay", 401)
        return kiosk
