"""A kiosk signs every request with its own key (RFC 9421, Ed25519); the hall knows the public half."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

from kiosk.domain.messages import SIGNED_COMPONENTS


class _OneKey(HTTPSignatureKeyResolver):
    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    def resolve_private_key(self, key_id: str) -> Ed25519PrivateKey:
        return self._key

    def resolve_public_key(self, key_id: str) -> None:
        """A kiosk verifies nobody with its own key."""


class Signer:
    """Signs as one kiosk. ``clock_error``: seconds, hall minus kiosk, so that a wrong clock locks nobody out."""

    def __init__(self, kiosk: str, private_key: bytes) -> None:
        """``private_key``: 32 bytes."""
        self._kiosk = kiosk
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.ED25519,
            key_resolver=_OneKey(Ed25519PrivateKey.from_private_bytes(private_key)),
        )
        self.clock_error = 0.0

    def sign(self, request: httpx2.Request) -> None:
        """Add the signature headers. Each signature is fresh, so that a retry is not taken for a replay."""
        self._signer.sign(
            request,
            key_id=self._kiosk,
            created=datetime.fromtimestamp(time.time() + self.clock_error, UTC),
            nonce=secrets.token_hex(12),
            covered_component_ids=tuple(name for name in SIGNED_COMPONENTS if name != "content-digest"),
            body=request.content,
        )
