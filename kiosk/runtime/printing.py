"""A printer's thread: prints slips and papers whose intent is durable, and looks at the printer while it rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog

from drivers.contract import PaperState
from drivers.printer.document import Document
from drivers.printer.driver import Outcome, PrintResult, SlipPrinter
from kiosk.domain.texts import Texts
from kiosk.paper.ticket_slip import ticket_slip
from kiosk.runtime.clock import Clock
from kiosk.runtime.device_book import Count, count_nothing
from kiosk.runtime.device_status import Note, StatusTeller
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import PrintPaper, PrintSlip
from kiosk.session.events import PrintEnded
from kiosk.session.state import DeviceName, Language
from kiosk.store.database import StoreFailed
from kiosk.store.store import Store

log = structlog.get_logger()

LOOK_EVERY_S = 2.0


class PrinterDesk:
    """One printer of the kiosk. ``texts`` and ``hall_names`` by language; ``kiosk``: whose papers they are."""

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
        kiosk: str = "",
        count: Count = count_nothing,
    ) -> None:
        self._name = name
        self._printer = printer
        self._store = store
        self._texts = texts
        self._hall_names = hall_names
        self._kiosk = kiosk
        self._inbox = inbox
        self._clock = clock
        self._count = count
        self._teller = StatusTeller(name, inbox, note)
        self._ended: list[tuple[int, PrintResult]] = []
        """Sheets whose end the disk has not taken yet."""
        self._looks = 0
        self._woken = False
        self.worker = Worker(name, idle=self._look, idle_every_s=LOOK_EVERY_S)

    def perform(self, effect: PrintSlip | PrintPaper) -> None:
        self.worker.submit(lambda: self._print(effect))

    def try_print(self, document: Document, what: str, then: Callable[[PrintResult], None]) -> None:
        """A technician's sheet, in line with the others; the ledger has it as a test. ``then``: in our thread."""
        self.worker.submit(lambda: then(self._try(document, what)))

    def _try(self, document: Document, what: str) -> PrintResult:
        try:
            slip_id = self._store.sheets.record_test(what, self._clock.now())
            self._store.record_sent(slip_id)
        except StoreFailed as problem:
            # With a full disk a test is wanted all the same; it is nobody's slip.
            log.error("storage-failed", reason=str(problem))
            slip_id = None
        result = self._printer.print(document)
        self._count_sheet(result)
        if slip_id is not None:
            self._ended.append((slip_id, result))
        self._look()
        return result

    def _count_sheet(self, result: PrintResult) -> None:
        if result.outcome is Outcome.FAILED:
            self._count(self._name, "failed")
            return
        for counter in ("sheets", "sheets_total"):
            self._count(self._name, counter)

    def wake(self) -> None:
        """The printer was plugged in or pulled out: look now instead of at the next turn."""
        if not self._woken:
            self._woken = True
            self.worker.submit(self._look)

    def close(self) -> None:
        """Let go of the port; the last job of the worker."""
        self.worker.submit(self._printer.close)

    def _document(self, effect: PrintSlip | PrintPaper) -> Document:
        language = effect.language
        texts, hall_name = self._texts[language], self._hall_names[language]
        match effect:
            case PrintSlip():
                return ticket_slip(effect.slip, texts, hall_name, language.value)
            case PrintPaper():
                # Only where somebody files: a kiosk is up sooner without it.
                from kiosk.paper.papers import paper_document

                return paper_document(effect.paper, texts, hall_name, language.value, self._kiosk)

    def _print(self, effect: PrintSlip | PrintPaper) -> None:
        document = self._document(effect)
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
        self._count_sheet(result)
        self._ended.append((effect.slip_id, result))
        self._look()

    def _end_slips(self) -> None:
        """Also those that ended while the disk was full: what a sheet was is not left for the next start to guess."""
        while self._ended:
            slip_id, result = self._ended[0]
            try:
                self._store.record_print(slip_id, result.outcome.value, result.reason, self._clock.now())
            except StoreFailed as problem:
                log.error("storage-failed", reason=str(problem))
                return
            del self._ended[0]

    def _record(self, write: Callable[[], None]) -> None:
        try:
            write()
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))

    def _look(self) -> None:
        self._woken = False
        self._end_slips()
        self._teller.tell(self._printer.status())
        self._looks += 1
        if self._looks == 2:
            # A long import, and not before the first page is up: they would share one processor.
            self._printer.prepare()
