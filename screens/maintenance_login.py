"""A technician's card, then the PIN. Dots, never digits: whoever looks over the shoulder counts at most."""

from __future__ import annotations

from kiosk.session.events import GoHome, PinDone, PinKey
from kiosk.session.panel import LoginStep, MaintenanceLogin
from screens.screen import Screen
from screens.widgets.box import Box, Column, Rect, Row, Space, Steady, centred
from screens.widgets.card import EDGE, Card, Sign
from screens.widgets.footer import Foot
from screens.widgets.keyboard import COUNT, Keys
from screens.widgets.pen import Pen

#: The longest PIN of a card (kiosk.session.flows.maintain).
PIN_LENGTH = 8

#: High enough for a glove.
KEY_HEIGHT = 148


class MaintenanceLoginScreen(Screen[MaintenanceLogin]):
    name = "maintenance_login"

    def title(self) -> str:
        return self.t("maintenance_screens.title")

    def who(self) -> str:
        return self.where()

    def body(self) -> Box:
        match self.page.step:
            case LoginStep.PIN:
                return self._pin()
            case LoginStep.REFUSED:
                return self._refused()
            case LoginStep.CARD_WANTED:
                return self._said("↓", "accent", "sky")
            case LoginStep.CHECKING | LoginStep.SIGNING:
                return self._said("●", "on_accent", "accent")

    def _said(self, sign: str, colour: str, ground: str) -> Box:
        """One thing to do, or to wait for."""
        key = f"maintenance_screens.login.{self.page.step.value}"
        mark = Sign(sign, self.style.font("call"), colour, ground, 280)
        words = self.question(self.t(f"{key}.title"), self.t(f"{key}.hint"))
        return Column(words, Column(centred(mark), align="middle", grows=True), Space(120), gap=24, grows=True)

    def _pin(self) -> Box:
        head = self.question(
            self.t("maintenance_screens.login.pin.title"), self.t("maintenance_screens.login.pin.hint")
        )
        said = Steady(self._so_far(), [self._tries(9), self._last_try()])
        keys = Keys(COUNT, self.t("button.clear"), self.style, "digit", KEY_HEIGHT, grows=True, sends=PinKey)
        dots = Dots(len(self.page.pin))
        if self.style.landscape:
            return Row(
                Column(head, dots, said, gap=32, grows=True),
                keys,
                gap=48,
                align="stretch",
                shares=(1, 1.1),
                grows=True,
            )
        return Column(head, dots, said, keys, gap=32, grows=True)

    def _so_far(self) -> Box:
        left = self.page.tries_left
        if left == 1:
            return self._last_try()
        if self.page.wrong:
            return self._tries(left)
        return self.notice(self.t("maintenance_screens.login.pin.keep"), "plain", "i")

    def _tries(self, left: int | None) -> Card:
        if left is None:
            return self.notice(self.t("maintenance_screens.login.pin.wrong"), "bad")
        return self.notice(self.t("maintenance_screens.login.pin.wrong_left", left=left), "bad")

    def _last_try(self) -> Card:
        """The next wrong one blocks the card: said before it, not after."""
        wrong = "wrong_last" if self.page.wrong else "last"
        return self.notice(self.t(f"maintenance_screens.login.pin.{wrong}"), "bad")

    def _refused(self) -> Box:
        head = self.question(self.t("maintenance_screens.login.refused.title"))
        why = self.notice(self.t(f"maintenance.refused.{self.page.problem}"), "bad", "×")
        hint = self.say("maintenance_screens.login.refused.hint", "body", "second")
        return Column(head, why, hint, gap=40)

    def foot(self) -> Foot:
        leave = self.key("back", GoHome(), "maintenance_screens.leave")
        steps = []
        if self.page.step is LoginStep.PIN:
            steps = [self.key("next", PinDone(), "maintenance_screens.login.pin.done", primary=bool(self.page.pin))]
        return Foot(back=leave, steps=steps, idle=self.idle_words(short=bool(steps)))


class Dots(Box):
    """One for every digit that was typed; empty rings for what may still come."""

    SIZE, HEIGHT = 44.0, 120.0

    def __init__(self, typed: int) -> None:
        self.typed = typed

    def needs(self, width: float) -> float:
        return self.HEIGHT

    def draw(self, pen: Pen) -> None:
        pen.fill(self.rect, "line", 24)
        pen.fill(self.rect.inset(EDGE), "card", 22)
        step = min(self.rect.w / (PIN_LENGTH + 1), 110)
        left = self.rect.x + (self.rect.w - step * (PIN_LENGTH - 1)) / 2
        middle = self.rect.y + self.rect.h / 2
        for index in range(PIN_LENGTH):
            full = index < self.typed
            size = self.SIZE if full else self.SIZE / 3
            disc = Rect(left + index * step - size / 2, middle - size / 2, size, size)
            pen.disc(disc, "ink" if full else "track")


SHOWN = MaintenanceLoginScreen
