"""The ID-card reader's thread: watches for a card while a visit wants one, and looks whether the reader is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from drivers.contract import DeviceError, DeviceState, DeviceStatus, MediaState, NotConnected
from drivers.id_card.layouts import CardText
from drivers.id_card.reader import CardFailed as ReadFailed
from drivers.id_card.reader import CardRead as ReadDone
from drivers.id_card.reader import FailReason, IdCardReader, NoCard, open_reader
from kiosk.domain.holder import Holder
from kiosk.runtime.clock import Clock
from kiosk.runtime.device_book import Count, count_nothing
from kiosk.runtime.device_status import Note, StatusTeller
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import CardFailed, CardFound, CardRead
from kiosk.session.state import CardProblem, DeviceName

log = structlog.get_logger()

REOPEN_EVERY_S = 1.0
"""Between two tries at a reader that is not there: a cable put back is seen within this."""
LOOK_EVERY_S = 3.0
"""At a reader that rests."""

_PROBLEMS = {
    FailReason.TAKEN_AWAY: CardProblem.TAKEN_AWAY,
    FailReason.NOT_AN_ID_CARD: CardProblem.NOT_AN_ID_CARD,
    FailReason.UNREADABLE: CardProblem.UNREADABLE,
}


@dataclass(frozen=True)
class _Trial:
    seconds: float
    then: Callable[[ReadDone | ReadFailed | NoCard | None], None]


class CardWatch:
    """``watch`` and ``rest`` may be called from any thread and return at once."""

    def __init__(self, url: str, inbox: Inbox, clock: Clock, note: Note, count: Count = count_nothing) -> None:
        self._url = url
        self._inbox = inbox
        self._clock = clock
        self._count = count
        self._teller = StatusTeller(DeviceName.ID_CARD, inbox, note)
        self._reader: IdCardReader | None = None
        self._lock = threading.Lock()
        self._visit: int | None = None
        self._trial: _Trial | None = None
        self._woken = False
        # Set when what the thread waits for is no longer wanted: another visit, no visit, the end.
        self._interrupt = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="id_card", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> None:
        self._ended.set()
        self._interrupt.set()
        self._thread.join(timeout)

    def watch(self, visit: int) -> None:
        self._want(visit)

    def rest(self) -> None:
        self._want(None)

    def try_read(self, seconds: float, then: Callable[[ReadDone | ReadFailed | NoCard | None], None]) -> None:
        """A technician's card, for him alone: no visit hears of it. ``then``, in our thread; None: no reader is there,
        or somebody else wanted it meanwhile."""
        with self._lock:
            before, self._trial = self._trial, _Trial(seconds, then)
            self._interrupt.set()
        if before is not None:
            before.then(None)

    def wake(self) -> None:
        """The reader was plugged in or pulled out: look now instead of at the next turn."""
        with self._lock:
            self._woken = True
            # A reading in progress finds out by itself, and is not disturbed.
            if self._visit is None or self._reader is None:
                self._interrupt.set()

    def _want(self, visit: int | None) -> None:
        with self._lock:
            self._visit = visit
            self._interrupt.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                visit, woken = self._visit, self._woken
                trial, self._trial = self._trial, None
                self._woken = False
                self._interrupt.clear()
            try:
                if not self._open():
                    if trial is not None:
                        trial.then(None)
                    self._interrupt.wait(REOPEN_EVERY_S)
                elif trial is not None:
                    self._try(trial)
                elif visit is None:
                    self._rest(woken)
                else:
                    self._watch(visit)
            except DeviceError as problem:
                self._lost(problem)
            except Exception:
                log.exception("job-failed", worker="id_card")
                self._ended.wait(REOPEN_EVERY_S)
        self._close()

    def _open(self) -> bool:
        if self._reader is not None:
            return True
        reader: IdCardReader | None = None
        try:
            reader = open_reader(self._url)
            reader.connect()
        except DeviceError as problem:
            if reader is not None:
                reader.close()
            self._lost(problem)
            return False
        self._reader = reader
        self._teller.tell(DeviceStatus(DeviceState.ONLINE, media=MediaState.UNKNOWN))
        return True

    def _rest(self, woken: bool) -> None:
        if (woken or not self._interrupt.wait(LOOK_EVERY_S)) and self._reader is not None:
            self._reader.connect()

    def _try(self, trial: _Trial) -> None:
        if self._reader is None:
            return
        try:
            result = self._reader.watch(self._interrupt, trial.seconds)
        except DeviceError:
            trial.then(None)
            raise
        self._count_card(result)
        trial.then(result)

    def _count_card(self, result: ReadDone | ReadFailed | NoCard) -> None:
        if not isinstance(result, NoCard):
            self._count(DeviceName.ID_CARD, "cards" if isinstance(result, ReadDone) else "failed")

    def _watch(self, visit: int) -> None:
        if self._reader is None:
            return
        result = self._reader.watch(self._interrupt, on_found=lambda: self._inbox.post(CardFound(visit)))
        self._count_card(result)
        match result:
            case NoCard():
                return
            case ReadDone(text, elapsed_ms):
                log.info("card-read", media=text.kind, elapsed_ms=round(elapsed_ms))
                self._inbox.post(CardRead(visit, holder_of(text), self._clock.now().date()))
            case ReadFailed(reason):
                log.info("card-failed", reason=reason)
                self._inbox.post(CardFailed(visit, _PROBLEMS[reason]))
        with self._lock:
            # One card, one answer: the next one is read when the visit asks again.
            if self._visit == visit and not self._interrupt.is_set():
                self._visit = None

    def _lost(self, problem: DeviceError) -> None:
        self._close()
        state = DeviceState.NO_DEVICE if isinstance(problem, NotConnected) else DeviceState.HARDWARE_ERROR
        self._teller.tell(DeviceStatus(state, media=MediaState.UNKNOWN, detail=str(problem)))

    def _close(self) -> None:
        if self._reader is not None:
            try:
                self._reader.close()
            except DeviceError as problem:
                log.info("reader-not-closed", reason=str(problem))
            self._reader = None


def holder_of(text: CardText) -> Holder:
    """What the kiosk keeps of a card for the length of a visit: no address, no nation, no photograph."""
    return Holder(number=text.number, name=text.name, birth=text.birth, valid_to=text.valid_to)
