"""One hall with one kiosk, played by real processes in a folder: hall server, simulated devices, sync agent, window;
for returns and payments also both bureaus, and a register of taxpayers.

Used by ``make run`` and by the end-to-end tests. Everything that a stage starts ends with it.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx2

from demo.clerk import Clerk
from demo.display import Display, virtual
from demo.hall_server import BureauServer, HallServer, command, run, settings_with
from demo.people import Person
from demo.processes import Failed, Process, wait_until
from demo.visitor import Visitor
from drivers.bench import control
from drivers.bench.device import BadAction

HALL_ZONE = ZoneInfo("Asia/Shanghai")
KIOSK = "K3"
ID_CARD = "id-card"
TICKET_PRINTER = "ticket-printer"
RECEIPT_PRINTER = "receipt-printer"
POS = "pos"
CLERK = "陈晓"

#: How the numbers are pre-printed on the blanks of this kiosk.
CERTIFICATE_BLANKS = {"certificate-state": "(261)闽国证 {:07d}", "certificate-local": "(261)闽地证 {:07d}"}

_SETTINGS = """\
[kiosk]
data_dir = "data"
key_file = "data/store.key"
hall_url = "{hall_url}"

[devices]
id_card = "{id_card}"
ticket_printer = "{ticket_printer}"
receipt_printer = "{receipt_printer}"
pos = "{pos}"

[look]
width = {width}
height = {height}
fullscreen = false
targets_file = "targets.json"
"""


def taxkiosk(*words: str) -> list[str]:
    return command("taxkiosk", *words)


@dataclass(frozen=True)
class Size:
    """Of the kiosk's screen, in pixels."""

    width: int
    height: int


PORTRAIT = Size(1080, 1920)
LANDSCAPE = Size(1920, 1080)


