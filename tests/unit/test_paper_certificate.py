"""The tax payment certificate: what the law wants on it, and a number that can be compared with the blank's."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace as changed

import config
from drivers.printer.document import AmountRow, Document, Qr, Row, Text
from kiosk.domain.filing import Bureau, CertificateLine, CertificateView, Levy
from kiosk.domain.texts import Texts
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import sample_certificate
from kiosk.paper.words import Language

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
TEXTS = {language: Texts(config.read_texts(language)) for language in ("zh", "en")}
SAMPLE = sample_certificate(AT)
PROOF = SAMPLE.certificate
THIRD_QUARTER = date(2026, 7, 1), date(2026, 9, 30)


def sheet(proof: CertificateView = PROOF, language: Language = "zh", reprint: bool = False) -> Document:
    return paper_document(replace(SAMPLE, certificate=proof, reprint=reprint), TEXTS[language], "厅", language, "K3")


def texts(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Text)]


def rows(document: Document) -> dict[str, str]:
    return {block.label.strip(): block.value for block in document.blocks if isinstance(block, Row)}


def amounts(document: Document) -> list[tuple[str, str]]:
    return [(block.label, block.amount) for block in document.blocks if isinstance(block, AmountRow)]


def test_the_number_stands_large_and_is_to_be_compared_with_the_blank() -> None:
    document = sheet()
    assert Text("(261)闽国证\n0012345", align="center", bold=True, size=2) in document.blocks
    assert any("核对" in text for text in texts(document))
    assert document.name == "certificate (261)闽国证 0012345"


def test_it_says_who_paid_what_for_which_period_and_when_it_was_entered() -> None:
    said = rows(sheet())
    assert said["税务机关"] == "国税 厅"
    assert said["纳税人名称"] == "芗城区样品百货商行"
    assert said["纳税人识别号"] == "9235**********X278"
    assert said["所属期"] == "2026-07-01 至 2026-09-30"
    assert said["原凭证号"] == "GK202611230000357"
    assert said["入库日期"] == "2026-11-23"


def test_the_total_stands_in_figures_and_in_words() -> None:
    document = sheet()
    assert AmountRow("金额合计", "￥3,500.00", bold=True, size=2) in document.blocks
    assert "叁仟伍佰元整" in texts(document)


def test_late_surcharge_is_a_line_of_its_own_and_the_lines_make_the_total() -> None:
    lines = [
        CertificateLine(Levy.UMCT, *THIRD_QUARTER, 12250, 165, "DK1"),
        CertificateLine(Levy.STAMP, None, None, 1000, 0, "DK2"),
    ]
    document = sheet(changed(PROOF, bureau=Bureau.LOCAL, lines=lines, amount=13415))
    _, *levies, _ = amounts(document)
    assert levies == [("城市维护建设税", "122.50"), ("滞纳金", "1.65"), ("印花税", "10.00")]
    assert amounts(document)[-1] == ("金额合计", "￥134.15")
    assert "壹佰叁拾肆元壹角伍分" in texts(document)


def test_money_that_was_given_back_stands_in_brackets() -> None:
    lines = [CertificateLine(Levy.VAT, *THIRD_QUARTER, -12345, 0, "GK9")]
    document = sheet(changed(PROOF, lines=lines, amount=-12345))
    assert ("增值税", "(123.45)") in amounts(document)
    assert "（负数）壹佰贰拾叁元肆角伍分" in texts(document)


def test_the_code_carries_the_verification_that_is_printed_beside() -> None:
    document = sheet()
    assert [block.content for block in document.blocks if isinstance(block, Qr)] == [PROOF.verification]
    assert rows(document)["查验码"].replace(" ", "") == PROOF.verification


@pytest.mark.parametrize(
    ("count", "reprint", "mark"),
    [(1, False, None), (2, False, "【补打】第 2 次打印"), (3, True, "【补打】第 3 次打印"), (1, True, "【补打】")],
)
def test_every_sheet_after_the_first_is_marked(count: int, reprint: bool, mark: str | None) -> None:
    marks = [text for text in texts(sheet(changed(PROOF, print_count=count), reprint=reprint)) if "补打" in text]
    assert marks == ([mark] if mark else [])


def test_in_english_the_legal_terms_stay_chinese_and_are_said_to_count() -> None:
    document = sheet(language="en")
    assert "税收完税证明" in texts(document)
    assert texts(document)[-1] == "The Chinese terms are the legal ones."
    assert "叁仟伍佰元整" in texts(document)
