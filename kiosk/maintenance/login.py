"""Who may enter: the card's certificate against the hall's signed list, its key against a fresh challenge.

Nobody is asked but the card and the list that came with the release in service, so a technician gets in at night with
the network down. The list names each certificate by its fingerprint: no authority, no chain, nothing else to steal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import msgspec
import structlog

import config
from kiosk.domain.fleet import Technician, TechnicianList

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

log = structlog.get_logger()

#: Bits; a list that names a shorter RSA key was a mistake.
SHORTEST_RSA = 2048


@dataclass(frozen=True)
class Refusal:
    """``problem``: see ``session.panel.LoginStep.REFUSED``. ``who``: for the audit log; "" when nobody knows."""

    problem: str
    who: str = ""


def read_list() -> TechnicianList | None:
    """The list of the release in service; None where there is none, and then nobody is let in."""
    try:
        said = config.read_technicians()
        return None if said is None else msgspec.json.decode(said, type=TechnicianList)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        log.error("technicians-unreadable", reason=type(problem).__name__)
        return None


def find(listed: TechnicianList | None, certificate: bytes, today: date) -> Technician | Refusal:
    """Whose card this is, if he may enter today. ``certificate``: DER. ``today``: by trusted time."""
    if listed is None:
        return Refusal("no_list")
    fingerprint = hashlib.sha256(certificate).hexdigest()
    technician = next((each for each in listed.technicians if each.certificate.lower() == fingerprint), None)
    if technician is None:
        return Refusal("not_a_technician")
    if technician.revoked:
        return Refusal("revoked", technician.id)
    known = _load(certificate)
    if known is None:
        return Refusal("unreadable", technician.id)
    first = max(technician.valid_from, known.not_valid_before_utc.date())
    last = min(technician.valid_to, known.not_valid_after_utc.date())
    if today < first:
        return Refusal("not_yet_valid", technician.id)
    return Refusal("expired", technician.id) if today > last else technician


def _load(certificate: bytes) -> Certificate | None:
    from cryptography.x509 import load_der_x509_certificate

    try:
        return load_der_x509_certificate(certificate)
    except ValueError:
        return None


def is_signed(certificate: bytes, challenge: bytes, signature: bytes) -> bool:
    """Whether the key of this certificate signed the challenge: Ed25519, ECDSA with SHA-256, or RSA (PKCS #1 v1.5,
    SHA-256), as the certificate's key is."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    known = _load(certificate)
    if known is None:
        return False
    key = known.public_key()
    try:
        match key:
            case ed25519.Ed25519PublicKey():
                key.verify(signature, challenge)
            case ec.EllipticCurvePublicKey():
                key.verify(signature, challenge, ec.ECDSA(SHA256()))
            case rsa.RSAPublicKey() if key.key_size >= SHORTEST_RSA:
                key.verify(signature, challenge, padding.PKCS1v15(), SHA256())
            case _:
                return False
    except InvalidSignature:
        return False
    return True
