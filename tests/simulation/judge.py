"""The promises of the house, as questions to what anybody can see: screens, paper, terminals, disks and ledgers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pysqlite3.dbapi2 as sqlite

from drivers.printer.document import Document
from hall.bureaus.contract import entry_key
from kiosk.domain.day import DAY_STARTS, business_day
from kiosk.session.state import Home, LookingUp, MyTickets, Shown, Sorry, TakeTicket
from kiosk.session.step import WORKING
from tests.simulation.devices import number_and_token
from tests.simulation.network import body_of
from tests.simulation.promises import (
    CALLED_ONCE,
    COMMIT_FIRST,
    NEVER_LOST,
    NEXT_PERSON,
    NOT_STUCK,
    ONE_FILING,
    ONE_PAYMENT,
    ONE_SHEET,
    ONE_TICKET,
    UNKNOWN_IS_VOID,
)

if TYPE_CHECKING:
    from tests.simulation.hall import House
    from tests.simulation.town import Machine, Town

#: In line, and never called before: a ticket that was at a window when it was given up stays its clerk's (``abandon``).
_WAITS = (
    "state IN ('waiting', 'transferred')"
    " AND NOT EXISTS (SELECT 1 FROM event WHERE event.ticket = ticket.id AND event.kind = 'called')"
)
_LAST_FACT = "SELECT coalesce((SELECT max(seq) FROM journal), 0), incarnation FROM mark"
_OWN_TICKETS = "SELECT key, number, given_up FROM ticket WHERE own_series = 1"
_TICKETS_ASIDE = "SELECT count(*) FROM quarantine WHERE kiosk = ? AND kind = 'ticket_issued_here'"
_RETURNS_ASIDE = "SELECT count(*) FROM quarantine WHERE kiosk = ? AND kind = 'filing_made'"


@dataclass(frozen=True)
class Violation:
    invariant: str
    what: str
    at_s: float

    def __str__(self) -> str:
        return f"[{self.at_s:.1f} s] {self.invariant}: {self.what}"


class Judge:
    def __init__(self, town: Town) -> None:
        self.town = town
        self.numbers: dict[tuple[str, str, str], str] = {}
        """(hall, business day, number) → the ticket that bears it."""
        self.sheets: dict[str, int] = defaultdict(int)
        self.filings: set[str] = set()
        """Every business key under which a kiosk has ever filed."""
        self.asked: set[str] = set()
        """Every key under which a number was asked for."""

    def _broken(self, invariant: str, what: str) -> None:
        self.town.violated(invariant, what)

    # ---- at every moment -------------------------------------------------------------------------------------------

    def shown(self, machine: Machine, before: Shown | None, shown: Shown) -> None:
        session, page = shown.session, shown.session.page
        if isinstance(page, Home):
            if session.holder is not None or session.taxpayers:
                self._broken(NEXT_PERSON, f"{machine.name}: the home page knows somebody")
            return
        if before is not None and before.session.visit == session.visit:
            known = before.session.holder
            if known is not None and session.holder is not None and known.number != session.holder.number:
                self._broken(NEXT_PERSON, f"{machine.name}: one visit, two people")
        holder = session.holder
        slip = getattr(page, "slip", None)
        if slip is not None and slip.holder_masked and (holder is None or slip.holder_masked != holder.masked):
            self._broken(NEXT_PERSON, f"{machine.name}: a slip of somebody else is shown")
        masked = holder.masked if holder is not None else ""
        if isinstance(page, MyTickets) and any(each.slip.holder_masked != masked for each in page.tickets):
            self._broken(NEXT_PERSON, f"{machine.name}: numbers of somebody else are shown")
        file = getattr(page, "file", None) or getattr(getattr(page, "work", None), "file", None)
        taxpayer = file.taxpayer if file is not None else getattr(page, "taxpayer", None)
        whose = f"漳州{holder.name}商行" if holder is not None else ""
        if taxpayer is not None and taxpayer.role != "self" and taxpayer.name != whose:
            self._broken(NEXT_PERSON, f"{machine.name}: a taxpayer of somebody else is shown")
        if isinstance(page, TakeTicket | Sorry) and page.slip is not None:
            self.number_told(machine, page.slip.number, page.slip.token)

    def number_told(self, machine: Machine, number: str, token: str) -> None:
        """Somebody has seen this number, on screen or on paper.

        It is of the day that the kiosk's disk says. Of its own series that is the day it believed in; where that was a
        wrong one, the same number is given on one true day twice (``Town.true_days`` looks for that, too).
        """
        day = business_day(self.town.now(), DAY_STARTS)
        rows = machine.books.rows("SELECT day, own_series FROM ticket WHERE token = ?", token)
        if rows and not self.town.true_days:
            day = f"{machine.name}'s {rows[0][0]}" if rows[0][1] else rows[0][0]
        where = (machine.hall.name, day, number)
        known = self.numbers.setdefault(where, token)
        if known != token:
            self._broken(ONE_TICKET, f"{number} of {where[1]} was given twice, the second time at {machine.name}")

    def sheet_begins(self, machine: Machine, printer: str, document: Document) -> None:
        """The first byte leaves for a printer."""
        self.town.count("sheet")
        if printer == "receipt_printer":
            intended = machine.books.one(
                "SELECT count(*) FROM slip WHERE kind <> 'ticket' AND state IN ('intended', 'sent')"
            )
            if not intended:
                self._broken(COMMIT_FIRST, f"{machine.name} prints {document.name} that no ledger intends")
            return
        number, token, reprint = number_and_token(document)
        intended = machine.books.one(
            "SELECT count(*) FROM slip WHERE token = ? AND state IN ('intended', 'sent')", token
        )
        if not intended:
            self._broken(COMMIT_FIRST, f"{machine.name} prints {number}, which no ledger intends")
        if self.sheets[token] and not reprint:
            self._broken(ONE_SHEET, f"{number} is printed again without a mark")
        self.sheets[token] += 1
        self.number_told(machine, number, token)

    def charge_begins(self, machine: Machine, key: str, fen: int) -> None:
        self.town.count("charge")
        row = machine.books.rows("SELECT state, amount FROM payment WHERE key = ?", key)
        if row != [("charging", fen)]:
            self._broken(COMMIT_FIRST, f"{machine.name} charges {fen} that its disk does not know: {row}")

    def request_leaves(self, machine: Machine, request: httpx2.Request) -> None:
        """The first byte leaves for the hall."""
        if request.method != "POST":
            return
        table = {
            "/kiosk/v1/tickets": "ask",
            "/kiosk/v1/filings": "filing",
            "/kiosk/v1/payments": "payment",
            "/kiosk/v1/certificates": "issue",
            "/kiosk/v1/invoices": "issue",
        }.get(request.url.path)
        if table is not None:
            key = str(body_of(request)["key"])
            if not machine.books.one(f"SELECT count(*) FROM {table} WHERE key = ?", key):
                self._broken(COMMIT_FIRST, f"{machine.name} asks under a key that is in no {table} on its disk")
            if table == "ask":
                self.asked.add(key)
            if table == "filing":
                self.filings.add(key)
        elif request.url.path == "/kiosk/v1/journal":
            for row in body_of(request)["rows"]:
                if row["kind"] == "filing_made":
                    self.filings.add(str(row["body"]["filing"]["key"]))

    # ---- after everything was mended ---------------------------------------------------------------------------------

    def nothing_works_any_more(self) -> None:
        """A minute later no page waits for the machine itself."""
        for machine in self.town.machines:
            page = machine.page
            if page is None and not machine.releases.begins_anew:
                self._broken(NOT_STUCK, f"{machine.name} shows nothing")
            waits = isinstance(page, (*WORKING, LookingUp)) or getattr(page, "looking", False)
            if waits and self.town.loop.time() - machine.shown_at > 60:
                self._broken(NOT_STUCK, f"{machine.name} is still at {type(page).__name__}")
        for house in self.town.halls:
            if not house.answers_calls:
                self._broken(NOT_STUCK, f"{house.name} does not answer")

    def nothing_is_left_over(self) -> None:
        """What was under way has ended, on every disk."""
        left = {
            "rows the hall has not heard": "SELECT count(*) FROM journal WHERE seq > (SELECT high_water FROM mark)",
            "sheets": "SELECT count(*) FROM slip WHERE state IN ('intended', 'sent')",
            "returns": "SELECT count(*) FROM filing WHERE state IN ('recorded', 'sent')",
            "papers": "SELECT count(*) FROM issue WHERE state IN ('asked', 'given')",
            "payments": "SELECT count(*) FROM payment WHERE state IN"
            " ('intended', 'held', 'charging', 'unknown', 'to_reverse')",
        }
        for machine in self.town.machines:
            for what, question in left.items():
                if "FROM journal" in question:
                    question += f" AND {_due(machine)}"
                count = machine.books.one(question)
                if count:
                    self._broken(NOT_STUCK, f"{machine.name} has {count} {what} left over")
            # One that never left (the disk was slower than its person's patience) harms nobody.
            asks = {row[0] for row in machine.books.rows("SELECT key FROM ask WHERE outcome IS NULL")}
            if asks & self.asked:
                self._broken(NOT_STUCK, f"{machine.name} has {len(asks & self.asked)} asks left over")
        pending = {
            "declarations": "SELECT count(*) FROM filing_item WHERE state = 'pending'",
            "entries": "SELECT count(*) FROM entry_item e JOIN filing_item i ON i.filing = e.filing"
            " AND i.bureau = e.bureau WHERE e.state = 'pending' AND i.state = 'accepted'",
            "payments": "SELECT count(*) FROM payment WHERE outcome IS NULL",
        }
        for house in self.town.halls:
            with _Reading(house) as hall:
                for what, question in pending.items():
                    count = hall.one(question)
                    if count:
                        self._broken(NOT_STUCK, f"{house.name} has {count} {what} pending")

    def everybody_is_gone(self) -> None:
        for machine in self.town.machines:
            page = machine.page
            if not isinstance(page, Home):
                self._broken(NOT_STUCK, f"{machine.name} has not gone home from {type(page).__name__}")
            if machine.books.one("SELECT count(*) FROM filing WHERE view IS NOT NULL"):
                self._broken(NEXT_PERSON, f"{machine.name} keeps the hall's answer of a visit that is over")

    def books_agree(self) -> None:
        for house in self.town.halls:
            machines = [machine for machine in self.town.machines if machine.hall is house]
            with _Reading(house) as hall:
                self._calls(hall)
                for machine in machines:
                    self._journal(hall, machine)
                    self._tickets(hall, machine)
                self._returns(hall, house)
                self._money(hall, house, machines)
                self._figures(hall)

    def _figures(self, hall: _Reading) -> None:
        figures = self.town.report.figures
        for what, question in (
            ("tickets", "SELECT count(*) FROM ticket"),
            ("own numbers", "SELECT count(*) FROM ticket WHERE series = 'kiosk'"),
            ("calls", "SELECT count(*) FROM event WHERE kind = 'called'"),
            ("returns", "SELECT count(*) FROM filing"),
            ("payments", "SELECT count(*) FROM payment WHERE outcome = 'approved'"),
            ("reversals", "SELECT count(*) FROM payment WHERE outcome = 'reversed'"),
            ("certificates", "SELECT count(*) FROM certificate"),
            ("invoices", "SELECT count(*) FROM invoice"),
            ("quarantined", "SELECT count(*) FROM quarantine"),
            ("staff items", "SELECT count(*) FROM staff_item"),
        ):
            figures[f"{hall.name} {what}"] = hall.one(question)

    # ---- tickets ---------------------------------------------------------------------------------------------------

    def _calls(self, hall: _Reading) -> None:
        """Between two claims of one ticket it was given back: parked, sent on, or not there."""
        at_window: dict[int, str] = {}
        for ticket, kind, window, number in hall.rows(
            "SELECT ticket, kind, window, number FROM event WHERE ticket IS NOT NULL ORDER BY id"
        ):
            match kind:
                case "called":
                    if ticket in at_window:
                        self._broken(CALLED_ONCE, f"{number} is called to {window} and is at {at_window[ticket]}")
                    at_window[ticket] = window
                case "parked" | "no_show" | "transferred" | "finished" | "voided":
                    at_window.pop(ticket, None)
        twice = hall.rows(
            "SELECT window FROM ticket WHERE state IN ('called', 'serving') GROUP BY window HAVING count(*) > 1"
        )
        if twice:
            self._broken(CALLED_ONCE, f"two tickets at window {twice[0][0]}")

    def _journal(self, hall: _Reading, machine: Machine) -> None:
        last, incarnation = machine.books.rows(
            "SELECT coalesce((SELECT max(seq) FROM journal), 0), incarnation FROM mark"
        )[0]
        due = machine.books.one(f"SELECT coalesce(max(seq), 0) FROM journal WHERE {_due(machine)}")
        held = hall.rows(
            "SELECT count(*), coalesce(max(seq), 0) FROM kiosk_journal WHERE kiosk = ? AND incarnation = ?",
            machine.name,
            incarnation,
        )[0]
        if held[0] != held[1] or not due <= held[1] <= last:
            self._broken(NEVER_LOST, f"{machine.name} wrote {last} facts, the hall holds {held[0]} up to {held[1]}")
        for kind, reason, count in hall.rows(
            "SELECT kind, reason, count(*) FROM quarantine WHERE kiosk = ? GROUP BY kind, reason", machine.name
        ):
            self.town.report.figures[f"{machine.name} aside: {kind}: {reason}"] = count

    def _tickets(self, hall: _Reading, machine: Machine) -> None:
        for key, number, given_up in machine.books.rows(
            "SELECT key, number, given_up FROM ticket WHERE own_series = 1"
        ):
            found = hall.rows(f"SELECT number, {_WAITS} FROM ticket WHERE key = ?", key)
            aside = hall.one(_TICKETS_ASIDE, machine.name)
            if not found and not aside:
                self._broken(NEVER_LOST, f"the hall has never heard of {number} of {machine.name}")
            if found and found[0][0] != number:
                self._broken(ONE_TICKET, f"{machine.name} gave {number}, the hall knows it as {found[0][0]}")
            if found and given_up and found[0][1]:
                self._broken(UNKNOWN_IS_VOID, f"{number} of {machine.name} was given up and still waits")
        abandoned = "SELECT key FROM ask WHERE outcome = 'abandoned' UNION SELECT key FROM ticket WHERE given_up = 1"
        for (key,) in machine.books.rows(abandoned):
            if hall.one(f"SELECT count(*) FROM ticket WHERE key = ? AND {_WAITS}", key):
                self._broken(UNKNOWN_IS_VOID, f"{machine.name} abandoned {key}, and its number waits in line")
        for key, number in hall.rows(
            f"SELECT key, number FROM ticket WHERE kiosk = ? AND series = 'hall' AND {_WAITS}", machine.name
        ):
            if machine.books.one("SELECT outcome FROM ask WHERE key = ?", key) not in ("answered", None):
                self._broken(UNKNOWN_IS_VOID, f"{number} waits in line, and {machine.name} never gave it to anybody")

    # ---- returns and money -------------------------------------------------------------------------------------------

    def _returns(self, hall: _Reading, house: House) -> None:
        keys = {row[0] for row in hall.rows("SELECT key FROM filing")}
        for key in keys - self.filings:
            self._broken(ONE_FILING, f"{house.name} holds a return {key} that no kiosk has filed")
        for bureau, system in house.bureaus.items():
            ledger = {each.key: each for each in system.books.ledger(None).returns}
            items = dict(hall.rows("SELECT filing, state FROM filing_item WHERE bureau = ?", bureau.value))
            for key in ledger.keys() - items.keys():
                self._broken(ONE_FILING, f"the {bureau} bureau of {house.name} holds {key}, which the hall never sent")
            for key, state in items.items():
                if (state == "accepted") != (key in ledger):
                    self._broken(ONE_FILING, f"{key} is {state} at {house.name}, {bureau} has it: {key in ledger}")
        for machine in self.town.machines:
            if machine.hall is not house:
                continue
            for (key,) in machine.books.rows("SELECT key FROM filing WHERE state IN ('queued', 'answered')"):
                aside = hall.one(
                    "SELECT count(*) FROM quarantine WHERE kiosk = ? AND kind = 'filing_made'", machine.name
                )
                if key not in keys and not aside:
                    self._broken(NEVER_LOST, f"{machine.name} left {key} to its journal, {house.name} does not hold it")

    def _money(self, hall: _Reading, house: House, machines: list[Machine]) -> None:
        entries: dict[str, list[Any]] = defaultdict(list)
        for bureau, system in house.bureaus.items():
            for entry in system.books.ledger(None).entries:
                entries[entry.payment].append(entry)
                if entry.key != entry_key(entry.payment, entry.filing, bureau):
                    self._broken(ONE_PAYMENT, f"{entry.key} is in the wrong books")
        records = {key: record for machine in machines for key, record in machine.terminal.records.items()}
        outcomes = dict(hall.rows("SELECT key, outcome FROM payment"))
        staff = " ".join(subject for (subject,) in hall.rows("SELECT subject FROM staff_item"))
        standing: dict[str, list[str]] = defaultdict(list)
        for key, record in records.items():
            entered = sum(entry.amount for entry in entries.get(key, ()))
            outcome = outcomes.get(key)
            if record.charges > 1:
                self._broken(ONE_PAYMENT, f"{key} was charged {record.charges} times")
            match record.state:
                case "approved":
                    for (filing,) in hall.rows("SELECT filing FROM payment_filing WHERE payment = ?", key):
                        standing[filing].append(key)
                    if outcome != "approved" or (entered != record.fen and key not in staff):
                        self._broken(ONE_PAYMENT, f"{key} charged {record.fen}, hall {outcome}, entered {entered}")
                case "reversed":
                    if (outcome != "reversed" or entered) and key not in staff:
                        self._broken(ONE_PAYMENT, f"{key} was given back, hall {outcome}, entered {entered}")
                case _:
                    if outcome == "approved" or entered:
                        self._broken(ONE_PAYMENT, f"{key} is {record.state}, hall {outcome}, entered {entered}")
        for key in entries.keys() - records.keys():
            self._broken(ONE_PAYMENT, f"money is entered for {key}, which no terminal has charged")
        for filing, keys in standing.items():
            if len(keys) > 1:
                self._broken(ONE_PAYMENT, f"{filing} is paid {len(keys)} times")


def _due(machine: Machine) -> str:
    """Rows that the hall must hold by now: all, but what a kiosk has just written about its release by itself."""
    return "kind <> 'audited'" if machine.releases.tells else "1"


class _Reading:
    """The hall's file, read from outside."""

    def __init__(self, house: House) -> None:
        self.name = house.name
        self._db = sqlite.connect(f"file:{house.data}/hall.sqlite?mode=ro", uri=True)

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = self._db.execute(question, values).fetchall()
        return found

    def one(self, question: str, *values: object) -> Any:
        found = self._db.execute(question, values).fetchone()
        return None if found is None else found[0]
