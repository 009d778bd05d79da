"""A technician's visit over a real pcscd and a virtual card: who is let in, who is not, and what can be done inside."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from drivers.bench import control
from drivers.bench.smart_card import PIN, TechnicianChip, VirtualCard, VirtualReaders
from kiosk.domain.fleet import READINESS_DOMAIN, TechnicianRole
from kiosk.maintenance import bundle
from kiosk.runtime.enrolment import Enrolment
from kiosk.session.events import CellTouched, Do, GoHome, HiddenGesture, PinDone, PinKey, SaySure, Start
from kiosk.session.panel import GRID, LoginStep, Maintenance, Outcome, Place, Tone, TouchTest
from kiosk.session.state import Home, Identify, Purpose
from kiosk.sync import agent
from kiosk.sync.hall_client import HallClient
from kiosk.sync.signing import Signer
from tests.e2e.pdf_text import text_of
from tests.e2e.technician import Machine, enrolled, listed, wait_for_slot, write_list
from tests.flows.test_appliance import Hall

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(VirtualReaders.missing()), reason=VirtualReaders.missing()),
]

WRONG = "000000"
SUPPORT = X25519PrivateKey.generate()


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    hall = Hall(tmp_path_factory.mktemp("hall"))
    yield hall
    hall.close()


@pytest.fixture(scope="module")
def readers() -> Iterator[VirtualReaders]:
    with VirtualReaders() as readers:
        yield readers


@pytest.fixture
def chip() -> TechnicianChip:
    return TechnicianChip()


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration in service: where the list of technicians is."""
    folder = tmp_path / "config"
    monkeypatch.setenv("TAXKIOSK_CONFIG", str(folder))
    return folder


@pytest.fixture
def card(readers: VirtualReaders, chip: TechnicianChip, own: Path) -> Iterator[VirtualCard]:
    write_list(own, listed(chip))
    card = VirtualCard(readers.ports[0], chip)
    yield card
    card.pull()


@pytest.fixture(scope="module")
def enrolment(hall: Hall, tmp_path_factory: pytest.TempPathFactory) -> Enrolment:
    return enrolled(hall, tmp_path_factory.mktemp("enrolled"))


@pytest.fixture
def machine(
    hall: Hall, readers: VirtualReaders, enrolment: Enrolment, tmp_path: Path, card: VirtualCard
) -> Iterator[Machine]:
    wait_for_slot(readers, "notPresent")
    stick = tmp_path / "sticks"
    key = SUPPORT.public_key().public_bytes_raw().hex()
    maintenance = f'[maintenance]\nsupport_key = "{key}"\nusb_folder = "{stick}"\n'
    machine = Machine(hall, tmp_path / "kiosk", readers, enrolment, maintenance)
    yield machine
    machine.close()


# ---- the door --------------------------------------------------------------------------------------------------------


def test_card_and_pin_let_a_technician_in_and_the_card_pulled_puts_him_out(machine: Machine, card: VirtualCard) -> None:
    machine.logs_in(card)
    page = machine.waits(lambda session: isinstance(session.page, Maintenance)).page
    assert isinstance(page, Maintenance)
    assert (page.technician, page.role) == ("T7", TechnicianRole.SENIOR)
    card.pull()
    machine.waits_for_home(2.0)
    machine.waits_until_audited("T7", "left", "card_pulled")
    assert machine.audited() == [("T7", "login", "senior"), ("T7", "left", "card_pulled")]
    assert machine.store.audit.verify() is None


def test_a_wrong_pin_costs_a_try_and_the_right_one_lets_in_after_it(machine: Machine, card: VirtualCard) -> None:
    machine.asks_for_entry()
    card.insert()
    machine.types(WRONG)
    page = machine.waits_for_step(LoginStep.PIN)
    machine.waits(lambda s: getattr(s.page, "wrong", False))
    page = machine.waits_for_step(LoginStep.PIN)
    assert (page.tries_left, page.pin) == (2, "")
    machine.types(PIN)
    machine.reads(Place.MENU)
    assert ("T7", "pin_wrong", "2") in machine.audited()


def test_three_wrong_pins_block_the_card(machine: Machine, card: VirtualCard) -> None:
    machine.asks_for_entry()
    card.insert()
    for left in (2, 1):
        machine.types(WRONG)
        machine.waits(lambda s, left=left: getattr(s.page, "tries_left", None) == left)  # type: ignore[misc]
    machine.types(WRONG)
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "blocked"
    card.pull()
    machine.waits_for_home()
    machine.asks_for_entry()
    card.insert()
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "blocked"


