"""What a town begins with: a hall's file with its register, stock, clerks and kiosks; a kiosk's empty disk."""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import config
from hall.clock import milliseconds
from hall.filings import stock
from hall.filings.office import TaxOffice, read_rules
from hall.fleet.enrolment import pepper
from hall.queue.windows import set_windows
from hall.register import seal
from hall.register.importing import import_rows
from hall.settings import Settings, read_settings
from hall.store import statements
from hall.store.database import Database
from hall.store.writer import Work, Writer
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.texts import Texts
from kiosk.session.state import Language
from kiosk.store.store import Store
from tests.simulation.people import Citizen, citizens
from tests.simulation.stage import seeded_secrets

MORNING = datetime(2026, 11, 24, 8, 0, tzinfo=HALL_ZONE)
WINDOWS = ("1", "2", "3", "4")
KIOSKS = tuple(f"K{i}" for i in range(1, 61))
PEOPLE = 240


class _Still:
    def now(self) -> datetime:
        return MORNING.replace(day=20)


def private_key(kiosk: str) -> bytes:
    return hashlib.sha256(f"simulated {kiosk}".encode()).digest()


@functools.cache
def people() -> list[Citizen]:
    return citizens(PEOPLE)


@functools.cache
def catalogue() -> Catalogue:
    return Catalogue(config.read_services())


@functools.cache
def texts() -> dict[Language, Texts]:
    return {language: Texts(config.read_texts(language.value)) for language in Language}


def hall_settings(name: str) -> Settings:
    import msgspec

    shipped = read_settings()
    return msgspec.structs.replace(
        shipped,
        hall=msgspec.structs.replace(shipped.hall, id=name, windows=list(WINDOWS)),
        forecast=msgspec.structs.replace(shipped.forecast, runs=5),
    )


@functools.cache
def ground() -> Path:
    """Made once a process, in memory: ``hall/`` and ``kiosk.sqlite`` to be copied for every history."""
    folder = Path(tempfile.mkdtemp(prefix="taxkiosk-simulation-", dir="/dev/shm"))
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with seeded_secrets(Random("founding")):
        _found_hall(folder / "hall")
        Store(folder / "kiosk.sqlite", bytes(32)).close()
    return folder


def _found_hall(data: Path) -> None:
    settings = hall_settings("founding")
    database = Database(data)
    writer = Writer(database.writer, _Still(), lambda events, in_line: None)
    writer.start()
    office = TaxOffice(settings.hall.id, settings.tax, read_rules(settings.tax), seal.read_or_make(data))

    def begin(work: Work) -> None:
        office.pepper = pepper(work)
        set_windows(work, list(WINDOWS))
        for i, window in enumerate(WINDOWS):
            work.connection.execute(
                statements.ADD_STAFF, {"name": f"clerk {window}", "role": "clerk", "password": f"- {i}"}
            )
        for kiosk in KIOSKS:
            public = Ed25519PrivateKey.from_private_bytes(private_key(kiosk)).public_key().public_bytes_raw()
            work.connection.execute(
                statements.ENROL, {"id": kiosk, "public_key": public.hex(), "now": milliseconds(_Still().now())}
            )
            first = int(kiosk[1:]) * 10_000
            stock.add(work, "certificate-state", kiosk, "(261)闽国证 {:07d}", first, first + 9_999)
            stock.add(work, "certificate-local", kiosk, "(261)闽地证 {:07d}", first, first + 9_999)

    writer.submit(begin).result()
    for kind, rows in _register().items():
        report = import_rows(writer, office, kind, rows, _Still().now().date())  # type: ignore[arg-type]
        if report.refused:
            raise RuntimeError(f"{kind}: {report.refused[:3]}")
    writer.stop()
    database.close()


def _register() -> dict[str, list[dict[str, str]]]:
    rows: dict[str, list[dict[str, str]]] = {"taxpayers": [], "persons": [], "levies": []}
    for who in people():
        rows["taxpayers"].append(
            {
                "number": who.taxpayer, "name": f"漳州{who.name}商行", "old_numbers": "",
                "payer": "individual_business", "place": "city", "district_zh": "芗城区",
                "district_en": "Xiangcheng", "credit_grade": "B",
                "state_serial": who.state_serial, "local_serial": who.local_serial,
            }
        )  # fmt: skip
        rows["persons"].append(
            {
                "taxpayer": who.taxpayer, "name": who.name, "number": who.number, "role": "legal_representative",
                "from": "2020-01-01", "to": "",
            }
        )  # fmt: skip
        for form in ("vat_small_scale", "iit_business"):
            facts = '{"kind": "individual_business"}' if form == "iit_business" else "{}"
            rows["levies"].append(
                {
                    "taxpayer": who.taxpayer, "form": form, "cycle": "quarter", "from": "2020-01-01", "to": "",
                    "declared_to": "2025-06-30", "quota": "", "prepaid": "0.00", "facts": facts,
                }
            )  # fmt: skip
    return rows


def copy_hall(to: Path) -> None:
    shutil.copytree(ground() / "hall", to)


def copy_disk(to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(ground() / "kiosk.sqlite", to)


def pepper_of(data: Path) -> bytes:
    import pysqlite3.dbapi2 as sqlite

    db = sqlite.connect(str(data / "hall.sqlite"))
    try:
        found: Any = db.execute("SELECT value FROM secret WHERE name = 'holder_pepper'").fetchone()
        return bytes.fromhex(found[0])
    finally:
        db.close()
