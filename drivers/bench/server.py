"""The bench: simulated devices on lines in one folder, and the commands to them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from drivers.bench.control import ControlServer
from drivers.bench.device import BadAction, Device
from drivers.bench.line import Line, PtyEnd, TcpEnd


class Bench:
    """Devices from ``start`` to ``stop``, or within ``with``.

    Each device is reached at a PTY, ``folder/<name>``. One named in ``tcp`` is reached at that port (0: any that is
    free) instead: as a network printer, or as a reader behind a serial server.
    """

    def __init__(
        self, folder: Path, devices: Iterable[Device], tcp: dict[str, int] | None = None, paced: bool = True
    ) -> None:
        self.folder = folder
        ports = tcp or {}
        self._lines: dict[str, Line] = {}
        for device in devices:
            end = TcpEnd(ports[device.name]) if device.name in ports else PtyEnd(folder / device.name)
            self._lines[device.name] = Line(device, end, paced)
        self.others: dict[str, Callable[[str, object], object]] = {}
        """What is on no line of ours and can be acted on all the same, by name: a card for a reader behind pcscd."""
        self._control = ControlServer(folder, self.do)

    def start(self) -> None:
        """Raises OSError when a port is taken, a bench runs in the folder already, or the folder cannot be used."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undo:
            self._control.start()
            undo.callback(self._control.stop)
            for line in self._lines.values():
                line.start()
                undo.callback(line.stop)
            self._undo = undo.pop_all()

    def stop(self) -> None:
        self._undo.close()

    def __enter__(self) -> Bench:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def addresses(self) -> dict[str, str]:
        """Device name → the URL or path that a driver opens."""
        return {name: line.address for name, line in self._lines.items()}

    def do(self, device: str, action: str, argument: object = None) -> object:
        """Do something to a device; see ``Line.actions`` and the device's own. Raises BadAction."""
        if device in self.others:
            return self.others[device](action, argument)
        if device not in self._lines:
            known = ", ".join(sorted({*self._lines, *self.others}))
            raise BadAction(f"no {device!r} on the bench; there are {known}")
        return self._lines[device].act(action, argument)
