"""Which file of this room goes where on a machine, how it gets there, and how it goes away again.

The package (systemd.debian) is made by the same code that installs beside a virtual environment: one list of files.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

#: Where a package puts its files; an installation without one keeps out of its way.
PACKAGED, LOCAL = "/usr", "/usr/local"
KEY_BYTES = 32

#: ProtectHome and PrivateTmp of the units.
HIDDEN = ("/home/", "/root/", "/run/user/", "/tmp/")  # noqa: S108


class NotInstalled(Exception):
    """The message says what is in the way."""


@dataclass(frozen=True)
class Piece:
    """``source`` in this room → ``target`` on the machine, ``{lib}`` being the prefix's lib. ``own``: the machine's own
    settings; once there they are never overwritten, and left behind by an uninstall."""

    source: str
    target: str
    own: bool = False

    @property
    def executable(self) -> bool:
        return os.access(HERE / self.source, os.X_OK)


@dataclass(frozen=True)
class Role:
    """What a machine can be."""

    name: str
    command: str
    """The program of this role, as its units call it."""
    pieces: tuple[Piece, ...]
    key: str
    """The credential that this machine makes for itself: its name, and the file of that name in /etc."""
    users: tuple[str, ...]
    folders: tuple[str, ...]
    """Data, settings and state: gone after a purge."""
    masked: tuple[str, ...] = ()
    """Units that must not run here."""
    hint: str = ""
    instead: tuple[tuple[str, str], ...] = ()
    """Words in the files that are right beside the source, and others on a machine."""

    @property
    def settings(self) -> str:
        return f"/etc/{self.name}"

    @property
    def key_file(self) -> str:
        return f"{self.settings}/{self.key}.cred"


def _units(pattern: str, *extra: Piece) -> tuple[Piece, ...]:
    found = sorted((HERE / "units").glob(pattern))
    return (*(Piece(f"units/{unit.name}", f"{{lib}}/systemd/system/{unit.name}") for unit in found), *extra)


KIOSK = Role(
    name="taxkiosk",
    command="/opt/taxkiosk/bin/taxkiosk",
    pieces=(
        *_units("taxkiosk*"),
        *_units("run-taxkiosk*"),
        Piece("units/pcscd.service.d.conf", "{lib}/systemd/system/pcscd.service.d/taxkiosk.conf"),
        Piece("units/pcscd.socket.d.conf", "{lib}/systemd/system/pcscd.socket.d/taxkiosk.conf"),
        Piece("udev/70-taxkiosk.rules", "{lib}/udev/rules.d/70-taxkiosk.rules"),
        Piece("lib/device-name", "{lib}/taxkiosk/device-name"),
        Piece("lib/taxkiosk-as-kiosk", "{prefix}/sbin/taxkiosk-as-kiosk"),
        Piece("sysusers/taxkiosk.conf", "{lib}/sysusers.d/taxkiosk.conf"),
        Piece("tmpfiles/taxkiosk.conf", "{lib}/tmpfiles.d/taxkiosk.conf"),
        Piece("journald/10-taxkiosk.conf", "{lib}/systemd/journald.conf.d/10-taxkiosk.conf"),
        Piece("logind/10-taxkiosk.conf", "{lib}/systemd/logind.conf.d/10-taxkiosk.conf"),
        Piece("sysctl/70-taxkiosk.conf", "{lib}/sysctl.d/70-taxkiosk.conf"),
        Piece("xorg/10-taxkiosk.conf", "/etc/taxkiosk/xorg.conf.d/10-taxkiosk.conf", own=True),
        Piece("etc/kiosk.toml", "/etc/taxkiosk/kiosk.toml", own=True),
        Piece("etc/devices.table", "/etc/taxkiosk/devices.table", own=True),
    ),
    key="store.key",
    users=("taxkiosk", "taxkiosk-x", "taxkiosk-pcscd"),
    folders=("/etc/taxkiosk", "/var/lib/taxkiosk", "/run/taxkiosk", "/run/taxkiosk-usb"),
    # No console asks for a login, and no three fingers restart the machine.
    masked=("ctrl-alt-del.target", "getty@.service", "autovt@.service"),
    hint="""\
/etc/taxkiosk/kiosk.toml       the hall's address
/etc/taxkiosk/devices.table    which device is plugged in where
taxhall enrol K3               at the hall: prints a code
taxkiosk-as-kiosk enrol CODE --settings /etc/taxkiosk/kiosk.toml
systemctl enable --now taxkiosk.target""",
)

HALL = Role(
    name="taxhall",
    command="/opt/taxhall/bin/taxhall",
    pieces=(
        *_units("taxhall*"),
        Piece("lib/taxhall-as-hall", "{prefix}/sbin/taxhall-as-hall"),
        Piece("sysusers/taxhall.conf", "{lib}/sysusers.d/taxhall.conf"),
        Piece("tmpfiles/taxhall.conf", "{lib}/tmpfiles.d/taxhall.conf"),
        Piece("../config/hall.toml", "/etc/taxhall/hall.toml", own=True),
    ),
    key="hall.key",
    users=("taxhall",),
    folders=("/etc/taxhall", "/var/lib/taxhall"),
    instead=(('"var/bureaus/token"', '"/var/lib/taxhall/bureaus/token"'),),
    hint="""\
