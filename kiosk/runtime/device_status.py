"""How the state of a device travels: to the visit as what can be done, to the technician as it is, to the log once."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from drivers.contract import DeviceState, DeviceStatus, PaperState
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import DeviceChanged
from kiosk.session.state import DeviceName, DeviceView

log = structlog.get_logger()

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
