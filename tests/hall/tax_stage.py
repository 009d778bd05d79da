"""A hall with its tax side over real processes: two bureaus, the hall, signing kiosks, and taxpayers to file for."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import hmac
import http.client
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pysqlite3.dbapi2 as sqlite

from benchmarks.hall_load import SigningKiosk
from demo.hall_server import BureauServer, HallServer, settings_with
from demo.processes import wait_until
from hall.bureaus.bench import BureauBench
from hall.bureaus.bench import do as play
from hall.bureaus.faults import On
from hall.filings.office import TaxOffice, open_office
from hall.register.demo import credit_code, organisation_code
from hall.register.importing import Kind, Report, import_rows, read_rows
from hall.settings import read_settings
from hall.store.writer import Writer
from kiosk.domain.day import HALL_ZONE
from kiosk.domain.filing import (
    Applicant,
    Bureau,
    Charge,
    FilingRequest,
    FilingView,
    Form,
    InvoiceOrder,
    PaymentRequest,
    PaymentResult,
    PaymentView,
    TaxpayerFile,
)

OWNER = ("欧阳娜", "35062219880808003X")
STRANGER = ("李雷", "350602199001010013")
LEFT = ("陈美玲", "350605198507150026")

#: The quarter that has ended and is open to be filed on the day these tests run, and the tax on its sales.
SALES, TAX = "400000.00", 424_000

#: Returns for every test of a module: each takes one of its own.
SHOPS = 40


def new_key() -> str:
    return secrets.token_hex(16)


def now() -> datetime:
    return datetime.now(HALL_ZONE)


def numbers(count: int) -> list[str]:
    return [credit_code("92350602", organisation_code(f"MA{at:06d}")) for at in range(1, count + 1)]


def write_csv(file: Path, rows: list[dict[str, Any]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def taxpayer_row(number: str, at: int, **changed: Any) -> dict[str, Any]:
    row = {
        "number": number,
        "name": f"漳州第{at}茶叶商行",
        "old_numbers": "",
        "payer": "individual_business",
        "place": "city",
        "district_zh": "芗城区",
        "district_en": "Xiangcheng",
        "credit_grade": "B",
        "state_serial": f"101{at:08d}",
        "local_serial": f"201{at:08d}",
    }
    return {**row, **changed}


def person_row(taxpayer: str, person: tuple[str, str] = OWNER, **changed: Any) -> dict[str, Any]:
    row = {"taxpayer": taxpayer, "name": person[0], "number": person[1], "role": "legal_representative"}
    return {**row, "from": "2020-01-01", "to": "", **changed}


def last_quarter() -> tuple[str, str]:
    """The last day of the last quarter that has ended, and of the one before."""
    today = now().date()
    first = today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
    end = first - timedelta(days=1)
    before = end.replace(month=end.month - 2, day=1) - timedelta(days=1)
    return end.isoformat(), before.isoformat()


def levy_row(taxpayer: str, **changed: Any) -> dict[str, Any]:
    row = {"taxpayer": taxpayer, "form": "vat_small_scale", "cycle": "quarter", "from": "2020-01-01", "to": ""}
    return {**row, "declared_to": last_quarter()[1], "quota": "", "prepaid": "", "facts": "", **changed}


@dataclass
class Reply:
    status: int
    json: Any

    @property
    def problem(self) -> str:
        return str(self.json.get("problem"))


@dataclass
class Kiosk:
    """Asks as a kiosk does."""

    stage: TaxStage
    signing: SigningKiosk

    def send(self, method: str, path: str, message: Any = None) -> Reply:
        body = b"" if message is None else msgspec.json.encode(message)
        connection = http.client.HTTPConnection("127.0.0.1", self.stage.hall.port, timeout=30)
        try:
            connection.request(method, path, body, self.signing.sign(method, path, body))
            response = connection.getresponse()
            return Reply(response.status, json.loads(response.read()))
        finally:
            connection.close()

    def file(self, request: FilingRequest) -> FilingView:
        reply = self.send("POST", "/kiosk/v1/filings", request)
        assert reply.status == 200, reply
        return msgspec.convert(reply.json, FilingView)

    def filing(self, key: str) -> FilingView:
        return msgspec.convert(self.send("GET", f"/kiosk/v1/filings/{key}").json, FilingView)

    def begin(self, request: PaymentRequest) -> Reply:
        return self.send("POST", "/kiosk/v1/payments", request)

    def result(self, key: str, result: PaymentResult) -> Reply:
        return self.send("POST", f"/kiosk/v1/payments/{key}/result", result)

    def payment(self, key: str) -> PaymentView:
        return msgspec.convert(self.send("GET", f"/kiosk/v1/payments/{key}").json, PaymentView)

    def taxpayer(self, taxpayer: str, person: tuple[str, str] = OWNER) -> TaxpayerFile:
        holder = self.stage.holder(person)
        return msgspec.convert(
            self.send("GET", f"/kiosk/v1/taxpayers/{taxpayer}?holder_ref={holder}").json, TaxpayerFile
        )

    def file_and_pay(self, request: FilingRequest) -> tuple[FilingView, PaymentRequest]:
        """To the end: accepted by both bureaus, charged, entered."""
        view = self.stage.until(self, self.file(request).key, "accepted")
        payment = self.stage.payment(view)
        assert self.begin(payment).status == 200
        assert self.result(payment.key, approved(payment)).status == 200
        self.stage.until_entered(self, payment.key)
        return self.filing(view.key), payment


class TriedBureau(BureauServer):
    """A bureau whose bad days are played from within the test: a command of its own would take longer than the day."""

    def do(self, action: str, argument: str | None = None, on: str = "both", times: int | None = None) -> Any:
        bench = BureauBench.at(Bureau(self.bureau), self.data)
        try:
            return play(bench, action, argument, On(on), times)
        finally:
            bench.close()

    def process_ended(self) -> None:
        wait_until(lambda: self.process.exit_code is not None, 20, "the bureau dies")

    def back(self) -> None:
        """Up again, if it has died, and well."""
        if self.process.exit_code is not None:
            self.process.kill()
            self.start()
        self.do("heal")


class TaxStage:
    def __init__(self, folder: Path, **tax: object) -> None:
        self.folder = folder
        self.state = TriedBureau("state", folder / "bureaus", folder / "state.log")
        self.local = TriedBureau("local", folder / "bureaus", folder / "local.log")
        self.settings = folder / "hall.toml"
        self.hall = HallServer(folder / "hall", settings=self.settings)
        self._tax = {"retry_first_s": 0.1, "retry_longest_s": 0.5, "bureau_timeout_s": 1.0, "answer_s": 3.0, **tax}
        self._pepper = ""
        self._next = 0

    def start(self) -> None:
        self.state.start()
        self.local.start()
        self.write_settings()
        self._fill_register()
        self.hall.start()

    def write_settings(self) -> None:
        text = settings_with([self.state, self.local])
        for name, value in self._tax.items():
            said = json.dumps(value)
            lines = [f"{name} = {said}" if line.startswith(f"{name} =") else line for line in text.splitlines()]
            text = "\n".join(lines) + "\n"
        self.settings.write_text(text, encoding="utf-8")

    def _fill_register(self) -> None:
        self.numbers = numbers(SHOPS)
        files: dict[Kind, list[dict[str, Any]]] = {
            "taxpayers": [taxpayer_row(number, at) for at, number in enumerate(self.numbers, 1)],
            "persons": [person_row(number) for number in self.numbers]
            + [person_row(self.numbers[0], LEFT, to="2026-01-31")],
            "levies": [levy_row(number) for number in self.numbers],
        }
        with open_office(self.hall.data, read_settings(self.settings)) as (writer, office):
            self._pepper = office.pepper
            for kind, rows in files.items():
                report = self._take(writer, office, kind, rows)
                assert report.refused == [], report

    def register(self, kind: Kind, rows: list[dict[str, Any]]) -> Report:
        """Beside the running hall, as ``taxhall register import`` does."""
        with open_office(self.hall.data, read_settings(self.settings)) as (writer, office):
            return self._take(writer, office, kind, rows)

    def _take(self, writer: Writer, office: TaxOffice, kind: Kind, rows: list[dict[str, Any]]) -> Report:
        file = write_csv(self.folder / f"{kind}-{secrets.token_hex(3)}.csv", rows)
        return import_rows(writer, office, kind, read_rows(file, kind), now().date())

    def stop(self) -> None:
        for server in (self.hall, self.state, self.local):
            server.stop()

    def kiosk(self, name: str = "K1") -> Kiosk:
        signing = SigningKiosk(name)
        asyncio.run(signing.enrol(self.hall))
        return Kiosk(self, signing)

    # ---- whom to file for --------------------------------------------------------------------------------------------

    def holder(self, person: tuple[str, str] = OWNER) -> str:
        return hmac.new(bytes.fromhex(self._pepper), person[1].encode(), hashlib.sha256).hexdigest()

    def taxpayer_id(self, number: str) -> str:
        mark = hmac.new(bytes.fromhex(self._pepper), f"taxpayer:{number}".encode(), hashlib.sha256).hexdigest()
        return mark[:24]

    def shop(self) -> str:
        """A taxpayer that no other test has filed for."""
        return self.taxpayer_id(self.shop_number())

    def shop_number(self) -> str:
        self._next += 1
        return self.numbers[self._next]

    def return_for(self, kiosk: Kiosk, taxpayer: str, sales: str = SALES, total: int = TAX) -> FilingRequest:
        obligation = kiosk.taxpayer(taxpayer).obligations[0]
        return FilingRequest(
            key=new_key(),
            taxpayer=taxpayer,
            holder_ref=self.holder(),
            form=Form.VAT_SMALL_SCALE,
            request={
                "form": "vat_small_scale",
                "period": {"kind": "quarter", "end": obligation.period_end.isoformat()},
                "place": "city",
                "sales": {"goods": sales},
            },
            total=total,
            declared_at=now(),
            obligation=obligation.id,
        )

    def invoice_request(self, gross: str, total: int, person: tuple[str, str] = OWNER, **changed: Any) -> FilingRequest:
        """A natural person's services, today."""
        wanted = {
            "form": "invoice_on_behalf",
            "date": now().date().isoformat(),
            "place": "city",
            "payer": "natural_person",
            "item": "services",
            "gross": gross,
            "invoice": "ordinary",
        }
        return FilingRequest(
            key=new_key(),
            taxpayer="self",
            holder_ref=self.holder(person),
            form=Form.INVOICE_ON_BEHALF,
            request={**wanted, **changed},
            total=total,
            declared_at=now(),
            applicant=Applicant(*person),
            invoice=InvoiceOrder("漳州宏顺茶叶有限公司", "", "*设计服务*平面设计", "ordinary"),
        )

    def payment(self, *views: FilingView, person: tuple[str, str] = OWNER) -> PaymentRequest:
        return PaymentRequest(
            key=new_key(),
            filings=[view.key for view in views],
            amount=sum(view.payable_now for view in views),
            holder_ref=self.holder(person),
            begun_at=now(),
        )

    # ---- waiting -----------------------------------------------------------------------------------------------------

    def until(self, kiosk: Kiosk, key: str, state: str, seconds: float = 20) -> FilingView:
        deadline = time.monotonic() + seconds
        while (view := kiosk.filing(key)).state != state:
            assert time.monotonic() < deadline, f"{view.state} instead of {state}: {view.parts}"
            time.sleep(0.05)
        return view

    def until_entered(self, kiosk: Kiosk, key: str, seconds: float = 20) -> PaymentView:
        deadline = time.monotonic() + seconds
        while (view := kiosk.payment(key)).state != "entered":
            assert time.monotonic() < deadline, f"{view.state}: {view.parts}"
            time.sleep(0.05)
        return view

    def heal(self) -> None:
        for bureau in (self.state, self.local):
            bureau.back()

    def booked(self, bureau: BureauServer, filing: str) -> tuple[int, int]:
        """How many returns and how many entries a bureau holds for a filing."""
        ledger = bureau.ledger()
        returns = [each for each in ledger["returns"] if each["key"] == filing]
        return len(returns), sum(each["filing"] == filing for each in ledger["entries"])

    def value(self, sql: str, *values: object) -> Any:
        with sqlite.connect(self.hall.data / "hall.sqlite") as connection:
            return connection.execute(sql, values).fetchone()[0]


def approved(payment: PaymentRequest, **changed: Any) -> PaymentResult:
    charge = Charge(
        terminal="T0000001",
        trace=f"{secrets.randbelow(10**6):06d}",
        reference=secrets.token_hex(6),
        card_masked="6222****1234",
        at=now(),
        amount=payment.amount,
    )
    return PaymentResult("approved", msgspec.structs.replace(charge, **changed))
