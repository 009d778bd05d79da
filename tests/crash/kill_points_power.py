"""Power cuts, at every write and every flush of a recorded run.

    python -m tests.crash.kill_points_power [--seed 1] [--states 3000] [--mutant NAME]

A real kiosk (or hall) is watched by strace while people visit it: every byte that it writes to a file, every flush, and
every byte that leaves it to printer, terminal or network, in order. Afterwards the power is cut on paper, as often as
one likes: at each point of that record, what was flushed is on the disk, and of what was written since some is there,
some is not, and some is torn at 512 bytes; and once everything is there, which is what kill -9 leaves. From each such
disk the store is opened and held against what had left the machine by then.

A device-mapper between file system and disk would do the same with root; this needs none, and sees the same flushes.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from demo.hall_server import command, run
from demo.processes import Failed, Process, wait_until
from kiosk.domain.filing import Form
from kiosk.domain.messages import CHAIN_START, row_hash
from kiosk.session.state import Purpose
from kiosk.settings import load
from kiosk.store.database import StoreError, read_or_make_key
from kiosk.store.store import Store
from tests.crash import kill_points_mutants as mutants
from tests.crash.script import Wish
from tests.crash.town import Citizen, Town, VisitEnded, citizens

SECTOR = 512

WATCHED = "pwrite64,write,writev,sendto,sendmsg,fsync,fdatasync,ftruncate,unlink"


# ---- the record ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Written:
    path: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Cut:
    """Made this long; 0: also a file that was removed."""

    path: str
    size: int


@dataclass(frozen=True)
class Flushed:
    path: str


@dataclass(frozen=True)
class Left:
    """Bytes that left the machine: ``to`` is what strace calls the other end."""

    to: str
    data: bytes


Happened = Written | Cut | Flushed | Left

_CALL = re.compile(r"^\d+ +(\w+)\((.*)$")
_RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>")
_FD = re.compile(r"^\d+<([^>]*)>(?:, ?|\)| )")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def strace(log: Path, *more: str) -> list[str]:
    """In front of a program: what it does is in ``log``. It ends with its watcher."""
    return [
        "strace", "-f", "-qq", "-xx", "-y", "-s", "200000", "-o", str(log),
        "-e", f"trace={WATCHED}", "-e", "signal=none", *more, "--", "setpriv", "--pdeathsig", "KILL", "--",
    ]  # fmt: skip


def read_record(log: Path) -> list[Happened]:
    """In order. A write counts when it begins, a flush when it has ended: the harder reading of both."""
    happened: list[Happened] = []
    flushing: dict[str, str] = {}
    for line in log.read_text(errors="replace").splitlines():
        if resumed := _RESUMED.match(line):
            thread, call = resumed.groups()
            if call in ("fsync", "fdatasync") and thread in flushing and line.endswith("= 0"):
                happened.append(Flushed(flushing.pop(thread)))
            continue
        found = _CALL.match(line)
        if found is None:
            continue
        call, words = found.groups()
        if call == "unlink":
            path = b"".join(_bytes(text) for text in _TEXT.findall(words)).decode()
            happened.append(Cut(path, 0))
            continue
        end = _FD.match(words)
        if end is None:
            continue
        path = _path(end.group(1))
        rest = words[end.end() :]
        match call:
            case "fsync" | "fdatasync" if "unfinished" in line:
                flushing[line.split(" ", 1)[0]] = path
            case "fsync" | "fdatasync" if line.endswith("= 0"):
                happened.append(Flushed(path))
            case "ftruncate":
                happened.append(Cut(path, int(re.split(r"[,) ]", rest)[0])))
            case "pwrite64":
                data = b"".join(_bytes(text) for text in _TEXT.findall(rest))
                happened.append(Written(path, int(re.findall(r", (\d+)(?:\)| <unfinished)", rest)[-1]), data))
            case "write" | "writev" | "sendto" | "sendmsg":
                data = b"".join(_bytes(text) for text in _TEXT.findall(rest))
                happened.append(Left(path, data))
    return happened


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _path(name: str) -> str:
    return _bytes(name).decode(errors="replace") if name.startswith("\\x") else name


# ---- the disk ------------------------------------------------------------------------------------------------------


@dataclass
class Disk:
    """The files of one folder: what is on the platter, and what waits to get there."""

    files: dict[str, bytearray]
    waiting: list[Written | Cut] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, names: Iterable[str]) -> Disk:
        there = [folder / name for name in names if (folder / name).exists()]
        return cls({str(file): bytearray(file.read_bytes()) for file in there})

    def takes(self, happened: Happened) -> None:
        match happened:
            case Written(path) | Cut(path) if _ours(path):
                self.waiting.append(happened)
            case Flushed(path) if _ours(path):
                for each in self.waiting:
                    if each.path == path:
                        _apply(self.files, each)
                self.waiting = [each for each in self.waiting if each.path != path]

    def after_kill(self) -> dict[str, bytearray]:
        """The process is gone, the machine goes on: every write gets there."""
        files = {path: bytearray(data) for path, data in self.files.items()}
        for each in self.waiting:
            _apply(files, each)
        return files

    def after_power_cut(self, chance: random.Random) -> dict[str, bytearray]:
        """Of what waits some gets there, in any order, some does not, and some in part."""
        files = {path: bytearray(data) for path, data in self.files.items()}
        # Now and then nothing at all gets there: the page cache had all the time in the world.
        share = chance.choice((0.0, 0.3, 0.7, 1.0))
        for each in self.waiting:
            if chance.random() >= share:
                continue
            if isinstance(each, Written) and len(each.data) > SECTOR and chance.random() < 0.3:
                begin = SECTOR * chance.randrange(len(each.data) // SECTOR)
                end = begin + SECTOR * chance.randint(1, len(each.data) // SECTOR)
                _apply(files, Written(each.path, each.offset + begin, each.data[begin:end]))
            else:
                _apply(files, each)
        return files


def _ours(path: str) -> bool:
    """What a database leaves on the disk; its -shm is made anew from the WAL."""
    return path.endswith((".sqlite", ".sqlite-wal", ".sqlite-journal"))


def _apply(files: dict[str, bytearray], each: Written | Cut) -> None:
    content = files.setdefault(each.path, bytearray())
    match each:
        case Written(_, offset, data):
            content.extend(bytes(max(0, offset + len(data) - len(content))))
            content[offset : offset + len(data)] = data
        case Cut(_, size):
            del content[size:]
            content.extend(bytes(max(0, size - len(content))))


# ---- a run to cut --------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """One side's record, its disk before it, and who its devices are."""

    side: str
    disk: Disk
    record: list[Happened]
    settings: Path
    ends: dict[str, str]
    """The name by which the record knows a device → the device."""


