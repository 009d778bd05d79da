"""The settle worker: brings every return and every entry into its bureau's books, once, however often something dies.

The queue is the database: an item is pending until its bureau has said yes or no. Before anything leaves, its item is
marked as sent, durably; what was sent and not answered is asked for under its key before it is ever sent again. Each
bureau has a worker of its own, so that a slow one holds up nothing of the other.

Pauses between tries are kept in memory, on the steady clock: after a restart everything is due at once, and a wall
clock that jumps a year puts nothing off.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec
import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from hall.bureaus.client import Absent, BureauClient, Received, RefusedBy, Silent
from hall.bureaus.contract import Declaration, DeclaredLine, Entry, EntryLine, Receipt
from hall.bureaus.folder import read_token
from hall.clock import moment
from hall.filings.office import SELF, TaxOffice
from hall.filings.paying import staff_item
from hall.filings.receiving import applicant_of
from hall.settings import Settings
from hall.store import statements_tax as statements
from hall.store.writer import StorageFailed, Work, Writer
from kiosk.domain.filing import PERIODIC_RETURNS, Bureau, Charge, Form, Line

log = structlog.get_logger("hall.settle")

#: Exchanges with one bureau at a time, and how many items one look at the queue reads.
_AT_ONCE, _LOOK = 8, 256

#: Seconds between two looks when nobody rings: the journal and the command line add items without telling.
_LOOK_EVERY = 1.0

_lines = msgspec.json.Decoder(list[Line])
_entry_lines = msgspec.json.Decoder(list[EntryLine])


class ToBureau(Protocol):
    """``hall.bureaus.client.BureauClient``, as far as settling needs it."""

    async def declare(self, declaration: Declaration, timeout_s: float) -> Received | RefusedBy | Silent: ...

    async def enter(self, entry: Entry, timeout_s: float) -> Received | RefusedBy | Silent: ...

    async def ask_return(self, key: str, timeout_s: float) -> Received | Absent | Silent: ...

    async def ask_entry(self, key: str, timeout_s: float) -> Received | Absent | Silent: ...


def bureau_clients(settings: Settings) -> dict[Bureau, BureauClient]:
    """To the bureaus that the settings name. One whose token cannot be read is not asked: what is meant for it waits,
    and the rest of the hall goes on."""
    clients = {}
    for bureau, address in ((Bureau.STATE, settings.bureaus.state), (Bureau.LOCAL, settings.bureaus.local)):
        try:
            if address is not None:
                clients[bureau] = BureauClient(bureau, address.url, read_token(Path(address.token_file)))
        except (OSError, ValueError) as error:
            log.warning("bureau without token", bureau=bureau.value, problem=type(error).__name__)
    return clients


Kind = Literal["return", "entry"]


@dataclass(frozen=True)
class _Task:
    kind: Kind
    key: str
    """Of the filing, or of the entry."""


class Settler:
    """Lives on the event loop. ``rung`` after every commit that may have added something."""

    def __init__(self, office: TaxOffice, reader: Engine, writer: Writer, bureaus: Mapping[Bureau, ToBureau]) -> None:
        self._office, self._reader, self._writer = office, reader, writer
        self._bureaus = bureaus
        self._bells = {bureau: asyncio.Event() for bureau in bureaus}
        self._pauses: dict[tuple[Bureau, _Task], tuple[float, float]] = {}
        """Not before (steady clock), and how long the next pause is."""
        self._running: dict[tuple[Bureau, _Task], asyncio.Task[None]] = {}
        self._loops: list[asyncio.Task[None]] = []
        self._waiting: dict[str, list[asyncio.Event]] = {}

    def start(self) -> None:
        self._loops = [asyncio.get_running_loop().create_task(self._serve(bureau)) for bureau in self._bureaus]

    async def stop(self) -> None:
        """Whatever is under way is left as it is: unknown, to be asked for after the next start."""
        tasks = [*self._loops, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ring(self) -> None:
        for bell in self._bells.values():
            bell.set()

    def try_now(self) -> None:
        """Forget all pauses: somebody says that the bureau is back."""
        self._pauses.clear()
        self.ring()

    async def answered(self, filing: str, seconds: float) -> None:
        """Returns when every bureau has answered for a filing, or the time is over."""
        if not self._bureaus:
            return
        changed = asyncio.Event()
        self._waiting.setdefault(filing, []).append(changed)
        try:
            async with asyncio.timeout(seconds):
                while self._is_pending(filing):
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            pass
        finally:
            self._waiting[filing].remove(changed)
            if not self._waiting[filing]:
                del self._waiting[filing]

    def _is_pending(self, filing: str) -> bool:
        with self._reader.connect() as connection:
            return any(item.state == "pending" for item in connection.execute(statements.ITEMS, {"filing": filing}))

    # ---- one bureau ------------------------------------------------------------------------------------------------

    async def _serve(self, bureau: Bureau) -> None:
        bell = self._bells[bureau]
        while True:
            bell.clear()
            try:
                pause = self._dispatch(bureau)
            except SQLAlchemyError as error:
                log.warning("queue not read", bureau=bureau.value, problem=type(error).__name__)
                pause = _LOOK_EVERY
            try:
                async with asyncio.timeout(pause):
                    await bell.wait()
            except TimeoutError:
                pass

    def _dispatch(self, bureau: Bureau) -> float:
        """Begin what is due; answers seconds until the next look."""
        now, soonest = time.monotonic(), _LOOK_EVERY
        free = _AT_ONCE - sum(1 for where, _ in self._running if where is bureau)
        if free <= 0:
            return soonest
        for task in self._due(bureau):
            place = (bureau, task)
            if place in self._running:
                continue
            not_before, _ = self._pauses.get(place, (0.0, 0.0))
            if not_before > now:
                soonest = min(soonest, not_before - now)
                continue
            if free <= 0:
                break
            free -= 1
            running = asyncio.get_running_loop().create_task(self._settle(bureau, task))
            self._running[place] = running
            running.add_done_callback(partial(self._ended, place))
        return max(soonest, 0.01)

    def _due(self, bureau: Bureau) -> list[_Task]:
        where = {"bureau": bureau.value, "limit": _LOOK}
        with self._reader.connect() as connection:
            returns = connection.execute(statements.PENDING_ITEMS, where).scalars().all()
            entries = connection.execute(statements.PENDING_ENTRIES, where).scalars().all()
        return [_Task("return", key) for key in returns] + [_Task("entry", key) for key in entries]

    def _ended(self, place: tuple[Bureau, _Task], _: asyncio.Task[None]) -> None:
        self._running.pop(place, None)
        self._bells[place[0]].set()

    async def _settle(self, bureau: Bureau, task: _Task) -> None:
        try:
            settled = await (self._return if task.kind == "return" else self._entry)(bureau, task.key)
        except (StorageFailed, SQLAlchemyError) as error:
            # Nothing is lost: the item is pending still, and was marked before anything left.
            log.warning("not settled", bureau=bureau.value, kind=task.kind, problem=type(error).__name__)
            settled = False
        except Exception as error:
            # One item that cannot even be put together must not stop those behind it.
            log.error("defect", bureau=bureau.value, kind=task.kind, exc_info=error)
            settled = False
        if settled:
            self._pauses.pop((bureau, task), None)
        else:
            self._put_off(bureau, task)

    def _put_off(self, bureau: Bureau, task: _Task) -> None:
        first, longest = self._office.settings.retry_first_s, self._office.settings.retry_longest_s
        _, pause = self._pauses.get((bureau, task), (0.0, first))
        self._pauses[bureau, task] = (time.monotonic() + pause, min(pause * 2, longest))

    # ---- one return ------------------------------------------------------------------------------------------------

    async def _return(self, bureau: Bureau, key: str) -> bool:
        """One try. True: it is settled, or waits for nothing of ours."""
        to, timeout = self._bureaus[bureau], self._office.settings.bureau_timeout_s
        where = {"filing": key, "bureau": bureau.value}
        with self._reader.connect() as connection:
            item = connection.execute(statements.ITEM, where).one()
            filing = connection.execute(statements.FILING, {"key": key}).one()
            corrects = _Predecessor.of(connection, filing, bureau)
        if item.state != "pending":
            return True
        if corrects.blocked_by is not None:
            # The return that this one corrects is under way here: it is settled first, or never leaves at all.
            return await self._drop(corrects.blocked_by, bureau)
        answer: Received | RefusedBy | Absent | Silent = Absent()
        if item.sent:
            answer = await to.ask_return(key, timeout)
        if isinstance(answer, Absent):
            if not await self._writer.run(lambda work: _leaves(work, where, item.sent)):
                return True
            answer = await to.declare(self._declaration(filing, item, corrects.key), timeout)
        return await self._told(where, answer, _return_ended)

    async def _drop(self, key: str, bureau: Bureau) -> bool:
        def drop(work: Work) -> bool:
            where = {"filing": key, "bureau": bureau.value, "now": work.now_ms}
            return work.connection.execute(statements.ITEM_DROPPED, where).rowcount > 0

        dropped = await self._writer.run(drop)
        if dropped:
            self._changed(key)
            self._bells[bureau].set()
        return dropped

    def _declaration(self, filing: Row[Any], item: Row[Any], corrects: str | None) -> Declaration:
        return Declaration(
            key=filing.key,
            hall=self._office.hall,
            taxpayer=self._serial(filing, Bureau(item.bureau)),
            form=Form(filing.form),
            lines=[
                DeclaredLine(line.levy, line.due, line.relief, line.payable, line.rule)
                for line in _lines.decode(item.lines)
            ],
            declared_at=moment(filing.declared_at),
            period_start=date.fromisoformat(filing.period_start) if filing.period_start else None,
            period_end=date.fromisoformat(filing.period_end) if filing.period_end else None,
            corrects=corrects,
        )

    def _serial(self, filing: Row[Any], bureau: Bureau) -> str:
        if filing.taxpayer == SELF:
            return applicant_of(self._office, filing).number
        with self._reader.connect() as connection:
            row = connection.execute(statements.TAXPAYER, {"id": filing.taxpayer}).one()
        return str(row.state_serial if bureau is Bureau.STATE else row.local_serial)

    # ---- one entry -------------------------------------------------------------------------------------------------

    async def _entry(self, bureau: Bureau, key: str) -> bool:
        to, timeout = self._bureaus[bureau], self._office.settings.bureau_timeout_s
        with self._reader.connect() as connection:
            item = connection.execute(statements.ENTRY, {"key": key}).one()
            payment = connection.execute(statements.PAYMENT, {"key": item.payment}).one()
        if item.state != "pending":
            return True
        charge = msgspec.json.decode(payment.charge, type=Charge)
        where = {"key": key}
        answer: Received | RefusedBy | Absent | Silent = Absent()
        if item.sent:
            answer = await to.ask_entry(key, timeout)
        if isinstance(answer, Absent):
            left = await self._writer.run(
                lambda work: work.connection.execute(statements.ENTRY_SENT, {**where, "now": work.now_ms}).rowcount
            )
            if not left:
                # Given back in the meantime.
                return True
            entry = Entry(
                key=key,
                filing=item.filing,
                payment=item.payment,
                lines=_entry_lines.decode(item.lines),
                amount=item.amount,
                paid_at=charge.at,
                reference=charge.reference,
            )
            answer = await to.enter(entry, timeout)
        return await self._told(where, answer, _entry_ended)

    # ---- what the bureau said ----------------------------------------------------------------------------------------

    async def _told(
        self,
        where: dict[str, Any],
        answer: Received | RefusedBy | Absent | Silent,
        ended: Callable[[Work, dict[str, Any], Receipt | RefusedBy | Silent], str],
    ) -> bool:
        match answer:
            case Received(receipt):
                said: Receipt | RefusedBy | Silent = receipt
            case RefusedBy() | Silent():
                said = answer
            case Absent():
                said = Silent("not there")
        filing = await self._writer.run(lambda work: ended(work, where, said))
        self._changed(filing)
        if not isinstance(said, Silent):
            # A declaration that was accepted may have an entry waiting for it.
            self.ring()
        return not isinstance(said, Silent)

    def _changed(self, filing: str) -> None:
        for waiting in self._waiting.get(filing, ()):
            waiting.set()


@dataclass(frozen=True)
class _Predecessor:
    """The declaration that a correction replaces at one bureau."""

    key: str | None = None
    blocked_by: str | None = None

    @classmethod
    def of(cls, connection: Connection, filing: Row[Any], bureau: Bureau) -> _Predecessor:
        """Back along the chain to what this bureau really holds: what was dropped or refused was never there."""
        key = filing.corrects
        while key is not None:
            item = connection.execute(statements.ITEM, {"filing": key, "bureau": bureau.value}).one_or_none()
            if item is not None and item.state == "pending":
                return cls(blocked_by=key)
            if item is not None and item.state == "accepted":
                return cls(key=key)
            key = connection.execute(statements.FILING, {"key": key}).one().corrects
        return cls()


def _leaves(work: Work, where: dict[str, Any], sent_before: int) -> bool:
    """Mark a return as sent, before it is. False: it stays here, dropped: corrected in the meantime, or refused by the
    other bureau before this one ever saw it."""
    values = {**where, "now": work.now_ms}
    items = work.connection.execute(statements.ITEMS, {"filing": where["filing"]}).all()
    if not sent_before and any(item.state == "refused" for item in items):
        work.connection.execute(statements.ITEM_DROPPED, values)
    return work.connection.execute(statements.ITEM_SENT, values).rowcount > 0


def _return_ended(work: Work, where: dict[str, Any], said: Receipt | RefusedBy | Silent) -> str:
    values = {**where, "now": work.now_ms}
    filing = str(where["filing"])
    match said:
        case Receipt():
            work.connection.execute(statements.ITEM_ACCEPTED, {**values, "receipt": said.receipt})
            if any(item.state == "refused" for item in work.connection.execute(statements.ITEMS, {"filing": filing})):
                staff_item(work, "refused_half", filing, f"{where['bureau']}: accepted")
        case Silent():
            work.connection.execute(statements.ITEM_TROUBLE, {**values, "trouble": said.reason})
        case RefusedBy():
            problem = {"problem": said.problem, "problem_key": said.key}
            if work.connection.execute(statements.ITEM_REFUSED, {**values, **problem}).rowcount:
                _refused(work, filing, str(where["bureau"]), said)
    return filing


def _refused(work: Work, key: str, bureau: str, said: RefusedBy) -> None:
    """A bureau's no is final: the obligation is free again, unless the period was filed elsewhere."""
    execute = work.connection.execute
    filing = execute(statements.FILING, {"key": key}).one()
    accepted = any(item.state == "accepted" for item in execute(statements.ITEMS, {"filing": key}))
    if said.problem == "already_filed" and filing.obligation is not None and filing.form in PERIODIC_RETURNS:
        elsewhere = {"id": filing.obligation, "day": work.now.date().isoformat()}
        execute(statements.FILED_ELSEWHERE, elsewhere)
    holder = execute(statements.HOLDER_OF_FILING, {"filing": key}).one_or_none()
    if holder is not None:
        payment = execute(statements.PAYMENT, {"key": holder.payment}).one()
        if payment.outcome == "approved":
            staff_item(work, "refund_due", f"{payment.key}:{key}:{bureau}", said.problem)
    if accepted or holder is not None:
        # The other bureau holds it, or money is on its way: staff settle what is left.
        staff_item(work, "refused_half", key, f"{bureau}: {said.problem}")
        return
    if filing.live:
        execute(statements.END_FILING, {"key": key})
        if filing.corrects is not None:
            # What it was to replace stands in the bureaus' books as before.
            old = execute(statements.FILING, {"key": filing.corrects}).one()
            states = {item.state for item in execute(statements.ITEMS, {"filing": old.key})}
            if old.superseded_by == key and "dropped" not in states and "refused" not in states:
                execute(statements.REVIVE, {"key": old.key})


def _entry_ended(work: Work, where: dict[str, Any], said: Receipt | RefusedBy | Silent) -> str:
    values = {**where, "now": work.now_ms}
    row = work.connection.execute(statements.ENTRY, {"key": where["key"]}).one()
    match said:
        case Receipt():
            work.connection.execute(statements.ENTRY_ENTERED, {**values, "receipt": said.receipt})
        case Silent():
            work.connection.execute(statements.ENTRY_TROUBLE, {**values, "trouble": said.reason})
        case RefusedBy():
            work.connection.execute(statements.ENTRY_REFUSED, {**values, "problem": said.problem})
            staff_item(work, "refund_due", f"{row.payment}:{row.filing}:{row.bureau}", said.problem)
    return str(row.filing)
