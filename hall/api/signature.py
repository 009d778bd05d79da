"""Signed requests (RFC 9421, Ed25519): which kiosk speaks, that nobody changed it, and that it is not said twice.

The profile is narrow on purpose: one signature over exactly ``messages.SIGNED_COMPONENTS`` (in any order), parameters
``created``, ``keyid`` (the kiosk's id) and ``nonce``, values in their canonical form, the body through its SHA-256
Content-Digest (RFC 9530). A reader for this profile alone is a tenth of the work of a general one, which took longer
than the transaction it stood before; kiosks sign with a general library, so that each side is held to the RFC by the
other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidSignature
from starlette.requests import Request

from hall.api.nonces import Nonces
from hall.fleet.enrolment import KnownKiosk
from hall.queue.refusal import Refused
from kiosk.domain.messages import SIGNED_COMPONENTS

#: Seconds that ``created`` may lie behind the hall's clock, and ahead of it. Ahead is less than a machine takes to
#: start again after a power cut: what was signed for a time after the start was not used before it.
WINDOW_SECONDS, AHEAD_SECONDS = 300, 15

#: Nonces longer than this only cost memory.
_NONCE_LENGTH = 64

#: label=(components);parameters, each parameter an integer or a string without escapes.
_INPUT = re.compile(r'([a-z*][a-z0-9_.*-]*)=(\(([a-z"@ -]*)\)((?:;[a-z]+=(?:[0-9]{1,15}|"[ -!#-\[\]-~]*"))*))')
_PARAMETER = re.compile(r';([a-z]+)=(?:([0-9]+)|"([^"]*)")')
_BYTES = re.compile(r"([a-z0-9_.*-]+)=:([A-Za-z0-9+/=]*):")

_COVERED = frozenset(f'"{name}"' for name in SIGNED_COMPONENTS)
_PARAMETERS = frozenset({"created", "keyid", "nonce", "alg", "expires", "tag"})


class KioskKeys:
    """The keys of the enrolled kiosks, in memory: a revoked or unknown id has none."""

    def __init__(self) -> None:
        self._kiosks: dict[str, KnownKiosk] = {}

    def replace(self, kiosks: list[KnownKiosk]) -> None:
        self._kiosks = {kiosk.id: kiosk for kiosk in kiosks}

    def get(self, kiosk: str) -> KnownKiosk | None:
        return self._kiosks.get(kiosk)


@dataclass(frozen=True)
class _Signed:
    """What the headers say: the signature, and what it is over."""

    signature: bytes
    components: list[str]
    signature_params: str
    """As sent: it is itself the last line of what is signed."""
    parameters: dict[str, str]


def _one(request: Request, name: str) -> str:
    values = request.headers.getlist(name)
    if len(values) != 1:
        raise Refused("signature", 401)
    return values[0].strip()


def signed_as(request: Request) -> str:
    """Whose the signature says it is, true or not; "" where it says nothing that can be read."""
    found = _INPUT.fullmatch(request.headers.get("signature-input", "").strip())
    if found is None:
        return ""
    return next((string for name, _, string in _PARAMETER.findall(found[4]) if name == "keyid"), "")


def _bytes(value: str) -> tuple[str, bytes]:
    """``name=:base64:``"""
    found = _BYTES.fullmatch(value)
    if found is None:
        raise Refused("signature", 401)
    try:
        return found[1], base64.b64decode(found[2], validate=True)
    except (binascii.Error, ValueError):
        raise Refused("signature", 401) from None


def _read(request: Request) -> _Signed:
    found = _INPUT.fullmatch(_one(request, "signature-input"))
    label, signature = _bytes(_one(request, "signature"))
    if found is None or found[1] != label:
        raise Refused("signature", 401)
    components = found[3].split(" ")
    pairs = [(name, number or string) for name, number, string in _PARAMETER.findall(found[4])]
    parameters = dict(pairs)
    whole = (
        len(components) == len(_COVERED)
        and frozenset(components) == _COVERED
        and len(parameters) == len(pairs)
        and parameters.keys() <= _PARAMETERS
        and parameters.get("alg", "ed25519") == "ed25519"
        and parameters.get("created", "").isdigit()
        and 0 < len(parameters.get("nonce", "")) <= _NONCE_LENGTH
    )
    if not whole:
        raise Refused("signature", 401)
    return _Signed(signature, components, found[2], parameters)


def _base(request: Request, signed: _Signed, digest: str) -> bytes:
    """The signature base (RFC 9421, section 2.5)."""
    scope = request.scope
    values = {
        '"@method"': request.method,
        '"@path"': scope["raw_path"].decode("latin-1"),
        '"@query"': "?" + scope["query_string"].decode("latin-1"),
        '"content-digest"': digest,
    }
    lines = [f"{name}: {values[name]}" for name in signed.components]
    return "\n".join([*lines, f'"@signature-params": {signed.signature_params}']).encode("latin-1")


def _check_digest(digest: str, body: bytes) -> None:
    algorithm, told = _bytes(digest)
    if algorithm != "sha-256" or not hmac.compare_digest(told, hashlib.sha256(body).digest()):
        raise Refused("signature", 401)


class Signatures:
    def __init__(self, keys: KioskKeys, file: Path | None = None) -> None:
        """``file``: where the used ones are kept."""
        self._keys = keys
        self._nonces = Nonces(WINDOW_SECONDS + AHEAD_SECONDS, file)

    def close(self) -> None:
        self._nonces.close()

    def kiosk(self, request: Request, body: bytes) -> KnownKiosk:
        """Who signed. Raises Refused (401): signature; clock (genuine, but out of the window); replay.

        Time is judged after the signature is known to be genuine: a kiosk whose clock is wrong is told the hall's time
        and signs anew, and nobody else learns anything. Asked twice of one request it answers twice.
        """
        if (known := request.scope.get("hall.signed_by")) is not None:
            return cast(KnownKiosk, known)
        signed = _read(request)
        kiosk = self._keys.get(signed.parameters.get("keyid", ""))
        digest = _one(request, "content-digest")
        if kiosk is None:
            raise Refused("signature", 401)
        try:
            kiosk.key.verify(signed.signature, _base(request, signed, digest))
        except InvalidSignature:
            raise Refused("signature", 401) from None
        _check_digest(digest, body)
        created, now = int(signed.parameters["created"]), time.time()
        if not max(now - WINDOW_SECONDS, self._nonces.not_before) <= created <= now + AHEAD_SECONDS:
            raise Refused("clock", 401)
        if not self._nonces.add(kiosk.id, signed.parameters["nonce"]):
            raise Refused("replay", 401)
        request.scope["hall.signed_by"] = kiosk
        return kiosk
