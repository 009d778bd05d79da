"""Support bundles at the hall: the key that they are sealed for, and opening one.

The private half lives in a file, away from the hall server where possible: whoever has it reads every bundle.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from kiosk.domain import bundle

KEY_BYTES = 32


def make_key(file: Path) -> str:
    """A new key pair: the private half into ``file``, which must not be there yet. Returns the public half in hex, for
    ``[maintenance] support_key`` of the kiosks. Raises OSError."""
    key = X25519PrivateKey.generate()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(key.private_bytes_raw().hex() + "\n")
        out.flush()
        os.fsync(out.fileno())
    return key.public_key().public_bytes_raw().hex()


def read_key(file: Path) -> bytes:
    """Raises OSError, ValueError."""
    key = bytes.fromhex(file.read_text().strip())
    if len(key) != KEY_BYTES:
        raise ValueError(f"{file}: not a support key")
    return key


def open_bundle(sealed: bytes, private_key: bytes, folder: Path) -> list[str]:
    """Unpack into ``folder``; returns the names of the files. Raises NotABundle, OSError."""
    clear = bundle.unseal(sealed, private_key)
    names = []
    with zipfile.ZipFile(io.BytesIO(clear)) as pack:
        for name in pack.namelist():
            # extract() keeps every name inside the folder, whatever it says.
            pack.extract(name, folder)
            names.append(name)
    return names
