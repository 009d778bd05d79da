"""What the kiosk remembers, each method one transaction. Nothing is printed, sent or charged before it returns.

Every method raises ``StoreFailed`` when nothing became durable; the file is then as it was before.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Literal

import msgspec
import sqlcipher3.dbapi2 as sqlcipher
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from kiosk.domain.day import DAY_STARTS, business_day
from kiosk.domain.filing import DocumentPrinted
from kiosk.domain.fleet import ReadinessReported
from kiosk.domain.messages import JournalRow, SlipPrinted, TicketAskAbandoned, TicketIssuedHere, public_token
from kiosk.domain.ticket import TicketSlip, kiosk_number
from kiosk.store import (
    audit,
    counters,
    filings,
    integrity,
    journal,
    papers,
    payments,
    pin_attempts,
    release_floor,
    remembered,
    sheets,
    standing,
)
from kiosk.store import trusted_time as time_kept
from kiosk.store.database import READ_ONLY, WALL_CLOCK, StoreFailed, open_database
from kiosk.store.trusted_time import TrustedTime

_SET_ASIDE = "set_aside"

Outcome = Literal["done", "failed", "uncertain"]


@dataclass(frozen=True)
class Recorded:
    """A ticket that is durable, and the slip that is intended for it (None: shown on the screen only)."""

    key: str
    slip: TicketSlip
    slip_id: int | None


@dataclass(frozen=True)
class Settled:
    """How many of each were brought to an end because nobody waits for them any more."""

    filings: int
    payments: int
    issues: int

    def __bool__(self) -> bool:
        return bool(self.filings or self.payments or self.issues)


class Store:
    """One per process; safe to use from any thread, each with a connection of its own."""

    def __init__(self, path: Path, key: bytes, day_starts: time = DAY_STARTS) -> None:
        """Open or create the file. Raises StoreError. ``day_starts``: when numbers begin anew, as at the hall."""
        self._engine = open_database(path, key)
        self._day_starts = day_starts
        self.wall: Callable[[], datetime] | None = None
        """The machine's own clock, kept beside the trusted time of every fact once it is known (``TrustedClock``)."""
        self.filings = filings.FilingLedger(self._transaction)
        self.payments = payments.PaymentLedger(self._transaction)
        self.papers = papers.PaperLedger(self._transaction)
        self.sheets = sheets.PrintLedger(self._transaction)
        self.memory = remembered.Memory(self._transaction)
        self.audit = audit.AuditLog(self._transaction)
        self.devices = counters.DeviceBookkeeping(self._transaction)
        self.pin_attempts = pin_attempts.PinAttempts(self._transaction)
        self.standing = standing.StandingBook(self._transaction)
        self.release_floor = release_floor.ReleaseFloor(self._transaction)

    def close(self) -> None:
        self._engine.dispose()

    def _day(self, moment: datetime) -> str:
        return business_day(moment, self._day_starts)

    @contextmanager
    def _transaction(self, reads: bool = False) -> Iterator[Connection]:
        try:
            options = {READ_ONLY: reads, WALL_CLOCK: self.wall}
            with self._engine.execution_options(**options).begin() as connection:
                yield connection
        except (DBAPIError, sqlcipher.Error) as problem:
            # Only SQLite's own words: the statement's parameters may hold a person.
            raise StoreFailed(str(problem.orig if isinstance(problem, DBAPIError) else problem)) from None

    def check(self) -> list[str]:
        """What is wrong with the file; empty: nothing. Takes seconds."""
        return integrity.check(self._transaction)

    # ---- who this kiosk is -----------------------------------------------------------------------------------------

    def setting(self, name: str) -> bytes | None:
        with self._transaction(reads=True) as connection:
            row = connection.execute(text("SELECT value FROM setting WHERE name = :name"), {"name": name}).one_or_none()
            return bytes(row.value) if row else None

    def set_settings(self, values: dict[str, bytes]) -> None:
        """All of them or none."""
        with self._transaction() as connection:
            for name, value in values.items():
                connection.execute(
                    text("INSERT INTO setting VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = :value"),
                    {"name": name, "value": value},
                )

    # ---- time ------------------------------------------------------------------------------------------------------

    def trusted_time(self) -> TrustedTime | None:
        with self._transaction(reads=True) as connection:
            return time_kept.load(connection)

    def keep_trusted_time(self, time: TrustedTime) -> None:
        with self._transaction() as connection:
            time_kept.keep(connection, time)

    # ---- numbers ---------------------------------------------------------------------------------------------------

    def record_ask(self, now: datetime) -> str:
        """A number is about to be asked for: its new business key (32 hex digits)."""
        key = secrets.token_hex(16)
        with self._transaction() as connection:
            connection.execute(
                text("INSERT INTO ask (key, asked_at) VALUES (:key, :at)"), {"key": key, "at": now.isoformat()}
            )
        return key

    def record_hall_ticket(
        self, key: str, slip: TicketSlip, holder_ref: str | None, to_print: bool, now: datetime
    ) -> Recorded:
        """The hall gave this number for ``key``: the ticket, and the intent to print it."""
        with self._transaction() as connection:
            connection.execute(text("UPDATE ask SET outcome = 'answered' WHERE key = :key"), {"key": key})
            # The hall may answer with a number that this person holds already and that this kiosk gave.
            known = connection.execute(text("SELECT 1 FROM ticket WHERE token = :token"), {"token": slip.token}).first()
            if known is None:
                _insert_ticket(connection, key, slip, self._day(slip.issued_at), holder_ref, own_series=False)
            return Recorded(key, slip, _intend(connection, slip, now) if to_print else None)

    def record_own_ticket(
        self,
        kiosk: str,
        abandoned_key: str,
        draft: TicketSlip,
        holder_ref: str | None,
        to_print: bool,
        now: datetime,
        url_base: str,
        certain: bool = True,
    ) -> Recorded:
        """The hall is silent: the next number of the kiosk's own series.

        ``draft`` has everything but number, token and URL. ``abandoned_key``: what the hall was asked under with
        unknown outcome, to be voided there; "" when it was not asked. ``certain``: nobody doubts which day it is.
        """
        key = secrets.token_hex(16)
        with self._transaction() as connection:
            if abandoned_key:
                _abandon_ask(connection, abandoned_key, now)
            sequence = _next_own(connection, self._day(now), certain)
            token = public_token(key)
            slip = replace(draft, number=kiosk_number(kiosk, sequence), token=token, url=url_base + token)
            _insert_ticket(connection, key, slip, self._day(now), holder_ref, own_series=True)
            fact = TicketIssuedHere(
                key=key,
                number=slip.number,
                issued_at=slip.issued_at,
                service=slip.service_code,
                ticket_class="priority" if slip.priority else "normal",
                holder_ref=holder_ref,
                holder_masked=slip.holder_masked,
            )
            journal.append(connection, fact, now)
            return Recorded(key, slip, _intend(connection, slip, now) if to_print else None)

    def give_up_ticket(self, key: str, now: datetime) -> None:
        """Nobody waits for this ticket any more: void it at the hall, and intend no paper for it."""
        with self._transaction() as connection:
            row = connection.execute(
                text("UPDATE ticket SET given_up = 1 WHERE key = :key AND given_up = 0 RETURNING token"), {"key": key}
            ).one_or_none()
            if row is None:
                return
            journal.append(connection, TicketAskAbandoned(key), now)
            connection.execute(
                text("UPDATE slip SET state = 'failed', reason = 'given_up', ended_at = :at"
                     " WHERE token = :token AND state = 'intended'"),
                {"token": row.token, "at": now.isoformat()},
            )  # fmt: skip

    def tickets_of(self, holder_ref: str, now: datetime) -> list[TicketSlip]:
        """This person's numbers of today that this kiosk gave, newest first."""
        with self._transaction(reads=True) as connection:
            rows = connection.execute(
                text("SELECT slip FROM ticket WHERE holder_ref = :ref AND day = :day AND given_up = 0"
                     " ORDER BY rowid DESC"),
                {"ref": holder_ref, "day": self._day(now)},
            )  # fmt: skip
            return [msgspec.json.decode(row.slip, type=TicketSlip) for row in rows]

    # ---- the print ledger ------------------------------------------------------------------------------------------

    def record_reprint(self, slip: TicketSlip, now: datetime) -> Recorded:
        """The intent to print a slip again, on request; ``slip`` is marked already."""
        with self._transaction() as connection:
            return Recorded("", slip, _intend(connection, slip, now))

    def record_sent(self, slip_id: int) -> None:
        """The first byte is about to leave for the printer."""
        with self._transaction() as connection:
            connection.execute(
                text("UPDATE slip SET state = 'sent' WHERE id = :id AND state = 'intended'"), {"id": slip_id}
            )

    def record_print(self, slip_id: int, outcome: Outcome, reason: str | None, now: datetime) -> None:
        """How the sheet ended, by the printer's own word."""
        with self._transaction() as connection:
            _end_slip(connection, slip_id, outcome, reason, now)

    def forget_before(self, day: date) -> None:
        """Drop tickets, asks and sheets of earlier days: the hall keeps the record, the kiosk needs only its memory.

        The counts of its own numbers stay for ever: with a clock that jumped ahead and back, the day that is forgotten
        may be today, and its numbers would be given again.
        """
        with self._transaction() as connection:
            for statement in (
                "DELETE FROM ticket WHERE day < :day",
                "DELETE FROM remembered WHERE said_on < :day",
                "DELETE FROM ask WHERE outcome IS NOT NULL AND asked_at < :day",
                "DELETE FROM slip WHERE state NOT IN ('intended', 'sent') AND intended_at < :day",
            ):
                connection.execute(text(statement), {"day": day.isoformat()})
            for room in (filings, payments, papers):
                room.forget(connection, day.isoformat())

    # ---- after a crash ---------------------------------------------------------------------------------------------

    def recover(self, now: datetime) -> tuple[int, int]:
        """Settle what the last run left open: asks without outcome are voided, slips on their way are uncertain.

        Returns how many of each. Safe to run at every start.
        """
        with self._transaction() as connection:
            asks = (
                connection.execute(text("SELECT key FROM ask WHERE outcome IS NULL ORDER BY asked_at")).scalars().all()
            )
            for key in asks:
                _abandon_ask(connection, key, now)
            slips = connection.execute(text("SELECT id FROM slip WHERE state IN ('intended', 'sent')")).scalars().all()
            for slip_id in slips:
                _end_slip(connection, slip_id, "uncertain", "power_lost", now)
            return len(asks), len(slips)

    def recover_taxes(self, now: datetime) -> Settled:
        """The same for returns, payments and numbered papers. A charge that was on its way is not settled by this: only
        the terminal knows how it ended, and it is asked. Safe to run at every start."""
        with self._transaction() as connection:
            doubtful = payments.doubt_charging(connection, now)
            settled = _settle(connection, "power_lost", now, only_sent=False)
            return replace(settled, payments=settled.payments + doubtful)

    def visit_ended(self, now: datetime) -> Settled:
        """Nobody waits for anything any more: what the visit left open goes the way it would go after a crash."""
        with self._transaction() as connection:
            settled = _settle(connection, "visit_over", now, only_sent=True)
        # Connections keep what they last read and were last given (pages, decrypted, and the values of their prepared
        # statements), and with it the person: idle ones are closed, and opened anew when they are needed.
        self._engine.dispose()
        return settled

    def abandoned_on_the_way(self) -> list[str]:
        """Keys of asks given up whose journal rows the hall does not hold yet; the newest 16."""
        with self._transaction(reads=True) as connection:
            rows = connection.execute(
                text("SELECT body FROM journal, mark WHERE seq > high_water AND kind = 'ticket_ask_abandoned'"
                     " ORDER BY seq DESC LIMIT 16")
            )  # fmt: skip
            return [msgspec.json.decode(row.body, type=TicketAskAbandoned).key for row in rows]

    # ---- the machine itself ----------------------------------------------------------------------------------------

    def record_readiness(self, report: ReadinessReported, who: str, detail: str, now: datetime) -> None:
        """The signed report for the hall, and the row of the audit log that says who made it."""
        with self._transaction() as connection:
            journal.append(connection, report, now)
            audit.add(connection, who, "readiness", detail, now)

    # ---- the journal, for the sync agent ---------------------------------------------------------------------------

    def journal_mark(self) -> journal.Mark:
        with self._transaction(reads=True) as connection:
            return journal.mark(connection)

    def journal_waiting(self) -> int:
        """Rows that the hall does not hold yet."""
        with self._transaction(reads=True) as connection:
            return journal.waiting(connection)

    def journal_after(self, seq: int, limit: int) -> list[JournalRow]:
        with self._transaction(reads=True) as connection:
            return journal.rows_after(connection, seq, limit)

    def acknowledge(self, seq: int) -> None:
        with self._transaction() as connection:
            journal.acknowledge(connection, seq)

    def set_aside(self) -> int:
        """How many of our rows the hall put before its staff instead of taking them in, as it said so far."""
        return int(self.setting(_SET_ASIDE) or 0)

    def more_set_aside(self, count: int) -> None:
        self.set_settings({_SET_ASIDE: str(self.set_aside() + count).encode()})

    def begin_new_life(self) -> bool:
        """This disk is a copy, or was put back: from now on it reports under a name of its own. False while rows wait
        that belong to the old one."""
        with self._transaction() as connection:
            return journal.begin_new_life(connection)


