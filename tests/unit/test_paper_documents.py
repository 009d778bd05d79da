"""What stands on a ticket's slip, and in what order; words for paper in both languages."""

from __future__ import annotations

import string
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

import config
from drivers.printer.document import BigNumber, Document, Qr, Row, Text
from kiosk.domain.texts import Texts
from kiosk.domain.ticket import WaitRange
from kiosk.paper.samples import sample_ticket
from kiosk.paper.ticket_slip import ticket_slip

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
ZH, EN = Texts(config.read_texts("zh")), Texts(config.read_texts("en"))
SLIP = sample_ticket(AT)


def rows(document: Document) -> dict[str, str]:
    return {block.label: block.value for block in document.blocks if isinstance(block, Row)}


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Text)]


def test_a_slip_says_what_a_person_needs_in_the_order_they_need_it() -> None:
    blocks = ticket_slip(SLIP, ZH, "芗城办税服务厅").blocks
    said: list[str] = []
    for block in blocks:
        match block:
            case Text(text) | BigNumber(text) | Qr(text):
                said.append(text)
            case Row(label, value):
                said.append(f"{label} {value}")
            case _:
                pass
    assert said == [
        "芗城办税服务厅",
        "一个号 · 一次队 · 一个窗口",
        "A057",
        "增值税小规模纳税人申报",
        "前面等候 12 人",
        "预计叫到 09:50-09:57",
        "取号时间 2026-11-23 09:42:07",
        "取号人 欧*娜 3506**********003X",
        "请带好 身份证、营业执照、本期销售额",
        "https://hall.example/t/0123456789abcdef012345",
        "扫码看排到第几位",
        "过号三位内可直接到窗口，逾时请重新取号",
    ]


@pytest.mark.parametrize(
    ("wait", "said"),
    [
        (WaitRange(8, 15), "09:50-09:57"),
        (WaitRange(3, 3), "09:45 左右"),
        (WaitRange(850, 870), "23:52-00:12"),
        (None, "暂时说不准，请留意叫号"),
    ],
)
def test_the_time_of_the_call_is_a_time_of_day_and_an_unknown_one_is_said_to_be_unknown(
    wait: WaitRange | None, said: str
) -> None:
    assert rows(ticket_slip(replace(SLIP, wait=wait), ZH, "厅"))["预计叫到"] == said


def test_a_number_given_without_the_hall_does_not_pretend_to_know_its_place_in_line() -> None:
    slip = replace(SLIP, number="K3-001", ahead=None, wait=None, holder_masked="", papers=())
    said = rows(ticket_slip(slip, ZH, "厅"))
    assert said["前面等候"] == "请看大厅屏幕"
    assert set(said) == {"前面等候", "预计叫到", "取号时间"}


def test_a_reprint_is_marked_and_keeps_its_number() -> None:
    document = ticket_slip(replace(SLIP, reprint=True), ZH, "厅")
    assert any("补打" in text for text in texts(document))
    assert BigNumber("A057") in document.blocks
    assert not any("补打" in text for text in texts(ticket_slip(SLIP, ZH, "厅")))


def test_a_priority_ticket_says_so() -> None:
    assert any("优先" in text for text in texts(ticket_slip(replace(SLIP, priority=True), ZH, "厅")))
    assert not any("优先" in text for text in texts(ticket_slip(SLIP, ZH, "厅")))


def test_an_english_slip_names_the_service_in_english_and_holds_no_chinese_sentence() -> None:
    document = ticket_slip(replace(SLIP, papers=(), holder_masked=""), EN, "Xiangcheng Tax Service Hall", "en")
    assert "VAT return, small-scale taxpayer" in texts(document)
    assert all(text.isascii() for text in [*texts(document), *rows(document), *rows(document).values()])


def test_both_languages_have_the_same_words_for_paper() -> None:
    def paper(words: Texts) -> set[str]:
        return {key for key in words.keys if key.split(".")[0] in ("slip", "paper", "test_page")}

    assert paper(ZH) == paper(EN)


def test_both_languages_fill_in_the_same_facts_on_paper() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    keys = [key for key in ZH.keys if key.split(".")[0] in ("slip", "paper", "test_page")]
    assert not {key for key in keys if fields(ZH(key)) != fields(EN(key))}
