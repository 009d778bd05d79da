"""One display and one portrait window for the whole run; a window of another size needs a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from screens import extract_fonts
from tests.screens import window

# Test modules import parts of Kivy, and its settings come before that.
extract_fonts.main()
LOOK = window.look_of("portrait")


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    with window.virtual_display() as name:
        os.environ["DISPLAY"] = name
        yield name


@pytest.fixture(scope="session")
def portrait(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[window.Visitor]:
    visitor = window.open_window(LOOK, targets_file=tmp_path_factory.mktemp("targets") / "targets.json")
    yield visitor
    visitor.app.stop()


@pytest.fixture
def visitor(portrait: window.Visitor) -> window.Visitor:
    """A visitor before the home page, with nothing posted yet."""
    from tests.screens import samples

    portrait.see(samples.SESSIONS["home"])
    portrait.posted()
    return portrait


@pytest.fixture
def targets_file(portrait: window.Visitor) -> Path:
    path = portrait.app.targets_file
    assert path is not None
    return path
