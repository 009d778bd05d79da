"""The receipt of a return: what it says in every state, and that it never says more than is known."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import get_args

import pytest
from msgspec.structs import replace as changed

import config
from drivers.bench.printer_model import PrinterModel
from drivers.printer.columns import printable, width
from drivers.printer.composer import compose
from drivers.printer.document import AmountRow, Block, Document, Row, Rule, Text
from drivers.printer.profile import PROFILES, PrinterProfile
from kiosk.domain.filing import (
    Bureau,
    FilingPart,
    FilingState,
    FilingView,
    Form,
    LatePart,
    Levy,
    PaymentPart,
    PaymentState,
    PaymentView,
)
from kiosk.domain.papers import ReceiptPaper
from kiosk.domain.texts import Texts
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import HALL_NAMES, sample_filing, sample_receipt
from kiosk.paper.words import Language

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
TEXTS = {language: Texts(config.read_texts(language)) for language in ("zh", "en")}
PAID = sample_filing(AT)
STATE_PENDING = [FilingPart(Bureau.STATE, "pending"), FilingPart(Bureau.LOCAL, "pending")]
LOCAL_PENDING = [PAID.parts[0], FilingPart(Bureau.LOCAL, "pending")]
UNPAID = changed(PAID, payment=None, can_pay=True, deadline=date(2026, 12, 15))
HALF_DONE = changed(UNPAID, state="half_done", parts=LOCAL_PENDING)


def payment(state: PaymentState, *waiting: Bureau, filings: int = 1) -> PaymentView:
    assert PAID.payment is not None
    parts = [
        changed(part, state="pending", receipt=None) if part.bureau in waiting else part for part in PAID.payment.parts
    ]
    keys = [PAID.key, *(f"{n:032x}" for n in range(1, filings))]
    return changed(PAID.payment, state=state, parts=parts, filings=keys)


def slip(filing: FilingView, language: Language = "zh", charged: bool = False, **more: object) -> Document:
    sample = sample_receipt(AT)
    paper = replace(sample, filing=filing, charge=sample.charge if charged else None, **more)  # type: ignore[arg-type]
    return paper_document(paper, TEXTS[language], HALL_NAMES[language], language, "K3")


def said(document: Document) -> str:
    parts: list[str] = []
    for block in document.blocks:
        match block:
            case Text(text):
                parts.append(text)
            case Row(label, value):
                parts.append(f"{label} {value}")
            case AmountRow(label, amount):
                parts.append(f"{label} {amount}")
            case _:
                pass
    return "\n".join(parts)


def title(document: Document) -> str:
    return next(block.text for block in document.blocks if isinstance(block, Text) and block.size == 2)


def notice(document: Document) -> str:
    """What stands between the first two rules."""
    first = document.blocks.index(Rule())
    (told,) = document.blocks[first + 1 : document.blocks.index(Rule(), first + 1)]
    assert isinstance(told, Text)
    return told.text


def under(document: Document, bureau: str) -> list[tuple[str, str]]:
    """Labels and amounts of a bureau's part of the slip."""
    blocks: list[Block] = list(document.blocks)
    start = blocks.index(Text(bureau, bold=True))
    end = blocks.index(Rule(), start)
    return [(block.label, block.amount) for block in blocks[start:end] if isinstance(block, AmountRow)]


def total(document: Document) -> tuple[str, str]:
    """What is set large."""
    (large,) = [block for block in document.blocks if isinstance(block, AmountRow) and block.size == 2]
    return large.label, large.amount


def test_a_paid_return_is_proved_with_each_levy_under_the_bureau_it_went_to() -> None:
    document = slip(PAID, charged=True)
    assert title(document) == "缴款凭条"
    assert under(document, "国税") == [("增值税", "3,500.00")]
    assert under(document, "地税") == [
        ("城市维护建设税", "122.50"),
        ("教育费附加", "52.50"),
        ("地方教育附加", "35.00"),
        ("小计", "210.00"),
    ]
    assert total(document) == ("实缴合计", "￥3,710.00")
    rows = {block.label: block.value for block in document.blocks if isinstance(block, Row)}
    assert rows["缴款参考号"] == "112309420700"
    assert rows["银行卡"] == "6222****1234"
    assert rows["缴款时间"] == "2026-11-23 09:42:07"
    assert rows["业务号"] == "3333-3333-3333"
    assert rows["自助机"] == "K3"


def test_both_bureaus_receipts_stand_under_their_bureau() -> None:
    lines = said(slip(PAID)).splitlines()
    local = lines.index("地税")
    assert lines.index("受理号 GS202611230000357") < lines.index("入库号 GK202611230000357") < local
    assert local < lines.index("受理号 DS202611230000218") < lines.index("入库号 DK202611230000218")


def test_every_levy_says_how_it_came_about_and_which_document_says_so() -> None:
    lines = said(slip(PAID)).splitlines()
    at = lines.index("城市维护建设税 122.50")
    assert lines[at + 1 : at + 4] == [
        "3,500.00 元按 7% 计征",
        "应缴 245.00，减免 122.50",
        "依据：公告2023年第12号 第二条",
    ]
    assert "350,000.00 元按 1% 计征" in lines
    assert "依据：公告2026年第10号 三(三)6" in lines


