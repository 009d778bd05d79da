"""Hundreds of visits through the real window: nothing grows, nothing is left over, double touches count once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

LONG = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"
VISITS = 20_000 if LONG else 200


def soak(visits: int, mutant: str = "") -> subprocess.CompletedProcess[str]:
    words = [
        sys.executable,
        "-m",
        "tests.soak.soak",
        "--visits",
        str(visits),
        *(["--mutant", mutant] if mutant else []),
    ]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.mark.e2e
@pytest.mark.timeout(6 * 3600 if LONG else 400)
def test_after_hundreds_of_visits_nothing_of_them_is_left_and_in_the_long_form_memory_is_flat(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = soak(VISITS)
    with capsys.disabled():
        sys.stdout.write(f"\n{ran.stdout.splitlines()[0] if ran.stdout else ran.stderr[-2000:]}\n")
    assert ran.returncode == 0, ran.stdout + ran.stderr[-4000:]


@pytest.mark.e2e
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("mutant", "found"),
    [("screens", "outlives its visit"), ("threads", "threads"), ("objects", "objects a visit"), ("double", "twice")],
)
def test_the_soak_finds_a_defect_that_is_put_in(mutant: str, found: str) -> None:
    if not LONG and mutant != "screens":
        pytest.skip("in make test-long")
    ran = soak(60, mutant)
    assert ran.returncode == 1, ran.stdout + ran.stderr[-4000:]
    assert found in ran.stdout
