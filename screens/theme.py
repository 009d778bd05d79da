"""Colours and type of config/theme.toml, and the style that a page is drawn in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import config
from screens.widgets.fonts import Font

Colour = tuple[float, float, float, float]

#: From this size on type is read across the hall, and large text needs only half its growth.
DISPLAY_SIZE = 104

#: Nothing is set smaller than this (units), however little room there is.
SMALLEST = 26.0


def parse_colour(code: str) -> Colour:
    """``#RRGGBB`` or ``#RRGGBBAA`` as four parts from 0 to 1. Raises ValueError."""
    parts = bytes.fromhex(code.removeprefix("#"))
    red, green, blue, alpha = (*parts, 255)[:4]
    return red / 255, green / 255, blue / 255, alpha / 255


@dataclass(frozen=True)
class Theme:
    colours: Mapping[str, Colour]
    roles: Mapping[str, tuple[float, bool]]
    """Name of a kind of text → size in units, bold."""
    margin: float
    gap: float
    radius: float
    large_text: float


def read_theme(name: str) -> Theme:
    """Raises KeyError for a theme that config/theme.toml does not have."""
    raw = config.read_toml("theme.toml")
    return Theme(
        colours={token: parse_colour(code) for token, code in raw["colours"][name].items()},
        roles={role: (size, bold) for role, (size, bold) in raw["type"].items()},
        large_text=raw["large_text"]["factor"],
        **raw["space"],
    )


@dataclass(frozen=True)
class Style:
    """How one page is drawn. ``unit``: pixels a unit; ``scale``: 1, or more for large text."""

    theme: Theme
    unit: float
    landscape: bool
    scale: float = 1.0

    def font(self, role: str) -> Font:
        size, bold = self.theme.roles[role]
        grows = self.scale if size < DISPLAY_SIZE or self.scale < 1 else 1 + (self.scale - 1) / 2
        return Font(max(SMALLEST, size * grows), bold, self.unit)

    def scaled(self, factor: float) -> Style:
        return replace(self, scale=self.scale * factor)

    @property
    def large(self) -> bool:
        return self.scale > 1.01
