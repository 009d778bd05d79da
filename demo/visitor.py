"""Somebody at the kiosk: sees the page, touches what is written on it, lays a card on the reader.

Touches are real ones: the X server moves its pointer to the middle of a target and presses. Where the targets are, the
window says itself in a file (``look.targets_file``), as a person sees it on the glass.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
from PIL import Image

from demo.display import Display
from demo.processes import Failed, Process, wait_until

#: Seconds of a finger on the glass, and between two touches of one key by somebody who types fast. The window takes two
#: touches in less than a tenth of a second for one.
PRESS_S = "0.05"
BETWEEN_S = "0.12"
TREMBLE_S = "0.05"

#: Seconds from seeing a new page to a touch on it: nobody is faster, and the window counts no touch before.
REACTION_S = 0.35


class Glass(msgspec.Struct):
    """What the window says of itself. Rectangles: x, y, width, height in pixels of the window, from its top left."""

    page: str
    language: str
    visit: int
    shown: int
    targets: dict[str, tuple[float, float, float, float]]


@dataclass
class Visitor:
    display: Display
    kiosk: Process
    targets_file: Path
    _page: tuple[int, str] | None = None
    """The page that the last touch was on, and its visit."""

    def looks(self) -> Glass | None:
        """What is on the glass now; None before the first page."""
        try:
            return msgspec.json.decode(self.targets_file.read_bytes(), type=Glass)
        except FileNotFoundError:
            return None

    def sees(self, beginning: str) -> str | None:
        """The first target on the page, from its top, whose name begins so."""
        glass = self.looks()
        names = [name for name in glass.targets if name.startswith(beginning)] if glass else []
        return min(names, key=lambda name: glass.targets[name][1], default=None) if glass else None

    def sees_last(self, beginning: str) -> str | None:
        """The last one, from the top."""
        glass = self.looks()
        names = [name for name in glass.targets if name.startswith(beginning)] if glass else []
        return max(names, key=lambda name: glass.targets[name][1], default=None) if glass else None

    def waits_for(self, page: str, seconds: float = 30.0) -> Glass:
        def there() -> Glass | None:
            glass = self.looks()
            return glass if glass and glass.page == page else None

        try:
            return wait_until(there, seconds, f"the kiosk shows the page {page}", self.kiosk)
        except Failed as failed:
            glass = self.looks()
            raise Failed(f"{failed}\nThe kiosk shows: {glass.page if glass else 'nothing'}") from None

    def waits_for_target(self, name: str, seconds: float = 15.0) -> tuple[int, int]:
        """The middle of a target, in pixels of the window."""

        def there() -> tuple[float, float, float, float] | None:
            glass = self.looks()
            return glass.targets.get(name) if glass else None

        try:
            x, y, width, height = wait_until(there, seconds, f"there is something to touch called {name}", self.kiosk)
        except Failed as failed:
            glass = self.looks()
            names = ", ".join(glass.targets) if glass else ""
            raise Failed(f"{failed}\nOn the page {glass.page if glass else '-'} there is: {names}") from None
        return round(x + width / 2), round(y + height / 2)

    def touches(self, name: str) -> None:
        self._press(name, "sleep", BETWEEN_S)

    def double_taps(self, name: str) -> None:
        """As trembling fingers do."""
        self._press(name, "sleep", TREMBLE_S, "mousedown", "1", "sleep", PRESS_S, "mouseup", "1")

    def _press(self, name: str, *then: str) -> None:
        x, y = self.waits_for_target(name)
        glass = self.looks()
        if glass and (glass.visit, glass.page) != self._page:
            self._page = (glass.visit, glass.page)
            time.sleep(REACTION_S)
            x, y = self.waits_for_target(name)
        aim = ["xdotool", "mousemove", "--window", self._window(), str(x), str(y)]
        self.display.run(*aim, "mousedown", "1", "sleep", PRESS_S, "mouseup", "1", *then)

    def types(self, keys: str) -> None:
        """On the glass keyboard, one key after the other, looking up each time: the next only when the last is seen."""
        for key in keys:
            before = self.looks()
            self.touches(f"key.{key}")
            self._waits_for_change(before, f"the key {key} shows on the glass")

    def _waits_for_change(self, before: Glass | None, what: str) -> None:
        wait_until(lambda: self.looks() != before, 10, what, self.kiosk)

    def picture(self, file: Path) -> None:
        """What the person sees, once it has come to rest: the file of targets is a frame or two ahead of the glass."""
        window = self._window()
        said = self.display.run("xdotool", "getwindowgeometry", "--shell", window)
        place = dict(line.split("=") for line in said.splitlines() if "=" in line)
        area = ",".join(place[side] for side in ("X", "Y", "WIDTH", "HEIGHT"))
        last = b""

        def at_rest() -> bool:
            nonlocal last
            before = last
            self.display.run("scrot", "--overwrite", "--autoselect", area, str(file))
            with Image.open(file) as image:
                grey = image.convert("L")
            last = grey.tobytes()
            return last == before and len(grey.getcolors() or [0, 0]) > 1

        wait_until(at_rest, 20, "the kiosk's window has come to rest", self.kiosk)

    def _window(self) -> str:
        found = self.display.run("xdotool", "search", "--sync", "--onlyvisible", "--pid", str(self.kiosk.pid))
        return found.split()[-1]
