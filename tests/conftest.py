"""How ``make test`` stays within ten minutes: what takes longest begins first, some is for ``make test-long`` only.

Workers take a file at a time: a long one that begins last would be waited for alone.
"""

from __future__ import annotations

import os

import pytest

from drivers.bench.smart_card import socket_of_this_process

# The PC/SC library keeps to the place where it first looked for pcscd. A kiosk in an earlier test of this process would
# have it look at the machine's own, and the virtual readers of a later one were never found.
os.environ["PCSCLITE_CSOCK_NAME"] = str(socket_of_this_process())

LONGEST_FIRST = ("appliance", "crash", "e2e", "soak", "privacy", "configuration", "simulation", "devices")

#: Minutes, not seconds; each has a quicker relative that stays (the units, the simulation, the clean soak).
LONG_ONLY = (
    "crash/test_bad_days_of_taxes.py::test_a_missing_check_of_ours_is_noticed",
    "e2e/test_bad_days.py",
    "soak/test_soak.py::test_the_soak_finds_a_defect_that_is_put_in",
    "hall/test_bureaus.py::test_any_order_of_handing_in_asking_and_dying_keeps_one_return_and_one_entry[1]",
    "hall/test_bureaus.py::test_any_order_of_handing_in_asking_and_dying_keeps_one_return_and_one_entry[2]",
    "simulation/test_simulation.py::test_whatever_goes_wrong_no_promise_is_broken[102]",
    "simulation/test_simulation.py::test_whatever_goes_wrong_no_promise_is_broken[103]",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def room(item: pytest.Item) -> int:
        parts = item.path.parts
        return next((at for at, name in enumerate(LONGEST_FIRST) if name in parts), len(LONGEST_FIRST))

    items.sort(key=room)
    if os.environ.get("TAXKIOSK_CAMPAIGN") != "full":
        for item in items:
            if item.nodeid.removeprefix("tests/").startswith(LONG_ONLY):
                item.add_marker(pytest.mark.skip(reason="in make test-long"))
