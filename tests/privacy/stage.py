"""Whole visits of made-up people in a town whose kiosk and hall have a small disk of their own; afterwards everything
that they have written anywhere is looked through.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from kiosk.domain.filing import Form
from kiosk.session.state import Purpose
from systemd.placing import HERE
from tests.appliance.machine import Unit
from tests.crash.campaign import ANSWERS
from tests.crash.script import Wish
from tests.crash.town import Citizen, Town, VisitEnded, citizens
from tests.privacy.canaries import Canary, in_memory, needles

NAME = "慕容紫菀"
SALES, GROSS = "437919", "53718"

#: So that freed memory is overwritten, as the service's own unit says: all of it is the C library's, which writes 0xAA
#: over what it gets back. What is found in spite of it was not freed.
OVERWRITES = {
    name: value
    for name, value in Unit(HERE / "units/taxkiosk.service").environment().items()
    if name in ("PYTHONMALLOC", "GLIBC_TUNABLES")
}

IMAGE_MIB = 96


def persons(people: list[Citizen]) -> list[Canary]:
    """Who it is."""
    numbers = [Canary("an ID number", (person.number,)) for person in people]
    return [Canary("a name", (NAME,)), *numbers, *(Canary("a taxpayer's number", (each.taxpayer,)) for each in people)]


def figures(people: list[Citizen]) -> list[Canary]:
    """What they declared, and the serials that bureaus know them by. The hall keeps these readable, apart from whom
    they belong to: it adds up and reconciles by them. The kiosk keeps nothing readable."""
    return [
        Canary("what was sold", (SALES, f"{SALES[:3]},{SALES[3:]}", f"{SALES}00")),
        Canary("what an invoice is about", (f"{GROSS}.00", f"{GROSS[:2]},{GROSS[2:]}", f"{GROSS}00")),
        *(Canary("a bureau's serial", (each.state_serial, each.local_serial)) for each in people),
    ]


@contextmanager
def disk(folder: Path) -> Iterator[tuple[Path, Path | None]]:
    """A folder on an ext4 image, and the image; where loop devices do not work, a plain folder and None."""
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(IMAGE_MIB << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=False, capture_output=True)
    # What is freed stays where it was: no discard.
    loop = (
        made.returncode
        or subprocess.run(
            ["mount", "-o", "loop,nodiscard", str(image), str(mounted)], check=False, capture_output=True
        ).returncode
    )
    if loop:
        yield mounted, None
        return
    try:
        yield mounted, image
    finally:
        subprocess.run(["umount", str(mounted)], check=False, capture_output=True)


@dataclass
class Seen:
    """How visits ended, and what a look into the kiosk's memory found one second after each."""

    ended: list[str] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    memory: list[str] = field(default_factory=list)


class PrivateTown(Town):
    """Kiosk and hall on a drive each; the simulated devices and the bureaus' own systems elsewhere."""

    def __init__(self, folder: Path, kiosk: Path, hall: Path) -> None:
        folder.mkdir(parents=True)
        for part, drive in (("kiosk", kiosk), ("hall", hall)):
            (drive / part).mkdir()
            (folder / part).symlink_to(drive / part)
        self.temporary = kiosk / "tmp"
        self.temporary.mkdir()
        super().__init__(folder, [replace(person, name=NAME) for person in citizens(2)])

    def comes(self, person: Citizen, wish: Wish, wanted: list[Canary], seen: Seen, overwrites: bool) -> None:
        """One visit; a second after it, with the process alive, its memory is read from outside and from inside."""
        environment = {
            **os.environ,
            "GATED": "0",
            "VISIT_S": "60",
            "TMPDIR": str(self.temporary),
            **(OVERWRITES if overwrites else {}),
        }
        words = [sys.executable, "-m", "tests.privacy.kiosk", str(self.settings), msgspec.json.encode(wish).decode()]
        with (self.folder / "kiosk.log").open("ab") as log:
            visit = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
            )  # fmt: skip
        assert visit.stdin is not None
        assert visit.stdout is not None
        try:
            seen.ended.append(self._follow(visit, person, None))
            self.do("id-card", "lift")
            time.sleep(1.0)
            texts = [writing for canary in wanted for writing in canary.writings]
            seen.memory += in_memory(visit.pid, needles(wanted, disguises=False))
            visit.stdin.write(json.dumps(texts) + "\n")
            visit.stdin.flush()
            seen.live += json.loads(visit.stdout.readline())["live"]
        except VisitEnded:
            seen.ended.append("died")
        finally:
            visit.kill()
            visit.wait()

    def wishes(self, person: Citizen) -> list[Wish]:
        found = self.hall_rows("SELECT id FROM taxpayer WHERE state_serial = ?", person.state_serial)
        taxpayer = str(found[0][0])
        answers = {**ANSWERS, "sales_ordinary": SALES[::-1], "invoice_gross": GROSS[::-1]}
        return [
            Wish(Purpose.TAKE_NUMBER, "", Form.VAT_SMALL_SCALE),
            Wish(Purpose.FILE, taxpayer, Form.VAT_SMALL_SCALE, answers),
            Wish(Purpose.INVOICE, "self", Form.INVOICE_ON_BEHALF, answers),
            Wish(Purpose.CERTIFICATE, taxpayer, Form.VAT_SMALL_SCALE, answers),
        ]
