"""How a kiosk becomes known: somebody at the hall makes a code, the kiosk uses it once and leaves its public key."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from hall.queue.refusal import Refused
from hall.store import statements
from hall.store.writer import Work

#: A code is typed at the kiosk by hand: no letters that look like digits. 12 of 31 signs are 59 bits.
_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LENGTH = 12

CODE_HOURS = 24

#: Name of the secret that all kiosks of a hall hash a holder with.
PEPPER = "holder_pepper"


@dataclass(frozen=True)
class KnownKiosk:
    id: str
    key: Ed25519PublicKey
    enrolled_ms: int


def _hash(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").strip().upper().encode()).hexdigest()


def make_code(work: Work, kiosk: str) -> str:
    """A new code for a kiosk, ``XXXX-XXXX-XXXX``. Raises ValueError for an id that is not ``K`` and a number."""
    if not re.fullmatch(r"K[0-9]{1,3}", kiosk):
        raise ValueError("a kiosk's id is K and one to three digits")
    code = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
    expires = work.now_ms + CODE_HOURS * 3_600_000
    work.connection.execute(statements.ADD_CODE, {"code_hash": _hash(code), "kiosk": kiosk, "expires_at": expires})
    return "-".join(code[i : i + 4] for i in range(0, _LENGTH, 4))


def enrol(work: Work, code: str, public_key: str) -> str:
    """The kiosk's id. The same key may use its code again (the answer may have been lost); nobody else may.

    Raises Refused: public_key (422), code (403: unknown, expired, used).
    """
    if not re.fullmatch(r"[0-9a-f]{64}", public_key):
        raise Refused("invalid", 422, "public_key")
    row = work.connection.execute(statements.CODE, {"code_hash": _hash(code)}).one_or_none()
    if row is None or row.used_by not in (None, public_key) or (row.used_by is None and row.expires_at < work.now_ms):
        raise Refused("code", 403, "code")
    if row.used_by is None:
        work.connection.execute(statements.USE_CODE, {"code_hash": _hash(code), "public_key": public_key})
        work.connection.execute(statements.ENROL, {"id": row.kiosk, "public_key": public_key, "now": work.now_ms})
    return str(row.kiosk)


def revoke(work: Work, kiosk: str) -> bool:
    """Nothing this kiosk signs counts any more. False when it was not enrolled."""
    return work.connection.execute(statements.REVOKE, {"id": kiosk, "now": work.now_ms}).rowcount > 0


def pepper(work: Work) -> str:
    """The hall's pepper, made once (32 bytes in hex)."""
    work.connection.execute(statements.ADD_SECRET, {"name": PEPPER, "value": secrets.token_hex(32)})
    return str(work.connection.execute(statements.SECRET, {"name": PEPPER}).scalar_one())


def known_kiosks(connection: Connection) -> list[KnownKiosk]:
    """All enrolled kiosks whose key is good."""
    known = []
    for row in connection.execute(statements.KIOSK_KEYS):
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(row.public_key))
        known.append(KnownKiosk(row.id, key, row.enrolled_at))
    return known
