"""Below which no release, and no metadata of releases, is believed any more.

The signed files lie beside the store, and a file can be put back: by a power cut, by a copied disk, by whoever has the
machine open. The store is what a kiosk cannot be talked out of, so the numbers stand here.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import text

from kiosk.store.database import Transaction

_GET = text("SELECT floor, metadata FROM release_floor")
_RAISE = text("UPDATE release_floor SET floor = max(floor, :floor)")
_KEEP = text("UPDATE release_floor SET metadata = :metadata")


class RoleFloor(msgspec.Struct, frozen=True):
    """The newest metadata seen of a role, and by whom it had to be signed then (key ids and threshold, hashed): whoever
    had these keys may have counted far ahead, so when the root names others the count begins anew."""

    version: int
    keys: str


class ReleaseFloor:
    """Each method is one transaction. Raises StoreFailed."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def release(self) -> int:
        """No release up to it is ever taken again."""
        with self._transaction(True) as connection:
            return int(connection.execute(_GET).one().floor)

    def raise_release(self, number: int) -> None:
        with self._transaction(False) as connection:
            connection.execute(_RAISE, {"floor": number})

    def metadata(self) -> dict[str, RoleFloor]:
        """By role: root, timestamp, snapshot, targets."""
        with self._transaction(True) as connection:
            return msgspec.json.decode(connection.execute(_GET).one().metadata, type=dict[str, RoleFloor])

    def keep_metadata(self, floors: dict[str, RoleFloor]) -> None:
        with self._transaction(False) as connection:
            connection.execute(_KEEP, {"metadata": msgspec.json.encode(floors).decode()})
