"""A release: one bundle of configuration, made at the hall, whole or nothing at a kiosk. Both read it by this file.

The bundle is one JSON document and one target of the signed repository; what its signature also covers (``Signed``)
says for whom it is. Its bytes are trusted only by that signature; the hashes in its manifest later find a file that a
disk has damaged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from kiosk.domain.fleet import Audience, Manifest
from kiosk.domain.wire import acquaint

MANIFEST = "manifest.json"

#: Bytes of a bundle. The shipped configuration is a twentieth of it.
LARGEST = 4 * 1024 * 1024

#: What a release may hold, named relative to config/.
_NAMES = re.compile(
    r"services\.yaml|repair\.yaml|theme\.toml|settings\.toml|technicians\.json"
    r"|tax/(rules|options|bureaus|calendar)\.yaml|texts/[a-z_]{1,32}\.(zh|en)\.toml"
)


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    manifest: Manifest
    files: dict[str, str]


class Signed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``custom`` of the target: signed by the release officers together with length and hash of the bundle."""

    number: int
    audience: Audience

    def is_for(self, hall: str, kiosk: str) -> bool:
        return self.audience.hall == hall and (not self.audience.kiosks or kiosk in self.audience.kiosks)


class BadBundle(ValueError):
    """Not a release. The message begins with the file that is wrong, where one is."""


def target_name(number: int) -> str:
    return f"release-{number:06d}.json"


def is_name(name: str) -> bool:
    """Whether a release may hold a file of this name: nothing outside, nothing the software does not read."""
    return _NAMES.fullmatch(name) is not None


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def pack(number: int, made_at: datetime, note: str, files: Mapping[str, str]) -> bytes:
    """The bundle of these files, name → text. Raises BadBundle."""
    hashes = {name: digest(text) for name, text in sorted(files.items())}
    data = msgspec.json.encode(Bundle(Manifest(number, made_at, note, hashes), dict(sorted(files.items()))))
    unpack(data, number)
    return data


def unpack(data: bytes, number: int) -> Bundle:
    """Raises BadBundle: not a bundle, of another number, with a file too many, too few or another than it says."""
    try:
        bundle = msgspec.json.decode(data, type=Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as problem:
        raise BadBundle(f"not a release: {problem}") from None
    manifest, files = bundle.manifest, bundle.files
    if len(data) > LARGEST:
        raise BadBundle(f"{len(data)} bytes: too large")
    if manifest.number != number:
        raise BadBundle(f"{MANIFEST}: says {manifest.number}, was offered as {number}")
    for name in sorted(manifest.files.keys() | files.keys()):
        if not is_name(name):
            raise BadBundle(f"{name}: no release may hold this")
        if manifest.files.get(name) != (digest(files[name]) if name in files else None):
            raise BadBundle(f"{name}: is not what {MANIFEST} says")
    return bundle


acquaint(globals())
