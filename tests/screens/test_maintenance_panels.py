"""Every panel that the kiosk really builds, in both languages and sizes, upright and across, in the words it ships."""

from __future__ import annotations

import json

import pytest

from tests.screens import window


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
def test_every_real_panel_fits_its_page_and_has_its_words(display: str, orientation: str) -> None:
    done = window.run_isolated(["-m", "tests.screens.maintenance_panels", orientation], display)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
