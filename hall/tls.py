"""The hall's certificate: what it serves with, and one of its own for a hall that has no authority to ask."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from hall.settings import Tls

if TYPE_CHECKING:
    from cryptography import x509

#: For TLS 1.2; those of 1.3 are all good. Forward secrecy and authenticated encryption, nothing else.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class BadCertificate(ValueError):
    """The certificate or its key cannot be used; says why."""


def server_context(tls: Tls) -> ssl.SSLContext | None:
    """TLS 1.3, and 1.2 for old browsers on phones. None: served in the clear. Raises BadCertificate."""
    if not tls.certificate and not tls.key:
        return None
    if not tls.certificate or not tls.key:
        raise BadCertificate("a certificate needs its key, and a key its certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    try:
        context.load_cert_chain(tls.certificate, tls.key)
    except (OSError, ssl.SSLError) as error:
        raise BadCertificate(f"{tls.certificate}, {tls.key}: {error}") from None
    return context


class Made(msgspec.Struct, frozen=True):
    certificate: str
    key: str
    fingerprint: str
    """SHA-256 of the certificate, as browsers and ``openssl x509 -fingerprint -sha256`` show it."""


def self_signed(folder: Path, names: Sequence[str], days: int, now: datetime) -> Made:
    """A new key and a certificate that vouches for itself: kiosks pin it. Overwrites nothing.

    Raises OSError, ValueError.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    certificate_file, key_file = folder / "hall.crt", folder / "hall.key"
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A kiosk whose clock is a day behind must not be locked out by its hall's new certificate.
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(key_file, secret, 0o600)
    _write(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return Made(str(certificate_file), str(key_file), certificate.fingerprint(hashes.SHA256()).hex(":").upper())


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(file: Path, content: bytes, mode: int) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