def window_that_fits(display: Display) -> Size:
    """Portrait, and as large as somebody's own display has room for beside its bars."""
    height = int(display.run("xdotool", "getdisplaygeometry").split()[1])
    height = min(PORTRAIT.height, int(height * 0.85))
    return Size(height * PORTRAIT.width // PORTRAIT.height, height)


@dataclass(frozen=True)
class Slip:
    """What a person reads on a ticket slip. ``link``: behind its QR code."""

    text: str
    number: str
    link: str

    @property
    def is_reprint(self) -> bool:
        return "补打" in self.text


class Stage:
    """Use it in a ``with`` statement; it is entered when the kiosk shows its home page."""

    devices: Process
    sync: Process
    kiosk: Process
    display: Display
    visitor: Visitor

    def __init__(
        self, folder: Path, size: Size = PORTRAIT, display: str | None = None, taxpayers: int | None = None
    ) -> None:
        """``folder``: empty or not there. ``display``: where the window goes; None makes a virtual screen for it.

        ``taxpayers``: how many the hall's register holds; None: no register and no bureaus, the queue alone."""
        self.folder = folder
        self.size = size
        self._display_name = display
        self._taxpayers = taxpayers
        self.bureaus = {
            bureau: BureauServer(bureau, folder / "bureaus", folder / "logs" / f"bureau-{bureau}.log")
            for bureau in (("state", "local") if taxpayers is not None else ())
        }
        self._hall = HallServer(folder / "hall", folder / "logs" / "hall.log")
        self.password = secrets.token_urlsafe(12)
        self._players: list[Process] = []

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
        """Ends what was started last first, so that nobody talks to somebody who has left."""
        while self._players:
            self._players.pop().stop()

    # ---- the hall --------------------------------------------------------------------------------------------------

    @property
    def hall(self) -> Process:
        return self._hall.process

    @property
    def hall_url(self) -> str:
        return self._hall.url

    def start_hall(self) -> None:
        """Again at the same address, once it has had one."""
        self._hall.start()
        self._players.append(self.hall)
        wait_until(self._hall_answers, 60, "the hall answers", self.hall)

    def differences(self) -> list[Any]:
        """Whatever terminal, kiosk, hall and bureaus do not agree about today."""
        today = datetime.now(HALL_ZONE).date().isoformat()
        found: list[Any] = self._hall.command("reconcile", today, *self._hall.settings_words())["differences"]
        return found

    def stop_hall(self) -> None:
        self._dismiss(self.hall)

    def clerk(self, window: str = "1") -> Clerk:
        return Clerk(self.hall_url, CLERK, self.password, window)

    def _hall_answers(self) -> bool:
        try:
            return httpx2.get(f"{self.hall_url}/public/state", timeout=2.0).status_code == 200
        except httpx2.HTTPError:
            return False

    # ---- the devices -----------------------------------------------------------------------------------------------

    @property
    def bench(self) -> Path:
        return self.folder / "bench"

    def do(self, device: str, action: str, argument: object = None) -> object:
        """Something happens to a simulated device, as by ``taxkiosk bench do``."""
        try:
            return control.do(self.bench, device, action, argument)
        except (control.NoBench, BadAction) as problem:
            raise Failed(f"{device} did not {action}: {problem}") from None

    def lays_card(self, person: Person) -> None:
        """On the reader, until it is lifted."""
        self.do(ID_CARD, "lay", {"name": person.name, "number": person.number})

    def slips(self) -> list[Slip]:
        """Every ticket slip that has left the printer, oldest first."""
        texts = self.do(TICKET_PRINTER, "slips")
        assert isinstance(texts, list)
        return [_read(text) for text in texts]

    def last_slip(self) -> Slip:
        return self.slips()[-1]

    def slip_pictures(self, printer: str = TICKET_PRINTER) -> list[Path]:
        return sorted(self.bench.rglob(f"{printer}*/slip-*.png"))

    def papers(self) -> list[str]:
        """What stands on every receipt, certificate and invoice that has left the receipt printer, oldest first."""
        texts = self.do(RECEIPT_PRINTER, "slips")
        assert isinstance(texts, list)
        return [str(text) for text in texts]

    def charges(self) -> list[dict[str, Any]]:
        """Everything the terminal has charged and given back, by its own word."""
        entries = self.do(POS, "journal")
        assert isinstance(entries, list)
        return entries

    # ---- the kiosk -------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> Path:
        return self.folder / "kiosk" / "kiosk.toml"

    def start_kiosk(self) -> None:
        targets = self.folder / "kiosk" / "targets.json"
        targets.unlink(missing_ok=True)
        self.kiosk = self._play(
            "kiosk", taxkiosk("run", "--settings", str(self.settings)), {"DISPLAY": self.display.name}
        )
        self.visitor = Visitor(self.display, self.kiosk, targets)
        self.visitor.waits_for("home", 60)

    def start_sync(self) -> None:
        self.sync = self._play("sync", taxkiosk("sync", "--settings", str(self.settings)))

    def kill_kiosk(self) -> None:
        """As a power cut ends it: in the middle of whatever it does."""
        self.kiosk.kill()
        self._players.remove(self.kiosk)

    # ---- setting up ------------------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        for part in ("hall", "kiosk", "logs"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        if self._display_name:
            self.display = Display(self._display_name)
        else:
            self.display = virtual(self.folder / "logs" / "xvfb.log", self.size.width, self.size.height)
            if self.display.xvfb:
                self._players.append(self.display.xvfb)
        if self.bureaus:
            self._start_bureaus()
        self.start_hall()
        if self._taxpayers is not None:
            self._take_register_in(self._taxpayers)
        self._hall.command("staff", "add", CLERK, typed=f"{self.password}\n")
        self._start_devices()
        self.settings.write_text(self._settings_text(), encoding="utf-8")
        code = self._hall.command("enrol", KIOSK)["code"]
        run(taxkiosk("enrol", code, "--settings", str(self.settings)))
        self.start_sync()
        self.start_kiosk()

    def _start_bureaus(self) -> None:
        for bureau in self.bureaus.values():
            bureau.start()
            self._players.append(bureau.process)
        self._hall.settings = self.folder / "hall.toml"
        self._hall.settings.write_text(settings_with(list(self.bureaus.values())), encoding="utf-8")

    def _take_register_in(self, taxpayers: int) -> None:
        register = self.folder / "register"
        run(command("taxhall", "register", "demo", "--write", str(register), "--taxpayers", str(taxpayers)))
        for kind in ("taxpayers", "persons", "levies", "returns", "arrears"):
            file = register / f"{kind}.csv"
            if file.exists():
                report = self._hall.command("register", "import", str(file), "--kind", kind)
                if report["refused"]:
                    raise Failed(f"the hall refused {len(report['refused'])} rows of {file.name}")
        for kind, pattern in CERTIFICATE_BLANKS.items():
            self._hall.command("stock", "add", kind, KIOSK, pattern, "12301", "12800")

    def _start_devices(self) -> None:
        self.devices = self._play("devices", taxkiosk("bench", "--dir", str(self.bench)))
        plugs = [self.bench / name for name in (ID_CARD, TICKET_PRINTER, RECEIPT_PRINTER, POS)]
        wait_until(lambda: all(plug.exists() for plug in plugs), 60, "the simulated devices are there", self.devices)

    def _settings_text(self) -> str:
        return _SETTINGS.format(
            hall_url=self.hall_url,
            id_card=self.bench / ID_CARD,
            ticket_printer=self.bench / TICKET_PRINTER,
            receipt_printer=self.bench / RECEIPT_PRINTER,
            pos=self.bench / POS,
            width=self.size.width,
            height=self.size.height,
        )

    def _play(self, name: str, command: list[str], env: dict[str, str] | None = None) -> Process:
        process = Process(name, command, self.folder / "logs" / f"{name}.log", env)
        self._players.append(process)
        return process

    def _dismiss(self, process: Process) -> None:
        process.stop()
        self._players.remove(process)


def _read(text: str) -> Slip:
    number = re.search(rf"^\s*(A\d{{3,}}|{KIOSK}-\d{{3,}})\s*$", text, re.MULTILINE)
    link = re.search(r"\[QR (\S+)\]", text)
    return Slip(text, number.group(1) if number else "", link.group(1) if link else "")
