"""The technician's card: an application of our own that holds a certificate and a key, and signs for who knows the PIN.

| command | bytes | answer |
|---|---|---|
| select | ``00 A4 04 00`` AID | 9000, or 6A82 on any other card |
| certificate | ``00 CA 7F 21`` | DER, in parts (61xx) |
| tries left | ``00 20 00 81`` without data | 63Cx, 6983 blocked, 9000 already given |
| PIN | ``00 20 00 81`` 8 bytes, ASCII filled up with FF | 9000, 63Cx, 6983 |
| sign | ``00 88 00 00`` challenge of 32 bytes | the signature; 6982 without PIN |

The card signs a challenge of the kiosk's; the key never leaves it. Whether the certificate is one of the hall's
technicians, and in force, is not asked here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.contract import BadAnswer
from drivers.smart_card.apdu import Answer, Command
from drivers.smart_card.connection import Connection

#: F0: nobody's registered number; then the letters TAXKIOSK, and the version of this table.
AID = b"\xf0TAXKIOSK\x01"

CHALLENGE_BYTES = 32
PIN_DIGITS = range(4, 9)

_PIN = 0x81


@dataclass(frozen=True)
class PinAccepted:
    """Until the card loses its power."""


@dataclass(frozen=True)
class PinWrong:
    tries_left: int


@dataclass(frozen=True)
class PinBlocked:
    """Too many wrong ones: only who issued the card can free it."""


class TechnicianCard:
    """The application on one card. Every method raises what ``Connection.exchange`` raises."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def select(self) -> bool:
        """False: a card of another kind."""
        answer = self._connection.exchange(Command(0xA4, 0x04, 0x00, AID))
        if answer.ok:
            return True
        if answer.sw in (0x6A82, 0x6A81, 0x6D00, 0x6E00, 0x6A86):
            return False
        raise BadAnswer(f"select: {answer.meaning}")

    def certificate(self) -> bytes:
        """DER."""
        return self._wanted(self._connection.exchange(Command(0xCA, 0x7F, 0x21, expected=256)), "certificate")

    def tries_left(self) -> int | None:
        """Before the PIN is blocked; None: it was given already."""
        answer = self._connection.exchange(Command(0x20, 0x00, _PIN))
        if not answer.ok and answer.tries_left is None:
            raise BadAnswer(f"tries left: {answer.meaning}")
        return answer.tries_left

    def verify_pin(self, pin: str) -> PinAccepted | PinWrong | PinBlocked:
        """ValueError, and nothing is sent, for what can be no PIN: a slip of the finger costs no try."""
        if not (pin.isascii() and pin.isdigit() and len(pin) in PIN_DIGITS):
            raise ValueError(f"a PIN has {PIN_DIGITS.start} to {PIN_DIGITS.stop - 1} digits")
        answer = self._connection.exchange(Command(0x20, 0x00, _PIN, pin.encode().ljust(8, b"\xff")))
        match answer.tries_left:
            case None if answer.ok:
                return PinAccepted()
            case None:
                raise BadAnswer(f"PIN: {answer.meaning}")
            case 0:
                return PinBlocked()
            case left:
                return PinWrong(left)

    def sign(self, challenge: bytes) -> bytes | None:
        """The card's signature over the challenge; None: it wants the PIN first."""
        if len(challenge) != CHALLENGE_BYTES:
            raise ValueError(f"a challenge has {CHALLENGE_BYTES} bytes")
        answer = self._connection.exchange(Command(0x88, data=challenge, expected=256))
        return None if answer.sw == 0x6982 else self._wanted(answer, "signature")

    @staticmethod
    def _wanted(answer: Answer, what: str) -> bytes:
        if not answer.ok or not answer.data:
            raise BadAnswer(f"{what}: {answer.meaning}")
        return answer.data
