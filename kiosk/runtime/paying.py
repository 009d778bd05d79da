"""The payment terminal's thread: charges what is durable, and asks about what it does not know until it does.

A key is charged once: ``charging`` is durable before the first byte, and nothing leads back to it. From then on only
the terminal's own word counts, and it is durable before anybody hears of it. What is unknown, or was being charged when
the power went, is asked for across visits and starts; what the hall wants given back is given back until that is done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import structlog

from drivers.contract import DeviceError, DeviceState, DeviceStatus
from drivers.pos.contract import (
    Approved,
    AskResult,
    NotFound,
    Progress,
    Refused,
    RefusedBecause,
    Reversed,
    ReverseResult,
    SaleResult,
    Unknown,
)
from drivers.pos.terminal import PosTerminal
from kiosk.domain.filing import Charge, PaymentResult, TerminalEntry, TerminalJournal
from kiosk.runtime.clock import Clock
from kiosk.runtime.device_book import Count, count_nothing
from kiosk.runtime.device_status import Note, StatusTeller
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import ChargeCard
from kiosk.session.events import ChargeEnded, ChargeProgress, ChargeUnknown
from kiosk.session.state import DeviceName
from kiosk.store.database import StoreFailed
from kiosk.store.payments import Payment
from kiosk.store.store import Store

log = structlog.get_logger()

TICK_S = 1.0
LOOK_EVERY_S = 2.0
FIRST_ASK_S = 1.0
LONGEST_ASK_S = 30.0
GROWTH = 1.5
"""While the payer still stands there, the first half minute sees seven questions."""
REVERSAL_REFUSED_S = 600.0
"""A bank that will not give money back does not change its mind in seconds; staff see it meanwhile."""
READ_DAY_EVERY_S = 3600.0
READ_AFTER_CHARGE_S = 5.0
MARGIN_S = 5.0
"""Of the time for a charge: what the terminal needs to let go and say so, before the visit stops waiting."""

_NAMED = "terminal "
"""What a terminal's status detail begins with; its name follows."""


@dataclass
class _Turn:
    """When a payment is next asked about or given back (monotonic seconds), and how long to wait after that."""

    at: float
    wait_s: float = FIRST_ASK_S


