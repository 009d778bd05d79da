"""Power cut at any write, processes killed at any flush: nothing that was told is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from collections import Counter
from pathlib import Path

import pytest

from demo.hall_server import HallServer
from tests.crash import kill_points, kill_points_mutants, kill_points_power
from tests.hall import test_campaign

LONG = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"
SEED = int(os.environ.get("TAXKIOSK_SEED", "1"))

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")]


def show(capsys: pytest.CaptureFixture[str], row: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{row}\n")


@pytest.mark.timeout(3600 if LONG else 240)
def test_whatever_had_left_the_machine_is_known_after_a_power_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = kill_points_power.campaign(tmp_path, SEED, 6000 if LONG else 160, taxes=LONG)
    show(capsys, tally.row("power cuts", SEED))
    assert tally.violations == []
    assert tally.states >= (1000 if LONG else 100)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("mutant", "business", "found"),
    [
        ("synchronous NORMAL", "tickets", "is not known here"),
        ("journal row outside its transaction", "tickets", "the journal tells of"),
        ("print before commit", "tickets", "slips came out"),
        ("synchronous NORMAL at the hall", "tickets", "not known any more"),
        ("synchronous NORMAL", "taxes", "was told to pos and is not known here"),
        ("journal row outside its transaction", "taxes", "has ended, and the journal tells nothing of it"),
        ("charge before commit", "taxes", "was told to the terminal before that was durable"),
        ("synchronous NORMAL at the hall", "taxes", "was answered and is not known any more"),
        ("a return sent unnoted", "taxes", "was told to a bureau and is not known to be sent"),
    ],
)
def test_a_careless_kiosk_or_hall_is_found_out_by_power_cuts(
    mutant: str, business: str, found: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not LONG and (mutant, business) != ("synchronous NORMAL", "tickets"):
        pytest.skip("in make test-long")
    tally = kill_points_power.campaign(tmp_path, SEED, 240, mutant, taxes=business == "taxes")
    show(capsys, tally.row(f"power cuts, {mutant}", SEED))
    assert [problem for problem in tally.violations if found in problem]


@pytest.mark.timeout(400)
def test_a_hall_without_a_claim_is_found_out_by_two_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not LONG:
        pytest.skip("in make test-long")
    monkeypatch.setattr(test_campaign, "PER_KIOSK", 60)
    hall = HallServer(tmp_path)
    hall.program = kill_points_mutants.program("a missing claim")
    hall.start()
    try:
        # Its clients may wait for ever for a ticket that another window has; nothing depends on their end.
        asyncio.run(asyncio.wait_for(test_campaign.campaign(hall), 200))
    except (TimeoutError, AssertionError):
        pass
    finally:
        hall.kill()
    file = sqlite3.connect(tmp_path / "hall.sqlite")
    calls = Counter(number for (number,) in file.execute("SELECT number FROM event WHERE kind = 'called'"))
    file.close()
    assert [number for number, times in calls.items() if times > 1], "nobody was called twice"


@pytest.mark.timeout(6 * 3600)
@pytest.mark.skipif(not LONG, reason="minutes, not seconds: in make test-long")
def test_kiosk_agent_and_hall_killed_at_every_write_lose_and_double_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = kill_points.play(tmp_path / "town", 300, SEED)
    show(capsys, tally.row(SEED))
    assert tally.violations == []