/etc/taxhall/hall.toml         the hall's name, windows, bureaus, TLS
taxhall-as-hall staff add NAME --data /var/lib/taxhall
systemctl enable --now taxhall.service""",
)


@dataclass
class Machine:
    """The machine, or a folder that will be one. ``say`` hears of every change; with ``dry`` there is none."""

    root: Path = Path("/")
    prefix: str = LOCAL
    dry: bool = False
    say: Callable[[str], None] = field(default=lambda words: None)

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    @property
    def lives(self) -> bool:
        """Whether systemd runs here, and hears what has changed."""
        return self.root == Path("/") and Path("/run/systemd/system").is_dir()

    def run(self, *words: str) -> None:
        """A tool of the system; where it is missing or fails that is said, and the rest goes on."""
        if self.dry:
            self.say(f"would run: {' '.join(words)}")
            return
        try:
            ended = subprocess.run(words, check=False, capture_output=True, text=True)
        except OSError as problem:
            self.say(f"{words[0]}: {problem.strerror}")
            return
        if ended.returncode:
            self.say(f"{words[0]} failed: {ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else ''}")

    # ---- files -----------------------------------------------------------------------------------------------------

    def place(self, role: Role, program: str) -> None:
        """Put every file of ``role`` where it belongs; ``program``: where its command lies on that machine.

        What is there already and the same is left alone. Raises OSError, NotInstalled."""
        for folder in HIDDEN:
            if program.startswith(folder):
                raise NotInstalled(f"{program}: the services see nothing of {folder}; install it elsewhere, /opt say")
        for piece, target in self._targets(role):
            content = self._content(role, piece, program)
            if target.exists() and (piece.own or target.read_bytes() == content):
                continue
            self.say(f"{'would write' if self.dry else 'write'} {target}")
            if not self.dry:
                target.parent.mkdir(parents=True, exist_ok=True)
                new = target.with_name(f"{target.name}.new")
                new.write_bytes(content)
                new.chmod(0o755 if piece.executable else 0o644)
                new.replace(target)
        for unit in role.masked:
            link = self.path(f"/etc/systemd/system/{unit}")
            if not link.is_symlink():
                self.say(f"{'would mask' if self.dry else 'mask'} {unit}")
                if not self.dry:
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to("/dev/null")

    def displace(self, role: Role) -> None:
        """Take away what ``place`` has put; the machine's own settings and data stay."""
        if self.lives:
            ours = [target.name for piece, target in self._targets(role) if piece.source.startswith("units/tax")]
            self.run("systemctl", "disable", "--now", *(unit for unit in ours if "@." not in unit))
        for piece, target in self._targets(role):
            if not piece.own:
                self._remove(target)
        for unit in role.masked:
            link = self.path(f"/etc/systemd/system/{unit}")
            if link.is_symlink() and os.readlink(link) == "/dev/null":
                self._remove(link)

    def purge(self, role: Role) -> None:
        """Settings, key, data, users: afterwards nothing says that this was here. Nobody reads the store again."""
        for folder in role.folders:
            path = self.path(folder)
            if path.exists():
                self.say(f"{'would remove' if self.dry else 'remove'} {path}")
                if not self.dry:
                    shutil.rmtree(path)
        if self.root == Path("/"):
            for user in role.users:
                self.run("userdel", user)

    def _targets(self, role: Role) -> Iterator[tuple[Piece, Path]]:
        for piece in role.pieces:
            yield piece, self.path(piece.target.format(prefix=self.prefix, lib=f"{self.prefix}/lib"))

    def _content(self, role: Role, piece: Piece, program: str) -> bytes:
        content = (HERE / piece.source).read_bytes()
        for here, there in role.instead:
            content = content.replace(here.encode(), there.encode())
        content = content.replace(role.command.encode(), program.encode())
        return content.replace(b"/usr/lib/taxkiosk/", f"{self.prefix}/lib/taxkiosk/".encode())

    def _remove(self, path: Path) -> None:
        if not (path.exists() or path.is_symlink()):
            return
        self.say(f"{'would remove' if self.dry else 'remove'} {path}")
        if self.dry:
            return
        path.unlink()
        for folder in path.parents:
            # Only what nobody else uses: pcscd.service.d, say.
            if folder == self.root or folder.name in ("system", "rules.d", "sbin", "lib") or any(folder.iterdir()):
                break
            folder.rmdir()

    # ---- what is no file -------------------------------------------------------------------------------------------

    def settle(self, role: Role) -> None:
        """Users, folders, key, and the system's word that something has changed. Safe to repeat."""
        # By name: these tools look through their folders inside the root by themselves.
        root = () if self.root == Path("/") else (f"--root={self.root}",)
        self.run("systemd-sysusers", *root, f"{role.name}.conf")
        self.run("systemd-tmpfiles", *root, "--create", f"{role.name}.conf")
        if self.root == Path("/"):
            self.make_key(role)
        if self.lives:
            self.run("systemctl", "daemon-reload")
            self.run("udevadm", "control", "--reload")
            self.run("udevadm", "trigger", "--subsystem-match=tty", "--subsystem-match=usbmisc")

    def make_key(self, role: Role) -> None:
        """The key that the services are given, sealed by systemd to this machine: to its TPM where it has one, else to
        a secret of the system disk. It lies nowhere in clear. One that is there is kept: all data hangs on it."""
        file = self.path(role.key_file)
        if file.exists():
            return
        if self.dry:
            self.say(f"would make {file}")
            return
        words = ["systemd-creds", "encrypt", f"--name={role.key}", "-", "-"]
        try:
            sealed = subprocess.run(words, input=secrets.token_bytes(KEY_BYTES), check=False, capture_output=True)
        except OSError as problem:
            self.say(f"{file} was not made: systemd-creds: {problem.strerror}")
            return
        if sealed.returncode:
            self.say(f"{file} was not made: {sealed.stderr.decode(errors='replace').strip()}")
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(sealed.stdout)
            opened.flush()
            os.fsync(opened.fileno())
        self.say(f"write {file}")
