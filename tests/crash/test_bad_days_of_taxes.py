"""A share of the campaign of bad days, drawn by a seed, and the faults of our own that it must notice."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from kiosk.session.state import Purpose
from tests.crash.campaign import Case, all_cases, play, report

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SEED = int(os.environ.get("TAXKIOSK_SEED", "20261124"))
SHARE = 2

#: Where these faults hurt. The campaign as a whole meets them too; here the test must not depend on its luck.
LOST_ANSWER = Case(Purpose.INVOICE, 4, "answers of the hall")
SILENT_TERMINAL = Case(Purpose.FILE, 11, "terminal, silent after approval")


def test_after_any_blow_there_is_one_return_one_payment_and_one_entry_a_bureau(tmp_path: Path) -> None:
    cases = random.Random(SEED).sample(all_cases(), SHARE)
    verdicts = play(cases, tmp_path / "town", SEED)
    report(verdicts, SEED, tmp_path)
    assert [f"{verdict.case}: {verdict.problems}" for verdict in verdicts if verdict.problems] == []


@pytest.mark.parametrize(("mutant", "case"), [("key_not_looked_up", LOST_ANSWER), ("silence_is_no", SILENT_TERMINAL)])
def test_a_missing_check_of_ours_is_noticed(tmp_path: Path, mutant: str, case: Case) -> None:
    (verdict,) = play([case], tmp_path / "town", SEED, mutant)
    assert verdict.fell_at
    assert verdict.problems
