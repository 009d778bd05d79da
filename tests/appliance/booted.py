"""A machine of its own within this one: the packages installed by dpkg into a copy of this system, systemd as PID 1.

The copy is an overlay (what is changed goes to memory), the machine a set of namespaces: own processes, own network,
own /dev with a handful of nodes. Needs root; where the kernel does not allow it, NotHere says what is missing.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

#: Nodes of /dev that a container has, and the text console that the kiosk's screen server takes.
NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0),
         "tty0": (4, 0), "tty7": (4, 7)}  # fmt: skip

_BOOT = """
set -e
mount -t tmpfs -o mode=755 tmpfs {root}/dev
{nodes}
mkdir {root}/dev/pts {root}/dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts {root}/dev/pts
ln -s pts/ptmx {root}/dev/ptmx; ln -s /proc/self/fd {root}/dev/fd
mount -t tmpfs -o mode=1777 tmpfs {root}/dev/shm
mount -t tmpfs -o mode=755 tmpfs {root}/run
mount -t tmpfs -o mode=1777 tmpfs {root}/tmp
mount -t proc proc {root}/proc
mount -t sysfs -o ro sysfs {root}/sys
mount -t tmpfs -o mode=755 tmpfs {root}/sys/fs/cgroup
mount -t cgroup2 cgroup2 {root}/sys/fs/cgroup
# Not chroot: in one the kernel lets nobody have users of his own (PrivateUsers).
cd {root}; mkdir -p run/before; pivot_root . run/before; umount -l run/before
# As PID 1 finds it on a machine: keys are mounted by a helper of its, and have to be seen by all.
mount --make-rshared /
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \\
    /lib/systemd/systemd --unit=basic.target --show-status=no
"""


class NotHere(Exception):
    """This kernel, or this user, cannot have such a machine."""


@dataclass
class Machine:
    """Use it in a ``with`` statement. ``folder``: empty."""

    folder: Path
    _undo: list[Callable[[], object]] = field(default_factory=list)
    _pid: int = 0

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def changed(self) -> Path:
        """What differs from this system."""
        return self.folder / "memory/changed"

    def __enter__(self) -> Self:
        memory = self.folder / "memory"
        for place in (memory, self.root):
            place.mkdir(parents=True)
        try:
            self._mount("-t", "tmpfs", "-o", "size=2g", "tmpfs", str(memory))
            for name in ("changed", "work"):
                (memory / name).mkdir()
            where = f"lowerdir=/,upperdir={self.changed},workdir={memory / 'work'}"
            self._mount("-t", "overlay", "-o", where, "overlay", str(self.root))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        while self._undo:
            self._undo.pop()()

    def _mount(self, *words: str) -> None:
        done = subprocess.run(["mount", *words], check=False, capture_output=True, text=True)
        if done.returncode:
            raise NotHere(done.stderr.strip())
        self._undo.append(lambda: subprocess.run(["umount", "-l", words[-1]], check=False, capture_output=True))

    # ---- before it is booted, and after ----------------------------------------------------------------------------

    def chroot(self, *words: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """A command in the copy, with no systemd about: as in an image builder."""
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LANG": "C.UTF-8"}
        return subprocess.run(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c",
             'root=$1; shift; cd "$root"; mount -t tmpfs tmpfs run; mount -t proc proc proc; mount --bind /dev dev;'
             ' exec chroot . "$@"', "sh", str(self.root), *words],
            check=False, capture_output=True, text=True, env=path, timeout=seconds, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    # ---- as a machine ----------------------------------------------------------------------------------------------

    def boot(self) -> None:
        """Raises NotHere when systemd does not come up."""
        nodes = "\n".join(
            f"mknod -m 666 {self.root}/dev/{name} c {major} {minor}" for name, (major, minor) in NODES.items()
        )
        script = _BOOT.format(root=self.root, nodes=nodes)
        with (self.folder / "boot.log").open("wb") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", "unshare", "--mount", "--pid", "--net", "--ipc", "--uts",
                 "--cgroup", "--fork", "--kill-child", "--propagation", "private", "sh", "-c", script],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

        def end() -> None:
            process.kill()
            process.wait(20)

        self._undo.append(end)
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            if children:
                self._pid = int(children[0])
                if self.run("systemctl", "is-system-running", "--wait", seconds=20).stdout.strip() in (
                    "running",
                    "degraded",
                ):
                    return
            time.sleep(0.1)
        raise NotHere(f"systemd did not come up: {(self.folder / 'boot.log').read_text(errors='replace')[-400:]}")

    def run(
        self, *words: str, seconds: float = 60, stdin: str = "", environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command on the booted machine, as root."""
        path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", **(environment or {})}
        spaces = [
            "--mount",
            "--pid",
            "--net",
            "--ipc",
            "--uts",
            "--cgroup",
            f"--root=/proc/{self._pid}/root",
            "--wdns=/",
        ]
        return subprocess.run(
            ["nsenter", "--target", str(self._pid), *spaces, *words],
            check=False, capture_output=True, text=True, env=path, timeout=seconds, input=stdin,
        )  # fmt: skip

    def property(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--value", f"--property={name}", unit).stdout.strip()

    def state(self, unit: str) -> str:
        """active, inactive, activating, failed …"""
        return self.property(unit, "ActiveState")

    def journal(self, unit: str) -> str:
        return self.run("journalctl", "--no-pager", "--output=cat", f"--unit={unit}").stdout

    def until(self, condition: Callable[[], bool], seconds: float, what: str, *units: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                said = "".join(f"\n--- {unit}: {self.state(unit)} ---\n{self.journal(unit)[-3000:]}" for unit in units)
                raise AssertionError(f"waited {seconds:g} s in vain until {what}{said}")
            time.sleep(0.2)

    def main_pid(self, unit: str) -> int:
        """As this system counts."""
        inner = self.property(unit, "MainPID")
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                found = re.search(r"^NSpid:\t(.*)$", status.read_text(), re.M)
                if found and found[1].split()[1:] == [inner] and self._is_ours(int(status.parent.name)):
                    return int(status.parent.name)
        raise AssertionError(f"{unit} has no process {inner}")

    def _is_ours(self, pid: int) -> bool:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{self._pid}/ns/pid")

    def send(self, unit: str, number: signal.Signals) -> None:
        os.kill(self.main_pid(unit), number)
