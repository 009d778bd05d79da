"""The register comes as CSV from the bureaus. Good rows are kept, bad ones are told row by row; the same file again
changes nothing.

Numbers of persons are hashed here and their names masked; names and numbers of taxpayers are sealed. Reports name the
row and the field, never what stood there.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
from sqlalchemy.exc import IntegrityError

from hall.filings.office import TaxOffice
from hall.filings.receiving import in_fen
from hall.register.obligations import generate
from hall.store import statements_tax as statements
from hall.store.writer import Work, Writer
from kiosk.domain.filing import PERIODIC_RETURNS, Bureau, Form, Levy, PayerKind, Place
from kiosk.domain.holder import mask_name, mask_number
from kiosk.domain.identity import IdentityKind, identify

#: Rows a transaction: kiosks wait no longer than for one of them.
_ROWS = 200

Kind = Literal["taxpayers", "persons", "levies", "returns", "arrears"]

COLUMNS: dict[Kind, tuple[str, ...]] = {
    "taxpayers": (
        "number", "name", "old_numbers", "payer", "place", "district_zh", "district_en", "credit_grade",
        "state_serial", "local_serial",
    ),
    "persons": ("taxpayer", "name", "number", "role", "from", "to"),
    "levies": ("taxpayer", "form", "cycle", "from", "to", "declared_to", "quota", "prepaid", "facts"),
    "returns": ("taxpayer", "form", "period_end", "filed_on"),
    "arrears": ("taxpayer", "levy", "bureau", "period_start", "period_end", "amount", "deadline"),
}  # fmt: skip

ROLES = ("legal_representative", "finance", "filing_clerk", "agent")
_GRADES = ("A", "B", "M", "C", "D")
_CYCLES = ("month", "quarter", "year")
_PEOPLE = (IdentityKind.RESIDENT_ID, IdentityKind.HMT_RESIDENT_ID, IdentityKind.FOREIGNER_ID)

Outcome = Literal["added", "changed", "unchanged"]


class RefusedRow(msgspec.Struct, frozen=True):
    row: int
    """As a spreadsheet counts: the heading is row 1."""
    field: str
    problem: str


class Report(msgspec.Struct):
    kind: Kind
    rows: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: list[RefusedRow] = msgspec.field(default_factory=list)
    obligations: int = 0
    """Made from what the register holds now."""


class UnfitFile(ValueError):
    """Not a CSV file of this kind: nothing of it was looked at."""


class _Bad(ValueError):
    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


@dataclass(frozen=True)
class _Line:
    """One row, read field by field. Every method raises _Bad with the field's name."""

    values: dict[str, str]

    def text(self, field: str, longest: int = 200) -> str:
        value = self.values[field].strip()
        if not value:
            raise _Bad(field, "missing")
        if len(value) > longest:
            raise _Bad(field, "too_long")
        return value

    def one_of(self, field: str, words: Any) -> str:
        value = self.text(field)
        if value not in words:
            raise _Bad(field, "unknown")
        return value

    def day(self, field: str) -> str:
        try:
            return date.fromisoformat(self.text(field)).isoformat()
        except ValueError:
            raise _Bad(field, "not_a_date") from None

    def maybe_day(self, field: str) -> str | None:
        return self.day(field) if self.values[field].strip() else None

    def amount(self, field: str) -> int:
        fen = in_fen(self.text(field))
        if fen is None or fen < 0:
            raise _Bad(field, "not_an_amount")
        return fen


