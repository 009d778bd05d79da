"""The packages on a machine of their own, with systemd as PID 1: installed, switched on, in service, dead, purged."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from systemd.debian.build import HALL_PACKAGE, KIOSK_PACKAGE, build, imported, libraries
from systemd.placing import HALL, KIOSK
from tests.appliance.booted import Machine, NotHere
from tests.appliance.test_screen_server import NO_CARD

LONG = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"
SETTINGS = ("--settings", "/etc/taxkiosk/kiosk.toml")

#: What dpkg and the tools that it calls keep for themselves, whatever was installed.
NOT_OURS = ("var/lib/dpkg", "var/log", "var/cache", "var/lib/systemd", "etc/ld.so.cache", "tmp", "run", "dev", "proc",
            "sys",
            "etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/.pwd.lock", "etc/subuid", "etc/subgid",
            "var/lib/polkit", "etc/machine-id", "root/.cache", "work", "packages")  # fmt: skip

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_a_kiosk_has_no_web_server_in_it_and_a_hall_no_window() -> None:
    kiosk, hall = set(libraries(KIOSK_PACKAGE)), set(libraries(HALL_PACKAGE))
    assert kiosk & {"uvicorn", "starlette", "jinja2", "pysqlite3", "argon2-cffi"} == set()
    assert hall & {"kivy", "pyscard", "pyserial", "sqlcipher3", "reportlab"} == set()
    assert {"kivy", "sqlcipher3", "python-escpos"} <= kiosk
    assert {"uvicorn", "uvloop", "pysqlite3"} <= hall
    assert (kiosk | hall) & {"pytest", "hypothesis", "mypy", "ruff"} == set()
    assert "tests" not in imported(KIOSK_PACKAGE) | imported(HALL_PACKAGE)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("packages")
    files = [build(package, folder, ("-Znone",)) for package in (KIOSK_PACKAGE, HALL_PACKAGE)]
    try:
        with Machine(tmp_path_factory.mktemp("machine") / "it") as found:
            (found.root / "packages").mkdir()
            for file in files:
                shutil.copy(file, found.root / "packages")
            yield found
    except NotHere as problem:
        pytest.skip(f"no machine within this one: {problem}")


@pytest.fixture(scope="module")
def installed(machine: Machine) -> Machine:
    done = machine.chroot("sh", "-c", "dpkg --install /packages/*.deb", seconds=400)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout + done.stderr
    # In the place of a graphics card.
    (machine.root / "etc/taxkiosk/xorg.conf.d/90-no-card.conf").write_text(NO_CARD)
    return machine


def test_it_is_installed_with_all_that_it_needs_and_makes_a_key_that_is_nowhere_in_clear(installed: Machine) -> None:
    for role in (KIOSK, HALL):
        assert installed.chroot("dpkg", "--verify", role.name).stdout.strip() == ""
        sealed = installed.root / role.key_file.lstrip("/")
        assert sealed.stat().st_mode & 0o777 == 0o600
        opened = installed.chroot("sh", "-c", f"systemd-creds decrypt --name={role.key} {role.key_file} - | wc --bytes")
        assert opened.stdout.strip() == "32", opened.stderr
        for user in role.users:
            assert installed.chroot("getent", "passwd", user).returncode == 0
    verified = installed.chroot("sh", "-c", "systemd-analyze verify --man=no /usr/lib/systemd/system/tax*.*")
    assert (verified.returncode, verified.stderr) == (0, "")


def test_its_commands_run_from_its_own_tree_with_nothing_of_anybody_elses(installed: Machine) -> None:
    assert "install" in installed.chroot("taxkiosk", "--help").stdout
    assert "install" in installed.chroot("taxhall", "--help").stdout
    said = installed.chroot("taxkiosk", "status", "--json", *SETTINGS)
    assert set(json.loads(said.stdout)) >= {"devices"} or said.returncode == 0, said.stderr
    assert installed.chroot("taxkiosk", "identify", "11010519491231002X").returncode == 0
    where = "import sys, sqlcipher3; print([p for p in sys.path if 'dist-packages' in p], sqlcipher3.__file__)"
    head = (installed.root / "opt/taxkiosk/bin/taxkiosk").read_text().splitlines()
    python = [*head[0].removeprefix("#!").split(), "-c", f"{head[3]}\n{where}"]
    assert head[3].startswith("sys.path.insert"), head
    python[-1] = "import sys\n" + python[-1]
    assert installed.chroot(*python).stdout.split()[0] == "[]"


@pytest.fixture(scope="module")
def booted(installed: Machine) -> Machine:
    installed.boot()
    assert (
        installed.run("systemctl", "is-active", "taxkiosk.service", "taxhall.service").stdout.split()
        == ["inactive"] * 2
    )
    installed.run("systemctl", "start", "taxhall-bureau@state", "taxhall-bureau@local", "taxhall.service")
    installed.until(
        lambda: '"serving"' in installed.journal("taxhall.service"), 60, "the hall serves", "taxhall.service"
    )
    code = installed.run("taxhall-as-hall", "enrol", "K3", "--data", "/var/lib/taxhall", "--json").stdout
    known = installed.run("taxkiosk-as-kiosk", "enrol", json.loads(code)["code"], *SETTINGS)
    assert json.loads(known.stdout)["kiosk"] == "K3", known.stderr
    installed.run("systemctl", "start", "--no-block", "taxkiosk.target")
    serves(installed)
    return installed


def serves(machine: Machine) -> None:
    units = ("taxkiosk-check.service", "taxkiosk-x.service", "taxkiosk.service", "taxkiosk-sync.service")
    machine.until(
        lambda: {machine.state(unit) for unit in units} == {"active"}, 120, "the kiosk serves", *units,
        "taxkiosk-out-of-service.service",
    )  # fmt: skip


def test_hall_and_kiosk_serve_under_systemd_in_their_own_small_rooms(booted: Machine) -> None:
    assert booted.property("taxkiosk.service", "StatusText") == "serving"
    booted.until(
        lambda: "hall-answers" in booted.journal("taxkiosk.service"), 30, "the kiosk sees its hall", "taxkiosk"
    )
    assert booted.run("systemctl", "--failed", "--no-legend", "--plain").stdout == ""
    for unit in ("taxkiosk.service", "taxkiosk-x.service", "taxkiosk-sync.service", "taxhall.service"):
        process = Path(f"/proc/{booted.main_pid(unit)}")
        status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
        assert int(status["Uid"].split()[0]) != 0, unit
        assert (status["CapEff"], status["CapBnd"]) == ("0" * 16, "0" * 16), unit
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), unit
        readable = {
            line.split()[4]
            for line in (process / "mountinfo").read_text().splitlines()
            if "rw" in line.split()[5].split(",")
        }
        assert readable & {"/", "/usr", "/etc", "/opt", "/boot"} == set(), unit


def test_the_screen_lets_nobody_in_without_its_cookie(booted: Machine) -> None:
    assert "authorization file" not in booted.journal("taxkiosk-x.service")
    inside = f"/proc/{booted.main_pid('taxkiosk-x.service')}/root/run/taxkiosk-x"
    assert (Path(inside) / "authority").stat().st_mode & 0o777 == 0o640


def test_what_is_freed_is_overwritten_in_the_process_that_serves(booted: Machine) -> None:
    told = Path(f"/proc/{booted.main_pid('taxkiosk.service')}/environ").read_bytes().decode().split("\0")
    assert any(word.startswith("PYTHONMALLOC=") for word in told)
    assert any("glibc.malloc.perturb=85" in word for word in told)


def test_the_card_readers_service_runs_as_nobody_and_answers_the_front_end(booted: Machine) -> None:
    booted.until(lambda: booted.state("pcscd.service") == "active", 30, "pcscd runs", "pcscd.service")
    status = Path(f"/proc/{booted.main_pid('pcscd.service')}/status").read_text()
    assert "Uid:\t0" not in status
    door = booted.run("stat", "--format=%U %G %a", "/run/pcscd/pcscd.comm").stdout.split()
    assert door == ["taxkiosk-pcscd", "taxkiosk", "660"]


def test_udev_gives_a_device_its_lasting_name_and_a_stick_to_maintenance_alone(booted: Machine) -> None:
    """udev's own tool, over devices of this kernel that a rule before ours says are plugged in somewhere."""
    before = """\
KERNEL=="tty7", ENV{ID_PATH}="pci-0000:00:14.0-usb-0:2:1.0"
KERNEL=="loop0", ENV{ID_BUS}="usb", ENV{ID_FS_USAGE}="filesystem"
"""
    table = "ticket-printer pci-0000:00:14.0-usb-0:2:1.0\n"
    booted.run("sh", "-c", "mkdir -p /run/udev/rules.d; cat > /run/udev/rules.d/61-before.rules", stdin=before)
    booted.run("sh", "-c", "cat > /etc/taxkiosk/devices.table", stdin=table)
    printer = booted.run("udevadm", "test", "--action=add", "/sys/class/tty/tty7")
    said = printer.stdout + printer.stderr
    assert "/dev/taxkiosk/ticket-printer" in said, said
    assert "TAXKIOSK_DEVICE=ticket-printer" in said
    assert "ID_MM_DEVICE_IGNORE=1" in said
    other = booted.run("udevadm", "test", "--action=add", "/sys/class/tty/tty6")
    assert "taxkiosk/" not in re.sub(r"\S*rules\S*|\S*device-name\S*", "", other.stdout + other.stderr)
    stick = booted.run("udevadm", "test", "--action=add", "/sys/class/block/loop0")
    assert "/dev/taxkiosk/usb-stick" in stick.stdout + stick.stderr, stick.stderr
    assert "UDISKS_IGNORE=1" in stick.stdout
    for seen in (printer, other, stick):
        assert not re.search(r"70-taxkiosk.rules:\d+ .*(Invalid|Unknown|unknown)", seen.stderr), seen.stderr


