"""How much room is left, how the disk is, and whether the store is whole."""

from __future__ import annotations

from kiosk.maintenance import checks, machine
from kiosk.maintenance.panels.lines import check_line, megabytes
from kiosk.maintenance.world import World
from kiosk.session.panel import Action, Line, Panel, Place, Tone

#: Percent of the flash's life after which it should be exchanged at the next visit.
WORN = 80


def build(world: World, subject: str) -> Panel:
    folder = world.settings.kiosk.data_dir
    disk = machine.storage(folder)
    lines = [
        check_line(checks.storage(world)),
        Line("room", f"{megabytes(disk.free)} / {megabytes(disk.total)}"),
        Line("disk_errors", word="not_here")
        if disk.errors is None
        else Line("disk_errors", str(disk.errors), tone=Tone.BAD if disk.errors else Tone.GOOD),
        Line("worn", word="not_here")
        if disk.worn is None
        else Line("worn", f"{disk.worn} %", tone=Tone.WARN if disk.worn >= WORN else Tone.GOOD),
        Line("store_size", megabytes(sum(file.stat().st_size for file in folder.glob("kiosk.sqlite*")))),
        check_line(checks.store_works(world)),
        check_line(checks.store_whole(world)),
    ]
    lines += [Line("finding", line, tone=Tone.BAD) for line in (world.notes.integrity or [])[:10]]
    return Panel(Place.STORAGE, lines=tuple(lines), actions=(Action("check_store"),))
