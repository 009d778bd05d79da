"""Faults in our own code, one at a time: a simulation that does not notice them proves nothing.

``python -m tests.simulation --mutants`` plays each until a promise is broken, and says which.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec
from sqlalchemy import text

import hall.api.tax
import hall.fleet.journal
import kiosk.session.machine
import kiosk.session.step
import kiosk.store.store
from drivers.pos.contract import Unknown
from hall.clock import milliseconds
from hall.filings.receiving import take_return as take
from hall.filings.settle import Settler
from hall.queue.calling import Seat
from hall.queue.desk import Desk
from hall.queue.refusal import Refused
from hall.queue.views import ActionRequest, WindowAction
from hall.store import statements
from kiosk.configuration import durable, slots
from kiosk.configuration.slots import Slots, State
from kiosk.domain.release import Bundle
from kiosk.runtime.paying import PosDesk
from kiosk.runtime.storekeeper import Storekeeper
from kiosk.session.effects import Forget, RecordTicket
from kiosk.session.events import TicketRecorded
from kiosk.session.state import Purpose
from kiosk.session.step import Step
from kiosk.store import journal
from kiosk.store.payments import PaymentLedger
from kiosk.store.store import Store
from tests.simulation import promises
from tests.simulation.devices import TerminalDriver

Damage = Callable[[], Any]

ONLY_TAXES = {Purpose.FILE: 9, Purpose.QUERY: 1}
ONLY_NUMBERS = {Purpose.TAKE_NUMBER: 9, Purpose.MY_NUMBER: 1}


@dataclass(frozen=True)
class Mutant:
    """``caught_by``: the promise that must be found broken. ``weather``, ``purposes``: where it shows soonest."""

    name: str
    damage: Damage
    caught_by: tuple[str, ...]
    weather: Mapping[str, int] = field(default_factory=dict)
    purposes: Mapping[Purpose, int] = field(default_factory=lambda: ONLY_NUMBERS)


@contextmanager
def ask_not_durable() -> Iterator[None]:
    """The key of an ask is made, and not written down before the hall is asked."""

    def record_ask(self: Store, now: Any) -> str:
        return hashlib.sha256(f"{now}{id(self)}".encode()).hexdigest()[:32]

    with mock.patch.object(Store, "record_ask", record_ask):
        yield


@contextmanager
def own_number_reused() -> Iterator[None]:
    """The count of the own series lives in memory: after a start it begins anew."""
    counted: set[Store] = set()
    record = Store.record_own_ticket

    def record_own_ticket(self: Store, *args: Any) -> Any:
        if self not in counted:
            counted.add(self)
            with self._transaction() as connection:
                connection.execute(text("DELETE FROM series"))
                connection.execute(text("DELETE FROM latest_own"))
                connection.execute(text("DROP INDEX IF EXISTS ticket_own_number"))
        return record(self, *args)

    with mock.patch.object(Store, "record_own_ticket", record_own_ticket):
        yield


@contextmanager
def journal_row_apart() -> Iterator[None]:
    """The fact of an own number is journalled in a transaction of its own, after the number's."""
    record, append = Store.record_own_ticket, journal.append

    def record_own_ticket(self: Store, *args: Any) -> Any:
        facts: list[tuple[Any, Any]] = []
        with mock.patch.object(journal, "append", lambda _, fact, at: facts.append((fact, at))):
            done = record(self, *args)
        with self._transaction() as connection:
            for fact, at in facts:
                append(connection, fact, at)
        return done

    with mock.patch.object(Store, "record_own_ticket", record_own_ticket):
        yield


@contextmanager
def print_before_commit() -> Iterator[None]:
    """The visit is told that its ticket is recorded, and prints it at once, while the disk still has it to do."""
    record = Storekeeper._record_ticket

    def early(self: Storekeeper, effect: RecordTicket) -> Any:
        if effect.view is not None and effect.to_print:
            masked = effect.holder.masked if effect.holder else ""
            slip = self._slips.from_hall(effect.view, masked, effect.priority)
            self._inbox.post(TicketRecorded(effect.visit, effect.key, slip, 999_999))
        return record(self, effect)

    with (
        mock.patch.object(Storekeeper, "_record_ticket", early),
        mock.patch.object(Store, "record_sent", return_value=None),
    ):
        yield


