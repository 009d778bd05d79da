"""Says where everything touchable lies, for those who touch without eyes: tests, the demo's visitor, a benchmark.

One JSON file, replaced whole: ``{"page": "home", "language": "zh", "large_text": false, "visit": 1, "shown": 3,
"targets": {"take_number": [x, y, w, h], …}}`` in window pixels from the top left. It is written once touches count on
the page; while the visitor is asked whether to go on, the page's name ends in ``.still_there``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from kiosk.session.state import Session
from screens.widgets.button import Target


def write(path: Path, page: str, session: Session, shown: int, targets: Iterable[Target], unit: float) -> None:
    """``unit``: pixels a unit. ``shown``: counts the drawn states, so that a reader knows a new one from an old."""
    areas = {target.name: target.area for target in targets}
    content = {
        "page": page,
        "language": session.language,
        "large_text": session.large_text,
        "visit": session.visit,
        "shown": shown,
        "targets": {
            name: [round(value * unit) for value in (area.x, area.y, area.w, area.h)] for name, area in areas.items()
        },
    }
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(msgspec.json.encode(content))
    os.replace(part, path)
