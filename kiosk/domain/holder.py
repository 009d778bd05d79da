"""The person in front of the machine, and how little of them may be shown.

On paper and on screen names and numbers are masked (PIPL art. 28, 征管法 art. 8). ``repr`` is masked too, so that no
traceback or log line can carry a person.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date


def mask_number(number: str) -> str:
    """``35062219880808003X`` → ``3506**********003X``; a number of fewer than 15 characters keeps only its last two.

    Four and four of a passport's nine would hide nothing.
    """
    if len(number) < 15:
        return "*" * max(0, len(number) - 2) + number[-2:]
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def mask_name(name: str) -> str:
    """``欧阳娜`` → ``欧*娜``, ``李雷`` → ``李*``, ``Maria Lopez`` → ``M**** L****``."""
    name = name.strip()
    if name.isascii():
        return " ".join(word[0] + "*" * (len(word) - 1) for word in name.split())
    if len(name) <= 2:
        return name[:1] + "*" * (len(name) - 1)
    return name[0] + "*" * (len(name) - 2) + name[-1]


@dataclass(frozen=True, repr=False)
class Holder:
    """Who takes the number. ``number`` is the document's own, upper case, without spaces."""

    number: str
    name: str = ""
    birth: date | None = None
    valid_to: date | None = None
    """Last day of the card; None for 长期 (no end) and for a number typed in."""
    from_card: bool = True

    @property
    def masked(self) -> str:
        """``欧*娜 3506**********003X``; the number alone where no name is known."""
        return f"{mask_name(self.name)} {mask_number(self.number)}".strip()

    def expired(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on

    def age(self, on: date) -> int | None:
        """Completed years on a day; None where no birth date is known."""
        if self.birth is None:
            return None
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))

    def reference(self, pepper: bytes) -> str:
        """The hall's handle for this person: HMAC-SHA256, hex. All kiosks of one hall share the pepper (32 bytes)."""
        return hmac.new(pepper, self.number.encode(), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return f"Holder({self.masked})"
