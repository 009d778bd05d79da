"""The readiness report as one page of A4, Chinese and English side by side, with its QR code.

The simplified Chinese face is embedded, so that it reads anywhere. Noto's outlines are cubic (CFF), which PDF libraries
of this size do not embed: the few characters of one page are cut out of it and turned into quadratic ones, which takes
half a second and is nobody's first frame.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import segno

from kiosk.domain.day import HALL_ZONE
from kiosk.domain.fleet import Check, Readiness
from kiosk.domain.texts import Texts
from kiosk.maintenance.panels.lines import value_word

#: Points.
MARGIN = 42.0
ROW = 19.0
QR_SIDE = 128.0

#: Of an em, between the curve of Noto and ours: finer than a printer's dot at the sizes used here.
_ERROR = 1.0

#: Followed by the report's id: reportlab keeps the first font of a name for as long as the process lives, and another
#: report has other characters.
_FACE = "Report"


def make(
    report: Readiness, signature: str, qr: str, texts: Mapping[str, Texts], hall_names: Mapping[str, str], font: Path
) -> bytes:
    """``texts`` and ``hall_names`` by language; ``font``: an OpenType file with every character of theirs."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    page = _Page(report, texts, hall_names)
    face = f"{_FACE}{report.id[:12]}"
    pdfmetrics.registerFont(TTFont(face, io.BytesIO(_quadratic(font, face, page.characters(signature)))))
    out = io.BytesIO()
    width, height = A4
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"Readiness {report.kiosk} {report.at:%Y-%m-%d %H:%M}")
    canvas.setAuthor(report.kiosk)
    y = height - MARGIN
    for text, size in page.head():
        y -= size * 1.35
        canvas.setFont(face, size)
        canvas.drawString(MARGIN, y, text)
    y -= 10
    for label, value in page.facts():
        y -= ROW
        canvas.setFont(face, 10)
        canvas.drawString(MARGIN, y, label)
        canvas.drawString(MARGIN + 170, y, value)
    y -= 14
    for name, how, value, result in page.rows():
        y -= ROW
        canvas.setFont(face, 10)
        canvas.drawString(MARGIN, y, name)
        canvas.drawString(MARGIN + 258, y, how)
        canvas.drawString(MARGIN + 336, y, value)
        canvas.drawRightString(width - MARGIN, y, result)
        canvas.setLineWidth(0.4)
        canvas.line(MARGIN, y - 5, width - MARGIN, y - 5)
    _draw_qr(canvas, qr, width - MARGIN - QR_SIDE, MARGIN)
    canvas.setFont(face, 7.5)
    canvas.drawString(MARGIN, MARGIN + 30, page.note())
    canvas.drawString(MARGIN, MARGIN + 18, signature[:64])
    canvas.drawString(MARGIN, MARGIN + 8, signature[64:])
    canvas.showPage()
    canvas.save()
    return out.getvalue()


class _Page:
    """What stands on it, as strings."""

    def __init__(self, report: Readiness, texts: Mapping[str, Texts], hall_names: Mapping[str, str]) -> None:
        self._report = report
        self._texts = texts
        self._hall_names = hall_names

    def _both(self, key: str) -> str:
        return "  ".join(self._texts[language](key) for language in ("zh", "en"))

    def head(self) -> list[tuple[str, float]]:
        result = "ready" if self._report.ready else "not_ready"
        return [
            ("  ".join(self._hall_names[language] for language in ("zh", "en")), 11),
            (self._both("readiness_slip.title"), 20),
            (self._both(f"readiness_slip.{result}"), 20),
        ]

    def facts(self) -> list[tuple[str, str]]:
        report = self._report
        return [
            (self._both("readiness_slip.kiosk"), report.kiosk),
            (self._both("readiness_slip.at"), f"{report.at.astimezone(HALL_ZONE):%Y-%m-%d %H:%M:%S %z}"),
            (self._both("readiness_slip.technician"), report.technician),
            (self._both("readiness_slip.release"), f"{report.release} / {report.software}"),
            (self._both("readiness_slip.number"), report.id),
        ]

    def rows(self) -> Iterable[tuple[str, str, str, str]]:
        for check in self._report.checks:
            yield (
                self._both(f"maintenance.line.{check.name}"),
                self._both(f"readiness_slip.how_{check.how}"),
                self._value(check),
                self._both(f"readiness_slip.{check.result}"),
            )

    def _value(self, check: Check) -> str:
        if check.value in ("not_here", "not_checked"):
            return self._both(f"maintenance.word.{check.value}")
        word = value_word(check)
        return self._both(f"maintenance.word.{word}") if word else check.value[:22]

    def note(self) -> str:
        return self._both("readiness_slip.signed")

    def characters(self, signature: str) -> str:
        said = [text for text, _ in self.head()]
        said += [part for fact in self.facts() for part in fact]
        said += [part for row in self.rows() for part in row]
        return "".join([*said, self.note(), signature, " "])


def _quadratic(font: Path, called: str, characters: str) -> bytes:
    """A TrueType font of these characters alone."""
    from fontTools import subset
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import TTFont

    face = TTFont(font, lazy=True)
    cutter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True, drop_tables=["GSUB", "GPOS"]))
    cutter.populate(text=characters)
    cutter.subset(face)
    shapes = face.getGlyphSet()
    outlines = {}
    for name in face.getGlyphOrder():
        pen = TTGlyphPen(None)
        shapes[name].draw(Cu2QuPen(pen, _ERROR, reverse_direction=True))
        outlines[name] = pen.glyph()
    builder = FontBuilder(face["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(face.getGlyphOrder())
    builder.setupCharacterMap(dict(face.getBestCmap()))
    builder.setupGlyf(outlines)
    widths = face["hmtx"].metrics
    builder.setupHorizontalMetrics({name: widths[name] for name in face.getGlyphOrder()})
    builder.setupHorizontalHeader(ascent=face["hhea"].ascent, descent=face["hhea"].descent)
    builder.setupNameTable({"familyName": called, "styleName": "Regular", "psName": called})
    builder.setupOS2(sTypoAscender=face["hhea"].ascent, sTypoDescender=face["hhea"].descent)
    builder.setupPost()
    out = io.BytesIO()
    builder.save(out)
    return out.getvalue()


def _draw_qr(canvas: Any, content: str, x: float, y: float) -> None:
    rows = [list(row) for row in segno.make_qr(content, error="m").matrix]
    dot = QR_SIDE / len(rows)
    canvas.setFillGray(0)
    for down, row in enumerate(rows):
        for across, dark in enumerate(row):
            if dark:
                canvas.rect(x + across * dot, y + QR_SIDE - (down + 1) * dot, dot, dot, stroke=0, fill=1)
