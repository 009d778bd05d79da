"""Draws the visit from the machine itself: ``python -m tests.flows.diagram`` writes docs/visit.md."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from kiosk.session.events import DeadlinePassed
from kiosk.session.panel import Calibration, Maintenance, MaintenanceLogin, TouchTest
from kiosk.session.state import (
    Ask,
    Certificates,
    Check,
    ChooseService,
    ChooseTaxpayer,
    CompareNumber,
    Confirm,
    Declared,
    Finished,
    Home,
    Identify,
    Issuing,
    IssuingPaper,
    Keypad,
    LookingUp,
    MyTaxes,
    MyTickets,
    Paying,
    PrintingPaper,
    ServiceDetail,
    Sorry,
    Submitting,
    TakeTicket,
    TodoList,
)
from kiosk.session.step import WORKING
from tests.flows.walker import walk

DIAGRAM_FILE = Path(__file__).parents[2] / "docs" / "visit.md"

_HEAD = """# A visit

Drawn by walking `kiosk/session/machine.py` (`python -m tests.flows.diagram`); a test fails when the two differ. Three
rules hold on every page and are left out: language and text size can be changed anywhere; *home* can be touched
anywhere but while the machine works (a number, a return, a payment or a paper is being made); a page that waits for a
person goes home by itself when its time is over.

"""


def _name(page: object) -> str:
    name = type(page).__name__
    return f"{name}_{page.step}" if isinstance(page, (*WORKING, MaintenanceLogin)) else name


def _label(event: object) -> str:
    return f"deadline: {event.name}" if isinstance(event, DeadlinePassed) else type(event).__name__


#: The pages of one flow; what leads out of them is drawn with them.
_FLOWS: dict[str, tuple[type, ...]] = {
    "A number": (Home, Identify, Keypad, ChooseService, ServiceDetail, Confirm, Issuing, TakeTicket, MyTickets),
    "What is due, and a return": (LookingUp, ChooseTaxpayer, TodoList, Ask, Check, Submitting, Declared),
    "A payment": (Paying,),
    "Proof, and what the hall knows": (IssuingPaper, PrintingPaper, CompareNumber, Finished, Certificates, MyTaxes),
    "What could not be done": (Sorry,),
    "A technician": (MaintenanceLogin, Maintenance, TouchTest, Calibration),
}


def diagram() -> str:
    """The whole page, Markdown with a Mermaid state diagram for each flow."""
    arrows: dict[tuple[str, str], set[str]] = defaultdict(set)
    flow_of = {page: flow for flow, pages in _FLOWS.items() for page in pages}
    flows: dict[str, str] = {}
    for edge in walk():
        before, after = _name(edge.before.page), _name(edge.after.page)
        flows[before] = flow_of[type(edge.before.page)]
        by_itself = isinstance(edge.event, DeadlinePassed) and edge.event.name == "idle"
        if before != after and not by_itself and type(edge.event).__name__ != "GoHome":
            arrows[before, after].add(_label(edge.event))
    parts = []
    for flow in _FLOWS:
        lines = [
            f"    {before} --> {after}: {', '.join(sorted(labels))}"
            for (before, after), labels in sorted(arrows.items())
            if flows[before] == flow
        ]
        start = "    [*] --> Home\n" if Home in _FLOWS[flow] else ""
        parts.append(f"## {flow}\n\n```mermaid\nstateDiagram-v2\n{start}" + "\n".join(lines) + "\n```\n")
    return _HEAD + "\n".join(parts)


if __name__ == "__main__":
    DIAGRAM_FILE.write_text(diagram(), encoding="utf-8")
