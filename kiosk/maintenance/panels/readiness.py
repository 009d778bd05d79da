"""Is this machine ready for a night alone? What the machine sees, what only a person can see, and the report."""

from __future__ import annotations

from kiosk.maintenance import checks
from kiosk.maintenance.panels.lines import check_line
from kiosk.maintenance.readiness import qr
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place, Tone


def build(world: World, subject: str) -> Panel:
    report = world.notes.report
    lines: list[Line] = []
    if report is not None:
        word = "ready" if report.ready else "not_ready"
        lines.append(Line("report", report.id[:8], word, Tone.GOOD if report.ready else Tone.BAD))
    lines += [check_line(check) for check in checks.hand_checks(world)]
    lines += [check_line(check) for check in checks.machine_checks(world)]
    actions = [
        Action("touch_test"),
        Action("test_print", "ticket_printer", works=world.status("ticket_printer") is not None),
        Action("picture_good"),
        Action("picture_bad"),
        Action("slip_good"),
        Action("slip_bad"),
        Action("make_report"),
    ]
    if report is not None:
        actions.append(Action("print_report", works=world.status("receipt_printer") is not None))
    code = qr(report, world.notes.signature) if report is not None else ""
    return Panel(Place.READINESS, lines=tuple(lines), actions=tuple(actions), note="readiness", qr=code)
