"""The machine itself, as the hall sees it: reports, the hall's line, orders, releases.

Three threads beside the journal's: one reports and carries orders out, one listens, one takes releases. Nothing hangs
on the line alone: what it says is said by the answer to every report too, and the first thing after it was lost and
found again is a report.

An order counts when the hall's order key signed it, it names this kiosk, its number is above every number heard before,
and trusted time has not passed its end. One that does not count is answered, and changes nothing.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection

from kiosk.domain.fleet import (
    ORDER_DOMAIN,
    REPORT_S,
    ConfigurationReport,
    DeviceReport,
    KioskReport,
    Order,
    OrderAnswer,
    SignedOrder,
    StorageReport,
    Verb,
)
from kiosk.runtime.status_file import read_status
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.store import standing
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient, HallError, HallRefused, HallUnreachable
from kiosk.sync.machine_logs import Logs

log = structlog.get_logger()

ANSWER_S = 10.0

#: How often is looked whether a report would say something new.
LOOK_EVERY_S = 1.0

#: Silence, of heartbeats too, after which the hall's line is taken for dead.
LINE_S = 45.0
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 30.0

#: Front ends say every ten seconds that they live.
ALIVE_MS = 35_000

#: Orders that do not count are answered and audited, but not as fast as somebody could make them up: one of each kind.
REFUSALS_EVERY_S = 10.0

_decode_order = msgspec.json.Decoder(Order).decode
_decode_signed = msgspec.json.Decoder(SignedOrder).decode


class Taker(Protocol):
    """``kiosk.configuration.taking.Taker``."""

    def report(self) -> ConfigurationReport: ...
    def consider(self, offered: int) -> ConfigurationReport: ...


@dataclass
class Heard:
    """What the threads tell each other."""

    wake: threading.Event
    """Something is to be reported or carried out now."""
    offer: threading.Event
    """A release is offered, or the one in service may have changed."""
    orders: list[SignedOrder]
    offered: int
    configuration: ConfigurationReport
    lock: threading.Lock

    @classmethod
    def nothing(cls) -> Heard:
        return cls(threading.Event(), threading.Event(), [], 0, ConfigurationReport(), threading.Lock())

    def order(self, signed: SignedOrder) -> None:
        with self.lock:
            self.orders.append(signed)
        self.wake.set()

    def release(self, offered: int) -> None:
        self.offered = offered
        self.offer.set()

    def take_orders(self) -> list[SignedOrder]:
        with self.lock:
            taken, self.orders = self.orders, []
        return taken


# ---- reports ---------------------------------------------------------------------------------------------------------


class Reporter:
    """Puts a report together. Never raises: what cannot be found out is told as not working."""

    def __init__(self, store: Store, clock: TrustedClock, status_file: Path, software: str) -> None:
        self._store, self._clock, self._status_file, self._software = store, clock, status_file, software
        self._began = clock.now()

    def report(self, configuration: ConfigurationReport) -> KioskReport:
        status = read_status(self._status_file)
        front = status.front_end if status is not None else None
        devices = status.devices if status is not None else {}
        now, works = self._clock.now(), True
        waiting = restarts = uncertain = 0
        locked = False
        try:
            waiting = self._store.journal_waiting()
            locked = self._store.standing.look().locked
            restarts = self._store.standing.starts_since(now - timedelta(hours=1))
            uncertain = self._store.sheets.uncertain_since(now.replace(hour=0, minute=0, second=0, microsecond=0))
        except StoreFailed:
            works = False
        return KioskReport(
            at=now,
            clock=self._clock.wall(),
            started_at=front.started_at if front is not None else self._began,
            software=self._software,
            devices={name: DeviceReport(each.device, each.paper, each.detail[:200]) for name, each in devices.items()},
            journal_waiting=waiting,
            configuration=configuration,
            storage=self._storage(works),
            last_visit_at=front.last_visit_at if front is not None else None,
            locked=locked,
            in_maintenance=front is not None and front.in_maintenance,
            restarts=restarts,
            slips_uncertain=uncertain,
            front_end_runs=front is not None and 0 <= standing.uptime_ms() - front.alive_ms < ALIVE_MS,
        )

    def _storage(self, works: bool) -> StorageReport:
        try:
            found = os.statvfs(self._status_file.parent)
        except OSError:
            return StorageReport(0, 0, works=False)
        return StorageReport(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize, works)


def differs(one: KioskReport | None, other: KioskReport) -> bool:
    """Is it worth telling at once? Clocks go on, and disks and journals fill and empty all the time."""
    return one is None or _essence(one) != _essence(other)


def _essence(report: KioskReport) -> KioskReport:
    storage = msgspec.structs.replace(report.storage, free=0)
    depth = report.journal_waiting.bit_length() if report.journal_waiting > 100 else 0
    return msgspec.structs.replace(report, at=report.started_at, clock=report.started_at, storage=storage,
                                   journal_waiting=depth)  # fmt: skip


# ---- orders ----------------------------------------------------------------------------------------------------------


class Orders:
    """Carries them out, each once. The answer to one that fetches logs carries the lines."""

    def __init__(self, store: Store, clock: TrustedClock, kiosk: str, order_key: str, logs: Logs) -> None:
        """``order_key``: Ed25519 public key in hex, given at the enrolment; "" obeys nobody."""
        self._store, self._clock, self._kiosk, self._logs = store, clock, kiosk, logs
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(order_key)) if order_key else None
        self._quiet_until: dict[str, float] = {}

    def take(self, signed: SignedOrder) -> None:
        """Raises StoreFailed: it is heard of again with the next report."""
        order = _read(signed)
        if order is None or not self._genuine(signed):
            # Whose it is and which number it has is anybody's claim.
            self._refuse(order.id if order is not None else "", None, "signature", "kiosk")
            return
        if self._store.standing.is_answered(order.id):
            return
        who = f"hall:{order.by}"
        if order.kiosk != self._kiosk:
            self._refuse(order.id, None, "kiosk", who)
        elif order.number <= self._store.standing.look().last_order:
            self._refuse(order.id, None, "number", who)
        elif order.expires_at <= self._clock.now():
            self._refuse(order.id, order.number, "stale", who)
        else:
            self._carry_out(order, who)

    def _genuine(self, signed: SignedOrder) -> bool:
        if self._key is None:
            return False
        try:
            self._key.verify(bytes.fromhex(signed.signature), ORDER_DOMAIN + signed.order.encode())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _carry_out(self, order: Order, who: str) -> None:
        change: Callable[[Connection], None] = _nothing
        answer = OrderAnswer("done")
        match order.verb:
            case Verb.LOCK:
                change = _lock(order.argument)
            case Verb.UNLOCK:
                change = _unlock
            case Verb.RESTART:
                change = standing.set_restart
            case Verb.FETCH_LOGS:
                answer = OrderAnswer("done", text=self._logs.newest(_hours(order.argument)))
        audited = (who, "order_done", f"{order.verb.value} #{order.number} {order.argument}".rstrip())
        done = self._store.standing.carry_out(order.id, order.number, answer, change, audited, self._clock.now())
        log.info("order-carried-out" if done else "order-heard-before", name=order.verb.value, seq=order.number)

    def _refuse(self, order: str, number: int | None, problem: str, who: str) -> None:
        """``number``: of an order that was genuine and too late, which is passed over for good."""
        log.warning("order-refused", reason=problem)
        if number is None:
            if time.monotonic() < self._quiet_until.get(problem, 0.0):
                return
            self._quiet_until[problem] = time.monotonic() + REFUSALS_EVERY_S
        answer = OrderAnswer("refused", problem)
        self._store.standing.refuse(order, number, answer, (who, "order_refused", problem), self._clock.now())


def _read(signed: SignedOrder) -> Order | None:
    try:
        return _decode_order(signed.order)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _nothing(connection: Connection) -> None:
    pass


def _lock(words: str) -> Callable[[Connection], None]:
    return lambda connection: standing.set_locked(connection, True, words)


def _unlock(connection: Connection) -> None:
    standing.set_locked(connection, False)


def _hours(argument: str) -> int:
    return min(int(argument), 72) if argument.isascii() and argument.isdecimal() else 1


# ---- the threads -----------------------------------------------------------------------------------------------------


class FleetAgent:
    """What ``taxkiosk sync`` runs beside the journal. Each thread has a client of its own."""

    def __init__(
        self,
        store: Store,
        clock: TrustedClock,
        reporter: Reporter,
        orders: Orders,
        taker: Taker | None,
        clients: Callable[[], HallClient],
    ) -> None:
        """``taker`` None: this kiosk takes no releases. ``clients`` makes a client for a thread."""
        self._store, self._clock, self._reporter, self._orders = store, clock, reporter, orders
        self._taker, self._clients = taker, clients
        self._heard = Heard.nothing()
        self._stop = threading.Event()
        runs: list[tuple[str, Callable[[], None]]] = [("report", self._reports), ("listen", self._listen)]
        if taker is not None:
            runs.append(("releases", partial(self._take_releases, taker)))
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for name, run in runs]

    def start(self) -> None:
        if self._taker is not None:
            # The first report tells the truth about it: one that said "as shipped" would end an alarm.
            self._heard.configuration = self._taker.report()
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """The listening thread may hang in its line until the next heartbeat: the process ends without it."""
        self._stop.set()
        self._heard.wake.set()
        self._heard.offer.set()
        for thread in self._threads[:1] + self._threads[2:]:
            thread.join(timeout)

    def _reports(self) -> None:
        hall = self._clients()
        last: KioskReport | None = None
        due, report_s, retry_s = 0.0, REPORT_S, FIRST_RETRY_S
        while not self._stop.is_set():
            rung = self._heard.wake.wait(LOOK_EVERY_S)
            self._heard.wake.clear()
            try:
                self._carry_out(self._heard.take_orders())
                self._send_answers(hall)
                report = self._reporter.report(self._heard.configuration)
                if not (rung or differs(last, report) or time.monotonic() >= due):
                    continue
                reply = hall.report(report, ANSWER_S)
                last, retry_s = report, FIRST_RETRY_S
                report_s = max(reply.report_s, LOOK_EVERY_S)
                due = time.monotonic() + report_s
                self._clock.keep_if_due()
                self._carry_out(reply.orders)
                self._send_answers(hall)
                self._heard.release(reply.release)
            except HallUnreachable:
                # The journal's thread says so in the log. The line that is there again ends the wait.
                self._heard.wake.wait(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            except (HallError, StoreFailed) as problem:
                log.warning("report-failed", reason=str(problem), retry_s=retry_s)
                self._stop.wait(retry_s)
                retry_s = min(2 * retry_s, LONGEST_RETRY_S)
            except Exception:
                # A defect of ours: the journal must go on, and this too.
                log.exception("report-failed")
                self._stop.wait(LONGEST_RETRY_S)
        hall.close()

    def _carry_out(self, orders: Iterable[SignedOrder]) -> None:
        for signed in orders:
            self._orders.take(signed)

    def _send_answers(self, hall: HallClient) -> None:
        for order, answer in self._store.standing.answers_to_send().items():
            try:
                hall.answer_order(order, answer, ANSWER_S)
            except HallRefused as refused:
                if refused.status not in (400, 404, 413, 422):
                    raise
                # Not an order of this hall's to this kiosk: who made it up hears nothing.
                log.warning("order-answer-refused", status=refused.status)
            self._store.standing.answer_sent(order)

    def _listen(self) -> None:
        hall = self._clients()
        retry_s = FIRST_RETRY_S
        while not self._stop.is_set():
            try:
                with hall.listen(LINE_S) as line:
                    retry_s = FIRST_RETRY_S
                    # What was said while nobody listened is in the answer to a report.
                    self._heard.wake.set()
                    for kind, data in line:
                        self._hear(kind, data)
            except HallUnreachable:
                pass
            except HallError as problem:
                log.warning("line-refused", reason=str(problem), retry_s=retry_s)
            except Exception:
                log.exception("line-failed")
            self._stop.wait(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)
        hall.close()

    def _hear(self, kind: str, data: str) -> None:
        try:
            if kind == "order":
                self._heard.order(_decode_signed(data))
            elif kind == "release":
                self._heard.release(msgspec.json.decode(data, type=_Release).release)
        except msgspec.MsgspecError:
            log.warning("line-not-understood", name=kind[:20])

    def _take_releases(self, taker: Taker) -> None:
        """In a thread of its own: a slow mirror keeps no order and no report waiting."""
        while not self._stop.is_set():
            try:
                told = taker.report()
                self._tell(told)
                self._heard.offer.wait(LOOK_EVERY_S)
                if self._heard.offer.is_set() and not self._stop.is_set():
                    self._heard.offer.clear()
                    self._tell(taker.consider(self._heard.offered))
            except Exception:
                log.exception("release-failed")
                self._stop.wait(LONGEST_RETRY_S)

    def _tell(self, told: ConfigurationReport) -> None:
        if told != self._heard.configuration:
            self._heard.configuration = told
            self._heard.wake.set()


class _Release(msgspec.Struct, frozen=True):
    release: int


def agent_for(
    store: Store, clock: TrustedClock, kiosk: str, order_key: str, status_file: Path, software: str,
    taker: Taker | None, clients: Callable[[], HallClient],
) -> FleetAgent:  # fmt: skip
    """Put together as ``taxkiosk sync`` has it."""
    logs = Logs(status_file.parent / "logs")
    return FleetAgent(
        store,
        clock,
        Reporter(store, clock, status_file, software),
        Orders(store, clock, kiosk, order_key, logs),
        taker,
        clients,
    )
