"""The hall's signed repository of releases (TUF), in ``data/releases``: who may say what, and the files that say it.

- *root*: two of three persons, with keys that never lie at the hall. Says who the others are.
- *targets*: two of three release officers, likewise. Says which releases there are, and for whom.
- *snapshot*, *timestamp*: one key at the hall. Says that this is the newest state, every few hours anew, so that nobody
  in between can keep a kiosk on an old one unseen. Whoever takes this key over can hold releases up; he can make none.

What is to be signed travels as one draft file from key to key and back; ``publish`` takes it only when enough signed.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key, SSlibKey
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from hall.settings import Releases as Lengths
from kiosk.domain.fleet import Audience
from kiosk.domain.release import Signed as SignedRelease
from kiosk.domain.release import pack, target_name, unpack

T = TypeVar("T", Root, Timestamp, Snapshot, Targets)

_ONLINE = ("snapshot", "timestamp")
_METADATA_NAME = re.compile(r"[1-9][0-9]{0,8}\.(root|targets|snapshot)\.json|timestamp\.json")
_TARGET_NAME = re.compile(r"[0-9a-f]{64}\.release-[0-9]{6,12}\.json")
_serializer = JSONSerializer(compact=True)

#: Files held in memory: what a thousand kiosks ask for within seconds.
_KEPT = 32


class BadDraft(ValueError):
    """It cannot be signed or published. The message says why."""


# ---- keys ------------------------------------------------------------------------------------------------------------


def make_key(private: Path, password: str) -> str:
    """A new key pair: ``private`` under a password, and beside it ``.pub`` for whoever makes the root. The key's id.

    Raises FileExistsError, OSError, ValueError (a password under twelve signs).
    """
    if len(password) < 12:
        raise ValueError("a password of at least 12 characters is needed")
    key = Ed25519PrivateKey.generate()
    _write_key(private, key, BestAvailableEncryption(password.encode()))
    public = SSlibKey.from_crypto(key.public_key())
    private.with_suffix(".pub").write_bytes(msgspec.json.encode({"keyid": public.keyid, **public.to_dict()}))
    return str(public.keyid)


def _write_key(file: Path, key: Ed25519PrivateKey, protection: KeySerializationEncryption) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
        stream.flush()
        os.fsync(stream.fileno())


def read_public(file: Path) -> Key:
    """Raises OSError, ValueError."""
    try:
        told = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        return Key.from_dict(told.pop("keyid"), told)
    except (msgspec.MsgspecError, KeyError, ValueError) as problem:
        raise ValueError(f"{file}: not a public key: {problem}") from None


def _signer(file: Path, password: str | None) -> CryptoSigner:
    """Raises OSError, ValueError (also for a wrong password)."""
    try:
        key = load_pem_private_key(file.read_bytes(), password.encode() if password is not None else None)
    except (TypeError, ValueError):
        raise ValueError(f"{file}: not a key, or not its password") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"{file}: not an Ed25519 key")
    return CryptoSigner(key)


# ---- drafts ----------------------------------------------------------------------------------------------------------


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    """What travels to be signed. Each part is metadata as JSON; ``bundle``: the release itself, for ``number``."""

    made_by: str
    root: str = ""
    root_before: str = ""
    """The root in force: its keys sign a new one too."""
    targets: str = ""
    bundle: str = ""
    number: int = 0


@dataclass(frozen=True)
class Wanted:
    """One part of a draft, and how many signatures it has and still lacks."""

    part: str
    signed: int
    missing: int


def read_draft(file: Path) -> Draft:
    """Raises OSError, BadDraft."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Draft)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise BadDraft(f"{file}: not a draft: {problem}") from None


def write_draft(file: Path, draft: Draft) -> None:
    file.write_bytes(msgspec.json.encode(draft))


def sign(draft: Draft, key: Path, password: str) -> list[str]:
    """Sign with this key whatever it may sign; the parts it signed. Raises OSError, ValueError."""
    signer = _signer(key, password)
    done = []
    root = _metadata(draft.root, Root) if draft.root else None
    if root is not None:
        before = _metadata(draft.root_before, Root).signed if draft.root_before else None
        holders = {*root.signed.roles["root"].keyids, *(before.roles["root"].keyids if before else ())}
        if signer.public_key.keyid in holders:
            root.sign(signer, append=True)
            draft.root = _text(root)
            done.append("root")
    if draft.targets:
        targets = _metadata(draft.targets, Targets)
        if draft.bundle:
            # What is signed is what is seen: the release in this file, not one that somebody else describes.
            _check_bundle(draft, targets.signed)
        if signer.public_key.keyid in _root_of(draft).roles["targets"].keyids:
            targets.sign(signer, append=True)
            draft.targets = _text(targets)
            done.append("targets")
    if not done:
        raise BadDraft("this key signs nothing of this draft")
    return done


