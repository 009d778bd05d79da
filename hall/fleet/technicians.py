"""Whose cards open maintenance mode. The list travels to the kiosks inside a signed release, so that they can judge a
card with no hall to ask; what is changed here counts there once a release with it is published.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import Any

import pysqlite3.dbapi2 as sqlite
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from hall.fleet import audit
from hall.store import statements_fleet as statements
from hall.store.writer import Work
from kiosk.domain.fleet import Technician, TechnicianRole

_ID = re.compile(r"[A-Za-z0-9-]{1,16}")


def fingerprint(file: bytes) -> str:
    """SHA-256 (hex) over the DER of a certificate in PEM or DER. Raises ValueError."""
    pem = file.lstrip().startswith(b"-----BEGIN")
    certificate = x509.load_pem_x509_certificate(file) if pem else x509.load_der_x509_certificate(file)
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def add(work: Work, technician: Technician, by: str) -> None:
    """Raises ValueError, whose text begins with the field: ``id: …``."""
    if not _ID.fullmatch(technician.id):
        raise ValueError("id: letters, digits and hyphens, at most 16")
    if not 0 < len(technician.name.strip()) <= 40:
        raise ValueError("name: missing, or longer than 40 signs")
    if technician.valid_to < technician.valid_from:
        raise ValueError("valid_to: before valid_from")
    values = {
        "id": technician.id,
        "name": technician.name.strip(),
        "role": technician.role.value,
        "certificate": technician.certificate,
        "valid_from": technician.valid_from.isoformat(),
        "valid_to": technician.valid_to.isoformat(),
    }
    try:
        work.connection.execute(statements.ADD_TECHNICIAN, values)
    except IntegrityError as error:
        taken = "id" if isinstance(error.orig, sqlite.IntegrityError) and ".id" in str(error.orig) else "certificate"
        raise ValueError(f"{taken}: another technician has it") from None
    audit.add(work, by, "technician_added", technician.id, technician.role.value)


def revoke(work: Work, technician: str, by: str) -> bool:
    """False when there is none of this id that could be."""
    if not work.connection.execute(statements.REVOKE_TECHNICIAN, {"id": technician, "now": work.now_ms}).rowcount:
        return False
    audit.add(work, by, "technician_revoked", technician)
    return True


def every(connection: Connection) -> list[Technician]:
    """Revoked ones too: kiosks tell a card that was taken back from one that they never knew."""
    return [_technician(row) for row in connection.execute(statements.TECHNICIANS)]


def _technician(row: Row[Any]) -> Technician:
    valid = date.fromisoformat(row.valid_from), date.fromisoformat(row.valid_to)
    role = TechnicianRole(row.role)
    return Technician(row.id, row.name, role, row.certificate, *valid, revoked=row.revoked_at is not None)