class PosDesk:
    """``perform`` and ``cancel`` may be called from any thread and return at once. ``charge_s``: all of one charge."""

    def __init__(
        self,
        terminal: PosTerminal,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        note: Note,
        charge_s: float,
        count: Count = count_nothing,
    ) -> None:
        self._terminal = terminal
        self._payments = store.payments
        self._inbox = inbox
        self._clock = clock
        self._count = count
        self._charge_s = max(1.0, charge_s - MARGIN_S)
        self._teller = StatusTeller(DeviceName.POS, inbox, note)
        self._calls_off: dict[str, threading.Event] = {}
        self._visits: dict[str, int] = {}
        self._turns: dict[str, _Turn] = {}
        self._looked_at = float("-inf")
        self._woken = False
        self._read_at = float("-inf")
        self._name = ""
        self.worker = Worker("pos", idle=self._tick, idle_every_s=TICK_S)

    def perform(self, effect: ChargeCard) -> None:
        cancelled = self._calls_off.setdefault(effect.key, threading.Event())
        self.worker.submit(lambda: self._charge(effect, cancelled))

    def cancel(self, key: str) -> None:
        """The payer changed his mind: heard while no card is in, and before the terminal was told."""
        if (cancelled := self._calls_off.get(key)) is not None:
            cancelled.set()

    def try_handshake(self, then: Callable[[DeviceStatus], None]) -> None:
        """A technician wants to know whether it answers; in line with charges. ``then``: in our thread."""

        def ask() -> None:
            status = self._terminal.status()
            self._teller.tell(status)
            then(status)

        self.worker.submit(ask)

    def wake(self) -> None:
        """The terminal was plugged in or pulled out: look now instead of at the next turn."""
        if not self._woken:
            self._woken = True
            self.worker.submit(self._look)

    def close(self) -> None:
        """A charge that waits for a card is called off; letting go of the line is the worker's last job."""
        for cancelled in list(self._calls_off.values()):
            cancelled.set()
        self.worker.submit(self._terminal.close)

    # ---- one charge ------------------------------------------------------------------------------------------------

    def _charge(self, effect: ChargeCard, cancelled: threading.Event) -> None:
        try:
            self._sell(effect, cancelled)
        finally:
            self._calls_off.pop(effect.key, None)
            # The day that the hall holds is a day without this charge: it is read anew once the payer has gone on.
            self._read_at = min(self._read_at, self._clock.monotonic() - READ_DAY_EVERY_S + READ_AFTER_CHARGE_S)

    def _sell(self, effect: ChargeCard, cancelled: threading.Event) -> None:
        visit, key = effect.visit, effect.key
        try:
            allowed = self._payments.charging(key, effect.amount)
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            self._tell_not_sent(visit, key)
            return
        if not allowed:
            # A defect of ours, or the visit was given up: whatever it is, the terminal is not told to charge.
            log.warning("charge-not-allowed")
            self._tell_what_is_known(visit, key)
            return

        def show(progress: Progress) -> None:
            self._inbox.post(ChargeProgress(visit, key, progress.value, progress is Progress.PRESENT_CARD))

        self._visits[key] = visit
        result = self._terminal.sale(key, effect.amount, self._charge_s, show, cancelled)
        log.info("charge-ended", outcome=type(result).__name__, reason=_reason(result))
        if isinstance(result, Approved):
            self._count(DeviceName.POS, "charges")
        if not self._settle(key, effect.amount, result):
            self._doubt(key)
            self._turns[key] = _Turn(self._clock.monotonic() + FIRST_ASK_S)
            self._inbox.post(ChargeUnknown(visit, key))

    def _tell_not_sent(self, visit: int, key: str) -> None:
        self._inbox.post(ChargeEnded(visit, key, PaymentResult("refused"), RefusedBecause.NOT_SENT.value))

    def _tell_what_is_known(self, visit: int, key: str) -> None:
        """Of a payment that may not be charged (any more)."""
        payment = self._payments.get(key)
        match payment:
            case Payment(state="approved" | "to_reverse"):
                self._inbox.post(ChargeEnded(visit, key, PaymentResult("approved", payment.charge)))
            case Payment(state="charging" | "unknown"):
                self._visits[key] = visit
                self._inbox.post(ChargeUnknown(visit, key))
            case _:
                self._tell_not_sent(visit, key)

    # ---- the terminal's word ---------------------------------------------------------------------------------------

    def _settle(self, key: str, amount: int, word: SaleResult | AskResult) -> bool:
        """Make the end of a charge durable, then say it to the visit that waits. False: it has not ended yet."""
        ended = _ended(key, amount, word)
        if ended is None:
            return False
        result, reason = ended
        try:
            self._payments.ended(key, result, self._clock.now())
        except StoreFailed as problem:
            # Until it is durable it has not been said: the terminal goes on knowing it, and is asked again.
            log.error("storage-failed", reason=str(problem))
            return False
        self._turns.pop(key, None)
        visit = self._visits.pop(key, None)
        if visit is not None:
            self._inbox.post(ChargeEnded(visit, key, result, reason))
        return True

    def _doubt(self, key: str) -> None:
        try:
            self._payments.unknown(key, self._clock.now())
        except StoreFailed as problem:
            # It stays ``charging``, which means the same and is asked for as well.
            log.error("storage-failed", reason=str(problem))

    # ---- when nobody wants a charge --------------------------------------------------------------------------------

    def _tick(self) -> None:
        try:
            open_payments = self._payments.open()
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            open_payments = []
        for payment in open_payments:
            # One at a time: somebody may want to pay meanwhile.
            if payment.state in ("unknown", "charging", "to_reverse") and self._is_its_turn(payment.key):
                self._pursue(payment)
                return
        now = self._clock.monotonic()
        if now >= self._looked_at + LOOK_EVERY_S:
            self._looked_at = now
            self._look()

    def _is_its_turn(self, key: str) -> bool:
        turn = self._turns.setdefault(key, _Turn(self._clock.monotonic()))
        return self._clock.monotonic() >= turn.at

    def _pursue(self, payment: Payment) -> None:
        """Ask about one payment, or give it back; if that did not settle it, wait longer before the next time."""
        word: AskResult | ReverseResult
        if payment.state == "to_reverse":
            word = self._terminal.reverse(payment.key)
            settled = self._give_back(payment, word)
        else:
            if payment.state == "charging":
                # Its end could not be stored at the time, nor that it is in doubt.
                self._doubt(payment.key)
            word = self._terminal.ask(payment.key, payment.amount)
            settled = self._settle(payment.key, payment.amount, word)
        log.info("payment-asked", state=payment.state, outcome=type(word).__name__, reason=_reason(word))
        if not settled:
            turn = self._turns.setdefault(payment.key, _Turn(0.0))
            # A terminal that gives nothing back says so for a while. An end that only could not be stored is asked for
            # again soon.
            refused = payment.state == "to_reverse" and isinstance(word, Refused | NotFound)
            turn.at = self._clock.monotonic() + (REVERSAL_REFUSED_S if refused else turn.wait_s)
            turn.wait_s = min(turn.wait_s * GROWTH, LONGEST_ASK_S)

    def _give_back(self, payment: Payment, word: ReverseResult) -> bool:
        """Only the terminal's *reversed* ends it: after *not found* the charge it once confirmed is still not back."""
        if not isinstance(word, Reversed):
            return False
        try:
            self._payments.ended(payment.key, PaymentResult("reversed", payment.charge), self._clock.now())
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            return False
        self._turns.pop(payment.key, None)
        return True

    def _look(self) -> None:
        self._woken = False
        status = self._terminal.status()
        self._teller.tell(status)
        if status.device is DeviceState.ONLINE:
            self._name = status.detail.removeprefix(_NAMED)
            if self._clock.monotonic() >= self._read_at + READ_DAY_EVERY_S:
                self._read_at = self._clock.monotonic()
                self._read_days(self._clock.now().date())

    def _read_days(self, today: date) -> None:
        """The terminal's count of today so far, and of yesterday once it is over: what reconciliation compares."""
        yesterday = today - timedelta(days=1)
        try:
            days = [today]
            if yesterday.isoformat() not in self._payments.complete_terminal_days():
                days.insert(0, yesterday)
            for day in days:
                entries = [
                    TerminalEntry(
                        entry.key, entry.kind, entry.fen, entry.trace, entry.reference, entry.card_masked, entry.at
                    )
                    for entry in self._terminal.journal(day)
                ]
                journal = TerminalJournal(day, self._name, entries)
                self._payments.keep_terminal_day(journal, day < today, self._clock.now())
        except (DeviceError, StoreFailed) as problem:
            log.warning("terminal-day-not-read", reason=str(problem))


def _ended(key: str, amount: int, word: SaleResult | AskResult) -> tuple[PaymentResult, str] | None:
    """What a word of the terminal means for a payment, and why it was refused; None: it has not ended."""
    match word:
        case Approved(fen=fen) if word.key == key and fen == amount:
            charge = Charge(word.terminal, word.trace, word.reference, word.card_masked, word.at, fen)
            return PaymentResult("approved", charge), ""
        case Refused(_, because):
            return PaymentResult("refused"), because.value
        case NotFound():
            # Nothing was charged under this key, and the terminal will never take it any more.
            return PaymentResult("refused"), RefusedBecause.NOT_SENT.value
        case Reversed():
            return PaymentResult("reversed"), ""
    return None


def _reason(word: SaleResult | AskResult | ReverseResult) -> str:
    match word:
        case Unknown(_, reason):
            return reason
        case Refused(_, because):
            return because.value
    return ""
