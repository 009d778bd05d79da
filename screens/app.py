# Kivy ships no types, so every class of it is Any to the checker.
# mypy: disallow-subclassing-any=False
"""The front end's window: shows whatever session it is handed, posts what is touched.

Call ``screens.environment.prepare`` before importing this. ``show`` may be called from any thread; everything else
happens in Kivy's own.
"""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kivy.app import App
from kivy.base import ExceptionHandler, ExceptionManager
from kivy.clock import Clock as KivyClock
from kivy.core.window import Window
from kivy.uix.widget import Widget

from kiosk.domain.catalogue import Catalogue, Service
from kiosk.domain.texts import Texts
from kiosk.runtime.clock import Clock
from kiosk.runtime.inbox import Inbox
from kiosk.session.events import Back, GoHome, HiddenGesture, OpenPlace, PinDone, PinKey, SaySure, Touch, Touched
from kiosk.session.panel import LoginStep, Maintenance, MaintenanceLogin, Place
from kiosk.session.rules import Rules
from kiosk.session.state import Availability, Language, Session, Shown, Situation
from screens import keys, pages, targets
from screens.corners import Corners
from screens.environment import Look
from screens.glass import Glass, glass_of
from screens.overlay import ASKS_AT_S
from screens.screen import Screen, View
from screens.stage import Stage
from screens.theme import read_theme
from screens.touches import NEW_PAGE_S, Touches
from screens.widgets import fonts
from screens.widgets.button import AtMoment, Target, TurnPage

#: Seconds for which the out-of-service page stands after a fault, before the home page is tried again.
FAULT_PAUSE_S = 5.0
#: After so many faults in a row the process ends; the service manager starts a fresh one.
FAULTS_TO_STOP = 3

#: A finger drawn this far (units) up or down a list leafs through it.
SWIPE = 120.0

#: Pages on which four corners in turn ask for maintenance: nobody is in the middle of anything there.
WAY_IN = frozenset({"home", "out_of_service"})

#: Seconds between two signs of life.
ALIVE_S = 1.0

#: Everything of a window that could lead somewhere else, or paste or drop something here.
SWALLOWED = (
    "on_keyboard", "on_textinput", "on_textedit", "on_request_close", "on_drop_begin", "on_drop_file", "on_drop_text",
    "on_drop_end", "on_joy_axis", "on_joy_hat", "on_joy_ball", "on_joy_button_down", "on_joy_button_up",
)  # fmt: skip


