"""The 256-byte text block of a card, in its four layouts, as one value.

UTF-16LE, padded with spaces; the letter at byte 248 tells the layout. Sources: GA 450, GA/T 490 as publicly described,
manuals of reader makers.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from drivers.contract import BadAnswer

TEXT_BYTES = 256


class CardKind(StrEnum):
    RESIDENT = "resident"
    """居民身份证"""
    HMT_PERMIT = "hmt_permit"
    """港澳台居民居住证"""
    FOREIGNER = "foreigner"
    """外国人永久居留身份证, of 2017 and of 2023"""


Sex = Literal["male", "female"]


@dataclass(frozen=True, repr=False)
class CardText:
    """What the card says of its holder. Fields that a kind of card does not have are empty."""

    kind: CardKind
    number: str
    """Upper case, without spaces."""
    birth: date
    valid_from: date
    valid_to: date | None
    """The last day; None for 长期."""
    name_zh: str = ""
    name_en: str = ""
    sex: Sex | None = None
    nation: str = ""
    """The ethnic group as written on the card, 汉."""
    country: str = ""
    """Three letters, of foreigners."""
    address: str = ""
    issuer: str = ""
    """The office's name; on a foreigner's card of 2017 a code of four digits."""
    permit_number: str = ""
    """Of the travel permit behind a residence permit."""

    @property
    def name(self) -> str:
        """In Chinese where the card has it, else in Latin letters."""
        return self.name_zh or self.name_en

    def __repr__(self) -> str:
        return f"CardText({self.kind})"


def decode_text(block: bytes) -> CardText:
    """Raises BadAnswer where the block cannot be a card's: wrong size, broken characters, impossible dates."""
    if len(block) != TEXT_BYTES:
        raise BadAnswer(f"a text block of {len(block)} bytes")
    text = _Block(block)
    match text.letter(248):
        case "":
            card = _resident(text)
        case "J":
            card = _hmt_permit(text)
        case "I":
            card = _foreigner_2017(text)
        case "Y":
            card = _foreigner_2023(text)
        case other:
            raise BadAnswer(f"no layout is known by the letter {other!r}")
    if not card.name or not card.number:
        raise BadAnswer("a card without name or number")
    if card.valid_to is not None and card.valid_to < card.valid_from:
        raise BadAnswer("a card that ends before it begins")
    return card


def _resident(text: _Block) -> CardText:
    return CardText(
        CardKind.RESIDENT,
        name_zh=text.words(0, 30),
        sex=text.sex(30),
        nation=NATIONS.get(text.words(32, 4), ""),
        birth=text.day(36),
        address=text.words(52, 70),
        number=text.code(122, 36),
        issuer=text.words(158, 30),
        valid_from=text.day(188),
        valid_to=text.last_day(204),
    )


def _hmt_permit(text: _Block) -> CardText:
    return CardText(
        CardKind.HMT_PERMIT,
        name_zh=text.words(0, 30),
        sex=text.sex(30),
        birth=text.day(36),
        address=text.words(52, 70),
        number=text.code(122, 36),
        issuer=text.words(158, 30),
        valid_from=text.day(188),
        valid_to=text.last_day(204),
        permit_number=text.code(220, 18),
    )


def _foreigner_2017(text: _Block) -> CardText:
    return CardText(
        CardKind.FOREIGNER,
        name_en=text.words(0, 120),
        sex=text.sex(120),
        number=text.code(122, 30),
        country=text.code(152, 6),
        name_zh=text.words(158, 30),
        valid_from=text.day(188),
        valid_to=text.last_day(204),
        birth=text.day(220),
        issuer=text.code(240, 8),
    )


def _foreigner_2023(text: _Block) -> CardText:
    return CardText(
        CardKind.FOREIGNER,
        name_zh=text.words(0, 30),
        sex=text.sex(30),
        birth=text.day(36),
        # 35 letters, and the 11 that did not fit.
        name_en=text.words(52, 70, more=(220, 22)),
        number=text.code(122, 36),
        valid_from=text.day(188),
        valid_to=text.last_day(204),
        country=text.code(242, 6),
    )


class _Block:
    """The text block, asked for its fields by byte offset and length. Every question raises BadAnswer."""

    def __init__(self, block: bytes) -> None:
        self._block = block

    def words(self, offset: int, length: int, more: tuple[int, int] = (0, 0)) -> str:
        """Text for people: one space between words, whatever the padding. ``more``: where it goes on."""
        return " ".join((self._characters(offset, length) + self._characters(*more)).split())

    def code(self, offset: int, length: int) -> str:
        """Letters and digits."""
        code = self._characters(offset, length).strip().upper()
        if code and not (code.isascii() and code.isalnum()):
            raise BadAnswer(f"no code at byte {offset}")
        return code

    def letter(self, offset: int) -> str:
        return self._characters(offset, 2).strip()

    def sex(self, offset: int) -> Sex | None:
        """GB/T 2261.1; 0 and 9 mean "not known" and "not said"."""
        sexes: dict[str, Sex] = {"1": "male", "2": "female"}
        return sexes.get(self.letter(offset))

    def day(self, offset: int) -> date:
        digits = self._characters(offset, 16)
        # fromisoformat would also take a week date.
        if not (digits.isascii() and digits.isdecimal()):
            raise BadAnswer(f"no date at byte {offset}")
        try:
            return date.fromisoformat(digits)
        except ValueError:
            raise BadAnswer(f"an impossible date at byte {offset}") from None

    def last_day(self, offset: int) -> date | None:
        if self._characters(offset, 16).strip() == "长期":
            return None
        return self.day(offset)

    def _characters(self, offset: int, length: int) -> str:
        try:
            text = self._block[offset : offset + length].decode("utf-16-le")
        except UnicodeDecodeError:
            raise BadAnswer(f"broken characters at byte {offset}") from None
        # Private-use characters stay: rare names are written with them.
        if any(unicodedata.category(character) == "Cc" for character in text):
            raise BadAnswer(f"control characters at byte {offset}")
        return text


_NATION_NAMES = """
    汉 蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 高山 拉祜 水 东乡 纳西 景颇
    柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒 乌孜别克 俄罗斯 鄂温克 德昂 保安 裕固 京
    塔塔尔 独龙 鄂伦春 赫哲 门巴 珞巴 基诺
"""

#: GB/T 3304: the ethnic groups by their code on the card.
NATIONS = {f"{code:02d}": name for code, name in enumerate(_NATION_NAMES.split(), start=1)} | {
    "97": "其他",
    "98": "外国血统中国籍人士",
}
