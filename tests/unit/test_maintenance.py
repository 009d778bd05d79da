"""Maintenance mode without hardware: panels for every state of the machine, who may enter, sealed bundle, PDF."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

import config
from drivers.contract import DeviceState, DeviceStatus, MediaState, PaperState
from drivers.id_card.reader import FailReason
from drivers.printer.status import Reason
from kiosk import settings as kiosk_settings
from kiosk.domain import bundle as sealed
from kiosk.domain.fleet import Slot, Technician, TechnicianList, TechnicianRole
from kiosk.domain.texts import Texts
from kiosk.maintenance import bundle, checks, login, machine, panels, readiness, readiness_pdf
from kiosk.maintenance.audit import Did
from kiosk.maintenance.panels import repair
from kiosk.maintenance.panels.configuration import differences
from kiosk.maintenance.world import DEVICES, World
from kiosk.session.panel import Panel, Place, Tone
from kiosk.session.state import DeviceName, DeviceView, Situation
from kiosk.store.store import Store
from screens.extract_fonts import FONTS
from tests.e2e.pdf_text import text_of
from tests.unit.test_store import KEY

NOW = datetime(2026, 11, 24, 1, 42, 7, tzinfo=UTC)
TODAY = date(2026, 11, 24)
ZH, EN = (Texts(config.read_texts(language)) for language in ("zh", "en"))
PROBLEMS = [
    "unknown_card",
    "not_a_technician",
    "revoked",
    "not_yet_valid",
    "expired",
    "blocked",
    "locked_out",
    "no_list",
    "forged",
    "unreadable",
]


class Clock:
    certain = True
    off = timedelta()

    def now(self) -> datetime:
        return NOW

    def wall(self) -> datetime:
        return NOW + self.off


WELL: dict[str, DeviceStatus] = {
    "id_card": DeviceStatus(DeviceState.ONLINE, media=MediaState.NOT_PRESENT),
    "ticket_printer": DeviceStatus(DeviceState.ONLINE, PaperState.FULL, cover_open=False),
    "receipt_printer": DeviceStatus(DeviceState.ONLINE, PaperState.FULL, cover_open=False),
    "pos": DeviceStatus(DeviceState.ONLINE, detail="terminal T1"),
    "smart_card": DeviceStatus(DeviceState.ONLINE, media=MediaState.PRESENT, detail="Bench 00 00"),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.sqlite", KEY)
    yield store
    store.close()


def world_of(store: Store, folder: Path, devices: Mapping[str, DeviceStatus] = WELL, **other: object) -> World:
    settings = kiosk_settings.load(None)
    kiosk = msgspec.structs.replace(settings.kiosk, data_dir=folder)
    maintenance = msgspec.structs.replace(settings.maintenance, support_key="ab" * 32, usb_folder=folder / "sticks")
    world = World(
        kiosk="K3",
        hall_names={"zh": "芗城办税服务厅", "en": "Xiangcheng Tax Hall"},
        software="0.1.0",
        started_at=NOW,
        settings=msgspec.structs.replace(settings, kiosk=kiosk, maintenance=maintenance),
        store=store,
        time=Clock(),
        devices=lambda: devices,
        situation=lambda: Situation({name: DeviceView(works=True) for name in DeviceName}, hall_answers=True),
        role=TechnicianRole.SENIOR,
        technician="T7",
    )
    return replace(world, **other)  # type: ignore[arg-type]


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return world_of(store, tmp_path)


def without_words(panel: Panel) -> set[str]:
    """Keys that a panel leads to and that have no text in one of the languages."""
    keys = {f"maintenance.line.{line.name}" for line in panel.lines if not line.raw}
    keys |= {f"maintenance.word.{line.word}" for line in panel.lines if line.word}
    keys |= {f"maintenance.do.{action.name}" for action in panel.actions}
    keys |= {f"maintenance.note.{panel.note}"} if panel.note else set()
    return {key for key in keys if not (ZH.has(key) and EN.has(key))}


# ---- words -----------------------------------------------------------------------------------------------------------


def conditions() -> dict[str, dict[str, DeviceStatus]]:
    """Every word that a driver may use, at every device."""
    found = {f"{state}": dict.fromkeys(DEVICES, DeviceStatus(state)) for state in DeviceState}
    for paper in PaperState:
        found[f"paper {paper}"] = dict.fromkeys(DEVICES, DeviceStatus(DeviceState.USER_ERROR, paper, cover_open=True))
    for media in MediaState:
        found[f"media {media}"] = dict.fromkeys(DEVICES, DeviceStatus(DeviceState.ONLINE, media=media, detail="x"))
    return {**found, "nothing": {}, "well": WELL}


@pytest.mark.parametrize("devices", conditions().values(), ids=conditions())
def test_every_panel_has_words_in_both_languages_whatever_the_devices_say(
    store: Store, tmp_path: Path, devices: dict[str, DeviceStatus]
) -> None:
    for did in Did:
        store.audit.add("T7", did.value, "", NOW)
    store.audit.add("hall:li", "a word of tomorrow", "x", NOW)
    for sample in ("ticket_printer", "receipt_printer"):
        store.record_print(store.sheets.record_test(sample, NOW), "uncertain", "no_proof", NOW)
    for role in TechnicianRole:
        world = world_of(store, tmp_path, devices, role=role)
        subjects = [(Place.DEVICE, device) for device in DEVICES]
        subjects += [
            (Place.REPAIR, f"{fault.name}{step}")
            for fault in repair.faults()
            for step in ("", *(f"/{number}" for number in range(1, len(fault.steps) + 1)))
        ]
        for place, subject in [*((place, "") for place in Place), *subjects]:
            panel = panels.build(world, place, subject)
            assert (panel.place, panel.subject) == (place, subject)
            assert not without_words(panel)


def test_every_refusal_state_outcome_and_deed_has_words() -> None:
    keys = {f"maintenance.refused.{problem}" for problem in PROBLEMS}
    keys |= {f"maintenance.word.{slot}" for slot in Slot} | {f"maintenance.word.did_{did}" for did in Did}
    keys |= {f"maintenance.outcome.print_failed.{reason}" for reason in Reason}
    keys |= {f"maintenance.outcome.card_failed.{reason}" for reason in FailReason}
    keys |= {f"maintenance.line.{name}" for name in (*checks.BY_HAND, *DEVICES)}
    keys |= {
        f"maintenance.word.sheet_{kind}_{state}"
        for kind in ("ticket", "receipt", "certificate", "invoice", "test")
        for state in ("intended", "sent", "done", "failed", "uncertain")
    }
    for texts in (ZH, EN):
        assert not keys - texts.keys
    ours = [{key for key in texts.keys if key.startswith(("maintenance.", "readiness_slip."))} for texts in (ZH, EN)]
    assert not ours[0] ^ ours[1]


def test_every_outcome_of_the_desk_has_words() -> None:
    import re

    source = Path("kiosk/runtime/maintenance_desk.py").read_text(encoding="utf-8")
    words = set(re.findall(r'Outcome\("(\w+)"', source)) | {"took_too_long", "print_done", "print_uncertain"}
    words |= {"handshake_good", "handshake_bad", "locked", "unlocked"}
    for texts in (ZH, EN):
        assert not {f"maintenance.outcome.{word}" for word in words} - texts.keys


# ---- panels ----------------------------------------------------------------------------------------------------------


def test_the_menu_says_before_anything_is_opened_what_is_wrong(store: Store, tmp_path: Path) -> None:
    ill = {**WELL, "pos": DeviceStatus(DeviceState.NO_DEVICE)}
    ill["ticket_printer"] = DeviceStatus(DeviceState.USER_ERROR, PaperState.OUT, cover_open=False)
    tones = {line.name: line.tone for line in panels.build(world_of(store, tmp_path, ill), Place.MENU).lines}
    assert (tones["devices"], tones["paper"], tones["repair"]) == (Tone.WARN, Tone.WARN, Tone.WARN)
    tones = {line.name: line.tone for line in panels.build(world_of(store, tmp_path), Place.MENU).lines}
    assert (tones["devices"], tones["paper"], tones["repair"]) == (Tone.GOOD, Tone.GOOD, Tone.GOOD)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        ({"ticket_printer": DeviceStatus(DeviceState.HARDWARE_ERROR, PaperState.JAMMED)}, "paper_jam"),
        ({"receipt_printer": DeviceStatus(DeviceState.USER_ERROR, PaperState.OUT)}, "paper_out"),
        ({"ticket_printer": DeviceStatus(DeviceState.USER_ERROR, PaperState.FULL, cover_open=True)}, "cover_open"),
        ({"id_card": DeviceStatus(DeviceState.OFFLINE)}, "reader_gone"),
        ({"pos": DeviceStatus(DeviceState.NO_DEVICE)}, "terminal_gone"),
    ],
)
def test_a_fault_that_the_machine_sees_stands_first_in_the_repair(
    store: Store, tmp_path: Path, status: dict[str, DeviceStatus], fault: str
) -> None:
    world = world_of(store, tmp_path, {**WELL, **status})
    assert fault in [each.name for each in repair.faults_seen(world)]
    assert panels.build(world, Place.REPAIR).lines[0].tone is Tone.BAD


def test_the_guided_repair_knows_the_ten_commonest_faults_and_every_check_exists() -> None:
    assert len(repair.faults()) == 10
    for fault in repair.faults():
        assert {*fault.seen, *(step.check for step in fault.steps)} <= checks.BY_NAME.keys()
        assert 3 <= len(fault.steps) <= 5


def test_what_only_a_senior_may_do_is_grey_for_a_technician(world: World) -> None:
    grey = {
        action.name
        for place in (Place.POWER, Place.LOGS, Place.CONFIGURATION)
        for action in panels.build(replace(world, role=TechnicianRole.TECHNICIAN), place).actions
        if not action.works
    }
    assert grey == {"shut_down", "take_logs", "roll_back"}


def test_two_releases_are_compared_down_to_the_key_that_differs(tmp_path: Path) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    for folder, idle in ((old, 60), (new, 90)):
        (folder / "texts").mkdir(parents=True)
        (folder / "settings.toml").write_text(f"[limits]\nidle_s = {idle}\nstore_s = 5\n")
        (folder / "same.yaml").write_text("a: 1")
        (folder / "manifest.json").write_text(str(idle))
    (new / "texts" / "screens.zh.toml").write_text("")
    (old / "theme.toml").write_text("")
    said = [(line.name.strip(), line.word) for line in differences(new, old)]
    assert said == [
        ("settings.toml", "changed"),
        ("limits.idle_s", "changed"),
        ("texts/screens.zh.toml", "added"),
        ("theme.toml", "removed"),
    ]


def test_wear_and_errors_of_the_disk_are_read_where_linux_shows_them(tmp_path: Path) -> None:
    import os

    device = os.stat(tmp_path).st_dev
    sys = tmp_path / "sys"
    block = sys / "devices" / "mmcblk0" / "mmcblk0p2"
    block.mkdir(parents=True)
    (block.parent / "device").mkdir()
    (block.parent / "device" / "life_time").write_text("0x03 0x09\n")
    (sys / "dev" / "block").mkdir(parents=True)
    (sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}").symlink_to(block)
    (sys / "fs" / "ext4" / "mmcblk0p2").mkdir(parents=True)
    (sys / "fs" / "ext4" / "mmcblk0p2" / "errors_count").write_text("2\n")
    found = machine.storage(tmp_path, sys)
    assert (found.errors, found.worn) == (2, 90)
    assert machine.storage(tmp_path, tmp_path / "nothing").worn is None


def test_the_back_light_is_set_in_percent_and_never_quite_dark(tmp_path: Path) -> None:
    light = tmp_path / "class" / "backlight" / "intel"
    light.mkdir(parents=True)
    (light / "max_brightness").write_text("400")
    (light / "brightness").write_text("200")
    assert machine.brightness(tmp_path) == 50
    assert machine.set_brightness(60, tmp_path) == 60
    assert (light / "brightness").read_text() == "240"
    assert machine.set_brightness(-10, tmp_path) == machine.DARKEST
    with pytest.raises(OSError, match="back light"):
        machine.set_brightness(50, tmp_path / "nothing")


# ---- who may enter ---------------------------------------------------------------------------------------------------


def certificate(key: object, start: datetime = datetime(2026, 1, 1, tzinfo=UTC), days: int = 3650) -> bytes:
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "T7")])
    made = x509.CertificateBuilder(who, who, key.public_key(), 7, start, start + timedelta(days=days))  # type: ignore[attr-defined]
    plain = isinstance(key, ed25519.Ed25519PrivateKey)
    return made.sign(key, None if plain else hashes.SHA256()).public_bytes(Encoding.DER)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["ed25519", "p256", "rsa"])
def test_a_challenge_is_checked_by_the_kind_of_key_that_the_certificate_holds(kind: str) -> None:
    challenge = bytes(range(32))
    match kind:
        case "ed25519":
            edwards = ed25519.Ed25519PrivateKey.generate()
            der, signature = certificate(edwards), edwards.sign(challenge)
        case "p256":
            curve = ec.generate_private_key(ec.SECP256R1())
            der, signature = certificate(curve), curve.sign(challenge, ec.ECDSA(hashes.SHA256()))
        case _:
            long = rsa.generate_private_key(65537, 2048)
            der, signature = certificate(long), long.sign(challenge, padding.PKCS1v15(), hashes.SHA256())
    assert login.is_signed(der, challenge, signature)
    assert not login.is_signed(der, challenge[::-1], signature)
    assert not login.is_signed(der, challenge, bytes(len(signature)))
    assert not login.is_signed(b"no certificate", challenge, signature)


def test_a_short_rsa_key_is_no_key() -> None:
    short = rsa.generate_private_key(65537, 1024)
    signature = short.sign(bytes(32), padding.PKCS1v15(), hashes.SHA256())
    assert not login.is_signed(certificate(short), bytes(32), signature)


def test_the_card_s_own_dates_count_beside_the_list_s() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    der = certificate(key, days=30)
    entry = Technician(
        "T7", "Chen", TechnicianRole.TECHNICIAN, hashlib.sha256(der).hexdigest(), date(2025, 1, 1), date(2035, 1, 1)
    )
    found = login.find(TechnicianList([entry]), der, date(2026, 1, 15))
    assert found == entry
    assert login.find(TechnicianList([entry]), der, TODAY) == login.Refusal("expired", "T7")
    assert login.find(TechnicianList([entry]), der, date(2025, 12, 31)) == login.Refusal("not_yet_valid", "T7")


def test_a_list_that_cannot_be_read_lets_nobody_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAXKIOSK_CONFIG", str(tmp_path))
    assert login.read_list() is None
    (tmp_path / "technicians.json").write_text('{"technicians": [{"id": "T7"}]}')
    assert login.read_list() is None


# ---- bundle and report -----------------------------------------------------------------------------------------------


def test_a_bundle_opens_only_with_the_key_it_was_sealed_for_and_only_whole() -> None:
    key = X25519PrivateKey.generate()
    clear = b"logs" * 1000
    packed = sealed.seal(clear, key.public_key().public_bytes_raw())
    assert b"logs" not in packed
    assert sealed.unseal(packed, key.private_bytes_raw()) == clear
    with pytest.raises(sealed.NotABundle):
        sealed.unseal(packed, X25519PrivateKey.generate().private_bytes_raw())
    for at in range(0, len(packed), 97):
        broken = bytearray(packed)
        broken[at] ^= 1
        with pytest.raises(sealed.NotABundle):
            sealed.unseal(bytes(broken), key.private_bytes_raw())


def test_a_stick_that_does_not_read_back_keeps_no_bundle(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    file = bundle.write(world, stick)
    assert [each.name for each in stick.iterdir()] == [file.name]
    file.unlink()
    real = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: real(self)[:-1] if self.suffix == ".part" else real(self))
    with pytest.raises(bundle.NotKept):
        bundle.write(world, stick)
    assert list(stick.iterdir()) == []


def test_a_machine_is_ready_when_nothing_is_bad_and_a_person_has_looked(world: World) -> None:
    world.notes.integrity = []
    assert not readiness.make(world).ready
    world.notes.by_hand.update(touch=True, picture=True, slip=True)
    assert readiness.make(world).ready
    world.notes.by_hand["picture"] = False
    assert not readiness.make(world).ready


def test_a_roll_that_is_nearly_used_up_is_not_ready_for_the_night(store: Store, tmp_path: Path) -> None:
    low = {**WELL, "ticket_printer": DeviceStatus(DeviceState.ONLINE, PaperState.LOW, cover_open=False)}
    world = world_of(store, tmp_path, low)
    world.notes.by_hand.update(touch=True, picture=True, slip=True)
    report = readiness.make(world)
    assert not report.ready
    assert [check.name for check in report.checks if check.result == "bad"] == ["ticket_printer_paper"]


def test_the_report_s_pdf_is_one_page_that_says_everything_in_both_languages(world: World) -> None:
    report = readiness.make(world)
    signed = readiness.sign(report, bytes(32))
    code = readiness.qr(report, signed.signature)
    # An earlier report of this process had another hall's characters.
    earlier = msgspec.structs.replace(report, id=report.id[::-1], ready=True)
    readiness_pdf.make(
        earlier, "0" * 128, code, {"zh": ZH, "en": EN}, {"zh": "办税服务厅", "en": "Hall"}, FONTS / "common-Regular.otf"
    )
    pdf = readiness_pdf.make(
        report, signed.signature, code, {"zh": ZH, "en": EN}, world.hall_names, FONTS / "common-Regular.otf"
    )
    assert pdf.count(b"/Type /Page\n") == 1
    said = text_of(pdf)
    assert "芗城办税服务厅  Xiangcheng Tax Hall" in said
    assert "未就绪  NOT READY" in said
    for check in report.checks:
        assert f"{ZH(f'maintenance.line.{check.name}')}  {EN(f'maintenance.line.{check.name}')}" in said
    assert signed.signature[:64] in said
    assert b"/FontFile2" in pdf


def test_the_report_s_code_is_short_enough_for_a_slip(world: World) -> None:
    import segno

    report = readiness.make(world)
    code = readiness.qr(report, readiness.sign(report, bytes(32)).signature)
    assert segno.make_qr(code, error="m").version <= 10


def test_only_the_latest_reports_are_kept_here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "KEPT", 3)
    for minute in range(5):
        report = msgspec.structs.replace(readiness.make(world), at=NOW + timedelta(minutes=minute))
        readiness.keep(world, readiness.sign(report, bytes(32)), b"pdf")
    kept = sorted(file.name[:15] for file in (world.settings.kiosk.data_dir / "readiness").glob("*.pdf"))
    assert kept == ["20261124-014407", "20261124-014507", "20261124-014607"]
