"""A release at one kiosk: taken whole, begun with at a start, confirmed or given up, and never taken twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

import config
from kiosk.configuration import validate
from kiosk.configuration.health import HEALTH_S, Seen, Trial
from kiosk.configuration.in_service import InService, Unreadable
from kiosk.configuration.slots import TRIES
from kiosk.domain.fleet import Slot
from kiosk.domain.release import pack, unpack
from kiosk.settings import load
from tests.configuration.office import BEGAN, FILES, Kiosk, Mirror, Office


def shipped(name: str) -> str:
    return (config.SHIPPED / name).read_text(encoding="utf-8")


def audited(kiosk: Kiosk) -> list[str]:
    return [f"{row.what} {row.detail}" for row in reversed(kiosk.store.audit.latest(50))]


def taken(office: Office, kiosk: Kiosk, idle_s: float = 61.0) -> int:
    number = office.publish({"settings.toml": f"[limits]\nidle_s = {idle_s}\n"})
    assert kiosk.taker.consider(number).problem == "waiting"
    return number


def healthy(office: Office, kiosk: Kiosk, idle_s: float = 61.0) -> int:
    number = taken(office, kiosk, idle_s)
    kiosk.begin()
    kiosk.taker.slots.confirm(number)
    kiosk.taker.report()
    return number


def test_a_release_is_taken_but_nothing_changes_before_the_next_start(office: Office, kiosk: Kiosk) -> None:
    number = taken(office, kiosk)
    assert kiosk.restarts == 1
    assert kiosk.taker.report().running == 0
    assert kiosk.begin() == "a"
    report = kiosk.taker.report()
    assert (report.running, report.state) == (number, Slot.TRYING)
    kiosk.taker.slots.confirm(number)
    assert kiosk.taker.report().state is Slot.HEALTHY
    assert audited(kiosk) == ["release_taken 1", "release_confirmed 1"]


def test_what_is_offered_twice_is_fetched_once(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = taken(office, kiosk)
    asked = len(mirror.asked)
    for _ in range(3):
        kiosk.taker.consider(number)
    kiosk.begin()
    kiosk.taker.consider(number)
    assert len(mirror.asked) == asked
    assert kiosk.restarts == 1


def test_while_one_is_on_trial_no_other_is_taken(office: Office, kiosk: Kiosk) -> None:
    """The other slot is what it would go back to."""
    taken(office, kiosk)
    kiosk.begin()
    second = office.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    kiosk.taker.consider(second)
    assert kiosk.taker.slots.read().pending is None


def test_the_next_release_takes_the_other_slot(office: Office, kiosk: Kiosk) -> None:
    healthy(office, kiosk)
    taken(office, kiosk, 62.0)
    assert kiosk.begin() == "b"


def test_one_that_is_withdrawn_before_anybody_saw_it_never_begins(office: Office, kiosk: Kiosk) -> None:
    first = healthy(office, kiosk)
    taken(office, kiosk, 62.0)
    kiosk.taker.consider(first)
    assert kiosk.begin() == "a"
    assert kiosk.taker.report().running == first


def test_a_release_that_keeps_crashing_is_rolled_back_after_three_starts(office: Office, kiosk: Kiosk) -> None:
    first = healthy(office, kiosk)
    second = taken(office, kiosk, 62.0)
    assert [kiosk.begin() for _ in range(TRIES)] == ["b"] * TRIES
    assert kiosk.begin() == "a"
    report = kiosk.taker.report()
    assert (report.running, report.state, report.offered, report.problem) == (
        first,
        Slot.ROLLED_BACK,
        second,
        "crashed",
    )
    assert audited(kiosk)[-1] == f"release_rolled_back {second} crashed"


def test_a_release_that_was_given_up_is_never_taken_again(office: Office, kiosk: Kiosk) -> None:
    number = taken(office, kiosk)
    kiosk.begin()
    kiosk.taker.slots.roll_back("step-failed", number=number)
    kiosk.begin()
    assert kiosk.taker.consider(number).state is Slot.ROLLED_BACK
    assert kiosk.begin() is None
    # Not even when the small file is gone: the store remembers.
    (kiosk.folder / "configuration" / "state.json").unlink()
    kiosk.reborn()
    kiosk.taker.consider(number)
    assert kiosk.begin() is None
    assert kiosk.taker.consider(office.publish()).problem == "waiting"


def test_a_release_older_than_a_healthy_one_is_not_taken_whoever_says_so(office: Office, kiosk: Kiosk) -> None:
    first = healthy(office, kiosk)
    second = healthy(office, kiosk, 62.0)
    report = kiosk.taker.consider(first)
    assert report.running == second
    assert kiosk.taker.slots.read().pending is None


def test_a_slot_that_the_disk_has_damaged_is_not_begun_with(office: Office, kiosk: Kiosk) -> None:
    first = healthy(office, kiosk)
    second = healthy(office, kiosk, 62.0)
    (kiosk.folder / "configuration" / "b" / "settings.toml").write_text("[limits]\nidle_s = 1")
    assert kiosk.begin() == "a"
    assert kiosk.taker.report().running == first
    # It was not the release's fault: it may come again.
    assert kiosk.taker.consider(second).problem == "waiting"
    assert kiosk.begin() == "b"


def test_a_technician_rolls_back_and_the_audit_log_says_who(office: Office, kiosk: Kiosk) -> None:
    healthy(office, kiosk)
    healthy(office, kiosk, 62.0)
    assert kiosk.taker.slots.roll_back("technician", "T-017")
    assert kiosk.begin() == "a"
    kiosk.taker.report()
    assert kiosk.store.audit.latest(1)[0].who == "T-017"


def test_a_kiosk_without_a_root_says_so(office: Office, kiosk: Kiosk) -> None:
    kiosk.enrolment = replace(kiosk.enrolment, release_root="")
    kiosk.reborn()
    report = kiosk.taker.consider(office.publish())
    assert report.state is Slot.REFUSED
    assert report.problem.startswith("no_root")


# ---- the front end -------------------------------------------------------------------------------------------------


@pytest.fixture
def no_release() -> Iterator[None]:
    yield
    config.use(None)


@pytest.mark.usefixtures("no_release")
def test_the_front_end_begins_with_the_release_and_the_machines_own_settings_over_it(
    office: Office, kiosk: Kiosk, tmp_path: Path
) -> None:
    own = kiosk.folder / "kiosk.toml"
    own.write_text('[kiosk]\ndata_dir = "."\n[limits]\nsorry_s = 33.0\n')
    number = office.publish({"settings.toml": "[limits]\nidle_s = 99.0\nsorry_s = 44.0\n"})
    kiosk.taker.consider(number)
    begun = InService(load(own), own)
    assert begun.settings.limits.idle_s == 99.0
    assert begun.settings.limits.sorry_s == 33.0
    assert begun.settings.limits.print_s == load(None).limits.print_s


@pytest.mark.usefixtures("no_release")
def test_a_healthy_release_that_new_software_cannot_read_does_not_end_every_start(office: Office, kiosk: Kiosk) -> None:
    own = kiosk.folder / "kiosk.toml"
    own.write_text('[kiosk]\ndata_dir = "."\n')
    healthy(office, kiosk)
    begun = InService(load(own), own)
    with pytest.raises(Unreadable), begun.reading():
        raise KeyError("a text that this version wants")
    config.use(None)
    assert InService(load(own), own).folder is None


# ---- health --------------------------------------------------------------------------------------------------------

GOOD = Seen(True, True, True, True, 0, frozenset({"id_card", "pos"}))


def but(**changed: object) -> Seen:
    return replace(GOOD, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("elapsed", "seen", "why"),
    [
        (1.0, but(failures=1), "step-failed"),
        (1.0, but(store_works=False), "store"),
        (21.0, but(drawn=False), "not-drawn"),
        (21.0, but(loop_lives=False), "loop"),
        (21.0, but(workers_live=False), "worker"),
        (46.0, but(devices=frozenset({"pos"})), "device: id_card"),
    ],
)
def test_the_first_fault_gives_a_release_up(elapsed: float, seen: Seen, why: str) -> None:
    trial = Trial(frozenset({"id_card", "pos"}))
    assert trial.judge(elapsed, seen) == why


def test_sixty_seconds_without_a_fault_make_it_healthy() -> None:
    trial = Trial(frozenset({"id_card", "pos"}))
    assert trial.judge(5.0, but(drawn=False, loop_lives=False, devices=frozenset())) is None
    assert trial.judge(HEALTH_S - 1, GOOD) is None
    assert trial.judge(HEALTH_S, GOOD) == ""


def test_a_device_that_worked_and_was_unplugged_is_not_the_releases_fault() -> None:
    trial = Trial(frozenset({"id_card"}))
    assert trial.judge(10.0, GOOD) is None
    assert trial.judge(HEALTH_S, but(devices=frozenset())) == ""


def test_a_device_that_did_not_work_before_is_not_waited_for() -> None:
    assert Trial(frozenset()).judge(HEALTH_S, but(devices=frozenset())) == ""


# ---- looked at as a whole ------------------------------------------------------------------------------------------


def test_the_shipped_configuration_is_one_that_could_be_published(tmp_path: Path) -> None:
    names = ["services.yaml", "theme.toml", *(f"tax/{name}.yaml" for name in config.TAX_FILES)]
    names += [f"texts/{file.name}" for file in (config.SHIPPED / "texts").glob("*.toml")]
    bundle = unpack(pack(1, BEGAN, "", {name: shipped(name) for name in names}), 1)
    for name, text in bundle.files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert validate.problems(tmp_path, None) == []


def without_a_line(name: str, beginning: str) -> str:
    lines = shipped(name).splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(beginning)]
    assert len(kept) == len(lines) - 1
    return "".join(kept)


THEME = shipped("theme.toml")

BAD = {
    "settings that are no TOML": ({"settings.toml": "[limits"}, "settings.toml"),
    "a limit that is not there": ({"settings.toml": "[limits]\nidle = 3\n"}, "settings.toml"),
    "a limit of no seconds": ({"settings.toml": "[limits]\nidle_s = 0.0\n"}, "idle_s"),
    "where the machine keeps its data": ({"settings.toml": '[kiosk]\ndata_dir = "/tmp"\n'}, "data_dir"),
    "the size of the screen": ({"settings.toml": "[look]\nwidth = 10\n"}, "width"),
    "a theme that is not there": ({"settings.toml": '[look]\ntheme = "pink"\n'}, "settings.toml"),
    "a paper width that no printer has": ({"settings.toml": "[devices]\nticket_printer_width = 70\n"}, "settings.toml"),
    "a function that is no service": ({"settings.toml": '[tax]\nfunctions = ["SW-999999"]\n'}, "SW-999999"),
    "services that are no YAML": ({"services.yaml": "a: [1"}, "services.yaml"),
    "services with one missing": (
        {"services.yaml": shipped("services.yaml").replace("count: ", "count: 9", 1)},
        "services.yaml",
    ),
    "tax rules that are no rules": ({"tax/rules.yaml": "known_until: 2027-12-31\nseries: {}\n"}, "tax"),
    "a calendar with eleven months": (
        {"tax/calendar.yaml": shipped("tax/calendar.yaml").replace("years:", "years: []\nother:", 1)},
        "tax",
    ),
    "texts that are no TOML": ({"texts/paper.zh.toml": "[paper"}, "texts/paper.zh.toml"),
    "a word that is missing in one language": (
        {"texts/tax.zh.toml": shipped("texts/tax.zh.toml") + '\n[only_here]\nword = "x"\n'},
        "only_here.word",
    ),
    "a file of words that lost its tables": ({"texts/paper.zh.toml": "", "texts/paper.en.toml": ""}, "missing in zh"),
    "a theme without a colour": ({"theme.toml": without_a_line("theme.toml", 'sky_dark = "#C9')}, "sky_dark"),
    "a colour that is none": ({"theme.toml": THEME.replace("#F5F8FC", "#F5F8F", 1)}, "#F5F8F"),
    "white on white": (
        {"theme.toml": THEME.replace('ink = "#10243E"', 'ink = "#FFFFFF"', 1)},
        "contrast",
    ),
    "type nobody can read": (
        {"theme.toml": THEME.replace("body = [40,", "body = [4,", 1)},
        "type.body",
    ),
    "technicians that are no list": ({"technicians.json": "{}"}, "technicians.json"),
    "one card for two technicians": (
        {
            "technicians.json": msgspec.json.encode(
                {
                    "technicians": [
                        {
                            "id": name,
                            "name": name,
                            "role": "senior",
                            "certificate": "ab" * 32,
                            "valid_from": "2026-01-01",
                            "valid_to": "2027-01-01",
                        }
                        for name in ("T1", "T2")
                    ]
                }
            ).decode()
        },
        "in common",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_release_is_never_taken(kind: str, office: Office, kiosk: Kiosk) -> None:
    files, named = BAD[kind]
    report = kiosk.taker.consider(office.publish(files))
    assert report.state is Slot.REFUSED
    assert report.problem.startswith("invalid: ")
    assert named in report.problem
    assert kiosk.begin() is None
    assert kiosk.restarts == 0
    assert audited(kiosk) == [f"release_refused {report.offered} {report.problem}"]


def test_after_a_bad_one_the_next_good_one_is_taken(office: Office, kiosk: Kiosk) -> None:
    kiosk.taker.consider(office.publish({"settings.toml": "["}))
    assert kiosk.taker.consider(office.publish(FILES)).problem == "waiting"
