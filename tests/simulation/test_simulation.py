"""A seeded share of the histories of ``make test-long``: everything goes wrong, and no promise is broken."""

from __future__ import annotations

import pytest

from tests.simulation import faults
from tests.simulation.promises import ONE_TICKET
from tests.simulation.town import Report, Town

SEEDS = range(101, 104)
EVENTS = 3_000


def told(report: Report) -> str:
    return "\n".join(["", *map(str, report.violations[:10]), f"again: {report.again}"])


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_goes_wrong_no_promise_is_broken(seed: int) -> None:
    report = Town(seed, kiosks=4).run(EVENTS)
    assert not report.violations, told(report)
    assert report.checks, "the books were never compared"
    assert sum(report.faults.values()) > 5
    assert any(name.endswith(" calls") and count for name, count in report.figures.items())


def test_one_seed_is_one_history() -> None:
    first, second, other = (Town(seed, kiosks=2).run(1) for seed in (2, 2, 5))
    assert first.digest == second.digest
    assert first.events == second.events
    assert first.digest != other.digest


def test_own_numbers_are_unique_within_a_true_day_whatever_the_clock_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "JUMPS", (faults.DAY,))
    weather = {"clock_jumps": 20, "hall_cut_off": 40, "front_dies": 10}
    for seed in (4, 3):
        town = Town(seed, kiosks=3, weather=weather, true_days=True)
        town.stop_at = frozenset({ONE_TICKET})
        report = town.run(3_000)
        assert not report.violations, told(report)
