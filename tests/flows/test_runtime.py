"""The loop under a clock of our own: effects are carried out by a world in which anything may be slow or silent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from kiosk.runtime.inbox import Inbox
from kiosk.runtime.loop import Runtime
from kiosk.session import machine
from kiosk.session.effects import (
    AbandonTicket,
    AskHall,
    Effect,
    Forget,
    PrintSlip,
    RecordAsk,
    RecordReprint,
    RecordTicket,
    WatchForCard,
)
from kiosk.session.events import (
    AskRecorded,
    CardRead,
    DeviceChanged,
    Event,
    HallAnswered,
    HallSeen,
    HallSilent,
    Next,
    PickService,
    PrintEnded,
    Reprint,
    SetLanguage,
    Start,
    StoreFailed,
    TicketRecorded,
    Touched,
)
from kiosk.session.state import (
    DeviceView,
    Home,
    IssueStep,
    Issuing,
    Language,
    Purpose,
    Shown,
    Sorry,
    SorryReason,
    TakeTicket,
)
from tests.flows.walker import HALL, HOLDER, KEY, NOW, PRINTER, READER, RULES, SLIP, TODAY, VIEW, WORKING


@dataclass
class World:
    """A clock that only the test moves, and what the loop asked for."""

    seconds: float = 1000.0
    effects: list[Effect] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)


class Kiosk:
    def __init__(self) -> None:
        self.world = World()
        self.runtime = Runtime(RULES, Inbox(), self.world, self.world.effects.append, self.world.shown.append)
        self.runtime.begin()
        for event in (DeviceChanged(READER, WORKING), DeviceChanged(PRINTER, WORKING), HallSeen(HALL)):
            self.runtime.handle(event)

    @property
    def visit(self) -> int:
        return self.runtime.session.visit

    @property
    def page(self) -> object:
        return self.runtime.session.page

    def happens(self, *events: Event) -> None:
        for event in events:
            self.runtime.handle(event)

    def passes(self, seconds: float) -> None:
        self.world.seconds += seconds
        self.runtime.expire()

    def asked(self, kind: type) -> list[Effect]:
        return [effect for effect in self.world.effects if isinstance(effect, kind)]

    def confirm(self) -> None:
        self.happens(Start(Purpose.TAKE_NUMBER), CardRead(self.visit, HOLDER, TODAY))
        self.happens(PickService(None, TODAY), Next(TODAY))


@pytest.fixture
def kiosk() -> Kiosk:
    return Kiosk()


def test_the_usual_visit_asks_commits_prints_in_that_order(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY), HallAnswered(kiosk.visit, KEY, VIEW))
    kiosk.happens(TicketRecorded(kiosk.visit, KEY, SLIP, 1), PrintEnded(kiosk.visit, 1, "done", False))
    assert kiosk.page == TakeTicket(SLIP, printed=True)
    order = [type(effect) for effect in kiosk.world.effects if not isinstance(effect, WatchForCard)]
    assert [kind for kind in order if kind in {RecordAsk, AskHall, RecordTicket, PrintSlip}] == [
        RecordAsk,
        AskHall,
        RecordTicket,
        PrintSlip,
    ]


def test_after_300_ms_of_silence_the_kiosk_gives_its_own_number_and_voids_what_it_asked_for(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY))
    kiosk.passes(0.29)
    assert isinstance(kiosk.page, Issuing)
    assert kiosk.page.step is IssueStep.ASKING
    kiosk.passes(0.02)
    (record,) = kiosk.asked(RecordTicket)
    assert isinstance(record, RecordTicket)
    assert record.view is None
    assert record.key == KEY


def test_the_hall_s_late_answer_gives_no_second_number(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY))
    kiosk.passes(0.31)
    kiosk.happens(HallAnswered(kiosk.visit, KEY, VIEW), HallSilent(kiosk.visit, KEY))
    assert len(kiosk.asked(RecordTicket)) == 1


def test_a_hall_known_to_be_silent_is_not_waited_for(kiosk: Kiosk) -> None:
    kiosk.happens(HallSeen(None))
    kiosk.confirm()
    assert kiosk.asked(AskHall) == []
    (record,) = kiosk.asked(RecordTicket)
    assert isinstance(record, RecordTicket)
    assert record.key == "", "nothing was asked, so nothing is to be voided"


def test_a_second_touch_on_confirm_asks_for_nothing_more(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(Next(TODAY), Next(TODAY), PickService(None, TODAY))
    assert len(kiosk.asked(RecordAsk)) == 1


def test_without_paper_the_number_is_shown_and_no_slip_is_intended(kiosk: Kiosk) -> None:
    kiosk.happens(DeviceChanged(PRINTER, DeviceView(works=True, paper_out=True)))
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY), HallAnswered(kiosk.visit, KEY, VIEW))
    (record,) = kiosk.asked(RecordTicket)
    assert isinstance(record, RecordTicket)
    assert not record.to_print
    kiosk.happens(TicketRecorded(kiosk.visit, KEY, SLIP, None))
    assert kiosk.page == TakeTicket(SLIP, printed=False)
    assert kiosk.asked(PrintSlip) == []


def test_a_slip_that_failed_is_printed_again_only_when_asked_and_marked(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY), HallAnswered(kiosk.visit, KEY, VIEW))
    kiosk.happens(TicketRecorded(kiosk.visit, KEY, SLIP, 1), PrintEnded(kiosk.visit, 1, "failed", True))
    assert kiosk.page == Sorry(SorryReason.PRINT_FAILED, SLIP, can_reprint=False, paper_out=True)
    kiosk.happens(DeviceChanged(PRINTER, DeviceView(works=True, paper_out=True)))
    kiosk.happens(DeviceChanged(PRINTER, WORKING))
    assert kiosk.page == Sorry(SorryReason.PRINT_FAILED, SLIP, can_reprint=True, paper_out=False)
    assert len(kiosk.asked(PrintSlip)) == 1, "nothing pours out after a refill"
    kiosk.happens(Reprint(SLIP.token))
    (record,) = kiosk.asked(RecordReprint)
    assert isinstance(record, RecordReprint)
    assert record.slip.reprint
    assert record.slip.number == SLIP.number


def test_a_disk_that_cannot_write_gives_no_number(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(StoreFailed(kiosk.visit))
    assert kiosk.page == Sorry(SorryReason.NOT_SAVED)
    assert kiosk.asked(AskHall) == []


def test_a_ticket_that_became_durable_after_its_person_left_is_voided(kiosk: Kiosk) -> None:
    kiosk.confirm()
    kiosk.happens(AskRecorded(kiosk.visit, KEY), HallAnswered(kiosk.visit, KEY, VIEW))
    gone = kiosk.visit
    kiosk.passes(5.1)
    assert kiosk.page == Sorry(SorryReason.NOT_SAVED)
    kiosk.passes(61)
    assert kiosk.page == Home()
    kiosk.happens(TicketRecorded(gone, KEY, SLIP, 1))
    assert kiosk.asked(AbandonTicket) == [AbandonTicket(KEY)]


def test_an_untouched_visit_ends_after_its_minute_and_every_touch_starts_it_anew(kiosk: Kiosk) -> None:
    kiosk.happens(Start(Purpose.TAKE_NUMBER))
    kiosk.passes(59)
    kiosk.happens(Touched())
    kiosk.passes(59)
    assert not isinstance(kiosk.page, Home)
    kiosk.passes(2)
    assert isinstance(kiosk.page, Home)
    assert kiosk.asked(Forget)


def test_english_chosen_on_the_home_page_does_not_wait_for_the_next_person(kiosk: Kiosk) -> None:
    kiosk.happens(SetLanguage(Language.EN))
    kiosk.passes(61)
    assert kiosk.runtime.session.language is Language.ZH


def test_the_screen_is_told_when_the_visit_will_end(kiosk: Kiosk) -> None:
    kiosk.happens(Start(Purpose.TAKE_NUMBER))
    assert kiosk.world.shown[-1].idle_until == kiosk.world.seconds + RULES.limits.idle_s
    kiosk.passes(10)
    kiosk.happens(Touched())
    assert kiosk.world.shown[-1].idle_until == kiosk.world.seconds + RULES.limits.idle_s


def test_a_defect_in_a_step_ends_the_visit_and_not_the_machine(kiosk: Kiosk, monkeypatch: pytest.MonkeyPatch) -> None:
    kiosk.happens(Start(Purpose.TAKE_NUMBER))
    with monkeypatch.context() as patched:
        patched.setattr(machine, "step", lambda *_: 1 / 0)
        kiosk.happens(Touched())
    assert isinstance(kiosk.page, Home)
    kiosk.happens(Start(Purpose.TAKE_NUMBER))
    assert not isinstance(kiosk.page, Home)
