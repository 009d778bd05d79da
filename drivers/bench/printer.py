"""A simulated slip printer on the bench, for tickets or receipts, with everything that befalls one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from drivers.bench.device import Action, BadAction, Device, Reply
from drivers.bench.printer_model import Fault, PrinterModel
from drivers.bench.slip import Slip


class SimulatedPrinter(Device):
    """``folder``: where slips go as ``slip-0001.png`` and ``.txt`` (and ``torn-0001`` for what was pulled out by hand);
    None: text only. ``speed``: paper in millimetres a second, 0 for no time at all. ``dots``: 576, or 384 for 58 mm.
    """

    def __init__(
        self,
        name: str,
        folder: Path | None = None,
        speed: float = 150.0,
        dots: int = 576,
        baudrate: int | None = 115200,
    ) -> None:
        self.name = name
        self.baudrate = baudrate
        self.model = PrinterModel(dots=dots, folder=folder, speed=speed)
        self._frozen = False
        self._held = bytearray()

    @property
    def slips(self) -> list[Slip]:
        """What left the printer, oldest first."""
        return list(self.model.paper.slips)

    def feed(self, data: bytes) -> list[Reply]:
        self._held += data
        if self._frozen:
            return []
        data, self._held = bytes(self._held), bytearray()
        now = time.monotonic()
        answers = self.model.work(now) + self.model.receive(data, now)
        return [Reply(answers)] if answers else []

    def due(self) -> float | None:
        return None if self._frozen else self.model.due(time.monotonic())

    def power_on(self) -> None:
        self._frozen = False
        self._held.clear()
        self.model.power_cycle()

    def actions(self) -> Mapping[str, Action]:
        model = self.model
        return {
            "paper-out": lambda _: model.run_out(),
            "paper-out-after": self._paper_out_after,
            "paper-low": lambda _: setattr(model, "paper_low", True),
            "refill": lambda _: model.refill(),
            "cover-open": lambda _: model.faults.add(Fault.COVER_OPEN),
            "cover-close": lambda _: model.mend(Fault.COVER_OPEN),
            "offline": lambda _: model.faults.add(Fault.OFFLINE),
            "online": lambda _: model.mend(Fault.OFFLINE),
            "jam": lambda _: model.faults.add(Fault.JAM),
            "unjam": lambda _: model.mend(Fault.JAM),
            "freeze": self._freeze,
            "thaw": self._thaw,
            "silent": lambda on: setattr(model, "silent", _switch(on)),
            "no-proof": lambda on: setattr(model, "no_proof", _switch(on)),
            "no-echo": lambda on: setattr(model, "no_echo", _switch(on)),
            "no-clear": lambda on: setattr(model, "no_clear", _switch(on)),
            "slips": lambda _: [slip.text for slip in self.slips],
        }

    def _paper_out_after(self, lines: object) -> None:
        """The roll ends after so many more lines: in the middle of a slip."""
        if isinstance(lines, bool) or not isinstance(lines, int) or lines < 1:
            raise BadAction(f"{lines!r} is not a number of lines")
        self.model.lines_left = lines

    def _freeze(self, _: object) -> None:
        """Its firmware hangs: it keeps every byte, answers none and prints nothing, until it thaws."""
        self._frozen = True

    def _thaw(self, _: object) -> None:
        self._frozen = False


def _switch(on: object) -> bool:
    """Switches are on unless they are told to be off."""
    if on not in (None, True, False):
        raise BadAction(f"{on!r} is neither true nor false")
    return on is not False
