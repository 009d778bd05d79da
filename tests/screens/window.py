"""A real window on a display of its own, stepped by hand: Kivy's loop runs only when a test says so."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from screens.environment import Look, Orientation, prepare

if TYPE_CHECKING:
    from kiosk.session.state import Session
    from screens.app import KioskApp

SIZES: dict[Orientation, tuple[int, int]] = {"portrait": (1080, 1920), "landscape": (1920, 1080)}


@contextmanager
def virtual_display(side: int = 1920) -> Iterator[str]:
    """An X server of our own; yields its name, like ``:7``. It does not begin anew when its last client goes: who comes
    in that moment would be sent away."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{side}x{side}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        server.terminate()
        server.wait(10)


#: Seconds in which a front end of its own shows its first page, or ends when it is told to.
DEADLINE_S = 40.0


@contextmanager
def stand_alone(display: str, targets: Path, page: str = "home") -> Iterator[subprocess.Popen[str]]:
    """The front end as a process of its own, from when ``page`` is on the glass; ``targets`` says what can be touched.
    It prints what is posted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.screens.stand_alone", str(targets), page],
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        until = time.monotonic() + DEADLINE_S
        while not targets.exists():
            assert process.poll() is None, "the front end ended by itself"
            assert time.monotonic() < until, "no page was shown"
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait(10)


class HandClock:
    """Time that moves when told to."""

    def __init__(self, start: datetime) -> None:
        self.start, self.passed = start, 100.0

    def monotonic(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.passed - 100)


class Visitor:
    """Stands before the screen: sees what is drawn, touches it, and knows what was posted."""

    def __init__(self, app: KioskApp, clock: HandClock) -> None:
        self.app, self.clock = app, clock

    def step(self, frames: int = 3) -> None:
        from kivy.base import EventLoop

        for _ in range(frames):
            EventLoop.idle()

    def see(self, session: Session, idle_s: float | None = None, drawn: bool = True) -> None:
        """The runtime shows a session; the moment in which a new page takes no touch is waited out.

        ``drawn`` False: the page is laid out, and the frame that would show it is left out.
        """
        from kiosk.session.state import Shown

        until = None if idle_s is None else self.clock.monotonic() + idle_s
        self.app.show(Shown(session, until, self.clock.now()))
        if drawn:
            self.step()
        else:
            self.app._take_next()
        self.clock.passed += 1

    def down(self, x: float, y: float) -> Any:
        """``x``, ``y``: pixels from the top left, as an eye counts."""
        from kivy.tests.common import UnitTestTouch

        touch = UnitTestTouch(x, self.app.stage.size.h * self.app.stage.unit - y)
        touch.touch_down()
        self.step(1)
        return touch

    def middle(self, name: str) -> tuple[float, float]:
        target = self.app.stage.target(name)
        assert target is not None, f"no target {name} among {[t.name for t in self.app.stage.targets()]}"
        unit = self.app.stage.unit
        return (target.area.x + target.area.w / 2) * unit, (target.area.y + target.area.h / 2) * unit

    def touch(self, name: str) -> None:
        self.down(*self.middle(name)).touch_up()
        self.step(1)
        self.clock.passed += 1

    def posted(self) -> list[Any]:
        events = []
        while (event := self.app.inbox.take(0)) is not None:
            events.append(event)
        return events

    def picture(self, path: Path) -> None:
        from kivy.core.window import Window
        from kivy.graphics.opengl import GL_RGB, GL_UNSIGNED_BYTE, glReadPixels
        from PIL import Image

        size = self.app.look.width, self.app.look.height
        # What is read back is the frame before it is handed to the display.
        Window.dispatch("on_draw")
        pixels = glReadPixels(0, 0, *size, GL_RGB, GL_UNSIGNED_BYTE)
        image = Image.frombytes("RGB", size, bytes(pixels))
        image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(path, compress_level=1)


def look_of(orientation: Orientation, theme: str = "normal") -> Look:
    """Settles Kivy's settings for this process: before anything of Kivy is imported, and once."""
    width, height = SIZES[orientation]
    look = Look(orientation, width, height, fullscreen=False, theme=theme)
    prepare(look)
    return look


def open_window(look: Look, targets_file: Path | None = None, alive: Callable[[], None] | None = None) -> Visitor:
    """Needs DISPLAY; one a process, as Kivy takes its window's size once."""
    from kivy.base import runTouchApp

    import config
    from kiosk.runtime.inbox import Inbox
    from kiosk.session.state import Language
    from screens.app import KioskApp
    from tests.screens import samples
    from tests.screens.maintenance_samples import SampleTexts

    clock = HandClock(samples.NOW)
    app = KioskApp(
        inbox=Inbox(),
        texts={language: SampleTexts(config.read_texts(language), language) for language in Language},
        catalogue=samples.CATALOGUE,
        hall_names={Language.ZH: "芗城办税服务厅", Language.EN: "Xiangcheng Tax Hall"},
        kiosk="K3",
        look=look,
        clock=clock,
        targets_file=targets_file,
        alive=alive,
    )
    app.release = 12
    app._run_prepare()
    runTouchApp(embedded=True)
    visitor = Visitor(app, clock)
    visitor.step()
    return visitor


def variants(session: Session) -> Iterator[tuple[str, Session]]:
    from kiosk.session.state import Language

    for language in Language:
        for large in (False, True):
            yield f"{language}{'-large' if large else ''}", replace(session, language=language, large_text=large)


def run_isolated(arguments: list[str], display: str, timeout: float = 100) -> subprocess.CompletedProcess[str]:
    """A process of its own for a window of another size."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