@contextmanager
def claim_not_checked() -> Iterator[None]:
    """Who is next is looked up when the button is pressed, and called without another look."""
    seen: dict[int, Any] = {}
    do = Desk.do
    blind = text(str(statements.CALL).replace(" AND state = :state", ""))

    async def stale(self: Desk, session: Any, action: WindowAction, request: ActionRequest) -> Any:
        if action is WindowAction.CALL_NEXT:
            values = {"now": milliseconds(self._clock.now()), "window": session.window}
            with self._reader.connect() as connection:
                found = connection.execute(statements.FIRST_IN_LINE, {**values, **self.rules.rates}).one_or_none()
                seen[session.staff] = found
        return await do(self, session, action, request)

    def call_next(self: Seat, request: ActionRequest) -> None:
        finished = self._make_room(request)
        row = seen.get(self.staff)
        if row is not None:
            self._call(row)
        elif not finished:
            raise Refused("nobody_waiting")

    with (
        mock.patch.object(Desk, "do", stale),
        mock.patch.object(Seat, "_call_next", call_next),
        mock.patch.object(statements, "CALL", blind),
    ):
        yield


@contextmanager
def return_not_idempotent() -> Iterator[None]:
    """The hall does not look whether it holds a key already: a return that comes again is another return."""
    repeats = [0]

    def take_return(work: Any, office: Any, machine: str, prepared: Any) -> None:
        key = prepared.request.key
        known = work.connection.execute(text("SELECT 1 FROM filing WHERE key = :key"), {"key": key}).first()
        if known is not None:
            repeats[0] += 1
            other = hashlib.sha256(f"{key}{repeats[0]}".encode()).hexdigest()[:32]
            request = msgspec.structs.replace(prepared.request, key=other)
            prepared = type(prepared)(**{**vars(prepared), "request": request})
        take(work, office, machine, prepared)

    with (
        mock.patch.object(hall.api.tax, "take_return", take_return),
        mock.patch.object(hall.fleet.journal, "take_return", take_return),
    ):
        yield


@contextmanager
def second_sale() -> Iterator[None]:
    """A charge of unknown outcome is tried again instead of asked for."""

    def sale_again(self: Any, key: str, fen: int, *args: Any) -> Any:
        result = sale(self, key, fen, *args)
        return sale(self, key, fen, *args) if isinstance(result, Unknown) else result

    sale = TerminalDriver.sale
    with mock.patch.object(TerminalDriver, "sale", sale_again):
        yield


@contextmanager
def charge_not_durable() -> Iterator[None]:
    """That a terminal is about to charge is not written down first."""

    def charging(self: PaymentLedger, key: str, amount: int) -> bool:
        return True

    with mock.patch.object(PaymentLedger, "charging", charging):
        yield


@contextmanager
def abandoned_and_forgotten() -> Iterator[None]:
    """An own number is given after silence, and what was asked for is not journalled as abandoned."""

    def abandon(connection: Any, key: str, now: Any) -> None:
        connection.execute(text("UPDATE ask SET outcome = 'abandoned' WHERE key = :key"), {"key": key})

    with mock.patch.object(kiosk.store.store, "_abandon_ask", abandon):
        yield


@contextmanager
def person_stays() -> Iterator[None]:
    """The visit ends, and its person is kept."""
    home = kiosk.session.step.home

    def keeps(session: Any) -> Step:
        after, effects = home(session)
        kept = dataclasses.replace(after, holder=session.holder)
        return Step(kept, tuple(effect for effect in effects if not isinstance(effect, Forget)))

    with ExitStack() as stack:
        from kiosk.session.flows import choose, issue, sorry

        for module in (kiosk.session.machine, kiosk.session.step, choose, issue, sorry):
            if hasattr(module, "home"):
                stack.enter_context(mock.patch.object(module, "home", keeps))
        yield


@contextmanager
def given_up_after_one_try() -> Iterator[None]:
    """What a bureau did not answer once is not tried again."""

    def put_off(self: Settler, bureau: Any, task: Any) -> None:
        self._pauses[bureau, task] = (float("inf"), 1.0)

    with mock.patch.object(Settler, "_put_off", put_off):
        yield


@contextmanager
def unknown_is_not_asked() -> Iterator[None]:
    """A charge of unknown outcome is left as it is."""

    def tick(self: PosDesk) -> None:
        self._look()

    with mock.patch.object(PosDesk, "_tick", tick):
        yield


