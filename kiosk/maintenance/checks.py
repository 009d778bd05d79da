"""What the machine can say of itself with a yes or a no: for the readiness report, and for the guided repair, where a
step turns green by itself once its check is good.

Each check is a function of the world; its name is its text key (``maintenance.line.<name>``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from drivers.contract import DeviceState, PaperState
from kiosk.domain.fleet import Check, Slot
from kiosk.maintenance import machine
from kiosk.maintenance.world import PRINTERS, World
from kiosk.store.database import StoreFailed

#: Seconds that the wall clock may be off trusted time. Nothing hangs on it, but somebody should set it.
CLOCK_S = 120.0
#: Bytes, and part of the whole, that have to be free.
FREE_BYTES = 500 * 1024 * 1024
FREE_PART = 0.05
#: Rows of the journal that may wait for the hall.
DEEP = 500

Result = Literal["good", "bad", "skipped"]


def _result(good: bool) -> Result:
    return "good" if good else "bad"


def device(world: World, name: str) -> Check:
    status = world.status(name)
    if status is None:
        return Check(name, "skipped", "not_here")
    return Check(name, _result(status.device is DeviceState.ONLINE), status.device.value)


def paper(world: World, printer: str) -> Check:
    """Low is not ready: the night is longer than the rest of a roll."""
    name = f"{printer}_paper"
    status = world.status(printer)
    if status is None or status.paper is None:
        return Check(name, "skipped", "not_here")
    return Check(name, _result(status.paper is PaperState.FULL), status.paper.value)


def _printers(world: World, name: str, good: Callable[[World, str], bool]) -> Check:
    """Good when every printer that this kiosk has is."""
    there = [printer for printer in PRINTERS if world.status(printer) is not None]
    if not there:
        return Check(name, "skipped", "not_here")
    return Check(name, _result(all(good(world, printer) for printer in there)))


def not_jammed(world: World) -> Check:
    def good(world: World, printer: str) -> bool:
        status = world.status(printer)
        return status is not None and status.paper is not PaperState.JAMMED and _answers(world, printer)

    return _printers(world, "not_jammed", good)


def paper_there(world: World) -> Check:
    def good(world: World, printer: str) -> bool:
        status = world.status(printer)
        return status is not None and status.paper in (PaperState.FULL, PaperState.LOW)

    return _printers(world, "paper_there", good)


def covers_closed(world: World) -> Check:
    def good(world: World, printer: str) -> bool:
        status = world.status(printer)
        return status is not None and not status.cover_open and _answers(world, printer)

    return _printers(world, "covers_closed", good)


def printers_there(world: World) -> Check:
    return _printers(world, "printers_there", _answers)


def _answers(world: World, name: str) -> bool:
    status = world.status(name)
    return status is not None and status.device not in (DeviceState.NO_DEVICE, DeviceState.OFFLINE)


def test_printed(world: World) -> Check:
    tried = [world.notes.tried[printer] for printer in PRINTERS if printer in world.notes.tried]
    return Check("test_printed", _result(bool(tried) and all(tried)))


def card_read(world: World) -> Check:
    return Check("card_read", _result(world.notes.tried.get("id_card", False)))


def handshake(world: World) -> Check:
    return Check("handshake_made", _result(world.notes.tried.get("pos", False)))


def hall(world: World) -> Check:
    return Check("hall", _result(world.situation().hall_answers))


def addressed(world: World) -> Check:
    found = machine.addresses()
    return Check("addressed", _result(bool(found)), ", ".join(found.values()))


def clock(world: World) -> Check:
    off = (world.time.wall() - world.time.now()).total_seconds()
    return Check("clock", _result(abs(off) <= CLOCK_S), f"{off:+.0f} s")


def trust(world: World) -> Check:
    """The hall has said the time since the start: nothing is taken on the wall clock's word alone."""
    return Check("trust", _result(world.time.certain))


def storage(world: World) -> Check:
    disk = machine.storage(world.settings.kiosk.data_dir)
    good = disk.free >= min(FREE_BYTES, disk.total * FREE_PART) and not disk.errors
    return Check("storage", _result(good), f"{disk.free // (1024 * 1024)} MB")


def store_works(world: World) -> Check:
    return Check("store_works", _result(world.situation().storage_works))


def store_whole(world: World) -> Check:
    found = world.notes.integrity
    if found is None:
        return Check("store_whole", "skipped", "not_checked")
    return Check("store_whole", _result(not found), str(len(found)) if found else "")


def audit_whole(world: World) -> Check:
    try:
        broken = world.store.audit.verify()
    except StoreFailed:
        return Check("audit_whole", "bad")
    return Check("audit_whole", _result(broken is None), "" if broken is None else str(broken))


def journal(world: World) -> Check:
    try:
        waiting = world.store.journal_waiting()
    except StoreFailed:
        return Check("journal", "bad")
    return Check("journal", _result(waiting < DEEP), str(waiting))


def release(world: World) -> Check:
    if world.slots is None:
        return Check("release", "good", "0")
    state = world.slots.read()
    running = state.running.number if state.running else 0
    return Check("release", _result(state.state in (Slot.SHIPPED, Slot.HEALTHY)), str(running))


#: By name, for the guided repair (config/repair.yaml).
BY_NAME: dict[str, Callable[[World], Check]] = {
    "not_jammed": not_jammed,
    "paper_there": paper_there,
    "covers_closed": covers_closed,
    "printers_there": printers_there,
    "test_printed": test_printed,
    "reader_there": lambda world: device(world, "id_card"),
    "card_read": card_read,
    "terminal_there": lambda world: device(world, "pos"),
    "handshake_made": handshake,
    "hall": hall,
    "addressed": addressed,
    "clock": clock,
    "trust": trust,
    "storage": storage,
    "store_works": store_works,
}


def machine_checks(world: World) -> list[Check]:
    """Everything of the readiness report that needs no hand, in the order of the report."""
    return [
        device(world, "id_card"),
        device(world, "ticket_printer"),
        paper(world, "ticket_printer"),
        device(world, "receipt_printer"),
        paper(world, "receipt_printer"),
        device(world, "pos"),
        device(world, "smart_card"),
        hall(world),
        clock(world),
        trust(world),
        storage(world),
        store_works(world),
        store_whole(world),
        audit_whole(world),
        journal(world),
        release(world),
    ]


#: The part that only a person can see.
BY_HAND = ("touch", "picture", "slip")


def hand_checks(world: World) -> list[Check]:
    marks = world.notes.by_hand
    return [Check(name, _result(marks[name]) if name in marks else "skipped", how="hand") for name in BY_HAND]
