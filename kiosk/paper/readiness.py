"""The readiness report on the receipt printer's paper: for the door of the machine, or the technician's folder."""

from __future__ import annotations

from drivers.printer.document import Block, Document, Qr, Row, Rule, Text
from kiosk.domain.fleet import Check, Readiness
from kiosk.domain.texts import Texts
from kiosk.paper.words import clock, short_key


def readiness_slip(report: Readiness, qr: str, texts: Texts, hall_name: str) -> Document:
    """``qr``: see ``kiosk.maintenance.readiness.qr``. Checks that were good are counted, the others named."""
    result = "ready" if report.ready else "not_ready"
    good = sum(check.result == "good" for check in report.checks)
    blocks: list[Block] = [
        Text(hall_name, align="center", bold=True),
        Text(texts("readiness_slip.title"), align="center", bold=True, size=2),
        Text(texts(f"readiness_slip.{result}"), align="center", bold=True, size=2),
        Rule(),
        Row(texts("readiness_slip.kiosk"), report.kiosk),
        Row(texts("readiness_slip.at"), clock(report.at)),
        Row(texts("readiness_slip.technician"), report.technician),
        Row(texts("readiness_slip.release"), f"{report.release} / {report.software}"),
        Row(texts("readiness_slip.number"), short_key(report.id)),
        Rule(),
        Row(texts("readiness_slip.good"), f"{good} / {len(report.checks)}"),
    ]
    blocks += [_named(check, texts) for check in report.checks if check.result != "good"]
    blocks += [Rule(), Qr(qr), Text(texts("readiness_slip.scan"), align="center")]
    return Document(name=f"readiness {report.id[:8]}", blocks=tuple(blocks))


def _named(check: Check, texts: Texts) -> Row:
    word = texts(f"readiness_slip.{check.result}")
    return Row(texts(f"maintenance.line.{check.name}"), word, bold=check.result == "bad")
