"""The ticket printer's thread: prints a slip whose intent is durable, and looks at the printer while it rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from drivers.contract import DeviceState, DeviceStatus, PaperState
from drivers.printer.driver import PrintResult, SlipPrinter
from kiosk.domain.texts import Texts
from kiosk.paper.ticket_slip import ticket_slip
from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import PrintSlip
from kiosk.session.events import DeviceChanged, PrintEnded
from kiosk.session.state import DeviceName, DeviceView, Language
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store

log = structlog.get_logger()

LOOK_EVERY_S = 2.0

Note = Callable[[DeviceName, DeviceStatus], None]


def view_of(status: DeviceStatus) -> DeviceView:
    """A device as a visit needs it."""
    return DeviceView(
        works=status.device is DeviceState.ONLINE,
        paper_out=status.paper in {PaperState.OUT, PaperState.JAMMED},
        paper_low=status.paper is PaperState.LOW,
        cover_open=bool(status.cover_open),
    )


class StatusTeller:
    """Tells inbox and technician about one device, and only when something has changed."""

    def __init__(self, name: DeviceName, inbox: Inbox, note: Note) -> None:
        self._name = name
        self._inbox = inbox
        self._note = note
        self._last: DeviceStatus | None = None

    def tell(self, status: DeviceStatus) -> None:
        if status == self._last:
            return
        before, self._last = self._last, status
        log.info("device-status", device=self._name, state=status.device, paper=status.paper, reason=status.detail)
        self._note(self._name, status)
        view = view_of(status)
        if before is None or view_of(before) != view:
            self._inbox.post(DeviceChanged(self._name, view))


class PrinterDesk:
    """One printer of the kiosk. ``texts`` and ``hall_names`` by language."""

    def __init__(
        self,
        name: DeviceName,
        printer: SlipPrinter,
        store: Store,
        texts: Mapping[Language, Texts],
        hall_names: Mapping[Language, str],
        inbox: Inbox,
        clock: Clock,
        note: Note,
    ) -> None:
        self._name = name
        self._printer = printer
        self._store = store
        self._texts = texts
        self._hall_names = hall_names
        self._inbox = inbox
        self._clock = clock
        self._teller = StatusTeller(name, inbox, note)
        self.worker = Worker(name, idle=self._look, idle_every_s=LOOK_EVERY_S)
        self.worker.submit(printer.prepare)

    def perform(self, effect: PrintSlip) -> None:
        self.worker.submit(lambda: self._print(effect))

    def _print(self, effect: PrintSlip) -> None:
        language = effect.language
        document = ticket_slip(effect.slip, self._texts[language], self._hall_names[language], language.value)
        self._record(lambda: self._store.record_sent(effect.slip_id))
        result = self._printer.print(document)
        log.info(
            "slip-printed",
            device=self._name,
            slip_id=effect.slip_id,
            outcome=result.outcome,
            reason=result.reason,
            paper=result.paper,
            elapsed_ms=result.elapsed_ms,
        )
        # The visitor waits for the paper, not for the ledger: what it lacks after a crash is settled as uncertain.
        self._inbox.post(PrintEnded(effect.visit, effect.slip_id, result.outcome.value, result.paper is PaperState.OUT))
        self._record(lambda: self._end_slip(effect.slip_id, result))
        self._look()

    def _end_slip(self, slip_id: int, result: PrintResult) -> None:
        self._store.record_print(slip_id, result.outcome.value, result.reason, self._clock.now())

    def _record(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))

    def _look(self) -> None:
        self._teller.tell(self._printer.status())
