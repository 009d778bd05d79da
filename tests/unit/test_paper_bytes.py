"""Documents as printer bytes: python-escpos as the composer, and what it must not do to us."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

import config
from drivers.bench.printer_model import PrinterModel
from drivers.printer.columns import width
from drivers.printer.composer import compose
from drivers.printer.document import AmountRow, BigNumber, Document, Qr, Row, Text
from drivers.printer.profile import PAPER_58, PAPER_80, PROFILES, PrinterProfile
from kiosk.domain.money import MOST_FEN
from kiosk.domain.papers import Paper
from kiosk.domain.texts import Texts
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import sample_certificate, sample_invoice, sample_receipt, sample_ticket
from kiosk.paper.ticket_slip import ticket_slip

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
SLIP = sample_ticket(AT)
ZH = Texts(config.read_texts("zh"))


def printed(document: Document, profile: PrinterProfile = PAPER_80) -> list[str]:
    """The lines of the one slip that a printer makes of it."""
    printer = PrinterModel(dots=profile.dots)
    printer.receive(compose(document, profile), now=0.0)
    assert printer.unknown == []
    assert not printer.holds_data
    (slip,) = printer.paper.slips
    return slip.text.splitlines()


def blocks(*of: Text | BigNumber | Row | AmountRow | Qr) -> Document:
    return Document("test", of)


def test_a_sheet_starts_from_a_known_state_in_chinese_and_ends_with_a_partial_cut() -> None:
    data = compose(ticket_slip(SLIP, ZH, "厅"), PAPER_80)
    assert data.startswith(b"\x1b@\x1c&")
    assert data.endswith(b"\x1dV\x01")
    assert "增值税小规模纳税人申报".encode("gb18030") in data


def test_a_ticket_is_short_enough_to_leave_within_a_tenth_of_a_second_at_115200_baud() -> None:
    assert len(compose(ticket_slip(SLIP, ZH, "芗城办税服务厅"), PAPER_80)) < 1150


@pytest.mark.parametrize(
    ("number", "on_80", "on_58"),
    [("A057", 8, 8), ("A1024", 8, 6), ("K3-001", 8, 5), ("K12-1024", 6, 4)],
)
def test_the_number_is_as_wide_as_the_paper_allows(number: str, on_80: int, on_58: int) -> None:
    for profile, times in ((PAPER_80, on_80), (PAPER_58, on_58)):
        data = compose(blocks(BigNumber(number)), profile)
        size = data[data.rindex(b"\x1d!", 0, data.index(number.encode())) + 2]
        assert (size >> 4) + 1 == times
        assert printed(blocks(BigNumber(number)), profile) == [number]


def test_a_long_value_goes_on_below_itself_and_not_below_its_label() -> None:
    lines = printed(blocks(Row("请带好", "身份证、营业执照、本期销售额、发票领用簿、授权委托书")))
    assert lines == ["  请带好   身份证、营业执照、本期销售额、发票", "           领用簿、授权委托书"]


def test_an_identity_number_that_does_not_fit_beside_its_label_stays_whole_below_it() -> None:
    lines = printed(blocks(Row("Serial number", "2026112309420700357")), PAPER_58)
    assert lines == ["Serial number", "  2026112309420700357"]


def test_amounts_end_at_the_right_edge() -> None:
    lines = printed(
        blocks(AmountRow("城市维护建设税（减半征收）", "122.50"), AmountRow("合计", "￥1,234,567.89")), PAPER_58
    )
    assert [line.split()[-1] for line in lines if "." in line] == ["122.50", "￥1,234,567.89"]
    assert {len(line.encode("gb18030")) for line in lines if "." in line} == {32}


def test_a_total_is_set_twice_as_large_and_still_ends_at_the_right_edge() -> None:
    total = blocks(AmountRow("实缴合计", "￥3,710.00", bold=True, size=2))
    data = compose(total, PAPER_80)
    assert data.index(b"\x1d!\x11") < data.index("￥3,710.00".encode("gb18030"))
    (line,) = printed(total)
    # Ten columns of amount count twice: 44 of text and the margin before it.
    assert width(line) == PAPER_80.margin + PAPER_80.text_columns - width("￥3,710.00")


def test_a_label_that_has_no_room_beside_a_large_total_stands_whole_above_it() -> None:
    lines = printed(blocks(AmountRow("本次刷卡（3 份申报）", "￥371,000.00", size=2)), PAPER_58)
    assert [line.strip() for line in lines] == ["本次刷卡（3 份申报）", "￥371,000.00"]


def test_a_total_too_large_for_double_size_is_set_in_the_ordinary_one() -> None:
    total = blocks(AmountRow("合计", "￥100,000,000,000.00", size=2))
    assert b"\x1d!\x11" not in compose(total, PAPER_58)
    assert printed(total, PAPER_58)[0].endswith("￥100,000,000,000.00")


def test_an_explanation_stands_in_under_its_line_on_every_line() -> None:
    lines = printed(
        blocks(Text("依据：财政部 税务总局公告2026年第10号 三(三)6; 总局公告2026年第4号 第四条", indent=2)), PAPER_58
    )
    assert len(lines) > 1
    assert all(line.startswith("  ") and line[2] != " " for line in lines)


FREE_TEXT = st.text(max_size=60)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@settings(max_examples=50, deadline=None)
@given(name=FREE_TEXT, number=FREE_TEXT, item=FREE_TEXT, fen=st.integers(-MOST_FEN, MOST_FEN))
def test_whatever_a_payer_or_a_buyer_is_called_a_proof_is_one_sheet_and_no_line_runs_over(
    profile: PrinterProfile, name: str, number: str, item: str, fen: int
) -> None:
    bill, proof = sample_invoice(AT), sample_certificate(AT)
    papers: list[Paper] = [
        replace(
            bill, invoice=changed(bill.invoice, buyer_name=name, buyer_number=number, item_zh=item, gross=fen, net=fen)
        ),
        replace(proof, certificate=changed(proof.certificate, payer_name=name, number=number or "1", amount=fen)),
        replace(sample_receipt(AT), taxpayer_name=name, number_masked=number, holder_masked=item),
    ]
    for paper in papers:
        lines = printed(paper_document(paper, ZH, "厅", "zh", "K3"), profile)
        assert all(width(line) <= profile.columns for line in lines if not line.startswith("[QR"))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@settings(max_examples=50, deadline=None)
@given(
    service=st.text(min_size=1, max_size=60),
    holder=st.text(max_size=40),
    papers=st.lists(st.text(max_size=20), max_size=6),
)
def test_whatever_a_service_is_called_the_slip_is_one_slip_and_no_line_runs_over(
    profile: PrinterProfile, service: str, holder: str, papers: list[str]
) -> None:
    slip = replace(SLIP, service_zh=service, holder_masked=holder, papers=tuple(papers))
    lines = printed(ticket_slip(slip, ZH, "厅"), profile)
    assert "A057" in lines
    # A line that ran over would have been broken by the printer, and is one line more than was sent.
    sent = compose(ticket_slip(slip, ZH, "厅"), profile).count(b"\n")
    assert len(lines) <= sent + 1
    assert all(width(line) <= profile.columns for line in lines if not line.startswith("[QR"))


@pytest.mark.parametrize(
    "document", [blocks(Qr("x" * 300)), blocks(AmountRow("税", "1" * 60)), blocks(BigNumber("9" * 49))]
)
def test_what_no_sheet_can_hold_is_refused_before_anything_is_sent(document: Document) -> None:
    with pytest.raises(ValueError, match=r"paper|QR"):
        compose(document, PAPER_80)


def run_python(code: str, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "CACHE_DIRECTORY": str(cache)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COMPOSE = """
import logging
from drivers.printer.composer import prepare
prepare()
print(len(logging.root.handlers))
"""


def test_the_composer_leaves_our_logging_alone_and_survives_a_cache_that_a_power_cut_left_half_written(
    tmp_path: Path,
) -> None:
    assert run_python(COMPOSE, tmp_path).strip() == "0"
    (cached,) = (tmp_path / "escpos").glob("*.pickle")
    whole = cached.read_bytes()
    for left in (0, 1, len(whole) // 2):
        cached.write_bytes(whole[:left])
        os.utime(cached, (4e9, 4e9))
        assert run_python(COMPOSE, tmp_path).strip() == "0"
        assert len(cached.read_bytes()) == len(whole)


def test_a_log_handler_of_ours_stays_where_it_is() -> None:
    ours = logging.NullHandler()
    logging.root.addHandler(ours)
    try:
        compose(blocks(Text("x")), PAPER_80)
        assert ours in logging.root.handlers
    finally:
        logging.root.removeHandler(ours)
