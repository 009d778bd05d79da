"""Watch one reader for its card: a thread of our own around pcscd's wait for changes.

pyscard's monitors die with pcscd and never come back. This thread lives on: when pcscd goes it says so, asks for it
anew every second, and goes on as soon as it is there. A card that was exchanged between two looks is seen by pcscd's
count of events: it is told as gone before the new one is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from smartcard import scard

from drivers.contract import DeviceError, DeviceState, DeviceStatus, MediaState
from drivers.smart_card.connection import SCHEME, choose, reader_name, readers
from drivers.smart_card.errors import TIMED_OUT, ReaderGone, ServiceGone, check

RETRY_S = 1.0
#: How soon ``stop`` and a reader that is plugged in are noticed. A card is noticed at once.
LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Slot:
    """What one look at a slot says. ``atr``: the card's first words when it got power, empty without a card."""

    device: DeviceState
    media: MediaState = MediaState.UNKNOWN
    reader: str = ""
    atr: bytes = b""
    detail: str = ""

    @property
    def status(self) -> DeviceStatus:
        return DeviceStatus(self.device, media=self.media, detail=self.detail or self.reader)


class SlotWatch:
    """``on_change`` is called in the watch's own thread, first with what is there already."""

    def __init__(self, on_change: Callable[[Slot], None], url: str = SCHEME) -> None:
        """Raises BadUrl."""
        self._name = reader_name(url)
        self._on_change = on_change
        self._told: Slot | None = None
        self._ended = threading.Event()
        self._look_now = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smart-card-slot", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> bool:
        """True when the thread ended in time; one that hangs in pcscd is a daemon and keeps nobody."""
        self._ended.set()
        self._look_now.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def wake(self) -> None:
        """Something was plugged in or out: do not wait for the next try."""
        self._look_now.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._watch()
            except DeviceError as problem:
                state = DeviceState.NO_DEVICE if isinstance(problem, ReaderGone) else DeviceState.OFFLINE
                self._tell(Slot(state, detail=str(problem)))
            self._look_now.wait(RETRY_S)
            self._look_now.clear()

    def _watch(self) -> None:
        result, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        check(result, "open the service")
        try:
            reader, known = "", 0
            while not self._ended.is_set():
                if not reader:
                    reader, known = choose(readers(context), self._name), scard.SCARD_STATE_UNAWARE
                result, states = scard.SCardGetStatusChange(context, round(LOOK_EVERY_S * 1000), [(reader, known)])
                if result & 0xFFFFFFFF == TIMED_OUT:
                    continue
                check(result, "look at the reader")
                _, state, atr = states[0]
                if state & scard.SCARD_STATE_UNKNOWN or state & scard.SCARD_STATE_IGNORE:
                    raise ReaderGone(f"the smart-card reader {reader!r} was unplugged")
                self._see(reader, known, state, bytes(atr))
                known = state & ~scard.SCARD_STATE_CHANGED
        finally:
            scard.SCardReleaseContext(context)

    def _see(self, reader: str, known: int, state: int, atr: bytes) -> None:
        if not state & scard.SCARD_STATE_PRESENT:
            self._tell(Slot(DeviceState.ONLINE, MediaState.NOT_PRESENT, reader))
            return
        exchanged = known & scard.SCARD_STATE_PRESENT and (state >> 16) - (known >> 16) & 0xFFFF > 1
        if exchanged:
            self._tell(Slot(DeviceState.ONLINE, MediaState.NOT_PRESENT, reader))
        detail = "the card does not respond" if state & scard.SCARD_STATE_MUTE else ""
        self._tell(Slot(DeviceState.ONLINE, MediaState.PRESENT, reader, atr, detail))

    def _tell(self, slot: Slot) -> None:
        if slot != self._told:
            self._told = slot
            self._on_change(slot)


def look_at_slot(url: str = SCHEME) -> DeviceStatus:
    """One look at reader and card; never raises, except BadUrl for a URL that is none."""
    name = reader_name(url)
    context = None
    try:
        result, opened = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        check(result, "open the service")
        # Without a service there is a context of nothing, which pyscard cannot release.
        context = opened
        reader = choose(readers(context), name)
        result, states = scard.SCardGetStatusChange(context, 0, [(reader, scard.SCARD_STATE_UNAWARE)])
        check(result, "look at the reader")
        present = states[0][1] & scard.SCARD_STATE_PRESENT
        media = MediaState.PRESENT if present else MediaState.NOT_PRESENT
        return DeviceStatus(DeviceState.ONLINE, media=media, detail=reader)
    except ServiceGone as problem:
        return DeviceStatus(DeviceState.OFFLINE, media=MediaState.UNKNOWN, detail=str(problem))
    except DeviceError as problem:
        state = DeviceState.NO_DEVICE if isinstance(problem, ReaderGone) else DeviceState.HARDWARE_ERROR
        return DeviceStatus(state, media=MediaState.UNKNOWN, detail=str(problem))
    finally:
        if context is not None:
            scard.SCardReleaseContext(context)
