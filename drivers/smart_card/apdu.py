"""Commands to a card and its answers after ISO 7816-4, short form: bytes in, values out, no I/O."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.contract import BadAnswer

LONGEST_DATA = 255
LONGEST_ANSWER = 256

OK = 0x9000


@dataclass(frozen=True)
class Command:
    """``expected``: how many bytes of answer are wanted, 256 for as many as there are; None for none.

    Its data may be a PIN: the repr does not show it.
    """

    ins: int
    p1: int = 0
    p2: int = 0
    data: bytes = b""
    expected: int | None = None
    cla: int = 0

    def encode(self) -> bytes:
        """ValueError when there is more data than the short form takes."""
        if len(self.data) > LONGEST_DATA:
            raise ValueError(f"{len(self.data)} bytes of data; the short form takes {LONGEST_DATA}")
        head = bytes((self.cla, self.ins, self.p1, self.p2))
        body = bytes((len(self.data),)) + self.data if self.data else b""
        tail = b"" if self.expected is None else bytes((self.expected % 256,))
        return head + body + tail

    def __repr__(self) -> str:
        return f"Command({self.ins:02X} {self.p1:02X} {self.p2:02X}, {len(self.data)} bytes)"


@dataclass(frozen=True)
class Answer:
    """What a card answered. ``sw``: its two status bytes as one number."""

    sw: int
    data: bytes = b""

    @property
    def ok(self) -> bool:
        return self.sw == OK

    @property
    def more(self) -> int | None:
        """So many bytes wait to be fetched (61xx; 256 for "at least"); None where none do."""
        return (self.sw & 0xFF or 256) if self.sw >> 8 == 0x61 else None

    @property
    def right_length(self) -> int | None:
        """The command has to be put again with this length (6Cxx)."""
        return (self.sw & 0xFF or 256) if self.sw >> 8 == 0x6C else None

    @property
    def tries_left(self) -> int | None:
        """After a wrong PIN, or when asked without one (63Cx). Blocked is 0."""
        if self.sw == 0x6983:
            return 0
        return self.sw & 0x0F if self.sw & 0xFFF0 == 0x63C0 else None

    @property
    def meaning(self) -> str:
        """For the technician and the log."""
        words = _MEANINGS.get(self.sw) or _FAMILIES.get(self.sw >> 8) or "a status nobody has described"
        return f"{self.sw:04X}: {words}"

    def __repr__(self) -> str:
        return f"Answer({self.meaning}, {len(self.data)} bytes)"


def parse(raw: bytes) -> Answer:
    """Raises BadAnswer where the bytes cannot be an answer: too few, too many, or no status at their end."""
    if not 2 <= len(raw) <= LONGEST_ANSWER + 2:
        raise BadAnswer(f"{len(raw)} bytes are no card's answer")
    sw = int.from_bytes(raw[-2:], "big")
    if sw >> 12 not in (0x6, 0x9):
        raise BadAnswer(f"{sw:04X} is no card's status")
    if sw >> 8 in (0x67, *range(0x69, 0x70)) and len(raw) > 2:
        # An error carries no data (ISO 7816-3, procedure bytes): these are two answers run together, or noise.
        raise BadAnswer(f"{len(raw) - 2} bytes with the error {sw:04X}")
    return Answer(sw, raw[:-2])


_MEANINGS = {
    0x9000: "done",
    0x6300: "a wrong PIN",
    0x6700: "a wrong length",
    0x6982: "the PIN has to be given first",
    0x6983: "the PIN is blocked",
    0x6984: "the key or PIN cannot be used",
    0x6985: "not possible now",
    0x6A80: "wrong data",
    0x6A82: "no such application or file",
    0x6A86: "wrong parameters",
    0x6A88: "no such data",
    0x6D00: "a command it does not know",
    0x6E00: "a class it does not know",
    0x6F00: "it failed and cannot say why",
}
_FAMILIES = {0x61: "more to fetch", 0x63: "a wrong PIN", 0x6C: "a wrong length wanted", 0x65: "its memory fails"}