def test_what_was_prepaid_and_what_is_spared_is_explained_too() -> None:
    prepaid = changed(PAID.lines[0], levy=Levy.CIT, base=None, rate=None, due=100000, payable=60000)
    spared = changed(PAID.lines[0], due=0, payable=0, rate=None, base=29999999, relief_rule="VT-2026")
    text = said(slip(changed(UNPAID, lines=[prepaid, spared], total=60000)))
    assert "应缴 1,000.00，已预缴 400.00" in text
    assert "299,999.99 元，免征" in text


@pytest.mark.parametrize(
    ("filing", "charged", "heading", "words"),
    [
        (changed(UNPAID, state="received", parts=STATE_PENDING), False, "申报接收回执", "正在送国税、地税"),
        (
            HALF_DONE,
            False,
            "申报受理回执",
            "国税已受理；地税暂时没有回应，由大厅继续为您申报，您不用再来，也不会重复扣款。",
        ),
        (UNPAID, False, "申报受理回执", "还没有缴款，请在 2026-12-15 前（含当天）缴纳"),
        (changed(UNPAID, deadline=None), False, "申报受理回执", "还没有缴款，请尽快缴纳"),
        (changed(UNPAID, state="superseded"), False, "申报受理回执", "已由更正后的申报代替"),
        (changed(PAID, payment=payment("begun")), False, "申报受理回执", "查清之前请不要再次缴款"),
        (changed(PAID, payment=payment("refused")), False, "申报受理回执", "还没有缴款"),
        (UNPAID, True, "缴款凭条", "已缴款，正在入库"),
        (changed(PAID, payment=payment("begun")), True, "缴款凭条", "已缴款，正在入库"),
        (changed(PAID, payment=payment("approved", Bureau.LOCAL)), True, "缴款凭条", "已缴款。地税暂时没有回应"),
        (changed(HALF_DONE, payment=payment("approved", Bureau.LOCAL)), False, "缴款凭条", "地税暂时没有回应"),
        (PAID, False, "缴款凭条", "税款已全部入库"),
        (changed(PAID, payment=payment("to_reverse")), True, "退款凭条", "会退回原卡"),
        (changed(PAID, payment=payment("reversed")), True, "退款凭条", "已退回原卡"),
    ],
)
def test_every_state_is_told_in_plain_words(filing: FilingView, charged: bool, heading: str, words: str) -> None:
    document = slip(filing, charged=charged)
    assert title(document) == heading
    assert words in notice(document)


def test_a_charge_of_unknown_outcome_is_called_neither_paid_nor_unpaid() -> None:
    text = said(slip(changed(PAID, payment=payment("begun"))))
    assert "已缴款" not in text
    assert "还没有缴款" not in text
    assert "实缴" not in text


def test_a_payment_that_the_hall_has_not_confirmed_is_still_proved_by_the_terminals_word() -> None:
    document = slip(UNPAID, charged=True)
    assert total(document) == ("实缴合计", "￥3,710.00")
    assert "参考号 112309420700" in said(document)


@pytest.mark.parametrize("charged", [False, True])
def test_a_refused_return_says_who_refused_it_and_whether_money_was_taken(charged: bool) -> None:
    refused = [PAID.parts[0], FilingPart(Bureau.LOCAL, "refused", problem="not_registered")]
    filing = changed(UNPAID, state="refused", parts=refused)
    document = slip(filing, charged=charged)
    assert notice(document).startswith("地税没有受理")
    assert ("没有扣款" in notice(document)) is not charged
    assert ("您已缴款" in notice(document)) is charged


def test_a_refusal_tells_the_reason_where_there_are_words_for_it() -> None:
    texts = Texts(config.read_texts("zh") | {"bureau_problem": {"already_filed": "本期已经申报过。"}})
    refused = [FilingPart(Bureau.STATE, "refused", problem="already_filed")]
    paper = replace(sample_receipt(AT), filing=changed(UNPAID, state="refused", parts=refused), charge=None)
    assert notice(paper_document(paper, texts, "厅", "zh", "K3")).startswith("国税没有受理：本期已经申报过。没有扣款")


def test_a_zero_return_is_accepted_and_asks_for_no_money() -> None:
    lines = [changed(line, due=0, relief=0, payable=0, base=0) for line in PAID.lines]
    document = slip(changed(UNPAID, lines=lines, total=0, can_pay=False))
    assert notice(document) == "申报已受理。\n没有要缴的税款。"
    assert total(document) == ("应缴合计", "￥0.00")


def test_late_surcharge_to_date_is_a_line_under_its_bureau_and_in_the_total() -> None:
    late = [LatePart(Levy.VAT, Bureau.STATE, 4725), LatePart(Levy.UMCT, Bureau.LOCAL, 165)]
    document = slip(changed(UNPAID, late=late))
    assert under(document, "国税") == [("增值税", "3,500.00"), ("滞纳金（增值税）", "47.25"), ("小计", "3,547.25")]
    assert under(document, "地税")[-2:] == [("滞纳金（城市维护建设税）", "1.65"), ("小计", "211.65")]
    assert total(document) == ("应缴合计", "￥3,758.90")
    assert "缴款期限已过" in notice(document)