def test_five_wrong_pins_at_one_machine_close_its_door_whatever_the_card(
    machine: Machine, readers: VirtualReaders, own: Path, card: VirtualCard
) -> None:
    chips = [TechnicianChip(f"Technician {number}") for number in range(3)]
    write_list(own, *(listed(each, f"T{number}") for number, each in enumerate(chips)))
    for each in chips[:2]:
        stolen = VirtualCard(readers.ports[0], each)
        machine.asks_for_entry()
        stolen.insert()
        for _ in range(2):
            machine.types(WRONG)
            machine.waits(lambda s: getattr(s.page, "wrong", False))
        stolen.pull()
        machine.waits_for_home()
    third = VirtualCard(readers.ports[0], chips[2])
    machine.asks_for_entry()
    third.insert()
    machine.types(WRONG)
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "locked_out"
    third.pull()
    machine.waits_for_home()
    # The right PIN of a good card is not even asked for now.
    machine.asks_for_entry()
    third.insert()
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "locked_out"
    third.pull()


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"revoked": True}, "revoked"),
        ({"valid_to": date(2026, 6, 30)}, "expired"),
        ({"valid_from": date(2034, 1, 1)}, "not_yet_valid"),
        ({"certificate": "0" * 64}, "not_a_technician"),
    ],
)
def test_who_is_not_on_the_list_in_force_is_refused_with_the_reason(
    machine: Machine, own: Path, chip: TechnicianChip, card: VirtualCard, changed: dict[str, object], problem: str
) -> None:
    write_list(own, listed(chip, **changed))  # type: ignore[arg-type]
    machine.asks_for_entry()
    card.insert()
    page = machine.waits_for_step(LoginStep.REFUSED)
    assert page.problem == problem
    who = "unknown" if problem == "not_a_technician" else "T7"
    machine.waits_until_audited(who, "refused", problem)
    card.pull()
    machine.waits_for_home()


def test_a_kiosk_without_a_list_lets_nobody_in_and_a_bank_card_is_none_of_ours(
    machine: Machine, own: Path, chip: TechnicianChip, card: VirtualCard
) -> None:
    (own / "technicians.json").unlink()
    machine.asks_for_entry()
    card.insert()
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "no_list"
    card.pull()
    machine.waits_for_home()
    write_list(own, listed(chip))
    chip.ours = False
    machine.asks_for_entry()
    card.insert()
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "unknown_card"


def test_a_copy_of_the_certificate_without_its_key_is_no_card(
    machine: Machine, readers: VirtualReaders, chip: TechnicianChip
) -> None:
    forged = TechnicianChip()
    forged.certificate = chip.certificate
    copy = VirtualCard(readers.ports[0], forged)
    machine.asks_for_entry()
    copy.insert()
    machine.types(PIN)
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "forged"
    machine.waits_until_audited("T7", "refused", "forged")
    copy.pull()
    machine.waits_for_home()


def test_pcscd_restarted_in_the_middle_puts_the_technician_out_and_he_comes_in_again(
    machine: Machine, readers: VirtualReaders, card: VirtualCard
) -> None:
    machine.logs_in(card)
    readers.stop()
    machine.waits_for_home()
    machine.waits(lambda session: not session.situation.smart_card.works)
    machine.waits_until_audited("T7", "left", "reader_gone")
    card.pull()
    readers.start()
    machine.waits(lambda session: session.situation.smart_card.works)
    machine.logs_in(card)


def test_three_times_in_within_seconds_asks_for_entry_without_a_touch(machine: Machine, card: VirtualCard) -> None:
    for _ in range(2):
        card.insert()
        machine.waits(lambda session: session.situation.smart_card.card)
        assert isinstance(machine.waits(lambda session: True).page, Home)
        card.pull()
        machine.waits(lambda session: not session.situation.smart_card.card)
    card.insert()
    machine.waits_for_step(LoginStep.PIN)


def test_a_card_in_the_slot_is_nothing_to_a_taxpayer_s_visit(machine: Machine, card: VirtualCard) -> None:
    machine.inbox.post(Start(Purpose.TAKE_NUMBER))
    machine.waits(lambda session: isinstance(session.page, Identify))
    for _ in range(3):
        card.insert()
        machine.waits(lambda session: session.situation.smart_card.card)
        card.pull()
        machine.waits(lambda session: not session.situation.smart_card.card)
    machine.inbox.post(HiddenGesture())
    card.insert()
    session = machine.waits(lambda session: session.situation.smart_card.card)
    assert isinstance(session.page, Identify)


