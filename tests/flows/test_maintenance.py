"""A technician's visit as the machine sees it: which page follows which, and what is asked for on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kiosk.domain.fleet import TechnicianRole
from kiosk.session import machine
from kiosk.session.effects import (
    Arm,
    CheckTechnician,
    DoMaintenance,
    Effect,
    EndMaintenance,
    Leave,
    ReadPanel,
    VerifyPin,
    WatchForCard,
)
from kiosk.session.events import (
    Back,
    CellTouched,
    DeadlinePassed,
    Do,
    Event,
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
from kiosk.session.state import Home, Identify, Page, Purpose, Session, SlotView
from tests.flows.walker import ALL_WELL, RULES, at

IN, OUT, GONE = SmartCardChanged(True, True), SmartCardChanged(True, False), SmartCardChanged(False, False)
KNOCK = SmartCardChanged(True, True, knocked=True)
INSIDE = replace(ALL_WELL, smart_card=SlotView(True, True))
ACTIONS = (Action("test_print", "pos"), Action("shut_down", grave=True), Action("take_logs", works=False))


class Visit:
    """One session, and everything that was asked for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.effects: list[Effect] = []

    @property
    def page(self) -> Page:
        return self.session.page

    def happens(self, *events: Event) -> Visit:
        for event in events:
            self.session, effects = machine.step(RULES, self.session, event)
            self.effects += effects
        return self

    def asked(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.effects if isinstance(effect, kind)]


def home() -> Visit:
    return Visit(Session(visit=5, situation=ALL_WELL))


def at_pin() -> Visit:
    visit = home().happens(HiddenGesture(), IN, TechnicianRecognised(5, 3))
    visit.effects.clear()
    return visit


def inside(role: TechnicianRole = TechnicianRole.SENIOR, actions: tuple[Action, ...] = ACTIONS) -> Visit:
    visit = at_pin().happens(*map(PinKey, "135790"), PinDone(), TechnicianAdmitted(5, "T7", "Chen", role))
    visit.happens(PanelRead(5, Panel(Place.MENU, actions=actions)))
    visit.effects.clear()
    return visit


def test_gesture_card_and_pin_lead_to_the_menu() -> None:
    visit = home().happens(HiddenGesture())
    assert visit.page == MaintenanceLogin(LoginStep.CARD_WANTED)
    visit.happens(IN)
    assert visit.page == MaintenanceLogin(LoginStep.CHECKING)
    assert visit.asked(CheckTechnician) == [CheckTechnician(5)]
    visit.happens(TechnicianRecognised(5, 3), *map(PinKey, "135790"), PinDone())
    assert visit.page == MaintenanceLogin(LoginStep.SIGNING)
    assert visit.asked(VerifyPin) == [VerifyPin(5, "135790")]
    visit.happens(TechnicianAdmitted(5, "T7", "Chen", TechnicianRole.SENIOR))
    assert visit.asked(ReadPanel) == [ReadPanel(5, TechnicianRole.SENIOR, Place.MENU)]
    visit.happens(PanelRead(5, Panel(Place.MENU)))
    assert isinstance(visit.page, Maintenance)
    assert visit.page.panel == Panel(Place.MENU)


def test_a_card_that_is_in_already_is_not_asked_for() -> None:
    visit = Visit(Session(visit=5, situation=INSIDE)).happens(HiddenGesture())
    assert visit.page == MaintenanceLogin(LoginStep.CHECKING)


def test_without_a_reader_the_gesture_is_no_gesture() -> None:
    without = replace(ALL_WELL, smart_card=SlotView())
    assert Visit(Session(visit=5, situation=without)).happens(HiddenGesture()).page == Home()


def test_the_third_knock_opens_the_door_and_a_card_alone_does_not() -> None:
    assert home().happens(IN, OUT, IN).page == Home()
    assert home().happens(KNOCK).page == MaintenanceLogin(LoginStep.CHECKING)