def wanted(draft: Draft) -> list[Wanted]:
    """What each part has and lacks. Raises BadDraft."""
    found = []
    root = _root_of(draft)
    if draft.root:
        made = _metadata(draft.root, Root)
        before = _metadata(draft.root_before, Root).signed if draft.root_before else None
        result = root.get_root_verification_result(before, made.signed_bytes, made.signatures)
        missing = max(result.first.missing, result.second.missing)
        found.append(Wanted("root", len(result.signed), missing))
    if draft.targets:
        targets = _metadata(draft.targets, Targets)
        verified = root.get_verification_result("targets", targets.signed_bytes, targets.signatures)
        found.append(Wanted("targets", len(verified.signed), verified.missing))
    return found


def audience_of(draft: Draft) -> Audience | None:
    """Of the release in this draft, as it will be signed."""
    if not draft.bundle:
        return None
    return _signed_release(_metadata(draft.targets, Targets).signed, draft.number).audience


def _root_of(draft: Draft) -> Root:
    text = draft.root or draft.root_before
    if not text:
        raise BadDraft("a draft without a root")
    return _metadata(text, Root).signed


def _check_bundle(draft: Draft, targets: Targets) -> None:
    data = draft.bundle.encode()
    target = targets.targets.get(target_name(draft.number))
    if target is None:
        raise BadDraft(f"release {draft.number} is not among what is to be signed")
    try:
        target.verify_length_and_hashes(data)
    except RepositoryError as problem:
        raise BadDraft(f"the release is not the one that is to be signed: {problem}") from None
    unpack(data, draft.number)
    _signed_release(targets, draft.number)


def _signed_release(targets: Targets, number: int) -> SignedRelease:
    try:
        return msgspec.convert(targets.targets[target_name(number)].custom, SignedRelease)
    except (msgspec.ValidationError, KeyError) as problem:
        raise BadDraft(f"release {number} is not described: {problem}") from None


def _metadata(text: str | bytes, kind: type[T]) -> Metadata[T]:
    try:
        made: Metadata[T] = Metadata.from_bytes(text.encode() if isinstance(text, str) else text)
    except (DeserializationError, UnicodeError) as problem:
        raise BadDraft(f"not {kind.type} metadata: {problem}") from None
    if made.signed.type != kind.type:
        raise BadDraft(f"{made.signed.type} metadata, where {kind.type} was awaited")
    return made


def _text(metadata: Metadata[Any]) -> str:
    return metadata.to_bytes(_serializer).decode()


# ---- the repository --------------------------------------------------------------------------------------------------


