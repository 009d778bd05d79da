"""Every page, in both languages and sizes, upright and across: measured by tests/screens/inspection.py."""

from __future__ import annotations

import json

import pytest

from tests.screens import samples, window


@pytest.mark.parametrize("orientation", ["portrait", "landscape"])
def test_on_every_page_nothing_is_cut_nothing_overlaps_and_a_thumb_hits_every_target(
    display: str, orientation: str
) -> None:
    done = window.run_isolated(["-m", "tests.screens.inspection", orientation], display)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_there_is_a_sample_of_every_page_reason_and_problem() -> None:
    from kiosk.session.state import CardProblem, Identify, Sorry, SorryReason
    from screens.pages import MODULES

    pages = [session.page for session in samples.SESSIONS.values()]
    assert {type(page) for page in pages} == set(MODULES)
    assert {page.reason for page in pages if isinstance(page, Sorry)} == set(SorryReason)
    assert {page.problem for page in pages if isinstance(page, Identify)} >= set(CardProblem)