@dataclass
class Tally:
    runs: int = 0
    points: int = 0
    states: int = 0
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def row(self, what: str, seed: int) -> str:
        return (
            f"{what} | {self.points} cut points of {self.runs} runs | {self.states} disks (killed, cut, torn) |"
            f" {len(self.violations)} violations | {self.states / max(self.seconds, 0.1):.0f} disks a second |"
            f" seed {seed}"
        )


def cut_everywhere(run: Run, seed: int, states: int, tally: Tally) -> None:
    """At every point of the record, or where there are more than ``states`` allow, at those that say most: around
    flushes and around what leaves the machine."""
    chance = random.Random(seed)
    began = time.monotonic()
    wanted = [index for index, happened in enumerate(run.record) if _matters(run, happened)]
    each = 2
    if len(wanted) * each > states:
        wanted = sorted(chance.sample(wanted, max(1, states // each)))
    chosen = set(wanted)
    disk = Disk({path: bytearray(data) for path, data in run.disk.files.items()})
    left: list[Left] = []
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as name:
        for index, happened in enumerate(run.record):
            disk.takes(happened)
            if isinstance(happened, Left):
                left.append(happened)
            if index not in chosen:
                continue
            tally.points += 1
            for how, files in (("killed", disk.after_kill()), ("power cut", disk.after_power_cut(chance))):
                tally.states += 1
                for problem in check(run, files, left, Path(name)):
                    tally.violations.append(f"{run.side} {how} at {index}: {problem}")
    tally.runs += 1
    tally.seconds += time.monotonic() - began


def _fast_folder() -> str | None:
    """What is checked there was cut already; flushing it again would only take time."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _matters(run: Run, happened: Happened) -> bool:
    match happened:
        case Left(to, data):
            return to in run.ends or b"HTTP/1.1" in data or b'"key"' in data or b'"token"' in data
        case Written(path) | Cut(path) | Flushed(path):
            return _ours(path)


def check(run: Run, files: dict[str, bytearray], left: list[Left], folder: Path) -> list[str]:
    """What is wrong with this disk, seen what had left the machine before it."""
    for old in folder.iterdir():
        old.unlink()
    for path, data in files.items():
        if data or not path.endswith(("-wal", "-journal")):
            (folder / Path(path).name).write_bytes(data)
    try:
        return _check_kiosk(run, folder, left) if run.side == "kiosk" else _check_hall(folder, left)
    except (StoreError, sqlite3.Error) as problem:
        return [f"the store cannot be opened: {problem}"]


_KEY = re.compile(rb'"key": ?"([0-9a-f]{32})"')
_TOKEN = re.compile(rb'"token": ?"([0-9A-Za-z_-]+)"')
_REFERENCE = re.compile(rb'"reference": ?"([^"]+)"')
_APPROVED = re.compile(rb'^{"key":"([0-9a-f]{32})","state":"(?:approved|entered)"')
"""A payment's view, whole: the hall says that it knows of the charge."""


def _check_kiosk(run: Run, folder: Path, left: list[Left]) -> list[str]:
    store = Store(folder / "kiosk.sqlite", read_or_make_key(load(run.settings).kiosk.key_file))
    try:
        with store._transaction(True) as connection:
            ask = connection.exec_driver_sql
            problems = []
            if (found := ask("PRAGMA integrity_check").scalar()) != "ok":
                problems.append(f"integrity: {found}")
            known = {
                key
                for table in ("ask", "ticket", "filing", "payment", "issue")
                for key in ask(f"SELECT key FROM {table}").scalars()
            }
            jobs = {"ticket-printer": 0, "receipt-printer": 0}
            for each in left:
                device = run.ends.get(each.to, "")
                if device in jobs and b"\x1b@" in each.data:
                    jobs[device] += 1
                if each.to.startswith("socket") or device == "pos":
                    told = {key.decode() for key in _KEY.findall(each.data)} - known
                    problems += [f"{key} was told to {device or 'the hall'} and is not known here" for key in told]
            for device, count in jobs.items():
                kinds = "kind = 'ticket'" if device == "ticket-printer" else "kind <> 'ticket'"
                ledger = ask(f"SELECT count(*) FROM slip WHERE {kinds} AND state <> 'intended'").scalar_one()
                if ledger < count:
                    problems.append(f"{device}: {count} slips came out, the ledger knows {ledger}")
            orphans = ask("SELECT count(*) FROM slip WHERE kind = 'ticket' AND reprint = 0"
                          " AND token NOT IN (SELECT token FROM ticket)").scalar_one()  # fmt: skip
            if orphans:
                problems.append(f"{orphans} slips of tickets that are not there")
            facts = ask("SELECT count(*) FROM journal WHERE kind = 'ticket_issued_here'").scalar_one()
            own = ask("SELECT count(*) FROM ticket WHERE own_series = 1").scalar_one()
            if facts != own:
                problems.append(f"{own} numbers of its own series, the journal tells of {facts}")
            ended = ask("SELECT count(*) FROM slip WHERE state IN ('done', 'failed', 'uncertain')").scalar_one()
            said = ask("SELECT count(*) FROM journal WHERE kind IN ('slip_printed', 'document_printed')").scalar_one()
            if ended > said:
                problems.append(f"{ended} sheets have ended, the journal tells of {said}")
            problems += _check_taxes(ask, run, left)
            problems += _chain(
                [tuple(row) for row in ask("SELECT seq, kind, at, clock, body, hash FROM journal ORDER BY seq")]
            )
        # It must also be able to go on from there.
        now = datetime.now().astimezone()
        store.recover(now)
        store.recover_taxes(now)
        return problems
    finally:
        store.close()


def _check_taxes(ask: Callable[[str], Any], run: Run, left: list[Left]) -> list[str]:
    """Returns, payments and papers at the kiosk."""
    problems = []
    states = {row.key: row.state for row in ask("SELECT key, state FROM payment")}
    charged = {key.decode() for each in left if run.ends.get(each.to) == "pos" for key in _KEY.findall(each.data)}
    early = [key for key in charged if states.get(key) in ("intended", "held")]
    problems += [f"{key} was told to the terminal before that was durable" for key in early]
    told = {word for each in left if each.to.startswith("socket") for word in _REFERENCE.findall(each.data)}
    known = sum(1 for state in states.values() if state in ("approved", "to_reverse", "reversed"))
    if known < len(told):
        problems.append(f"the hall heard of {len(told)} charges, {known} are known here")
    # What the hall has not answered itself it can only learn from the journal.
    ended = set(ask("SELECT key FROM payment WHERE hall IS NULL AND state IN ('approved', 'refused')").scalars())
    bodies = ask("SELECT body FROM journal WHERE kind = 'payment_ended'").scalars()
    untold = ended - {msgspec.json.decode(body)["key"] for body in bodies if body}
    problems += [f"{key} has ended, and the journal tells nothing of it" for key in untold]
    numbered = ask("SELECT count(*) FROM slip WHERE kind IN ('certificate', 'invoice') AND state <> 'intended'"
                   " AND reprint = 0").scalar_one()  # fmt: skip
    on_paper = ask("SELECT count(*) FROM issue WHERE state = 'on_paper'").scalar_one()
    if numbered > on_paper:
        problems.append(f"{numbered} numbered blanks were printed on, {on_paper} are known to be on paper")
    return problems


def _chain(rows: list[tuple[int, str, str, str | None, bytes, str]]) -> list[str]:
    problems = []
    previous = rows[0][5] if rows and rows[0][0] != 1 else CHAIN_START
    for number, (seq, kind, at, clock, body, own) in enumerate(rows, rows[0][0] if rows else 1):
        if seq != number:
            return [f"the journal has a gap before {seq}"]
        # Of the first row that is left its predecessor is gone, and of what the hall holds the body.
        follows = not body or (number == rows[0][0] and seq != 1)
        shown = datetime.fromisoformat(clock) if clock else None
        if not follows and row_hash(previous, seq, kind, datetime.fromisoformat(at), body, shown) != own:
            problems.append(f"journal row {seq} does not follow its predecessor")
        previous = own
    return problems


def _check_hall(folder: Path, left: list[Left]) -> list[str]:
    import pysqlite3.dbapi2 as newer

    problems = []
    with closing(newer.connect(str(folder / "hall.sqlite"))) as database:

        def column(statement: str) -> set[str]:
            return {value for (value,) in database.execute(statement)}

        if (found := database.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            problems.append(f"integrity: {found}")
        tokens = column("SELECT token FROM ticket")
        tables = ("ticket", "other_key", "filing", "payment", "certificate", "invoice")
        keys = {key for table in tables for key in column(f"SELECT key FROM {table}")}
        charged = column("SELECT key FROM payment WHERE outcome = 'approved'")
        sent = column("SELECT filing FROM filing_item WHERE sent > 0") | column(
            "SELECT key FROM entry_item WHERE sent > 0"
        )
        for head, body in _messages(left):
            gone = {token.decode() for token in _TOKEN.findall(body)} - tokens
            problems += ["a number was told to a kiosk and is not known any more" for _ in gone]
            told = {key.decode() for key in _KEY.findall(body)}
            if head.startswith(b"HTTP/1.1 200"):
                problems += [f"{key} was answered and is not known any more" for key in told - keys]
                if (view := _APPROVED.match(body)) and view[1].decode() not in charged:
                    problems.append(f"{view[1].decode()} was answered as charged, and that is not known any more")
            elif head.startswith(b"POST /bureau/"):
                problems += [f"{key} was told to a bureau and is not known to be sent" for key in told - sent]
    return problems


def _messages(left: list[Left]) -> Iterator[tuple[bytes, bytes]]:
    """What left over each connection: the head of a message, and every piece that followed it."""
    heads: dict[str, bytes] = {}
    for each in left:
        if not each.to.startswith(("socket", "TCP")):
            continue
        head, parted, body = each.data.partition(b"\r\n\r\n")
        if parted and head.startswith((b"HTTP/1.1 ", b"POST ", b"GET ")):
            heads[each.to] = head
        else:
            body = each.data
        yield heads.get(each.to, b""), body


# ---- recording -----------------------------------------------------------------------------------------------------


class Booth:
    """The smallest place where a number can be taken: a hall without bureaus, one kiosk, its devices. Recorded."""

    def __init__(self, folder: Path, mutant: str = "") -> None:
        self.folder, self.mutant = folder, mutant

    def runs(self) -> list[Run]:
        """Two people take a number while the hall answers, one while it is dead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        town = Town(self.folder, citizens(3))
        town.bureaus = {}
        hall, devices = town.hall, None
        try:
            hall.start()
            devices = self._devices(town)
            town._devices = devices
            self._enrol(town)
            runs = []
            hall_log, kiosk_log = self.folder / "hall.trace", self.folder / "kiosk.trace"
            hall.stop()
            hall_before = Disk.of(hall.data, ("hall.sqlite", "hall.sqlite-wal"))
            hall.program = [
                *strace(hall_log),
                *(mutants.program(self.mutant) if self.mutant in mutants.HALL else command("taxhall")),
            ]
            hall.start()
            town.kiosk_program = mutants.program(self.mutant) if self.mutant in mutants.KIOSK else town.kiosk_program
            town.kiosk_program = [*strace(kiosk_log), *town.kiosk_program]
            before = Disk.of(self.folder / "kiosk", ("kiosk.sqlite", "kiosk.sqlite-wal"))
            wish = Wish(Purpose.TAKE_NUMBER, "", Form.VAT_SMALL_SCALE)
            for number, person in enumerate(town.people):
                if number == 2:
                    hall.kill()
                    runs.append(Run("hall", hall_before, read_record(hall_log), town.settings, {}))
                visit(town, person, wish)
                runs.append(Run("kiosk", before, read_record(kiosk_log), town.settings, ends_of(town)))
                before = Disk.of(self.folder / "kiosk", ("kiosk.sqlite", "kiosk.sqlite-wal"))
            return runs
        finally:
            town.kill_kiosk()
            hall.kill()
            if devices is not None:
                devices.kill()

    def _devices(self, town: Town) -> Process:
        devices = Process(
            "devices", command("taxkiosk", "bench", "--dir", str(town.bench)), self.folder / "devices.log"
        )
        wait_until(lambda: "ready" in devices.said, 60, "the devices are there", devices)
        return devices

    def _enrol(self, town: Town) -> None:
        (self.folder / "kiosk").mkdir(exist_ok=True)
        devices = "".join(
            f'{name} = "{town.bench / name.replace("_", "-")}"\n'
            for name in ("id_card", "ticket_printer", "receipt_printer", "pos")
        )
        town.settings.write_text(
            f'[kiosk]\ndata_dir = "."\nkey_file = "key"\nhall_url = "{town.hall.url}"\n[devices]\n{devices}',
            encoding="utf-8",
        )
        code = town.hall.command("enrol", "K7")["code"]
        run(command("taxkiosk", "enrol", code, "--settings", str(town.settings)))


def visit(town: Town, person: Citizen, wish: Wish) -> str:
    try:
        return town.visit(person, wish)
    except VisitEnded:
        return "died"


def ends_of(town: Town) -> dict[str, str]:
    return {os.readlink(town.bench / name): name for name in ("ticket-printer", "receipt-printer", "pos", "id-card")}


def town_runs(folder: Path, mutant: str = "") -> list[Run]:
    """A return filed and paid, a certificate, an invoice: kiosk and hall, with both bureaus. Raises Failed if one of
    these visits did not come to its end: what is not there cannot be cut."""
    from tests.crash.campaign import ANSWERS

    with Town(folder, citizens(2)) as town:
        hall_log, kiosk_log = folder / "hall.trace", folder / "kiosk.trace"
        town.hall.stop()
        hall_before = Disk.of(town.hall.data, ("hall.sqlite", "hall.sqlite-wal"))
        hall = mutants.program(mutant) if mutant in mutants.HALL else command("taxhall")
        town.hall.program = [*strace(hall_log), *hall]
        town.hall.start()
        kiosk = mutants.program(mutant) if mutant in mutants.KIOSK else town.kiosk_program
        town.kiosk_program = [*strace(kiosk_log), *kiosk]
        runs = []
        person = town.people[0]
        taxpayer = str(town.hall_rows("SELECT id FROM taxpayer WHERE state_serial = ?", person.state_serial)[0][0])
        wishes = [
            Wish(Purpose.FILE, taxpayer, Form.VAT_SMALL_SCALE, ANSWERS),
            Wish(Purpose.CERTIFICATE, taxpayer, Form.VAT_SMALL_SCALE, ANSWERS),
            Wish(Purpose.INVOICE, "self", Form.INVOICE_ON_BEHALF, ANSWERS),
        ]
        for wish in wishes:
            # The agent empties the journal beside the visit; its writes are not in this record.
            town.kill_agent()
            before = Disk.of(folder / "kiosk", ("kiosk.sqlite", "kiosk.sqlite-wal"))
            if (ended := visit(town, person, wish)) != "finished" and not mutant:
                raise Failed(f"{wish.purpose.value} came to no end: {ended}")
            runs.append(Run("kiosk", before, read_record(kiosk_log), town.settings, ends_of(town)))
            if mutant:
                # A damaged side need not come to the second visit.
                break
            town.start_agent()
            town.settled()
        town.hall.kill()
        runs.append(Run("hall", hall_before, read_record(hall_log), town.settings, {}))
        return runs


def campaign(folder: Path, seed: int, states: int, mutant: str = "", taxes: bool = False) -> Tally:
    """``taxes``: of a return, a payment, a certificate and an invoice as well; with a mutant, of these alone."""
    tally = Tally()
    runs = [] if taxes and mutant else Booth(folder / "booth", mutant).runs()
    if taxes:
        runs += town_runs(folder / "town", mutant)
    for number, each in enumerate(runs):
        cut_everywhere(each, seed + number, max(20, states // len(runs)), tally)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--states", type=int, default=3000)
    parser.add_argument("--mutant", choices=sorted({*mutants.KIOSK, *mutants.HALL}), default="")
    parser.add_argument("--taxes", action="store_true", help="cut the mutant's returns and payments, not its tickets")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="power-"))
    tally = campaign(folder, given.seed, given.states, given.mutant, given.taxes or not given.mutant)
    for problem in tally.violations[:20]:
        sys.stdout.write(f"  {problem}\n")
    sys.stdout.write(tally.row("power cuts" + (f", {given.mutant}" if given.mutant else ""), given.seed) + "\n")
    if not tally.violations:
        shutil.rmtree(folder)
    return 1 if tally.violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
