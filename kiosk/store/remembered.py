"""What the hall said of taxpayers, so that their returns can be prepared while it is silent.

Only of those whose file was opened here by the person himself, for some days, and sealed with a key made of his number:
not even this machine can open it before his card lies on the reader again. Without the number nothing is found either:
rows bear the keyed reference only.
"""

from __future__ import annotations

import secrets
from datetime import date

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import text

from kiosk.domain.filing import FilingMade, FilingRequest, TaxpayerFile, TaxpayersOfPerson
from kiosk.store.database import Transaction

_NONCE_BYTES = 12

#: The list of a person's taxpayers stands under no taxpayer.
_LIST = ""

_PUT = text(
    "INSERT INTO remembered VALUES (:ref, :taxpayer, :day, :sealed)"
    " ON CONFLICT (holder_ref, taxpayer) DO UPDATE SET said_on = :day, sealed = :sealed"
)
_GET = text(
    "SELECT said_on, sealed FROM remembered"
    " WHERE holder_ref = :ref AND taxpayer = :taxpayer AND said_on >= :since AND said_on <= :today"
)
_WAITING = text("SELECT body FROM journal, mark WHERE seq > high_water AND kind = 'filing_made' ORDER BY seq")


def key_of(pepper: bytes, number: str) -> bytes:
    """What opens a person's own memory here. ``number``: as on the card."""
    return HKDF(SHA256(), 32, salt=pepper, info=b"taxkiosk remembered").derive(number.encode())


class Memory:
    """Each method is one transaction. ``key``: of ``key_of``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def keep_list(self, ref: str, key: bytes, said: TaxpayersOfPerson, today: date) -> None:
        self._keep(ref, _LIST, key, msgspec.json.encode(said), today)

    def keep_file(self, ref: str, key: bytes, said: TaxpayerFile, today: date) -> None:
        self._keep(ref, said.taxpayer.id, key, msgspec.json.encode(said), today)

    def taxpayers(self, ref: str, key: bytes, since: date, today: date) -> tuple[date, TaxpayersOfPerson] | None:
        """The list, and the day on which the hall said it; None: nothing that is young enough, or that opens."""
        found = self._open(ref, _LIST, key, since, today)
        return (found[0], msgspec.json.decode(found[1], type=TaxpayersOfPerson)) if found else None

    def file(self, ref: str, taxpayer: str, key: bytes, since: date, today: date) -> tuple[date, TaxpayerFile] | None:
        found = self._open(ref, taxpayer, key, since, today)
        return (found[0], msgspec.json.decode(found[1], type=TaxpayerFile)) if found else None

    def waiting(self) -> list[FilingRequest]:
        """Returns of anybody that the hall does not hold yet, oldest first."""
        with self._transaction(True) as connection:
            bodies = connection.execute(_WAITING).scalars().all()
        return [msgspec.json.decode(body, type=FilingMade).filing for body in bodies]

    def _keep(self, ref: str, taxpayer: str, key: bytes, clear: bytes, today: date) -> None:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key).encrypt(nonce, clear, f"{ref}:{taxpayer}".encode())
        values = {"ref": ref, "taxpayer": taxpayer, "day": today.isoformat(), "sealed": sealed}
        with self._transaction(False) as connection:
            connection.execute(_PUT, values)

    def _open(self, ref: str, taxpayer: str, key: bytes, since: date, today: date) -> tuple[date, bytes] | None:
        where = {"ref": ref, "taxpayer": taxpayer, "since": since.isoformat(), "today": today.isoformat()}
        with self._transaction(True) as connection:
            row = connection.execute(_GET, where).one_or_none()
        if row is None:
            return None
        sealed = bytes(row.sealed)
        try:
            clear = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], f"{ref}:{taxpayer}".encode())
        except InvalidTag:
            return None
        return date.fromisoformat(row.said_on), clear
