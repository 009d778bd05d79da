"""The rooms whose files take longest go first: four workers take a file at a time, and a long one that begins last is
waited for alone."""

from __future__ import annotations

import pytest

LONGEST_FIRST = ("appliance", "crash", "e2e", "soak", "privacy", "configuration", "simulation", "devices")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def room(item: pytest.Item) -> int:
        parts = item.path.parts
        return next((at for at, name in enumerate(LONGEST_FIRST) if name in parts), len(LONGEST_FIRST))

    items.sort(key=room)