def _settle(connection: Connection, reason: str, now: datetime, *, only_sent: bool) -> Settled:
    filings.forget_answers(connection)
    return Settled(
        filings=filings.queue_open(connection, now, only_sent=only_sent),
        payments=payments.refuse_uncharged(connection, now),
        issues=papers.give_up_open(connection, reason, now),
    )


def _next_own(connection: Connection, day: str, certain: bool) -> int:
    """The next number of the own series. It begins anew with a new day, but only where both the day and that of the
    number before are certain: a clock that was set a day ahead before a start, with no hall to say so, would begin anew
    within one true day, and two people would hold one number. Then the series runs on instead."""
    last = connection.execute(text("SELECT last FROM series WHERE day = :day"), {"day": day}).scalar() or 0
    latest = connection.execute(text("SELECT day, number, certain FROM latest_own")).one_or_none()
    if latest is not None and not (latest.day < day and latest.certain and certain):
        last = max(last, latest.number)
    values = {"day": day, "number": last + 1, "certain": int(certain)}
    connection.execute(
        text("INSERT INTO series VALUES (:day, :number) ON CONFLICT (day) DO UPDATE SET last = :number"), values
    )
    connection.execute(
        text("INSERT INTO latest_own VALUES (1, :day, :number, :certain)"
             " ON CONFLICT (one) DO UPDATE SET day = :day, number = :number, certain = :certain"),
        values,
    )  # fmt: skip
    return int(last) + 1


