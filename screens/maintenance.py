"""Any panel of maintenance mode: lines and what can be done, large enough for gloves. It knows no panel by name."""

from __future__ import annotations

from dataclasses import replace

from kiosk.session.events import Back, Do, OpenPlace, SaySure
from kiosk.session.panel import Action, Line, Maintenance, Panel, Place, Tone
from screens.screen import Screen, View
from screens.widgets.box import Box, Column, Grid, Padded, Rect, Row, Space, Wide, centred
from screens.widgets.button import Target
from screens.widgets.card import Card, Sign
from screens.widgets.footer import Foot, Key
from screens.widgets.lines import break_lines
from screens.widgets.paged_list import FittedCards, PagedList
from screens.widgets.qr import Qr
from screens.widgets.text import Text

#: Heights (units) of what a glove has to hit.
ROW, BUTTON = 136.0, 136.0

#: Tone → sign, its colour, its ground; the same as a notice of that tone.
SIGNS = {Tone.GOOD: ("✓", "good"), Tone.WARN: ("!", "care"), Tone.BAD: ("×", "bad")}
NOTICES = {Tone.PLAIN: ("i", "plain"), **SIGNS}

#: From so many lines on that all lead further, they stand side by side: a menu is best seen whole.
SIDE_BY_SIDE = 7

#: More actions than this stand in more columns.
BESIDE = 4

#: Units up to which a name is short and takes its own width, and up to which name and value surely share a line.
SHORT, ROOM = 400.0, 600.0

#: Below this many seconds the footer counts them.
COUNTS_FROM_S = 60


