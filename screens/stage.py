"""Where pages stand: header, body, footer and the question above them, each drawn anew only when what it says changed.

Design space: a page is at least 1080 × 1920 units (1920 × 1080 in landscape) whatever the panel's pixels, so that every
screen is written once. A page that would not fit is set smaller as a whole; nothing is ever cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kivy.graphics import Canvas, InstructionGroup

from screens.overlay import StillThere
from screens.screen import Screen
from screens.theme import Style, Theme
from screens.widgets.box import Box, Rect
from screens.widgets.button import Target
from screens.widgets.footer import Footer
from screens.widgets.header import Header
from screens.widgets.paged_list import PagedList
from screens.widgets.pen import Pen

PORTRAIT, LANDSCAPE = (1080.0, 1920.0), (1920.0, 1080.0)

HEADER_HEIGHT, FOOTER_HEIGHT = 128.0, 168.0
#: Landscape is short: the buttons keep their height, their surroundings give.
LANDSCAPE_HEADER, LANDSCAPE_FOOTER = 120.0, 144.0

BODY_TOP, BODY_BOTTOM = 36.0, 32.0
LANDSCAPE_TOP, LANDSCAPE_BOTTOM = 28.0, 24.0

#: Thickness (units) of the frame around what a keyboard would press.
RING = 12.0

#: What a page that does not fit gives up, step by step: first empty room, then the size of its type.
SMALLER = ((1.0, 1.0), (1.0, 0.7), (1.0, 0.45), *((1 - 0.04 * step, 0.45) for step in range(1, 10)))


@dataclass
class Layer:
    """One part of the page: what it says (to see whether that changed), its boxes, its drawing."""

    group: InstructionGroup
    says: object = None
    box: Box | None = None

    def clear(self) -> None:
        self.group.clear()
        self.says = self.box = None


class Stage:
    """Draws views into a canvas of ``width`` × ``height`` pixels, and knows what lies where."""

    def __init__(self, canvas: Canvas, theme: Theme, width: float, height: float, landscape: bool) -> None:
        nominal = LANDSCAPE if landscape else PORTRAIT
        self.unit = min(width / nominal[0], height / nominal[1])
        self.size = Rect(0, 0, width / self.unit, height / self.unit)
        self.theme, self.landscape = theme, landscape
        self._height = height
        head, foot = (LANDSCAPE_HEADER, LANDSCAPE_FOOTER) if landscape else (HEADER_HEIGHT, FOOTER_HEIGHT)
        self.header_area = Rect(0, 0, self.size.w, head)
        self.footer_area = Rect(0, self.size.h - foot, self.size.w, foot)
        ground = InstructionGroup()
        canvas.add(ground)
        Pen(ground, theme, self.unit, height).fill(self.size, "page")
        self.layers = {name: Layer(InstructionGroup()) for name in ("body", "header", "footer", "overlay")}
        self._focus = Layer(InstructionGroup())
        for layer in (*self.layers.values(), self._focus):
            canvas.add(layer.group)
        self.scale = 1.0
        """How far the body had to give: 1 where it stands at the size that was asked for."""

    def style(self, large_text: bool) -> Style:
        return Style(self.theme, self.unit, self.landscape, self.theme.large_text if large_text else 1.0)

    # ---- drawing ---------------------------------------------------------------------------------------------------

    def draw(self, screen: Screen[Any], overlay_seconds: int | None) -> bool:
        """Show a screen. ``overlay_seconds``: time left to the end of the visit, where that is asked about.

        True where something other than the clock and the countdown changed.
        """
        view = screen.view
        heading, foot = screen.heading(), screen.foot()
        style = view.style
        if screen.whole:
            return self._draw_whole(screen)
        self._draw("header", (heading, style), lambda: self._placed(Header(heading, style), self.header_area))
        says = (type(screen), screen.page, view.session, style, view.turned)
        changed = self._draw("body", says, lambda: self._body(screen))
        # Buttons of the footer hold what they send; whether they changed follows from the page.
        self._draw("footer", (says, view.seconds), lambda: self._placed(Footer(foot, style), self.footer_area))
        asks = overlay_seconds is not None
        asked = self.layers["overlay"].box is not None
        if overlay_seconds is None:
            self.layers["overlay"].clear()
        else:
            self._draw(
                "overlay",
                (says, overlay_seconds),
                lambda: self._placed(StillThere(screen, overlay_seconds), self.size),
            )
        return changed or asks != asked

    def _draw_whole(self, screen: Screen[Any]) -> bool:
        for name in ("header", "footer", "overlay"):
            self.layers[name].clear()
        self.scale = 1.0
        says = (type(screen), screen.page, screen.view.session, screen.style)
        return self._draw("body", says, lambda: self._placed(screen.body(), self.size))

    def focus(self, name: str | None) -> bool:
        """Show which target a keyboard would press. False where there is none of that name (any more)."""
        target = self.target(name) if name else None
        area = target.area if target else None
        if area != self._focus.says:
            self._focus.group.clear()
            self._focus.says = area
            if target is not None and area is not None:
                pen = Pen(self._focus.group, self.theme, self.unit, self._height)
                # Two colours: one of them stands out from whatever the target and its ground are.
                pen.frame(area, "card", 2 * RING, target.radius)
                pen.frame(area, "care", RING, target.radius)
        return target is not None

    def _draw(self, name: str, says: object, make: Callable[[], Box]) -> bool:
        layer = self.layers[name]
        if layer.box is not None and layer.says == says:
            return False
        layer.group.clear()
        layer.box, layer.says = make(), says
        layer.box.draw(Pen(layer.group, self.theme, self.unit, self._height))
        return True

    def _placed(self, box: Box, area: Rect) -> Box:
        box.place(area)
        return box

    def _body(self, screen: Screen[Any]) -> Box:
        """The page between header and footer, set smaller until it fits."""
        margin = self.theme.margin
        above, below = (LANDSCAPE_TOP, LANDSCAPE_BOTTOM) if self.landscape else (BODY_TOP, BODY_BOTTOM)
        top = self.header_area.bottom + above
        for factor, air in SMALLER:
            smaller = screen if factor == 1 else screen.scaled(factor)
            panel = smaller.panel()
            bottom = self.footer_area.y - (panel.needs(self.size.w) if panel else 0)
            area = Rect(margin, top, self.size.w - 2 * margin, bottom - below - top)
            body = smaller.body()
            if air < 1:
                for box in body.walk():
                    box.tighten(air)
            if body.needs(area.w) <= area.h:
                break
        self.scale = factor
        body.place(area)
        if panel is not None:
            panel.place(Rect(0, bottom, self.size.w, self.footer_area.y - bottom))
        return Both(body, panel)

    def wipe(self) -> None:
        """Hold nothing of the visit any more."""
        for layer in (*self.layers.values(), self._focus):
            layer.clear()

    # ---- what lies where -------------------------------------------------------------------------------------------

    def targets(self) -> list[Target]:
        """Everything that can be touched now."""
        overlay = self.layers["overlay"].box
        boxes = [overlay] if overlay else [layer.box for layer in self.layers.values() if layer.box]
        return [box for root in boxes for box in root.walk() if isinstance(box, Target)]

    def target_at(self, x: float, y: float) -> Target | None:
        """``x``, ``y``: window pixels as Kivy counts them, from the bottom left."""
        across, down = x / self.unit, (self._height - y) / self.unit
        return next((target for target in self.targets() if target.area.holds(across, down)), None)

    def target(self, name: str) -> Target | None:
        return next((target for target in self.targets() if target.name == name), None)

    def list_turned(self) -> int | None:
        """Which page of its list the body shows; None without a list."""
        body = self.layers["body"].box
        lists = [box for box in body.walk() if isinstance(box, PagedList)] if body else []
        return lists[0].turned if lists else None


class Both(Box):
    """The body and, where there is one, the panel below it."""

    def __init__(self, body: Box, panel: Box | None) -> None:
        self.children = [body] if panel is None else [body, panel]
