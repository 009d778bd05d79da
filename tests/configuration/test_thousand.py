"""The push with the clock running, in its short form: two dozen kiosks; make test-long plays a thousand."""

from __future__ import annotations

import pytest

from tests.configuration.thousand import push


@pytest.mark.e2e
def test_a_good_release_reaches_every_kiosk_and_a_bad_one_only_its_first_stage() -> None:
    result = push(kiosks=24, processes=1, health_s=0.2, seed=7)
    assert not result.violations
    assert result.bad_tried == 1
    assert result.bad_back_s < 30
    assert result.tenth_tried < 24
