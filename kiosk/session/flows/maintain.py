"""A technician's visit: card, PIN, panels. It begins on a page that nobody needs just now, and ends with the card.

Whether a card is a technician's, and a PIN right, the technician desk says; what stands on a panel, and what comes of
an action, the maintenance desk. Here is only which page follows which.
"""

from __future__ import annotations

from dataclasses import replace

from kiosk.session.effects import CheckTechnician, DoMaintenance, Leave, ReadPanel, VerifyPin
from kiosk.session.events import (
    Back,
    CellTouched,
    DeadlinePassed,
    Do,
    HiddenGesture,
    MaintenanceDone,
    OpenPlace,
    PanelRead,
    PinDone,
    PinKey,
    PinWrong,
    PointTouched,
    SaySure,
    SmartCardChanged,
    TechnicianAdmitted,
    TechnicianRecognised,
    TechnicianRefused,
)
from kiosk.session.panel import (
    CROSSES,
    GRID,
    Action,
    Calibration,
    LoginStep,
    Maintenance,
    MaintenanceLogin,
    Outcome,
    Panel,
    Place,
    Tone,
    TouchTest,
)
from kiosk.session.rules import Rules
from kiosk.session.state import Home, Session, Sorry, SorryReason
from kiosk.session.step import Step, go, home, stay

PIN_DIGITS = range(4, 9)

#: Where Back leads from a panel, if not to the menu.
_ABOVE = {Place.DEVICE: Place.DEVICES}


# ---- login -----------------------------------------------------------------------------------------------------------


def gesture(rules: Rules, session: Session, page: Home | Sorry, event: HiddenGesture) -> Step:
    """Four corners: only where no visit is, and where a reader is there to ask for the card."""
    if isinstance(page, Sorry) and page.reason is not SorryReason.OUT_OF_SERVICE:
        return stay(session)
    if not session.situation.smart_card.works:
        return stay(session)
    if session.situation.smart_card.card:
        return _check(rules, session)
    return go(rules, session, MaintenanceLogin(LoginStep.CARD_WANTED))


def _check(rules: Rules, session: Session) -> Step:
    return go(rules, session, MaintenanceLogin(LoginStep.CHECKING), CheckTechnician(session.visit))


def card_changed(rules: Rules, session: Session, event: SmartCardChanged) -> Step:
    """In, out, or the reader is gone. ``session`` has the new situation. Who is logged in goes with the card."""
    inside = event.works and event.card
    match session.page:
        case Home() | Sorry(reason=SorryReason.OUT_OF_SERVICE) if inside and event.knocked:
            # The way in for a machine whose glass is dead.
            return _check(rules, session)
        case MaintenanceLogin(step=LoginStep.CARD_WANTED):
            if inside:
                return _check(rules, session)
            return stay(session) if event.works else home(session, "reader_gone")
        case MaintenanceLogin() | Maintenance() | TouchTest() | Calibration() if not inside:
            return home(session, "card_pulled" if event.works else "reader_gone")
    return stay(session)


def recognised(rules: Rules, session: Session, page: MaintenanceLogin, event: TechnicianRecognised) -> Step:
    if page.step is not LoginStep.CHECKING:
        return stay(session)
    return go(rules, session, MaintenanceLogin(LoginStep.PIN, tries_left=event.tries_left))


def refused(rules: Rules, session: Session, page: MaintenanceLogin, event: TechnicianRefused) -> Step:
    if page.step not in (LoginStep.CHECKING, LoginStep.SIGNING):
        return stay(session)
    return go(rules, session, MaintenanceLogin(LoginStep.REFUSED, problem=event.problem))


def pin_key(rules: Rules, session: Session, page: MaintenanceLogin, event: PinKey) -> Step:
    if page.step is not LoginStep.PIN:
        return stay(session)
    match event.key:
        case "clear":
            pin = ""
        case "back":
            pin = page.pin[:-1]
        case digit if digit.isascii() and digit.isdigit() and len(digit) == 1 and len(page.pin) < PIN_DIGITS[-1]:
            pin = page.pin + digit
        case _:
            return stay(session)
    return go(rules, session, replace(page, pin=pin, wrong=False))


def pin_done(rules: Rules, session: Session, page: MaintenanceLogin, event: PinDone) -> Step:
    """The PIN goes to the card, and is nowhere else from now on. One that is too short costs no try."""
    if page.step is not LoginStep.PIN or len(page.pin) not in PIN_DIGITS:
        return stay(session)
    return go(rules, session, MaintenanceLogin(LoginStep.SIGNING), VerifyPin(session.visit, page.pin))


def pin_wrong(rules: Rules, session: Session, page: MaintenanceLogin, event: PinWrong) -> Step:
    if page.step is not LoginStep.SIGNING:
        return stay(session)
    return go(rules, session, MaintenanceLogin(LoginStep.PIN, tries_left=event.tries_left, wrong=True))


def admitted(rules: Rules, session: Session, page: MaintenanceLogin, event: TechnicianAdmitted) -> Step:
    if page.step is not LoginStep.SIGNING:
        return stay(session)
    return _open(rules, session, Maintenance(event.technician, event.name, event.role), Place.MENU)


def card_took_too_long(rules: Rules, session: Session, page: MaintenanceLogin, event: DeadlinePassed) -> Step:
    if page.step not in (LoginStep.CHECKING, LoginStep.SIGNING):
        return stay(session)
    return go(rules, session, MaintenanceLogin(LoginStep.REFUSED, problem="unreadable"))