def test_a_restart_that_it_wishes_itself_is_a_start_like_any_other(booted: Machine) -> None:
    before = booted.property("taxkiosk.service", "MainPID")
    booted.send("taxkiosk.service", signal.SIGTERM)
    booted.until(
        lambda: booted.property("taxkiosk.service", "MainPID") not in (before, "0"), 60, "a new one", "taxkiosk"
    )
    serves(booted)
    assert booted.property("taxkiosk.service", "NRestarts") == "1"


@pytest.mark.skipif(not LONG, reason="in make test-long")
def test_a_broken_store_keeps_it_from_beginning_and_is_mended_without_deleting_anything(booted: Machine) -> None:
    booted.run("systemctl", "stop", "taxkiosk.target", "taxkiosk-x.service")
    store = booted.root / "var/lib/taxkiosk/kiosk.sqlite"
    data = Path(f"/proc/{booted._pid}/root/var/lib/taxkiosk/kiosk.sqlite")
    whole = data.read_bytes()
    assert store.name == data.name
    assert not whole.startswith(b"SQLite")
    data.write_bytes(whole[:8192] + bytes(4096) + whole[12288:])
    booted.run("systemctl", "start", "--no-block", "taxkiosk.target")
    picture = "taxkiosk-out-of-service.service"
    booted.until(lambda: booted.state(picture) == "active", 60, "the picture stands", picture, "taxkiosk-check.service")
    booted.until(lambda: '"S3"' in booted.journal(picture), 30, "it says why", picture)
    assert booted.state("taxkiosk.service") != "active"
    booted.run("systemctl", "stop", "taxkiosk.target", picture, "taxkiosk-sync.service")
    done = json.loads(booted.run("taxkiosk-as-kiosk", "recover", *SETTINGS).stdout)
    assert (Path(f"/proc/{booted._pid}/root{done['aside']}") / "kiosk.sqlite").stat().st_size == len(whole)
    data.write_bytes(whole)
    for left in ("-wal", "-shm"):
        data.with_name(data.name + left).unlink(missing_ok=True)
    booted.run("systemctl", "start", "--no-block", "taxkiosk.target")
    serves(booted)


