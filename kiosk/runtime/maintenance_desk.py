"""Reads panels and carries out what a technician has the machine do. A thread of its own: nothing here holds up a
screen or a visit, and the session's deadline ends the wait for what takes too long.

A device is never touched from here: its own desk does it, in line with everything else on that port, and says how it
went. Everything done is in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from drivers.contract import DeviceState, DeviceStatus
from kiosk.domain.texts import Texts
from kiosk.maintenance import bundle, calibration, machine, panels, readiness
from kiosk.maintenance.audit import Did
from kiosk.maintenance.world import Notes, World
from kiosk.runtime import wishes
from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.runtime.worker import Worker
from kiosk.session.effects import DoMaintenance, EndMaintenance, ReadPanel
from kiosk.session.events import MaintenanceDone, PanelRead
from kiosk.session.panel import Outcome, Panel, Place, Tone
from kiosk.session.state import Language
from kiosk.store.database import StoreFailed

if TYPE_CHECKING:
    from drivers.id_card.reader import CardFailed, CardRead, NoCard
    from drivers.printer.document import Document
    from drivers.printer.driver import PrintResult
    from kiosk.runtime.card_watch import CardWatch
    from kiosk.runtime.device_book import DeviceBook
    from kiosk.runtime.paying import PosDesk
    from kiosk.runtime.printing import PrinterDesk

log = structlog.get_logger()

#: A panel is built anew this often while somebody looks at it: a step of the repair turns green by itself.
LOOK_EVERY_S = 1.0
TRY_READ_S = 20.0
ASK_HALL_S = 5.0
#: For systemd to mount a stick that has just been put in.
MOUNT_S = 10.0

SENIOR_ONLY = frozenset({"shut_down", "take_logs", "roll_back"})

#: In the data folder: the touch screen's matrix, as xinput takes it. Put in force at every start.
TOUCH_MATRIX = "touch-matrix"


@dataclass(frozen=True)
class Desks:
    """Those that this kiosk has."""

    cards: CardWatch | None = None
    tickets: PrinterDesk | None = None
    receipts: PrinterDesk | None = None
    pos: PosDesk | None = None

    def printer(self, name: str) -> PrinterDesk | None:
        return {"ticket_printer": self.tickets, "receipt_printer": self.receipts}.get(name)


def hall_asker(hall_url: str, hall_ca: Path | None, clock: Clock) -> Callable[[], float | None]:
    """Asks the hall over a line of its own: what the other desks' kept connections still believe does not count."""

    def ask() -> float | None:
        from kiosk.sync.hall_client import HallClient, HallError

        hall = HallClient(hall_url, hall_ca=hall_ca)
        began = clock.monotonic()
        try:
            hall.state(ASK_HALL_S)
        except HallError:
            return None
        finally:
            hall.close()
        return (clock.monotonic() - began) * 1000

    return ask