# ---- panels ----------------------------------------------------------------------------------------------------------


def _open(rules: Rules, session: Session, page: Maintenance, place: Place, subject: str = "") -> Step:
    shown = replace(page, place=place, subject=subject, panel=None, outcome=None, asking=None)
    return go(rules, session, shown, ReadPanel(session.visit, shown.role, place, subject))


def open_place(rules: Rules, session: Session, page: Maintenance, event: OpenPlace) -> Step:
    """While something is being done its panel stays: its outcome belongs there."""
    return stay(session) if page.doing else _open(rules, session, page, event.place, event.subject)


def panel_read(rules: Rules, session: Session, page: Maintenance, event: PanelRead) -> Step:
    """The first look at it, or a later one: what is known changes by itself."""
    panel = event.panel
    if (panel.place, panel.subject) != (page.place, page.subject) or panel == page.panel:
        return stay(session)
    if page.panel is None and not page.doing:
        return go(rules, session, replace(page, panel=panel))
    # Nobody touched anything: timers run on.
    return stay(replace(session, page=replace(page, panel=panel)))


def do(rules: Rules, session: Session, page: Maintenance, event: Do) -> Step:
    """Only what the panel offers now."""
    if page.doing or page.panel is None:
        return stay(session)
    action = next((a for a in page.panel.actions if (a.name, a.subject) == (event.name, event.subject)), None)
    if action is None or not action.works:
        return stay(session)
    if action.grave:
        return go(rules, session, replace(page, asking=action, outcome=None))
    return _carry_out(rules, session, page, action)


def say_sure(rules: Rules, session: Session, page: Maintenance, event: SaySure) -> Step:
    if page.asking is None:
        return stay(session)
    if not event.yes:
        return go(rules, session, replace(page, asking=None))
    return _carry_out(rules, session, page, page.asking)


def _carry_out(rules: Rules, session: Session, page: Maintenance, action: Action) -> Step:
    shown = replace(page, asking=None, outcome=None)
    match action.name:
        case "touch_test":
            return go(rules, session, TouchTest(shown))
        case "calibrate":
            return go(rules, session, Calibration(shown))
        case "leave":
            return home(session)
    return _ask(rules, session, shown, action.name, action.subject)


def _ask(rules: Rules, session: Session, page: Maintenance, name: str, subject: str) -> Step:
    asked = DoMaintenance(session.visit, page.technician, page.role, page.place, name, subject)
    return go(rules, session, replace(page, doing=name), asked)


def done(rules: Rules, session: Session, page: Maintenance, event: MaintenanceDone) -> Step:
    """The panel is read anew: what was done has changed it. After a restart was asked for nobody is there any more."""
    if page.doing != event.name:
        return stay(session)
    if event.outcome.word == "restarting":
        left = home(session, "restart")
        return Step(left.session, (*left.effects, Leave()))
    shown = replace(page, doing="", outcome=event.outcome)
    return go(rules, session, shown, ReadPanel(session.visit, page.role, page.place, page.subject))


def took_too_long(rules: Rules, session: Session, page: Maintenance, event: DeadlinePassed) -> Step:
    if page.doing:
        return go(rules, session, replace(page, doing="", outcome=Outcome("took_too_long", Tone.BAD)))
    if page.panel is None:
        return go(rules, session, replace(page, panel=Panel(page.place, page.subject, note="not_read")))
    return stay(session)


def back(rules: Rules, session: Session, page: Maintenance, event: Back) -> Step:
    """One level up: from a step to its fault, from a device to all, from a panel to the menu, from there out."""
    if page.doing:
        return stay(session)
    if page.asking is not None:
        return go(rules, session, replace(page, asking=None))
    if page.place is Place.MENU:
        return home(session)
    if page.subject and page.place not in _ABOVE:
        return _open(rules, session, page, page.place, page.subject.rpartition("/")[0])
    return _open(rules, session, page, _ABOVE.get(page.place, Place.MENU))


# ---- by hand ---------------------------------------------------------------------------------------------------------


def cell_touched(rules: Rules, session: Session, page: TouchTest, event: CellTouched) -> Step:
    """The glass is good when every cell has felt a finger."""
    columns, rows = GRID
    if not 0 <= event.cell < columns * rows:
        return stay(session)
    touched = page.touched | {event.cell}
    if len(touched) < columns * rows:
        return go(rules, session, replace(page, touched=touched))
    return _ask(rules, session, page.back, "touch_tested", "good")


def end_touch_test(rules: Rules, session: Session, page: TouchTest, event: Back | DeadlinePassed) -> Step:
    """Given up, or nobody touches any more: what was not touched is not known to work."""
    columns, rows = GRID
    return _ask(rules, session, page.back, "touch_tested", f"bad {columns * rows - len(page.touched)}")


def point_touched(rules: Rules, session: Session, page: Calibration, event: PointTouched) -> Step:
    points = (*page.points, (event.x, event.y))
    if len(points) < len(CROSSES):
        return go(rules, session, replace(page, points=points))
    return _ask(rules, session, page.back, "calibrated", " ".join(f"{x},{y}" for x, y in points))


def end_calibration(rules: Rules, session: Session, page: Calibration, event: Back | DeadlinePassed) -> Step:
    return go(rules, session, page.back)
