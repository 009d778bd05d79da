"""The register: what an import keeps and refuses, row by row, and that nothing of a person lies open on the disk."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo.hall_server import command, run
from demo.processes import Failed
from hall.filings.office import TaxOffice, open_office
from hall.register import demo
from hall.register.importing import COLUMNS, Kind, Report, UnfitFile, import_rows, read_rows
from hall.register.obligations import generate, periods
from hall.register.seal import FILE, Seal, SealBroken, read_or_make
from hall.register.taxpayers import file_of, taxpayers_of
from hall.settings import read_settings
from hall.store.writer import Writer
from kiosk.domain.filing import TaxpayerFile
from tests.hall.tax_stage import OWNER, levy_row, numbers, person_row, taxpayer_row, write_csv

TODAY = date(2026, 11, 24)
NUMBER = "91350100M000100Y43"


class Register:
    def __init__(self, folder: Path, writer: Writer, office: TaxOffice) -> None:
        self.folder, self.writer, self.office = folder, writer, office

    def take(self, kind: Kind, *rows: dict[str, Any], today: date = TODAY) -> Report:
        file = write_csv(self.folder / f"{kind}.csv", list(rows))
        return import_rows(self.writer, self.office, kind, read_rows(file, kind), today)

    def refused(self, kind: Kind, *rows: dict[str, Any]) -> list[tuple[int, str, str]]:
        return [(each.row, each.field, each.problem) for each in self.take(kind, *rows).refused]

    def file(self, number: str = NUMBER, today: date = TODAY) -> TaxpayerFile:
        holder = self.office.number_ref(OWNER[1])

        def read(work: Any) -> TaxpayerFile:
            taxpayers = taxpayers_of(work.connection, self.office, holder, today).taxpayers
            [taxpayer] = [each.id for each in taxpayers if each.number_masked.endswith(number[-4:])]
            return file_of(work.connection, self.office, taxpayer, holder, today)

        return self.writer.submit(read).result()


@contextmanager
def opened(folder: Path) -> Iterator[Register]:
    with open_office(folder / "hall", read_settings()) as (writer, office):
        yield Register(folder, writer, office)


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    with opened(tmp_path) as made:
        yield made


def test_good_rows_are_kept_and_bad_ones_told_with_row_field_and_reason(register: Register) -> None:
    report = register.take(
        "taxpayers",
        taxpayer_row(NUMBER, 1),
        taxpayer_row("91350100M000100Y44", 2),
        taxpayer_row("91350211M0000XUF46", 3),
        taxpayer_row("350625197802290014", 4),
        taxpayer_row(NUMBER, 5),
        taxpayer_row("91350602MA00013330", 6, payer="rich"),
        taxpayer_row("91350602MA0001210Y", 7, name=" "),
        taxpayer_row("12350605M0000AB16H", 8, state_serial="10100000001"),
        taxpayer_row("93350622MA2XXXX35L", 9, credit_grade="E"),
    )
    assert (report.rows, report.added) == (9, 2), "a code issued with a wrong check in 2015 is a registered taxpayer's"
    assert [(each.row, each.field, each.problem) for each in report.refused] == [
        (3, "number", "bad_check"),
        (5, "number", "bad_day"),
        (6, "number", "duplicate"),
        (7, "payer", "unknown"),
        (8, "name", "missing"),
        (9, "state_serial", "duplicate"),
        (10, "credit_grade", "unknown"),
    ]


def test_the_same_file_again_changes_nothing_and_a_changed_row_is_one_change(register: Register) -> None:
    rows = [taxpayer_row(number, at) for at, number in enumerate(numbers(5), 1)]
    register.take("taxpayers", *rows)
    again = register.take("taxpayers", *rows)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 5)
    changed = register.take("taxpayers", *rows[:4], {**rows[4], "credit_grade": "D"})
    assert (changed.added, changed.changed, changed.unchanged) == (0, 1, 4)


def test_persons_are_bound_to_known_payers_only(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1))
    assert register.refused(
        "persons",
        person_row(NUMBER),
        person_row("91350602MA00013330"),
        person_row(NUMBER, ("张三", "350602199001010014")),
        person_row(NUMBER, ("某公司", "91350600MA2XXXX199")),
        person_row(NUMBER, role="friend"),
        person_row(NUMBER, ("李雷", "350602199001010013"), to="2019-01-01"),
        person_row(NUMBER, ("张伟", "350622199602290036"), **{"from": "yesterday"}),
    ) == [
        (3, "taxpayer", "not_in_the_register"),
        (4, "number", "bad_check"),
        (5, "number", "not_a_persons_number"),
        (6, "role", "unknown"),
        (7, "to", "before_from"),
        (8, "from", "not_a_date"),
    ]


def test_an_old_number_leads_to_the_same_taxpayer(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1, old_numbers="350100M000100Y4"))
    assert register.refused("persons", person_row("350100M000100Y4")) == []
    assert register.file().taxpayer.name == "漳州第1茶叶商行"
    other = taxpayer_row("91350602MA00013330", 2, old_numbers="350100M000100Y4")
    assert register.refused("taxpayers", other) == [(2, "old_numbers", "another_taxpayers")]
    assert register.refused("persons", person_row("91350602MA00013330")) == [(2, "taxpayer", "not_in_the_register")]


def test_obligations_follow_from_registrations_and_the_published_calendar(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1))
    register.take("persons", person_row(NUMBER))
    monthly = levy_row(NUMBER, form="vat_general", cycle="month", declared_to="2026-09-30")
    quarterly = levy_row(
        NUMBER, form="cit_prepayment", declared_to="2026-06-30", prepaid="2150.00", facts='{"staff": [9]}'
    )
    report = register.take("levies", monthly, quarterly)
    assert report.obligations == 3
    found = [(each.form, str(each.period_end), str(each.deadline), each.state) for each in register.file().obligations]
    assert found == [
        ("cit_prepayment", "2026-09-30", "2026-10-26", "open"),
        ("vat_general", "2026-10-31", "2026-11-16", "open"),
        ("vat_general", "2026-11-30", "2026-12-15", "not_yet_open"),
    ]
    cit = register.file().obligations[0]
    assert (cit.prepaid, cit.facts) == (215_000, {"staff": [9]})
    assert register.writer.submit(lambda work: generate(work, register.office, TODAY)).result() == 0
    later = register.file(today=date(2026, 12, 1))
    assert [each.state for each in later.obligations] == ["open", "open", "open"]


def test_no_deadline_is_made_up_for_a_year_whose_calendar_is_not_published(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1))
    report = register.take("levies", levy_row(NUMBER, declared_to="2026-09-30"), today=date(2027, 2, 1))
    assert report.obligations == 0


def test_a_return_filed_at_a_window_is_due_no_more(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1))
    register.take("persons", person_row(NUMBER))
    register.take("levies", levy_row(NUMBER, declared_to="2026-06-30"))
    row = {"taxpayer": NUMBER, "form": "vat_small_scale", "period_end": "2026-09-30", "filed_on": "2026-10-12"}
    assert register.take("returns", row).added == 1
    assert register.file().obligations == []
    assert register.take("returns", row).unchanged == 1
    assert register.refused("returns", {**row, "period_end": "2025-09-30"}) == [(2, "period_end", "no_such_obligation")]


def test_arrears_are_shown_with_late_surcharge_to_date(register: Register) -> None:
    register.take("taxpayers", taxpayer_row(NUMBER, 1))
    register.take("persons", person_row(NUMBER))
    row = {"taxpayer": NUMBER, "levy": "vat", "bureau": "state", "period_start": "2026-04-01"}
    row |= {"period_end": "2026-06-30", "amount": "1000.00", "deadline": "2026-07-15"}
    assert register.take("arrears", row).added == 1
    [arrear] = register.file().arrears
    assert (arrear.amount, arrear.late) == (100_000, 6_600), "132 days at 0.05 %"


@pytest.mark.parametrize("content", [b"number,name\n1,2\n", b"\xff\xfe\x00", b"", b'number,name\n"unclosed'])
def test_a_file_of_another_kind_is_refused_whole(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    with pytest.raises(UnfitFile):
        read_rows(file, "taxpayers")


def test_periods_of_a_cycle_are_whole() -> None:
    assert list(periods("quarter", date(2026, 2, 11), date(2026, 7, 1))) == [
        (date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 9, 30)),
    ]
    assert list(periods("month", date(2024, 12, 31), date(2025, 1, 1)))[-1] == (date(2025, 1, 1), date(2025, 1, 31))


# ---- the invented hall ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    demo.write(folder / "csv", 2_000, 1, TODAY)
    began = time.process_time()
    with opened(folder) as register:
        for kind in ("taxpayers", "persons", "levies", "arrears"):
            rows = read_rows(folder / "csv" / f"{kind}.csv", kind)
            report = import_rows(register.writer, register.office, kind, rows, TODAY)
            assert (report.refused, report.added) == ([], len(rows)), kind
        Seconds.taken = time.process_time() - began
    return folder


class Seconds:
    taken = 0.0


def test_a_hall_of_two_thousand_taxpayers_is_taken_in_within_seconds(invented: Path) -> None:
    assert Seconds.taken < 15, "of processor time"
    with opened(invented) as register:
        holder = register.office.number_ref(demo.OUYANG.number)
        found = register.writer.submit(
            lambda work: taxpayers_of(work.connection, register.office, holder, TODAY)
        ).result()
        assert {each.name for each in found.taxpayers} == {
            "漳州芗城欧阳茶叶商行",
            "漳州芗城区新桥水果摊",
            "漳州宏顺茶叶有限公司",
        }
        shop = register.file("92350625MA2XXXX278")
        assert [(each.form, str(each.period_end)) for each in shop.obligations] == [
            ("iit_business", "2026-09-30"),
            ("vat_small_scale", "2026-09-30"),
        ]
        stall = register.file("35062219880808003X01")
        assert {(each.state, each.quota) for each in stall.obligations} == {
            ("open", 12_600_000),
            ("not_yet_open", 12_600_000),
        }


def test_the_same_seed_makes_the_same_hall(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        demo.write(tmp_path / name, 50, seed, TODAY)
    texts = {name: (tmp_path / name / "persons.csv").read_text(encoding="utf-8") for name in "abc"}
    assert texts["a"] == texts["b"] != texts["c"]


def test_no_name_and_no_number_lies_open_in_the_halls_files(invented: Path) -> None:
    clear: set[str] = set()
    for kind in COLUMNS:
        with (invented / "csv" / f"{kind}.csv").open(encoding="utf-8", newline="") as file:
            clear |= demo.everyone(csv.DictReader(file))
    # Two signs may stand in any file by chance; three and more of a name may not.
    wanted = [each for each in clear if len(each) > 2]
    assert len(wanted) > 5_000
    data = b"\n".join(path.read_bytes() for path in (invented / "hall").iterdir() if path.name != FILE)
    assert len(data) > 1_000_000
    # Whatever in the files could be a name or a number at all, and nothing else: looked through in a moment.
    pieces = set(re.findall(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2,}|[0-9A-Z]{8,}", data))
    readable = b" ".join(pieces).decode(errors="replace")
    assert "芗城区" in readable
    assert [each for each in wanted if each in readable] == []


# ---- the seal ------------------------------------------------------------------------------------------------------


def test_a_sealed_name_cannot_be_read_moved_or_changed(tmp_path: Path) -> None:
    seal = read_or_make(tmp_path)
    closed = seal.close("欧阳娜", "name:1")
    assert seal.text(closed, "name:1") == "欧阳娜"
    assert "欧阳娜".encode() not in closed
    changed = closed[:-1] + bytes([closed[-1] ^ 1])
    for what, where, who in ((closed, "name:2", seal), (changed, "name:1", seal), (closed, "name:1", Seal(bytes(32)))):
        with pytest.raises(SealBroken):
            who.text(what, where)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    read_or_make(tmp_path)
    key = (tmp_path / FILE).read_bytes()
    read_or_make(tmp_path)
    assert (tmp_path / FILE).read_bytes() == key
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_bytes(b"short")
    with pytest.raises(SealBroken):
        read_or_make(tmp_path)


def test_the_command_tells_what_it_took_and_refused(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "taxpayers.csv", [taxpayer_row(NUMBER, 1), taxpayer_row("91350100M000100Y44", 2)])
    words = ["register", "import", str(file), "--kind", "taxpayers", "--data", str(tmp_path / "hall"), "--json"]
    told = json.loads(run(command("taxhall", *words)))
    assert (told["rows"], told["added"]) == (2, 1)
    assert told["refused"] == [{"row": 3, "field": "number", "problem": "bad_check"}]
    with pytest.raises(Failed, match="exit code 2"):
        run(command("taxhall", *words[:4], "stamps"))