def test_late_surcharge_that_was_paid_stays_on_the_slip_although_the_hall_no_longer_counts_it() -> None:
    parts = [PaymentPart(Bureau.STATE, 354725, "entered", "GK1"), PaymentPart(Bureau.LOCAL, 21165, "entered", "DK1")]
    document = slip(changed(PAID, payment=changed(payment("entered"), amount=375890, parts=parts)))
    assert ("滞纳金", "47.25") in under(document, "国税")
    assert under(document, "地税")[-2:] == [("滞纳金", "1.65"), ("小计", "211.65")]
    assert total(document) == ("实缴合计", "￥3,758.90")


def test_one_charge_for_several_returns_is_not_taken_for_late_surcharge_of_one() -> None:
    parts = [PaymentPart(Bureau.STATE, 900000, "entered", "GK1"), PaymentPart(Bureau.LOCAL, 100000, "entered", "DK1")]
    three = changed(payment("entered", filings=3), amount=1000000, parts=parts)
    document = slip(changed(PAID, payment=three))
    assert "滞纳金" not in said(document)
    assert "本份申报合计 3,710.00" in said(document)
    assert total(document) == ("本次刷卡（3 份申报）", "￥10,000.00")


def test_under_one_bureau_local_taxes_are_not_called_state_taxes() -> None:
    lines = [changed(line, bureau=Bureau.STATE) for line in PAID.lines]
    document = slip(changed(UNPAID, lines=lines, parts=PAID.parts[:1]))
    assert [label for label, _ in under(document, "税务局")] == [
        "增值税",
        "城市维护建设税",
        "教育费附加",
        "地方教育附加",
        "小计",
    ]
    assert "国税" not in said(document)


@pytest.mark.parametrize(
    ("taxpayer", "name", "shown"),
    [
        ("self", "欧阳娜", "欧*娜"),
        ("self", "Maria Lopez", "M**** L****"),
        ("17", "欧阳娜", "欧*娜"),
        ("17", "芗城区样品百货商行", "芗城区样品百货商行"),
    ],
)
def test_a_persons_name_is_masked_and_a_shop_keeps_its_own(taxpayer: str, name: str, shown: str) -> None:
    document = slip(changed(PAID, taxpayer=taxpayer), taxpayer_name=name)
    rows = {block.label: block.value for block in document.blocks if isinstance(block, Row)}
    assert rows["纳税人"] == shown
    assert (name in said(document)) is (name == shown)


def test_a_copy_is_marked_and_keeps_its_case_number() -> None:
    document = slip(PAID, reprint=True)
    assert "【补打】" in said(document)
    assert document.name == slip(PAID).name == "receipt 3333-3333-3333"
    assert "补打" not in said(slip(PAID))


def test_an_english_slip_keeps_the_legal_terms_beside() -> None:
    text = said(slip(HALF_DONE, "en"))
    for term in ("申报受理回执", "增值税", "城市维护建设税", "国税", "地税", "应缴合计"):
        assert term in text
    assert "You need not come back, and nothing is charged twice." in text


RETURNS = [form for form in Form if form not in (Form.LATE_SURCHARGE, Form.FILING_DEADLINE)]


@pytest.mark.parametrize("language", TEXTS)
def test_every_return_and_every_levy_has_a_name_on_paper(language: str) -> None:
    keys = {f"paper.form.{form}" for form in RETURNS} | {f"paper.levy.{levy}" for levy in Levy}
    assert keys <= TEXTS[language].keys


def every_receipt() -> list[ReceiptPaper]:
    """All states of a return, of its payment, and of the terminal's word; also those that should never meet."""
    sample = sample_receipt(AT)
    payments = [None, *(payment(state, Bureau.LOCAL) for state in get_args(PaymentState))]
    late = [[], [LatePart(Levy.LAND_USE, Bureau.LOCAL, 99_999_999_999)]]
    return [
        replace(sample, filing=changed(PAID, state=state, parts=LOCAL_PENDING, payment=paid, late=parts), charge=charge)
        for state, paid, charge, parts in itertools.product(
            get_args(FilingState), payments, (None, sample.charge), late
        )
    ]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("language", TEXTS)
def test_whatever_the_state_the_slip_fits_the_paper_and_says_something(
    language: Language, profile: PrinterProfile
) -> None:
    for paper in every_receipt():
        document = paper_document(paper, TEXTS[language], HALL_NAMES[language], language, "K3")
        printer = PrinterModel(dots=profile.dots)
        printer.receive(compose(document, profile), now=0.0)
        assert printer.unknown == []
        (sheet,) = printer.paper.slips
        assert all(width(line) <= profile.columns for line in sheet.text.splitlines())
        assert notice(document).strip()
        assert "{" not in said(document)
        assert printable(said(document).replace("\n", "")) == said(document).replace("\n", "")