class MaintenanceScreen(Screen[Maintenance]):
    warns = True

    def __init__(self, view: View, page: Maintenance) -> None:
        super().__init__(view, page)
        subject = f".{page.subject}" if page.subject else ""
        self.name = f"maintenance.{page.place.value}{subject}{'.sure' if page.asking else ''}"

    # ---- who, where ------------------------------------------------------------------------------------------------

    def title(self) -> str:
        return self.dotted(self.t("maintenance_screens.title"), self.view.kiosk)

    def who(self) -> str:
        """Who is logged in, and which release the machine runs: always, for pictures that are sent to somebody."""
        number, name = self.view.release, self.page.name
        release = (
            self.t("maintenance_screens.release", number=number) if number else self.t("maintenance_screens.shipped")
        )
        role = self.t(f"maintenance_screens.role.{self.page.role.value}")
        return self.in_header(self.dotted(name, role, release), self.dotted(name, release), self.dotted(release, name))

    def foot(self) -> Foot:
        page = self.page
        if page.doing:
            return Foot(idle=self._pull())
        if page.place is Place.MENU and page.asking is None:
            # From the menu there is no way up: here stands how to leave it.
            actions = page.panel.actions if page.panel else ()
            leave = [Key(f"do.{action.name}", Do(action.name), self._does(action.name)) for action in actions]
            return Foot(steps=leave, idle=self._pull())
        deep = page.subject and page.asking is None
        menu = [self.key("menu", OpenPlace(Place.MENU), "maintenance_screens.menu")] if deep else []
        return Foot(back=self.key("back", Back(), "button.back"), steps=menu, idle=self._pull())

    def _pull(self) -> str:
        seconds = self.view.seconds
        if seconds is not None and seconds < COUNTS_FROM_S:
            return self.t("maintenance_screens.ends", seconds=seconds)
        return self.t("maintenance_screens.pull")

    # ---- the page --------------------------------------------------------------------------------------------------

    def body(self) -> Box:
        if self.page.asking is not None:
            return self._asking(self.page.asking)
        if self.page.panel is None:
            mark = Sign("●", self.style.font("primary"), "on_accent", "accent", 160)
            reading = self.say("maintenance_screens.reading", "strong", "second")
            return Column(self._head(), reading, centred(mark), gap=48)
        panel = self.page.panel
        banner, lines, actions = self._banner(), self._lines(panel), self._actions(panel)
        # A code needs the room that the note has, which was read before.
        said = [banner, None if banner and panel.qr else self._note(panel)]
        if not self.style.landscape:
            qr = centred(Qr(panel.qr, 380)) if panel.qr else None
            return Column(self._head(), *said, lines, qr, actions, gap=24, grows=True)
        left = Column(*said, lines, gap=20, grows=True)
        code = Wide(Qr(panel.qr, 400), 400) if panel.qr else None
        below: list[Box] = [box for box in (left, code, actions) if box is not None]
        # Two columns of buttons need as much as the lines beside them.
        shares = [1.0 if len(panel.actions) > BESIDE else 1.7, *([1.0] * (len(below) - 1))]
        row = Row(*below, gap=self.theme.gap, align="top", shares=shares, grows=True)
        return Column(self._head(), Tall(row), gap=16, grows=True)

    def _head(self) -> Column:
        place = f"maintenance_screens.place.{self.page.place.value}"
        # A device's own name, a fault's own name: what the panel before called it.
        subject = f"maintenance.line.{self.page.subject.partition('/')[0]}"
        named = bool(self.page.subject) and self.view.texts.has(subject)
        title = self.t(subject) if named else self.t(f"{place}.title")
        hint = self.say(f"{place}.hint", "label", "second")
        return Column(self.write(title, "question"), hint, gap=4)

    def _banner(self) -> Box | None:
        """What is being done, or what came of it."""
        if self.page.doing:
            # What a page of its own ends with is no button, and so has no name.
            named = self.view.texts.has(f"maintenance.do.{self.page.doing}")
            doing = self.t("maintenance_screens.doing", what=self._does(self.page.doing)) if named else ""
            return self.notice(doing or self.t("maintenance_screens.working"), "plain", "●")
        outcome = self.page.outcome
        if outcome is None:
            return None
        sign, tone = NOTICES[outcome.tone]
        return self.notice(self.t(f"maintenance.outcome.{outcome.word}", value=outcome.value), tone, sign)

    def _note(self, panel: Panel) -> Box | None:
        return self.notice(self.t(f"maintenance.note.{panel.note}"), "plain", "i") if panel.note else None

    # ---- lines -----------------------------------------------------------------------------------------------------

    def _lines(self, panel: Panel) -> Box:
        lines = panel.lines
        if not lines:
            nothing = None if panel.note else self.say("maintenance_screens.nothing", "body", "second")
            return Column(nothing, grows=True)
        if len(lines) >= SIDE_BY_SIDE and all(line.opens and not line.raw for line in lines):
            return self._side_by_side(lines)
        marked = any(line.tone is not Tone.PLAIN for line in lines)
        return PagedList(len(lines), lambda i: self._line(lines, i, marked), self.view.turned, self.style)

    def _side_by_side(self, lines: tuple[Line, ...]) -> Box:
        return FittedCards(lambda size: self.scaled(size).tiles(lines), self.view.turned, self.style)

    def tiles(self, lines: tuple[Line, ...]) -> list[Box]:
        """Rows of them."""
        columns = 2 if not self.style.landscape else 3 if self.style.large else 4
        tiles = [self._tile(lines, index) for index in range(len(lines))]
        tiles += [Space() for _ in range(-len(lines) % columns)]
        return [Grid(tiles[i : i + columns], columns, 16 if columns > 2 else 24) for i in range(0, len(tiles), columns)]

    def _tile(self, lines: tuple[Line, ...], index: int) -> Box:
        line = lines[index]
        small = self.style.landscape
        value = self._value(line, "note" if small else "label")
        words = Column(self._name(line, "title" if small else "body_bold"), value, gap=2)
        inside = Row(self._sign(line), words, self._chevron(), gap=16)
        return self._opening(lines, index, inside, 24, (24, 12), "line")

    def _line(self, lines: tuple[Line, ...], index: int, marked: bool) -> Box:
        line = lines[index]
        sign = (self._sign(line) or Space(width=SIGN)) if marked else None
        inside = Row(sign, self._words(line), self._chevron() if line.opens else None, gap=24)
        if line.opens is None:
            return Padded(inside, 32, 18)
        return self._opening(lines, index, inside, 24, (32, 18), None)

    def _words(self, line: Line) -> Box:
        """Name at the left, value at the right; a short name takes its own width. What is longer than a line reads from
        the left."""
        name, value = self._name(line, "body"), self._value(line, "body_bold")
        if value is None:
            return name
        if self._narrow:
            return Column(name, value)
        value.align = "right"
        wide, beside = name.font.width(name.words), value.font.width(value.words)
        if wide <= SHORT or wide + beside <= ROOM:
            name.tight = True
            return Row(name, value, gap=24)
        share = min(max(wide / (wide + beside), 0.38), 0.62)
        return Row(name, value, gap=24, shares=(share, 1 - share))

    @property
    def _narrow(self) -> bool:
        """Code and buttons stand beside the lines."""
        return self.style.landscape and self.page.panel is not None and bool(self.page.panel.qr)

    def _opening(
        self,
        lines: tuple[Line, ...],
        index: int,
        inside: Box,
        radius: float,
        pad: tuple[float, float],
        edge: str | None,
    ) -> Box:
        line = lines[index]
        # While something is done the panel stays: nothing opens then.
        if line.opens is None or self.page.doing:
            return Padded(inside, *pad) if edge is None else Card(inside, "card", edge, radius, pad)
        name = f"open.{line.opens.value}{f'.{line.subject}' if line.subject else ''}"
        same = sum((one.opens, one.subject) == (line.opens, line.subject) for one in lines[:index])
        name = f"{name}.{same + 1}" if same else name
        return Target(name, OpenPlace(line.opens, line.subject), inside, "card", edge, radius, pad, height=ROW)

    def _name(self, line: Line, role: str) -> Text:
        if line.raw:
            return Anywhere(line.name, self.style.font(role))
        return self.say(f"maintenance.line.{line.name}", role)

    def scaled(self, factor: float) -> MaintenanceScreen:
        return MaintenanceScreen(replace(self.view, style=self.style.scaled(factor)), self.page)

    def _value(self, line: Line, role: str) -> Text | None:
        words = self.t(f"maintenance.word.{line.word}", value=line.value) if line.word else line.value
        colour = SIGNS[line.tone][1] if line.tone in SIGNS else "ink"
        return Anywhere(words, self.style.font(role), colour) if words else None

    def _sign(self, line: Line) -> Sign | None:
        if line.tone not in SIGNS:
            return None
        sign, tone = SIGNS[line.tone]
        return Sign(sign, self.style.font("label"), "card", tone, SIGN)

    def _chevron(self) -> Text:
        return Text("→", self.style.font("body_bold"), "accent", tight=True)

    # ---- what can be done ------------------------------------------------------------------------------------------

    def _actions(self, panel: Panel) -> Box | None:
        if not panel.actions or panel.place is Place.MENU:
            return None
        count = len(panel.actions)
        if self.style.landscape:
            columns = 2 if count > BESIDE else 1
        else:
            columns = min(count, 3 if count > BESIDE and not self.style.large else 2)
        return Grid([self._action(panel, action) for action in panel.actions], columns, 20)

    def _action(self, panel: Panel, action: Action) -> Box:
        words = self._does(action.name)
        subject = f"maintenance.line.{action.subject}"
        # Only where one name stands on two buttons has it to be said which is which.
        alike = sum(other.name == action.name for other in panel.actions) > 1
        named = alike and self.view.texts.has(subject)
        works = action.works and not self.page.doing
        colour = "second" if not works else "bad" if action.grave else "accent"
        name = self.write(f"{words} …" if action.grave else words, "button" if works else "body", colour, "centre")
        about = self.say(subject, "note", colour, "centre") if named else None
        text = Column(name, about, gap=0, align="middle", grows=True)
        if not works:
            return Muted(text, "muted_soft", None, 24, (20, 12))
        ground = "bad_soft" if action.grave else "sky"
        of = f".{action.subject}" if action.subject else ""
        sends = Do(action.name, action.subject)
        return Target(f"do.{action.name}{of}", sends, text, ground, colour, 24, (20, 12), height=BUTTON)

    def _does(self, name: str) -> str:
        return self.t(f"maintenance.do.{name}")

    def _asking(self, action: Action) -> Box:
        """A grave action, alone on the page, asked once more."""
        what = self._does(action.name)
        head = self.question(self.t("maintenance_screens.sure.question", what=what))
        key = f"maintenance.sure.{action.name}"
        means = self.notice(self.t(key if self.view.texts.has(key) else "maintenance_screens.sure.means"), "care")
        no = self.say("maintenance_screens.sure.no", "strong", "ink", "centre")
        yes = self.say("maintenance_screens.sure.yes", "strong", "bad", "centre")
        answers = Row(
            Target("sure.no", SaySure(False), no, "card", "line", 28, (24, 24), height=200),
            Target("sure.yes", SaySure(True), yes, "bad_soft", "bad", 28, (24, 24), height=200),
            gap=self.theme.gap,
            align="stretch",
        )
        return Column(head, means, Space(12), answers, gap=36)


class Anywhere(Text):
    """Breaks a word that is wider than its box (an address, a hash) where the line ends, and keeps its size. What takes
    more than one line reads from the left."""

    def _set(self, width: float) -> None:
        if width != self._set_at:
            self._set_at = width
            self.lines = break_lines(self.words, width, self.font.width)
            if len(self.lines) > 1:
                self.align = "left"


class Muted(Card):
    """In the place of a button that does nothing now."""

    def needs(self, width: float) -> float:
        return max(BUTTON, super().needs(width))


class Tall(Box):
    """A row all the height that is left, whose parts begin at its top; those that grow reach its bottom."""

    grows = True

    def __init__(self, row: Row) -> None:
        self.children, self.row = [row], row

    def needs(self, width: float) -> float:
        return self.row.needs(width)

    def place(self, rect: Rect) -> None:
        self.rect = rect
        self.row.place(rect)
        for part in self.row.children:
            if part.grows:
                part.place(Rect(part.rect.x, rect.y, part.rect.w, rect.h))


#: Side of a line's sign.
SIGN = 56.0

SHOWN = MaintenanceScreen