def test_nothing_of_it_interrupts_a_taxpayer() -> None:
    visit = Visit(at(Identify(Purpose.TAKE_NUMBER)))
    before = visit.page
    assert visit.happens(HiddenGesture(), IN, OUT, KNOCK, GONE).page == before
    assert not [effect for effect in visit.effects if not isinstance(effect, Arm)]


def test_the_id_card_reader_rests_while_a_technician_is_there() -> None:
    visit = home().happens(HiddenGesture())
    assert type(visit.effects[0]).__name__ == "StopWatching"
    visit.effects.clear()
    visit.happens(Back())
    assert visit.asked(WatchForCard)


@pytest.mark.parametrize(
    ("keys", "pin"),
    [("1357", "1357"), ("123456789", "12345678"), ("12x٣ ", "12"), ("", "")],
)
def test_the_pin_pad_takes_digits_and_no_more_than_a_pin_has(keys: str, pin: str) -> None:
    page = at_pin().happens(*map(PinKey, keys)).page
    assert isinstance(page, MaintenanceLogin)
    assert page.pin == pin


def test_back_takes_one_digit_and_clear_all() -> None:
    visit = at_pin().happens(*map(PinKey, "1234"), PinKey("back"))
    assert isinstance(visit.page, MaintenanceLogin)
    assert visit.page.pin == "123"
    visit.happens(PinKey("clear"))
    assert isinstance(visit.page, MaintenanceLogin)
    assert visit.page.pin == ""


def test_a_pin_that_is_too_short_costs_no_try() -> None:
    visit = at_pin().happens(*map(PinKey, "123"), PinDone())
    assert visit.asked(VerifyPin) == []


def test_a_pin_is_nowhere_once_it_is_on_its_way_and_in_no_repr() -> None:
    visit = at_pin().happens(*map(PinKey, "135790"))
    assert "135790" not in repr(visit.session)
    visit.happens(PinDone())
    assert isinstance(visit.page, MaintenanceLogin)
    assert visit.page.pin == ""
    assert "135790" not in repr(visit.effects)
    assert "1" not in repr(PinKey("1"))


def test_a_wrong_pin_is_said_with_the_tries_that_are_left() -> None:
    page = at_pin().happens(*map(PinKey, "000000"), PinDone(), PinWrong(5, 2)).page
    assert page == MaintenanceLogin(LoginStep.PIN, tries_left=2, wrong=True)


@pytest.mark.parametrize("step", ["checking", "signing"])
def test_a_refusal_is_shown_with_its_reason_until_the_card_is_pulled(step: str) -> None:
    visit = home().happens(HiddenGesture(), IN)
    if step == "signing":
        visit.happens(TechnicianRecognised(5, 3), *map(PinKey, "0000"), PinDone())
    visit.happens(TechnicianRefused(5, "revoked"))
    assert visit.page == MaintenanceLogin(LoginStep.REFUSED, problem="revoked")
    visit.happens(PinKey("1"), PinDone(), TechnicianRecognised(5, 3), PinWrong(5, 1))
    assert visit.page == MaintenanceLogin(LoginStep.REFUSED, problem="revoked")
    assert visit.happens(OUT).page == Home()


def test_a_card_that_never_answers_is_given_up() -> None:
    visit = home().happens(HiddenGesture(), IN, DeadlinePassed(5, "step"))
    assert visit.page == MaintenanceLogin(LoginStep.REFUSED, problem="unreadable")


def test_being_admitted_twice_or_unasked_leads_nowhere() -> None:
    admitted = TechnicianAdmitted(5, "T7", "Chen", TechnicianRole.SENIOR)
    for visit in (home(), home().happens(HiddenGesture()), at_pin()):
        before = visit.page
        assert visit.happens(admitted).page == before


