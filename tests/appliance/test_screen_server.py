"""The kiosk's X server begins without a right of its own, keeps its door shut, and leaves no key a way out."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from screens import notice
from systemd.placing import KIOSK
from tests.appliance.machine import LIB, Unit, install, run

TERMINAL = Path("/dev/tty7")
#: One that nobody here uses.
DISPLAY = next(number for number in range(700 + os.getpid() % 200, 999) if not Path(f"/tmp/.X{number}-lock").exists())
NOBODY = 65534

#: In the place of a graphics card.
NO_CARD = """\
Section "Device"
    Identifier "no card"
    Driver "dummy"
EndSection
Section "Screen"
    Identifier "no screen"
    Device "no card"
    DefaultDepth 24
EndSection
"""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not TERMINAL.exists() or os.geteuid() != 0, reason="no text console, or not root"),
]


@dataclass(frozen=True)
class XServer:
    pid: int
    authority: Path
    log: Path

    @property
    def display(self) -> str:
        return f":{DISPLAY}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    """The unit's own commands as its own kind of user: no capability, the terminal, the groups."""
    root = tmp_path_factory.mktemp("screen")
    for folder in root.parents:
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    root.chmod(0o755)
    install(KIOSK, root)
    (root / "etc/taxkiosk/xorg.conf.d/90-no-card.conf").write_text(NO_CARD)
    state = root / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    unit = Unit(root / LIB / "taxkiosk-x.service")
    here = {
        "/run/taxkiosk-x": str(state),
        "/etc/taxkiosk": str(root / "etc/taxkiosk"),
        "/tmp/.X11-unix/X0": f"/tmp/.X11-unix/X{DISPLAY}",
        "/tmp/.X0-lock": f"/tmp/.X{DISPLAY}-lock",
    }

    def words(key: str) -> list[str]:
        (command,) = unit.commands(key)
        for there, place in here.items():
            command = [word.replace(there, place) for word in command]
        return [f":{DISPLAY}" if word == ":0" else word for word in command]

    terminal_before = TERMINAL.stat()
    os.chown(TERMINAL, NOBODY, terminal_before.st_gid)
    as_it = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    ]
    subprocess.run([*as_it, *words("ExecStartPre")], check=True)
    with TERMINAL.open("rb") as terminal, (state / "said").open("wb") as said:
        process = subprocess.Popen(
            ["setsid", "--ctty", *as_it, *words("ExecStart")], stdin=terminal, stdout=said, stderr=said
        )
    try:
        subprocess.run(
            ["sh", "-c", f"until [ -S /tmp/.X11-unix/X{DISPLAY} ]; do sleep 0.05; done"], timeout=15, check=True
        )
        yield XServer(process.pid, state / "authority", state / "Xorg.log")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        os.chown(TERMINAL, terminal_before.st_uid, terminal_before.st_gid)


def test_it_runs_without_any_right(server: XServer) -> None:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
    assert status["Uid"].split()[0] == str(NOBODY)
    assert {status[name].strip() for name in ("CapEff", "CapBnd", "CapAmb")} == {"0" * 16}


def test_the_settings_that_leave_no_way_out_are_read_and_understood(server: XServer) -> None:
    log = server.log.read_text(errors="replace")
    for name in ("DontVTSwitch", "DontZap", "DontZoom"):
        assert f'(**) Option "{name}" "true"' in log, name
    for name in ("XTEST", "RECORD", "DPMS", "MIT-SCREEN-SAVER"):
        assert f'Extension "{name}" is disabled' in log, name
    assert "using VT number 7" in log


def test_only_who_has_the_cookie_gets_in(server: XServer) -> None:
    with notice.Screen(server.display, str(server.authority)):
        pass
    with pytest.raises(notice.NoScreen):
        notice.Screen(server.display, "")
    assert server.authority.stat().st_mode & 0o777 == 0o640


def test_nobody_types_for_somebody_else_even_with_the_cookie(server: XServer) -> None:
    environment = {**os.environ, "DISPLAY": server.display, "XAUTHORITY": str(server.authority)}
    assert "XTEST" in run("xdotool", "key", "a", env=environment).stderr


def test_its_door_is_a_file_and_nothing_else(server: XServer) -> None:
    """A name without a file is seen by every program of the machine, whatever /tmp it has; TCP by the whole hall."""
    doors = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines() if f"X{DISPLAY}" in line]
    assert set(doors) == {f"/tmp/.X11-unix/X{DISPLAY}"}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", 6000 + DISPLAY), timeout=2)


def test_the_picture_of_the_end_is_shown_on_it_until_its_time_is_up(
    server: XServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", server.display)
    monkeypatch.setenv("XAUTHORITY", str(server.authority))
    began = time.monotonic()
    assert notice.show("S3", 1.0) is False
    assert 1.0 <= time.monotonic() - began < 5
