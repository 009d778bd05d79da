"""Slips as pictures: what the simulated printer puts on paper can be scanned, and looks like the drawing."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

import config
from drivers.bench.escpos import RealTime
from drivers.bench.printer_model import PrinterModel
from drivers.bench.slip import HEAD_TO_KNIFE
from drivers.printer.composer import compose
from drivers.printer.document import Document
from drivers.printer.profile import PAPER_80, PROFILES, PrinterProfile
from kiosk.domain.papers import Paper
from kiosk.domain.texts import Texts
from kiosk.paper.invoice import invoice_code
from kiosk.paper.papers import paper_document
from kiosk.paper.samples import sample_certificate, sample_invoice, sample_receipt, sample_ticket
from kiosk.paper.ticket_slip import ticket_slip
from kiosk.paper.words import Language

AT = datetime(2026, 11, 23, 9, 42, 7, tzinfo=timezone(timedelta(hours=8)))
SLIP = sample_ticket(AT)
TEXTS = Texts(config.read_texts("zh"))
TEXTS_BY_LANGUAGE: dict[Language, Texts] = {"zh": TEXTS, "en": Texts(config.read_texts("en"))}
RECEIPT, CERTIFICATE, INVOICE = sample_receipt(AT), sample_certificate(AT), sample_invoice(AT)


def picture(document: Document, folder: Path, profile: PrinterProfile = PAPER_80) -> Image.Image:
    printer = PrinterModel(dots=profile.dots, folder=folder)
    printer.receive(compose(document, profile), now=0.0)
    (slip,) = printer.paper.slips
    assert slip.picture is not None
    assert slip.picture.with_suffix(".txt").read_text(encoding="utf-8") == slip.text
    return Image.open(slip.picture).convert("L")


def ink_box(image: Image.Image) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is burnt."""
    box = image.point(lambda dot: 255 if dot < 128 else 0).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_code_scans_from_the_paper(profile: PrinterProfile, tmp_path: Path) -> None:
    image = picture(ticket_slip(SLIP, TEXTS, "厅"), tmp_path, profile)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [SLIP.url]


@pytest.mark.parametrize("number", ["A057", "A1024", "K3-001", "K12-1024"])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_number_fills_the_width_and_stands_in_the_middle(
    number: str, profile: PrinterProfile, tmp_path: Path
) -> None:
    slip = replace(SLIP, number=number, service_zh="税", priority=False)
    image = picture(ticket_slip(slip, TEXTS, ""), tmp_path, profile)
    # Below the two lines of the head: the number is the first thing more than 60 dots high.
    left, _, right, _ = ink_box(image.crop((0, 190, profile.dots, 300)))
    assert right - left >= 0.6 * profile.dots
    assert abs(left + right - profile.dots) < 24


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@pytest.mark.parametrize("language", TEXTS_BY_LANGUAGE)
@pytest.mark.parametrize(
    ("paper", "content"),
    [(CERTIFICATE, CERTIFICATE.certificate.verification), (INVOICE, invoice_code(INVOICE.invoice))],
    ids=["certificate", "invoice"],
)
def test_the_code_on_a_proof_scans_from_the_paper(
    paper: Paper, content: str, language: Language, profile: PrinterProfile, tmp_path: Path
) -> None:
    document = paper_document(paper, TEXTS_BY_LANGUAGE[language], "厅", language, "K3")
    image = picture(document, tmp_path, profile)
    assert [code.text for code in zxingcpp.read_barcodes(image)] == [content]


@pytest.mark.parametrize("paper", [RECEIPT, CERTIFICATE, INVOICE], ids=["receipt", "certificate", "invoice"])
def test_no_dot_of_a_proof_is_lost_at_the_edges(paper: Paper, tmp_path: Path) -> None:
    image = picture(paper_document(paper, TEXTS, "芗城办税服务厅", "zh", "K3"), tmp_path)
    left, top, right, bottom = ink_box(image)
    # The margin of two columns on either side stays white, as does what the knife and the tear-off edge need.
    assert left >= 24
    assert right <= 576 - 24
    assert top >= HEAD_TO_KNIFE
    assert image.height - bottom > 16


def test_the_total_is_the_one_large_amount_of_a_receipt(tmp_path: Path) -> None:
    """Only the total: paper that others see over a shoulder should not shout what somebody owes."""
    document = paper_document(RECEIPT, TEXTS, "厅", "zh", "K3")
    image = picture(document, tmp_path)
    at_the_right = image.crop((400, 0, 552, image.height)).point(lambda dot: 255 if dot < 128 else 0)
    rows = [at_the_right.crop((0, y, 152, y + 1)).getbbox() is not None for y in range(image.height)]
    heights, run = [], 0
    for inked in [*rows, False]:
        if inked:
            run += 1
        elif run:
            heights.append(run)
            run = 0
    assert [height for height in heights if height > 24] == [max(heights)]
    assert max(heights) > 36


def test_a_slip_is_as_wide_as_the_paper_and_nothing_is_cut_off_at_its_ends(tmp_path: Path) -> None:
    image = picture(ticket_slip(SLIP, TEXTS, "芗城办税服务厅"), tmp_path)
    assert image.width == 576
    _, top, _, bottom = ink_box(image)
    assert top >= HEAD_TO_KNIFE
    assert image.height - bottom > 16


def test_what_is_not_fed_past_the_knife_is_on_the_next_slip() -> None:
    printer = PrinterModel()
    printer.receive(b"\x1b@first\n\x1dV\x01" + b"second\n\x1bd\x0a\x1dV\x01", now=0.0)
    assert [slip.text.split() for slip in printer.paper.slips] == [[], ["first", "second"]]


def test_paper_takes_its_time() -> None:
    printer = PrinterModel(speed=150.0)
    data = compose(ticket_slip(SLIP, TEXTS, "厅"), PAPER_80)
    now = 0.0
    printer.receive(data, now)
    while (wait := printer.due(now)) is not None:
        now += wait
        printer.work(now)
    assert len(printer.paper.slips) == 1
    assert 0.6 < now < 2.0


def test_half_a_command_keeps_nobody_busy() -> None:
    printer = PrinterModel()
    printer.receive(b"A057\n\x1b", now=0.0)
    assert printer.due(1.0) is None


def test_real_time_commands_are_found_wherever_they_are_cut() -> None:
    data = b"abc\x10\x04\x01def\x1d!\x10x\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08\x10\x04\x04"
    for size in range(1, len(data)):
        reader = RealTime()
        pieces = [piece for at in range(0, len(data), size) for piece in reader.feed(data[at : at + size])]
        assert b"".join(piece for piece, now in pieces if not now) == b"abcdef\x1d!\x10x"
        assert [piece[1] for piece, now in pieces if now] == [0x04, 0x14, 0x04]