class Repository:
    """Beside a running server another process may publish: each change is made under a lock, and kiosks find the new
    state only when its timestamp stands."""

    def __init__(self, folder: Path, lengths: Lengths) -> None:
        """``folder``: ``data/releases``, made by ``begin``. ``lengths``: how long each role's word counts."""
        self._folder = folder
        self._lengths = lengths
        self._read: dict[Path, tuple[int, bytes]] = {}

    @property
    def exists(self) -> bool:
        return (self._folder / "metadata" / "1.root.json").exists()

    # ---- serving ---------------------------------------------------------------------------------------------------

    def metadata_file(self, name: str) -> bytes | None:
        """The bytes of a public file; None: there is none of this name."""
        return self._file("metadata", name) if _METADATA_NAME.fullmatch(name) else None

    def target_file(self, name: str) -> bytes | None:
        return self._file("targets", name) if _TARGET_NAME.fullmatch(name) else None

    def _file(self, folder: str, name: str) -> bytes | None:
        file = self._folder / folder / name
        try:
            there = file.stat()
            written, data = self._read.get(file, (0, b""))
            if written != there.st_mtime_ns:
                data = file.read_bytes()
                if len(self._read) >= _KEPT:
                    self._read.clear()
                self._read[file] = (there.st_mtime_ns, data)
        except FileNotFoundError:
            return None
        return data

    def root_text(self) -> str:
        """The root in force, for kiosks that enrol; "" before there is one."""
        return (self._folder / "metadata" / self._newest_root()).read_text(encoding="utf-8") if self.exists else ""

    # ---- drafting --------------------------------------------------------------------------------------------------

    def draft_beginning(
        self, roots: Sequence[Key], officers: Sequence[Key], threshold: int, made_by: str, now: datetime
    ) -> Draft:
        """The first root and an empty list of releases; makes the online key. Raises BadDraft, OSError."""
        if self.exists:
            raise BadDraft("there is a repository already")
        root = Root(version=1, expires=_after(now, days=self._lengths.root_days), consistent_snapshot=True)
        self._name(root, roots, officers, threshold, self._make_online_key())
        targets = Targets(version=1, expires=_after(now, days=self._lengths.targets_days))
        return Draft(made_by, root=_text(Metadata(root)), targets=_text(Metadata(targets)))

    def draft_root(
        self,
        made_by: str,
        now: datetime,
        roots: Sequence[Key] = (),
        officers: Sequence[Key] = (),
        threshold: int = 0,
        new_online_key: bool = False,
    ) -> Draft:
        """The next root: lasts anew, and names others where others are given. Empty and 0: as before. Raises BadDraft,
        OSError."""
        before = self._root()
        root = Root(
            version=before.version + 1,
            expires=_after(now, days=self._lengths.root_days),
            consistent_snapshot=True,
        )
        online = self._make_online_key() if new_online_key else before.get_key(before.roles["timestamp"].keyids[0])
        self._name(
            root,
            roots or [before.get_key(keyid) for keyid in before.roles["root"].keyids],
            officers or [before.get_key(keyid) for keyid in before.roles["targets"].keyids],
            threshold or before.roles["targets"].threshold,
            online,
        )
        draft = Draft(made_by, root=_text(Metadata(root)), root_before=self.root_text())
        if officers or threshold:
            # What other officers had signed counts no more under this root.
            targets = self._state().targets
            targets.version += 1
            targets.expires = _after(now, days=self._lengths.targets_days)
            draft.targets = _text(Metadata(targets))
        return draft

    def draft_release(
        self, files: Mapping[str, str], audience: Audience, note: str, made_by: str, now: datetime, above: int = 0
    ) -> Draft:
        """The next release of these files. ``above``: numbers that are used up. Raises BadDraft, BadBundle, OSError."""
        targets = self._state().targets
        number = max(above, *(each.number for each in self.releases()), 0) + 1
        bundle = pack(number, now, note, files)
        target = TargetFile.from_data(target_name(number), bundle, ["sha256"])
        target.unrecognized_fields["custom"] = msgspec.to_builtins(SignedRelease(number, audience))
        targets.targets[target_name(number)] = target
        targets.version += 1
        targets.expires = _after(now, days=self._lengths.targets_days)
        return Draft(
            made_by,
            root_before=self.root_text(),
            targets=_text(Metadata(targets)),
            bundle=bundle.decode(),
            number=number,
        )

    def _name(self, root: Root, roots: Sequence[Key], officers: Sequence[Key], threshold: int, online: Key) -> None:
        for role, keys in (("root", roots), ("targets", officers)):
            if len({key.keyid for key in keys}) < threshold or threshold < 1:
                raise BadDraft(f"{role}: {threshold} of {len(keys)} keys cannot be")
            for key in keys:
                root.add_key(key, role)
            root.roles[role].threshold = threshold
        for role in _ONLINE:
            root.add_key(online, role)

    def releases(self) -> list[SignedRelease]:
        """Everything that is signed, oldest first. Raises BadDraft where there is no repository."""
        made = self._state().targets.targets.values()
        return sorted((msgspec.convert(each.custom, SignedRelease) for each in made), key=lambda each: each.number)

    def release_file(self, number: int) -> bytes | None:
        """The bundle of a release."""
        target = self._state().targets.targets.get(target_name(number))
        return self.target_file(f"{target.hashes['sha256']}.{target_name(number)}") if target is not None else None

    # ---- publishing ------------------------------------------------------------------------------------------------

    def publish(self, draft: Draft, now: datetime) -> None:
        """Raises BadDraft (too few signatures, overtaken by another), OSError."""
        for each in wanted(draft):
            if each.missing:
                raise BadDraft(f"{each.part}: {each.missing} more must sign")
        with self._locked():
            root = _metadata(draft.root, Root) if draft.root else None
            targets = _metadata(draft.targets, Targets) if draft.targets else None
            if root is not None:
                self._check_root(root.signed, draft)
            elif draft.root_before != self.root_text():
                raise BadDraft("the root has changed since: draft it anew")
            if targets is not None:
                due = self._state().targets.version + 1 if self.exists else 1
                if targets.signed.version != due:
                    raise BadDraft("another release was published since: draft it anew")
                if draft.bundle:
                    _check_bundle(draft, targets.signed)
                    hashed = targets.signed.targets[target_name(draft.number)].hashes["sha256"]
                    self._write("targets", f"{hashed}.{target_name(draft.number)}", draft.bundle.encode())
                # Exactly as it was signed; kiosks ask for it by the number in the snapshot only.
                self._write("metadata", f"{due}.targets.json", draft.targets.encode())
            if root is not None:
                self._write("metadata", f"{root.signed.version}.root.json", draft.root.encode())
            self._sign_online(now, targets.signed if targets is not None else self._state().targets)

    def _check_root(self, root: Root, draft: Draft) -> None:
        if self.exists and (draft.root_before != self.root_text() or root.version != self._root().version + 1):
            raise BadDraft("the root has changed since: draft it anew")
        if not self.exists and root.version != 1:
            raise BadDraft("there is no root before this one")
        if not self._online_file(root).exists():
            raise BadDraft("this root names an online key that is not at this hall")

    def keep_fresh(self, now: datetime) -> bool:
        """Sign timestamp and snapshot anew when half of their time is over, or when the root names another key by now.
        True: it was done. Raises OSError, BadDraft."""
        if not self.exists:
            return False
        with self._locked():
            state = self._state()
            half = timedelta(hours=self._lengths.timestamp_hours) / 2, timedelta(days=self._lengths.snapshot_days) / 2
            current = state.signed_by == self._root().roles["timestamp"].keyids
            snapshot_young = current and state.snapshot.expires - now > half[1]
            if snapshot_young and state.timestamp.expires - now > half[0]:
                return False
            self._sign_online(now, state.targets, state.snapshot if snapshot_young else None)
            return True

    def expires(self) -> dict[str, datetime]:
        """Until when each role's word counts. Raises BadDraft where there is no repository."""
        state = self._state()
        return {
            "root": self._root().expires,
            "targets": state.targets.expires,
            "snapshot": state.snapshot.expires,
            "timestamp": state.timestamp.expires,
        }

    def _sign_online(self, now: datetime, targets: Targets, snapshot: Snapshot | None = None) -> None:
        """``snapshot``: the one that stands, where only the timestamp is due."""
        signer = _signer(self._online_file(self._root()), None)
        before = self._state() if (self._folder / "metadata" / "timestamp.json").exists() else None
        if snapshot is None:
            snapshot = Snapshot(
                version=before.snapshot.version + 1 if before else 1,
                expires=_after(now, days=self._lengths.snapshot_days),
                meta={"targets.json": MetaFile(version=targets.version)},
            )
            signed: Metadata[Snapshot] = Metadata(snapshot)
            signed.sign(signer)
            self._write("metadata", f"{snapshot.version}.snapshot.json", signed.to_bytes(_serializer))
        timestamp = Timestamp(
            version=before.timestamp.version + 1 if before else 1,
            expires=_after(now, hours=self._lengths.timestamp_hours),
            snapshot_meta=MetaFile(version=snapshot.version),
        )
        stamped: Metadata[Timestamp] = Metadata(timestamp)
        stamped.sign(signer)
        # Last: from here on it is the state that kiosks see.
        self._write("metadata", "timestamp.json", stamped.to_bytes(_serializer))

    # ---- the files -------------------------------------------------------------------------------------------------

    def _state(self) -> _State:
        """What kiosks see now: timestamp → snapshot → targets."""
        metadata = self._folder / "metadata"
        try:
            stamped = _metadata((metadata / "timestamp.json").read_bytes(), Timestamp)
            timestamp = stamped.signed
            snapshot = _metadata(
                (metadata / f"{timestamp.snapshot_meta.version}.snapshot.json").read_bytes(), Snapshot
            ).signed
            version = snapshot.meta["targets.json"].version
            targets = _metadata((metadata / f"{version}.targets.json").read_bytes(), Targets).signed
        except FileNotFoundError:
            raise BadDraft("there is no repository yet: taxhall release init") from None
        return _State(timestamp, snapshot, targets, list(stamped.signatures))

    def _newest_root(self) -> str:
        versions = [int(file.name.split(".")[0]) for file in (self._folder / "metadata").glob("*.root.json")]
        return f"{max(versions)}.root.json"

    def _root(self) -> Root:
        if not self.exists:
            raise BadDraft("there is no repository yet: taxhall release init")
        return _metadata(self.root_text(), Root).signed

    def _online_file(self, root: Root) -> Path:
        return self._folder / "keys" / f"{root.roles['timestamp'].keyids[0]}.pem"

    def _make_online_key(self) -> Key:
        key = Ed25519PrivateKey.generate()
        public = SSlibKey.from_crypto(key.public_key())
        _write_key(self._folder / "keys" / f"{public.keyid}.pem", key, NoEncryption())
        return public

    def _write(self, folder: str, name: str, data: bytes) -> None:
        place = self._folder / folder
        place.mkdir(parents=True, exist_ok=True)
        new = place / f".{name}.new"
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(place / name)
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


@dataclass(frozen=True)
class _State:
    timestamp: Timestamp
    snapshot: Snapshot
    targets: Targets
    signed_by: list[str]


def root_for_enrolment(data: Path) -> str:
    """What a kiosk that enrols is given as its root of trust; "" where this hall publishes no releases yet."""
    return Repository(data / "releases", Lengths()).root_text()


def _after(now: datetime, **span: float) -> datetime:
    return (now + timedelta(**span)).astimezone(UTC).replace(microsecond=0)
