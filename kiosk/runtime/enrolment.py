"""Who this kiosk is to its hall: an id, a key pair, and the pepper that all kiosks of the hall share."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kiosk.session.state import Language
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient

_NAME = "enrolment"


@dataclass(frozen=True, repr=False)
class Enrolment:
    """Kept in the encrypted store only. ``private_key`` and ``pepper``: 32 bytes each."""

    kiosk: str
    hall_name_zh: str
    hall_name_en: str
    private_key: bytes
    pepper: bytes

    @property
    def hall_names(self) -> dict[Language, str]:
        return {Language.ZH: self.hall_name_zh, Language.EN: self.hall_name_en}


def enrol(store: Store, hall: HallClient, code: str, timeout: float) -> Enrolment:
    """Make a key, tell the hall its public half under a one-time code, remember both. Raises HallError, StoreFailed."""
    key = Ed25519PrivateKey.generate()
    reply = hall.enrol(code, key.public_key().public_bytes_raw(), timeout)
    enrolment = Enrolment(
        kiosk=reply.kiosk,
        hall_name_zh=reply.hall_name_zh,
        hall_name_en=reply.hall_name_en,
        private_key=key.private_bytes_raw(),
        pepper=bytes.fromhex(reply.holder_pepper),
    )
    store.set_settings({_NAME: msgspec.msgpack.encode(enrolment)})
    return enrolment


def enrolment_of(store: Store) -> Enrolment | None:
    """None while this kiosk has never been enrolled."""
    kept = store.setting(_NAME)
    return msgspec.msgpack.decode(kept, type=Enrolment) if kept else None
