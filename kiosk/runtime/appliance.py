"""One kiosk put together: settings → store, workers, loop. The screens are handed in; nothing here knows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import assert_never

import structlog

from drivers.hotplug import Hotplug
from drivers.pos.contract import RefusedBecause
from drivers.pos.terminal import PosTerminal
from drivers.printer.driver import SlipPrinter
from drivers.printer.profile import PAPER_58, PAPER_80
from kiosk.configuration.slots import Slots
from kiosk.domain.catalogue import Catalogue
from kiosk.domain.filing import PaymentResult
from kiosk.domain.texts import Texts
from kiosk.maintenance.world import World
from kiosk.runtime.attendant import Attendant
from kiosk.runtime.card_watch import CardWatch
from kiosk.runtime.clock import Clock
from kiosk.runtime.device_book import DeviceBook
from kiosk.runtime.enrolment import Enrolment
from kiosk.runtime.hall_desk import HallDesk
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.loop import Runtime
from kiosk.runtime.maintenance_desk import Desks, MaintenanceDesk, hall_asker
from kiosk.runtime.paying import PosDesk
from kiosk.runtime.printing import PrinterDesk
from kiosk.runtime.slips import SlipMaker
from kiosk.runtime.status_file import StatusFile
from kiosk.runtime.storekeeper import Storekeeper
from kiosk.runtime.tax_desk import TaxDesk
from kiosk.runtime.technician_desk import TechnicianDesk
from kiosk.runtime.trusted_clock import TrustedClock
from kiosk.runtime.watchdog import Pulse
from kiosk.runtime.worker import Worker
from kiosk.session.effects import (
    AbandonFiling,
    AbandonPaper,
    AbandonPayment,
    AbandonSheet,
    AbandonTicket,
    Arm,
    AskCertificate,
    AskHall,
    AskInvoice,
    CancelCharge,
    ChargeCard,
    CheckTechnician,
    ConfirmPayment,
    Disarm,
    DoMaintenance,
    Effect,
    EndMaintenance,
    FindBuyer,
    FindTaxpayers,
    FindTickets,
    Forget,
    ForgetDraft,
    HoldPayment,
    KeepDraft,
    Leave,
    OpenFile,
    PrintPaper,
    PrintSlip,
    QueueFiling,
    ReadPanel,
    RecordAsk,
    RecordFiling,
    RecordIssue,
    RecordPaper,
    RecordPayment,
    RecordReprint,
    RecordTicket,
    StopWatching,
    SubmitFiling,
    VerifyPin,
    WatchForCard,
)
from kiosk.session.events import ChargeEnded, DeviceChanged
from kiosk.session.rules import Rules
from kiosk.session.state import DeviceName, DeviceView, Language, Shown
from kiosk.settings import Settings
from kiosk.store.store import Store

log = structlog.get_logger()

STOP_S = 2.0


class Appliance:
    """The front end without its face. ``start`` before the window opens, ``stop`` after it has closed."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        enrolment: Enrolment,
        catalogue: Catalogue,
        texts: Mapping[Language, Texts],
        inbox: Inbox,
        clock: Clock,
        show: Callable[[Shown], None],
        rules: Rules | None = None,
        leave: Callable[[], None] = lambda: None,
        font: Path | None = None,
    ) -> None:
        """``rules``: without them, those of the catalogue and the limits alone. ``leave``: ends the front end, exit 0.
        ``font``: for the readiness report."""
        self._store = store
        self._inbox = inbox
        clock = self._clock = clock if isinstance(clock, TrustedClock) else TrustedClock(clock)
        any_service = (texts[Language.ZH]("service.any"), texts[Language.EN]("service.any"))
        slips = SlipMaker(catalogue, settings.kiosk.ticket_url, any_service)
        limits = settings.limits
        status = StatusFile(settings.kiosk.status_file, clock)
        devices = settings.devices
        book = DeviceBook(store, clock, status.note)
        self._leave = leave
        self._storekeeper = Storekeeper(store, enrolment, slips, inbox, clock)
        hall, pin = settings.kiosk.hall_url, settings.kiosk.hall_ca
        self._hall = HallDesk(hall, enrolment, store, slips, inbox, clock, limits.hall_answer_s, limits.find_s, pin)
        self._taxes = TaxDesk(hall, enrolment, store, inbox, clock, limits, settings.offline, pin)
        self._pos: PosDesk | None = None
        if devices.pos:
            terminal = PosTerminal(devices.pos)
            self._pos = PosDesk(terminal, store, inbox, clock, book.note, limits.charge_s, book.count)
        self._cards = CardWatch(devices.id_card, inbox, clock, book.note, book.count) if devices.id_card else None

        def printer(name: DeviceName, url: str, baudrate: int, width: int) -> PrinterDesk | None:
            if not url:
                return None
            driver = SlipPrinter(url, baudrate, PAPER_80 if width == 80 else PAPER_58)
            names = enrolment.hall_names
            kiosk = enrolment.kiosk
            return PrinterDesk(name, driver, store, texts, names, inbox, clock, book.note, kiosk, book.count)

        self._tickets = printer(
            DeviceName.TICKET_PRINTER,
            devices.ticket_printer,
            devices.ticket_printer_baudrate,
            devices.ticket_printer_width,
        )
        self._receipts = printer(
            DeviceName.RECEIPT_PRINTER,
            devices.receipt_printer,
            devices.receipt_printer_baudrate,
            devices.receipt_printer_width,
        )

        def show_and_note(shown: Shown) -> None:
            self._attendant.shown(shown)
            show(shown)

        self._runtime = Runtime(rules or Rules(catalogue, limits), inbox, clock, self._perform, show_and_note)
        self._attendant = Attendant(store, inbox, clock, status, lambda: self._runtime.pulse.count)
        self._technicians = (
            TechnicianDesk(devices.smart_card, store, inbox, clock, book.note) if devices.smart_card else None
        )
        self._maintenance = self._put_maintenance_together(settings, store, enrolment, texts, inbox, clock, book, font)
        urls = (
            devices.id_card,
            devices.ticket_printer,
            devices.receipt_printer,
            devices.pos,
            devices.smart_card,
        )
        desks = zip(urls, (self._cards, self._tickets, self._receipts, self._pos, self._technicians), strict=True)
        self._hotplug = Hotplug({url: desk.wake for url, desk in desks if desk is not None})
        self._loop = threading.Thread(target=self._runtime.run, name="loop", daemon=True)

    def _put_maintenance_together(
        self,
        settings: Settings,
        store: Store,
        enrolment: Enrolment,
        texts: Mapping[Language, Texts],
        inbox: Inbox,
        clock: TrustedClock,
        book: DeviceBook,
        font: Path | None,
    ) -> MaintenanceDesk:
        world = World(
            kiosk=enrolment.kiosk,
            hall_names={language.value: name for language, name in enrolment.hall_names.items()},
            software=metadata.version("taxkiosk"),
            started_at=clock.now(),
            settings=settings,
            store=store,
            time=clock,
            devices=book.statuses,
            situation=lambda: self._runtime.session.situation,
            slots=Slots(settings.kiosk.configuration_dir),
        )
        desks = Desks(self._cards, self._tickets, self._receipts, self._pos)
        ask = hall_asker(settings.kiosk.hall_url, settings.kiosk.hall_ca, clock)
        return MaintenanceDesk(world, desks, book, inbox, texts, enrolment.private_key, ask, font)

    def _devices(self) -> dict[DeviceName, CardWatch | PrinterDesk | PosDesk | None]:
        return {
            DeviceName.ID_CARD: self._cards,
            DeviceName.TICKET_PRINTER: self._tickets,
            DeviceName.RECEIPT_PRINTER: self._receipts,
            DeviceName.POS: self._pos,
        }

    def _workers(self) -> list[Worker]:
        desks = (self._tickets, self._receipts, self._pos)
        return [
            self._storekeeper.worker,
            self._hall.worker,
            self._hall.watch,
            self._taxes.worker,
            self._maintenance.worker,
            *(desk.worker for desk in desks if desk is not None),
        ]

    @property
    def pulse(self) -> Pulse:
        """Of the session's loop."""
        return self._runtime.pulse

    @property
    def failures(self) -> int:
        """Steps of the session that failed since the start."""
        return self._runtime.failures

    @property
    def workers_live(self) -> bool:
        return all(worker.lives for worker in self._workers())

    def start(self) -> None:
        """Settle what the last run left open, then let everything begin. Raises StoreFailed."""
        self._clock.trust(self._store)
        now = self._clock.now()
        asks, slips = self._store.recover(now)
        log.info("recovered", asks=asks, slips=slips, **asdict(self._store.recover_taxes(now)))
        self._store.standing.note_start(now)
        # Devices are taken to work until somebody has looked; at one that this kiosk does not have nobody will.
        for name, desk in self._devices().items():
            if desk is None:
                self._inbox.post(DeviceChanged(name, DeviceView()))
        for worker in self._workers():
            worker.start()
        if self._cards is not None:
            self._cards.start()
        if self._technicians is not None:
            self._technicians.start()
        self._maintenance.put_touch_matrix_in_force()
        try:
            self._hotplug.start()
        except OSError as problem:
            # Everybody still looks at his own device every second or two.
            log.warning("hotplug-not-heard", reason=problem.strerror)
        self._loop.start()
        self._attendant.start()

    def stop(self) -> None:
        """At most STOP_S seconds a thread; a hung device does not keep the process."""
        self._runtime.stop()
        self._loop.join(STOP_S)
        self._attendant.stop(STOP_S)
        self._hotplug.stop(STOP_S)
        if self._cards is not None:
            self._cards.stop(STOP_S)
        if self._technicians is not None and not self._technicians.stop(STOP_S):
            log.warning("worker-hangs", worker="smart_card")
        self._maintenance.close()
        for desk in (self._tickets, self._receipts, self._pos):
            if desk is not None:
                desk.close()
        self._hall.close()
        self._taxes.close()
        self._clock.keep()
        for worker in self._workers():
            if not worker.stop(STOP_S):
                log.warning("worker-hangs", worker=worker.name)

    def _perform(self, effect: Effect) -> None:
        """Each effect to the one who carries it out; returns at once."""
        match effect:
            case WatchForCard(visit):
                if self._cards is not None:
                    self._cards.watch(visit)
            case StopWatching():
                if self._cards is not None:
                    self._cards.rest()
            case RecordAsk() | RecordTicket() | RecordReprint() | AbandonTicket():
                self._storekeeper.perform(effect)
            case RecordFiling() | QueueFiling() | RecordPayment() | RecordIssue() | RecordPaper():
                self._storekeeper.perform(effect)
            case KeepDraft() | ForgetDraft() | AbandonFiling() | AbandonPayment() | AbandonPaper() | AbandonSheet():
                self._storekeeper.perform(effect)
            case Forget():
                # The session has let go of the person already, and workers with their jobs; what the visit left open in
                # the store is brought to an end.
                self._storekeeper.perform(effect)
            case AskHall() | FindTickets():
                self._hall.perform(effect)
            case FindTaxpayers() | OpenFile() | FindBuyer() | SubmitFiling():
                self._taxes.perform(effect)
            case HoldPayment() | ConfirmPayment() | AskCertificate() | AskInvoice():
                self._taxes.perform(effect)
            case ChargeCard(visit, key):
                if self._pos is not None:
                    self._pos.perform(effect)
                else:
                    refused = ChargeEnded(visit, key, PaymentResult("refused"), RefusedBecause.NOT_SENT.value)
                    self._inbox.post(refused)
            case CancelCharge(key):
                if self._pos is not None:
                    self._pos.cancel(key)
            case PrintSlip():
                if self._tickets is not None:
                    self._tickets.perform(effect)
            case PrintPaper():
                if self._receipts is not None:
                    self._receipts.perform(effect)
            case CheckTechnician() | VerifyPin():
                if self._technicians is not None:
                    self._technicians.perform(effect)
            case EndMaintenance():
                if self._technicians is not None:
                    self._technicians.perform(effect)
                self._maintenance.perform(effect)
            case ReadPanel() | DoMaintenance():
                self._maintenance.perform(effect)
            case Leave():
                self._leave()
            case Arm() | Disarm():
                raise AssertionError("timers are the loop's own")
            case _:
                assert_never(effect)
