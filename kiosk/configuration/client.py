"""The kiosk's side of the signed repository: python-tuf's client workflow, with the holes closed that were measured.

- It does not flush. After power cuts its memory of what it had seen was gone, and older signed metadata was believed
  again. Here every file is flushed with its folder, and the versions of all four roles also stand in the store
  (``ReleaseFloor``): the files may go back, the floor does not.
- It goes by the wall clock. Set back 400 days it believed expired metadata; two days ahead it believed none. Here the
  time is handed in, and it is trusted time.

A mirror, the hall's web server and everybody on the way are believed nothing: not the number, not the length, not the
audience. Whom the root names is believed, and the root is the one that came with the enrolment.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from tuf.api import exceptions
from tuf.api.metadata import Role, Root, Snapshot, Targets, Timestamp
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from kiosk.configuration import durable
from kiosk.domain.release import LARGEST, Signed, target_name
from kiosk.store.release_floor import ReleaseFloor, RoleFloor
from kiosk.sync.hall_client import HallRefused, HallUnreachable

log = structlog.get_logger()

#: Bytes of one metadata file, and new roots in one go; more is not from a hall of ours.
_LIMITS = UpdaterConfig(
    max_root_rotations=64,
    root_max_length=64 * 1024,
    timestamp_max_length=16 * 1024,
    snapshot_max_length=64 * 1024,
    targets_max_length=1024 * 1024,
)

#: Seconds for one file. A mirror that trickles cannot hold the agent for longer.
FILE_S = 30.0

_METADATA, _TARGETS = "metadata/", "targets/"
_ROLES = (Root.type, Timestamp.type, Snapshot.type, Targets.type)


class NotTaken(Exception):
    """What was offered cannot be believed or is not for this kiosk. ``word``: for the report to the hall."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(f"{word}: {detail}" if detail else word)
        self.word = word


class Unreachable(Exception):
    """The repository does not answer, or not in time. Nothing is wrong with the release."""


class Mirror(Protocol):
    """Where the signed files come from. Raises HallUnreachable, HallRefused (with the status)."""

    def release_file(self, path: str, seconds: float) -> Iterator[bytes]:
        """``metadata/3.root.json``, ``targets/<hash>.release-000012.json``, piece by piece."""


class _Fetcher(FetcherInterface):
    def __init__(self, mirror: Mirror, file_s: float) -> None:
        self._mirror = mirror
        self._file_s = file_s

    def _fetch(self, url: str) -> Iterator[bytes]:
        due = time.monotonic() + self._file_s
        try:
            for piece in self._mirror.release_file(url, self._file_s):
                if time.monotonic() > due:
                    raise exceptions.SlowRetrievalError
                yield piece
        except HallRefused as refused:
            raise exceptions.DownloadHTTPError(refused.problem, refused.status) from None
        except HallUnreachable as silent:
            raise exceptions.DownloadError(str(silent)) from None


class _Client(Updater):
    """python-tuf's client, told the time and made durable. Both are its private parts: its version is pinned, and
    tests/configuration fails where they no longer do what they are overridden for."""

    def __init__(self, folder: Path, root: bytes, mirror: Mirror, now: datetime, file_s: float) -> None:
        super().__init__(str(folder), _METADATA, None, _TARGETS, _Fetcher(mirror, file_s), _LIMITS, bootstrap=root)
        self._trusted_set.reference_time = now.astimezone(UTC)

    def _persist_file(self, filename: str, data: bytes) -> None:
        file = Path(filename)
        if not (file.exists() and file.read_bytes() == data):
            durable.replace(file, data)

    def _update_root_symlink(self) -> None:
        """A root.json to begin with is not needed: this client always begins with the pinned one."""

    def seen(self) -> dict[str, RoleFloor]:
        """The trusted versions, each with the keys that the root wants for it."""
        trusted = self._trusted_set
        return {
            role: RoleFloor(trusted[role].version, _keys_of(trusted.root.roles[role]))
            for role in _ROLES
            if role in trusted
        }


