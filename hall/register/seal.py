"""Names and numbers on disk: sealed with a key that lies beside the database, not in it.

Whoever gets the file alone (a backup, a discarded disk) learns of nobody. Where something must be found again by a
person's or taxpayer's number, its HMAC under the hall's pepper stands beside the seal.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE = "hall.key"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class SealBroken(RuntimeError):
    """Another key, or changed bytes."""


class Seal:
    """AES-256-GCM, a fresh nonce a field. ``where`` names the field: a sealed value cannot be moved elsewhere."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, clear: str | bytes, where: str) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        data = clear.encode() if isinstance(clear, str) else clear
        return nonce + self._cipher.encrypt(nonce, data, where.encode())

    def open(self, sealed: bytes, where: str) -> bytes:
        """Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], where.encode())
        except (InvalidTag, ValueError):
            raise SealBroken(f"{where} cannot be opened with this hall's key") from None

    def text(self, sealed: bytes, where: str) -> str:
        return self.open(sealed, where).decode()


def read_or_make(data: Path) -> Seal:
    """The seal of the hall whose file lies in ``data``; its key is made once, 0600. Raises SealBroken, OSError.

    A service is given its key by systemd, so that it does not lie beside what it seals.
    """
    given = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / FILE
    path = given if given.is_absolute() and given.exists() else data / FILE
    data.mkdir(parents=True, exist_ok=True)
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = _make(path)
    if len(key) != _KEY_BYTES:
        raise SealBroken(f"the key in {path} has {len(key)} bytes, not {_KEY_BYTES}")
    return Seal(key)


def _make(path: Path) -> bytes:
    """Whole or not at all: what was sealed with half a key that a power cut left could never be opened again."""
    key = secrets.token_bytes(_KEY_BYTES)
    draft = path.with_suffix(f".{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            # Another process (``taxhall register`` beside a starting server) was faster: its key is the hall's.
            return path.read_bytes()
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