def test_a_card_that_falls_silent_over_its_pin_keeps_nobody(machine: Machine, card: VirtualCard) -> None:
    machine.asks_for_entry()
    card.insert()
    machine.waits_for_step(LoginStep.PIN)
    card.do("mute")
    for digit in PIN:
        machine.inbox.post(PinKey(digit))
    machine.inbox.post(PinDone())
    assert machine.waits_for_step(LoginStep.REFUSED).problem == "unreadable"
    machine.inbox.post(GoHome())
    machine.waits_for_home(1.0)


# ---- inside ----------------------------------------------------------------------------------------------------------


def test_every_panel_is_read_and_says_only_what_has_words(machine: Machine, card: VirtualCard) -> None:
    from tests.unit.test_maintenance import without_words

    machine.logs_in(card)
    for place in Place:
        subject = {Place.DEVICE: "ticket_printer"}.get(place, "")
        panel = machine.opens(place, subject)
        assert panel.lines or panel.note
        assert panel.note != "not_read", f"{place} cannot be read"
        assert not without_words(panel)


def test_a_technician_tries_every_device_and_it_is_all_in_the_log(
    hall: Hall, machine: Machine, card: VirtualCard
) -> None:
    machine.logs_in(card)
    machine.opens(Place.DEVICE, "ticket_printer")
    assert machine.does("test_print", "ticket_printer").word == "print_done"
    panel = machine.reads(
        Place.DEVICE, "ticket_printer", lambda p: any(line.name == "counter_sheets" for line in p.lines)
    )
    assert next(line.value for line in panel.lines if line.name == "counter_sheets").startswith("1 ")
    machine.opens(Place.DEVICE, "id_card")
    control.do(hall.bench, "id-card", "lay", "resident")
    assert machine.does("test_read", "id_card").word == "card_read"
    control.do(hall.bench, "id-card", "lift")
    machine.opens(Place.DEVICE, "pos")
    assert machine.does("handshake", "pos").word == "handshake_good"
    machine.opens(Place.PAPER)
    assert machine.does("paper_loaded", "ticket_printer").word == "paper_counted"
    did = [what for _, what, _ in machine.audited()]
    assert did == ["login", "test_print", "test_read", "handshake", "paper_loaded"]
    assert "3506" not in json.dumps(machine.audited())
    (test,) = [sheet for sheet in machine.store.sheets.latest(5) if sheet.kind == "test"]
    assert test.state == "done"


def test_a_step_of_the_repair_turns_green_by_itself(hall: Hall, machine: Machine, card: VirtualCard) -> None:
    control.do(hall.bench, "ticket-printer", "paper-out")
    try:
        machine.logs_in(card)
        faults = machine.opens(Place.REPAIR)
        machine.reads(Place.REPAIR, "", lambda panel: panel.lines[0].name == "paper_out")
        assert len(faults.lines) == 10
        machine.opens(Place.REPAIR, "paper_out")
        machine.opens(Place.REPAIR, "paper_out/1")
        machine.reads(Place.REPAIR, "paper_out/1", lambda panel: panel.lines[1].tone is Tone.BAD)
        control.do(hall.bench, "ticket-printer", "refill")
        machine.reads(Place.REPAIR, "paper_out/1", lambda panel: panel.lines[1].tone is Tone.GOOD)
    finally:
        control.do(hall.bench, "ticket-printer", "refill")


