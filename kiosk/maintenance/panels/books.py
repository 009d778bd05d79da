"""What this machine still owes the hall, as counts: no name, number or amount is on any panel."""

from __future__ import annotations

from kiosk.maintenance import checks
from kiosk.maintenance.panels.lines import check_line
from kiosk.maintenance.world import World
from kiosk.session.panel import Line, Panel, Place, Tone


def build(world: World, subject: str) -> Panel:
    mark = world.store.journal_mark()
    open_payments = [payment.state for payment in world.store.payments.open()]
    doubtful = sum(state in ("charging", "unknown") for state in open_payments)
    back = sum(state == "to_reverse" for state in open_payments)
    aside = world.store.set_aside()
    lines = (
        check_line(checks.journal(world)),
        Line("journal_mark", str(mark.high_water)),
        Line("disk_life", mark.incarnation[:8]),
        Line("set_aside", str(aside), tone=Tone.WARN if aside else Tone.GOOD),
        Line("open_returns", str(len(world.store.memory.waiting()))),
        Line("open_payments", str(len(open_payments))),
        Line("doubtful_payments", str(doubtful), tone=Tone.WARN if doubtful else Tone.GOOD),
        Line("payments_to_give_back", str(back), tone=Tone.WARN if back else Tone.GOOD),
    )
    return Panel(Place.BOOKS, lines=lines, note="books" if doubtful or back else "")
