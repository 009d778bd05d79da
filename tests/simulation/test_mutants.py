"""Each fault in our own code is noticed by the promise that it breaks; the slower ones in ``make test-long``."""

from __future__ import annotations

import os

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, hunt

FULL = os.environ.get("TAXKIOSK_CAMPAIGN") == "full"

#: Found within the first histories; the others need a fault at just the wrong moment.
SOON = frozenset(
    {
        "ask not made durable",
        "own number reused",
        "claim not checked",
        "charge not made durable",
        "person kept after the visit",
        "release in service before it is on the disk",
    }
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_fault_of_our_own_is_noticed(mutant: Mutant) -> None:
    if mutant.name not in SOON and not FULL:
        pytest.skip("in its long form")
    caught = hunt(mutant)
    assert caught is not None, f"{mutant.name}: forty histories went by, and no promise was broken"
    assert caught.invariant in mutant.caught_by
