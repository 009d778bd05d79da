"""The front end's part: which release it begins with, and who watches one that is on trial.

Before the first frame this costs one small file and a hash of each of the release's; everything else comes later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import config
from kiosk.configuration.slots import Slots
from kiosk.domain.fleet import Slot
from kiosk.settings import Settings, SettingsError, load

if TYPE_CHECKING:
    from kiosk.configuration.health import HealthWatch, Seen

UNREADABLE = "unreadable"


class Unreadable(Exception):
    """The release in service could not be begun with and has been given up: start again."""


class InService:
    """``settings``: what the front end goes by, the release's included."""

    def __init__(self, settings: Settings, settings_file: Path | None) -> None:
        """``settings``: as read without any release: they say where releases lie. Raises Unreadable."""
        self._status_file = settings.kiosk.status_file
        self._health_s = settings.kiosk.release_health_s
        self._slots = Slots(settings.kiosk.configuration_dir)
        self.folder = self._slots.begin()
        self.settings = settings
        self._worked_before: frozenset[str] = frozenset()
        if self.folder is None:
            return
        config.use(self.folder)
        with self.reading():
            self.settings = load(settings_file)
        if self._slots.read().state is Slot.TRYING:
            from kiosk.configuration.health import working

            self._worked_before = working(self._status_file)

    @property
    def number(self) -> int:
        """Of the release in service; 0: as shipped."""
        return self._slots.read().in_service

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Around what reads the release: one that this software cannot begin with would end every start. It was looked
        at when it was taken, but the software may have been updated since. Raises Unreadable."""
        try:
            yield
        except (SettingsError, ValueError, KeyError, TypeError, AttributeError, OSError) as problem:
            if self.folder is None:
                raise
            self._slots.roll_back(UNREADABLE)
            raise Unreadable(f"{type(problem).__name__}: {problem}") from None

    def watch(self, look: Callable[[frozenset[str]], Seen], given_up: Callable[[str], object]) -> HealthWatch | None:
        """Somebody who watches the release while it is on trial; None when none is. ``look(devices)``: how the front
        end is, with the devices that it has seen working. ``given_up(why)``: it has to begin anew."""
        if self.folder is None or self._slots.read().state is not Slot.TRYING:
            return None
        import os

        from kiosk.configuration.health import HealthWatch, Trial, working

        def see() -> Seen:
            return look(working(self._status_file, os.getpid()))

        return HealthWatch(self._slots, Trial(self._worked_before, self._health_s), see, given_up)
