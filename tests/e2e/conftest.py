"""One hall with one kiosk for each file of tests: starting it takes longer than a visit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from demo.stage import Stage


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage")) as stage:
        yield stage