def test_the_report_is_signed_printed_kept_as_pdf_and_told_to_the_hall(
    hall: Hall, machine: Machine, card: VirtualCard
) -> None:
    machine.waits(lambda session: session.situation.hall_answers)
    machine.logs_in(card)
    machine.opens(Place.READINESS)
    machine.inbox.post(Do("touch_test"))
    machine.waits(lambda session: isinstance(session.page, TouchTest))
    for cell in range(GRID[0] * GRID[1]):
        machine.inbox.post(CellTouched(cell))
    machine.waits(lambda s: isinstance(s.page, Maintenance) and s.page.outcome == Outcome("touch_good"))
    assert machine.does("test_print", "ticket_printer").word == "print_done"
    for name in ("picture_good", "slip_good"):
        assert machine.does(name).word == "marked"
    word = machine.does("make_report").word
    panel = machine.reads(Place.READINESS, "", lambda panel: bool(panel.qr))
    bad = [line.name for line in panel.lines if line.tone is Tone.BAD]
    assert (word, bad) == ("report_ready", [])

    (kept,) = (machine.settings.kiosk.data_dir / "readiness").glob("*.json")
    signed = json.loads(kept.read_bytes())
    key = Ed25519PrivateKey.from_private_bytes(machine.enrolment.private_key).public_key()
    key.verify(bytes.fromhex(signed["signature"]), READINESS_DOMAIN + signed["report"].encode())
    report = json.loads(signed["report"])
    assert (report["technician"], report["ready"], report["kiosk"]) == ("T7", True, machine.enrolment.kiosk)
    assert panel.qr.split("|")[1:3] == [report["id"], report["kiosk"]]

    said = text_of(kept.with_suffix(".pdf").read_bytes())
    for words in ("就绪报告", "Readiness report", machine.enrolment.kiosk, "T7", report["id"], "身份证阅读器", "READY"):
        assert words in said, f"{words} is not on the page: {said}"

    assert machine.does("print_report").word == "print_done"
    slips = control.do(hall.bench, "receipt-printer", "slips")
    assert isinstance(slips, list)
    assert "就绪报告" in slips[-1]
    assert machine.enrolment.kiosk in slips[-1]

    enrolment = machine.enrolment
    client = HallClient(hall.url, Signer(enrolment.kiosk, enrolment.private_key))
    agent.drain(machine.store, client)
    client.close()
    with closing(sqlite3.connect(f"file:{hall.data}/hall.sqlite?mode=ro", uri=True)) as database:
        held = database.execute("SELECT technician, ready, genuine FROM readiness WHERE id = ?", (report["id"],))
        assert held.fetchall() == [("T7", 1, 1)]
        audit = database.execute("SELECT what FROM kiosk_audit WHERE kiosk = ? ORDER BY id", (enrolment.kiosk,))
        assert [what for (what,) in audit] == [what for _, what, _ in machine.audited()]


def test_logs_go_to_the_stick_sealed_and_open_only_with_the_hall_s_key(
    machine: Machine, card: VirtualCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "sticks" / "sdb1"
    stick.mkdir(parents=True)
    # Nothing can be mounted here; a folder stands for the stick.
    monkeypatch.setattr(bundle.find_stick, "__defaults__", (lambda place: place == stick,))
    machine.logs_in(card)
    machine.reads(Place.MENU)
    machine.opens(Place.LOGS)
    outcome = machine.does("take_logs")
    assert outcome.word == "logs_taken"
    (file,) = stick.iterdir()
    assert file.name == outcome.value
    assert b"T7" not in file.read_bytes()
    key = tmp_path / "support.key"
    key.write_text(SUPPORT.private_bytes_raw().hex())
    opened = tmp_path / "opened"
    command = [sys.executable, "-c", "from hall.cli import app; app()", "bundle", "open", str(file)]
    words = ["--key", str(key), "--out", str(opened)]
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    audit = json.loads((opened / "audit.json").read_bytes())
    assert audit[-1]["what"] == "login"
    assert json.loads((opened / "about.json").read_bytes())["kiosk"] == machine.enrolment.kiosk
    key.write_text(X25519PrivateKey.generate().private_bytes_raw().hex())
    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2


def test_out_of_service_restart_and_what_only_a_senior_may_do(
    machine: Machine, own: Path, chip: TechnicianChip, card: VirtualCard
) -> None:
    write_list(own, listed(chip, role=TechnicianRole.TECHNICIAN))  # type: ignore[arg-type]
    machine.logs_in(card)
    panel = machine.opens(Place.POWER)
    works = {action.name: action.works for action in panel.actions}
    assert works == {"out_of_service": True, "restart": True, "shut_down": False}
    assert machine.does("out_of_service", sure=True).word == "locked"
    assert machine.store.standing.look().locked
    machine.reads(Place.POWER, "", lambda panel: panel.actions[0].name == "back_in_service")
    assert machine.does("back_in_service").word == "unlocked"
    assert not machine.store.standing.look().locked
    machine.inbox.post(Do("restart"))
    machine.waits(lambda s: isinstance(s.page, Maintenance) and s.page.asking is not None)
    machine.inbox.post(SaySure(True))
    assert machine.left.wait(5.0)
    machine.waits_until_audited("T7", "left", "restart")
    assert [row[1] for row in machine.audited()] == ["login", "locked", "unlocked", "restart", "left"]