@pytest.mark.parametrize(("gone", "why"), [(OUT, "card_pulled"), (GONE, "reader_gone")])
def test_the_card_pulled_or_pcscd_gone_leads_home_from_everywhere(gone: SmartCardChanged, why: str) -> None:
    pages = [at_pin(), inside(), inside().happens(Do("test_print", "pos")), inside().happens(Do("shut_down"))]
    pages += [inside(actions=(Action("touch_test"),)).happens(Do("touch_test"))]
    pages += [inside(actions=(Action("calibrate"),)).happens(Do("calibrate"))]
    for visit in pages:
        visit.happens(gone)
        assert visit.page == Home()
        assert EndMaintenance(why) in visit.effects


def test_five_minutes_without_a_touch_log_the_technician_out() -> None:
    visit = inside().happens(OpenPlace(Place.DEVICES), PanelRead(5, Panel(Place.DEVICES)))
    assert Arm(5, "idle", 300) in visit.effects
    visit.happens(DeadlinePassed(5, "idle"))
    assert visit.page == Home()
    assert EndMaintenance("idle") in visit.effects


def test_a_panel_that_was_left_is_not_shown_when_it_comes_late() -> None:
    visit = inside().happens(OpenPlace(Place.PAPER), OpenPlace(Place.DEVICE, "pos"))
    visit.happens(PanelRead(5, Panel(Place.PAPER)), PanelRead(5, Panel(Place.DEVICE, "id_card")))
    assert isinstance(visit.page, Maintenance)
    assert visit.page.panel is None
    visit.happens(PanelRead(5, Panel(Place.DEVICE, "pos")))
    assert visit.page.panel == Panel(Place.DEVICE, "pos")


def test_a_panel_that_changes_by_itself_keeps_nobody_logged_in() -> None:
    visit = inside()
    visit.happens(PanelRead(5, Panel(Place.MENU, note="paper")))
    assert isinstance(visit.page, Maintenance)
    assert visit.page.panel == Panel(Place.MENU, note="paper")
    assert visit.effects == []


def test_only_what_the_panel_offers_and_what_works_is_done() -> None:
    visit = inside().happens(Do("take_logs"), Do("test_print"), Do("test_print", "id_card"), Do("roll_back"))
    assert visit.asked(DoMaintenance) == []
    visit.happens(Do("test_print", "pos"))
    done = DoMaintenance(5, "T7", TechnicianRole.SENIOR, Place.MENU, "test_print", "pos")
    assert visit.asked(DoMaintenance) == [done]


def test_one_thing_at_a_time_is_done_and_its_panel_stays() -> None:
    visit = inside().happens(Do("test_print", "pos"), Do("test_print", "pos"), OpenPlace(Place.AUDIT), Back())
    assert len(visit.asked(DoMaintenance)) == 1
    assert isinstance(visit.page, Maintenance)
    assert (visit.page.place, visit.page.doing) == (Place.MENU, "test_print")


def test_a_grave_action_waits_for_a_second_word() -> None:
    visit = inside().happens(Do("shut_down"))
    assert isinstance(visit.page, Maintenance)
    assert visit.page.asking == ACTIONS[1]
    assert visit.asked(DoMaintenance) == []
    assert visit.happens(SaySure(False)).asked(DoMaintenance) == []
    assert len(visit.happens(Do("shut_down"), SaySure(True)).asked(DoMaintenance)) == 1
    assert inside().happens(SaySure(True)).asked(DoMaintenance) == []


def test_what_came_of_it_is_shown_and_the_panel_read_anew() -> None:
    visit = inside().happens(Do("test_print", "pos"))
    visit.effects.clear()
    visit.happens(MaintenanceDone(5, "something else", Outcome("marked")))
    assert visit.effects == []
    visit.happens(MaintenanceDone(5, "test_print", Outcome("print_done")))
    assert isinstance(visit.page, Maintenance)
    assert (visit.page.doing, visit.page.outcome) == ("", Outcome("print_done"))
    assert visit.asked(ReadPanel) == [ReadPanel(5, TechnicianRole.SENIOR, Place.MENU)]


