"""The panels that kiosk.maintenance really builds, drawn and measured like every page (see inspection.py).

``python -m tests.screens.maintenance_panels portrait|landscape`` prints the defects; ``--pictures FOLDER`` draws them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kiosk.session.panel import Maintenance, Outcome, Panel, Place, Tone
from kiosk.session.state import Session


def sessions(folder: Path) -> Iterator[tuple[str, Session]]:
    """Every place, device and step of the repair: of a machine that is well, and of one where everything is wrong."""
    from drivers.contract import DeviceState, DeviceStatus, PaperState
    from kiosk.domain.fleet import Readiness, TechnicianRole
    from kiosk.maintenance import checks, panels
    from kiosk.maintenance.audit import Did
    from kiosk.maintenance.panels import repair
    from kiosk.maintenance.world import DEVICES
    from kiosk.store.store import Store
    from tests.screens.samples import at
    from tests.unit.test_maintenance import NOW, WELL, world_of
    from tests.unit.test_store import KEY

    store = Store(folder / "kiosk.sqlite", KEY)
    for did in Did:
        store.audit.add("T7", did.value, "ticket_printer", NOW)
    for sample in ("ticket_printer", "receipt_printer"):
        store.record_print(store.sheets.record_test(sample, NOW), "uncertain", "no_proof", NOW)
    ill = DeviceStatus(DeviceState.USER_ERROR, PaperState.JAMMED, cover_open=True, detail="cutter blocked, error 0x1F")
    for name, devices in (("well", WELL), ("ill", dict.fromkeys(DEVICES, ill))):
        world = world_of(store, folder, devices)
        results = [] if name == "well" else checks.machine_checks(world)
        if results:
            report = Readiness("5f1c0a9b" * 4, "K3", NOW, "T7", False, results, 12, "0.1.0")
            world.notes.report, world.notes.signature = report, "ab" * 64
        subjects = [(place, "") for place in Place]
        subjects += [(Place.DEVICE, device) for device in DEVICES]
        for fault in repair.faults():
            subjects += [(Place.REPAIR, f"{fault.name}{step}") for step in ("", "/1", f"/{len(fault.steps)}")]
        for place, subject in subjects:
            panel: Panel = panels.build(world, place, subject)
            page = Maintenance("T7", "王建国", TechnicianRole.SENIOR, place, subject, panel)
            key = f"{name}-{place.value}{f'-{subject}' if subject else ''}".replace("/", "-")
            yield key, at(page, holder=None)
            if name == "ill" and not subject:
                yield f"{key}-outcome", at(replace(page, outcome=Outcome("took_too_long", Tone.BAD)), holder=None)
                yield f"{key}-doing", at(replace(page, doing="make_report"), holder=None)
            for action in panel.actions if name == "ill" else ():
                if action.grave:
                    yield f"{key}-sure-{action.name}", at(replace(page, asking=action), holder=None)
    store.close()


def look(visitor: Any, folder: Path, pictures: Path | None, orientation: str) -> Iterator[str]:
    from tests.screens import window
    from tests.screens.inspection import page_defects

    for name, session in sessions(folder):
        for kind, variant in window.variants(session):
            visitor.see(variant, idle_s=200, drawn=pictures is not None)
            if pictures is not None and "large" not in kind:
                visitor.picture(pictures / f"{name}.{kind}.{orientation}.png")
            for defect in page_defects(visitor.app.stage, variant.large_text):
                yield f"{name}.{kind}: {defect}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("orientation", choices=["portrait", "landscape"])
    parser.add_argument("--pictures", type=Path)
    chosen = parser.parse_args()
    if chosen.pictures:
        chosen.pictures.mkdir(parents=True, exist_ok=True)
    import config
    from kiosk.domain.texts import Texts
    from kiosk.session.state import Language
    from tests.screens import window

    visitor = window.open_window(window.look_of(chosen.orientation))
    # Their words are shipped: one that is missing is a defect, not a sample.
    visitor.app.texts = {language: Texts(config.read_texts(language)) for language in Language}
    with tempfile.TemporaryDirectory() as folder:
        found = list(look(visitor, Path(folder), chosen.pictures, chosen.orientation))
    sys.stdout.write(json.dumps(found, ensure_ascii=False))


if __name__ == "__main__":
    main()
