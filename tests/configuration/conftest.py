from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.configuration.office import Kiosk, Mirror, Office, stage


@pytest.fixture
def at_the_hall(tmp_path: Path) -> Iterator[tuple[Office, Mirror, Kiosk]]:
    with stage(tmp_path) as made:
        yield made


@pytest.fixture
def office(at_the_hall: tuple[Office, Mirror, Kiosk]) -> Office:
    return at_the_hall[0]


@pytest.fixture
def mirror(at_the_hall: tuple[Office, Mirror, Kiosk]) -> Mirror:
    return at_the_hall[1]


@pytest.fixture
def kiosk(at_the_hall: tuple[Office, Mirror, Kiosk]) -> Kiosk:
    return at_the_hall[2]