class KioskApp(App):
    """``inbox``: where touches go. ``clock``: wall time for events and the header, monotonic for deadlines.

    ``targets_file``: where to say what can be touched (screens.targets); None says nothing.
    ``when_drawn`` is called once, when the first page can be touched; who stands behind it may be introduced later.
    ``alive`` is called at most once a second from Kivy's own clock, as long as the window's loop turns.
    ``failed`` is True after ``run`` returned because drawing kept failing.
    """

    def __init__(
        self,
        inbox: Inbox,
        texts: Mapping[Language, Texts],
        catalogue: Catalogue,
        look: Look,
        clock: Clock,
        hall_names: Mapping[Language, str] | None = None,
        kiosk: str = "",
        targets_file: Path | None = None,
        when_drawn: Callable[[], object] | None = None,
        availability: Callable[[Service], Availability] | None = None,
        alive: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.inbox, self.texts, self.catalogue = inbox, texts, catalogue
        self.hall_names, self.kiosk, self.look, self.clock = hall_names or {}, kiosk, look, clock
        self.targets_file, self.when_drawn = targets_file, when_drawn
        self.availability = availability or Rules(catalogue).availability
        self.alive, self.release = alive, 0
        self.failed = False
        self.drawn = 0
        self._next: Shown | None = None
        self._shown = Shown(Session(situation=Situation.at_start()), None, clock.now())
        self._turned = 0
        self._page_name = ""
        self._faults = 0
        self.failures = 0
        self._ticking: Any = None
        self._saying: Any = None
        self._on_glass = False
        self._glass: Glass | None = None
        self._focused: str | None = None
        self._keys_down: set[int] = set()

    # ---- from other threads ----------------------------------------------------------------------------------------

    def show(self, shown: Shown) -> None:
        """Show this state soon. Of several before the next frame the last one counts."""
        self._next = shown
        KivyClock.schedule_once(self._take_next, 0)

    def introduce(self, kiosk: str, hall_names: Mapping[Language, str], release: int = 0) -> None:
        """Say whose machine this is, as soon as that is known; drawn with the next state. ``release``: of the
        configuration in service, for technicians."""
        self.kiosk, self.hall_names, self.release = kiosk, hall_names, release

    def leave(self) -> None:
        """End ``run``, soon: Kivy may only be stopped in its own thread."""
        KivyClock.schedule_once(lambda _: self.stop(), 0)

    # ---- the app's life --------------------------------------------------------------------------------------------

    def build(self) -> Widget:
        theme = read_theme(self.look.theme)
        self.surface = Surface(self)
        width, height = Window.system_size if Window.system_size[0] > 1 else (self.look.width, self.look.height)
        self.stage = Stage(self.surface.canvas, theme, width, height, self.look.orientation == "landscape")
        self.touches = Touches()
        self.corners = Corners(self.stage.size.w, self.stage.size.h)
        return self.surface

    def on_start(self) -> None:
        self._handler = ShowOutOfService(self)
        ExceptionManager.add_handler(self._handler)
        # Bound last and so asked first: who answers True lets nobody of Kivy's own hear of it.
        Window.bind(**dict.fromkeys(SWALLOWED, swallow))
        Window.bind(on_key_down=self._key_down, on_key_up=self._key_up)
        if (alive := self.alive) is not None:
            KivyClock.schedule_interval(lambda _: alive(), ALIVE_S)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stop())
        Window.bind(on_flip=self._first_frame)
        self._take_next()

    def on_stop(self) -> None:
        ExceptionManager.remove_handler(self._handler)
        self.wipe()

    def _first_frame(self, *_: object) -> None:
        """The first page is on the glass: only now can a touch mean anything."""
        Window.unbind(on_flip=self._first_frame)
        self._on_glass = True
        self._say_targets()
        if (when_drawn := self.when_drawn) is not None:
            KivyClock.schedule_once(lambda _: when_drawn(), 0)

    def open_settings(self, *_: object) -> bool:
        """Kivy's settings panel (F1) does not exist here."""
        return False

    # ---- showing ---------------------------------------------------------------------------------------------------

    def _take_next(self, *_: object) -> None:
        shown, self._next = self._next, None
        if shown is not None:
            # Visit 0 stands before the loop has begun: nobody is in it, and a finger may be on the glass already.
            if shown.session.visit != self._shown.session.visit and self._shown.session.visit:
                self.wipe()
            if not pages.same_list(shown.session.page, self._shown.session.page):
                self._turned = 0
            if type(shown.session.page) is not type(self._shown.session.page):
                self._glass = glass_of(shown.session.page, self.stage.landscape, self.clock.monotonic())
            self._shown = shown
        if self._faults == 0:
            self._draw()

    def wipe(self) -> None:
        """The visit is over: no drawing, measured word or state of it is kept."""
        self.stage.wipe()
        fonts.forget()
        self.touches.finger = self._glass = self._focused = None
        self._shown = Shown(Session(visit=self._shown.session.visit), None, self._shown.now)

    def _view(self) -> View:
        session = self._shown.session
        return View(
            session=session,
            now=self.clock.now(),
            texts=self.texts[session.language],
            style=self.stage.style(session.large_text),
            hall_name=self.hall_names.get(session.language, ""),
            kiosk=self.kiosk,
            catalogue=self.catalogue,
            availability=self.availability,
            turned=self._turned,
            seconds=self._seconds_left(),
            release=self.release,
        )

    def _seconds_left(self) -> int | None:
        until = self._shown.idle_until
        return None if until is None else max(0, math.ceil(until - self.clock.monotonic() - 0.001))

    def _draw(self, *_: object) -> None:
        screen = pages.screen_of(self._view())
        self._present(screen)

    def _present(self, screen: Screen[Any]) -> None:
        now = self.clock.monotonic()
        seconds = screen.view.seconds
        asks = seconds if seconds is not None and screen.warns and seconds <= ASKS_AT_S else None
        changed = self.stage.draw(screen, asks)
        name = screen.name if asks is None else f"{screen.name}.still_there"
        if name != self._page_name:
            # The very first page has none before it that a touch could have been meant for.
            if self._page_name:
                self.touches.page_changed(now)
            self._page_name = name
            self._focused = None
            self.corners.forget()
        self._show_focus()
        held = self.touches.finger and self.touches.finger.target
        if held and (target := self.stage.target(held)):
            target.press(True)
        if changed:
            self.drawn += 1
            self._say_targets()
        self._tick_next()

    def _tick_next(self) -> None:
        """Wake for the next change that time alone brings: a second of the countdown, else the minute of the clock."""
        if self._ticking is not None:
            self._ticking.cancel()
        until = self._shown.idle_until
        if until is None:
            now = self.clock.now()
            wait = 60 - now.second - now.microsecond / 1e6
        else:
            wait = (until - self.clock.monotonic()) % 1
        if self._glass is not None:
            wait = min(wait, max(0.0, self._glass.wakes_at - self.clock.monotonic()))
        self._ticking = KivyClock.schedule_once(self._tick, wait + 0.005)

    def _tick(self, *_: object) -> None:
        if self._glass is not None:
            self._post(self._glass.due(self.clock.monotonic()))
        if self._faults == 0:
            self._draw()

    def _say_targets(self) -> None:
        if self.targets_file is None or not self._on_glass:
            return
        if self._saying is not None:
            self._saying.cancel()
        # Once touches count again, so that whoever follows the file is never ignored.
        soon = 0 if self.touches.counts(self.clock.monotonic()) else NEW_PAGE_S
        self._saying = KivyClock.schedule_once(self._write_targets, soon)

    def _write_targets(self, *_: object) -> None:
        if self.targets_file is not None:
            found = self.stage.targets()
            targets.write(self.targets_file, self._page_name, self._shown.session, self.drawn, found, self.stage.unit)

    # ---- touching --------------------------------------------------------------------------------------------------

    def touch_down(self, uid: object, x: float, y: float) -> None:
        now = self.clock.monotonic()
        if self._glass is not None:
            self._post(self._glass.down(uid, *self._parts(x, y), now))
            # A finger at rest may be what ends the page.
            self._tick_next()
            return
        across, down = x / self.stage.unit, self.stage.size.h - y / self.stage.unit
        if self.corners.down(uid, across, down, now) and self._page_name in WAY_IN:
            self.inbox.post(HiddenGesture())
        held = self.touches.finger and self.touches.finger.target
        target = self.stage.target_at(x, y)
        if self.touches.down(uid, target.name if target else None, self.clock.monotonic()):
            if held:
                self._press(held, False)
            self._press(target.name if target else "", True)

    def touch_move(self, uid: object, x: float, y: float) -> None:
        """Sliding off a target takes the press back, sliding on again renews it."""
        if self._glass is not None:
            self._post(self._glass.move(uid, *self._parts(x, y), self.clock.monotonic()))
            return
        finger = self.touches.finger
        if finger is not None and finger.uid == uid and finger.target is not None:
            over = self.stage.target_at(x, y)
            self._press(finger.target, over is not None and over.name == finger.target)

    def touch_up(self, uid: object, x: float, y: float, dragged: float) -> None:
        """``dragged``: how far up (positive) the finger went, in pixels."""
        self.corners.up(uid)
        if self._glass is not None:
            self._post(self._glass.up(uid, *self._parts(x, y), self.clock.monotonic()))
            return
        held = self.touches.finger
        target = self.stage.target_at(x, y)
        turned = self.stage.list_turned()
        swiped = turned is not None and abs(dragged) > SWIPE * self.stage.unit
        finger = self.touches.up(uid, target.name if target else None, self.clock.monotonic())
        if held is not None and held.uid == uid and held.target:
            self._press(held.target, False)
        if swiped and held is not None and held.uid == uid:
            self._turn(1 if dragged > 0 else -1)
        elif finger is not None and target is None:
            self.inbox.post(Touched())
        elif finger is not None and target is not None:
            self._send(target)

    def _parts(self, x: float, y: float) -> tuple[float, float]:
        """Window pixels from the bottom left as parts of the glass from the top left."""
        unit = self.stage.unit
        return x / (self.stage.size.w * unit), 1 - y / (self.stage.size.h * unit)

    def _post(self, touch: Touch | None) -> None:
        if touch is not None:
            self.inbox.post(touch)

    def _press(self, name: str, down: bool) -> None:
        target = self.stage.target(name)
        if target is not None:
            target.press(down)

    def _send(self, target: Target) -> None:
        sends = target.sends
        if isinstance(sends, TurnPage):
            self._turn(sends.by)
        elif isinstance(sends, AtMoment):
            self.inbox.post(sends.make(self.clock.now()))
        elif callable(sends):
            self.inbox.post(sends(self.clock.now().date()))
        else:
            self.inbox.post(sends)

    def _turn(self, by: int) -> None:
        """Leaf through a list. The visit stays alive by it."""
        self._turned = max(0, (self.stage.list_turned() or 0) + by)
        self.inbox.post(Touched())
        self._draw()
        # The list stops at its last page by itself.
        self._turned = self.stage.list_turned() or 0

    # ---- keys ------------------------------------------------------------------------------------------------------

    def _key_down(self, _: object, code: int, scancode: int, text: str, modifiers: list[str]) -> bool:
        """Nobody else hears of a key. One that is held down counts once, as a touch does."""
        repeated = code in self._keys_down
        self._keys_down.add(code)
        page = self._shown.session.page
        if not repeated and self._faults == 0 and isinstance(page, pages.KEYBOARD_PAGES):
            key = keys.meaning(code, modifiers)
            if key is not None:
                self._key(key, page)
        return True

    def _key_up(self, _: object, code: int, *rest: object) -> bool:
        self._keys_down.discard(code)
        return True

    def _key(self, key: str, page: object) -> None:
        focused = self.stage.target(self._focused) if self._focused else None
        match key, page:
            case keys.Key.ESCAPE, _:
                self.inbox.post(self._escape(page))
            case keys.Key.ENTER, _ if focused is not None:
                # As for a finger: what was meant for the page before does not fall on this one.
                if self.touches.counts(self.clock.monotonic()):
                    self._send(focused)
            case keys.Key.ENTER, MaintenanceLogin(step=LoginStep.PIN):
                self.inbox.post(PinDone())
            case keys.Key.BACK, MaintenanceLogin(step=LoginStep.PIN):
                self.inbox.post(PinKey("back"))
            case keys.Key.ENTER | keys.Key.BACK, _:
                pass
            case digit, MaintenanceLogin(step=LoginStep.PIN) if digit.isdigit():
                self.inbox.post(PinKey(digit))
            case arrow, _ if not arrow.isdigit():
                areas = [(target.name, target.area) for target in self.stage.targets()]
                self._focused = keys.focus(areas, self._focused, arrow)
                self._show_focus()
                self.inbox.post(Touched())

    @staticmethod
    def _escape(page: object) -> Touch:
        """Out of what one is in, and never further than to the menu: maintenance ends with the card."""
        match page:
            case MaintenanceLogin():
                return GoHome()
            case Maintenance(asking=asking) if asking is not None:
                return SaySure(False)
            case Maintenance(place=Place.MENU):
                return Touched()
            case Maintenance():
                return OpenPlace(Place.MENU)
        return Back()

    def _show_focus(self) -> None:
        if not self.stage.focus(self._focused):
            self._focused = None

    # ---- when drawing fails ----------------------------------------------------------------------------------------

    def fault(self) -> None:
        """Something of ours raised in the window's thread: say so calmly, end the visit, and try the home page soon."""
        self._faults += 1
        self.failures += 1
        visit = self._shown.session.visit
        _log("screen-failed", page=self._page_name, visit=visit)
        if self._faults >= FAULTS_TO_STOP:
            self.failed = True
            self.stop()
            return
        try:
            self.wipe()
            self._present(pages.out_of_service(self._view()))
        except Exception:
            _log("out-of-service-failed")
            self.failed = True
            self.stop()
            return
        self.inbox.post(GoHome())
        # One pause at a time: an earlier one would forget this fault too soon.
        KivyClock.unschedule(self._try_again)
        KivyClock.schedule_once(self._try_again, FAULT_PAUSE_S)

    def _try_again(self, *_: object) -> None:
        self._draw()
        self._faults = 0


