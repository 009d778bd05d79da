"""A window that is left alone, then stuck, then free again: prints its signs of life in each. For test_lockdown.py."""

from __future__ import annotations

import sys
import time

from tests.screens import window


def main() -> None:
    visitor = window.open_window(window.look_of("portrait"), alive=lambda: beats.append(time.monotonic()))
    beats.clear()

    def turn(seconds: float) -> int:
        before, until = len(beats), time.monotonic() + seconds
        while time.monotonic() < until:
            visitor.step(1)
        return len(beats) - before

    free = turn(3.5)
    before = len(beats)
    time.sleep(1.5)
    stuck = len(beats) - before
    sys.stdout.write(f"{free} {stuck} {turn(2.5)}\n")


beats: list[float] = []

if __name__ == "__main__":
    main()
