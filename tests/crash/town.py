"""A hall, both bureaus, a kiosk's devices and agent: real processes that may die, and what their books say after."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from demo.hall_server import BureauServer, HallServer, command, run, settings_with
from demo.processes import Failed, Process, wait_until
from demo.wire import Wire
from drivers.bench import control
from drivers.bench.device import BadAction
from hall.register.demo import credit_code, organisation_code
from hall.register.importing import COLUMNS
from tests.crash import mutants
from tests.crash.script import Wish

KIOSK = "K7"
Fate = Callable[[int, str], None]
"""Called before each effect of a visit with its number and name: the moment to kill something."""


@dataclass(frozen=True)
class Citizen:
    """One person with one small business; each case of a campaign has its own."""

    name: str
    number: str
    taxpayer: str
    """Its unified code."""
    state_serial: str
    local_serial: str


def citizens(count: int) -> list[Citizen]:
    """Invented, all with good check digits."""
    return [_citizen(i) for i in range(count)]


def _citizen(i: int) -> Citizen:
    body = f"350602{1950 + i % 40}{1 + i % 12:02d}{1 + i % 28:02d}{i % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]
    code = credit_code("92350602", organisation_code(f"MA8{i:05d}"))
    return Citizen("周慎之", body + check, code, f"1013506{i:013d}", f"2013506{i:013d}")


class VisitEnded(Exception):
    """The kiosk died in mid-visit."""


class Town:
    """Use it in a ``with`` statement."""

    def __init__(self, folder: Path, people: list[Citizen], mutant: str = "") -> None:
        """``mutant``: a fault of tests.crash.mutants, seeded into hall or kiosk."""
        self.folder = folder
        self._kiosk_mutant = mutant if mutant in mutants.KIOSK else ""
        self.people = people
        self.bench = folder / "bench"
        self.bureaus = {
            name: BureauServer(name, folder / "bureaus", folder / f"bureau-{name}.log") for name in ("state", "local")
        }
        self.hall = HallServer(folder / "hall", folder / "hall.log")
        if mutant in mutants.HALL:
            self.hall.program = [sys.executable, "-m", "tests.crash.mutants", mutant]
        self.kiosk_program = [sys.executable, "-m", "tests.crash.faceless"]
        self.agent_program = command("taxkiosk")
        self.settings = folder / "kiosk" / "kiosk.toml"
        self._devices: Process | None = None
        self._agent: Process | None = None
        self._visit: subprocess.Popen[str] | None = None
        self.wire: Wire | None = None

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.kill_kiosk()
        for process in (self._agent, self._devices):
            if process is not None:
                process.stop()
        for server in (self.hall, *self.bureaus.values()):
            if hasattr(server, "process"):
                server.kill()
        if self.wire is not None:
            self.wire.close()

    # ---- what may die ----------------------------------------------------------------------------------------------

    def start_agent(self) -> None:
        words = [*self.agent_program, "sync", "--settings", str(self.settings)]
        self._agent = Process("agent", words, self.folder / "agent.log")

    def kill_agent(self) -> None:
        if self._agent is not None:
            self._agent.kill()

    def kill_kiosk(self) -> None:
        if self._visit is not None:
            self._visit.kill()

    def heal(self) -> None:
        """Everything is back: what was killed is started, what was cut is mended."""
        assert self.wire is not None
        self.wire.fault = "none"
        for bureau in self.bureaus.values():
            if bureau.process.exit_code is not None:
                bureau.start()
            else:
                bureau.do("heal")
        if self.hall.process.exit_code is not None:
            self.hall.start()
        if self._agent is None or self._agent.exit_code is not None:
            self.start_agent()
        self.plug_terminal()
        self.do("pos", "resume")
        self._terminal_pays_by_itself()

    def plug_terminal(self) -> None:
        """In, if it was out."""
        with contextlib.suppress(BadAction):
            self.do("pos", "replug")

    def _terminal_pays_by_itself(self) -> None:
        self.do("pos", "auto", True)
        self.do("pos", "pay-time", 0.4)

    def do(self, device: str, action: str, argument: object = None) -> Any:
        return control.do(self.bench, device, action, argument)

    # ---- a visit ---------------------------------------------------------------------------------------------------

    def visit(self, person: Citizen, wish: Wish, fate: Fate | None = None, seconds: float = 45.0) -> str:
        """One person at the kiosk; how it ended. Raises VisitEnded when the kiosk died on the way."""
        environment = {**os.environ, "GATED": "1" if fate else "0", "VISIT_S": str(seconds)}
        environment["MUTANT"] = self._kiosk_mutant
        with (self.folder / "kiosk.log").open("ab") as log:
            self._visit = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *self.kiosk_program,
                 str(self.settings), msgspec.json.encode(wish).decode()],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
            )  # fmt: skip
        try:
            return self._follow(self._visit, person, fate)
        finally:
            self.kill_kiosk()
            self._visit.wait()
            self._visit = None
            self.do("id-card", "lift")

    def _follow(self, visit: subprocess.Popen[str], person: Citizen, fate: Fate | None) -> str:
        assert visit.stdin is not None
        assert visit.stdout is not None
        for line in visit.stdout:
            with (self.folder / "visits.jsonl").open("a", encoding="utf-8") as file:
                file.write(line)
            said = json.loads(line) if line.startswith("{") else {}
            if "ended" in said:
                return str(said["ended"])
            if said.get("page") == "Identify":
                # On the home page a card would mean: a number, please.
                self.do("id-card", "lay", {"name": person.name, "number": person.number})
            if fate is not None and "effect" in said:
                fate(said["effect"], said["name"])
                try:
                    visit.stdin.write("go\n")
                    visit.stdin.flush()
                except BrokenPipeError:
                    break
        raise VisitEnded

    # ---- what the books say ----------------------------------------------------------------------------------------

    def ledgers(self) -> dict[str, Any]:
        return {name: bureau.ledger() for name, bureau in self.bureaus.items()}

    def hall_rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.hall.data}/hall.sqlite?mode=ro", uri=True)) as database:
            return database.execute(statement, values).fetchall()

    def charges(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.do("pos", "journal")
        return found

    def papers(self) -> list[str]:
        found: list[str] = self.do("receipt-printer", "slips")
        return found

    def settled(self, seconds: float = 60.0) -> None:
        """Waits until nobody has anything left to do. Raises Failed."""

        def quiet() -> bool:
            pending = self.hall_rows(
                "SELECT (SELECT count(*) FROM filing_item WHERE state = 'pending')"
                " + (SELECT count(*) FROM entry_item WHERE state = 'pending')"
                " + (SELECT count(*) FROM payment WHERE outcome IS NULL)"
            )[0][0]
            return pending == 0

        wait_until(quiet, seconds, "hall and bureaus have settled everything", self.hall.process)

    # ---- setting up ------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        (self.folder / "kiosk").mkdir(parents=True, exist_ok=True)
        for bureau in self.bureaus.values():
            bureau.start()
        self.hall.settings = self.folder / "hall.toml"
        self.hall.settings.write_text(settings_with(list(self.bureaus.values())), encoding="utf-8")
        self.hall.start()
        self.wire = Wire("127.0.0.1", self.hall.port)
        self._devices = Process(
            "devices", command("taxkiosk", "bench", "--dir", str(self.bench)), self.folder / "devices.log"
        )
        self._take_register_in()
        wait_until(lambda: "ready" in (self._devices.said if self._devices else ""), 30, "the devices are there")
        self.settings.write_text(self._settings_text(), encoding="utf-8")
        code = self.hall.command("enrol", KIOSK)["code"]
        run(command("taxkiosk", "enrol", code, "--settings", str(self.settings)))
        self.start_agent()
        self._terminal_pays_by_itself()

    def _take_register_in(self) -> None:
        rows: dict[str, list[dict[str, Any]]] = {"taxpayers": [], "persons": [], "levies": []}
        for person in self.people:
            rows["taxpayers"].append({
                "number": person.taxpayer, "name": "漳州芗城慎之商行", "payer": "individual_business", "place": "city",
                "district_zh": "芗城区", "district_en": "Xiangcheng", "credit_grade": "B",
                "state_serial": person.state_serial, "local_serial": person.local_serial,
            })  # fmt: skip
            rows["persons"].append({
                "taxpayer": person.taxpayer, "name": person.name, "number": person.number,
                "role": "legal_representative", "from": "2020-01-01",
            })  # fmt: skip
            rows["levies"].append({
                "taxpayer": person.taxpayer, "form": "vat_small_scale", "cycle": "quarter", "from": "2020-01-01",
                "declared_to": "2026-06-30", "prepaid": "0.00", "facts": "{}",
            })  # fmt: skip
        for kind, found in rows.items():
            file = self.folder / f"{kind}.csv"
            with file.open("w", encoding="utf-8", newline="") as opened:
                writer = csv.DictWriter(opened, COLUMNS[kind])  # type: ignore[index]
                writer.writeheader()
                writer.writerows(found)
            report = self.hall.command("register", "import", str(file), "--kind", kind)
            if report["refused"]:
                raise Failed(f"{kind}: {report['refused'][:3]}")
        for kind, pattern in (("certificate-state", "(261)闽国证 {:07d}"), ("certificate-local", "(261)闽地证 {:07d}")):
            self.hall.command("stock", "add", kind, KIOSK, pattern, "1", "9999")

    def _settings_text(self) -> str:
        assert self.wire is not None
        devices = "".join(
            f'{name} = "{self.bench / name.replace("_", "-")}"\n'
            for name in ("id_card", "ticket_printer", "receipt_printer", "pos")
        )
        return (
            f'[kiosk]\ndata_dir = "."\nkey_file = "key"\nhall_url = "{self.wire.url}"\n[devices]\n{devices}'
            "[limits]\nsubmit_s = 5.0\nask_s = 6.0\nenter_s = 5.0\ncharge_s = 30.0\n"
        )
