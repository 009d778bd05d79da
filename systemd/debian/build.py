"""Builds ``taxkiosk_…_amd64.deb`` and ``taxhall_…_amd64.deb``: ``python -m systemd.debian.build FOLDER [ROLE …]``.

Everything of a role lies in one tree below /opt, with the libraries that it imports and no others: they are taken out
of this virtual environment, whose every file came with a checked hash, so that what is shipped is what was tested. A
kiosk has no web server in it, a hall no window. Bytecode is compiled here, because the disk of a kiosk is not written
to; and it is trusted unchecked, so that a start does not look at the dates of five hundred files.
"""

from __future__ import annotations

import ast
import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from systemd.placing import HALL, KIOSK, PACKAGED, Machine, Role

SOURCE = Path(__file__).parents[2]
PYTHON = f"python{sys.version_info[0]}.{sys.version_info[1]}"
SCRIPTS = Path(__file__).parent


@dataclass(frozen=True)
class Package:
    """``rooms``: what of ours is in it. ``beside``: what is imported by name only, so that no reader of our files sees
    it. ``without``: imported by what is never called on such a machine."""

    role: Role
    main: str
    rooms: tuple[str, ...]
    depends: str
    summary: str
    recommends: str = ""
    beside: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


KIOSK_PACKAGE = Package(
    role=KIOSK,
    main="kiosk.cli.main",
    rooms=("kiosk", "drivers", "screens", "config", "systemd"),
    depends="systemd (>= 252), udev, passwd, libgl1, libegl1, libgl1-mesa-dri, libmtdev1, libxi6, libxcursor1,"
    " libxrandr2, libxss1, libpcsclite1, pcscd, libccid, xserver-xorg-core, xserver-xorg-input-libinput, tzdata",
    summary="kiosk of a 24-hour tax hall",
    # Maintenance mode: touch calibration, volume.
    recommends="xinput, alsa-utils",
    # Loaded by name, because of what it does when it is imported.
    beside=("python-escpos",),
    # The fonts have been taken out of the collection; packages are not built on a kiosk.
    without=("fonttools", "packaging"),
)
HALL_PACKAGE = Package(
    role=HALL,
    main="hall.cli",
    rooms=("hall", "kiosk/__init__.py", "kiosk/domain", "config", "systemd"),
    depends="systemd (>= 252), passwd, tzdata",
    summary="hall server of a 24-hour tax hall",
    # uvicorn looks for these by itself.
    beside=("uvloop", "httptools"),
    without=("packaging",),
)


def build(package: Package, folder: Path, compression: tuple[str, ...] = ("-Zzstd", "-z9")) -> Path:
    """The file that was built. Raises CalledProcessError, OSError."""
    role = package.role
    version = metadata.version("taxkiosk")
    home = Path(role.command).parents[1]
    with tempfile.TemporaryDirectory(prefix=role.name) as temporary:
        stage = Path(temporary)
        # It becomes the root of whoever unpacks it.
        stage.chmod(0o755)
        library = stage / home.relative_to("/") / "lib"
        for name in package.rooms:
            copy_room(name, library)
        for name in libraries(package):
            copy_library(name, library)
        copy_version(library)
        compileall.compile_dir(
            library, quiet=1, workers=0, stripdir=str(stage), prependdir="/",
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )  # fmt: skip
        write_command(stage, package)
        Machine(stage, PACKAGED).place(role, role.command)
        write_control(stage, package, version)
        folder.mkdir(parents=True, exist_ok=True)
        architecture = _said("dpkg", "--print-architecture")
        file = folder / f"{role.name}_{version}_{architecture}.deb"
        moment = os.environ.get("SOURCE_DATE_EPOCH") or _said("git", "-C", str(SOURCE), "log", "-1", "--format=%ct")
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", *compression, "--build", str(stage), str(file)],
            check=True, stdout=subprocess.DEVNULL, env={**os.environ, "SOURCE_DATE_EPOCH": moment},
        )  # fmt: skip
    return file


# ---- what goes in ----------------------------------------------------------------------------------------------------