def swallow(*_: object, **__: object) -> bool:
    return True


def _log(event: str, **fields: object) -> None:
    # Imported only when something is wrong: it would cost every start a tenth of its time.
    import structlog

    structlog.get_logger().error(event, exc_info=True, **fields)


class ShowOutOfService(ExceptionHandler):
    """Kivy ends the app at the first exception that nobody handles."""

    def __init__(self, app: KioskApp) -> None:
        self.app = app

    def handle_exception(self, problem: BaseException) -> int:
        if not isinstance(problem, Exception):
            return int(ExceptionManager.RAISE)
        self.app.fault()
        return int(ExceptionManager.PASS)


class Surface(Widget):
    """The one widget: its canvas is drawn on, its touches are handed on."""

    def __init__(self, app: KioskApp) -> None:
        super().__init__()
        self.app = app

    def on_touch_down(self, touch: Any) -> bool:
        if is_finger(touch):
            self.app.touch_down(touch.uid, touch.x, touch.y)
        return True

    def on_touch_move(self, touch: Any) -> bool:
        if is_finger(touch):
            self.app.touch_move(touch.uid, touch.x, touch.y)
        return True

    def on_touch_up(self, touch: Any) -> bool:
        if is_finger(touch):
            self.app.touch_up(touch.uid, touch.x, touch.y, touch.y - touch.oy)
        return True


def is_finger(touch: Any) -> bool:
    """A finger comes as the first button; a wheel and the other buttons of a mouse that somebody plugs in do not."""
    return "button" not in touch.profile or touch.button == "left"