@contextmanager
def named_before_it_is_there() -> Iterator[None]:
    """A release is put into service while its files are still on their way to the disk."""
    put_in = Slots.put_in

    def hurried(self: Slots, bundle: Bundle) -> Path:
        with mock.patch.object(durable, "write", lambda file, data: file.write_bytes(data)):
            return put_in(self, bundle)

    with mock.patch.object(Slots, "put_in", hurried):
        yield


@contextmanager
def floor_not_kept() -> Iterator[None]:
    """Any release that is signed is taken, be it the one from before."""
    with mock.patch.object(State, "floor", property(lambda self: 0)):
        yield


@contextmanager
def tries_not_counted() -> Iterator[None]:
    """A release may crash for ever."""
    started = slots._started

    def forgetful(state: State) -> State:
        return started(msgspec.structs.replace(state, tries=0))

    with mock.patch.object(slots, "_started", forgetful):
        yield


RELEASES = {"release_is_published": 12}

MUTANTS = (
    Mutant("ask not made durable", ask_not_durable, (promises.COMMIT_FIRST,)),
    Mutant("own number reused", own_number_reused, (promises.ONE_TICKET,), {"front_dies": 4, "kiosk_cut_off": 6}),
    Mutant(
        "journal row outside its transaction",
        journal_row_apart,
        (promises.NEVER_LOST,),
        {"front_dies": 40, "kiosk_cut_off": 40},
    ),
    Mutant("print before commit", print_before_commit, (promises.COMMIT_FIRST,), {"disk_is_slow": 20}),
    Mutant("claim not checked", claim_not_checked, (promises.CALLED_ONCE,), {"hall_disk_is_slow": 60}),
    Mutant(
        "no idempotency of returns at the hall",
        return_not_idempotent,
        (promises.ONE_FILING,),
        {"bad_wire": 20},
        {Purpose.INVOICE: 1},
    ),
    Mutant(
        "second sale for one key",
        second_sale,
        (promises.ONE_PAYMENT,),
        {"terminal_falls_silent": 20},
        ONLY_TAXES,
    ),
    Mutant("charge not made durable", charge_not_durable, (promises.COMMIT_FIRST,), {}, ONLY_TAXES),
    Mutant(
        "abandoned number not told",
        abandoned_and_forgotten,
        (promises.UNKNOWN_IS_VOID,),
        {"bad_wire": 40, "hall_disk_is_slow": 40},
    ),
    Mutant("person kept after the visit", person_stays, (promises.NEXT_PERSON,)),
    Mutant(
        "bureau tried once only",
        given_up_after_one_try,
        (promises.NOT_STUCK, promises.ONE_PAYMENT),
        {"bureau_is_away": 10},
        ONLY_TAXES,
    ),
    Mutant(
        "unknown charge not asked about",
        unknown_is_not_asked,
        (promises.NOT_STUCK, promises.ONE_PAYMENT),
        {"terminal_falls_silent": 20, "front_dies": 4},
        ONLY_TAXES,
    ),
    Mutant(
        "release in service before it is on the disk",
        named_before_it_is_there,
        (promises.WHOLE_CONFIGURATION,),
        {**RELEASES, "power_goes": 20},
    ),
    Mutant("floor not kept", floor_not_kept, (promises.WHOLE_CONFIGURATION,), RELEASES),
    Mutant("starts of a release not counted", tries_not_counted, (promises.WHOLE_CONFIGURATION,), RELEASES),
)


@dataclass(frozen=True)
class Caught:
    mutant: str
    invariant: str
    what: str
    seed: int
    events: int


def hunt(mutant: Mutant, first_seed: int = 1, histories: int = 40, events: int = 3_000) -> Caught | None:
    """Play history after history with the fault in; the first promise of its own that it breaks, or None."""
    from tests.simulation.town import Town

    total = 0
    for seed in range(first_seed, first_seed + histories):
        with mutant.damage():
            town = Town(seed, kiosks=3, weather=mutant.weather, purposes=mutant.purposes)
            town.stop_at = frozenset(mutant.caught_by)
            report = town.run(events)
        total += report.events
        for violation in report.violations:
            if violation.invariant in mutant.caught_by:
                return Caught(mutant.name, violation.invariant, violation.what, seed, total)
    return None