def copy_room(name: str, library: Path) -> None:
    """Our own files, data and fonts among them, as they lie here."""
    source = SOURCE / name
    if source.is_file():
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, library / name)
        return
    shutil.copytree(source, library / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


@cache
def libraries(package: Package) -> tuple[str, ...]:
    """The distributions that the rooms import, and what those require in turn."""
    provided = metadata.packages_distributions()
    found: dict[str, None] = {}

    def need(name: str, extras: frozenset[str] = frozenset()) -> None:
        name = canonicalize_name(name)
        if name in found or name in package.without:
            return
        found[name] = None
        for line in metadata.distribution(name).requires or []:
            wanted = Requirement(line)
            environments = [{"extra": extra} for extra in extras or {""}]
            if wanted.marker is None or any(wanted.marker.evaluate(each) for each in environments):
                need(wanted.name, frozenset(wanted.extras))

    for module in sorted(imported(package)):
        for name in provided.get(module, []):
            if name != "taxkiosk":
                need(name)
    for name in package.beside:
        need(name)
    return tuple(sorted(found))


def imported(package: Package) -> set[str]:
    """Top-level names of every import in the rooms, those within functions as well."""
    names: set[str] = set()
    for room in package.rooms:
        place = SOURCE / room
        for file in [place] if place.is_file() else place.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names


def copy_library(name: str, library: Path) -> None:
    """What the distribution's own record says belongs to it; not its commands, its bytecode and its tests."""
    distribution = metadata.distribution(name)
    for file in distribution.files or []:
        parts = file.parts
        if ".." in parts or "__pycache__" in parts or {"tests", "test"} & set(parts[:-1]):
            continue
        target = library / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(distribution.locate_file(file)), target)


def copy_version(library: Path) -> None:
    """What ``importlib.metadata`` tells our own programs of themselves."""
    distribution = metadata.distribution("taxkiosk")
    folder = library / f"taxkiosk-{distribution.version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: taxkiosk\nVersion: {distribution.version}\n")


def write_command(stage: Path, package: Package) -> None:
    """The program: Debian's Python, this tree before all others, and no site of anybody's."""
    command = stage / package.role.command.lstrip("/")
    command.parent.mkdir(parents=True)
    home = Path(package.role.command).parents[1]
    command.write_text(
        f"#!/usr/bin/{PYTHON} -sSP\n"
        f"import sys\n\nsys.path.insert(0, {str(home / 'lib')!r})\n"
        f"from {package.main} import main\n\nmain()\n",
        encoding="utf-8",
    )
    command.chmod(0o755)
    called = stage / "usr/bin" / package.role.name
    called.parent.mkdir(parents=True, exist_ok=True)
    called.symlink_to(package.role.command)


# ---- what Debian wants to know ---------------------------------------------------------------------------------------


def write_control(stage: Path, package: Package, version: str) -> None:
    role = package.role
    size = sum(path.stat().st_size for path in stage.rglob("*") if path.is_file()) >> 10
    control = stage / "DEBIAN"
    control.mkdir()
    recommends = f"Recommends: {package.recommends}\n" if package.recommends else ""
    (control / "control").write_text(
        f"Package: {role.name}\nVersion: {version}\nArchitecture: {_said('dpkg', '--print-architecture')}\n"
        f"Maintainer: {role.name} <root@localhost>\nInstalled-Size: {size}\nSection: misc\nPriority: optional\n"
        f"Depends: {PYTHON}, {package.depends}\n{recommends}Description: {package.summary}\n"
        f" Inert until it is switched on; what to do first is said by {role.name} install --placed.\n",
        encoding="utf-8",
    )
    own = [path for path in sorted((stage / "etc").rglob("*")) if path.is_file() and not path.is_symlink()]
    (control / "conffiles").write_text("".join(f"/{path.relative_to(stage)}\n" for path in own), encoding="utf-8")
    document = stage / "usr/share/doc" / role.name / "copyright"
    document.parent.mkdir(parents=True)
    document.write_text((SCRIPTS / "copyright").read_text(encoding="utf-8"), encoding="utf-8")
    folders = " ".join(f"{folder}" for folder in role.folders)
    units = " ".join(sorted(unit for unit in _to_stop(role)))
    for name in ("postinst", "prerm", "postrm"):
        words = (SCRIPTS / name).read_text(encoding="utf-8")
        for key, value in (
            ("@NAME@", role.name), ("@COMMAND@", role.command), ("@USERS@", " ".join(role.users)),
            ("@FOLDERS@", folders), ("@UNITS@", units),
        ):  # fmt: skip
            words = words.replace(key, value)
        if left := re.findall(r"@[A-Z]+@", words):
            raise ValueError(f"{name}: {left[0]} is not known")
        (control / name).write_text(words, encoding="utf-8")
        (control / name).chmod(0o755)


def _to_stop(role: Role) -> Iterator[str]:
    for piece in role.pieces:
        name = Path(piece.source).name
        if piece.source.startswith("units/tax") and "@" not in name:
            yield name


def _said(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    folder, *names = sys.argv[1:] or [str(SOURCE / "build/deb")]
    for package in (KIOSK_PACKAGE, HALL_PACKAGE):
        if not names or package.role.name in names:
            file = build(package, Path(folder))
            sys.stdout.write(f"{file} {file.stat().st_size >> 20} MiB\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
