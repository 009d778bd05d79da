"""A support bundle, sealed: what is taken from a kiosk on a USB stick opens only with the hall's support key.

    TAXKIOSK-BUNDLE-1\\n | ephemeral X25519 public key, 32 bytes | nonce, 12 bytes | AES-256-GCM of a zip

The kiosk knows the public half and cannot open its own bundles; each one has a key of its own (X25519, HKDF-SHA256).
Both halves of a seal are here, since kiosk and hall have to agree on every byte.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC = b"TAXKIOSK-BUNDLE-1\n"
SUFFIX = ".taxbundle"

_KEY_BYTES = 32
_NONCE_BYTES = 12


class NotABundle(ValueError):
    """Not one of ours, damaged, or sealed for another key."""


def seal(clear: bytes, support_key: bytes) -> bytes:
    """``support_key``: the public half, 32 bytes. Raises ValueError for what is no key."""
    ephemeral = X25519PrivateKey.generate()
    head = MAGIC + ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(support_key))
    nonce = os.urandom(_NONCE_BYTES)
    return head + nonce + AESGCM(_derive(shared, head, support_key)).encrypt(nonce, clear, head)


def unseal(sealed: bytes, private_key: bytes) -> bytes:
    """Raises NotABundle."""
    head, rest = sealed[: len(MAGIC) + _KEY_BYTES], sealed[len(MAGIC) + _KEY_BYTES :]
    if not head.startswith(MAGIC) or len(rest) <= _NONCE_BYTES:
        raise NotABundle("not a bundle of a kiosk")
    try:
        mine = X25519PrivateKey.from_private_bytes(private_key)
        shared = mine.exchange(X25519PublicKey.from_public_bytes(head[len(MAGIC) :]))
        key = _derive(shared, head, mine.public_key().public_bytes_raw())
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head)
    except (InvalidTag, ValueError):
        raise NotABundle("damaged, or sealed for another key") from None


def _derive(shared: bytes, head: bytes, support_key: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=head + support_key).derive(shared)
