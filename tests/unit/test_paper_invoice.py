"""The invoice issued on behalf: paper form, digital form, and the red-letter one that takes an invoice back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from msgspec.structs import replace as changed

import config
from drivers.printer.document import AmountRow, Document, Qr, Row, Text
from kiosk.domain.filing import InvoiceView
from kiosk.domain.texts import Texts
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import HALL_NAMES, sample_invoice
from kiosk.paper.words import Language

CHINA = timezone(timedelta(hours=8))
AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=CHINA)
TEXTS = {language: Texts(config.read_texts(language)) for language in ("zh", "en")}
SAMPLE = sample_invoice(AT)
DIGITAL = SAMPLE.invoice
#: A kiosk's invoice of 2017: 5,000.00 with 3 % inside.
SPECIAL = changed(
    DIGITAL,
    medium="paper",
    code="3502163130",
    number="00000001",
    kind="special",
    issued_at=AT.replace(year=2017),
    rate="0.03",
    net=485437,
    vat=14563,
)
ORDINARY = changed(SPECIAL, code="035001600104", kind="ordinary", check_code="71234567890123456789")
RED = changed(DIGITAL, number="26352000000012345999", red_of=DIGITAL.number, net=-495050, vat=-4950, gross=-500000)


def sheet(bill: InvoiceView, language: Language = "zh", reprint: bool = False) -> Document:
    paper = replace(SAMPLE, invoice=bill, reprint=reprint)
    return paper_document(paper, TEXTS[language], HALL_NAMES[language], language, "K3")


def large(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Text) and block.size == 2]


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Text)]


def rows(document: Document) -> list[tuple[str, str]]:
    return [(block.label, block.value) for block in document.blocks if isinstance(block, Row)]


def amounts(document: Document) -> dict[str, str]:
    return {block.label: block.amount for block in document.blocks if isinstance(block, AmountRow)}


def code(document: Document) -> str:
    (qr,) = [block.content for block in document.blocks if isinstance(block, Qr)]
    return qr


def test_a_digital_invoice_has_twenty_digits_and_no_code() -> None:
    assert large(sheet(DIGITAL)) == ["电子发票（普通发票）", "26352000000012345678"]
    assert large(sheet(changed(DIGITAL, kind="special")))[0] == "电子发票（增值税专用发票）"


def test_a_paper_invoice_has_code_and_number() -> None:
    assert large(sheet(SPECIAL)) == ["增值税专用发票", "3502163130", "00000001"]
    assert large(sheet(ORDINARY)) == ["增值税普通发票", "035001600104", "00000001"]


def test_it_says_who_sold_what_to_whom_and_who_issued_it() -> None:
    assert rows(sheet(DIGITAL)) == [
        ("开票日期", "2026-11-23 09:42:07"),
        ("购买方", "漳州样品贸易有限公司"),
        ("识别号", "91350600MA2XXXX199"),
        ("销售方", "欧阳样品"),
        ("识别号", "3506**********003X"),
        ("项目", "*设计服务*店面设计"),
        ("备注", "代开机关：芗城办税服务厅 K3"),
        ("业务号", "3333-3333-3333"),
    ]


def test_a_buyer_without_a_number_is_a_natural_person() -> None:
    said = rows(sheet(changed(DIGITAL, buyer_name="王样品", buyer_number="")))
    assert [label for label, _ in said].count("识别号") == 1


def test_amounts_stand_in_figures_and_in_words() -> None:
    document = sheet(SPECIAL)
    assert amounts(document) == {
        "金额（不含税）": "4,854.37",
        "征收率": "3%",
        "税额": "145.63",
        "价税合计": "￥5,000.00",
    }
    assert "伍仟元整" in texts(document)


def test_exempt_sales_say_so_in_the_place_of_the_rate() -> None:
    document = sheet(changed(DIGITAL, rate="免税", vat=0, net=500000))
    assert (amounts(document)["征收率"], amounts(document)["税额"]) == ("免税", "0.00")


@pytest.mark.parametrize(
    ("bill", "begins"),
    [
        (SPECIAL, "01,01,3502163130,00000001,4854.37,20171123,,"),
        (ORDINARY, "01,04,035001600104,00000001,4854.37,20171123,71234567890123456789,"),
        (DIGITAL, "01,10,,26352000000012345678,5000.00,20261123,,"),
        (RED, "01,10,,26352000000012345999,-5000.00,20261123,,"),
    ],
)
def test_the_code_says_what_the_check_of_an_invoice_asks_for(bill: InvoiceView, begins: str) -> None:
    content = code(sheet(bill))
    assert content.startswith(begins)
    assert len(content.split(",")) == 9
    assert content.endswith(",")


def test_a_copy_carries_the_same_code_and_another_invoice_another() -> None:
    assert code(sheet(DIGITAL)) == code(sheet(changed(DIGITAL, print_count=2), reprint=True))
    assert code(sheet(DIGITAL)) != code(sheet(changed(DIGITAL, key="d" * 32)))


def test_a_special_invoice_has_no_check_code_in_its_code_even_if_the_hall_gave_one() -> None:
    assert code(sheet(changed(SPECIAL, check_code="12345678901234567890"))).split(",")[6] == ""


def test_a_red_letter_invoice_is_marked_negative_and_names_what_it_cancels() -> None:
    document = sheet(RED)
    assert "红字发票" in large(document)
    assert "冲销发票 26352000000012345678" in texts(document)
    assert amounts(document)["价税合计"] == "￥-5,000.00"
    assert amounts(document)["税额"] == "-49.50"
    assert "（负数）伍仟元整" in texts(document)


def test_a_red_letter_invoice_is_negative_however_its_amounts_are_kept() -> None:
    assert sheet(changed(RED, net=495050, vat=4950, gross=500000)) == sheet(RED)


def test_an_invoice_that_was_cancelled_says_so_when_it_is_printed_again() -> None:
    document = sheet(changed(DIGITAL, state="red"), reprint=True)
    assert any("不能再用" in text for text in texts(document))
    assert not any("不能再用" in text for text in texts(sheet(DIGITAL)))


@pytest.mark.parametrize(
    ("came_out", "reprint", "mark"),
    [(0, False, None), (1, False, "【补打】第 2 次打印"), (2, True, "【补打】第 3 次打印"), (0, True, "【补打】")],
)
def test_a_sheet_after_the_first_that_came_out_is_marked(came_out: int, reprint: bool, mark: str | None) -> None:
    marks = [text for text in texts(sheet(changed(DIGITAL, print_count=came_out), reprint=reprint)) if "补打" in text]
    assert marks == ([mark] if mark else [])


def test_in_english_the_kind_of_invoice_keeps_its_legal_name() -> None:
    document = sheet(ORDINARY, "en")
    assert large(document)[0] == "增值税普通发票"
    assert texts(document)[-1] == "The Chinese terms are the legal ones."
