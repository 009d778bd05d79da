"""The one way in: screens, device workers, store and hall post events here; the runtime's loop takes them out."""

from __future__ import annotations

import queue

from kiosk.session.events import Event


class Inbox:
    """Safe to post to from any thread; never blocks the poster."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def post(self, event: Event) -> None:
        self._events.put(event)

    def take(self, timeout: float | None) -> Event | None:
        """The next event, or None after ``timeout`` seconds (None waits for ever)."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None
