"""Pictures of every page: ``python -m tests.screens.gallery FOLDER [--only NAME…]``. To be looked at by people."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from screens.environment import Orientation


def draw(folder: Path, orientation: Orientation, theme: str, only: list[str], kinds: list[str]) -> None:
    from tests.screens import samples, window

    visitor = window.open_window(window.look_of(orientation, theme))
    for name, session in samples.SESSIONS.items():
        if only and name not in only:
            continue
        for kind, variant in window.variants(session):
            if kinds and kind not in kinds:
                continue
            visitor.see(variant, idle_s=None if name.startswith("home") else 46)
            path = folder / f"{name}.{kind}.{orientation}.png"
            visitor.picture(path)
            scale = visitor.app.stage.scale
            sys.stdout.write(f"{path.name} {scale if scale < 1 else ''}\n")
    if not only or "still-there" in only:
        visitor.see(samples.SESSIONS["keypad-half"], idle_s=13)
        visitor.picture(folder / f"still-there.zh.{orientation}.png")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--orientation", choices=["portrait", "landscape"])
    parser.add_argument("--theme", default="normal")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--kinds", nargs="*", default=[])
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    if chosen.orientation:
        draw(chosen.folder, chosen.orientation, chosen.theme, chosen.only, chosen.kinds)
        return
    from tests.screens import window

    with window.virtual_display() as display:
        for orientation in window.SIZES:
            arguments = ["-m", "tests.screens.gallery", *sys.argv[1:], "--orientation", orientation]
            done = window.run_isolated(arguments, display, timeout=600)
            sys.stdout.write(done.stdout)
            if done.returncode:
                sys.exit(done.stderr)


if __name__ == "__main__":
    main()
