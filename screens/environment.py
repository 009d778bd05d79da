"""What Kivy and SDL must be told before anything else of Kivy is imported: ``prepare`` comes before ``screens.app``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from screens.extract_fonts import FONTS, missing

Orientation = Literal["portrait", "landscape"]

#: Frames a second at most. A press shows within one frame, far below 100 ms; idle CPU is half that of 60.
MAX_FPS = 30


@dataclass(frozen=True)
class Look:
    """How the screen hangs and what it shows its pages in. Width and height in pixels of the panel."""

    orientation: Orientation = "portrait"
    width: int = 1080
    height: int = 1920
    fullscreen: bool = True
    theme: str = "normal"
    """A table of config/theme.toml: ``normal`` or ``high_contrast``."""


class NotPrepared(RuntimeError):
    """The screens cannot be shown on this machine; the message says what to do."""


def prepare(look: Look) -> None:
    """Set environment and Kivy's configuration. Raises NotPrepared where fonts are missing or Kivy is loaded."""
    if "kivy" in sys.modules:
        raise NotPrepared("Kivy was imported before its settings were made: call screens.environment.prepare first")
    if missing():
        raise NotPrepared(f"the fonts in {FONTS} are missing: run `python -m screens.extract_fonts`")
    os.environ.update(
        KIVY_NO_ARGS="1",
        KIVY_NO_CONFIG="1",
        KIVY_NO_FILELOG="1",
        # Kivy leaves the root logger alone and only speaks up when something is wrong.
        KIVY_LOG_MODE="PYTHON",
        KIVY_WINDOW="sdl2",
        KIVY_TEXT="sdl2",
        # SDL would turn SIGTERM into a close request; the app stops itself on the signal.
        SDL_NO_SIGNAL_HANDLERS="1",
    )
    # No input method: nothing of it may open over the page.
    os.environ["XMODIFIERS"] = "@im=none"
    os.environ.pop("SDL_IM_MODULE", None)
    # Without a display SDL would quietly draw into nowhere; with this Kivy exits 102 instead.
    os.environ.setdefault("SDL_VIDEODRIVER", "x11")
    _configure(look)


def _configure(look: Look) -> None:
    from kivy.config import Config

    settings: dict[str, dict[str, object]] = {
        "kivy": {"exit_on_escape": 0, "log_level": "warning", "pause_on_minimize": 0},
        "graphics": {
            "width": look.width,
            "height": look.height,
            # Without a window manager "auto" keeps the configured size, so both are given.
            "fullscreen": "auto" if look.fullscreen else 0,
            "borderless": int(look.fullscreen),
            "resizable": 0,
            "show_cursor": int(not look.fullscreen),
            "maxfps": MAX_FPS,
            # A dark screen at 3 a.m. looks like a dead machine.
            "allow_screensaver": 0,
            # Multisampling costs a software renderer two thirds of its frames and 65 MB; edges are smoothed by texture.
            "multisamples": 0,
        },
    }
    for section, values in settings.items():
        for name, value in values.items():
            Config.set(section, name, str(value))
    # The default also probes /dev/input, and some panels are then opened twice: every tap would double.
    Config.remove_option("input", "%(name)s")
    Config.set("input", "mouse", "mouse,disable_multitouch")
    # Name, regular, italic, bold, bold italic. Chinese has no italic.
    faces = [str(font("common", bold)) for bold in (False, False, True, True)]
    Config.set("kivy", "default_font", str(["Sans", *faces]))


def font(kind: Literal["common", "full"], bold: bool) -> Path:
    """The font file: ``common`` holds the characters of everyday text, ``full`` every character a name may have."""
    return FONTS / f"{kind}-{'Bold' if bold else 'Regular'}.otf"
