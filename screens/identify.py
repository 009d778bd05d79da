"""Place the card on the reader."""

from __future__ import annotations

from kiosk.session.events import Back, UseKeypad
from kiosk.session.state import TAX_PURPOSES, CardProblem, Identify, Purpose
from screens.screen import STEPS, TAX_STEPS, Screen
from screens.widgets.box import Box, Column, Rect, Row, Space
from screens.widgets.button import Target
from screens.widgets.card import Card, Sign
from screens.widgets.fonts import Font
from screens.widgets.footer import Foot
from screens.widgets.pen import Pen


class IdentifyScreen(Screen[Identify]):
    name = "identify"
    warns = True

    def title(self) -> str:
        return self.t(f"title.{self.page.purpose.value}")

    @property
    def gone(self) -> bool:
        return self.page.problem is CardProblem.READER_GONE

    def body(self) -> Box:
        steps = {Purpose.TAKE_NUMBER: STEPS, Purpose.FILE: TAX_STEPS, Purpose.INVOICE: TAX_STEPS}.get(self.page.purpose)
        head = self.question(self._question(), self._under(), 1 if steps else 0, steps or STEPS)
        picture = Card(CardOnReader(self.page.reading, self.gone, self.style.font("number")), grows=True)
        below = Column(self._problem(), self._typing(), gap=self.theme.gap)
        if self.style.landscape:
            left = Column(head, Space(grows=True), below, gap=36, grows=True)
            return Row(left, picture, gap=48, align="stretch", grows=True)
        return Column(head, picture, below, gap=36)

    def _question(self) -> str:
        if self.page.reading:
            return self.t("identify.reading")
        return self.t("identify.no_reader" if self.gone else "identify.question")

    def _under(self) -> str:
        if self.page.reading:
            return self.t("identify.keep_still")
        if self.page.service is not None:
            return self.t("identify.for_service", service=self.service_name(self.page.service))
        return "" if self.gone else self.t("identify.where")

    def _problem(self) -> Box | None:
        problem = self.page.problem
        if problem is None:
            return None
        key = f"card.{problem.value}"
        if self.gone and not self.page.can_type:
            key += "_tax" if self.page.purpose in TAX_PURPOSES else "_my_number"
        return self.notice(self.t(key), "care")

    def _typing(self) -> Box | None:
        if not self.page.can_type:
            return None
        if self.gone:
            said = Column(self.say("identify.type_gone", "strong"))
        else:
            said = Column(self.say("identify.type", "strong"), self.say("identify.type_what", "body", "second"), gap=4)
        words = Row(said, self._arrow(), gap=24)
        fill = "sky" if self.gone else "card"
        return Target("use_keypad", UseKeypad(), words, fill, "line", height=180)

    def _arrow(self) -> Box:
        return Sign("→", self.style.font("strong"), "accent", "card" if self.gone else "sky", 88)

    def foot(self) -> Foot:
        return Foot(back=self.key("back", Back(), "button.back"), idle=self.idle_words())


class CardOnReader(Box):
    """A card above the reader's field, or lying on it. Drawn, so that it is sharp on every panel."""

    grows = True

    WIDTH, HEIGHT = 460.0, 700.0
    #: The drawing is no reason to fill a whole page.
    LARGEST = 1.35

    def __init__(self, reading: bool, dead: bool, arrow: Font) -> None:
        self.reading, self.dead, self.arrow = reading, dead, arrow

    def needs(self, width: float) -> float:
        return 380.0

    def draw(self, pen: Pen) -> None:
        self.scale = min(self.rect.w / self.WIDTH, self.rect.h / self.HEIGHT, self.LARGEST)
        self._field(pen)
        self._card(pen, 430 if self.reading else 10)
        if not self.reading and not self.dead:
            font = self.arrow.fitting("↓", 150 * self.scale)
            middle = self._at(0, 326, self.WIDTH, 0)
            pen.words("↓", font, middle.x + (middle.w - font.width("↓")) / 2, middle.y, "accent")

    def _at(self, x: float, y: float, w: float, h: float) -> Rect:
        left = self.rect.x + (self.rect.w - self.WIDTH * self.scale) / 2
        top = self.rect.y + (self.rect.h - self.HEIGHT * self.scale) / 2
        return Rect(left + x * self.scale, top + y * self.scale, w * self.scale, h * self.scale)

    def _shape(self, pen: Pen, colour: str, radius: float, *figures: float) -> None:
        pen.fill(self._at(*figures), colour, radius * self.scale)

    def _field(self, pen: Pen) -> None:
        edge, face = ("track", "muted_soft") if self.dead else ("accent", "sky")
        self._shape(pen, edge, 36, 0, 390, 460, 310)
        self._shape(pen, face, 32, 4, 394, 452, 302)
        self._shape(pen, edge, 26, 48, 428, 364, 234)
        self._shape(pen, face, 23, 51, 431, 358, 228)

    def _card(self, pen: Pen, top: float) -> None:
        self._shape(pen, "second", 24, 50, top, 360, 228)
        self._shape(pen, "card", 21, 53, top + 3, 354, 222)
        self._shape(pen, "sky", 14, 288, top + 36, 92, 116)
        pen.disc(self._at(313, top + 54, 42, 42), "second")
        self._shape(pen, "second", 20, 302, top + 104, 64, 48)
        for line, width in enumerate((120, 170, 90, 190)):
            self._shape(pen, "track", 6, 84, top + 42 + line * 36, width, 12)
        self._shape(pen, "second", 7, 84, top + 186, 296, 14)


SHOWN = IdentifyScreen
