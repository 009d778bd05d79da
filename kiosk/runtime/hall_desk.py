"""Talks to the hall for the visit: asks for numbers, finds tickets, and watches the public state.

Two threads: what a visit asks is never behind a poll that waits for its time-out.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from kiosk.domain.messages import HallState, TicketRequest
from kiosk.runtime.clock import Clock
from kiosk.runtime.enrolment import Enrolment
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.slips import SlipMaker
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.runtime.worker import Worker
from kiosk.session.effects import AskHall, FindTickets
from kiosk.session.events import HallAnswered, HallSeen, HallSilent, TicketsFound
from kiosk.session.state import OpenTicket
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store
from kiosk.sync.hall_client import HallClient, HallError, HallRefused, HallUnreachable
from kiosk.sync.signing import Signer

log = structlog.get_logger()

STATE_EVERY_S = 2.0
STATE_TIMEOUT_S = 2.0


class HallDesk:
    """``ask_s``: seconds that the hall has to answer a request for a number; ``find_s``: for a question."""

    def __init__(
        self,
        hall_url: str,
        enrolment: Enrolment,
        store: Store,
        slips: SlipMaker,
        inbox: Inbox,
        clock: Clock,
        ask_s: float,
        find_s: float,
        hall_ca: Path | None = None,
    ) -> None:
        signer = Signer(enrolment.kiosk, enrolment.private_key)
        told = clock.hall_told if isinstance(clock, TrustedClock) else None
        self._client = HallClient(hall_url, signer, told, hall_ca)
        self._watcher = HallClient(hall_url, told=told, hall_ca=hall_ca)
        self._enrolment = enrolment
        self._store = store
        self._slips = slips
        self._inbox = inbox
        self._clock = clock
        self._ask_s = ask_s
        self._find_s = find_s
        self._seen: HallState | None = None
        self._told = False
        self.worker = Worker("hall")
        self.watch = Worker("hall-state", idle=self._look, idle_every_s=STATE_EVERY_S)

    def perform(self, effect: AskHall | FindTickets) -> None:
        match effect:
            case AskHall():
                self.worker.submit(lambda: self._ask(effect))
            case FindTickets():
                self.worker.submit(lambda: self._find(effect))

    def close(self) -> None:
        """Let go of the connections; the last job of each worker."""
        self.worker.submit(self._client.close)
        self.watch.submit(self._watcher.close)

    def _ask(self, effect: AskHall) -> None:
        holder = effect.holder
        request = TicketRequest(
            key=effect.key,
            requested_at=self._clock.now(),
            service=effect.service,
            ticket_class="priority" if effect.priority else "normal",
            holder_ref=holder.reference(self._enrolment.pepper) if holder else None,
            holder_masked=holder.masked if holder else "",
            abandoned=self._abandoned(),
        )
        until = self._clock.monotonic() + self._ask_s
        while (left := until - self._clock.monotonic()) > 0:
            try:
                ticket = self._client.ask_ticket(request, left)
            except HallUnreachable as problem:
                # A kept connection that the hall has closed fails at once; the key makes a second try harmless.
                log.info("ask-unanswered", reason=str(problem))
            except HallRefused as problem:
                log.warning("ask-refused", status=problem.status, reason=problem.problem)
                break
            else:
                self._inbox.post(HallAnswered(effect.visit, effect.key, ticket))
                return
        self._inbox.post(HallSilent(effect.visit, effect.key))

    def _abandoned(self) -> list[str]:
        try:
            return self._store.abandoned_on_the_way()
        except StoreFailed:
            return []

    def _find(self, effect: FindTickets) -> None:
        reference = effect.holder.reference(self._enrolment.pepper)
        masked = effect.holder.masked
        try:
            views = self._client.tickets_of(reference, self._find_s).tickets
        except HallError as problem:
            log.info("find-unanswered", reason=str(problem))
            self._inbox.post(self._from_memory(effect.visit, reference))
            return
        tickets = (OpenTicket(self._slips.from_hall(view, masked, False), view.state, view.window) for view in views)
        self._inbox.post(TicketsFound(effect.visit, tuple(tickets)))

    def _from_memory(self, visit: int, reference: str) -> TicketsFound | HallSilent:
        """What this kiosk itself gave today. It cannot know whether a number has been called since."""
        try:
            slips = self._store.tickets_of(reference, self._clock.now())
        except StoreFailed:
            slips = []
        if not slips:
            return HallSilent(visit)
        return TicketsFound(visit, tuple(OpenTicket(slip, "waiting") for slip in slips))

    def _look(self) -> None:
        try:
            seen: HallState | None = self._watcher.state(STATE_TIMEOUT_S)
        except HallError:
            seen = None
        if seen != self._seen or not self._told:
            if (seen is None) != (self._seen is None) or not self._told:
                log.info("hall-silent" if seen is None else "hall-answers")
            self._seen, self._told = seen, True
            self._inbox.post(HallSeen(seen))
