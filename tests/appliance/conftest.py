"""What the tests of the machine share."""

from __future__ import annotations

import pytest

import config
from kiosk.domain.catalogue import Catalogue


@pytest.fixture(scope="session")
def services() -> Catalogue:
    return Catalogue(config.read_services())
