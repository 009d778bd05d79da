"""The power is cut at every write, flush and rename of a release being taken, begun with, confirmed, given up: what is
on the disk then is the old one or the new one, whole, and the kiosk goes on from there."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kiosk.configuration import durable
from kiosk.configuration.slots import Slots
from kiosk.domain.fleet import Slot
from kiosk.domain.release import Bundle, pack, unpack
from tests.configuration.office import BEGAN

FULL = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"

#: Disks that a cut at one point may leave: how many are tried.
EACH = 40 if FULL else 4


def bundle(number: int) -> Bundle:
    # A text longer than a sector, so that it can be torn.
    files = {"settings.toml": f"[limits]\nidle_s = {60 + number}.0\n", "texts/tax.zh.toml": f"# {number}\n" * 400}
    return unpack(pack(number, BEGAN, "", files), number)


def life(folder: Path) -> None:
    """Everything that is ever written here, once: releases 2 to 5 after 1, which is healthy."""
    slots = Slots(folder)
    for number in (2, 3):
        slots.put_in(bundle(number))
        slots.take(number)
        slots.begin()
        slots.confirm(number)
    slots.put_in(bundle(4))
    slots.take(4)
    slots.begin()
    slots.roll_back("step-failed", number=4)
    slots.begin()
    slots.refuse(5, "invalid: settings.toml")
    slots.put_in(bundle(6))
    slots.take(6)
    for _ in range(4):
        slots.begin()
    slots.told(slots.read().news)


def founded(folder: Path) -> None:
    slots = Slots(folder)
    slots.put_in(bundle(1))
    slots.take(1)
    slots.begin()
    slots.confirm(1)


# ---- the record, by strace -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Did:
    """One call that changed the disk. ``target``: of a rename."""

    call: str
    path: str
    target: str = ""
    data: bytes = b""


_CALLS = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,close"


def recorded(folder: Path, log: Path) -> list[Did]:
    """What the life did to ``folder``, in order."""
    program = (
        f"from tests.configuration.test_power_cuts import life; from pathlib import Path; life(Path({str(folder)!r}))"
    )
    subprocess.run(
        ["strace", "-f", "-qq", "-xx", "-y", "-s", "100000", "-o", str(log), "-e", f"trace={_CALLS}",
         "-e", "signal=none", "--", sys.executable, "-c", program],
        check=True, timeout=100,
    )  # fmt: skip
    found = []
    for line in log.read_text().splitlines():
        call = re.match(r"^\d+ +(\w+)\((.*)\) += (\S+)", line)
        if call is None or call[3].startswith("-1") or call[3] == "?":
            continue
        did = _read(call[1], call[2], call[3])
        if did is not None and did.path.startswith(str(folder)):
            found.append(did)
    return found


def _read(call: str, words: str, result: str) -> Did | None:
    texts = [bytes.fromhex(each.replace("\\x", "")) for each in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', words)]
    fds = [_name(each) for each in re.findall(r"(?:^|[ ,(])(?:\d+|AT_FDCWD)<([^>]*)>", words)]
    match call:
        case "write" | "pwrite64":
            return Did("write", fds[0], data=texts[0] if texts else b"") if fds else None
        case "fsync" | "fdatasync":
            return Did("fsync", fds[0]) if fds else None
        case "openat" if "O_CREAT" in words or "O_TRUNC" in words:
            return Did("create", _name(result.partition("<")[2].rstrip(">")))
        case "mkdir" | "rmdir" | "unlink":
            return Did(call, texts[0].decode())
        case "mkdirat" | "unlinkat":
            kind = "mkdir" if call == "mkdirat" else "rmdir" if "AT_REMOVEDIR" in words else "unlink"
            return Did(kind, str(Path(fds[0]) / texts[0].decode()))
        case "rename" | "renameat" | "renameat2":
            return Did("rename", texts[0].decode(), texts[1].decode())
    return None


def _name(name: str) -> str:
    return bytes.fromhex(name.replace("\\x", "")).decode() if name.startswith("\\x") else name


# ---- the disk ------------------------------------------------------------------------------------------------------


@dataclass
class Node:
    """A file or a folder: what a reader sees, and what is on the platter. Folders map names to nodes."""

    is_folder: bool
    data: bytes = b""
    flushed: bytes = b""
    names: dict[str, Node] = field(default_factory=dict)
    names_flushed: dict[str, Node] = field(default_factory=dict)
    """Of changes to names that are not flushed any may have got there, in order; see ``Disk.cut``."""
    history: list[dict[str, Node]] = field(default_factory=list)


class Disk:
    """A file system as POSIX promises it and no better: a name is on the disk when its folder was flushed, bytes when
    their file was; of everything else any part may be."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = self._load(root)

    def _load(self, place: Path) -> Node:
        if place.is_dir():
            names = {each.name: self._load(each) for each in place.iterdir()}
            return Node(True, names=dict(names), names_flushed=dict(names))
        data = place.read_bytes()
        return Node(False, data, data)

    def _find(self, path: str) -> tuple[Node, str]:
        parts = Path(path).relative_to(self._root).parts
        node = self._top
        for part in parts[:-1]:
            node = node.names[part]
        return node, parts[-1] if parts else ""

    def _rename(self, folder: Node, change: Callable[[dict[str, Node]], None]) -> None:
        changed = dict(folder.names)
        change(changed)
        folder.names = changed
        folder.history.append(changed)

    def takes(self, did: Did) -> None:
        folder, name = self._find(did.path)
        node = folder.names.get(name) if name else self._top
        match did.call:
            case "create" if node is None:
                self._rename(folder, lambda names: names.update({name: Node(False)}))
            case "create" if node is not None and not node.is_folder:
                node.data = b""
            case "write" if node is not None:
                node.data += did.data
            case "mkdir":
                self._rename(folder, lambda names: names.update({name: Node(True)}))
            case "unlink" | "rmdir":
                self._rename(folder, lambda names: names.pop(name))
            case "rename" if node is not None:
                other, to = self._find(did.target)
                assert other is folder, "a rename within one folder is one change"
                moved = node

                def move(names: dict[str, Node]) -> None:
                    del names[name]
                    names[to] = moved

                self._rename(folder, move)
            case "fsync" if node is not None and node.is_folder:
                node.names_flushed, node.history = node.names, []
            case "fsync" if node is not None:
                node.flushed = node.data

    def cut(self, chance: random.Random, folder: Path) -> None:
        """Write what the platter has into ``folder``."""
        share = chance.choice((0.0, 0.5, 1.0))
        self._write(self._top, folder, chance, share)

    def _write(self, node: Node, place: Path, chance: random.Random, share: float) -> None:
        if node.is_folder:
            place.mkdir()
            states = [node.names_flushed, *node.history]
            names = states[-1] if share == 1.0 else states[0] if share == 0.0 else chance.choice(states)
            for name, each in names.items():
                self._write(each, place / name, chance, share)
            return
        data = node.data if share == 1.0 else node.flushed
        if share == 0.5 and node.data != node.flushed:
            # Torn: some sectors of the new bytes, zeros where others should be, or the old ones.
            torn = bytearray(node.data)
            for begin in range(0, len(torn), 512):
                if chance.random() < 0.5:
                    torn[begin : begin + 512] = bytes(len(torn[begin : begin + 512]))
            data = chance.choice((node.flushed, node.data, bytes(torn), node.data[: len(node.data) // 2]))
        place.write_bytes(data)


# ---- what must be true of each -------------------------------------------------------------------------------------


def wrong_with(folder: Path) -> list[str]:
    """Start the kiosk from this disk."""
    before = Slots(folder).read()
    begun = Slots(folder).begin()
    state = Slots(folder).read()
    problems = []
    if begun is None:
        return ["no release is in service, though one was healthy all the time"]
    number = state.in_service
    if not 1 <= number <= 6 or number == 5:
        problems.append(f"release {number} is in service")
    if (begun / "settings.toml").read_text() != bundle(number).files["settings.toml"]:
        problems.append(f"what is read is not release {number}")
    if (begun / "texts/tax.zh.toml").read_text() != bundle(number).files["texts/tax.zh.toml"]:
        problems.append(f"a part of release {number} is another's")
    if before.confirmed and number < before.confirmed and state.state is not Slot.ROLLED_BACK:
        problems.append(f"release {number} is in service after {before.confirmed} was healthy")
    if state.problem == "damaged":
        problems.append("what was named had not been flushed")
    # And it goes on from there.
    slots = Slots(folder)
    if state.state is Slot.TRYING:
        slots.confirm(number)
    slots.put_in(bundle(7))
    slots.take(7)
    if slots.begin() is None or slots.read().in_service != 7:
        problems.append("the next release cannot be taken from here")
    return problems


def cut_everywhere(tmp_path: Path, seed: int = 1) -> tuple[int, list[str]]:
    """How many disks were tried, and what was wrong."""
    folder = tmp_path / "configuration"
    founded(folder)
    disk = Disk(folder)
    record = recorded(folder, tmp_path / "trace")
    chance = random.Random(seed)
    place = Path("/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path) / f"cut-{os.getpid()}"
    tried, wrong = 0, []
    for index, did in enumerate([None, *record]):
        if did is not None:
            disk.takes(did)
        for _ in range(EACH):
            shutil.rmtree(place, ignore_errors=True)
            disk.cut(chance, place)
            tried += 1
            wrong += [f"after {index} ({did}): {problem}" for problem in wrong_with(place)]
    shutil.rmtree(place, ignore_errors=True)
    return tried, wrong


pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there")


def test_a_power_cut_at_any_point_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    tried, wrong = cut_everywhere(tmp_path)
    assert not wrong, wrong[:5]
    assert tried > 500


@pytest.mark.parametrize("missing", ["flush of a file", "flush of a folder"])
def test_without_its_flushes_the_cuts_are_not_survived(missing: str, tmp_path: Path) -> None:
    """The trial must be able to fail: with one kind of flush left out of the record, it does."""
    folder = tmp_path / "configuration"
    founded(folder)
    disk = Disk(folder)
    record = recorded(folder, tmp_path / "trace")
    folders = {did.path for did in record if did.call == "mkdir"} | {str(folder)}
    kept = [did for did in record if did.call != "fsync" or (did.path in folders) == (missing == "flush of a file")]
    chance = random.Random(1)
    wrong: list[str] = []
    for did in kept:
        disk.takes(did)
        for _ in range(6):
            place = tmp_path / "cut"
            shutil.rmtree(place, ignore_errors=True)
            disk.cut(chance, place)
            wrong += wrong_with(place)
        if wrong:
            break
    assert wrong


def test_a_release_costs_no_more_flushes_than_it_has_files_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded(tmp_path / "configuration")
    flushed: list[int] = []
    real = os.fsync
    monkeypatch.setattr(durable.os, "fsync", lambda descriptor: flushed.append(descriptor) or real(descriptor))
    slots = Slots(tmp_path / "configuration")
    slots.put_in(bundle(2))
    slots.take(2)
    # Two files and a manifest, two folders, the move, the state and its folder.
    assert len(flushed) == 8