def _keys_of(role: Role) -> str:
    return hashlib.sha256(repr((sorted(role.keyids), role.threshold)).encode()).hexdigest()


class ReleaseClient:
    """One per agent: the repository's files lie in one folder, and only one may work in it."""

    def __init__(
        self,
        folder: Path,
        root: bytes,
        floor: ReleaseFloor,
        mirror: Mirror,
        now: Callable[[], datetime],
        file_s: float = FILE_S,
    ) -> None:
        """``root``: pinned at the enrolment. ``now``: trusted time."""
        self._folder = folder
        self._root = root
        self._floor = floor
        self._mirror = mirror
        self._now = now
        self._file_s = file_s

    def fetch(self, number: int, hall: str, kiosk: str) -> bytes:
        """The bundle of a release that is signed, current and for this kiosk. Raises NotTaken, Unreachable, OSError,
        StoreFailed."""
        try:
            client = self._refreshed()
            target = client.get_targetinfo(target_name(number))
            if target is None:
                raise NotTaken("unknown", "not among the signed releases")
            try:
                signed = msgspec.convert(target.custom, Signed)
            except msgspec.ValidationError as problem:
                raise NotTaken("unsigned", str(problem)) from None
            if signed.number != number:
                raise NotTaken("unsigned", "its number is another")
            if not signed.is_for(hall, kiosk):
                raise NotTaken("audience")
            if target.length > LARGEST:
                raise NotTaken("too_large")
            bundle = Path(client.download_target(target, str(self._folder / "bundle")))
            try:
                return bundle.read_bytes()
            finally:
                bundle.unlink()
        except exceptions.LengthOrHashMismatchError as problem:
            raise NotTaken("tampered", str(problem)) from None
        except exceptions.DownloadLengthMismatchError as problem:
            raise NotTaken("tampered", str(problem)) from None
        except exceptions.DownloadError as problem:
            raise Unreachable(str(problem)) from None

    def _refreshed(self) -> _Client:
        self._folder.mkdir(parents=True, exist_ok=True)
        floors = self._floor.metadata()
        self._forget_if_gone_back(floors)
        try:
            client = _Client(self._folder, self._root, self._mirror, self._now(), self._file_s)
            try:
                client.refresh()
            finally:
                # Also of a refresh that broke off: what was verified by then counts.
                seen = client.seen()
                older = [role for role, floor in floors.items() if role in seen and _below(role, seen[role], floor)]
                if not older and (raised := floors | seen) != floors:
                    self._floor.keep_metadata(raised)
        except exceptions.ExpiredMetadataError as problem:
            raise NotTaken("expired", str(problem)) from None
        except exceptions.BadVersionNumberError as problem:
            raise NotTaken("older", str(problem)) from None
        except exceptions.UnsignedMetadataError as problem:
            raise NotTaken("unsigned", str(problem)) from None
        except exceptions.LengthOrHashMismatchError as problem:
            raise NotTaken("tampered", str(problem)) from None
        except exceptions.RepositoryError as problem:
            raise NotTaken("unsigned", str(problem)) from None
        if older:
            raise NotTaken("older", ", ".join(f"{role} {seen[role].version}" for role in older))
        return client

    def _forget_if_gone_back(self, floors: dict[str, RoleFloor]) -> None:
        """Files older than the floor were put back by somebody or something: they are no help, and are said once."""
        for role in _ROLES[1:]:
            file = self._folder / f"{role}.json"
            floor = floors.get(role)
            if floor is None or not file.exists():
                continue
            try:
                version = msgspec.json.decode(file.read_bytes(), type=_Unverified).signed.version
            except (msgspec.MsgspecError, UnicodeDecodeError):
                version = 0
            if version < floor.version:
                log.warning("release-metadata-gone-back", device=role, seq=version)
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder.mkdir(parents=True)
                return


def _below(role: str, seen: RoleFloor, floor: RoleFloor) -> bool:
    return seen.version < floor.version and (role == Root.type or seen.keys == floor.keys)


class _Version(msgspec.Struct):
    version: int


class _Unverified(msgspec.Struct):
    signed: _Version
