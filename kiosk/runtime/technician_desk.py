"""The technicians' slot: says when a card comes and goes, and finds out whose it is. A thread of its own; pcscd's waits
are in others (``drivers.smart_card``), so a card that falls silent delays nobody.

The card is held only from its check to its signature. After that it only has to be there: the slot's watch tells when
it goes, and also when reader or pcscd go, which is the same to us.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from drivers.contract import DeviceError, DeviceState, DeviceStatus, MediaState
from kiosk.domain.fleet import Technician
from kiosk.maintenance.audit import Did
from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import CheckTechnician, EndMaintenance, VerifyPin
from kiosk.session.events import (
    PinWrong,
    SmartCardChanged,
    TechnicianAdmitted,
    TechnicianRecognised,
    TechnicianRefused,
)
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store

if TYPE_CHECKING:
    from drivers.smart_card.connection import Connection
    from drivers.smart_card.slot import Slot, SlotWatch
    from drivers.smart_card.technician import TechnicianCard

log = structlog.get_logger()

NAME = "smart_card"

#: In three times within so many seconds: asks for entry without a touch.
KNOCK_S = 20.0
KNOCKS = 3

_UNKNOWN = "unknown"


class TechnicianDesk:
    """``perform`` and ``wake`` may be called from any thread and return at once."""

    def __init__(
        self, url: str, store: Store, inbox: Inbox, clock: Clock, note: Callable[[str, DeviceStatus], None]
    ) -> None:
        self._url = url
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._note = note
        self._watch: SlotWatch | None = None
        self._inserted: deque[float] = deque(maxlen=KNOCKS)
        self._inside = False
        self._connection: Connection | None = None
        self._card: TechnicianCard | None = None
        self._certificate = b""
        self._technician: Technician | None = None
        """Whose card is being asked for its PIN."""
        self._admitted = ""
        self.worker = Worker(NAME)

    def start(self) -> None:
        self.worker.start()
        # The library costs an import that no first page waits for.
        self.worker.submit(self._begin)

    def stop(self, timeout: float) -> bool:
        if self._watch is not None:
            self._watch.stop(timeout)
        self.worker.submit(self._let_go)
        return self.worker.stop(timeout)

    def wake(self) -> None:
        if self._watch is not None:
            self._watch.wake()

    def perform(self, effect: CheckTechnician | VerifyPin | EndMaintenance) -> None:
        self.worker.submit(lambda: self._carry_out(effect))

    def _carry_out(self, effect: CheckTechnician | VerifyPin | EndMaintenance) -> None:
        match effect:
            case CheckTechnician(visit):
                self._check(visit)
            case VerifyPin(visit, pin):
                self._verify(visit, pin)
            case EndMaintenance(why):
                self._end(why)

    # ---- the slot ----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        try:
            from drivers.smart_card.slot import SlotWatch
            from drivers.transport import BadUrl
        except ImportError as problem:
            # A machine without the library has no way in by card; everything else goes on.
            self._note(NAME, DeviceStatus(DeviceState.NO_DEVICE, detail=f"no library: {problem.name}"))
            return
        try:
            self._watch = SlotWatch(self._changed, self._url)
        except BadUrl as problem:
            self._note(NAME, DeviceStatus(DeviceState.NO_DEVICE, detail=str(problem)))
            return
        self._watch.start()

    def _changed(self, slot: Slot) -> None:
        """In the watch's thread."""
        status = slot.status
        log.info("device-status", device=NAME, state=status.device, media=status.media, reason=status.detail)
        self._note(NAME, status)
        inside = slot.media is MediaState.PRESENT
        knocked = False
        if inside and not self._inside:
            now = self._clock.monotonic()
            self._inserted.append(now)
            knocked = len(self._inserted) == KNOCKS and now - self._inserted[0] <= KNOCK_S
        self._inside = inside
        self._inbox.post(SmartCardChanged(slot.device is DeviceState.ONLINE, inside, knocked))

    # ---- whose card --------------------------------------------------------------------------------------------------

    def _check(self, visit: int) -> None:
        from drivers.smart_card.connection import connect
        from drivers.smart_card.technician import TechnicianCard
        from kiosk.maintenance import login

        self._let_go()
        if self._is_locked():
            self._refuse(visit, "locked_out")
            return
        listed = login.read_list()
        if listed is None:
            self._refuse(visit, "no_list")
            return
        try:
            self._connection = connect(self._url)
            card = TechnicianCard(self._connection)
            if not card.select():
                self._refuse(visit, "unknown_card")
                return
            certificate = card.certificate()
            found = login.find(listed, certificate, self._clock.now().date())
            if isinstance(found, login.Refusal):
                self._refuse(visit, found.problem, found.who)
                return
            tries = card.tries_left()
        except DeviceError as problem:
            log.info("technicians-card-failed", reason=str(problem))
            self._refuse(visit, "unreadable")
            return
        if tries == 0:
            self._refuse(visit, "blocked", found.id)
            return
        self._card, self._certificate, self._technician = card, certificate, found
        self._inbox.post(TechnicianRecognised(visit, tries))

    def _verify(self, visit: int, pin: str) -> None:
        from drivers.smart_card import technician as driver

        card, who = self._card, self._technician
        if card is None or who is None:
            self._refuse(visit, "unreadable")
            return
        if self._is_locked():
            self._refuse(visit, "locked_out", who.id)
            return
        # Counted before the card hears of it, so that no pulled plug gives a try for nothing.
        locks = self._try_counts()
        try:
            answer = card.verify_pin(pin)
            if isinstance(answer, driver.PinAccepted):
                self._have_it_sign(visit, card, who)
                return
        except (DeviceError, ValueError) as problem:
            log.info("technicians-card-failed", reason=str(problem))
            self._refuse(visit, "unreadable", who.id)
            return
        left = answer.tries_left if isinstance(answer, driver.PinWrong) else 0
        self._audit(who.id, Did.PIN_WRONG, f"{left}")
        if locks:
            self._refuse(visit, "locked_out", who.id)
        elif left == 0:
            self._refuse(visit, "blocked", who.id)
        else:
            self._inbox.post(PinWrong(visit, left))

    def _have_it_sign(self, visit: int, card: TechnicianCard, who: Technician) -> None:
        """Raises DeviceError."""
        from drivers.smart_card.technician import CHALLENGE_BYTES
        from kiosk.maintenance import login

        challenge = os.urandom(CHALLENGE_BYTES)
        signature = card.sign(challenge)
        if signature is None or not login.is_signed(self._certificate, challenge, signature):
            # The certificate is public; the key is what makes it his card.
            self._refuse(visit, "forged", who.id)
            return
        self._let_go()
        self._forgive()
        self._admitted = who.id
        self._audit(who.id, Did.LOGIN, who.role.value)
        self._inbox.post(TechnicianAdmitted(visit, who.id, who.name, who.role))

    def _refuse(self, visit: int, problem: str, who: str = "") -> None:
        self._let_go()
        self._audit(who or _UNKNOWN, Did.REFUSED, problem)
        self._inbox.post(TechnicianRefused(visit, problem))

    def _end(self, why: str) -> None:
        self._let_go()
        if self._admitted:
            self._audit(self._admitted, Did.LEFT, why)
            self._admitted = ""

    def _let_go(self) -> None:
        """The card loses its power, and forgets that a PIN was given."""
        connection, self._connection = self._connection, None
        self._card = self._technician = None
        if connection is not None:
            connection.close()

    # ---- the store: a full disk keeps no technician out, he comes to mend it ---------------------------------------

    def _is_locked(self) -> bool:
        try:
            return self._store.pin_attempts.locked_until(self._clock.now()) is not None
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            return False

    def _try_counts(self) -> bool:
        """True: if this one is wrong, nobody is let in for a while."""
        try:
            return self._store.pin_attempts.trying(self._clock.now()) is not None
        except StoreFailed as problem:
            # The card counts for itself all the same.
            log.error("storage-failed", reason=str(problem))
            return False

    def _forgive(self) -> None:
        try:
            self._store.pin_attempts.right()
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))

    def _audit(self, who: str, what: Did, detail: str) -> None:
        log.info("technician", name=who, outcome=what.value, reason=detail)
        try:
            self._store.audit.add(who, what.value, detail, self._clock.now())
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