def test_what_takes_too_long_is_said_and_its_late_end_changes_nothing() -> None:
    visit = inside().happens(Do("test_print", "pos"), DeadlinePassed(5, "step"))
    assert isinstance(visit.page, Maintenance)
    assert visit.page.outcome == Outcome("took_too_long", Tone.BAD)
    visit.happens(MaintenanceDone(5, "test_print", Outcome("print_done")))
    assert visit.page.outcome == Outcome("took_too_long", Tone.BAD)


def test_a_restart_ends_the_front_end_with_nobody_logged_in() -> None:
    visit = inside(actions=(Action("restart"),)).happens(Do("restart"))
    visit.happens(MaintenanceDone(5, "restart", Outcome("restarting")))
    assert visit.page == Home()
    assert visit.effects[-1] == Leave()
    assert EndMaintenance("restart") in visit.effects


def test_back_goes_one_level_up() -> None:
    visit = inside()
    way = []
    for place, subject in ((Place.DEVICE, "pos"), (Place.REPAIR, "paper_jam/2"), (Place.AUDIT, "")):
        visit.happens(OpenPlace(place, subject))
        while isinstance(visit.page, Maintenance) and visit.page.place is not Place.MENU:
            visit.happens(Back())
            assert isinstance(visit.page, Maintenance)
            way.append((visit.page.place.value, visit.page.subject))
    assert way == [
        ("devices", ""),
        ("menu", ""),
        ("repair", "paper_jam"),
        ("repair", ""),
        ("menu", ""),
        ("menu", ""),
    ]
    assert visit.happens(Back()).page == Home()


def test_the_glass_is_good_when_every_cell_has_felt_a_finger() -> None:
    cells = GRID[0] * GRID[1]
    visit = inside(actions=(Action("touch_test"),)).happens(Do("touch_test"))
    visit.happens(*(CellTouched(cell) for cell in (-1, cells, *range(cells - 1), 0)))
    assert isinstance(visit.page, TouchTest)
    assert len(visit.page.touched) == cells - 1
    visit.happens(CellTouched(cells - 1))
    assert isinstance(visit.page, Maintenance)
    (done,) = visit.asked(DoMaintenance)
    assert isinstance(done, DoMaintenance)
    assert (done.name, done.subject) == ("touch_tested", "good")


@pytest.mark.parametrize("end", [Back(), DeadlinePassed(5, "idle")])
def test_a_touch_test_that_is_given_up_says_how_many_cells_felt_nothing(end: Event) -> None:
    visit = inside(actions=(Action("touch_test"),)).happens(Do("touch_test"), CellTouched(0), CellTouched(1), end)
    (done,) = visit.asked(DoMaintenance)
    assert isinstance(done, DoMaintenance)
    assert (done.name, done.subject) == ("touch_tested", f"bad {GRID[0] * GRID[1] - 2}")


def test_four_crosses_are_a_calibration_and_three_are_none() -> None:
    visit = inside(actions=(Action("calibrate"),)).happens(Do("calibrate"))
    points = [(101, 99), (903, 98), (899, 902), (98, 901)]
    visit.happens(*(PointTouched(x, y) for x, y in points[:3]))
    assert isinstance(visit.page, Calibration)
    assert visit.asked(DoMaintenance) == []
    visit.happens(PointTouched(*points[3]))
    (done,) = visit.asked(DoMaintenance)
    assert isinstance(done, DoMaintenance)
    assert (done.name, done.subject) == ("calibrated", "101,99 903,98 899,902 98,901")
    given_up = inside(actions=(Action("calibrate"),)).happens(Do("calibrate"), PointTouched(1, 1), Back())
    assert isinstance(given_up.page, Maintenance)
    assert given_up.asked(DoMaintenance) == []


def test_a_machine_that_is_out_of_service_still_lets_its_technician_in() -> None:
    locked = replace(ALL_WELL, locked=True)
    assert isinstance(Visit(Session(visit=5, situation=locked)).happens(HiddenGesture()).page, MaintenanceLogin)
    assert isinstance(Visit(Session(visit=5, situation=locked)).happens(KNOCK).page, MaintenanceLogin)
