"""A folder on a disk that loses power: what was not flushed is there, in part, or not; names apart from bytes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

from kiosk.configuration import durable, slots
from tests.simulation.clockwork import point
from tests.simulation.disk import Disk

_platters: dict[Path, Platter] = {}

Tree = dict[str, "bytes | Tree"]


class Platter:
    """Of one folder, which is there itself. A folder is flushed by itself; renaming in it is whole or has not been."""

    def __init__(self, folder: Path, disk: Disk, chance: Random) -> None:
        self.folder, self._disk, self._chance = folder, disk, chance
        self._flushed: dict[int, bytes] = {}
        """Bytes of files, by their inode: those of removed ones too, as their names may come back."""
        self._names: dict[int, list[dict[str, int]]] = {}
        """What a folder may hold after a cut, by its inode: as it was flushed last, and everything since."""
        folder.mkdir(parents=True, exist_ok=True)
        _platters[folder] = self

    def forget(self) -> None:
        del _platters[self.folder]

    def step(self) -> None:
        """Something has been done, or is about to be: a place where power may go."""
        self._look()
        point()

    def flush(self, descriptor: int) -> None:
        self.step()
        if self._disk.full:
            raise OSError(errno.ENOSPC, "no space left on the disk")
        found = os.fstat(descriptor)
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if path.is_dir():
            self._names[found.st_ino] = [_listing(path)]
        else:
            self._flushed[found.st_ino] = path.read_bytes()
        self.step()

    def power_cut(self) -> None:
        self._look()
        left = self._left(self.folder.stat().st_ino)
        for each in self.folder.iterdir():
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        _write(self.folder, left)
        # What came through is what there is.
        self._names.clear()
        self._flushed.clear()
        for folder in _folders(self.folder):
            self._names[folder.stat().st_ino] = [_listing(folder)]
            self._flushed |= {each.stat().st_ino: each.read_bytes() for each in folder.iterdir() if each.is_file()}

    def _look(self) -> None:
        for folder in _folders(self.folder):
            known = self._names.setdefault(folder.stat().st_ino, [{}])
            now = _listing(folder)
            if known[-1] != now:
                known.append(now)

    def _left(self, folder: int) -> Tree:
        left: Tree = {}
        whole = {each.stat().st_ino: each for each in self.folder.rglob("*") if each.is_file()}
        for name, inode in self._chance.choice(self._names[folder]).items():
            if inode in self._names:
                left[name] = self._left(inode)
            elif inode in self._flushed:
                left[name] = self._flushed[inode]
            else:
                data = whole[inode].read_bytes() if inode in whole else b""
                left[name] = data[: self._chance.choice((0, len(data) // 2, len(data)))]
        return left


def _listing(folder: Path) -> dict[str, int]:
    return {name: (folder / name).stat().st_ino for name in sorted(os.listdir(folder))}


def _folders(folder: Path) -> list[Path]:
    return [folder, *(each for each in sorted(folder.rglob("*")) if each.is_dir())]


def _write(folder: Path, tree: Tree) -> None:
    for name, held in tree.items():
        if isinstance(held, bytes):
            (folder / name).write_bytes(held)
        else:
            (folder / name).mkdir()
            _write(folder / name, held)


# ---- between the product and its disk ------------------------------------------------------------------------------


def _of(path: Path) -> Platter | None:
    return next((platter for folder, platter in _platters.items() if path.is_relative_to(folder)), None)


class _Os:
    """Stands where ``durable`` says ``os``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def fsync(descriptor: int) -> None:
        if (platter := _of(Path(os.readlink(f"/proc/self/fd/{descriptor}")))) is not None:
            platter.flush(descriptor)


class _Shutil:
    """Stands where ``slots`` says ``shutil``: file by file."""

    @staticmethod
    def rmtree(folder: Path, ignore_errors: bool = False) -> None:
        platter = _of(folder)
        if not folder.exists():
            return
        for each in sorted(folder.iterdir()):
            _Shutil.rmtree(each) if each.is_dir() else each.unlink()
            if platter is not None:
                platter.step()
        folder.rmdir()


def _renames(real: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
    def rename(self: Path, target: Path) -> Path:
        platter = _of(self)
        if platter is not None:
            platter.step()
        moved = real(self, target)
        if platter is not None:
            platter.step()
        return moved

    return rename


@contextmanager
def put_in_place() -> Iterator[None]:
    """From here on the configuration of simulated kiosks is on platters."""
    with ExitStack() as stack:
        for what, name, instead in (
            (durable, "os", _Os()),
            (slots, "shutil", _Shutil),
            (Path, "rename", _renames(Path.rename)),
            (Path, "replace", _renames(Path.replace)),
        ):
            stack.enter_context(mock.patch.object(what, name, instead))
        yield
