"""systemd's own tools have nothing to say against the units; who gets into a service finds himself in a small room."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kiosk.runtime import wishes
from systemd.placing import HALL, KIOSK, Role
from tests.appliance.machine import LIB, Unit, install, program, run, units

#: systemd wants what a unit starts to be there; where this checkout lies, no service may look.
ANY_PROGRAM = "/usr/bin/true"

#: systemd's scale is 0 to 10; the tool takes it times ten. No unit needs more, so none has an exception.
MOST_EXPOSED = 15

#: What every service has. Those that need more of one thing say why beside it (EXCEPT).
HARDENING = {
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "PrivateMounts": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectHostname": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "DevicePolicy": "closed",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "KeyringMode": "private",
    "RemoveIPC": "yes",
}
EXCEPT = {
    # Devices are what these are for; DevicePolicy=closed and DeviceAllow say which.
    "taxkiosk.service": {"PrivateDevices", "MemoryDenyWriteExecute"},
    "taxkiosk-x.service": {"PrivateDevices", "PrivateUsers", "ProcSubset", "MemoryDenyWriteExecute"},
    "taxkiosk-out-of-service.service": {"PrivateDevices"},
    "taxkiosk.conf": {"PrivateDevices"},
}


@pytest.fixture(scope="module")
def kiosk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kiosk")
    assert [words for words in install(KIOSK, root) if "failed" in words] == []
    return root


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hall")
    assert [words for words in install(HALL, root) if "failed" in words] == []
    return root


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    files = [str(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != ".wants"]
    return run("systemd-analyze", "verify", "--man=no", *files)


@pytest.mark.parametrize("role", [KIOSK, HALL], ids=lambda role: role.name)
def test_systemd_has_nothing_to_say_against_any_unit(role: Role, tmp_path: Path) -> None:
    install(role, tmp_path, program=ANY_PROGRAM)
    seen = verify(tmp_path / LIB)
    assert (seen.returncode, seen.stdout + seen.stderr) == (0, "")


def test_a_misspelt_line_in_a_unit_is_found(tmp_path: Path) -> None:
    install(HALL, tmp_path, program=ANY_PROGRAM)
    unit = tmp_path / LIB / "taxhall.service"
    unit.write_text(unit.read_text().replace("ProtectClock", "ProtectClok"))
    assert "ProtectClok" in verify(tmp_path / LIB).stderr


def exposure(root: Path, unit: str) -> subprocess.CompletedProcess[str]:
    return run(
        "systemd-analyze", "security", "--offline=true", f"--root={root}", f"--threshold={MOST_EXPOSED}",
        "--no-pager", unit,
    )  # fmt: skip


def test_no_service_is_more_exposed_than_a_small_room(
    kiosk: Path, hall: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy("/usr/lib/systemd/system/pcscd.service", kiosk / LIB)
    levels = {}
    for root in (kiosk, hall):
        for unit in units(root, "*.service"):
            seen = exposure(root, unit.name)
            level = re.search(r"exposure level for .*: ([0-9.]+)", seen.stdout)
            assert level, seen.stderr
            levels[unit.name] = float(level[1])
            assert seen.returncode == 0, f"{unit.name}\n{seen.stdout}"
    assert len(levels) >= 11
    with capsys.disabled():
        words = ", ".join(f"{name.removesuffix('.service')} {level}" for name, level in sorted(levels.items()))
        sys.stdout.write(f"\nexposure (most {MOST_EXPOSED / 10}) | {words}\n")


def test_a_service_without_its_walls_is_found(hall: Path, tmp_path: Path) -> None:
    install(HALL, tmp_path)
    unit = tmp_path / LIB / "taxhall.service"
    unit.write_text(re.sub(r"^(Protect|Private|SystemCall).*\n", "", unit.read_text(), flags=re.M))
    assert exposure(tmp_path, unit.name).returncode != 0


def test_every_service_has_every_wall_or_says_why_not(kiosk: Path, hall: Path) -> None:
    services = [
        *units(kiosk, "taxkiosk*.service"),
        *units(hall, "*.service"),
        Unit(kiosk / LIB / "pcscd.service.d/taxkiosk.conf"),
    ]
    for unit in services:
        open_walls = {key for key, wall in HARDENING.items() if unit.value(key) != wall or not unit.values(key)}
        assert open_walls == EXCEPT.get(unit.name, set()), unit.name
        assert unit.value("User") not in ("", "root"), unit.name
        for key in open_walls & {"MemoryDenyWriteExecute", "PrivateDevices"}:
            near = "DevicePolicy" if key == "PrivateDevices" else key
            lines = unit.path.read_text().splitlines()
            at = next(number for number, line in enumerate(lines) if line.startswith(near))
            assert lines[at - 1].startswith("#"), f"{unit.name} does not say why {key}"
        filters = " ".join(unit.values("SystemCallFilter"))
        assert "@system-service" in filters, unit.name
        assert "~@privileged" in filters, unit.name


def test_every_command_of_a_unit_is_one_that_there_is(kiosk: Path, hall: Path) -> None:
    """Names, and options: a unit that names one that is gone would be a kiosk that does not begin."""
    asked = 0
    for root, role in ((kiosk, KIOSK), (hall, HALL)):
        for unit in units(root, "*.service"):
            for words in unit.commands():
                if words[0] != role.command:
                    assert shutil.which(words[0]), words[0]
                    continue
                options = [word for word in words if word.startswith("--")]
                names = words[1 : 3 if words[1] == "bureau" else 2]
                seen = run(*program(role.name), *names, "--help", env={**os.environ, "COLUMNS": "200", "TERM": "dumb"})
                assert seen.returncode == 0, words
                assert [option for option in options if option not in seen.stdout] == [], words
                asked += 1
    assert asked >= 7


def test_every_wish_is_heard_by_a_path_and_no_program_has_more_than_wishes(kiosk: Path) -> None:
    heard = {Path(unit.value("PathExists", "Path")).name: unit for unit in units(kiosk, "*.path")}
    for wish in set(wishes.Wish) - {wishes.Wish.NIGHT}:
        path = Path(heard[wish.value].value("PathExists", "Path"))
        assert path == wishes.FOLDER / wish.value
        assert (kiosk / LIB / heard[wish.value].name.replace(".path", ".service")).exists()
    # The night's wish is turned into a reboot where the front end ends.
    assert "mv night reboot" in " ".join(Unit(kiosk / LIB / "taxkiosk.service").values("ExecStopPost"))
    assert Unit(kiosk / LIB / "taxkiosk-poweroff.service").value("SuccessAction", "Unit") == "poweroff"
    assert Unit(kiosk / LIB / "taxkiosk-reboot.service").value("SuccessAction", "Unit") == "reboot"


@pytest.mark.parametrize(("before", "after"), [({"night"}, {"reboot"}), (set(), set()), ({"poweroff"}, {"poweroff"})])
def test_when_the_front_end_ends_a_wished_night_becomes_a_reboot(
    kiosk: Path, tmp_path: Path, before: set[str], after: set[str]
) -> None:
    (words,) = Unit(kiosk / LIB / "taxkiosk.service").commands("ExecStopPost")
    for wish in before:
        (tmp_path / wish).touch()
    seen = run(*(word.replace("/run/taxkiosk/wish", str(tmp_path)) for word in words))
    assert seen.returncode == 0, seen.stderr
    assert {path.name for path in tmp_path.iterdir()} == after


def test_restarts_are_capped_and_what_follows_ends_in_another_try(kiosk: Path) -> None:
    front = Unit(kiosk / LIB / "taxkiosk.service")
    assert (front.value("StartLimitBurst", "Unit"), front.value("StartLimitIntervalSec", "Unit")) == ("5", "300")
    assert (front.value("Restart"), front.value("Type")) == ("always", "notify")
    assert 0 < float(front.value("WatchdogSec")) <= 10
    picture = Unit(kiosk / LIB / front.value("OnFailure", "Unit"))
    assert picture.value("OnSuccess", "Unit") == "taxkiosk.service"
    (words,) = picture.commands()
    # After the pause the five starts are forgotten, or the next one would be refused.
    assert float(words[words.index("--pause") + 1]) > 300


def test_users_and_folders_come_to_be_with_nothing_that_others_may_read(kiosk: Path, hall: Path) -> None:
    passwd = (kiosk / "etc/passwd").read_text() + (hall / "etc/passwd").read_text()
    for user in (*KIOSK.users, *HALL.users):
        line = next(line for line in passwd.splitlines() if line.startswith(f"{user}:"))
        assert line.endswith(("nologin", "/bin/false")), line
    modes = {"var/lib/taxkiosk": 0o700, "run/taxkiosk/wish": 0o750, "run/taxkiosk-usb": 0o750}
    for folder, mode in modes.items():
        assert (kiosk / folder).stat().st_mode & 0o777 == mode, folder
    assert (hall / "var/lib/taxhall").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("id-card pci-0:usb-0:1:1.0\npos pci-0:usb-0:4:1.0\n", "TAXKIOSK_DEVICE=pos"),
        ("# pos pci-0:usb-0:4:1.0\n", ""),
        ("pos pci-0:usb-0:4:1.0 and more\n", "TAXKIOSK_DEVICE=pos"),
        ("../../sda pci-0:usb-0:4:1.0\n", ""),
        ("pos;reboot pci-0:usb-0:4:1.0\n", ""),
        ("", ""),
    ],
)
def test_a_device_is_named_by_its_socket_and_by_nothing_that_is_no_name(
    kiosk: Path, tmp_path: Path, table: str, name: str
) -> None:
    (tmp_path / "table").write_text(table)
    seen = run(str(kiosk / "usr/lib/taxkiosk/device-name"), "pci-0:usb-0:4:1.0", str(tmp_path / "table"))
    assert (seen.returncode, seen.stdout.strip()) == (0, name)


def test_the_night_is_one_that_systemd_can_read(kiosk: Path) -> None:
    when = Unit(kiosk / LIB / "taxkiosk-night.timer").value("OnCalendar", "Timer")
    assert run("systemd-analyze", "calendar", when).returncode == 0


@pytest.mark.parametrize("kind", ["journald", "logind"])
def test_limits_of_journal_and_login_are_settings_that_systemd_knows(kiosk: Path, kind: str) -> None:
    known = set(re.findall(r"^#?(\w+)=", Path(f"/etc/systemd/{kind}.conf").read_text(), re.M))
    ours = (kiosk / f"usr/lib/systemd/{kind}.conf.d/10-taxkiosk.conf").read_text()
    asked = re.findall(r"^(\w+)=", ours, re.M)
    assert asked
    assert set(asked) - known == set()


def test_limits_of_the_kernel_are_ones_that_it_knows(kiosk: Path) -> None:
    for line in (kiosk / "usr/lib/sysctl.d/70-taxkiosk.conf").read_text().splitlines():
        if line and not line.startswith("#"):
            name = line.partition("=")[0].strip().replace(".", "/")
            # A kernel that was built without one of these has nothing to limit.
            built_out = name in ("kernel/sysrq", "kernel/yama/ptrace_scope")
            assert (Path("/proc/sys") / name).exists() or built_out, name


def test_no_key_reaches_a_login_or_restarts_the_machine(kiosk: Path) -> None:
    for unit in ("ctrl-alt-del.target", "getty@.service", "autovt@.service"):
        assert os.readlink(kiosk / "etc/systemd/system" / unit) == "/dev/null"


def test_installing_twice_changes_nothing_and_uninstalling_leaves_what_is_the_machines_own(tmp_path: Path) -> None:
    from systemd.placing import Machine

    install(KIOSK, tmp_path)
    own = tmp_path / "etc/taxkiosk/kiosk.toml"
    own.write_text("[kiosk]\n")
    (tmp_path / "var/lib/taxkiosk/kiosk.sqlite").write_bytes(b"data")
    assert [words for words in install(KIOSK, tmp_path) if words.startswith(("write", "mask"))] == []
    assert own.read_text() == "[kiosk]\n"

    machine = Machine(tmp_path, "/usr")
    machine.displace(KIOSK)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()}
    users = {"etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd.lock"}
    kept = {"kiosk.toml", "devices.table", "xorg.conf.d/10-taxkiosk.conf"}
    assert left - users == {"var/lib/taxkiosk/kiosk.sqlite", *(f"etc/taxkiosk/{name}" for name in kept)}
    machine.purge(KIOSK)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()}
    assert left - users == set()


def test_a_program_that_its_services_could_not_see_is_not_installed(tmp_path: Path) -> None:
    from systemd.placing import Machine, NotInstalled

    with pytest.raises(NotInstalled, match="/home/"):
        Machine(tmp_path, "/usr").place(KIOSK, "/home/li/venv/bin/taxkiosk")
    assert list(tmp_path.rglob("*")) == []


def test_a_dry_run_only_says_what_it_would_do(tmp_path: Path) -> None:
    from systemd.placing import Machine

    said: list[str] = []
    machine = Machine(tmp_path, "/usr", dry=True, say=said.append)
    machine.place(KIOSK, KIOSK.command)
    machine.settle(KIOSK)
    machine.displace(KIOSK)
    machine.purge(KIOSK)
    assert any("would write" in words for words in said)
    assert list(tmp_path.rglob("*")) == []