@pytest.mark.skipif(not LONG, reason="in make test-long")
def test_a_window_that_stands_still_is_ended_and_begun_anew(booted: Machine) -> None:
    """The screen's server is frozen, and with it whoever waits for it to draw."""
    before = booted.property("taxkiosk.service", "MainPID")
    screen = booted.main_pid("taxkiosk-x.service")
    os.kill(screen, signal.SIGSTOP)
    try:
        booted.until(
            lambda: "watchdog" in booted.run("journalctl", "--no-pager", "-u", "taxkiosk.service").stdout.lower(),
            60, "the watchdog bites", "taxkiosk.service",
        )  # fmt: skip
    finally:
        os.kill(screen, signal.SIGCONT)
    serves(booted)
    assert booted.property("taxkiosk.service", "MainPID") != before
    assert "timeout" in booted.run("journalctl", "--no-pager", "-u", "taxkiosk.service").stdout


@pytest.mark.skipif(not LONG, reason="in make test-long")
def test_five_deaths_in_a_row_put_the_picture_up_and_a_technician_has_it_tried_anew(booted: Machine) -> None:
    booted.run("systemctl", "reset-failed", "taxkiosk.service")
    picture = "taxkiosk-out-of-service.service"
    deaths = 0
    until = time.monotonic() + 120
    while booted.state(picture) != "active" and time.monotonic() < until:
        if booted.property("taxkiosk.service", "MainPID") != "0":
            booted.run("systemctl", "kill", "--signal=KILL", "taxkiosk.service")
            deaths += 1
        time.sleep(0.5)
    assert booted.state(picture) == "active"
    assert deaths >= 5
    booted.until(lambda: '"F1"' in booted.journal(picture), 30, "the picture says F1", picture)
    # Held for five seconds, or after its pause, it ends by itself; that is what begins the front end anew.
    booted.run("systemctl", "reset-failed", "taxkiosk.service")
    booted.send(picture, signal.SIGTERM)
    serves(booted)


def test_the_nights_wish_becomes_a_reboot_of_the_machine_between_two_visits(booted: Machine) -> None:
    booted.run("touch", "/run/taxkiosk/wish/night")
    booted.send("taxkiosk.service", signal.SIGTERM)

    until = time.monotonic() + 90
    while Path(f"/proc/{booted._pid}").exists():
        assert time.monotonic() < until, "the machine goes on"
        time.sleep(0.2)


def test_purged_it_leaves_nothing(installed: Machine) -> None:
    """Last: by now its machine has gone down."""
    for role in (KIOSK, HALL):
        done = installed.chroot("dpkg", "--purge", role.name, seconds=200)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"/{role.name}' not empty" not in done.stdout + done.stderr, done.stderr
        assert "currently used" not in done.stderr
    left = [
        str(path.relative_to(installed.changed))
        for path in installed.changed.rglob("*")
        if (path.is_file() or path.is_symlink()) and not path.is_char_device()
    ]
    ours = [name for name in left if not name.startswith(NOT_OURS)]
    assert ours == []
    for user in (*KIOSK.users, *HALL.users):
        assert installed.chroot("getent", "passwd", user).returncode != 0
    sys.stdout.flush()
