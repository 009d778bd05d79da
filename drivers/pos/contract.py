"""How a charge at the payment terminal ends. Money was taken only where the terminal itself says so.

A charge has a key of ours from the first byte on. What is not known is asked for under that key, never charged anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RefusedBecause(StrEnum):
    """In the payer's terms. Texts: ``pay_refused.<value>``."""

    DECLINED = "declined"
    NO_FUNDS = "no_funds"
    WRONG_PIN = "wrong_pin"
    CARD_EXPIRED = "card_expired"
    CANCELLED = "cancelled"
    """By the payer, at the terminal or on the screen."""
    NO_CARD = "no_card"
    """Nobody presented a card in time."""
    NOT_SENT = "not_sent"
    """The terminal was never told: it was not there, or the line broke before the first byte."""


class Progress(StrEnum):
    """What the terminal waits for meanwhile. Texts: ``paying.<value>``."""

    PRESENT_CARD = "present_card"
    ENTER_PIN = "enter_pin"
    ASKING_BANK = "asking_bank"


@dataclass(frozen=True)
class Approved:
    """Charged. ``fen`` is what was taken, and equals what was asked for: anything else is ``Unknown``."""

    key: str
    fen: int
    terminal: str
    trace: str
    reference: str
    card_masked: str
    at: datetime


@dataclass(frozen=True)
class Refused:
    """Not charged, by the terminal's own word (or provably never told)."""

    key: str
    reason: RefusedBecause


@dataclass(frozen=True)
class NotFound:
    """The terminal has no record of this key: nothing was charged under it, and nothing will be."""

    key: str


@dataclass(frozen=True)
class Unknown:
    """It may have been charged. ``reason`` for the log and the technician."""

    key: str
    reason: str


@dataclass(frozen=True)
class Reversed:
    """Given back, now or by an earlier reversal under the same key."""

    key: str
    at: datetime


SaleResult = Approved | Refused | Unknown
AskResult = Approved | Reversed | Refused | NotFound | Unknown
ReverseResult = Reversed | NotFound | Refused | Unknown


@dataclass(frozen=True)
class JournalEntry:
    """One charge or reversal of a day, as the terminal counts them."""

    key: str
    kind: str
    """sale | reversal"""
    fen: int
    trace: str
    reference: str
    card_masked: str
    at: datetime
