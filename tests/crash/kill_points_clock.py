"""A faceless kiosk whose clock is wrong: ``python -m tests.crash.kill_points_clock DAYS SETTINGS WISH``.

The wall clock only: what the kernel counts monotonically goes on as it was, as when somebody sets a clock.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from kiosk.runtime.clock import SystemClock


def main() -> None:
    days, *words = sys.argv[1:]
    right = SystemClock.now
    step = timedelta(days=int(days))

    def wrong(self: SystemClock) -> datetime:
        return right(self) + step

    SystemClock.now = wrong  # type: ignore[method-assign]

    from tests.crash import faceless

    faceless.main(*words)


if __name__ == "__main__":
    main()