class MaintenanceDesk:
    """``perform`` may be called from any thread and returns at once. ``ask_hall``: milliseconds until it answered;
    None: it did not. ``font``: with all characters of the texts, for the PDF; None: none is made."""

    def __init__(
        self,
        world: World,
        desks: Desks,
        book: DeviceBook,
        inbox: Inbox,
        texts: Mapping[Language, Texts],
        private_key: bytes,
        ask_hall: Callable[[], float | None],
        font: Path | None = None,
    ) -> None:
        self._world = world
        self._desks = desks
        self._book = book
        self._inbox = inbox
        self._texts = texts
        self._private_key = private_key
        self._ask_hall = ask_hall
        self._font = font
        self._looking: ReadPanel | None = None
        self._shown: Panel | None = None
        self.worker = Worker("maintenance", idle=self._rest, idle_every_s=LOOK_EVERY_S)

    def perform(self, effect: ReadPanel | DoMaintenance | EndMaintenance) -> None:
        self.worker.submit(lambda: self._carry_out(effect))

    def close(self) -> None:
        self.worker.submit(self._book.flush)

    def put_touch_matrix_in_force(self) -> None:
        """At a start: what was found by the last calibration."""

        def put() -> None:
            if matrix := self._touch_matrix():
                log.info("touch-matrix", outcome="in_force" if machine.set_touch_matrix(matrix) else "not_here")

        self.worker.submit(put)

    def _carry_out(self, effect: ReadPanel | DoMaintenance | EndMaintenance) -> None:
        match effect:
            case ReadPanel():
                self._read(effect)
            case DoMaintenance():
                self._do(effect)
            case EndMaintenance():
                self._want_stick(False)
                self._looking = self._shown = None
                self._world = replace(self._world, notes=Notes(), technician="")

    # ---- looking -----------------------------------------------------------------------------------------------------

    def _read(self, effect: ReadPanel) -> None:
        self._want_stick(effect.place is Place.LOGS)
        self._looking, self._shown = effect, None
        self._look()

    def _rest(self) -> None:
        self._book.flush()
        self._look()

    def _look(self) -> None:
        looking = self._looking
        if looking is None:
            return
        world = replace(self._world, role=looking.role)
        try:
            panel = panels.build(world, looking.place, looking.subject)
        except (StoreFailed, OSError) as problem:
            log.error("panel-not-read", page=looking.place.value, reason=str(problem))
            panel = Panel(looking.place, looking.subject, note="not_read")
        if panel != self._shown:
            self._shown = panel
            self._inbox.post(PanelRead(looking.visit, panel))

    def _want_stick(self, wanted: bool) -> None:
        """A stick is mounted only while somebody looks at this panel."""
        try:
            if wanted:
                wishes.ask(wishes.Wish.USB_STICK)
            else:
                wishes.take_back(wishes.Wish.USB_STICK)
        except OSError as problem:
            log.info("stick-not-asked-for", reason=str(problem))

    # ---- doing -------------------------------------------------------------------------------------------------------

    def _do(self, effect: DoMaintenance) -> None:
        if self._world.technician != effect.technician:
            self._world = replace(self._world, technician=effect.technician, notes=Notes())
        self._world = replace(self._world, role=effect.role)
        try:
            outcome = self._outcome(effect)
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))
            outcome = Outcome("store_failed", Tone.BAD)
        except OSError as problem:
            log.warning("maintenance-failed", name=effect.name, reason=str(problem))
            outcome = Outcome("failed", Tone.BAD, problem.strerror or str(problem))
        except Exception:
            log.exception("job-failed", worker="maintenance", name=effect.name)
            outcome = Outcome("failed", Tone.BAD)
        if outcome is not None:
            self._answer(effect, outcome)

    def _answer(self, effect: DoMaintenance, outcome: Outcome) -> None:
        self._inbox.post(MaintenanceDone(effect.visit, effect.name, outcome))

    def _outcome(self, effect: DoMaintenance) -> Outcome | None:
        """None: a device's desk answers."""
        name = effect.name
        if name in SENIOR_ONLY and not self._world.senior:
            return Outcome("not_allowed", Tone.BAD)
        match name:
            case "test_print":
                return self._test_print(effect)
            case "test_read":
                return self._test_read(effect)
            case "handshake":
                return self._handshake(effect)
            case "paper_loaded":
                return self._paper_loaded(effect)
            case "ask_hall":
                return self._hall()
            case "check_store":
                return self._check_store(effect)
            case "brighter" | "darker":
                light = (machine.brightness() or 0) + (machine.STRIDE if name == "brighter" else -machine.STRIDE)
                return self._set(effect, Did.BRIGHTNESS, machine.set_brightness(light))
            case "louder" | "quieter":
                sound = (machine.volume() or 0) + (machine.STRIDE if name == "louder" else -machine.STRIDE)
                return self._set(effect, Did.VOLUME, machine.set_volume(sound))
            case "touch_tested":
                return self._touch_tested(effect)
            case "calibrated":
                return self._calibrated(effect)
            case "picture_good" | "picture_bad" | "slip_good" | "slip_bad":
                what, _, how = name.partition("_")
                self._world.notes.by_hand[what] = how == "good"
                return Outcome("marked")
            case "make_report":
                return self._make_report(effect)
            case "print_report":
                return self._print_report(effect)
            case "take_logs":
                return self._take_logs(effect)
            case "roll_back":
                return self._roll_back(effect)
            case "out_of_service" | "back_in_service":
                return self._lock(effect, name == "out_of_service")
            case "restart":
                self._audit(effect, Did.RESTART, "")
                return Outcome("restarting")
            case "shut_down":
                return self._shut_down(effect)
        return Outcome("failed", Tone.BAD)

    def _audit(self, effect: DoMaintenance, what: Did, detail: str) -> None:
        """A full disk keeps nobody from mending the machine; the log says what the audit log could not take."""
        log.info("maintenance", name=effect.technician, outcome=what.value, reason=detail)
        try:
            self._world.store.audit.add(effect.technician, what.value, detail, self._world.time.now())
        except StoreFailed as problem:
            log.error("storage-failed", reason=str(problem))

    # ---- at the devices' own desks -----------------------------------------------------------------------------------

    def _test_print(self, effect: DoMaintenance) -> Outcome | None:
        from kiosk.paper.test_page import printer_test_page

        settings = self._world.settings.devices
        width = getattr(settings, f"{effect.subject}_width", 80)
        from drivers.printer.profile import PAPER_58, PAPER_80

        profile = PAPER_80 if width == 80 else PAPER_58
        page = printer_test_page(effect.subject, profile, self._world.time.now(), self._texts[Language.ZH])
        return self._print(effect, self._desks.printer(effect.subject), page, Did.TEST_PRINT)

    def _print_report(self, effect: DoMaintenance) -> Outcome | None:
        from kiosk.paper.readiness import readiness_slip

        notes = self._world.notes
        if notes.report is None:
            return Outcome("failed", Tone.BAD)
        code = readiness.qr(notes.report, notes.signature)
        slip = readiness_slip(notes.report, code, self._texts[Language.ZH], self._world.hall_names["zh"])
        return self._print(effect, self._desks.receipts, slip, Did.TEST_PRINT)

    def _print(self, effect: DoMaintenance, desk: PrinterDesk | None, document: Document, what: Did) -> Outcome | None:
        if desk is None:
            return Outcome("not_here", Tone.BAD)
        notes = self._world.notes

        def printed(result: PrintResult) -> None:
            good = result.outcome.value == "done"
            notes.tried[effect.subject or "receipt_printer"] = good
            said = result.reason.value if result.reason else ""
            self._audit(effect, what, " ".join(filter(None, (document.name, result.outcome.value, said))))
            tone = Tone.GOOD if good else Tone.WARN if result.outcome.value == "uncertain" else Tone.BAD
            why = f".{said}" if result.outcome.value == "failed" else ""
            self._answer(effect, Outcome(f"print_{result.outcome.value}{why}", tone))

        desk.try_print(document, document.name, printed)
        return None

    def _test_read(self, effect: DoMaintenance) -> Outcome | None:
        from drivers.id_card.reader import CardFailed, CardRead

        if self._desks.cards is None:
            return Outcome("not_here", Tone.BAD)
        notes = self._world.notes

        def read(result: CardRead | CardFailed | NoCard | None) -> None:
            # Whose card it was is nobody's business, the technician's own included.
            match result:
                case CardRead(text, elapsed_ms):
                    outcome = Outcome("card_read", Tone.GOOD, f"{elapsed_ms:.0f} ms")
                    detail = f"{text.kind} {elapsed_ms:.0f} ms"
                case CardFailed(reason):
                    outcome, detail = Outcome(f"card_failed.{reason.value}", Tone.BAD), reason.value
                case None:
                    outcome, detail = Outcome("reader_gone", Tone.BAD), "reader gone"
                case _:
                    outcome, detail = Outcome("no_card", Tone.WARN), "no card"
            notes.tried["id_card"] = isinstance(result, CardRead)
            self._audit(effect, Did.TEST_READ, detail)
            self._answer(effect, outcome)

        self._desks.cards.try_read(TRY_READ_S, read)
        return None

    def _handshake(self, effect: DoMaintenance) -> Outcome | None:
        if self._desks.pos is None:
            return Outcome("not_here", Tone.BAD)
        notes = self._world.notes

        def answered(status: DeviceStatus) -> None:
            good = status.device is DeviceState.ONLINE
            notes.tried["pos"] = good
            self._audit(effect, Did.HANDSHAKE, status.device.value)
            word = "handshake_good" if good else "handshake_bad"
            self._answer(effect, Outcome(word, Tone.GOOD if good else Tone.BAD, status.detail))

        self._desks.pos.try_handshake(answered)
        return None

    # ---- the machine -------------------------------------------------------------------------------------------------

    def _paper_loaded(self, effect: DoMaintenance) -> Outcome:
        self._book.flush()
        self._world.store.devices.reset(effect.subject, "sheets", self._world.time.now())
        self._audit(effect, Did.PAPER_LOADED, effect.subject)
        return Outcome("paper_counted")

    def _hall(self) -> Outcome:
        took = self._world.notes.hall_ms = self._ask_hall()
        if took is None:
            return Outcome("hall_silent", Tone.BAD)
        return Outcome("hall_answers", Tone.GOOD, f"{took:.0f} ms")

    def _check_store(self, effect: DoMaintenance) -> Outcome:
        found = self._world.notes.integrity = self._world.store.check()
        self._audit(effect, Did.STORE_CHECKED, f"{len(found)} findings")
        return Outcome("store_broken", Tone.BAD, str(len(found))) if found else Outcome("store_whole")

    def _set(self, effect: DoMaintenance, what: Did, percent: int) -> Outcome:
        self._audit(effect, what, f"{percent} %")
        return Outcome("set_to", Tone.GOOD, f"{percent} %")

    def _touch_tested(self, effect: DoMaintenance) -> Outcome:
        how, _, missing = effect.subject.partition(" ")
        good = self._world.notes.by_hand["touch"] = how == "good"
        self._audit(effect, Did.TOUCH_TESTED, effect.subject)
        return Outcome("touch_good") if good else Outcome("touch_bad", Tone.BAD, missing)

    def _touch_matrix(self) -> str:
        try:
            return (self._world.settings.kiosk.data_dir / TOUCH_MATRIX).read_text(encoding="ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            return ""

    def _calibrated(self, effect: DoMaintenance) -> Outcome:
        from kiosk.configuration import durable

        points = [(int(x), int(y)) for x, _, y in (pair.partition(",") for pair in effect.subject.split())]
        try:
            in_force = calibration.matrix_of(self._touch_matrix())
        except ValueError:
            in_force = calibration.Matrix()
        found = calibration.find(points, in_force=in_force)
        if found is None or not found.usable:
            self._audit(effect, Did.CALIBRATED, "unsteady")
            return Outcome("calibration_unsteady", Tone.BAD)
        if not found.needed:
            self._audit(effect, Did.CALIBRATED, "not needed")
            return Outcome("calibration_fine", Tone.GOOD, f"{found.offset / 10:.1f} %")
        durable.replace(self._world.settings.kiosk.data_dir / TOUCH_MATRIX, found.matrix.text.encode())
        self._audit(effect, Did.CALIBRATED, f"{found.offset / 10:.1f} % off")
        if machine.set_touch_matrix(found.matrix.text):
            return Outcome("calibrated", Tone.GOOD, f"{found.offset / 10:.1f} %")
        return Outcome("calibrated_later", Tone.WARN, f"{found.offset / 10:.1f} %")

    def _make_report(self, effect: DoMaintenance) -> Outcome:
        from kiosk.maintenance import readiness_pdf

        world, notes = self._world, self._world.notes
        notes.integrity = world.store.check()
        report = readiness.make(world)
        signed = readiness.sign(report, self._private_key)
        detail = f"{report.id[:8]} {'ready' if report.ready else 'not ready'}"
        world.store.record_readiness(signed, effect.technician, detail, world.time.now())
        notes.report, notes.signature = report, signed.signature
        if self._font is not None and self._font.exists():
            code = readiness.qr(report, signed.signature)
            texts = {language.value: words for language, words in self._texts.items()}
            pdf = readiness_pdf.make(report, signed.signature, code, texts, world.hall_names, self._font)
            readiness.keep(world, signed, pdf)
        return Outcome("report_ready") if report.ready else Outcome("report_not_ready", Tone.BAD)

    def _take_logs(self, effect: DoMaintenance) -> Outcome:
        import time

        folder = self._world.settings.maintenance.usb_folder
        until = time.monotonic() + MOUNT_S
        while (stick := bundle.find_stick(folder)) is None:
            if time.monotonic() > until:
                return Outcome("no_stick", Tone.BAD)
            time.sleep(0.2)
        try:
            file = bundle.write(self._world, stick)
        except ValueError:
            return Outcome("no_support_key", Tone.BAD)
        except bundle.NotKept:
            return Outcome("stick_broken", Tone.BAD)
        self._audit(effect, Did.LOGS_TAKEN, file.name)
        return Outcome("logs_taken", Tone.GOOD, file.name)

    def _roll_back(self, effect: DoMaintenance) -> Outcome:
        """Between two visits: from the next start of the front end on. The slots tell the audit log by themselves."""
        slots = self._world.slots
        if slots is None or not slots.roll_back("technician", effect.technician):
            return Outcome("nothing_before", Tone.BAD)
        self._world.store.standing.ask_restart()
        return Outcome("rolled_back")

    def _lock(self, effect: DoMaintenance, locked: bool) -> Outcome:
        standing = self._world.store.standing
        if locked:
            standing.lock("", effect.technician, self._world.time.now())
        else:
            standing.unlock(effect.technician, self._world.time.now())
        return Outcome("locked" if locked else "unlocked")

    def _shut_down(self, effect: DoMaintenance) -> Outcome:
        self._audit(effect, Did.SHUT_DOWN, "")
        try:
            wishes.ask(wishes.Wish.POWEROFF)
        except wishes.NotHere:
            return Outcome("not_here", Tone.BAD)
        return Outcome("shutting_down")
