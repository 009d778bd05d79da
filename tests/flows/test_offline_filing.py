"""Filing while the hall is silent: by whom the machine remembers, within limits, and never paid."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import msgspec
import pytest

import config
from kiosk import settings
from kiosk.domain.filing import Form, TaxpayerFile
from kiosk.domain.texts import Texts
from kiosk.paper.receipt import receipt
from kiosk.runtime.tax_desk import TaxDesk
from kiosk.session.effects import FindTaxpayers, OpenFile, PrintPaper, QueueFiling, RecordPaper
from kiosk.session.events import (
    FileOpened,
    FilingQueued,
    HallSilent,
    Next,
    PaperRecorded,
    PickForm,
    PickObligation,
    PrintAgain,
    TaxpayersFound,
)
from kiosk.session.rules import Offline, Rules
from kiosk.session.state import (
    Ask,
    Check,
    Declared,
    Home,
    PrintingPaper,
    Purpose,
    Remembered,
    Sorry,
    SorryReason,
    Submitting,
    TodoList,
)
from tests.flows.tax_samples import (
    ALL_WELL,
    KEY,
    RULES,
    SHOP,
    TODAY,
    Visit,
    obligation,
)
from tests.flows.test_runtime_taxes import CLOCK, LI, OUYANG, REF, VISIT, Hall, Kiosk
from tests.flows.test_runtime_taxes import SHOP as SHOP_OF_OUYANG
from tests.unit.test_store_taxes import REQUEST

LIMITS = Offline(frozenset({Form.VAT_SMALL_SCALE, Form.STAMP}), max_total_yuan=5_000, register_days=30, max_waiting=10)
ALONE = replace(RULES, offline=LIMITS)
SILENT = replace(ALL_WELL, hall_answers=False)
FILE = TaxpayerFile(
    SHOP, [obligation(), obligation(Form.CIT_PREPAYMENT, "O2")], [], [Form.STAMP, Form.VEHICLE_PURCHASE]
)
SAID = date(2026, 10, 9)


def remembered(rules: Rules = ALONE, since: Remembered | None = None, purpose: Purpose = Purpose.FILE) -> Visit:
    """Somebody whose taxpayer this machine remembers."""
    visit = Visit(SILENT, rules).comes_for(purpose)
    visit.does(TaxpayersFound(visit.number, (SHOP,), remembered=True))
    return visit.does(FileOpened(visit.number, FILE, None, TODAY, since or Remembered(SAID)))


def submitted(visit: Visit, sales: str) -> Visit:
    visit.does(PickObligation("O1", TODAY))
    while isinstance(visit.page, Ask):
        question = visit.page.question
        if question.choices:
            visit.chooses(question.choices[0])
        else:
            visit.types(sales)
    visit.on(Check)
    return visit.submits()


def test_only_what_the_limits_allow_is_offered_and_the_page_says_of_which_day_it_is() -> None:
    page = remembered().on(TodoList)
    assert [each.id for each in page.file.obligations] == ["O1"]
    assert page.file.forms == [Form.STAMP]
    assert page.said_on == SAID
    visit = remembered()
    before = visit.page
    assert visit.does(PickObligation("O2", TODAY)).page == before
    assert visit.does(PickForm(Form.VEHICLE_PURCHASE, TODAY)).page == before


def test_what_was_filed_here_since_is_not_offered_again() -> None:
    visit = remembered(since=Remembered(SAID, frozenset({"O1"}), 1))
    assert visit.on(TodoList).file.obligations == []


def test_a_full_queue_takes_no_more() -> None:
    assert remembered(since=Remembered(SAID, waiting=10)).on(Sorry).reason is SorryReason.TAX_SILENT


def test_a_return_is_kept_with_its_legal_time_and_nothing_is_paid() -> None:
    visit = submitted(remembered(), "350000").is_recorded()
    visit.on(Submitting)
    visit.does(HallSilent(visit.number, KEY), FilingQueued(visit.number, KEY))
    assert visit.last(QueueFiling).key == KEY
    assert visit.on(Sorry).reason is SorryReason.FILING_QUEUED
    assert not any(isinstance(page, Declared) for page in [visit.page])


def test_a_slip_is_printed_on_request_and_says_that_it_waits_to_be_sent() -> None:
    visit = submitted(remembered(), "350000").is_recorded()
    visit.does(HallSilent(visit.number, KEY), FilingQueued(visit.number, KEY))
    assert visit.on(Sorry).can_reprint
    paper = visit.does(PrintAgain()).on(PrintingPaper).paper
    assert visit.last(RecordPaper).paper == paper
    assert not paper.reprint
    visit.does(PaperRecorded(visit.number, 7))
    assert visit.last(PrintPaper).slip_id == 7
    texts = Texts(config.read_texts("zh"))
    printed = repr(receipt(paper, texts, "芗城办税服务厅", "K3"))  # type: ignore[arg-type]
    assert "已受理待传送" in printed
    assert "没有扣款" in printed


def test_who_wants_no_slip_goes_home() -> None:
    visit = submitted(remembered(), "350000").is_recorded()
    visit.does(HallSilent(visit.number, KEY), FilingQueued(visit.number, KEY), Next(TODAY))
    visit.on(Home)


def test_an_amount_beyond_the_limit_is_not_taken_without_the_hall() -> None:
    visit = submitted(remembered(), "90000000")
    assert (visit.on(Sorry).reason, visit.on(Sorry).word) == (SorryReason.FILING_REFUSED, "offline_total")
    online = Visit(ALL_WELL, ALONE).comes_for(Purpose.FILE).acts_for(SHOP).opens(FILE)
    submitted(online, "90000000").on(Submitting)


@pytest.mark.parametrize("purpose", [Purpose.CERTIFICATE, Purpose.QUERY, Purpose.INVOICE])
def test_nothing_but_filing_is_done_from_memory(purpose: Purpose) -> None:
    assert Visit(SILENT, ALONE).comes_for(purpose).on(Sorry).reason is SorryReason.TAX_SILENT
    visit = Visit(ALL_WELL, ALONE).comes_for(purpose)
    visit.does(TaxpayersFound(visit.number, (SHOP,), remembered=True))
    assert visit.on(Sorry).reason is SorryReason.TAX_SILENT


def test_without_forms_in_the_settings_nothing_is_filed_without_the_hall() -> None:
    assert Visit(SILENT, RULES).comes_for(Purpose.FILE).on(Sorry).reason is SorryReason.TAX_SILENT


def test_the_shipped_limits_can_be_read() -> None:
    shipped = settings.load(None).offline
    assert Form.VAT_SMALL_SCALE in shipped.forms
    assert Form.INVOICE_ON_BEHALF not in shipped.forms
    assert shipped.max_total_yuan > 0


# ---- what the machine remembers ------------------------------------------------------------------------------------


@pytest.fixture
def hall() -> Iterator[Hall]:
    hall = Hall()
    yield hall
    hall.close()


@pytest.fixture
def kiosk(hall: Hall, tmp_path: Path) -> Iterator[Kiosk]:
    kiosk = Kiosk(hall, tmp_path / "kiosk.sqlite")
    kiosk.desk._offline = LIMITS
    yield kiosk
    kiosk.close()


SEEN = TaxpayerFile(SHOP_OF_OUYANG, [obligation()], [])


def knows(hall: Hall) -> None:
    from tests.flows.test_runtime_taxes import yes

    hall.answers["GET /kiosk/v1/taxpayers"] = yes({"taxpayers": [SHOP_OF_OUYANG]})
    hall.answers["GET /kiosk/v1/taxpayers/T%2F1"] = yes(SEEN)


def test_what_the_hall_said_is_remembered_for_the_same_person_alone(hall: Hall, kiosk: Kiosk) -> None:
    knows(hall)
    kiosk.asks(FindTaxpayers(VISIT, OUYANG))
    kiosk.asks(OpenFile(VISIT, OUYANG, SHOP_OF_OUYANG))
    hall.answers.clear()
    assert kiosk.asks(FindTaxpayers(VISIT, OUYANG)) == TaxpayersFound(VISIT, (SHOP_OF_OUYANG,), remembered=True)
    opened = kiosk.asks(OpenFile(VISIT, OUYANG, SHOP_OF_OUYANG))
    today = CLOCK.now().date()
    assert opened == FileOpened(VISIT, SEEN, None, today, Remembered(today))
    assert kiosk.asks(OpenFile(VISIT, LI, SHOP_OF_OUYANG)) == HallSilent(VISIT)
    typed = replace(OUYANG, from_card=False)
    assert kiosk.asks(FindTaxpayers(VISIT, typed)) == HallSilent(VISIT)


def test_what_waits_for_the_hall_is_told_with_it(hall: Hall, kiosk: Kiosk) -> None:
    knows(hall)
    kiosk.asks(OpenFile(VISIT, OUYANG, SHOP_OF_OUYANG))
    hall.answers.clear()
    request = msgspec.structs.replace(REQUEST, key="9" * 32, obligation="O1", taxpayer="T/1")
    kiosk.store.filings.record(request, CLOCK.now())
    kiosk.store.filings.queue(request.key, CLOCK.now())
    opened = kiosk.asks(OpenFile(VISIT, OUYANG, SHOP_OF_OUYANG))
    assert opened.remembered == Remembered(CLOCK.now().date(), frozenset({"O1"}), 1)


def test_what_is_too_old_is_neither_used_nor_kept(hall: Hall, kiosk: Kiosk) -> None:
    knows(hall)
    kiosk.asks(FindTaxpayers(VISIT, OUYANG))
    hall.answers.clear()
    today = CLOCK.now().date()
    with kiosk.store._transaction() as connection:
        connection.exec_driver_sql("UPDATE remembered SET said_on = ?", ("2020-01-01",))
    assert kiosk.asks(FindTaxpayers(VISIT, OUYANG)) == HallSilent(VISIT)
    kiosk.store.forget_before(today)
    with kiosk.store._transaction(reads=True) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM remembered").scalar() == 0


def test_not_even_the_machine_can_read_it_without_the_card(hall: Hall, kiosk: Kiosk) -> None:
    knows(hall)
    kiosk.asks(FindTaxpayers(VISIT, OUYANG))
    with kiosk.store._transaction(reads=True) as connection:
        (row,) = connection.exec_driver_sql("SELECT holder_ref, sealed FROM remembered")
    assert row.holder_ref == REF
    assert SHOP_OF_OUYANG.name.encode() not in bytes(row.sealed)
    assert b"taxpayers" not in bytes(row.sealed)


def test_a_desk_without_limits_remembers_nothing(hall: Hall, kiosk: Kiosk) -> None:
    knows(hall)
    kiosk.desk._offline = Offline()
    kiosk.asks(FindTaxpayers(VISIT, OUYANG))
    with kiosk.store._transaction(reads=True) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM remembered").scalar() == 0
    assert inspect.signature(TaxDesk).parameters["offline"].default == Offline()
