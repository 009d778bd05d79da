"""What every screen is: a view of one page of a session. It says what stands where and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from kiosk.domain.catalogue import Catalogue, Service
from kiosk.domain.holder import mask_name, mask_number
from kiosk.domain.messages import HallState
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import TicketSlip
from kiosk.session.events import Back
from kiosk.session.state import Availability, Language, Page, Session
from screens.theme import Style
from screens.widgets.box import Box, Column, Row
from screens.widgets.button import Sends
from screens.widgets.card import Card, Rule, Sign
from screens.widgets.footer import Foot, Key
from screens.widgets.header import Heading
from screens.widgets.progress import Progress
from screens.widgets.text import Align, Text

P = TypeVar("P")

#: To a number: identify, choose, confirm, ticket. To a paid return: identify, for whom and what, fill in, check, pay,
#: proof.
STEPS, TAX_STEPS = 4, 6

#: Units beside clock and buttons in the header: upright, upright in large text, across.
HEADER_ROOM, LARGE_HEADER_ROOM, WIDE_HEADER_ROOM = 460.0, 376.0, 1100.0


@dataclass(frozen=True)
class View:
    """Everything a screen may look at. ``turned``: how far a list is leafed through; ``seconds``: time left;
    ``release``: of the configuration in service, 0 as shipped."""

    session: Session
    now: datetime
    texts: Texts
    style: Style
    hall_name: str
    kiosk: str
    catalogue: Catalogue
    availability: Callable[[Service], Availability]
    turned: int = 0
    seconds: int | None = None
    release: int = 0


def spread(low: object, high: object, dash: str = "–") -> str:
    """From one to the other; once, where both are the same."""
    return f"{low}" if low == high else f"{low}{dash}{high}"


class Screen(Generic[P]):
    """Made anew for every drawing and kept nowhere, so that nothing of a visit outlives its page."""

    #: Name of the page in targets and logs.
    name = ""
    #: Asks "still there?" before the visit ends by itself. Not where the page is only read.
    warns = False
    #: The machine works; header and page take no touch.
    live = True
    #: The body covers the whole glass: no header, no footer.
    whole = False

    def __init__(self, view: View, page: P) -> None:
        self.view, self.page = view, page
        self.session, self.style, self.theme = view.session, view.style, view.style.theme
        self.situation = view.session.situation
        self.zh = view.session.language is Language.ZH

    # ---- what a screen says of itself ------------------------------------------------------------------------------

    def title(self) -> str:
        return self.t("title.take_number")

    def body(self) -> Box:
        raise NotImplementedError

    def panel(self) -> Box | None:
        """What stands across the page above the footer: keys."""
        return None

    def foot(self) -> Foot:
        return Foot(back=self.key("back", Back(), "button.back"), idle=self.idle_words())

    # ---- the frame -------------------------------------------------------------------------------------------------

    def heading(self) -> Heading:
        return Heading(
            title=self.title(),
            subtitle=self.who(),
            clock=self.view.now.strftime("%H:%M"),
            large_label=self.t("button.normal_text" if self.session.large_text else "button.large_text"),
            language_label=self.t("button.other_language"),
            language=self.session.language,
            large_text=self.session.large_text,
            live=self.live,
        )

    def who(self) -> str:
        """The person, masked; without one, where this machine stands."""
        holder = self.session.holder
        if holder is None:
            return self.where()
        number = mask_number(holder.number)
        # A long name has no room up here; the number says enough.
        return self.in_header(self.dotted(mask_name(holder.name), number), number)

    def in_header(self, *variants: str) -> str:
        """The first of them that the header can show at its size; the last one cut, where none is short enough."""
        room = LARGE_HEADER_ROOM if self.style.large else HEADER_ROOM
        room = WIDE_HEADER_ROOM if self.style.landscape else room
        font = Style(self.theme, self.style.unit, self.style.landscape, 1.15 if self.style.large else 1.0).font("note")
        for words in variants:
            if font.width(words) <= room:
                return words
        words = variants[-1]
        while len(words) > 1 and font.width(f"{words}…") > room:
            words = words[:-1]
        return f"{words}…"

    def where(self) -> str:
        return self.dotted(self.view.hall_name, self.machine)

    @property
    def machine(self) -> str:
        """Which machine this is; nothing in the moment of a start when it is not known yet."""
        number = self.view.kiosk.removeprefix("K")
        return self.t("header.machine", number=number) if number else ""

    def idle_words(self, short: bool = False) -> str:
        if self.view.seconds is None:
            return ""
        return self.t("idle.short" if short else "idle.long", seconds=self.view.seconds)

    # ---- words -----------------------------------------------------------------------------------------------------

    def t(self, key: str, **values: object) -> str:
        return self.view.texts(key, **values)

    def dotted(self, *parts: str) -> str:
        return " · ".join(part for part in parts if part)

    def service_name(self, service: Service | None) -> str:
        if service is None:
            return self.t("service.any")
        return service.name_zh if self.zh else service.name_en

    def slip_service(self, slip: TicketSlip) -> str:
        name = slip.service_zh if self.zh else slip.service_en
        return name or self.t("service.any")

    def paper(self, chinese: str) -> str:
        """A document to bring. A hall's own list may name one that has no translation yet."""
        key = f"papers.{chinese}"
        return self.view.texts(key) if not self.zh and self.view.texts.has(key) else chinese

    def listed(self, papers: tuple[str, ...]) -> str:
        return self.t("papers_separator").join(self.paper(paper) for paper in papers)

    def hall_wait(self) -> str | None:
        """The wait of a number taken now, or that no window is open; None while nobody knows."""
        hall = self.hall_now()
        if hall is None:
            return None
        if not hall.windows_open:
            return self.t("wait.no_window")
        return self.t("wait.minutes", minutes=spread(hall.wait.low, hall.wait.high)) if hall.wait else None

    def hall_now(self) -> HallState | None:
        return self.situation.hall if self.situation.hall_answers else None

    # ---- pieces ----------------------------------------------------------------------------------------------------

    def write(self, words: str, role: str = "body", colour: str = "ink", align: Align = "left") -> Text:
        return Text(words, self.style.font(role), colour, align)

    def say(self, key: str, role: str = "body", colour: str = "ink", align: Align = "left", **values: object) -> Text:
        return self.write(self.t(key, **values), role, colour, align)

    def ruled(self, rows: Iterable[Box | None], gap: float = 18) -> Column:
        """Rows with a line between each two."""
        parts: list[Box] = []
        for row in rows:
            if row is not None:
                parts += [Rule(), row] if parts else [row]
        return Column(*parts, gap=gap)

    def key(self, name: str, sends: Sends, words: str, primary: bool = False) -> Key:
        return Key(name, sends, self.t(words), primary)

    def question(self, words: str, under: str = "", done: int = 0, steps: int = STEPS) -> Column:
        """The one question of the page, with what belongs right under it; ``done`` of the ``steps`` of the way."""
        progress = Progress(done, steps) if done else None
        note = self.write(under, "body", "second") if under else None
        return Column(progress, Column(self.write(words, "question"), note, gap=4), gap=26)

    def notice(self, words: str, tone: str, sign: str = "!") -> Card:
        """Something to know, on a ground of its tone: ``plain``, ``good``, ``care`` or ``bad``."""
        colour, ground = ("accent", "sky") if tone == "plain" else (tone, f"{tone}_soft")
        mark = Sign(sign, self.style.font("body_bold"), "card", colour, 56 * min(self.style.scale, 1.2))
        return Card(Row(mark, self.write(words, "body", "ink"), gap=24), ground, None, 24, (32, 24))

    def scaled(self, factor: float) -> Screen[P]:
        """This screen, set smaller."""
        return type(self)(replace(self.view, style=self.style.scaled(factor)), self.page)


AnyScreen = Screen[Page]
