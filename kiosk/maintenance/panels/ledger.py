"""Today's sheets: what each was and what became of it, the newest first. The uncertain ones stand out."""

from __future__ import annotations

from kiosk.domain.day import business_day
from kiosk.maintenance.panels.lines import moment
from kiosk.maintenance.world import World
from kiosk.session.panel import Line, Panel, Place, Tone

#: Sheets looked at; more than a day of the busiest hall prints.
MOST = 3000
SHOWN = 200

TONES = {"done": Tone.PLAIN, "failed": Tone.BAD, "uncertain": Tone.WARN, "intended": Tone.PLAIN, "sent": Tone.PLAIN}


def build(world: World, subject: str) -> Panel:
    starts = world.settings.kiosk.day_starts
    today = business_day(world.time.now(), starts)
    sheets = [s for s in world.store.sheets.latest(MOST) if business_day(s.intended_at, starts) == today]
    uncertain = [sheet for sheet in sheets if sheet.state == "uncertain"]
    failed = sum(sheet.state == "failed" for sheet in sheets)
    lines = [
        Line("sheets_today", str(len(sheets))),
        Line("sheets_uncertain", str(len(uncertain)), tone=Tone.WARN if uncertain else Tone.GOOD),
        Line("sheets_failed", str(failed), tone=Tone.WARN if failed else Tone.GOOD),
    ]
    # A sheet's number is a ticket's or a paper's, never a person's.
    for sheet in (*uncertain, *(sheet for sheet in sheets if sheet.state != "uncertain"))[:SHOWN]:
        what = " ".join(part for part in (sheet.number, "补打" if sheet.reprint else "") if part)
        name = f"{moment(sheet.intended_at)}  {what}"
        lines.append(Line(name, word=f"sheet_{sheet.kind}_{sheet.state}", tone=TONES[sheet.state], raw=True))
    return Panel(Place.LEDGER, lines=tuple(lines), note="uncertain" if uncertain else "")
