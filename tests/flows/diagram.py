"""Draws the visit from the machine itself: ``python -m tests.flows.diagram`` writes docs/visit.md."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from kiosk.session.events import DeadlinePassed
from kiosk.session.state import Issuing
from tests.flows.walker import walk

DIAGRAM_FILE = Path(__file__).parents[2] / "docs" / "visit.md"

_HEAD = """# A visit

Drawn by walking `kiosk/session/machine.py` (`python -m tests.flows.diagram`); a test fails when the two differ. Three
rules hold on every page and are left out: language and text size can be changed anywhere; *home* can be touched
anywhere but while a number is being made; a page that waits for a person goes home by itself when its time is over.

"""


def _name(page: object) -> str:
    return f"Issuing_{page.step}" if isinstance(page, Issuing) else type(page).__name__


def _label(event: object) -> str:
    return f"deadline: {event.name}" if isinstance(event, DeadlinePassed) else type(event).__name__


def diagram() -> str:
    """The whole page, Markdown with one Mermaid state diagram."""
    arrows: dict[tuple[str, str], set[str]] = defaultdict(set)
    for edge in walk():
        before, after = _name(edge.before.page), _name(edge.after.page)
        by_itself = isinstance(edge.event, DeadlinePassed) and edge.event.name == "idle"
        if before != after and not by_itself and type(edge.event).__name__ != "GoHome":
            arrows[before, after].add(_label(edge.event))
    lines = [
        f"    {before} --> {after}: {', '.join(sorted(labels))}" for (before, after), labels in sorted(arrows.items())
    ]
    return _HEAD + "```mermaid\nstateDiagram-v2\n    [*] --> Home\n" + "\n".join(lines) + "\n```\n"


if __name__ == "__main__":
    DIAGRAM_FILE.write_text(diagram(), encoding="utf-8")
