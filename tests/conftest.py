"""How ``make test`` stays within ten minutes: what takes longest begins first, and some is for ``make test-long`` only.

Workers take a file at a time: a long one that begins last would be waited for alone.
"""

from __future__ import annotations

import os

import pytest

LONGEST_FIRST = ("appliance", "crash", "e2e", "soak", "privacy", "configuration", "simulation", "devices")

#: Minutes, not seconds; each has a quicker relative that stays (the units, the simulation, the clean soak).
LONG_ONLY = (
    "appliance/test_package.py",
    "crash/test_kill_points.py",
    "crash/test_bad_days_of_taxes.py::test_a_missing_check_of_ours_is_noticed",
    "e2e/test_bad_days.py",
    "soak/test_soak.py::test_the_soak_finds_a_defect_that_is_put_in",
    "configuration/test_at_the_kiosk.py::test_a_release_that_ends_every_start",
    "hall/test_bureaus.py::test_any_order_of_handing_in_asking_and_dying_keeps_one_return_and_one_entry[1]",
    "hall/test_bureaus.py::test_any_order_of_handing_in_asking_and_dying_keeps_one_return_and_one_entry[2]",
    "simulation/test_simulation.py::test_whatever_goes_wrong_no_promise_is_broken[102]",
    "simulation/test_simulation.py::test_whatever_goes_wrong_no_promise_is_broken[103]",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def room(item: pytest.Item) -> int:
        parts = item.path.parts
        if item.path.name == "test_technician.py":
            # After the tests of the card slot: it ends and begins the card service under this process.
            return len(LONGEST_FIRST)
        return next((at for at, name in enumerate(LONGEST_FIRST) if name in parts), len(LONGEST_FIRST))

    items.sort(key=room)
    if os.environ.get("TAXKIOSK_CAMPAIGN") != "full":
        for item in items:
            if item.nodeid.removeprefix("tests/").startswith(LONG_ONLY):
                item.add_marker(pytest.mark.skip(reason="in make test-long"))
