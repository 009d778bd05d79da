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
    hall: str = ""
    """The hall's id, for which releases are signed."""
    order_key: str = ""
    """Ed25519 public key in hex, of the hall's orders; "" from a hall that gives none."""
    release_root: str = ""
    """TUF root metadata: the first link of trust in releases; "" from a hall that had none yet."""

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
        hall=reply.hall,
        order_key=reply.order_key,
        release_root=reply.release_root,
    )
    keep(store, enrolment)
    return enrolment


def keep(store: Store, enrolment: Enrolment) -> None:
    """Raises StoreFailed."""
    store.set_settings({_NAME: msgspec.msgpack.encode(enrolment)})


def enrolment_of(store: Store) -> Enrolment | None:
    """None while this kiosk has never been enrolled."""
    kept = store.setting(_NAME)
    return msgspec.msgpack.decode(kept, type=Enrolment) if kept else None