def read_rows(file: Path, kind: Kind) -> list[dict[str, str]]:
    """Raises UnfitFile, OSError."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, strict=True)
            missing = set(COLUMNS[kind]) - set(reader.fieldnames or ())
            if missing:
                raise UnfitFile(f"columns are missing: {', '.join(sorted(missing))}")
            return [{name: row.get(name) or "" for name in COLUMNS[kind]} for row in reader]
    except (csv.Error, UnicodeDecodeError) as error:
        raise UnfitFile(f"not a CSV file in UTF-8: {type(error).__name__}") from None


def import_rows(writer: Writer, office: TaxOffice, kind: Kind, rows: list[dict[str, str]], today: date) -> Report:
    """Take the rows in, a few hundred a transaction. Raises StorageFailed."""
    report = Report(kind, rows=len(rows))
    seen: dict[str, set[str]] = {}
    for chunk in _chunks(rows):
        command = partial(_take, office=office, kind=kind, rows=chunk, today=today, seen=seen)
        for number, told in writer.submit(command).result():
            match told:
                case _Bad():
                    report.refused.append(RefusedRow(number, told.field, told.problem))
                case "added":
                    report.added += 1
                case "changed":
                    report.changed += 1
                case _:
                    report.unchanged += 1
    if kind == "levies":
        report.obligations = writer.submit(lambda work: generate(work, office, today)).result()
    return report


def _chunks(rows: list[dict[str, str]]) -> Iterator[list[tuple[int, dict[str, str]]]]:
    numbered = list(enumerate(rows, 2))
    for at in range(0, len(numbered), _ROWS):
        yield numbered[at : at + _ROWS]


def _take(
    work: Work,
    office: TaxOffice,
    kind: Kind,
    rows: list[tuple[int, dict[str, str]]],
    today: date,
    seen: dict[str, set[str]],
) -> list[tuple[int, Outcome | _Bad]]:
    take = _TAKERS[kind]
    told: list[tuple[int, Outcome | _Bad]] = []
    raw: Any = work.connection.connection.driver_connection
    for number, values in rows:
        # By hand, as the writer does: a savepoint through SQLAlchemy costs more than the row.
        raw.execute("SAVEPOINT one_row")
        try:
            told.append((number, take(work, office, _Line(values), today, seen)))
        except _Bad as bad:
            raw.execute("ROLLBACK TO one_row")
            told.append((number, bad))
        except IntegrityError:
            raw.execute("ROLLBACK TO one_row")
            told.append((number, _Bad("", "contradicts_the_register")))
        raw.execute("RELEASE one_row")
    return told


def _once(seen: dict[str, set[str]], what: str, value: str, field: str) -> None:
    """Twice in one file: which of the two is meant cannot be known, so the second is refused."""
    if value in seen.setdefault(what, set()):
        raise _Bad(field, "duplicate")
    seen[what].add(value)


# ---- taxpayers -----------------------------------------------------------------------------------------------------


def _taxpayer(work: Work, office: TaxOffice, line: _Line, today: date, seen: dict[str, set[str]]) -> Outcome:
    number = _taxpayer_number(line, "number", today)
    values = {
        "name": line.text("name"),
        "payer": line.one_of("payer", set(PayerKind) - {PayerKind.NATURAL_PERSON}),
        "place": line.one_of("place", set(Place)),
        "district_zh": line.text("district_zh", 40),
        "district_en": line.text("district_en", 40),
        "credit_grade": line.one_of("credit_grade", _GRADES) if line.values["credit_grade"].strip() else None,
        "state_serial": line.text("state_serial", 32),
        "local_serial": line.text("local_serial", 32),
    }
    old_numbers = line.values["old_numbers"].split()
    _once(seen, "number", number, "number")
    _once(seen, "state_serial", values["state_serial"] or "", "state_serial")
    _once(seen, "local_serial", values["local_serial"] or "", "local_serial")
    execute = work.connection.execute
    reference = office.number_ref(number)
    held = execute(statements.TAXPAYER_OF_NUMBER, {"number_ref": reference}).one_or_none()
    taxpayer = held.taxpayer if held is not None else office.mark("taxpayer", number)[:24]
    content = office.mark("row", number, msgspec.json.encode([values, old_numbers]).decode())
    before = execute(statements.TAXPAYER_CONTENT, {"id": taxpayer}).one_or_none()
    if before is not None and before.content == content:
        return "unchanged"
    if execute(statements.SERIAL_TAKEN, {"id": taxpayer, **values}).first() is not None:
        raise _Bad("state_serial", "another_taxpayers")
    sealed = {
        "name": office.seal.close(str(values["name"]), f"name:{taxpayer}"),
        "number": office.seal.close(number, f"number:{taxpayer}"),
        "number_masked": mask_number(number),
    }
    execute(statements.PUT_TAXPAYER, {**values, **sealed, "id": taxpayer, "content": content})
    for each in (number, *(old.upper() for old in old_numbers)):
        other = execute(statements.TAXPAYER_OF_NUMBER, {"number_ref": office.number_ref(each)}).one_or_none()
        if other is not None and other.taxpayer != taxpayer:
            raise _Bad("old_numbers", "another_taxpayers")
        execute(statements.PUT_NUMBER, {"number_ref": office.number_ref(each), "id": taxpayer})
    return "added" if before is None else "changed"


def _taxpayer_number(line: _Line, field: str, today: date) -> str:
    found = identify(line.text(field, 40), today)
    if found.kind in _PEOPLE and len(found.number) == 15 and found.problem == "old_15_digit":
        # One in eleven 15-digit unit numbers also looks like an ID number; in a taxpayer's column it is a unit's.
        return found.number
    if not found.valid:
        raise _Bad(field, found.problem or "not_a_number")
    if found.kind is IdentityKind.ORGANISATION_CODE:
        raise _Bad(field, "not_a_taxpayer_number")
    return found.number


def _known(work: Work, office: TaxOffice, line: _Line) -> str:
    number = line.text("taxpayer", 40).upper()
    row = work.connection.execute(
        statements.TAXPAYER_OF_NUMBER, {"number_ref": office.number_ref(number)}
    ).one_or_none()
    if row is None:
        raise _Bad("taxpayer", "not_in_the_register")
    return str(row.taxpayer)


# ---- persons -------------------------------------------------------------------------------------------------------


def _person(work: Work, office: TaxOffice, line: _Line, today: date, seen: dict[str, set[str]]) -> Outcome:
    taxpayer = _known(work, office, line)
    found = identify(line.text("number", 40), today)
    if not found.valid or found.kind not in _PEOPLE:
        raise _Bad("number", found.problem or "not_a_persons_number")
    holder, role = office.number_ref(found.number), line.one_of("role", ROLES)
    _once(seen, "person", f"{taxpayer}:{holder}:{role}", "number")
    values = {
        "id": taxpayer,
        "holder": holder,
        "role": role,
        "name_masked": mask_name(line.text("name")),
        "from_day": line.day("from"),
        "to_day": line.maybe_day("to"),
    }
    if values["to_day"] is not None and values["to_day"] < str(values["from_day"]):
        raise _Bad("to", "before_from")
    before = work.connection.execute(statements.BINDING, values).one_or_none()
    if before is not None and tuple(before) == (values["name_masked"], values["from_day"], values["to_day"]):
        return "unchanged"
    work.connection.execute(statements.PUT_BINDING, values)
    return "added" if before is None else "changed"


# ---- levies --------------------------------------------------------------------------------------------------------


def _levy(work: Work, office: TaxOffice, line: _Line, today: date, seen: dict[str, set[str]]) -> Outcome:
    taxpayer, form = _known(work, office, line), line.one_of("form", set(PERIODIC_RETURNS))
    _once(seen, "levy", f"{taxpayer}:{form}", "form")
    values = {
        "id": taxpayer,
        "form": form,
        "cycle": line.one_of("cycle", _CYCLES),
        "from_day": line.day("from"),
        "to_day": line.maybe_day("to"),
        "declared_to": line.maybe_day("declared_to"),
        "quota": line.amount("quota") if line.values["quota"].strip() else None,
        "prepaid": line.amount("prepaid") if line.values["prepaid"].strip() else 0,
        "facts": _facts(line),
    }
    if values["quota"] is not None and form != Form.VAT_SMALL_SCALE:
        raise _Bad("quota", "not_of_this_form")
    where = {"id": taxpayer, "form": form}
    before = work.connection.execute(statements.REGISTRATION, where).one_or_none()
    if before is not None and all(getattr(before, name) == value for name, value in values.items() if name != "id"):
        return "unchanged"
    work.connection.execute(statements.PUT_REGISTRATION, values)
    return "added" if before is None else "changed"


def _facts(line: _Line) -> str:
    """What the register knows for the form: a JSON object, amounts as text."""
    text = line.values["facts"].strip() or "{}"
    try:
        return msgspec.json.encode(msgspec.json.decode(text, type=dict[str, Any])).decode()
    except msgspec.MsgspecError:
        raise _Bad("facts", "not_a_json_object") from None


# ---- returns that were filed elsewhere, and arrears ------------------------------------------------------------------


def _return(work: Work, office: TaxOffice, line: _Line, today: date, seen: dict[str, set[str]]) -> Outcome:
    taxpayer, form = _known(work, office, line), line.one_of("form", set(PERIODIC_RETURNS))
    where = {"id": taxpayer, "form": form, "period_end": line.day("period_end")}
    day = line.day("filed_on")
    row = work.connection.execute(statements.OBLIGATION_OF_PERIOD, where).one_or_none()
    if row is None:
        raise _Bad("period_end", "no_such_obligation")
    if row.elsewhere is not None:
        return "unchanged"
    if work.connection.execute(statements.LIVE_FILING_OF, {"obligation": row.id}).one_or_none() is not None:
        raise _Bad("period_end", "filed_here")
    work.connection.execute(statements.FILED_ELSEWHERE, {"id": row.id, "day": day})
    return "added"


def _arrear(work: Work, office: TaxOffice, line: _Line, today: date, seen: dict[str, set[str]]) -> Outcome:
    values = {
        "id": _known(work, office, line),
        "levy": line.one_of("levy", set(Levy)),
        "bureau": line.one_of("bureau", set(Bureau)),
        "period_start": line.day("period_start"),
        "period_end": line.day("period_end"),
        "amount": line.amount("amount"),
        "deadline": line.day("deadline"),
    }
    _once(seen, "arrear", f"{values['id']}:{values['levy']}:{values['period_end']}", "period_end")
    before = work.connection.execute(statements.ARREAR, values).one_or_none()
    if before is not None and tuple(before) == (values["bureau"], values["amount"], values["deadline"]):
        return "unchanged"
    work.connection.execute(statements.PUT_ARREAR, values)
    return "added" if before is None else "changed"


_Taker = Callable[[Work, TaxOffice, _Line, date, dict[str, set[str]]], Outcome]
_TAKERS: dict[Kind, _Taker] = {
    "taxpayers": _taxpayer,
    "persons": _person,
    "levies": _levy,
    "returns": _return,
    "arrears": _arrear,
}
