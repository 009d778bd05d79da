"""Real touches on the pages of filing, paying and proof; what they mean is read from the inbox."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kiosk.domain.filing import Bureau, Form
from kiosk.session import events
from kiosk.session.state import Language, Purpose, QueryTab
from tests.screens.samples import NOW, SESSIONS
from tests.screens.tax_samples import LATE_FILING, PAID, PROVED, SHOP
from tests.screens.test_touching import said
from tests.screens.window import Visitor

TODAY = NOW.date()

#: (page, target) → what a touch of it posts.
MEANINGS: list[tuple[str, str, Any]] = [
    ("home", "file", events.Start(Purpose.FILE)),
    ("home", "invoice", events.Start(Purpose.INVOICE)),
    ("home", "certificate", events.Start(Purpose.CERTIFICATE)),
    ("home", "query", events.Start(Purpose.QUERY)),
    ("look-up-person", "back", events.Back()),
    ("choose-taxpayer", "taxpayer.t2", events.PickTaxpayer("t2")),
    ("todo", "obligation.o2", events.PickObligation("o2", TODAY)),
    ("todo", f"filing.{LATE_FILING.key}", events.PickFiling(LATE_FILING.key)),
    ("todo-one", "form.stamp", events.PickForm(Form.STAMP, TODAY)),
    ("todo-draft", "continue_draft", events.ContinueDraft(TODAY)),
    ("todo-draft", "drop_draft", events.DropDraft()),
    ("ask-yes-no", "choice.no", events.Choose("no", TODAY)),
    ("ask-kind", "next", events.Next(TODAY)),
    ("ask-amount", "key.7", events.Typed("7", TODAY)),
    ("ask-amount", "key.00", events.Typed("00", TODAY)),
    ("ask-amount", "key.point", events.Typed(".", TODAY)),
    ("ask-amount", "key.back", events.Typed("back", TODAY)),
    ("ask-amount", "key.clear", events.Typed("clear", TODAY)),
    ("ask-amount-typed", "next", events.Next(TODAY)),
    ("ask-number", "key.X", events.Typed("X", TODAY)),
    ("ask-number-looking", "home", events.GoHome()),
    ("ask-date", "choice.yesterday", events.Choose("yesterday", TODAY)),
    ("ask-date", "key.2", events.Typed("2", TODAY)),
    ("check", "change.sales_ordinary", events.Change("sales_ordinary")),
    ("check", "back", events.Back()),
    ("declared", "later", events.Next(TODAY)),
    ("declared-late", "back", events.Back()),
    ("paying-card", "cancel_pay", events.CancelPay()),
    ("compare", "next", events.Next(TODAY)),
    ("finished", "print_again", events.PrintAgain()),
    ("finished", "certificate.local", events.PickBureau(Bureau.LOCAL)),
    ("finished", "next", events.Next(TODAY)),
    ("finished-before-invoice", "invoice", events.IssueInvoice()),
    ("certificates", f"filing.{PAID.key}", events.PickFiling(PAID.key)),
    ("certificates-bureau", "bureau.state", events.PickBureau(Bureau.STATE)),
    ("my-taxes", "tab.credit", events.PickTab(QueryTab.CREDIT)),
    ("my-taxes-payments", f"filing.{PAID.key}", events.PickFiling(PAID.key)),
    ("sorry-payment-refused", "next", events.Next(TODAY)),
    ("sorry-payment-unknown", "more_time", events.Touched()),
    ("sorry-filing-refused", "back", events.Back()),
    ("sorry-paper-uncertain", "print_again", events.PrintAgain()),
]


@pytest.mark.parametrize(("page", "target", "meaning"), MEANINGS, ids=[f"{page}/{name}" for page, name, _ in MEANINGS])
def test_a_touch_posts_what_it_means(visitor: Visitor, page: str, target: str, meaning: Any) -> None:
    visitor.see(SESSIONS[page])
    visitor.touch(target)
    assert visitor.posted() == [meaning]


@pytest.mark.parametrize(
    ("page", "target", "event"),
    [
        ("check", "submit", events.Submitted),
        ("declared", "pay", events.Pay),
        ("my-taxes-unpaid", "pay", events.Pay),
        ("sorry-payment-refused", "pay", events.Pay),
    ],
)
def test_filing_and_paying_carry_the_very_moment_of_the_touch(
    visitor: Visitor, page: str, target: str, event: Any
) -> None:
    visitor.see(SESSIONS[page])
    now = visitor.clock.now()
    visitor.touch(target)
    assert visitor.posted() == [event(now)]


def test_while_money_or_paper_is_on_its_way_nothing_can_be_touched(visitor: Visitor) -> None:
    busy = ("submitting", "submitting-queueing", "paying", "paying-pin", "paying-asking", "paying-entering")
    for page in (*busy, "issuing-invoice", "printing-receipt", "printing-again"):
        visitor.see(SESSIONS[page])
        assert visitor.app.stage.targets() == [], page


def test_a_silent_terminal_is_not_ticked_off_and_says_that_nobody_is_charged_twice(visitor: Visitor) -> None:
    visitor.see(SESSIONS["paying-asking"])
    words = said(visitor)
    assert "刷卡完成" not in words
    assert "绝不会重复扣款" in words


def test_half_done_is_told_in_plain_words(visitor: Visitor) -> None:
    visitor.see(SESSIONS["declared-half-done"])
    assert "国税已受理；地税系统暂时没有回应，由大厅继续为您申报，您不用再申报，也不会重复扣款。" in said(visitor)
    visitor.see(SESSIONS["finished-half-done"])
    assert "由大厅继续为您申报，您不用再来，也不会重复扣款。" in said(visitor)


def test_a_zero_too_many_is_read_aloud_in_words(visitor: Visitor) -> None:
    visitor.see(SESSIONS["ask-amount-typed"])
    words = said(visitor)
    assert "350,000" in words
    assert "35 万元" in words
    assert "叁拾伍万元整" in words


def test_every_levy_of_the_check_page_stands_under_its_bureau_with_its_reason(visitor: Visitor) -> None:
    visitor.see(SESSIONS["check"])
    words = said(visitor)
    for told in (
        "国税", "350,000.00 × 1%（公告2026年第10号）", "3,500.00", "地税", "245.00 减半（公告2023年第12号）", "122.50",
        "52.50", "35.00", "3,710.00", "一次刷卡，分别入国税、地税",
    ):  # fmt: skip
        assert told in words, told
    assert words.index("3,500.00") < words.index("地税") < words.index("122.50")


def test_the_usual_return_is_checked_at_one_look(visitor: Visitor) -> None:
    visitor.see(SESSIONS["check"])
    assert visitor.app.stage.target("list.down") is None


def test_a_long_return_is_leafed_through_and_never_cut(visitor: Visitor) -> None:
    visitor.see(replace(SESSIONS["check-lease"], large_text=True))
    words = said(visitor)
    while visitor.app.stage.target("list.down"):
        visitor.touch("list.down")
        words += said(visitor)
    for told in ("房产税", "印花税", "地方教育附加", "不要缴两次"):
        assert told in words, told


def test_the_payer_of_a_natural_person_is_told_to_withhold_since_november_2026(visitor: Visitor) -> None:
    visitor.see(SESSIONS["check-lease"])
    assert "代扣代缴增值税及附加（公告2026年第28号）" in said(visitor)


def test_prepaid_tax_is_taken_off_in_sight(visitor: Visitor) -> None:
    visitor.see(SESSIONS["check-prepaid"])
    words = said(visitor)
    assert "减已预缴 20,000.00" in words
    assert "30,000.00" in words


def test_what_is_late_says_so_with_its_surcharge_to_date(visitor: Visitor) -> None:
    visitor.see(SESSIONS["todo"])
    words = said(visitor)
    assert "已过期 132 天" in words
    assert "其中滞纳金到今天 242.56 元" in words
    assert "今天是最后一天" in words


def test_a_period_that_has_not_ended_is_no_button(visitor: Visitor) -> None:
    visitor.see(SESSIONS["todo-nothing"])
    assert "这一期还没结束" in said(visitor)
    assert visitor.app.stage.target("obligation.o4") is None


def test_without_a_terminal_the_return_can_be_filed_and_nobody_is_sent_to_pay(visitor: Visitor) -> None:
    visitor.see(SESSIONS["home-no-terminal"])
    assert "能申报" in said(visitor)
    visitor.see(SESSIONS["declared-no-terminal"])
    assert visitor.app.stage.target("pay") is None
    assert "到窗口缴款" in said(visitor)


def test_no_certificate_is_offered_for_money_that_is_not_in_a_ledger_yet(visitor: Visitor) -> None:
    visitor.see(SESSIONS["finished-approved"])
    assert visitor.app.stage.target("certificate.state") is None


def test_a_certificate_printed_before_says_that_the_next_is_a_reprint(visitor: Visitor) -> None:
    visitor.see(SESSIONS["certificates-bureau"])
    assert PROVED.certificates[0].print_count == 2
    assert "已打印 2 次，再打会印“补打”" in said(visitor)


def test_a_natural_person_is_masked_and_a_business_is_named(visitor: Visitor) -> None:
    visitor.see(SESSIONS["choose-taxpayer-invoice"])
    words = said(visitor)
    assert "欧阳娜" not in words
    assert SHOP.name in words


def test_a_refusal_is_told_with_its_reason(visitor: Visitor) -> None:
    for page, reason in {
        "sorry-filing-refused": "这一期已经申报过了",
        "sorry-payment-refused": "密码不对",
        "sorry-payment-not-held": "正在另一台机器或窗口缴款",
        "sorry-not-issued-no-stock": "空白票证用完了",
        "my-taxes-refused": "这一期已经申报过了",
    }.items():
        visitor.see(SESSIONS[page])
        assert reason in said(visitor), page


def test_what_was_paid_is_said_to_be_paid_when_its_paper_fails(visitor: Visitor) -> None:
    visitor.see(SESSIONS["sorry-paper-failed"])
    assert "税已经缴好" in said(visitor)
    visitor.see(SESSIONS["sorry-paper-failed-again"])
    assert "申报已经办好" in said(visitor)
    assert "税已经缴好" not in said(visitor)


def test_the_amount_of_an_unknown_charge_stands_alone(visitor: Visitor) -> None:
    visitor.see(SESSIONS["sorry-payment-unknown"])
    assert "3,710.00" in said(visitor)


def test_home_loads_none_of_the_tax_pages(visitor: Visitor) -> None:
    """They are read from the disk when somebody asks for them; the first page waits for none."""
    import subprocess
    import sys

    loads = (
        "import sys, screens.home, screens.pages; print([m for m in sys.modules if 'tax' in m or 'session.flows' in m])"
    )
    code = f"from tests.screens import window; window.look_of('portrait'); {loads}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "screens.tax_screen" not in done.stdout
    assert "kiosk.session.flows.file" not in done.stdout


def test_an_english_amount_is_read_in_thousands(visitor: Visitor) -> None:
    visitor.see(replace(SESSIONS["ask-amount-typed"], language=Language.EN))
    assert "350 thousand yuan" in said(visitor)