def _abandon_ask(connection: Connection, key: str, now: datetime) -> None:
    connection.execute(text("UPDATE ask SET outcome = 'abandoned' WHERE key = :key"), {"key": key})
    journal.append(connection, TicketAskAbandoned(key), now)


def _insert_ticket(
    connection: Connection, key: str, slip: TicketSlip, day: str, holder_ref: str | None, own_series: bool
) -> None:
    connection.execute(
        text("INSERT INTO ticket (key, token, day, number, own_series, holder_ref, slip)"
             " VALUES (:key, :token, :day, :number, :own, :ref, :slip)"),
        {
            "key": key,
            "token": slip.token,
            "day": day,
            "number": slip.number,
            "own": int(own_series),
            "ref": holder_ref,
            "slip": msgspec.json.encode(slip),
        },
    )  # fmt: skip


def _intend(connection: Connection, slip: TicketSlip, now: datetime) -> int:
    row = connection.execute(
        text("INSERT INTO slip (token, number, reprint, state, intended_at)"
             " VALUES (:token, :number, :reprint, 'intended', :at) RETURNING id"),
        {"token": slip.token, "number": slip.number, "reprint": int(slip.reprint), "at": now.isoformat()},
    )  # fmt: skip
    return int(row.scalar_one())


def _end_slip(connection: Connection, slip_id: int, outcome: Outcome, reason: str | None, now: datetime) -> None:
    row = connection.execute(
        text("UPDATE slip SET state = :outcome, reason = :reason, ended_at = :at"
             " WHERE id = :id AND state IN ('intended', 'sent') RETURNING token, number, reprint, kind, key"),
        {"id": slip_id, "outcome": outcome, "reason": reason, "at": now.isoformat()},
    ).one_or_none()  # fmt: skip
    if row is None:
        return
    reprint = bool(row.reprint)
    if row.kind == "test":
        # A technician's sheet: the hall has nothing to do with it.
        return
    if row.kind == "ticket":
        journal.append(connection, SlipPrinted(row.token, row.number, outcome, reason, reprint), now)
    else:
        journal.append(connection, DocumentPrinted(row.kind, row.key, row.number, outcome, reason, reprint), now)
